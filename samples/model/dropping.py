# SPDX-License-Identifier: MIT
"""Which visual rows a training sample keeps, so that the model learns to live with few of them.

Rows are a picture's patches and then CLS where the tower has it. libmtmd's graph loses patch 0
where there is a CLS, and gives CLS last.
"""
import random
from enum import IntEnum

from model import Config


class Drop(IntEnum):
    """How a clip's rows are dropped."""

    NONE = 0  # all rows that libmtmd gives
    EVENLY = 1
    BACKGROUND = 2  # background more than things
    MERGED = 3  # rows are means of rows, see merging.py


# Shares of the modes above, at the beginning and at the end of the stage: with few rows more clips
# are seen, all rows take getting used to.
DROP_SHARES = [0.2, 0.25, 0.3, 0.25], [0.45, 0.15, 0.25, 0.15]


def keep_of_picture(kind: list[int], config: Config, rng: random.Random) -> list[int]:
    """Rows kept of a picture; kind tells of each patch what it shows, 0 for background."""
    patches = config.patches
    mode = rng.random()
    if mode < 0.3:
        kept = list(range(patches))
    elif mode < 0.65:
        share = rng.uniform(0.08, 1)
        kept = [i for i in range(patches) if rng.random() < share]
    else:
        background, things = rng.uniform(0, 0.6) ** 1.5, rng.uniform(0.5, 1)
        kept = [i for i in range(patches)
                if rng.random() < (things if kind[i] > 0 else background)]
    if not kept:
        kept = [rng.randrange(patches)]
    if not config.cls:
        return kept
    if kept[0] == 0 and len(kept) > 1 and rng.random() < 0.5:
        kept = kept[1:]
    return kept + [patches] if rng.random() < 0.5 else kept


def keep_of_clip(kinds: list[list[int]], mode: Drop, config: Config,
                 rng: random.Random) -> list[list[int]]:
    """Rows kept of each frame of a clip; a frame may keep none."""
    patches = config.patches
    if mode == Drop.NONE:
        return [list(config.given) for _ in kinds]
    if mode == Drop.EVENLY:
        share = rng.uniform(0.1, 1)
        return [[i for i in range(config.rows) if rng.random() < share] for _ in kinds]
    background, things = rng.uniform(0, 0.35) ** 1.5, rng.uniform(0.55, 1)
    out = []
    for kind in kinds:
        kept = [i for i in range(patches)
                if rng.random() < (things if kind[i] > 0 else background)]
        out.append(kept + [patches] if config.cls and rng.random() < 0.3 else kept)
    return out


def cap(counts: list[int], most: int, rng: random.Random) -> list[list[int]]:
    """Of each frame's rows those that stay, in order, when there are to be at most so many."""
    every = [(frame, row) for frame, count in enumerate(counts) for row in range(count)]
    if len(every) > most:
        every = sorted(rng.sample(every, most))
    out: list[list[int]] = [[] for _ in counts]
    for frame, row in every:
        out[frame].append(row)
    return out
