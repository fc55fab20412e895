# SPDX-License-Identifier: MIT
"""What filters between the layers of the own encoder cost in right answers.

    encoder_quiz.py WINNOW MODEL.gguf QUIZ.jsonl [--questions N] [CHAIN...]

Every question of the quiz is asked with each chain behind the filters that choose its frames
(samples/quiz/short/quiz.jsonl: 14 clips whose background stays still). Without chains: a list of
them, first none."""
import argparse
import json
import os
import pathlib
import subprocess
import tempfile

CHAINS = ["", "skip=threshold=2", "skip=threshold=4", "skip=threshold=8",
          "prune=keep=0.5", "prune=keep=0.25", "tome=keep=0.5", "tome=keep=0.25",
          "tempme=keep=0.5", "diffrate=keep=0.5", "diffrate=keep=0.25", "mustdrop_spatial",
          "tome=keep=0.25:at=token", "prune=keep=0.25:at=token"]


def ask(winnow, model, quiz, chain, folder, questions):
    lines = [json.loads(line) for line in quiz.read_text().splitlines()]
    for line in lines:
        line["video"] = os.fspath((quiz.parent / line["video"]).resolve())
        if chain:
            line["filters"] = ",".join(filter(None, [line.get("filters", "fps=1"), chain]))
    mine = pathlib.Path(folder) / "quiz.jsonl"
    mine.write_text("".join(json.dumps(line) + "\n" for line in lines))
    command = [winnow, "bench", "accuracy", mine, "-m", model, "--encoder", "own", "--filters", "off",
               "--json"] + (["--questions", str(questions)] if questions else [])
    run = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    if run.returncode:
        return None, run.stderr.strip().splitlines()[-1]
    return json.loads(run.stdout)["cases"][0], ""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("winnow")
    parser.add_argument("model")
    parser.add_argument("quiz", type=pathlib.Path)
    parser.add_argument("--questions", type=int, default=0)
    parser.add_argument("chains", nargs="*", metavar="CHAIN")
    args = parser.parse_args()
    print(f"{'chain':36} {'right':>11} {'':>7} {'95 % interval':>15} {'tokens':>7}")
    with tempfile.TemporaryDirectory() as folder:
        for chain in args.chains or CHAINS:
            case, why = ask(args.winnow, args.model, args.quiz, chain, folder, args.questions)
            if not case:
                print(f"{chain or 'none':36} {why}", flush=True)
                continue
            print(f"{chain or 'none':36} {case['right']:5d}/{case['n']:<5d} "
                  f"{case['right'] / case['n']:7.1%} {case['low']:6.1%} to {case['high']:5.1%} "
                  f"{case['tokens_share']:7.1%}", flush=True)


if __name__ == "__main__":
    main()
