"""Values for the options of random command lines: sensible ones by name, and hostile ones."""

SENSIBLE = {
    "absolute": ["0", "1e-6", "0.5"],
    "after": ["results/runs/after.jsonl", "results/runs/profile.jsonl", "results/runs"],
    "anchors": ["2", "5,10", "30"],
    "attention": ["dense", "dense,anchor", "window", "sparse,dense", "anchor"],
    "batch": ["1", "2", "1,2"],
    "batch_size": ["1", "4", "64"],
    "before": ["results/runs/profile.jsonl", "results/runs"],
    "cache": ["auto", "cold", "warm"],
    "checkpoint": ["results/runs/checkpoints/small/last.pt"],
    "cost": ["macs", "latency", "memory", "params"],
    "data": ["images", "synthetic", "./images"],
    "device": ["auto", "cpu"],
    "dim": ["24", "12,24", "192"],
    "dtype": ["float32", "bfloat16", "float32,float16"],
    "epochs": ["1", "2"],
    "fail_on": ["slower", "broken,missing", "changed"],
    "heads": ["1", "3", "1,3"],
    "images": ["images"],
    "img_size": ["8", "16", "17"],
    "impl": ["reference", "sdpa", "best", "reference,folded"],
    "lr": ["0.001", "1e-5"],
    "mode": ["forward", "train", "forward,backward"],
    "model": ["fuzz-small"],
    "n_tokens": ["16", "64", "16,64", "196"],
    "num_classes": ["2", "10", "1000"],
    "option": ["qkv_bias=false", "num_anchors=5"],
    "out": ["results/runs/new.jsonl", "results/runs/profile.jsonl", "new/deep/file.jsonl"],
    "patch": ["4", "16"],
    "paths": ["results/runs", "results/runs/profile.jsonl", "results/runs/train.jsonl"],
    "plugin": ["good_plugin.py"],
    "precision": ["0.01", "0.5"],
    "relative": ["0", "0.05", "1"],
    "resolution": ["32", "32,64", "32x64"],
    "results": ["results/runs", "results/runs/train.jsonl"],
    "seed": ["0", "1", "0,1"],
    "sweep": ["window_size=2,7", "num_anchors=3,9"],
    "threads": ["1", "auto"],
    "time_budget": ["0.1", "2"],
    "timeout": ["10", "300"],
    "timm": ["deit*", "resnet1*", "zzz"],
    "what": ["attentions", "models", "datasets", "tasks", "impls", "table1", "table4", "fig5"],
}
"""By the name of an option or argument. `{command}_{name}` goes before `{name}`."""

SENSIBLE |= {
    "list_what": ["attentions", "models", "datasets", "tasks", "impls"],
    "profile_model": ["fuzz-small", "deit-t", "fuzz-small,pyramid-t"],
    "sweep_model": ["fuzz-small", "deit-t"],
    "predict_n_tokens": ["16", "100", "4096"],
    "report_out": ["report", "new/report"],
    "reproduce_out": ["results/runs", "new/paper"],
    "reproduce_what": ["table1", "table4", "table5", "fig5", "claims"],
    "train_option": ["num_anchors=5", "qkv_bias=true"],
    "train_seed": ["0", "3"],
}

NUMBERS = [
    "0", "-1", "-0", "1", "7", "13", "1e3", "0.5", "-0.5", "1e-300", "1e300", "1e400", "inf",
    "-inf", "nan", "NaN", "2147483647", "2147483648", "9223372036854775807",
    "9223372036854775808", "1000000", "1" + "0" * 30, "9" * 5000, "0x10", "1_000", "²", "１２", "٣",
    "+1", " 1 ", "1,", ",1", "1,,2", "1,1", "1;2", "1-5", "-5-", "1e", "--1", "1.", ".5", "0" * 50,
]  # fmt: skip
TEXTS = [
    "", " ", ",", "=", "x=", "=x", "x=1", "a=b=c", "dense,", "Dense", "dense dense", "dense,dense",
    "nan=nan", "ünïcödé", "日本語", "🦊", "a\u202eb", "\ufeff", "\x1b[31mred\x1b[0m",
    "\x07", "\x7f", "\x9b31m",
    "a\nb", "a\tb", "\r", "%s%n", "{}", "{0}", "[bold]x[/bold]", "[/]", "$(id)", "`id`", "'",
    '"', "\\",
    "<script>alert(1)</script>", "results/..", "A" * 5000, "é" * 300, "a," * 2000, "timm:", "timm:zzz",
    "timm:../x", "None", "true", "null", "-", "--", "-x", "--help", "\udcff\udcfe",
]  # fmt: skip
# Nothing above the folder of the test: what else is on the machine is not to be read.
PLACES = [
    ".", "images/..", "./", "/dev/null", "/dev/full", "/dev/zero", "/proc/self/mem", "missing",
    "missing/x.jsonl",
    "results", "results/runs", "results/runs/profile.jsonl", "results/runs/torn.jsonl",
    "empty.jsonl",
    "folder.jsonl", "dangling.jsonl", "loop.jsonl", "pipe.jsonl", "pipe", "locked.jsonl",
    "results/runs/checkpoints/small/last.pt", "images", "images/train/cat/0.png", "good_plugin.py",
    "broken_plugin.py", "noisy_plugin.py", "leaving_plugin.py", "a b.jsonl",
    "name\nwith\x1b[31m.jsonl",
    "x" * 300, "x" * 300 + "/y.jsonl", "y/" * 3000, "~", "~nobody/x", "no\x00thing", "utf16.jsonl",
    "file.txt/below.jsonl", "file.txt", "text.pt", "json", "results/runs/",
]  # fmt: skip
HOSTILE = [*NUMBERS, *TEXTS, *PLACES]
