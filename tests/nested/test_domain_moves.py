#!/usr/bin/python3
"""A domain that moves from a host with nested paging to one with shadow paging and back, while it runs: two QEMU hosts, joined by
ports of virtio-serial. On the way back its memory follows it (post-copy). TAP on stdout.

    test_domain_moves.py VCOST

Each host's script keeps what vcost says; here it is judged, and each check is shown to refuse what it must.
"""
import contextlib
import copy
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.dont_write_bytecode = True
import nested  # pylint: disable=wrong-import-position
from nested import complaint_of, in_words, read_json

SECONDS = 1400  # for all that happens on a host
# Writes of each virtual CPU, and how many MB of pages both write in a second: 30 seconds, so that it does not end before it is back, which
# takes a third of that where nothing else runs. Where it did, all is done again with more to do: how fast this machine is nobody knows.
WORKS, RATE = (15000, 60000, 240000), 4
# One end waits for the other, which tries until it is there.
LINK = "-m 512 -chardev socket,id=link,path={path},{end} -device virtserialport,chardev=link,nr=3,name=vcost"
KERNEL = "no_timer_check"  # two machines at once leave the emulated timers too little time for Linux's look at them
ENDS = {"nested": "server=on,wait=off", "shadow": "server=off,reconnect=1"}
# The port is opened once, and one at a time reads from it: so each speaks only when the other listens.
COMMON = """set -e
export XDG_RUNTIME_DIR=/tmp
until [ -e /dev/vport0p3 ]; do usleep 50000; done
exec 3<>/dev/vport0p3
hear() {
    until read -r word <&3 && [ "$word" = "$1" ]; do usleep 50000; done
}
move() {
    file=$1
    shift
    vcost domain migrate "$@" --max-downtime 10000 --timeout 600 d 'command:cat <&3 & cat >&3; kill $!' --json "$file"
}
receive() {
    mkfifo /tmp/in /tmp/out
    cat <&3 >/tmp/in & reader=$!
    cat </tmp/out >&3 & writer=$!
    vcost domain receive -d --name d - </tmp/in >/tmp/out
    while vcost domain status d --json - | grep -q '"stage": "comes"'; do usleep 100000; done
    sleep 3 # the last answer goes through two more hands
    kill $reader $writer || true
}
"""
SCRIPTS = {
    "nested": COMMON + f"""load_kvm npt=1
hear up
vcost domain run -d --name d $WORK --rate {RATE}
move /out/there.json
hear arrived
receive
until vcost domain status d --json /out/end.json && grep -q '"ending": "' /out/end.json; do usleep 100000; done
vcost domain run --name undisturbed $WORK --json /out/undisturbed.json
""",
    "shadow": COMMON + """load_kvm npt=0
echo up >&3
receive
vcost domain status d --json /out/status.json
echo arrived >&3
move /out/back.json --post-copy --passes 0
""",
}


def start(folder, name, vcost, work):
    script = folder / f"{name}.script"
    script.write_text(f"WORK='--memory 8M --workload writer --vcpus 2 --work {work}'\n{SCRIPTS[name]}", encoding="utf-8")
    machine = LINK.format(path=folder / "link", end=ENDS[name])
    with open(folder / f"{name}.said", "wb") as said:
        return subprocess.Popen([nested.HERE / "boot", "-t", str(SECONDS), "-o", folder / name, script, vcost], stdout=said,
            stderr=subprocess.STDOUT, env={**os.environ, "VCOST_BOOT_MACHINE": machine, "VCOST_BOOT_KERNEL": KERNEL})


def run_both(folder, vcost, work):
    """How each has ended, and what it has said. Where one fails the other one waits in vain, and is ended."""
    with contextlib.ExitStack() as stack:
        hosts = {each: stack.enter_context(start(folder, each, vcost, work)) for each in SCRIPTS}
        for host in hosts.values():
            stack.callback(host.terminate)
        while None in [host.poll() for host in hosts.values()] and not any(host.returncode for host in hosts.values()):
            time.sleep(0.1)
    return {each: (host.returncode, (folder / f"{each}.said").read_text(encoding="utf-8", errors="replace")) for each, host in hosts.items()}


def had_ended(ends):
    """Whether a host says that the domain was at its end before it could be moved."""
    return any("no domain d runs" in said or "d has ended without" in said for _, said in ends.values())


def moves_while_it_runs(told, _):
    for way in "there", "back":
        moved = told[way]["moved"]
        assert moved["stage"] == "done" and moved["pages_sent"] > 0, moved
    assert told["there"]["moved"]["passes"] >= 1 and told["there"]["moved"]["post_copy"] is None, told["there"]
    assert 0 < told["status"]["done"] < 2 * told["work"] and told["status"]["ending"] is None, told["status"]


def runs_before_its_memory_is_there(told, _):
    followed = told["back"]["moved"]["post_copy"]
    assert followed["stage"] == told["end"]["post_copy"]["stage"] == "all there", (followed, told["end"])
    assert followed["pages"] > 1000 and followed["pages_left"] == 0, followed


def comes_back_with_the_checksum_of_one_that_stayed(told, undisturbed):
    found = told["end"]
    assert (found["ending"], found["mode"], found["wrong"], found["backwards"]) == ("done", "moved here", 0, 0), found
    assert found["checksum"] == undisturbed["checksum"] is not None, (found, undisturbed)


SABOTAGES = {
    moves_while_it_runs: [
        lambda told: told["back"]["moved"].update(stage="failed"),
        lambda told: told["there"]["moved"].update(passes=0),
        lambda told: told["status"].update(done=2 * told["work"]),
    ],
    runs_before_its_memory_is_there: [
        lambda told: told["back"]["moved"]["post_copy"].update(pages=0),
        lambda told: told["end"]["post_copy"].update(stage="comes"),
    ],
    comes_back_with_the_checksum_of_one_that_stayed: [
        lambda told: told["end"].update(checksum="0x0000000000000001"),
        lambda told: told["end"].update(wrong=1),
        lambda told: told["end"].update(backwards=1),
        lambda told: told["end"].update(mode="started"),
    ],
}


def refuses_sabotage(told, undisturbed):
    for check, sabotages in SABOTAGES.items():
        for number, sabotage in enumerate(sabotages, 1):
            worse = copy.deepcopy(told)
            sabotage(worse)
            assert complaint_of(check, worse, undisturbed), f"'{in_words(check)}' accepts its sabotage {number}"


def judge(points, folder, work):
    told = {"work": work} | {name: read_json(folder / host, name) for host, names in (("nested", ("there", "end")), ("shadow", ("status", "back")))
            for name in names}
    undisturbed = read_json(folder / "nested", "undisturbed")
    for check in SABOTAGES:
        points.check(f"a domain {in_words(check)}", check, told, undisturbed)
    points.check("no check accepts a sabotaged report", refuses_sabotage, told, undisturbed)


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: test_domain_moves.py VCOST")
    points = nested.Points()
    with tempfile.TemporaryDirectory(prefix="vcost-nested-moves.") as name:
        for work in WORKS:
            folder = Path(name, str(work))
            folder.mkdir()
            ends = run_both(folder, Path(sys.argv[1]).resolve(), work)
            if not had_ended(ends):
                break
            print(f"# {work} writes were too few", flush=True)
        for status, said in ends.values():
            if status == 77:
                print(f"1..0 # SKIP {nested.last_sentence(said)}")
                return
        complaint = "\n".join(f"{each}: status {status}\n{said[-1200:]}" for each, (status, said) in ends.items() if status)
        points.point("two hosts boot, and their scripts run to their ends", complaint)
        if not complaint:
            judge(points, folder, work)
    points.end()


main()
