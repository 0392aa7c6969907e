#!/usr/bin/python3
"""A migration whose link is cut at each of its messages in turn, before it, inside it, and right behind it. Speaks TAP.

    test_domain_cuts.py VCOST [STEP [STEP [MONITOR]]]

STEP: 1 cuts each message at each of six places, 5 each message at one or two, more only some of them; the second is for
post-copy, which has more messages. 7+0, 7+1 … 7+6 are together all of them, in pieces. The domain stands still meanwhile, in the
middle of its work, so that the same messages come each time.
"""
import collections
import ctypes
import itertools
import json
import os
import random
import sys
import threading

sys.dont_write_bytecode = True
# pylint: disable=wrong-import-position
import tap
from domains import FOLDER, HEADER_BYTES, Cut, Receiver, Relay, domain, goes_on_here, main, must, none_there, phases, ran_there, report, runs_there, stands_still_in_the_middle

STEP, STEP_AFTER = sys.argv[2:4] + ["23", "97"][len(sys.argv[2:4]):]
MONITOR = sys.argv[4] if len(sys.argv) > 4 else "kvm"
USERFAULTFD = 323  # the system call
KINDS = ("OFFER", "READY", "REFUSED", "PAGES", "ZEROS", "STATE", "PREPARED", "COMMIT", "STARTED", "JOIN", "PASS", "PASSED", "LEFT",
         "WANTED", "ALL", "COMPLETE", "REJOIN", "ALIVE")  # doc/migration.md, from 1 on


class Cutter:
    """Cuts at message number `at` of those in both directions, of which so many bytes still go on."""

    def __init__(self, at, place):
        self.at, self.place, self.kinds, self.whole, self.lock = at, place, [], False, threading.Lock()

    def __call__(self, kind, message):
        if KINDS[kind - 1] == "ALIVE":
            return [message]  # comes now and then, and says nothing that is not told by others
        with self.lock:
            if len(self.kinds) >= self.at:
                raise Cut  # of the other direction: an answer to what was cut, before that one is closed, too
            self.kinds.append(KINDS[kind - 1])
            mine = len(self.kinds) == self.at
        return self.cut(message) if mine else [message]

    def cut(self, message):
        count = self.place(len(message))
        self.whole = count == len(message)
        yield message[:count]
        raise Cut

    def cut_kind(self):
        """None: it never came to that message."""
        return self.kinds[self.at - 1] if len(self.kinds) >= self.at else None

    def handed_over(self):
        """Has the destination been told that the domain is its own?"""
        return "COMMIT" in self.kinds[:self.at - 1] or (self.cut_kind() == "COMMIT" and self.whole)


PLACE = (lambda bytes_: 0, lambda bytes_: 1, lambda bytes_: HEADER_BYTES - 1, lambda bytes_: min(bytes_ - 1, HEADER_BYTES),
         lambda bytes_: bytes_ * 2 // 3, lambda bytes_: bytes_)


def ends_there(there, checksum):
    domain("resume", "there")
    ran_there(there.end(), checksum)


def is_left_here(cutter, there):
    """It was not moved, and says so; nor has anything of it changed."""
    none_there(there)
    found = report("status", "here")
    assert found["phase"] == "paused" and found["moved"]["stage"] == "failed" and phases() == {"here": "paused"}, found
    assert not cutter.handed_over(), cutter.kinds


def goes_on_by_a_new_link(there, checksum):
    done = domain("migrate", "--reconnect", "here", there.address, "--json", "-")
    assert done.returncode == 0 and json.loads(done.stdout)["moved"]["post_copy"]["pages_left"] == 0, done
    ends_there(there, checksum)


def is_undecided(cutter, there, checksum, post_copy):
    """Whoever decides has one domain, which goes on to its end."""
    kind = cutter.cut_kind()
    assert kind in ("COMMIT", "STARTED") or (kind == "PREPARED" and cutter.whole), cutter.kinds
    assert report("status", "here")["moved"]["stage"] == "undecided"
    arrived = runs_there(there)
    assert arrived == cutter.handed_over() or kind == "PREPARED", (arrived, cutter.kinds)
    if arrived and post_copy:
        goes_on_by_a_new_link(there, checksum)
    elif arrived:
        assert phases() == {"here": "paused", "there": "paused"}
        must("stop", "here")
        ends_there(there, checksum)
    else:
        none_there(there)
        must("resume", "here")
        goes_on_here(checksum)


def cut_once(cutter, checksum, options):
    """Whether the domain is still here."""
    with Receiver("--monitor", MONITOR) as there:
        relay = Relay(there.path, cutter)
        done = domain("migrate", *options, "here", relay.address)
        relay.close()
        assert phases().get("there", "paused") == "paused", "the source stood still, and so does it there"
        if done.returncode == 0:
            assert cutter.cut_kind() in (None, "STARTED", "COMPLETE"), cutter.kinds
            ends_there(there, checksum)
            return False
        if "vcost domain resume here" in done.stderr:
            is_undecided(cutter, there, checksum, "--post-copy" in options)
            return False
        if "--reconnect" in done.stderr:
            assert cutter.handed_over() and "--post-copy" in options, (done.stderr, cutter.kinds)
            goes_on_by_a_new_link(there, checksum)
            return False
        is_left_here(cutter, there)
        return True


def places(dice):
    """Of one message after the other, all places at which it can be cut."""
    for at in itertools.count(1):
        for place in dice.sample(PLACE, len(PLACE)):
            yield at, place


def cut_everywhere(step, options):
    """Until no message is left to be cut. What has moved, or was cut often, must have taken no harm; then comes another one, which is
    made of the same file, so that it has the same messages."""
    step, _, first = step.partition("+")
    cuts = itertools.islice(places(random.Random(1)), int(first or int(step) // 2), None, int(step))
    counts, over = collections.Counter(), []
    file, expected = str(FOLDER / "middle.domain"), []

    def keep(checksum):
        must("save", "here", file)
        expected.append(checksum)
        return True

    def one_domain(checksum):
        for at, place in itertools.islice(cuts, 16):
            cutter = Cutter(at, place)
            try:
                here = cut_once(cutter, checksum, options)
            except AssertionError as problem:
                raise AssertionError(f"message {at}, {cutter.cut_kind()}, cut at place {PLACE.index(place)}: {problem}") from problem
            if cutter.cut_kind() is None:
                over.append(at)
            counts[cutter.cut_kind()] += 1
            if not here:
                return
        must("resume", "here")
        goes_on_here(checksum)

    stands_still_in_the_middle(keep, "--monitor", MONITOR, "--working-set", "1M", memory="8M", seconds=0.3)
    while not over:
        must("restore", "-d", "--paused", "--name", "here", file)
        one_domain(expected[-1])
    del counts[None]
    last = {"OFFER", "STATE", "PREPARED", "COMMIT", "STARTED"} | ({"LEFT", "ALL", "COMPLETE"} if "--post-copy" in options else set())
    assert step != "1" or last <= counts.keys(), counts
    print(f"# {counts.total()} cuts: " + ", ".join(f"{count} {kind}" for kind, count in counts.items()), flush=True)


def needs_monitor():
    tried = domain("run", "--name", "undisturbed", "--monitor", MONITOR, "--memory", "8M", "--work", "1")
    if tried.returncode == 77:
        raise tap.Skip("a guest needs /dev/kvm" if MONITOR == "kvm" else tried.stderr.strip())


def test_wherever_its_link_is_cut_there_is_one_domain_and_what_is_told_is_true():
    needs_monitor()
    cut_everywhere(STEP, ["--max-downtime", "1000"])


def test_wherever_it_is_cut_while_memory_follows_nothing_is_lost():
    needs_monitor()
    if MONITOR != "kvm" or (not os.access("/dev/userfaultfd", os.W_OK) and ctypes.CDLL(None).syscall(USERFAULTFD, 0) < 0):
        raise tap.Skip("this user may have no userfaultfd for the kernel's faults")
    cut_everywhere(STEP_AFTER, ["--post-copy", "--passes", "0"])


main(globals())
