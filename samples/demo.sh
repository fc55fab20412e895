#!/bin/sh
# SPDX-License-Identifier: MIT
# Sets up, builds, and asks the sample model about a sample video.
#   sh samples/demo.sh [VIDEO "question"]
set -eu
cd "$(dirname "$0")/.."

say() { printf '%s\n' "demo: $*" >&2; }
prefix=$(sh setup.sh)
mkdir -p build
if [ ! -e build/build.ninja ]; then
    say "configuring"
    meson setup -Dtests=false -Dllama_prefix="$prefix" build >build/setup.log 2>&1 || {
        cat build/setup.log >&2; say "meson setup failed (its log is above)"; exit 1; }
else
    meson configure -Dllama_prefix="$prefix" build >/dev/null
fi
say "building"
ninja -C build >build/build.log 2>&1 || {
    tail -40 build/build.log >&2; say "building failed (the end of build/build.log is above)"; exit 1; }

video=${1:-samples/videos/three-scenes.mp4}
question=${2:-"what color is the triangle?"}
say "winnow ask $video \"$question\" -m samples/model/winnow-sample.gguf --tokens 200"
exec build/samples/winnow/winnow ask "$video" "$question" -m samples/model/winnow-sample.gguf --tokens 200
