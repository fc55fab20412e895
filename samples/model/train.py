# SPDX-License-Identifier: MIT
"""Trains a sample model from nothing: python train.py [--model sample|clip|siglip] [--out DIR]

Three stages, each for a share of the minutes, each leaving a checkpoint in --out:
  vision    the vision tower alone, to name what patches and pictures show
  pictures  everything, on questions about single pictures
  clips     projector and language model, on questions about clips, on notes about parts of them,
            and on the forms of forms.py that are words only; the tower learns no more

It computes on a GPU when PyTorch finds one, else on the CPU (precision.py). Minutes are of each
process's processor time, so that a busy machine changes nothing. A training that was stopped goes
on with --resume where it was at most two minutes before. --from MODEL begins with what a model that
is there knows, of this or of another kind; with --start clips it is taught the last stage anew.
"""
import argparse
import os
import random
import signal
import tempfile
import time
from collections import deque
from pathlib import Path
from typing import Callable, Optional

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch  # noqa: E402
import torch.multiprocessing as processes  # noqa: E402
import torch.nn.functional as F  # noqa: E402
from torch import Tensor  # noqa: E402

from draw import Labels  # noqa: E402
from dropping import DROP_SHARES, Drop, cap, keep_of_clip, keep_of_picture  # noqa: E402
from forms import UNCLEAR_FAMILIES, cut, looks_unclear, notes, words_only  # noqa: E402
from learn import (Optimiser, Team, answer_loss, ground_loss, middle_loss, place_loss,  # noqa: E402
                   schedule, vision_losses)
from merging import merged  # noqa: E402
from model import CONFIGS, Config, SampleModel  # noqa: E402
from precision import DEVICE, WORK, quick  # noqa: E402
from prompts import Sample, Visual, frame_label, pack, start  # noqa: E402
from questions import clip_questions_of, questions_of  # noqa: E402
from scenes import Clip, Question, draw_clips  # noqa: E402
from seeds import training_seed  # noqa: E402
from telling import names_told, told  # noqa: E402
from weights import grown, load, save  # noqa: E402
from worlds import new_clip, new_picture  # noqa: E402

STAGES = ["vision", "pictures", "clips"]
MINUTES = {"plain": [4, 23, 40], "rich": [12, 27, 66]}  # of a full training, by world
SAVE_EVERY = 100  # seconds
POOL, FIRST_POOL, FRESH = 600, 64, 8  # encoded clips at hand, at first, and made at once
REUSE = 4  # times that a clip is asked about, on average
SPREAD = 0.2  # of the samples, whose rows keep the positions they had before others were dropped
# Of the pictures, whose rows come in any order: only so is it learned to read where a patch is from
# the patch. From rows in order, even few of them, it can be guessed too well.
SHUFFLED = 0.5
PAIRS = 16  # short clips in which things move, in steps of their own: else motion comes too seldom
PLACES = 0.2  # weight of what projected rows must tell of their place and their frame
# Rows of a clip in training, at most: attention over more costs more than it teaches. Some steps
# see fewer clips with all rows.
MOST_ROWS = 320
LONG_ROWS = 4700
FEW_ROWS = 0.6  # of the stage, after which clips come with all rows more often

# How often a question is asked, by family. Families that are learned late are asked more.
PICTURE_WEIGHTS = {"color": 1.6, "where": 1.2, "shape": 0.8, "count": 0.5, "digit": 0.9,
                   "exist": 1.5, "caption": 0.9, "word": 1.2}
CLIP_WEIGHTS = {"v_color": 0.7, "v_needle_color": 1.2, "v_scene": 1.6, "v_motion": 2.0,
                "v_needle_frame": 5.0, "v_needle_what": 2.0, "v_scenes": 1.6, "v_digit": 1.0,
                "v_digit_needle": 1.3, "v_order": 1.2, "v_exist": 0.6, "v_count": 1.0,
                "v_caption": 1.0, "v_word": 1.0, "v_word_needle": 1.3, "v_slide": 1.8,
                "v_speed": 1.0, "v_where": 1.2, "v_same": 1.2}
NOTE_WEIGHTS = {"n_color": 2.0, "n_count": 1.6, "n_same": 1.6}  # others 1
PICTURE_QUESTIONS = 5  # asked at once
CLIP_QUESTIONS = 6  # and one more for every FRAMES_ASKED, since there is more to ask
FRAMES_ASKED = 4
LONG_QUESTIONS = 18  # with all rows, where a question costs little beside them
NOTES = 4  # of these, about a part of a clip
SEGMENTS = 0.4  # of the clips, as parts
MOST_FRAMES = 16  # of such a part
LAST_LABEL = 99
NUMBERED = ("v_needle_frame", "v_where")  # families in which frames are named by number


def choose(questions: list[Question], count: int, weights: dict[str, float],
           rng: random.Random) -> list[Question]:
    """Some of the questions, none twice."""
    left = list(questions)
    out: list[Question] = []
    while left and len(out) < count:
        index = rng.choices(range(len(left)), [weights.get(q.family, 1.0) for q in left])[0]
        question = left.pop(index)
        if question not in out:
            out.append(question)
    return out


class EncodedClip:
    """A clip, the vision tower's rows of its frames, what its patches show and frames stand on."""

    def __init__(self, clip: Clip, rows: Tensor, kind: Tensor, ground: Tensor):
        self.clip = clip
        self.rows = rows
        self.kind = kind.to(torch.uint8)
        self.ground = ground


class Trainer:
    """One process of the training."""

    def __init__(self, team: Team, args: argparse.Namespace):
        self.team = team
        self.out: Path = args.out
        self.seed: int = args.seed
        self.compile: bool = args.compile
        self.resume: bool = args.resume
        self.gentle: Optional[float] = args.rate
        torch.manual_seed(self.seed)
        config = CONFIGS[args.model]
        self.model = SampleModel(config)
        if args.begin:
            known = load(args.begin)
            self.model = known if known.config == config else grown(known, config)
        self.model.to(DEVICE)
        self.config: Config = config
        self.world = self.config.world
        self.rng = random.Random(training_seed(self.seed, team.rank))
        self.done = 0.0  # of the stage

    def save(self, stage: str, more: Optional[dict] = None) -> None:
        """The model, and with `more` what going on takes, each as a whole file or not at all."""
        if self.team.rank > 0:
            return
        if more is not None:
            part = self.out / "part"
            torch.save(more, part)
            part.replace(self.out / f"{stage}.state")
        save(self.model, self.out / f"{stage}.pt")

    def load(self, stage: str) -> None:
        self.model.load_state_dict(load(self.out / f"{stage}.pt").state_dict())

    def begin(self, stage: str, optimiser: Optimiser) -> tuple[float, int]:
        """Seconds and steps that a stopped training had behind it."""
        path = self.out / f"{stage}.state"
        if not self.resume or not path.exists():
            return 0.0, 0
        state = torch.load(path, weights_only=True, map_location="cpu")
        self.model.load_state_dict(state["model"])
        optimiser.load(state["optimiser"])
        self.rng.seed(training_seed(self.seed, self.team.rank, state["step"]))  # nothing twice
        return state["seconds"], state["step"]

    def run(self, stage: str, minutes: float, floor: float, optimiser: Optimiser,
            loss: Callable[[int], tuple[Tensor, str]]) -> None:
        """Steps until the time is over. loss(step) gives a loss and what to say of it."""
        before, step = self.begin(stage, optimiser)
        began = time.process_time()
        saved = before
        while True:
            seconds = before + time.process_time() - began
            done = self.done = self.team.agree(seconds / (60 * minutes))
            if done >= 1:
                break
            value, note = loss(step)
            value.backward()
            optimiser.step(schedule(done, floor))
            step += 1
            if step % 25 == 0:
                self.team.say(f"{stage} {100 * done:3.0f} %, step {step}: {note}")
            if seconds > saved + SAVE_EVERY:
                saved = seconds
                self.save(stage, {"model": self.model.state_dict(), "seconds": seconds,
                                  "optimiser": optimiser.state(), "step": step})
        self.team.say(f"{stage} done after {step} steps")
        self.save(stage)
        if self.team.rank == 0:
            (self.out / f"{stage}.state").unlink(missing_ok=True)

    # ---- pictures ----

    def draw(self, clips: list[Clip]) -> tuple[Tensor, list[int], Labels]:
        return draw_clips(clips, self.rng.randrange(1 << 30), self.config.pixels, self.config.grid)

    def new_pictures(self, count: int) -> tuple[list[Clip], Tensor, Labels]:
        clips = [new_picture(self.world, self.rng) for _ in range(count)]
        frames, _, labels = self.draw(clips)
        return clips, frames, labels.to(DEVICE)

    def picture_loss(self, clips: list[Clip], rows: Tensor, labels: Labels) -> tuple[Tensor, str]:
        """Loss of questions about pictures, rows dropped, at old or new positions, and of what each
        row should know of its place and its frame."""
        projected, heads = self.model.projector(rows), self.model.heads
        patches = projected[:, :self.config.patches]
        lost = (place_loss(heads.given_place, patches, labels.kind)
                + ground_loss(heads.given_ground, patches, labels.ground)
                + middle_loss(heads.given_middle, patches, labels))
        spread = self.rng.random() < SPREAD
        samples = []
        for index, clip in enumerate(clips):
            kept = keep_of_picture(labels.kind[index].tolist(), self.config, self.rng)
            asked = choose(questions_of(self.world, clip, self.rng), PICTURE_QUESTIONS,
                           PICTURE_WEIGHTS, self.rng)
            if self.rng.random() < SHUFFLED:
                self.rng.shuffle(kept)
            visual = Visual(projected[index][kept], kept, self.config.rows)
            samples.append(Sample([start(), visual], asked))
        loss, note = answer_loss(self.model, pack(samples, spread, projected.shape[-1]))
        return loss + PLACES * lost, note

    def vision_stage(self, minutes: float, batch: int = 48) -> None:
        def loss(step: int) -> tuple[Tensor, str]:
            clips, frames, labels = self.new_pictures(batch)
            with quick():
                rows, attention = self.model.vision(frames)
                dense, summary = vision_losses(self.model, rows, attention, labels, clips)
            return dense + summary, f"patches {dense.item():.3f}, picture {summary.item():.3f}"

        parts = [([self.model.vision, self.model.heads], 1.2e-3)]
        self.run("vision", minutes, 0.15, Optimiser(parts, self.team), loss)

    def pictures_stage(self, minutes: float, batch: int = 24) -> None:
        def loss(step: int) -> tuple[Tensor, str]:
            clips, frames, labels = self.new_pictures(batch)
            with quick():
                rows, attention = self.model.vision(frames)
                dense, summary = vision_losses(self.model, rows, attention, labels, clips)
                answers, note = self.picture_loss(clips, rows, labels)
            return answers + 0.3 * dense + 0.3 * summary, note

        parts = [([self.model.vision], 4e-4),
                 ([self.model.projector, self.model.heads], 1.2e-3),
                 ([self.model.text], 1.2e-3 if self.gentle is None else self.gentle)]
        self.run("pictures", minutes, 0.12, Optimiser(parts, self.team), loss)

    # ---- clips ----

    @torch.no_grad()
    def encode_clips(self, kind: Optional[str] = None) -> list[EncodedClip]:
        """Some new clips, drawn, with the vision tower's rows of them."""
        clips = [new_clip(self.world, self.rng, kind=kind) for _ in range(FRESH)]
        frames, offsets, labels = self.draw(clips)
        with quick():
            rows = torch.cat([self.model.vision(part)[0] for part in frames.split(64)])
        rows = rows.to(torch.bfloat16)
        return [EncodedClip(clip, rows[begin:end].clone(), labels.kind[begin:end],
                            labels.ground[begin:end])
                for clip, begin, end in zip(clips, offsets, offsets[1:])]

    def part_questions(self, clip: Clip, label: int, count: int) -> list[Question]:
        """Notes on a part of a clip, and ordinary questions that it answers."""
        plain = [question for question in clip_questions_of(self.world, clip, self.rng)
                 if not (looks_unclear(clip) and question.family in UNCLEAR_FAMILIES)
                 and (label == 1 or question.family not in NUMBERED)]
        told = notes(clip, self.rng, label, self.world == "rich")
        return (choose(plain, count - NOTES, CLIP_WEIGHTS, self.rng)
                + choose(told, NOTES, NOTE_WEIGHTS, self.rng))

    def visuals(self, item: EncodedClip, first: int, part: Clip, label: int, mode: Drop,
                most: int) -> list[Visual]:
        """Rows of the frames of a part that begins with frame `first`, dropped or merged."""
        last = first + part.frames
        projected = self.model.projector(item.rows[first:last].to(WORK))
        if mode == Drop.MERGED:
            pairs = merged(projected[:, :self.config.patches], self.rng)
        else:
            keeps = keep_of_clip(item.kind[first:last].tolist(), mode, self.config, self.rng)
            pairs = [(projected[frame][kept], kept) for frame, kept in enumerate(keeps)]
        stay = cap([len(places) for _, places in pairs], most, self.rng)
        out = []
        before = None
        for frame, ((rows, places), kept) in enumerate(zip(pairs, stay)):
            at = [places[i] for i in kept]
            kind = F.pad(item.kind[first + frame].flatten(), (0, self.config.cls))
            ground = item.ground[first + (before or 0)]
            tell = told(part, frame, before, label, kind[at], ground)
            out.append(Visual(rows[kept], at, self.config.rows, tell))
            before = frame if kept else before
        return out

    def clip_sample(self, item: EncodedClip, mode: Drop, most: int) -> Sample:
        clip, first, label = item.clip, 0, 1
        part = self.rng.random() < SEGMENTS
        if part:
            count = self.rng.randint(1, min(MOST_FRAMES, clip.frames))
            first = self.rng.randint(0, clip.frames - count)
            clip = cut(clip, first, first + count)
            if self.rng.random() < 0.5:
                label = self.rng.randint(1, LAST_LABEL - count)
        prefix: list = [start()]
        for frame, visual in enumerate(self.visuals(item, first, clip, label, mode, most)):
            prefix.append(frame_label(frame + label))
            if visual.kept:
                prefix.append(visual)
        count = (LONG_QUESTIONS if mode == Drop.NONE
                 else CLIP_QUESTIONS + clip.frames // FRAMES_ASKED)
        if part:
            asked = self.part_questions(clip, label, count)
        else:
            asked = choose(clip_questions_of(self.world, clip, self.rng), count, CLIP_WEIGHTS,
                           self.rng)
        return Sample(prefix, asked, names_told(clip, label))

    def clip_loss(self, pool: "Pool", batch: int) -> tuple[Tensor, str]:
        """Loss of questions about clips; all processes drop rows in the same way."""
        shares = DROP_SHARES[self.done >= FEW_ROWS]
        mode = Drop(int(self.team.agree(self.rng.choices(list(Drop), shares)[0])))
        most = MOST_ROWS
        if mode == Drop.NONE:
            most, batch = LONG_ROWS, max(1, batch // (3 if self.world == "plain" else 4))
        samples = [self.clip_sample(pool.next(), mode, most) for _ in range(batch)]
        spread = mode not in (Drop.NONE, Drop.MERGED) and self.rng.random() < SPREAD
        return answer_loss(self.model, pack(samples, spread, self.config.width))

    def words_loss(self, samples: int = 5, questions: int = 6) -> tuple[Tensor, str]:
        """Loss of the forms that need no picture."""
        rich = self.world == "rich"
        batch = [Sample([start()], [words_only(self.rng, rich) for _ in range(questions)])
                 for _ in range(samples)]
        return answer_loss(self.model, pack(batch, False, self.model.config.width))

    def clips_stage(self, minutes: float, batch: int = 6) -> None:
        self.model.vision.requires_grad_(False)
        rate = 8e-4 if self.gentle is None else self.gentle
        pool = Pool(self.encode_clips, self.rng)
        pairs = Pool(lambda: self.encode_clips("pair"), self.rng) if self.world == "rich" else None
        if self.compile:
            torch._dynamo.config.cache_size_limit = 32
            for block in self.model.text.blocks:
                block.forward = torch.compile(block.forward, dynamic=True)

        def loss(step: int) -> tuple[Tensor, str]:
            with quick():
                if pairs and step % 8 in (1, 3):
                    return self.clip_loss(pairs, PAIRS)
                if step % 4 == 3:
                    clips, frames, labels = self.new_pictures(16)
                    with torch.no_grad():
                        rows, _ = self.model.vision(frames)
                    return self.picture_loss(clips, rows, labels)
                if step % 4 == 1:
                    return self.words_loss()
                return self.clip_loss(pool, batch)

        parts = [([self.model.projector, self.model.heads, self.model.text], rate)]
        self.run("clips", minutes, 0.0, Optimiser(parts, self.team), loss)


class Pool:
    """Encoded clips, the oldest making room for new ones all the time."""

    def __init__(self, make: Callable[[], list[EncodedClip]], rng: random.Random):
        self.make = make
        self.rng = rng
        self.items: deque[EncodedClip] = deque(maxlen=POOL)
        self.fresh: list[EncodedClip] = []
        self.turn = 0
        while len(self.items) < FIRST_POOL:
            self.items += self.make()

    def next(self) -> EncodedClip:
        self.turn += 1
        if self.turn % REUSE == 0:
            self.fresh = self.fresh or self.make()
            self.items.append(self.fresh.pop())
        return self.items[self.rng.randrange(len(self.items))]


def work(rank: int, args: argparse.Namespace, rendezvous: Path) -> None:
    """One process: all stages from the first asked for."""
    torch.set_num_threads(1)
    team = Team(rank, args.ranks, rendezvous)
    trainer = Trainer(team, args)
    first = STAGES.index(args.start)
    if first > 0 and not args.begin:
        trainer.load(STAGES[first - 1])
    minutes = MINUTES[trainer.world]
    scale = args.minutes / sum(minutes) if args.minutes else 1.0
    for name, share in list(zip(STAGES, minutes))[first:]:
        if args.resume and (args.out / f"{name}.pt").exists() and not (
                args.out / f"{name}.state").exists():
            trainer.load(name)
        else:
            getattr(trainer, name + "_stage")(share * scale)


def main(argv: Optional[list[str]] = None) -> None:
    parser = argparse.ArgumentParser(description="train a sample model")
    parser.add_argument("--model", choices=CONFIGS, default="sample")
    parser.add_argument("--minutes", type=float,
                        help="of all three stages together (default: 67, and 105 for others than "
                             "sample, for which that is enough with --from only)")
    parser.add_argument("--ranks", type=int, default=1 if DEVICE.type == "cuda" else 2,
                        help="processes of one thread each (default: 2, with a GPU 1)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--compile", action="store_true",
                        help="compile the language model in the last stage: a fifth faster, but "
                             "needs g++ and Python's headers")
    parser.add_argument("--resume", action="store_true", help="go on with what --out holds")
    parser.add_argument("--from", dest="begin", type=Path, help="a model to begin with")
    parser.add_argument("--rate", type=float,
                        help="learning rate of the language model (default: 12e-4, then 8e-4)")
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
            team = processes.spawn(work, (args, rendezvous), nprocs=args.ranks, join=False)

            def end(*_) -> None:
                for one in team.processes:
                    one.terminate()
                raise SystemExit("train: told to end; --resume goes on where it was")

            signal.signal(signal.SIGTERM, end)
            while not team.join():
                pass


if __name__ == "__main__":
    main()
