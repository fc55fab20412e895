# SPDX-License-Identifier: MIT
"""Files made to break a reader: each one ends as promised, soon, in little memory.

Some are made here; the rest come from a folder `shared` beside the project when it is there.
"""
import pathlib
import random
import subprocess
import tempfile

from cli import *

GIB = 1 << 30
BAD = (DATA,)
REFUSED = (DATA, UNSUPPORTED)
BIG = (DATA, LIMIT)

# shared/media/nasty: statuses allowed, and what else `scenes --json` must tell.
NASTY = {
    "empty.mp4": (BAD, {}),
    "one_byte.mkv": (BAD, {}),
    "trunc_no_moov.mp4": (BAD, {}),
    "trunc_half_faststart.mp4": (OK, {"frames": (24, 25), "partial": True}),
    "trunc_header_only.mp4": (BAD, {}),
    "png_named.mp4": (OK, {"still": True}),
    "mp4_named.jpg": (OK, {"frames": (51, 51)}),
    "text_named.mp4": (BAD, {}),
    "random_bytes.mp4": (BAD, {}),
    "hls_local_file.mp4": (REFUSED, {}),
    "hls_http.m3u8": (REFUSED, {}),
    "ffconcat_escape.mp4": (REFUSED, {}),
    "one_pixel_red.png": ((OK, UNSUPPORTED), {}),
    "one_pixel.mkv": ((OK, UNSUPPORTED), {}),
    "two_pixel.mp4": (OK, {"frames": (5, 5)}),
    "bomb_16000x16000_1bit.png": (LIMIT, {"peak": 200 << 20}),
    "bomb_30000x30000_1bit.png": (BIG, {"peak": 200 << 20}),
    "header_100000x100000.png": (BIG, {}),
    "header_zero_width.png": (BAD, {}),
    "bad_crc.png": ((OK, DATA), {}),
    "strip_16384x16.avi": ((OK, LIMIT), {}),
    "tall_16x8192.mkv": ((OK, LIMIT), {}),
    "gif_65535x65535.gif": (BIG, {}),
    "gif_4096x4096_200frames.gif": (OK, {"frames": (200, 200), "scenes": 1}),
    "container_dims_lie_32000.mp4": (OK, {"frames": (51, 51), "width": 320}),
    "audio_only.mp4": (BAD, {}),
    "mp3_with_cover.mp3": (BAD, {}),
    "subs_only.srt": (BAD, {}),
    "single_frame.mp4": (OK, {"frames": (1, 1), "scenes": 1}),
    "ts_timestamps_reset.ts": (OK, {"frames": (140, 140)}),
    "pts_unordered_decord.mov": (OK, {"frames": (4, 4)}),
    "pts_backwards.nut": (OK, {"frames": (51, 51)}),
    "all_pts_zero.mkv": (OK, {"frames": (51, 51)}),
    "gap_one_hour.mkv": (OK, {"frames": (51, 51)}),
    "no_duration_no_cues.mkv": (OK, {"frames": (51, 51)}),
    "edit_list_trim.mp4": (OK, {"frames": (34, 34)}),
    "starts_mid_gop.ts": (OK, {"frames": (20, 26)}),
    "res_change_320_640.ts": (OK, {"frames": (76, 76)}),
    "res_and_pixfmt_change.h264": (OK, {"frames": (50, 50)}),
    "corrupt_60_bitflips.mp4": (OK, {"partial": True}),
    "corrupted_real_decord.mp4": (OK, {"partial": True, "frames": (45, 50)}),
    "mdat_all_random.mp4": (BAD, {}),
    "stsz_count_huge.mp4": (BAD, {}),
    "stco_past_end.mp4": (BAD, {}),
    "static_2h_5fps.mp4": (OK, {"frames": (36000, 36000), "scenes": 1, "seconds": 60}),
    "encrypted_cenc.mp4": (UNSUPPORTED, {"says": "encrypted"}),
    "cmyk.jpg": ((OK, UNSUPPORTED), {}),
    "trunc.jpg": (OK, {"partial": True}),
    "svg_entity_bomb.svg": (REFUSED, {}),
    "ebml_size_2e56.mkv": (BAD, {}),
    "interlaced.mpg": (OK, {"frames": (99, 99)}),
}
FOLDERS = {"seq_gap", "gguf", "safetensors", "manifests"}
PASSIVE = {"EXPECTED.md"}


def outcome(path, name, allowed, want):
    limit = want.get("seconds", 10)
    # The processor's time: that of the clock says more about what else this machine does.
    asked = run("ask", path, "what color is the circle?", "-m", MODEL, limit=12 * limit)
    seen = run("scenes", path, "--json", limit=12 * limit)
    for result, what in ((asked, f"ask {name}"), (seen, f"scenes {name}")):
        check_end(result, allowed, what)
        if not SANITIZED:
            check(result.cpu <= limit, f"{what}: within {limit} s", f"{result.cpu:.1f} s")
            check(result.peak <= want.get("peak", GIB), f"{what}: memory", result.peak >> 20, "MiB")
        check(result.err.count(b"\n") <= 8, f"{what}: few messages", result.text()[:600])
    if seen.status != OK:
        check(want.get("says", "") in seen.text(), f"{name}: says {want.get('says')}", seen.text())
        return
    media, scenes = seen.json()["media"], seen.json()["scenes"]
    low, high = want.get("frames", (1, 1 << 40))
    check(low <= media["frames_decoded"] <= high, f"{name}: frames", media["frames_decoded"], (low, high))
    for key in ("partial", "still", "width"):
        check(key not in want or media[key] == want[key], f"{name}: {key}", media)
    check(len(scenes) == want.get("scenes", len(scenes)), f"{name}: scenes", scenes)
    times = [t for s in scenes for t in (s["start_s"], s["end_s"])]
    check(times == sorted(times) and times[0] >= 0, f"{name}: times never go back", times)
    if want.get("partial"):
        check_end(run("scenes", path, "--strict"), PARTIAL, f"{name} --strict")


def playlist_is_shut(path):
    """No file that a playlist names is opened, no connection is made."""
    try:
        traced = subprocess.run(["strace", "-f", "-e", "trace=openat,open,connect", TOOL, "scenes", path],
                                capture_output=True, text=True, env=environment(), timeout=120)
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return
    if "PTRACE" in traced.stderr or SANITIZED:
        return
    for target in ("/etc/hostname", "car_h264.mp4", "connect("):
        check(target not in traced.stderr, f"{path.name}: {target} is left alone")


def made_here(folder):
    video = a_video().read_bytes()
    noise = random.Random(7).randbytes(65536)
    flipped = bytearray(video)
    for i in range(60):
        flipped[len(video) // 4 + i * (len(video) // 90)] ^= 1 << i % 8
    files = {
        "empty.mp4": (b"", BAD), "one.mkv": (b"\x1a", BAD), "text.mp4": (b"not a film\n" * 40, BAD),
        "noise.webm": (noise, BAD), "head.mp4": (video[:40], BAD),
        "list.m3u8": (b"#EXTM3U\n#EXTINF:1,\nfile:///etc/hostname\n#EXT-X-ENDLIST\n", REFUSED),
        "list.mp4": (b"ffconcat version 1.0\nfile ../a.mp4\n", REFUSED),
        "bomb.png": (png(16000, 16000, bits=1), LIMIT), "small.png": (png(1, 1), (OK, UNSUPPORTED)),
        "strip.png": (png(4000, 2), (OK, UNSUPPORTED, LIMIT)),
        "flipped.mp4": (bytes(flipped), (OK, DATA, UNSUPPORTED, LIMIT)),
        "cut.mp4": (video[:len(video) * 2 // 3], (OK, DATA)),
    }
    for name, (data, allowed) in files.items():
        path = pathlib.Path(folder) / name
        path.write_bytes(data)
        outcome(path, f"own {name}", allowed, {})
    playlist_is_shut(pathlib.Path(folder) / "list.m3u8")
    for name in ("empty.mp4", "noise.webm", "text.mp4", "head.mp4"):
        check_end(run("ask", a_video(), "what?", "-m", pathlib.Path(folder) / name), MODEL_BAD, f"model {name}")


def shared():
    nasty = MEDIA / "nasty"
    for path in sorted(nasty.iterdir()):
        if path.name in PASSIVE or path.name in FOLDERS:
            continue
        outcome(path, path.name, *NASTY.get(path.name, (OK, {})))
    for name in ("hls_local_file.mp4", "hls_http.m3u8", "ffconcat_escape.mp4"):
        playlist_is_shut(nasty / name)
    cover = run("scenes", nasty / "mp3_with_cover.mp3", "--allow-cover", "--json")
    check(cover.status == OK and cover.json()["media"]["still"], "--allow-cover", cover.text())
    for path in sorted((nasty / "gguf").iterdir()):
        bad = run("ask", a_video(), "what?", "-m", path, "--mmproj", MODEL.with_name("winnow-sample-mmproj.gguf"))
        check_end(bad, MODEL_BAD, f"model {path.name}")
        bad = run("ask", a_video(), "what?", "-m", MODEL, "--mmproj", path)
        check_end(bad, MODEL_BAD, f"mmproj {path.name}")


def main():
    with tempfile.TemporaryDirectory() as folder:
        made_here(folder)
    if (MEDIA / "nasty").exists():
        shared()
    else:
        print("only what is made here: no folder `shared/media/nasty` beside the project")
    finish()


main()
