#!/usr/bin/python3
"""vcost where calls fail: with each errno that a kernel, a sandbox, a container or a limit can give, once and for ever.
TAP.

    test_errors.py [--all] VCOST SHIM

Each combination (command, call, request, errno, when) is a run of vcost with the library `shim` (tests/shim/errors.c) preloaded. It has
to end by itself within ten seconds: going on and saying so, with native alone and the reason, or with a sentence. Never by
a signal, never in silence. SIGTERM ends it in the middle too. Without --all a part of them is tried.
"""
import concurrent.futures
import errno
import itertools
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.dont_write_bytecode = True
import tap  # pylint: disable=wrong-import-position

ALL = "--all" in sys.argv
VCOST, SHIM = (str(Path(path).resolve()) for path in sys.argv[-2:])
SECONDS_MAX = 10
TERM_SECONDS_MAX = 5
SECONDS_MANY = "20"
PATIENCE = 12  # a machine that is busy, or waits for its own host, is no failure

AGENT = f"command:{VCOST} agent"
COMMANDS = {
    "chase": ["chase", "--quick", "--working-set", "16K", "--time", "1"],
    "locked": ["chase", "--quick", "--working-set", "16K", "--time", "1", "--lock"],
    "large": ["chase", "--quick", "--working-set", "16K", "--time", "1", "--host-page", "2M", "--on", "native"],
    "events": ["events", "--quick", "--time", "2", "pio-user", "mmio-kernel", "pio-kernel", "ipi", "dirty-log",
               "first-touch-4k", "populate-write", "willneed", "mprotect-page", "mlock", "fork-exit"],
    "inspect": ["inspect", "--quick", "--time", "1"],
    "gaps": ["inspect", "--quick", "--time", "9"],  # they come last: with no time left they are not looked at
    "far": ["chase", "--quick", "--working-set", "16K", "--time", "1", "--on", "native", "--on", AGENT],
}

# ---- the table

KVM = {
    "GET_API_VERSION": "ae00", "CHECK_EXTENSION": "ae03", "GET_VCPU_MMAP_SIZE": "ae04", "CREATE_VM": "ae01",
    "SET_TSS_ADDR": "ae47", "SET_IDENTITY_MAP_ADDR": "4008ae48", "GET_STATS_FD": "aece",
    "SET_USER_MEMORY_REGION": "4020ae46", "CREATE_VCPU": "ae41", "GET_SUPPORTED_CPUID": "c008ae05",
    "SET_CPUID2": "4008ae90", "GET_SREGS": "8138ae83", "SET_SREGS": "4138ae84", "SET_MSRS": "4008ae89", "RUN": "ae80",
}
KVM_OF_EVENTS = {"CREATE_IRQCHIP": "ae60", "IOEVENTFD": "4040ae79", "GET_DIRTY_LOG": "4010ae42", "SET_MP_STATE": "4004ae99"}
KVM_ERRNOS = "EPERM EACCES EINVAL ENOMEM EBUSY EINTR EAGAIN EIO EFAULT ENODEV ENOTTY EMFILE".split()
# What fails without a word, since nothing is lost by it.
SILENT = {KVM[name] for name in ("SET_TSS_ADDR", "SET_IDENTITY_MAP_ADDR", "GET_STATS_FD")}
ADVICE = {"DONTNEED": 4, "WILLNEED": 3, "DONTFORK": 10, "HUGEPAGE": 14, "NOHUGEPAGE": 15, "POPULATE_WRITE": 23}
PROTECTION = {"none": 0, "write": 3, "execute": 5}
EVER = ("once", "always")
LATE = ("once@15", "always@15", "always@40")  # past the probe's first guest


class Combination:
    """One call that fails in one way in one command. `quiet`: nothing needs to be said of it."""

    def __init__(self, command, call, what, code, when, quiet=False):
        self.command, self.call, self.what, self.code, self.when, self.quiet = command, call, what, code, when, quiet

    def __str__(self):
        return f"{self.command}: {self.call} {self.what} {self.code} {self.when}"

    @property
    def group(self):
        name = {request: name for name, request in {**KVM, **KVM_OF_EVENTS}.items()}.get(self.what)
        what = "KVM_" + name if name else self.what.replace("|", "/")
        return f"{self.command}, {self.call} {what}".replace(" *", "")

    @property
    def row(self):
        return f"{self.call}/{self.what}/{getattr(errno, self.code)}/{self.when}"

    @property
    def is_kvm(self):
        return self.call == "ioctl" or "kvm" in self.what


def product(commands, call, whats, codes, whens=EVER, quiet=False):
    return [Combination(*one, quiet) for one in
            itertools.product(commands.split(), [call], [str(what) for what in whats], codes.split(), whens)]


def kvm_rows():
    rows = [Combination("chase", "ioctl", request, code, when, request in SILENT)
            for request in KVM.values() for code in KVM_ERRNOS for when in EVER]
    rows += [Combination("chase", "ioctl", request, code, when, request in SILENT | {KVM["CHECK_EXTENSION"]})
             for request in KVM.values() for code in ("ENOMEM", "EINTR", "EIO") for when in LATE]
    rows += product("events", "ioctl", KVM_OF_EVENTS.values(), "EPERM ENOMEM EINVAL EIO")
    rows += product("events", "ioctl", [KVM["RUN"]], "EINTR EAGAIN EIO ENOMEM", LATE)
    rows += product("events", "ioctl", [KVM["CREATE_VM"], KVM["CREATE_VCPU"]], "EINTR EAGAIN EIO ENOMEM",
                    ("once@2", "always@2", "always@4"))
    rows += product("inspect", "ioctl", [KVM["RUN"], KVM["CREATE_VM"]], "EINTR EBUSY")
    return rows + product("chase events inspect", "open", ["|dev|kvm"],
                          "EPERM EACCES EBUSY ENODEV ENOENT ENXIO EMFILE EINTR")


def memory_rows():
    rows = product("chase events inspect", "mmap", ["anonymous"], "ENOMEM EPERM EAGAIN", ("once", "always", "always@4"))
    rows += product("chase", "mmap", ["file"], "ENOMEM EPERM EAGAIN")
    rows += product("chase inspect", "madvise", [ADVICE["NOHUGEPAGE"]], "EINVAL EPERM ENOSYS", quiet=True)
    rows += product("chase events inspect", "madvise", [ADVICE["POPULATE_WRITE"]], "EINTR EAGAIN EFAULT ENOMEM EPERM")
    rows += product("chase", "madvise", [ADVICE["POPULATE_WRITE"]], "EINVAL", quiet=True)
    rows += product("large", "madvise", [ADVICE["HUGEPAGE"]], "EINVAL EPERM ENOMEM")
    rows += product("events", "madvise", [ADVICE["DONTNEED"], ADVICE["WILLNEED"]], "EINVAL EAGAIN EPERM")
    rows += product("inspect", "madvise", [ADVICE["DONTFORK"], ADVICE["DONTNEED"]], "EINVAL EPERM")
    rights = "ENOMEM EACCES EPERM", ("once", "always", "always@6")
    rows += product("events inspect", "mprotect", [PROTECTION["write"]], *rights)
    rows += product("chase events inspect", "mprotect", [PROTECTION["execute"]], *rights)
    return rows + product("locked", "mlock", ["*"], "ENOMEM EPERM EAGAIN")


def other_rows():
    rows = product("chase inspect far", "sched_setaffinity", ["*"], "EPERM EINVAL ENOSYS", ("once", "always", "always@2"),
                   quiet=True)
    rows += product("chase inspect", "sched_getaffinity", ["*"], "EPERM EINVAL ENOSYS", quiet=True)
    files = ["|proc|stat", "|proc|meminfo", "|proc|self|smaps", "|proc|cpuinfo", "current_clocksource", "|proc|self|cgroup"]
    rows += product("chase inspect", "open", files, "EACCES ENOENT EINTR", quiet=True)
    rows += product("gaps", "open", ["|proc|interrupts"], "EACCES ENOENT EINTR", quiet=True)
    rows += product("chase inspect", "read", ["meminfo", "stat"], "EIO EINTR EPERM", quiet=True)
    rows += product("events inspect", "fork", ["*"], "EAGAIN ENOMEM ENOSYS")
    rows += product("events inspect", "waitpid", ["*"], "EINTR ECHILD")
    rows += product("events", "pthread_create", ["*"], "EAGAIN EPERM")
    rows += product("events", "eventfd", ["*"], "EMFILE ENOMEM")
    rows += product("chase inspect", "nanosleep", ["*"], "EINTR ENOSYS", quiet=True)
    rows += product("chase inspect", "getrusage", ["*"], "EPERM ENOSYS", quiet=True)
    rows += product("chase", "sigaction", ["*"], "EINVAL EPERM", quiet=True)
    rows += product("far", "fork", ["*"], "EAGAIN ENOMEM")
    rows += product("far", "pipe2", ["*"], "EMFILE ENFILE")
    rows += product("far", "poll", ["*"], "EINTR EINVAL ENOMEM", quiet=True)
    return rows + product("far", "waitpid", ["*"], "EINTR ECHILD", quiet=True)


EVERY = kvm_rows() + memory_rows() + other_rows()
# The part for every `make test`: what has hung, crashed or lied, and a sample of the rest.
SHORT = [
    Combination("chase", "ioctl", KVM["CREATE_VM"], "EBUSY", "always"),
    Combination("chase", "ioctl", KVM["CREATE_VM"], "EINTR", "always"),
    Combination("chase", "ioctl", KVM["RUN"], "EINTR", "always"),
    Combination("chase", "ioctl", KVM["RUN"], "EIO", "always@40"),
    Combination("chase", "ioctl", KVM["CREATE_VCPU"], "EMFILE", "always@2"),
    Combination("chase", "madvise", str(ADVICE["POPULATE_WRITE"]), "EAGAIN", "always"),
    Combination("chase", "madvise", str(ADVICE["POPULATE_WRITE"]), "EINTR", "always@2"),
    Combination("chase", "sched_setaffinity", "*", "EPERM", "always", True),
    Combination("chase", "sched_setaffinity", "*", "EPERM", "always@3", True),
    Combination("events", "mprotect", "3", "ENOMEM", "always@20"),
    Combination("events", "waitpid", "*", "EINTR", "always"),
    Combination("inspect", "read", "meminfo", "EINTR", "always", True),
    Combination("inspect", "sched_getaffinity", "*", "EPERM", "always", True),
    Combination("inspect", "sched_setaffinity", "*", "EPERM", "always@2", True),
]

# ---- one run


def start(combination, hits, seconds=None):
    words = list(COMMANDS[combination.command])
    if seconds:
        words[words.index("--time") + 1] = seconds
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "LD_PRELOAD": SHIM, "VCOST_TEST_ERRORS": combination.row,
                   "VCOST_TEST_HITS": str(hits)}
    return subprocess.Popen([VCOST, *words, "--json", "-"], env=environment, text=True, stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def problem_with_end(status, out, err):
    """What is wrong with how a run ended; None: nothing."""
    if status < 0:
        return f"killed by {signal.Signals(-status).name}"
    if status not in (0, 1, 77):
        return f"exit status {status}"
    if re.search(r"\(null\)|: Success|\(Success\)|Unknown error", err + out):
        return "a sentence with nothing in it"
    if out and json.loads(out)["schema"] != "vcost.result/1":
        return "no result on stdout"
    if status == 0:
        return None if out else "neither a result nor a failure"
    last = err.strip().splitlines()[-1:] or [""]
    return None if re.match(r"vcost: \S.{20}", last[0]) else "it failed without a sentence"


def is_told(combination, out, err):
    """Whether a run that went on to its end says that something could not be done."""
    code = getattr(errno, combination.code)
    words = [os.strerror(code), "interrupt", "/dev/kvm", "ulimit", "no memory behind", "could be had"]
    if combination.code in ("EINTR", "EAGAIN"):
        words.append(os.strerror(errno.EAGAIN))
        if not combination.when.startswith("always"):
            return True  # it has passed
    return any(word in out + err for word in words)


def look_at(combination, folder, seconds=None):
    """(hit, problem) of one combination."""
    hits = Path(folder, f"hits-{id(combination)}")
    began = time.monotonic()
    with start(combination, hits, seconds) as process:
        try:
            out, err = process.communicate(timeout=SECONDS_MAX * PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            return hits.exists(), f"still running after {SECONDS_MAX * PATIENCE} s"
    problem = problem_with_end(process.returncode, out, err)
    if not problem and not process.returncode and hits.exists() and not combination.quiet and not is_told(combination, out, err):
        problem = "not a word of it"
    if problem:
        problem += f" ({time.monotonic() - began:.1f} s; stderr: {err.strip()[-300:]})"
    return hits.exists(), problem


def look_at_all(combinations, seconds=None):
    with tempfile.TemporaryDirectory(prefix="vcost-errors-") as folder, \
            concurrent.futures.ThreadPoolExecutor(max(1, min(4, len(os.sched_getaffinity(0))))) as pool:
        return list(pool.map(lambda one: look_at(one, folder, seconds), combinations))


# ---- the cases


def have_kvm():
    try:
        os.close(os.open("/dev/kvm", os.O_RDWR))
    except OSError:
        return False
    return True


def group_case(combinations):
    def case():
        if combinations[0].is_kvm and combinations[0].call == "ioctl" and not have_kvm():
            raise tap.Skip("/dev/kvm cannot be opened")
        found = look_at_all(combinations)
        if not any(hit or problem for hit, problem in found):
            found = look_at_all(combinations, SECONDS_MANY)  # a machine that is slow or busy needs more time to come to it
        wrong = [f"{one}: {problem}" for one, (_, problem) in zip(combinations, found) if problem]
        print(f"# {len(combinations)} combinations, {sum(hit for hit, _ in found)} of them came to it", flush=True)
        assert not wrong, "\n".join(wrong)
        if not any(hit for hit, _ in found):
            if not have_kvm() or len(os.sched_getaffinity(0)) < 2:
                raise tap.Skip("without KVM, or on one CPU, no run comes to this call")
            raise AssertionError("no run came to this call: nothing was tried")
    return case


def sigterm_case(combinations):
    """SIGTERM, at any time, ends a run that would last."""
    def one(combination, seed, folder):
        with start(combination, Path(folder, "hits"), "60") as process:
            time.sleep(random.Random(seed).uniform(0.02, 1.5))
            process.send_signal(signal.SIGTERM)
            try:
                process.communicate(timeout=TERM_SECONDS_MAX * PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
                return f"{combination}: SIGTERM did not end it"
        return None if process.returncode in (-signal.SIGTERM, 0, 1, 77) else f"{combination}: {process.returncode}"

    def case():
        with tempfile.TemporaryDirectory(prefix="vcost-errors-") as folder, \
                concurrent.futures.ThreadPoolExecutor(2) as pool:
            found = pool.map(lambda pair: one(pair[1], pair[0], folder), enumerate(combinations))
        wrong = [problem for problem in found if problem]
        assert not wrong, "\n".join(wrong)
    return case


def inspection_case():
    """Where nothing can be timed inspect says why, and everything that is told."""
    row = Combination("inspect", "sched_setaffinity", "*", "EPERM", "always").row
    done = subprocess.run([VCOST, "inspect", "--quick", "--json", "-"], capture_output=True, text=True, timeout=300, check=True,
                          env={**os.environ, "LD_PRELOAD": SHIM, "VCOST_TEST_ERRORS": row})
    result = json.loads(done.stdout)
    found = {finding["name"]: finding for finding in result["findings"]}
    assert not result["complete"] and "seccomp" in result["incomplete_reason"], result["incomplete_reason"]
    assert found["memory-bytes"]["value"] > 0 and found["cpu-vendor"]["value"], found["cpu-vendor"]
    assert found["rdtsc"]["value"] is None and "seccomp" in found["rdtsc"]["reason"], found["rdtsc"]
    assert found["longest-gap"]["value"] is None and "seccomp" in found["longest-gap"]["reason"], found["longest-gap"]
    assert not result["cells"], result["cells"]


STORIES = [
    ("CREATE_VM in use by another hypervisor", "ioctl", KVM["CREATE_VM"], "EBUSY", "another hypervisor"),
    ("GET_API_VERSION forbidden by a sandbox", "ioctl", KVM["GET_API_VERSION"], "EPERM", "seccomp"),
    ("GET_API_VERSION of something else", "ioctl", KVM["GET_API_VERSION"], "ENOTTY", "not Linux's KVM"),
    ("a device that a container's rules forbid", "open", "|dev|kvm", "EPERM", "device rules"),
    ("a device without permission", "open", "|dev|kvm", "EACCES", "no permission on /dev/kvm"),
    ("a device without a driver", "open", "|dev|kvm", "ENODEV", "no driver is behind"),
    ("no device", "open", "|dev|kvm", "ENOENT", "there is no /dev/kvm"),
    ("no more files", "ioctl", KVM["CREATE_VCPU"], "EMFILE", "ulimit -n"),
]


def story_case(call, what, code, words):
    def case():
        if call == "ioctl" and not have_kvm():
            raise tap.Skip("/dev/kvm cannot be opened")
        row = Combination("chase", call, what, code, "always").row
        done = subprocess.run([VCOST, "list", "runners"], capture_output=True, text=True, timeout=300, check=True,
                              env={**os.environ, "COLUMNS": "400", "LD_PRELOAD": SHIM, "VCOST_TEST_ERRORS": row})
        said = " ".join(done.stdout.split())
        assert words in said and "version 12" not in said, said
    return case


def main():
    combinations = EVERY if ALL else SHORT
    groups = {}
    for one in combinations:
        groups.setdefault(one.group, []).append(one)
    cases = [(f"{name} ({len(of)})" if ALL else name, group_case(of)) for name, of in groups.items()]
    cases += [(f"told: {story[0]}", story_case(*story[1:])) for story in STORIES]
    cases.append(("inspect tells what is told where nothing can be timed", inspection_case))
    ended = [one for one in combinations if one.when.startswith("always")]
    ended = ended[::len(ended) // 60] if ALL else [ended[2], ended[5], ended[10]]
    cases.append((f"SIGTERM ends {len(ended)} of them", sigterm_case(ended)))
    print(f"# {len(combinations)} combinations, and SIGTERM in {len(ended)}")
    tap.main(cases)


main()
