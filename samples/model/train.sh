#!/bin/sh
# SPDX-License-Identifier: MIT
# Trains the sample model from nothing, exports it and tells its accuracy.
#   sh samples/model/train.sh [MINUTES [OUT]]
# MINUTES: of training (67 gives the model that is here). OUT: a folder (default build/model).
set -eu

here=$(cd "$(dirname "$0")" && pwd)
minutes=${1:-67}
out=${2:-$here/../../build/model}
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
say "training for $minutes minutes, checkpoints in $out"
"$python" train.py --minutes "$minutes" --out "$out"
say "exporting"
"$python" export.py "$out/clips.pt" "$out/winnow-sample"
say "accuracy on scenes that training never made"
"$python" evaluate.py "$out/winnow-sample.gguf" --pictures 60 --clips 30 --keep 0.25,0.1
say "made $out/winnow-sample.gguf and $out/winnow-sample-mmproj.gguf"
