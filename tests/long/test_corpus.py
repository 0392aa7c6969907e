#!/usr/bin/python3
"""The corpus (tests/corpus) through `vcost run`: each program must be the same in a domain as natively. Speaks TAP, and ends with
what doc/corpus.md lists.

    test_corpus.py VCOST [--install] [--only PATTERN]... [--part K/N] [--runs N] [--jobs N] [--keep FILE]

All of them take more than an hour; --part 2/20 tries the second of twenty parts, and --jobs 2 two programs at a time, each in a folder of its
own, with twice the time that it may take: whether they do the same shows so as well as one by one, while what they cost does not. At the end stands, too, which are short natively,
and for how many of a second or more vcost run explains what a run takes more: that is judged by nobody here, since the clock of a busy
machine says little, but is what --runs 10 on a quiet one is for.

Programs whose packages are not installed are told as such; --install brings them by apt-get (as root, where the machine is
meant for that: it is some 5 GB). --keep writes what became of each, one line of JSON a program.
"""
import argparse
import fnmatch
import json
import os
import queue
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../corpus"))
sys.dont_write_bytecode = True
import corpus  # pylint: disable=wrong-import-position

LONG_SECONDS = 1
UNEXPLAINED_MAX = 0.15
SMALL = 0.05  # of what a program takes natively: so much more is hardly any


def holds_zero(low, high):
    return low is not None and high is not None and low <= 0 <= high


# What a miss may be besides one, by its figures (unexplained()): the first that holds. It is counted as a miss all the same.
MISSES = (
    ("where the difference itself is not significant", lambda found: holds_zero(*found["difference_range"])),
    (f"where the difference is less than {SMALL:.0%} of the native CPU time", lambda found: abs(found["difference"]) < SMALL * found["native_cpu"]),
    ("where what is unexplained is not significant", lambda found: holds_zero(*found["unexplained_range"])),
    ("besides", lambda found: True),
)


def install(entries):
    missing = corpus.missing_packages(entries)
    if missing:
        apt = ["apt-get", "-qq", "-y", "--no-install-recommends", "install", *missing]
        subprocess.run(apt, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"}, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL, check=True)


def unexplained(native, guest):
    """Which part of the CPU time that a run takes more in a domain nobody explains, and what that is to be judged by; without figures where
    nothing is told."""
    cpu = (guest.get("account") or {}).get("cpu") or {}
    if not cpu.get("difference_ns") or cpu.get("unexplained_ns") is None:
        return {"unexplained": None}
    return {"unexplained": abs(cpu["unexplained_ns"] / cpu["difference_ns"]), "difference": cpu["difference_ns"],
        "difference_range": [cpu["low_ns"], cpu["high_ns"]], "unexplained_range": [cpu["unexplained_low_ns"], cpu["unexplained_high_ns"]],
        "native_cpu": sum(native["metrics"][name]["value"] for name in ("user", "system"))}


def run(vcost, entry, folder, asked):
    """What became of a program, and why."""
    takes = float(entry.fields.get("takes", "60")) * asked.jobs
    words = [vcost, "run", "--quiet", "--runs", str(asked.runs), "--json", "-", "--timeout", str(takes), "--prepare", entry.prepare()]
    for name in ("cleanup", "stdin"):
        if name in entry.fields:
            words += [f"--{name}", entry.fields[name]]
    try:
        done = subprocess.run([*words, "--", *entry.words()], cwd=folder, env=corpus.environment(folder), stdin=subprocess.DEVNULL, capture_output=True,
            text=True, errors="replace", check=False, timeout=(3 + 2 * asked.runs) * takes)
    except subprocess.TimeoutExpired:
        return {"became": "failed", "why": "it did not come to an end"}
    try:
        native, guest = json.loads(done.stdout)["cells"]
    except ValueError:
        said = [line for line in done.stderr.splitlines() if "other programs use" not in line]
        return {"became": "failed", "why": " ".join(said)[-300:]}
    found = {"native_s": (native["median"] or 0) / 1e9, "guest_s": (guest["median"] or 0) / 1e9, "exits": (guest["counters"] or {}).get("exits"),
        **unexplained(native, guest)}
    if guest["fidelity"] is None:
        return {"became": "failed", "why": guest["reason"], **found}
    why = None if guest["fidelity"] == "same" else f"{guest.get('differs') or guest['reason']} (exit status {guest['exit_status']})"
    return {"became": guest["fidelity"], "why": why, **found}


def misses_by_kind(missed):
    kinds = {}
    for kind, holds in MISSES:
        taken = sum(kinds.values(), [])
        kinds[kind] = [name for name, found in missed.items() if name not in taken and holds(found)]
    return {kind: names for kind, names in kinds.items() if names}


def tell_more(all_found):
    """Of the programs that are the same: which are short, and how much of the difference is explained where they are long."""
    same = {name: found for name, found in all_found.items() if found["became"] == "same"}
    short = [f"{name} ({found['native_s']:.2f} s)" for name, found in same.items() if found["native_s"] < corpus.SHORT_SECONDS]
    print(f"# {len(same) - len(short)} of {len(same)} run {corpus.SHORT_SECONDS} s or more natively" + (", but not " + ", ".join(short) if short else ""))
    long = {name: found for name, found in same.items() if found["native_s"] >= LONG_SECONDS}
    told = {name: found for name, found in long.items() if found["unexplained"] is not None}
    missed = {name: found for name, found in told.items() if found["unexplained"] > UNEXPLAINED_MAX}
    print(f"# of {len(long)} of {LONG_SECONDS} s or more {len(told) - len(missed)} have at most {UNEXPLAINED_MAX:.0%} of the difference unexplained")
    for kind, names in misses_by_kind(missed).items():
        print(f"# {len(names)} missed {kind}: " + ", ".join(f"{name} ({missed[name]['unexplained']:.0%})" for name in names))
    if len(told) < len(long):
        print("# it is not told of " + ", ".join(name for name in long if name not in told))


def run_all(entries, missing, asked):
    """What became of each, in their order, as soon as that of those before it is known."""
    folders = queue.Queue()
    for _ in range(asked.jobs):
        folders.put(tempfile.mkdtemp(prefix="vcost-corpus-"))
        corpus.make_inputs(folders.queue[-1])

    def run_one(entry):
        absent = [package for package in entry.packages if package in missing]
        if absent:
            return {"became": "not installed", "why": " ".join(absent)}
        folder = folders.get()
        try:
            return run(os.path.abspath(asked.vcost), entry, folder, asked)
        finally:
            folders.put(folder)

    with ThreadPoolExecutor(asked.jobs) as pool:
        yield from zip(entries, pool.map(run_one, entries))
    for folder in folders.queue:
        shutil.rmtree(folder, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("vcost")
    parser.add_argument("--install", action="store_true")
    parser.add_argument("--only", action="append")
    parser.add_argument("--part", default="1/1")
    parser.add_argument("--runs", type=int, default=2)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--keep")
    asked = parser.parse_args()
    entries = [entry for entry in corpus.read_all() if not asked.only or any(fnmatch.fnmatch(entry.name, only) or entry.kind == only for only in asked.only)]
    part, parts = (int(number) for number in asked.part.split("/"))
    entries = entries[part - 1::parts]
    if shared := corpus.shared_ports(corpus.read_all()):
        sys.exit(f"the corpus: programs share ports: {shared}")
    if asked.install:
        install(entries)
    missing = set(corpus.missing_packages(entries))
    print(f"1..{len(entries)}", flush=True)
    all_found = {}
    for number, (entry, found) in enumerate(run_all(entries, missing, asked), 1):
        all_found[entry.name] = found
        good = found["became"] in ("same", "not installed")
        times = f"  {found['native_s']:.2f} s, {found['guest_s']:.2f} s" if found.get("guest_s") else ""
        if found.get("unexplained") is not None:
            times += f", {found['unexplained']:.0%} unexplained"
        print(f"{'' if good else 'not '}ok {number} - {entry.name}{' # SKIP not installed: ' + found['why'] if found['became'] == 'not installed' else times}")
        if not good:
            print(f"# {entry.name}: {found['became']}: {found['why']}")
        sys.stdout.flush()
        if asked.keep:
            with open(asked.keep, "a", encoding="utf-8") as file:
                file.write(json.dumps({"name": entry.name, "kind": entry.kind, **found}) + "\n")
    count = Counter(found["became"] for found in all_found.values())
    tell_more(all_found)
    tried = len(entries) - count["not installed"]
    print(f"# {count['same']} of {tried} same as native" + "".join(f", {number} {name}" for name, number in sorted(count.items()) if name != "same"))
    sys.exit(count["same"] < tried)


main()
