#!/bin/sh
# SPDX-License-Identifier: MIT
# Sets up, builds and runs every test; the last line says how many passed and failed.
#   sh tests/run.sh            all suites, then what memory errors hide in, under sanitizers
#   sh tests/run.sh units      only these suites (kernels golden units system lint)
set -eu
cd "$(dirname "$0")/.."

say() { printf '%s\n' "tests: $*" >&2; }
# Builds in $1 with the options that follow; says the step and shows the log when it fails.
build() {
    dir=$1; shift
    mkdir -p "$dir"
    if [ -e "$dir/build.ninja" ]; then
        set -- configure "$@"
    else
        set -- setup "$@"
    fi
    say "configuring and building in $dir"
    meson "$@" -Dllama_prefix="$prefix" "$dir" >"$dir/setup.log" 2>&1 || {
        cat "$dir/setup.log" >&2; say "meson $1 failed in $dir (its log is above)"; exit 1; }
    ninja -C "$dir" >"$dir/build.log" 2>&1 || {
        tail -40 "$dir/build.log" >&2; say "building failed in $dir (the end of $dir/build.log is above)"; exit 1; }
}

prefix=$(sh setup.sh tests)
suites=
for s in "$@"; do suites="$suites --suite $s"; done

build build -Dtests=true
status=0
say "running the tests"
# shellcheck disable=SC2086
meson test -C build --no-rebuild --print-errorlogs $suites >&2 || status=1
logs=build/meson-logs/testlog.json

if [ $# -eq 0 ]; then
    build build-asan -Dtests=true -Db_sanitize=address,undefined -Db_lundef=false \
        -Dbuildtype=debugoptimized
    say "running units and hostile files under address and undefined-behaviour sanitizers"
    meson test -C build-asan --no-rebuild --print-errorlogs --suite units --suite hostile >&2 || status=1
    logs="$logs build-asan/meson-logs/testlog.json"
fi
# shellcheck disable=SC2086
python3 tests/summary.py $logs || status=1
exit $status
