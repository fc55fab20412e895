#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What trains the sample models, what filters are tuned on and what tests them share no seed.

    quiz_seeds.py SOURCE_ROOT

Seeds are compared for more numbers than any quiz or training has. Where PyTorch is installed, clips
are made of some of them, too, and compared whole: they differ, and digits that train do not test.
"""
import random
import sys
from pathlib import Path

sys.path.insert(0, str(Path(sys.argv[1]) / "samples" / "model"))

from seeds import SPLITS, evaluation_seed, quiz_seed, training_seed  # noqa: E402

NUMBERS = 20000
CLIPS = 60
failed = 0


def check(good, what):
    global failed
    print("ok  " if good else "FAIL", what)
    failed += not good


def seeds_of_all():
    """A set of seeds for each purpose."""
    sets = {"training": {training_seed(*what) for rank in range(4) for seed in range(3)
                         for what in [(seed, rank)] + [(seed, rank, step)
                                                       for step in range(NUMBERS // 8)]},
            "evaluation": {evaluation_seed(kind, seed) for kind in ("clip", "picture")
                           for seed in range(NUMBERS)}}
    for world in ("plain", "rich"):
        for split in SPLITS:
            sets[f"{world} {split}"] = {quiz_seed(world, split, kind, number)
                                        for kind in ("clip", "picture")
                                        for number in range(NUMBERS)}
    return sets


def compare(sets):
    names = list(sets)
    for name in names:
        check(len(sets[name]) >= NUMBERS, f"{name} has {len(sets[name])} seeds, none twice")
    for i, a in enumerate(names):
        for b in names[i + 1:]:
            check(not sets[a] & sets[b], f"{a} and {b} share none")
    plain = set().union(*(seeds for name, seeds in sets.items() if name.startswith("plain")))
    check(max(plain) < 1 << 48 <= min(min(s) for n, s in sets.items() if not n.startswith("plain")),
          "and cannot, but for splits of the plain world")


def compare_clips():
    from draw import DIGIT_TRAIN
    from worlds import new_clip
    seen, repeated, tested, trained = {}, 0, set(), set()
    for world in ("plain", "rich"):
        for split in SPLITS + ["train"]:
            for number in range(CLIPS):
                train = split == "train"
                seed = (training_seed(number) if train
                        else quiz_seed(world, split, "clip", number))
                clip = new_clip(world, random.Random(seed), train=train)
                repeated += repr(clip) in seen
                seen[repr(clip)] = split
                if clip.digit:
                    (trained if train else tested).add(clip.digit.sample)
    check(not repeated, f"{len(seen)} clips, none twice")
    check(trained and max(trained) < DIGIT_TRAIN, f"{len(trained)} digits train")
    check(tested and min(tested) >= DIGIT_TRAIN, f"{len(tested)} others test")


compare(seeds_of_all())
try:
    import numpy  # noqa: F401
    import torch  # noqa: F401
except ImportError:
    print("no PyTorch: clips are not made")
else:
    compare_clips()
sys.exit(failed > 0)
