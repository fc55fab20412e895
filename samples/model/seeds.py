# SPDX-License-Identifier: MIT
"""Seeds of training and of quizzes, which never meet.

A seed's upper part tells what it is for, so that two purposes share none; the 48 bits below come
from a hash of its number and the like. Purpose 0 is that of the plain world's quizzes, which are
kept apart by the hash alone (tests/units/quiz_seeds.py goes through their first seeds).
"""
import hashlib

SPLITS = ["short", "tune", "test"]
_PURPOSES = {"train": 1, "evaluate": 2, "rich short": 3, "rich tune": 4, "rich test": 5}


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "big")


def training_seed(*what: int) -> int:
    """For a process of a training, from the training's seed, its rank and the step."""
    return (_PURPOSES["train"] << 48) + _hash(f"winnow training {what}")


def evaluation_seed(kind: str, seed: int) -> int:
    """For what evaluate.py makes up."""
    return (_PURPOSES["evaluate"] << 48) + _hash(f"winnow evaluation {kind} {seed}")


def quiz_seed(world: str, split: str, kind: str, number: int) -> int:
    """For one clip or picture of a quiz."""
    purpose = 0 if world == "plain" else _PURPOSES[f"{world} {split}"]
    return (purpose << 48) + _hash(f"winnow quiz {split} {kind} {number}")
