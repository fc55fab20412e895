# SPDX-License-Identifier: MIT
"""Clips of the richer world, and which world a model is shown.

Beyond the plain world of scenes.py: 3 to 48 frames, small things, words, slides, clutter that
nobody asks about, things that move fast or slowly, a needle in a long scene where nothing happens,
and a camera that is not quite still, with drifting brightness and noise. How much of all this there
is follows from one number, the difficulty.
"""
import random
from dataclasses import dataclass, replace
from typing import Optional

from draw import BAR, COLOR_NAMES, DULL, SHAPE_NAMES, SIZE, ShapeAt, Unsteady
from letters import WRITTEN
from scenes import (CELLS, DIRECTIONS, Clip, Digit, Motion, SceneMaker, Thing, Word, cell_place,
                    make_clip, make_cuts, make_digit, make_picture)

SLOW, FAST = (1.2, 2.2), (5.0, 8.0)  # units a frame
LANE = (5.0, 59.0)  # where a moving thing's middle goes
MOST_SHIFT = 3  # pixels of the camera at 96 a side
MOST_LIGHT = 25.0


# Frames of clips that models are trained on, and how often: longer ones than they are asked about,
# since those are learned last.
TRAINING_LENGTHS = [8, 12, 16, 24, 32, 48], [0.24, 0.16, 0.2, 0.17, 0.14, 0.09]


@dataclass(frozen=True)
class World:
    """How clips are made. The defaults are what models are asked about."""

    lengths: tuple[list[int], list[float]] = ([8, 12, 16, 24, 32, 48],
                                              [0.34, 0.2, 0.2, 0.12, 0.1, 0.04])
    kinds: tuple[list[str], list[float]] = (["scenes", "slides", "needle", "pair"],
                                            [0.55, 0.15, 0.12, 0.18])
    smallest: float = 4.0  # radius of a thing, units
    largest: float = 9.5
    clutter: int = 4  # bars in a scene, at most
    dot: tuple[float, float] = (0.95, 1.4)  # of letters, units
    noise: float = 6.0  # grey levels, one sigma, at most
    drift: float = 0.5  # of the camera, pixels a frame, one sigma, at most
    light: float = 3.0  # of the brightness, grey levels a frame, one sigma, at most
    train: bool = True  # samples of digits to choose from


def world_of(difficulty: float, train: bool = True) -> World:
    """From 0, large and clean, over 1, as hard as training is at most, to 2."""
    d = max(0.0, min(2.0, difficulty))
    base = World(train=train)
    return replace(base, smallest=max(3.0, 8.0 - 4.0 * d), clutter=round(4 * d), noise=6 * d,
                   drift=0.5 * d, light=3 * d, dot=(1.4 - 0.45 * min(d, 1.0), 1.4))


def beside(cell: int) -> list[int]:
    """The cells left and right of a cell."""
    return [other for other in (cell - 1, cell + 1)
            if 0 <= other < CELLS and other // 3 == cell // 3]


class RichMaker(SceneMaker):
    """Fills one scene of a clip after the other; shapes, cells and words are used once."""

    def __init__(self, rng: random.Random, world: World):
        super().__init__(rng)
        self.world = world
        self.words = list(range(len(WRITTEN)))
        rng.shuffle(self.words)
        self.written: list[Word] = []
        self.clutter: list[ShapeAt] = []

    def radius(self) -> float:
        return self.rng.uniform(self.world.smallest, self.world.largest)

    def add_thing(self, scene: int, first: int, last: int, flashes: bool = False) -> None:
        """A thing that stands still, or shows for one frame."""
        if not self.shapes or not self.cells:
            return
        cell = self.cells.pop()
        x, y = cell_place(cell, self.rng)
        if flashes:
            first = self.rng.randrange(first, last)
            last = first + 1
        self.things.append(Thing(self.shapes.pop(), self.color(), self.radius(), cell, x, y, scene,
                                 first, last, flashes))

    def add_runner(self, scene: int, first: int, last: int, slow: Optional[bool] = None) -> None:
        """A thing that moves fast or slowly along a lane, once."""
        rng = self.rng
        if not self.shapes:
            return
        direction, lane = rng.randrange(4), rng.randrange(3)
        along = DIRECTIONS[direction] in ("left", "right")
        self.cells = [cell for cell in self.cells
                      if (cell // 3 if along else cell % 3) != lane]
        slow = rng.random() < 0.5 if slow is None else slow
        speed = rng.uniform(*(SLOW if slow else FAST))
        start, end = LANE
        crossing = int((end - start) / speed)  # frames; it comes once, and is gone then
        if last - first > crossing:
            first = rng.randint(first, last - crossing)
            last = first + crossing
        thing = Thing(self.shapes.pop(), self.color(), self.radius(), scene=scene, first=first,
                      last=last)
        start = rng.uniform(start, end - speed * (last - first))
        thing.motion = Motion(direction, lane, rng.uniform(-2, 2), start, end, speed, first)
        self.things.append(thing)

    def add_word(self, scene: int, first: int, last: int, flashes: bool = False) -> None:
        """A word, which reaches into the cells beside its own."""
        rng = self.rng
        free = [cell for cell in self.cells if all(other in self.cells for other in beside(cell))]
        if not free:
            return
        cell = rng.choice(free)
        self.cells = [other for other in self.cells if other not in (cell, *beside(cell))]
        x, y = cell_place(cell, rng)
        light, ink = rng.uniform(200, 240), rng.uniform(15, 60)
        if rng.random() < 0.3:
            light, ink = ink, light
        if flashes:
            first = rng.randrange(first, last)
            last = first + 1
        self.written.append(Word(self.words.pop(), x, y, rng.uniform(*self.world.dot), light, ink,
                                 scene, first, last, flashes))

    def add_clutter(self, first: int, last: int) -> None:
        """Dull bars; some stand, some jump about."""
        rng = self.rng
        for _ in range(rng.randint(0, self.world.clutter)):
            color = len(COLOR_NAMES) + rng.randrange(len(DULL))
            radius = rng.uniform(2.0, 4.0)
            x, y = rng.uniform(2, 62), rng.uniform(2, 62)
            jumps = rng.random() < 0.3
            for frame in range(first, last):
                if jumps and rng.random() < 0.3:
                    x, y = rng.uniform(2, 62), rng.uniform(2, 62)
                self.clutter.append(ShapeAt(frame, BAR, color, x, y, radius))

    def clip(self, starts: list[int], digit: Optional[Digit]) -> Clip:
        return Clip(starts, self.things, digit, self.written, self.clutter,
                    unsteady(starts[-1], self.world, self.rng))


def unsteady(frames: int, world: World, rng: random.Random) -> Unsteady:
    """A camera's walk over a clip."""
    drift = rng.uniform(0, world.drift) if rng.random() < 0.6 else 0.0
    light = rng.uniform(0, world.light) if rng.random() < 0.6 else 0.0
    x = y = level = 0.0
    out = Unsteady([], [], rng.uniform(min(1.0, world.noise), world.noise))
    for _ in range(frames):
        out.shift.append((round(x), round(y)))
        out.light.append(level)
        x = max(-MOST_SHIFT, min(MOST_SHIFT, x + rng.gauss(0, 1) * drift))
        y = max(-MOST_SHIFT, min(MOST_SHIFT, y + rng.gauss(0, 1) * drift))
        level = max(-MOST_LIGHT, min(MOST_LIGHT, level + rng.gauss(0, 1) * light))
    return out


def rich_picture(rng: random.Random, world: World) -> Clip:
    """Up to four shapes, perhaps a digit, perhaps a word."""
    maker = RichMaker(rng, world)
    maker.begin()
    if rng.random() < 0.4:
        maker.add_word(0, 0, 1)
    digit = make_digit(maker.cells.pop(), rng, world.train) if rng.random() < 0.4 else None
    for _ in range(rng.choices([1, 2, 3, 4], [0.2, 0.35, 0.3, 0.15])[0]):
        maker.add_thing(0, 0, 1)
    maker.add_clutter(0, 1)
    return maker.clip([0, 1], digit)


def slides(rng: random.Random, world: World, frames: int) -> Clip:
    """A word on each slide, and something beside it on some."""
    count = rng.randint(2, min(6, frames // 2))
    starts = make_cuts(frames, count, rng)
    maker = RichMaker(rng, world)
    digit = None
    with_digit = rng.randrange(count) if rng.random() < 0.5 else None
    for scene in range(count):
        span = scene, starts[scene], starts[scene + 1]
        maker.begin()
        maker.add_word(*span)
        if scene == with_digit:
            digit = maker.add_digit(*span, world.train)
        elif scene == 0 or rng.random() < 0.5:
            maker.add_thing(*span)
        maker.add_clutter(*span[1:])
    return maker.clip(starts, digit)


def needle(rng: random.Random, world: World, frames: int) -> Clip:
    """A long scene in which nothing happens but in one frame."""
    maker = RichMaker(rng, world)
    maker.begin()
    digit = None
    for _ in range(rng.randint(1, 2)):
        maker.add_thing(0, 0, frames)
    kind = rng.random()
    if kind < 0.5:
        maker.add_thing(0, 0, frames, flashes=True)
    elif kind < 0.75:
        maker.add_word(0, 0, frames, flashes=True)
    else:
        digit = maker.add_digit(0, 0, frames, world.train)
    maker.add_clutter(0, frames)
    return maker.clip([0, frames], digit)


def pair(rng: random.Random, world: World) -> Clip:
    """A few frames in which things move, more where they move slowly, so that they get farther than
    a patch: where motion is learned."""
    slow = rng.random() < 0.5
    frames = rng.randint(5, 8) if slow else rng.randint(3, 5)
    maker = RichMaker(rng, world)
    maker.begin()
    maker.add_runner(0, 0, frames, slow)
    if rng.random() < 0.4:
        maker.add_runner(0, 0, frames, slow)
    if rng.random() < 0.5:
        maker.add_thing(0, 0, frames)
    maker.add_clutter(0, frames)
    return maker.clip([0, frames], None)


def scenes(rng: random.Random, world: World, frames: int) -> Clip:
    """One to four scenes with things that stand, move and flash, a digit and a word."""
    count = rng.choices([1, 2, 3, 4], [0.25, 0.35, 0.25, 0.15])[0]
    count = min(count, frames // 2)
    starts = make_cuts(frames, count, rng)
    maker = RichMaker(rng, world)
    digit = None
    digit_scene, word_scene, flash_scene = (
        rng.randrange(count) if rng.random() < share else None for share in (0.4, 0.4, 0.45))
    for scene in range(count):
        span = scene, starts[scene], starts[scene + 1]
        maker.begin()
        if scene == word_scene:
            maker.add_word(*span, flashes=rng.random() < 0.3)
        if rng.random() < 0.6:
            maker.add_runner(*span)
        for _ in range(rng.choices([0, 1, 2], [0.15, 0.6, 0.25])[0] if maker.things else 1):
            maker.add_thing(*span)
        if scene == flash_scene:
            maker.add_thing(*span, flashes=True)
        if scene == digit_scene and maker.cells:
            digit = maker.add_digit(*span, world.train)
        maker.add_clutter(*span[1:])
    return maker.clip(starts, digit)


def rich_clip(rng: random.Random, world: World, frames: Optional[int] = None,
              kind: Optional[str] = None) -> Clip:
    frames = frames or rng.choices(*world.lengths)[0]
    kind = kind or rng.choices(*world.kinds)[0]
    if kind == "pair":
        return pair(rng, world)
    return {"slides": slides, "needle": needle, "scenes": scenes}[kind](rng, world, frames)


def new_picture(world: str, rng: random.Random, train: bool = True) -> Clip:
    """A picture of the world that a model's config names."""
    return rich_picture(rng, World(train=train)) if world == "rich" else make_picture(rng, train)


def new_clip(world: str, rng: random.Random, train: bool = True, kind: Optional[str] = None) -> Clip:
    """A clip of the world that a model's config names; the richer one has kinds."""
    if world == "rich":
        world_of_clip = World(lengths=TRAINING_LENGTHS) if train else World(train=False)
        return rich_clip(rng, world_of_clip, kind=kind)
    return make_clip(rng, train)
