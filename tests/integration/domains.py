"""What the tests of `vcost domain` share: asking, a destination in the background, and a relay between the two ends of a
migration that does to their messages what links do."""
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import tap

VCOST = str(Path(sys.argv[1]).resolve())
FOLDER = Path(tempfile.mkdtemp(prefix="vm"))
ENVIRONMENT = dict(os.environ, XDG_RUNTIME_DIR=str(FOLDER))
HEADER = "<8sIIQQQQQQ"  # of a message (doc/migration.md): kind is the third field, the payload's length the seventh
HEADER_BYTES = struct.calcsize(HEADER)


def domain(*arguments, **more):
    return subprocess.run([VCOST, "domain", *arguments], capture_output=True, text=True, timeout=200, env=ENVIRONMENT, check=False,
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
    """Of all that live, by name."""
    return {each["name"]: each["phase"] for each in json.loads(must("list", "--json", "-"))["domains"]}


def ended(name):
    """How a detached domain has ended, once it has."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        found = report("status", name)
        if found["ending"]:
            return found
        time.sleep(0.02)
    raise AssertionError(f"{name} does not end")


class Receiver:
    """vcost domain receive in the background, called `there`."""

    def __init__(self, *options, name="there"):
        self.path = FOLDER / "there.sock"
        self.address = f"unix:{self.path}"
        self.path.unlink(missing_ok=True)
        self.process = subprocess.Popen([VCOST, "domain", "receive", "--name", name, *options, "--json", "-", self.address],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT)
        until = time.monotonic() + 60
        while not self.listens() and self.process.poll() is None and time.monotonic() < until:
            time.sleep(0.01)

    def listens(self):
        """Who goes without a word is no source."""
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(self.path)) == 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()

    def end(self):
        """Its exit status, its report (None without one), what it has said."""
        out, said = self.process.communicate(timeout=100)
        return self.process.returncode, json.loads(out) if out else None, said

    def has_none(self, *words):
        status, _, said = self.end()
        assert status == 1 and any(word in said for word in ("none runs here", "does not run here")), (status, said)
        assert all(word in said for word in words), said


class Cut(Exception):
    """Raised by what a relay does to a message: the link is gone."""


class Relay:
    """Between a source, which connects to `address`, and a destination: each message goes through meddle(kind, bytes), which
    gives what goes on instead (a sequence of bytes), or raises Cut."""

    def __init__(self, destination, meddle):
        self.path = FOLDER / "relay.sock"
        self.path.unlink(missing_ok=True)
        self.address, self.destination, self.meddle = f"unix:{self.path}", destination, meddle
        self.listening = socket.socket(socket.AF_UNIX)
        self.listening.bind(str(self.path))
        self.listening.listen(8)
        threading.Thread(target=self.serve, daemon=True).start()

    def close(self):
        self.listening.shutdown(socket.SHUT_RDWR)
        self.listening.close()

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
                try:
                    for piece in pieces:
                        b.sendall(piece)
                except OSError:
                    return  # who has closed may have said why: that is on its way back
        except (Cut, OSError):
            pass
        for each in (a, b):
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def stop_all():
    """Whatever a case that failed has left."""
    done = domain("list", "--json", "-")
    for each in json.loads(done.stdout)["domains"] if done.returncode == 0 else []:
        domain("stop", each["name"])


def main(names):
    try:
        tap.main(tap.cases(names))
    finally:
        stop_all()
        shutil.rmtree(FOLDER)
