# SPDX-License-Identifier: MIT
"""The weighted mean of checkpoints of one model.

    python average.py OUT.pt CHECKPOINT=WEIGHT CHECKPOINT=WEIGHT ...

A CHECKPOINT is one of train.py's or a GGUF pair. Fine-tuning a model for something new costs some
of the old; the mean of what it was before and of runs with different seeds keeps more of both.
OUT is the kind of model that the first one is. Of another kind (a model that the first one began
with) only the projector and the language model go into the mean.
"""
import sys
from pathlib import Path

from weights import load, save

SHARED = ("projector.", "text.")  # parts that models of every kind have alike


def main() -> None:
    if len(sys.argv) < 3:
        raise SystemExit(__doc__)
    models, shares = [], []
    for argument in sys.argv[2:]:
        path, _, share = argument.rpartition("=")
        models.append(load(Path(path)))
        shares.append(float(share))
    first = models[0]
    mean = {}
    for name in first.state_dict():
        values = [(share, model.state_dict()[name].float()) for share, model in zip(shares, models)
                  if model.config == first.config or name.startswith(SHARED)]
        mean[name] = sum(share * value for share, value in values) / sum(s for s, _ in values)
    first.load_state_dict(mean)
    save(first, Path(sys.argv[1]))


if __name__ == "__main__":
    main()
