# SPDX-License-Identifier: MIT
"""What the system tests share: running the tool, and counting what was as expected.

Every script is started as `script.py TOOL SOURCE_ROOT [sanitized]`; TOOL is the built winnow.
"""
import json
import os
import pathlib
import struct
import subprocess
import sys
import tempfile
import threading
import zlib

TOOL = pathlib.Path(sys.argv[1]).resolve()
ROOT = pathlib.Path(sys.argv[2]).resolve()
SANITIZED = "sanitized" in sys.argv[3:]
MODEL = ROOT / "samples" / "model" / "winnow-sample.gguf"
VIDEOS = ROOT / "samples" / "videos"
SHARED = ROOT.parent / "shared"
MEDIA = SHARED / "media"

# Exit statuses of the tool.
OK, USAGE, INPUT, DATA, UNSUPPORTED, LIMIT, MODEL_BAD = 0, 2, 3, 4, 5, 6, 7
NOMEM, OUTPUT, PARTIAL, INTERRUPTED, BROKEN_PIPE, TERMINATED = 9, 10, 11, 130, 141, 143

_counts = {"passed": 0, "failed": 0}


class Result:
    """How a run ended: status (negative: killed by that signal), output, seconds of the clock and
    of the processor, peak bytes."""

    def __init__(self, status, out, err, seconds, usage, timed_out):
        self.status, self.out, self.err = status, out, err
        self.seconds, self.timed_out = seconds, timed_out
        self.cpu, self.peak = usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024

    def json(self):
        return json.loads(self.out.decode("utf-8"))

    def text(self):
        return self.err.decode("utf-8", "replace")


def environment(extra=None, command=None):
    """A clean one: no WINNOW_* of the caller's, a cache of the tests' own. One thread: where tests
    share the cores, threads that wait for each other in the models would spin. No MALLOC_PERTURB_,
    which writes to all memory that is asked for, used or not: users' peaks are what is measured."""
    env = {k: v for k, v in os.environ.items()
           if not k.startswith("WINNOW_") and k not in ("NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE",
                                                        "MALLOC_PERTURB_")}
    env.setdefault("XDG_CACHE_HOME", os.path.join(tempfile.gettempdir(), "winnow-tests-cache"))
    env["WINNOW_THREADS"] = "1"
    env["WINNOW_NO_CACHE"] = "1" # what is tested is made each time; cache.py says otherwise
    if command == "info": # asks every Vulkan driver, and those leak
        env["ASAN_OPTIONS"] = "detect_leaks=0"
    env.update(extra or {})
    return env


def run(*args, env=None, limit=60, tool=None, stdout=None, cwd=None):
    """Runs the tool; limit in seconds (four times that under sanitizers)."""
    import time
    limit *= 4 if SANITIZED else 1
    argv = [os.fsencode(str(tool or TOOL))] + [a if isinstance(a, bytes) else str(a).encode()
                                              for a in args]
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        started = time.monotonic()
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=stdout or out, stderr=err,
                                   env=environment(env, args[0] if args else None), cwd=cwd)
        timer = threading.Timer(limit, process.kill)
        timer.start()
        _, status, usage = os.wait4(process.pid, 0)
        timed_out = not timer.is_alive()
        timer.cancel()
        seconds = time.monotonic() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        return Result(process.returncode, out.read(), err.read(), seconds, usage, timed_out)


def check(good, what, *details):
    """Counts; says what was not as expected."""
    _counts["passed" if good else "failed"] += 1
    if not good:
        print("FAIL:", what, *details, flush=True)
    return good


def check_end(result, allowed, what):
    """The run ended by itself, with one of the statuses allowed, and said one line where it failed."""
    allowed = {allowed} if isinstance(allowed, int) else set(allowed)
    said = [l for l in result.text().splitlines() if l]
    good = check(result.status in allowed and not result.timed_out, what,
                 f"status {result.status}, expected {sorted(allowed)}, {result.seconds:.1f} s;",
                 " / ".join(said[-3:]))
    if good and result.status not in (OK, PARTIAL):
        errors = [l for l in said if l.startswith("winnow: ") and not l.startswith("winnow: warning")]
        check(len(errors) == 1, f"{what}: one line says why", said[:5])
    check("Sanitizer" not in result.text() and "runtime error" not in result.text(),
          f"{what}: no sanitizer report", result.text()[-2000:])
    return good


def finish():
    print(f"{_counts['passed']} passed, {_counts['failed']} failed")
    sys.exit(1 if _counts["failed"] else 0)


def skip(why):
    print("skipped:", why)
    sys.exit(77)


def sample_videos():
    """(entry of questions.json, path of its video)"""
    listed = VIDEOS / "questions.json"
    if not listed.exists():
        skip("samples/videos has no questions.json")
    return [(entry, VIDEOS / entry["video"]) for entry in json.loads(listed.read_text())]


def a_video():
    """Any short video: a sample."""
    return sample_videos()[0][1]


def png(width, height, pixels=None, bits=8):
    """A PNG file's bytes; rows of zeros when pixels is None."""
    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))
    row = b"\0" + bytes((width * 3 * bits + 7) // 8 if bits == 8 else (width * bits + 7) // 8)
    packer = zlib.compressobj(9)
    data = b"".join(packer.compress(pixels[y] if pixels else row) for y in range(height))
    header = struct.pack(">IIBBBBB", width, height, bits, 2 if bits == 8 else 0, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data + packer.flush()) +
            chunk(b"IEND", b""))


def read_png_size(path):
    data = path.read_bytes()
    if data[:8] != b"\x89PNG\r\n\x1a\n":
        return None
    at, idat, size = 8, b"", None
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + length]
        crc, = struct.unpack(">I", data[at + 8 + length:at + 12 + length])
        if zlib.crc32(kind + body) != crc:
            return None
        if kind == b"IHDR":
            size = struct.unpack(">II", body[:8])
        idat += body if kind == b"IDAT" else b""
        at += 12 + length
    if not size or len(zlib.decompress(idat)) != size[1] * (1 + 3 * size[0]):
        return None
    return size


SIZES = {"F64": ("d", 8), "F32": ("f", 4), "F16": ("e", 2), "I64": ("q", 8), "I32": ("i", 4),
         "I16": ("h", 2)}


def read_safetensors(path):
    """(metadata, {name: (shape, flat list)})"""
    data = path.read_bytes()
    length, = struct.unpack("<Q", data[:8])
    header = json.loads(data[8:8 + length])
    meta = header.pop("__metadata__", {})
    body = data[8 + length:]
    tensors, covered = {}, 0
    for name, entry in header.items():
        code, size = SIZES[entry["dtype"]]
        begin, end = entry["data_offsets"]
        n = 1
        for d in entry["shape"]:
            n *= d
        assert end - begin == n * size and begin % size == 0, name
        covered += end - begin
        tensors[name] = (entry["shape"], list(struct.unpack(f"<{n}{code}", body[begin:end])))
    assert covered == len(body), "holes or trailing bytes"
    return meta, tensors
