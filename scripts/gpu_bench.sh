#!/usr/bin/env bash
# Measures on a GPU, in under 8 minutes: the kernels beside eager code and FlashAttention, every
# implementation at 4,096 tokens, two sweeps, and training steps of models. Needs torch >= 2.11 and
# triton. It was written without a GPU and has never been run.
#
#   bash scripts/gpu_bench.sh             (in a checkout with .venv, see `make test`)
#   PYTHON=python3 bash scripts/gpu_bench.sh      (with the packages installed already)
#
# Records are appended to results/measured/<device>-<torch>-<dtype>.jsonl. `make gpu-test` runs the
# tests that need a GPU, scripts/train_tables.sh the trainings.
set -euo pipefail
cd "$(dirname "$0")/.."
python="${PYTHON:-.venv/bin/python}"

device=$("$python" - <<'PY'
import re, sys, torch
if not torch.cuda.is_available():
    sys.exit("gpu_bench: torch sees no CUDA GPU here")
print(re.sub(r"[^a-z0-9]+", "-", torch.cuda.get_device_name().lower()).strip("-") + "-torch"
      + torch.__version__.partition("+")[0])
PY
)
measured="results/measured/$device"

"$python" scripts/bench_kernels_gpu.py --out "results/measured/$device-kernels.json"
"$python" cli.py ceilings --device cuda --dtype bfloat16 --out "$measured-bfloat16.jsonl"
"$python" cli.py profile --device cuda --impl best --n-tokens 4096 --anchors 30 --dtype bfloat16 \
    --batch 8 --dim 384 --heads 6 --energy --out "$measured-bfloat16.jsonl"
for mode in forward train; do
    "$python" cli.py sweep --device cuda --resolutions 224,512,1024 --anchors 30 --dtype bfloat16 \
        --batch 8 --dim 384 --heads 6 --mode "$mode" --impl best --time-budget 0.3 \
        --out "$measured-bfloat16.jsonl"
done
"$python" scripts/bench_models.py anchorformer-s deit-s swin-t --batch 64 --dtype bfloat16 \
    --device cuda --out "$measured-bfloat16.jsonl"
