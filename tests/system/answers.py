# SPDX-License-Identifier: MIT
"""The sample model answers the questions about the sample videos."""
from cli import *

FIELDS = {"schema", "command", "version", "status", "file", "question", "answer", "tokens_before",
          "tokens_after", "prompt_cells", "answer_tokens", "frames", "scenes", "segments",
          "first_token_s", "timing", "peak_bytes", "device", "filters", "model", "media"}


def right(answer, accepted):
    answer = answer.strip().lower().rstrip(".")
    return answer in [a.strip().lower() for a in accepted]


def main():
    n = 0
    for entry, video in sample_videos():
        filters = ["--filters", entry["filters"]] if entry.get("filters") else []
        for item in entry["questions"]:
            question = item["question"]
            result = run("ask", video, question, "-m", MODEL, "--json", *filters)
            if not check_end(result, OK, f"{video.name}: {question}"):
                continue
            told = result.json()
            n += 1
            check(right(told["answer"], item["accepted"]), f"{video.name}: {question}",
                  f"answer {told['answer']!r}, accepted {item['accepted']}")
            check(FIELDS <= set(told), "all figures are told", FIELDS - set(told))
            check(0 < told["tokens_after"] <= told["tokens_before"] and told["frames"] > 0 and
                  told["peak_bytes"] > 0 and told["first_token_s"] > 0, "figures make sense", told)
        plain = run("ask", video, question, "-m", MODEL, *filters)
        check(plain.out.decode().strip() == told["answer"].strip(), f"{video.name}: text equals JSON",
              plain.out, told["answer"])
        check("tokens" in plain.text() and len(plain.text().strip().splitlines()) >= 1, "a line of figures")
        quiet = run("ask", video, question, "-m", MODEL, "-q", *filters)
        check(quiet.out == plain.out and not quiet.err, f"{video.name}: --quiet", quiet.err)
        default = run("ask", video, question, "-m", MODEL, "--tokens", "300", "--json")
        check_end(default, OK, f"{video.name}: --tokens 300")
        check(default.status == OK and default.json()["tokens_after"] <= 300, f"{video.name}: the budget holds")
    check(n > 0, "there are questions")
    finish()


main()
