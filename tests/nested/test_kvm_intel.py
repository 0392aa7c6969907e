#!/usr/bin/python3
"""vcost with a real kvm_intel, with EPT and without: one boot of the Bochs host. TAP on stdout.

    test_kvm_intel.py [--all] VCOST TEST_PROGRAM...      --all: both without VPID, too, vcost verify, and the test programs
                                                         repeat all that they can
"""
import sys

sys.dont_write_bytecode = True
import nested  # pylint: disable=wrong-import-position

KIB = 1 << 10
ALL = "--all" in sys.argv
if ALL:
    sys.argv.remove("--all")

nested.main(nested.Plan(
    harness="boot-bochs",
    seconds=2400 if ALL else 1700,
    share=1 if ALL else 5,
    # The clock there counts instructions: a budget holds the same work however busy this machine is.
    chase="--quick --time 4 --working-set 16K..64K --per-octave 1",
    chase_sizes=[16 * KIB, 32 * KIB, 64 * KIB],
    # In 2 MiB of memory a page of that size could be: that there is none is proved.
    write="--quick --time 3 --working-set 2M",
    write_sizes=[2048 * KIB],
    small="--quick --time 1.5 --working-set 16K",
    missed="--quick --time 4 --working-set 16K",
    matrix="--quick --time 5 --working-set 4M",
    matrix_bytes=4096 * KIB,
    provider="kvm_intel",
    guest_of=None,
    paging="ept",
    verify=["kvm"] if ALL else [],
    settings=[{"ept": ept, "vpid": vpid} for ept in (1, 0) for vpid in ((1, 0) if ALL else (1,))],
    # They take a third of a setting's time, and Bochs does the same without VPID as with it.
    spared={name: ("vpid", 0) for name in ("test_domain", "test_domain_memory", "test_monitor", "missed", "verify")}))
