#!/bin/sh
# SPDX-License-Identifier: MIT
# A batch as a Slurm job array, a shard a task:
#
#     sbatch --array=0-15 samples/batch/slurm.sh MANIFEST|DIR -o OUT -m MODEL [OPTION...]
#
# A task that is preempted or runs out of time ends in order at SIGTERM, is queued again and goes on
# where it stopped. Items that failed are records, and no reason to queue the task again.
#SBATCH --job-name=winnow
#SBATCH --requeue
#SBATCH --signal=B:TERM@60
#SBATCH --open-mode=append
#SBATCH --output=winnow-%A_%a.log
set -u
shard=$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT
"${WINNOW:-winnow}" batch "$@" --shard "$shard" &
winnow=$!
trap 'kill -TERM $winnow 2>/dev/null' TERM # Slurm signals this script alone
wait $winnow
status=$?
while kill -0 $winnow 2>/dev/null; do # the wait ended with the signal, winnow has not yet
    wait $winnow
    status=$?
done
case $status in
    0 | 1) exit 0 ;;
    143) [ -z "${SLURM_JOB_ID:-}" ] || scontrol requeue "$SLURM_JOB_ID" ;;
esac
exit $status
