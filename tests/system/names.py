# SPDX-License-Identifier: MIT
"""File names that a shell, a terminal, a format string or JSON could trip over."""
import os
import shutil
import tempfile

from cli import *

NAMES = [
    b"-vf.mp4", b"--json", b"%03d 'weird' $(touch pwned);name.mp4", b"%s%n%x.mp4", b"new\nline.mp4",
    b"tab\tand \x1b[31mred.mp4", "имя файла 影片.mp4".encode(), b"bad_utf8_\xff\xfe.mp4",
    b"file:colon.mp4", b"http:host.mp4", b"concat:a|b.mp4", b"pipe:0", b"f%04d.png", b"back\\slash.mp4",
    b"[glob]*.mp4", b" space ", b"quote\".mp4", b"a" * 251 + b".mp4",
]


def main():
    with tempfile.TemporaryDirectory() as folder:
        video = a_video()
        for name in NAMES:
            path = os.path.join(os.fsencode(folder), name)
            shutil.copy(video, path)
            dashed = name.startswith(b"-")
            shown = repr(name)
            result = run("scenes", "--json", "--", name, cwd=folder)
            if not check_end(result, OK, f"scenes -- {shown}"):
                continue
            check(result.out.count(b"\n") == 1, f"{shown}: one line of JSON")
            told = result.json()
            try:
                check(told["file"] == name.decode() and "file_hex" not in told, f"{shown}: in JSON", told["file"])
            except UnicodeDecodeError:
                check(bytes.fromhex(told["file_hex"]) == name, f"{shown}: its bytes in JSON", told)
            check_end(run("scenes", b"./" + name, cwd=folder), OK, f"scenes ./{shown}")
            if dashed:
                check_end(run("scenes", name, cwd=folder), USAGE, f"scenes {shown}")
            lost = run("scenes", "--", name + b"\x1b[2J", cwd=folder)
            check(b"\x1b" not in lost.err and lost.err.count(b"\n") == 1, f"{shown}: messages are escaped",
                  lost.err)
            os.remove(path)
        check(not os.listdir(folder), "nothing else was made", os.listdir(folder))
    finish()


main()
