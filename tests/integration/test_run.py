#!/usr/bin/python3
"""vcost run: programs in a domain do what they do natively. Speaks TAP.

    test_run.py VCOST INSIDE PROGRAMS [--long]

INSIDE is the executable that runs a program in a domain (src/program/inside/), PROGRAMS the folder of those of tests/programs.
Most cases start it by hand, natively once and in a domain once: what was counted there is in struct tally (src/program/tally.h).
"""
import concurrent.futures
import csv
import ctypes
import errno
import fcntl
import itertools
import json
import os
import re
import resource
import shutil
import signal
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../corpus"))
sys.dont_write_bytecode = True
import broken_elf  # pylint: disable=wrong-import-position
import corpus  # pylint: disable=wrong-import-position
import tap  # pylint: disable=wrong-import-position

VCOST, INSIDE, PROGRAMS = (os.path.abspath(word) for word in sys.argv[1:4])
LONG = "--long" in sys.argv
SCRATCH = str(tap.scratch("vcost-run-"))
TALLY_BYTES = 16384
GDT_OF_DOMAIN = "127 0x550040000000 0x70"  # abi/domain.h: limit and base of the GDT, selector of the task state


def program(name):
    return os.path.join(PROGRAMS, name)


def needs_kvm():
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        raise tap.Skip("no /dev/kvm that can be used")


class Run:
    """One run of a program: in a domain, or natively. memory: the bytes of struct tally_memory."""

    def __init__(self, words, inside, memory=b"", **options):
        options = {"stdin": subprocess.DEVNULL, "timeout": 600, "env": {**os.environ, "LC_ALL": "C"}, **options}
        self.counts = None
        if not inside:
            done = subprocess.run(words, capture_output=True, check=False, **options)
        else:
            page, self_ = os.memfd_create("tally"), os.open(INSIDE, os.O_RDONLY)
            os.ftruncate(page, TALLY_BYTES)
            os.pwrite(page, memory, 0)
            done = subprocess.run([INSIDE, f"{page},-1,{self_}", words[0], *words], executable=INSIDE, capture_output=True,
                check=False, pass_fds=(page, self_), **options)
            self.counts = Counts(os.pread(page, TALLY_BYTES, 0))
            os.close(page)
            os.close(self_)
        self.status, self.out, self.err = done.returncode, done.stdout, done.stderr


class Counts:
    """struct tally."""

    def __init__(self, page):
        page = page[16:]  # struct tally_memory
        self.exits, self.interruptions, self.host_faults = struct.unpack_from("3Q", page, 0)
        self.exceptions = struct.unpack_from("32Q", page, 24)
        self.calls = struct.unpack_from("512Q", page, 280)
        (self.signals, self.threads, self.forks, self.programs, self.memory_calls, self.memory_ns, self.domains, self.counted, self.monitor_exits,
            self.monitor_faults, _, _, self.guest_faults, self.used_small, self.used_large, self.answered, self.fork_pages, self.looks) = struct.unpack_from("18Q", page, 280 + 2 * 4096)


def memory(page_bytes=0, prove=False, later=False):
    return struct.pack("QII", page_bytes, prove, later)


def same(*words, **options):
    """Runs it on both sides: stdout, stderr and status must agree. The run in the domain."""
    native, guest = Run(words, False, **options), Run(words, True, **options)
    lines = itertools.zip_longest(native.out.splitlines(), guest.out.splitlines())
    assert (guest.status, guest.out) == (native.status, native.out), (words, native.status, guest.status,
        [pair for pair in lines if pair[0] != pair[1]][:4], guest.err[-500:])
    assert guest.counts.exits > 0 and sum(guest.counts.calls) > 0 and guest.counts.programs >= 1, words
    return guest


# Memory that only the registers or the stack of a thread point to is no leak.
LEAKS = r'''
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>
static int ends[2];
static volatile int begun;
static void *loop(void *unused) { register char *own __asm__("r12") = malloc(10); __asm__ volatile("lock incl %1\n1: pause\njmp 1b" : : "r"(own), "m"(begun)); return unused; }
static void *wait(void *unused) { char *volatile own = malloc(20), byte; __sync_fetch_and_add(&begun, 1); return read(ends[0], &byte, 1) < 0 ? own : unused; }
int main(void) {
    pthread_t thread;
    char *volatile lost;
    if (pipe(ends) < 0) return 9;
    pthread_create(&thread, NULL, loop, NULL);
    pthread_create(&thread, NULL, wait, NULL);
    while (begun < 2) ;
    lost = malloc(777);
    lost = NULL;
    return lost != NULL;
}
'''


# ---- what a program is given, and gives ----

def test_arguments_environment_files_and_status():
    needs_kvm()
    for name in ("words", "words-static", "words-static-pie", "words-fixed"):
        guest = same(program(name), "3", SCRATCH + "/file", "a b", "", env={"TEST_ONE": "1", "TEST_TWO": "b c", "HOME": "/"}, cwd="/")
        assert guest.status == 3 and b"argument 3: a b\n" in guest.out, guest.out


def test_the_kernel_tells_the_words_and_environment_of_the_program():
    needs_kvm()
    set_mm, map_size, size = 35, 15, ctypes.c_uint()  # PR_SET_MM, PR_SET_MM_MAP_SIZE (prctl(2))
    if ctypes.CDLL(None).prctl(set_mm, map_size, ctypes.byref(size), 0, 0) != 0:
        raise tap.Skip("this kernel takes no word for it (CONFIG_CHECKPOINT_RESTORE)")
    same("sh", "-c", "cat /proc/$$/cmdline /proc/$$/environ", "a name", "", "ä", env={"PATH": "/usr/bin:/bin", "ONE": "1", "TWO": ""})


def test_every_thread_child_and_executed_program_is_inside():
    needs_kvm()
    guest = Run([program("inside")], True)
    lines = guest.out.decode().splitlines()
    assert [line.split()[0] for line in lines] == ["process", "thread", "borrower", "child", "executed"], lines
    native = Run([program("inside")], False).out.decode().splitlines()
    counts = guest.counts
    assert (counts.threads, counts.forks, counts.programs) == (1, 2, 2), vars(counts)
    assert counts.calls[1] == 5 and counts.exits >= sum(counts.calls), counts.exits
    if any(line.split(None, 1)[1] == GDT_OF_DOMAIN for line in native):
        raise tap.Skip("this host's own segments look like a domain's")
    if all(line.split(None, 1)[1] != GDT_OF_DOMAIN for line in lines):
        raise tap.Skip("this host lets nothing tell where code runs but counts of exits")
    for line in lines:
        assert line.split(None, 1)[1] == GDT_OF_DOMAIN, lines


def test_a_program_sees_and_closes_its_own_descriptors_and_threads_alone():
    needs_kvm()
    script = """import ctypes, fcntl, os, resource
def state(number):
    try: return fcntl.fcntl(number, fcntl.F_GETFD)
    except OSError as error: return error.strerror
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
high = (16384 if hard >= 32768 else hard // 4 * 3) + 500  # among those of a domain (inside.c)
os.dup2(1, high), os.dup2(1, high + 1)
print(os.write(high, b"written\\n"), sorted(os.listdir("/proc/self/fd")) == sorted(os.listdir("/proc/self/fdinfo")), sorted(os.listdir("/proc/self/fd")))
close_range = ctypes.CDLL(None).close_range
for flags, last in ((4, 2**32 - 1), (4, high + 2), (0, high + 2), (2, 2**32 - 1), (0, 2**32 - 1), (8, 2**32 - 1)):
    os.dup2(1, high + 2), os.dup2(1, 30)
    print(flags, close_range(30, 30, flags), state(30), close_range(high + 2, last, flags), state(high + 2), state(high))
close_range(high, 2**32 - 1, 0)
close_range(3, 2**32 - 1, 0)
print(sorted(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task")), os.stat("/proc/self/task/").st_nlink)
os.fork() or os._exit(0)
print(os.wait()[1])"""
    assert b"written" in same("/usr/bin/python3", "-c", script).out


def test_proc_tells_a_program_of_its_own_mappings_and_threads():
    needs_kvm()
    script = """import os, threading
def told(path, **options):
    with open(path, encoding="ascii", **options) as file:
        return file.read().splitlines()
def mapped(path, **options):
    lines = [line.split(None, 5) for line in told(path, **options)]
    places = [[int(end, 16) for end in line[0].split("-")] for line in lines]
    return places == sorted(places), sorted((line[1], line[2], line[5]) for line in lines if len(line) > 5)
def threads(path):
    return [line for line in told(path) if line.startswith(("Threads:", "Pid:", "Name:"))][:1] + [line for line in told(path) if "Threads" in line]
own, folder = f"/proc/{os.getpid()}", os.open("/proc/self", os.O_DIRECTORY | os.O_PATH)
below = lambda path, flags: os.open(path, flags, dir_fd=folder)
for path, options in (("/proc/self/maps", {}), (own + "/maps", {}), ("maps", {"opener": below})): print(mapped(path, **options))
print(threads("/proc/self/status"), len(told("status", opener=below)) == len(told(own + "/status")))
stop = threading.Event()
for _ in range(3): threading.Thread(target=stop.wait).start()
print(threads(own + "/status"))
stop.set()
for path, flags in (("/proc/self/maps", os.O_RDWR), ("/proc/self/status", os.O_DIRECTORY), ("/proc/0/maps", os.O_RDONLY)):
    try: print(os.open(path, flags))
    except OSError as error: print(error)
print(os.open("/proc/self/status", os.O_RDONLY) == os.open("/dev/null", os.O_RDONLY) - 1)"""
    out = same("/usr/bin/python3", "-c", script).out
    assert b"[heap]" in out and b"[stack]" in out and b"Threads:\\t4" in out, out


def test_a_child_with_its_parents_descriptors_alone_is_refused():
    needs_kvm()
    script = """import ctypes, os
call, CLONE, FILES, CHILD = ctypes.CDLL(None, use_errno=True).syscall, 56, 0x400, 17
pid = call(CLONE, FILES | CHILD, 0, 0, 0, 0)
if pid == 0: os._exit(0)
told = os.strerror(ctypes.get_errno()) if pid < 0 else os.waitpid(pid, 0)[1]
os.write(1, b"%s %d\\n" % (str(told).encode(), bool(os.fork())))  # in one piece: both write
os._exit(0)"""
    native, guest = (Run(["/usr/bin/python3", "-c", script], inside) for inside in (False, True))
    assert sorted(native.out.split(b"\n")) == [b"", b"0 0", b"0 1"], native.out + native.err
    assert sorted(guest.out.split(b"\n")) == [b"", b"Invalid argument 0", b"Invalid argument 1"], guest.out + guest.err


def test_what_preloads_into_programs_does_not_reach_the_monitor():
    needs_kvm()
    guest = Run([program("words-static"), "0", SCRATCH + "/file"], True, env={"LD_PRELOAD": "/nowhere.so", "LD_LIBRARY_PATH": "/x"})
    assert guest.status == 0 and not guest.err, guest.err


# ---- memory, signals, threads ----

def test_random_changes_of_memory_fault_where_they_do_natively():
    needs_kvm()
    seeds, steps = (range(1, 51), "20000") if LONG else (range(1, 4), "300")  # a million steps
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as runs:
        list(runs.map(lambda seed: same(program("memory"), str(seed), steps, timeout=3600), seeds))


def test_a_program_may_have_the_addresses_that_sanitizers_want():
    needs_kvm()
    with open("/proc/sys/vm/mmap_rnd_bits", encoding="ascii") as file:
        if int(file.read()) > 28:
            raise tap.Skip("this kernel places programs where sanitizers want memory of their own")
    assert b"elsewhere" not in same(program("places")).out


def test_a_system_call_ends_with_the_memory_that_it_is_given():
    needs_kvm()
    assert same(program("edge")).out == b"read 4096, heap 1, dropped 3\n"


def test_limits_of_memory_are_those_that_the_program_has_set():
    needs_kvm()
    out = same(program("limits")).out.decode().split("limit ")
    assert "heap 18, grown 18" in out[1] and "heap 9, grown 9" in out[3] and "heap 64, grown 64" in out[-1], out
    words = same("sh", "-c", "ulimit -v 1000000; ulimit -d 60000; /bin/echo a; ulimit -v; ulimit -d; for v in 500 2000 4000; do (ulimit -v $v; /bin/echo $v); done")
    assert b"a\n1000000\n60000\n" in words.out, words.out


def test_limits_are_a_process_whichever_of_its_threads_is_named():
    needs_kvm()
    script = """import resource, threading
end = threading.Event()
(one := threading.Thread(target=end.wait, daemon=True)).start()
for limit, values in ((resource.RLIMIT_NOFILE, (500, 600)), (resource.RLIMIT_AS, (2 << 30, 3 << 30))):
    print(resource.prlimit(one.native_id, limit, values) == resource.getrlimit(limit), resource.getrlimit(limit), resource.prlimit(0, limit) == values)
(other := threading.Thread(target=lambda: print("runs"))).start()
other.join()
end.set()"""
    assert b"(500, 600) True" in same("/usr/bin/python3", "-c", script).out


def test_mappings_grow_downwards_and_the_lowest_pages_are_the_programs():
    needs_kvm()
    assert b"program: 500, 0" in same(program("grown")).out


def test_signals_come_as_they_do_natively():
    needs_kvm()
    guest = same(program("signals"))
    assert guest.counts.signals > 64 and guest.counts.exceptions[14] > 64, vars(guest.counts)


def test_what_traps_says_why_and_old_ways_into_the_kernel_lead_there():
    needs_kvm()
    out = same(program("traps")).out
    assert b"division by zero: code 3\n" in out and b"stack's end: code 1\n" in out, out


def test_signals_and_children_come_to_a_program_that_has_left_itself_nothing():
    needs_kvm()
    assert b"failed 0, caught 3, child ended by 11" in same(program("starved")).out


def test_no_signal_of_a_storm_is_lost():
    needs_kvm()
    rounds = 20000 if LONG else 40
    guest = same(program("storm"), str(rounds), timeout=3600)
    assert b"queued %d, " % (4 * rounds) in guest.out and guest.counts.signals >= 5 * rounds, (guest.out, guest.counts.signals)


def test_emulated_system_calls_fail_as_they_do_natively():
    needs_kvm()
    folder = os.path.join(SCRATCH, "refusals")
    os.mkdir(folder)
    assert same(program("refusals"), folder).out.count(b"\n") > 160


BROKEN = (0, 1, 21, 23, 24, 647, 656, 696, 739, 1327, 1434, 2136, 2209, 2264, 2427, 2635, 2695, 3106, 3170, 3793)  # most of them were defects


def broken_files(folder, seeds):
    """Names and contents: whole ones, broken ones, and whole ones of which the interpreter is a broken one."""
    interpreter = os.path.join(folder, "interpreter").encode()
    files = {"interpreter": broken_elf.whole(3), "fixed": broken_elf.whole(2), "linked": broken_elf.whole(3, interpreter)}
    for seed in seeds:
        files[f"broken-{seed}"] = broken_elf.broken(seed, interpreter)
        files[f"by-{seed}"] = broken_elf.broken(1000000 + seed, b"")
        files[f"linked-{seed}"] = broken_elf.whole(2 + seed % 2, os.path.join(folder, f"by-{seed}").encode())
    return files


def of_many_segments(count):
    """The headers stand behind all else."""
    header, segments = broken_elf.parts(3, b"")
    page = broken_elf.PAGE
    segments[3:3] = [[broken_elf.LOAD, 4, 0, 0x400000 + i * page, 0, page, page, page] for i in range(count)]
    header[5], header[10] = 3 * page, len(segments)
    return broken_elf.built(header, [], b"").ljust(3 * page, b"\0") + b"".join(broken_elf.SEGMENT.pack(*segment) for segment in segments)


def test_a_program_may_have_as_many_segments_as_linux_reads():
    needs_kvm()
    folder, files = os.path.join(SCRATCH, "segments"), {str(count): of_many_segments(count) for count in (300, 1166, 1167)}
    os.mkdir(folder)
    for name, content in files.items():
        with open(os.open(os.path.join(folder, name), os.O_CREAT | os.O_WRONLY, 0o755), "wb") as file:
            file.write(content)
    out = same(program("execute"), *files, cwd=folder).out
    assert out == b"300: status 2a00\n1166: status 2a00\n1167: Exec format error\n", out


EXECUTE_BY_DESCRIPTOR = """import ctypes, os, sys
call = ctypes.CDLL(None, use_errno=True).syscall
EXECVEAT, EMPTY_PATH = 322, 0x1000
def execute(what, name, mode, inherited):
    folder = os.path.dirname(name) if mode == os.O_DIRECTORY else None
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        opened = os.open(folder or name, mode)
        os.dup2(opened, 50, inheritable=inherited)
        os.close(opened)
        words = (ctypes.c_char_p * 4)(b"x", b"/dev/null", b"y", None)
        call(EXECVEAT, 50, os.path.basename(name).encode() if folder else b"", words, (ctypes.c_char_p * 1)(None), 0 if folder else EMPTY_PATH)
        print(what, os.strerror(ctypes.get_errno()), flush=True)
        os._exit(1)
    print(what, os.waitpid(pid, 0)[1])
for name in sys.argv[1:]:
    for inherited in (False, True):
        for mode in (os.O_RDONLY, os.O_PATH, os.O_DIRECTORY, os.O_RDWR)[:None if BUSY else 3]:
            execute((os.path.basename(name), inherited, mode), name, mode, inherited)
"""


def written_are_busy():
    """Can this kernel be asked whether a file may be executed? (Linux 6.14, AT_EXECVE_CHECK)"""
    execveat, empty_path_and_check = 322, 0x11000
    words = (ctypes.c_char_p * 2)(b"", None)
    with open("/bin/true", "rb") as file:
        return ctypes.CDLL(None).syscall(execveat, file.fileno(), b"", words, words, empty_path_and_check) == 0


def test_what_a_descriptor_names_is_executed_by_its_name():
    needs_kvm()
    folder = os.path.join(SCRATCH, "named")
    os.mkdir(folder)
    names = [os.path.join(folder, name) for name in ("script", "program", "whose")]
    for name, content in zip(names, (b"#!/bin/sh\necho $0 $*; tr '\\0' ' ' < /proc/$$/cmdline; echo\n", open("/bin/head", "rb").read(), b"#!/bin/sh\necho mine\n")):
        with open(os.open(name, os.O_CREAT | os.O_WRONLY, 0o755), "wb") as file:
            file.write(content)
    if os.getuid() == 0:
        os.chown(names[2], 1, 1)
    os.chmod(names[2], 0o6755)  # says nothing of a script
    out = same(sys.executable, "-c", f"BUSY = {written_are_busy()}\n" + EXECUTE_BY_DESCRIPTOR, *names).out
    assert out.count(b"\n/dev/fd/50 /dev/null y\n") == 2 and b"/dev/fd/50/script /dev/null y\n" in out and out.count(b"mine\n") == 3, out


def is_lacking(name, files):
    """A program, or its interpreter, at addresses that a domain does not have."""
    return broken_elf.lacks(files[name]) or (name.startswith("linked-") and broken_elf.lacks(files["by" + name[len("linked"):]]))


def test_broken_programs_are_refused_or_end_as_they_do_natively():
    needs_kvm()
    folder = os.path.join(SCRATCH, "elf")
    os.mkdir(folder)
    files = broken_files(folder, range(5000) if LONG else BROKEN)
    for name, content in files.items():
        with open(os.open(os.path.join(folder, name), os.O_CREAT | os.O_WRONLY, 0o755), "wb") as file:
            file.write(content)
    native, guest = (Run([program("execute"), *files], inside, cwd=folder, timeout=3600).out.decode().splitlines() for inside in (False, True))
    assert guest[:3] == ["interpreter: status 2a00", "fixed: status 2a00", "linked: status 2a00"], guest[:3]
    differ = [(name, *pair) for name, *pair in zip(files, native, guest, strict=True) if pair[0] != pair[1]]
    refused = [name for name, was, is_ in differ if ": status " in was and is_ == f"{name}: Cannot allocate memory" and is_lacking(name, files)]
    assert len(refused) == len(differ) <= len(files) / 20, [told for told in differ if told[0] not in refused][:9]


def test_a_signal_that_ends_a_program_ends_it():
    needs_kvm()
    assert same(program("signals"), "15").status == -15
    assert same("sh", "-c", "kill -9 $$").status == -9


def test_threads_take_turns_and_end():
    needs_kvm()
    for threads, rounds in ((12, 5), (50, 2000)) if LONG else ((12, 5),):
        guest = same(program("threads"), str(threads), str(rounds), timeout=3600)
        assert guest.counts.threads == threads * rounds, guest.counts.threads


def test_whoever_writes_to_a_page_does_not_notice_that_it_is_replaced():
    needs_kvm()
    same(program("replaced"), "300000" if LONG else "300")  # a thousand faults in a row, if on two CPUs


def threads_started(count, inside):
    script = f"""import os, threading
threading.stack_size(65536)
stop, started = threading.Event(), 0
try:
    for started in range({count}): threading.Thread(target=stop.wait, daemon=True).start()
except RuntimeError: pass
os.write(1, b"%d" % started)
os._exit(0)"""
    return int(Run([sys.executable, "-c", script], inside).out)


if LONG:
    def test_more_threads_than_a_machine_has_cpus_fail_as_linux_has_it():
        needs_kvm()
        check_extension, max_vcpus = 0xAE03, 66  # KVM_CHECK_EXTENSION, KVM_CAP_MAX_VCPUS
        with open("/dev/kvm", "rb", buffering=0) as kvm:
            limit = fcntl.ioctl(kvm, check_extension, max_vcpus)
        native, guest = (threads_started(limit + 8, inside) for inside in (False, True))
        assert native == limit + 7 and limit - 8 < guest < limit, (native, guest, limit)


# ---- what is counted: injected, and found again ----

PRICES = os.path.join(PROGRAMS, os.pardir, "guest", "vcost-prices")  # guest/prices/prices.c


def injected(operation, more, what, **options):
    """How much more is counted of a program that does something so many times more."""
    few, many = (Run([PRICES, operation, str(count), "1"], True, **options) for count in (5, 5 + more))
    assert few.status == many.status == 0 and len(many.out.split()) == 2, (few.err, many.err)
    return what(many.counts) - what(few.counts)


def test_what_happens_a_known_number_of_times_is_counted_so_often():
    needs_kvm()
    getppid, nanosleep, kill, gettid, page_fault = 110, 35, 62, 186, 14
    for operation, more, what, factor in (("call", 40, lambda c: c.calls[getppid], 1), ("call", 40, lambda c: c.exits, 1),
            ("delay", 3, lambda c: c.calls[nanosleep], 1), ("signal", 20, lambda c: c.signals, 1), ("signal", 20, lambda c: c.calls[kill], 1),
            ("signal", 20, lambda c: c.exits, 2), ("fault", 20, lambda c: c.exceptions[page_fault], 1), ("fault", 20, lambda c: c.exits, 2),
            ("fork", 3, lambda c: c.forks, 1), ("fork", 3, lambda c: c.domains, 1), ("vfork", 3, lambda c: c.forks, 1), ("vfork", 3, lambda c: c.domains, 0),
            ("thread", 6, lambda c: c.threads, 1),
            ("look", 40, lambda c: c.looks, 1), ("call", 40, lambda c: c.looks, 0), ("answer", 3000, lambda c: c.answered, 1), ("answer", 3000, lambda c: c.exits, 0), ("answer", 3000, lambda c: c.calls[gettid], 0),
            ("map", 20, lambda c: c.memory_calls, 2)):
        assert injected(operation, more, what) == factor * more, (operation, injected(operation, more, what))
    pages, made = injected("fork-large", 3, lambda c: c.fork_pages), 16384  # PRICES_FORKED_PAGES
    assert 3 * made <= pages < 3 * 1.1 * made, pages


def test_what_the_guest_answers_itself_is_what_linux_says():
    needs_kvm()
    native, guest = (Run([program("answers")], inside) for inside in (False, True))
    assert native.status == guest.status == 0 and native.out == guest.out, (native.out, native.err, guest.out, guest.err)
    assert b"flags: 0 wrong" in guest.out and b"filtered: 1" in guest.out, guest.out
    assert guest.counts.answered > 2 ** 7 and guest.counts.signals > 50, vars(guest.counts)


def test_what_threads_wait_for_is_no_work_on_memory():
    needs_kvm()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    guest = Run([program("threads"), "16", "1", "150"], True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_ns = (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1e9
    assert guest.status == 0 and guest.counts.memory_calls >= 2 * 16 * 150, (guest.err, vars(guest.counts))
    assert 0 < guest.counts.memory_ns < cpu_ns, (guest.counts.memory_ns, cpu_ns)


def test_first_touches_are_faults_that_only_the_monitor_sees():
    needs_kvm()
    touched = injected("touch", 600, lambda counts: counts.monitor_faults, preexec_fn=tap.without_large_pages)
    assert 600 <= touched < 640, touched
    assert injected("touch", 600, lambda counts: counts.exits) == 0


def test_memory_is_behind_leaves_of_the_size_that_is_asked_for():
    needs_kvm()
    pages = 4 * 512  # as many as fill four of 2 MiB
    for page_bytes, small, large in ((4096, pages, 0), (2 << 20, 0, pages), (0, 0, pages)):
        options = {"memory": memory(page_bytes, prove=True)}
        assert injected("touch", pages, lambda counts: counts.used_small, **options) == small, page_bytes
        assert injected("touch", pages, lambda counts: counts.used_large, **options) == large, page_bytes
    assert Run([PRICES, "touch", "2048", "1"], True).counts.used_large == 0  # nobody asked


def test_the_guest_faults_once_a_page_where_it_is_to_and_never_else():
    needs_kvm()
    pages = 2 * 512
    for page_bytes, faults in ((4096, pages), (0, 2)):
        later = {"memory": memory(page_bytes, later=True)}
        assert injected("touch", pages, lambda counts: counts.guest_faults, **later) == faults, page_bytes
        assert injected("touch", pages, lambda counts: counts.exits, **later) == 0, page_bytes  # handled inside
        assert injected("touch", pages, lambda counts: counts.exceptions[14], **later) == 0, page_bytes
    assert Run([PRICES, "touch", str(pages), "1"], True).counts.guest_faults == 0


def test_programs_do_the_same_where_the_guest_faults_first():
    needs_kvm()
    for page_bytes in (4096, 0):
        options = {"memory": memory(page_bytes, later=True)}
        same(program("memory"), "2", "300", **options)
        assert same(program("signals"), **options).counts.signals > 64
        assert same(program("threads"), "6", "3", **options).counts.guest_faults > 18
        same(program("borrowed"), **options)
        guest = same("sh", "-c", "ls / | sort; (exit 3)", **options)
        assert guest.counts.domains == guest.counts.counted > 3 and guest.counts.guest_faults > 500, vars(guest.counts)


def test_memory_that_is_given_back_is_counted_too():
    needs_kvm()
    script = ("import mmap; m = mmap.mmap(-1, 8 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS); m.write(bytes(4096 * 2048)); m.close()")
    counts = same(sys.executable, "-c", script, memory=memory(2 << 20, prove=True)).counts
    assert counts.used_large >= 2048, vars(counts)
    counts = same(sys.executable, "-c", script, memory=memory(4096, prove=True)).counts
    assert counts.used_large == 0 and counts.used_small > 2048, vars(counts)


def test_every_process_tells_what_its_monitor_counted():
    needs_kvm()
    counts = same("sh", "-c", "ls / > /dev/null; (exit 3); env true; kill -KILL $$").counts
    assert counts.domains == counts.counted + 1 > 4, vars(counts)  # the kill ended one that could tell nothing


def test_what_the_monitor_counted_is_told_without_waiting_for_a_thread_that_calls_nothing():
    needs_kvm()
    counts = same(program("busy")).counts
    assert counts.domains == counts.counted == 1 and counts.monitor_exits >= counts.exits - 1, vars(counts)


def test_a_program_that_leaves_no_descriptors_tells_what_its_monitor_counted():
    needs_kvm()
    script = """ulimit -n 10; for n in 3 4 5 6 7 8 9; do eval "exec $n< /"; done; exec 2> /dev/null 10< /; echo $?"""
    counts = same("bash", "-c", script).counts
    assert counts.domains == counts.counted == 1 and counts.monitor_exits >= counts.exits - 1, vars(counts)


def test_what_a_signal_ends_tells_first_what_its_monitor_counted():
    needs_kvm()
    ends = "HUP INT QUIT ABRT USR1 USR2 PIPE ALRM TERM XCPU XFSZ VTALRM PROF"
    script = f"""ulimit -c 0
        yes | head -n 1
        for how in {ends.replace("INT QUIT", "")}; do sleep 1000 & kill -$how $!; wait $!; echo $how $?; done
        for how in {ends}; do sh -c "kill -$how \\$\\$; echo lives"; echo $how $?; done
        trap '' TERM PIPE; kill -TERM $$; sh -c 'kill -PIPE $$; echo ignored'; trap - TERM
        kill -TERM $$; echo lives"""
    counts = same("env", "--default-signal", "sh", "-c", script).counts  # under nohup, say
    assert counts.domains == counts.counted > 20, vars(counts)


def test_the_first_process_of_a_namespace_is_not_ended_by_signals():
    needs_kvm()
    script = "kill -TERM $$; kill -PIPE $$; echo lives; exec sh -c 'kill -HUP $$; echo still'"
    guest = same("unshare", "--user", "--map-root-user", "--pid", "--fork", "sh", "-c", script)
    assert guest.status or guest.out == b"lives\nstill\n", guest.out  # a host may give no namespace


def test_children_borrow_their_parents_memory():
    needs_kvm()
    guest = same(program("borrowed"))
    assert guest.counts.programs == 2 and guest.counts.calls[58] == 4, vars(guest.counts)


def test_children_share_their_parents_memory_while_it_goes_on():
    needs_kvm()
    guest = same(program("sharers"))
    assert guest.counts.calls[56] > 40 and guest.counts.domains == guest.counts.counted, vars(guest.counts)


def test_processes_and_threads_are_made_by_clone3():
    needs_kvm()
    guest = same(program("created"))
    assert guest.out.count(b"\n") == 80 and guest.counts.calls[435] > 60 and guest.counts.threads == guest.out.count(b"thread: made") > 0, (guest.out, vars(guest.counts))


def test_a_process_that_shares_memory_stops_threads_and_sees_the_programs_registers():
    needs_kvm()
    assert b"changing memory: 30 right" in same(program("traced")).out
    guest = Run([program("traced"), "more"], True)
    errors = [line.split(", ")[1] for line in guest.out.decode().splitlines() if ", " in line]
    assert errors == [os.strerror(errno.EPERM)] * 7 + [os.strerror(errno.EIO)] * 2 + [os.strerror(errno.EPERM)] and guest.status == 0, guest.out


def test_leaks_are_told_as_natively():
    needs_kvm()
    source, leaks = os.path.join(SCRATCH, "leaks.c"), os.path.join(SCRATCH, "leaks")
    with open(source, "w", encoding="utf-8") as file:
        file.write(LEAKS)
    if subprocess.run(["gcc", "-g", "-fsanitize=address", source, "-o", leaks, "-pthread"], check=False).returncode:
        raise tap.Skip("gcc has no AddressSanitizer here")
    native, guest = Run([leaks], False), Run([leaks], True)
    if b"777 byte(s) leaked" not in native.err:
        raise tap.Skip("LeakSanitizer tells no leaks here natively (it needs ptrace)")
    numbers = re.compile(rb"0x[0-9a-f]+|==[0-9]+==")  # addresses and the process
    told = [numbers.sub(b"", run.err) for run in (native, guest)]
    assert native.status == guest.status != 0 and told[0] == told[1], guest.err
    assert guest.counts.calls[101] > 10, guest.counts.calls[101]


def test_rings_shared_with_the_kernel_do_what_they_do_natively():
    needs_kvm()
    guest = same(program("rings"))
    assert guest.counts.calls[425] == 4 and guest.counts.calls[206] == 3, vars(guest.counts)


def test_what_entries_of_a_ring_ask_for_is_done_as_natively():
    needs_kvm()
    folder = os.path.join(SCRATCH, "entries")
    os.mkdir(folder)
    setup, enter = 425, 426
    guest = same(program("entries"), cwd=folder)
    if guest.out.startswith(b"setup with 0: \n"):  # the kernel has them
        assert guest.counts.calls[setup] == 3 and guest.counts.calls[enter] > 50 and guest.out.count(b"\n") > 36, (vars(guest.counts), guest.out)


def test_filters_of_system_calls_hold_for_the_program_alone():
    needs_kvm()
    guest = same(program("filters"))
    assert guest.counts.programs == 2 and guest.counts.calls[317] == 4, vars(guest.counts)


# ---- programs of Debian: the small ones of the corpus ----

def test_programs_of_the_corpus():
    needs_kvm()
    folder = os.path.join(SCRATCH, "corpus")
    os.mkdir(folder)
    corpus.make_inputs(folder, 0.05, 1)
    entries = [entry for entry in corpus.read_all() if entry.quick]
    missing = set(corpus.missing_packages(entries))
    there = [entry for entry in entries if not missing.intersection(entry.packages)]
    for entry in there:
        words = ["sh", "-c", f"{corpus.FRESH}\n{entry.command}"]
        same(*words, cwd=folder, env=corpus.environment(folder))
    assert len(there) >= 15, missing


# ---- what is refused ----

def test_what_is_no_program_is_refused_with_a_sentence():
    needs_kvm()
    old = os.path.join(SCRATCH, "old")
    with open(os.open(old, os.O_CREAT | os.O_WRONLY, 0o755), "wb") as file:
        file.write(b"\177ELF\1\1\1" + bytes(9) + b"\2\0\3\0" + bytes(200))  # of 32 bits, x86
    for words, says in ((["/nowhere/at/all"], b"No such file"), (["/etc/passwd"], b"Permission denied"), ([old], b"64-bit"),
            (["/"], b"Permission denied")):
        guest = Run(words, True)
        assert guest.status == 127 and guest.err.startswith(b"vcost: ") and says in guest.err and guest.err.count(b"\n") == 1, guest.err


def test_a_program_with_anothers_rights_is_refused():
    needs_kvm()
    file = "/bin/su"
    if os.geteuid() == 0:
        file = shutil.copy("/bin/true", os.path.join(SCRATCH, "privileged"))
        os.chown(file, 65534, -1)
        os.chmod(file, 0o4755)
    guest = Run([file], True)
    assert guest.status == 127 and b"is set-user-id" in guest.err and not guest.out, guest.err
    guest = Run(["sh", "-c", f"{file}; echo $?"], True)
    assert guest.out == b"126\n", guest.out + guest.err
    done = tap.calm(subprocess.run([VCOST, "run", "--quiet", file], capture_output=True, text=True, check=False, timeout=3600))
    assert done.returncode == 1 and "is set-user-id" in done.stderr, done.stdout + done.stderr


def test_a_script_without_an_interpreter_is_one_for_the_shell():
    needs_kvm()
    script = os.path.join(SCRATCH, "script")
    with open(os.open(script, os.O_CREAT | os.O_WRONLY, 0o755), "w", encoding="utf-8") as file:
        file.write('echo "$0" "$@"; cat /proc/$$/comm\n')
    program = [VCOST, "run", "--quiet", "--runs", "2", "--json", "-", script, "a b", "c"]
    done = subprocess.run(program, capture_output=True, text=True, check=False, timeout=6000)
    assert done.returncode == 0 and json.loads(done.stdout)["cells"][1]["fidelity"] == "same", done.stdout + done.stderr
    guest = Run([script, "a b", "c"], True)
    assert guest.out.decode() == f"{script} a b c\nsh\n", guest.out + guest.err


def test_the_link_to_the_executable_is_a_link():
    needs_kvm()
    script = "import os; print([(os.path.islink(f'/proc/{which}/exe'), os.stat(f'/proc/{which}/exe').st_size) for which in ('self', os.getpid())])"
    same(sys.executable, "-c", script)
    same("sh", "-c", "stat -c '%F %s' /proc/self/exe; stat -L -c '%F %s' /proc/self/exe; test -L /proc/self/exe")


def test_the_path_of_the_executable_is_without_links_and_detours():
    needs_kvm()
    linked, place = os.path.join(SCRATCH, "linked"), os.path.realpath(os.path.dirname(program("words-static")))
    os.symlink(place, linked)
    for at in (place, linked, place + "/.", place + "//", f"{place}/../{os.path.basename(place)}", f"/../{place}", f"{linked}/../{os.path.basename(place)}"):
        same(f"{at}/words-static", "0", SCRATCH + "/file")
    same("./words-static", "0", SCRATCH + "/file", cwd=place)
    same("sh", "-c", f"cp {place}/words-static ...; {SCRATCH}/... 0 file; ./... 0 file", cwd=SCRATCH)


def test_namespaces_for_a_process_of_one_thread_are_had():
    needs_kvm()
    for words in (["unshare", "--user", "--map-root-user", "sh", "-c", "id -u; cat /proc/self/uid_map; (exit 3)"],
            ["sh", "-c", "unshare --mount sh -c 'mount -t tmpfs t /mnt && ls /mnt'; nsenter --mount=/proc/$$/ns/mnt ls -d /"]):
        same(*words)
    unknown = "import ctypes; c = ctypes.CDLL(None, use_errno=True); print(c.setns(0, -1), ctypes.get_errno(), c.unshare(1), ctypes.get_errno())"
    guest = same(sys.executable, "-c", unknown)
    assert guest.counts.domains == 1, vars(guest.counts)  # no other machine for flags that nobody knows
    same("unshare", "--user", "--map-root-user", "--pid", "bash", "-c", "echo a; (exit 3); echo $?; unshare --pid true; echo $?")
    if os.getuid() == 0:  # may go back to its own namespace
        first = "exec 4< <(exec tail -f /etc/passwd); read -ru 4 a; "  # it is executed when that comes
        same("unshare", "--pid", "bash", "-c", first + "sh -c 'echo $$; true'; exec bash -c 'sh -c \"echo \\$\\$; true\"; /bin/echo b; kill -9 $1' x $!")
    if os.path.exists("/proc/sys/kernel/ns_last_pid"):  # CONFIG_CHECKPOINT_RESTORE
        same("unshare", "--user", "--map-root-user", "--pid", "--fork", "sh", "-c", "echo $$; sh -c 'echo $$; true'; (exec sh -c 'echo $$; true'); echo $$")


def test_why_kvm_can_make_no_thread_is_said():
    needs_kvm()
    cases = [(["unshare", "--user", "--pid"], None, b"vcost: this process has sent its children to another namespace of processes")]
    if os.getuid() == 0:  # who may have more than the limit
        cases.append((["setpriv", "--reuid=64999", "--clear-groups"], lambda: resource.setrlimit(resource.RLIMIT_NPROC, (1, 1)),
            b"vcost: KVM needs a thread in each process of a domain"))
    for words, prepare, told in cases:
        guest = Run([*words, "echo", "a"], True, preexec_fn=prepare)
        makes_none = (guest.status, guest.out) == (0, b"a\n")  # this KVM does not
        assert makes_none or (guest.status == 127 and guest.err.startswith(told)), (guest.status, guest.err)


def test_a_limit_of_processes_counts_the_programs_own():
    needs_kvm()
    script = """import os, resource, signal
NPROC, most = resource.RLIMIT_NPROC, 4
resource.setrlimit(NPROC, (most, most))
children, ended = [], []
try:
    while len(children) < 100:
        pid = os.fork()
        if pid == 0: signal.pause()
        children.append(pid)
except OSError as error: print(error)
for pid in children:
    os.kill(pid, signal.SIGTERM)
    ended.append(os.waitpid(pid, 0)[1])
print(resource.getrlimit(NPROC), len(children) >= most - 1, set(ended))
try: resource.setrlimit(NPROC, (most + 1, most + 1))
except ValueError as error: print(error)
pid = os.fork() or os.execlp("sh", "sh", "-c", "ulimit -p; /bin/echo a | cat")
print(os.waitpid(pid, 0)[1], flush=True)"""
    if os.getuid() == 0:  # for a user who has no other processes
        same("setpriv", "--reuid=64999", "--clear-groups", "/usr/bin/python3", "-c", script)


def test_what_a_domain_refuses_is_told():
    needs_kvm()
    file = os.path.join(SCRATCH, "refused.json")
    script = "import ctypes; ctypes.CDLL(None).ptrace(0, 0, 0, 0)"
    for words, told in (((sys.executable, "-c", script), True), (("true",), False)):
        done = subprocess.run([VCOST, "run", "--quiet", "--runs", "2", "--json", file, *words], capture_output=True, text=True, check=False, timeout=6000)
        assert done.returncode == 0 and ("asked for ptrace, which a domain refuses" in " ".join(done.stdout.split())) == told, done.stdout + done.stderr
        with open(file, encoding="utf-8") as stream:
            result = json.load(stream)
        tap.validator("vcost.result-1").validate(result)
        assert ["refused" in call for call in result["cells"][1]["calls"] if call["name"] == "ptrace"] == [True] * told, result["cells"][1]["calls"]
        assert sum("refused" in call for call in result["cells"][1]["calls"]) == told, result["cells"][1]["calls"]  # not what any C library asks for


def test_what_is_no_program_is_told_before_anything_runs():
    needs_kvm()
    with open("/bin/true", "rb") as file:
        whole = file.read()
    for what, begins in (("a part of one", whole[:200]), ("of another machine", whole[:18] + b"\xb7\0" + whole[20:]), ("no text", b"a\0b\n" * 9)):
        path = os.path.join(SCRATCH, what)
        with open(os.open(path, os.O_CREAT | os.O_WRONLY, 0o755), "wb") as file:
            file.write(begins)
        done = subprocess.run([VCOST, "run", path], capture_output=True, text=True, check=False, timeout=6000)
        said = f"vcost: cannot start {path}: it is neither a whole 64-bit x86-64 program, which alone run in a domain, nor a script"
        assert (done.returncode, done.stdout, done.stderr.splitlines()[-1]) == (1, "", said), done


def test_a_program_of_32_bits_is_told_where_it_is_to_be_executed():
    needs_kvm()
    path, code = os.path.join(SCRATCH, "old"), b"\xb8\1\0\0\0\xbb\0\0\0\0\xcd\x80"  # _exit(0)
    header = b"\x7fELF\1\1\1" + bytes(9) + struct.pack("<2H5I6H", 2, 3, 1, 0x8048054, 52, 0, 0, 52, 32, 1, 0, 0, 0)
    segment = struct.pack("<8I", 1, 0, 0x8048000, 0x8048000, 84 + len(code), 84 + len(code), 5, 4096)
    with open(os.open(path, os.O_CREAT | os.O_WRONLY, 0o755), "wb") as file:
        file.write(header + segment + code)
    words = [VCOST, "run", "--quiet", "--runs", "2", "sh", "-c", f"{path}; exit 0"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=6000)
    told = f"It asked for execve, which a domain refuses: {path}: only 64-bit x86-64 programs run in a domain, and this is none."
    assert done.returncode == 0 and "".join(told.split()) in "".join(done.stdout.split()), done.stdout + done.stderr


def test_each_refused_system_call_fails_with_its_error():
    needs_kvm()
    with open(os.environ["VCOST_SOURCE_ROOT"] + "/src/program/inside/call_table.c", encoding="utf-8") as file:
        table = re.findall(r'\[(\d+)\] = \{"(\w+)", (?:REFUSED|ABSENT)\((\w+),', file.read())
    arch_prctl, arch_req_xcomp_perm, amx = 158, 0x1023, 18
    wanted = {(int(number), 0, 0): getattr(errno, error) for number, _, error in table} | {(arch_prctl, arch_req_xcomp_perm, amx): errno.EINVAL}
    script = f"""import ctypes
call = ctypes.CDLL(None, use_errno=True).syscall
for number, first, second in {list(wanted)}:
    ctypes.set_errno(0)
    print(number, call(*map(ctypes.c_long, (number, first, second, 0, 0, 0, 0))), ctypes.get_errno())"""
    guest = Run([sys.executable, "-c", script], True)
    found = [tuple(map(int, line.split())) for line in guest.out.splitlines()]
    assert len(table) >= 29 and found == [(call[0], -1, error) for call, error in wanted.items()], (found, wanted, guest.err)


def test_the_list_of_system_calls_is_that_of_the_code():
    source = os.environ["VCOST_SOURCE_ROOT"]
    with open(source + "/src/program/inside/call_table.c", encoding="utf-8") as file:
        table = re.findall(r'\[\d+\] = \{"(\w+)", (\w+)\(', file.read())
    with open(source + "/doc/run.md", encoding="utf-8") as file:
        text = file.read().split("## System calls")[1]
    names = {way: {name for name, its in table if its in ways} for way, ways in
        (("Emulated", ["EMULATED", "PARTLY"]), ("Refused", ["REFUSED", "ABSENT"]), ("Forwarded", ["FORWARDED", "RESTARTED"]))}
    for way, those in names.items():
        count, part = re.search(rf"\*\*{way}\*\* \((\d+)\):(.*?)(?:\n\*\*|$)", text, re.DOTALL).groups()
        assert set(re.findall(r"`(\w+)`", part)) == those and int(count) == len(those), way


# ---- the command ----

def test_the_command_tells_what_it_costs():
    needs_kvm()
    done = subprocess.run([VCOST, "run", "--quiet", "--runs", "2", "--json", "-", "sort", "/etc/passwd"], capture_output=True, text=True,
        check=False, timeout=6000)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    tap.validator("vcost.result-1").validate(result)
    native, guest = result["cells"]
    assert result["experiment"] == "run" and (native["id"], guest["id"]) == ("run/native/sort", "run/kvm/sort")
    assert native["exit_status"] == guest["exit_status"] == 0 and guest["fidelity"] == "same" and native["fidelity"] is None
    assert guest["counters"]["exits"] >= sum(call["count"] for call in guest["calls"]) > 20
    assert {"read", "openat", "mmap"} <= {call["name"] for call in guest["calls"]}
    spent = [sum(cell["metrics"][each]["value"] for each in ("user", "system")) for cell in (native, guest)]  # whatever others took
    assert spent[1] > spent[0] > 0 and min(guest["median"], native["median"]) > 0 and guest["metrics"]["peak_memory"]["value"] > 1 << 20
    assert len(result["comparisons"]) == 1 and result["comparisons"][0]["ratio"] > 0


def account_of(*words):
    done = subprocess.run([VCOST, "run", "--quiet", "--runs", "3", "--json", "-", *words], capture_output=True, text=True, check=False,
        timeout=6000)
    return read_account(done.stdout)


def read_account(text):
    result = json.loads(text)
    tap.validator("vcost.result-1").validate(result)
    account = result["cells"][1]["account"]
    return account, {line["name"]: line for line in account["lines"]}


def near(one, other):
    return abs(one - other) <= 1e-6 * (abs(one) + abs(other)) + 1


def test_the_account_is_counts_times_prices_and_what_is_left():
    needs_kvm()
    account, lines = account_of(PRICES, "call", "500", "2")
    assert lines["system-calls"]["count"] == 2 * (500 + 5) + 1 and lines["domains"]["count"] == 1 and lines["signals"]["count"] == 0, lines
    for time in ("cpu", "wall"):
        for line in lines.values():
            if line[time + "_ns"] is not None and line["name"] != "waiting":
                assert line["count"] == 0 or near(line[time + "_ns"], line["count"] * line[f"price_{time}_ns"]), line
        known = sum(line[time + "_ns"] or 0 for line in lines.values())
        assert near(account[time]["explained_ns"], known), account
        assert near(account[time]["unexplained_ns"], account[time]["difference_ns"] - known), account
    for line in lines.values():
        if line["cpu_ns"] and line["count"]:
            assert line["price_cpu_low_ns"] <= line["price_cpu_ns"] <= line["price_cpu_high_ns"], line
            assert near(line["cpu_low_ns"], min(line["count"] * line[f"price_cpu_{end}_ns"] for end in ("low", "high"))), line
    for total in (account["cpu"], account["wall"]):
        for what in ("explained", "unexplained"):
            assert total[what + "_low_ns"] <= total[what + "_ns"] <= total[what + "_high_ns"], total
    assert lines["system-calls"]["price_cpu_ns"] > 100 and lines["domains"]["cpu_ns"] > lines["system-calls"]["price_cpu_ns"], lines
    assert lines["host-exits"]["count"] is not None or lines["fresh-pages"]["count"] is None, lines["host-exits"]  # told apart
    assert lines["translation"]["cpu_ns"] is None and lines["translation"]["reason"], lines["translation"]


def test_what_is_not_there_is_told_before_anything_runs():
    needs_kvm()
    for words, told in ((["no-such-program-anywhere"], "no such program in PATH\n"), (["sort /etc/passwd"], "sh -c"),
            (["--also", "no-such-program-anywhere", "true"], "no such program"), (["--stdin", "/no-such-file", "cat"], "--stdin"),
            (["--stdin", "/dev/stdin", "cat"], "is a pipe, which only one run could read")):
        done = subprocess.run([VCOST, "run", *words], input="", capture_output=True, text=True, check=False)
        assert done.returncode == 1 and told in done.stderr and done.stderr.count("\n") == 1, done.stderr


def test_what_a_program_said_is_fit_for_a_terminal():
    needs_kvm()
    said = r"printf 'caf\303\251 \351 \302\2331m \033[31m' >&2; exit 3"
    done = subprocess.run([VCOST, "run", "--quiet", "sh", "-c", said], capture_output=True, check=False)
    assert done.returncode == 1 and 'said "café \ufffd ?1m ?[31m"' in done.stderr.decode(), done.stderr
    for around, told in (([], 'the reason"; if'), (["--prepare", "cat long >&2; exit 1"], "the reason\n")):
        with open(os.path.join(SCRATCH, "long"), "w", encoding="utf-8") as file:
            file.write("what comes before\n" * 100 + "the reason\n")
        done = subprocess.run([VCOST, "run", "--quiet", *around, "sh", "-c", "cat long >&2; exit 3"], capture_output=True, text=True, check=False, cwd=SCRATCH)
        assert done.returncode == 1 and told in done.stderr and "said" in done.stderr and "…" in done.stderr, done.stderr


def test_a_program_is_looked_for_in_path_as_execvp_does():
    needs_kvm()
    folders = {name: os.path.join(SCRATCH, "path", name) for name in ("folder", "not", "runs")}
    os.makedirs(os.path.join(folders["folder"], "prog"))
    for name, mode in (("not", 0o644), ("runs", 0o755)):
        os.makedirs(folders[name])
        with open(os.path.join(folders[name], "prog"), "w", encoding="ascii") as file:
            file.write("#!/bin/sh\necho $0\n")
        os.chmod(file.name, mode)
    path = ":".join(folders.values())
    assert Run(["prog"], True, env={"PATH": path}).out.decode() == folders["runs"] + "/prog\n"
    for path, told in ((folders["folder"] + ":" + folders["not"], "no program that you may run"), (SCRATCH, "no such program in PATH")):
        done = subprocess.run([VCOST, "run", "prog"], env={"PATH": path}, capture_output=True, text=True, check=False)
        assert done.returncode == 1 and told in done.stderr, done


def test_page_faults_that_the_guest_handles_are_a_line_of_the_account():
    needs_kvm()
    touch = (PRICES, "touch", "1000", "1")
    _, lines = account_of("--guest-page", "4K", "--guest-faults", "demand", *touch)
    assert 1000 <= lines["handled-faults"]["count"] < 1040 and lines["handled-faults"]["cpu_ns"] > 0, lines["handled-faults"]
    _, lines = account_of("--guest-page", "4K", "--guest-faults", "eager", *touch)
    assert lines["handled-faults"]["count"] == lines["handled-faults"]["cpu_ns"] == 0, lines["handled-faults"]


# Yields 1000 times natively, and in a domain, where there is no rseq, 300 times.
YIELDS = """
import ctypes, errno, os
libc = ctypes.CDLL(None, use_errno=True)
inside = libc.syscall(334, 0, 0, 0, 0) < 0 and ctypes.get_errno() == errno.ENOSYS
for _ in range(300 if inside else 1000): os.sched_yield()
"""


def counts_calls():
    """May this user have the kernel count a system call?"""
    attributes = struct.pack("=II7Q", 2, 64, 0, *[0] * 6)  # PERF_TYPE_TRACEPOINT, and no such one: EINVAL or ENOENT where one may
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall(298, attributes, 0, -1, -1, 0)
    ids = (f"/sys/kernel/{folder}tracing/events/syscalls/sys_enter_sched_yield/id" for folder in ("", "debug/"))
    return ctypes.get_errno() not in (errno.EACCES, errno.EPERM, errno.ENOSYS) and any(os.access(id_, os.R_OK) for id_ in ids)


def test_yields_that_are_more_natively_are_a_line_of_the_account():
    needs_kvm()
    _, lines = account_of(sys.executable, "-c", YIELDS)
    line = lines["native-yields"]
    if not counts_calls():
        assert line["cpu_ns"] is None and "CAP_PERFMON" in line["reason"], line
        return
    native_rseq = ctypes.CDLL(None, use_errno=True).syscall(334, 0, 0, 0, 0) == 0 or ctypes.get_errno() != errno.ENOSYS
    assert line["count"] == (700 if native_rseq else 0) and line["price_cpu_ns"] < 0 and near(line["cpu_ns"], 700 * line["price_cpu_ns"]), line


def test_calls_that_the_guest_answers_are_a_line_of_the_account():
    needs_kvm()
    _, lines = account_of(PRICES, "answer", "2000", "2")
    assert lines["answered-calls"]["count"] == 2 * 2000 and lines["answered-calls"]["cpu_ns"] > 0, lines["answered-calls"]
    assert lines["system-calls"]["count"] < 20, lines["system-calls"]
    assert lines["answered-calls"]["price_cpu_ns"] < lines["system-calls"]["price_cpu_ns"] / 2, lines
    assert lines["host-exits"]["count"] is None or lines["host-exits"]["count"] < 2000, lines["host-exits"]


def test_wall_clock_of_what_may_run_side_by_side_is_not_accounted_for():
    needs_kvm()
    file = os.path.join(SCRATCH, "fork.json")
    told = subprocess.run([VCOST, "run", "--quiet", "--runs", "2", "--json", file, "--markdown", "-", PRICES, "fork", "3", "1"], capture_output=True,
        text=True, check=True, timeout=6000).stdout
    account, lines = read_account(open(file, encoding="utf-8").read())
    assert account["wall"]["unexplained_ns"] is None and "side by side" in account["wall"]["reason"], account
    assert lines["forks"]["count"] == 3 and lines["forks"]["cpu_ns"] > 0 and account["cpu"]["unexplained_ns"] is not None, lines
    assert "| CPU time |" in told and "wall clock |" not in told, told


def ran_all(*words):
    done = subprocess.run([VCOST, "run", "--quiet", "--runs", "2", "--json", "-", *words], capture_output=True, text=True, check=False,
        timeout=6000, cwd=SCRATCH)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def ran(*words):
    return ran_all(*words)["cells"][1]


def test_page_pairs_are_run_in_turns_and_proved():
    needs_kvm()
    result = ran_all("--guest-page", "4K,2M", "--host-page", "4K,2M", sys.executable, "-c", "b = bytearray(40 << 20)\nfor i in range(300000): b[i * 97] = 1")
    tap.validator("vcost.result-1").validate(result)
    cells = {tuple(cell["id"].split("/")[1::2] + cell["id"].split("/")[4:]): cell for cell in result["cells"]}
    small, large = "4096", "2097152"
    assert sorted(cells) == sorted((kind, guest, host) for kind, guests in (("native", "0"), ("kvm", (small, large))) for guest in guests
        for host in (small, large)), sorted(cells)
    assert [(one["cell"].split("/")[4], one["baseline"].split("/")[4]) for one in result["comparisons"]] == [(small,) * 2] * 2 + [(large,) * 2] * 2
    for (kind, guest, host), cell in cells.items():
        pages = cell["pages_obtained"]
        assert cell["placements"] == 2 and pages["proof"].count("smaps: ") == 1, cell
        on_host = pages["host_share_2m"] == 0 if host == small else pages["host_share_2m"] >= 0.75
        in_guest = kind == "native" or (pages["guest_share_2m"] == 0 if guest == small else pages["guest_share_2m"] >= 0.75)
        assert pages["as_asked"] == (on_host and in_guest), pages
        assert host == large or pages["host_share_2m"] == 0, pages
        assert kind == "native" or guest == large or pages["guest_share_2m"] == 0, pages
        assert kind == "native" or guest == small or pages["guest_share_2m"] > 0.5, pages  # its 40 MiB, whatever the host has


def test_a_device_is_written_to_and_not_read():
    needs_kvm()
    told = ran("--output", "/dev/zero", "echo", "word")
    assert told["fidelity"] == "same" and told["compared"] == "exit status", told
    done = subprocess.run([VCOST, "run", "--quiet", "--check", "/dev/zero", "true"], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "cannot read /dev/zero" in done.stderr, done


def test_pages_that_nobody_could_look_at_are_not_known():
    needs_kvm()
    source, killed = os.path.join(SCRATCH, "killed.c"), os.path.join(SCRATCH, "killed")
    with open(source, "w", encoding="ascii") as file:
        file.write("#include <signal.h>\n#include <unistd.h>\nint main(void) { return kill(getpid(), 9); }\n")
    subprocess.run(["gcc", "-static", source, "-o", killed], check=True)
    pages = ran("--ignore-failure", "--guest-page", "4K", killed)["pages_obtained"]
    assert pages["guest_bytes"] is None and pages["guest_bytes_reason"] == "not known" and not pages["as_asked"], pages


NOT_AS_NATIVELY = "grep VmSize /proc/self/status"  # in a domain that tells of vcost's process


def test_files_that_differ_are_told():
    needs_kvm()
    guest = ran("--check", "left,right", "sh", "-c", "echo a > left; echo b > right")
    assert guest["fidelity"] == "same" and guest["compared"] == "exit status, stdout, left, right" and "differs" not in guest, guest
    where = f"{NOT_AS_NATIVELY} > right"
    guest = ran("--check", "left,right", "sh", "-c", where)
    assert (guest["fidelity"], guest["differs"]) == ("different", "right"), guest
    guest = ran("sh", "-c", where)
    assert guest["fidelity"] == "same", guest
    guest = ran("--check", "once", "sh", "-c", "sleep 0.05; test -e once || echo a > once")  # what is left from before is no output
    assert (guest["fidelity"], guest["differs"]) == ("not comparable", "once"), guest
    done = subprocess.run([VCOST, "run", "--quiet", "--check", "/nowhere/at/all", "true"], capture_output=True, text=True, check=False, timeout=6000)
    assert done.returncode == 1 and "cannot read /nowhere/at/all" in done.stderr and not done.stdout, done.stderr


def test_what_is_around_runs_is_done_around_each_of_them():
    needs_kvm()
    log, out, given = (os.path.join(SCRATCH, name) for name in ("log", "output", "input"))
    with open(given, "w", encoding="utf-8") as file:
        file.write("a\n")
    guest = ran("--output", out, "--stdin", given, "--warmup", "1", "--prepare", f"echo before >> {log}", "--cleanup", f"echo after >> {log}",
        "sh", "-c", f"echo run >> {log}; cat")
    assert guest["fidelity"] == "same" and guest["compared"] == "exit status, stdout" and open(out, encoding="utf-8").read() == "a\n", guest
    assert len(guest["samples"]) == 2, guest["samples"]
    runs = 3 + 2 * (1 + 2)  # what shows whether it does the same, and on each side those that warm up and those that are timed
    assert open(log, encoding="utf-8").read().split() == ["before", "run", "after"] * runs


def test_what_was_prepared_is_cleaned_up_when_a_run_is_stopped():
    needs_kvm()
    for command in (["run"], ["advise"]):
        log, began = (os.path.join(SCRATCH, f"{command[0]} {name}") for name in ("log", "began"))
        os.mkfifo(began)
        vcost = subprocess.Popen([VCOST, *command, "--quiet", "--prepare", f"echo before >> '{log}'", "--cleanup", f"echo after >> '{log}'", "--", "sh", "-c",
            'echo run >> "$0"; echo > "$1"; exec sleep 1000', log, began], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        open(began, encoding="utf-8").read()
        vcost.send_signal(signal.SIGINT)
        vcost.communicate(timeout=900)
        assert vcost.returncode, command
        assert open(log, encoding="utf-8").read().split() == ["before", "run", "after"], command


def test_output_goes_where_it_is_wanted():
    needs_kvm()
    out = os.path.join(SCRATCH, "output")
    guest = ran("--output", out, "echo", "a")
    assert guest["fidelity"] == "same" and guest["compared"] == "exit status, stdout" and open(out, encoding="utf-8").read() == "a\n", guest
    assert ran("--output", out, "sh", "-c", NOT_AS_NATIVELY)["differs"] == "stdout"
    assert ran("--output", "null", "ls", "/proc/self/fd")["compared"] == "exit status"
    file = os.path.join(SCRATCH, "inherited.json")
    done = subprocess.run([VCOST, "run", "--quiet", "--runs", "2", "--output", "inherit", "--json", file, "echo", "a word"], capture_output=True,
        text=True, check=False, timeout=6000)
    assert done.returncode == 0 and done.stdout.startswith("a word\n" * (3 + 2 * 2)) and "exit status" in done.stdout, done.stdout + done.stderr
    assert json.load(open(file, encoding="utf-8"))["cells"][1]["compared"] == "exit status"
    for words in (("--output", "inherit", "--json", "-"), ("--output", "inherit", "--csv", "-"), ("--output", "-")):
        done = subprocess.run([VCOST, "run", *words, "true"], capture_output=True, text=True, check=False, timeout=600)
        assert done.returncode == 2 and not done.stdout and "--output" in done.stderr, done


def test_a_run_that_takes_too_long_is_ended():
    needs_kvm()
    environment, alive = marked("too long")
    done = tap.calm(subprocess.run([VCOST, "run", "--quiet", "--timeout", "0.2", "sleep", "1000"], capture_output=True, text=True, check=False,
        timeout=900, env=environment))
    assert done.returncode == 1 and "natively had not ended after " in done.stderr and not done.stdout, done.stdout + done.stderr
    assert not alive(), alive()


def test_a_later_run_that_takes_too_long_is_no_result():
    """Neither a time nor a difference: nobody knows how it would have ended. The third run is the first in the domain, the fourth is native."""
    needs_kvm()
    late = 'echo >> $0; test $(wc -l < $0) = $1 && exec sleep 1000; rm -f /nothing'
    files = {run: os.path.join(SCRATCH, f"late {run}") for run in (3, 4, 5)}
    started = {run: subprocess.Popen([VCOST, "run", "--quiet", "--runs", "2", "--timeout", "8", "--json", "-", "sh", "-c", late, file, str(run)], text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE) for run, file in files.items()}
    for run, vcost in started.items():
        out, said = vcost.communicate(timeout=900)
        native, guest = json.loads(out)["cells"]
        failed = native if run == 4 else guest
        assert "had not ended after 8" in failed["reason"] and not failed["samples"], (run, native, guest)
        assert guest["fidelity"] == (None if run == 3 else "same") and "differs" not in guest, guest
        assert len(native["samples"]) == (1 if run == 5 else 0) and not guest["samples"], (run, native, guest)
        assert len(open(files[run], encoding="utf-8").read()) == run, run  # and nothing went on without the other side
        assert run == 5 or "nothing was measured" in said, said


def test_a_steady_state_is_what_the_program_marks():
    needs_kvm()
    for slept in (0.8, 3, 12):  # a mark may be read late, by half of what is slept in between: more, where the machine stands still
        guest = ran("sh", "-c", f"sleep 0.1; echo >&$VCOST_STEADY; sleep {slept}; echo >&$VCOST_STEADY; sleep 0.1")
        steady = guest["steady_state"]
        if min(steady["native_ns"], steady["guest_ns"]) >= 0.4e9:
            break
    assert steady["native_ns"] >= 0.4e9 and 0.4e9 <= steady["guest_ns"] < guest["median"], (steady, guest["median"])


def marked(mark):
    """vcost's environment with what tells its own processes from others, and a function that finds those."""
    name = "VCOST_TEST_OF"
    return {**os.environ, name: SCRATCH + mark}, lambda: tap.with_variable(name, SCRATCH + mark)


def test_what_a_program_leaves_running_is_ended_and_told():
    needs_kvm()
    environment, alive = marked("daemon")
    done = subprocess.run([VCOST, "run", "--quiet", "--runs", "2", "--json", "-", "sh", "-c", "echo >&$VCOST_STEADY; setsid sleep 1000 &"],
        capture_output=True, text=True, check=False, timeout=6000, env=environment)
    assert done.returncode == 0, done.stderr
    native, guest = json.loads(done.stdout)["cells"]
    assert native["left_count"] == 1 and native["left_name"], native
    assert guest["fidelity"] == "same" and "steady_state" not in guest, guest
    assert not alive(), alive()  # those of no run


def test_the_cpu_time_of_what_has_left_its_parent_counts():
    """A daemon takes 0.3 s of it, and ends, or stays."""
    needs_kvm()
    for stays in (0, 1000):
        script = f"""import os, time
ready, tell = os.pipe()
if os.fork() == 0:
    os.setsid()
    if os.fork():
        os._exit(0)
    while time.process_time() < 0.3:
        pass
    os.write(tell, b"x")
    time.sleep({stays})
    os._exit(0)
os.wait()
os.read(ready, 1)"""
        done = subprocess.run([VCOST, "run", "--quiet", "--runs", "2", "--json", "-", "/usr/bin/python3", "-c", script],
            capture_output=True, text=True, check=False, timeout=6000)
        assert done.returncode == 0, done.stderr
        cells = json.loads(done.stdout)["cells"]
        assert bool(cells[0].get("left_count")) == bool(stays), cells[0]
        for cell in cells:
            assert sum(cell["metrics"][name]["value"] for name in ("user", "system")) > 0.3e9, cell["metrics"]


def test_a_program_ends_with_vcost_however_that_ends():
    needs_kvm()
    environment, alive = marked("killed")
    with subprocess.Popen([VCOST, "run", "--quiet", "sleep", "1000"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment) as run:
        tap.until(lambda: len(alive()) > 1, "the program is not started")
        run.kill()
    tap.until(lambda: not alive(), "the program goes on alone")


def touched(milliseconds):
    """tests/programs/heat.c: 16 pages of data, then 1000, then 40 of instructions, each so long, read five times meanwhile."""
    guest = ran("--heat", "--heat-interval", str(milliseconds / 5000), program("heat"), str(milliseconds))
    heat = guest["heat"]
    (process,) = heat["processes"]
    assert process["name"] == "heat" and heat["reason"] is None and heat["column_ns"] == heat["interval_ns"], heat
    return process, {(region["address"], region["side"]): region for region in process["regions"]}


def test_what_a_program_touches_is_counted_page_by_page():
    needs_kvm()
    for milliseconds in (200, 1000, 5000):  # longer where others leave it too little of a CPU for two whole columns a phase
        process, regions = touched(milliseconds)
        low, high = regions["0x300000000000", "data"], regions["0x300000200000", "data"]
        code = regions["0x310000000000", "instructions"]
        few, many, called = ([at for at, pages in enumerate(region["touched"]) if pages == count] for region, count in
            ((low, 16), (low, 512), (code, 40)))
        if min(len(few), len(many), len(called)) >= 2:
            break
    # A bit that is not set again once it was cleared would be seen in one column alone.
    assert len(few) >= 2 and len(many) >= 2 and len(called) >= 2 and max(few) < min(many), regions
    assert all(high["touched"][at] == 0 and code["touched"][at] == 0 for at in few), regions
    assert 488 in (high["touched"][at] for at in many) and 0 in (low["touched"][at] for at in called), regions
    assert (low["pages"], high["pages"], code["pages"]) == (512, 488, 40), regions
    assert 1000 <= process["data_pages"]["most"] < 1200 and process["data_regions"]["most"] >= 3, process["data_pages"]
    for reach in process["reach"]:
        counted = process[reach["side"].replace("instructions", "instruction") + ("_pages" if reach["page_bytes"] == 4096 else "_regions")]
        assert reach["most"] == counted["most"] and (reach["level1_entries"] is None) <= (reach["reason"] is not None), reach


def is_written(text, number):
    """In a cell of CSV: nothing where there is no figure, ten digits otherwise."""
    return text == "" if number is None else abs(float(text) - number) <= 1e-9 * abs(number)


def check_csv(path, cells):
    """Tables of CSV, with an empty line between, say what the JSON says."""
    with open(path, encoding="utf-8") as file:
        runs, lines, calls, _ = [list(csv.DictReader(part.splitlines())) for part in file.read().split("\n\n")]
    assert [row["id"] for row in runs] == list(cells), runs
    for row in runs:
        cell = cells[row["id"]]
        account = (cell.get("account") or {}).get("cpu", {})
        told = {"wall_ns": cell["median"], "exit_status": cell["exit_status"], "more_cpu_ns": account.get("difference_ns"),
            "unexplained_cpu_low_ns": account.get("unexplained_low_ns")}
        for column, metric in (("user_ns", "user"), ("system_ns", "system"), ("peak_memory_bytes", "peak_memory")):
            told[column] = cell["metrics"][metric]["value"] if "metrics" in cell else None
        assert all(is_written(row[column], number) for column, number in told.items()), (row, told)
        assert row["fidelity"] == (cell["fidelity"] or ""), row
        wanted = [(each["name"], each["count"], each["cpu_ns"]) for each in (cell.get("account") or {}).get("lines", [])]
        got = [(line["cause"], line["count"], line["cpu_ns"]) for line in lines if line["id"] == row["id"]]
        assert [name for name, *_ in got] == [name for name, *_ in wanted] + (["explained", "measured", "unexplained"] if wanted else []), got
        for (_, count, cpu), line in zip(got, wanted):
            assert is_written(count, line[1]) and is_written(cpu, line[2]), (count, cpu, line)
        got = [(call["call"], int(call["count"])) for call in calls if call["id"] == row["id"]]
        assert got == [(call["name"], call["count"]) for call in cell.get("calls", [])], got


def test_several_programs_are_told_side_by_side_and_compared():
    needs_kvm()
    file, figures = os.path.join(SCRATCH, "several.json"), os.path.join(SCRATCH, "several.csv")
    done = subprocess.run([VCOST, "run", "--quiet", "--runs", "2", "--json", file, "--csv", figures, "--also", "sort -u '/etc/passwd'", "--also", "false", "sort",
        "/etc/passwd"], capture_output=True, text=True, check=False, timeout=6000)
    assert done.returncode == 0 and "false: the program natively ended with exit status 1" in done.stdout, done.stdout + done.stderr
    result = json.load(open(file, encoding="utf-8"))
    tap.validator("vcost.result-1").validate(result)
    cells = {cell["id"]: cell for cell in result["cells"]}
    assert len(cells) == 6 and len(result["comparisons"]) >= 2, list(cells)
    for name in ("run/kvm/sort passwd", "run/kvm/sort -u passwd"):
        assert cells[name]["fidelity"] == "same" and cells[name]["account"]["cpu"]["unexplained_ns"] is not None, cells[name]
    assert cells["run/kvm/false"]["median"] is None and "exit status 1" in cells["run/kvm/false"]["reason"], cells["run/kvm/false"]
    check_csv(figures, cells)
    done = subprocess.run([VCOST, "compare", "--json", "-", file, file], capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr
    compared = json.loads(done.stdout)
    tap.validator("vcost.compare-1").validate(compared)
    lines = {(line["cell"], line["name"]): line["values"] for line in compared["accounts"]}
    for name in ("run/kvm/sort passwd", "run/kvm/sort -u passwd"):
        (calls,) = [line for line in cells[name]["account"]["lines"] if line["name"] == "system-calls"]
        assert [value["count"] for value in lines[name, "system-calls"]] == [calls["count"]] * 2, lines
        assert (name, "unexplained") in lines and (name, "measured") in lines, lines
    done = tap.calm(subprocess.run([VCOST, "run", "--also", "a | b", "true"], capture_output=True, text=True, check=False, timeout=600))
    assert done.returncode == 2 and "sh -c" in done.stderr, done.stderr


def test_a_program_that_differs_from_run_to_run_is_not_comparable():
    needs_kvm()
    done = subprocess.run([VCOST, "run", "--quiet", "--runs", "2", "--json", "-", "sh", "-c", "echo $$; cat /proc/sys/kernel/random/uuid"],
        capture_output=True, text=True, check=False, timeout=6000)
    assert json.loads(done.stdout)["cells"][1]["fidelity"] == "not comparable", done.stderr


def test_a_failing_program_must_be_wanted():
    needs_kvm()
    done = tap.calm(subprocess.run([VCOST, "run", "--quiet", "--runs", "2", "false"], capture_output=True, text=True, check=False, timeout=6000))
    assert done.returncode == 1 and "exit status 1" in done.stderr and "--ignore-failure" in done.stderr, done.stderr
    page = os.path.join(SCRATCH, "false.html")
    done = subprocess.run([VCOST, "run", "--quiet", "--runs", "2", "--ignore-failure", "--html", page, "false"], capture_output=True, text=True,
        check=False, timeout=6000)
    assert done.returncode == 0 and "exit status 1" in done.stdout, done.stdout + done.stderr
    again = subprocess.run([VCOST, "report", page], capture_output=True, text=True, check=False, timeout=600)
    assert (again.returncode, again.stdout) == (0, done.stdout), again.stdout + again.stderr


def test_without_kvm_it_says_what_is_missing():
    if os.access("/dev/kvm", os.R_OK | os.W_OK):
        raise tap.Skip("/dev/kvm can be used")
    done = tap.calm(subprocess.run([VCOST, "run", "--quiet", "true"], capture_output=True, text=True, check=False, timeout=600))
    assert done.returncode == 77 and "/dev/kvm" in done.stderr and "only native" not in done.stderr and done.stderr.count("\n") == 1, done.stderr


tap.main(tap.cases(globals()))
