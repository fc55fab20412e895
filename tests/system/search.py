# SPDX-License-Identifier: MIT
"""winnow ask --strategy: what each strategy does with a long video, whatever the model's answers are worth."""
import json
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

from cli import *

VIDEO = VIDEOS / "two-minutes.mp4"
QUESTION = "what digit is written?"
# Forms that any model of the sample's kind knows: a note is the plain answer.
PLAIN = ["--note-prompt", "{media}{question}", "--nothing", "none", "--final-prompt", "notes: {notes} {question}",
         "--split-prompt", "split: {question}"]
FIELDS = {"schema", "command", "version", "status", "file", "question", "strategy", "answer", "time", "parts",
          "sub_questions", "prompts", "most_cells", "look_s", "answer_s", "frames", "segments", "cached", "timing",
          "peak_bytes", "model", "media"}
PART = {"start_s", "end_s", "index", "relevance", "support", "found", "cells", "note"}


def ask(strategy, *more, question=QUESTION, video=VIDEO, env=None):
    return run("ask", video, question, "-m", MODEL, "--strategy", strategy, *more, env=env, limit=300)


def overlap(part, start, end):
    return part["start_s"] < end and part["end_s"] > start


def a_strategy(strategy, shown):
    """One strategy on a video whose digit shows for four seconds; shown: when."""
    result = ask(strategy, "--json", "--tokens", "512", *PLAIN)
    if not check_end(result, OK, strategy):
        return
    told = result.json()
    parts = told["parts"]
    check(FIELDS <= set(told) and told["strategy"] == strategy, f"{strategy}: all fields", FIELDS - set(told))
    check(all(PART == set(p) for p in parts), f"{strategy}: fields of parts", parts[:1])
    check(0 < told["most_cells"] <= 512, f"{strategy}: no prompt has more than the budget", told["most_cells"])
    check([p["index"] for p in parts] == list(range(told["segments"])) and parts[0]["start_s"] == 0 and
          abs(parts[-1]["end_s"] - told["media"]["duration_s"]) < 0.01 and
          all(abs(a["end_s"] - b["start_s"]) < 1e-6 for a, b in zip(parts, parts[1:])),
          f"{strategy}: parts are all of the video", parts)
    check(all(0 <= p["relevance"] <= 1 and 0 <= p["support"] <= 1 for p in parts), f"{strategy}: shares", parts)
    best = max(parts, key=lambda p: p["relevance"])
    check(overlap(best, *shown), f"{strategy}: the digit's part is the most relevant one", best)
    found = [p for p in parts if p["found"]]
    if told["time"]:
        check(any(p["start_s"] <= told["time"]["start_s"] < told["time"]["end_s"] <= found[-1]["end_s"] for p in found),
              f"{strategy}: the time is that of parts", told["time"], found)
        check(overlap(told["time"], *shown), f"{strategy}: the time is the digit's", told["time"])
    check(bool(told["time"]) == bool(found), f"{strategy}: a time where it was found")
    if strategy == "notes":
        check(any(p["note"] for p in parts), "notes: a note on the digit's part", parts)
    plain = ask(strategy, "--tokens", "512", *PLAIN)
    lines = plain.out.decode().splitlines()
    check(lines[0] == told["answer"] and len(lines) == 2 and lines[1].startswith("found "),
          f"{strategy}: an answer and a time", lines, told["answer"])
    again = ask(strategy, "--json", "--tokens", "512", *PLAIN).json()
    check((again["answer"], again["parts"]) == (told["answer"], parts), f"{strategy}: the same again")
    return told


def the_cache(folder):
    """The second question decodes and encodes nothing, and hears the same."""
    env = {"XDG_CACHE_HOME": folder, "WINNOW_NO_CACHE": "0"}
    first = ask("budget", "--json", *PLAIN, env=env)
    second = ask("notes", "--json", *PLAIN, env=env)
    third = ask("budget", "--json", *PLAIN, env=env)
    for result in (first, second, third):
        if not check_end(result, OK, "with a cache"):
            return
    told = [r.json() for r in (first, second, third)]
    check(told[0]["cached"] == 0 and told[1]["cached"] == told[1]["segments"] > 0, "segments come from the cache",
          [t["cached"] for t in told])
    check(told[1]["timing"]["encode_s"] == 0 and told[1]["timing"]["decode_s"] == 0, "nothing is decoded",
          told[1]["timing"])
    check(told[0]["parts"] == told[2]["parts"] and told[0]["answer"] == told[2]["answer"], "with the same outcome",
          told[0]["parts"], told[2]["parts"])


def the_options(folder):
    part = ask("budget", "--json", "--start", "60", "--end", "100", *PLAIN).json()
    check(part["parts"][0]["start_s"] >= 60 and part["parts"][-1]["end_s"] <= 100.01, "a part of the video",
          part["parts"])
    short = ask("budget", "--json", "--segment", "5", "--filters", "scene,fps=1", *PLAIN).json()
    check(all(p["end_s"] - p["start_s"] < 6.1 for p in short["parts"]) and short["segments"] >= 20, "--segment holds",
          [(p["start_s"], p["end_s"]) for p in short["parts"]])
    # Token filters of the user come first; a budget in the chain is the prompt's.
    chain = ask("budget", "--json", "--filters", "scene,fps=1,vtc_cls=keep=8,budget=tokens=300", *PLAIN).json()
    check(0 < chain["most_cells"] <= 300 and chain["tokens_before"] > chain["tokens_after"] > 0, "a chain with a budget",
          chain["most_cells"])
    # A look at few rows costs less of the model, and finds the same part here.
    few = ask("budget", "--json", "--filters", "scene,fps=1", "--tokens", "1000", "--look", "120", *PLAIN).json()
    check(few["most_cells"] <= 1000, "--look", few["most_cells"])
    file = pathlib.Path(folder) / "note.txt"
    file.write_text("{media}{question}\n")
    named = ask("budget", "--json", "--note-prompt", f"@{file}", *PLAIN[2:]).json()
    same = ask("budget", "--json", *PLAIN).json()
    check(named["parts"] == same["parts"], "a prompt from a file is the same prompt")
    english = ask("notes", "--json", "--note-prompt", "{media}\nIs {start} to {end} part {index}? {previous} {question}",
                  "--nothing", "no|none")
    check_end(english, OK, "all places of a prompt")
    cells = []
    for second in (10, 77):
        cue = pathlib.Path(folder) / f"{second}.srt"
        cue.write_text(f"1\n00:01:{second - 60:02}.000 --> 00:01:{second - 59:02}.000\nthe circle is red\n"
                       if second > 60 else f"1\n00:00:{second}.000 --> 00:00:{second + 1}.000\nthe circle is red\n")
        spoken = ask("budget", "--json", "--subtitles", cue, *PLAIN).json()
        shown = [p["start_s"] for p in spoken["parts"] if p["cells"]]
        if shown == [p["start_s"] for p in same["parts"] if p["cells"]] == [76.0]: # words matter to some models
            cells.append(spoken["prompt_cells"] - same["prompt_cells"])
            check((cells[-1] > 0) == (second == 77), "a subtitle goes with the part it is spoken in", second, cells)
    check(cells, "a subtitle was tried")
    told = ask("budget", "-v", *PLAIN)
    check(told.text().count("relevance") == len(same["parts"]), "-v tells of each part", told.text())
    dry = ask("budget", "--dry-run", "--json", "--tokens", "700")
    check(dry.status == OK and dry.json()["cells"] <= 700, "--dry-run", dry.out, dry.text())
    picture = ask("budget", "--json", *PLAIN, video=VIDEOS / "picture.png", question="what color is the ring?")
    check_end(picture, OK, "a picture is a short video")
    tiny = ask("budget", "--json", "--tokens", "1", *PLAIN)
    check_end(tiny, {OK, LIMIT}, "a budget of one cell")


def the_errors(folder):
    check_end(run("ask", VIDEO, QUESTION, "--strategy", "budget"), USAGE, "no model")
    check_end(ask("never"), USAGE, "no such strategy")
    check_end(ask("notes", "--note-prompt", "@/nowhere/at/all"), INPUT, "a prompt's file that is not there")
    check_end(ask("notes", "--note-prompt", f"@{folder}"), INPUT, "a folder for a prompt")
    check_end(ask("notes", video=folder + "/none.mp4"), INPUT, "no such video")
    rows = pathlib.Path(folder) / "rows.safetensors"
    run("compress", VIDEO, "-m", MODEL, "--filters", "fps=0.1", "-o", rows)
    check_end(ask("notes", video=rows), {INPUT, DATA, USAGE}, "rows are no video")
    check_end(ask("notes", "--ctx", "256", "--tokens", "4000", *PLAIN, "--filters", "fps=2"), {LIMIT, OK},
              "a context that is too short")


def the_end(number, status):
    """A signal in the middle ends it soon."""
    process = subprocess.Popen([TOOL, "ask", VIDEO, QUESTION, "-m", MODEL, "--strategy", "notes", "--filters", "fps=10",
                                "--segment", "2", *PLAIN], stderr=subprocess.PIPE, stdout=subprocess.PIPE,
                               env=environment())
    time.sleep(1.5)
    process.send_signal(number)
    started = time.monotonic()
    _, err = process.communicate(timeout=60)
    check(process.returncode in (status, OK), f"signal {number}", process.returncode, err)
    check(time.monotonic() - started < 5 and err.count(b"\n") <= 1, f"signal {number}: soon, in a line", err)


def the_memory(folder):
    """Parts are forgotten: ten minutes take hardly more than one."""
    if not shutil.which("ffmpeg"):
        print("without the test of memory: no ffmpeg program to make a long file with")
        return
    peaks = []
    for minutes in (1, 10):
        film = pathlib.Path(folder) / f"{minutes}.mp4"
        subprocess.run(["ffmpeg", "-v", "error", "-nostdin", "-stream_loop", "-1", "-i", VIDEO, "-t", str(60 * minutes),
                        "-map", "0:v", "-c", "copy", film], check=True)
        result = ask("budget", "--json", "--tokens", "256", "--look", "32", "--filters", "fps=1", *PLAIN, video=film)
        if not check_end(result, OK, f"{minutes} minutes"):
            return
        told = result.json()
        check(told["frames"] >= 59 * minutes and told["segments"] >= 2 * minutes, "all of it is looked at", told["frames"])
        peaks.append(result.peak)
    print(f"peak of ten minutes {peaks[1] / peaks[0]:.3f} of one's")
    if not SANITIZED: # which keeps what was freed
        check(peaks[1] <= 1.2 * peaks[0], "memory does not grow with the video", peaks)


def needle_clip(folder):
    """Of ten minutes four seconds are a cup of coffee: some kept tokens are of these."""
    clip = MEDIA / "clips" / "needle_10min.mp4"
    if not clip.exists():
        print("without the clip of ten minutes, which is not here")
        return
    rows = pathlib.Path(folder) / "needle.safetensors"
    result = run("compress", clip, "-m", MODEL, "--tokens", "2048", "--filters", "scene,fps=0.5,dedup,vtc_cls=keep=16",
                 "-o", rows, limit=300)
    if not check_end(result, OK, "ten minutes in 2,048 tokens"):
        return
    _, tensors = read_safetensors(rows)
    times = tensors["t_s"][1]
    kept = sum(433 <= t < 437 for t in times)
    print(f"needle: {kept} of {len(times)} tokens are of its frames")
    check(0 < len(times) <= 2048 and kept > 0, "a token of the needle's frames is kept", kept)
    told = ask("budget", "--json", "--tokens", "2048", question="is there a circle?", video=clip).json()
    check(any(433 <= p["start_s"] < 437 for p in told["parts"]), "the needle is a part of its own",
          [p["start_s"] for p in told["parts"]])


def main():
    with tempfile.TemporaryDirectory() as folder:
        for strategy in ("budget", "notes", "split"):
            a_strategy(strategy, (76, 80))
        the_cache(folder)
        the_options(folder)
        the_errors(folder)
        the_end(signal.SIGINT, INTERRUPTED)
        the_end(signal.SIGTERM, TERMINATED)
        the_memory(folder)
        needle_clip(folder)
    finish()


main()
