# SPDX-License-Identifier: MIT
"""Packs prompts into batches: many questions about one picture or clip share its visual prefix.

Every question sees the prefix and itself, and starts at the position right after the prefix, so
that a packed question is computed as a question asked alone.
"""
from dataclasses import dataclass, field
from typing import Optional, Union

import torch
from torch import Tensor

from draw import IGNORED
from precision import DEVICE, WORK
from scenes import Question
from telling import Name, Told, named_told
from vocabulary import BOS, EOS, encode

HIDDEN = -30000.0  # of the additive mask; fits bfloat16
LONG_ANSWER = 3  # tokens; longer answers weigh as much as one of this length


@dataclass
class Visual:
    """Projected rows of one frame; kept[i] was the place of row i among `full` rows."""

    rows: Tensor
    kept: list[int]
    full: int
    told: Optional[Told] = None  # what they should tell (telling.py), in training on clips


@dataclass
class Sample:
    """Text tokens and visual rows in order, then questions about them."""

    prefix: list[Union[list[int], Visual]]
    questions: list[Question]
    names: dict[Name, list[int]] = field(default_factory=dict)  # what they tell (telling.py)


@dataclass
class Batch:
    """Rows of all samples, padded to one length."""

    ids: Tensor  # [samples, rows]; 0 where a visual row goes
    positions: Tensor
    targets: Tensor  # the next token of an answer, else IGNORED
    weights: Tensor  # of each target in the loss
    mask: Tensor  # additive, [samples, 1, rows, rows]
    visual: Tensor  # all visual rows after each other, [n, width]; n may be 0
    visual_at: tuple[Tensor, Tensor]  # sample and row of each
    label_at: tuple[Tensor, Tensor]  # sample and row of the token before each frame's rows
    told: list[Told]  # by each frame, where all samples have it
    names_at: tuple[Tensor, Tensor]  # sample and row of each name in a question
    names: Tensor  # what it tells


@dataclass
class _Row:
    """One sample's rows while they are laid out."""

    ids: list[int] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    groups: list[int] = field(default_factory=list)  # 0 prefix, else the question's number
    targets: list[int] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)
    visual_at: list[int] = field(default_factory=list)
    label_at: list[int] = field(default_factory=list)
    names_at: list[int] = field(default_factory=list)
    names: list[list[int]] = field(default_factory=list)
    next: int = 0  # position

    def add(self, ids: list[int], positions: list[int], group: int) -> None:
        self.ids += ids
        self.positions += positions
        self.groups += [group] * len(ids)
        self.targets += [IGNORED] * len(ids)
        self.weights += [0.0] * len(ids)

    def add_text(self, ids: list[int]) -> None:
        self.add(ids, list(range(self.next, self.next + len(ids))), 0)
        self.next += len(ids)

    def add_visual(self, item: Visual, spread: bool) -> None:
        count = len(item.kept)
        self.label_at.append(len(self.ids) - 1)
        self.visual_at += range(len(self.ids), len(self.ids) + count)
        places = item.kept if spread else range(count)
        self.add([0] * count, [self.next + place for place in places], 0)
        self.next += item.full if spread else count

    def add_question(self, number: int, question: Question,
                     names: dict[Name, list[int]]) -> None:
        asked = encode(question.text + " ASSISTANT:")
        answer = encode(question.answer) + [EOS]
        ids = (asked + answer)[:-1]
        for at, known in named_told(asked, names):
            self.names_at.append(len(self.ids) + at)
            self.names.append(known)
        self.add(ids, list(range(self.next, self.next + len(ids))), number)
        self.targets[-len(answer):] = answer
        weight = min(1.0, LONG_ANSWER / len(answer))
        self.weights[-len(answer):] = [weight] * len(answer)


def start() -> list[int]:
    """The tokens before the first picture, or before the first frame's label."""
    return [BOS] + encode("USER:")


def frame_label(number: int) -> list[int]:
    """The tokens before a frame of a clip; numbers count from 1."""
    return encode(f"frame {number}:")


def _lay_out(sample: Sample, spread: bool) -> _Row:
    row = _Row()
    for item in sample.prefix:
        if isinstance(item, Visual):
            row.add_visual(item, spread)
        else:
            row.add_text(item)
    for number, question in enumerate(sample.questions, 1):
        row.add_question(number, question, sample.names)
    return row


def _mask(groups: Tensor) -> Tensor:
    """Who sees whom: earlier rows of the prefix and of one's own question, and oneself."""
    rows = groups.shape[1]
    earlier = torch.ones(rows, rows, dtype=torch.bool, device=groups.device).tril()
    own = (groups[:, None, :] == 0) | (groups[:, None, :] == groups[:, :, None])
    seen = earlier & own & (groups[:, None, :] >= 0)
    seen |= torch.eye(rows, dtype=torch.bool, device=groups.device)
    mask = torch.zeros(len(groups), 1, rows, rows, dtype=WORK, device=groups.device)
    return mask.masked_fill_(~seen[:, None], HIDDEN)


def pack(samples: list[Sample], spread: bool, width: int) -> Batch:
    """One batch; spread: rows keep the positions they had before some were dropped."""
    laid = [_lay_out(sample, spread) for sample in samples]
    length = max(len(row.ids) for row in laid)

    def table(name: str, empty: float, dtype: torch.dtype) -> Tensor:
        out = torch.full((len(laid), length), empty, dtype=dtype)
        for index, row in enumerate(laid):
            values = getattr(row, name)
            out[index, :len(values)] = torch.tensor(values, dtype=dtype)
        return out.to(DEVICE)

    def numbers(values: list) -> Tensor:
        return torch.tensor(values, dtype=torch.long, device=DEVICE)

    items = [item for sample in samples for item in sample.prefix if isinstance(item, Visual)]
    rows = [item.rows for item in items]

    def places(name: str) -> tuple[Tensor, Tensor]:
        whose = [index for index, row in enumerate(laid) for _ in getattr(row, name)]
        where = [at for row in laid for at in getattr(row, name)]
        return numbers(whose), numbers(where)

    return Batch(
        ids=table("ids", 0, torch.long),
        positions=table("positions", 0, torch.long),
        targets=table("targets", IGNORED, torch.long),
        weights=table("weights", 0, torch.float32),
        mask=_mask(table("groups", -1, torch.long)),
        visual=torch.cat(rows) if rows else torch.zeros(0, width, device=DEVICE),
        visual_at=places("visual_at"),
        label_at=places("label_at"),
        told=[item.told for item in items if item.told is not None],
        names_at=places("names_at"),
        names=numbers([known for row in laid for known in row.names]),
    )
