# SPDX-License-Identifier: MIT
"""compress and inspect: their files are whole and agree with each other."""
import json
import os
import pathlib
import subprocess
import tempfile

from cli import *

CHAINS = ("scene,fps=4,vtc_cls=keep=16", "fps=4,pool", "fps=4,visionzip=keep=16", "fps=2",
          "fps=4,random=keep=0.25,budget=tokens=200")


def check_csr(meta, t, n):
    ptr, idx, weight = (t[f"source_csr_{k}"][1] for k in ("ptr", "idx", "w"))
    check(len(ptr) == n + 1 and ptr[0] == 0 and ptr == sorted(ptr) and ptr[-1] == len(idx) == len(weight),
          "W is a CSR matrix")
    before = int(meta["rows_before"])
    check(all(0 <= i < before for i in idx), "W's columns are rows of the file")
    check(t["weight"][1] == [float(b - a) for a, b in zip(ptr, ptr[1:])], "weight counts sources")
    check(t["frame_row0"][1][-1] == before and t["frame_row0"][1] == sorted(t["frame_row0"][1]),
          "frame_row0 counts rows")


def compress(video, chain, folder):
    path = pathlib.Path(folder) / "rows.safetensors"
    result = run("compress", video, "-m", MODEL, "--filters", chain, "-o", path, "--json")
    if not check_end(result, OK, f"compress {chain}"):
        return None
    told = result.json()
    meta, t = read_safetensors(path)
    n = told["tokens_after"]
    check(t["embeds"][0] == [n, told["width"]], f"{chain}: embeds", t["embeds"][0])
    check(all(t[k][0] == [n] for k in ("pos", "frame", "scene", "t_s", "row", "col", "weight")),
          f"{chain}: a value for each token")
    check(t["frame"][1] == sorted(t["frame"][1]) and t["t_s"][1] == sorted(t["t_s"][1]),
          f"{chain}: in order of time")
    check(t["scene"][1] == [t["frame_scene"][1][f] for f in t["frame"][1]], f"{chain}: scenes")
    check_csr(meta, t, n)
    check(meta["schema"] == "winnow-rows/1" and len(meta["model_xxh3_128"]) == 32 and
          len(meta["mmproj_xxh3_128"]) == 32, f"{chain}: metadata", meta)
    check(os.listdir(folder) == ["rows.safetensors"], "nothing else is left", os.listdir(folder))
    half = pathlib.Path(folder) / "rows16.safetensors"
    run("compress", video, "-m", MODEL, "--filters", chain, "-o", half, "--dtype", "f16")
    small = read_safetensors(half)[1]["embeds"][1]
    check(all(abs(a - b) <= 1e-3 * abs(a) + 1e-6 for a, b in zip(t["embeds"][1], small)),
          f"{chain}: f16 is f32 rounded")
    again = pathlib.Path(folder) / "again.safetensors"
    run("compress", video, "-m", MODEL, "--filters", chain, "-o", again)
    check(again.read_bytes() == path.read_bytes(), f"{chain}: the same bytes again")
    return told


def ask_again(video, chain, folder):
    """Rows in a file take the video's place, and no file breaks anything."""
    rows = pathlib.Path(folder) / "rows.safetensors"
    question = "what color is the circle?"
    asked = ("-m", MODEL, "--json", "-q")
    told = run("ask", video, question, *asked, "--filters", chain)
    read = run("ask", rows, question, *asked)
    if not check_end(told, OK, f"ask {chain}") or not check_end(read, OK, f"ask rows of {chain}"):
        return
    keys = ("answer", "prompt_cells", "tokens_before", "tokens_after", "frames")
    check([told.json()[k] for k in keys] == [read.json()[k] for k in keys], f"{chain}: rows answer as the video does",
          told.json(), read.json())
    half = run("ask", rows.with_name("rows16.safetensors"), question, *asked)
    check(half.status == OK and half.json()["answer"] == told.json()["answer"], f"{chain}: and as F16", half.text())
    bad = rows.with_name("bad.safetensors")
    whole = rows.read_bytes()
    for what, data in (("cut", whole[:len(whole) // 2]), ("empty", b""), ("no rows", whole.replace(b"embeds", b"embedz", 1)),
                       ("a lie", whole.replace(b"winnow-rows/1", b"winnow-rows/9", 1))):
        bad.write_bytes(data)
        result = run("ask", bad, question, "-m", MODEL)
        check(result.status == DATA and result.text().count("\n") == 1, f"{what}: one sentence", result.text())
    bad.unlink()
    result = run("ask", rows, question, "-m", MODEL, "--filters", "fps=1")
    check(result.status == USAGE, "what is done cannot be chosen", result.text())
    chat = subprocess.run([TOOL, "chat", rows, "-m", MODEL], input=f"{question}\n{question}\n".encode(),
                          capture_output=True, env=environment())
    check(chat.returncode == OK and chat.stdout.decode() == 2 * (told.json()["answer"] + "\n"), "and many questions",
          chat)


def inspect(video, chain, folder, told):
    out = pathlib.Path(folder) / "sheets"
    result = run("inspect", video, "-m", MODEL, "--filters", chain, "-o", out, "--per-page", "5")
    if not check_end(result, OK, f"inspect {chain}"):
        return
    numbers = json.loads((out / "inspect.json").read_text())
    frames = numbers["per_frame"]
    sheets = sorted(p for p in os.listdir(out) if p.endswith(".png"))
    check(sheets == [f"sheet-{i + 1:03d}.png" for i in range(numbers["sheets"])] and
          len(sheets) == (len(frames) + 4) // 5, f"{chain}: sheets", sheets)
    for sheet in sheets:
        check(read_png_size(out / sheet) is not None, f"{chain}: {sheet} is a whole PNG")
    check(sorted(os.listdir(out)) == sorted(sheets + ["inspect.json"]), "nothing else is left")
    check(all(f["kept"] + f["centers"] + f["merged"] + f["dropped"] == f["rows"] for f in frames),
          f"{chain}: every row has a fate")
    check(sum(f["sources"]["tokens"] for f in frames) == told["tokens_after"] == numbers["tokens_after"],
          f"{chain}: tokens agree with compress")


def main():
    video = a_video()
    for chain in CHAINS:
        with tempfile.TemporaryDirectory() as folder:
            told = compress(video, chain, folder)
            if told:
                ask_again(video, chain, folder)
                inspect(video, chain, folder, told)
    finish()


main()
