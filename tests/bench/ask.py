# SPDX-License-Identifier: MIT
"""Time to first token and peak memory of three ways to ask the same about the same pictures.

    python3 tests/bench/ask.py BUILD [--model M --mmproj P] [--frames N] [--size WxH] [--rounds R]

Interleaved: each round runs winnow with a tenth of the tokens, winnow with filters off, and
llama.cpp's own path (mtmd's video helper, which needs the ffmpeg program), each in a process of its
own, on a clip made here at one frame a second, so that all see the same pictures. Prints a line a
way and the ratios round by round; times are medians with their spread.
"""
import argparse
import json
import os
import statistics
import subprocess
import tempfile


def clip(path, frames, size):
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-f", "lavfi",
                    "-i", f"testsrc2=size={size}:rate=1:duration={frames}",
                    "-c:v", "libx264", "-pix_fmt", "yuv420p", path], check=True)


def once(command):
    out = subprocess.run(command, capture_output=True, text=True)
    if out.returncode:
        raise SystemExit(f"{' '.join(command)}:\n{out.stderr}")
    return json.loads(out.stdout)


def spread(values):
    return f"{statistics.median(values):9.3f} ({min(values):.3f} to {max(values):.3f})"


def main():
    here = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build")
    parser.add_argument("--model", default=f"{here}/samples/model/winnow-sample.gguf")
    parser.add_argument("--mmproj", default=f"{here}/samples/model/winnow-sample-mmproj.gguf")
    parser.add_argument("--frames", type=int, default=16)
    parser.add_argument("--size", default="640x480")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--share", type=float, default=0.1)
    parser.add_argument("--json")
    args = parser.parse_args()
    tool = f"{args.build}/tests/bench/ask_once"
    with tempfile.TemporaryDirectory() as folder:
        video = f"{folder}/clip.mp4"
        clip(video, args.frames, args.size)
        tail = [video, args.model, args.mmproj, "what color is the square?"]
        ways = {
            "winnow, a tenth": [tool, "winnow", f"vtc_cls=keep={args.share}", "0"] + tail,
            "winnow, off": [tool, "winnow", "", "0"] + tail,
            "llama.cpp": [tool, "llama"] + tail,
        }
        runs = {name: [] for name in ways}
        for round_number in range(args.rounds + 1):
            for name, command in ways.items():
                result = once(command)
                if round_number: # the first one warms the page cache
                    runs[name].append(result)
    for name, results in runs.items():
        first = results[0]
        print(f"{name:16} frames {first['frames']:3}  tokens {first['tokens']:5}  first token s "
              f"{spread([r['ttft_s'] for r in results])}  peak MiB "
              f"{statistics.median(r['peak_kib'] for r in results) / 1024:.0f}"
              f" (loaded {statistics.median(r['loaded_kib'] for r in results) / 1024:.0f})")
    base = runs["llama.cpp"]
    for name in ("winnow, a tenth", "winnow, off"):
        ratios = [a["ttft_s"] / b["ttft_s"] for a, b in zip(runs[name], base)]
        print(f"{name} / llama.cpp: {spread(ratios)}")
    ratios = [a["ttft_s"] / b["ttft_s"] for a, b in zip(runs["winnow, a tenth"], runs["winnow, off"])]
    print(f"a tenth / off: {spread(ratios)}")
    tenth = runs["winnow, a tenth"]
    shares = [r["compress_s"] / r["encode_s"] for r in tenth]
    print(f"compression / encode time: {statistics.median(shares) * 100:.2f} %")
    if args.json:
        with open(args.json, "w", encoding="utf-8") as out:
            json.dump(runs, out, indent=1)


if __name__ == "__main__":
    main()
