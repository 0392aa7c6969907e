#!/usr/bin/python3
"""vcost stopped by Ctrl-C at any place: what was asked to stop has not failed. TAP.

    test_stops.py [--all] VCOST SHIM

The library `shim` (tests/shim/errors.c), preloaded, sends SIGINT just before the Nth call that a command makes of the system:
the same place whatever the machine does meanwhile. Then the command ends by that signal, with what was found until then or with a
sentence that says so; nothing in its result has failed or is blamed for it. How many calls it makes depends on the machine: where it
is over before the Nth it is stopped in the middle of those that it made. With --all each command is run to its end first, and
stopped at 30 places that are spread over that.
"""
import functools
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.dont_write_bytecode = True
import tap  # pylint: disable=wrong-import-position

ALL = "--all" in sys.argv
VCOST, SHIM = (str(Path(path).resolve()) for path in sys.argv[-2:])
SECONDS_MAX = 300
PLACES_ALL = 30
TRIES_MAX = 6
NEVER = 10**9
# Of reasons that name a failure.
FAILURE = "cannot|could not (?!be told by trying)|fail|Interrupted|signal|killed|gave up|gone|without an answer|wrong|differ|not told$"

CHASE = ["chase", "--quick", "--working-set", "16K", "--time", "1"]
# With the places for `make test`, which lie in its beginning, its middle and its end.
COMMANDS = {
    "chase": (CHASE, (500,)),
    "chase through an agent": ([*CHASE, "--on", "native", "--on", f"command:{VCOST} agent"], (300, 800)),
    "events": (["events", "--quick", "--time", "2", "pio-user", "ipi", "first-touch-4k", "fork-exit"], (500, 5000)),
    "inspect": (["inspect", "--quick", "--time", "2"], (500, 5000)),
    "verify": (["verify", "--quick"], (1000, 5000)),
    "run": (["run", "--runs", "2", "/bin/echo", "done"], (400,)),
    "a simulated machine": (["chase", "--on", "model:zen4-genoa", "--technique", "native,nested", "--working-set", "64K..8M"], (100,)),
    "validation of machines": (["model validate"], (100,)),
    "advise": (["advise", "--budget", "20", "/bin/sh", "-c", "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done"], (100, 1000)),
}


class Stopped:
    """vcost, stopped at its call number `place`: whether it came to that, or how many it made; what it left, and how long it took."""

    def __init__(self, words, place):
        with tempfile.TemporaryDirectory(prefix="vcost-stops-") as folder:
            hits, began = Path(folder, "hits"), time.monotonic()
            environment = {**os.environ, "LC_ALL": "C.UTF-8", "LD_PRELOAD": SHIM, "VCOST_TEST_HITS": str(hits),
                           "VCOST_TEST_ERRORS": f"*/*/-{int(signal.SIGINT)}/once@{place}"}
            self.done = tap.calm(subprocess.run([VCOST, *words[0].split(), "--quiet", "--json", "-", *words[1:]], env=environment, text=True,
                                                stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS_MAX, check=False))
            self.seconds = time.monotonic() - began
            assert hits.exists(), f"it ended before it came to call {place}, and not by itself: {self.done}"
            self.calls = int(hits.read_text(encoding="ascii"))
        self.hit = self.calls == 0
        self.result = json.loads(self.done.stdout) if self.done.stdout else None


def budget_of(words):
    """In seconds; None: it has none."""
    return next((float(words[words.index(option) + 1]) for option in ("--time", "--budget") if option in words), None)


def is_legitimate(words, run, reason):
    """The stop; or the end of the time budget, if that was over."""
    budget = budget_of(words)
    return "stopped by the user" in reason or ("time budget" in reason and budget is not None and run.seconds >= budget)


def reasons(value, name=""):
    """All that a result gives as a reason for something, but for pages of which no proof was taken."""
    if isinstance(value, dict):
        unproved = value.get("proof", True) is None
        return [reason for key, item in value.items() if not (unproved and "share" in key) for reason in reasons(item, key)]
    if isinstance(value, list):
        return [reason for item in value for reason in reasons(item, name)]
    return [value] if name.endswith("reason") and isinstance(value, str) else []


def kinds(all_reasons):
    """Those that name a failure, whatever their figures are."""
    return {re.sub(r"[\d.,]+", "N", reason) for reason in all_reasons if re.search(FAILURE, reason)}


def ended_whole(words, run):
    return run.done.returncode in (0, 3) or is_legitimate(words, run, run.done.stderr)


@functools.cache
def usual(*words):
    """The reasons that a run gives that nobody stops: what a machine does not have is no matter of the stop."""
    run = Stopped(list(words), NEVER)
    assert ended_whole(words, run), run.done
    return kinds(reasons(run.result)), run.calls


def problem(words, run):
    """What is wrong with how a stopped command ended; None: nothing."""
    if run.done.returncode != -signal.SIGINT:
        return f"it ended with {run.done.returncode}: {run.done.stderr}"
    said = [line for line in run.done.stderr.splitlines() if not is_legitimate(words, run, line)]
    if said:
        return f"it said {said}"
    if not run.result:
        return None if run.done.stderr else "neither a result nor a sentence"
    failed = [trial for trial in run.result.get("trials", []) if trial["verdict"] == "failed"]
    if failed:
        return f"{failed}"
    if not run.result["complete"] and not is_legitimate(words, run, run.result["incomplete_reason"]):
        return f"after {run.seconds} s it is incomplete: {run.result['incomplete_reason']}"
    blamed = kinds(reasons(run.result))
    blamed -= usual(*words)[0] if blamed else set()
    return f"it gives as reasons: {blamed}" if blamed else None


def stopped_at(words, place):
    """Or, where it is over before, in the middle of the calls that it made."""
    for _ in range(TRIES_MAX):
        run = Stopped(words, place)
        if run.hit:
            return place, run
        print(f"# over before call {place}, after {run.calls}", flush=True)
        assert ended_whole(words, run), run.done
        place = run.calls // 2
    raise AssertionError(f"it was always over before call {place}")


def stop_case(words, places):
    def case():
        if ALL:
            calls = usual(*words)[1]
            yet_to_try = [1 + calls * (place + 1) // (PLACES_ALL + 1) for place in range(PLACES_ALL)]
        else:
            yet_to_try = places
        wrong = []
        for place in yet_to_try:
            place, run = stopped_at(words, place)
            what = problem(words, run)
            if what:
                wrong.append(f"stopped at call {place}: {what}")
        assert not wrong, "\n".join(wrong)
    return case


tap.main([(f"{name} is stopped", stop_case(*command)) for name, command in COMMANDS.items()])
