#!/usr/bin/python3
"""vcost on the monitors that need no hardware, paravirt and shadow, as a user types it. Speaks TAP.

    test_deprivileged.py VCOST

Nothing here judges speed: only what is said, what is counted, and what is left behind.
"""
import functools
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import jsonschema

sys.dont_write_bytecode = True
import tap  # pylint: disable=wrong-import-position

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "share/schema/vcost.result-1.schema.json").read_text())
VCOST = str(Path(sys.argv[1]).resolve())
MONITORS = {"paravirt": "direct", "shadow": "shadow"}  # and the technique of each
ALL = "native," + ",".join(MONITORS)
SMALL = ["chase", "--working-set", "4K..64K", "--per-octave", "1", "--quick", "--json", "-"]
NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]


def vcost(*arguments, before=(), **options):
    return tap.calm(subprocess.run([*before, VCOST, *arguments], capture_output=True, text=True, timeout=300, **options))


@functools.cache
def runners():
    lists = json.loads(vcost("list", "runners", "--json", "-").stdout)
    return {runner["name"]: runner for runner in lists["runners"]}


def need_children():
    for name in MONITORS:
        if not runners()[name]["usable"]:
            raise tap.Skip(runners()[name]["reason"])


def result_of(*arguments, before=()):
    done = vcost(*arguments, before=before)
    assert done.returncode == 0, f"exit status {done.returncode}: {done.stderr}"
    result = json.loads(done.stdout)
    jsonschema.validate(result, SCHEMA)
    assert result["complete"], result["incomplete_reason"]
    return result


def cells_of(result, monitor):
    return [cell for cell in result["cells"] if cell["monitor"] == monitor]


def check_cells(result, count):
    """Each guest's cells: measured, in the frames that native walks, counted exactly, proved."""
    assert len(cells_of(result, "native")) == count
    for monitor, technique in MONITORS.items():
        cells = cells_of(result, monitor)
        assert len(cells) == count
        for cell in cells:
            assert cell["median"] > 0 and cell["technique"] == technique, cell["id"]
            pages = cell["pages_obtained"]
            assert pages["as_asked"] and pages["guest_bytes"] == 4096, pages
            assert "shared" in pages["proof"], pages
            mapped = int(re.search(r"pages_4k=(\d+) pages_2m=0", pages["proof"])[1])
            assert mapped >= cells[-1]["parameters"]["working_set_bytes"] // 4096
            # One exit ends each sample, of those too that were taken anew; all pages are there already.
            taken = len(cell["samples"]) + cell["repeated"]
            assert cell["counters"] == {"exits": taken, "page_faults": 0}, (cell["id"], cell["counters"], taken)


def test_both_are_listed_with_what_they_do():
    for name, technique in MONITORS.items():
        facts = runners()[name]
        assert facts["usable"] == (facts["reason"] is None), facts
        if facts["usable"]:
            assert facts["technique"] == technique and facts["provider"] == "vcost", facts
            assert facts["syscall_privilege"] == 0, facts


def test_a_chase_walks_the_same_list_on_native_and_on_both():
    need_children()
    result = result_of(*SMALL, "--on", ALL)
    check_cells(result, 5)
    facts = {monitor["name"]: monitor for monitor in result["host"]["monitors"]}
    assert all(facts[name]["usable"] for name in MONITORS)
    assert len(result["comparisons"]) == 10


def test_an_ordinary_user_without_kvm_has_them_too():
    need_children()
    if os.getuid() != 0:
        raise tap.Skip("only root can become another user")
    check_cells(result_of(*SMALL, "--on", ALL, before=NOBODY), 5)


def test_every_page_pair_is_what_was_asked_for():
    need_children()
    if not tap.large_pages_are_had(64 << 20) or not tap.shared_large_pages_are_had(64 << 20):
        raise tap.Skip("this kernel gives no transparent large pages, or has none left")
    result = result_of("chase", "--working-set", "8M", "--quick", "--guest-page", "4K,2M", "--host-page", "4K,2M", "--on",
                       ALL, "--json", "-")
    assert len(result["cells"]) == 10
    for cell in result["cells"]:
        pages = cell["pages_obtained"]
        assert pages["host_share_2m"] == (1.0 if cell["host_page_bytes"] > 4096 else 0.0), pages
        if cell["monitor"] in MONITORS:
            large = min(cell["guest_page_bytes"], cell["host_page_bytes"]) > 4096
            assert pages["as_asked"] and f"pages_2m={4 if large else 0} " in pages["proof"], pages


def filling(pages):
    """Of a working set of 1024 pages on shadow: how many hidden faults filled it, and how many pages they mapped."""
    result = result_of("chase", "--working-set", "4M", "--quick", "--on", "shadow", "--fill", str(pages), "--json", "-")
    assert result["settings"]["fill"]["value"] == str(pages), result["settings"]
    proof = result["cells"][0]["pages_obtained"]["proof"]
    found = re.search(r"page_faults_fixed=(\d+) pages_filled=(\d+)", proof)
    return int(found[1]), int(found[2])


def test_fill_is_how_many_pages_a_hidden_fault_maps():
    need_children()
    others = 32  # beside the data: code, stack, and what the guest's kernel has
    for pages in (1, 512):
        faults, filled = filling(pages)
        assert 1024 // pages <= faults <= 1024 // pages + others, (pages, faults)
        assert filled >= 1024, (pages, filled)


def test_what_cannot_be_is_refused():
    for wrong in (["chase", "--fill", "3"], ["chase", "--fill", "0"], ["events", "--fill", "1024"], ["events", "--sync", "eager"]):
        assert vcost(*wrong).returncode == 2, wrong


def test_where_kvm_is_denied_they_are_offered_and_run_only_where_they_are_named():
    need_children()
    if runners()["kvm"]["usable"] and os.getuid() != 0:
        raise tap.Skip("only root can become another user")
    done = vcost(*SMALL, before=NOBODY if os.getuid() == 0 else ())
    if "only native is measured" not in done.stderr:
        raise tap.Skip("everybody may use /dev/kvm here")
    assert "--on native,paravirt,shadow" in done.stderr, done.stderr
    result = json.loads(done.stdout)
    assert {cell["monitor"] for cell in result["cells"]} == {"native"}
    assert {monitor["name"] for monitor in result["host"]["monitors"]} == {"kvm"}


def test_events_that_they_cannot_have_are_null_with_a_reason():
    need_children()
    for monitor in MONITORS:
        result = result_of("events", "--on", f"native,{monitor}", "--quick", "--json", "-", "cpuid", "pio-user", "fault-host",
                           "page-fault", "dirty-log", "kernel-call")
        cells = {cell["workload"]: cell for cell in cells_of(result, monitor)}
        assert all(cell["median"] is not None or cell["reason"] for cell in cells.values())
        if cells["cpuid"]["median"] is None:  # where there is no CPUID faulting
            assert "CPUID does not leave" in cells["cpuid"]["reason"]
            assert " cpuid_fault" not in Path("/proc/cpuinfo").read_text()
        else:
            assert cells["cpuid"]["counters"]["exits"] > 0
        assert "needs kvm" in cells["dirty-log"]["reason"]
        call = cells["kernel-call"]
        metrics = {name: metric["value"] for name, metric in call["metrics"].items()}
        assert (metrics["hypercalls"], metrics["traps"]) == ((1, 0) if monitor == "paravirt" else (0, 2)), metrics
        assert metrics["faults_true"] == metrics["faults_hidden"] == metrics["pages_filled"] == metrics["pages_torn_down"] == 0
        assert metrics["transport"] > 0 and metrics["null_trap"] > 0 and metrics["null_fault"] > 0
        assert ("null_hypercall" in metrics) == (monitor == "paravirt")
        if len(os.sched_getaffinity(0)) > 1:
            assert 0 <= metrics["spinning"] <= 1, metrics
        else:
            assert metrics["spinning"] is None and "no other CPU" in call["metrics"]["spinning"]["reason"], call
        assert cells["pio-user"]["median"] > 0 and cells["fault-host"]["median"] > 0
        if monitor == "paravirt":
            assert "asks its monitor" in cells["page-fault"]["reason"]
        else:
            assert cells["page-fault"]["median"] > 0, cells["page-fault"]["reason"]


def test_where_a_system_call_is_refused_the_reason_is_told():
    need_children()
    for number, word in ((319, "memfd_create"), (317, "seccomp"), (56, "process")):  # and clone
        for name in MONITORS:
            done = vcost("chase", "--on", name, "--working-set", "4K", "--quick", preexec_fn=tap.refusing(number, 1),
                         env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0"})  # that starts a process itself
            if done.returncode == 99:
                raise tap.Skip("this kernel takes no filter of system calls")
            assert done.returncode == 77 and f"{name} cannot be used" in done.stderr and word in done.stderr, (
                done.returncode, done.stderr)


def session_of(pid):
    """What belongs to a session: processes that have not ended."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[3]) == pid and fields[0] not in "ZX":
            found.append(stat.parent.name)
    return found


def test_nothing_outlives_a_vcost_that_is_killed():
    need_children()
    for number in (signal.SIGKILL, signal.SIGINT):
        child = subprocess.Popen([VCOST, "chase", "--on", ALL, "--working-set", "1M..256M", "--per-octave", "4"],
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
        tap.until(lambda: len(session_of(child.pid)) >= 3 or child.poll() is not None, "no guest was started")
        assert child.poll() is None, f"it has ended: {child.poll()}"
        child.send_signal(number)
        child.communicate(timeout=300)
        tap.until(lambda: not session_of(child.pid), f"after signal {number} something is left")


tap.main(list(tap.cases(globals())))
