# SPDX-License-Identifier: MIT
"""Films with known cuts: shots of drawn textures (and of the clips in a folder of media, where
there is one) joined by hard cuts, dissolves and fades, with flashes and fast motion inside.

    render(path, seed, shots, encode, media) -> [(first, last, kind)]: frames between which each
    boundary lies, a hard cut (n, n) being the first frame of the new shot.

Shots last 2 to 10 seconds, 5 on average; of the boundaries 72 % are cuts, 15 % dissolves of 10 to 29
frames, 13 % fades through black of 16 to 30. A third of the shots has a flash or two, a tenth of the
drawn ones fast motion. None of this is known to what is measured.

Needs numpy and OpenCV (which PySceneDetect brings) and the ffmpeg program.
"""
import pathlib
import subprocess

import cv2
import numpy as np

FPS = 25


def texture(rng, width, height):
    """Coloured clouds with shapes on them: detail at every scale, and a look of its own."""
    out = np.zeros((height, width, 3), np.float32)
    for octave in range(2, 8):
        n = 2 ** octave
        coarse = rng.random((max(2, n * height // width), n, 3), np.float32) - 0.5
        out += cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC) / 1.5 ** octave
    low, high = sorted(rng.uniform(0, 255, 2))
    high = min(255, max(high, low + 90))
    out = (out - out.min()) / (out.max() - out.min()) * (high - low) + low
    out = np.clip(out * rng.uniform(0.5, 1.1, 3), 0, 255)
    for _ in range(rng.integers(3, 15)):
        centre = tuple(int(v) for v in rng.uniform(0, [width, height]))
        cv2.circle(out, centre, int(rng.uniform(0.02, 0.15) * width),
                   [float(v) for v in rng.uniform(0, 255, 3)], -1, cv2.LINE_AA)
    return out.astype(np.uint8)


def drawn(rng, n, width, height):
    """A camera over a texture: still, drifting, zooming or rushing; a thing moves in front."""
    scale = 3
    picture = texture(rng, width * scale, height * scale)
    kind = rng.choice(["still", "pan", "zoom", "hand", "fast"], p=[0.25, 0.25, 0.2, 0.2, 0.1])
    speed = rng.uniform(0.3, 2) if kind == "pan" else rng.uniform(12, 25)
    angle, grow = rng.uniform(0, 2 * np.pi), rng.choice([-1, 1]) * rng.uniform(0.0005, 0.003)
    x, y = width * scale / 2, height * scale / 2
    thing = rng.uniform(0.2, 0.8, 2) * [width, height]
    pace, colour = rng.uniform(-6, 6, 2), [int(v) for v in rng.uniform(0, 255, 3)]
    zoom = 1.0
    for i in range(n):
        if kind in ("pan", "fast"):
            x, y = x + speed * np.cos(angle), y + speed * np.sin(angle)
            if not width * 0.6 < x < width * (scale - 0.6):
                angle = np.pi - angle
            if not height * 0.6 < y < height * (scale - 0.6):
                angle = -angle
            x = np.clip(x, width * 0.6, width * (scale - 0.6))
            y = np.clip(y, height * 0.6, height * (scale - 0.6))
        elif kind == "zoom":
            zoom *= 1 + grow
        elif kind == "hand":
            x, y = x + rng.normal(0, 1.2), y + rng.normal(0, 1.2)
        matrix = np.float32([[zoom, 0, width / 2 - zoom * x], [0, zoom, height / 2 - zoom * y]])
        frame = cv2.warpAffine(picture, matrix, (width, height), borderMode=cv2.BORDER_REFLECT)
        thing = thing + pace
        pace = np.where((thing < 0) | (thing > [width, height]), -pace, pace)
        cv2.circle(frame, tuple(int(v) for v in thing), height // 9, colour, -1, cv2.LINE_AA)
        yield frame


def filmed(rng, n, width, height, clip):
    """n frames of a clip from somewhere inside, back and forth where it is too short."""
    capture = cv2.VideoCapture(str(clip))
    frames = []
    skip = int(rng.integers(0, max(1, int(capture.get(cv2.CAP_PROP_FRAME_COUNT)) - n)))
    while len(frames) < n + skip:
        good, frame = capture.read()
        if not good:
            break
        frames.append(frame if len(frames) >= skip else None)
    frames = [cv2.resize(f, (width, height), interpolation=cv2.INTER_AREA) for f in frames[skip:]]
    for i in range(n):
        k = i % max(1, 2 * len(frames) - 2)
        yield frames[k if k < len(frames) else 2 * len(frames) - 2 - k]


# Clips of one shot each, whose content moves like film.
CLIPS = ("traffic_car_detection.mp4", "bottles.mp4", "sign_walk.mkv", "rabbit320.mp4", "frog.webm",
         "cockatoo_seektrap_444.mp4", "carphone_pristine.mp4", "phone_rot90.mp4",
         "worker_odd333x187_444.mp4")


def encoder(path, width, height, arguments):
    return subprocess.Popen(
        ["ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "bgr24", "-s",
         f"{width}x{height}", "-r", str(FPS), "-i", "-", *arguments, "-pix_fmt", "yuv420p",
         str(path)], stdin=subprocess.PIPE)


def plan(rng, shots):
    """Length of each shot and how it joins the one before: (frames, kind, frames of the join)."""
    out = []
    for i in range(shots):
        kind = "start" if i == 0 else str(rng.choice(["cut", "dissolve", "fade"],
                                                     p=[0.72, 0.15, 0.13]))
        join = {"cut": 0, "start": 0, "dissolve": int(rng.integers(10, 30)),
                "fade": 2 * int(rng.integers(8, 16))}[kind]
        length = int(np.clip(rng.gamma(3, 38) + 20, 2 * FPS, 10 * FPS))
        out.append((length + 2 * join, kind, join))
    return out


def mix(a, b, share):
    return cv2.addWeighted(a, 1 - share, b, share, 0)


def render(path, seed, shots, arguments, media=None, width=640, height=360):
    rng = np.random.default_rng(seed)
    clips = [pathlib.Path(media) / name for name in CLIPS] if media else []
    clips = [c for c in clips if c.exists()]
    process = encoder(path, width, height, arguments)
    truth, written, tail = [], 0, []
    planned = plan(rng, shots)

    def put(frame):
        nonlocal written
        process.stdin.write(np.ascontiguousarray(frame).tobytes())
        written += 1

    for i, (n, kind, join) in enumerate(planned):
        source = filmed(rng, n, width, height, clips[rng.integers(len(clips))]) \
            if clips and rng.random() < 0.5 else drawn(rng, n, width, height)
        frames = list(source)
        if rng.random() < 0.35 and n > join + 75:  # a flash or two
            at = int(rng.integers(join + 15, n - 45))
            for k in range(int(rng.integers(1, 3))):
                frames[at + k] = mix(frames[at + k], np.full_like(frames[0], 255),
                                     float(rng.uniform(0.7, 1)))
        keep = planned[i + 1][2] if i + 1 < shots else 0
        if kind == "cut":
            truth.append((written, written, kind))
        elif kind == "dissolve":
            truth.append((written, written + join, kind))
            for k in range(join):
                put(mix(tail[k], frames[k], (k + 1) / (join + 1)))
        elif kind == "fade":
            truth.append((written, written + join, kind))
            half = join // 2
            for k in range(half):
                put(mix(tail[k], np.zeros_like(tail[k]), (k + 1) / half))
            for k in range(half, join):
                put(mix(np.zeros_like(frames[k]), frames[k], (k + 1 - half) / half))
        for frame in frames[join:n - keep]:
            put(frame)
        tail = frames[n - keep:]
    process.stdin.close()
    if process.wait():
        raise SystemExit("ffmpeg could not encode a film")
    return truth
