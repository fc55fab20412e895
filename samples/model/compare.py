# SPDX-License-Identifier: MIT
"""Whether an exported GGUF pair computes what PyTorch computes of it.

    meson compile -C build logits
    python compare.py MODEL.gguf [--program ../../build/tests/tools/logits] [--cases 12]

Renders pictures and clips that training never made, at the model's own size, asks one question
about each, and compares the logits of the answer's first token: llama.cpp's, with the rows of
winnow's own encoder and of libmtmd, with those of PyTorch in float32 from the same file. Tells the
largest difference, relative to the largest logit, and whether the most likely token is the same;
ends with 1 where the difference is above --tolerance.
"""
import argparse
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np  # noqa: E402
import torch  # noqa: E402
from torch import Tensor  # noqa: E402

from model import SampleModel  # noqa: E402
from precision import DEVICE  # noqa: E402
from prompts import Sample, Visual, frame_label, pack, start  # noqa: E402
from questions import Question, questions_of  # noqa: E402
from scenes import Clip, draw_clips  # noqa: E402
from seeds import evaluation_seed  # noqa: E402
from weights import load, text_of  # noqa: E402
from worlds import new_clip, new_picture  # noqa: E402

HERE = Path(__file__).parent
MOST_FRAMES = 16  # of a clip: the program's context and time


def make_case(model: SampleModel, index: int) -> tuple[Clip, Tensor, Question]:
    """A picture or clip, its frames, and a question."""
    config = model.config
    video = index % 3 > 0
    rng = random.Random(evaluation_seed("compare", index))
    clip = (new_clip if video else new_picture)(config.world, rng, train=False)
    while clip.frames > MOST_FRAMES:
        clip = new_clip(config.world, rng, train=False)
    frames, _, _ = draw_clips([clip], rng.randrange(1 << 62), config.pixels, config.grid)
    return clip, frames, rng.choice(questions_of(config.world, clip, rng))


@torch.no_grad()
def torch_logits(model: SampleModel, frames: Tensor, question: str, rows: list[int]) -> np.ndarray:
    """Of the answer's first token, in float32."""
    projected = model.projector(model.vision(frames)[0])
    prefix: list = [start()]
    for index, frame in enumerate(projected):
        if len(projected) > 1:
            prefix.append(frame_label(index + 1))
        prefix.append(Visual(frame[rows], rows, model.config.rows))
    batch = pack([Sample(prefix, [Question("", question, "")])], False, model.config.width)
    x = model.text.embedding(batch.ids).index_put(batch.visual_at, batch.visual)
    hidden, _ = model.text(x, batch.positions, batch.mask.float())
    at = (batch.targets[0] >= 0).nonzero()[0, 0]
    return model.text.output(hidden[0, at]).cpu().numpy()


def program_logits(args: argparse.Namespace, encoder: str, side: int, frames: Tensor,
                   question: str) -> np.ndarray:
    mmproj = args.model.with_name(args.model.stem + "-mmproj.gguf")
    with tempfile.NamedTemporaryFile() as file:
        file.write(frames.contiguous().numpy().tobytes())
        file.flush()
        command = [args.program, args.model, mmproj, encoder, str(side), file.name, question]
        out = subprocess.run(command, capture_output=True, check=True).stdout
    return np.frombuffer(out, np.float32)


def rows_of(model: SampleModel, encoder: str) -> list[int]:
    """The rows that an encoder gives: the own one all patches, libmtmd with CLS last all others."""
    return model.config.given if encoder == "mtmd" else list(range(model.config.patches))


def main() -> None:
    parser = argparse.ArgumentParser(description="compare a GGUF pair with PyTorch")
    parser.add_argument("model", type=Path)
    parser.add_argument("--program", type=Path, default=HERE / "../../build/tests/tools/logits")
    parser.add_argument("--cases", type=int, default=12)
    parser.add_argument("--tolerance", type=float, default=0.005)
    args = parser.parse_args()
    torch.set_num_threads(1)
    model = load(args.model).to(DEVICE)
    mmproj = args.model.with_name(args.model.stem + "-mmproj.gguf")
    encoders = ["own"]
    if text_of(mmproj, "winnow.cls_layout", "last") == "last":
        encoders.append("mtmd")
    worst = 0.0
    for encoder in encoders:
        rows, largest, same = rows_of(model, encoder), 0.0, 0
        for index in range(args.cases):
            clip, frames, question = make_case(model, index)
            got = program_logits(args, encoder, model.config.pixels, frames, question.text)
            # A file may be older than the latest words.
            want = torch_logits(model, frames, question.text, rows)[:len(got)]
            largest = max(largest, float(np.abs(got - want).max() / np.abs(want).max()))
            same += int(got.argmax() == want.argmax())
        print(f"{encoder}: largest difference {largest:.2g} of the largest logit, most likely token "
              f"the same {same} of {args.cases} times")
        worst = max(worst, largest)
    if not worst <= args.tolerance:
        sys.exit(f"compare: above the tolerance of {args.tolerance:g}")


if __name__ == "__main__":
    main()
