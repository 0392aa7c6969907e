#!/usr/bin/python3
"""Domains whose memory is not what they were started with, nor one piece, on their way through all that a domain can go through. Their
writer uses what was added, from inside, and checks all of it at its end. Speaks TAP.

    test_domain_resized.py VCOST [--all]      --all: without a hole, too, and from each monitor to the other
"""
import ctypes
import json
import os
import sys

sys.dont_write_bytecode = True
# pylint: disable=wrong-import-position
import tap
from domains import FOLDER, VCOST, domain, ended, main, must, needs_kvm, refused, report, stop_all, undisturbed

MIB = 1 << 20
USERFAULTFD = 323  # the system call
FILE = str(FOLDER / "resized.domain")
BEGINS_WITH = 8 * MIB
LEAST = 300  # writes to what was added, before anything else is done
ALL = "--all" in sys.argv


class EndedTooEarly(Exception):
    """How fast this machine is nobody knows."""


def ask(*arguments, name):
    """What it answers, if the domain had not ended before."""
    done = domain(*arguments, "--json", "-")
    if done.returncode and ("no domain" in done.stderr or "has ended without" in done.stderr or report("status", name)["ending"] == "done"):
        raise EndedTooEarly(done.stderr)
    assert done.returncode == 0, (arguments, done.stderr)
    return json.loads(done.stdout)


def resize(name, size):
    """Waits until it has written to all that it has now."""
    more = ask("memory", name, size, name=name)["memory_bytes"] - BEGINS_WITH
    before = report("status", name)["added_writes"]

    def is_written_to():
        found = report("status", name)
        if found["ending"]:
            raise EndedTooEarly(f"{name} had ended before it wrote to all of {size}")
        assert found["added_bytes"] <= more, found
        return found["added_bytes"] == more and found["added_writes"] >= before + LEAST * (more > 0)
    tap.until(is_written_to, f"{name} does not write to all of {size}")


def move(name, to, *options, there=""):
    ask("migrate", "--max-downtime", "1000", *options, name, f"command:{VCOST} domain receive -d --name {to} {there} -", name=name)
    return to


def save(name):
    ask("save", name, FILE, name=name)


def ends(name, checksum, sizes):
    """All that it wrote, in what it began with and in what was added, to so many sizes, was found as it was written."""
    found = ended(name)
    assert found["ending"] == "done" and found["checksum"] == checksum and found["wrong"] == 0, found
    assert found["added_writes"] >= sizes * LEAST and found["added_bytes"] == 0, found


def in_time(journey, *work):
    """journey(checksum of one that nobody disturbed, without its rate) with a domain called `a`, that has more and more to do."""
    why = []
    for writes in (20000, 100000, 500000, 2500000):
        all_of_it = ("--workload", "writer", "--memory", "8M", "--vcpus", "2", "--rate", "80", *work, "--work", str(writes))
        must("run", "-d", "--name", "a", *all_of_it)
        try:
            journey(lambda: undisturbed(*all_of_it[:6], *all_of_it[8:]))
            return
        except EndedTooEarly as early:
            why.append(str(early).strip())
            stop_all()  # clones, what it has become there, and who waits there for one that has ended
    raise AssertionError(f"it always ended too early: {why}")


def post_copy_is_allowed():
    return os.access("/dev/userfaultfd", os.W_OK) or ctypes.CDLL(None).syscall(USERFAULTFD, 0) >= 0


def far(checksum):
    """Grown, moved, moved by post-copy, shrunk, cloned, saved, mapped, grown."""
    resize("a", "+6M")
    last = move("a", "b")
    if post_copy_is_allowed():
        last = move(last, "c", "--post-copy", "--passes", "0")
    resize(last, "10M")
    ask("fork", last, "--name", "clone", name=last)
    save(last)
    must("restore", "-d", "--lazy", "--name", "d", FILE)
    resize("d", "+4M")
    must("restore", "-d", "--name", "e", FILE)
    for name, sizes in (("clone-1", 2), ("d", 3), ("e", 2)):
        ends(name, checksum(), sizes)


def test_memory_that_grew_behind_a_hole_goes_wherever_its_domain_goes():
    needs_kvm()
    for hole in (["--low-memory", "4M"], [])[:2 if ALL else 1]:
        in_time(far, *hole)


def test_without_hardware_it_grows_and_travels_too():
    for monitor, other in (("shadow", "paravirt"), ("paravirt", "shadow"))[:2 if ALL else 1]:
        tried = domain("run", "--name", "tried", "--monitor", monitor, "--memory", "8M", "--work", "1")
        if tried.returncode == 77:
            raise tap.Skip(tried.stderr.strip())

        def there_and_back(checksum):
            resize("a", "+4M")
            resize(move("a", "b", there=f"--monitor {other}"), "10M")
            save("b")
            must("restore", "-d", "--name", "d", "--monitor", monitor, FILE)
            resize("d", "+4M")
            ends("d", checksum(), 3)
        in_time(there_and_back, "--monitor", monitor, "--low-memory", "6M")


def test_what_a_paused_domain_uses_it_keeps():
    needs_kvm()
    must("run", "-d", "--name", "a", "--workload", "writer", "--memory", "8M", "--rate", "80")
    resize("a", "+4M")
    must("pause", "a")
    refused(1, "only while it runs", "memory", "a", "8M")
    assert report("status", "a")["memory_bytes"] == 12 * MIB
    must("resume", "a")
    assert report("memory", "a", "8M")["memory_bytes"] == 8 * MIB
    assert report("stop", "a")["wrong"] == 0


def test_what_is_no_memory_of_it_is_refused():
    needs_kvm()
    must("run", "-d", "--paused", "--name", "a", "--memory", "8M")
    refused(1, "of which nothing can be taken away", "memory", "a", "6M")
    refused(1, "twice what it had", "memory", "a", "18M")
    assert report("memory", "a", "+8M")["memory_bytes"] == 16 * MIB
    assert report("memory", "a", "8M")["memory_bytes"] == 8 * MIB, "a chase uses nothing of it"
    must("stop", "a")
    must("run", "-d", "--paused", "--forkable", "--name", "a", "--memory", "8M")
    refused(77, "keeps its size", "memory", "a", "+2M")
    must("stop", "a")


main(globals())
