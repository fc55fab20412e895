# SPDX-License-Identifier: MIT
"""Filters by the answers they leave right, on the short quiz of the sample model's world: what looks
at things beats chance, what is measured once is not asked again, and bad files get a sentence."""
from cli import *

QUIZ = ROOT / "samples" / "quiz" / "short" / "quiz.jsonl"


def bench(*args, **options):
    return run("bench", "accuracy", *args, "-m", MODEL, "--json", **options)


def shares(cases):
    return {(c["filters"], c["keep"]): c["right"] / c["n"] for c in cases if c["n"]}


def quality(folder):
    answers, plot = folder / "answers.jsonl", folder / "plot.png"
    few = "24" if SANITIZED else "110"
    args = [QUIZ, "--filters", "vtc_cls=keep={};stride=keep={};random=keep={};blind", "--keep", "0.1",
            "--questions", few, "-o", answers, "--plot", plot]
    result = bench(*args, limit=1200)
    if not check_end(result, OK, "bench accuracy"):
        return
    cases = result.json()["cases"]
    got = shares(cases)
    check(len(got) == 5, "five chains are measured", got)
    for case in (c for c in cases if c["n"]):
        families = case["families"].values()
        check(sum(f["right"] for f in families) == case["right"]
              and all(f["low"] - 1e-6 <= f["right"] / f["n"] <= f["high"] + 1e-6 for f in families if f["n"]),
              "families add up, and have intervals", case)
    check(plot.read_bytes()[:4] == b"\x89PNG", "the plot is a PNG")
    lines = answers.read_text().splitlines()
    check(len(lines) == 5 * int(few), "each answer is kept", len(lines))
    if not SANITIZED:
        off, cls = got["off", 1], got["vtc_cls=keep={}", 0.1]
        check(off >= 0.8, "uncompressed answers are right", off)
        check(cls >= off - 0.12, "a tenth by CLS attention leaves most of them right", got)
        check(cls >= got["random=keep={}", 0.1] + 0.06, "and more than a tenth by lot", got)
        check(got["blind", 1] <= 0.4, "without seeing they are wrong", got)
    # A torn line is asked again, whole ones are not.
    answers.write_text("\n".join(lines[:-1]) + "\n" + lines[-1][:20])
    again = bench(*args, limit=600)
    if check_end(again, OK, "bench accuracy, resumed"):
        check(shares(again.json()["cases"]) == got, "a resumed run tells the same", again.text())
        check(len(answers.read_text().splitlines()) == len(lines) + 1, "one answer was asked again")


def regression(folder):
    """Every filter at a tenth against what it left right when it was last looked at; and a filter
    that got worse is told."""
    earlier = QUIZ.parent / "expected.json"
    if SANITIZED:
        return
    now = bench(QUIZ, "--short", "--questions", "60", "--against", earlier, limit=1200)
    if check_end(now, OK, "no filter is worse than it was"):
        cases = [c for c in now.json()["cases"] if c["n"]]
        known = {(c["filters"], c["keep"]) for c in json.loads(earlier.read_text())["cases"]}
        check(len(cases) > 25, "every filter with a count is in", len(cases))
        for case in cases:
            check((case["filters"], case["keep"]) in known, "expected.json has it", case["filters"])
    forged = json.loads(earlier.read_text())
    for case in forged["cases"]:
        case["answers"] = "1" * len(case["answers"])
    better = folder / "better.json"
    better.write_text(json.dumps(forged))
    worse = bench(QUIZ, "--filters", "stride=keep={}", "--keep", "0.1", "--questions", "60",
                  "--against", better, limit=600)
    check_end(worse, 1, "a filter that lost answers")
    check("stride=keep={} at 0.1: " in worse.text(), "it is named", worse.text())
    check_end(bench(QUIZ, "--filters", "off", "--questions", "1", "--against", QUIZ), 3,
              "an earlier run that is none")


def frames_of_off(folder):
    """A line may leave the frames to `off`; then every chain sees those."""
    line = json.loads(QUIZ.read_text().splitlines()[0])
    line.update(video=str(QUIZ.parent / line["video"]), filters="off")
    quiz, answers = folder / "off.jsonl", folder / "off-answers.jsonl"
    quiz.write_text(json.dumps(line) + "\n")
    result = bench(quiz, "--encoder", "own", "--filters", "oracle=keep={};shuffle;random=keep={}",
                   "--keep", "0.5", "-o", answers, limit=300)
    if check_end(result, OK, "a quiz with frames as off has them"):
        seen = {r["chain"]: r["tokens_before"] for r in map(json.loads, answers.open())}
        check(len(seen) == 4 and len(set(seen.values())) == 1, "all chains see its frames", seen)


def bad_files(folder):
    quiz = folder / "bad.jsonl"
    quiz.write_text('{"video": "a.mp4"}\n')
    check_end(bench(quiz), DATA, "a line without a question")
    quiz.write_text("not JSON\n")
    check_end(bench(quiz), DATA, "a line that is not JSON")
    quiz.write_text('{"video": "a.mp4", "question": "q", "answers": ["a"]}\n')
    check_end(bench(quiz), INPUT, "a video that is not there")
    check_end(bench(folder / "none.jsonl"), INPUT, "a quiz that is not there")
    check_end(bench(QUIZ, "--filters", "vtc_cls=keep={}", "--keep", "x"), USAGE, "a bad share")
    check_end(bench(QUIZ, "--filters", "nosuch"), USAGE, "a filter that is not there")


def main():
    with tempfile.TemporaryDirectory() as name:
        quality(pathlib.Path(name))
        regression(pathlib.Path(name))
        frames_of_off(pathlib.Path(name))
        bad_files(pathlib.Path(name))
    finish()


main()
