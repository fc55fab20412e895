# SPDX-License-Identifier: MIT
"""Captions of a long file: when the first one comes, and what memory it takes.

    python3 tests/bench/caption.py BUILD [--minutes N] [--video FILE]... [--model M] [--limit S]
                                   [-- OPTION...]

Puts the videos one after the other, a minute of each at most, and repeats them to one minute and to
N (default 60); default are those of samples/videos and the clips of ../shared/media where they are.
Captions both in all formats, reads the subtitle files with ffprobe, and prints for each: captions,
time of the first and of all, peak memory; then the ratios. What follows `--` goes to winnow caption;
by default --filters scene,fps=1,vtc_cls=keep=8 --max-tokens 24, so that an hour takes minutes. Ends
with 1 when captioning takes longer than S seconds (default 1800), when a ratio is not what it should
be (memory 1.2, first caption 0.1), or when ffprobe counts otherwise.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]


def film(videos, minutes, folder):
    listed = pathlib.Path(folder) / "list.txt"
    same = []
    for i, video in enumerate(videos): # one size and rate, so that they can stand one after the other
        part = pathlib.Path(folder) / f"part{i}.mp4"
        if not part.exists():
            subprocess.run(["ffmpeg", "-v", "error", "-nostdin", "-i", video, "-t", "60", "-an", "-sn", "-vf",
                            "scale=320:240:force_original_aspect_ratio=decrease,pad=320:240:-1:-1,fps=10", "-c:v",
                            "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", part], check=True)
        same.append(f"file '{part}'\n")
    listed.write_text("".join(same) * (minutes * 60 // len(same) + 2)) # clips last a second and more
    out = pathlib.Path(folder) / f"{minutes}.mp4"
    subprocess.run(["ffmpeg", "-v", "error", "-nostdin", "-f", "concat", "-safe", "0", "-i", listed, "-t",
                    str(60 * minutes), "-c", "copy", out], check=True)
    return out


def cues(path):
    told = subprocess.run(["ffprobe", "-v", "error", "-show_entries", "packet=pts_time", "-of", "csv=p=0", path],
                          capture_output=True, text=True, check=True).stdout
    return len([line for line in told.splitlines() if line.strip(", ")])


def caption(tool, model, video, limit, more):
    """The first record is there long before the file is: captions are written as they come."""
    env = {**os.environ, "WINNOW_NO_CACHE": "1"}
    base = video.with_suffix("")
    argv = [tool, "caption", video, "-m", model, "-q", *more]
    started = time.monotonic()
    process = subprocess.Popen([*argv, "-f", "jsonl"], stdout=subprocess.PIPE, env=env)
    first, lines = None, []
    timer = threading.Timer(limit, process.kill)
    timer.start()
    for line in process.stdout:
        first = first or time.monotonic() - started
        lines.append(json.loads(line))
    _, status, usage = os.wait4(process.pid, 0)
    timer.cancel()
    if status:
        raise SystemExit(f"winnow caption {video}: ended with {os.waitstatus_to_exitcode(status)}")
    whole = time.monotonic() - started
    subprocess.run([*argv, "-f", "srt,vtt,md,html,json,txt", "-o", base], env=env, check=True, timeout=limit)
    n = len(lines) - 1
    print(f"{video.name:8} {n:5} captions, first after {first:.2f} s, all after {whole:.2f} s, peak "
          f"{usage.ru_maxrss / 1024:.1f} MiB; report {base.with_suffix('.html').stat().st_size / 2**20:.1f} MiB", flush=True)
    for kind in (".srt", ".vtt"):
        if cues(base.with_suffix(kind)) != n:
            raise SystemExit(f"ffprobe finds {cues(base.with_suffix(kind))} captions in the {kind} file, not {n}")
    return first, whole, usage.ru_maxrss


def clips():
    folders = (ROOT / "samples/videos", ROOT.parent / "shared/media/clips")
    return [p for folder in folders for p in sorted(folder.glob("*")) if p.suffix in (".mp4", ".webm", ".mkv")]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build")
    parser.add_argument("--minutes", type=int, default=60)
    parser.add_argument("--video", action="append")
    parser.add_argument("--limit", type=float, default=1800)
    parser.add_argument("--model", default=str(ROOT / "samples/model/winnow-sample.gguf"))
    args, more = parser.parse_known_args()
    more = [m for m in more if m != "--"] or ["--filters", "scene,fps=1,vtc_cls=keep=8", "--max-tokens", "24"]
    tool = f"{args.build}/samples/winnow/winnow"
    videos = args.video or clips()
    with tempfile.TemporaryDirectory() as folder:
        one, long = (caption(tool, args.model, film(videos, minutes, folder), args.limit, more)
                     for minutes in (1, args.minutes))
    memory, first = long[2] / one[2], long[0] / long[1]
    print(f"peak memory {args.minutes} min / 1 min: {memory:.3f}; first caption / all: {first:.4f}")
    return memory > 1.2 or first > 0.1


sys.exit(main())
