#!/usr/bin/python3
"""vcost run with a real kvm_amd or kvm_intel, with nested paging and without: one boot of the host. TAP on stdout.

    test_run.py HARNESS VCOST PROGRAM...      boot: QEMU's kvm_amd; boot-bochs: Bochs's kvm_intel
                                              PROGRAM: static ones of tests/programs: answers, inside, signals, threads, traced, memory, heat
"""
import json
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True
import nested  # pylint: disable=wrong-import-position

SETTINGS = {"boot": {"npt=1": "nested", "npt=0": "shadow"}, "boot-bochs": {"ept=1": "nested", "ept=0": "shadow"}}
# What Bochs is too slow for: timers that run out between two instructions, and a table that is read over and over.
SPARED = {"boot": (), "boot-bochs": ("signals-static", "heat-static")}
CHANGES = {"boot": 300, "boot-bochs": 40}  # of memory
# Bochs traps behind a SYSCALL whose flags' mask takes TF away, where a CPU does not (SDM volume 2, SYSCALL; Linux masks TF, too).
STEPS = {"boot": "steps", "boot-bochs": ""}
SECONDS = 1100
RUN = "keep $name vcost run --quiet --runs 2 --guest-faults $faults $more --json $name.json"
SCRIPT = """set -e
for setting in {settings}; do
    load_kvm $setting
    mkdir /out/$setting
    for program in {programs}; do
        name=/out/$setting/$program
        faults=auto more=
        case $program in
        memory*) words='3 {changes}' faults=demand ;;
        threads*) words='4 3' ;;
        answers*) words='0 {steps}' ;;
        heat*) words=1000 more='--heat --heat-interval 0.2' ;;
        *) words= ;;
        esac
        {run} /bin/$program $words
    done
    unload_kvm
done
"""


def does_the_same(folder, program, technique):
    result = nested.kept_result(folder, program)
    native, guest = result["cells"]
    assert guest["technique"] == technique, guest["technique"]
    demand = technique == "nested" or program.startswith("memory")
    handled = [line["count"] for line in guest["account"]["lines"] if line["name"] == "handled-faults"]
    assert guest["guest_faults"] == ("demand" if demand else "eager") and (handled[0] > 0) == demand, (guest["guest_faults"], handled)
    assert guest["counters"]["exits"] >= sum(call["count"] for call in guest["calls"]) > 0, guest["counters"]
    if program.startswith("inside"):  # it says where it is: not the same, and natively that differs by the CPU
        assert guest["fidelity"] in ("different", "not comparable") and guest["exit_status"] == 0, guest["fidelity"]
    else:
        assert guest["fidelity"] == "same" and guest["exit_status"] == native["exit_status"] == 0, (guest["fidelity"], guest["exit_status"])


def touches_what_it_does(folder, program):
    """16 pages of data, then 1000, then 40 of instructions, each for a second. What was cleared is set again only where the CPU looks for it anew."""
    heat = nested.kept_result(folder, program)["cells"][1]["heat"]
    (process,) = heat["processes"]
    regions = {(region["address"], region["side"]): region for region in process["regions"]}
    low, code = regions["0x300000000000", "data"], regions["0x310000000000", "instructions"]
    few, many, called = (sum(pages == count for pages in region["touched"]) for region, count in ((low, 16), (low, 512), (code, 40)))
    assert min(few, many, called) >= 2, (few, many, called, heat)
    assert low["pages"] == 512 and code["pages"] == 40 and regions["0x300000200000", "data"]["pages"] == 488, regions


def main():
    harness, *files = sys.argv[1:]
    points, settings = nested.Points(), SETTINGS[harness]
    programs = [name for name in (Path(word).name for word in files[1:]) if name not in SPARED[harness]]
    script = SCRIPT.format(settings=" ".join(settings), programs=" ".join(programs), changes=CHANGES[harness], steps=STEPS[harness], run=RUN)
    with tempfile.TemporaryDirectory(prefix="vcost-nested-run.") as folder:
        if nested.boot_or_skip(points, harness, script, files, folder, SECONDS):
            for setting, technique in settings.items():
                for program in programs:
                    points.check(f"{setting}: {program} does in a domain what it does natively", does_the_same, Path(folder) / setting, program,
                        technique)
                    if program.startswith("heat"):
                        points.check(f"{setting}: what it touches is counted page by page", touches_what_it_does, Path(folder) / setting, program)
    points.end()


main()
