# SPDX-License-Identifier: MIT
"""winnow batch: clips an hour, overlap of the stages, and what filters cost where they save nothing.

    python3 tests/bench/batch.py b1|b2|n1 BUILD [--rounds R] [--clips N] [--model M --mmproj P] [--json FILE]

b1: captions of N clips by winnow, which finds out itself how many to do at once, and with fixed
    numbers of them (-j 1 to 4), against llama.cpp's own path (clips_once.c: models loaded once, ffmpeg,
    libmtmd, every row into the prompt) in 1, 2 and 4 processes that share clips and cores. The same
    frames, question and most tokens of an answer.
b2: the wall time of winnow batch against the slowest stage of the same work done one clip at a time,
    on clips where decoding, encoding or answering is most of the work.
n1: the same batch with a filter and without, clips of 1 s and of 30 s, 1 to 4 at once.

Every round runs all ways, in turn forwards and backwards; times are of the whole process, models
loaded anew each time. Medians with their range; ratios are taken round by round.
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
QUESTION = "describe the video."
MOST_TOKENS = 32


def ffmpeg(*args):
    subprocess.run(["ffmpeg", "-v", "error", "-nostdin", "-y", *map(str, args)], check=True)


def cut(folder, n, seconds):
    """n clips of the sample film."""
    folder.mkdir()
    for i in range(n):
        ffmpeg("-ss", i * 2.7 % (118 - seconds), "-i", ROOT / "samples/videos/two-minutes.mp4", "-t", seconds, "-an",
               "-c:v", "libx264", "-preset", "veryfast", folder / f"{i:03d}.mp4")
    return folder


def large(folder, n, seconds):
    """n clips of 1280 x 720, which take long to decode."""
    folder.mkdir()
    for i in range(n):
        ffmpeg("-f", "lavfi", "-i", f"testsrc2=size=1280x720:rate=30:duration={seconds}", "-vf",
               f"noise=alls=12:allf=t:all_seed={i}", "-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p",
               folder / f"{i:03d}.mp4")
    return folder


class Bench:
    def __init__(self, args, folder):
        self.args, self.folder, self.runs = args, folder, {}
        self.tool = f"{args.build}/samples/winnow/winnow"
        self.peer = f"{args.build}/tests/bench/clips_once"

    def winnow(self, clips, chain, *options):
        out = self.folder / "out"
        shutil.rmtree(out, ignore_errors=True)
        began = time.monotonic()
        done = subprocess.run([self.tool, "batch", clips, "-o", out, "-m", self.args.model, "--mmproj", self.args.mmproj,
                               "--filters", chain, "--no-cache", "--cpu", "--device", "cpu", "--prompt", QUESTION,
                               "--max-tokens", str(MOST_TOKENS), *options], capture_output=True, text=True)
        wall = time.monotonic() - began
        if done.returncode:
            raise SystemExit(done.stderr)
        records = [json.loads(line) for line in (out / "records.jsonl").read_text().splitlines()]
        stages = {s: sum(r["timing"][f"{s}_s"] for r in records) for s in ("decode", "encode", "compress", "prefill",
                                                                          "generate")}
        return {"wall_s": wall, "clips": len(records), "frames": sum(r["frames"] for r in records),
                "rows": sum(r["tokens_after"] for r in records), "stages": stages,
                "answer_tokens": sum(r["answer_tokens"] for r in records), "said": done.stderr.strip()}

    def llama(self, clips, fps, processes):
        files = sorted(clips.iterdir())
        threads = max(1, (os.cpu_count() or 1) // processes)

        def one(i):
            done = subprocess.run([self.peer, self.args.model, self.args.mmproj, str(threads), str(fps),
                                   str(MOST_TOKENS), QUESTION, *files[i::processes]], capture_output=True, text=True)
            if done.returncode:
                raise SystemExit(done.stderr)
            return json.loads(done.stdout)

        began = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(processes) as pool:
            parts = list(pool.map(one, range(processes)))
        wall = time.monotonic() - began
        return {"wall_s": wall} | {k: sum(p[k] for p in parts) for k in ("clips", "frames", "rows", "answer_tokens")}

    def rounds(self, ways):
        """Each way once a round, forwards and backwards in turn."""
        self.runs |= {name: [] for name in ways}
        for number in range(self.args.rounds):
            for name in list(ways) if number % 2 == 0 else reversed(list(ways)):
                self.runs[name].append(ways[name]())

    def ratio(self, a, b):
        """How many times longer a took than b."""
        return [x["wall_s"] / y["wall_s"] for x, y in zip(self.runs[a], self.runs[b])]

    def median(self, name):
        return statistics.median(r["wall_s"] for r in self.runs[name])


def spread(values):
    return f"{statistics.median(values):7.3f} ({min(values):.3f} to {max(values):.3f})"


def b1(bench):
    clips = cut(bench.folder / "clips", bench.args.clips or 64, 4)
    chain = "fps=2,vtc_cls=keep=0.1"
    ways = {"winnow": lambda: bench.winnow(clips, chain)}
    ways |= {f"winnow -j {j}": lambda j=j: bench.winnow(clips, chain, "-j", str(j)) for j in (1, 2, 3, 4)}
    ways |= {f"llama.cpp x {p}": lambda p=p: bench.llama(clips, 2, p) for p in (1, 2, 4)}
    bench.rounds(ways)
    for name, runs in bench.runs.items():
        first = runs[0]
        print(f"{name:14} clips an hour {spread([3600 * r['clips'] / r['wall_s'] for r in runs])}  frames "
              f"{first['frames']}  rows {first['rows']}  tokens out {first['answer_tokens']}")
    peer = min((n for n in bench.runs if n.startswith("llama")), key=bench.median)
    fixed = min((n for n in bench.runs if n.startswith("winnow -j")), key=bench.median)
    print(f"B1: winnow / {peer}, clips an hour: {spread(bench.ratio(peer, 'winnow'))}  (goal: 2 or more)")
    print(f"    winnow / {fixed}, the best fixed one: {spread(bench.ratio(fixed, 'winnow'))}  (goal: 0.95 or more)")
    print(f"    winnow / winnow -j 1: {spread(bench.ratio('winnow -j 1', 'winnow'))}")


def b2(bench):
    n = bench.args.clips or 24
    loads = {
        "decoding": (large(bench.folder / "large", n // 2, 4), "scene=detector=adaptive,uniform=2,vtc_cls=keep=0.1"),
        "encoding": (cut(bench.folder / "clips", n, 4), "fps=8,vtc_cls=keep=0.05"),
        "answering": (cut(bench.folder / "more", n, 8), "fps=4"),
    }
    ways = {}
    for name, (clips, chain) in loads.items():
        ways[f"{name}, one at a time"] = lambda c=clips, f=chain: bench.winnow(c, f, "-j", "1")
        ways[name] = lambda c=clips, f=chain: bench.winnow(c, f)
    bench.rounds(ways)
    for name in loads:
        ratios = []
        for serial, free in zip(bench.runs[f"{name}, one at a time"], bench.runs[name]):
            stages = serial["stages"]
            merged = {"decoding": stages["decode"], "encoding": stages["encode"] + stages["compress"],
                      "answering": stages["prefill"] + stages["generate"]}
            ratios.append(free["wall_s"] / max(merged.values()))
        told = ", ".join(f"{k} {v:.2f} s" for k, v in merged.items())
        print(f"{name:10} stages of one at a time: {told}; wall {serial['wall_s']:.2f} s, overlapped "
              f"{free['wall_s']:.2f} s")
        print(f"B2: {name}: wall / slowest stage {spread(ratios)}  (goal: 1.15 or less)")


def n1(bench):
    n = bench.args.clips or 24
    loads = {"1 s": cut(bench.folder / "short", n, 1), "30 s": cut(bench.folder / "long", n // 6, 30)}
    ways = {}
    for name, clips in loads.items():
        for j in (1, 2, 3, 4):
            for way, chain in (("off", "fps=2"), ("on", "fps=2,vtc_cls=keep=0.25")):
                ways[f"{name}, {j} at once, {way}"] = \
                    lambda c=clips, f=chain, j=j: bench.winnow(c, f, "-j", str(j))
    bench.rounds(ways)
    worst = 10
    for name in loads:
        for j in (1, 2, 3, 4):
            ratios = bench.ratio(f"{name}, {j} at once, off", f"{name}, {j} at once, on")
            worst = min(worst, statistics.median(ratios))
            print(f"clips of {name:4} {j} at once: with the filter / without, clips an hour {spread(ratios)}")
    print(f"N1: the least of them {worst:.3f}  (goal: 0.98 or more)")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("b1", "b2", "n1"))
    parser.add_argument("build")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--clips", type=int)
    parser.add_argument("--model", default=str(ROOT / "samples/model/winnow-sample.gguf"))
    parser.add_argument("--mmproj", default=str(ROOT / "samples/model/winnow-sample-mmproj.gguf"))
    parser.add_argument("--json")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(args, pathlib.Path(folder))
        began = time.monotonic()
        {"b1": b1, "b2": b2, "n1": n1}[args.what](bench)
        print(f"{args.rounds} rounds, {time.monotonic() - began:.0f} s, {os.cpu_count()} cores, "
              f"load {os.getloadavg()[0]:.1f}")
        if args.json:
            pathlib.Path(args.json).write_text(json.dumps(bench.runs, indent=1))


main()
