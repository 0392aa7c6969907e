#!/usr/bin/python3
"""vcost advise on a machine with two NUMA nodes of two CPUs each, and a pool of huge pages: one boot of the QEMU host. TAP.

    test_advise.py VCOST PAGES_LIBRARY NEEDY

An emulator's nodes are equally near; `needy numa` makes up the distance, so that what is tried there is the placing and its proof.
"""
import os
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True
import nested  # pylint: disable=wrong-import-position

SECONDS = 1400
MACHINE = """-m 1536 -smp 4 -numa node,memdev=memory0,cpus=0-1 -numa node,memdev=memory1,cpus=2-3
    -object memory-backend-ram,id=memory0,size=768M -object memory-backend-ram,id=memory1,size=768M"""
KERNEL = "hugepagesz=2M hugepages=64"
# Again where it is not decided, as on a busy machine: what is told must be right, and once there must be something.
ADVISE = """for seed in 1 2 3; do
    keep /out/{name} vcost advise --quiet --seed $seed --budget 300 --quick --only {only} --json {name}.json /bin/needy {words}
    if ! grep -q '"best": null' {name}.json; then break; fi
done"""
TRIED = {
    "nodes": ("numa-near,numa-interleave", "numa 8 4"),
    "pool": ("malloc-hugetlb", "tlb 8 300000"),
}


def remedies(folder, name):
    result = nested.kept_result(folder, name)
    assert result["complete"] and result["advice"]["output_compared"], result
    return result["advice"]["best"], {item["name"]: item for item in result["advice"]["remedies"]}


def what_needs_one_node_is_told_so(folder):
    best, items = remedies(folder, "nodes")
    assert best == "numa-near", items
    near, spread = items["numa-near"], items["numa-interleave"]
    assert near["proof"].startswith("2 CPUs, 4 without; ") and near["high"] < 1, near
    assert near["command"].startswith("numactl --cpunodebind="), near
    assert "of its memory on one node, " in spread["proof"] and spread["state"] != "helps", spread


def memory_comes_from_the_pool(folder):
    _, items = remedies(folder, "pool")
    assert items["malloc-hugetlb"]["proof"].endswith(" MiB of huge pages, 0 B without"), items


def main():
    points = nested.Points()
    script = "set -e\ncd /out\n" + "\n".join(ADVISE.format(name=name, only=only, words=words) for name, (only, words) in TRIED.items())
    os.environ.update(VCOST_BOOT_MACHINE=MACHINE, VCOST_BOOT_KERNEL=KERNEL)
    with tempfile.TemporaryDirectory(prefix="vcost-nested-advise.") as folder:
        if nested.boot_or_skip(points, "boot", script, sys.argv[1:], folder, SECONDS):
            points.check("a program that needs memory of its own node is told so", what_needs_one_node_is_told_so, Path(folder))
            points.check("malloc's memory comes from the pool of huge pages", memory_comes_from_the_pool, Path(folder))
    points.end()


main()
