# SPDX-License-Identifier: MIT
"""Memory does not grow with a video's length: one minute against sixty, of the same pictures, and of
key frames alone against ten hours."""
import pathlib
import shutil
import subprocess
import tempfile

from cli import *

CHAIN = "scene,fps=2,vtc_cls=keep=16"
KEYS = "keyframes=max=64,vtc_cls=keep=16"


def repeat(video, seconds, out):
    subprocess.run(["ffmpeg", "-v", "error", "-nostdin", "-stream_loop", "-1", "-i", video, "-t", str(seconds),
                    "-map", "0:v", "-c", "copy", out], check=True)


def peak(folder, video, seconds, chain, least):
    film = pathlib.Path(folder) / f"{seconds}.mp4"
    if not film.exists():
        repeat(video, seconds, film)
    result = run("compress", film, "-m", MODEL, "--filters", chain, "-o", film.with_suffix(".st"), "--json",
                 limit=900)
    if not check_end(result, OK, f"compress {seconds} s"):
        finish()
    told = result.json()
    print(f"{seconds} s: {told['frames']} frames, {told['tokens_after']} tokens, peak "
          f"{result.peak / 2**20:.1f} MiB, {result.seconds:.1f} s")
    check(told["frames"] >= least, f"at least {least} frames", told["frames"])
    return result.peak


def main():
    if not shutil.which("ffmpeg"):
        skip("no ffmpeg program to make a long file with")
    with tempfile.TemporaryDirectory() as folder:
        video = a_video()
        for chain, seconds, least in ((CHAIN, 3600, (114, 6840)), (KEYS, 36000, (1, 64))):
            one, longer = peak(folder, video, 60, chain, least[0]), peak(folder, video, seconds, chain, least[1])
            print(f"ratio {longer / one:.3f}")
            check(longer <= 1.2 * one, f"peak memory at {seconds} s is at most 1.2 times that at 60", longer / one)
    finish()


main()
