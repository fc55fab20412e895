# SPDX-License-Identifier: MIT
"""Captions of a long file: when the first one comes, and what memory it takes.

    python3 tests/bench/caption.py BUILD [--minutes N] [--video FILE]... [--model M] [OPTION...]

Repeats the pictures of the videos (default: samples/videos/two-minutes.mp4) to one minute and to N
(default 60), captions both, and prints for each: captions, time of the first and of all, peak
memory; then the ratios. What follows `--` goes to winnow caption.
"""
import argparse
import json
import os
import pathlib
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]


def film(videos, minutes, folder):
    listed = pathlib.Path(folder) / "list.txt"
    same = []
    for i, video in enumerate(videos): # one size and rate, so that they can stand one after the other
        part = pathlib.Path(folder) / f"part{i}.mp4"
        if not part.exists():
            subprocess.run(["ffmpeg", "-v", "error", "-nostdin", "-i", video, "-an", "-vf",
                            "scale=320:240:force_original_aspect_ratio=decrease,pad=320:240:-1:-1,fps=10", "-c:v",
                            "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", part], check=True)
        same.append(f"file '{part}'\n")
    listed.write_text("".join(same) * (minutes * 60))
    out = pathlib.Path(folder) / f"{minutes}.mp4"
    subprocess.run(["ffmpeg", "-v", "error", "-nostdin", "-f", "concat", "-safe", "0", "-i", listed, "-t",
                    str(60 * minutes), "-c", "copy", out], check=True)
    return out


def caption(tool, model, video, more):
    started = time.monotonic()
    process = subprocess.Popen([tool, "caption", video, "-m", model, "-f", "jsonl", "-q", *more], stdout=subprocess.PIPE,
                               env={**os.environ, "WINNOW_NO_CACHE": "1"})
    first, lines = None, []
    for line in process.stdout:
        first = first or time.monotonic() - started
        lines.append(json.loads(line))
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"winnow caption {video}: status {os.waitstatus_to_exitcode(status)}")
    whole = time.monotonic() - started
    print(f"{video.name:8} {len(lines) - 1:5} captions, first after {first:.2f} s, all after {whole:.2f} s, peak "
          f"{usage.ru_maxrss / 1024:.1f} MiB", flush=True)
    return first, whole, usage.ru_maxrss


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build")
    parser.add_argument("--minutes", type=int, default=60)
    parser.add_argument("--video", action="append")
    parser.add_argument("--model", default=str(ROOT / "samples/model/winnow-sample.gguf"))
    args, more = parser.parse_known_args()
    args.more = [m for m in more if m != "--"]
    tool = f"{args.build}/samples/winnow/winnow"
    videos = args.video or [ROOT / "samples/videos/two-minutes.mp4"]
    with tempfile.TemporaryDirectory() as folder:
        one = caption(tool, args.model, film(videos, 1, folder), args.more)
        long = caption(tool, args.model, film(videos, args.minutes, folder), args.more)
    print(f"peak memory {args.minutes} min / 1 min: {long[2] / one[2]:.3f}; first caption / all: "
          f"{long[0] / long[1]:.4f}")


main()
