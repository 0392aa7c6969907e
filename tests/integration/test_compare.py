#!/usr/bin/python3
"""vcost compare as a user types it, and chase's Markdown. Speaks TAP.

    test_compare.py VCOST

Results are made up here, with known truth; one is measured, so that what chase writes is what compare reads.
"""
import contextlib
import copy
import csv
import functools
import io
import json
import math
import os
import random
import re
import signal
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import jsonschema

sys.dont_write_bytecode = True
import tap  # pylint: disable=wrong-import-position

ROOT = Path(__file__).resolve().parents[2]
RESULT = json.loads((ROOT / "share/schema/vcost.result-1.schema.json").read_text())


def strict(schema):
    """The schema as it stands, but no field may be written that it does not describe: so it cannot fall behind the writer."""
    if isinstance(schema, list):
        return [strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: strict(value) for key, value in schema.items()}
    if "required" in made and "properties" in made:
        made["additionalProperties"] = False
    return made


COMPARE = strict(json.loads((ROOT / "share/schema/vcost.compare-1.schema.json").read_text()))
VCOST = str(Path(sys.argv[1]).resolve())
SIZES = (4096, 65536, 1048576)


def vcost(*arguments, **options):
    return subprocess.run([VCOST, *map(str, arguments)], capture_output=True, text=True, timeout=300, **options)


def compare(*arguments, **options):
    return vcost("compare", *arguments, **options)


def expect(done, status, *sentences):
    assert done.returncode == status, f"exit status {done.returncode}: {done.stderr}"
    for sentence in sentences:
        assert sentence in done.stderr, f"'{sentence}' is not in: {done.stderr}"


def one_sentence(done, status, *parts):
    """One clear sentence on stderr (and a hint after wrong usage), nothing on stdout."""
    expect(done, status, *parts)
    lines = done.stderr.strip().splitlines()
    assert lines[0].startswith("vcost: "), done.stderr
    assert len(lines) == (2 if status == 2 else 1), done.stderr
    assert done.stdout == "", done.stdout


def told(done, *parts):
    """All of it is on stdout, wherever lines are broken there."""
    text = re.sub(r"\s+", " ", done.stdout)
    for part in parts:
        assert part in text, f"'{part}' is not in: {done.stdout}"


@contextlib.contextmanager
def folder():
    with tempfile.TemporaryDirectory(prefix="vcost-test-") as path:
        yield Path(path)


# ---- results made up


def samples(ns, spread, seed, placements):
    dice = random.Random(seed)
    values = []
    for placement in range(placements):
        center = ns * math.exp(spread * dice.uniform(-1, 1))
        values += [{"value": center * (1 + 0.001 * turn), "round": turn, "placement": placement, "disturbed": None}
                   for turn in (0, 1, 2)]
    return values


def by_placement(taken):
    places = sorted({sample["placement"] for sample in taken})
    return [statistics.median(s["value"] for s in taken if s["placement"] == place) for place in places]


def cell(monitor, size, ns, spread, seed, placements):
    guest = None if monitor == "native" else 4096
    taken = samples(ns, spread, seed, placements)
    middles = by_placement(taken)
    made = copy.deepcopy(measured()["cells"][0])  # a native one, in the form of today
    made |= {"id": f"chase/{monitor}/random/{size}/64/{guest or '-'}/4096", "monitor": monitor, "label": monitor,
             "guest_page_bytes": guest, "unit": "ns", "samples": taken, "placements": placements, "repeated": 0,
             "median": statistics.median(middles), "low": min(middles), "high": max(middles),
             "min": min(sample["value"] for sample in taken), "quality": "good", "reason": None}
    made["parameters"] |= {"working_set_bytes": size}
    if placements < 2:
        made |= {"low": None, "high": None, "reason": "an interval needs at least two placements"}
    return made


@functools.cache
def measured():
    """A real result, measured once: its host and its form."""
    done = vcost("chase", "--working-set", "4K..8K", "--per-octave", "1", "--quick", "--time", "20", "--json", "-")
    expect(done, 0)
    return json.loads(done.stdout)


def set_parameters(made, parameters):
    made["host"]["kvm"]["parameters"] = parameters
    for monitor in made["host"]["monitors"]:
        monitor["parameters"] = parameters


def result(native=1.0, guest=1.0, spread=0.01, placements=4, sizes=SIZES):
    """Times multiplied by `native` and `guest`; a spread of placements of up to `spread` to each side."""
    made = copy.deepcopy(measured())
    made |= {"cells": [], "comparisons": [], "complete": True, "incomplete_reason": None,
             "command": ["vcost", "chase", "--quick"]}
    set_parameters(made, {"kvm_amd.avic": "N", "kvm_amd.npt": "1"})
    made["host"]["mitigations"] = {**{f"flaw_{number}": "Not affected" for number in range(9)}, "spectre_v2": "Retpolines"}
    for number, size in enumerate(sizes):
        a = cell("native", size, native * (number + 1), spread, number, placements)
        b = cell("kvm", size, guest * 1.1 * (number + 1), spread, number, placements)
        ratio = statistics.median(y / x for x, y in zip(by_placement(a["samples"]), by_placement(b["samples"])))
        made["cells"] += [a, b]
        made["comparisons"].append({"cell": b["id"], "baseline": a["id"], "ratio": ratio, "low": ratio * 0.999,
                                    "high": ratio * 1.001, "placements": placements, "reason": None})
    return made


def kept(place, **results):
    """Writes results to NAME.json and returns their paths, in order."""
    paths = []
    for name, made in results.items():
        jsonschema.validate(made, RESULT)
        paths.append(place / f"{name}.json")
        paths[-1].write_text(json.dumps(made))
    return paths


def compared(*arguments, status=0):
    done = compare(*arguments, "--json", "-")
    expect(done, status)
    found = json.loads(done.stdout)
    jsonschema.validate(found, COMPARE)
    return found


def changes(found, what="times", file=0):
    return [row["changes"][file] for row in found[what]]


# ---- what changed


def test_a_measured_result_against_itself_changes_nothing():
    with folder() as work:
        path = work / "a.json"
        path.write_text(json.dumps(measured()))
        found = compared(path, path, "--fail-above", "0")
        assert len(found["times"]) == len(measured()["cells"]) and found["differences"] == found["absences"] == []
        for change in changes(found) + changes(found, "slowdowns"):
            if change.get("disturbed"):  # as on a busy machine
                assert change["ratio"] is None and "disturbed" in change["reason"], change
                continue
            assert change["ratio"] == 1 and change["low"] < 1 < change["high"] and change["verdict"] == "untold", change


def test_20_percent_slower_is_found_and_fails_above_10_percent():
    with folder() as work:
        a, b = kept(work, a=result(), b=result(native=1.2, guest=1.2))
        for change in changes(compared(a, b)):
            assert abs(change["ratio"] - 1.2) < 1e-6 and 1.15 < change["low"] < 1.2 < change["high"] < 1.25
        done = compare(a, b, "--fail-above", "10%")
        expect(done, 3, "vcost: --fail-above: 6 of the cells got slower by more than 10 %", "in B", "+20.0 %")
        told(done, "b.json (B) is slower than a.json (A) in 6 of 6 cells, by at most 20.0 % (")
        assert compared(a, b, "--fail-above", "10", status=3)["threshold"] == {
            "percent": 10, "metric": "time", "above": 6, "passed": True}
        assert all(change["verdict"] == "faster" for change in changes(compared(b, a, "--fail-above", "10")))


def test_the_low_end_of_the_interval_is_what_fails():
    with folder() as work:
        a, b = kept(work, a=result(spread=0.2), b=result(native=1.2, guest=1.2, spread=0.2))
        found = compared(a, b, "--fail-above", "10%")
        assert all(change["ratio"] > 1.1 > change["low"] for change in changes(found))
        assert found["threshold"]["passed"] is False


def test_a_slower_machine_does_not_make_virtualization_dearer():
    with folder() as work:
        a, b = kept(work, a=result(), b=result(native=1.2, guest=1.2))
        expect(compare(a, b, "--fail-above", "1", "--metric", "slowdown"), 0)
        assert all(change["verdict"] == "untold" for change in changes(compared(a, b), "slowdowns"))


def test_a_slower_guest_does_and_slowdowns_can_be_judged():
    with folder() as work:
        a, b = kept(work, a=result(), b=result(guest=1.3))
        done = compare(a, b, "--fail-above", "10", "--metric", "slowdown")
        expect(done, 3, "3 of the slowdowns got slower")
        assert done.stdout.index("slowdowns over their baseline") < done.stdout.index("medians, and how")
        told(done, "The cost of virtualization in b.json (B) is higher than in a.json (A) in 3 of 3 slowdowns, by at most 30.0 %")


def test_three_files_are_compared_with_the_first():
    with folder() as work:
        a, b, c = kept(work, a=result(), b=result(native=1.2, guest=1.2), c=result(native=0.8, guest=0.8))
        found = compared(a, b, c)
        assert {change["verdict"] for change in changes(found, file=0)} == {"slower"}
        assert {change["verdict"] for change in changes(found, file=1)} == {"faster"}
        done = compare(a, b, c)
        told(done, "A: a.json", "B: b.json", "C: c.json", "c.json (C) is faster than a.json (A) in 6 of 6 cells")
        assert max(map(len, done.stdout.splitlines())) <= 80


def test_one_file_may_come_from_stdin():
    with folder() as work:
        a, b = kept(work, a=result(), b=result(native=1.2))
        with open(b) as stream:
            done = compare(a, "-", "--json", "-", stdin=stream)
        expect(done, 0)
        assert [file["name"] for file in json.loads(done.stdout)["files"]] == [str(a), "standard input"]
        one_sentence(compare("-", "-"), 2, "only one FILE can be -")


def test_a_pattern_chooses_cells():
    with folder() as work:
        a, b = kept(work, a=result(), b=result())
        found = compared(a, b, "--only", "chase/kvm/*/65536/*")
        assert [row["id"] for row in found["times"]] == ["chase/kvm/random/65536/64/4096/4096"]
        one_sentence(compare(a, b, "--only", "nothing"), 1, '"nothing"')


# ---- what else differs


def test_differing_machines_and_settings_are_told_loudly():
    with folder() as work:
        other = result()
        other["host"]["kernel"] = "5.10.0"
        other["host"]["cpu"] |= {"brand": "Another \033[31mCPU", "microcode": "0xbeef"}
        other["host"]["memory_bytes"] = 1 << 40
        other["host"]["thp"] = "never"
        other["host"]["mitigations"] = {"spectre_v2": "Vulnerable"}
        set_parameters(other, {"kvm_amd.npt": "0"})
        other["host"]["virtualization"] = {"is_guest": True, "guest_of": "xen"}
        other["tool"]["version"] = "9.9"
        other["settings"] |= {"lock": {"value": "yes", "usual": False}, "hue": {"value": "red", "usual": True}}
        a, b = kept(work, a=result(), b=other)
        done = compare(a, b)
        told(done, "WARNING: not only the results differ", 'B "5.10.0"', 'B "0xbeef"', 'B "1 TiB"', 'B "never"', 'B "9.9"',
             'B "xen"', 'KVM parameter kvm_amd.npt: A "1", B "0"', 'mitigation spectre_v2: A "Retpolines", B "Vulnerable"',
             "mitigation: 6 more differ, see --json", 'setting lock: A "no", B "yes"')
        assert "\033" not in done.stdout
        names = {each["name"] for each in compared(a, b)["differences"]}
        assert {"CPU", "microcode", "kernel", "memory", "transparent huge pages", "mitigation", "KVM parameter",
                "hypervisor below", "vcost version", "setting"} <= names, names
        asked = {each["key"]: each["values"] for each in compared(a, b)["differences"] if each["name"] == "setting"}
        assert asked == {"lock": ["no", "yes"]}, asked  # and no default of an option that the other had not
        assert "\033[33mWARNING" in compare(a, b, "--color", "always").stdout
        told(compare(a, a), "are the same, as far as they are reported")


def test_a_file_of_an_earlier_version_differs_in_nothing_that_did_not_change():
    """It has neither settings nor a list of monitors: options are read from its command."""
    old = copy.deepcopy(measured())
    del old["settings"], old["host"]["monitors"]
    with folder() as work:
        assert compared(*kept(work, a=old, b=measured()))["differences"] == []


def test_where_a_result_was_written_to_is_no_difference():
    with folder() as work:
        other = result()
        other["command"] = ["/usr/bin/vcost", "chase", "--quick", "--json", "x.json", "--svg=x.svg", "-q"]
        assert compared(*kept(work, a=result(), b=other))["differences"] == []


def test_other_machines_of_agents_are_told():
    agent = {"monitor": "command:ssh guest", "command": "ssh guest vcost agent", "version": "0.1.0", "cpu_brand": "CPU",
             "kernel": "6.1", "is_guest": True, "guest_of": "kvm", "cpu": 1, "tsc_ghz": 2.0, "page_bytes": 4096}
    with folder() as work:
        a, b = kept(work, a=result() | {"agents": [agent]}, b=result() | {"agents": [agent | {"kernel": "5.10"}]})
        told(compare(a, b), 'other machine command:ssh guest: A "CPU, Linux 6.1,', 'B "CPU, Linux 5.10,')


def test_incomplete_noisy_and_missing_cells_are_told():
    with folder() as work:
        other = result(sizes=SIZES[:2])
        other |= {"complete": False, "incomplete_reason": "stopped by the user"}
        other["cells"][0] |= {"quality": "noisy", "reason": "most samples were disturbed"}
        a, b = kept(work, a=result(), b=other)
        done = compare(a, b)
        told(done, "B is incomplete: stopped by the user", "Only in A: native, 1 MiB; kvm, 1 MiB.")
        assert "B: 1 noisy of 4 cells" in compare(a, b, "--markdown", "-").stdout
        assert [absence["files"] for absence in compared(b, a)["absences"]] == [[False, True], [False, True]]


def test_without_an_interval_nothing_is_judged_and_that_is_told():
    with folder() as work:
        a, b = kept(work, a=result(placements=1), b=result(native=2, guest=2))
        found = compared(a, b)
        assert all(change["ratio"] > 1.9 and change["low"] is None and change["reason"] for change in changes(found))
        told(compare(a, b), "b.json (B) cannot be judged relative to a.json (A): an interval needs at least two placements")
        expect(compare(a, b, "--fail-above", "5"), 1, "nothing can be judged")


def test_one_id_for_different_things_is_refused():
    with folder() as work:
        a, b = kept(work, a=result(), b=result())
        for field, value in (("unit", "cycles"), ("workload", "copy")):
            other = result()
            other["cells"][1][field] = value
            b.write_text(json.dumps(other))
            one_sentence(compare(a, b), 1, "cannot be compared", value)


def test_results_without_a_common_cell_are_refused():
    with folder() as work:
        a, b = kept(work, a=result(sizes=SIZES[:1]), b=result(sizes=SIZES[1:]))
        one_sentence(compare(a, b), 1, "nothing to compare", "a.json", "b.json")


# ---- other forms


def test_csv_has_a_line_for_each_cell_and_file():
    with folder() as work:
        a, b = kept(work, a=result(), b=result(native=1.2, guest=1.2))
        done = compare(a, b, "--csv", "-")
        expect(done, 0)
        rows = list(csv.DictReader(io.StringIO(done.stdout)))
        assert len(rows) == 2 * (6 + 3) and None not in rows[0]
        times = [row for row in rows if row["metric"] == "time" and row["file"] == str(b)]
        assert all(row["verdict"] == "slower" and abs(float(row["ratio"]) - 1.2) < 1e-6 for row in times)
        assert all(row["ratio"] == "" for row in rows if row["file"] == str(a))


def tables(text):
    """The tables of a Markdown text, as lists of rows of cells; escaped bars do not separate."""
    found, before = [], ""
    for line in text.splitlines():
        if line.startswith("|"):
            if not before.startswith("|"):
                found.append([])
            found[-1].append([part.strip() for part in re.split(r"(?<!\\)\|", line)[1:-1]])
        before = line
    return found


def well_formed(text):
    assert "\033" not in text
    for table in tables(text):
        assert all(re.fullmatch(":---|---:", part) for part in table[1]), table[1]
        assert len({len(row) for row in table}) == 1, table
    return tables(text)


def test_markdown_of_a_comparison_is_well_formed():
    with folder() as work:
        other = result(native=1.2, guest=1.2)
        other["host"]["kernel"] = "a|b *c* <d>"
        a, b = kept(work, a=result(), b=other)
        done = compare(a, b, "--markdown", "-")
        expect(done, 0)
        times, slowdowns = well_formed(done.stdout)
        assert len(times) == 2 + 6 and len(slowdowns) == 2 + 3
        assert times[0] == ["cell", "A: a.json (ns)", "B: b.json (ns)", "change", "95 % interval"] and times[2][3] == "+20 %"
        assert r"a\|b \*c\* \<d\>" in done.stdout and "\n- B relative to A: of 6 cells" in done.stdout


def has_guest():
    """Whether a guest takes part here: an ordinary user may not have /dev/kvm."""
    runners = json.loads(vcost("list", "runners", "--json", "-").stdout)["runners"]
    return any(runner["name"] == "kvm" and runner["usable"] for runner in runners)


def test_markdown_of_a_chase_is_well_formed():
    done = vcost("chase", "--working-set", "4K..8K", "--per-octave", "1", "--quick", "--markdown", "-")
    expect(done, 0)
    table, = well_formed(done.stdout)
    assert [row[0] for row in table[2:]] == ["4 KiB", "8 KiB"]
    assert (table[0][1:4] == ["native", "guest", "slowdown"]) == has_guest(), table[0]
    assert "samples" in done.stdout.splitlines()[-1]


def test_files_are_written_beside_the_table():
    with folder() as work:
        a, b = kept(work, a=result(), b=result())
        done = compare(a, b, "--json", work / "c.json", "--csv", work / "c.csv", "--markdown", work / "c.md")
        expect(done, 0)
        told(done, "B: b.json", "95 % interval")
        jsonschema.validate(json.loads((work / "c.json").read_text()), COMPARE)
        well_formed((work / "c.md").read_text())
        assert sorted(path.name for path in work.iterdir()) == ["a.json", "b.json", "c.csv", "c.json", "c.md"]


def test_a_closed_pipe_costs_no_file():
    with folder() as work:
        a, b = kept(work, a=result(), b=result())
        reader, writer = os.pipe()
        os.close(reader)
        run = subprocess.Popen([VCOST, "compare", a, b, "--json", work / "c.json", "--csv", work / "c.csv"], stdout=writer,
                               stderr=subprocess.PIPE)
        os.close(writer)
        _, said = run.communicate(timeout=300)
        assert run.returncode in (1, -signal.SIGPIPE) and said.count(b"\n") <= 1, (run.returncode, said)
        jsonschema.validate(json.loads((work / "c.json").read_text()), COMPARE)
        assert len((work / "c.csv").read_text().splitlines()) == 1 + 2 * (6 + 3)


def test_a_full_disk_is_told():
    with folder() as work:
        a, b = kept(work, a=result(), b=result(native=2))
        expect(compare(a, b, "--json", "/dev/full", "--fail-above", "5"), 1, "No space left on device")


# ---- bad files


def test_what_is_no_result_is_refused_with_one_sentence():
    with folder() as work:
        good, = kept(work, good=result())
        whole = good.read_text()
        bad = work / "bad.json"
        for text, *parts in [
            ("", "bad.json is empty"),
            ("{", "is no JSON: line 1"),
            (whole[:len(whole) // 2], "is no JSON"),
            ("[]", "holds no result"),
            ("[7]", "is no vcost result"),
            ('{"schema": "vcost.list/1"}', 'is no vcost result: its schema is "vcost.list/1"'),
            (whole.replace("vcost.result/1", "vcost.result/2"), "vcost.result/2", "a newer one"),
            (whole.replace('"median": ', '"mediaN": ', 1), 'cells[0]: "median" is missing'),
            (whole.replace('"median": ', '"median": 1e', 1), "is"),
            (whole.replace("\"quality\": \"good\"", "\"quality\": \"\\u001b[31m\"", 1), "cells[0].quality"),
            (whole.replace("random/4096/64/-", "random/65536/64/-"), "is there twice"),
        ]:
            bad.write_text(text)
            for order in ((good, bad), (bad, good)):
                done = compare(*order)
                one_sentence(done, 1, "bad.json", *parts)
                assert "\033" not in done.stderr
        one_sentence(compare(good, work / "none.json"), 1, "none.json: No such file")
        one_sentence(compare(good, work), 1, "Is a directory")
        one_sentence(compare(good, "/dev/zero"), 1, "larger than 32 MiB")


def test_a_newer_file_with_more_fields_is_read():
    with folder() as work:
        newer = result()
        newer |= {"flavour": {"new": [1, 2, 3]}}
        newer["cells"][0]["samples"][0]["energy"] = 5
        a, b = kept(work, a=result(), b=newer)
        assert all(change["ratio"] == 1 for change in changes(compared(a, b)))


def test_wrong_usage_is_one_sentence_and_status_2():
    for arguments, part in [([], "FILE is missing"), (["a.json"], "FILE is missing"), (["a", "b", "--fail-above", "x"], '"x"'),
                            (["a", "b", "--json", "-", "--csv", "-"], "stdout"), (["a", "b", "--svg", "x.svg"], "--svg")]:
        one_sentence(compare(*arguments), 2, part)


tap.main(tap.cases(globals()))
