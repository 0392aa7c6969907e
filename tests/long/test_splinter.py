#!/usr/bin/python3
"""Does vcost inspect say the same of large pages below every time? Many inspections, the machine quiet and loaded. TAP.

    test_splinter.py VCOST [RUNS]

What is true of this machine no program can know. But it does not change while the test runs: two decided verdicts that
differ mean that one of them was wrong. (A machine that is migrated in the meantime would fail here.)
"""
import collections
import json
import os
import subprocess
import sys
from pathlib import Path

sys.dont_write_bytecode = True
VCOST = str(Path(sys.argv[1]).resolve())
RUNS = int(sys.argv[2]) if len(sys.argv) > 2 else 50
DECIDED_LEAST = 0.8


def verdict():
    done = subprocess.run([VCOST, "inspect", "--quick", "--quiet", "--json", "-"], capture_output=True, text=True,
                          timeout=120, check=True)
    found = next(f for f in json.loads(done.stdout)["findings"] if f["name"] == "splintered")
    if found["value"] is None:
        return f"cannot tell: {found['reason']}"
    return found["text"] or ("yes" if found["value"] else "no")


def load():
    """As many busy loops as there are CPUs."""
    return [subprocess.Popen([sys.executable, "-c", "while True: sum(range(100000))"])
            for _ in range(os.cpu_count() or 1)]


def series(name, loaded):
    processes = load() if loaded else []
    try:
        verdicts = collections.Counter(verdict() for _ in range(RUNS))
    finally:
        for process in processes:
            process.kill()
            process.wait()
    for text, count in verdicts.most_common():
        print(f"# {name}: {count} of {RUNS}: {text}", flush=True)
    return verdicts


def is_decided(text):
    return not text.startswith("cannot tell")


def main():
    print("1..3", flush=True)
    both = {name: series(name, name == "loaded") for name in ("quiet", "loaded")}
    failed = False
    for number, (name, verdicts) in enumerate(both.items(), 1):
        share = sum(count for text, count in verdicts.items() if is_decided(text)) / RUNS
        good = share >= DECIDED_LEAST
        failed |= not good
        print(f"{'' if good else 'not '}ok {number} - {name}: at least 80 % of inspections decide ({100 * share:.0f} %)")
    decided = {text for verdicts in both.values() for text in verdicts if is_decided(text)}
    good = len(decided) <= 1
    print(f"{'' if good else 'not '}ok 3 - no two of them differ ({', '.join(sorted(decided)) or 'none decided'})")
    sys.exit(failed or not good)


main()
