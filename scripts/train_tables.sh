#!/usr/bin/env bash
# The trainings of tables 4 and 5: four mechanisms and four anchor counts in trunk T, one recipe.
#
#   bash scripts/train_tables.sh DATA            (a folder with train/ and val/, or a known set)
#
# You may set SEEDS (0 1 2), EPOCHS (5), IMG_SIZE (64), OUT (results/runs/tables.jsonl), DEVICE (auto)
# and JOBS (1; trainings at a time). Seeds run one after another, so that a run that is cut short has
# as many of each row.
set -euo pipefail
cd "$(dirname "$0")/.."
data="${1:?usage: bash scripts/train_tables.sh DATA}"
python="${PYTHON:-.venv/bin/python}"
rows="dense
dense-shared-qk
anchor-select --anchors 30
anchor --anchors 30
anchor --anchors 10
anchor --anchors 50
anchor --anchors 100"

for seed in ${SEEDS:-0 1 2}; do
    while read -r row; do echo "--attention $row --seed $seed"; done <<<"$rows"
done | xargs -P "${JOBS:-1}" -I{} sh -c '"$@" $0' {} \
    "$python" cli.py train pyramid-t --data "$data" --img-size "${IMG_SIZE:-64}" \
    --epochs "${EPOCHS:-5}" --device "${DEVICE:-auto}" \
    --out "${OUT:-results/runs/tables.jsonl}"
