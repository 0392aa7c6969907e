#!/usr/bin/python3
"""How vcost ends: the exit statuses that its manual pages promise, 0, 1, 2, 3 and 77. Speaks TAP.

    test_status.py VCOST
"""
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True
import tap  # pylint: disable=wrong-import-position

VCOST = str(Path(sys.argv[1]).resolve())
FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
FEW = ["inspect", "--quick", "--time", "1"]


def vcost(*arguments):
    return subprocess.run([VCOST, *arguments], capture_output=True, text=True, timeout=300)


def gated(*arguments):
    """An inspection with thresholds on rdtsc, for which a second may be too little."""
    return tap.given_time(lambda *time: vcost(*FEW, *time, *arguments), lambda done: not re.search("rdtsc.*time", done.stderr))


def expect(done, status, *parts):
    assert done.returncode == status, (done.returncode, done.stderr)
    for part in parts:
        assert part in done.stderr, f"'{part}' is not in: {done.stderr}"


# ---- no sample


def test_without_any_sample_it_has_failed():
    with tempfile.TemporaryDirectory(prefix="vcost-test-") as work:
        kept = Path(work) / "a.json"
        done = vcost("chase", "--on", "native", "--working-set", "512M", "--time", "0.001", "--json", str(kept))
        expect(done, 1, "measured", "time budget")
        if kept.exists():
            assert not json.loads(kept.read_text())["complete"]


def test_what_cannot_happen_on_this_host_is_status_77():
    done = vcost("events", "--on", "native", "--quick", "hypercall")
    expect(done, 77, "nothing was measured")
    assert "hypercall" in done.stdout, "the report is missing"


def test_a_cpu_that_is_not_there_is_status_77():
    expect(vcost("chase", "--quick", "--working-set", "4K", "--cpu", "4095"), 77, "CPU 4095", "these can")


# ---- gates


def test_a_name_that_no_finding_has_is_wrong_usage_at_once():
    began = tap.cpu_seconds()
    expect(vcost("inspect", "--fail-on", "steal>5%,splinterd"), 2, "splintered", "Try 'vcost inspect --help'")
    assert tap.cpu_seconds() - began < 2  # measuring takes longer


def test_names_are_those_of_findings():
    """What this machine and the kept results have are names that --fail-on knows."""
    names = {finding["name"] for path in FIXTURES.glob("*/*inspect*.json") for finding in json.loads(path.read_text())["findings"]}
    done = vcost(*FEW, "--json", "-")
    expect(done, 0)
    names |= {finding["name"] for finding in json.loads(done.stdout)["findings"]}
    assert len(names) > 60, names
    names = sorted(names)
    for some in (names[at:at + 30] for at in range(0, len(names), 30)):  # what follows is not measured: --rounds is wrong
        done = vcost("inspect", "--fail-on", ",".join(f"{name}=x" for name in some), "--cpu", "4095")
        assert "there is no finding" not in done.stderr, done.stderr


def test_what_does_not_fit_a_finding_is_wrong_usage_and_costs_no_report():
    done = vcost(*FEW, "--fail-on", "rdtsc>5%")
    expect(done, 2, "is a time")
    assert "RDTSC" in done.stdout, "the report is missing"


def test_a_gate_that_cannot_be_judged_is_told_and_fails_if_wanted():
    gate = ["--fail-on", "rdtsc>1s,large-tlb>1"]  # the latter is not measured by --quick
    done = gated(*gate)
    expect(done, 0, "large-tlb>1: there is no large-tlb here")
    expect(gated(*gate, "--fail-on-unknown"), 3, "large-tlb>1")
    expect(gated("--fail-on", "rdtsc>1s", "--fail-on-unknown"), 0)
    expect(vcost(*FEW, "--fail-on-unknown"), 2, "--fail-on WHAT")


def test_a_comparison_that_cannot_be_judged_is_told_and_fails_if_wanted():
    before = FIXTURES / "amd/chase.json"
    result = json.loads(before.read_text())
    cell = result["cells"][0]  # of a single placement: no interval
    cell["samples"] = [sample for sample in cell["samples"] if sample["placement"] == cell["samples"][0]["placement"]]
    with tempfile.TemporaryDirectory(prefix="vcost-test-") as work:
        after = Path(work) / "after.json"
        after.write_text(json.dumps(result))
        gate = ["compare", "--fail-above", "1000%", str(before), str(after)]
        expect(vcost(*gate), 0, "1 of the cells cannot be judged")
        expect(vcost(*gate, "--fail-on-unknown"), 3, "cannot be judged")
        expect(vcost("compare", "--fail-on-unknown", str(before), str(after)), 2, "--fail-above PERCENT")


def test_rounds_judge_what_they_measure():
    done = vcost(*FEW, "--watch", "1", "--rounds", "1", "--fail-on", "thp=nothing,rdtsc>1s")
    expect(done, 0)
    assert "no thp here" not in done.stderr, done.stderr


tap.main(tap.cases(globals()))
