# SPDX-License-Identifier: MIT
"""The two small programs do what their first lines say.

    examples.py TOOL SOURCE_ROOT ASK_FILE PUSH_FRAMES
"""
from cli import *


def main():
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
