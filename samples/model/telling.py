# SPDX-License-Identifier: MIT
"""What rows of a clip should be able to tell on their way through the language model.

Answers teach these slowly, for a question is about one thing in one scene; each row of a clip can
teach them at once. They are steps of one way, each asked after the layer that can have taken it:

  1  the last token of a frame's label: what the frame before stands on (GROUND)
  2  a visual row: the same, and where its thing was in the frame before
  3  whether its frame begins a scene
  4  the number of its frame, its scene, how its thing moves
"""
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from draw import GROUND, IGNORED, KINDS, SIZE
from scenes import DIRECTIONS, FAST_FROM, Clip

STILL = 2 * len(DIRECTIONS)  # below it, directions, slow ones and fast ones
PARTS = [100, 6, STILL + 1]  # numbers of frames, scenes, moves
LAYERS = 4  # of the language model, after which there is something to tell
UNKNOWN = float("nan")


@dataclass
class Told:
    """What the rows of one frame are to tell. Rows of many frames go after each other."""

    ground: Tensor  # that the frame before stands on, [frames, GROUND]; UNKNOWN for the first
    rows: Tensor  # how many rows each frame has, [frames]
    place: Tensor  # of a row's thing in the frame before, -1 to 1, [rows, 2], or UNKNOWN
    begins: Tensor  # whether a scene begins, [frames]
    parts: Tensor  # [rows, parts]

    @staticmethod
    def joined(items: list["Told"]) -> "Told":
        return Told(*(torch.cat([getattr(item, name) for item in items])
                      for name in Told.__dataclass_fields__))


def scene_of(clip: Clip, frame: int) -> int:
    return sum(start <= frame for start in clip.starts[1:-1])


def told(clip: Clip, frame: int, before: int | None, label: int, kind: Tensor,
         ground: Tensor) -> Told:
    """Of a frame whose rows show `kind` [rows]; before: the last frame that has rows, which stands
    on `ground`; label: the number of frame 0.

    How a thing moves is known from its second frame on."""
    moves = torch.full((KINDS,), IGNORED)
    places = torch.full((KINDS, 2), UNKNOWN)
    for thing in clip.things:
        if not thing.first < frame < thing.last:
            continue
        move = thing.motion
        fast = move is not None and move.speed > FAST_FROM
        moves[thing.shape + 1] = move.direction + len(DIRECTIONS) * fast if move else STILL
        places[thing.shape + 1] = torch.tensor(thing.place(frame - 1)) * (2 / SIZE) - 1
    scene = scene_of(clip, frame)
    parts = torch.empty(len(kind), len(PARTS), dtype=torch.long)
    parts[:, 0] = frame + label
    parts[:, 1] = scene
    parts[:, 2] = moves[kind.long()]
    first = before is None
    return Told(torch.full((1, GROUND), UNKNOWN) if first else ground[None],
                torch.tensor([len(kind)]), places[kind.long()],
                torch.tensor([not first and scene_of(clip, before) < scene]).long(), parts)


def known_error(said: Tensor, target: Tensor, begins: Tensor) -> Tensor:
    """Mean square over the rows that have a target. Those of frames that begin a scene count as much
    as all the others: elsewhere the frame before stands on what this one does, and a row that says so
    is right without having looked."""
    losses = [F.mse_loss(said[rows].float(), target[rows])
              for rows in (~target[:, 0].isnan() & (begins == value) for value in (0, 1))
              if rows.any()]
    return torch.stack(losses).sum() if losses else said.new_zeros(())


class Teller(nn.Module):
    """What reads it from rows; only training has it."""

    def __init__(self, width: int):
        super().__init__()
        self.label = nn.Linear(width, GROUND)
        self.before = nn.Linear(width, GROUND + 2)
        self.begins = nn.Linear(width, 2)
        self.parts = nn.Linear(width, sum(PARTS))

    def loss(self, labels: Tensor, rows: list[Tensor], to_tell: Told) -> tuple[Tensor, str]:
        """labels: rows of the label of each frame after layer 1; rows: visual rows after layers 2
        and on. And what to say of it."""
        ground = to_tell.ground.repeat_interleave(to_tell.rows, 0)
        begins = to_tell.begins.repeat_interleave(to_tell.rows, 0)
        before = self.before(rows[0])
        grounds = known_error(before[:, :GROUND], ground, begins)
        places = known_error(before[:, GROUND:], to_tell.place, begins)
        losses = [known_error(self.label(labels), to_tell.ground, to_tell.begins), grounds, 4 * places]
        cuts = self.begins(rows[1]).float()
        losses.append(F.cross_entropy(cuts, begins, weight=torch.tensor([1.0, 4.0])))
        note = f"before {grounds.item():.2f} {places.item():.3f}"
        seen = begins == 1
        if seen.any():
            note += f", cuts {100 * cuts[seen].argmax(-1).float().mean().item():.0f} %"
        note += ", told"
        for logits, part in zip(self.parts(rows[2]).float().split(PARTS, -1), to_tell.parts.T):
            known = part != IGNORED
            if known.any():
                losses.append(F.cross_entropy(logits[known], part[known]))
                right = (logits[known].argmax(-1) == part[known]).float().mean().item()
                note += f" {100 * right:.0f}"
        return torch.stack(losses).sum(), note + " %"
