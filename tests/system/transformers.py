# SPDX-License-Identifier: MIT
"""Exported rows in Hugging Face transformers: the tokens of the prompt, the logits and the answer are
llama.cpp's. Skipped without a Python that has samples/transformers/requirements.txt.

    transformers.py TOOL SOURCE_ROOT ROWS_LOGITS

The Python is $WINNOW_PYTHON, or that of samples/transformers/venv.
"""
import os
import pathlib
import subprocess
import sys
import tempfile

from cli import *

CASES = (("three-scenes.mp4", "fps=1,vtc_cls=keep=8", "what color is the circle?"), # rows that were chosen
         ("two-scenes.webm", "fps=1,visionzip=keep=16", "how many shapes are there?"), # and made
         ("picture.png", "off", "what is there?"))


def interpreter():
    python = os.environ.get("WINNOW_PYTHON") or ROOT / "samples" / "transformers" / "venv" / "bin" / "python"
    try:
        found = subprocess.run([python, "-c", "import torch, transformers, safetensors, gguf"], capture_output=True,
                               timeout=600).returncode == 0
    except OSError:
        found = False
    if not found:
        print("skipped: no Python with samples/transformers/requirements.txt; name one in WINNOW_PYTHON")
        sys.exit(77)
    return python


def main():
    python = interpreter()
    with tempfile.TemporaryDirectory() as folder:
        for name, chain, question in CASES:
            rows, theirs = pathlib.Path(folder) / "rows.safetensors", pathlib.Path(folder) / "theirs"
            check_end(run("compress", VIDEOS / name, "-m", MODEL, "--filters", chain, "-o", rows), OK, f"compress {name}")
            with theirs.open("wb") as out:
                made = subprocess.run([sys.argv[3], MODEL, rows, question], stdout=out, env=environment())
            check(made.returncode == 0, f"{name}: llama.cpp's logits")
            told = subprocess.run([python, ROOT / "samples" / "transformers" / "rows.py", MODEL, rows, question,
                                   "--check", theirs], capture_output=True, text=True, timeout=1200)
            check(told.returncode == 0 and "the same" in told.stderr, f"{name}: logits agree", told.stdout, told.stderr)
            asked = run("ask", rows, question, "-m", MODEL, "-q")
            check(told.stdout == asked.out.decode(), f"{name}: the same answer", told.stdout, asked.out)
            print(f"{name}: {told.stderr.strip()}")
    finish()


main()
