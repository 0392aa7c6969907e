#!/usr/bin/python3
"""vcost with a real kvm_amd, with nested paging and without: one boot of the QEMU host. TAP on stdout.

    test_kvm_amd.py [--all] VCOST TEST_PROGRAM...      --all: vcost verify on the other monitors, too, and the test
                                                       programs repeat all that they can
"""
import sys

sys.dont_write_bytecode = True
import nested  # pylint: disable=wrong-import-position

KIB = 1 << 10
ALL = "--all" in sys.argv
if ALL:
    sys.argv.remove("--all")

nested.main(nested.Plan(
    harness="boot",
    seconds=3000 if ALL else 1700,
    share=1 if ALL else 5,
    # Without --time: a budget that is too short for a busy machine would leave the result incomplete.
    chase="--quick --working-set 16K..64K --per-octave 1",
    chase_sizes=[16 * KIB << octave for octave in range(3)],
    # In 2 MiB of memory a page of that size could be: that there is none is proved.
    write="--quick --working-set 2M",
    write_sizes=[2048 * KIB],
    # Pages are proved before the first sample, so that a short time is enough; each pair needs a few samples.
    small="--quick --time 2 --working-set 16K",
    missed="--quick --time 4 --working-set 16K",
    matrix="--quick --time 4 --working-set 4M",
    matrix_bytes=4096 * KIB,
    inspect="--quick",
    verify=["kvm", "paravirt", "shadow"] if ALL else ["kvm"],
    # TCG (QEMU 7.2): a far CALL pushes by ESP alone, as the kernel; the error code of a gate that is refused counts bytes.
    emulated={"call-far": r"#PF\(0x2\) at 0x[0-9a-f]+", "int-0x80": r"#GP\(0x802\)", "int3": r"#GP\(0x32\)"},
    provider="kvm_amd",
    guest_of="tcg",
    paging="npt",
    settings=[{"npt": 1}, {"npt": 0}]))
