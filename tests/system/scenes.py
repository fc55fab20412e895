# SPDX-License-Identifier: MIT
"""scenes: its outputs agree with each other, chapters are read back by ffmpeg where that is there,
and staged finds what is known of the public clips, in every codec."""
import csv
import io
import os
import pathlib
import shutil
import subprocess
import tempfile

from cli import *

# What is to be found: seconds between which a scene begins. Staged finds dissolves and fades too.
TRUE = {
    "film_cuts_a.mp4": [(2.5, 2.5), (5.5, 5.5), (8.0, 9.0), (11.0, 12.0), (14.5, 14.5)],
    "slides_en.mp4": [(4, 4), (8, 8), (12, 12), (16, 16)],
    "nasa_13013_multistream.mp4": [(5.0, 6.2), (8.0, 8.05)],
    "needle_10min.mp4": [(433, 433), (437, 437)],
    "sign_walk.mkv": [], "cockatoo_seektrap_444.mp4": [], "rabbit320.mp4": [], "rabbit320.webm": [],
    "carphone_pristine.mp4": [], "carphone_distorted.mp4": [], "bottles.mp4": [],
}


def scenes(path, *options):
    result = run("scenes", path, "--json", *options, limit=120)
    return result.json()["scenes"] if check_end(result, OK, f"scenes {path.name}") else []


def outputs(video):
    listed = scenes(video)
    rows = list(csv.DictReader(io.StringIO(run("scenes", video, "--csv").out.decode())))
    check(len(rows) == len(listed) and all(
        int(r["Start Frame"]) == s["start_frame"] + 1 and int(r["End Frame"]) == s["end_frame"] and
        abs(float(r["Start Time (seconds)"]) - s["start_s"]) < 1e-3
        for r, s in zip(rows, listed)), "CSV tells the same", rows, listed)
    ogm = run("scenes", video, "--chapters", "ogm").out.decode().splitlines()
    check(len(ogm) == 2 * len(listed) and ogm[0] == "CHAPTER01=00:00:00.000" and
          ogm[1] == "CHAPTER01NAME=Scene 1", "OGM chapters", ogm)
    meta = run("scenes", video, "--chapters", "ffmetadata").out
    check(meta.startswith(b";FFMETADATA1\n[CHAPTER]\n") and meta.count(b"[CHAPTER]") == len(listed),
          "ffmetadata", meta)
    if not shutil.which("ffmpeg"):
        return
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder)
        (path / "meta").write_bytes(meta)
        subprocess.run(["ffmpeg", "-v", "error", "-i", str(video), "-i", str(path / "meta"),
                        "-map_metadata", "1", "-map", "0:v", "-c", "copy", str(path / "out.mkv")],
                       check=True)
        told = json.loads(subprocess.run(
            ["ffprobe", "-v", "error", "-show_chapters", "-of", "json", str(path / "out.mkv")],
            capture_output=True, check=True).stdout)["chapters"]
        check(len(told) == len(listed) and all(abs(float(c["start_time"]) - s["start_s"]) < 2e-3
                                               for c, s in zip(told, listed)),
              "ffmpeg reads the chapters", told)


def windows(video):
    for option in ((), ("--staged",)):
        cut = scenes(video, "--max-scene", "0.5", *option)
        check(all(s["end_s"] - s["start_s"] < 0.7 for s in cut) and
              all(a["end_frame"] == b["start_frame"] for a, b in zip(cut, cut[1:])),
              "windows are short and without gaps", option, cut)
    check_end(run("scenes", video, "--staged", "--filters", "scene"), USAGE, "two chains")
    check_end(run("scenes", video, "--json", "--chapters", "ogm"), USAGE, "two formats")
    check_end(run("scenes", video, "--chapters", "pdf"), USAGE, "an unknown format")


def public(folder):
    for name, truth in TRUE.items():
        path = folder / "clips" / name
        starts = [s["start_s"] for s in scenes(path, "--staged")][1:]
        check(len(starts) == len(truth) and all(low - 0.13 <= t <= high + 0.13
                                                for t, (low, high) in zip(starts, truth)),
              f"{name}: staged", starts, truth)
    for path in sorted((folder / "codecs").glob("car*")):
        if path.is_file() and path.suffix != ".webp":
            for option in ((), ("--staged",)):
                check(len(scenes(path, *option)) == 1, f"{path.name} {option}: one scene")


# What a film becomes when others store it: container, encoder and its options.
TWINS = [("mp4", "libx264", "-g 12"), ("mp4", "libx264", "-g 250 -bf 3"),
         ("mkv", "libx265", "-x265-params log-level=none"), ("webm", "libvpx", "-b:v 1M"),
         ("webm", "libvpx-vp9", "-deadline realtime -cpu-used 8 -b:v 1M"),
         ("mp4", "libsvtav1", "-preset 12"), ("avi", "mpeg4", "-q:v 3"), ("ts", "mpeg2video", "-q:v 3"),
         ("ogv", "libtheora", "-q:v 8"), # which leaves out frames that are like the one before
         ("mkv", "ffv1", ""), ("avi", "mjpeg", "-q:v 3"), ("flv", "flv", "-q:v 3")]


def twins(video):
    """The same cuts in every codec and container that this ffmpeg writes."""
    if not shutil.which("ffmpeg"):
        return
    have = subprocess.run(["ffmpeg", "-hide_banner", "-encoders"], capture_output=True, text=True, check=True).stdout
    want = [round(s["start_s"], 3) for s in scenes(video)]
    check(len(want) > 1, "the film has cuts", want)
    with tempfile.TemporaryDirectory() as folder:
        for i, (kind, codec, options) in enumerate(TWINS):
            if f" {codec} " not in have:
                continue
            twin = pathlib.Path(folder) / f"{i}.{kind}"
            subprocess.run(["ffmpeg", "-v", "error", "-nostdin", "-i", video, "-r", "24", "-c:v", codec,
                            *options.split(), "-pix_fmt", "yuvj420p" if codec == "mjpeg" else "yuv420p", twin],
                           check=True, env={**os.environ, "SVT_LOG": "0"})
            for option in ((), ("--staged",)):
                starts = [s["start_s"] for s in scenes(twin, *option)]
                check(len(starts) == len(want) and all(abs(a - b) < 0.05 for a, b in zip(starts, want)),
                      f"{codec} in {kind} {option}: the same scenes", starts, want)


def main():
    video = next(v for _, v in sample_videos() if v.name.startswith("three-scenes"))
    outputs(video)
    windows(video)
    twins(video)
    if MEDIA.exists():
        public(MEDIA)
    finish()


main()
