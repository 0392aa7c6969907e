"""What the tests of this folder share: the functions named test_... of a file are its cases; TAP on stdout tells how each
has ended. A case passes if it returns, is skipped by raising Skip, and fails by raising anything else.
"""
import atexit
import contextlib
import ctypes
import fcntl
import functools
import json
import mmap
import os
import pty
import re
import resource
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import jsonschema


LIBC = ctypes.CDLL(None, use_errno=True)


class Skip(Exception):
    """Raised by a case that cannot run here, with the reason."""


# What vcost says before it measures on a machine that is as busy as one that runs tests.
BUSY = ("vcost: other programs use ", "vcost: the hypervisor takes ")


def calm(done):
    """What a program has done, without what it has said of other programs."""
    done.stderr = "".join(line for line in done.stderr.splitlines(True) if not line.startswith(BUSY))
    return done


def with_variable(name, value):
    """Numbers of the processes with this in their environment."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if f"{name}={value}".encode() in path.read_bytes().split(b"\0"):
                found.append(int(path.parent.name))
    return found


def is_left(folder):
    """Whether a folder is one of scratch() whose process has been killed: nobody holds its lock."""
    with contextlib.suppress(OSError), open(folder / LOCK, "rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


LOCK = ".of-a-test-of-vcost"


def scratch(prefix):
    """A folder that goes with this process. Those that killed ones have left go now, with the domains that run there."""
    for old in Path(tempfile.gettempdir()).glob(f"{prefix}*"):
        if is_left(old):
            for process in with_variable("XDG_RUNTIME_DIR", old):
                with contextlib.suppress(OSError):
                    os.kill(process, signal.SIGKILL)
            shutil.rmtree(old, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    lock = open(folder / LOCK, "wb")  # held until this process ends, however it does
    fcntl.flock(lock, fcntl.LOCK_EX)
    atexit.register(lambda: (shutil.rmtree(folder, ignore_errors=True), lock.close()))
    return folder


def until(condition, what, seconds=300):
    """Waits for what has to come, however long a busy machine takes; fails with `what` if it does not."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.01)


def given_time(command, enough):
    """What a command does that gets a second, or more where enough(what it did) says that this machine needs more for it."""
    for seconds in ("1", "10", "100"):
        done = command("--time", seconds)
        if enough(done):
            break
        print(f"# {seconds} s were too little", flush=True)
    return done


def cpu_seconds():
    """CPU time of all that this process has started and waited for: what others take from a CPU is not in it."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class Standstill:
    """While it is entered: the longest time for which this process, which looks a hundred times a second, did not come to it, because
    others had the CPUs or the machine stood still."""

    def __enter__(self):
        self.seconds, self.over = 0, threading.Event()
        self.watcher = threading.Thread(target=self.watch, daemon=True)
        self.watcher.start()
        return self

    def watch(self):
        last = time.monotonic()
        while not self.over.wait(0.01):
            now = time.monotonic()
            self.seconds, last = max(self.seconds, now - last), now

    def __exit__(self, *_):
        self.over.set()
        self.watcher.join()


def in_real_time(attempt, seconds, again=lambda: None):
    """attempt(), in which something is given up that is silent for so long: where it fails and this machine did not get on for a quarter of
    that, that may be why, and it is tried anew (after again(), which takes away what is left), some times."""
    for tries in range(5):
        with Standstill() as stood:
            try:
                return attempt()
            except AssertionError:
                if tries == 4 or stood.seconds < seconds / 4:
                    raise
        print(f"# anew: the machine did not get on for {stood.seconds:.2f} s", flush=True)
        again()


def catches(process, number=signal.SIGINT):
    """Whether a process is as far as that it has a handler for the signal."""
    status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
    return int(re.search(r"^SigCgt:\s*(\w+)", status, re.M)[1], 16) >> (number - 1) & 1


def children(process):
    return Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text(encoding="ascii").split()


def stop_midway(command, number=signal.SIGINT, percent=1, group=False, **options):
    """Starts vcost on a terminal, sends it (or its group, as a terminal does) a signal as soon as it says that so much of all is done.
    Returns its status, what it wrote to stdout, and what was to be seen on the terminal."""
    screen, terminal = pty.openpty()
    drawn, begun = bytearray(), threading.Event()

    def look():
        with contextlib.suppress(OSError):
            while piece := os.read(screen, 4096):
                drawn.extend(piece)
                if any(int(done) >= percent for done in re.findall(rb"\r[^\s\w]+ +(\d+) %", drawn)):  # behind a bar
                    begun.set()
        begun.set()

    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=terminal, text=True, env={**os.environ, "TERM": "xterm"},
                          **options) as run:
        os.close(terminal)
        watcher = threading.Thread(target=look)
        watcher.start()
        try:
            assert begun.wait(300), f"it has not begun: {drawn}"
            os.killpg(run.pid, number) if group else run.send_signal(number)
            out, _ = run.communicate(timeout=300)
        finally:
            run.kill()
            run.wait()
            watcher.join()
            os.close(screen)
    return run.returncode, out, drawn.decode(errors="replace")


def without_large_pages():
    """For preexec: Linux gives the program, and what it starts, no transparent huge pages."""
    disable = 41  # PR_SET_THP_DISABLE, prctl(2)
    assert LIBC.prctl(disable, 1, 0, 0, 0) == 0


def large_pages_come_unasked():
    """Whether this machine gives transparent huge pages to whoever does not ask for them, too."""
    with contextlib.suppress(OSError):
        return "[always]" in Path("/sys/kernel/mm/transparent_hugepage/enabled").read_text(encoding="ascii")
    return False


def large_pages_are_had(size):
    """Whether this machine gives so many bytes as transparent huge pages now: root may not allow them, or none be left in one piece."""
    with mmap.mmap(-1, size + (2 << 20), flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as memory:
        try:
            memory.madvise(mmap.MADV_HUGEPAGE)
        except OSError:
            return False
        for at in range(0, len(memory), 4096):
            memory[at] = 1
        text = Path("/proc/self/smaps_rollup").read_text(encoding="ascii")
        return int(re.search(r"^AnonHugePages: *(\d+)", text, re.M)[1]) << 10 >= size


def shared_large_pages_are_had(size):
    """The same of memory that is shared, where the kernel is asked to collapse it (madvise(2), Linux 6.1)."""
    collapse, large, length = 25, 2 << 20, size + (2 << 20)
    with contextlib.suppress(OSError, ValueError), os.fdopen(os.memfd_create("large"), "r+b") as file:
        file.truncate(length)
        with mmap.mmap(file.fileno(), length) as memory:
            at = ctypes.addressof(ctypes.c_char.from_buffer(memory))
            memory.write(b"x" * length)
            return LIBC.madvise(ctypes.c_void_p(at + -at % large), ctypes.c_size_t(size), collapse) == 0
    return False


def refusing(number, code):
    """For preexec: a filter that answers one system call with an error (seccomp(2), struct sock_filter)."""
    def instruction(what, yes, no, value):
        return struct.pack("HBBI", what, yes, no, value)
    program = (instruction(0x20, 0, 0, 0) + instruction(0x15, 0, 1, number) + instruction(0x06, 0, 0, 0x00050000 | code) +
        instruction(0x06, 0, 0, 0x7FFF0000))
    def install():
        room = ctypes.create_string_buffer(program, len(program))
        descriptor = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(room)), 16)
        if LIBC.prctl(38, 1, 0, 0, 0) or LIBC.prctl(22, 2, descriptor, 0, 0):
            os._exit(99)
    return install


@functools.cache
def validator(name):
    """For what follows share/schema/NAME.schema.json. Kept: to look at the schema itself takes longer than at most results."""
    path = Path(__file__).resolve().parents[2] / f"share/schema/{name}.schema.json"
    schema = json.loads(path.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def cases(names):
    """The cases among the globals of a file, in the order written, as pairs of name and function."""
    return [(name[5:].replace("_", " "), case) for name, case in names.items() if name.startswith("test_")]


def ending(case):
    """How a case ends: whether it failed, what follows its name, and what went wrong."""
    try:
        case()
    except Skip as reason:
        return False, f" # SKIP {reason}", ""
    except Exception as problem:  # whatever goes wrong is a failed point
        return True, "", f"{type(problem).__name__}: {problem}"
    return False, "", ""


def main(todo):
    """Runs the cases and ends the program, with status 1 if one has failed."""
    print(f"1..{len(todo)}", flush=True)
    any_failed = False
    for number, (name, case) in enumerate(todo, 1):
        failed, directive, text = ending(case)
        any_failed |= failed
        print(f"{'not ' if failed else ''}ok {number} - {name}{directive}")
        print("".join(f"# {line}\n" for line in text.splitlines()[:20]), end="", flush=True)
    sys.exit(any_failed)
