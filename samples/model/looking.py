# SPDX-License-Identifier: MIT
"""Where a tower's attention falls: on things, or on what they stand on.

    python looking.py MODEL [--pictures 96]

MODEL as for evaluate.py. Of each layer, over held-out pictures: the attention that patches get from
each other, and from CLS where there is one; of the last layer also the mean of the heads' logits of
CLS, which some filters take instead, and chance. AUC: of pairs of a patch that shows a thing and one
that does not, how often the first gets more; top tenth: how many of the patches that get most show a
thing; kinds: how many of a picture's kinds of things have a patch among these.
"""
import argparse
import os
import random
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch  # noqa: E402
from torch import Tensor  # noqa: E402

from model import SampleModel, split_heads  # noqa: E402
from scenes import draw_clips  # noqa: E402
from seeds import evaluation_seed  # noqa: E402
from weights import load  # noqa: E402
from worlds import new_picture  # noqa: E402


def tell(name: str, score: Tensor, kind: Tensor) -> None:
    """score, kind: [pictures, patches]."""
    aucs, shares, found, kinds = [], [], 0, 0
    for gets, shows in zip(score, kind):
        things = shows > 0
        aucs.append((gets[things][:, None] > gets[~things][None]).float().mean().item())
        top = gets.topk(len(gets) // 10).indices
        shares.append(things[top].float().mean().item())
        there = set(shows[things].tolist())
        kinds += len(there)
        found += len(there & set(shows[top].tolist()))
    count = len(aucs)
    print(f"{name:24s} AUC {sum(aucs) / count:.3f}, top tenth {100 * sum(shares) / count:3.0f} % on "
          f"things, kinds {100 * found / kinds:3.0f} %")


@torch.no_grad()
def look(model: SampleModel, frames: Tensor, kind: Tensor) -> None:
    tower, patches = model.vision, model.config.patches
    x = tower.start(frames)
    for number, block in enumerate(tower.blocks, 1):
        q, k, _ = split_heads(block.qkv(block.norm1(x)), block.heads)
        x, attention = block(x)
        tell(f"layer {number}, from patches", attention[:, :, :patches, :patches].mean((1, 2)), kind)
        if model.config.cls:
            tell(f"layer {number}, from CLS", attention[:, :, -1, :patches].mean(1), kind)
    if model.config.cls:
        logits = torch.matmul(q[:, :, -1:] * q.shape[-1] ** -0.5, k.transpose(-1, -2))[:, :, 0]
        tell("its logits", logits[..., :patches].mean(1), kind)
    tell("chance", torch.rand(kind.shape), kind)


def main() -> None:
    parser = argparse.ArgumentParser(description="where a tower's attention falls")
    parser.add_argument("model", type=Path, help="checkpoint or GGUF file")
    parser.add_argument("--pictures", type=int, default=96)
    args = parser.parse_args()
    torch.set_num_threads(1)
    model = load(args.model)
    torch.manual_seed(0)  # after the model, whose heads begin at random: chance is the same for all
    rng = random.Random(evaluation_seed("picture", 1))
    config = model.config
    clips = [new_picture(config.world, rng, train=False) for _ in range(args.pictures)]
    frames, _, labels = draw_clips(clips, rng.randrange(1 << 62), config.pixels, config.grid)
    print(f"things cover {100 * (labels.kind > 0).float().mean().item():.0f} % of the patches")
    look(model, frames, labels.kind)


if __name__ == "__main__":
    main()
