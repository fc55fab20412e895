# SPDX-License-Identifier: MIT
"""Which visual rows a training sample keeps, so that the model learns to live with few of them.

Rows are 0..63 for the patches and 64 for CLS. libmtmd's graph loses patch 0 and gives CLS last.
"""
import random
from enum import IntEnum

from model import CLS, PATCHES


class Drop(IntEnum):
    """How a clip's rows are dropped."""

    NONE = 0  # all rows that libmtmd gives
    EVENLY = 1
    BACKGROUND = 2  # background more than things


DROP_SHARES = [0.14, 0.21, 0.65]  # of the modes above


def keep_of_picture(kind: list[int], rng: random.Random) -> list[int]:
    """Rows kept of a picture; kind tells of each patch what it shows, 0 for background."""
    mode = rng.random()
    if mode < 0.3:
        kept = list(range(PATCHES))
    elif mode < 0.65:
        share = rng.uniform(0.35, 1)
        kept = [i for i in range(PATCHES) if rng.random() < share]
    else:
        background, things = rng.uniform(0, 0.6), rng.uniform(0.6, 1)
        kept = [i for i in range(PATCHES)
                if rng.random() < (things if kind[i] > 0 else background)]
    if not kept:
        kept = [rng.randrange(PATCHES)]
    if kept[0] == 0 and len(kept) > 1 and rng.random() < 0.5:
        kept = kept[1:]
    return kept + [CLS] if rng.random() < 0.5 else kept


def keep_of_clip(kinds: list[list[int]], mode: Drop, rng: random.Random) -> list[list[int]]:
    """Rows kept of each frame of a clip; a frame may keep none."""
    if mode == Drop.NONE:
        return [list(range(1, CLS + 1)) for _ in kinds]
    if mode == Drop.EVENLY:
        share = rng.uniform(0.3, 0.9)
        return [[i for i in range(CLS + 1) if rng.random() < share] for _ in kinds]
    background, things = rng.uniform(0, 0.35) ** 1.5, rng.uniform(0.55, 1)
    out = []
    for kind in kinds:
        kept = [i for i in range(PATCHES)
                if rng.random() < (things if kind[i] > 0 else background)]
        out.append(kept + [CLS] if rng.random() < 0.3 else kept)
    return out
