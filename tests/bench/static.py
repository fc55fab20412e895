# SPDX-License-Identifier: MIT
"""What does not reach the encoder where little moves, and what that costs.

    static.py WINNOW MODEL.gguf [--media DIR] [--quiz QUIZ.jsonl] [--fps N] [--rounds R]

First, clips of DIR (slides, fixed cameras, talking heads, and one hand-held camera for comparison):
frames that reach the encoder, the share of the frames sampled, and the encoder's time against that
of all sampled frames, in turns, medians.

Then the answers: every picture of the quiz's clips is shown three times as long, as slides are, so
that two of three sampled frames tell nothing new. Asked are all questions behind each chain; beside
them, the frames of all clips that it left."""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from encoder_quiz import ask

HERE = pathlib.Path(__file__).resolve().parent
CLIPS = [("slides", "slides_en.mp4"), ("fixed camera", "bottles.mp4"),
         ("fixed camera", "traffic_car_detection.mp4"), ("talking head", "carphone_pristine.mp4"),
         ("talking head", "sign_walk.mkv"), ("hand-held", "rabbit320.mp4")]
CHAINS = ["", "dedup", "motion", "skip=threshold=4", "dedup,skip=threshold=4"]
HELD = 3 # more would not fit in the sample model


def encode(a, clip, chain, folder, sampling):
    command = [a.winnow, "compress", clip, "-m", a.model, "--encoder", "own", "--no-cache", "--json", "-o",
               pathlib.Path(folder) / "rows", "--filters", ",".join(filter(None, [sampling, chain]))]
    run = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    if run.returncode:
        raise SystemExit(run.stderr)
    told = json.loads(run.stdout)
    return told["frames"], told["timing"]["encode_s"]


def clips(a, folder):
    print(f"{'clip':38} {'chain':24} {'frames':>6} {'share':>7} {'encoder time':>13}")
    for kind, name in CLIPS:
        path = a.media / name
        if not path.exists():
            continue
        runs = {chain: [] for chain in CHAINS}
        for _ in range(a.rounds):
            for chain in CHAINS:
                runs[chain].append(encode(a, path, chain, folder, f"fps={a.fps}"))
        for chain in CHAINS:
            ratio = statistics.median(x[1] / y[1] for x, y in zip(runs[chain], runs[""]))
            print(f"{kind + ': ' + name:38} {chain or 'all':24} {runs[chain][0][0]:6d} "
                  f"{runs[chain][0][0] / runs[''][0][0]:7.1%} {ratio:12.1%}", flush=True)


def held(quiz, folder):
    """The quiz with each picture shown HELD times as long."""
    lines, made = [json.loads(line) for line in quiz.read_text().splitlines()], {}
    for line in lines:
        if line["video"] not in made:
            out = pathlib.Path(folder) / f"{len(made)}.mkv"
            subprocess.run(["ffmpeg", "-v", "error", "-nostdin", "-i", quiz.parent / line["video"], "-vf",
                            f"setpts={HELD}*PTS,fps=24", "-c:v", "ffv1", out], check=True)
            made[line["video"]] = out
        line["video"] = os.fspath(made[line["video"]])
    path = pathlib.Path(folder) / "held.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def answers(a, folder):
    path = held(a.quiz, folder)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    films = {line["video"]: line.get("filters", "fps=1") for line in lines}
    print(f"\n{'chain':28} {'right':>11} {'':>7} {'95 % interval':>16} {'frames':>7}")
    for chain in CHAINS:
        case, why = ask(a.winnow, a.model, path, chain, folder, a.questions)
        if not case:
            print(f"{chain or 'all':28} {why}")
            continue
        print(f"{chain or 'all':28} {case['right']:5d}/{case['n']:<5d} {case['right'] / case['n']:7.1%} "
              f"{case['low']:6.1%} to {case['high']:5.1%} "
              f"{sum(encode(a, film, chain, folder, films[film])[0] for film in films):7d}", flush=True)


def main():
    root = HERE.parent.parent
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("winnow", type=pathlib.Path)
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("--media", type=pathlib.Path, default=root.parent / "shared" / "media" / "clips")
    parser.add_argument("--quiz", type=pathlib.Path, default=root / "samples" / "quiz" / "short" / "quiz.jsonl")
    parser.add_argument("--fps", type=float, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--questions", type=int, default=0)
    a = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        clips(a, folder)
        answers(a, folder)


main()
