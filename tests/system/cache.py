# SPDX-License-Identifier: MIT
"""The cache of rows: another question about a file decodes and encodes nothing and gets the answer it
would have got; whatever happens to the files on disk, no answer changes."""
import os
import pathlib
import random
import shutil
import signal
import subprocess
import tempfile
import time

from batches import bare
from cli import *

ON = {"WINNOW_NO_CACHE": "0"}
QUESTION = "what color is the circle?"
CHAIN = ("--filters", "scene,fps=2,vtc_cls=keep=16")


class Cache:
    def __init__(self, folder):
        self.env = {**ON, "XDG_CACHE_HOME": str(folder)}
        self.rows = pathlib.Path(folder) / "winnow" / "rows"

    def ask(self, video, *options, question=QUESTION):
        result = run("ask", video, question, "-m", MODEL, "--json", *(options or CHAIN), env=self.env)
        check_end(result, OK, f"ask {options}")
        told = result.json()
        told["recalled"] = told["timing"]["decode_s"] == 0 and told["timing"]["encode_s"] == 0
        return told

    def files(self):
        return sorted(self.rows.glob("*.rows")) if self.rows.exists() else []

    def largest(self):
        return max(self.files(), key=lambda p: p.stat().st_size)


def same(a, b):
    """All but times, and where it came from."""
    drop = ("cached", "first_token_s", "recalled", "reused_cells", "file")
    return {k: v for k, v in bare(a).items() if k not in drop} == {k: v for k, v in bare(b).items() if k not in drop}


def hits(cache, video):
    plain = run("ask", video, QUESTION, "-m", MODEL, "--json", *CHAIN).json()
    first = cache.ask(video)
    check(first["cached"] == 0 and not first["recalled"] and same(plain, first), "the first question", first)
    second = cache.ask(video)
    check(second["cached"] == second["segments"] > 0 and second["recalled"], "the second decodes nothing", second)
    check(same(first, second), "and is answered alike", first, second)
    other = cache.ask(video, question="how many shapes are there?")
    check(other["recalled"], "so is any other")
    wide = cache.ask(video, "--filters", "scene,fps=2,vtc_cls=keep=8")
    check(wide["recalled"] and wide["tokens_after"] < first["tokens_after"], "another share encodes nothing", wide)
    budget = cache.ask(video, *CHAIN, "--tokens", "150")
    check(budget["recalled"] and budget["tokens_after"] <= 150, "nor does a budget", budget)
    for options in ((*CHAIN, "--end", "5"), ("--filters", "scene,fps=1,vtc_cls=keep=16"), (*CHAIN, "--window", "64k"),
                    (*CHAIN, "--no-cache")):
        check(not cache.ask(video, *options)["recalled"], f"{options[2:] or options} is another matter")


def commands(cache, video, folder):
    """compress writes the same file, caption the same captions."""
    for name in ("a", "b"):
        check_end(run("compress", video, "-m", MODEL, *CHAIN, "-o", folder / name, env=cache.env), OK, "compress")
    check_end(run("compress", video, "-m", MODEL, *CHAIN, "-o", folder / "c"), OK, "compress without")
    check((folder / "a").read_bytes() == (folder / "b").read_bytes() == (folder / "c").read_bytes(), "the same rows")
    told = [run("caption", video, "-m", MODEL, "-f", "json", env=cache.env).json() for _ in range(2)]
    check(told[1]["cached"] == told[1]["segments"] > 1 and
          [c["caption"] for c in told[0]["captions"]] == [c["caption"] for c in told[1]["captions"]] and
          [(c["start_s"], c["end_s"]) for c in told[0]["captions"]] ==
          [(c["start_s"], c["end_s"]) for c in told[1]["captions"]], "captions")
    sheets = run("inspect", video, "-m", MODEL, *CHAIN, "-o", folder / "sheets", env=cache.env)
    check_end(sheets, OK, "inspect wants pictures, which are not kept")


def identity(cache, video, folder):
    """The contents are meant, not the name."""
    copy = folder / "copy.mp4"
    shutil.copy2(video, copy)
    check(cache.ask(copy)["recalled"], "the same file by another name")
    data = bytearray(copy.read_bytes())
    os.utime(copy, (1, 1))
    check(not cache.ask(copy)["recalled"], "a file that was written anew")
    copy.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    check(not cache.ask(copy)["recalled"], "a byte that changed")


def damage(cache, video, good):
    """Truncated, flipped, emptied, replaced: never believed, soon whole again."""
    chance = random.Random(3)
    names = [p.name for p in cache.files()]
    for number in range(12):
        cache.ask(video)
        path = chance.choice([p for p in cache.files() if p.name in names])
        data = bytearray(path.read_bytes())
        kind = number % 4
        if kind == 0:
            data = data[:chance.randrange(len(data))]
        elif kind == 1:
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        elif kind == 2:
            data += b"more"
        else:
            data = bytearray(chance.randbytes(len(data)))
        path.write_bytes(data)
        told = cache.ask(video)
        check(same(told, good), f"damage of kind {kind} to {path.name}", told)
        check(cache.ask(video)["recalled"], "then it is whole again")
    # Rows below a prompt that is whole are not read by these questions: damage done to them may still be there.
    run("cache", "verify", env=cache.env)
    check(cache.ask(video)["recalled"], "what is left after verify serves")
    path = cache.largest()
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(data)
    listed = run("cache", "verify", "--json", env=cache.env).json()
    check(listed["removed"] == 1 and [e["name"] for e in listed["entries"] if e["damaged"]] == [path.name],
          "verify finds and removes it", listed)
    check(not path.exists() and run("cache", "verify", "--json", env=cache.env).json()["removed"] == 0, "once")


def bounded(cache, video):
    for number in range(8):
        cache.ask(video, "--filters", f"scene,fps={1 + number / 10},vtc_cls=keep=16", "--cache-size", "1M")
        size = sum(p.stat().st_size for p in cache.files())
        check(size <= 1 << 20, "--cache-size holds", size)
    check(cache.files() and cache.ask(video, "--filters", "scene,fps=1.7,vtc_cls=keep=16", "--cache-size", "1M")["recalled"],
          "the last one is there")


def together(cache, video, good):
    """Several processes at once, one of them killed while it writes."""
    shutil.rmtree(cache.rows)
    argv = [TOOL, "ask", video, QUESTION, "-m", MODEL, "--json", *CHAIN]
    many = [subprocess.Popen(argv, env=environment(cache.env), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            for _ in range(5)]
    killed = subprocess.Popen(argv, env=environment(cache.env), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(500):
        if killed.poll() is not None or list(cache.rows.glob("*.part")):
            break
        time.sleep(0.01)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    for process in many:
        out, err = process.communicate(timeout=120)
        check(process.returncode == OK and same(json.loads(out), good), "one of several", err)
    check(cache.ask(video)["recalled"], "all is there")
    dead = cache.rows / "0123.rows.abcdef.part"
    dead.write_bytes(b"left by a process that was killed")
    cache.ask(video, "--filters", "scene,fps=3,vtc_cls=keep=16")
    check(not list(cache.rows.glob("*.part")), "what a killed process left is gone", list(cache.rows.iterdir()))
    check(run("cache", "verify", "--json", env=cache.env).json()["removed"] == 0, "nothing is damaged")


def command(cache):
    listed = run("cache", "ls", env=cache.env)
    names = [p.name for p in cache.files()]
    check(listed.status == OK and all(n in listed.out.decode() for n in names), "ls", listed.out)
    check("three-scenes.mp4" in listed.out.decode(), "ls names the video", listed.out)
    check_end(run("cache", "rm", "nothing.rows", env=cache.env), INPUT, "rm of nothing")
    check_end(run("cache", "rm", "../../x", env=cache.env), INPUT, "rm of what is elsewhere")
    check_end(run("cache", "rm", names[0], env=cache.env), OK, "rm NAME")
    check([p.name for p in cache.files()] == names[1:], "removes one")
    check_end(run("cache", "rm", env=cache.env), OK, "rm")
    check(not cache.files(), "removes all")
    check_end(run("cache", "ls", "x", env=cache.env), USAGE, "ls takes no name")
    check_end(run("cache", "shrink", env=cache.env), USAGE, "no such thing")


def chat(cache, video, *options):
    env = environment(cache.env if cache else {})
    done = subprocess.run([TOOL, "chat", video, "-m", MODEL, "--json", *CHAIN, *options], capture_output=True, env=env,
                          input=f"{QUESTION}\nhow many shapes are there?\n".encode(), timeout=480)
    check(done.returncode == OK, "chat", done.stderr)
    return [json.loads(line) for line in done.stdout.splitlines()]


def prompts(cache, video):
    """What the model read outlives the process, and no damage to it changes an answer."""
    shutil.rmtree(cache.rows, ignore_errors=True)
    answers = [t["answer"] for t in chat(None, video)]
    first = chat(cache, video)
    check(first[0]["reused_cells"] == 0 < first[1]["reused_cells"], "read once", first)
    again = chat(cache, video)
    check(all(t["reused_cells"] >= t["tokens_after"] for t in again), "taken up by another process", again)
    check([t["answer"] for t in first] == answers == [t["answer"] for t in again], "the same answers", first, again)
    path = cache.largest()
    listed = run("cache", "ls", "--json", env=cache.env).json()
    check([e["about"] for e in listed["entries"] if e["name"] == path.name] == [f"prompt: {video.name}"], "ls", listed)
    whole = path.read_bytes()
    for what, data in (("cut", whole[:len(whole) * 2 // 3]), ("flipped", whole[:999] + b"!" + whole[1000:])):
        path.write_bytes(data)
        told = chat(cache, video)
        check(told[0]["reused_cells"] == 0 and [t["answer"] for t in told] == answers, f"{what}: read anew", told)
        check(path.read_bytes() == whole, "and kept again")
    model = cache.rows.parent / "model.gguf"
    shutil.copy(MODEL, model) # the same weights, written anew
    shutil.copy(MODEL.with_name("winnow-sample-mmproj.gguf"), model.with_name("model-mmproj.gguf"))
    told = run("ask", video, QUESTION, "-m", model, "--json", *CHAIN, env=cache.env).json()
    check(told["reused_cells"] == 0 and told["answer"] == answers[0], "another file of a model", told)
    shutil.rmtree(cache.rows)
    chat(cache, video, "--cache-size", str(2 * len(whole) - 4096))
    check(not any(p.stat().st_size >= len(whole) for p in cache.files()), "one entry has half of the cache at most")


def picture(cache):
    """A prompt with one picture is not worth its place on disk; its rows are."""
    shutil.rmtree(cache.rows, ignore_errors=True)
    for _ in range(2):
        told = cache.ask(VIDEOS / "picture.png", "--filters", "off")
        listed = run("cache", "ls", "--json", env=cache.env).json()["entries"]
        check(told["reused_cells"] == 0 and listed and not any(e["about"].startswith("prompt") for e in listed),
              "a picture", told, listed)


def quick(cache):
    """The second question's first token comes within 5 % of the first one's time."""
    ratios = []
    for _ in range(3):
        shutil.rmtree(cache.rows, ignore_errors=True)
        first, second = (cache.ask(VIDEOS / "two-minutes.mp4", *CHAIN, "--tokens", "2048")["first_token_s"]
                         for _ in range(2))
        ratios.append(second / first)
        if ratios[-1] <= 0.05:
            break
    check(min(ratios) <= 0.05, "time to the first token of the second question", ratios)


def no_folder(video, good):
    told = Cache("/proc/none").ask(video)
    check(same(told, good) and not told["recalled"], "a folder that cannot be made is no failure", told)


def indexes(cache, folder):
    """The packet index of a long film is kept, unless nothing shall be."""
    if not shutil.which("ffmpeg"):
        return
    film, kept = folder / "long.mp4", cache.rows.parent / "packets"
    subprocess.run(["ffmpeg", "-v", "error", "-nostdin", "-f", "lavfi", "-i", "color=size=64x64:rate=1000:duration=25",
                    "-c:v", "mpeg4", "-g", "100", film], check=True)
    for command in (("info",), ("scenes",), ("compress", "-m", MODEL, "--filters", "keyframes=max=2", "-o", "-")):
        check_end(run(command[0], film, *command[1:], "--no-cache", "--json", env=cache.env), OK, f"{command[0]}")
        check(not kept.exists() or not list(kept.iterdir()), f"{command[0]} --no-cache keeps no packet index")
    told = [run("info", film, "--json", env=cache.env).json()["packets"]["cached"] for _ in range(2)]
    check(told == [False, True] and len(list(kept.iterdir())) == 1, "else it is kept", told)


def main():
    video = VIDEOS / "three-scenes.mp4"
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        cache = Cache(folder / "cache")
        hits(cache, video)
        good = cache.ask(video)
        commands(cache, video, folder)
        identity(cache, video, folder)
        cache = Cache(folder / "other")
        cache.ask(video)
        damage(cache, video, good)
        bounded(Cache(folder / "small"), video)
        together(cache, video, good)
        command(cache)
        prompts(cache, video)
        picture(cache)
        quick(cache)
        no_folder(video, good)
        indexes(Cache(folder / "packets"), folder)
    finish()


main()
