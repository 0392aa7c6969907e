#!/usr/bin/python3
"""Domains in the background: what becomes of them when who started them logs out, or is killed, or presses Ctrl-C. Speaks TAP.

    test_domain_detached.py VCOST
"""
import json
import os
import pty
import signal
import subprocess
import sys

sys.dont_write_bytecode = True
# pylint: disable=wrong-import-position
import tap
from domains import ENVIRONMENT, FOLDER, VCOST, domain, ended, main, must, needs_kvm, phases, report, undisturbed

FILE = str(FOLDER / "d.domain")
CLONES = 200
WORK = ["--workload", "writer", "--memory", "8M", "--rate", "40", "--work", "20000"]  # two seconds


def a_file(*work):
    must("run", "-d", "--paused", "--name", "source", "--workload", "writer", "--memory", "8M", "--rate", "1", *work)
    must("save", "source", FILE)


def session_of(pid):
    return os.getsid(pid)


def starts_all(shell):
    """By each of the commands that leave a domain in the background. The one that ends by itself stands still, so that it does not
    before whatever is to happen."""
    for line in (f"run -d --paused --name a {' '.join(WORK)}", f"run -d --name endless {' '.join(WORK[:-2])}", f"restore -d --name b {FILE}",
                 f"fork {FILE} --name c"):
        os.write(shell, f"{VCOST} domain {line}\n".encode())
    names = {"a", "endless", "b", "c-1"}
    tap.until(lambda: names <= phases().keys(), "they run")
    return names


def go_on_and_end(names):
    """They run on, answer, end as they would have, and their log, report and exit status are there."""
    must("resume", "a")
    before = {name: report("status", name) for name in names}
    tap.until(lambda: all(report("status", name)["ending"] or report("status", name)["done"] > before[name]["done"] for name in names), "they go on")
    found = ended("a")
    assert found["ending"] == "done" and found["checksum"] == undisturbed(*WORK[:-4], *WORK[-2:]), found
    assert found["exit_status"] == 0 and found["wrong"] == 0, found
    for name in names - {"a"}:
        must("stop", name)
        found = report("status", name)
        assert found["ending"] == "stopped" and found["exit_status"] == 0, found
    for name in names:
        assert (FOLDER / "vcost" / f"{name}.log").exists() and not (FOLDER / "vcost" / f"{name}.sock").exists(), name


def test_domains_outlive_the_terminal_that_they_were_started_from():
    """The terminal goes, as when its window is closed or the connection breaks: its session gets SIGHUP."""
    needs_kvm()
    a_file()
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve("/bin/sh", ["sh", "-i"], ENVIRONMENT)
    names = starts_all(terminal)
    assert all(session_of(report("status", name)["pid"]) != pid for name in names), "they are of a session of their own"
    os.close(terminal)
    tap.until(lambda: os.waitpid(pid, os.WNOHANG)[0] == pid, "the shell has ended")
    go_on_and_end(names)


def test_domains_outlive_the_processes_that_they_were_started_by():
    needs_kvm()
    a_file()
    with subprocess.Popen(["/bin/sh"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=ENVIRONMENT,
                          start_new_session=True) as shell:
        names = starts_all(shell.stdin.fileno())
        os.killpg(shell.pid, signal.SIGKILL)
    go_on_and_end(names)


def stopped_fork(source, after):
    """Ctrl-C when so many clones run: those that it tells of are those that live, and nothing else is left. False: all ran before it came."""
    with subprocess.Popen([VCOST, "domain", "fork", source, "--count", str(CLONES), "--name", "c", "--json", "-"], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, env=ENVIRONMENT) as fork:
        tap.until(lambda: tap.catches(fork), "it listens")
        tap.until(lambda: len(list((FOLDER / "vcost").glob("c-*.sock"))) >= after, "they start")
        fork.send_signal(signal.SIGINT)
        out, said = fork.communicate(timeout=300)
    told = len(json.loads(out)["first_instruction_ms"]) if out else 0
    all_ran = told == CLONES and fork.returncode in (0, -signal.SIGINT)
    assert all_ran or fork.returncode == -signal.SIGINT or (fork.returncode == 1 and "before any clone ran" in said), (fork.returncode, said)
    tap.until(lambda: len(tap.with_variable("XDG_RUNTIME_DIR", FOLDER)) == told + (source == "source"), "nothing else is left")
    living = [name for name in phases() if name.startswith("c-")]
    assert after <= len(living) == told, (after, living, told, said)
    for name in living:
        done = domain("stop", name)
        assert done.returncode == 0, (after, source, told, done.stderr, report("status", name), (FOLDER / "vcost" / f"{name}.log").read_text(encoding="utf-8"))
    tap.until(lambda: len(tap.with_variable("XDG_RUNTIME_DIR", FOLDER)) == (source == "source"), "one that was stopped is left")
    return not all_ran


def fork_is_stopped(source, after):
    for _ in range(5):
        if stopped_fork(source, after):
            return
    raise AssertionError("all clones always ran before it was stopped")


def test_a_fork_that_is_interrupted_tells_of_each_clone_that_runs():
    needs_kvm()
    a_file()
    for after in (0, 1, 5):
        fork_is_stopped(FILE, after)
    must("restore", "-d", "--name", "source", FILE)
    for after in (0, 1, 5):
        fork_is_stopped("source", after)
        assert phases() == {"source": "running"}
    assert report("stop", "source")["wrong"] == 0


def test_a_fork_that_fails_tells_of_each_clone_that_runs():
    needs_kvm()
    a_file()
    must("restore", "-d", "--name", "c-3", FILE)
    done = domain("fork", FILE, "--count", "5", "--name", "c", "--json", "-")
    assert done.returncode == 1 and "c-3 runs already" in done.stderr, done.stderr
    assert len(json.loads(done.stdout)["first_instruction_ms"]) == 2 and phases().keys() == {"c-1", "c-2", "c-3"}, (done.stdout, phases())
    for name in phases():
        must("stop", name)


main(globals())
