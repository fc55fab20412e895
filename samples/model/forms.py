# SPDX-License-Identifier: MIT
"""The short text forms that long videos are asked with: notes, answers from notes, sub-questions.

    note    picture or clip, `note: QUESTION` -> what this segment says to the question, or `nothing`
    final   `notes: NOTES QUESTION`           -> the answer; NOTES as `1: NOTE 4: NOTE`, or `none`,
                                                 or as sub-questions with their answers
    split   `split: QUESTION`                 -> one to three sub-questions

Notes are made of clips, the other two of nothing but words. A note on a color begins with it, as the
plain answer does: "red ring" is learned at once, "the ring is red" hardly. PROMPTS are the same
forms as templates that go into the model's file.
"""
import random
from dataclasses import replace

from draw import COLOR_NAMES, SHAPE_NAMES
from letters import WRITTEN
from scenes import DIRECTIONS, Clip, Motion, Question, Thing

PROMPTS = {
    "winnow.prompt.note": "{media} note: {question}",
    "winnow.prompt.final": "notes: {notes} {question}",
    "winnow.prompt.split": "split: {question}",
    "winnow.prompt.nothing": "nothing",
}
NOTHING = PROMPTS["winnow.prompt.nothing"]
MOST_SEGMENTS = 30


# ---- segments of clips ----


def cut(clip: Clip, first: int, last: int) -> Clip:
    """The clip's frames from first up to but not including last, as a clip."""

    def trimmed(item):
        return replace(item, first=max(item.first, first) - first, last=min(item.last, last) - first,
                       scene=item.scene - skipped)

    skipped = sum(start <= first for start in clip.starts[1:-1])
    inner = [start - first for start in clip.starts if first < start < last]
    things = [trimmed(thing) for thing in clip.things if thing.first < last and thing.last > first]
    for thing, old in zip(things, [t for t in clip.things if t.first < last and t.last > first]):
        if old.motion:
            thing.motion = moved_on(old, first)
    digit = clip.digit
    seen = digit and digit.first < last and digit.last > first
    words = [trimmed(word) for word in clip.words if word.first < last and word.last > first]
    return Clip([0] + inner + [last - first], things, trimmed(digit) if seen else None, words)


def moved_on(thing: Thing, first: int) -> Motion:
    """Its motion, where frame `first` becomes frame 0."""
    move = thing.motion
    if move.speed:
        return replace(move, began=move.began - first)
    step = (move.end - move.start) / max(1, thing.last - thing.first - 1)
    return replace(move, speed=step, began=thing.first - first)


def looks_unclear(clip: Clip) -> bool:
    """Whether it cannot be told what flashes or moves: something is seen in one frame only that
    was there for longer, or one frame is all there is."""
    return clip.frames < 2 or any(thing.last - thing.first < 2 and not thing.flashes
                                  for thing in clip.things)


UNCLEAR_FAMILIES = ("v_motion", "v_speed", "v_needle_frame", "v_needle_what", "v_caption")


# ---- notes ----


def find(clip: Clip, noun: str) -> Thing | None:
    return next((thing for thing in clip.things if thing.noun == noun), None)


def note_of_thing(clip: Clip, noun: str, label: int) -> list[Question]:
    """Every question about one thing, answered as a note; label: the number of frame 0."""
    thing = find(clip, noun)
    color = f"{thing.paint} {noun}" if thing else NOTHING
    scene = f"{noun} in scene {thing.scene + 1}" if thing else NOTHING
    there = f"the {noun} is there" if thing else NOTHING
    out = [Question("n_color", f"note: what color is the {noun}?", color),
           Question("n_scene", f"note: in which scene is the {noun}?", scene),
           Question("n_exist", f"note: is there a {noun}?", there)]
    if looks_unclear(clip):
        return out
    moves = flashes = NOTHING
    if thing and thing.flashes:
        flashes = f"the {noun} flashes in frame {thing.first + label}"
    elif thing and thing.motion:
        moves = f"the {noun} moves {DIRECTIONS[thing.motion.direction]}"
    elif thing:
        moves = f"the {noun} is still"
    out.append(Question("n_motion", f"note: which way does the {noun} move?", moves))
    out.append(Question("n_frame", f"note: in which frame does the {noun} flash?", flashes))
    return out


def note_of_two(clip: Clip, nouns: list[str]) -> list[Question]:
    """Order and colours of two things."""
    there = sorted((thing.scene, thing.first, thing.noun) for thing in clip.things
                   if thing.noun in nouns)
    text = f"the {nouns[0]} or the {nouns[1]}?"
    out = []
    if len(there) < 2 or there[0][0] < there[1][0]:
        order = " then ".join(noun for _, _, noun in there) or NOTHING
        out.append(Question("n_order", f"note: which comes first, {text}", order))
    paints = [f"{find(clip, noun).paint} {noun}" for noun in nouns if find(clip, noun)]
    text = f"are the {nouns[0]} and the {nouns[1]} the same color?"
    return out + [Question("n_same", "note: " + text, " ".join(paints) or NOTHING)]


def notes(clip: Clip, rng: random.Random, label: int = 1, rich: bool = False) -> list[Question]:
    """Notes on a segment, with things in them that it does not show; rich: of worlds.py."""
    there = [thing.noun for thing in clip.things]
    nouns = rng.sample(there, min(2, len(there))) + rng.sample(SHAPE_NAMES, 1)
    out = []
    for noun in dict.fromkeys(nouns):
        out += note_of_thing(clip, noun, label)
    pair = list(dict.fromkeys(nouns))[:2]
    if len(pair) < 2 or rng.random() < 0.5:
        pair = rng.sample(SHAPE_NAMES, 2)
    rng.shuffle(pair)
    out += note_of_two(clip, pair)

    names = " ".join(name for name in SHAPE_NAMES if find(clip, name))
    out.append(Question("n_count", "note: how many shapes are there?", names or NOTHING))
    count = f"{clip.scenes} scenes" if clip.scenes > 1 else "1 scene"
    out.append(Question("n_scenes", "note: how many scenes are there?", count))
    digit = clip.digit
    value = f"the digit is {digit.value}" if digit else NOTHING
    out.append(Question("n_digit", "note: what digit is written?", value))
    scene = f"digit in scene {digit.scene + 1}" if digit else NOTHING
    out.append(Question("n_scene", "note: in which scene is the digit?", scene))
    if rich and len(clip.words) < 2:
        word = f"the word is {clip.words[0].text}" if clip.words else NOTHING
        out.append(Question("n_word", "note: what word is written?", word))
    if not looks_unclear(clip):
        flash = next((thing for thing in clip.things if thing.flashes), None)
        text = f"{flash.name} flashes" if flash else NOTHING
        out.append(Question("n_what", "note: what flashes?", text))
    return out


# ---- answers from notes ----

Told = tuple[str, list[str], str]  # question, a note for each segment that saw something, answer


def tell_color(noun: str, rng: random.Random) -> Told:
    paint = rng.choice(COLOR_NAMES)
    return f"what color is the {noun}?", [f"{paint} {noun}"] * rng.choice([1, 1, 2, 3]), paint


def tell_exist(noun: str, rng: random.Random) -> Told:
    return f"is there a {noun}?", [f"the {noun} is there"] * rng.choice([1, 1, 2, 3]), "yes"


def tell_motion(noun: str, rng: random.Random) -> Told:
    way = rng.choice(DIRECTIONS)
    told = [f"the {noun} moves {way}"] * rng.choice([1, 1, 2])
    if rng.random() < 0.2:
        told, way = [f"the {noun} is still"] * len(told), "still"
    return f"which way does the {noun} move?", told, way


def tell_frame(noun: str, rng: random.Random) -> Told:
    frame = rng.randint(1, 99)
    return (f"in which frame does the {noun} flash?", [f"the {noun} flashes in frame {frame}"],
            str(frame))


def tell_what(noun: str, rng: random.Random) -> Told:
    name = f"a {rng.choice(COLOR_NAMES)} {noun}"
    return "what flashes?", [f"{name} flashes"], name


def tell_digit(noun: str, rng: random.Random) -> Told:
    value = rng.randrange(10)
    return "what digit is written?", [f"the digit is {value}"] * rng.choice([1, 1, 2]), str(value)


def tell_word(noun: str, rng: random.Random) -> Told:
    word = rng.choice(WRITTEN)
    return "what word is written?", [f"the word is {word}"] * rng.choice([1, 1, 2]), word


def tell_count(noun: str, rng: random.Random) -> Told:
    kinds = rng.sample(range(len(SHAPE_NAMES)), rng.randint(1, len(SHAPE_NAMES)))
    told = [sorted(rng.sample(kinds, rng.randint(1, min(3, len(kinds)))))
            for _ in range(rng.randint(1, 4))]
    seen = {kind for part in told for kind in part}
    notes = [" ".join(SHAPE_NAMES[kind] for kind in part) for part in told]
    return "how many shapes are there?", notes, str(len(seen))


def tell_order(noun: str, rng: random.Random) -> Told:
    other = rng.choice([name for name in SHAPE_NAMES if name != noun])
    named = [noun, other]
    rng.shuffle(named)
    kind = rng.random()
    if kind < 0.2:
        told = [f"{noun} then {other}"]
    elif kind < 0.35:
        told = [noun]
    else:
        told = [noun] * rng.choice([1, 1, 2]) + [other] * rng.choice([1, 1, 2])
    return f"which comes first, the {named[0]} or the {named[1]}?", told, noun


def tell_same(noun: str, rng: random.Random) -> Told:
    other = rng.choice([name for name in SHAPE_NAMES if name != noun])
    first = rng.choice(COLOR_NAMES)
    second = first if rng.random() < 0.5 else rng.choice(COLOR_NAMES)
    told = [f"{first} {noun}", f"{second} {other}"]
    if rng.random() < 0.4:
        told = [" ".join(told)]
    named = [noun, other]
    rng.shuffle(named)
    return (f"are the {named[0]} and the {named[1]} the same color?", told,
            "yes" if first == second else "no")


TELLERS = {tell_color: "none", tell_exist: "no", tell_motion: "none", tell_frame: "none",
           tell_what: "nothing", tell_digit: "none", tell_word: "none", tell_count: "0",
           tell_order: "none", tell_same: "no"}  # and what an absent thing's answer is
FRAMES_TOLD = 4  # times as often as others, for there are many numbers to copy


def final_of_scenes(rng: random.Random) -> Question:
    """Scenes are counted from the video's first; a segment is taken to begin a new one."""
    count = rng.randint(1, 20)
    told = [rng.choices([1, 2, 3], [0.8, 0.15, 0.05])[0] for _ in range(count)]
    if rng.random() < 0.6:
        noun = rng.choice(SHAPE_NAMES + ["digit"])
        segment = rng.randint(1, MOST_SEGMENTS)
        scene = rng.choices([1, 2, 3], [0.7, 0.2, 0.1])[0]
        text, answer = f"{segment}: {noun} in scene {scene}", str(segment + scene - 1)
        if rng.random() < 0.15:
            text, answer = "none", "none"
        return Question("f_scene", f"notes: {text} in which scene is the {noun}?", answer)
    text = " ".join(f"{number}: {scenes} scene{'s' * (scenes > 1)}"
                    for number, scenes in enumerate(told, 1))
    return Question("f_scenes", f"notes: {text} how many scenes are there?", str(sum(told)))


def tellers(rich: bool) -> list:
    return [teller for teller in TELLERS if rich or teller is not tell_word]


def final_of_notes(rng: random.Random, rich: bool) -> Question:
    """An answer from what some of the segments said."""
    choices = tellers(rich) + [tell_frame] * (FRAMES_TOLD - 1)
    teller = rng.choice(choices)
    question, told, answer = teller(rng.choice(SHAPE_NAMES), rng)
    family = "f_" + teller.__name__.removeprefix("tell_")
    if rng.random() < 0.15:
        return Question(family, f"notes: none {question}", TELLERS[teller])
    silent = rng.randint(1, 3) if rng.random() < 0.2 else 0
    count = len(told) + silent
    numbers = sorted(rng.sample(range(1, max(MOST_SEGMENTS, count) + 1), count))
    empty = set(rng.sample(range(count), silent))
    left = iter(told)
    text = " ".join(f"{number}: {NOTHING if index in empty else next(left)}"
                    for index, number in enumerate(numbers))
    return Question(family, f"notes: {text} {question}", answer)


def sub_answers(rng: random.Random, rich: bool) -> Question:
    """An answer from the answers to sub-questions."""
    a, b = rng.sample(SHAPE_NAMES, 2)
    kind = rng.random()
    if kind < 0.4:
        first, second = rng.sample(range(1, 21), 2)
        text = f"in which scene is the {a}? {first} in which scene is the {b}? {second}"
        return Question("f_order", f"notes: {text} which comes first, the {a} or the {b}?",
                        a if first < second else b)
    if kind < 0.8:
        first = rng.choice(COLOR_NAMES)
        second = first if rng.random() < 0.5 else rng.choice(COLOR_NAMES)
        text = f"what color is the {a}? {first} what color is the {b}? {second}"
        return Question("f_same", f"notes: {text} are the {a} and the {b} the same color?",
                        "yes" if first == second else "no")
    teller = rng.choice(tellers(rich))
    question, _, answer = teller(a, rng)
    answer = TELLERS[teller] if rng.random() < 0.1 else answer
    return Question("f_copy", f"notes: {question} {answer} {question}", answer)


def split(rng: random.Random, rich: bool) -> Question:
    """Which questions a question falls into; most fall into themselves."""
    a, b, c = rng.sample(SHAPE_NAMES, 3)
    kind = rng.random()
    if kind < 0.25:
        return Question("split", f"split: which comes first, the {a} or the {b}?",
                        f"in which scene is the {a}? in which scene is the {b}?")
    if kind < 0.35:
        asked = f"split: which comes first, the {a}, the {b} or the {c}?"
        return Question("split", asked, " ".join(f"in which scene is the {x}?" for x in (a, b, c)))
    if kind < 0.55:
        return Question("split", f"split: are the {a} and the {b} the same color?",
                        f"what color is the {a}? what color is the {b}?")
    question = rng.choice([f"in which scene is the {rng.choice([a, 'digit'])}?",
                           "how many scenes are there?", "describe the video.", f"where is the {a}?",
                           f"what shape is {rng.choice(COLOR_NAMES)}?"])
    if kind < 0.85:
        question = rng.choice([t for t in tellers(rich) if t not in (tell_order, tell_same)])(a, rng)[0]
    return Question("split", f"split: {question}", question)


def words_only(rng: random.Random, rich: bool = False) -> Question:
    """A question that needs no picture; rich: about the world of worlds.py."""
    kind = rng.random()
    if kind < 0.5:
        return final_of_notes(rng, rich)
    if kind < 0.65:
        return final_of_scenes(rng)
    return sub_answers(rng, rich) if kind < 0.8 else split(rng, rich)
