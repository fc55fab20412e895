# SPDX-License-Identifier: MIT
"""The two larger models, one tower with a CLS row and one without: what they see, with the own
encoder and with libmtmd's, what the presets leave of it, and that every filter has a way on both."""
from cli import *

QUIZ = ROOT / "samples" / "quiz" / "rich" / "quiz.jsonl"
MODELS = ("clip", "siglip")


def bench(kind, *args, **options):
    model = MODEL.with_name(f"winnow-{kind}.gguf")
    return run("bench", "accuracy", QUIZ, "-m", model, "--json", *args, limit=1200, **options)


def shares(result):
    return {(c["filters"], c["keep"]): c["right"] / c["n"] for c in result.json()["cases"] if c["n"]}


def answers(kind):
    """What is right with all rows, without any, and with a tenth of them."""
    result = bench(kind, "--encoder", "own", "--keep", "0.25,0.1", "--filters", "blind;auto={}")
    if not check_end(result, OK, f"{kind}: bench accuracy"):
        return
    got = shares(result)
    full = got["off", 1]
    check(full >= 0.7, f"{kind}: uncompressed answers are right", got)
    check(got["blind", 1] <= full - 0.3, f"{kind}: without seeing they are not", got)
    for keep in (0.25, 0.1):
        check(got["auto={}", keep] >= full - 0.09, f"{kind}: auto leaves them right", keep, got)
    other = bench(kind, "--encoder", "mtmd", "--filters", "off")
    if check_end(other, OK, f"{kind}: bench accuracy with libmtmd's encoder"):
        check(abs(shares(other)["off", 1] - full) <= 0.07, f"{kind}: both encoders answer alike",
              full, shares(other))


def every_filter(kind):
    """A filter without its CLS row takes the attention that patches get from each other."""
    result = bench(kind, "--encoder", "own", "--keep", "0.25", "--questions", "3")
    if check_end(result, OK, f"{kind}: every filter"):
        left_out = [c["filters"] for c in result.json()["cases"] if not c["n"]]
        check(not left_out, f"{kind}: no filter is left out", left_out)


for name in MODELS:
    if not SANITIZED:
        answers(name)
    every_filter(name)
finish()
