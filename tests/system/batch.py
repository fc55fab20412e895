# SPDX-License-Identifier: MIT
"""winnow batch: items, shards, errors, locks, crashes of a worker, signals and a full disk."""
import json
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import tempfile
import time

from batches import *

SOME, LOCKED = 1, 75


def batch(source, out, *options, limit=120):
    return run("batch", source, "-o", out, "-m", MODEL, "-q", "--tokens", "200", *options, limit=limit)


def popen(source, out, *options, **more):
    return subprocess.Popen([TOOL, "batch", source, "-o", out, "-m", MODEL, "-q", *options], env=environment(),
                            stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, **more)


def bad_manifests(folder):
    cases = [('{"path": "a.mp4"}\n{"path": "a.mp4"}\n', "twice"), ('{"id": "x"}\n', 'no "path"'), ("{", "line 1"),
             ('{"path": 3}\n', "line 1"), ('{"path": "a", "path": "b"}\n', "line 1"),
             ('a.mp4\n{"path": "a", "start": 3, "end": 2}\n', "line 2"), ("a\0b\n", "zero"),
             ('{"path": "a", "start": -1}\n', "line 1"), ('["a.mp4"]\n{}\n', "line 2")]
    for number, (text, says) in enumerate(cases):
        path = folder / f"bad{number}.jsonl"
        path.write_text(text)
        result = run("batch", path, "-o", folder / "none", "-m", MODEL)
        check_end(result, USAGE, f"manifest {text!r}")
        check(says in result.text(), f"manifest {text!r}: says {says}", result.text())
    check(not (folder / "none").exists(), "a bad manifest leaves nothing behind")
    check_end(run("batch", folder / "missing.jsonl", "-o", folder / "none", "-m", MODEL), INPUT, "no manifest")
    good = folder / "good.txt"
    good.write_text(str(a_video()) + "\n")
    check_end(run("batch", good, "-m", MODEL), USAGE, "no -o")
    check_end(run("batch", good, "-o", folder / "none"), USAGE, "no model")
    check_end(run("batch", good, "-o", folder / "none", "-m", MODEL, "--task", "ask"), USAGE, "no question")
    for shard in ("2/2", "a/2", "1", "-1/2", "0/0", "1/2x"):
        check_end(run("batch", good, "-o", folder / "none", "-m", MODEL, "--shard", shard), USAGE, f"--shard {shard}")
    check_end(run("batch", good, "-o", folder / "none", "-m", folder / "none.gguf"), MODEL_BAD, "a model that is not there")


def tasks(folder):
    """A folder, all three tasks, items with questions and times of their own."""
    clips = folder / "clips"
    (clips / "below").mkdir(parents=True)
    entry, video = sample_videos()[0]
    shutil.copy(video, clips / "one.mp4")
    shutil.copy(video, clips / "below" / "two; $(x) \u00e9.MP4")
    (clips / "notes.txt").write_text("no video")
    result = batch(clips, folder / "captions", "--summary")
    check(result.status == OK, "a folder", result.status, result.text())
    records = read_records(folder / "captions/records.jsonl")
    check([r["id"] for r in records] == ["below/two; $(x) \u00e9.MP4", "one.mp4"], "videos of a folder", records)
    single = run("caption", video, "-m", MODEL, "-f", "json", "--tokens", "200").json()
    check(all([c["caption"] for c in r["captions"]] == [c["caption"] for c in single["captions"]] and "summary" in r
              for r in records), "captions as caption gives them")
    items = folder / "asked.jsonl"
    asked = [(q["question"], q["accepted"]) for q in entry["questions"][:3]]
    items.write_text("".join(json.dumps({"id": str(i), "path": "clips/one.mp4", "question": q}) + "\n"
                             for i, (q, _) in enumerate(asked)) + '{"path": "clips/one.mp4", "end": "0:01"}\n')
    result = batch(items, folder / "answers", "--task", "ask", "--filters", entry["filters"], "--question", asked[0][0],
                   "--tokens", "2000")
    check(result.status == OK, "ask", result.text())
    records = {r["id"]: r for r in read_records(folder / "answers/records.jsonl")}
    for i, (question, accepted) in enumerate(asked):
        check(records[str(i)]["answer"].strip(" .") in accepted, question, records[str(i)]["answer"], accepted)
    check(records["clips/one.mp4"]["question"] == asked[0][0] and
          records["clips/one.mp4"]["frames"] < records["0"]["frames"], "times and the question for all")
    check(batch(clips, folder / "rows", "--task", "compress").status == OK, "compress")
    for record in read_records(folder / "rows/records.jsonl"):
        meta, tensors = read_safetensors(folder / "rows" / record["rows"])
        check(tensors["embeds"][0][0] == record["tokens_after"], "rows", record["rows"])
    check(len(os.listdir(folder / "rows/rows")) == 2, "a file an item", os.listdir(folder / "rows/rows"))


def shards(manifest, expected, folder):
    for i in range(3):
        check(batch(manifest, folder, "--shard", f"{i}/3").status in (OK, SOME), f"shard {i}")
    paths = [folder / f"records-{i:05d}-of-00003.jsonl" for i in range(3)]
    check(all(p.stat().st_size for p in paths), "every shard has items")
    check(read_records(*paths) == expected, "shards make up the whole")


def again(manifest, expected, out):
    """Nothing is done twice, errors only when that is asked for."""
    before = (out / "records.jsonl").read_bytes()
    result = batch(manifest, out)
    check(result.status == SOME and (out / "records.jsonl").read_bytes() == before, "all was done before")
    check(result.seconds < 5, "at once", result.seconds)
    batch(manifest, out, "--retry-errors")
    check(read_records(out / "records.jsonl") == expected, "errors again")
    check((out / "records.jsonl").read_bytes() != before, "and only those")
    torn = (out / "records.jsonl").read_bytes()
    (out / "records.jsonl").write_bytes(torn[:-40])
    batch(manifest, out)
    check(read_records(out / "records.jsonl") == expected, "a torn line is done again")
    lines = torn.splitlines(keepends=True)
    (out / "records.jsonl").write_bytes(lines[0] + b"no json\n" + b"".join(lines[1:]))
    result = batch(manifest, out)
    check_end(result, OUTPUT, "a record that is none")
    check("line 2" in result.text(), "says where", result.text())


def slow_item(folder):
    """One that takes seconds: every frame of two minutes."""
    path = folder / "slow.jsonl"
    path.write_text(json.dumps({"id": "slow", "path": str(VIDEOS / "two-minutes.mp4")}) + "\n" +
                    json.dumps({"id": "quick", "path": str(VIDEOS / "picture.png")}) + "\n")
    return path, ("--filters", "vtc_cls=keep=16", "--segment", "2", "--tokens", "3000")


def wait_for_worker(process, not_in=()):
    for _ in range(400):
        found = [p for p in children(process.pid) if p not in not_in]
        if found:
            return found[0]
        time.sleep(0.02)
    return None


def locked(folder):
    manifest, options = slow_item(folder)
    out = folder / "locked"
    first = popen(manifest, out, *options)
    check(wait_for_worker(first) is not None, "a worker starts")
    check_end(batch(manifest, out, *options), LOCKED, "a second process on the same")
    first.terminate()
    began = time.monotonic()
    _, err = first.communicate(timeout=60)
    check(first.returncode == TERMINATED and time.monotonic() - began < (5 if not SANITIZED else 20),
          "SIGTERM ends it soon", first.returncode, time.monotonic() - began)
    check(err.count(b"\n") == 1, "with a line", err)
    read_records(out / "records.jsonl")


def crashes(folder):
    """The worker is killed in the middle of an item, twice."""
    manifest, options = slow_item(folder)
    out = folder / "crashed"
    process = popen(manifest, out, *options)
    seen = []
    for _ in range(2):
        worker = wait_for_worker(process, seen)
        if not check(worker is not None, "a worker"):
            break
        time.sleep(1.5 if not SANITIZED else 6) # its models are loaded
        os.kill(worker, signal.SIGSEGV)
        seen.append(worker)
    _, err = process.communicate(timeout=120)
    records = read_records(out / "records.jsonl")
    check(process.returncode == SOME and [(r["id"], r["status"]) for r in records] ==
          [("quick", "ok"), ("slow", "error")], "set aside, and the batch goes on", process.returncode, records, err)
    check(records[-1]["error"]["code"] == "crash" and "twice" in records[-1]["error"]["message"], "says so", records)
    check(batch(manifest, out, *options).status == SOME and read_records(out / "records.jsonl") == records,
          "and stays aside")


def timeout(folder):
    manifest, options = slow_item(folder)
    out = folder / "late"
    result = batch(manifest, out, *options, "--item-timeout", "2" if not SANITIZED else "8")
    records = read_records(out / "records.jsonl")
    check(result.status == SOME and [r["status"] for r in records] == ["ok", "error"] and
          records[1]["error"]["code"] == "timeout", "--item-timeout", records, result.text())


def full_disk(manifest, expected, folder):
    """A file that may not grow past some bytes stands for a disk that is full."""
    out = folder / "full"

    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))

    process = popen(manifest, out, "--tokens", "200", preexec_fn=limit)
    _, err = process.communicate(timeout=120)
    check(process.returncode == OUTPUT and len([l for l in err.splitlines() if b"warning" not in l]) == 1,
          "a full disk ends it with a line", process.returncode, err)
    some = read_records(out / "records.jsonl")
    check(0 < len(some) < len(expected) and all(r in expected for r in some), "what stands there is whole", len(some))
    batch(manifest, out)
    check(read_records(out / "records.jsonl") == expected, "and the next run goes on")


def small_disk(manifest, expected, folder):
    """A file system that is full in earnest, then is made larger; rows and records are on it."""
    disk = folder / "disk"
    disk.mkdir()
    if os.geteuid() or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24k", "tmpfs", disk],
                                      capture_output=True).returncode:
        print("no small file system could be mounted")
        return
    try:
        result = batch(manifest, disk / "out", "--task", "compress", "--filters", "vtc_cls=keep=8")
        check_end(result, OUTPUT, "a full file system")
        some = read_records(disk / "out/records.jsonl") if (disk / "out/records.jsonl").exists() else []
        check(len(some) < len(expected), "not all fits", len(some))
        subprocess.run(["mount", "-o", "remount,size=64m", disk], check=True)
        check(batch(manifest, disk / "out", "--task", "compress", "--filters", "vtc_cls=keep=8").status == SOME,
              "with room it goes on")
        records = read_records(disk / "out/records.jsonl")
        check([r["id"] for r in records] == [r["id"] for r in expected], "every item is there once", len(records))
        for record in (r for r in records if r["status"] == "ok"):
            meta, tensors = read_safetensors(disk / "out" / record["rows"])
            check(tensors["embeds"][0][0] == record["tokens_after"], "rows are whole", record["rows"])
    finally:
        subprocess.run(["umount", disk], check=True)


def two_workers(manifest, expected, folder):
    """The same shard twice at once: one works, the other says so; who comes next finds all done."""
    out = folder / "both"
    both = [popen(manifest, out, "--tokens", "200", "--shard", "0/1") for _ in range(2)]
    ends = sorted(p.wait() for p in both)
    check(ends in ([SOME, LOCKED], [SOME, SOME]), "two on one shard", ends)
    check(read_records(out / "records.jsonl") == expected, "no record twice")


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        bad_manifests(folder)
        tasks(folder)
        manifest = folder / "items.jsonl"
        make_manifest(manifest, 20)
        out = folder / "out"
        check(batch(manifest, out).status == SOME, "a manifest")
        expected = read_records(out / "records.jsonl")
        check(len(expected) == 20 and [r["meta"]["number"] for r in expected] == list(range(20)), "meta comes along")
        batch(manifest, folder / "three", "--jobs", "3")
        check(read_records(folder / "three/records.jsonl") == expected, "three workers")
        again(manifest, expected, out)
        shards(manifest, expected, folder / "shards")
        locked(folder)
        crashes(folder)
        timeout(folder)
        full_disk(manifest, expected, folder)
        small_disk(manifest, expected, folder)
        two_workers(manifest, expected, folder)
    finish()


main()
