#!/usr/bin/env bash
# All mechanisms side by side: what they cost at three sizes, and how they train in one trunk.
#
#   bash scripts/evidence_mechanisms.sh DATA      (a folder with train/ and val/, or a known set)
#
# The sweep measures what is missing in its file. A training that has ended is left alone, one that
# was stopped goes on: call it again until it says that all is done. Each training has a folder of its
# own in OUT (results/runs/mechanisms). A mechanism that cannot stand in the trunk is named and
# passed over.
# You may set EPOCHS (2), SEED (0), IMG_SIZE (32), THREADS (auto) and DEVICE (auto).
set -euo pipefail
cd "$(dirname "$0")/.."
data="${1:?usage: bash scripts/evidence_mechanisms.sh DATA}"
out="${OUT:-results/runs/mechanisms}"
attnbench=("${PYTHON:-.venv/bin/python}" cli.py)
where=(--device "${DEVICE:-auto}" --threads "${THREADS:-auto}")
names="$("${PYTHON:-.venv/bin/python}" -c \
    'from attnbench.registry import ATTENTIONS; print(*ATTENTIONS.names(), sep="\n")')"

"${attnbench[@]}" sweep --attention "$(paste -sd, <<<"$names")" --n-tokens 196,1024,4096 \
    --mode forward,train "${where[@]}" --out "$out/layers.jsonl"

skipped=()
for name in $names; do
    folder="$out/$name" resume=()
    [ -e "$folder/trained" ] && continue
    compgen -G "$folder/checkpoints/*/last.pt" >/dev/null && resume=(--resume)
    if "${attnbench[@]}" train pyramid-t --attention "$name" --data "$data" \
        --img-size "${IMG_SIZE:-32}" --seed "${SEED:-0}" --epochs "${EPOCHS:-2}" \
        "${where[@]}" "${resume[@]}" --out "$folder/train.jsonl"; then
        touch "$folder/trained"
    else
        skipped+=("$name")
    fi
done
echo "All mechanisms are done${skipped:+, but for ${skipped[*]}}. Their records are in $out."
