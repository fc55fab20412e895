# SPDX-License-Identifier: MIT
"""Options, environment, exit statuses, streams: what scripts rely on."""
import json
import os
import pathlib
import pty
import re
import subprocess
import tempfile

from cli import *

COMMANDS = ("ask", "batch", "bench", "cache", "caption", "chat",
            "compress", "inspect", "scenes", "filters", "info", "version", "help")


def helps():
    for command in COMMANDS:
        result = run(command, "--help")
        check(result.status == OK and result.out and not result.err, f"{command} --help")
        lines = result.out.decode().splitlines()
        check(max(map(len, lines)) <= 100 and not any(l != l.rstrip() for l in lines),
              f"{command} --help fits a terminal")
        if command != "help":
            check(run("help", command).out == result.out, f"help {command} is {command} --help")
    overview = run("--help")
    check(overview.status == OK and overview.out == run("help").out, "--help is help")
    for command in COMMANDS:
        check(f"winnow {command}".encode() in overview.out, f"help lists {command}")
    check(run("--version").out == run("version").out and run("--version").out.startswith(b"winnow 0."),
          "--version")


def usage_errors(video):
    cases = [
        ((), "no command"), (("asc",), "did you mean ask"), (("-q", "ask"), "after the command"),
        (("ask",), "VIDEO is missing"), (("ask", video), "question is missing"),
        (("ask", video, "a", "b"), "too many"), (("ask", video, "a"), "no model"),
        (("compress", video, "-o", "x", ), "no model"), (("compress", video, "-m", MODEL), "-o"),
        (("inspect", video, "-o", "x"), "no model"), (("inspect", video, "-m", MODEL), "-o"),
        (("scenes", video, "--jsom"), "--json"), (("scenes", video, "--dtype", "f16"), "not an option"),
        (("ask", video, "a", "--tokens", "-3"), "between"), (("ask", video, "a", "--tokens", "1e"), "whole"),
        (("ask", video, "a", "--tokens"), "wants a value"), (("ask", video, "a", "--top-p", "nan"), "number"),
        (("scenes", video, "--json=1"), "no value"), (("scenes", video, "--start", "1:75"), "time"),
        (("scenes", video, "--start", "0x10"), "time"), (("scenes", video, "--start", "9", "--end", "3"), "--end"),
        (("scenes", "-vf.mp4"), "--"), (("scenes", "-"), "standard input"),
        (("scenes", video, "--progress", "yes"), "none of"), (("filters", "vtc_clss"), "vtc_cls"),
        (("filters", "--json", "--markdown"), "exclude"), (("scenes", video, "--json", "--csv"), "exclude"),
        (("scenes", video, "--filters", "scene=treshold=3"), "treshold"),
        (("scenes", video, "--filters", "nonsense"), "nonsense"),
    ]
    with tempfile.TemporaryDirectory() as folder:
        for args, says in cases:
            result = run(*args, cwd=folder)
            check_end(result, USAGE, f"winnow {' '.join(map(str, args))}")
            check(says in result.text() and not result.out, f"winnow {' '.join(map(str, args))}: names it",
                  result.text())
        check(not os.listdir(folder), "usage errors leave nothing behind", os.listdir(folder))


def files(video):
    with tempfile.TemporaryDirectory() as folder:
        check_end(run("scenes", folder + "/none.mp4"), INPUT, "a file that is not there")
        check_end(run("scenes", folder), INPUT, "a folder")
        check_end(run("ask", video, "a", "-m", folder + "/none.gguf"), MODEL_BAD, "no such model")
        check_end(run("ask", video, "a", "-m", video), MODEL_BAD, "a video for a model")
        check_end(run("compress", video, "-m", MODEL, "-o", folder + "/no/rows.st"), OUTPUT,
                  "an output folder that is not there")
        check_end(run("inspect", video, "-m", MODEL, "-o", folder + "/no/dir"), OUTPUT,
                  "an inspection folder that cannot be made")
        result = run("scenes", folder + "/none.mp4", "--json")
        check(result.status == INPUT and result.json()["error"]["exit"] == INPUT and
              result.json()["error"]["code"] == "input", "--json tells of failures, too")


def limits(video):
    for option, value in (("--max-pixels", 100), ("--max-duration", 1), ("--max-frames", 5)):
        result = run("ask", video, "a", "-m", MODEL, option, value)
        check_end(result, LIMIT, f"{option} {value}")
        check("limit" in result.text(), f"{option}: the message says so", result.text())
    for option, value in (("--start", "99:00"), ("--stream", 99)):
        check_end(run("ask", video, "a", "-m", MODEL, option, value), USAGE, f"{option} {value}")
    told = run("ask", video, "a", "-m", MODEL, "--dry-run", "--json", "--tokens", "200").json()
    check(told["cells"] <= 200 and told["kv_bytes"] > 0 and told["frames"] > 0, "--dry-run", told)


def subtitles(video):
    with tempfile.TemporaryDirectory() as folder:
        text = pathlib.Path(folder) / "talk.srt"
        text.write_text("1\n00:00:00,000 --> 00:00:02,000\nwhat color is the circle?\n")
        plain = run("ask", video, "how many scenes are there?", "-m", MODEL, "--json").json()
        heard = run("ask", video, "how many scenes are there?", "-m", MODEL, "--json", "--subtitles", text).json()
        check(heard["prompt_cells"] > plain["prompt_cells"], "subtitles enter the prompt",
              heard["prompt_cells"], plain["prompt_cells"])
        check_end(run("ask", video, "a", "-m", MODEL, "--subtitles", folder + "/none.srt"), INPUT,
                  "subtitles that are not there")


def environment_twins(video):
    check(run("scenes", video, env={"WINNOW_JSON": "1"}).json()["command"] == "scenes", "WINNOW_JSON=1")
    check_end(run("scenes", video, env={"WINNOW_JSON": "maybe"}), USAGE, "WINNOW_JSON=maybe")
    check_end(run("ask", video, "a", env={"WINNOW_TOKENS": "many"}), USAGE, "WINNOW_TOKENS=many")
    result = run("scenes", video, "--start", "0", env={"WINNOW_START": "99:00:00"})
    check(result.status == OK, "an option beats its twin", result.text())
    check(run("scenes", video, env={"WINNOW_TOKENS": "many"}).status == OK,
          "twins of other commands' options are not read")
    text = run("ask", "--help").out.decode()
    for name in re.findall(r"--([a-z-]+)", text):
        check(name == "help" or name.upper().replace("-", "_").isidentifier(), f"--{name} has a twin")


def streams(video):
    result = run("scenes", video)
    check(result.status == OK and b"\x1b" not in result.out + result.err and not result.err,
          "no colour, no bar and no chatter into files", result.text())
    check(b"\x1b[" in run("scenes", video, "--color", "always").out, "--color always")
    check(b"\x1b[" in run("scenes", video, env={"FORCE_COLOR": "1"}).out, "FORCE_COLOR")
    check(b"\x1b[" not in run("scenes", video, env={"FORCE_COLOR": "1", "NO_COLOR": "1"}).out, "NO_COLOR")
    lines = run("scenes", video, "--progress", "json").err.decode().splitlines()
    check(lines and all(0 <= json.loads(l)["progress"] <= 1 for l in lines), "--progress json", lines)
    for command in ("filters", "info", "scenes"):
        args = (video,) if command == "scenes" else ()
        with open("/dev/full", "wb") as full:
            check_end(run(command, *args, stdout=full), OUTPUT, f"{command} to a full disk")
        shell = f'"$0" {command} "$@" | true; exit ${{PIPESTATUS[0]}}'
        ended = subprocess.run(["bash", "-c", shell, TOOL, *args], stderr=subprocess.PIPE,
                               env=environment(command=command))
        check(ended.returncode in (OK, BROKEN_PIPE) and not ended.stderr, f"{command} | true",
              ended.returncode, ended.stderr)


def terminal(video):
    """With a terminal for stderr there may be a bar, with TERM=dumb there is none."""
    for term, bar in (("xterm", True), ("dumb", False)):
        try:
            master, slave = pty.openpty()
        except OSError as why: # a container without /dev/pts
            print(f"the bar on a terminal was not checked: {why}")
            return
        process = subprocess.Popen([TOOL, "scenes", video, "--progress", "auto", "--color", "never"],
                                   stdout=subprocess.DEVNULL, stderr=slave, env=environment({"TERM": term}))
        os.close(slave)
        seen = b""
        try:
            while chunk := os.read(master, 4096):
                seen += chunk
        except OSError:
            pass
        check(process.wait() == OK and (bar or b"\r" not in seen), f"TERM={term}", seen)
        os.close(master)


def times(video):
    whole = run("scenes", video, "--json").json()["media"]
    for text in ("0.5", "0:00.5", "00:00:00.5"):
        part = run("scenes", video, "--start", "0", "--end", text, "--json")
        check(part.status == OK and part.json()["scenes"][-1]["end_s"] <= 0.75, f"--end {text}",
              part.out[:300], part.text())
    check(whole["duration_s"] > 0 and whole["width"] > 0, "media are told")


def main():
    video = a_video()
    helps()
    usage_errors(video)
    files(video)
    limits(video)
    subtitles(video)
    environment_twins(video)
    streams(video)
    terminal(video)
    times(video)
    for command in ("filters", "info", "version"):
        check(run(command, "--json").json()["command"] == command, f"{command} --json")
    finish()


main()
