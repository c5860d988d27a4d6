"""Exports of frames: equal content in each format, and text that nothing runs."""

import csv
import json

import pandas as pd
import pytest

from attnbench.analysis.frame.frames import build
from attnbench.errors import UserError
from attnbench.report.export.frames import FORMATS, export

FRAME = pd.DataFrame(
    {
        "label": ["=1+1", 'a_b & 50 % "<x>\\'],
        "label_key": [object(), object()],
        "macs": pd.array([10**9, None], dtype="Int64"),
        "latency_s": [1.5e-3, None],
        "empty": [None, None],
    }
)


def test_csv_has_no_formulas_and_leaves_empty_what_was_not_measured(tmp_path):
    export(FRAME, tmp_path / "a.csv", "csv")
    with (tmp_path / "a.csv").open() as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["label", "macs", "latency_s"]
    assert rows[1] == ["'=1+1", "1000000000", "0.0015"]
    assert rows[2][1:] == ["", ""]


def test_json_is_strict_and_has_null(tmp_path):
    export(FRAME, tmp_path / "a.json", "json")
    rows = json.loads((tmp_path / "a.json").read_text(), parse_constant=pytest.fail)
    assert rows[0] == {"label": "=1+1", "macs": 10**9, "latency_s": 0.0015}
    assert rows[1]["macs"] is None


def test_latex_is_in_units_for_reading_and_escaped(tmp_path):
    export(FRAME, tmp_path / "a.tex", "latex")
    text = (tmp_path / "a.tex").read_text()
    assert r"=1+1 & 1 & 1.5 \\" in text
    assert (
        r"a\_b \& 50 \% \textquotedbl{}\textless{}x\textgreater{}\textbackslash{} & -- & --" in text
    )
    assert r"MACs (GMACs)" in text


def test_parquet_keeps_types_intervals_and_what_is_missing(tmp_path, layer, model, epoch):
    pytest.importorskip("pyarrow", reason="the extra `parquet` is not installed")
    failed = layer("dense", 14, status="failed", reason='"=1+1\n')
    sizes = [layer("anchor", 14, options={"num_anchors": n}) for n in (10, 30)]
    frames = build([failed, *sizes, layer("window", 14), model(), epoch(1)])
    for frame in (frames.layers, frames.models, frames.epochs):
        export(frame, tmp_path / "a.parquet", "parquet")
        back = pd.read_parquet(tmp_path / "a.parquet")
        own = frame[list(back)]
        assert set(frame) - set(back) == {
            name for name in frame if name.endswith("_key") or frame[name].isna().all()
        }
        assert kinds(back) == kinds(own)
        pd.testing.assert_frame_equal(back, own, check_dtype=False)
    assert (
        frames.layers["latency_low_s"].isna().tolist() == frames.layers["status"].ne("ok").tolist()
    )


def kinds(frame):
    """The type of each column; texts are kept in several ways that read alike."""
    return [pd.api.types.infer_dtype(column, skipna=True) for _, column in frame.items()]


def test_a_column_of_several_types_is_text_in_parquet(tmp_path):
    pytest.importorskip("pyarrow", reason="the extra `parquet` is not installed")
    mixed = FRAME.assign(rank=pd.Series([8, "all"], dtype=object))
    export(mixed, tmp_path / "a.parquet", "parquet")
    assert pd.read_parquet(tmp_path / "a.parquet")["rank"].tolist() == ["8", "all"]


def test_an_unknown_format_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"--format: expected one of csv, json, parquet, latex"):
        export(FRAME, tmp_path / "a", "xlsx")


@pytest.mark.parametrize("file_format", [one for one in FORMATS if one != "parquet"])
def test_a_frame_without_rows_is_a_file_without_rows(tmp_path, file_format):
    export(FRAME.iloc[:0], tmp_path / "a", file_format)
    assert (tmp_path / "a").stat().st_size < 300
