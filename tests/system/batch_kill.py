# SPDX-License-Identifier: MIT
"""winnow batch, killed with SIGKILL at random instants and started again, ends with the records of a
run that nobody disturbed: none lost, none twice, none torn.

    batch_kill.py TOOL SOURCE_ROOT [ITEMS KILLS SEED]

The suite takes 20 items and 8 kills; the long version is 200 items and 100 kills (a few minutes), by
hand also 200 items and 500 kills:

    python3 tests/system/batch_kill.py build/samples/winnow/winnow . 200 500 1
"""
import pathlib
import random
import signal
import subprocess
import tempfile
import time

from batches import *

LOCKED = 75


def start(manifest, out):
    return subprocess.Popen([TOOL, "batch", manifest, "-o", out, "-m", MODEL, "-q", "--tokens", "200"],
                            env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def gone(pids):
    """A worker ends with its parent."""
    for _ in range(100):
        if not any(pathlib.Path(f"/proc/{p}/exe").exists() for p in pids):
            return True
        time.sleep(0.02)
    return False


def main():
    numbers = [int(a) for a in sys.argv[3:] if a.isdigit()]
    n, kills, seed = (numbers + [20, 8, 1][len(numbers):])[:3]
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        manifest = folder / "items.jsonl"
        ids = make_manifest(manifest, n)
        began = time.monotonic()
        check(start(manifest, folder / "whole").wait() == 1, "two items fail, so the status is 1")
        whole = time.monotonic() - began
        expected = read_records(folder / "whole/records.jsonl")
        check([r["id"] for r in expected] == sorted(ids), "a record an item")
        check([r["id"] for r in expected if r["status"] == "error"] == sorted((ids[n // 3], ids[n // 2])),
              "those that cannot be done say so")
        done, seen, hit = 0, 0, 0
        while done < kills:
            process = start(manifest, folder / "cut")
            # So that most kills find it at work, whatever is left.
            time.sleep(chance.uniform(0, max(0.3, 2.5 * whole / kills)))
            below = children(process.pid)
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
            process.wait()
            status = process.returncode
            hit += status == -signal.SIGKILL
            check(status in (-signal.SIGKILL, 1, LOCKED), "killed, or done", status, process.stderr.read())
            check(gone(below), "the worker is gone, too")
            text = (folder / "cut/records.jsonl").read_bytes() if (folder / "cut/records.jsonl").exists() else b""
            check(text.count(b"\n") >= seen, "no record is lost", text.count(b"\n"), seen)
            seen = text.count(b"\n")
            done += 1
            if status == 1 and done < kills: # all is done: begin anew, so that there is something to kill
                check(read_records(folder / "cut/records.jsonl") == expected, "equal to the undisturbed run")
                (folder / "cut/records.jsonl").unlink()
                seen = 0
        for _ in range(50):
            status = start(manifest, folder / "cut").wait()
            if status != LOCKED:
                break
            time.sleep(0.1)
        check(status == 1, "the last run ends", status)
        check(read_records(folder / "cut/records.jsonl") == expected, "equal to the undisturbed run")
        check((folder / "cut/records.crashes").read_bytes() == b"", "a kill of all is no item's crash")
        check(hit * 2 >= kills, "most kills found it at work", hit)
        print(f"{n} items, {hit} of {kills} kills found it at work, {whole:.1f} s undisturbed, seed {seed}")
    finish()


main()
