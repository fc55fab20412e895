#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""winnow's token filters beside the same methods in PyTorch, on the same CPU and threads.

    torch_compare.py [--winnow PROGRAM] [--repos DIR] [--threads N] [--rounds N] [--only NAME,...]

DIR holds checkouts of the authors' repositories, as owner/name or owner+name (or bare ones, in a
folder `repo` below that). A function is cut out of its file and run as it stands; where there is no
checkout, or the code does not run by itself, a plain version of the method is timed and marked so.
torch runs twice, with its own allocator and with one that keeps memory, and the faster one counts.
Rounds are interleaved: winnow, torch, torch tuned. Shapes agree; outputs are compared elsewhere.
Needs torch and numpy."""
import argparse
import json
import os
import statistics
import subprocess
import sys
import time

import torch_methods
import torch_sources

TUNED = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": "100000000000",
         "MALLOC_TOP_PAD_": "1073741824"}


class Worker:
    """A process of its own, since an allocator is chosen when one starts."""

    def __init__(self, args, env):
        command = [sys.executable, os.path.abspath(__file__), "--worker", "--threads",
                   str(args.threads)] + (["--repos", args.repos] if args.repos else [])
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True, env={**os.environ, **env})

    def ask(self, name):
        self.process.stdin.write(name + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            sys.exit("the torch process ended while it ran " + name)
        return json.loads(line)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def serve(args):
    """Times one call of each method that is named on stdin."""
    import warnings

    import torch

    warnings.simplefilter("ignore")  # of the authors' code
    torch.set_num_threads(args.threads)
    torch.set_grad_enabled(False)
    sources = torch_sources.Sources(args.repos)
    made = {}
    for line in sys.stdin:
        name = line.strip()
        if name not in made:
            made.clear()  # one method's rows at a time
            try:
                made[name] = torch_methods.make(name, sources)
            except torch_sources.Missing as missing:
                print(json.dumps({"error": f"needs a checkout of {missing}"}), flush=True)
                continue
            made[name].run()
        run = made[name]
        run.prepare()
        start = time.perf_counter()
        run.run()
        took = time.perf_counter() - start
        print(json.dumps({"s": took, "kind": run.kind}), flush=True)


def winnow(args, method):
    shape = method.shape
    out = subprocess.run(
        [args.winnow, "bench", "compress", "--device", "cpu", "--threads", str(args.threads),
         "--rounds", "3", "--filters", method.chain, "--frames", str(shape.frames), "--grid",
         f"{shape.height}x{shape.width}", "--dim", str(shape.dim), "--json"],
        capture_output=True, text=True)
    if out.returncode:
        return None, (out.stderr or out.stdout).strip()
    result = json.loads(out.stdout)
    return result["cases"][0], result["machine"]


def compare(args, method, workers):
    ours, kernels, theirs, kind, machine, case = [], [], [[], []], "", {}, {}
    for _ in range(args.rounds):
        case, machine = winnow(args, method)
        if case is None:
            return {"method": method.name, "error": machine}
        ours.append(case["cpu"]["median_s"])
        kernels.append(case["cpu_kernels"]["median_s"])
        for i, worker in enumerate(workers):
            answer = worker.ask(method.name)
            if "error" in answer:
                return {"method": method.name, **answer}
            theirs[i].append(answer["s"])
            kind = answer["kind"]
    best = min(range(2), key=lambda i: statistics.median(theirs[i]))
    ratios = sorted(t / o for t, o in zip(theirs[best], ours))
    return {
        "method": method.name, "chain": method.chain, "shape": str(method.shape), "kind": kind,
        "winnow_s": statistics.median(ours), "kernels_s": statistics.median(kernels),
        "torch_s": statistics.median(theirs[0]), "tuned_s": statistics.median(theirs[1]),
        "ratio": statistics.median(ratios), "low": ratios[0], "high": ratios[-1],
        "share_of_limit": case["limit_s"] / statistics.median(kernels),
        "read_bytes_per_s": machine["read_bytes_per_s"],
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--winnow", default="build/samples/winnow/winnow")
    parser.add_argument("--repos")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        return serve(args)
    wanted = [name for name in args.only.split(",") if name]
    workers = [Worker(args, {}), Worker(args, TUNED)]
    results = []
    if not args.json:
        print(f"{'method':17}{'rows':18}{'code':8}{'winnow ms':>10}{'kernels':>9}{'torch ms':>10}"
              f"{'tuned ms':>10}{'ratio':>8}  range           limit")
    for method in torch_methods.METHODS.values():
        if wanted and method.name not in wanted:
            continue
        r = compare(args, method, workers)
        results.append(r)
        if args.json:
            continue
        if "error" in r:
            print(f"{r['method']:17}{r['error']}", flush=True)
            continue
        print(f"{r['method']:17}{r['shape']:18}{r['kind']:8}{r['winnow_s'] * 1e3:10.2f}"
              f"{r['kernels_s'] * 1e3:9.2f}{r['torch_s'] * 1e3:10.2f}{r['tuned_s'] * 1e3:10.2f}"
              f"{r['ratio']:7.1f}x  {r['low']:.1f} to {r['high']:.1f}".ljust(109) +
              f"{100 * r['share_of_limit']:4.0f}%", flush=True)
    for worker in workers:
        worker.close()
    if args.json:
        print(json.dumps({"threads": args.threads, "rounds": args.rounds, "methods": results}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
