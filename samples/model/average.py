# SPDX-License-Identifier: MIT
"""The weighted mean of checkpoints of one model.

    python average.py OUT.pt CHECKPOINT=WEIGHT CHECKPOINT=WEIGHT ...

A CHECKPOINT is one of train.py's or a GGUF pair. Fine-tuning a model for something new costs some
of the old; the mean of what it was before and of runs with different seeds keeps more of both.
"""
import sys
from pathlib import Path

from weights import load, save


def main() -> None:
    if len(sys.argv) < 3:
        raise SystemExit(__doc__)
    states, shares = [], []
    for argument in sys.argv[2:]:
        path, _, share = argument.rpartition("=")
        model = load(Path(path))
        states.append({name: value.float() for name, value in model.state_dict().items()})
        shares.append(float(share))
    total = sum(shares)
    model.load_state_dict({name: sum(share / total * state[name]
                                     for share, state in zip(shares, states))
                           for name in states[0]})
    save(model, Path(sys.argv[1]))


if __name__ == "__main__":
    main()
