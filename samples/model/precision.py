# SPDX-License-Identifier: MIT
"""Where a training computes, and in which numbers: on a GPU in bfloat16 when PyTorch finds one, else
on the CPU in bfloat16 or float32, whichever it does faster.

With AMX bfloat16 is 7 to 20 times as fast. A CPU that has no instructions for it takes three and a
half times as long as with float32, and a training on it gets as much less done.

    python precision.py     tells how fast this machine is with both
"""
import time

import torch

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


def _seconds(kind: torch.dtype) -> float:
    """The least of some products as large as those of a layer."""
    a, b = (torch.ones(rows, 192, dtype=kind, device=DEVICE) for rows in (2048, 768))
    least = float("inf")
    for _ in range(6):
        began = time.perf_counter()
        torch.nn.functional.linear(a, b)[0, 0].item()  # a GPU's work ends with it
        least = min(least, time.perf_counter() - began)
    return least


with torch.no_grad():
    WORK = min(torch.float32, torch.bfloat16, key=_seconds)


def quick() -> torch.autocast:
    """Matrices in there are multiplied in WORK."""
    return torch.autocast(DEVICE.type, dtype=torch.bfloat16, enabled=WORK == torch.bfloat16)


if __name__ == "__main__":
    for kind in (torch.float32, torch.bfloat16):
        print(f"{kind}: {2 * 2048 * 192 * 768 / _seconds(kind) / 1e9:.0f} GFLOP/s")
