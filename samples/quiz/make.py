# SPDX-License-Identifier: MIT
"""Makes videos with questions whose answers are known, in the sample models' worlds.

    python samples/quiz/make.py OUT [--world plain|rich] [--split test] [--questions 400]
    python samples/quiz/make.py OUT --clips 40 --pictures 20 [--noise 2] [--drift 0] [--light 0]

OUT gets a video file for each clip, a PNG for each picture, and quiz.jsonl: one question a line,
with its family and the answers that count as right, as `winnow bench accuracy` reads it; the first
line of a video also says what is where and when. A clip's moments are half a second long, six
frames each, so that codec, sampling and scene cuts are real; the chain `fps=2` shows the model each
moment once.

--questions makes clips until there are so many questions, with the families as even as the clips
allow; the same number gives the same questions on every machine. Splits never meet, nor do they
meet the training (samples/model/seeds.py). --difficulty (0 to 2, richer world only) says how small
things are, how much clutter there is, and how much the camera drifts, the light changes and the
sensor adds; in the plain world --noise (levels), --drift (pixels of the camera's walk a frame, of
256) and --light (levels of the brightness' walk) do.
"""
import argparse
import json
import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import torch

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "model"))

from draw import PLATE, SIZE as UNITS, Unsteady, draw, textures  # noqa: E402
from questions import Question, questions_of  # noqa: E402
from scenes import Clip, make_clip, make_picture, place_clip, place_more  # noqa: E402
from seeds import SPLITS, quiz_seed  # noqa: E402
from worlds import rich_clip, rich_picture, world_of  # noqa: E402

SIZE = 256
SEEN = 96  # side at which the richer world's camera was made up
EACH = 6  # frames of the file for each moment of the clip
RATE = 12
SHORT = 6  # questions about one clip or picture when their number is given
PICTURE_EVERY = 5  # of the files are pictures then
FAR = 12  # moments between two things that are far apart


def moments_of(clip: Clip, seed: int) -> torch.Tensor:
    """One picture a moment, without noise: [frames][256][256][3] of 0 to 255."""
    shapes, digits, scenes = place_clip(clip)
    clutter, words = place_more(clip)
    gen = torch.Generator().manual_seed(seed if clip.camera else seed % (1 << 31))
    background = textures(clip.scenes, gen, SIZE)
    for digit in digits:
        digit.light = 228.0
    camera = None
    if clip.camera:
        shift = [(round(x * SIZE / SEEN), round(y * SIZE / SEEN)) for x, y in clip.camera.shift]
        camera = Unsteady(shift, clip.camera.light, 0.0)
    picture, _ = draw(background, scenes, clutter + shapes, digits, gen, 0.0, words=words,
                      camera=camera)
    return picture.float()


def unsteady(frame: torch.Tensor, rng: random.Random, gen: torch.Generator, walk: list[float],
             args: argparse.Namespace, noise: float) -> torch.Tensor:
    """The frame as a camera that is not quite still would see it."""
    for axis in range(2):
        walk[axis] = max(-8.0, min(8.0, walk[axis] + rng.gauss(0, 1) * args.drift))
    walk[2] = max(-25.0, min(25.0, walk[2] + rng.gauss(0, 1) * args.light))
    moved = torch.roll(frame, (round(walk[0]), round(walk[1])), (0, 1))
    grain = torch.randn(frame.shape, generator=gen) * noise
    return (moved + walk[2] + grain).round().clamp(0, 255).to(torch.uint8)


def word_box(word) -> tuple[float, float, float, float]:
    wide, high = (6 * len(word.text) + 1) * word.dot, 9 * word.dot
    left = max(0.0, min(UNITS - wide, word.x - wide / 2))
    top = max(0.0, min(UNITS - high, word.y - high / 2))
    return left, top, left + wide, top + high


def objects_of(clip: Clip) -> list[dict]:
    """What can be seen, when (seconds) and where (parts of the picture), as long as it stays there:
    what an oracle would keep."""
    shapes, digits, _ = place_clip(clip)
    boxes: dict[tuple, list[int]] = {}
    for thing in shapes:
        box = (thing.x - thing.radius, thing.y - thing.radius,
               thing.x + thing.radius, thing.y + thing.radius)
        boxes.setdefault(box, []).append(thing.frame)
    for digit in digits:
        box = (digit.x - PLATE / 2, digit.y - PLATE / 2,
               digit.x + PLATE / 2, digit.y + PLATE / 2)
        boxes.setdefault(box, []).append(digit.frame)
    for word in clip.words:
        boxes.setdefault(word_box(word), []).extend(range(word.first, word.last))
    each = EACH / RATE
    return [{"t0": round(min(frames) * each, 3), "t1": round((max(frames) + 1) * each, 3)} |
            {key: round(value / UNITS, 3) for key, value in zip(("x0", "y0", "x1", "y1"), box)}
            for box, frames in boxes.items()]


def encode(path: Path, frames: list[torch.Tensor]) -> None:
    """An H.264 file, or a PNG of one frame; the same bytes each time."""
    command = ["ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24",
               "-s", f"{SIZE}x{SIZE}", "-r", str(RATE), "-i", "-", "-threads", "1",
               "-fflags", "+bitexact", "-flags:v", "+bitexact"]
    if path.suffix == ".png":
        command += ["-frames:v", "1", "-update", "1"]
    else:
        command += ["-vf", "scale=out_color_matrix=bt709:out_range=tv", "-pix_fmt", "yuv420p",
                    "-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709",
                    "-color_range", "tv", "-c:v", "libx264", "-preset", "veryfast", "-crf", "20",
                    "-g", "48"]
    data = b"".join(frame.contiguous().numpy().tobytes() for frame in frames)
    subprocess.run([*command, str(path)], input=data, check=True)


def made_up(kind: str, number: int, args: argparse.Namespace) -> tuple[Clip, random.Random, int]:
    """A clip or picture, the generator that made it, and its seed."""
    seed = quiz_seed(args.world, args.split, kind, number)
    rng = random.Random(seed)
    if args.world == "rich":
        world = world_of(args.difficulty, train=False)
        make = rich_clip if kind == "clip" else rich_picture
        return make(rng, world), rng, seed
    make = make_clip if kind == "clip" else make_picture
    return make(rng, train=False), rng, seed


def far_apart(clip: Clip, question: Question) -> Question:
    """Questions about two things that are far apart in time are a family of their own."""
    if question.family not in ("v_order", "v_same"):
        return question
    named = [thing for thing in clip.things if f"the {thing.noun} " in question.text.replace("?", " ")]
    gap = max(thing.first for thing in named) - min(thing.last for thing in named)
    return replace(question, family="v_far") if gap >= FAR else question


def asked_about(clip: Clip, world: str, rng: random.Random) -> list[Question]:
    """Each question once, without descriptions, whose wording is free."""
    questions = [far_apart(clip, question) if world == "rich" else question
                 for question in questions_of(world, clip, rng)]
    unique = {question.text: question for question in questions}.values()
    return [question for question in unique if question.family not in ("caption", "v_caption")]


def write(clip: Clip, rng: random.Random, seed: int, path: Path, args: argparse.Namespace) -> None:
    """The clip's video file, or the picture's."""
    gen = torch.Generator().manual_seed(seed if clip.camera else seed % (1 << 31))
    noise = clip.camera.noise * 2 if clip.camera else args.noise  # larger pictures hide noise
    walk = [0.0, 0.0, 0.0]
    each = EACH if path.suffix == ".mp4" else 1
    frames = [unsteady(moment, rng, gen, walk, args, noise)
              for moment in moments_of(clip, seed) for _ in range(each)]
    encode(path, frames)


def kind_of(clip: Clip) -> str:
    """What sort of clip it is, for those who choose filters by it."""
    if clip.frames == 1:
        return "picture"
    if clip.scenes > 1:
        return "scenes"
    return "moving" if any(thing.motion for thing in clip.things) else "static"


def lines_of(clip: Clip, name: str, questions: list[Question]) -> list[dict]:
    """The clip's lines of quiz.jsonl."""
    more = {"kind": kind_of(clip)} if clip.camera else {}
    lines = [{"video": name, "family": question.family, "question": question.text,
              "answers": [question.answer],
              "filters": "fps=2" if name.endswith(".mp4") else "off"} | more
             for question in questions]
    lines[0]["objects"] = objects_of(clip)
    return lines


def make(kind: str, number: int, args: argparse.Namespace) -> list[dict]:
    """Writes one file and gives its questions."""
    clip, rng, seed = made_up(kind, number, args)
    name = f"{kind}-{number:03d}.{'mp4' if kind == 'clip' else 'png'}"
    write(clip, rng, seed, args.out / name, args)
    return lines_of(clip, name, asked_about(clip, args.world, rng))


def rarest(questions: list[Question], counts: dict[str, int], most: int) -> list[Question]:
    """Some of the questions, those of rarer families first."""
    left, out = list(questions), []
    while left and len(out) < most:
        question = min(left, key=lambda q: counts.get(q.family, 0))
        left.remove(question)
        out.append(question)
        counts[question.family] = counts.get(question.family, 0) + 1
    return out


def make_number(args: argparse.Namespace) -> list[dict]:
    """So many questions, about as many files as they take."""
    counts: dict[str, int] = {}
    lines: list[dict] = []
    number = {"clip": 0, "picture": 0}
    while len(lines) < args.questions:
        made = number["clip"] + number["picture"]
        kind = "picture" if made % PICTURE_EVERY == PICTURE_EVERY - 1 else "clip"
        clip, rng, seed = made_up(kind, number[kind], args)
        name = f"{kind}-{number[kind]:03d}.{'mp4' if kind == 'clip' else 'png'}"
        number[kind] += 1
        questions = asked_about(clip, args.world, random.Random(seed + 1))
        chosen = rarest(questions, counts, min(SHORT, args.questions - len(lines)))
        write(clip, rng, seed, args.out / name, args)
        lines += lines_of(clip, name, chosen)
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description="make videos with questions")
    parser.add_argument("out", type=Path)
    parser.add_argument("--world", choices=["plain", "rich"], default="plain")
    parser.add_argument("--split", choices=SPLITS, default="test")
    parser.add_argument("--questions", type=int, help="so many, however many files they take")
    parser.add_argument("--clips", type=int, default=40)
    parser.add_argument("--pictures", type=int, default=20)
    parser.add_argument("--difficulty", type=float, default=1, help="of the richer world, 0 to 2")
    parser.add_argument("--noise", type=float, default=2)
    parser.add_argument("--drift", type=float, default=0)
    parser.add_argument("--light", type=float, default=0)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    lines = []
    if args.questions:
        lines = make_number(args)
    else:
        for kind, count in (("picture", args.pictures), ("clip", args.clips)):
            for number in range(count):
                lines += make(kind, number, args)
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (args.out / "quiz.jsonl").write_text(text)
    print(f"{len({line['video'] for line in lines})} files, {len(lines)} questions in {args.out}")


if __name__ == "__main__":
    main()
