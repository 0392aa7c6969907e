#!/usr/bin/python3
"""A call's success is not its effect: under a kernel that says yes and does nothing (tests/shim/yes.c) whatever rests on
the call has no figure, and says why. Speaks TAP.

    test_effect.py VCOST SHIM
"""
import json
import os
import subprocess
import sys
from pathlib import Path

sys.dont_write_bytecode = True
import tap  # pylint: disable=wrong-import-position

VCOST, SHIM = (str(Path(argument).resolve()) for argument in sys.argv[1:3])


def vcost(says_yes, *arguments):
    environment = {**os.environ, "LD_PRELOAD": SHIM, "YES": says_yes}
    return subprocess.run([VCOST, *arguments], capture_output=True, text=True, timeout=300, env=environment)


def cells_of(says_yes, *arguments):
    done = vcost(says_yes, *arguments, "--quick", "--json", "-")
    assert done.returncode in (0, 1), (done.returncode, done.stderr)
    result = json.loads(done.stdout)
    return {cell["id"]: cell for cell in result["cells"]}, result


def prices(says_yes, *events):
    cells, _ = cells_of(says_yes, "events", *events, "--on", "native")
    return {event: cells[f"events/native/{event}"] for event in events}


# By what a kernel does not do: the events that rest on it.
RESTS_ON = {
    "madvise": ["first-touch-4k", "populate-write", "willneed", "page-fault", "fault-host"],
    "mlock": ["mlock", "munlock"],
    "munlock": ["mlock", "munlock"],
    "mprotect": ["mprotect-page", "first-touch-4k-fresh"],
    "munmap": ["munmap-page"],
}


def test_where_the_kernel_does_what_it_says_all_have_a_figure():
    events = sorted({event for events in RESTS_ON.values() for event in events})
    for event, cell in prices("", *events).items():
        assert cell["median"] is not None, (event, cell["reason"])


def test_what_rests_on_a_call_that_did_nothing_has_no_figure_and_says_why():
    for call, events in RESTS_ON.items():
        for event, cell in prices(call, *events).items():
            assert cell["median"] is None and not cell["samples"], (call, event, cell["median"])
            assert cell["reason"], (call, event)


def test_the_reason_tells_what_was_counted():
    words = {("madvise", "first-touch-4k"): "page faults", ("madvise", "fault-host"): "left",
             ("mlock", "mlock"): "VmLck", ("mprotect", "mprotect-page"): "protection",
             ("munmap", "munmap-page"): "mapped"}
    for (call, event), word in words.items():
        reason = prices(call, event)[event]["reason"]
        assert word in reason, (call, event, reason)


def test_large_pages_that_were_not_had_are_compared_with_nothing():
    sizes = ["--host-page", "4K,2M", "--working-set", "4M"]
    cells, result = cells_of("madvise", "chase", *sizes)
    others = {name: cell for name, cell in cells.items()
              if cell["median"] is not None and not cell["pages_obtained"]["as_asked"]}
    assert others, "which pages there are does not depend on madvise() here"
    for name, cell in others.items():
        assert cell["quality"] != "good" and "not the pages that were asked for" in cell["reason"], (name, cell["reason"])
    if not tap.large_pages_come_unasked():
        small = cells[f"chase/native/random/{4 << 20}/64/-/4096"]  # what was not populated is touched instead
        assert small["pages_obtained"]["as_asked"], small["pages_obtained"]
    for comparison in result["comparisons"]:
        named = [name for name in (comparison["cell"], comparison["baseline"]) if name in others]
        if named:
            assert comparison["ratio"] is None, comparison
            assert any(name in comparison["reason"] for name in named), comparison


def on_other_pages(found):
    cells, _ = found
    return [name for name, cell in cells.items() if (cell["pages_obtained"] or {}).get("as_asked") is False]


def test_an_inspection_concludes_nothing_from_other_pages():
    found = tap.given_time(lambda *time: cells_of("madvise", "inspect", *time), on_other_pages)
    (cells, result), others = found, on_other_pages(found)
    assert others, "which pages there are does not depend on madvise() here"
    findings = {(finding["name"], finding["key"] or ""): finding for finding in result["findings"]}
    for pages, size in (("4K", 4096), ("2M", 2 << 20)):
        name = f"chase/native/line-per-page/{8192 * 4096}/64/-/{size}"
        cost = findings["walk-cost", pages]
        if name in others:
            assert cost["value"] is None and name in cost["reason"], cost
    remedies = [remedy["name"] for remedy in result["remedies"]]
    assert "large-pages" not in remedies and "backing" not in remedies, remedies
    assert findings["splintered", ""]["value"] is None, findings["splintered", ""]


def test_memory_that_is_not_locked_is_told():
    done = vcost("mlock", "chase", "--lock", "--quick", "--on", "native", "--working-set", "64K")
    assert "locked 0 KiB" in done.stdout + done.stderr, (done.stdout, done.stderr)


def test_a_thread_that_is_not_bound_measures_nothing():
    if len(os.sched_getaffinity(0)) < 2:
        raise tap.Skip("only one CPU may be used: every thread is bound to it")
    done = vcost("sched_setaffinity", "chase", "--quick", "--on", "native", "--working-set", "64K")
    assert done.returncode == 77 and not done.stdout, (done.returncode, done.stdout)
    assert "bound to CPU" in done.stderr and "emulator or sandbox" in done.stderr, done.stderr


def test_code_that_is_not_made_executable_is_told_and_not_run():
    done = vcost("mprotect-exec", "chase", "--quick", "--on", "native", "--working-set", "64K")
    assert done.returncode == 77, (done.returncode, done.stderr)
    assert "executable" in done.stderr, done.stderr


tap.main(tap.cases(globals()))
