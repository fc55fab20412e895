# SPDX-License-Identifier: MIT
"""Questions about pictures and clips whose answers follow from how they were made.

A question that should be asked more often stands in the list more than once.
"""
import random

from draw import SHAPE_NAMES
from scenes import CELL_NAMES, DIRECTIONS, FAST_FROM, Clip, Question, Thing, cell_middle


def listing(items: list[str]) -> str:
    """One phrase out of many: "a, b and c"."""
    if not items:
        return "nothing"
    if len(items) == 1:
        return items[0]
    return ", ".join(items[:-1]) + " and " + items[-1]


def ask_exist(clip: Clip, family: str, rng: random.Random) -> list[Question]:
    """One shape that is there and, where there is one, one that is not."""
    out = []
    absent = clip.absent()
    if absent:
        out.append(Question(family, f"is there a {rng.choice(absent)}?", "no"))
    there = SHAPE_NAMES[rng.choice(clip.things).shape]
    out.append(Question(family, f"is there a {there}?", "yes"))
    return out


# ---- pictures ----


def describe_picture(clip: Clip) -> str:
    names = [thing.name for thing in sorted(clip.things, key=lambda thing: thing.cell)]
    if clip.digit:
        names.append(f"the digit {clip.digit.value}")
    names += [f"the word {word.text}" for word in clip.words]
    return listing(names) + "."


def picture_questions(clip: Clip, rng: random.Random) -> list[Question]:
    """All questions that a picture of the plain world supports."""
    out = []
    for thing in clip.things:
        out.append(Question("color", f"what color is the {thing.noun}?", thing.paint))
        out.append(Question("where", f"where is the {thing.noun}?", CELL_NAMES[thing.cell]))
    paints = [thing.paint for thing in clip.things]
    for thing in clip.things:
        if paints.count(thing.paint) == 1:
            out.append(Question("shape", f"what shape is {thing.paint}?", thing.noun))
    out.append(Question("count", "how many shapes are there?", str(len(clip.things))))
    digit = clip.digit
    value = str(digit.value) if digit else "none"
    out.append(Question("digit", "what digit is written?", value))
    if digit:
        out.append(Question("digit", "what digit is written?", value))
        out.append(Question("where", "where is the digit?", CELL_NAMES[digit.cell]))
    if clip.things:
        out += ask_exist(clip, "exist", rng)
    out.append(Question("caption", "describe the image.", describe_picture(clip)))
    return out


# ---- clips ----


def describe_clip(clip: Clip) -> str:
    parts = []
    for scene in range(clip.scenes):
        names = []
        for thing in clip.things:
            if thing.scene != scene:
                continue
            moving = f" moving {DIRECTIONS[thing.motion.direction]}" if thing.motion else ""
            flashing = " flashing" if thing.flashes else ""
            names.append(thing.name + moving + flashing)
        if clip.digit and clip.digit.scene == scene:
            names.append(f"the digit {clip.digit.value}")
        names += [f"the word {word.text}" for word in clip.words if word.scene == scene]
        parts.append(f"scene {scene + 1}: {listing(names)}.")
    return " ".join(parts)


def ask_things(clip: Clip, rng: random.Random) -> list[Question]:
    """Colour, scene, motion and moment of each thing."""
    out = []
    for thing in clip.things:
        noun = thing.noun
        family = "v_needle_color" if thing.flashes else "v_color"
        out.append(Question(family, f"what color is the {noun}?", thing.paint))
        if clip.scenes > 1:
            scene = str(thing.scene + 1)
            out.append(Question("v_scene", f"in which scene is the {noun}?", scene))
        way = f"which way does the {noun} move?"
        if thing.motion:
            out += [Question("v_motion", way, DIRECTIONS[thing.motion.direction])] * 2
        elif not thing.flashes and rng.random() < 0.25:
            out.append(Question("v_motion", way, "still"))
        if thing.flashes:
            frame = str(thing.first + 1)
            out.append(Question("v_needle_frame", f"in which frame does the {noun} flash?", frame))
            out.append(Question("v_needle_what", "what flashes?", thing.name))
    if not any(thing.flashes for thing in clip.things) and rng.random() < 0.3:
        out.append(Question("v_needle_what", "what flashes?", "nothing"))
    return out


def ask_digit(clip: Clip, rng: random.Random) -> list[Question]:
    """The digit's value and scene."""
    out = []
    digit = clip.digit
    if digit:
        family = "v_digit_needle" if digit.flashes else "v_digit"
        out += [Question(family, "what digit is written?", str(digit.value))] * 2
    elif rng.random() < 0.4:
        out.append(Question("v_digit", "what digit is written?", "none"))
    if digit and clip.scenes > 1:
        scene = str(digit.scene + 1)
        out.append(Question("v_scene", "in which scene is the digit?", scene))
    return out


def ask_order(clip: Clip, rng: random.Random) -> list[Question]:
    """Which of two things in different scenes comes first."""
    pairs = [(a, b) for a in clip.things for b in clip.things if a.scene < b.scene]
    out = []
    for first, second in rng.sample(pairs, min(2, len(pairs))):
        named = (first, second) if rng.random() < 0.5 else (second, first)
        text = f"which comes first, the {named[0].noun} or the {named[1].noun}?"
        out.append(Question("v_order", text, first.noun))
    return out


def clip_questions(clip: Clip, rng: random.Random) -> list[Question]:
    """All questions that a clip of the plain world supports."""
    out = ask_things(clip, rng)
    out.append(Question("v_scenes", "how many scenes are there?", str(clip.scenes)))
    out += ask_digit(clip, rng)
    out += ask_order(clip, rng)
    if clip.things:
        out += ask_exist(clip, "v_exist", rng)
    out.append(Question("v_count", "how many shapes are there?", str(len(clip.things))))
    if rng.random() < 0.5:
        out.append(Question("v_caption", "describe the video.", describe_clip(clip)))
    return out


# ---- the richer world ----


def ask_words(clip: Clip, family: str, rng: random.Random) -> list[Question]:
    """What is written, and in which scene."""
    out = []
    words = clip.words
    if not words and rng.random() < 0.3:
        out.append(Question(family, "what word is written?", "none"))
    if len(words) == 1:
        needle = "_needle" if words[0].flashes else ""
        out += [Question(family + needle, "what word is written?", words[0].text)] * 2
    if clip.scenes < 2:
        return out
    for word in words:
        scene = str(word.scene + 1)
        out.append(Question("v_scene", f"in which scene is the word {word.text}?", scene))
        if len(words) > 1:
            out.append(Question("v_slide", f"what word is written in scene {scene}?", word.text))
    return out


def cell_of(x: float, y: float, margin: float = 3.0) -> int | None:
    """The cell of a place, or None near the edge between two."""
    column, row = (min(range(3), key=lambda i: abs(value - cell_middle(i))) for value in (x, y))
    half = (cell_middle(1) - cell_middle(0)) / 2
    for value, index in ((x, column), (y, row)):
        if abs(abs(value - cell_middle(index)) - half) < margin:
            return None
    return row * 3 + column


def ask_moves(thing: Thing, rng: random.Random) -> list[Question]:
    """Speed of a thing that moves, and where it is in one frame."""
    out = []
    if thing.motion and thing.motion.speed and thing.last - thing.first > 1:
        speed = "fast" if thing.motion.speed > FAST_FROM else "slow"
        out.append(Question("v_speed", f"does the {thing.noun} move fast or slow?", speed))
    frame = rng.randrange(thing.first, thing.last)
    cell = cell_of(*thing.place(frame))
    if cell is not None:
        out.append(Question("v_where", f"where is the {thing.noun} in frame {frame + 1}?",
                            CELL_NAMES[cell]))
    return out


def ask_same(clip: Clip, rng: random.Random) -> list[Question]:
    """Whether two things that are seen at different times have one color."""
    pairs = [(a, b) for a in clip.things for b in clip.things if a.last <= b.first]
    alike = [(a, b) for a, b in pairs if a.color == b.color]
    out = []
    for some, answer in ((alike, "yes"), ([p for p in pairs if p not in alike], "no")):
        for a, b in rng.sample(some, min(1, len(some))):
            first, second = (a, b) if rng.random() < 0.5 else (b, a)
            text = f"are the {first.noun} and the {second.noun} the same color?"
            out.append(Question("v_same", text, answer))
    return out


def rich_clip_questions(clip: Clip, rng: random.Random) -> list[Question]:
    """All questions that a clip of the richer world supports."""
    out = clip_questions(clip, rng)
    out += ask_words(clip, "v_word", rng)
    for thing in clip.things:
        out += ask_moves(thing, rng)
    return out + ask_same(clip, rng)


def clip_questions_of(world: str, clip: Clip, rng: random.Random) -> list[Question]:
    """All questions that a clip of this world supports."""
    return rich_clip_questions(clip, rng) if world == "rich" else clip_questions(clip, rng)


def questions_of(world: str, clip: Clip, rng: random.Random) -> list[Question]:
    """All questions that a picture (a clip of one frame) or clip of this world supports."""
    if clip.frames > 1:
        return clip_questions_of(world, clip, rng)
    plain = picture_questions(clip, rng)
    return plain + ask_words(clip, "word", rng) if world == "rich" else plain
