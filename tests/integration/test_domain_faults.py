#!/usr/bin/python3
"""Domains that move while everything goes wrong that can: links that delay, throttle, split, stall, corrupt, truncate, repeat,
mix up and cut, and ends that are killed, at random moments. Speaks TAP.

    test_domain_faults.py VCOST [FAULTS [KILLS [SEED [MONITOR]]]]

Whatever happens, what both ends tell is true, at most one domain runs, and it ends as one that nobody disturbed: with the
same checksum, all memory as it wrote it.
"""
import collections
import functools
import os
import random
import signal
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True
import domains  # pylint: disable=wrong-import-position
import tap
from domains import Cut, Receiver, Relay, domain, ended, must, phases, report

FAULTS, KILLS, SEED = (int(word) for word in (sys.argv[2:5] + ["8", "8", "1"][len(sys.argv[2:5]):]))
MONITOR = sys.argv[5] if len(sys.argv) > 5 else "kvm"
NONE_THERE = ("none runs here", "does not run here")


def workload(dice, factor):
    return ["--monitor", MONITOR, "--workload", "writer", "--memory", "8M", "--vcpus", dice.choice("12"), "--work", str(500000 * factor)]


@functools.cache
def undisturbed(*work):
    return report("run", "--name", "undisturbed", *work)["checksum"]


# ---- what a link does to message number `at` of those in both directions


def changed(message, dice):
    at = dice.randrange(len(message))
    return message[:at] + bytes([message[at] ^ (1 << dice.randrange(8))]) + message[at + 1:]


def split(message, dice):
    while message:
        count = 1 if len(message) < 300 else dice.randrange(1, len(message) + 1)
        yield message[:count]
        message = message[count:]


class Meddler:
    """One fault, once, at a random message; `kept` are those before it."""

    def __init__(self, dice, name, at):
        self.dice, self.name, self.at, self.count, self.kept = dice, name, at, 0, []
        self.done = False
        self.lock = threading.Lock()

    def __call__(self, kind, message):
        with self.lock:
            self.count += 1
            mine = self.count == self.at
            self.done |= mine
            if not mine:
                self.kept.append(message)
                return [message]
        return getattr(self, self.name)(message)

    def cut(self, _):
        raise Cut

    def truncated(self, message):
        yield message[:self.dice.randrange(len(message))]
        raise Cut

    def corrupted(self, message):
        return [changed(message, self.dice)]

    def in_its_header(self, message):
        return [changed(message[:domains.HEADER_BYTES], self.dice) + message[domains.HEADER_BYTES:]]

    def repeated(self, message):
        return [message, message]

    def replayed(self, message):
        return [self.dice.choice(self.kept) if self.kept else message, message]

    def swallowed(self, _):
        """The next message comes instead; or none does, and the other side waits: until its patience or ours ends."""
        return []

    def foreign(self, _):
        return [self.dice.randbytes(self.dice.randrange(1, 100000))]

    def too_long(self, message):
        return [message + self.dice.randbytes(self.dice.randrange(1, 300))]

    def delayed(self, message):
        time.sleep(self.dice.uniform(0, 0.2))
        return [message]

    def split(self, message):
        return split(message, self.dice)

    def throttled(self, message):
        for at in range(0, len(message), 1 + len(message) // 20):
            time.sleep(0.002)
            yield message[at:at + 1 + len(message) // 20]


HARMLESS = ("delayed", "split", "throttled")
HARMFUL = ("cut", "truncated", "corrupted", "in_its_header", "repeated", "replayed", "foreign", "too_long")


# ---- what must be true whatever happened


def goes_on_here(work):
    found = ended("here")
    assert found["ending"] == "done" and found["checksum"] == undisturbed(*work) and found["wrong"] == 0, found


def ran_there(end, work):
    status, found, said = end
    assert status == 0 and found["ending"] == "done", (status, found, said)
    assert found["checksum"] == undisturbed(*work) and found["wrong"] == 0, found


def none_there(there):
    """It has said so and ended; or nothing of an offer had come: then it waits for another source."""
    waits = False
    try:
        there.process.wait(5)
    except subprocess.TimeoutExpired:
        waits = there.listens()
        there.process.send_signal(signal.SIGINT)
    status, _, said = there.end()
    assert waits == ("stopped by the user" in said) and status in (1, 77), (waits, status, said)
    assert any(words in said for words in NONE_THERE), (status, said)


def both_run():
    return {"here": "running", "there": "running"}.items() <= phases().items()


def judged(done, there, work):
    """By what the source has told: what became of it."""
    said = done.stderr
    if done.returncode == 0:
        assert ended("here")["ending"] == "moved"
        ran_there(there.end(), work)
        return "moved"
    if "no domain here runs" in said or "here has ended without" in said:
        goes_on_here(work)
        there.process.terminate()
        there.end()
        return "had ended before"
    if "vcost domain resume here" in said:
        found = report("status", "here")
        assert found["phase"] in ("paused", "done") and found["moved"]["stage"] == "undecided", found
        if "there" in phases() or there.process.poll() == 0:
            ran_there(there.end(), work)
            must("stop", "here")
            return "undecided, it ran there"
        none_there(there)
        must("resume", "here")
        goes_on_here(work)
        return "undecided, it ran here"
    none_there(there)
    goes_on_here(work)
    return "went on here"


def one_round(dice, factor, meddle, judge, choose=lambda source, destination: None):
    """What became of the domain; choose(pid of the source, of the destination) is called once both are there."""
    work = workload(dice, factor)
    must("run", "-d", "--paused", "--name", "here", *work)
    undisturbed(*work)
    with Receiver("--monitor", MONITOR) as there:
        relay = Relay(there.path, meddle)
        choose(report("status", "here")["pid"], there.process.pid)
        must("resume", "here")
        done = domain("migrate", "--max-downtime", "1000", "here", relay.address)
        relay.close()
        assert not both_run(), done.stderr
        return judge(done, there, work)


def in_time(one):
    """one(factor) with more and more work, until the domain has not ended before."""
    for factor in (1, 8, 64):
        outcome = one(factor)
        if outcome != "had ended before":
            return outcome
    raise AssertionError("it always ended before it could be moved")


def tell(what, counts):
    print(f"# {what}: " + ", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.items())), flush=True)


def needs_monitor():
    done = domain("run", "--name", "undisturbed", "--monitor", MONITOR, "--memory", "8M", "--work", "1")
    if done.returncode == 77:
        raise tap.Skip("a guest needs /dev/kvm" if MONITOR == "kvm" else done.stderr.strip())


def messages(dice):
    """An offer, its answer, and some of memory come first; at the end there are five that count as much."""
    return dice.choice((dice.randrange(1, 6), dice.randrange(1, 40)))


def test_whatever_a_link_does_one_domain_runs_and_what_is_told_is_true():
    needs_monitor()
    dice, counts = random.Random(SEED), collections.Counter()
    for number in range(FAULTS):
        name = dice.choice(HARMFUL + HARMLESS)

        def one(factor):
            meddler = Meddler(dice, name, messages(dice))
            outcome = one_round(dice, factor, meddler, judged)
            assert outcome == "moved" or not meddler.done or name not in HARMLESS, (name, outcome)
            counts[f"{name}: {outcome}" if meddler.done else f"it was over before: {outcome}"] += outcome != "had ended before"
            return outcome

        try:
            in_time(one)
        except AssertionError as problem:
            raise AssertionError(f"fault {number} of seed {SEED}, {name}: {problem}") from problem
    tell(f"{FAULTS} faults", counts)


# ---- kills


class Killer:
    """Kills a victim while message number `at` is on its way, or a moment after it."""

    def __init__(self, dice, victim, at):
        self.victim, self.at, self.wait, self.after = victim, at, dice.uniform(0, 0.003), dice.random() < 0.5
        self.count, self.pid, self.lock = 0, None, threading.Lock()

    def choose(self, source, destination):
        self.pid = source if self.victim == "source" else destination

    def __call__(self, kind, message):
        with self.lock:
            self.count += 1
            mine = self.count == self.at
        if mine and self.after:
            threading.Timer(self.wait, self.kill).start()
        elif mine:
            self.kill()
        return [message]

    def kill(self):
        try:
            os.kill(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def after_a_kill_of_the_source(done, there, work):
    if done.returncode == 0 or "there" in phases() or there.process.poll() == 0:
        ran_there(there.end(), work)
        return "it had moved" if done.returncode == 0 else "it ran there"
    none_there(there)
    assert phases() == {}, phases()
    return "none runs"


def after_a_kill_of_the_destination(done, there, work):
    there.process.wait(60)
    if there.process.returncode != -signal.SIGKILL:
        ran_there(there.end(), work)
        return "it had ended there"
    if done.returncode == 0:
        assert phases() == {}, phases()
        return "it ran there until then"
    undecided = "vcost domain resume here" in done.stderr
    if undecided:
        assert phases() in ({"here": "paused"}, {"here": "done"}), phases()
        must("resume", "here")
    goes_on_here(work)
    return "undecided, it ran here" if undecided else "went on here"


def test_whichever_end_is_killed_at_whatever_moment_at_most_one_runs():
    needs_monitor()
    dice, counts = random.Random(SEED + 1), collections.Counter()
    for number in range(KILLS):
        victim, judge = dice.choice((("source", after_a_kill_of_the_source), ("destination", after_a_kill_of_the_destination)))
        killer = Killer(dice, victim, messages(dice))

        def judge_if_killed(done, there, work):
            if killer.count >= killer.at:
                return judge(done, there, work)
            judged(done, there, work)
            return "it was over before"

        try:
            counts[f"{victim}: {one_round(dice, 8, killer, judge_if_killed, killer.choose)}"] += 1
        except AssertionError as problem:
            raise AssertionError(f"kill {number} of seed {SEED}, of the {victim}: {problem}") from problem
    tell(f"{KILLS} kills", counts)


domains.main(globals())
