# SPDX-License-Identifier: MIT
"""Adds up what meson's test logs hold: `python3 summary.py testlog.json...`

A program's own count stands where it printed one (`N passed, N failed`, or cmocka's lines); a
program that failed without saying so counts as one failure. Ends with `N passed, N failed`.
"""
import json
import re
import sys

COUNT = re.compile(r"^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?\s*$", re.M)
PASSED = re.compile(r"^\[  PASSED  \] (\d+) test\(s\)", re.M)
FAILED = re.compile(r"^\[  FAILED  \] (\d+) test\(s\)", re.M)


def counts(test):
    """Passed, failed and skipped cases of one test program."""
    text = test.get("stdout", "") + "\n" + (test.get("stderr") or "")
    result = test["result"]
    if result == "SKIP":
        return 0, 0, 1
    own = COUNT.findall(text)
    if own:
        passed, failed, skipped = (int(x or 0) for x in own[-1])
    elif PASSED.search(text) or FAILED.search(text):
        passed = sum(map(int, PASSED.findall(text)))
        failed = sum(map(int, FAILED.findall(text)))
        skipped = 0
    else:
        passed, failed, skipped = 1, 0, 0
    if result not in ("OK", "EXPECTEDFAIL"):
        if failed == 0:
            failed = 1
            passed = passed if own else 0
    return passed, failed, skipped


def main(paths):
    total = [0, 0, 0]
    for path in paths:
        with open(path, encoding="utf-8", errors="replace") as log:
            for line in log:
                test = json.loads(line)
                passed, failed, skipped = counts(test)
                total = [a + b for a, b in zip(total, (passed, failed, skipped))]
                if failed:
                    print(f"failed: {test['name']} ({test['result']})")
                if skipped and test["result"] == "SKIP":
                    print(f"skipped: {test['name']}")
    tail = f", {total[2]} skipped" if total[2] else ""
    print(f"{total[0]} passed, {total[1]} failed{tail}")
    return 1 if total[1] or not total[0] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
