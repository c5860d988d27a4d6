"""The file that `attnbench explain` leaves: what was written is read, and all else is refused."""

import base64
import json
import os

import pytest
from explanations import COUNT, encoded, explanation

from attnbench.errors import UserError
from attnbench.records.explanation import FILE, FORMAT, MOST_BYTES, newest, read, write

EMPTY = json.dumps(
    {"format": FORMAT, "version": 1, "models": [], "pictures": []}
    | dict.fromkeys(("created", "data", "boxes_are", "shares_are"), "")
)


def test_what_is_written_is_read(tmp_path):
    write(tmp_path / FILE, explanation())
    assert read(tmp_path / FILE) == explanation()


@pytest.mark.parametrize(
    ("where", "value"),
    [
        (["format"], "attnbench checkpoint"),
        (["version"], 2),
        (["models"], []),
        (["models", 0, "label"], None),
        (["models", 0, "inside", "energy", "low"], float("nan")),
        (["pictures", 0, "jpeg"], encoded(b"<svg onload=alert(1)>")),
        (["pictures", 0, "jpeg"], "no base64!"),
        (["pictures", 0, "size"], [0, 60]),
        (["pictures", 0, "maps"], []),
        (["pictures", 0, "maps", 0, "values"], encoded(bytes(COUNT - 1))),
        (["pictures", 0, "maps", 0, "detected"], [1.0]),
        (["pictures", 0, "tokens", 0, "values"], encoded(bytes(COUNT))),
        (["pictures", 0, "tokens", 0, "largest"], [0.5]),
        (["data"], "x" * MOST_BYTES),
    ],
)
def test_what_cannot_be_drawn_is_refused(tmp_path, where, value):
    write(tmp_path / FILE, explanation())
    content = json.loads((tmp_path / FILE).read_text())
    part = content
    for step in where[:-1]:
        part = part[step]
    part[where[-1]] = value
    (tmp_path / FILE).write_text(json.dumps(content))
    with pytest.raises(UserError, match="run it again"):
        read(tmp_path / FILE)


@pytest.mark.parametrize("content", ["", "[]", "[" * 10**5, '{"format": 1}', EMPTY])
def test_another_file_is_refused(tmp_path, content):
    (tmp_path / FILE).write_text(content)
    with pytest.raises(UserError, match="expected what `attnbench explain` leaves"):
        read(tmp_path / FILE)


def test_pictures_are_base64_of_jpeg():
    assert base64.b64decode(explanation().pictures[0].jpeg).startswith(b"\xff\xd8")


def test_the_newest_below_the_results_is_taken(tmp_path):
    assert newest([tmp_path]) is None
    for age, folder in enumerate(("explain", "explain/later", "explain/old")):
        (tmp_path / folder).mkdir()
        file = tmp_path / folder / FILE
        file.write_text("")
        os.utime(file, (age % 2, age % 2))
    (tmp_path / "explain/broken").mkdir()
    (tmp_path / "explain/broken" / FILE).symlink_to("nothing")
    expected = tmp_path / "explain/later" / FILE
    assert newest([tmp_path]) == expected
    assert newest([tmp_path / "train.jsonl", tmp_path / "none"]) == expected
