#!/bin/sh
# SPDX-License-Identifier: MIT
# Trains a sample model from nothing, exports it and tells its accuracy.
#   sh samples/model/train.sh [MODEL [MINUTES [OUT]]]
# MODEL: sample, clip or siglip (default sample, which is the one that is here). MINUTES: of
# training (default 67, and 175 for the others). OUT: a folder (default build/model-MODEL), where a
# training that was stopped goes on.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
model=${1:-sample}
minutes=${2:-}
out=${3:-$here/../../build/model-$model}
mkdir -p "$out"
out=$(cd "$out" && pwd)

say() { printf '%s\n' "train: $*" >&2; }

python=${WINNOW_PYTHON:-$out/venv/bin/python}
if [ ! -x "$python" ]; then
    say "installing $(grep -c == "$here/requirements.txt") packages into $out/venv"
    python3 -m venv "$out/venv"
    "$out/venv/bin/pip" install --quiet -r "$here/requirements.txt"
fi

cd "$here"
say "training $model${minutes:+ for $minutes minutes}, checkpoints in $out"
"$python" train.py --model "$model" ${minutes:+--minutes "$minutes"} --resume --out "$out"
say "exporting"
"$python" export.py "$out/clips.pt" "$out/winnow-$model"
say "accuracy on scenes that training never made"
"$python" evaluate.py "$out/winnow-$model.gguf" --pictures 60 --clips 30 --notes 30 --keep 0.25,0.1
say "made $out/winnow-$model.gguf and $out/winnow-$model-mmproj.gguf"
