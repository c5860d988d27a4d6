#!/usr/bin/env bash
# Everything that needs a GPU: tests, profile, sweeps, and a training, in about 15 minutes.
#
#   bash scripts/gpu_bench.sh             (in a checkout with .venv, see `make test`)
#   PYTHON=python3 bash scripts/gpu_bench.sh      (with the packages installed already)
#
# Records are appended to results/measured/<device>-<torch>-<dtype>.jsonl. DATA may name a folder of
# images (train/ and val/) to train on; without it the embedded digits are used.
set -euo pipefail
cd "$(dirname "$0")/.."
python="${PYTHON:-.venv/bin/python}"
data="${DATA:-digits}"
epochs="${EPOCHS:-30}"

device=$("$python" - <<'PY'
import re, sys, torch
if not torch.cuda.is_available():
    sys.exit("gpu_bench: torch sees no CUDA GPU here")
print(re.sub(r"[^a-z0-9]+", "-", torch.cuda.get_device_name().lower()).strip("-") + "-torch"
      + torch.__version__.partition("+")[0])
PY
)
measured="results/measured/$device"

"$python" -m pytest -q -m gpu
"$python" cli.py doctor --device cuda
for dtype in bfloat16 float32; do
    "$python" cli.py profile --device cuda --n-tokens 4096 --anchors 30 --dtype "$dtype" \
        --batch 8 --dim 384 --heads 6 --out "$measured-$dtype.jsonl"
    "$python" cli.py ceilings --device cuda --dtype "$dtype" --out "$measured-$dtype.jsonl"
    for mode in forward train; do
        "$python" cli.py sweep --device cuda --resolutions 224,384,512,768,1024 \
            --anchors 10,30,50,100 --dtype "$dtype" --batch 8 --dim 384 --heads 6 --mode "$mode" \
            --time-budget 0.5 --energy --out "$measured-$dtype.jsonl"
    done
done
"$python" cli.py train anchorformer-t --device cuda --data "$data" --epochs "$epochs" \
    --out "$measured-bfloat16.jsonl"
for attention in dense window sparse; do
    "$python" cli.py train pyramid-t --attention "$attention" --device cuda --data "$data" \
        --epochs "$epochs" --out "$measured-bfloat16.jsonl"
done
"$python" cli.py report "results/measured" --out report
