# SPDX-License-Identifier: MIT
"""The small programs do what their first lines say.

    examples.py TOOL SOURCE_ROOT ASK_FILE PUSH_FRAMES SEGMENTS
"""
from cli import *


def work_through(segments):
    video = VIDEOS / "two-minutes.mp4"
    with tempfile.TemporaryDirectory() as folder:
        first, second = (run(MODEL, video, folder, tool=segments, limit=300) for _ in range(2))
        lines = first.out.decode().splitlines()
        check(first.status == 0 and len(lines) >= 24 and lines[0].startswith("0.0-") and " tokens: " in lines[0],
              "segments: a line each", first.status, first.out, first.text())
        check(all(float(line.split("-")[1].split(" ")[0]) - float(line.split("-")[0]) <= 5 for line in lines),
              "of five seconds at most", lines)
        check(", 0 of them from the cache" in first.text(), "all made anew", first.text())
        check(second.out == first.out and f"{len(lines)} segments, {len(lines)} of them" in second.text(),
              "then from the cache", second.text())
        check("0 entries damaged" in second.text(), "which is sound", second.text())
    with tempfile.TemporaryDirectory() as folder:
        given_up = run(MODEL, video, folder, "0.7", tool=segments)
        check(given_up.status == 3 and given_up.out.count(b"\n") < len(lines), "segments: given up from another thread",
              given_up.status, given_up.text())
    check(run(tool=segments).status == 2, "usage")


def main():
    work_through(sys.argv[5])
    ask_file, push_frames = sys.argv[3], sys.argv[4]
    entry, video = sample_videos()[0]
    item = entry["questions"][0]
    asked = run(MODEL, video, item["question"], tool=ask_file)
    check(asked.status == 0 and asked.out.strip(), "ask_file answers", asked.status, asked.text())
    check(run(MODEL, video.with_name("none.mp4"), "what?", tool=ask_file).status == 1,
          "ask_file fails without its video")
    for question, answer in (("what color is the circle?", "red"), ("what color is the square?", "blue")):
        pushed = run(MODEL, question, tool=push_frames)
        check(pushed.status == 0 and pushed.out.strip() == answer.encode(), f"push_frames: {question}",
              pushed.status, pushed.out, pushed.text())
        check("8 frames" in pushed.text(), "push_frames counts its frames", pushed.text())
    check(run(tool=ask_file).status == 2 and run(tool=push_frames).status == 2, "usage")
    finish()


main()
