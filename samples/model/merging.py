# SPDX-License-Identifier: MIT
"""Rows that are means of rows, so that the model learns to read what merging filters make.

Three ways, which stand for the families of such filters: neighbours in the picture (pooling), rows
that are alike in a frame (clusters), and the same patch in frames that follow each other.
"""
import math
import random

import torch
import torch.nn.functional as F
from torch import Tensor

Rows = list[tuple[Tensor, list[int]]]  # of each frame: rows, and the place of each


def pooled(rows: Tensor, side: int) -> tuple[Tensor, list[int]]:
    """Means of side x side patches; rows [patches, width]."""
    patches, width = rows.shape
    grid = math.isqrt(patches)
    small = F.avg_pool2d(rows.T.reshape(1, width, grid, grid), side)
    places = [y * side * grid + x * side for y in range(grid // side) for x in range(grid // side)]
    return small.flatten(2)[0].T, places


def clustered(rows: Tensor, share: float, alone: float,
              rng: random.Random) -> tuple[Tensor, list[int]]:
    """A share of the patches [patches, width] stays; a part `alone` of these as they are, while all
    others join whom they are most like among the rest."""
    patches = len(rows)
    count = max(1, round(share * patches))
    kept = sorted(rng.sample(range(patches), count))
    single = set(rng.sample(kept, min(count - 1, round(alone * count))))
    centres = [index for index in kept if index not in single]
    joining = [index for index in range(patches) if index not in single]
    unit = F.normalize(rows.detach().float(), dim=1)
    whose = (unit[joining] @ unit[centres].T).argmax(1)
    whose[[joining.index(centre) for centre in centres]] = torch.arange(len(centres), device=rows.device)
    sums = rows.new_zeros(len(centres), rows.shape[1])
    sums = sums.index_add(0, whose, rows[joining])
    means = sums / whose.bincount(minlength=len(centres))[:, None].to(rows.dtype)
    of_centre = {centre: at for at, centre in enumerate(centres)}
    out = [rows[index] if index in single else means[of_centre[index]] for index in kept]
    return torch.stack(out), kept


def over_time(frames: Tensor, threshold: float) -> Rows:
    """Runs of the same patch that hardly changes become one row in the run's first frame."""
    count, patches, width = frames.shape
    plain = frames.detach().float()
    alike = F.cosine_similarity(plain[1:], plain[:-1], dim=-1)
    new = torch.cat([alike.new_ones(1, patches, dtype=torch.bool), alike < threshold])
    run = new.long().cumsum(0) - 1  # [frames, patches]: number of the patch's run
    at = run * patches + torch.arange(patches, device=run.device)
    sums = frames.new_zeros(count * patches, width)
    sums = sums.index_add(0, at.flatten(), frames.flatten(0, 1))
    sizes = at.flatten().bincount(minlength=count * patches).clamp(min=1)
    means = sums / sizes[:, None].to(frames.dtype)
    out = []
    for frame in range(count):
        places = new[frame].nonzero().flatten()
        out.append((means[at[frame, places]], places.tolist()))
    return out


def merged(frames: Tensor, rng: random.Random) -> Rows:
    """A clip's patches [frames, patches, width], some merged, in one way for all frames."""
    kind = rng.random()
    if kind < 0.25:
        side = 2 if rng.random() < 0.75 else 4
        return [pooled(rows, side) for rows in frames]
    if kind < 0.7:
        share = rng.uniform(0.06, 0.7)
        alone = rng.choice([0.0, 0.5, 0.8])
        return [clustered(rows, share, alone, rng) for rows in frames]
    rows = over_time(frames, rng.choice([0.8, 0.9, 0.97]))
    if rng.random() < 0.5:  # and thinned out
        share = rng.uniform(0.3, 0.9)
        chosen = [[i for i in range(len(places)) if rng.random() < share] for _, places in rows]
        rows = [(part[kept], [places[i] for i in kept])
                for (part, places), kept in zip(rows, chosen)]
    return rows
