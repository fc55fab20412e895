# SPDX-License-Identifier: MIT
"""One way of another library to n frames spread evenly, as RGB of one size; run by decode.py.

    decode_peers.py list
    decode_peers.py WAY FILE N SIDE THREADS
"""
import json
import os
import sys
import time


def targets(duration, n):
    return [(i + 0.5) * duration / n for i in range(n)]


def pyav(path, n, side, threads, seek):
    import av
    av.logging.set_level(av.logging.PANIC)
    if hasattr(av.logging, "restore_default_callback"):
        av.logging.restore_default_callback() # PyAV's own takes Python's lock on libav's threads
    container = av.open(path)
    stream = container.streams.video[0]
    stream.thread_type = "AUTO"
    stream.codec_context.thread_count = threads
    base, start = float(stream.time_base), stream.start_time or 0
    duration = float(stream.duration * stream.time_base) if stream.duration else container.duration / av.time_base
    took, pictures, at, frame = [], None, -1.0, None

    def give(f):
        took.append(f.reformat(width=side, height=side, format="rgb24").to_ndarray())

    for t in targets(duration, n):
        if seek:
            container.seek(int(t / base) + start, stream=stream, backward=True, any_frame=False)
            pictures, frame = container.decode(stream), None
        elif pictures is None:
            pictures = container.decode(stream)
        while True:
            ahead = next(pictures, None)
            if ahead is None:
                break
            if (ahead.pts - start) * base > t + 1e-3:
                break
            frame = ahead
        give(frame if frame is not None else ahead)
        if ahead is not None:
            frame = ahead
    return len(took)


def opencv(path, n, side, threads, seek):
    import cv2
    cv2.setNumThreads(threads)
    capture = cv2.VideoCapture(path, cv2.CAP_FFMPEG)
    count = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    wanted, took, at = [int((i + 0.5) * count / n) for i in range(n)], 0, 0

    for number in wanted:
        if seek:
            capture.set(cv2.CAP_PROP_POS_FRAMES, number)
            good, picture = capture.read()
        else:
            while at <= number and capture.grab():
                at += 1
            good, picture = capture.retrieve()
        if good:
            cv2.cvtColor(cv2.resize(picture, (side, side), interpolation=cv2.INTER_LINEAR), cv2.COLOR_BGR2RGB)
            took += 1
    return took


def decord(path, n, side, threads):
    import decord as d
    reader = d.VideoReader(path, width=side, height=side, num_threads=threads)
    return len(reader.get_batch([int((i + 0.5) * len(reader) / n) for i in range(n)]).asnumpy())


WAYS = {
    "pyav_seek": ("av", lambda *a: pyav(*a, seek=True)),
    "pyav_through": ("av", lambda *a: pyav(*a, seek=False)),
    "cv_seek": ("cv2", lambda *a: opencv(*a, seek=True)),
    "cv_grab": ("cv2", lambda *a: opencv(*a, seek=False)),
    "decord": ("decord", decord),
}


def has(module):
    try:
        __import__(module)
    except Exception:
        return False
    return True


def main():
    if sys.argv[1] == "list":
        print(" ".join(name for name, (module, _) in WAYS.items() if has(module)))
        return
    name, path, n, side, threads = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:6])
    module, way = WAYS[name]
    __import__(module)
    began, worked = time.perf_counter(), time.process_time()
    count = way(path, n, side, threads)
    print(json.dumps({"seconds": time.perf_counter() - began, "cpu": time.process_time() - worked, "n": count}),
          flush=True)
    os._exit(0) # PyAV's decoders may wait for each other when they are torn down half way


main()
