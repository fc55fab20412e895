# SPDX-License-Identifier: MIT
"""Accuracy of a model on pictures and clips that training never made, by family of questions.

    python evaluate.py MODEL [--pictures 200] [--clips 120] [--notes 120] [--words 1000]
                             [--keep 0.25,0.1] [--seed 1]

MODEL is a checkpoint of train.py, or a GGUF file with its mmproj beside it.

An answer is right when every token of it is the most likely one, which is what greedy generation
needs to give exactly this answer. `blind` shows what can be guessed without seeing; `random` and
`attention` keep a share of each frame's patches, by chance or by the attention they get (from CLS
where there is one); `clusters` makes means of them. Notes are asked for on parts of clips, words are the forms without
pictures (forms.py).
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

from forms import cut, notes, words_only  # noqa: E402
from learn import answer_rows  # noqa: E402
from merging import clustered  # noqa: E402
from model import SampleModel  # noqa: E402
from precision import DEVICE, quick  # noqa: E402
from prompts import Sample, Visual, frame_label, pack, start  # noqa: E402
from questions import questions_of  # noqa: E402
from scenes import Clip, Question, draw_clips  # noqa: E402
from vocabulary import EOS  # noqa: E402
from seeds import evaluation_seed  # noqa: E402
from weights import load  # noqa: E402
from worlds import new_clip, new_picture  # noqa: E402

BATCH = 4
# A frame's projected rows and CLS' attention to its patches -> rows for the model, and their places
Keeper = Callable[[Tensor, Tensor, random.Random], tuple[Tensor, list[int]]]


@dataclass
class Item:
    """What is asked about, as the vision tower sees it."""

    clip: Clip
    rows: Tensor  # [frames, rows, width]
    attention: Tensor  # that patches get, from CLS where there is one, [frames, patches]
    questions: list[Question]


def keep_all(rows: Tensor, attention: Tensor, rng: random.Random) -> tuple[Tensor, list[int]]:
    """What libmtmd gives: with a CLS row, all but the first."""
    first = len(rows) - len(attention)
    return rows[first:], list(range(first, len(rows)))


def keep_none(rows: Tensor, attention: Tensor, rng: random.Random) -> tuple[Tensor, list[int]]:
    return rows[:0], []


def keep_random(share: float) -> Keeper:
    def keep(rows: Tensor, attention: Tensor, rng: random.Random) -> tuple[Tensor, list[int]]:
        count = max(1, round(share * len(attention)))
        kept = sorted(rng.sample(range(len(attention)), count))
        return rows[kept], kept
    return keep


def keep_by_attention(share: float) -> Keeper:
    def keep(rows: Tensor, attention: Tensor, rng: random.Random) -> tuple[Tensor, list[int]]:
        count = max(1, round(share * len(attention)))
        kept = sorted(attention.topk(count).indices.tolist())
        return rows[kept], kept
    return keep


def keep_clusters(share: float) -> Keeper:
    return lambda rows, attention, rng: clustered(rows[:len(attention)], share, 0.0, rng)


def unique(questions: list[Question]) -> list[Question]:
    """Each question once."""
    return list({question.text: question for question in questions}.values())


def part_of(item: Item, rich: bool, rng: random.Random) -> Item:
    """A part of a clip, to make notes of."""
    count = rng.randint(1, item.clip.frames)
    first = rng.randint(0, item.clip.frames - count)
    clip = cut(item.clip, first, first + count)
    return Item(clip, item.rows[first:first + count], item.attention[first:first + count],
                unique(notes(clip, rng, rich=rich)))


@torch.no_grad()
def make_items(model: SampleModel, count: int, seed: int, video: bool) -> list[Item]:
    """Held-out pictures or clips, encoded."""
    rng = random.Random(evaluation_seed("clip" if video else "picture", seed))
    items = []
    config = model.config
    for index in range(count):
        clip = (new_clip if video else new_picture)(config.world, rng, train=False)
        frames, _, _ = draw_clips([clip], rng.randrange(1 << 62), config.pixels, config.grid)
        with quick():
            rows, attention = model.vision(frames)
        received = attention[:, :, -1] if config.cls else attention.mean(2)
        received = received[:, :, :config.patches].float().mean(1)
        questions = unique(questions_of(config.world, clip, rng))
        items.append(Item(clip, rows.float(), received, questions))
    return items


def make_sample(model: SampleModel, item: Item, keep: Keeper, video: bool,
                rng: random.Random) -> Sample:
    with quick():
        projected = model.projector(item.rows)
    prefix: list = [start()]
    for frame, attention in enumerate(item.attention):
        if video:
            prefix.append(frame_label(frame + 1))
        rows, places = keep(projected[frame], attention, rng)
        if places:
            prefix.append(Visual(rows, places, model.config.rows))
    return Sample(prefix, item.questions)


@torch.no_grad()
def right_answers(model: SampleModel, samples: list[Sample]) -> list[bool]:
    """For each question of each sample, in order, whether its whole answer would be given."""
    batch = pack(samples, False, model.config.width)
    with quick():
        logits, asked, _ = answer_rows(model, batch)
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
    print(f"{name:14s} {100 * right / count:5.1f} % of {count}: {', '.join(parts)}", flush=True)


def score_words(model: SampleModel, count: int, seed: int) -> dict[str, list[int]]:
    """The forms without pictures, eight at once."""
    rng = random.Random(f"words {seed}")
    table: dict[str, list[int]] = {}
    for _ in range(max(1, count // 8)):
        questions = unique([words_only(rng, model.config.world == "rich") for _ in range(8)])
        for question, right in zip(questions, right_answers(model, [Sample([start()], questions)])):
            cell = table.setdefault(question.family, [0, 0])
            cell[0] += right
            cell[1] += 1
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description="accuracy of a model on held-out scenes")
    parser.add_argument("model", type=Path, help="checkpoint or GGUF file")
    parser.add_argument("--pictures", type=int, default=200)
    parser.add_argument("--clips", type=int, default=120)
    parser.add_argument("--notes", type=int, default=120, help="parts of clips")
    parser.add_argument("--words", type=int, default=1000, help="questions without pictures")
    parser.add_argument("--keep", default="", help="shares of patches to keep, as 0.25,0.1")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(1)
    model = load(args.model).to(DEVICE)
    keepers: dict[str, Keeper] = {"all": keep_all, "blind": keep_none}
    for share in (float(text) for text in args.keep.split(",") if text):
        keepers[f"random {share:g}"] = keep_random(share)
        keepers[f"attention {share:g}"] = keep_by_attention(share)
        keepers[f"clusters {share:g}"] = keep_clusters(share)
    for kind, count in (("pictures", args.pictures), ("clips", args.clips), ("notes", args.notes)):
        if not count:
            continue
        print(kind)
        video = kind != "pictures"
        items = make_items(model, count, args.seed, video)
        if kind == "notes":
            rng = random.Random(f"parts {args.seed}")
            items = [part_of(item, model.config.world == "rich", rng) for item in items]
        for name, keep in keepers.items():
            report(name, score(model, items, keep, video))
    if args.words:
        print("words")
        report("", score_words(model, args.words, args.seed))


if __name__ == "__main__":
    main()
