#!/usr/bin/python3
"""What won on which program and by how much: one row for each result of vcost advise, as Markdown.

    advice_table.py RESULT.json...

Results of programs that were built to need one remedy (those that test_advise_ranking.py keeps, PROGRAM-quiet-SEED.json and
PROGRAM-loaded-SEED.json) are counted together in a second table.
"""
import collections
import json
import re
import sys
from pathlib import Path

REPEATED = re.compile(r"(.+)-(quiet|loaded)-\d+$")


def percent(ratio):
    return f"{100 * (1 - ratio):.3g} %"


def by_how_much(item):
    return f"{percent(item['ratio'])} ({percent(item['high'])} … {percent(item['low'])})"


def undecided(advice):
    """What an interval still leaves: as the program says it."""
    left = [item for item in advice["remedies"] if item["state"] == "no-gain" and item["low"] is not None and item["low"] < 0.9]
    if not left:
        return "nothing helps"
    more = advice.get("decides_seconds")
    return f"cannot tell: {', '.join(item['name'] for item in left[:4])}" + (f"; --budget {more:.0f} would" if more else "")


def row(path, advice):
    helping = [item for item in advice["remedies"] if item["state"] == "helps"]
    best = next((item for item in helping if item["name"] == advice["best"]), None)
    others = [f"{item['name']} {percent(item['ratio'])}" for item in helping if item is not best]
    harming = [f"{item['name']} {percent(item['ratio'])}" for item in advice["remedies"] if item["state"] == "harms"]
    return [path.stem, advice["measure"], f"{best['name']}: {by_how_much(best)}" if best else undecided(advice), ", ".join(others),
            ", ".join(harming)]


def table(head, rows):
    for cells in (head, ["---"] * len(head), *rows):
        print("|", " | ".join(str(cell).replace("|", "\\|") for cell in cells), "|")
    print()


def main():
    single, repeated = [], collections.defaultdict(list)
    for path in map(Path, sys.argv[1:]):
        advice = json.loads(path.read_text())["advice"]
        again = REPEATED.match(path.stem)
        if again:
            repeated[again.groups()].append(advice)
        else:
            single.append(row(path, advice))
    if single:
        table(["program", "measure", "use", "others that help", "slower with"], single)
    rows = []
    for (name, how), all_of_them in sorted(repeated.items()):
        best = collections.Counter(advice["best"] or "none" for advice in all_of_them)
        rows.append([name, how, len(all_of_them), ", ".join(f"{text} {count}" for text, count in best.most_common())])
    if rows:
        table(["program", "machine", "runs", "told"], rows)


if __name__ == "__main__":
    main()
