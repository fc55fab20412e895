# SPDX-License-Identifier: MIT
"""winnow bench compress: every token filter gets its line, with figures that fit together."""
from cli import *

SHAPE = ("--device", "cpu", "--frames", "24", "--grid", "6x5", "--dim", "32", "--rounds", "3")


def every_filter():
    names = {f["name"] for f in run("filters", "--json").json()["filters"]
             if "token" in f["places"] and f["family"] != "budget"}
    result = run("bench", "compress", *SHAPE, "--vit-ms", "100", "--json")
    check(result.status == OK and not result.err, "bench compress", result.text())
    report = result.json()
    cases = {c["filters"]: c for c in report["cases"]}
    check(set(cases) == names and len(report["cases"]) == len(names), "every token filter is there",
          names ^ set(cases))
    machine = report["machine"]
    check(machine["read_bytes_per_s"] > 1e8 and machine["flop_per_s"] > 1e8, "a roofline", machine)
    for name, case in cases.items():
        if "error" in case:
            check(len(case["error"]) > 10, f"{name} says why it cannot run", case)
            continue
        cpu, kernels = case["cpu"], case["cpu_kernels"]
        check(case["rows_before"] == 720 and case["rows_after"] > 0, f"{name}: rows", case)
        check(case["bytes"] > 0 and case["limit_s"] > 0 and case["segments"] == 1 <= case["submits"] <= 8,
              f"{name}: what it has to move", case)
        check(cpu["low_s"] <= cpu["median_s"] <= cpu["high_s"] and
              kernels["low_s"] <= cpu["low_s"], f"{name}: times", case)
    refused = [name for name, case in cases.items() if "error" in case]
    check(len(refused) <= 3, "hardly any filter needs more than rows", refused)


def table_and_chain():
    result = run("bench", "compress", *SHAPE, "--filters", "dycoke=keep=0.5,divprune=keep=4")
    check(result.status == OK and b"dycoke=keep=0.5,divprune=keep=4" in result.out and
          b"GB/s read" in result.out, "a chain's table", result.text())
    report = run("bench", "compress", *SHAPE, "--filters", "stride=keep=0.5", "--window", "8k",
                 "--json")
    check(report.status == USAGE, "a window has a least size", report.text())
    report = run("bench", "compress", "--device", "cpu", "--frames", "8", "--grid", "16x16", "--dim",
                 "64", "--rounds", "1", "--window", "128k", "--filters", "stride=keep=0.5", "--json")
    case = report.json()["cases"][0]
    check(case["segments"] == case["submits"] == 4 and case["rows_after"] == 1024,
          "segments as a film is cut", case)


def refusals():
    for args, says in ((("bench",), "missing"), (("bench", "nonsense"), "nonsense"),
                       (("bench", "compress", "--grid", "0x3"), "--grid"),
                       (("bench", "compress", "--grid", "3x3x3"), "--grid"),
                       (("bench", "compress", "--frames", "0"), "between"),
                       (("bench", "compress", "--filters", "fps=2", *SHAPE), "token filters"),
                       (("bench", "compress", "--filters", "nonsense", *SHAPE), "nonsense"),
                       (("bench", "compress", "--filters", "budget", *SHAPE), "budget")):
        result = run(*args)
        check(result.status == USAGE and says in result.text(), f"winnow {' '.join(args)}",
              result.text())


def main():
    every_filter()
    table_and_chain()
    refusals()
    finish()


main()
