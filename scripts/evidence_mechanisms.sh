#!/usr/bin/env bash
# All mechanisms side by side: what they cost at three sizes, and how they train in one trunk.
#
#   bash scripts/evidence_mechanisms.sh DATA         (train/ and val/, with a folder a class in each)
#   python scripts/mechanisms_page.py FILE...        (draws what there is into docs/mechanisms.md)
#
# First the costs are measured, then one training a mechanism. Call it again after it was stopped: the
# sweep measures what is missing in its file, a training that has ended is left alone, and one that was
# stopped goes on. A mechanism that cannot stand in the trunk is named and passed over. Each training
# has a folder of its own in OUT (results/runs/mechanisms).
#
# You may set EPOCHS (2), SEED (0), IMG_SIZE (32), A_CLASS (300: training images of each class, the
# first by name), HELD_OUT (200: the same of those that are scored), THREADS (1), JOBS (1: trainings at
# a time), DEVICE (auto), N_TOKENS (196,1024,4096), TIME_BUDGET (2: seconds of sampling a cell), and
# ONLY ("dense anchor", say; all).
set -euo pipefail
cd "$(dirname "$0")/.."
data="$(realpath "${1:?usage: bash scripts/evidence_mechanisms.sh DATA}")"
export OUT="${OUT:-results/runs/mechanisms}" PYTHON="${PYTHON:-.venv/bin/python}"
names="$("$PYTHON" -c 'from attnbench.registry import ATTENTIONS; print(*ATTENTIONS.names())')"
names="${ONLY:-$names}"

# costs NAMES [OPTION]...: measure layers, forward and in a training step.
costs() {
    "$PYTHON" cli.py sweep --attention "$1" --n-tokens "${N_TOKENS:-196,1024,4096}" \
        --mode forward,train --time-budget "${TIME_BUDGET:-2}" --device "${DEVICE:-auto}" \
        --threads "${THREADS:-1}" --out "$OUT/layers.jsonl" "${@:2}"
}

# AutoFormer's reference holds a vector for each pair of tokens: 13 GB at 4,096. It is measured by its
# other form alone.
most="$(tr ' ' '\n' <<<"$names" | grep -vx autoformer | paste -sd, || true)"
[ -z "$most" ] || costs "$most"
[[ " $names " != *" autoformer "* ]] || costs autoformer --impl decomposed

export IMAGES="$OUT/images/$(basename "$data")-${A_CLASS:-300}-a-class"
bash scripts/some_images.sh "$data" "$IMAGES" "${A_CLASS:-300}" "${HELD_OUT:-200}"

# training NAME: train it, or go on with it, unless it has ended.
training() {
    local folder="$OUT/$1" resume=()
    [ ! -e "$folder/trained" ] || return 0
    compgen -G "$folder/checkpoints/*/last.pt" >/dev/null && resume=(--resume)
    if "$PYTHON" cli.py train pyramid-t --attention "$1" --data "$IMAGES" --batch-size 64 \
        --img-size "${IMG_SIZE:-32}" --seed "${SEED:-0}" --epochs "${EPOCHS:-2}" \
        --device "${DEVICE:-auto}" --threads "${THREADS:-1}" "${resume[@]}" \
        --out "$folder/train.jsonl"; then
        touch "$folder/trained"
    else
        echo "$1 was not trained: see above. Call this again to try it again." >&2
    fi
}
export -f training
tr ' ' '\n' <<<"$names" | xargs -P "${JOBS:-1}" -I {} bash -euo pipefail -c 'training {}'
echo "The queue has ended. Its records: $OUT/*.jsonl $OUT/*/train.jsonl"
