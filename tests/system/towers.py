# SPDX-License-Identifier: MIT
"""The two larger models, one tower with a CLS row and one without: what they see, with the own
encoder and with libmtmd's, what the presets leave of it, that every filter has a way on both, and
both orders of rows."""
from cli import *

import shutil

QUIZ = ROOT / "samples" / "quiz" / "rich" / "quiz.jsonl"
MODELS = ("clip", "siglip")


def bench(kind, *args, **options):
    model = MODEL.with_name(f"winnow-{kind}.gguf")
    return run("bench", "accuracy", QUIZ, "-m", model, "--json", *args, limit=1200, **options)


def shares(result):
    return {(c["filters"], c["keep"]): c["right"] / c["n"] for c in result.json()["cases"] if c["n"]}


def answers(kind):
    """What is right with all rows, without any, and with a tenth of them."""
    result = bench(kind, "--encoder", "own", "--keep", "0.25,0.1", "--filters", "blind;auto={}")
    if not check_end(result, OK, f"{kind}: bench accuracy"):
        return
    got = shares(result)
    full = got["off", 1]
    check(full >= 0.7, f"{kind}: uncompressed answers are right", got)
    check(got["blind", 1] <= full - 0.3, f"{kind}: without seeing they are not", got)
    for keep in (0.25, 0.1):
        check(got["auto={}", keep] >= full - 0.09, f"{kind}: auto leaves them right", keep, got)
    other = bench(kind, "--encoder", "mtmd", "--filters", "off")
    if check_end(other, OK, f"{kind}: bench accuracy with libmtmd's encoder"):
        check(abs(shares(other)["off", 1] - full) <= 0.07, f"{kind}: both encoders answer alike",
              full, shares(other))


def every_filter(kind):
    """A filter without its CLS row takes the attention that patches get from each other."""
    result = bench(kind, "--encoder", "own", "--keep", "0.25", "--questions", "3")
    if check_end(result, OK, f"{kind}: every filter"):
        left_out = [c["filters"] for c in result.json()["cases"] if not c["n"]]
        check(not left_out, f"{kind}: no filter is left out", left_out)


class Gguf:
    """A GGUF file's bytes, with what is needed to change a word of it and rows of a tensor."""
    SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
    STRING, ARRAY = 8, 9
    ALIGNMENT = 32

    def __init__(self, path):
        self.path, self.data, self.at = path, path.read_bytes(), 8
        tensors, keys = self.number("Q"), self.number("Q")
        self.keys, self.tensors = {}, {}
        for _ in range(keys):
            name = self.text()
            kind = self.number("I")
            self.keys[name] = self.at
            self.skip(kind)
        for _ in range(tensors):
            name = self.text()
            shape = [self.number("Q") for _ in range(self.number("I"))]
            self.tensors[name] = self.number("I"), shape, self.number("Q")
        self.end = self.at

    def number(self, kind):
        value, = struct.unpack_from("<" + kind, self.data, self.at)
        self.at += struct.calcsize(kind)
        return value

    def text(self):
        length = self.number("Q")
        self.at += length
        return self.data[self.at - length:self.at].decode("utf-8", "replace")

    def skip(self, kind):
        if kind == self.STRING:
            self.text()
        elif kind == self.ARRAY:
            kind, count = self.number("I"), self.number("Q")
            for _ in range(count):
                self.skip(kind)
        else:
            self.at += self.SIZES[kind]

    def with_word(self, key, word):
        """The file with another word as this key's value."""
        self.at = at = self.keys[key]
        self.text()
        head = self.data[:at] + struct.pack("<Q", len(word)) + word + self.data[self.at:self.end]
        rows = self.data[-(-self.end // self.ALIGNMENT) * self.ALIGNMENT:]
        return head + bytes(-len(head) % self.ALIGNMENT) + rows

    def with_last_row_first(self, name):
        """The file with the last row of a float32 table before the others."""
        kind, (width, rows), at = self.tensors[name]
        assert kind == 0
        at += -(-self.end // self.ALIGNMENT) * self.ALIGNMENT
        last, end = at + 4 * width * (rows - 1), at + 4 * width * rows
        return self.data[:at] + self.data[last:end] + self.data[at:last] + self.data[end:]


def cls_first():
    """The pair whose table of positions is for the other order of rows answers as this one does, by
    the encoder that can do both; the pair that only says so does not. libmtmd's says it cannot."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        model, tower = folder / "first.gguf", folder / "first-mmproj.gguf"
        old = MODEL.with_name("winnow-clip.gguf")
        old_tower = Gguf(old.with_name("winnow-clip-mmproj.gguf"))
        model.write_bytes(Gguf(old).with_word("winnow.cls_layout", b"first"))
        shutil.copy(old_tower.path, tower)

        def seen(path):
            result = run("bench", "accuracy", QUIZ, "-m", path, "--json", "--encoder", "own",
                         "--filters", "off;fastervlm={}", "--keep", "0.1", limit=1200)
            check_end(result, OK, "bench accuracy of an order of rows")
            return [(c["filters"], c["answers"]) for c in result.json()["cases"]]

        want = seen(old)
        check(seen(model) != want, "a pair that only says CLS comes first answers otherwise", want)
        tower.write_bytes(old_tower.with_last_row_first("v.position_embd.weight"))
        check(seen(model) == want, "with its table of positions it answers the same", want)
        video = QUIZ.parent / "clip-000.mp4"
        result = run("ask", video, "How many?", "-m", model, "--encoder", "mtmd")
        check_end(result, MODEL_BAD, "an order that libmtmd does not have")
        check("winnow.cls_layout" in result.text(), "and it is named", result.text())


for name in MODELS:
    if not SANITIZED:
        answers(name)
    every_filter(name)
if not SANITIZED:
    cls_first()
finish()
