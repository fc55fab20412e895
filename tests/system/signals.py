# SPDX-License-Identifier: MIT
"""Ctrl-C and SIGTERM end a run soon, with the status scripts expect and no half-written file."""
import os
import pathlib
import signal
import subprocess
import tempfile
import time

from cli import *


def interrupt(number, status, folder, delay):
    out = pathlib.Path(folder) / "rows.safetensors"
    # Every frame of the video, so that there is time to interrupt.
    process = subprocess.Popen([TOOL, "compress", a_video(), "-m", MODEL, "--filters", "vtc_cls=keep=16", "-o",
                                out, "--window", "64k"], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL,
                               env=environment())
    time.sleep(delay)
    process.send_signal(number)
    started = time.monotonic()
    _, err = process.communicate(timeout=60)
    ended = process.returncode
    if ended == OK:
        return False # it was done before
    # Before the tool has begun, the signal acts as it does by default; a shell calls both the same.
    check(ended in (status, -number), f"signal {number} after {delay} s: status {status}", ended, err)
    check(time.monotonic() - started < 5, f"signal {number}: soon")
    check(err.count(b"\n") <= 1, f"signal {number}: at most one line", err)
    left = os.listdir(folder)
    if check(left in ([], [out.name]), f"signal {number}: no half-written file", left) and left: # the signal came when the work was done
        read_safetensors(out)
    return True


def pipe(folder):
    """A FIFO that nobody writes to: given up by itself, or when asked to."""
    fifo = pathlib.Path(folder) / "fifo"
    os.mkfifo(fifo)
    result = run("scenes", fifo)
    check(result.status == INPUT and result.text().count("\n") == 1 and "nobody writes" in result.text(),
          "a FIFO without a writer", result.text())
    process = subprocess.Popen([TOOL, "scenes", fifo], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL,
                               env=environment())
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    started = time.monotonic()
    process.communicate(timeout=60)
    check(process.returncode in (INTERRUPTED, -signal.SIGINT) and time.monotonic() - started < 5, "Ctrl-C while it waits",
          process.returncode)


def main():
    with tempfile.TemporaryDirectory() as folder:
        pipe(folder)
    caught = 0
    for number, status in ((signal.SIGINT, INTERRUPTED), (signal.SIGTERM, TERMINATED)):
        for delay in (0.02, 0.1, 0.2, 0.3):
            with tempfile.TemporaryDirectory() as folder:
                caught += interrupt(number, status, folder, delay)
    check(caught >= 2, "some runs were interrupted", caught)
    finish()


main()
