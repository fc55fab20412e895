# SPDX-License-Identifier: MIT
"""Memory does not grow with a video's length: one minute against sixty, of the same pictures."""
import pathlib
import shutil
import subprocess
import tempfile

from cli import *

CHAIN = "scene,fps=2,vtc_cls=keep=16"


def repeat(video, seconds, out):
    subprocess.run(["ffmpeg", "-v", "error", "-nostdin", "-stream_loop", "-1", "-i", video, "-t", str(seconds),
                    "-map", "0:v", "-c", "copy", out], check=True)


def peak(folder, video, seconds):
    film = pathlib.Path(folder) / f"{seconds}.mp4"
    repeat(video, seconds, film)
    result = run("compress", film, "-m", MODEL, "--filters", CHAIN, "-o", film.with_suffix(".st"), "--json",
                 limit=900)
    if not check_end(result, OK, f"compress {seconds} s"):
        finish()
    told = result.json()
    print(f"{seconds} s: {told['frames']} frames, {told['tokens_after']} tokens, peak "
          f"{result.peak / 2**20:.1f} MiB, {result.seconds:.1f} s")
    check(told["frames"] >= 1.9 * seconds, "two frames a second", told["frames"])
    return result.peak


def main():
    if not shutil.which("ffmpeg"):
        skip("no ffmpeg program to make a long file with")
    with tempfile.TemporaryDirectory() as folder:
        video = a_video()
        one, sixty = peak(folder, video, 60), peak(folder, video, 3600)
        print(f"ratio {sixty / one:.3f}")
        check(sixty <= 1.2 * one, "peak memory at 60 minutes is at most 1.2 times that at one", sixty / one)
    finish()


main()
