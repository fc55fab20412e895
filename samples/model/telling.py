# SPDX-License-Identifier: MIT
"""What rows of a clip should be able to tell on their way through the language model.

Answers teach these slowly, for a question is about one thing in one scene; each row of a clip can
teach them at once. They are steps of one way, each asked after the layer that can have taken it:

  1  the last token of a frame's label: what the frame before stands on (GROUND)
  2  a visual row: the same, and where its thing was in the frame before
  3  whether its frame begins a scene; the name of a thing in a question: the thing's color
  4  the number of its frame, its scene, how its thing moves, whether it only flashes
  5  the name of a thing in a question: its scene, how it moves, in which frame it flashes, and
     whether it has the color of the thing named before it; that of a scene: the word it shows
"""
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from draw import COLOR_NAMES, GROUND, IGNORED, KINDS, SIZE
from precision import DEVICE
from scenes import DIRECTIONS, FAST_FROM, Clip, Thing
from vocabulary import WRITTEN, encode

STILL = 2 * len(DIRECTIONS)  # below it, directions, slow ones and fast ones
PARTS = [100, 6, STILL + 1]  # numbers of frames, scenes, moves
THING_PARTS = PARTS[1:] + PARTS[:1]  # scenes, moves, numbers of frames
LAYERS = 5  # of the language model, after which there is something to tell
UNKNOWN = float("nan")

Name = tuple[int, ...]  # tokens: a thing's word, or "scene" and its number


@dataclass
class Told:
    """What the rows of one frame are to tell. Rows of many frames go after each other."""

    ground: Tensor  # that the frame before stands on, [frames, GROUND]; UNKNOWN for the first
    rows: Tensor  # how many rows each frame has, [frames]
    place: Tensor  # of a row's thing in the frame before, -1 to 1, [rows, 2], or UNKNOWN
    begins: Tensor  # whether a scene begins, [frames]
    parts: Tensor  # [rows, parts]
    flashes: Tensor  # whether a row's thing is in no frame but this one, [rows], or IGNORED

    @staticmethod
    def joined(items: list["Told"]) -> "Told":
        return Told(*(torch.cat([getattr(item, name) for item in items]).to(DEVICE)
                      for name in Told.__dataclass_fields__))


def scene_of(clip: Clip, frame: int) -> int:
    return sum(start <= frame for start in clip.starts[1:-1])


def move_of(thing: Thing) -> int:
    move = thing.motion
    return move.direction + len(DIRECTIONS) * (move.speed > FAST_FROM) if move else STILL


def names_told(clip: Clip, label: int) -> dict[Name, list[int]]:
    """What names in questions about a clip should tell: the color of a thing and THING_PARTS, the
    word of a scene."""
    out: dict[Name, list[int]] = {}
    for thing in clip.things:
        move = move_of(thing) if thing.last - thing.first > 1 else IGNORED
        number = thing.first + label if thing.flashes else IGNORED
        out[encode(thing.noun)[0],] = [thing.color, thing.scene, move, number, IGNORED]
    scenes = [word.scene for word in clip.words]
    for word in clip.words:
        if scenes.count(word.scene) == 1:
            name = tuple(encode(f"scene {word.scene + 1}"))
            out[name] = [IGNORED] * (1 + len(THING_PARTS)) + [word.word]
    return out


def named_told(question: list[int], names: dict[Name, list[int]]) -> list[tuple[int, list[int]]]:
    """Where names in a question end, and what each should tell: that of names_told, and whether its
    color is that of the thing named before."""
    out = []
    color = IGNORED
    for at, token in enumerate(question):
        known = names.get((token,)) or names.get(tuple(question[max(0, at - 1):at + 1]))
        if not known:
            continue
        two = IGNORED not in (color, known[0])
        out.append((at, known + [int(known[0] == color) if two else IGNORED]))
        color = known[0]
    return out


def told(clip: Clip, frame: int, before: int | None, label: int, kind: Tensor,
         ground: Tensor) -> Told:
    """Of a frame whose rows show `kind` [rows]; before: the last frame that has rows, which stands
    on `ground`; label: the number of frame 0.

    How a thing moves is known from its second frame on."""
    moves = torch.full((KINDS,), IGNORED)
    flashes = torch.full((KINDS,), IGNORED)
    places = torch.full((KINDS, 2), UNKNOWN)
    first = before is None
    for thing in clip.things:
        if thing.first <= frame < thing.last and not first:
            flashes[thing.shape + 1] = thing.flashes
        if not thing.first < frame < thing.last:
            continue
        moves[thing.shape + 1] = move_of(thing)
        places[thing.shape + 1] = torch.tensor(thing.place(frame - 1)) * (2 / SIZE) - 1
    scene = scene_of(clip, frame)
    parts = torch.empty(len(kind), len(PARTS), dtype=torch.long)
    parts[:, 0] = frame + label
    parts[:, 1] = scene
    parts[:, 2] = moves[kind.long()]
    return Told(torch.full((1, GROUND), UNKNOWN) if first else ground[None],
                torch.tensor([len(kind)]), places[kind.long()],
                torch.tensor([not first and scene_of(clip, before) < scene]).long(), parts,
                flashes[kind.long()])


def known_error(said: Tensor, target: Tensor, begins: Tensor) -> Tensor:
    """Mean square over the rows that have a target. Those of frames that begin a scene count as much
    as all the others: elsewhere the frame before stands on what this one does, and a row that says so
    is right without having looked."""
    losses = [F.mse_loss(said[rows].float(), target[rows])
              for rows in (~target[:, 0].isnan() & (begins == value) for value in (0, 1))
              if rows.any()]
    return torch.stack(losses).sum() if losses else said.new_zeros(())


def choice_losses(logits: Tensor, sizes: list[int], targets: Tensor) -> tuple[list[Tensor], str]:
    """Cross entropy of each part of the targets [n, parts], and what to say of them."""
    losses, note = [], ""
    for said, target in zip(logits.float().split(sizes, -1), targets.T):
        known = target != IGNORED
        if known.any():
            losses.append(F.cross_entropy(said[known], target[known]))
            note += f" {100 * (said[known].argmax(-1) == target[known]).float().mean().item():.0f}"
    return losses, note


def rare_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Cross entropy of yes or no, where yes is rare and weighs as much as no."""
    losses = F.cross_entropy(logits.float(), targets, reduction="none", ignore_index=IGNORED)
    parts = [losses[targets == value].mean() for value in (0, 1) if (targets == value).any()]
    return torch.stack(parts).sum() if parts else losses.sum()


def share(logits: Tensor, targets: Tensor) -> str:
    """How many of the yes are found, to be said."""
    yes = targets == 1
    return f" {100 * logits[yes].argmax(-1).float().mean().item():.0f} %" if yes.any() else " none"


class Teller(nn.Module):
    """What reads it from rows; only training has it."""

    def __init__(self, width: int):
        super().__init__()
        self.label = nn.Linear(width, GROUND)
        self.before = nn.Linear(width, GROUND + 2)
        self.begins = nn.Linear(width, 2)
        self.parts = nn.Linear(width, sum(PARTS))
        self.flashes = nn.Linear(width, 2)
        self.color = nn.Linear(width, len(COLOR_NAMES))
        self.thing = nn.Linear(width, sum(THING_PARTS))
        self.word = nn.Linear(width, len(WRITTEN))
        self.same = nn.Linear(width, 2)

    def loss(self, labels: Tensor, rows: list[Tensor], to_tell: Told) -> tuple[Tensor, str]:
        """labels: rows of the label of each frame after layer 1; rows: visual rows after layers 2
        and on. And what to say of it."""
        ground = to_tell.ground.repeat_interleave(to_tell.rows, 0)
        begins = to_tell.begins.repeat_interleave(to_tell.rows, 0)
        before = self.before(rows[0])
        grounds = known_error(before[:, :GROUND], ground, begins)
        places = known_error(before[:, GROUND:], to_tell.place, begins)
        cuts, flashes = self.begins(rows[1]), self.flashes(rows[2])
        losses, note = choice_losses(self.parts(rows[2]), PARTS, to_tell.parts)
        losses += [known_error(self.label(labels), to_tell.ground, to_tell.begins), grounds,
                   4 * places, rare_loss(cuts, begins), rare_loss(flashes, to_tell.flashes)]
        return torch.stack(losses).sum(), (
            f"before {grounds.item():.2f} {places.item():.3f}, cuts{share(cuts, begins)}, "
            f"told{note} %, flashes{share(flashes, to_tell.flashes)}")

    def names_loss(self, early: Tensor, late: Tensor, targets: Tensor) -> tuple[Tensor, str]:
        """Of names in questions, after layers 3 and 5."""
        said = torch.cat([self.color(early), self.thing(late), self.word(late), self.same(late)],
                         -1)
        sizes = [len(COLOR_NAMES), *THING_PARTS, len(WRITTEN), 2]
        losses, note = choice_losses(said, sizes, targets)
        return torch.stack(losses).sum(), f"names{note} %"
