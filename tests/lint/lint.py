# SPDX-License-Identifier: MIT
"""What a compiler does not see: `python3 lint.py SOURCE_ROOT CHECK [ARGUMENT...]`

layers           decode, vision, compress and llm include pipeline/ and their own folder only;
                 winnow.h nothing of ours; samples/ the public header only
style            SPDX line, tabs, trailing blanks, line length, banned calls
symbols LIB      the library exports wn_* and nothing else, and all of winnow.h
readme TOOL      the README's table of filters equals `winnow filters --markdown`
quotes           code that a document shows as a file's is that file's
kernels          every kernel is in a shader, a test and a filter or a shared piece
"""
import pathlib
import re
import shutil
import subprocess
import sys

FOLDERS = ("decode", "vision", "compress", "llm")
BANNED = re.compile(r"\b(sprintf|vsprintf|strcpy|strcat|strtok|atoi|atol|atof|gets|rand)\s*\(")
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)


def sources(root, suffixes):
    command = ["git", "-C", root, "ls-files", "-co", "--exclude-standard"]
    listed = subprocess.run(command, capture_output=True, text=True) if shutil.which("git") else None
    names = listed.stdout.split("\n") if listed and listed.stdout else [
        str(p.relative_to(root)) for p in root.rglob("*") if p.is_file()]
    for name in names:
        path = root / name
        if name and not name.startswith("build") and path.suffix in suffixes and path.exists():
            yield name, path


def layers(root):
    bad = []
    for name, path in sources(root, {".c", ".h"}):
        top = name.split("/")[0]
        for include in INCLUDE.findall(path.read_text()):
            target = (path.parent / include).resolve()
            if not target.exists():
                target = (root / include).resolve()
            if not target.exists():
                continue # made by the build, or a library's
            other = target.relative_to(root).parts[0]
            if top in FOLDERS and other not in (top, "pipeline"):
                bad.append(f"{name}: includes {include}")
            if top == "pipeline" and other != "pipeline":
                bad.append(f"{name}: pipeline includes {include}")
            if top == "samples" and other == "pipeline" and target.name != "winnow.h":
                bad.append(f"{name}: samples include only winnow.h, not {include}")
    return bad


def style(root):
    bad = []
    for name, path in sources(root, {".c", ".h", ".comp", ".glsl", ".sh", ".py", ".build", ".in"}):
        text = path.read_text()
        lines = text.split("\n")
        if "SPDX-License-Identifier: MIT" not in "\n".join(lines[:3]):
            bad.append(f"{name}:1: no SPDX line")
        if text and not text.endswith("\n"):
            bad.append(f"{name}: no newline at its end")
        for number, line in enumerate(lines, 1):
            if "\t" in line:
                bad.append(f"{name}:{number}: tab")
            if line != line.rstrip():
                bad.append(f"{name}:{number}: trailing blank")
            if len(line) > 100 and path.suffix in (".c", ".h", ".comp", ".glsl"):
                bad.append(f"{name}:{number}: {len(line)} characters")
            if path.suffix in (".c", ".h") and BANNED.search(re.sub(r'".*?"|/\*.*?\*/', "", line)):
                bad.append(f"{name}:{number}: banned call")
    return bad


def symbols(root, library):
    out = subprocess.run(["nm", "-D", "--defined-only", library], capture_output=True, text=True,
                         check=True).stdout
    have = {line.split()[-1].split("@")[0] for line in out.splitlines()}
    header = (root / "pipeline" / "winnow.h").read_text()
    want = set(re.findall(r"WN_API[^;(]*?\b(wn_\w+)\s*\(", header))
    bad = [f"exported but not wn_*: {s}" for s in sorted(have) if not s.startswith("wn_")]
    bad += [f"exported but not in winnow.h: {s}" for s in sorted(have - want) if s.startswith("wn_")]
    bad += [f"in winnow.h but not exported: {s}" for s in sorted(want - have)]
    return bad


def readme(root, tool):
    table = subprocess.run([tool, "filters", "--markdown"], capture_output=True, text=True,
                           check=True).stdout.strip()
    text = (root / "README.md").read_text()
    match = re.search(r"<!-- filters -->\n(.*?)\n<!-- /filters -->", text, re.S)
    if not match:
        return ["README.md has no table of filters"]
    if match.group(1).strip() != table:
        return ["README.md: the table of filters is not what `winnow filters --markdown` prints"]
    return []


def quotes(root):
    bad, shown = [], 0
    for path in sorted((root / "docs").glob("*.md")):
        for file, code in re.findall(r"<!-- file: (\S+) -->\n```\w*\n(.*?)```\n", path.read_text(),
                                     re.S):
            shown += 1
            if not (root / file).exists() or (root / file).read_text() != code:
                bad.append(f"{path.name}: what it shows is not {file}")
    return bad if shown else ["no document shows a file"]


def kernels(root):
    build = (root / "compress" / "meson.build").read_text()
    names = re.findall(r"'(\w+)'", re.search(r"^kernels = \[(.*?)\]", build, re.S | re.M).group(1))
    used = "".join(p.read_text() for n, p in sources(root, {".c"})
                   if n.startswith("compress/") and not n.startswith("compress/kernels/"))
    bad = [f"kernel {n}: no filter or shared piece calls it" for n in names
           if not re.search(rf"WN_CALL\(b, {n},|wn_kernel_{n}\b", used)]
    for n in names:
        for file in (f"compress/kernels/{n}.c", f"shaders/{n}.comp", f"tests/kernels/{n}.c"):
            if not (root / file).exists():
                bad.append(f"kernel {n}: {file} is missing")
    return bad if names else ["no kernels are listed"]


def main(argv):
    root = pathlib.Path(argv[1]).resolve()
    bad = globals()[argv[2]](root, *argv[3:])
    print("\n".join(bad) if bad else f"{argv[2]}: clean")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
