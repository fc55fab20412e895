# SPDX-License-Identifier: MIT
"""winnow batch --isolate: the same records, and a decoder that dies, hangs or takes too much costs an
error of its item: the process with the models stays."""
import os
import pathlib
import signal
import subprocess
import tempfile
import time

from batches import *

SOME = 1


def batch(source, out, *options, limit=300):
    return run("batch", source, "-o", out, "-m", MODEL, "-q", "--no-cache", *options, limit=limit)


def same_records(folder):
    manifest = folder / "items.jsonl"
    make_manifest(manifest, 12)
    batch(manifest, folder / "here", "--tokens", "200")
    batch(manifest, folder / "apart", "--tokens", "200", "--isolate")
    expected = read_records(folder / "here/records.jsonl")
    check(len(expected) == 12 and read_records(folder / "apart/records.jsonl") == expected, "the same records")
    chain = "scene=detector=adaptive:min_len=10,fps=2,dedup=diff=1.5:gap=3,vtc_cls=keep=16"
    for out, more in (("one", []), ("two", ["--isolate"])):
        batch(VIDEOS, folder / out, "--filters", chain, "--tokens", "500", *more)
    records = read_records(folder / "one/records.jsonl")
    check(records == read_records(folder / "two/records.jsonl") and all(r["status"] == "ok" for r in records),
          "filters arrive with their options", [r.get("error") for r in records])


def nasty(folder):
    """All that is meant to break a decoder, where it is there."""
    files = ROOT.parent / "shared" / "media" / "nasty"
    if not files.is_dir():
        print("no nasty files here")
        return
    for out, more in (("plain", []), ("jailed", ["--isolate"])):
        # libav's frame threads count and conceal damage differently from run to run
        result = batch(files, folder / out, "--filters", "uniform=2,vtc_cls=keep=16", "--threads", "1", *more,
                       limit=900)
        check(result.status in (OK, SOME), "nasty files", result.status, result.text())
    check(read_records(folder / "plain/records.jsonl") == read_records(folder / "jailed/records.jsonl"),
          "nasty files: the same records")


def start(folder, out):
    manifest = folder / "slow.jsonl"
    manifest.write_text("".join(json.dumps({"id": name, "path": str(VIDEOS / "two-minutes.mp4"), "end": 20}) + "\n"
                                for name in "abc"))
    return subprocess.Popen([TOOL, "batch", manifest, "-o", out, "-m", MODEL, "-q", "--no-cache", "--isolate", "-j",
                             "1", "--filters", "vtc_cls=keep=16", "--segment", "2"], env=environment(),
                            stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)


def find_decoder(process):
    """The worker, and the last of the processes below it."""
    for _ in range(600):
        worker = children(process.pid)
        below = worker
        depth = 0
        while below and children(below[0]):
            below = children(below[0])
            depth += 1
        if worker and depth == 3:
            return worker[0], below[0]
        time.sleep(0.02)
    return None, None


def dies(folder):
    """A decoder that crashes is its item's error; no other item, and no model, feels it."""
    process = start(folder, folder / "dead")
    worker, decoder = find_decoder(process)
    if not check(decoder is not None, "a process that decodes"):
        process.kill()
        return
    time.sleep(0.3)
    os.kill(decoder, signal.SIGSEGV)
    first, decoder = decoder, None
    for _ in range(600):
        again, decoder = find_decoder(process)
        if decoder != first:
            break
        time.sleep(0.02)
    check(again == worker, "the process with the models is the same", worker, again)
    _, err = process.communicate(timeout=300)
    records = read_records(folder / "dead/records.jsonl")
    errors = [r for r in records if r["status"] == "error"]
    check(process.returncode == SOME and len(records) == 3 and len(errors) == 1, "an error, and two captions",
          process.returncode, [r["status"] for r in records], err)
    check("signal 11" in errors[0]["error"]["message"] and errors[0]["error"]["code"] == "data", "says so", errors)
    check((folder / "dead/records.crashes").read_bytes() == b"", "nothing was set aside")


def killed(folder):
    """With the first process goes everything below it."""
    process = start(folder, folder / "gone")
    _, decoder = find_decoder(process)
    process.kill()
    process.wait()
    for _ in range(100):
        if not pathlib.Path(f"/proc/{decoder}/exe").exists():
            break
        time.sleep(0.05)
    check(not pathlib.Path(f"/proc/{decoder}/exe").exists(), "kill -9 of the batch ends the decoder, too")


def limits(folder):
    item = folder / "item.jsonl"
    item.write_text(json.dumps({"id": "big", "path": str(VIDEOS / "two-minutes.mp4"), "end": 20}) + "\n")
    if not SANITIZED: # whose allocator ends the process
        result = batch(item, folder / "small", "--isolate", "--item-memory", str(4 << 20))
        records = read_records(folder / "small/records.jsonl")
        check(result.status == SOME and records[0]["status"] == "error" and "error" in records[0], "--item-memory",
              records, result.text())
    item.write_text(json.dumps({"id": "big", "path": str(VIDEOS / "two-minutes.mp4")}) + "\n")
    result = batch(item, folder / "hung", "--isolate", "--item-timeout", "0.1", "--filters",
                   "scene=detector=adaptive:edges=1,uniform=2,vtc_cls=keep=16")
    records = read_records(folder / "hung/records.jsonl")
    check(result.status == SOME and records[0]["error"]["code"] in ("timeout", "limit"), "--item-timeout", records,
          result.text())


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        same_records(folder)
        nasty(folder)
        dies(folder)
        killed(folder)
        limits(folder)
    finish()


main()
