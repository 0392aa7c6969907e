#!/usr/bin/python3
"""Domains that move while everything goes wrong that can: links that delay, throttle, split, corrupt, truncate, repeat,
mix up and cut, and ends that are killed, at random moments. Speaks TAP.

    test_domain_faults.py VCOST [FAULTS [KILLS [FILES [SEED [MONITOR]]]]]

Whatever happens, what both ends tell is true, at most one domain runs, and it ends as one that nobody disturbed: with the
same checksum, all memory as it wrote it.
"""
import collections
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

sys.dont_write_bytecode = True
import domains  # pylint: disable=wrong-import-position
import tap
from domains import (Cut, Receiver, Relay, domain, ended, goes_on_here, had_ended, must, none_there, phases, ran_there, report, runs_there,
    undisturbed)

FAULTS, KILLS, FILES, SEED = (int(word) for word in sys.argv[2:6] + ["2", "3", "4", "1"][len(sys.argv[2:6]):])
MONITOR = sys.argv[6] if len(sys.argv) > 6 else "kvm"
COMMIT = 8  # doc/migration.md


def workload(dice, factor):
    return ["--monitor", MONITOR, "--workload", "writer", "--memory", "8M", "--vcpus", dice.choice(("1", "2", "3")), "--work", str(500000 * factor)]


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


def both_run():
    return {"here": "running", "there": "running"}.items() <= phases().items()


def judged(done, there, work):
    """By what the source has told: what became of it."""
    said = done.stderr
    if done.returncode == 0:
        assert ended("here")["ending"] == "moved"
        ran_there(there.end(), undisturbed(*work))
        return "moved"
    if had_ended(done):
        goes_on_here(undisturbed(*work))
        there.process.terminate()
        there.end()
        return "had ended before"
    if "vcost domain resume here" in said:
        found = report("status", "here")
        assert found["phase"] in ("paused", "done") and found["moved"]["stage"] == "undecided", found
        if runs_there(there):
            ran_there(there.end(), undisturbed(*work))
            must("stop", "here")
            return "undecided, it ran there"
        none_there(there)
        must("resume", "here")
        goes_on_here(undisturbed(*work))
        return "undecided, it ran here"
    none_there(there)
    goes_on_here(undisturbed(*work))
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
        meddle.said = done.stderr
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
            assert outcome == "moved" or (meddler.done and name in HARMFUL) or outcome == "had ended before", (name, outcome, meddler.said)
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
    if done.returncode == 0 or runs_there(there):
        ran_there(there.end(), undisturbed(*work))
        return "it had moved" if done.returncode == 0 else "it ran there"
    none_there(there)
    assert phases() == {}, phases()
    return "none runs"


def after_a_kill_of_the_destination(done, there, work):
    there.process.wait(300)
    if there.process.returncode != -signal.SIGKILL:
        ran_there(there.end(), undisturbed(*work))
        return "it had ended there"
    if done.returncode == 0:
        assert phases() == {}, phases()
        return "it ran there until then"
    undecided = "vcost domain resume here" in done.stderr
    if undecided:
        assert phases() in ({"here": "paused"}, {"here": "done"}), phases()
        must("resume", "here")
    goes_on_here(undisturbed(*work))
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
            counts[f"{victim}: {one_round(dice, 2, killer, judge_if_killed, killer.choose)}"] += 1
        except AssertionError as problem:
            raise AssertionError(f"kill {number} of seed {SEED}, of the {victim}: {problem}") from problem
    tell(f"{KILLS} kills", counts)


# ---- files


def somewhere(dice, size):
    """In all of a file, or in its front, which is the smaller part and has more to say."""
    return dice.randrange(dice.choice((size, 20000)))


def flipped(content, dice):
    at = somewhere(dice, len(content))
    content[at] ^= 1 << dice.randrange(8)
    return content


def overwritten(content, dice):
    at = somewhere(dice, len(content))
    content[at:at + 50] = dice.randbytes(50)
    return content


def cut_off(content, dice):
    return content[:somewhere(dice, len(content))]


def lengthened(content, dice):
    at = somewhere(dice, len(content))
    return content[:at] + dice.randbytes(dice.choice((1, 8, 4096))) + content[at:]


def shortened(content, dice):
    at = somewhere(dice, len(content))
    return content[:at] + content[at + dice.choice((1, 8, 4096)):]


def swapped(content, dice):
    a, b = (dice.randrange(len(content) // 4096) * 4096 for _ in "ab")
    content[a:a + 4096], content[b:b + 4096] = content[b:b + 4096], content[a:a + 4096]
    return content


def foreign(content, dice):
    return content[:dice.choice((0, 8, 4096))] + dice.randbytes(dice.randrange(1 << 16))


DAMAGES = (flipped, flipped, overwritten, cut_off, lengthened, shortened, swapped, foreign)


def test_whatever_happens_to_a_file_it_is_refused_or_nothing_was_lost():
    needs_monitor()
    dice, counts = random.Random(SEED + 2), collections.Counter()
    file = domains.FOLDER / "saved.domain"
    for factor in (16, 128, 1024):
        work = workload(dice, factor)
        must("run", "-d", "--name", "here", *work)
        while (found := report("status", "here"))["done"] < 100000 and not found["ending"]:
            pass
        if domain("save", "here", str(file)).returncode == 0:
            break
    else:
        raise AssertionError("it always ended before it was saved")
    whole, bad = file.read_bytes(), domains.FOLDER / "bad.domain"
    for number in range(FILES):
        damage = dice.choice(DAMAGES)
        bad.write_bytes(damage(bytearray(whole), dice))
        done = domain("check", str(bad))
        what = f"damage {number} of seed {SEED}, {damage.__name__}: {done.stderr}"
        assert done.returncode in (0, 1, 77) and len(done.stderr.splitlines()) <= 3, what
        if done.returncode == 0:  # between the parts is room that means nothing
            found = report("restore", str(bad))
            assert found["checksum"] == undisturbed(*work) and found["wrong"] == 0, what
        elif dice.random() < 0.1:
            again = domain("restore", str(bad))
            assert again.returncode in (1, 77) and again.stderr, what
        counts[f"{damage.__name__}: {'refused' if done.returncode else 'nothing was lost'}"] += 1
    tell(f"{FILES} damaged files", counts)


# ---- who the ends are


def is_gone(pid):
    """No thread of it is left, though perhaps nobody has looked how it ended."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            return file.read().rsplit(")", 1)[1].split()[0] == "Z" and len(os.listdir(f"/proc/{pid}/task")) == 1
    except OSError:
        return True


def test_the_source_is_gone_before_the_first_instruction_there():
    """It is killed, and its process is no more, before the message that hands the domain over goes on."""
    needs_monitor()

    def one(factor):
        work = workload(random.Random(SEED), 8 * factor)
        must("run", "-d", "--paused", "--name", "here", *work)
        source, gone = report("status", "here")["pid"], []

        def kill_at_commit(kind, message):
            if kind == COMMIT:
                gone.append(source)
                os.kill(source, signal.SIGKILL)
                while not is_gone(source):
                    time.sleep(0.001)
            return [message]

        with Receiver("--monitor", MONITOR) as there:
            must("resume", "here")
            done = domain("migrate", "--max-downtime", "1000", "here", Relay(there.path, kill_at_commit).address)
            if not gone and had_ended(done):
                return "had ended before"
            assert done.returncode == 1 and gone, f"it never came to that: {done.stderr}"
            ran_there(there.end(), undisturbed(*work))
            return "ran there"

    in_time(one)


def test_a_writer_moves_at_each_rate_at_which_it_writes():
    needs_monitor()
    for rate in (20, 400):
        def one(factor):
            work = ["--monitor", MONITOR, "--workload", "writer", "--memory", "8M",
                "--work", str(rate * 150 * factor)]  # more than half a second
            must("run", "-d", "--paused", "--name", "here", *work, "--rate", str(rate))
            with Receiver("--monitor", MONITOR) as there:
                must("resume", "here")
                done = domain("migrate", "--json", "-", "--max-downtime", "1000", "here", there.address)
                if had_ended(done):
                    return "had ended before"
                assert done.returncode == 0, done.stderr
                moved = json.loads(done.stdout)["moved"]
                assert moved["stage"] == "done" and moved["downtime_ms"] > 0, moved
                ran_there(there.end(), undisturbed(*work))
                return "moved"

        in_time(one)


def as_somebody_else(folder):
    """Words that make a command another user's, in namespaces of its own, with its domains in a folder of its own. Where nobody but
    root may open /dev/kvm, that user is given the one right that opens it all the same."""
    node = os.stat("/dev/kvm") if MONITOR == "kvm" else None
    if not node or node.st_mode & 0o006 == 0o006:
        rights = ["--clear-groups"]
    elif node.st_mode & 0o060 == 0o060 and node.st_gid:
        rights = ["--groups", str(node.st_gid)]
    else:
        rights = ["--clear-groups", "--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
    return ["unshare", "--net", "--ipc", "--uts", "--pid", "--fork", "--kill-child", "setpriv", "--reuid", "65534", "--regid", "65534", *rights,
            "env", f"XDG_RUNTIME_DIR={folder}"]


def test_a_domain_moves_to_another_user_in_other_namespaces_and_back():
    needs_monitor()
    folder = domains.FOLDER / "theirs"
    folder.mkdir()
    if os.geteuid() or subprocess.run([*as_somebody_else(folder), "true"], capture_output=True, check=False).returncode:
        raise tap.Skip("only root becomes another user, and a container may forbid namespaces")
    os.chown(folder, 65534, 65534)
    domains.FOLDER.chmod(0o711)
    theirs = f"unix:{folder}/link"
    program = shutil.copy2(domains.VCOST, domains.FOLDER / "program")  # they may not be allowed where it lies
    command = [*as_somebody_else(folder), program, "domain"]

    def they_send_it(address):
        return subprocess.run([*command, "migrate", "--max-downtime", "1000", "guest", address], capture_output=True, text=True, check=False)

    def there_and_back(there, work):
        tap.until(lambda: os.path.exists(f"{folder}/link") or there.poll() is not None, "they do not listen")
        assert there.poll() is None, there.stderr.read()
        done = domain("migrate", "--max-downtime", "1000", "here", theirs)
        if had_ended(done):
            return "had ended before"
        assert done.returncode == 0, done.stderr
        with Receiver(name="home") as back:
            if "--ambient-caps=+dac_override" not in command:
                done = they_send_it(back.address)
                assert done.returncode == 1 and ("permission" in done.stderr.lower() or had_ended(done, "guest")), done.stderr  # it is ours alone
                os.chown(back.path, 65534, 65534)
            done = they_send_it(back.address)
            if had_ended(done, "guest"):
                return "had ended before"
            assert done.returncode == 0, done.stderr
            ran_there(back.end(), undisturbed(*work))
            there.wait(300)
            return "moved"

    def one(factor):
        work = ["--monitor", MONITOR, "--workload", "writer", "--memory", "8M", "--vcpus", "2", "--work", str(1500 * factor)]
        Path(folder, "link").unlink(missing_ok=True)
        must("run", "-d", "--name", "here", *work, "--rate", "6")  # two seconds
        with subprocess.Popen([*command, "receive", "--name", "guest", theirs], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as there:
            try:
                return there_and_back(there, work)
            finally:
                there.terminate()

    in_time(one)


domains.main(globals())
