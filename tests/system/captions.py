# SPDX-License-Identifier: MIT
"""winnow caption: every format holds the same captions and can be read by what reads such files."""
import base64
import html
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

from cli import *

FORMATS = ("text", "txt", "srt", "vtt", "jsonl", "json", "md", "html")
# The sample model's own words come back; what they are is no matter here.
EVIL = "<img src=x onerror=alert(1)> & 'x' \"y\" --> {\\an8} [a](b) | c.mp4"


def seconds(text):
    h, m, s = text.replace(",", ".").split(":")
    return int(h) * 3600 + int(m) * 60 + float(s)


def cues(text):
    """(start, end, caption) of SubRip and WebVTT alike."""
    found = re.findall(r"^\d+\n(\S+) --> (\S+)\n(.*)\n$", text, re.M)
    return [(seconds(a), seconds(b), html.unescape(c)) for a, b, c in found]


def packets(path):
    out = subprocess.run(["ffprobe", "-v", "error", "-show_entries", "packet=pts_time,duration_time", "-of", "json",
                          path], capture_output=True, text=True)
    return json.loads(out.stdout)["packets"] if out.returncode == 0 else None


def all_formats(video, folder):
    result = run("caption", video, "-m", MODEL, "--format", ",".join(FORMATS), "-o", folder + "/film", "--summary",
                 "--segment", "2")
    if not check_end(result, OK, "caption in all formats"):
        finish()
    check(sorted(os.listdir(folder)) == sorted("film." + f for f in FORMATS), "a file a format, nothing else",
          os.listdir(folder))
    check(not result.out, "nothing on stdout")
    text = {f: (pathlib.Path(folder) / f"film.{f}").read_text(encoding="utf-8") for f in FORMATS}
    whole = json.loads(text["json"])
    listed = whole["captions"]
    lines = [json.loads(line) for line in text["jsonl"].splitlines()]
    check([{k: v for k, v in line.items() if k not in ("schema", "type", "file")} for line in lines[:-1]] == listed,
          "jsonl and json agree")
    check(lines[-1]["type"] == "video" and lines[-1]["summary"] == whole["summary"], "the last record is the whole")
    check(whole["frames"] == sum(c["frames"] for c in listed) and
          whole["tokens_after"] == sum(c["tokens_after"] for c in listed) and
          whole["segments"] == len(listed), "segments make up the whole")
    spans = [(c["start_s"], c["end_s"]) for c in listed]
    check(spans[0][0] == 0 and abs(spans[-1][1] - whole["media"]["duration_s"]) < 0.01 and
          all(abs(a[1] - b[0]) < 1e-9 for a, b in zip(spans, spans[1:])), "no gap and no overlap", spans)
    check(all(b - a < 2.6 for a, b in spans), "--segment holds", spans)
    said = [c["caption"] for c in listed]
    for f in ("srt", "vtt"):
        got = cues(text[f])
        check([c for _, _, c in got] == said and
              all(abs(a - x) < 0.001 and abs(b - y) < 0.001 for (a, b, _), (x, y) in zip(got, spans)), f"{f}: cues", got)
        if shutil.which("ffprobe"):
            read = packets(folder + f"/film.{f}")
            check(read is not None and len(read) == len(said) and
                  all(abs(float(p["pts_time"]) - a) < 0.002 for p, (a, _) in zip(read, spans)),
                  f"{f}: ffprobe reads it", read)
    check(text["vtt"].startswith("WEBVTT\n\n"), "vtt begins as it must")
    check([line.split("] ", 1)[1] for line in text["text"].splitlines()[:len(said)]] == said, "text")
    check(text["md"].count("\n| 0") == len(said), "md: a line each")
    return listed, text["html"]


def report(page, listed):
    check("<script" not in page and "http" not in page.replace("http-equiv", ""), "the report needs nothing")
    check("default-src 'none'" in page, "and may load nothing")
    check(page.count("<section class=\"seg\"") == len(listed) == page.count("<rect class=\"sc"),
          "a section and a part of the strip a segment")
    for c in listed:
        check(html.escape(c["caption"], quote=False) in page.replace("&#39;", "'").replace("&quot;", '"'),
              "captions stand in the report", c["caption"])
    pictures = re.findall(r'src="data:image/png;base64,([^"]+)"', page)
    check(len(pictures) == len(listed), "a picture a segment")
    with tempfile.TemporaryDirectory() as folder:
        one = pathlib.Path(folder) / "a.png"
        for p in pictures:
            one.write_bytes(base64.b64decode(p, validate=True))
            check(read_png_size(one) is not None, "pictures are whole")


def places(video, folder):
    """stdout, -o as a file, a prefix and a folder, and beside the clip."""
    clip = pathlib.Path(folder) / "clip.mp4"
    shutil.copy(video, clip)
    plain = run("caption", clip, "-m", MODEL)
    check(check_end(plain, OK, "caption to stdout") and plain.out.startswith(b"[00:00:00.000 - "), "text is the default",
          plain.out)
    check(run("caption", clip, "-m", MODEL).out == plain.out, "the same again")
    check(run("caption", clip, "-m", MODEL, "-q").err == b"", "--quiet")
    for out, made in (("a.srt", "a.srt"), ("b", "b.srt"), ("d/", "d/clip.srt"), ("c.txt", "c.txt.srt")):
        check_end(run("caption", clip, "-m", MODEL, "-f", "srt", "-o", f"{folder}/{out}"), OK, f"-o {out}")
        check((pathlib.Path(folder) / made).exists(), f"-o {out} makes {made}", os.listdir(folder))
    result = run("caption", clip, "-m", MODEL, "--sidecar", "txt,vtt")
    check_end(result, OK, "--sidecar")
    beside = (pathlib.Path(folder) / "clip.txt").read_text().splitlines()
    check(beside == [line.split("] ")[1] for line in plain.out.decode().splitlines()] and not result.out, "clip.txt",
          beside)
    check((pathlib.Path(folder) / "clip.vtt").exists(), "clip.vtt")


def several(video, folder):
    names = [pathlib.Path(folder) / n for n in ("one.mp4", "none.mp4", EVIL.replace("/", "_"), "text.mp4")]
    shutil.copy(video, names[0])
    shutil.copy(video, names[2])
    names[3].write_text("no video")
    out = pathlib.Path(folder) / "out"
    out.mkdir()
    result = run("caption", *names, "-m", MODEL, "-f", "html,md,srt,jsonl", "-o", out)
    check(result.status == 1, "some failed: status 1", result.status, result.text())
    errors = [l for l in result.text().splitlines() if l.startswith("winnow: ")]
    check(len(errors) == 2 and "none.mp4" in errors[0] and "text.mp4" in errors[1], "a line each", errors)
    check(len(os.listdir(out)) == 8, "the others are whole", os.listdir(out))
    page = next(p for p in out.iterdir() if "onerror" in p.name and p.suffix == ".html").read_text()
    check("<img src=x" not in page and "&lt;img src=x onerror=alert(1)&gt;" in page, "names are escaped")
    table = next(p for p in out.iterdir() if "onerror" in p.name and p.suffix == ".md").read_text()
    check("<img" not in table and "\\[a\\]\\(b\\) \\| c" in table, "also in Markdown", table)
    for args in (("-f", "srt"), ("-f", "srt,vtt")):
        check_end(run("caption", *names[:2], "-m", MODEL, *args), USAGE, f"several to stdout {args}")


def prompts(video):
    def cells(*options):
        lines = run("caption", video, "-m", MODEL, "-f", "jsonl", *options).out.decode().splitlines()
        return [json.loads(line)["prompt_cells"] for line in lines[:-1]]
    bare, known, odd = (cells("--prompt", "describe the video." + more)
                        for more in ("", " {previous}", " {nothing}"))
    check(bare and known[1] > bare[1] + 5, "{previous} is filled in", bare, known)
    check(known[0] - bare[0] <= 1, "and empty at first", bare, known)
    check(all(b - a == odd[0] - bare[0] > 3 for a, b in zip(bare, odd)), "what is no place stays", bare, odd)
    small = cells("--tokens", "100")
    check(max(small) < max(bare), "--tokens is for each part", small, bare)
    off = cells("--filters", "off")
    check(off and len(off) == len(bare), "--filters off", off)


def long_summary(video):
    """More captions than a context holds are told of in steps."""
    result = run("caption", video, "-m", MODEL, "-f", "json", "--summary", "--segment", "1", "--ctx", "1000", "-n", "40",
                 "--tokens", "120")
    if check_end(result, OK, "a summary in steps"):
        told = result.json()
        check(len(told["captions"]) > 6 and "summary" in told, "a summary in steps", told)


def trouble(video, folder):
    with open("/dev/full", "wb") as full:
        check_end(run("caption", video, "-m", MODEL, stdout=full), OUTPUT, "a full disk")
    check_end(run("caption", video, "-m", MODEL, "-o", folder + "/no/such"), OUTPUT, "a folder that is not there")
    check_end(run("caption", video, "-m", MODEL, "-f", "srt", "-o", "/dev/full"), OUTPUT, "a device is written to")
    check(pathlib.Path("/dev/full").is_char_device(), "and stays one")
    check_end(run("caption", video, "-m", MODEL, "-f", "doc"), USAGE, "no such format")
    check_end(run("caption", video, "-m", MODEL, "-f", "srt,srt"), USAGE, "a format twice")
    check_end(run("caption", video), USAGE, "no model")
    process = subprocess.Popen([TOOL, "caption", video, "-m", MODEL, "-f", "srt,html", "-o", folder + "/cut",
                                "--segment", "0.5"], env=environment(), stderr=subprocess.PIPE)
    try:
        process.communicate(timeout=0.3)
    except subprocess.TimeoutExpired:
        process.terminate()
        process.communicate(timeout=60)
    left = [n for n in os.listdir(folder) if n.startswith("cut")]
    check(left == [] if process.returncode else sorted(left) == ["cut.html", "cut.srt"], "no half-written file", left)


def main():
    video = a_video()
    for test in (all_formats, places, several, trouble):
        with tempfile.TemporaryDirectory() as folder:
            made = test(video, folder)
            if test is all_formats:
                report(made[1], made[0])
    prompts(video)
    long_summary(video)
    finish()


main()
