#!/usr/bin/python3
"""What a newcomer does works on a machine that has nothing yet, in either order, as root and with sudo (TAP on stdout).

    test_fresh.py       each case is a machine of its own (tests/fresh-machine)

Of `make test` a few tests run, of every kind that is set up by itself: .ci/run runs them all.
"""
import os
import signal as signals
import subprocess
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True
ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests" / "integration"))
import tap  # pylint: disable=wrong-import-position

FRESH = ROOT / "tests" / "fresh-machine"
# With sanitizers, without, with Zydis, with python3-jsonschema.
TEST = 'make test TESTS="size setup workload_code compare-files"'
RUN = "make run ARGS=--quick"
LEFT = 'test -s out/chase.json && test -s out/chase.svg'
# In /var/tmp or $TMPDIR.
FOLDERS = Path(os.environ.get("TMPDIR", "/var/tmp"))


def fresh(*arguments):
    done = subprocess.run([FRESH, *arguments], capture_output=True, text=True, check=False)
    if done.returncode == 77:
        raise tap.Skip(done.stderr.strip().splitlines()[-1])
    return done


def succeeds(*arguments):
    done = fresh(*arguments)
    assert done.returncode == 0, f"status {done.returncode}: {(done.stdout + done.stderr)[-1500:]}"
    last = done.stdout.strip().splitlines()
    assert any(line.endswith(" 0 failed, 0 skipped") for line in last), last[-5:]


def mounts():
    return Path("/proc/self/mounts").read_text(encoding="utf-8")


def folders():
    return set(FOLDERS.glob("vcost-fresh.*"))


def test_as_root_run_then_test():
    succeeds(f"{RUN} && {LEFT} && {TEST}")


def test_as_root_test_then_run():
    succeeds(f"{TEST} && {RUN} && {LEFT}")


def test_with_sudo_run_then_test():
    succeeds("--user", f"{RUN} && {LEFT} && {TEST}")


def test_with_sudo_test_then_run():
    succeeds("--user", f"{TEST} && {RUN} && {LEFT}")


def test_a_fresh_machine_has_no_compiler_and_ends_with_the_status_of_its_command():
    assert fresh("! command -v gcc && ! command -v meson && exit 5").returncode == 5


def test_nothing_is_left_of_one_that_is_killed():
    for signal in ("TERM", "KILL"):
        before = mounts()
        there = folders()
        with subprocess.Popen([FRESH, "echo ready; sleep 1000"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
            if run.stdout.readline() != "ready\n":
                raise tap.Skip(run.stderr.read().strip())
            folder, = folders() - there
            run.send_signal(getattr(signals, f"SIG{signal}"))
        until = time.monotonic() + 60
        while users_of(folder):
            assert time.monotonic() < until, f"processes are left: {users_of(folder)}"
            time.sleep(0.1)
        assert mounts() == before
        if signal == "KILL":  # the next one removes the folder
            assert fresh("true").returncode == 0
        assert not folder.exists(), folder


def users_of(folder):
    """The processes whose root is in a folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*/root"):
        try:
            if str(folder) in os.readlink(process):
                found.append(process.parent.name)
        except OSError:
            pass
    return found


tap.main(tap.cases(globals()))
