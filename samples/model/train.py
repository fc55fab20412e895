# SPDX-License-Identifier: MIT
"""Trains the sample model from nothing: python train.py [--minutes 67] [--ranks 2] [--out DIR]

Three stages, each for a share of the minutes, each leaving a checkpoint in --out:
  vision    the vision tower alone, to name what patches and pictures show
  pictures  everything, on questions about single pictures
  clips     projector and language model, on questions about clips; the tower's rows are kept
"""
import argparse
import os
import random
import tempfile
import time
from pathlib import Path
from typing import Callable, Optional

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch  # noqa: E402
import torch.multiprocessing as processes  # noqa: E402
from torch import Tensor  # noqa: E402

from draw import Labels  # noqa: E402
from dropping import DROP_SHARES, Drop, keep_of_clip, keep_of_picture  # noqa: E402
from learn import Optimiser, Team, answer_loss, half, schedule, vision_losses  # noqa: E402
from model import SampleModel  # noqa: E402
from prompts import Sample, Visual, frame_label, pack, start  # noqa: E402
from questions import clip_questions, picture_questions  # noqa: E402
from scenes import Clip, Question, draw_clips, make_clip, make_picture  # noqa: E402

STAGES = {"vision": 4, "pictures": 23, "clips": 40}  # minutes of a full training
CLIPS_PER_MINUTE = 105  # of the last stage, for each process: drawn and encoded before it starts
SAVE_EVERY = 300  # steps

# How often a question is asked, by family. Families that are learned late are asked more.
PICTURE_WEIGHTS = {"color": 1.6, "where": 1.2, "shape": 0.8, "count": 0.5, "digit": 0.9,
                   "exist": 1.5, "caption": 0.9}
CLIP_WEIGHTS = {"v_color": 0.7, "v_needle_color": 1.2, "v_scene": 1.0, "v_motion": 1.6,
                "v_needle_frame": 1.6, "v_needle_what": 1.2, "v_scenes": 1.0, "v_digit": 1.0,
                "v_digit_needle": 1.3, "v_order": 1.2, "v_exist": 0.6, "v_count": 1.0,
                "v_caption": 1.0}
PICTURE_QUESTIONS = 5  # asked at once
CLIP_QUESTIONS = 6


def choose(questions: list[Question], count: int, weights: dict[str, float],
           rng: random.Random) -> list[Question]:
    """Some of the questions, none twice."""
    left = list(questions)
    out: list[Question] = []
    while left and len(out) < count:
        index = rng.choices(range(len(left)), [weights[q.family] for q in left])[0]
        question = left.pop(index)
        if question not in out:
            out.append(question)
    return out


class EncodedClip:
    """A clip, the vision tower's rows of its frames, and what its patches show."""

    def __init__(self, clip: Clip, rows: Tensor, kind: Tensor):
        self.clip = clip
        self.rows = rows
        self.kind = kind.to(torch.uint8)


class Trainer:
    """One process of the training."""

    def __init__(self, team: Team, args: argparse.Namespace):
        self.team = team
        self.out: Path = args.out
        self.seed: int = args.seed
        self.compile: bool = args.compile
        torch.manual_seed(self.seed)
        self.model = SampleModel()
        self.rng = random.Random(1000 * (self.seed + 1) + team.rank)

    def save(self, stage: str) -> None:
        if self.team.rank == 0:
            part = self.out / f"{stage}.part"
            torch.save(self.model.state_dict(), part)
            part.replace(self.out / f"{stage}.pt")

    def load(self, stage: str) -> None:
        path = self.out / f"{stage}.pt"
        self.model.load_state_dict(torch.load(path, weights_only=True))

    def run(self, stage: str, minutes: float, floor: float, optimiser: Optimiser,
            loss: Callable[[int], tuple[Tensor, str]]) -> None:
        """Steps until the time is over. loss(step) gives a loss and what to say of it."""
        began = time.monotonic()
        step = 0
        while True:
            done = self.team.agree((time.monotonic() - began) / (60 * minutes))
            if done >= 1:
                break
            value, note = loss(step)
            value.backward()
            optimiser.step(schedule(done, floor))
            step += 1
            if step % 25 == 0:
                self.team.say(f"{stage} {100 * done:3.0f} %, step {step}: {note}")
            if step % SAVE_EVERY == 0:
                self.save(stage)
        self.team.say(f"{stage} done after {step} steps")
        self.save(stage)

    # ---- pictures ----

    def new_pictures(self, count: int) -> tuple[list[Clip], Tensor, Labels]:
        clips = [make_picture(self.rng) for _ in range(count)]
        frames, _, labels = draw_clips(clips, self.rng.randrange(1 << 30))
        return clips, frames, labels

    def picture_loss(self, clips: list[Clip], rows: Tensor, kind: Tensor) -> tuple[Tensor, float]:
        """Loss of questions about pictures, rows dropped, at old or new positions."""
        projected = self.model.projector(rows)
        spread = self.rng.random() < 0.5
        samples = []
        for index, clip in enumerate(clips):
            kept = keep_of_picture(kind[index].tolist(), self.rng)
            asked = choose(picture_questions(clip, self.rng), PICTURE_QUESTIONS, PICTURE_WEIGHTS,
                           self.rng)
            samples.append(Sample([start(), Visual(projected[index][kept], kept)], asked))
        return answer_loss(self.model, pack(samples, spread, projected.shape[-1]))

    def vision_stage(self, minutes: float, batch: int = 48) -> None:
        def loss(step: int) -> tuple[Tensor, str]:
            clips, frames, labels = self.new_pictures(batch)
            with half():
                rows, _ = self.model.vision(frames)
                dense, summary = vision_losses(self.model, rows, labels, clips)
            return dense + summary, f"patches {dense.item():.3f}, CLS {summary.item():.3f}"

        parts = [([self.model.vision, self.model.heads], 1.2e-3)]
        self.run("vision", minutes, 0.15, Optimiser(parts, self.team), loss)

    def pictures_stage(self, minutes: float, batch: int = 24) -> None:
        def loss(step: int) -> tuple[Tensor, str]:
            clips, frames, labels = self.new_pictures(batch)
            with half():
                rows, _ = self.model.vision(frames)
                dense, summary = vision_losses(self.model, rows, labels, clips)
                answers, right = self.picture_loss(clips, rows, labels.kind)
            note = f"answers {answers.item():.3f}, {100 * right:.0f} % of tokens right"
            return answers + 0.3 * dense + 0.3 * summary, note

        parts = [([self.model.vision, self.model.heads], 4e-4),
                 ([self.model.projector, self.model.text], 1.2e-3)]
        self.run("pictures", minutes, 0.12, Optimiser(parts, self.team), loss)

    # ---- clips ----

    @torch.no_grad()
    def encode_clips(self, count: int) -> list[EncodedClip]:
        """Draws clips and keeps the vision tower's rows of them: 25 KB a frame."""
        rng = random.Random(777 + 160_000 * self.seed + 10_007 * self.team.rank)
        out: list[EncodedClip] = []
        while len(out) < count:
            clips = [make_clip(rng) for _ in range(min(16, count - len(out)))]
            frames, offsets, labels = draw_clips(clips, rng.randrange(1 << 30))
            with half():
                parts = [self.model.vision(part)[0] for part in frames.split(64)]
            rows = torch.cat(parts).to(torch.bfloat16)
            for clip, begin, end in zip(clips, offsets, offsets[1:]):
                out.append(EncodedClip(clip, rows[begin:end].clone(), labels.kind[begin:end]))
            if len(out) % 800 == 0:
                self.team.say(f"clips: {len(out)} of {count} encoded")
        return out

    def clip_sample(self, item: EncodedClip, mode: Drop) -> Sample:
        projected = self.model.projector(item.rows)
        keeps = keep_of_clip(item.kind.tolist(), mode, self.rng)
        prefix: list = [start()]
        for frame, kept in enumerate(keeps):
            prefix.append(frame_label(frame + 1))
            if kept:
                prefix.append(Visual(projected[frame][kept], kept))
        asked = choose(clip_questions(item.clip, self.rng), CLIP_QUESTIONS, CLIP_WEIGHTS, self.rng)
        return Sample(prefix, asked)

    def clip_loss(self, pool: "Pool", batch: int) -> tuple[Tensor, float]:
        """Loss of questions about clips; all processes drop rows in the same way."""
        mode = Drop(int(self.team.agree(self.rng.choices(list(Drop), DROP_SHARES)[0])))
        if mode != Drop.BACKGROUND:
            batch //= 2  # twice the rows
        samples = [self.clip_sample(pool.next(), mode) for _ in range(batch)]
        spread = mode != Drop.NONE and self.rng.random() < 0.5
        return answer_loss(self.model, pack(samples, spread, self.model.config.width))

    def clips_stage(self, minutes: float, batch: int = 6) -> None:
        self.model.vision.requires_grad_(False)
        pool = Pool(self.encode_clips(max(8, round(CLIPS_PER_MINUTE * minutes))), self.rng)
        self.team.say("clips: all encoded")
        if self.compile:
            torch._dynamo.config.cache_size_limit = 32
            for block in self.model.text.blocks:
                block.forward = torch.compile(block.forward, dynamic=True)

        def loss(step: int) -> tuple[Tensor, str]:
            with half():
                if step % 8 == 7:
                    clips, frames, labels = self.new_pictures(16)
                    with torch.no_grad():
                        rows, _ = self.model.vision(frames)
                    value, right = self.picture_loss(clips, rows, labels.kind)
                else:
                    value, right = self.clip_loss(pool, batch)
            return value, f"answers {value.item():.3f}, {100 * right:.0f} % of tokens right"

        parts = [([self.model.projector, self.model.text], 8e-4)]
        self.run("clips", minutes, 0.0, Optimiser(parts, self.team), loss)


class Pool:
    """Gives encoded clips in an order that is new each round."""

    def __init__(self, items: list[EncodedClip], rng: random.Random):
        self.items = items
        self.rng = rng
        self.order: list[int] = []

    def next(self) -> EncodedClip:
        if not self.order:
            self.order = list(range(len(self.items)))
            self.rng.shuffle(self.order)
        return self.items[self.order.pop()]


def work(rank: int, args: argparse.Namespace, rendezvous: Path) -> None:
    """One process: all stages from the first asked for."""
    torch.set_num_threads(1)
    team = Team(rank, args.ranks, rendezvous)
    trainer = Trainer(team, args)
    names = list(STAGES)
    first = names.index(args.start)
    if first > 0:
        trainer.load(names[first - 1])
    scale = args.minutes / sum(STAGES.values())
    for name in names[first:]:
        stage = getattr(trainer, name + "_stage")
        stage(STAGES[name] * scale)


def main(argv: Optional[list[str]] = None) -> None:
    parser = argparse.ArgumentParser(description="train the sample model")
    parser.add_argument("--minutes", type=float, default=sum(STAGES.values()),
                        help="of all three stages together (default %(default)s)")
    parser.add_argument("--ranks", type=int, default=2, help="processes of one thread each")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--compile", action="store_true",
                        help="compile the language model in the last stage: a fifth faster, but "
                             "needs g++ and Python's headers")
    parser.add_argument("--start", choices=STAGES, default="vision",
                        help="first stage; the one before must have left its checkpoint")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for checkpoints")
    args = parser.parse_args(argv)
    args.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        rendezvous = Path(folder) / "rendezvous"
        if args.ranks == 1:
            work(0, args, rendezvous)
        else:
            processes.spawn(work, (args, rendezvous), nprocs=args.ranks)


if __name__ == "__main__":
    main()
