# SPDX-License-Identifier: MIT
"""Makes up pictures and clips of the plain world, and draws them and those of worlds.py.

A picture is cut into 3 x 3 cells with one thing in each. A clip has one to three scenes with hard
cuts between them; things stand still, cross the picture, or show for one frame only ("flash").
No shape is used twice in a picture or clip, so "the circle" is always one circle.
"""
import random
from dataclasses import dataclass, field
from typing import Optional

import torch

from draw import (COLOR_NAMES, DIGIT_COUNT, DIGIT_TRAIN, DIGIT_VALUES, SHAPE_NAMES, SIZE,
                  DigitAt, Labels, ShapeAt, Unsteady, WordAt, draw, textures)
from letters import WRITTEN

CELL_NAMES = ["top left", "top", "top right", "left", "center", "right", "bottom left", "bottom",
              "bottom right"]
CELLS = len(CELL_NAMES)
DIRECTIONS = ["left", "right", "up", "down"]
FAST_FROM = 3.5  # units a frame
CLIP_LENGTHS = ([8, 12, 16], [0.7, 0.2, 0.1])  # frames, and how often


@dataclass
class Motion:
    """A way across the picture along one row or column of cells."""

    direction: int  # index into DIRECTIONS
    lane: int
    offset: float  # from the lane's middle
    start: float
    end: float
    speed: float = 0.0  # units a frame, from `start` on; 0: as it takes to be at `end` last
    began: int = 0  # frame that it was at `start`, with a speed


@dataclass
class Thing:
    """A shape, from frame `first` up to but not including frame `last`."""

    shape: int
    color: int
    radius: float
    cell: int = 0
    x: float = 0.0
    y: float = 0.0
    scene: int = 0
    first: int = 0
    last: int = 1
    flashes: bool = False
    motion: Optional[Motion] = None

    @property
    def noun(self) -> str:
        return SHAPE_NAMES[self.shape]

    @property
    def paint(self) -> str:
        return COLOR_NAMES[self.color]

    @property
    def name(self) -> str:
        return f"a {self.paint} {self.noun}"

    def place(self, frame: int) -> tuple[float, float]:
        """Where its middle is in a frame."""
        if self.motion is None:
            return self.x, self.y
        move = self.motion
        if move.speed:
            along = move.start + move.speed * (frame - move.began)
        else:
            done = (frame - self.first) / (self.last - self.first - 1)
            along = move.start + (move.end - move.start) * done
        across = cell_middle(move.lane) + move.offset
        if DIRECTIONS[move.direction] in ("left", "up"):
            along = SIZE - along
        if DIRECTIONS[move.direction] in ("left", "right"):
            return along, across
        return across, along


@dataclass
class Digit:
    """A handwritten digit, from frame `first` up to but not including frame `last`."""

    sample: int
    cell: int
    x: float
    y: float
    scene: int = 0
    first: int = 0
    last: int = 1
    flashes: bool = False

    @property
    def value(self) -> int:
        return int(DIGIT_VALUES[self.sample])


@dataclass
class Word:
    """A written word, from frame `first` up to but not including frame `last`."""

    word: int  # index into WRITTEN
    x: float
    y: float
    dot: float = 1.0
    light: float = 228.0
    ink: float = 20.0
    scene: int = 0
    first: int = 0
    last: int = 1
    flashes: bool = False

    @property
    def text(self) -> str:
        return WRITTEN[self.word]


@dataclass
class Clip:
    """A clip; a picture is a clip of one frame."""

    starts: list[int]  # the first frame of each scene, and the end
    things: list[Thing]
    digit: Optional[Digit]
    words: list[Word] = field(default_factory=list)
    clutter: list[ShapeAt] = field(default_factory=list)  # what nobody asks about
    camera: Optional[Unsteady] = None

    @property
    def frames(self) -> int:
        return self.starts[-1]

    @property
    def scenes(self) -> int:
        return len(self.starts) - 1

    def absent(self) -> list[str]:
        """The shapes that are nowhere in it."""
        used = [thing.shape for thing in self.things]
        return [name for i, name in enumerate(SHAPE_NAMES) if i not in used]


@dataclass(frozen=True)
class Question:
    """A question of a family, and the one answer that counts as right."""

    family: str
    text: str
    answer: str


# ---- making clips up ----


def cell_middle(index: int) -> int:
    """The middle of a row or column of cells."""
    return 11 + 21 * index


def cell_place(cell: int, rng: random.Random, jitter: float = 2.0) -> tuple[float, float]:
    """A place near the middle of a cell."""
    return (cell_middle(cell % 3) + rng.uniform(-jitter, jitter),
            cell_middle(cell // 3) + rng.uniform(-jitter, jitter))


def make_digit(cell: int, rng: random.Random, train: bool) -> Digit:
    """A digit sample from its half of the archive."""
    sample = rng.randrange(DIGIT_TRAIN) if train else rng.randrange(DIGIT_TRAIN, DIGIT_COUNT)
    x, y = cell_place(cell, rng, 1)
    return Digit(sample, cell, x, y)


def make_picture(rng: random.Random, train: bool = True) -> Clip:
    """One to four shapes, and a digit in about half of the pictures."""
    count = rng.choices([1, 2, 3, 4], [0.15, 0.35, 0.35, 0.15])[0]
    cells = rng.sample(range(CELLS), count + 1)
    shapes = rng.sample(range(len(SHAPE_NAMES)), count)
    things = []
    for shape, cell in zip(shapes, cells):
        x, y = cell_place(cell, rng)
        color = rng.randrange(len(COLOR_NAMES))
        things.append(Thing(shape, color, rng.uniform(7.0, 9.5), cell, x, y))
    digit = make_digit(cells[count], rng, train) if rng.random() < 0.55 else None
    return Clip([0, 1], things, digit)


def make_cuts(frames: int, scenes: int, rng: random.Random) -> list[int]:
    """Scene starts and the end, at least two frames apart."""
    while True:
        cuts = sorted(rng.sample(range(2, frames - 1), scenes - 1)) if scenes > 1 else []
        starts = [0] + cuts + [frames]
        if all(b - a >= 2 for a, b in zip(starts, starts[1:])):
            return starts


class SceneMaker:
    """Fills one scene of a clip after the other; shapes and cells are used once."""

    def __init__(self, rng: random.Random):
        self.rng = rng
        self.shapes = rng.sample(range(len(SHAPE_NAMES)), len(SHAPE_NAMES))
        self.things: list[Thing] = []
        self.cells: list[int] = []

    def begin(self) -> None:
        self.cells = list(range(CELLS))
        self.rng.shuffle(self.cells)

    def color(self) -> int:
        return self.rng.randrange(len(COLOR_NAMES))

    def add_moving(self, scene: int, first: int, last: int) -> None:
        rng = self.rng
        direction = rng.randrange(4)
        lane = rng.randrange(3)
        if DIRECTIONS[direction] in ("left", "right"):
            self.cells = [cell for cell in self.cells if cell // 3 != lane]
        else:
            self.cells = [cell for cell in self.cells if cell % 3 != lane]
        thing = Thing(self.shapes.pop(), self.color(), rng.uniform(7, 9.5), scene=scene,
                      first=first, last=last)
        offset = rng.uniform(-2, 2)
        thing.motion = Motion(direction, lane, offset, rng.uniform(8, 14), rng.uniform(50, 56))
        self.things.append(thing)

    def add_still(self, scene: int, first: int, last: int) -> None:
        cell = self.cells.pop()
        x, y = cell_place(cell, self.rng)
        self.things.append(Thing(self.shapes.pop(), self.color(), self.rng.uniform(7, 9.5), cell,
                                 x, y, scene, first, last))

    def add_flashing(self, scene: int, first: int, last: int) -> None:
        cell = self.cells.pop()
        x, y = cell_place(cell, self.rng)
        frame = self.rng.randrange(first, last)
        self.things.append(Thing(self.shapes.pop(), self.color(), self.rng.uniform(7.5, 9.5),
                                 cell, x, y, scene, frame, frame + 1, flashes=True))

    def add_digit(self, scene: int, first: int, last: int, train: bool) -> Digit:
        digit = make_digit(self.cells.pop(), self.rng, train)
        digit.scene = scene
        digit.flashes = self.rng.random() < 0.5
        frame = self.rng.randrange(first, last)
        digit.first, digit.last = (frame, frame + 1) if digit.flashes else (first, last)
        return digit


def make_clip(rng: random.Random, train: bool = True, frames: Optional[int] = None) -> Clip:
    """A clip of one to three scenes; frames: its length, else as CLIP_LENGTHS has it."""
    frames = frames or rng.choices(*CLIP_LENGTHS)[0]
    scenes = rng.choices([1, 2, 3], [0.3, 0.4, 0.3])[0]
    starts = make_cuts(frames, scenes, rng)
    maker = SceneMaker(rng)
    digit = None
    digit_scene = rng.randrange(scenes) if rng.random() < 0.6 else None
    flash_scene = rng.randrange(scenes) if rng.random() < 0.5 else None
    moving = [s for s in range(scenes) if starts[s + 1] - starts[s] >= 3 and rng.random() < 0.6]
    for scene in range(scenes):
        span = scene, starts[scene], starts[scene + 1]
        maker.begin()
        if scene in moving and maker.shapes:
            maker.add_moving(*span)
        if scene in moving:
            count = rng.choices([0, 1, 2], [0.15, 0.6, 0.25])[0]
        else:
            count = rng.choices([1, 2], [0.65, 0.35])[0]
        for _ in range(min(count, len(maker.shapes))):
            maker.add_still(*span)
        if scene == flash_scene and maker.shapes:
            maker.add_flashing(*span)
        if scene == digit_scene:
            digit = maker.add_digit(*span, train)
    return Clip(starts, maker.things, digit)


# ---- drawing them ----


def place_clip(clip: Clip, base: int = 0) -> tuple[list[ShapeAt], list[DigitAt], list[int]]:
    """What stands where in each frame, frames counted from base, and the scene of each frame."""
    shapes = []
    for thing in clip.things:
        for frame in range(thing.first, thing.last):
            x, y = thing.place(frame)
            shapes.append(ShapeAt(base + frame, thing.shape, thing.color, x, y, thing.radius))
    digits = []
    digit = clip.digit
    if digit:
        digits = [DigitAt(base + frame, digit.sample, digit.x, digit.y)
                  for frame in range(digit.first, digit.last)]
    scenes = []
    for scene in range(clip.scenes):
        scenes += [scene] * (clip.starts[scene + 1] - clip.starts[scene])
    return shapes, digits, scenes


def place_more(clip: Clip, base: int = 0) -> tuple[list[ShapeAt], list[WordAt]]:
    """Clutter, which lies below everything, and words, frames counted from base."""
    clutter = [ShapeAt(base + item.frame, item.shape, item.color, item.x, item.y, item.radius)
               for item in clip.clutter]
    words = [WordAt(base + frame, word.word, word.x, word.y, word.dot, word.light, word.ink)
             for word in clip.words for frame in range(word.first, word.last)]
    return clutter, words


def join_cameras(clips: list[Clip]) -> Optional[Unsteady]:
    """One camera for the frames of all; the clips have one each or none."""
    cameras = [clip.camera for clip in clips if clip.camera]
    if not cameras:
        return None
    return Unsteady([shift for camera in cameras for shift in camera.shift],
                    [light for camera in cameras for light in camera.light],
                    sum(camera.noise for camera in cameras) / len(cameras))


def draw_clips(clips: list[Clip], seed: int, size: int = SIZE,
               grid: int = 8) -> tuple[torch.Tensor, list[int], Labels]:
    """Frames of all clips after each other, where each clip starts (and the end), and labels."""
    gen = torch.Generator().manual_seed(seed)
    shapes: list[ShapeAt] = []
    digits: list[DigitAt] = []
    words: list[WordAt] = []
    which: list[int] = []
    offsets = [0]
    backgrounds = 0
    for clip in clips:
        more_shapes, more_digits, scenes = place_clip(clip, offsets[-1])
        clutter, more_words = place_more(clip, offsets[-1])
        shapes += clutter + more_shapes
        digits += more_digits
        words += more_words
        which += [backgrounds + scene for scene in scenes]
        backgrounds += clip.scenes
        offsets.append(offsets[-1] + clip.frames)
    background = textures(backgrounds, gen, size)
    for digit in digits:
        digit.light = 215 + 25 * torch.rand((), generator=gen).item()
    frames, labels = draw(background, which, shapes, digits, gen, words=words, grid=grid,
                          camera=join_cameras(clips))
    return frames, offsets, labels
