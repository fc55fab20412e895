# SPDX-License-Identifier: MIT
"""Makes videos with questions whose answers are known, in the sample model's world.

    python samples/quiz/make.py OUT [--clips 40] [--pictures 20] [--split test] [--noise 2]
                                    [--drift 0] [--light 0]

OUT gets a video file for each clip, a PNG for each picture, and quiz.jsonl: one question a line,
with its family and the answers that count as right, as `winnow bench accuracy` reads it; the first
line of a video also says what is where and when. A clip's
moments are half a second long, six frames each, so that codec, sampling and scene cuts are real;
the chain `fps=2` shows the model each moment once.

Seeds come from the split's name and the clip's number, so the splits `tune` and `test` never meet,
and neither meets the training's. Noise (levels), drift (pixels of the camera's walk a frame, of
256) and light (levels of the brightness' walk) make still things change.
"""
import argparse
import hashlib
import json
import random
import subprocess
import sys
from pathlib import Path

import torch

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "model"))

from draw import PLATE, SIZE as UNITS, draw, textures  # noqa: E402
from questions import clip_questions, picture_questions  # noqa: E402
from scenes import Clip, make_clip, make_picture, place_clip  # noqa: E402

SIZE = 256
EACH = 6  # frames of the file for each moment of the clip
RATE = 12


def seed_of(split: str, kind: str, number: int) -> int:
    """The same on every machine."""
    text = f"winnow quiz {split} {kind} {number}".encode()
    return int.from_bytes(hashlib.sha256(text).digest()[:6], "big")


def moments_of(clip: Clip, seed: int) -> torch.Tensor:
    """One picture a moment, without noise: [frames][256][256][3] of 0 to 255."""
    shapes, digits, scenes = place_clip(clip)
    gen = torch.Generator().manual_seed(seed % (1 << 31))
    background = textures(clip.scenes, gen, SIZE)
    for digit in digits:
        digit.light = 228.0
    picture, _ = draw(background, scenes, shapes, digits, gen, 0.0)
    return picture.float()


def unsteady(frame: torch.Tensor, rng: random.Random, gen: torch.Generator, walk: list[float],
             args: argparse.Namespace) -> torch.Tensor:
    """The frame as a camera that is not quite still would see it."""
    for axis in range(2):
        walk[axis] = max(-8.0, min(8.0, walk[axis] + rng.gauss(0, 1) * args.drift))
    walk[2] = max(-25.0, min(25.0, walk[2] + rng.gauss(0, 1) * args.light))
    moved = torch.roll(frame, (round(walk[0]), round(walk[1])), (0, 1))
    noise = torch.randn(frame.shape, generator=gen) * args.noise
    return (moved + walk[2] + noise).round().clamp(0, 255).to(torch.uint8)


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


def make(out: Path, kind: str, number: int, args: argparse.Namespace) -> list[dict]:
    """Writes one file and gives its questions, each once."""
    seed = seed_of(args.split, kind, number)
    rng = random.Random(seed)
    video = kind == "clip"
    clip = make_clip(rng, train=False) if video else make_picture(rng, train=False)
    gen = torch.Generator().manual_seed(seed % (1 << 31))
    walk = [0.0, 0.0, 0.0]
    moments = moments_of(clip, seed)
    frames = [unsteady(moment, rng, gen, walk, args)
              for moment in moments for _ in range(EACH if video else 1)]
    name = f"{kind}-{number:03d}.{'mp4' if video else 'png'}"
    encode(out / name, frames)
    questions = clip_questions(clip, rng) if video else picture_questions(clip, rng)
    unique = {question.text: question for question in questions}.values()
    lines = [{"video": name, "family": question.family, "question": question.text,
             "answers": [question.answer], "filters": "fps=2" if video else "off"}
             for question in unique if question.family not in ("caption", "v_caption")]
    lines[0]["objects"] = objects_of(clip)
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description="make videos with questions")
    parser.add_argument("out", type=Path)
    parser.add_argument("--clips", type=int, default=40)
    parser.add_argument("--pictures", type=int, default=20)
    parser.add_argument("--split", default="test")
    parser.add_argument("--noise", type=float, default=2)
    parser.add_argument("--drift", type=float, default=0)
    parser.add_argument("--light", type=float, default=0)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    lines = []
    for kind, count in (("picture", args.pictures), ("clip", args.clips)):
        for number in range(count):
            lines += make(args.out, kind, number, args)
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (args.out / "quiz.jsonl").write_text(text)
    print(f"{args.clips} clips, {args.pictures} pictures, {len(lines)} questions in {args.out}")


if __name__ == "__main__":
    main()
