#!/usr/bin/python3
"""Does vcost advise find the remedy that a program was built to need, and none where it needs none? Many times, the machine as it
is and with a busy loop on the CPU that is measured on. TAP.

    test_advise_ranking.py VCOST NEEDY [RUNS [SECONDS [FIRST-SEED [PROGRAM...]]]]

A program that needs one remedy must not be told another (a wrong winner), and one that needs none must be told none. Each kind of
mistake has a probability of at most 5 %: so many mistakes that so many or more would come up in fewer than one of 100 such tests
fail it, by the exact binomial distribution. That the right one is found as a rule is asserted of the quiet machine. The results go
to the folder that VCOST_RANKING_RESULTS names, where there is one; what else ran is told as the load average.
"""
import collections
import json
import math
import mmap
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

VCOST, NEEDY = (str(Path(path).resolve()) for path in sys.argv[1:3])
RUNS = int(sys.argv[3]) if len(sys.argv) > 3 else 20
SECONDS = sys.argv[4] if len(sys.argv) > 4 else "20"
FIRST = int(sys.argv[5]) if len(sys.argv) > 5 else 1
LEVEL, SURE = 0.05, 0.01
TRIED = ["malloc-large-pages", "large-pages", "prefault", "malloc-keep", "one-cpu", "text-large-pages", "eager-binding"]
ALLOCATORS = {"jemalloc": "libjemalloc.so.2", "tcmalloc": "libtcmalloc_minimal.so.4", "mimalloc": "libmimalloc.so.2"}
# What it is called with, and what may be told: no more than what it was built to need.
PROGRAMS = {
    "tlb-bound": (["tlb", "64", "500000"], {"malloc-large-pages", "large-pages"}),
    "fault-bound, malloc": (["fault", "32", "3"], {"malloc-large-pages", "large-pages", "malloc-keep", "prefault"}),
    "fault-bound, mappings": (["map", "8", "16"], {"large-pages"}),
    "text-bound": (["text", "8000"], {"text-large-pages"}),
    "allocator-bound": (["churn", "1000", "300000"], set(ALLOCATORS)),
    "nothing": (["none", "30000000"], set()),
}
ONLY = sys.argv[6:] or list(PROGRAMS)
FOLDER = os.environ.get("VCOST_RANKING_RESULTS")


def is_installed(library):
    return any((Path(folder) / library).exists() for folder in ("/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/lib"))


def scattered(program, folder):
    """A copy whose pages lie about in memory, as they come to do on a machine that has run for long: a file that is written at
    once lies in few pieces, which need as few entries of a nested walk as large pages do."""
    data, page = Path(program).read_bytes(), mmap.PAGESIZE
    pages = list(range(-(-len(data) // page)))
    random.Random(1).shuffle(pages)
    copy = Path(folder) / "needy"
    with open(copy, "wb") as file, mmap.mmap(-1, len(pages) * page) as between:
        file.truncate(len(data))
        for number, index in enumerate(pages):
            os.pwrite(file.fileno(), data[index * page:(index + 1) * page], index * page)
            between[number * page] = 1
    copy.chmod(0o755)
    return str(copy)


def told(program, words, seed, loaded):
    tried = ",".join(TRIED + [name for name, library in ALLOCATORS.items() if words[0] == "churn" and is_installed(library)])
    done = subprocess.run([VCOST, "advise", "--quiet", "--budget", SECONDS, "--only", tried, "--seed", str(seed), "--json", "-", program,
                           *words], capture_output=True, text=True, timeout=600, check=True)
    if FOLDER:
        Path(FOLDER, f"{words[0]}-{'loaded' if loaded else 'quiet'}-{seed}.json").write_text(done.stdout)
    return json.loads(done.stdout)["advice"]["best"] or "none"


def at_least(count, runs):
    """The probability of so many mistakes or more."""
    return sum(math.comb(runs, k) * LEVEL**k * (1 - LEVEL)**(runs - k) for k in range(count, runs + 1))


def busy_loops():
    """One bound to each CPU that may be used: wherever a program runs, it has half of that."""
    loop = "import os, sys\nos.sched_setaffinity(0, {int(sys.argv[1])})\nwhile True: sum(range(100000))"
    return [subprocess.Popen([sys.executable, "-c", loop, str(cpu)]) for cpu in os.sched_getaffinity(0)]


def series(program, name, loaded):
    words, right = PROGRAMS[name]
    busy, before = busy_loops() if loaded else [], os.getloadavg()[0]
    try:
        best = collections.Counter(told(program, words, seed, loaded) for seed in range(FIRST, FIRST + RUNS))
    finally:
        for loop in busy:
            loop.kill()
            loop.wait()
    for text, count in best.most_common():
        print(f"# {name}{', loaded' if loaded else ''}: {count} of {RUNS}: {text}", flush=True)
    print(f"# load average {before:.1f} before, {os.getloadavg()[0]:.1f} after", flush=True)
    wrong = sum(count for text, count in best.items() if text != "none" and not set(text.split("+")) <= right)
    found = sum(count for text, count in best.items() if text != "none") - wrong
    return wrong, found, bool(right)


def check(program, name, loaded):
    if name == "allocator-bound" and not any(is_installed(library) for library in ALLOCATORS.values()):
        return True, " # SKIP no other allocator is installed"
    wrong, found, needs = series(program, name, loaded)
    good = not wrong or at_least(wrong, RUNS) >= SURE
    return good and (loaded or not needs or 2 * found >= RUNS), f": {wrong} wrong, {found} right"


def main():
    failed, number = False, 0
    chosen = [(name, loaded) for loaded in (False, True) for name in PROGRAMS if name in ONLY]
    print(f"1..{len(chosen)}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        copy = scattered(NEEDY, folder)
        for name, loaded in chosen:
            good, said = check(copy if name == "text-bound" else NEEDY, name, loaded)
            number += 1
            failed |= not good
            print(f"{'ok' if good else 'not ok'} {number} - {name}{', loaded' if loaded else ''}{said}", flush=True)
    return failed


if __name__ == "__main__":
    os.environ.pop("LD_PRELOAD", None)
    sys.exit(main())
