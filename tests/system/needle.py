# SPDX-License-Identifier: MIT
"""Two films of three minutes in which one thing shows for seconds: every strategy tells it, and when.

The short version of tests/bench/needle.py, which rendered needle/ (--videos 2 --minutes 3 --keep)."""
import shutil

from cli import *

FILMS = pathlib.Path(__file__).parent / "needle"


def bench(folder):
    return subprocess.run([sys.executable, ROOT / "tests" / "bench" / "needle.py", TOOL, folder, "--videos", "2",
                           "--minutes", "3", "--keep", "--model", MODEL], capture_output=True, text=True,
                          env=environment({"PYTHONDONTWRITEBYTECODE": "1"}))


def main():
    check(b"winnow.prompt.note" in MODEL.read_bytes()[:1 << 16], "the sample model knows notes")
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for path in FILMS.iterdir():
            shutil.copy(path, folder)
        result = bench(folder)
        if not check(result.returncode == 0, "the bench runs", result.stderr[-2000:]):
            finish()
        print(result.stdout)
        told = (folder / "answers.jsonl").read_text()
        records = [json.loads(line) for line in told.splitlines()]
        check(len(records) == 6, "two films, three strategies", len(records))
        for r in records:
            what = f"{r['video']} by {r['strategy']}"
            check(r["right"], f"{what}: the answer", r["told"], r["answer"])
            check(r["time_right"], f"{what}: the time", r["time"], r["shown"])
            check(0 < r["most_cells"] <= 2048, f"{what}: the budget", r["most_cells"])
        again = bench(folder)
        check(again.returncode == 0 and (folder / "answers.jsonl").read_text() == told and
              again.stdout == result.stdout, "what was asked is not asked again", again.stdout, again.stderr)
    finish()


main()
