# SPDX-License-Identifier: MIT
"""A staged installation is complete: the tool runs, and a program builds through pkg-config.

    install.py TOOL SOURCE_ROOT BUILD_ROOT MESON
"""
import os
import pathlib
import subprocess
import tempfile

from cli import *

PROGRAM = """
#include <stdio.h>
#include <winnow.h>
int main(void)
{
    struct wn_session *s = NULL;
    int err = wn_open(&s, wn_params(.n_threads = 1));
    printf("%d %s %u\\n", err, wn_strerror(err), wn_version());
    wn_close(&s);
    return err != 0;
}
"""


def main():
    build, meson = sys.argv[3], sys.argv[4]
    with tempfile.TemporaryDirectory() as folder:
        stage = pathlib.Path(folder) / "stage"
        done = subprocess.run([meson, "install", "-C", build, "--no-rebuild", "--destdir", stage],
                              capture_output=True, text=True)
        if not check(done.returncode == 0, "meson install", done.stdout[-2000:], done.stderr[-2000:]):
            finish()
        found = {p.name: p for p in stage.rglob("*") if not p.is_dir()}
        for name in ("winnow", "winnow.h", "winnow.pc", "libwinnow.so", "libwinnow.so.0"):
            check(name in found, f"{name} is installed", sorted(found))
        tool = found["winnow"]
        check_end(run("version", tool=tool), OK, "the installed tool starts")
        video = a_video()
        check_end(run("scenes", video, tool=tool), OK, "the installed tool reads a video")
        answer = run("ask", video, "what color is the square?", "-m", MODEL, tool=tool, limit=120)
        check_end(answer, OK, "the installed tool answers")
        check(answer.out.strip(), "with words", answer.out)

        source = pathlib.Path(folder) / "program.c"
        source.write_text(PROGRAM)
        env = dict(os.environ, PKG_CONFIG_PATH=str(found["winnow.pc"].parent),
                   PKG_CONFIG_SYSROOT_DIR=str(stage), LD_LIBRARY_PATH=str(found["libwinnow.so"].parent))
        flags = subprocess.run(["pkg-config", "--cflags", "--libs", "winnow"], capture_output=True,
                               text=True, env=env)
        check(flags.returncode == 0, "pkg-config knows winnow", flags.stderr)
        for compiler, standard in (("cc", "c11"), ("c++", "c++17")):
            text = PROGRAM if compiler == "cc" else PROGRAM.replace(
                "wn_open(&s, wn_params(.n_threads = 1))", "wn_open(&s, nullptr)")
            source = pathlib.Path(folder) / f"program.{'c' if compiler == 'cc' else 'cpp'}"
            source.write_text(text)
            program = pathlib.Path(folder) / compiler
            made = subprocess.run([compiler, f"-std={standard}", "-Wall", "-Wextra", "-pedantic", "-Werror",
                                   source, "-o", program, *flags.stdout.split()],
                                  capture_output=True, text=True, env=env)
            check(made.returncode == 0, f"a program builds as {standard}", made.stderr)
            ran = subprocess.run([program], capture_output=True, text=True, env=env)
            check(ran.returncode == 0 and ran.stdout.startswith("0 success"), f"and runs ({standard})",
                  ran.stdout, ran.stderr)
    finish()


main()
