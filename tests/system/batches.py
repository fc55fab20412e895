# SPDX-License-Identifier: MIT
"""What the tests of winnow batch share: items, records without what differs from run to run."""
import json
import pathlib

from cli import *

# What differs from run to run. Reading on to the next frame wanted or beginning anew before it is decided
# by what each took so far, so that a busy machine decodes more frames or fewer, and keeps the same.
MEASURED = ("seconds", "timing", "peak_bytes", "device", "frames_decoded")


def make_manifest(path, n):
    """n short parts of the sample videos, and two that cannot be done."""
    lines = []
    for i in range(n):
        video = VIDEOS / ("two-minutes.mp4" if i % 3 else "three-scenes.mp4")
        start = i * 0.37 % 8
        lines.append({"id": f"item {i:03d}", "path": str(video), "start": start, "end": start + 0.6 + i % 4 / 4,
                      "meta": {"number": i}})
    lines[n // 3]["path"] = "not-there.mp4"
    lines[n // 2]["path"] = str(ROOT / "README.md")
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return [line["id"] for line in lines]


def bare(value):
    if isinstance(value, dict):
        return {k: bare(v) for k, v in value.items() if k not in MEASURED}
    return [bare(v) for v in value] if isinstance(value, list) else value


def read_records(*paths):
    """Every line must be whole; sorted by id."""
    records = []
    for path in paths:
        text = path.read_text() if path.exists() else ""
        check(text.endswith("\n") or not text, f"{path.name}: no torn line at its end")
        whole = [json.loads(line) for line in text.splitlines()]
        for media in (record["media"] for record in whole if record.get("media")):
            check(media["frames_decoded"] >= media["frames_kept"], "what is kept was decoded", media)
        records += [bare(record) for record in whole]
    return sorted(records, key=lambda r: r["id"])


def children(pid):
    try:
        return [int(p) for p in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
