#!/usr/bin/python3
"""vcost verify as a user types it, on this machine as it is. Speaks TAP.

    test_verify.py VCOST

Nothing here judges speed.
"""
import csv
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import jsonschema

sys.dont_write_bytecode = True
import tap  # pylint: disable=wrong-import-position

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "share/schema/vcost.result-1.schema.json").read_text())
VCOST = str(Path(sys.argv[1]).resolve())
FEW = ["--quick", "--quiet"]
NOBODY = 65534
FAILED_MOST = 4
KEPT = {}


def run(*command, **options):
    return tap.calm(subprocess.run(command, capture_output=True, text=True, timeout=600, check=False, **options))


def verify(*arguments, **options):
    return run(VCOST, "verify", *arguments, **options)


def monitors():
    """Those that can be used here, and the others with their reasons."""
    listed = json.loads(run(VCOST, "list", "runners", "--json", "-").stdout)["runners"]
    facts = {item["name"]: item for item in listed if "usable" in item}
    return [name for name, item in facts.items() if item["usable"]], facts


def need_monitors():
    here, facts = monitors()
    if not here:
        raise tap.Skip(f"no monitor can be used here: {facts['kvm']['reason']}")
    return here


def result():
    """Of all monitors, tried once."""
    if not KEPT:
        done = verify(*FEW, "--json", "-")
        KEPT.update(json.loads(done.stdout))
        assert done.returncode == (3 if failures(KEPT) else 0), (done.returncode, done.stderr, failures(KEPT))
        for failure in failures(KEPT):
            print("# here:", failure)
        jsonschema.validate(KEPT, SCHEMA)
    return KEPT


def failures(found):
    return [(trial["monitor"], trial["title"], trial["privilege"], trial["reason"])
            for trial in found.get("trials", []) if trial["verdict"] == "failed"]


def of(found, monitor, **what):
    return [trial for trial in found["trials"] if trial["monitor"] == monitor
            and all(trial[key] == value for key, value in what.items())]


def test_each_monitor_has_a_line_and_what_holds_is_counted():
    here = need_monitors()
    found = result()
    assert found["experiment"] == "verify" and found["complete"], found["incomplete_reason"]
    lines = {line["monitor"]: line for line in found["verified"]}
    assert list(lines) == ["kvm", "paravirt", "shadow"]
    for name, line in lines.items():
        assert line["here"] == (name in here), line
        if not line["here"]:
            assert line["fidelity"] is None and line["safety"] is None and line["slowdown"] is None and line["reason"], line
            continue
        for goal in ("fidelity", "safety"):
            trials = [trial for trial in of(found, name) if (trial["class"] == "safety") == (goal == "safety")]
            counted = {verdict: sum(trial["verdict"] == verdict for trial in trials) for verdict in line[goal]}
            assert counted == line[goal] and sum(counted.values()) == len(trials) > 20, (name, goal, counted, line[goal])
            # A processor, or a KVM, that nobody has tried yet may answer a few instructions in its own way; no guest escapes.
            assert line[goal]["failed"] <= (FAILED_MOST if goal == "fidelity" else 0) and line[goal]["held"] > 20, failures(found)


def test_nothing_differs_but_what_cannot_trap():
    need_monitors()
    for trial in result()["trials"]:
        if trial["verdict"] == "differs":
            emulated = trial["privilege"] == 0 and "emulates CPL 0" in trial["reason"]
            assert trial["class"] == "sensitive" or emulated, trial
            assert "CPL 3" in trial["reason"] or emulated, trial
        assert (trial["verdict"] == "held") == (trial["reason"] is None), trial


def test_what_guests_see_is_what_was_executed():
    """On monitors that run guests as processes the host's tables show: its CS is that of every process."""
    for name in set(need_monitors()) & {"paravirt", "shadow"}:
        selector, = of(result(), name, name="mov-from-cs", privilege=3)
        assert selector["seen"] == "host" and selector["guest"] == selector["native"] == "0x33", selector
        for title in ("int3", "int-0x80", "cli-with-iopl-3"):
            trials = of(result(), name, name=title)
            assert trials and all(trial["seen"] == "own" for trial in trials), trials


def test_privileged_instructions_trap_in_every_guest():
    for name in need_monitors():
        trials = of(result(), name, **{"class": "privileged", "privilege": 3})
        assert len(trials) > 15 and {trial["guest"] for trial in trials} == {"#GP(0x0)"}, trials


def test_a_slowdown_is_measured_natively_and_in_each_guest():
    here = need_monitors()
    cells = {cell["monitor"] for cell in result()["cells"]}
    assert cells == {"native", *here}, cells
    for line in result()["verified"]:
        if line["here"]:
            assert line["slowdown_reason"] or line["low"] <= line["slowdown"] <= line["high"], line


def test_one_monitor_is_tried_alone_and_all_formats_say_the_same():
    name = need_monitors()[-1]
    with tempfile.TemporaryDirectory(prefix="vcost-test-") as folder:
        paths = {suffix: f"{folder}/v.{suffix}" for suffix in ("json", "html", "md", "csv")}
        done = verify(*FEW, "--on", name, "--verbose", "--json", paths["json"], "--html", paths["html"],
                      "--markdown", paths["md"], "--csv", paths["csv"])
        found = json.loads(Path(paths["json"]).read_text())
        assert done.returncode == (3 if failures(found) else 0), (done.stdout, done.stderr)
        assert failures(found) or done.stdout.startswith(f"All that was tried holds on {name}"), done.stdout
        assert [line["monitor"] for line in found["verified"]] == [name]
        assert {trial["monitor"] for trial in found["trials"]} == {name}
        held = found["verified"][0]["fidelity"]["held"]
        for text in (done.stdout, Path(paths["html"]).read_text(), Path(paths["md"]).read_text()):
            assert f"{held} of " in text and "SGDT" in text and "triple fault" in text
        goals, trials, cells = Path(paths["csv"]).read_text().split("\n\n")
        assert next(csv.DictReader(io.StringIO(goals)))["fidelity_held"] == str(held)
        assert len(list(csv.DictReader(io.StringIO(trials)))) == len(found["trials"])
        assert len(list(csv.DictReader(io.StringIO(cells)))) == len(found["cells"]) > 0
        again = run(VCOST, "report", "--verbose", paths["html"])
        assert again.returncode == 0 and again.stdout == done.stdout, (again.stdout, done.stdout)


def test_a_monitor_that_cannot_be_used_is_told_and_the_others_are_tried():
    if os.geteuid() != 0:
        raise tap.Skip("only root becomes another user")
    if os.stat("/dev/kvm").st_mode & 0o006 if os.path.exists("/dev/kvm") else False:
        raise tap.Skip("everybody may use /dev/kvm here")
    other = {"user": NOBODY, "group": NOBODY, "extra_groups": [], "cwd": "/"}
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        program = shutil.copy(VCOST, folder)  # where every user may execute it
        refused = run(program, "verify", *FEW, "--on", "kvm", **other)
        done = run(program, "verify", *FEW, "--json", "-", **other)
    assert refused.returncode == 77 and "kvm cannot be used" in refused.stderr and not refused.stdout, refused
    found = json.loads(done.stdout)
    kvm = found["verified"][0]
    assert kvm["monitor"] == "kvm" and not kvm["here"] and "/dev/kvm" in kvm["reason"], kvm
    others = [line for line in found["verified"] if line["here"]]
    assert done.returncode == (3 if failures(found) else 0 if others else 77), (done.returncode, done.stderr, failures(found))


def processes_of(session):
    """The processes of a session, each with its group."""
    found = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session and fields[0] not in "ZX":
            found[stat.parent.name] = int(fields[2])
    return found


def wait_until(condition):
    """False: it is not so even after some minutes."""
    end = time.monotonic() + 300
    while not (is_so := condition()) and time.monotonic() < end:
        time.sleep(0.05)
    return is_so


def end_midway(number, seconds=0):
    """vcost verify, sent a signal so long after it tries what has a process group of its own; and all that it has started is gone."""
    with subprocess.Popen([VCOST, "verify", "--quiet", "--json", "-"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, start_new_session=True) as process:
        assert wait_until(lambda: set(processes_of(process.pid).values()) - {process.pid}), "it has started none"
        time.sleep(seconds)
        process.send_signal(number)
        out, err = process.communicate(timeout=300)
    assert wait_until(lambda: not processes_of(process.pid)), processes_of(process.pid)
    return process.returncode, out, err


def test_ctrl_c_ends_it_with_what_was_found():
    need_monitors()
    for tenths in range(0, 100, 2):
        status, out, err = end_midway(signal.SIGINT, tenths / 10)
        if out:
            break
        assert "before anything was measured" in err, (status, err)  # a monitor was only looked at
    found = json.loads(out)
    jsonschema.validate(found, SCHEMA)
    assert status in (0, 130, -signal.SIGINT), (status, err)
    assert not found["complete"] and re.search("stopped|interrupt", found["incomplete_reason"]), found["incomplete_reason"]
    assert not failures(found), failures(found)


def test_nothing_is_left_of_one_that_is_killed():
    need_monitors()
    assert end_midway(signal.SIGKILL)[0] == -signal.SIGKILL


def test_the_time_budget_ends_what_is_tried_with_what_was_found():
    need_monitors()
    done = tap.given_time(lambda *time: verify("--quiet", *time, "--json", "-"), lambda done: done.stdout)
    found = json.loads(done.stdout)
    jsonschema.validate(found, SCHEMA)
    assert done.returncode == 0 and not failures(found), (done.returncode, done.stderr, failures(found))
    assert not found["complete"] and "time budget" in found["incomplete_reason"], found["incomplete_reason"]


def test_wrong_monitors_are_wrong_usage():
    for name in ("native", "command:true", "nothing"):
        done = verify("--on", name)
        assert done.returncode == 2 and not done.stdout, done


tap.main(tap.cases(globals()))
