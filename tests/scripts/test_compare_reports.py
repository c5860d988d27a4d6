"""The script that compares two reports finds every changed number, and nothing else."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))
from compare_reports import differences

HEAD = "label,attention,latency_s,anchors,key\n"


def folder(path, text):
    path.mkdir()
    (path / "layers.csv").write_text(text, encoding="utf-8")
    return path


def test_renamed_columns_reworded_labels_and_keys_are_no_difference(tmp_path):
    old = folder(tmp_path / "old", HEAD + "a (x),anchor,0.1,10,k1\nb,dense,0.2,,k2\n")
    new = "label,attention,latency_s,num_anchors,key\na-10,anchor,0.10000000000000001,10,l1\n"
    new += "b,dense,0.2,,l2\n"
    assert list(differences(old, folder(tmp_path / "new", new))) == []


def test_changed_numbers_lost_columns_and_lost_rows_are(tmp_path):
    old = folder(tmp_path / "old", HEAD + "a,anchor,0.1,10,k1\nb,dense,0.2,,k2\n")
    changed = "label,attention,latency_s,key\na,anchor,0.1,k1\nb,dense,0.3,k2\n"
    assert list(differences(old, folder(tmp_path / "changed", changed))) == [
        "layers.csv:3 latency_s: '0.2', then '0.3'",
        "layers.csv: column anchors is gone",
    ]
    shorter = folder(tmp_path / "shorter", HEAD + "a,anchor,0.1,10,k1\n")
    assert list(differences(old, shorter)) == ["layers.csv: 2 rows, then 1"]
