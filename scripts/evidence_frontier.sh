#!/usr/bin/env bash
# Accuracy against cost: eleven rows in one trunk, on two sets of images, under one recipe.
#
#   bash scripts/evidence_frontier.sh FOLDER         (holds cifar10/ and imagenette128/)
#   python scripts/frontier_page.py FILE...          (draws what there is into docs/frontier.md)
#
# Both sets have train/ and val/, with a folder a class in each. Call it again after it was stopped:
# runs that have ended are passed over, and one that was stopped goes on. Seeds run one after another,
# so that a queue that is cut short has as many of each row. `attnbench runs OUT` shows what is done.
# Two calls with THREADS=1, one with SETS=cifar10 and one with SETS=imagenette128, use two cores well.
#
# You may set OUT (results/runs/frontier), EPOCHS (2), SEEDS (0,1,2), SETS ("cifar10 imagenette128"),
# A_CLASS (1000: training images of each class, the first by name), THREADS (auto), DEVICE (auto) and
# CIFAR_SIZE (32), IMAGENETTE_SIZE (64). All held-out images are scored, after each epoch.
set -euo pipefail
cd "$(dirname "$0")/.."
folder="$(realpath "${1:?usage: bash scripts/evidence_frontier.sh FOLDER}")"
out="${OUT:-results/runs/frontier}" a_class="${A_CLASS:-1000}" everything=1000000

# queue SET SIZE SEED ARGUMENTS...: the runs of a set with one seed.
queue() {
    "${PYTHON:-.venv/bin/python}" cli.py train pyramid-t --data "$out/images/$1-$a_class-a-class" \
        --img-size "$2" --seeds "$3" --epochs "${EPOCHS:-2}" --batch-size 64 \
        --threads "${THREADS:-auto}" --device "${DEVICE:-auto}" --out "$out/$1.jsonl" "${@:4}"
}

for set in ${SETS:-cifar10 imagenette128}; do
    bash scripts/some_images.sh "$folder/$set" "$out/images/$set-$a_class-a-class" "$a_class" $everything
    size="${CIFAR_SIZE:-32}"
    [ "$set" = cifar10 ] || size="${IMAGENETTE_SIZE:-64}"
    for seed in $(tr , ' ' <<<"${SEEDS:-0,1,2}"); do
        queue "$set" "$size" "$seed" \
            --attention dense,dense-shared-qk,window,sparse,anchor-select,agent,linear,identity
        for anchors in 10 30 100; do
            queue "$set" "$size" "$seed" --attention anchor --anchors "$anchors"
        done
    done
done
echo "The queue has ended. Its records: $out/*.jsonl"
