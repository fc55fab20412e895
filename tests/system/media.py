# SPDX-License-Identifier: MIT
"""Asks about every public clip and photo in a folder `shared` beside the project."""
from cli import *

# What cannot be shown must say so: these may end with DATA or UNSUPPORTED.
REFUSED = {"fox.avif": ("AVIF", "avif"), "car_anim.webp": ("WebP", "webp")}
SKIPPED = {"car_frames"}

# What `scenes` must tell of some of them.
FACTS = {
    "psd_counter.mp4": {"width": 1920, "height": 1080, "frames": 30},
    "phone_rot90.mp4": {"width": 400, "height": 480, "rotation": (90, 270, -90)},
    "anamorphic_720x576_dar16x9.mp4": {"width": 1024, "height": 576},
    "slides_en.mp4": {"cuts": {0, 4, 8, 12, 16}},
    "vfr_drop3.mp4": {"duration": (11.7, 12.1)},
    "bottle_start600s.ts": {"start": 0},
}


def facts(path):
    want = FACTS.get(path.name)
    if not want:
        return
    result = run("scenes", path, "--json", limit=120)
    if not check_end(result, OK, f"scenes {path.name}"):
        return
    told = result.json()
    media, scenes = told["media"], told["scenes"]
    for key in ("width", "height"):
        check(key not in want or media[key] == want[key], f"{path.name}: {key}", media[key])
    check("frames" not in want or media["frames_decoded"] == want["frames"], f"{path.name}: frames", media)
    check("rotation" not in want or media["rotation"] in want["rotation"], f"{path.name}: rotation", media)
    # The detector may miss a cut between slides of one ground, but must not make one up.
    starts = {round(s["start_s"], 2) for s in scenes}
    check("cuts" not in want or (starts <= want["cuts"] and len(starts) >= 4), f"{path.name}: scenes", scenes)
    low, high = want.get("duration", (0, 1e9))
    check(low <= media["duration_s"] <= high, f"{path.name}: duration", media["duration_s"])
    check(scenes[0]["start_s"] < 0.1, f"{path.name}: begins at 0", scenes[0])


def main():
    if not MEDIA.exists():
        skip("no folder `shared/media` beside the project")
    worst = (0, "")
    for folder in ("clips", "photos", "codecs"):
        for path in sorted((MEDIA / folder).iterdir()):
            if path.name in SKIPPED or path.suffix == ".md":
                continue
            result = run("ask", path, "what color is the circle?", "-m", MODEL, "--json", limit=120)
            if path.name in REFUSED:
                # A newer FFmpeg may well show it.
                if check_end(result, (OK, DATA, UNSUPPORTED), f"ask {path.name}") and result.status:
                    check(any(w in result.text() for w in REFUSED[path.name]),
                          f"{path.name}: the message names the format", result.text())
                continue
            if check_end(result, OK, f"ask {path.name}"):
                told = result.json()
                check(told["answer"].strip() and told["tokens_after"] > 0, f"{path.name}: an answer", told)
            worst = max(worst, (result.seconds, path.name))
            facts(path)
    print(f"slowest: {worst[1]}, {worst[0]:.1f} s")
    finish()


main()
