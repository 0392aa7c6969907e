#!/usr/bin/python3
"""Does vcost advise find the remedy that a program was built to need, and none where it needs none? Many times, the machine as it
is and with a busy loop on the CPU that is measured on. TAP.

    test_advise_ranking.py VCOST NEEDY [RUNS [SECONDS]]

A program that needs one remedy must not be told another (a wrong winner), and one that needs none must be told none. Each kind of
mistake has a probability of at most 5 %: so many mistakes that so many or more would come up in fewer than one of 100 such tests
fail it, by the exact binomial distribution. That the right one is found as a rule is asserted of the quiet machine.
"""
import collections
import json
import math
import os
import subprocess
import sys
from pathlib import Path

VCOST, NEEDY = (str(Path(path).resolve()) for path in sys.argv[1:3])
RUNS = int(sys.argv[3]) if len(sys.argv) > 3 else 20
SECONDS = sys.argv[4] if len(sys.argv) > 4 else "40"
LEVEL, SURE = 0.05, 0.01
TRIED = "malloc-large-pages,large-pages,prefault,malloc-keep,one-cpu,text-large-pages,eager-binding"
# What it is called with, and what may be told: no more than what it was built to need.
PROGRAMS = {
    "tlb-bound": (["tlb", "64", "1000000"], {"malloc-large-pages", "large-pages"}),
    "fault-bound, malloc": (["fault", "32", "6"], {"malloc-large-pages", "large-pages", "malloc-keep", "prefault"}),
    "fault-bound, mappings": (["map", "32", "6"], {"large-pages"}),
    "text-bound": (["text", "8000000"], {"text-large-pages"}),
    "nothing": (["none", "60000000"], set()),
}


def told(words, seed):
    done = subprocess.run([VCOST, "advise", "--quiet", "--budget", SECONDS, "--only", TRIED, "--seed", str(seed), "--json", "-", NEEDY,
                           *words], capture_output=True, text=True, timeout=600, check=True)
    return json.loads(done.stdout)["advice"]["best"] or "none"


def at_least(count, runs):
    """The probability of so many mistakes or more."""
    return sum(math.comb(runs, k) * LEVEL**k * (1 - LEVEL)**(runs - k) for k in range(count, runs + 1))


def series(name, loaded):
    words, right = PROGRAMS[name]
    busy = subprocess.Popen([sys.executable, "-c", "while True: sum(range(100000))"]) if loaded else None
    try:
        best = collections.Counter(told(words, seed) for seed in range(1, RUNS + 1))
    finally:
        if busy:
            busy.kill()
            busy.wait()
    for text, count in best.most_common():
        print(f"# {name}{', loaded' if loaded else ''}: {count} of {RUNS}: {text}", flush=True)
    wrong = sum(count for text, count in best.items() if text != "none" and not set(text.split("+")) <= right)
    found = sum(count for text, count in best.items() if text != "none") - wrong
    return wrong, found, bool(right)


def main():
    print(f"1..{2 * len(PROGRAMS)}", flush=True)
    failed, number = False, 0
    for loaded in (False, True):
        for name in PROGRAMS:
            wrong, found, needs = series(name, loaded)
            number += 1
            good = at_least(wrong, RUNS) >= SURE if wrong else True
            if needs and not loaded:
                good = good and 2 * found >= RUNS
            failed |= not good
            print(f"{'ok' if good else 'not ok'} {number} - {name}{', loaded' if loaded else ''}: {wrong} wrong, {found} right", flush=True)
    return failed


if __name__ == "__main__":
    os.environ.pop("LD_PRELOAD", None)
    sys.exit(main())
