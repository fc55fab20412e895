# SPDX-License-Identifier: MIT
"""winnow chat: the answers of ask, while the video is read once."""
import subprocess

from cli import *


def chat(video, text, *options, limit=120):
    done = subprocess.run([TOOL, "chat", video, "-m", MODEL, *options], input=text, capture_output=True,
                          env=environment(), timeout=limit * (4 if SANITIZED else 1))
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def main():
    entry, video = sample_videos()[0]
    questions = [q["question"] for q in entry["questions"]][:6]
    filters = ("--filters", entry["filters"])
    status, out, err = chat(video, ("\n\n".join(questions) + "\n").encode(), *filters)
    answers = [run("ask", video, q, "-m", MODEL, "-q", *filters).out.decode() for q in questions]
    check(status == OK and out == "".join(answers), "the answers of ask", out, answers, err)
    status, out, _ = chat(video, "\r\n".join(questions).encode(), "--json", *filters)
    told = [json.loads(line) for line in out.splitlines()]
    check(status == OK and [t["question"] for t in told] == questions, "a line each, the last without its end", told)
    check([t["answer"].strip() + "\n" for t in told] == [a.strip() + "\n" for a in answers], "and as JSON")
    check(told[0]["reused_cells"] == 0 and all(t["reused_cells"] >= t["tokens_after"] for t in told[1:]),
          "the video is read once", [t["reused_cells"] for t in told])
    check(all(t["timing"]["decode_s"] == told[0]["timing"]["decode_s"] and
              t["timing"]["encode_s"] == told[0]["timing"]["encode_s"] for t in told), "and decoded once")
    longer = "what color is the circle? " * 30
    status, out, err = chat(video, f"{questions[0]}\n{longer}\n".encode())
    check(status == OK and len(out.splitlines()) == 2, "a longer question later", status, err)
    check(chat(video, b"", "-q") == (OK, "", ""), "no question")
    check(chat(video, b"\xff\xfe\n", "-q")[0] == OK, "bytes that are no text")
    status, _, err = chat(video.with_name("none.mp4"), b"what?\n")
    check(status == INPUT and err.count("\n") == 1, "no video", status, err)
    finish()


main()
