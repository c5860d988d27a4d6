#!/usr/bin/env bash
# A smaller set of images: links to the first ones of each class, by name.
#
#   bash scripts/some_images.sh FROM TO TRAIN HELD_OUT
#
# FROM and TO hold train/ and val/, with a folder a class in each. TRAIN and HELD_OUT are the numbers
# of images of each class. FROM is only read; a TO that exists is left alone.
set -euo pipefail
from="$(realpath "${1:?usage: bash scripts/some_images.sh FROM TO TRAIN HELD_OUT}")"
to="${2:?}" train="${3:?}" held_out="${4:?}"
[ ! -e "$to" ] || exit 0

link() { # PART NUMBER
    for class in "$from/$1"/*/; do
        folder="$to.part/$1/$(basename "$class")"
        mkdir -p "$folder"
        find "$class" -type f | sort | sed -n "1,$2p" | xargs -d '\n' ln -sft "$folder" --
    done
}
link train "$train"
link val "$held_out"
mv "$to.part" "$to"
