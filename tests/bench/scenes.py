# SPDX-License-Identifier: MIT
"""Scenes against PySceneDetect, staged scenes against the truth, and frames that dedup spares.

    python3 tests/bench/scenes.py BUILD --python VENV/bin/python [--media DIR] [--quick] [--short]
        [--rounds N] [--folder DIR] [--json FILE] [--only exact|staged|static] [--minutes M] [--seed N]

VENV holds PySceneDetect: python3 -m venv VENV && VENV/bin/pip install scenedetect==0.7.1
opencv-python-headless. Films are drawn once into --folder (a temporary one otherwise). --quick draws
as many boundaries in fewer films and runs one round, some ten minutes on two quiet cores, the films
with four of them drawn before; --short is a minute's look whose figures say nothing. With --minutes
no further round, and no further film, is begun once so many have gone: what was not measured is
named. Rounds are interleaved; times are of whole processes for winnow and of the detection alone for
PySceneDetect, processor seconds of whole processes besides; the median and (least to most).

With another --seed other films are drawn, which no rule was chosen on.

exact   winnow scenes with its defaults against ContentDetector: the same cuts, and how much faster.
staged  --staged against the truth of the films, with recall, precision and F1 (a hit lies within
        TOLERANCE frames of a boundary, or inside a dissolve or fade), each kind of boundary by
        itself, speed against both, and what AdaptiveDetector finds otherwise. Films with GOPs of a
        second or more count; the last two are those where winnow reads every frame by itself.
static  frames that reach the encoder with and without dedup, and answers of the sample model.
"""
import argparse
import json
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time

TOLERANCE = 5
SEED = 100  # of the films that the staged rules were chosen on
HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent

# Name, ending, arguments of ffmpeg; the first COUNTED have GOPs of a second or more.
COUNTED = 4
FILMS = [
    ("x264, its own key frames", "mp4", ["-c:v", "libx264", "-preset", "fast", "-crf", "24"]),
    ("x264, GOP 2 s", "mp4", ["-c:v", "libx264", "-preset", "fast", "-crf", "24", "-g", "50",
                              "-sc_threshold", "0"]),
    ("x264, GOP 4 s", "mp4", ["-c:v", "libx264", "-preset", "fast", "-crf", "26", "-g", "100",
                              "-sc_threshold", "0"]),
    ("x265, GOP 3 s", "mp4", ["-c:v", "libx265", "-preset", "ultrafast", "-crf", "28",
                              "-x265-params", "log-level=error:keyint=75"]),
    ("x264, one GOP", "mp4", ["-c:v", "libx264", "-preset", "fast", "-crf", "26", "-g", "100000",
                              "-sc_threshold", "0"]),
    ("x264, GOP 5 frames", "mp4", ["-c:v", "libx264", "-preset", "fast", "-crf", "26", "-g", "5"]),
]
# Where OpenCV takes another stream than the best one, and so must winnow.
FIRST_STREAM = {"nasa_13013_multistream.mp4": ("--stream", "0")}
STATIC = ["slides_en.mp4", "bottles.mp4", "traffic_car_detection.mp4", "carphone_pristine.mp4",
          "sign_walk.mkv", "rabbit320.mp4"]


def spread(values, digits=2):
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


BEGAN = time.monotonic()


def spent(args):
    return args.minutes and time.monotonic() - BEGAN > args.minutes * 60


def processor(call):
    """What a call that waits for its processes gives, and their seconds on a processor."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    out = call()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return out, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def winnow(tool, path, *options):
    began = time.perf_counter()
    out = subprocess.run([tool, "scenes", path, "--json", "-q", *options], capture_output=True,
                         text=True, check=True).stdout
    seconds = time.perf_counter() - began
    return [s["start_frame"] for s in json.loads(out)["scenes"][1:]], seconds


def peer(python, kind, path):
    out = subprocess.run([python, str(HERE / "psd_once.py"), kind, path], capture_output=True,
                         text=True, check=True).stdout
    told = json.loads(out)
    return told["cuts"], told["seconds"]


def interleave(args, ways):
    """{name: (what it gave, [seconds], [processor seconds])}; the first round is not timed where
    there are several."""
    seen = {name: None for name in ways}
    times, cpu = {name: [] for name in ways}, {name: [] for name in ways}
    for i in range(args.rounds + (args.rounds > 1)):
        for name, call in ways.items():
            (seen[name], seconds), used = processor(call)
            if i or args.rounds < 2:
                times[name].append(seconds)
                cpu[name].append(used)
        if spent(args) and times[name]:
            break
    return {name: (seen[name], times[name], cpu[name]) for name in ways}


def ratios(a, b):
    return [x / y for x, y in zip(a, b)]


def draw(args, folder):
    """[(name, path, truth)] of films drawn by PySceneDetect's Python, which has NumPy and OpenCV."""
    films = []
    for number, (name, ending, arguments) in enumerate(FILMS):
        seed = args.seed + number
        path = folder / (f"film{number}.{ending}" if args.seed == SEED else f"film{seed}.{ending}")
        truth = path.with_suffix(".json")
        if not truth.exists():
            shots = (8 if args.short else 30 if args.quick else 40) if number < COUNTED else \
                (4 if args.short else 10)
            code = ("import json, sys; sys.path.insert(0, sys.argv[1]); import shots; "
                    "print(json.dumps(shots.render(sys.argv[2], int(sys.argv[3]), "
                    "int(sys.argv[4]), json.loads(sys.argv[5]), sys.argv[6] or None)))")
            out = subprocess.run([args.python, "-c", code, str(HERE), str(path), str(seed),
                                  str(shots), json.dumps(arguments),
                                  str(args.media / "clips") if args.media else ""],
                                 capture_output=True, text=True, check=True).stdout
            truth.write_text(out)
        films.append((name, path, json.loads(truth.read_text())))
    return films


def hits(found, truth):
    """(missed boundaries, cuts that are none, distances of hard cuts)"""
    free, missed, off = set(range(len(found))), [], []
    for first, last, *_ in truth:
        near = [i for i in free if first - TOLERANCE <= found[i] <= last + TOLERANCE]
        if near:
            free.discard(near[0])
            if first == last:
                off.append(found[near[0]] - first)
        else:
            missed.append([first, last])
    return missed, [found[i] for i in sorted(free)], off


def rates(n_truth, n_missed, n_false):
    hit = n_truth - n_missed
    recall, precision = hit / max(n_truth, 1), hit / max(hit + n_false, 1)
    return recall, precision, 2 * recall * precision / max(recall + precision, 1e-9)


def exact(args, films):
    clips = [(p.name, p) for p in sorted((args.media / "clips").iterdir())
             if p.suffix in (".mp4", ".mkv", ".webm")] if args.media else []
    if args.short:
        clips = [c for c in clips if c[0] in ("film_cuts_a.mp4", "psd_testvideo.mp4")]
    print("\nexact scenes against PySceneDetect's ContentDetector\n"
          f"{'file':28} {'cuts':>5} {'same':>5}  {'PySceneDetect s':24} {'winnow s':24} {'times as fast':24} its CPU s")
    rows = []
    for name, path in clips + [(n, p) for n, p, _ in films]:
        if spent(args):
            print(f"{name:28} not measured: out of time")
            continue
        options = FIRST_STREAM.get(name, ())
        got = interleave(args, {"peer": lambda p=path: peer(args.python, "content", str(p)),
                                "exact": lambda p=path: winnow(args.tool, str(p), *options)})
        (theirs, a, peer_cpu), (ours, b, our_cpu) = got["peer"], got["exact"]
        rows.append({"file": name, "cuts": len(ours), "same": ours == theirs, "peer_s": a, "winnow_s": b,
                     "peer_cpu": peer_cpu, "winnow_cpu": our_cpu, "ours": ours, "theirs": theirs})
        print(f"{name:28} {len(ours):5} {'yes' if ours == theirs else 'NO':>5}  {spread(a):24} "
              f"{spread(b):24} {spread(ratios(a, b)):24} {statistics.median(our_cpu):.2f}", flush=True)
    long = [r for r in rows if statistics.median(r["peer_s"]) > 1]
    if long:
        each = [statistics.median(ratios(r["peer_s"], r["winnow_s"])) for r in long]
        print(f"files of more than a second: {spread(each)} times as fast; "
              f"the same cuts on {sum(r['same'] for r in rows)} of {len(rows)} files")
    return rows


def staged(args, films):
    print("\nstaged scenes, against the truth\n"
          f"{'film':28} {'true':>5} {'found':>5} {'recall':>7} {'precis.':>7} {'F1':>6}  "
          f"{'to PySceneDetect':24} to exact")
    rows, total, kinds = [], [0, 0, 0], {}
    for name, path, truth in films:
        if spent(args):
            print(f"{name:28} not measured: out of time")
            continue
        got = interleave(args, {"peer": lambda p=path: peer(args.python, "content", str(p)),
                          "exact": lambda p=path: winnow(args.tool, str(p)),
                          "staged": lambda p=path: winnow(args.tool, str(p), "--staged")})
        found, seconds, _ = got["staged"]
        adaptive, _ = peer(args.python, "adaptive", str(path))
        missed, wrong, off = hits(found, truth)
        only_ours, _, _ = hits(adaptive, [[f, f] for f in found])
        only_theirs, _, _ = hits(found, [[f, f] for f in adaptive])
        rival = hits(adaptive, truth)
        row = {"film": name, "true": len(truth), "found": len(found), "missed": missed,
               "wrong": wrong, "distance": {str(d): off.count(d) for d in sorted(set(off))},
               "to_peer": ratios(got["peer"][1], seconds), "to_exact": ratios(got["exact"][1], seconds),
               "not_in_adaptive": [f for f, _ in only_ours],
               "only_in_adaptive": [f for f, _ in only_theirs],
               "adaptive_missed": rival[0], "adaptive_wrong": rival[1]}
        rows.append(row)
        if (name, path, truth) in films[:COUNTED]:
            total = [a + b for a, b in zip(total, (len(truth), len(missed), len(wrong)))]
            for first, last, kind in truth:
                seen = kinds.setdefault(kind, [0, 0])
                seen[0] += 1
                seen[1] += [first, last] not in missed
        recall, precision, f1 = rates(len(truth), len(missed), len(wrong))
        print(f"{name:28} {len(truth):5} {len(found):5} {recall:7.3f} {precision:7.3f} {f1:6.3f}  "
              f"{spread(row['to_peer']):24} {spread(row['to_exact'])}", flush=True)
    recall, precision, f1 = rates(*total)
    print(f"{'the first ' + str(COUNTED):28} {total[0]:5} {'':5} {recall:7.3f} {precision:7.3f} {f1:6.3f}")
    theirs = rates(total[0], sum(len(r["adaptive_missed"]) for r in rows[:COUNTED]),
                   sum(len(r["adaptive_wrong"]) for r in rows[:COUNTED]))
    print(f"{'AdaptiveDetector, the same':28} {total[0]:5} {'':5} {theirs[0]:7.3f} {theirs[1]:7.3f} "
          f"{theirs[2]:6.3f}")
    print("recall by kind: " + ", ".join(f"{kind} {hit} of {n}" for kind, (n, hit) in kinds.items()))
    if rows:
        fast = [statistics.median(r["to_peer"]) for r in rows[:COUNTED]]
        print(f"times as fast as PySceneDetect, these films: {spread(fast)}")
    for row in rows:
        print(f"  {row['film']}: missed {row['missed']}, wrong {row['wrong']}, hard cuts off by "
              f"{row['distance']}; AdaptiveDetector has not {row['not_in_adaptive']}, "
              f"has besides {row['only_in_adaptive']}")
    return {"films": rows, "recall": recall, "precision": precision, "f1": f1,
            "kinds": kinds}


def frames_of(args, path, chain):
    with tempfile.TemporaryDirectory() as folder:
        out = subprocess.run([args.tool, "compress", path, "-m", args.model, "--filters", chain, "-o",
                              f"{folder}/rows.safetensors", "--json", "-q"], capture_output=True,
                             text=True, check=True).stdout
    told = json.loads(out)
    return told["frames"], told["timing"]["encode_s"]


def right_answers(args, chain):
    entries = json.loads((ROOT / "samples/videos/questions.json").read_text())
    right = asked = 0
    for entry in entries[:2] if args.short else entries:
        for question in entry["questions"]:
            out = subprocess.run(
                [args.tool, "ask", str(ROOT / "samples/videos" / entry["video"]),
                 question["question"], "-m", args.model, "-q", "--filters",
                 ",".join(f for f in (entry["filters"], chain) if f)], capture_output=True, text=True, check=True).stdout
            words = out.lower().replace(".", " ").split()
            asked += 1
            right += any(a.lower() in words or a.lower() in out.lower() for a in question["accepted"])
    return right, asked


def static(args):
    print("\nframes that reach the encoder\n"
          f"{'clip':28} {'fps=4':>6} {'dedup':>6} {'share':>6}  encoder's time")
    rows = []
    for name in STATIC if args.media else []:
        path = str(args.media / "clips" / name)
        all_frames, all_s = frames_of(args, path, "fps=4")
        frames, seconds = frames_of(args, path, "fps=4,dedup")
        rows.append({"clip": name, "all": all_frames, "dedup": frames, "time": seconds / all_s})
        print(f"{name:28} {all_frames:6} {frames:6} {frames / all_frames:6.2f}  {seconds / all_s:.2f}")
    plain, spared = right_answers(args, ""), right_answers(args, "dedup")
    print(f"answers of the sample model: {plain[0]} of {plain[1]} right, {spared[0]} with dedup")
    return {"clips": rows, "right": plain, "right_with_dedup": spared}


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--media", type=pathlib.Path, default=ROOT.parent / "shared" / "media")
    parser.add_argument("--model", default=str(ROOT / "samples/model/winnow-sample.gguf"))
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--folder", type=pathlib.Path)
    parser.add_argument("--json")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--only", choices=("exact", "staged", "static"))
    args = parser.parse_args()
    args.tool = str(args.build / "samples/winnow/winnow")
    args.rounds = args.rounds or (1 if args.short or args.quick else 5)
    args.media = args.media if args.media.exists() else None
    if args.folder:
        args.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        films = [] if args.only == "static" else draw(args, args.folder or pathlib.Path(temporary))
        told = {}
        if args.only in (None, "exact"):
            told["exact"] = exact(args, films)
        if args.only in (None, "staged"):
            told["staged"] = staged(args, films)
        if args.only in (None, "static"):
            told["static"] = static(args)
    if args.json:
        pathlib.Path(args.json).write_text(json.dumps(told, indent=1))


if __name__ == "__main__":
    main()
