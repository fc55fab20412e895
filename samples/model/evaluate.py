# SPDX-License-Identifier: MIT
"""Accuracy of a model on pictures and clips that training never made, by family of questions.

    python evaluate.py MODEL [--pictures 200] [--clips 120] [--keep 0.25,0.1] [--seed 1]

MODEL is a checkpoint of train.py, or a GGUF file with its mmproj beside it.

An answer is right when every token of it is the most likely one, which is what greedy generation
needs to give exactly this answer. `blind` shows what can be guessed without seeing; `random` and
`cls` keep a share of each frame's patches, by chance or by the attention that CLS pays them.
"""
import argparse
import os
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch  # noqa: E402
from torch import Tensor  # noqa: E402

from learn import answer_rows, half  # noqa: E402
from model import CLS, PATCHES, SampleModel  # noqa: E402
from prompts import Sample, Visual, frame_label, pack, start  # noqa: E402
from questions import clip_questions, picture_questions  # noqa: E402
from scenes import Clip, Question, draw_clips, make_clip, make_picture  # noqa: E402
from vocabulary import EOS  # noqa: E402
from weights import load  # noqa: E402

BATCH = 4
Keeper = Callable[[Tensor, random.Random], list[int]]  # CLS attention [64] -> rows kept


@dataclass
class Item:
    """What is asked about, as the vision tower sees it."""

    clip: Clip
    rows: Tensor  # [frames, 65, width]
    attention: Tensor  # CLS to patches, [frames, 64]
    questions: list[Question]


def keep_all(attention: Tensor, rng: random.Random) -> list[int]:
    """What libmtmd gives: patches 1..63 and CLS."""
    return list(range(1, CLS + 1))


def keep_none(attention: Tensor, rng: random.Random) -> list[int]:
    return []


def keep_random(share: float) -> Keeper:
    count = max(1, round(share * PATCHES))
    return lambda attention, rng: sorted(rng.sample(range(PATCHES), count))


def keep_by_cls(share: float) -> Keeper:
    count = max(1, round(share * PATCHES))
    return lambda attention, rng: sorted(attention.topk(count).indices.tolist())


def unique(questions: list[Question]) -> list[Question]:
    """Each question once."""
    return list({question.text: question for question in questions}.values())


@torch.no_grad()
def make_items(model: SampleModel, count: int, seed: int, video: bool) -> list[Item]:
    """Held-out pictures or clips, encoded."""
    rng = random.Random(seed)
    items = []
    for index in range(count):
        clip = make_clip(rng, train=False) if video else make_picture(rng, train=False)
        frames, _, _ = draw_clips([clip], seed + 1000 * index)
        with half():
            rows, attention = model.vision(frames)
        questions = clip_questions(clip, rng) if video else picture_questions(clip, rng)
        received = attention[:, :, CLS, :PATCHES].float().mean(1)
        items.append(Item(clip, rows.float(), received, unique(questions)))
    return items


def make_sample(model: SampleModel, item: Item, keep: Keeper, video: bool,
                rng: random.Random) -> Sample:
    with half():
        projected = model.projector(item.rows)
    prefix: list = [start()]
    for frame, attention in enumerate(item.attention):
        if video:
            prefix.append(frame_label(frame + 1))
        kept = keep(attention, rng)
        if kept:
            prefix.append(Visual(projected[frame][kept], kept))
    return Sample(prefix, item.questions)


@torch.no_grad()
def right_answers(model: SampleModel, samples: list[Sample]) -> list[bool]:
    """For each question of each sample, in order, whether its whole answer would be given."""
    batch = pack(samples, False, model.config.width)
    with half():
        logits, asked = answer_rows(model, batch)
    targets = batch.targets[asked].tolist()
    good = (logits.argmax(-1) == batch.targets[asked]).tolist()
    out = []
    so_far = True
    for target, right in zip(targets, good):
        so_far = so_far and right
        if target == EOS:
            out.append(so_far)
            so_far = True
    return out


def score(model: SampleModel, items: list[Item], keep: Keeper, video: bool) -> dict[str, list[int]]:
    """Right answers and questions by family."""
    rng = random.Random(3)
    table: dict[str, list[int]] = {}
    for begin in range(0, len(items), BATCH):
        part = items[begin:begin + BATCH]
        samples = [make_sample(model, item, keep, video, rng) for item in part]
        questions = [question for item in part for question in item.questions]
        for question, right in zip(questions, right_answers(model, samples)):
            cell = table.setdefault(question.family, [0, 0])
            cell[0] += right
            cell[1] += 1
    return table


def report(name: str, table: dict[str, list[int]]) -> None:
    right = sum(cell[0] for cell in table.values())
    count = sum(cell[1] for cell in table.values())
    parts = [f"{family} {100 * r / n:.0f} ({n})" for family, (r, n) in sorted(table.items())]
    print(f"{name:12s} {100 * right / count:5.1f} % of {count}: {', '.join(parts)}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="accuracy of a model on held-out scenes")
    parser.add_argument("model", type=Path, help="checkpoint or GGUF file")
    parser.add_argument("--pictures", type=int, default=200)
    parser.add_argument("--clips", type=int, default=120)
    parser.add_argument("--keep", default="", help="shares of patches to keep, as 0.25,0.1")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(1)
    model = load(args.model)
    keepers: dict[str, Keeper] = {"all": keep_all, "blind": keep_none}
    for share in (float(text) for text in args.keep.split(",") if text):
        keepers[f"random {share:g}"] = keep_random(share)
        keepers[f"cls {share:g}"] = keep_by_cls(share)
    for video, count in ((False, args.pictures), (True, args.clips)):
        if not count:
            continue
        print("clips" if video else "pictures")
        items = make_items(model, count, args.seed, video)
        for name, keep in keepers.items():
            report(name, score(model, items, keep, video))


if __name__ == "__main__":
    main()
