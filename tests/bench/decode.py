# SPDX-License-Identifier: MIT
"""How long the way from a file to the right frames takes, against ffmpeg, PyAV and OpenCV.

    python3 tests/bench/decode.py BUILD [--short] [--only d1,d2,d3,m1] [--rounds R] [--media DIR]
                                  [--json FILE] [--python PYTHON] [--pypi PYTHON] [--threads N]
                                  [--codecs h264,hevc,vp9,av1] [--gops 12,48,250,600,0] [--frames 8,32,128]

d1  the packet index against `ffmpeg -map 0:v -c copy -f null -`
d2  key frames as RGB at 336 x 336 against `ffmpeg -skip_frame nokey`
d3  8, 32 and 128 frames spread evenly, at 336 x 336, of files with GOPs of 12, 48, 250, 600 and a
    single one, in four codecs, against the best of PyAV and OpenCV, each seeking and reading
    through (of PYTHON, which should have Debian's python3-av and python3-opencv: the same libav).
    What PyPI's PyAV, OpenCV and decord take is told beside it when the interpreter given with
    --pypi has them. A way that took more than twice as long as the fastest of its kind in the
    first round, which is not counted, is not run again. Each case is written to FILE as soon as it
    is done, and those that are there are not measured again: so it can be run piece by piece.
    Processor time is told too: it says on a busy machine what the clock cannot.
m1  peak memory and time of `winnow compress --filters keyframes=max=6` on a minute, an hour and
    ten hours of 1080p: six, because that is what the minute has; and of max=64 on the longer ones

Films are rendered with the ffmpeg program, into DIR when it is given (then they are there the next
time). Interleaved: each round runs every way once, in turn; medians with their spread. --short takes
about a minute: fewer and smaller films, and no ten hours.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
SIDE = 336
LIMIT = 60 # seconds, of one run of a peer: some wait for themselves
HOPELESS = 2 # times the fastest
GOPS = (12, 48, 250, 600, 0)
CODECS = {
    "h264": ("mp4", ["-c:v", "libx264", "-preset", "veryfast", "-crf", "26"]),
    "hevc": ("mp4", ["-c:v", "libx265", "-preset", "superfast", "-crf", "30"]),
    "vp9": ("webm", ["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-crf", "40",
                     "-b:v", "0", "-row-mt", "1"]),
    "av1": ("mp4", ["-c:v", "libsvtav1", "-preset", "12", "-crf", "45"]),
}


# ---- films ----

def gop_options(codec, gop):
    if codec == "h264":
        return ["-x264-params", f"keyint={gop or 'infinite'}:min-keyint={min(gop or 250, 12)}:scenecut=0"]
    if codec == "hevc":
        return ["-x265-params", f"log-level=none:keyint={gop or -1}:min-keyint=1:scenecut=0"]
    if codec == "av1":
        return ["-svtav1-params", f"keyint={gop or -1}:scd=0"]
    return ["-g", str(gop or 100000)]


def render(folder, codec, gop, size, seconds):
    """Noise, a moving pattern, and a fine one that stands still."""
    kind, options = CODECS[codec]
    path = folder / f"{codec}-{gop or 'one'}-{size}-{seconds}.{kind}"
    if path.exists():
        return path
    part = path.with_name("part-" + path.name)
    source = f"testsrc2=size={size}:rate=24:duration={seconds},noise=alls=6:allf=t"
    subprocess.run(["nice", "ffmpeg", "-v", "error", "-nostdin", "-y", "-f", "lavfi", "-i", source, *options,
                    *gop_options(codec, gop), "-pix_fmt", "yuv420p", part], check=True,
                   env=dict(os.environ, SVT_LOG="0"))
    part.rename(path)
    return path


def lengthen(path, seconds, folder):
    out = folder / f"{path.stem}-{seconds}s{path.suffix}"
    if not out.exists():
        part = out.with_name("part-" + out.name)
        subprocess.run(["ffmpeg", "-v", "error", "-nostdin", "-y", "-stream_loop", "-1", "-i", path, "-t",
                        str(seconds), "-map", "0:v", "-c", "copy", part], check=True)
        part.rename(out)
    return out


# ---- measuring ----

def wall(command):
    began = time.perf_counter()
    out = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
    if out.returncode:
        raise SystemExit(f"{' '.join(map(str, command))}:\n{out.stderr.decode(errors='replace')}")
    return {"seconds": time.perf_counter() - began}


def told(command, limit=LIMIT):
    """What the program itself says: its start is not counted."""
    try:
        out = subprocess.run(command, capture_output=True, text=True, timeout=limit)
    except subprocess.TimeoutExpired:
        return {"seconds": float(limit), "cpu": float(limit)}
    if out.returncode:
        raise SystemExit(f"{' '.join(map(str, command))}:\n{out.stderr}")
    return json.loads(out.stdout)


def peak(command):
    """Seconds and the most memory of a process."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    text = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(map(str, command))}:\n{text.decode(errors='replace')}")
    return {"seconds": time.perf_counter() - began, "peak_bytes": usage.ru_maxrss * 1024}


def interleave(ways, rounds):
    """Each way once a round; the first round only warms up."""
    runs = {name: [] for name in ways}
    for i in range(rounds + 1):
        for name, (measure, command) in ways.items():
            result = measure(command)
            if i:
                runs[name].append(result)
    return runs


def median(runs, key="seconds"):
    return statistics.median(r[key] for r in runs)


def line(name, runs):
    s = [r["seconds"] for r in runs]
    return f"  {name:24} {statistics.median(s) * 1e3:9.1f} ms ({min(s) * 1e3:.1f} to {max(s) * 1e3:.1f})"


def ratio_line(text, value, goal, higher=False):
    good = value >= goal if higher else value <= goal
    print(f"  {text}: {value:.2f} (goal {'at least' if higher else 'at most'} {goal}){'' if good else '  MISSED'}")
    return {"value": value, "goal": goal, "met": good}


# ---- the parts ----

def d1(a, films):
    result = {}
    for path in films:
        runs = interleave({
            "index": (wall, [a.tool, path, "index"]),
            "ffmpeg copy": (wall, ["ffmpeg", "-v", "error", "-nostdin", "-i", path, "-map", "0:v", "-c", "copy",
                                   "-f", "null", "-"]),
        }, a.rounds)
        print(f"d1 {path.name}, {path.stat().st_size / 2**20:.1f} MiB")
        for name in runs:
            print(line(name, runs[name]))
        result[path.name] = {"runs": runs, **ratio_line("index / ffmpeg", median(runs["index"]) /
                                                        median(runs["ffmpeg copy"]), 1.1)}
    return result


def d2(a, films):
    result = {}
    for path in films:
        ffmpeg = ["ffmpeg", "-v", "error", "-nostdin", "-skip_frame", "nokey", "-i", path, "-map", "0:v", "-vf",
                  f"scale={SIDE}:{SIDE}", "-vsync", "0", "-pix_fmt", "rgb24", "-f", "rawvideo", "-y", "/dev/null"]
        runs = interleave({
            "winnow": (wall, [a.tool, path, "keyframes", str(a.threads), f"{SIDE}x{SIDE}"]),
            "winnow, one thread": (wall, [a.tool, path, "keyframes", "1", f"{SIDE}x{SIDE}"]),
            "ffmpeg": (wall, ffmpeg),
        }, a.rounds)
        print(f"d2 {path.name}: key frames")
        for name in runs:
            print(line(name, runs[name]))
        speed = median(runs["ffmpeg"]) / median(runs["winnow"])
        alone = median(runs["ffmpeg"]) / median(runs["winnow, one thread"])
        result[path.name] = {"runs": runs, "one_thread": ratio_line("one thread: times faster", alone, 0.95, True),
                             **ratio_line(f"{a.threads} threads: times faster", speed, 1.7, True)}
    return result


def peers(python, names):
    """The ways that this interpreter can go."""
    if not python:
        return []
    out = subprocess.run([python, HERE / "decode_peers.py", "list"], capture_output=True, text=True)
    have = out.stdout.split() if not out.returncode else []
    return [n for n in names if n in have]


def worth_running(ways):
    """Those of one kind that come near the fastest, after one run of each."""
    first, fastest = {}, None
    for name, (_, command) in ways.items():
        limit = LIMIT if fastest is None else min(LIMIT, 1 + 2 * HOPELESS * fastest)
        first[name] = told(command, limit)["seconds"]
        fastest = min(first.values())
    return {name: ways[name] for name in ways if first[name] <= HOPELESS * fastest + 0.02}


def d3_one(a, path, n):
    def peer(python, name):
        return told, [python, HERE / "decode_peers.py", name, path, str(n), str(SIDE), str(a.threads)]

    near = worth_running({name: peer(a.python, name) for name in a.peers})
    beside = worth_running({"pypi " + name: peer(a.pypi, name) for name in a.pypi_peers}) if a.pypi_peers else {}
    ways = {"winnow": (told, [a.tool, path, f"uniform={n}", str(a.threads), f"{SIDE}x{SIDE}"]), **near, **beside}
    runs = interleave(ways, a.rounds)
    count = runs["winnow"][0]["n"]
    if count != n:
        print(f"  winnow gave {count} frames of {n}")
    best = min(near, key=lambda name: median(runs[name]))
    print(f"d3 {path.name}, {n} frames: best peer {best}")
    for name in runs:
        print(line(name, runs[name]) + f", processor {median(runs[name], 'cpu') * 1e3:.0f} ms")
    return {"runs": runs, "best": best, "count": count,
            "processor": median(runs["winnow"], "cpu") / median(runs[best], "cpu"),
            **ratio_line("winnow / best", median(runs["winnow"]) / median(runs[best]), 1.05)}


def d3(a, films, done, save):
    """done: cases of an earlier run."""
    if not a.peers:
        print(f"d3: {a.python} has neither av nor cv2: skipped")
        return
    for path in films:
        for n in a.counts:
            name = f"{path.name} {n}"
            if name not in done:
                done[name] = d3_one(a, path, n)
                save()
    missed = sorted(name for name in done if not done[name]["met"])
    values = [case["value"] for case in done.values()]
    print(f"d3: {len(done)} cases, median {statistics.median(values):.2f}, worst {max(values):.2f}; "
          f"{len(missed)} missed: {', '.join(missed) or 'none'}")


def m1(a, folder):
    film = render(folder, "h264", 250, a.m1_size, 60)
    model = HERE.parent.parent / "samples" / "model" / "winnow-sample.gguf"
    tool = pathlib.Path(a.build) / "samples" / "winnow" / "winnow"
    result, first = {}, None
    for name, seconds in (("minute", 60), ("hour", 3600), ("ten hours", 36000))[:2 if a.short else 3]:
        path = film if seconds == 60 else lengthen(film, seconds, folder)
        ways = {}
        for n in (6, 64) if first else (6,):
            ways[f"{n} frames alone"] = (peak, [a.tool, path, f"keyframes=max={n}", str(a.threads), f"{SIDE}x{SIDE}"])
            if tool.exists() and model.exists():
                ways[f"compress {n}"] = (peak, [tool, "compress", path, "-m", model, "--no-cache", "--filters",
                                                f"keyframes=max={n},vtc_cls=keep=16", "-o",
                                                folder / "m1.safetensors"])
        runs = interleave(ways, min(a.rounds, 3))
        first = first or runs
        print(f"m1 a {name}, {path.stat().st_size / 2**20:.0f} MiB")
        for way in runs:
            print(line(way, runs[way]) + f", peak {median(runs[way], 'peak_bytes') / 2**20:.1f} MiB")
        result[name] = {"runs": runs}
        if first is not runs:
            for way in first:
                result[name][way] = ratio_line(
                    f"{way}: peak against a minute's",
                    median(runs[way], "peak_bytes") / median(first[way], "peak_bytes"), 1.2)
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build")
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--only", default="d1,d2,d3,m1")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--media")
    parser.add_argument("--json")
    parser.add_argument("--python", default="/usr/bin/python3")
    parser.add_argument("--pypi")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--codecs")
    parser.add_argument("--gops")
    parser.add_argument("--frames", "--counts", dest="counts")
    a = parser.parse_args()
    a.tool = pathlib.Path(a.build) / "tests" / "bench" / "decode_once"
    a.rounds = a.rounds or (2 if a.short else 5)
    a.m1_size = "640x360" if a.short else "1920x1080"
    a.counts = [int(n) for n in (a.counts or ("8,32" if a.short else "8,32,128")).split(",")]
    codecs = (a.codecs or ("h264,vp9" if a.short else ",".join(CODECS))).split(",")
    gops = [int(g) for g in (a.gops or ("12,250" if a.short else ",".join(map(str, GOPS)))).split(",")]
    a.peers = peers(a.python, ["pyav_through", "cv_grab", "pyav_seek", "cv_seek"])
    a.pypi_peers = peers(a.pypi, ["pyav_through", "cv_grab", "decord", "pyav_seek", "cv_seek"])
    result = {"d3": {}}
    if a.json and pathlib.Path(a.json).exists():
        result.update(json.loads(pathlib.Path(a.json).read_text()))
    result.update(load=os.getloadavg(), threads=a.threads)

    def save():
        result["load_after"] = os.getloadavg()
        if a.json:
            pathlib.Path(a.json).write_text(json.dumps(result, indent=1, default=str) + "\n")

    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(a.media or temporary)
        folder.mkdir(exist_ok=True)
        parts = a.only.split(",")
        if "d1" in parts or "d2" in parts:
            size, seconds = ("640x360", 30) if a.short else ("1920x1080", 60)
            films = [render(folder, "h264", 48, size, seconds)]
            films.append(lengthen(films[0], 300 if a.short else 3600, folder))
            if "d1" in parts:
                result["d1"] = d1(a, films)
            if "d2" in parts:
                result["d2"] = d2(a, films if not a.short else films[1:])
        if "d3" in parts:
            size, seconds = ("320x180", 30) if a.short else ("854x480", 60)
            d3(a, [render(folder, c, g, size, seconds) for c in codecs for g in gops], result["d3"], save)
        if "m1" in parts:
            result["m1"] = m1(a, folder)
    save()


main()
