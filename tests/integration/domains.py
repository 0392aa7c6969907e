"""What the tests of `vcost domain` share: asking, a destination in the background, and a relay between the two ends of a
migration that does to their messages what links do."""
import contextlib
import functools
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

import tap

VCOST = str(Path(sys.argv[1]).resolve())
FOLDER = tap.scratch("vm")
ENVIRONMENT = dict(os.environ, XDG_RUNTIME_DIR=str(FOLDER))
HEADER = "<8sIIQQQQQQ"  # of a message (doc/migration.md): kind is the third field, the payload's length the seventh
HEADER_BYTES = struct.calcsize(HEADER)


def domain(*arguments, **more):
    return subprocess.run([VCOST, "domain", *arguments], capture_output=True, text=True, timeout=300, env=ENVIRONMENT, check=False,
                          **more)


def must(*arguments, **more):
    done = domain(*arguments, **more)
    assert done.returncode == 0, f"{arguments}: exit status {done.returncode}: {done.stderr}"
    return done.stdout


def report(*arguments, **more):
    return json.loads(must(*arguments, "--json", "-", **more))


def refused(status, words, *arguments, **more):
    """The exit status, and one sentence with these words."""
    done = domain(*arguments, **more)
    assert done.returncode == status and words in done.stderr, f"{arguments}: {done.returncode}: {done.stderr}"
    assert len(done.stderr.splitlines()) <= 2, done.stderr


def times(work, factor):
    """The same with so many times as much to do."""
    at = work.index("--work") + 1
    return [*work[:at], str(int(work[at]) * factor), *work[at + 1:]]


def saved_in_the_middle(name, work, *options):
    """A file, of a domain that had begun and not ended, and what it had to do: more than was asked for, where it would have
    ended before; how fast this machine is, and how long it lets us wait, nobody knows."""
    file = str(FOLDER / f"{name}.domain")
    for factor in (1, 8, 64, 512):
        more = times(work, factor)
        must("run", "-d", "--name", name, *more)
        while not (found := report("status", name))["done"] and not found["ending"]:
            time.sleep(0.01)
        done = domain("save", *options, name, file, "--json", "-")
        if done.returncode == 0 and json.loads(done.stdout)["checksum"] is None:
            return file, more
        assert done.returncode == 0 or "no domain" in done.stderr or "has ended without" in done.stderr, done.stderr
        assert ended(name)["ending"] == ("saved" if done.returncode == 0 else "done"), done.stderr
    raise AssertionError("it always ended before it was saved")


def checksum_of(work):
    return report("run", *work)["checksum"]


def needs_kvm():
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        raise tap.Skip("a guest needs /dev/kvm")


def phases():
    """Of all that live, by name, but for those that wait for the last word of their source."""
    return {each["name"]: each["phase"] for each in json.loads(must("list", "--json", "-"))["domains"] if not each["awaits"]}


def ended(name):
    """How a detached domain has ended, once it has."""
    found = {}

    def has():
        found.update(report("status", name))
        return found["ending"]
    tap.until(has, f"{name} does not end")
    return found


class Receiver:
    """vcost domain receive in the background, called `there`."""

    def __init__(self, *options, name="there", **more):
        self.path = FOLDER / "there.sock"
        self.address = f"unix:{self.path}"
        self.path.unlink(missing_ok=True)
        self.process = subprocess.Popen([VCOST, "domain", "receive", "--name", name, *options, "--json", "-", self.address],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT, **more)
        tap.until(lambda: self.listens() or self.process.poll() is not None, "it does not listen")

    def listens(self):
        """Who goes without a word is no source."""
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(self.path)) == 0

    def waits(self):
        """Whether it takes a source that comes: it closes the link of one that goes without a word, or says so to it first.
        (While it serves another one its socket listens, too.)"""
        with socket.socket(socket.AF_UNIX) as probe, contextlib.suppress(OSError):
            probe.settimeout(1)
            probe.connect(str(self.path))
            probe.shutdown(socket.SHUT_WR)
            probe.recv(HEADER_BYTES)
            return True
        return False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()

    def end(self):
        """Its exit status, its report (None without one), what it has said."""
        out, said = self.process.communicate(timeout=300)
        return self.process.returncode, json.loads(out) if out else None, said

    def has_none(self, *words):
        status, _, said = self.end()
        assert status == 1 and any(word in said for word in ("none runs here", "does not run here")), (status, said)
        assert all(word in said for word in words), said


class Cut(Exception):
    """Raised by what a relay does to a message: the link is gone."""


class Stall(Exception):
    """The same: from here on nothing moves in either direction, and nobody closes the link, before the relay is closed."""


class Relay:
    """Between a source, which connects to `address`, and a destination: each message goes through meddle(kind, bytes), which
    gives what goes on instead (a sequence of bytes), or raises Cut or Stall."""

    def __init__(self, destination, meddle):
        self.path = FOLDER / "relay.sock"
        self.path.unlink(missing_ok=True)
        self.address, self.destination, self.meddle = f"unix:{self.path}", destination, meddle
        self.open, self.closed = threading.Event(), threading.Event()  # not stalled; not used any more
        self.open.set()
        self.listening = socket.socket(socket.AF_UNIX)
        self.listening.bind(str(self.path))
        self.listening.listen(8)
        threading.Thread(target=self.serve, daemon=True).start()

    def close(self):
        self.listening.shutdown(socket.SHUT_RDWR)
        self.listening.close()
        self.closed.set()
        self.open.set()

    def serve(self):
        while True:
            try:
                source, _ = self.listening.accept()
            except OSError:
                return
            there = socket.socket(socket.AF_UNIX)
            if there.connect_ex(str(self.destination)):
                source.close()
                continue
            for a, b in ((source, there), (there, source)):
                threading.Thread(target=self.pump, args=(a, b), daemon=True).start()

    def pump(self, a, b):
        stream = a.makefile("rb")
        try:
            while len(header := stream.read(HEADER_BYTES)) == HEADER_BYTES:
                fields = struct.unpack(HEADER, header)
                pieces = self.meddle(fields[2], header + stream.read(fields[6]))
                self.open.wait()
                try:
                    for piece in pieces:
                        b.sendall(piece)
                except OSError:
                    return  # who has closed may have said why: that is on its way back
        except Stall:
            self.open.clear()
            self.closed.wait()
        except (Cut, OSError):
            pass
        for each in (a, b):
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


# ---- what must be true whatever happened


@functools.cache
def undisturbed(*work):
    """The checksum of a domain that nobody disturbed."""
    return report("run", "--name", "undisturbed", *work)["checksum"]


def had_ended(done, name="here"):
    """Whether `done`, which was to move a domain, says that it had ended before."""
    return done.returncode == 1 and (f"no domain {name} runs" in done.stderr or f"{name} has ended without" in done.stderr)


def goes_on_here(checksum):
    found = ended("here")
    assert found["ending"] == "done" and found["checksum"] == checksum and found["wrong"] == 0, found


def ran_there(end, checksum):
    """`end` is Receiver.end()'s."""
    status, found, said = end
    assert status == 0 and found["ending"] == "done", (status, found, said)
    assert found["checksum"] == checksum and found["wrong"] == 0, found


NONE_THERE = ("none runs here", "does not run here")


def none_there(there):
    """It has said so and ended; or nothing of an offer had come: then it waits for another source."""
    tap.until(lambda: there.process.poll() is not None or there.waits(), "it neither waits nor ends")
    waits = there.process.poll() is None
    if waits:
        there.process.send_signal(signal.SIGINT)
    status, _, said = there.end()
    assert waits or "stopped by the user" not in said, said
    assert status in (1, 77) and any(words in said for words in NONE_THERE), (waits, status, said)


def runs_there(there):
    """Or did. Who has heard an offer makes up its mind, sooner or later: a domain runs there, or its process ends."""
    runs = []

    def is_decided():
        runs.append("there" in phases())
        return runs[-1] or there.process.poll() is not None
    tap.until(is_decided, "it neither runs there nor ends")
    return runs[-1] or there.process.returncode == 0


def stands_still_in_the_middle(work_on, *options, memory="16M", seconds=0.8):
    """Calls work_on(checksum of one that nobody disturbed) with a domain called `here` that stands still in the middle of its work, until
    it does not say that it has ended too early."""
    for more in (1, 3, 9, 27):
        # ten thousand pages a second, however fast this machine is
        pages = int(10000 * seconds * more)
        work = ["--workload", "writer", "--memory", memory, "--rate", "40", "--work", str(pages), *options]
        must("run", "-d", "--name", "here", *work)
        tap.until(lambda: (found := report("status", "here"))["ending"] or found["done"] >= pages / 4, "it does not get to work")
        domain("pause", "here")
        if report("status", "here")["phase"] == "paused" and work_on(undisturbed(*work)):
            return
    raise AssertionError("it always ended too early")


def stop_all():
    """Whatever a case that failed has left, and waits for the end of all that is on its way, as of a destination without a source."""
    done = domain("list", "--json", "-")
    for each in json.loads(done.stdout)["domains"] if done.returncode == 0 else []:
        domain("stop", each["name"])
    tap.until(lambda: not tap.with_variable("XDG_RUNTIME_DIR", FOLDER), "something of it is left")


def main(names):
    def clean(case):
        @functools.wraps(case)
        def run():
            try:
                case()
            except Exception:
                with contextlib.suppress(AssertionError):
                    stop_all()
                raise
        return run
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # of who has waited for too long: what runs is ended
    try:
        tap.main([(name, clean(case)) for name, case in tap.cases(names)])
    finally:
        stop_all()
