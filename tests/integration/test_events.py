#!/usr/bin/python3
"""vcost events as a user types it, on this machine as it is. Speaks TAP.

    test_events.py VCOST

Nothing here judges speed: only what is said, what is written, what is counted, and how it ends.
"""
import contextlib
import csv
import functools
import io
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from xml.etree import ElementTree

import jsonschema

sys.dont_write_bytecode = True
import tap  # pylint: disable=wrong-import-position

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "share/schema/vcost.result-1.schema.json").read_text())
VCOST = str(Path(sys.argv[1]).resolve())
FEW = ["rdtsc", "clock-syscall", "mlock", "--quick"]


def vcost(*arguments, **options):
    return tap.calm(subprocess.run([VCOST, *arguments], capture_output=True, text=True, timeout=300, **options))


def events(*arguments, **options):
    done = vcost("events", *arguments, **options)
    assert done.returncode == 0, f"exit status {done.returncode}: {done.stderr}"
    return done.stdout


def result_of(*arguments):
    result = json.loads(events(*arguments, "--json", "-"))
    jsonschema.validate(result, SCHEMA)
    return result


@functools.cache
def whole():
    """The text on 80 columns, and the result, of all events."""
    with tempfile.TemporaryDirectory() as folder:
        text = events("--quick", "--json", f"{folder}/a.json", env={**os.environ, "COLUMNS": "80", "LC_ALL": "C.UTF-8"})
        result = json.loads(Path(f"{folder}/a.json").read_text())
    jsonschema.validate(result, SCHEMA)
    return text, result


def listed():
    return [event["name"] for event in json.loads(vcost("list", "events", "--json", "-").stdout)["events"]]


def kvm_facts():
    return next(runner for runner in json.loads(vcost("list", "runners", "--json", "-").stdout)["runners"]
                if runner["name"] == "kvm")


def need_kvm():
    facts = kvm_facts()
    if not facts["usable"]:
        raise tap.Skip(facts["reason"])
    return facts


def refused(arguments, *parts):
    done = vcost("events", *arguments)
    assert done.returncode == 2 and done.stdout == "", (done.returncode, done.stdout)
    for part in parts:
        assert part in done.stderr, done.stderr


# ---- what is measured


def test_every_event_has_a_figure_or_a_reason_at_every_place():
    _, result = whole()
    assert result["experiment"] == "events" and result["complete"]
    places = {cell["monitor"] for cell in result["cells"]}
    assert {(cell["workload"], cell["monitor"]) for cell in result["cells"]} == {
        (name, place) for name in listed() for place in places}
    for cell in result["cells"]:
        if cell["median"] is None:
            assert cell["reason"] and not cell["samples"] and cell["quality"] == "missing", cell["id"]
        else:
            assert 0 < cell["min"] <= cell["median"] and cell["low"] <= cell["median"] <= cell["high"], cell["id"]
            assert len({sample["placement"] for sample in cell["samples"]}) >= 3, cell["id"]
            assert cell["counters"]["operations"] > 0, cell["id"]
    measured = {cell["workload"] for cell in result["cells"] if cell["median"] is not None}
    assert len(measured) > len(listed()) / 2, sorted(set(listed()) - measured)


def test_ids_are_unique_and_comparisons_name_cells():
    _, result = whole()
    ids = [cell["id"] for cell in result["cells"]]
    assert len(ids) == len(set(ids))
    pairs = [(comparison["cell"], comparison["baseline"]) for comparison in result["comparisons"]]
    assert pairs and len(pairs) == len(set(pairs)) and all(a in ids and b in ids and a != b for a, b in pairs)


def test_a_difference_lies_in_its_interval_and_has_the_sign_of_its_ratio():
    for comparison in whole()[1]["comparisons"]:
        if comparison["low"] is None or comparison["more_low_ns"] is None:  # as on a busy machine
            assert comparison["placements"] < 2 and comparison["reason"], comparison
            continue
        assert comparison["more_low_ns"] <= comparison["more_ns"] <= comparison["more_high_ns"], comparison
        if comparison["low"] > 1.05 and comparison["more_low_ns"] > 0:
            assert comparison["more_ns"] > 0 and comparison["ratio"] > 1, comparison


def test_an_exit_to_the_process_is_an_exit_and_costs_more_than_a_system_call():
    need_kvm()
    result = result_of("--quick", "pio-user", "clock-syscall")
    cells = {cell["id"]: cell for cell in result["cells"]}
    exit_cell = cells["events/kvm/pio-user"]
    assert exit_cell["counters"]["exits"] >= exit_cell["counters"]["operations"]
    assert exit_cell["median"] > cells["events/native/clock-syscall"]["median"]
    assert cells["events/native/pio-user"]["median"] is None


def test_what_an_event_is_held_against_comes_along():
    workloads = {cell["workload"] for cell in result_of("--quick", "--on", "native", "populate-write")["cells"]}
    assert workloads == {"populate-write", "first-touch-4k"}


def test_native_alone_needs_no_guest():
    result = result_of("--on", "native", *FEW)
    assert {cell["monitor"] for cell in result["cells"]} == {"native"}


# ---- what is said


def test_the_table_names_every_event_that_was_asked_for():
    text = events(*FEW, "--verbose")
    for word in ("rdtsc", "clock-syscall", "mlock", "samples"):
        assert word in text, text


def test_the_table_fits_eighty_columns():
    text, _ = whole()
    assert max(len(line) for line in text.splitlines()) <= 80, max(text.splitlines(), key=len)


def test_csv_and_markdown_hold_the_same_figures():
    with tempfile.TemporaryDirectory() as folder:
        paths = [f"{folder}/{name}" for name in ("a.json", "a.csv", "a.md")]
        events(*FEW, "--json", paths[0], "--csv", paths[1], "--markdown", paths[2])
        cells = {cell["id"]: cell for cell in json.loads(Path(paths[0]).read_text())["cells"]}
        lines = list(csv.DictReader(io.StringIO(Path(paths[1]).read_text())))
        assert {line["id"] for line in lines} == set(cells)
        for line in lines:
            median = cells[line["id"]]["median"]
            assert (line["median"] == "") == (median is None)
            assert median is None or abs(float(line["median"]) / median - 1) < 1e-6
        markdown = Path(paths[2]).read_text()
        assert "| rdtsc |" in markdown.replace("\\", ""), markdown


def test_every_event_is_explained():
    for name in listed():
        text = events("--explain", name)
        for part in (name, "In the article", "What to do", "How it is measured", "Source"):
            assert part in text, (name, text)
    refused(["--explain", "nonsense"], "nonsense")


def test_context_adds_published_figures_with_their_source():
    text = events(*FEW, "--context")
    assert "ASPLOS 2006" in text and "SOSP 2023" in text
    assert "ASPLOS" not in events(*FEW)


def test_an_event_that_is_not_there_is_refused_with_a_suggestion():
    refused(["cpuidd"], "cpuidd")


def test_the_most_expensive_are_drawn():
    with tempfile.TemporaryDirectory() as folder:
        text = events(*FEW, "--svg", f"{folder}/a.svg")
        picture = ElementTree.parse(f"{folder}/a.svg").getroot()
        assert picture.tag.endswith("}svg")
        words = "".join(picture.itertext())
        assert any(event in words for event in FEW[:3]) and text.split("\n")[0][:30] in words, words


def test_a_picture_and_a_page_are_written():
    with tempfile.TemporaryDirectory() as folder:
        picture, page = Path(folder) / "a.svg", Path(folder) / "a.html"
        text = events(*FEW, "--svg", picture, "--html", page)
        assert "<svg" in picture.read_text() and "rdtsc" in page.read_text()
        assert vcost("report", page).stdout == text


def test_results_can_be_compared():
    with tempfile.TemporaryDirectory() as folder:
        for name in ("a", "b"):
            events(*FEW, "--json", f"{folder}/{name}.json")
        done = vcost("compare", f"{folder}/a.json", f"{folder}/b.json")
        assert done.returncode == 0 and "rdtsc" in done.stdout, done.stderr


# ---- how it ends


def test_interrupt_reports_what_there_is():
    _, out, said = tap.stop_midway([VCOST, "events", "--json", "-", "--time", "60"], percent=2)
    result = json.loads(out)
    jsonschema.validate(result, SCHEMA)
    assert not result["complete"] and result["incomplete_reason"], said
    assert any(cell["samples"] for cell in result["cells"]), "nothing was measured"


def test_a_budget_is_kept():
    began = tap.cpu_seconds()
    done = subprocess.run([VCOST, "events", "--time", "1", "--json", "-"], capture_output=True, text=True, check=False)
    took = tap.cpu_seconds() - began
    if done.returncode == 1 and "the time budget of 1 s ended before anything" in done.stderr:
        return  # a machine that is so slow, or so busy
    result = json.loads(done.stdout)
    assert not result["complete"] and took < 30, took  # all of it takes longer
    assert "budget" in result["incomplete_reason"]


def as_limited_user():
    """Before vcost starts: root becomes one whom limits hold; no more processes, and no locked memory."""
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
    resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))
    resource.setrlimit(resource.RLIMIT_MEMLOCK, (0, 0))


def test_rows_that_the_limits_of_the_user_forbid_do_not_lose_the_others():
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        copy = shutil.copy(VCOST, folder)  # where every user may execute it
        environment = os.environ | {"ASAN_OPTIONS": "detect_leaks=0"}  # for which a thread is started
        done = subprocess.run([copy, "events", "--quick", "--on", "native", "--json", "-"], capture_output=True,
                              text=True, timeout=300, cwd="/", env=environment, preexec_fn=as_limited_user)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    jsonschema.validate(result, SCHEMA)
    cells = {cell["workload"]: cell for cell in result["cells"]}
    assert result["complete"] and set(cells) == set(listed())
    for name, reason in (("fork-exit", "ulimit -u"), ("exec", "ulimit -u"), ("mlock", "ulimit -l"), ("munlock", "ulimit -l")):
        assert cells[name]["median"] is None and reason in cells[name]["reason"], cells[name]
        assert not cells[name]["samples"] and cells[name]["quality"] == "missing", cells[name]
    for name in ("first-touch-4k", "rdtsc", "clock-syscall", "mprotect-page"):
        assert cells[name]["median"] > 0, cells[name]


def test_rows_for_which_addresses_do_not_suffice_do_not_lose_the_others():
    if b"__asan_init" in Path(VCOST).read_bytes():
        return  # a sanitizer takes more addresses than any limit
    limit = 400 << 20
    names = ["first-touch-4k-fresh", "first-touch-4k", "fork-exit", "fault-guest", "dirty-log", "rdtsc"]
    done = subprocess.run([VCOST, "events", *names, "--quick", "--json", "-"], capture_output=True, text=True, timeout=300,
                          preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)))
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    cells = {cell["id"]: cell for cell in result["cells"]}
    assert result["complete"]
    assert "ulimit -v" in cells["events/native/first-touch-4k-fresh"]["reason"]
    assert cells["events/native/first-touch-4k"]["median"] > 0
    assert cells["events/native/fork-exit"]["median"] > 0


def processes_of_session(session):
    """Their lines in /proc/PID/stat (proc(5)): behind the name in brackets come state, parent, group and session."""
    found = []
    for file in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            line = file.read_text(errors="replace")
            if int(line.rpartition(")")[2].split()[3]) == session:
                found.append(line)
    return found


def test_nothing_is_left_behind():
    with subprocess.Popen([VCOST, "events", *FEW], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          start_new_session=True) as process:
        process.communicate(timeout=300)
    assert process.returncode == 0
    tap.until(lambda: not processes_of_session(process.pid), "something is left")


tap.main(tap.cases(globals()))
