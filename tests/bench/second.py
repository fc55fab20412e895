# SPDX-License-Identifier: MIT
"""Time to the first token of the first and of the second question about a file.

    python3 tests/bench/second.py BUILD [--minutes N] [--model M] [--rounds R] [OPTION...]

A film of N minutes (default 10) of the sample videos' pictures is asked about in a process of its
own each time: without the cache, with an empty one, again from the rows that were kept (what the
language model left is removed before), and again from what it left. Prints medians with their
spread and the ratios of the last two to the second, round by round. What follows `--` goes to winnow
ask; by default the chain is scene,fps=2,vtc_cls=keep=16 with a budget of 2048 cells.
"""
import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]


def ask(tool, model, film, cache, more):
    env = {**os.environ, "XDG_CACHE_HOME": str(cache)}
    out = subprocess.run([tool, "ask", film, "what color is the circle?", "-m", model, "--json", "-q", *more],
                         capture_output=True, env=env, check=True).stdout
    return json.loads(out)


def forget_prompts(tool, cache):
    env = {**os.environ, "XDG_CACHE_HOME": str(cache)}
    told = json.loads(subprocess.run([tool, "cache", "ls", "--json"], capture_output=True, env=env, check=True).stdout)
    gone = [e["name"] for e in told["entries"] if e["about"].startswith("prompt")]
    for name in gone:
        subprocess.run([tool, "cache", "rm", name], env=env, check=True, stderr=subprocess.DEVNULL)
    return len(gone)


def spread(values):
    return f"{statistics.median(values):8.3f} ({min(values):.3f} to {max(values):.3f})"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build")
    parser.add_argument("--minutes", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--model", default=str(ROOT / "samples/model/winnow-sample.gguf"))
    args, more = parser.parse_known_args()
    more = [m for m in more if m != "--"] or ["--filters", "scene,fps=2,vtc_cls=keep=16", "--tokens", "2048"]
    tool = f"{args.build}/samples/winnow/winnow"
    times = {"no cache": [], "first": [], "rows": [], "prompt": []}
    with tempfile.TemporaryDirectory() as folder:
        film, cache = pathlib.Path(folder) / "film.mp4", pathlib.Path(folder) / "cache"
        subprocess.run(["ffmpeg", "-v", "error", "-nostdin", "-stream_loop", "-1", "-i",
                        ROOT / "samples/videos/two-minutes.mp4", "-t", str(60 * args.minutes), "-map", "0:v", "-c",
                        "copy", film], check=True)
        for _ in range(args.rounds):
            shutil.rmtree(cache, ignore_errors=True)
            told = [ask(tool, args.model, film, cache, [*more, "--no-cache"])]
            told.append(ask(tool, args.model, film, cache, more))
            if forget_prompts(tool, cache) != 1:
                raise SystemExit("the prompt was not kept")
            told += [ask(tool, args.model, film, cache, more) for _ in range(2)]
            if len({t["answer"] for t in told}) != 1 or told[2]["cached"] != told[2]["segments"]:
                raise SystemExit("the second question was not answered from the cache")
            if told[3]["reused_cells"] < told[3]["tokens_after"] or told[2]["reused_cells"]:
                raise SystemExit("the prompt was read again")
            for name, t in zip(times, told):
                times[name].append(t["first_token_s"])
        size = sum(p.stat().st_size for p in cache.rglob("*.rows"))
    for name, values in times.items():
        print(f"{name:9} first token s {spread(values)}")
    for second in ("rows", "prompt"):
        print(f"second from {second} / first: {spread([b / a for a, b in zip(times['first'], times[second])])}")
    print(f"first / no cache: {spread([b / a for a, b in zip(times['no cache'], times['first'])])}; "
          f"on disk {size / 2**20:.1f} MiB")


main()
