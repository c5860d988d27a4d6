#!/usr/bin/env bash
# Attentions in a detector and in a segmenter: one trunk, one head, one recipe for each figure.
#
#   bash scripts/evidence_dense.sh FOLDER        (holds bccd/ and camvid11/)
#
# A row that has ended is left alone, one that was stopped goes on: call it again until it says that
# all is done. Every row has a folder of its own in OUT (results/runs/dense), with its records.
# You may set BCCD_EPOCHS (20), CAMVID_EPOCHS (12), THREADS (auto) and DEVICE (auto). The test images
# are scored once, at the end of a row.
set -euo pipefail
cd "$(dirname "$0")/.."
data="${1:?usage: bash scripts/evidence_dense.sh FOLDER}"
out="${OUT:-results/runs/dense}"
attnbench=("${PYTHON:-.venv/bin/python}" cli.py)
where=(--device "${DEVICE:-auto}" --threads "${THREADS:-auto}")
void=(--mask-ignore 11) # of CamVid: pixels that nobody labelled

# row NAME ARGUMENTS...: train what the arguments say, then score it on the test images.
row() {
    local folder="$out/$1" resume=()
    if [ ! -e "$folder/trained" ]; then
        compgen -G "$folder/checkpoints/*/last.pt" >/dev/null && resume=(--resume)
        "${attnbench[@]}" train "${@:2}" "${where[@]}" "${resume[@]}" --out "$folder/train.jsonl"
        touch "$folder/trained"
    fi
    [ -e "$folder/test.jsonl" ] || "${attnbench[@]}" evaluate "$folder"/checkpoints/*/last.pt \
        --split test "${where[@]}" "${void[@]}" --out "$folder/test.jsonl"
}

detector() {
    row "bccd-$1-seed$2" picodet-s "${@:3}" --data "$data/bccd" --img-size 256 --seed "$2" \
        --epochs "${BCCD_EPOCHS:-20}"
}

segmenter() {
    row "camvid11-$1-seed$2" pyramid-seg-t --attention "$1" --data "$data/camvid11" \
        --img-size 192x256 --seed "$2" --epochs "${CAMVID_EPOCHS:-12}" "${void[@]}"
}

for attention in anchor dense window sparse; do
    detector "$attention" 0 --attention "$attention"
done
detector convolutions 0
for attention in anchor dense window sparse; do
    segmenter "$attention" 0
done
for seed in 1 2; do
    for attention in anchor dense; do
        detector "$attention" "$seed" --attention "$attention"
    done
done
echo "All rows are done. Their records: cat $out/*/*.jsonl"
