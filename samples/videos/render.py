# SPDX-License-Identifier: MIT
"""Renders the sample videos and writes questions.json. Needs the ffmpeg program.

    python render.py [--out DIR] [NAME ...]

The pictures are drawn at 256 x 256: the model's 64 x 64 would lose its colours to the codecs.
"""
import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Iterator

import torch

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "model"))

from draw import DigitAt, ShapeAt, draw, textures  # noqa: E402
from films import FILMS, Film  # noqa: E402
from scenes import place_clip  # noqa: E402

SIZE = 256
CHUNK = 48  # frames drawn at once
TO_YUV = ["-vf", "scale=out_color_matrix=bt709:out_range=tv", "-pix_fmt", "yuv420p",
          "-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709",
          "-color_range", "tv"]
CODECS = {
    ".mp4": [*TO_YUV, "-c:v", "libx264", "-preset", "slow", "-crf", "26",
             "-movflags", "+faststart"],
    ".webm": [*TO_YUV, "-c:v", "libvpx-vp9", "-b:v", "0", "-crf", "36", "-row-mt", "0"],
    ".png": ["-frames:v", "1", "-update", "1"],
}


def frames_of(film: Film) -> Iterator[bytes]:
    """The film's frames as packed RGB, a few at a time."""
    shapes, digits, scenes = place_clip(film.clip())
    background = torch.cat([textures(1, torch.Generator().manual_seed(seed), SIZE)
                            for seed in film.backgrounds])
    gen = torch.Generator().manual_seed(1)
    for start in range(0, len(scenes), CHUNK):
        part = scenes[start:start + CHUNK]
        here = range(start, start + len(part))
        some_shapes = [ShapeAt(s.frame - start, s.shape, s.color, s.x, s.y, s.radius)
                       for s in shapes if s.frame in here]
        some_digits = [DigitAt(d.frame - start, d.sample, d.x, d.y)
                       for d in digits if d.frame in here]
        picture, _ = draw(background, part, some_shapes, some_digits, gen, film.noise)
        yield picture.numpy().tobytes()


def encode(film: Film, out: Path) -> None:
    """Writes the film's file, the same bytes each time."""
    command = ["ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24",
               "-s", f"{SIZE}x{SIZE}", "-r", str(film.rate), "-i", "-",
               "-g", str(film.rate * 5), "-threads", "1",
               "-fflags", "+bitexact", "-flags:v", "+bitexact",
               *CODECS[Path(film.name).suffix], str(out / film.name)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as ffmpeg:
        assert ffmpeg.stdin
        for chunk in frames_of(film):
            ffmpeg.stdin.write(chunk)
        ffmpeg.stdin.close()
        if ffmpeg.wait():
            sys.exit(f"render: ffmpeg could not encode {film.name}")


def describe(film: Film) -> dict:
    """The film's entry in questions.json."""
    return {
        "video": film.name,
        "about": film.about,
        "filters": film.filters,
        "cuts": film.cuts[1:-1],
        "questions": [{"question": text, "accepted": answers} for text, answers in film.questions],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="render winnow's sample videos")
    parser.add_argument("--out", type=Path, default=HERE, help="folder for the files")
    parser.add_argument("names", nargs="*", help="only these files")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    for film in FILMS:
        if not args.names or film.name in args.names:
            encode(film, args.out)
            print(f"{film.name}: {(args.out / film.name).stat().st_size} bytes")
    text = json.dumps([describe(film) for film in FILMS], indent=1)
    (args.out / "questions.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
