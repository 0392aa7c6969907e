#!/usr/bin/python3
"""vcost advise on a machine with two NUMA nodes of two CPUs each, and a pool of huge pages: one boot of the QEMU host. TAP.

    test_advise.py VCOST PAGES_LIBRARY NEEDY [RUNS]

With RUNS, instead: as tests/long/test_advise_ranking.py does of the other remedies, so many times what needs one node, the
machine as it is and with a busy loop on each CPU.

An emulator's nodes are equally near; `needy numa` makes up the distance, so that what is tried there is the placing and its proof.
"""
import collections
import math
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


def ranking(runs):
    once = ADVISE.format(name="nodes", only=TRIED["nodes"][0], words=TRIED["nodes"][1]).splitlines()[1].replace("nodes", "$load-$seed")
    return f"""for load in quiet loaded; do
    [ $load = quiet ] || for cpu in 0 1 2 3; do taskset -c $cpu sh -c 'while :; do :; done' & done
    for seed in $(seq {runs}); do {once}; done
done
kill $(jobs -p)
"""


def no_wrong_one_wins(folder, load, runs):
    best = collections.Counter(str(nested.kept_result(folder, f"{load}-{seed}")["advice"]["best"]) for seed in range(1, runs + 1))
    print(f"# {load}: {dict(best)}", flush=True)
    wrong = runs - best["numa-near"] - best["None"]
    chance = sum(math.comb(runs, k) * 0.05**k * 0.95**(runs - k) for k in range(wrong, runs + 1))
    assert chance >= 0.01, best
    assert load == "loaded" or 2 * best["numa-near"] >= runs, best


def main():
    points = nested.Points()
    runs = int(sys.argv[4]) if len(sys.argv) > 4 else 0
    tries = [ranking(runs)] if runs else [ADVISE.format(name=name, only=only, words=words) for name, (only, words) in TRIED.items()]
    os.environ.update(VCOST_BOOT_MACHINE=MACHINE, VCOST_BOOT_KERNEL=KERNEL)
    with tempfile.TemporaryDirectory(prefix="vcost-nested-advise.") as folder:
        booted = nested.boot_or_skip(points, "boot", "\n".join(["set -e", "cd /out", *tries]), sys.argv[1:4], folder, SECONDS)
        if booted and runs:
            for load in ("quiet", "loaded"):
                points.check(f"of {runs} times no wrong one wins, {load}", no_wrong_one_wins, Path(folder), load, runs)
        elif booted:
            points.check("a program that needs memory of its own node is told so", what_needs_one_node_is_told_so, Path(folder))
            points.check("malloc's memory comes from the pool of huge pages", memory_comes_from_the_pool, Path(folder))
    points.end()


main()
