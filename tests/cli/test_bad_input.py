"""Bad input is refused in one line that names it, with exit code 2."""

import pytest

BAD = {
    "no tokens": (["profile", "--n-tokens", 0], "--n-tokens: expected a whole number from 1"),
    "a prime": (["profile", "--n-tokens", 4099], "nearest that have one: 4096"),
    "not a number": (["profile", "--n-tokens", "many"], "a whole number"),
    "heads": (["profile", "--heads", 5], "192 is no multiple of 5"),
    "no heads": (["profile", "--heads", 0], "--heads: expected a whole number from 1"),
    "no anchors": (["profile", "--anchors", 0], "--anchors: expected a whole number from 1"),
    "many anchors": (["sweep", "--anchors", 10**11], "--anchors: expected"),
    "anchors twice": (["sweep", "--anchors", 9, "--sweep", "num_anchors=9"], "give only one"),
    "no value": (["sweep", "--sweep", "window_size"], "--sweep takes NAME=VALUE"),
    "swept twice": (["sweep", "--sweep", "a=1", "--sweep", "a=2"], "--sweep a is given twice"),
    "nobody's": (["sweep", "--sweep", "rank=8"], "--sweep rank: none of dense, window"),
    "swept text": (["sweep", "--sweep", "window_size=big"], "--sweep window_size: expected"),
    "option": (["profile", "--option", "rank=8"], "--option rank: none of dense, window"),
    "option size": (["profile", "--option", "window_size=1e99"], "--option window_size: expected"),
    "model name": (["profile", "--model", "vit-tt"], "did you mean vit-t"),
    "no model": (["sweep", "--models", ","], "--model needs at least one name"),
    "both": (["profile", "--model", "vit-t", "--attention", "dense", "--dim", 5],
             "--attention, --dim: only for attention layers"),
    "classes": (["profile", "--num-classes", 10], "--num-classes needs --model"),
    "one class": (["profile", "--model", "vit-t", "--num-classes", 0], "--num-classes: expected"),
    "model size": (["profile", "--model", "vit-t", "--img-size", 0], "--img-size: expected"),
    "seed": (["profile", "--seed", -1], "--seed: expected a whole number from 0"),
    "huge": (["profile", "--n-tokens", 10**15], "--n-tokens: expected"),
    "huge image": (["profile", "--resolution", 10**15], "--img-size: expected"),
    "endless": (["profile", "--time-budget", "inf"], "--time-budget: expected a number above 0"),
    "two batches": (["profile", "--batch", "1,2"], "`attnbench sweep` takes several"),
    "dims": (["sweep", "--dim", "96,100", "--heads", "3,5"],
             "96 is no multiple of 5; 100 is no multiple of 3"),
    "no batch": (["profile", "--batch", 0], "--batch: expected a whole number from 1"),
    "attention": (["profile", "--attention", "densee"], "did you mean dense"),
    "no attention": (["profile", "--attention", ","], "at least one name"),
    "dtype": (["profile", "--dtype", "float31"], "--dtype must be one of float32"),
    "mode": (["profile", "--mode", "sideways"], "--mode must be one of forward, backward"),
    "device": (["profile", "--device", "tpu"], "--device must be auto, cpu or cuda"),
    "resolution": (["profile", "--resolution", 225], "nearest: 224 or 240"),
    "resolution text": (["profile", "--resolution", "wide"], "224 or 512x2048"),
    "both sizes": (["profile", "--resolution", 224, "--n-tokens", 196], "exclude each other"),
    "plugin": (["list", "--plugin", "missing.py"], "no such file"),
    "list": (["list", "colours"], "expected one of attentions, models, datasets"),
    "sweep": (["sweep", "--anchors", "ten"], "--anchors: expected a whole number"),
    "model": (["train", "anchorformr-s"], "did you mean anchorformer-s"),
    "fixed": (["train", "anchorformer-t", "--attention", "dense"], "pyramid-t"),
    "no set": (["data", "digit"], "did you mean digits"),
    "no folder": (["data", "no/where"], "no/where: expected a folder"),
    "data": (["train", "anchorformer-t", "--data", "digit"], "did you mean digits"),
    "folder": (["train", "anchorformer-t", "--data", "no/where"], "no/where"),
    "epochs": (["train", "anchorformer-t", "--epochs", 0], "--epochs: expected a whole"),
    "lr": (["train", "anchorformer-t", "--lr", 0], "--lr: expected a number above 0"),
    "size": (["train", "anchorformer-t", "--img-size", 2], "--img-size must be at least 8"),
    "window in deit": (["train", "deit-t", "--attention", "window"], "vit-t"),
    "anchors of dense": (["train", "pyramid-t", "--anchors", 5], "no option num_anchors"),
    "option of dense": (["train", "pyramid-t", "--option", "rank=8"],
                        "'dense' has no option rank; it has"),
    "option of none": (["train", "timm-levit-128", "--img-size", 224, "--option", "rank=8"],
                       "has no option rank"),
    "option text": (["train", "pyramid-t", "--option", "rank"], "NAME=VALUE, such as rank=8; got"),
    "option value": (["train", "pyramid-t", "--option", "rank="], "got 'rank='"),
    "option name": (["train", "pyramid-t", "--option", "=8"], "got '=8'"),
    "checkpoint": (["evaluate", "missing.pt"], "expected a checkpoint"),
    "judge neither": (["evaluate"], "with --predictions, got neither"),
    "judge both": (["evaluate", "a.pt", "--predictions", "b.json"], "with --predictions, got both"),
    "results without data": (["evaluate", "--predictions", "b.json"], "choose it with --data"),
    "no results": (["evaluate", "--predictions", "b.json", "--data", "x"], "cannot read b.json"),
    "other task": (
        ["evaluate", "--predictions", "b.json", "--data", "x", "--task", "segmentation"],
        "a COCO result file of boxes, --task is segmentation",
    ),
    "images": (["evaluate", "a.pt", "--save-images", -1], "--save-images: expected a whole number"),
    "paths": (["report", "missing.jsonl"], "missing.jsonl"),
    "timeout": (["sweep", "--timeout", 0], "--timeout: expected a number above 0"),
    "budget": (["profile", "--time-budget", 0], "--time-budget: expected a number above 0"),
    "no records": (["report"], "run `attnbench profile` or `attnbench train`"),
    "cost": (["report", "empty", "--cost", "money"], "money"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_line_and_exit_code_2(case, attnbench):
    arguments, expected = BAD[case]
    code, out, err = attnbench(*arguments)
    assert code == 2
    assert expected in err
    assert err.strip().count("\n") == 0
    assert "Traceback" not in err + out


def test_a_broken_results_file_is_named_and_left_as_it_is(attnbench, tmp_path):
    file = tmp_path / "notes.jsonl"
    file.write_text("these are\nno records\n")
    code, _, err = attnbench("report", file)
    assert code == 2
    assert "notes.jsonl holds no readable record" in err
    assert file.read_text() == "these are\nno records\n"


def test_a_checkpoint_of_something_else_is_refused(attnbench, tmp_path):
    import torch

    torch.save({"weights": torch.zeros(3)}, tmp_path / "other.pt")
    code, _, err = attnbench("evaluate", "other.pt")
    assert code == 2
    assert "other.pt" in err


def test_a_corrupt_image_is_named(attnbench, folder):
    (folder / "train/dark/3.png").write_bytes(b"not a picture")
    code, _, err = attnbench("train", "anchorformer-t", "--data", folder)
    assert code == 2
    assert "3.png" in err
