#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every token filter leaves the same bits whatever runs it.

    same_paths.py [--runs N] [--table] FOLDER

FOLDER holds compress_paths and its builds for one instruction set alone (compress_paths_*). Each
runs with 1, 2 and 8 threads, the reference functions by themselves, and Mesa's software Vulkan;
--runs: how often each, 1 by default. --table prints a row a filter."""
import argparse
import os
import subprocess
import sys

BUILDS = ["default", "avx2", "avx512f"]
SHAPES = ["plain", "still", "ties", "equal rows", "one zero row", "huge and tiny"]


def run(program, args):
    """Lines by filter and shape; None where this machine cannot run it."""
    out = subprocess.run([program, *args], capture_output=True, text=True)
    if out.returncode == 77:
        return None
    lines = dict(line.rsplit(" ", 1) for line in out.stdout.splitlines() if "differs" not in line)
    return lines, [line for line in out.stdout.splitlines() if "differs" in line], out.returncode, \
        out.stderr


def ways(folder, runs):
    common = ["--runs", str(runs)]
    yield "reference", os.path.join(folder, "compress_paths_default"), ["--ref", *common]
    for build in BUILDS:
        program = os.path.join(folder, "compress_paths_" + build)
        for threads in (1, 2, 8):
            yield f"{build}, {threads} threads", program, ["--threads", str(threads), *common]
    yield "as built, 2 threads", os.path.join(folder, "compress_paths"), ["--threads", "2", *common]
    yield "llvmpipe", os.path.join(folder, "compress_paths"), ["--device", "llvmpipe", *common]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--table", action="store_true")
    args = parser.parse_args()
    first, names, failures, table = None, [], 0, {}
    for name, program, arguments in ways(args.folder, args.runs):
        if not os.path.exists(program):
            print(f"{name}: not built")
            continue
        result = run(program, arguments)
        if result is None:
            print(f"{name}: not on this machine")
            continue
        lines, told, status, _ = result
        if status not in (0, 1) or not lines:
            told.append(f"exit status {status}, {len(lines)} lines")
        if not first:
            print(result[3], end="")
        first = first or lines
        names.append(name)
        wrong = [key for key in first if lines.get(key) != first[key]]
        for key in first:
            table.setdefault(key.split()[0], {}).setdefault(name, []).append(key not in wrong)
        for key in wrong:
            what, shape = key.split()
            print(f"{name}: {what} on rows of kind {SHAPES[int(shape)]} differs")
        for line in told:
            print(f"{name}: {line}")
        failures += len(wrong) + len(told)
    if args.table:
        print("| filter | " + " | ".join(names) + " |")
        print("|---" * (len(names) + 1) + "|")
        for what, row in table.items():
            print(f"| {what} | " + " | ".join(
                "same" if all(row[name]) else f"{row[name].count(False)} differ"
                for name in names) + " |")
    print(f"{len(table)} filters on {len(SHAPES)} kinds of rows, {len(names)} ways, {args.runs} runs "
          f"each: {failures} failures")
    return 1 if failures or not first else 0


if __name__ == "__main__":
    sys.exit(main())
