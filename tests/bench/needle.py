# SPDX-License-Identifier: MIT
"""One object that is shown for some seconds of an hour: does `winnow ask` find it, and when?

    python tests/bench/needle.py WINNOW OUT [--videos 50] [--minutes 60] [--tokens 2048] [--jobs 1]

Renders videos of the sample model's world into OUT: scenes of 10 to 60 seconds with one to three
shapes, cut hard; somewhere one more thing, a shape that no other scene has or a digit, shows for 2
to 20 seconds. Asks each video for the thing's colour or value by every strategy, none of whose
prompts has more than --tokens KV cells of the video, and prints a table: answers right, times right
(the time that was told overlaps the thing's and is at most a minute and a half long), and seconds;
shares with 95 % intervals of Wilson. A video's rows are encoded for the first strategy and come
from winnow's cache for the others; `seconds` are medians without decoding and encoding, whose
median stands below.

What OUT holds already is not rendered or asked again: the same command goes on after a stop.
Rendering needs samples/model/requirements.txt and ffmpeg; where OUT has all videos, neither.
"""
import argparse
import concurrent.futures
import hashlib
import json
import math
import os
import random
import shutil
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
STRATEGIES = ["budget", "notes", "split"]
SIDE = 256
LONGEST_SPAN = 90


# ---- videos ----


def seed_of(number):
    digest = hashlib.sha256(f"winnow needle {number}".encode()).digest()
    return int.from_bytes(digest[:6], "big")


def make_scenes(rng, seconds):
    """Starts of scenes, and the end."""
    starts = [0]
    while starts[-1] < seconds:
        starts.append(starts[-1] + rng.randint(10, 60))
    starts[-1] = seconds
    if len(starts) > 2 and starts[-1] - starts[-2] < 10:
        del starts[-2]
    return starts


def fill_scene(draw, scenes, rng, frame, allowed, digits):
    """Shapes and perhaps a digit of one scene, and the cells that are left."""
    cells = list(range(9))
    rng.shuffle(cells)
    shapes = []
    for shape in rng.sample(allowed, rng.randint(1, min(3, len(allowed)))):
        x, y = scenes.cell_place(cells.pop(), rng)
        color = rng.randrange(len(draw.COLOR_NAMES))
        shapes.append(draw.ShapeAt(frame, shape, color, x, y, rng.uniform(7, 9.5)))
    if digits and rng.random() < 0.3:
        x, y = scenes.cell_place(cells.pop(), rng, 1)
        digit = draw.DigitAt(frame, rng.randrange(draw.DIGIT_TRAIN, draw.DIGIT_COUNT), x, y)
        return shapes, [digit], cells
    return shapes, [], cells


def make_video(path, number, minutes):
    """Renders one video; gives what is asked about it."""
    sys.path.insert(0, str(ROOT / "samples" / "model"))
    import draw
    import scenes
    import torch

    rng = random.Random(seed_of(number))
    gen = torch.Generator().manual_seed(seed_of(number) % (1 << 31))
    starts = make_scenes(rng, 60 * minutes)
    is_digit = number % 3 == 1
    noun = rng.randrange(len(draw.SHAPE_NAMES))
    allowed = [i for i in range(len(draw.SHAPE_NAMES)) if is_digit or i != noun]
    length = rng.randint(2, 20)
    home = rng.choice([i for i in range(len(starts) - 1) if starts[i + 1] - starts[i] >= 10])
    length = min(length, starts[home + 1] - starts[home])
    begin = rng.randint(starts[home], starts[home + 1] - length)

    n = len(starts) - 1
    which, shapes, digits, runs = [], [], [], [] # runs: picture and how many seconds it stands
    for scene in range(n):
        new = fill_scene(draw, scenes, rng, len(which), allowed, not is_digit)
        picture = len(which)
        which.append(scene)
        shapes += new[0]
        digits += new[1]
        if scene != home:
            runs.append((picture, starts[scene + 1] - starts[scene]))
            continue
        shown = picture + 1
        which.append(scene)
        shapes += [draw.ShapeAt(shown, s.shape, s.color, s.x, s.y, s.radius) for s in new[0]]
        digits += [draw.DigitAt(shown, d.sample, d.x, d.y) for d in new[1]]
        x, y = scenes.cell_place(new[2].pop(), rng, 1 if is_digit else 2)
        if is_digit:
            sample = rng.randrange(draw.DIGIT_TRAIN, draw.DIGIT_COUNT)
            digits.append(draw.DigitAt(shown, sample, x, y))
            answer = str(int(draw.DIGIT_VALUES[digits[-1].sample]))
        else:
            color = rng.randrange(len(draw.COLOR_NAMES))
            shapes.append(draw.ShapeAt(shown, noun, color, x, y, rng.uniform(7.5, 9.5)))
            answer = draw.COLOR_NAMES[color]
        runs += [(picture, begin - starts[scene]), (shown, length),
                 (picture, starts[scene + 1] - begin - length)]
    background = draw.textures(n, gen, SIDE)
    pictures, _ = draw.draw(background, which, shapes, digits, gen, 0.0)
    encode(path, [(pictures[i].numpy().tobytes(), count) for i, count in runs])
    question = "what digit is written?" if is_digit else \
        f"what color is the {draw.SHAPE_NAMES[noun]}?"
    return {"video": path.name, "question": question, "answer": answer, "start": begin,
            "end": begin + length, "seconds": starts[-1]}


def encode(path, runs):
    """One frame a second, key frames ten minutes apart unless a scene begins."""
    part = path.with_suffix(".part.mp4")
    command = ["ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24",
               "-s", f"{SIDE}x{SIDE}", "-r", "1", "-i", "-", "-threads", "1",
               "-vf", "scale=out_color_matrix=bt709:out_range=tv", "-pix_fmt", "yuv420p",
               "-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709",
               "-color_range", "tv", "-c:v", "libx264", "-preset", "veryfast", "-crf", "22",
               "-g", "600", "-bf", "0", str(part)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE)
    for picture, count in runs:
        for _ in range(count):
            process.stdin.write(picture)
    process.stdin.close()
    if process.wait():
        raise SystemExit("ffmpeg failed")
    part.rename(path)


# ---- records, one a line ----


class Records:
    """A JSONL file that is added to; a torn last line is dropped."""

    def __init__(self, path, key):
        self.path, self.key = path, key
        self.lock = threading.Lock()
        self.all = {}
        for line in path.read_text().splitlines() if path.exists() else []:
            try:
                record = json.loads(line)
            except ValueError:
                continue
            self.all[self.key(record)] = record

    def add(self, record):
        with self.lock:
            self.all[self.key(record)] = record
            with open(self.path, "a") as file:
                file.write(json.dumps(record) + "\n")


# ---- questions ----


def ask(args, item, strategy, cache):
    command = [args.winnow, "ask", str(args.out / item["video"]), item["question"],
               "-m", args.model, "--strategy", strategy, "--tokens", str(args.tokens), "--json",
               "--cache-size", "4G", "-q", *args.ask]
    env = {k: v for k, v in os.environ.items() if not k.startswith("WINNOW_")}
    env["XDG_CACHE_HOME"] = str(cache)
    began = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, env=env)
    seconds = time.monotonic() - began
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: {done.stderr or done.stdout}")
    told = json.loads(done.stdout)
    span = told["time"]
    inside = span is not None and span["start_s"] < item["end"] and span["end_s"] > item["start"]
    return {"video": item["video"], "strategy": strategy, "question": item["question"],
            "told": told["answer"], "answer": item["answer"], "time": span,
            "shown": [item["start"], item["end"]],
            "right": told["answer"].strip().lower().rstrip(".") == item["answer"],
            "time_right": inside and span["end_s"] - span["start_s"] <= LONGEST_SPAN,
            "seconds": seconds, "most_cells": told["most_cells"], "prompts": told["prompts"],
            "frames": told["frames"], "segments": told["segments"],
            "encode_s": told["timing"]["decode_s"] + told["timing"]["encode_s"]
            if not told["cached"] else 0}


def do_video(args, number, items, answers):
    """Renders and asks one video as far as that was not done."""
    name = f"needle-{number:03d}.mp4"
    path = args.out / name
    if name not in items.all or not path.exists():
        items.add(make_video(path, number, args.minutes))
    left = [s for s in args.strategies if (name, s) not in answers.all]
    cache = args.out / f"cache-{number:03d}"
    for strategy in left:
        answers.add(ask(args, items.all[name], strategy, cache))
    shutil.rmtree(cache, ignore_errors=True)
    if not args.keep and left:
        path.unlink()
        items.all.pop(name)


# ---- the table ----


def wilson(right, n):
    """The 95 % interval of a share."""
    z = 1.959964
    p = right / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return 100 * (middle - half), 100 * (middle + half)


def share(right, n):
    low, high = wilson(right, n)
    return f"{right:3d} of {n:3d}  {100 * right / n:5.1f} ({low:4.1f} to {high:5.1f})"


def table(records, args):
    told = [r for r in records if r["strategy"] in args.strategies]
    print(f"{args.videos} videos of {args.minutes} minutes, a budget of {args.tokens} tokens")
    print(f"{'strategy':9} {'answer right, %':32} {'time right, %':32} {'both':>4}"
          f" {'most cells':>10} {'prompts':>7} {'seconds':>8}")
    for strategy in args.strategies:
        mine = [r for r in told if r["strategy"] == strategy]
        if not mine:
            continue
        n = len(mine)
        print(f"{strategy:9} {share(sum(r['right'] for r in mine), n):32}"
              f" {share(sum(r['time_right'] for r in mine), n):32}"
              f" {sum(r['right'] and r['time_right'] for r in mine):4d}"
              f" {max(r['most_cells'] for r in mine):10d}"
              f" {statistics.median(r['prompts'] for r in mine):7.0f}"
              f" {statistics.median(r['seconds'] - r['encode_s'] for r in mine):8.2f}")
    first = [r["encode_s"] for r in told if r["encode_s"]]
    if first:
        print(f"decode and encode: {statistics.median(first):.2f} s a video")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("winnow")
    parser.add_argument("out", type=Path)
    parser.add_argument("--videos", type=int, default=50)
    parser.add_argument("--minutes", type=int, default=60)
    parser.add_argument("--tokens", type=int, default=2048)
    parser.add_argument("--jobs", type=int, default=1, help="videos at once")
    parser.add_argument("--strategies", type=lambda s: s.split(","), default=STRATEGIES)
    parser.add_argument("--model", default=str(ROOT / "samples/model/winnow-sample.gguf"))
    parser.add_argument("--keep", action="store_true", help="videos stay once they were asked")
    parser.add_argument("--ask", action="append", default=[], metavar="OPTION",
                        help="one more option of winnow ask, e.g. --ask=--segment=20")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    items = Records(args.out / "needle.jsonl", lambda r: r["video"])
    answers = Records(args.out / "answers.jsonl", lambda r: (r["video"], r["strategy"]))
    began = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        runs = [pool.submit(do_video, args, number, items, answers)
                for number in range(args.videos)]
        for done, run in enumerate(concurrent.futures.as_completed(runs), 1):
            run.result()
            print(f"\r{done} of {args.videos}, {time.monotonic() - began:.0f} s", end="",
                  file=sys.stderr, flush=True)
    print(file=sys.stderr)
    table(answers.all.values(), args)


if __name__ == "__main__":
    main()
