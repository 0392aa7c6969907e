#!/usr/bin/python3
"""A saved domain's clock where the time-stamp counter can be set: what the guest sees of it is what the policy says. TAP on
stdout.

    test_domain_clock.py HARNESS VCOST      boot: QEMU's kvm_amd; boot-bochs: Bochs's kvm_intel
"""
import copy
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True
import nested  # pylint: disable=wrong-import-position
from nested import complaint_of, in_words, read_json

SECONDS = 1200
# Seconds, of which all that happens around it must be less than a half: on QEMU those of a machine that may be busy (where it is not less,
# it is tried again with more), on Bochs emulated ones.
STORED = (8,) if "boot-bochs" in sys.argv else (20, 200)
POLICIES = ("keep", "advance", "auto")
SCRIPT = """set -e
export XDG_RUNTIME_DIR=/tmp
load_kvm {setting}
vcost domain run -d --name d --memory 8M --workload chase --working-set 64K
until vcost domain status d --json - | grep -q '"samples": [1-9]'; do usleep 200000; done
vcost domain save d /tmp/d.domain
sleep {stored}
for policy in keep advance auto; do
    vcost domain restore -d --clock $policy /tmp/d.domain
    until vcost domain status d --json /out/$policy.json && ! grep -q '"clock_jump_ms": null' /out/$policy.json; do usleep 200000; done
    vcost domain stop d --json /out/$policy-end.json
done
"""


def keeps_it_where_it_stopped(told):
    found = told["keep"]
    assert found["clock"] == "kept" and 0 < found["clock_jump_ms"] < told["stored"] * 500, found


def lets_the_time_pass_that_it_was_stored(told):
    for policy in "advance", "auto":
        found = told[policy]
        assert found["clock"] == "advanced" and found["clock_jump_ms"] > told["stored"] * 1000, found


def never_goes_back(told):
    for policy in POLICIES:
        found = told[policy]
        assert found["backwards"] == 0 and found["sentence"] is None, (policy, found)


SABOTAGES = {
    keeps_it_where_it_stopped: [lambda told: told["keep"].update(clock_jump_ms=told["stored"] * 1000 + 1), lambda told: told["keep"].update(clock="advanced")],
    lets_the_time_pass_that_it_was_stored: [lambda told: told[policy].update(clock_jump_ms=12.5) for policy in ("advance", "auto")],
    never_goes_back: [lambda told: told["keep"].update(backwards=1)],
}


def refuses_sabotage(told):
    for check, sabotages in SABOTAGES.items():
        for number, sabotage in enumerate(sabotages, 1):
            worse = copy.deepcopy(told)
            sabotage(worse)
            assert complaint_of(check, worse), f"'{in_words(check)}' accepts its sabotage {number}"


def tried(points, folder, harness, vcost):
    """What is told of a domain that was stored for long enough, as far as this machine allows; None: the host failed."""
    told = None
    for stored in STORED:
        script = SCRIPT.format(setting="npt=1" if harness == "boot" else "ept=1 vpid=1", stored=stored)
        if not nested.boot_or_skip(points, harness, script, [Path(vcost).resolve()], folder, SECONDS):
            return None
        told = {"stored": stored} | {policy: read_json(Path(folder), policy) for policy in POLICIES}
        if not complaint_of(keeps_it_where_it_stopped, told):
            break
    return told


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: test_domain_clock.py HARNESS VCOST")
    points = nested.Points()
    with tempfile.TemporaryDirectory(prefix="vcost-nested-clock.") as folder:
        told = tried(points, folder, *sys.argv[1:])
    for check in SABOTAGES if told else ():
        points.check(f"a restored domain's clock {in_words(check)}", check, told)
    if told:
        points.check("no check accepts a sabotaged report", refuses_sabotage, told)
    points.end()


main()
