# SPDX-License-Identifier: MIT
"""The scripts of the sample videos: what shows where and when, in the sample model's world."""
from dataclasses import dataclass
from typing import Optional

from draw import COLOR_NAMES, DIGIT_TRAIN, DIGIT_VALUES, SHAPE_NAMES, SMALL_DIGITS
from scenes import CELL_NAMES, DIRECTIONS, Clip, Digit, Motion, Thing, cell_middle


@dataclass
class Actor:
    """A shape or a digit: where it stands, and from when to when (seconds of the film)."""

    what: str  # "red circle", or "7"
    cell: str = "center"
    scene: int = 1
    start: Optional[float] = None  # None: from its scene's start
    end: Optional[float] = None  # None: to its scene's end
    moves: Optional[str] = None  # across the picture, through its cell


def typical_digit(value: int) -> int:
    """The sample nearest to the mean of its value, of those that the model was not trained on."""
    held_out = [i for i in range(DIGIT_TRAIN, len(DIGIT_VALUES)) if DIGIT_VALUES[i] == value]
    pictures = SMALL_DIGITS[held_out].flatten(1)
    distance = (pictures - pictures.mean(0)).square().sum(1)
    return held_out[int(distance.argmin())]


@dataclass
class Film:
    """A video; cuts are the seconds at which scenes begin, and the end."""

    name: str  # of the file; its ending says which codec (.png: one picture)
    cuts: list[float]
    backgrounds: list[int]  # one seed a scene
    actors: list[Actor]
    questions: list[tuple[str, list[str]]]  # and the answers that count as right
    about: str
    rate: int = 12
    noise: float = 2.0
    filters: str = "fps=1"  # a chain that shows the model what it needs

    def clip(self) -> Clip:
        """The film in frames."""
        starts = [round(cut * self.rate) for cut in self.cuts]
        clip = Clip(starts, [], None)
        for actor in self.actors:
            if actor.what.isdigit():
                clip.digit = self._digit(actor, clip)
            else:
                clip.things.append(self._thing(actor, clip))
        return clip

    def _span(self, actor: Actor, clip: Clip) -> tuple[int, int]:
        first, last = clip.starts[actor.scene - 1:actor.scene + 1]
        if actor.start is not None:
            first = round(actor.start * self.rate)
        if actor.end is not None:
            last = round(actor.end * self.rate)
        return first, last

    def _thing(self, actor: Actor, clip: Clip) -> Thing:
        paint, noun = actor.what.split()
        first, last = self._span(actor, clip)
        cell = CELL_NAMES.index(actor.cell)
        thing = Thing(SHAPE_NAMES.index(noun), COLOR_NAMES.index(paint), 8.5, cell,
                      cell_middle(cell % 3), cell_middle(cell // 3), actor.scene - 1, first, last,
                      flashes=actor.start is not None)
        if actor.moves:
            direction = DIRECTIONS.index(actor.moves)
            lane = cell // 3 if actor.moves in ("left", "right") else cell % 3
            thing.motion = Motion(direction, lane, 0.0, 10.0, 54.0)
        return thing

    def _digit(self, actor: Actor, clip: Clip) -> Digit:
        first, last = self._span(actor, clip)
        cell = CELL_NAMES.index(actor.cell)
        return Digit(typical_digit(int(actor.what)), cell, cell_middle(cell % 3),
                     cell_middle(cell // 3), actor.scene - 1, first, last,
                     flashes=actor.start is not None)


FILMS = [
    Film("three-scenes.mp4", [0, 3, 5.5, 9], [501, 750, 30],
         [Actor("white triangle", "top left", 1), Actor("red square", "center", 1),
          Actor("purple cross", "bottom left", 2), Actor("0", "top right", 2),
          Actor("blue circle", "top right", 3), Actor("green ring", "left", 3)],
         [("how many scenes are there?", ["3"]),
          ("what color is the triangle?", ["white"]),
          ("what color is the circle?", ["blue"]),
          ("what digit is written?", ["0"]),
          ("in which scene is the digit?", ["2"]),
          ("in which scene is the cross?", ["2"]),
          ("which comes first, the circle or the square?", ["square"]),
          ("how many shapes are there?", ["5"]),
          ("is there a diamond?", ["no"])],
         "three scenes with hard cuts"),
    Film("falling.webm", [0, 8], [72],
         [Actor("green cross", "center", 1, moves="down"), Actor("purple ring", "bottom right", 1)],
         [("which way does the cross move?", ["down"]),
          ("what color is the cross?", ["green"]),
          ("what color is the ring?", ["purple"]),
          ("how many shapes are there?", ["2"]),
          ("how many scenes are there?", ["1"]),
          ("is there a circle?", ["no"])],
         "one thing crosses the picture, another stands still"),
    Film("flash.mp4", [0, 8], [5],
         [Actor("green triangle", "left", 1), Actor("purple ring", "top right", 1),
          Actor("4", "bottom", 1, start=4.5, end=5.7)],
         [("what digit is written?", ["4"]),
          ("what color is the triangle?", ["green"]),
          ("what color is the ring?", ["purple"]),
          ("how many shapes are there?", ["2"])],
         "a digit shows for little more than a second"),
    Film("two-scenes.webm", [0, 4, 8], [599, 554],
         [Actor("red triangle", "top left", 1), Actor("green circle", "top", 1),
          Actor("white diamond", "left", 2), Actor("blue ring", "center", 2)],
         [("how many scenes are there?", ["2"]),
          ("how many shapes are there?", ["4"]),
          ("what color is the diamond?", ["white"]),
          ("what color is the circle?", ["green"]),
          ("in which scene is the ring?", ["2"]),
          ("which comes first, the diamond or the triangle?", ["triangle"]),
          ("is there a square?", ["no"])],
         "two scenes, two things in each"),
    Film("two-minutes.mp4", [0, 40, 76, 80, 120], [17, 6, 9, 33],
         [Actor("purple square", "left", 1), Actor("cyan cross", "top", 2),
          Actor("6", "center", 3), Actor("yellow circle", "bottom right", 4)],
         [("what digit is written?", ["6"]),
          ("what color is the square?", ["purple"]),
          ("what color is the cross?", ["cyan"]),
          ("which comes first, the circle or the square?", ["square"])],
         "two minutes in which nearly nothing happens; a digit shows for four seconds", rate=10,
         noise=1.0,
         filters="scene,pick=n=2"),
    Film("picture.png", [0, 1], [8],
         [Actor("blue triangle", "top", 1), Actor("red ring", "bottom left", 1),
          Actor("3", "right", 1)],
         [("what color is the triangle?", ["blue"]),
          ("where is the ring?", ["bottom left"]),
          ("what shape is red?", ["ring"]),
          ("what digit is written?", ["3"]),
          ("how many shapes are there?", ["2"]),
          ("is there a cross?", ["no"])],
         "a picture", rate=1, filters=""),
]
