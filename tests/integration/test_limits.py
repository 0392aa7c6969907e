#!/usr/bin/python3
"""vcost under limits and with what is inherited from whoever starts it. Speaks TAP.

    test_limits.py [--all] VCOST

Each limit ends in an exit status that is promised and in a sentence with cause and remedy; what was measured is not lost,
and nothing is left behind. With --all many more values of each limit are tried.
"""
import contextlib
import ctypes
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import jsonschema

sys.dont_write_bytecode = True
import tap  # pylint: disable=wrong-import-position

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "share/schema/vcost.result-1.schema.json").read_text())
VCOST = str(Path(sys.argv[-1]).resolve())
ALL = "--all" in sys.argv
TINY = ["chase", "--quick", "--working-set", "64K", "--time", "1", "--on", "native"]
BOTH = ["chase", "--quick", "--working-set", "64K", "--time", "1"]
LONG = ["chase", "--working-set", "64M..256M", "--per-octave", "8", "--on", "native", "--time", "100"]
PROMISED = (0, 1, 2, 3, 77)
PATIENCE = 900  # seconds, after which it has hung
LIBC = ctypes.CDLL(None, use_errno=True)


@contextlib.contextmanager
def folder():
    with tempfile.TemporaryDirectory(prefix="vcost-test-") as path:
        os.chmod(path, 0o777)
        yield Path(path)


def limit(which, value, hard=None):
    """For preexec: both limits, as ulimit sets them, unless the hard one is to stay higher."""
    return lambda: resource.setrlimit(which, (value, value if hard is None else hard))


def nobody(then):
    """For preexec: an ordinary user, whom limits on processes concern."""
    def become():
        if os.getuid() == 0:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
        then()
    return become


def vcost(*arguments, program=VCOST, prepare=None, patience=PATIENCE, **options):
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    return subprocess.run([program, *arguments], text=True, preexec_fn=prepare, timeout=patience, **options)


def in_time(*command, enough=lambda done: done.returncode == 0, **options):
    """What it does in a second, or in more where this machine needs more until enough(what it did)."""
    return tap.given_time(lambda *time: vcost(*command, *time, **options), enough)


def has_all(done):
    """Whether a result on stdout has samples of each of its cells."""
    return bool(done.stdout) and all(cell["samples"] for cell in json.loads(done.stdout)["cells"])


def result_in(path):
    result = json.loads(path.read_text())
    jsonschema.validate(result, SCHEMA)
    return result


def said(done):
    return [line for line in done.stderr.splitlines() if line.startswith("vcost: ")]


def ended_well(done, *parts, status=PROMISED):
    """An exit status that is promised, with a sentence where it is none of success."""
    statuses = status if isinstance(status, tuple) else (status,)
    assert done.returncode in statuses, (done.returncode, done.stderr)
    assert done.returncode == 0 or said(done), (done.returncode, done.stderr)
    for part in parts:
        assert part in done.stderr, f"'{part}' is not in: {done.stderr}"


def loaded(done):
    """Whether what is left was enough for the C library to start it at all."""
    return done.returncode != 127 or "shared libraries" not in done.stderr


def nothing_left(work, *names):
    left = sorted(path.name for path in work.iterdir())
    assert left == sorted(names), left


# ---- files


def test_a_limit_on_file_sizes_costs_the_file_alone():
    with folder() as work:
        (work / "old.json").write_text("old")
        done = in_time(*BOTH, "--working-set", "64K..1M", "--json", str(work / "old.json"), "--csv", str(work / "new.csv"),
            prepare=limit(resource.RLIMIT_FSIZE, 8192), enough=lambda done: "64 KiB" in done.stdout)
        ended_well(done, "old.json", "File too large", "ulimit -f", status=1)
        assert "64 KiB" in done.stdout, "the report is missing"
        assert (work / "old.json").read_text() == "old"
        nothing_left(work, "old.json", *(["new.csv"] if (work / "new.csv").exists() else []))


def test_a_report_that_does_not_fit_the_file_is_told():
    with folder() as work:
        def report_to_a_file(*time):
            with open(work / "out", "w") as out:
                return vcost(*TINY, *time, stdout=out, prepare=limit(resource.RLIMIT_FSIZE, 512))
        done = tap.given_time(report_to_a_file, lambda done: "time budget" not in done.stderr)
        ended_well(done, "cannot write to standard output", "File too large", status=1)


# ---- CPU time


def test_cpu_time_that_runs_out_ends_in_a_report():
    with folder() as work:
        done = vcost(*LONG, "--json", str(work / "a.json"), prepare=limit(resource.RLIMIT_CPU, 4))
        ended_well(done, "CPU time of 4 s (ulimit -t)", status=1)
        result = result_in(work / "a.json")
        assert not result["complete"] and "ulimit -t" in json.dumps(result)
        assert "64 MiB" in done.stdout
        nothing_left(work, "a.json")


# ---- descriptors


def kvm_usable():
    lists = json.loads(vcost("list", "runners", "--json", "-").stdout)
    return next(runner for runner in lists["runners"] if runner["name"] == "kvm")["usable"]


def test_with_few_descriptors_native_is_measured():
    if not kvm_usable():
        raise tap.Skip("KVM cannot be used here: native needs hardly any")
    for count in range(5, 24) if ALL else (7, 9):
        done = in_time(*BOTH, "--json", "-", prepare=limit(resource.RLIMIT_NOFILE, count),
            enough=lambda done: has_all(done) or "ulimit -n" in done.stderr or count < 7)
        ended_well(done)
        if not done.stdout and count < 7:
            continue
        cells = json.loads(done.stdout)["cells"]
        assert any(cell["monitor"] == "native" and cell["samples"] for cell in cells), done.stderr
        if not any(cell["monitor"] == "kvm" and cell["samples"] for cell in cells):
            assert "ulimit -n" in done.stderr, done.stderr


def test_no_number_of_descriptors_is_too_few_for_a_sentence():
    for command in (TINY, ["events", "--quick", "--time", "1", "fork-exit"], ["list"]) if ALL else (TINY,):
        for count in (3, 4, 5, 6) if ALL else (4,):
            done = vcost(*command, prepare=limit(resource.RLIMIT_NOFILE, count))
            if not loaded(done):
                continue
            ended_well(done)


# ---- processes


def test_processes_that_may_not_be_started_are_told():
    none = {"prepare": nobody(limit(resource.RLIMIT_NPROC, 0))}
    with folder() as work:
        none["program"] = shutil.copy(VCOST, work)  # where every user may execute it
        done = in_time("events", "--quick", "--on", "native", "fork-exit", "exec", **none, enough=lambda done: "ulimit -u" in done.stderr)
        ended_well(done, "ulimit -u", "pids.max", status=1)
        done = vcost(*TINY, "--on", "command:true", **none)
        ended_well(done, "ulimit -u", status=1)


# ---- memory


def test_a_small_stack_is_enough():
    for size in (32, 64, 128, 1024) if ALL else (64,):
        done = in_time(*BOTH, "--json", "-", prepare=limit(resource.RLIMIT_STACK, size << 10), enough=has_all)
        ended_well(done, status=0)
        assert has_all(done), done
        if ALL:
            for command in (["events", "--quick", "--time", "5"], ["inspect", "--quick"], ["list"]):
                ended_well(vcost(*command, prepare=limit(resource.RLIMIT_STACK, size << 10)))
    ended_well(in_time(*BOTH, prepare=limit(resource.RLIMIT_STACK, resource.RLIM_INFINITY)), status=0)


def test_few_addresses_end_in_a_sentence():
    for mib in range(8, 120, 2) if ALL else (24, 48, 80):
        with folder() as work:
            done = vcost(*BOTH, "--json", str(work / "a.json"), prepare=limit(resource.RLIMIT_AS, mib << 20))
            if not loaded(done):
                continue
            ended_well(done)
            nothing_left(work, *(["a.json"] if (work / "a.json").exists() else []))


# ---- signals


def ignoring(*numbers):
    return lambda: [signal.signal(number, signal.SIG_IGN) for number in numbers]


def blocking(*numbers):
    """Blocks signals that are otherwise as usual; a shell's & would leave SIGINT ignored."""
    def block():
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
    return block


def test_ignored_children_are_waited_for_all_the_same():
    with folder() as work:
        ended_well(in_time(*TINY, "--svg", str(work / "a.png"), prepare=ignoring(signal.SIGCHLD), enough=lambda done: done.returncode != 1),
            status=(0, 77))  # the latter: no rsvg-convert
    done = in_time("events", "--quick", "--on", "native", "--json", "-", "fork-exit", "exec", prepare=ignoring(signal.SIGCHLD), enough=has_all)
    ended_well(done, status=0)
    assert all(cell["median"] for cell in json.loads(done.stdout)["cells"]), done.stdout


def stopped_by(number, prepare):
    """What is left where a long run gets a signal."""
    with folder() as work:
        status, _, _ = tap.stop_midway([VCOST, *LONG, "--json", str(work / "a.json")], number, preexec_fn=prepare)
        return status, sorted(path.name for path in work.iterdir())


def test_a_signal_that_was_blocked_or_ignored_stops_it():
    for number, prepare in ((signal.SIGTERM, blocking(signal.SIGINT, signal.SIGTERM, signal.SIGHUP)),
            (signal.SIGINT, blocking(*range(1, 32))), (signal.SIGTERM, ignoring(signal.SIGTERM))):
        assert stopped_by(number, prepare) == (-number, ["a.json"]), number


def test_who_runs_it_under_nohup_is_not_stopped_by_a_hangup():
    def hung_up(*time):
        with subprocess.Popen([VCOST, *TINY, *time, "--json", "-"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                preexec_fn=ignoring(signal.SIGHUP)) as run:
            tap.until(lambda: tap.catches(run, signal.SIGTERM) or run.poll() is not None, "it has no handler")
            run.send_signal(signal.SIGHUP)
            return (*run.communicate(timeout=PATIENCE), run.returncode)
    out, told, status = tap.given_time(hung_up, lambda done: "time budget" not in done[1])
    assert status == 0, told
    assert "the user" not in (json.loads(out).get("incomplete_reason") or ""), told


def test_all_signals_ignored_or_blocked_change_nothing():
    every = [number for number in signal.valid_signals() if number not in (signal.SIGKILL, signal.SIGSTOP)]
    for prepare in (ignoring(*every), blocking(*every)):
        done = in_time(*BOTH, "--json", "-", prepare=prepare, enough=has_all)
        ended_well(done, status=0)
        assert has_all(done), done


# ---- what hardens programs


def test_where_memory_may_not_become_executable_that_is_told():
    def harden():
        if LIBC.prctl(65, 1, 0, 0, 0) != 0:  # PR_SET_MDWE
            os._exit(99)
    done = vcost(*TINY, prepare=harden)
    if done.returncode == 99:
        raise tap.Skip("this kernel has no PR_SET_MDWE (Linux 6.3)")
    ended_well(done, "executable", "MemoryDenyWriteExecute", status=77)


SYSTEM_CALLS = {"mprotect": 10, "ioctl": 16, "madvise": 28, "mlock": 149, "fork": 57, "getrusage": 98, "sysinfo": 99, "prctl": 157,
    "sched_setaffinity": 203, "sched_getaffinity": 204, "timer_create": 222, "mbind": 237, "move_pages": 279, "pipe2": 293,
    "getrandom": 318, "memfd_create": 319, "prlimit64": 302, "clone3": 435, "statx": 332}


def test_a_filter_of_system_calls_ends_in_a_sentence():
    if os.uname().machine != "x86_64":
        raise tap.Skip("the numbers of system calls are those of x86-64")
    done = vcost(*TINY, prepare=tap.refusing(SYSTEM_CALLS["sched_setaffinity"], 1))
    if done.returncode == 99:
        raise tap.Skip("this kernel takes no filter of system calls")
    ended_well(done, "seccomp", status=77)
    for name in SYSTEM_CALLS if ALL else ("madvise", "getrusage"):
        for code in (1, 38) if ALL else (1,):
            for command in (BOTH, ["events", "--quick", "--time", "3"], ["inspect", "--quick"]) if ALL else (TINY,):
                done = vcost(*command, prepare=tap.refusing(SYSTEM_CALLS[name], code))
                if loaded(done):
                    ended_well(done)


# ---- what is hidden


def in_namespace(script, *arguments):
    """vcost in a mount and PID namespace of its own, after a script."""
    made = subprocess.run(["unshare", "-mpf", "sh", "-c", script], capture_output=True, text=True)
    if made.returncode != 0:
        raise tap.Skip(f"no namespace can be made for it here: {made.stderr.strip()[:80]}")
    return tap.given_time(lambda *time: subprocess.run(["unshare", "-mpf", "sh", "-c", f'{script}; exec "$@"', "sh", VCOST, *arguments, *time],
        capture_output=True, text=True, timeout=PATIENCE), lambda done: done.returncode == 0)


def test_without_meminfo_memory_is_had_and_what_is_available_not_told():
    done = in_namespace("mount -t proc -o subset=pid proc /proc", *TINY, "--json", "-")
    ended_well(done, status=0)
    host = json.loads(done.stdout)["host"]
    assert host["memory_available_bytes"] is None and host["memory_bytes"], host


def test_sys_that_is_hidden_or_read_only_changes_nothing():
    for script in ("mount -t tmpfs tmpfs /sys", "mount -o bind,ro /sys /sys"):
        ended_well(in_namespace(script, *BOTH), status=0)


# ---- control groups


@contextlib.contextmanager
def control_group(controller, **settings):
    """A group of version 1 or 2, made for this test: its folder. Settings are of either version, by their file's name."""
    places = [Path("/sys/fs/cgroup") / controller, Path("/sys/fs/cgroup")]
    group = next((place / f"vcost-test-{os.getpid()}" for place in places if (place / "cgroup.procs").exists()), None)
    if not group:
        raise tap.Skip("no control group is mounted here")
    try:
        group.mkdir()
    except OSError as problem:
        raise tap.Skip(f"no control group can be made here: {problem.strerror}") from problem
    try:
        for name, value in settings.items():
            with contextlib.suppress(OSError):
                (group / name.replace("__", ".")).write_text(str(value))
        yield group
    finally:
        for _ in range(50):
            with contextlib.suppress(OSError):
                group.rmdir()
                break
            time.sleep(0.1)


def enter(group):
    return lambda: (group / "cgroup.procs").write_text(str(os.getpid()))


def has(group, *names):
    if not any((group / name).exists() for name in names):
        raise tap.Skip(f"this control group has no {names[0]}")


def test_a_cpu_limit_is_named_by_chase_and_has_a_remedy_in_inspect_and_advise():
    with control_group("cpu", cpu__cfs_quota_us=10000, cpu__max="10000 100000") as group:
        has(group, "cpu.cfs_quota_us", "cpu.max")
        done = in_time(*TINY, prepare=enter(group))
        ended_well(done, status=0)
        assert "limit of 0.1 CPUs" in done.stdout and "cpu.max" in done.stdout, done.stdout
        for _ in range(5):  # others may have taken the CPU before the limit could
            done = vcost("inspect", "--quick", "--json", "-", prepare=enter(group))
            ended_well(done, status=0)
            remedies = {remedy["name"]: remedy for remedy in json.loads(done.stdout)["remedies"]}
            if "cpu-limit" in remedies and remedies["cpu-limit"]["with_ns"] > 1.5e9:
                break
        else:
            assert False, remedies
        for _ in range(5):
            done = vcost("advise", "--quiet", "--budget", "30", "--only", "cpu-limit", "true", prepare=enter(group))
            ended_well(done, status=0)
            if "limit of 0.1 CPUs keeps this process off its CPU" in done.stdout and "To change: raise the limit" in done.stdout:
                return
        assert False, done.stdout


def test_a_limit_on_tasks_is_told():
    with control_group("pids", pids__max=1) as group:
        has(group, "pids.max")
        done = in_time("events", "--quick", "--on", "native", "fork-exit", prepare=enter(group), enough=lambda done: "pids.max" in done.stderr)
        ended_well(done, "pids.max", status=1)


def test_a_limit_on_memory_is_told_before_it_kills():
    with control_group("memory", memory__limit_in_bytes=128 << 20, memory__max=128 << 20) as group:
        has(group, "memory.limit_in_bytes", "memory.max")
        ended_well(vcost(*TINY, "--working-set", "4K..200M", prepare=enter(group)), "control group", "128 MiB", status=1)
        ended_well(in_time(*TINY, "--working-set", "16M", prepare=enter(group)), status=0)


tap.main(tap.cases(globals()))
