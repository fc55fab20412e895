# SPDX-License-Identifier: MIT
"""The report of winnow caption in headless Chromium: nothing is loaded or run, hostile names and
captions are text, pictures and token maps are drawn. Skipped where no Chromium is installed.

    report.py TOOL SOURCE_ROOT REPORT
"""
import html.parser
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import zlib

from cli import *

NAME = "<img src=x onerror=alert(1)> & \"y\".mp4"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


def browser():
    found = next((shutil.which(name) for name in BROWSERS if shutil.which(name)), None)
    if not found:
        print("skipped: no Chromium is installed")
        sys.exit(77)
    return found


def load(chrome, page, folder, *options):
    """(what it printed, its console)."""
    done = subprocess.run([chrome, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                           "--no-first-run", "--hide-scrollbars", "--window-size=1000,1600", "--virtual-time-budget=3000",
                           f"--user-data-dir={folder}/profile", "--enable-logging=stderr", *options, page.as_uri()],
                          capture_output=True, timeout=240)
    console = [line for line in done.stderr.decode("utf-8", "replace").splitlines() if ":CONSOLE" in line]
    return done.stdout.decode("utf-8", "replace"), console


class Seen(html.parser.HTMLParser):
    def __init__(self, dom):
        super().__init__()
        self.tags, self.handlers, self.links, self.text, self.title = [], [], [], [], ""
        self.feed(dom)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.handlers += [k for k, _ in attrs if k.startswith("on")]
        self.links += [v for k, v in attrs if k in ("src", "href", "xlink:href") and v and not
                       v.startswith(("#", "data:image/png;base64,"))]

    def handle_data(self, data):
        self.text.append(data)
        if self.tags and self.tags[-1] == "title" and not self.title:
            self.title = data


def pixels(path):
    """Rows of a PNG of 8 bits without interlacing, as bytes."""
    data = path.read_bytes()
    width, height, _, kind = struct.unpack(">IIBB", data[16:26])
    step = {2: 3, 6: 4}[kind]
    body, at = b"", 8
    while at < len(data):
        size, name = struct.unpack(">I4s", data[at:at + 8])
        body += data[at + 8:at + 8 + size] if name == b"IDAT" else b""
        at += 12 + size
    raw, rows, last = zlib.decompress(body), [], bytearray(width * step)
    for y in range(height):
        start = y * (width * step + 1)
        filtered, row = raw[start], bytearray(raw[start + 1:start + 1 + width * step])
        for x in range(len(row)) if filtered else ():
            a, b = row[x - step] if x >= step else 0, last[x]
            c = last[x - step] if x >= step else 0
            if filtered == 4:
                p = a + b - c
                pa, pb, pc = abs(p - a), abs(p - b), abs(p - c)
                add = a if pa <= pb and pa <= pc else b if pb <= pc else c
            else:
                add = (0, a, b, (a + b) // 2)[filtered]
            row[x] = (row[x] + add) & 255
        rows.append(bytes(row))
        last = row
    return rows, step


def differing(one, two):
    (a, step), (b, _) = one, two
    return sum(x[i:i + step] != y[i:i + step] for x, y in zip(a, b) if x != y for i in range(0, len(x), step))


def shot(chrome, page, folder, name):
    path = pathlib.Path(folder) / f"{name}.png"
    load(chrome, page, folder, f"--screenshot={path}")
    return pixels(path) if check(path.exists(), f"{name}: a screenshot") else None


def look(chrome, page, folder, title, n):
    source = page.read_text()
    dom, console = load(chrome, page, folder, "--dump-dom")
    seen = Seen(dom)
    check(not console, "nothing on the console", console)
    check(seen.title == title, "the name is the title", seen.title)
    check("script" not in seen.tags and not seen.handlers and not seen.links, "nothing to run or to fetch", seen.handlers,
          seen.links)
    check(seen.tags.count("img") == n and seen.tags.count("section") == n + 1 and seen.tags.count("style") == 1,
          "pictures and sections", seen.tags)
    whole = shot(chrome, page, folder, "whole")
    for what, old, new, least in (("thumbnails", "base64,iVBOR", "base64,none", 4000),
                                  ("token maps", 'class="drop"', 'class="none" fill="none"', 400),
                                  ("scene strip", '<rect class="sc', '<rect fill="none" class="none', 2000),
                                  ("times", 'class="bar"', 'class="bar" hidden style="visibility:hidden"', 500)):
        check(old in source, f"{what} are there")
        other = page.with_name("other.html")
        other.write_text(source.replace(old, new))
        without = shot(chrome, other, folder, "without")
        if whole and without:
            drawn = differing(whole, without)
            check(drawn >= least, f"{what} are drawn", drawn)
    return seen


def main():
    chrome = browser()
    with tempfile.TemporaryDirectory() as folder:
        video = pathlib.Path(folder) / NAME.replace("/", "_")
        shutil.copy(VIDEOS / "three-scenes.mp4", video)
        page = pathlib.Path(folder) / "report.html"
        told = run("caption", video, "-m", MODEL, "-f", "html,json", "-o", page.with_suffix(""), "--summary", "--filters",
                   "scene,fps=2,vtc_cls=keep=16")
        if check_end(told, OK, "caption"):
            look(chrome, page, folder, NAME, len(json.loads(page.with_suffix(".json").read_text())["captions"]))
        page = pathlib.Path(folder) / "hostile.html"
        if check(subprocess.run([sys.argv[3], MODEL, page], env=environment()).returncode == 0, "a hostile report"):
            text = "".join(look(chrome, page, folder, "script><img src=x onerror=\"document.title='caught'\">", 4).text)
            check("</p></section></body>'" in text and "<style>body{display:none}</style>" in text,
                  "captions are text", text[:2000])
    finish()


main()
