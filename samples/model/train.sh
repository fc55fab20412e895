#!/bin/sh
# SPDX-License-Identifier: MIT
# Trains a sample model from nothing, exports it and tells its accuracy.
#   sh samples/model/train.sh [MODEL [MINUTES [OUT]]]
# MODEL: sample (the default), clip, which begins with what sample knows, or siglip, which begins
# with clip; the one to begin with is trained first, or named by WINNOW_BEGIN (a checkpoint, or a
# GGUF file with its mmproj beside it). MINUTES: of training (default 67, and 105 for the others).
# WINNOW_SEED: another (default 0) makes other pictures, clips and first weights.
# OUT: a folder (default build/model-MODEL), where a training that was stopped goes on.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
model=${1:-sample}
minutes=${2:-}
out=${3:-$here/../../build/model-$model}
mkdir -p "$out"
out=$(cd "$out" && pwd)

say() { printf '%s\n' "train: $*" >&2; }

case $model in
sample) before= ;;
clip) before=sample ;;
siglip) before=clip ;;
*) say "there is no model $model: sample, clip, siglip" && exit 2 ;;
esac

python=${WINNOW_PYTHON:-$out/venv/bin/python}
if [ ! -x "$python" ]; then
    say "installing $(grep -c == "$here/requirements.txt") packages into $out/venv"
    python3 -m venv "$out/venv"
    "$out/venv/bin/pip" install --quiet -r "$here/requirements.txt"
fi

# Compiling the language model takes a compiler, Python's headers and a minute.
compile=
case $minutes in
'' | [2-9][0-9]* | 1[0-9][0-9]*)
    if command -v g++ >/dev/null && "$python" -c 'import os, sysconfig
raise SystemExit(not os.path.exists(sysconfig.get_path("include") + "/Python.h"))'; then
        compile=--compile
    fi ;;
esac

begin=${WINNOW_BEGIN:-}
if [ -n "$before" ] && [ -z "$begin" ]; then
    begin=$out/../model-$before/clips.pt
    [ -f "$begin" ] && [ ! -f "${begin%.pt}.state" ] ||
        WINNOW_PYTHON=$python sh "$here/train.sh" "$before" "$minutes" "$out/../model-$before"
fi
[ -z "$begin" ] || begin=$(realpath "$begin")

cd "$here"
say "training $model${minutes:+ for $minutes minutes}, checkpoints in $out"
"$python" train.py --model "$model" ${minutes:+--minutes "$minutes"} --resume --out "$out" \
    --seed "${WINNOW_SEED:-0}" $compile ${begin:+--from "$begin" --rate 8e-4}
say "exporting"
"$python" export.py "$out/clips.pt" "$out/winnow-$model"
say "accuracy on scenes that training never made"
"$python" evaluate.py "$out/winnow-$model.gguf" --pictures 60 --clips 30 --notes 30 --keep 0.25,0.1
say "made $out/winnow-$model.gguf and $out/winnow-$model-mmproj.gguf"
