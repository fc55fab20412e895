# SPDX-License-Identifier: MIT
"""The recipes for many processes give the records of one: samples/batch/parallel.sh where GNU parallel
is installed, and samples/batch/slurm.sh as a job array would run it."""
import pathlib
import shutil
import subprocess
import tempfile

from batches import *

SHARDS = 4
RECIPES = ROOT / "samples" / "batch"


def script(name, *args, env):
    done = subprocess.run(["sh", RECIPES / name, *map(str, args)], env=environment({"WINNOW": str(TOOL), **env}),
                          capture_output=True, timeout=600)
    return done.returncode, done.stderr.decode("utf-8", "replace")


def shards(out):
    return read_records(*[out / f"records-{i:05d}-of-{SHARDS:05d}.jsonl" for i in range(SHARDS)])


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        manifest = folder / "items; $(touch x) 'a'.jsonl"
        make_manifest(manifest, 20)
        options = ("-m", MODEL, "-q", "--tokens", "200", "--prompt", "describe the video. 'a' \"b\" $(c)")
        run("batch", manifest, "-o", folder / "one", *options, limit=300)
        expected = read_records(folder / "one/records.jsonl")
        check(len(expected) == 20, "one process")
        for i in range(SHARDS):
            status, err = script("slurm.sh", manifest, "-o", folder / "slurm", *options,
                                 env={"SLURM_ARRAY_TASK_ID": str(i), "SLURM_ARRAY_TASK_COUNT": str(SHARDS)})
            check(status == 0, f"task {i} of the array", status, err)
        check(shards(folder / "slurm") == expected, "slurm.sh")
        if shutil.which("parallel"):
            status, err = script("parallel.sh", SHARDS, manifest, "-o", folder / "parallel", *options,
                                 env={"WINNOW_JOBS": "2", "HOME": str(folder)})
            check(status == 1 and shards(folder / "parallel") == expected, "parallel.sh", status, err)
            status, err = script("parallel.sh", SHARDS, folder / "none.jsonl", "-o", folder / "x", *options,
                                 env={"HOME": str(folder)})
            check(status > 1, "what cannot begin fails", status, err)
        else:
            print("GNU parallel is not installed: parallel.sh was not run")
    finish()


main()
