#!/usr/bin/python3
"""vcost on a machine with two NUMA nodes, and its agent there, reached from here over a port of virtio-serial: one boot
of the QEMU host. TAP on stdout.

    test_two_nodes.py VCOST TEST_HOST_NUMA TEST_HOST_MEMORY_SOURCE TEST_URGENT

Inside, inside/try_two_nodes places memory and keeps what vcost and the kernel tell of it; here that is judged. Every
check has a sabotage beside it that it must refuse.
"""
import contextlib
import copy
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

sys.dont_write_bytecode = True
import jsonschema
import nested  # pylint: disable=wrong-import-position
from nested import complaint_of, in_words, read_json, said

MIB = 1 << 20
SECONDS = 1000  # for all that happens inside
INSIDE = [nested.HERE / "inside" / name for name in ("keep", "try_domains", "try_node", "try_two_nodes", "serve_agent")]

# A page of 1 GiB must fit each node beside what is there, and the end of the first 2 GiB holds the initramfs. The
# memory of this machine is only used as the guest touches it.
MACHINE = """-m 4352 -numa node,memdev=memory0,cpus=0 -numa node,memdev=memory1,cpus=1
    -object memory-backend-ram,id=memory0,size=3072M -object memory-backend-ram,id=memory1,size=1280M
    -chardev file,id=tried,path={folder}/tried -device virtserialport,chardev=tried,nr=3
    -chardev socket,id=agent,path={folder}/agent,server=on,wait=off
    -device virtserialport,chardev=agent,nr=4,name=vcost -pidfile {folder}/pid"""
KERNEL = "hugepagesz=1G hugepages=2 hugepagesz=2M hugepages=16"
SCRIPT = """set -e
tries=6000
until [ -e /dev/vport0p3 ] && [ -e /dev/vport0p4 ]; do
    tries=$((tries - 1))
    [ $tries -gt 0 ]
    usleep 50000
done
serve_agent /dev/vport0p4 &
uname -r >/out/kernel
try_two_nodes
tar -cz -C /out . >/dev/vport0p3
wait
"""


# ---- the machine


class Machine:
    """The QEMU host, in the background, until it is killed or left."""

    def __init__(self, folder, binaries):
        self.folder = folder
        script = folder / "script"
        script.write_text(SCRIPT, encoding="utf-8")
        with open(folder / "stdout", "wb") as out, open(folder / "stderr", "wb") as err:
            self.process = subprocess.Popen(
                [nested.HERE / "boot", "-t", str(SECONDS), script, *INSIDE, *binaries], stdout=out, stderr=err,
                env={**os.environ, "VCOST_BOOT_MACHINE": MACHINE.format(folder=folder), "VCOST_BOOT_KERNEL": KERNEL})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def text(self, name):
        return (self.folder / name).read_text(encoding="utf-8", errors="replace")

    def unpack(self, out):
        """What was tried inside, once all of it has come; False if the machine ends before."""
        while self.process.poll() is None:
            with contextlib.suppress(OSError, EOFError, tarfile.TarError):
                with tarfile.open(self.folder / "tried", "r:gz") as archive:
                    archive.extractall(out)
                return True
            time.sleep(0.2)
        return False

    def kill(self):
        """As a crash does: at once. No harm if it has ended."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(self.text("pid")), signal.SIGKILL)


def come_up_or_skip(points, machine, out):
    """False, and nothing more to judge, if what is tried inside fails; ends the test if there is no host."""
    done = machine.unpack(out)
    if not done and machine.process.returncode == 77:
        print(f"1..0 # SKIP {nested.last_sentence(machine.text('stderr'))}")
        sys.exit(0)
    complaint = f"status {machine.process.returncode}\n{machine.text('stdout')}\n{machine.text('stderr')}"
    points.point("a host with two nodes boots and tries everything", "" if done else complaint)
    return done


# ---- test programs of one node, on two


def program_points(points, out, program):
    status, stdout, stderr = said(out, program)
    entry = {"stdout": stdout, "stderr": stderr, "returncode": status, "result": "OK" if status == 0 else "FAIL"}
    for name, outcome, reason in nested.load_tally().tap_cases(program, entry):
        skip = (reason or nested.last_sentence(stderr)) if outcome == "skipped" else None
        points.point(name, f"{reason}\n{stderr}" if outcome == "failed" else "", skip)


# ---- placed memory


@dataclass
class Want:
    """Where memory must be."""

    policy: str  # of the mapping, as the kernel writes it
    nodes: dict  # node -> bytes
    monitors: set
    page: int = 4096


WANTS = {
    "node0": Want("bind:0", {0: 4 * MIB}, {"native"}),
    "node1": Want("bind:1", {1: 4 * MIB}, {"native", "kvm"}),
    "both": Want("bind:0-1", {0: 8 * MIB, 1: 16 * MIB}, {"native"}, 2 * MIB),
}


@dataclass
class Tried:
    """What inside/try_node has kept."""

    result: dict
    mappings: list  # (policy, node -> bytes), look after look
    before: dict  # (node, name) -> figure of the node's meminfo
    seen: list  # such dicts with one entry


def usage(text):
    found = re.findall(r"^Node (\d+) (\w+): +(\d+)", text, re.M)
    return [{(int(node), name): int(value)} for node, name, value in found]


def read_tried(folder):
    status, _, err = said(folder, "chase")
    assert status == 0, f"status {status}: {err}"
    seen = (folder / "seen").read_text(encoding="utf-8")
    mappings = []
    for line in re.findall(r"^[0-9a-f]+ (bind:.*)", seen, re.M):
        page = int(re.search(r"kernelpagesize_kB=(\d+)", line + " kernelpagesize_kB=0")[1]) << 10
        mappings.append((line.split()[0], {int(node): int(n) * page for node, n in re.findall(r" N(\d+)=(\d+)", line)}))
    before = {key: value for each in usage((folder / "before").read_text(encoding="utf-8"))
              for key, value in each.items()}
    return Tried(read_json(folder, "chase"), mappings, before, usage(seen))


def vcost_proves_it_in_the_result(tried, want):
    jsonschema.Draft202012Validator(nested.SCHEMA).validate(tried.result)
    assert {cell["monitor"] for cell in tried.result["cells"]} == want.monitors
    proof = "numa_maps: " + ", ".join(f"{size >> 10} KiB on node {node}" for node, size in want.nodes.items()) + "; "
    for cell in tried.result["cells"]:
        pages = cell["pages_obtained"]
        assert pages["as_asked"] is True and pages["proof"].startswith(proof), pages
        assert cell["host_page_bytes"] == want.page, cell["host_page_bytes"]
    assert tried.result["host"]["numa_nodes"] == 2, tried.result["host"]["numa_nodes"]


def the_kernel_shows_it_from_outside(tried, want):
    policies = {policy for policy, _ in tried.mappings}
    assert policies == {want.policy}, policies
    nodes = [nodes for _, nodes in tried.mappings]
    assert want.nodes in nodes, nodes
    for each in nodes:
        assert all(size <= want.nodes.get(node, 0) for node, size in each.items()), each


def most(tried, node, name, sign):
    """How much more (or less) than before a figure of a node was at most."""
    return max(sign * (look[node, name] - tried.before[node, name]) for look in tried.seen if (node, name) in look)


def the_memory_is_missing_on_these_nodes_alone(tried, want):
    for node in (0, 1):
        size = want.nodes.get(node, 0)
        if want.page > 4096:
            taken = most(tried, node, "HugePages_Free", -1) * want.page
            assert taken == size, f"node {node}: {taken} bytes were taken for {size}"
        else:  # others need some as well, and counts lag behind
            taken, slack = most(tried, node, "AnonPages", 1) << 10, sum(want.nodes.values()) // 2
            assert abs(taken - size) < slack, f"node {node}: {taken} bytes were taken for {size}"


PLACED = [vcost_proves_it_in_the_result, the_kernel_shows_it_from_outside, the_memory_is_missing_on_these_nodes_alone]


def node_points(points, out):
    for name, want in WANTS.items():
        for check in PLACED:
            points.check(f"{name}: {in_words(check)}", lambda: check(read_tried(out / name), want))
    points.check("no placement passes for another", placements_are_told_apart, out)
    for name, status, sentence in (("no-such-node", 77, "there is no NUMA node 7 here: this machine has 0-1"),
                                   ("no-number", 2, '"first" is not a whole number'),
                                   ("too-much", 77, "12 hugetlb pages of 2 MiB are needed on NUMA node 1, but 8 of 8")):
        points.check(f"{name}: is refused with a sentence", is_refused, out, name, status, sentence)


def placements_are_told_apart(out):
    """The sabotage: what is right of one placement is wrong of each other, by every check."""
    for name in WANTS:
        for other, want in WANTS.items():
            for check in PLACED:
                refused = bool(complaint_of(check, read_tried(out / name), want))
                assert refused == (other != name), f"{name} as {other}: {in_words(check)}: refused is {refused}"


def is_refused(out, name, status, sentence):
    found, stdout, err = said(out, name)
    assert (found, stdout) == (status, ""), f"status {found}: {stdout}{err}"
    assert err.startswith("vcost: ") and sentence in err.splitlines()[0], err
    assert not (out / f"{name}.json").exists(), "a file was left"


# ---- domains


def domains_are_where_they_were_to_be(out):
    """Counted anew after each step; where nobody asks for a node none is told. Its clock never went back on the way."""
    for name, node in (("run", 1), ("restore", 0), ("receive", 1), ("anywhere", None)):
        status, _, err = said(out, f"domain-{name}")
        assert status == 0, f"{name}: status {status}: {err}"
        found = read_json(out, f"domain-{name}")
        assert found["phase"] == "running" and found["backwards"] == 0, found
        assert re.fullmatch(r"None" if node is None else rf"1[46][.0]* MiB on node {node}", str(found["nodes"])), f"{name}: {found['nodes']}"


# ---- the agent


def here_and_there(vcost, machine, command, *arguments):
    """The words that run a command of vcost here, with the agent inside; what that says is also kept in a file."""
    bridge = shlex.join([str(nested.HERE / "bridge"), str(machine.folder / "agent")])
    said_there = shlex.join(["tee", str(machine.folder / "said")])
    return [vcost, command, "--on", "native", "--on", f"command:{bridge} | {said_there}", *arguments]


def measure(vcost, machine, *arguments):
    words = here_and_there(vcost, machine, *arguments, "--quick", "--json", "-")
    done = subprocess.run(words, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == 0, f"status {done.returncode}: {done.stderr}"
    return json.loads(done.stdout)


def names_the_machine_inside(result, kernel):
    agent, = result["agents"]
    assert (agent["kernel"], agent["is_guest"], agent["guest_of"]) == (kernel, True, "tcg"), agent
    assert result["host"]["kernel"] == os.uname().release != kernel, result["host"]["kernel"]
    label = result["cells"][1]["label"]
    assert label.endswith("(tcg guest)"), label


def measures_here_and_there_in_pairs(result, _):
    jsonschema.Draft202012Validator(nested.SCHEMA).validate(result)
    assert result["complete"] is True, result["incomplete_reason"]
    native = nested.cells_on(result, "native")
    there = nested.cells_on(result, result["agents"][0]["monitor"])
    sizes = [[cell["parameters"]["working_set_bytes"] >> 10 for cell in cells] for cells in (native, there)]
    assert sizes == [[16, 32, 64]] * 2, sizes
    for cells in zip(native, there):
        pairs = [[(sample["placement"], sample["round"]) for sample in cell["samples"]] for cell in cells]
        assert pairs[0] == pairs[1] and pairs[0], [cell["id"] for cell in cells]
        assert all(cell["pages_obtained"]["as_asked"] for cell in cells), cells[1]["pages_obtained"]
    compared = [(each["baseline"], each["cell"]) for each in result["comparisons"]]
    assert compared == [(a["id"], b["id"]) for a, b in zip(native, there)], compared
    for each in result["comparisons"]:  # where every pair was disturbed there is no ratio, or no interval
        figures = [each[name] for name in ("low", "ratio", "high")]
        assert each["reason"] if None in figures else 0 < figures[0] <= figures[1] <= figures[2], each


SABOTAGES = {
    names_the_machine_inside: [
        lambda result: result["agents"][0].update(kernel=os.uname().release),
        lambda result: result["agents"][0].update(guest_of="kvm"),
    ],
    measures_here_and_there_in_pairs: [
        lambda result: result["comparisons"].pop(),
        lambda result: result["comparisons"][0].update(ratio=0, low=0, high=0),
        lambda result: result["cells"].pop(),
        lambda result: result["cells"][-1]["samples"].pop(),
    ],
}


def refuses_sabotage(result, kernel):
    for check, sabotages in SABOTAGES.items():
        for number, sabotage in enumerate(sabotages, 1):
            worse = copy.deepcopy(result)
            sabotage(worse)
            assert complaint_of(check, worse, kernel), f"'{in_words(check)}' accepts its sabotage {number}"


def prices_operations_of_its_kernel(vcost, machine, kernel):
    result = measure(vcost, machine, "events", "syscall", "fork-exit", "fault-guest")
    names_the_machine_inside(result, kernel)
    assert result["complete"] is True, result["incomplete_reason"]
    there = {cell["workload"]: cell for cell in nested.cells_on(result, result["agents"][0]["monitor"])}
    assert 1 < there["syscall"]["median"] < there["fork-exit"]["median"], there
    assert there["fault-guest"]["median"] is None and "only one level natively" in there["fault-guest"]["reason"], there
    compared = {each["cell"]: each for each in result["comparisons"]}
    syscall = compared[there["syscall"]["id"]]
    assert syscall["reason"] if syscall["ratio"] is None else syscall["ratio"] > 0, syscall


def a_killed_machine_is_told(vcost, machine):
    """In mid-run: some dozens of samples have come of thousands."""
    file = machine.folder / "said"
    file.unlink(missing_ok=True)
    words = here_and_there(vcost, machine, "chase", "--working-set", "64K..4M", "--per-octave", "8", "--json", "-")
    run = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while run.poll() is None and not (file.exists() and file.stat().st_size > 10000):
        time.sleep(0.1)
    assert run.poll() is None, run.communicate()
    machine.kill()
    out, err = run.communicate(timeout=SECONDS)
    err = nested.without_busy(err)
    assert run.returncode == 1, f"status {run.returncode}: {out}{err}"
    result = json.loads(out)
    assert result["complete"] is False and "ended with exit status 0" in result["incomplete_reason"], result
    assert any(cell["samples"] for cell in result["cells"]), "no sample was kept"
    assert err.startswith("vcost: command:") and err.count("\n") == 1 and "ended with exit status 0" in err, err


def each_conversation_has_had_its_agent(machine, conversations):
    """An agent waits for its other end (Linux holds its first word back until there is one) and ends with it: one that
    ended by itself would have been followed by more."""
    machine.kill()
    machine.process.wait()
    lines = machine.text("stdout").splitlines()
    assert lines == ["an agent starts"] * conversations, lines


def agent_points(points, vcost, machine, kernel):
    results = []
    points.check("the agent inside answers over virtio-serial",
                 lambda: results.append(measure(vcost, machine, "chase", "--working-set", "16K..64K", "--per-octave", "1")))
    for check in SABOTAGES:
        points.check(f"agent: {in_words(check)}", lambda: check(results[0], kernel))
    points.check("agent: no check accepts a sabotaged result", lambda: refuses_sabotage(results[0], kernel))
    points.check("agent: another conversation follows, which prices operations of its kernel", prices_operations_of_its_kernel,
                 vcost, machine, kernel)
    points.check("agent: a machine that is killed in mid-run is told", a_killed_machine_is_told, vcost, machine)
    points.check("agent: each conversation has had its agent", each_conversation_has_had_its_agent, machine, 3)


# ---- all of it


def main():
    if len(sys.argv) != 5:
        sys.exit("usage: test_two_nodes.py VCOST TEST_HOST_NUMA TEST_HOST_MEMORY_SOURCE")
    points, vcost = nested.Points(), Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory(prefix="vcost-nested-nodes.") as folder:
        out = Path(folder) / "out"
        with Machine(Path(folder), sys.argv[1:]) as machine:
            if come_up_or_skip(points, machine, out):
                for program in ("host_numa", "host_memory_source", "urgent"):
                    program_points(points, out, program)
                node_points(points, out)
                points.check("a domain is on its node after run, restore and migration", domains_are_where_they_were_to_be, out)
                agent_points(points, vcost, machine, (out / "kernel").read_text(encoding="utf-8").strip())
    points.end()


main()
