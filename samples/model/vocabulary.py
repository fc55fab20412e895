# SPDX-License-Identifier: MIT
"""The sample models' tokenizer, in pieces that llama.cpp's SPM tokenizer reads the same way.

SPM only merges two pieces when their join is a piece too, so every prefix of every word is one.
Every word starts with the space sign, which makes the result unambiguous: a word becomes its
longest known prefix, and what is left goes letter by letter.
"""
from draw import COLOR_NAMES, SHAPE_NAMES
from letters import WRITTEN

SPACE = "\u2581"
UNKNOWN, BOS, EOS = 0, 1, 2
FIRST_BYTE = 3
NORMAL_TYPE, UNKNOWN_TYPE, CONTROL_TYPE, BYTE_TYPE = 1, 2, 3, 6

_FIXED = """
USER ASSISTANT frame frames scene scenes what color is the shape where how many shapes are there
digit written a an and of in which way does move flash flashes comes first or describe image video
moving flashing nothing none yes no still top bottom left right center up down at second seconds
time
"""
WORDS = _FIXED.split() + COLOR_NAMES + SHAPE_NAMES + [str(i) for i in range(100)]
_LATER = """
note notes split moves same are fast slow word both before after then last slide slides
"""
# Words that came later stand behind all others: what a model knows of older ones keeps its place.
LATER_WORDS = _LATER.split() + WRITTEN

Piece = tuple[str, float, int]  # text, score, type


def prefixes(words: list[str]) -> list[str]:
    """What each word begins with, from the space sign and one letter to the word."""
    return [SPACE + word[:end] for word in words for end in range(1, len(word) + 1)]


def build() -> list[Piece]:
    """Control tokens, 256 bytes, then word prefixes and single characters by falling score."""
    pieces: list[Piece] = [("<unk>", 0.0, UNKNOWN_TYPE), ("<s>", 0.0, CONTROL_TYPE),
                           ("</s>", 0.0, CONTROL_TYPE)]
    pieces += [(f"<0x{byte:02X}>", 0.0, BYTE_TYPE) for byte in range(256)]
    letters = [SPACE] + [chr(code) for code in range(33, 127)]
    texts = list(dict.fromkeys(prefixes(WORDS) + letters + prefixes(LATER_WORDS)))
    pieces += [(text, -float(rank) - 1, NORMAL_TYPE) for rank, text in enumerate(texts)]
    return pieces


PIECES = build()
_ids = {text: index for index, (text, _, _) in enumerate(PIECES)}
_known: dict[str, list[int]] = {}
_KNOWN_LIMIT = 200_000


def encode(text: str) -> list[int]:
    """Tokens of one chunk of text; a space is put in front, as llama.cpp does."""
    if text in _known:
        return _known[text]
    spaced = SPACE + text.replace(" ", SPACE)
    out: list[int] = []
    at = 0
    while at < len(spaced):
        end = at + 1
        if spaced[at] == SPACE:
            while end < len(spaced) and spaced[at:end + 1] in _ids:
                end += 1
        piece = spaced[at:end]
        if piece in _ids:
            out.append(_ids[piece])
        else:
            out += [FIRST_BYTE + byte for byte in piece.encode()]
        at = end
    if len(_known) < _KNOWN_LIMIT:
        _known[text] = out
    return out


def decode(ids: list[int]) -> str:
    """The text of an answer, control tokens left out."""
    return "".join(PIECES[i][0] for i in ids if i > EOS).replace(SPACE, " ").strip()
