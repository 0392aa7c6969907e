#!/usr/bin/python3
"""vcost run: programs in a domain do what they do natively. Speaks TAP.

    test_run.py VCOST INSIDE PROGRAMS [--long]

INSIDE is the executable that runs a program in a domain (src/program/inside/), PROGRAMS the folder of those of tests/programs.
Most cases start it by hand, natively once and in a domain once: what was counted there is in struct tally (src/program/tally.h).
"""
import json
import os
import re
import struct
import subprocess
import sys
import tempfile

import tap

VCOST, INSIDE, PROGRAMS = (os.path.abspath(word) for word in sys.argv[1:4])
LONG = "--long" in sys.argv
SCRATCH = tempfile.mkdtemp(prefix="vcost-run-")
TALLY_BYTES = 16384
GDT_OF_DOMAIN = "127 0x40000000 0x70"  # abi/domain.h: limit and base of the GDT, selector of the task state


def program(name):
    return os.path.join(PROGRAMS, name)


def needs_kvm():
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        raise tap.Skip("no /dev/kvm that can be used")


class Run:
    """One run of a program: in a domain, or natively."""

    def __init__(self, words, inside, **options):
        options = {"stdin": subprocess.DEVNULL, "timeout": 120, "env": {**os.environ, "LC_ALL": "C"}, **options}
        self.counts = None
        if not inside:
            done = subprocess.run(words, capture_output=True, check=False, **options)
        else:
            page, self_ = os.memfd_create("tally"), os.open(INSIDE, os.O_RDONLY)
            os.ftruncate(page, TALLY_BYTES)
            done = subprocess.run([INSIDE, f"{page},-1,{self_}", words[0], *words], executable=INSIDE, capture_output=True,
                check=False, pass_fds=(page, self_), **options)
            self.counts = Counts(os.pread(page, TALLY_BYTES, 0))
            os.close(page)
            os.close(self_)
        self.status, self.out, self.err = done.returncode, done.stdout, done.stderr


class Counts:
    """struct tally."""

    def __init__(self, page):
        self.exits, self.interruptions, self.host_faults = struct.unpack_from("3Q", page, 0)
        self.exceptions = struct.unpack_from("32Q", page, 24)
        self.calls = struct.unpack_from("512Q", page, 280)
        self.signals, self.threads, self.forks, self.programs = struct.unpack_from("4Q", page, 280 + 2 * 4096)


def same(*words, **options):
    """Runs it on both sides: stdout, stderr and status must agree. The run in the domain."""
    native, guest = Run(words, False, **options), Run(words, True, **options)
    assert (guest.status, guest.out) == (native.status, native.out), (words, guest.status, native.status, guest.out[-500:],
        native.out[-500:], guest.err[-500:])
    assert guest.counts.exits > 0 and sum(guest.counts.calls) > 0 and guest.counts.programs >= 1, words
    return guest


# ---- what a program is given, and gives ----

def test_arguments_environment_files_and_status():
    needs_kvm()
    for name in ("words", "words-static", "words-static-pie", "words-fixed"):
        guest = same(program(name), "3", SCRATCH + "/file", "a b", "", env={"TEST_ONE": "1", "TEST_TWO": "b c", "HOME": "/"}, cwd="/")
        assert guest.status == 3 and b"argument 3: a b\n" in guest.out, guest.out


def test_every_thread_child_and_executed_program_is_inside():
    needs_kvm()
    guest = Run([program("inside")], True)
    lines = guest.out.decode().splitlines()
    assert [line.split()[0] for line in lines] == ["process", "thread", "child", "executed"], lines
    native = Run([program("inside")], False).out.decode().splitlines()
    counts = guest.counts
    assert (counts.threads, counts.forks, counts.programs) == (1, 1, 2), vars(counts)
    assert counts.calls[1] == 4 and counts.exits >= sum(counts.calls), counts.exits
    if any(line.split(None, 1)[1] == GDT_OF_DOMAIN for line in native):
        raise tap.Skip("this host's own segments look like a domain's")
    if all(line.split(None, 1)[1] != GDT_OF_DOMAIN for line in lines):
        raise tap.Skip("this host lets nothing tell where code runs but counts of exits")
    for line in lines:
        assert line.split(None, 1)[1] == GDT_OF_DOMAIN, lines


def test_what_preloads_into_programs_does_not_reach_the_monitor():
    needs_kvm()
    guest = Run([program("words-static"), "0", SCRATCH + "/file"], True, env={"LD_PRELOAD": "/nowhere.so", "LD_LIBRARY_PATH": "/x"})
    assert guest.status == 0 and not guest.err, guest.err


# ---- memory, signals, threads ----

def test_random_changes_of_memory_fault_where_they_do_natively():
    needs_kvm()
    for seed in range(1, 40 if LONG else 4):
        same(program("memory"), str(seed), "20000" if LONG else "400")


def test_signals_come_as_they_do_natively():
    needs_kvm()
    guest = same(program("signals"))
    assert guest.counts.signals > 64 and guest.counts.exceptions[14] > 64, vars(guest.counts)


def test_a_signal_that_ends_a_program_ends_it():
    needs_kvm()
    assert same(program("signals"), "15").status == -15
    assert same("sh", "-c", "kill -9 $$").status == -9


def test_threads_take_turns_and_end():
    needs_kvm()
    guest = same(program("threads"), "12", "5")
    assert guest.counts.threads == 60, guest.counts.threads


# ---- programs that are on any Debian ----

def test_programs_of_debian():
    needs_kvm()
    for words in (["sort", "-r", "/etc/passwd"], ["ls", "-l", "/"], ["sha256sum", INSIDE], ["gzip", "-c", INSIDE],
            ["awk", "BEGIN { for (i = 0; i < 20000; i++) s += i * i; print s }"], ["sed", "-n", "s/root/ROOT/gp", "/etc/passwd"],
            ["tar", "cf", "-", "-C", "/etc", "passwd", "group"], ["perl", "-e", "print join(',', map { $_ ** 2 } 1 .. 50)"],
            ["bash", "-c", "for i in 1 2 3; do echo $i; done | sort -r; (exit 4)"], ["dash", "-c", "seq 1 100 | tail -n 1; nothing; echo $?"],
            ["python3", "-c", "import threading; t = [threading.Thread(target=print, args=(i,)) for i in range(4)]; [x.start() or x.join() for x in t]"],
            ["python3", "-c", "import subprocess; print(subprocess.run(['wc', '-l', '/etc/passwd'], capture_output=True).stdout)"]):
        same(*words)


# ---- what is refused ----

def test_what_is_no_program_is_refused_with_a_sentence():
    needs_kvm()
    text = os.path.join(SCRATCH, "text")
    with open(text, "w", encoding="utf-8") as file:
        file.write("nothing\n")
    os.chmod(text, 0o755)
    for words, says in ((["/nowhere/at/all"], b"No such file"), (["/etc/passwd"], b"Permission denied"), ([text], b"neither an ELF program"),
            (["/"], b"Permission denied")):
        guest = Run(words, True)
        assert guest.status == 127 and guest.err.startswith(b"vcost: ") and says in guest.err and guest.err.count(b"\n") == 1, guest.err


def test_the_list_of_system_calls_is_that_of_the_code():
    source = os.environ["VCOST_SOURCE_ROOT"]
    with open(source + "/src/program/inside/call_table.c", encoding="utf-8") as file:
        table = re.findall(r'\[\d+\] = \{"(\w+)", (\w+)\(', file.read())
    with open(source + "/doc/run.md", encoding="utf-8") as file:
        text = file.read().split("## System calls")[1]
    names = {way: {name for name, its in table if its in ways} for way, ways in
        (("Emulated", ["EMULATED"]), ("Refused", ["REFUSED"]), ("Forwarded", ["FORWARDED", "RESTARTED"]))}
    for way, those in names.items():
        count, part = re.search(rf"\*\*{way}\*\* \((\d+)\):(.*?)(?:\n\*\*|$)", text, re.DOTALL).groups()
        assert set(re.findall(r"`(\w+)`", part)) == those and int(count) == len(those), way


# ---- the command ----

def test_the_command_tells_what_it_costs():
    needs_kvm()
    done = subprocess.run([VCOST, "run", "--quiet", "--runs", "2", "--json", "-", "sort", "/etc/passwd"], capture_output=True, text=True,
        check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    tap.validator("vcost.result-1").validate(result)
    native, guest = result["cells"]
    assert result["experiment"] == "run" and (native["id"], guest["id"]) == ("run/native/sort", "run/kvm/sort")
    assert native["exit_status"] == guest["exit_status"] == 0 and guest["fidelity"] == "same" and native["fidelity"] is None
    assert guest["counters"]["exits"] >= sum(call["count"] for call in guest["calls"]) > 20
    assert {"read", "openat", "mmap"} <= {call["name"] for call in guest["calls"]}
    assert guest["median"] > native["median"] > 0 and guest["metrics"]["peak_memory"]["value"] > 1 << 20
    assert len(result["comparisons"]) == 1 and result["comparisons"][0]["ratio"] > 1


def test_a_program_that_differs_from_run_to_run_is_not_comparable():
    needs_kvm()
    done = subprocess.run([VCOST, "run", "--quiet", "--runs", "2", "--json", "-", "sh", "-c", "echo $$; cat /proc/sys/kernel/random/uuid"],
        capture_output=True, text=True, check=False, timeout=120)
    assert json.loads(done.stdout)["cells"][1]["fidelity"] == "not comparable", done.stderr


def test_a_failing_program_must_be_wanted():
    needs_kvm()
    done = tap.calm(subprocess.run([VCOST, "run", "--quiet", "--runs", "2", "false"], capture_output=True, text=True, check=False, timeout=120))
    assert done.returncode == 1 and "exit status 1" in done.stderr and "--ignore-failure" in done.stderr, done.stderr
    done = subprocess.run([VCOST, "run", "--quiet", "--runs", "2", "--ignore-failure", "false"], capture_output=True, text=True, check=False,
        timeout=120)
    assert done.returncode == 0 and "exit status 1" in done.stdout, done.stdout + done.stderr


def test_without_kvm_it_says_what_is_missing():
    if os.access("/dev/kvm", os.R_OK | os.W_OK):
        raise tap.Skip("/dev/kvm can be used")
    done = tap.calm(subprocess.run([VCOST, "run", "--quiet", "true"], capture_output=True, text=True, check=False, timeout=60))
    assert done.returncode == 77 and "/dev/kvm" in done.stderr, done.stderr


tap.main(tap.cases(globals()))
