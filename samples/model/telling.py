# SPDX-License-Identifier: MIT
"""What every visual row should be able to tell halfway through the language model: the number of its
frame, the scene that it is in, and how the thing that it shows moves.

Answers teach these slowly, for a question is about one thing in one scene; each row of a clip can
teach them at once.
"""
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from draw import KINDS
from prompts import IGNORED
from scenes import DIRECTIONS, FAST_FROM, Clip

STILL = 2 * len(DIRECTIONS)  # below it, directions, slow ones and fast ones
PARTS = [100, 6, STILL + 1]  # numbers of frames, scenes, moves
LAYER = 4  # of the language model, after which rows are asked


def told(clip: Clip, frame: int, label: int, kind: Tensor) -> Tensor:
    """Targets [rows, parts] of a frame whose rows show `kind` [rows]; label: the number of frame 0.

    How a thing moves is known from its second frame on."""
    moves = torch.full((KINDS,), IGNORED)
    for thing in clip.things:
        if not thing.first < frame < thing.last:
            continue
        move = thing.motion
        fast = move is not None and move.speed > FAST_FROM
        moves[thing.shape + 1] = move.direction + len(DIRECTIONS) * fast if move else STILL
    scene = sum(start <= frame for start in clip.starts[1:-1])
    out = torch.empty(len(kind), len(PARTS), dtype=torch.long)
    out[:, 0] = frame + label
    out[:, 1] = scene
    out[:, 2] = moves[kind.long()]
    return out


def telling_loss(head: nn.Module, rows: Tensor, target: Tensor) -> tuple[Tensor, list[float]]:
    """Loss of rows [n, width] that are to tell `target` [n, parts], and the share of right ones of
    each part."""
    losses, right = [], []
    for logits, part in zip(head(rows).float().split(PARTS, -1), target.T):
        known = part != IGNORED
        if known.any():
            losses.append(F.cross_entropy(logits[known], part[known]))
            right.append((logits[known].argmax(-1) == part[known]).float().mean().item())
    return torch.stack(losses).sum(), right
