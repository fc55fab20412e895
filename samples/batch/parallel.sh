#!/bin/sh
# SPDX-License-Identifier: MIT
# A batch by N processes on this machine, with GNU parallel:
#
#     samples/batch/parallel.sh N MANIFEST|DIR -o OUT -m MODEL [OPTION...]
#
# Each does one shard into OUT/records-0000I-of-0000N.jsonl. The same command goes on after a stop.
# WINNOW_JOBS=2 runs only so many at once. Exit status: 0 when every item is done, 1 when some
# failed, else that of the first shard that could not go on.
set -u
n=$1
shift
WINNOW=${WINNOW:-winnow}
WINNOW_FAILED=$(mktemp -d)
export WINNOW WINNOW_FAILED
trap 'rm -rf "$WINNOW_FAILED"' EXIT
# --quote: every word arrives as it is, whatever stands in it.
code="$(cat <<'CODE'
i=$1 n=$2
shift 2
"$WINNOW" batch "$@" --shard "$i/$n"
status=$?
[ $status -ne 1 ] || : > "$WINNOW_FAILED/$i"
[ $status -gt 1 ] || exit 0
exit $status
CODE
)"
seq 0 $((n - 1)) | parallel --no-notice --quote -j "${WINNOW_JOBS:-$n}" --halt soon,fail=1 \
    sh -c "$code" winnow-shard {} "$n" "$@"
status=$?
[ $status -eq 0 ] || exit $status
[ -z "$(ls -A "$WINNOW_FAILED")" ] || exit 1
