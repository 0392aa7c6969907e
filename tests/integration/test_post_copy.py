#!/usr/bin/python3
"""vcost domain migrate --post-copy: memory that follows a domain which runs already, and links that break meanwhile.
Speaks TAP.

    test_post_copy.py VCOST [SHIM]      SHIM: tests/shim/no_userfault.c, preloaded where a user may not
"""
import ctypes
import os
import signal
import sys
import time

sys.dont_write_bytecode = True
# pylint: disable=wrong-import-position
import tap
from domains import FOLDER, ENVIRONMENT, Cut, Receiver, Relay, domain, main, must, needs_kvm, phases, report

SHIM = os.path.abspath(sys.argv[2]) if len(sys.argv) > 2 else None
USERFAULTFD = 323  # the system call
PAGES, COMMIT = 4, 8
WRITER = ["--workload", "writer", "--memory", "8M"]


def needs_userfault():
    needs_kvm()
    if not os.access("/dev/userfaultfd", os.W_OK) and ctypes.CDLL(None).syscall(USERFAULTFD, 0) < 0:
        raise tap.Skip("this user may have no userfaultfd for the kernel's faults")


def post_copy(address, *options):
    return domain("migrate", "--post-copy", *options, "here", address, "--json", "-")


def in_the_middle(work_on):
    """Calls work_on(work, the checksum of one that was not moved) until it does not say that the domain had ended before."""
    for times in (1, 8, 64):
        work = [*WRITER, "--work", str(400000 * times)]
        checksum = report("run", "--name", "undisturbed", *work)["checksum"]
        must("run", "-d", "--paused", "--name", "here", *work)
        if work_on(checksum):
            return
    raise AssertionError("it always ended before it could be moved")


def finds_all_memory(there, checksum):
    status, found, said = there.end()
    assert status == 0 and found["checksum"] == checksum and found["wrong"] == 0, (status, found, said)
    return found["post_copy"]


def follows(passes, checksum):
    with Receiver() as there:
        must("resume", "here")
        done = post_copy(there.address, "--passes", str(passes))
        if "no domain here runs" in done.stderr:
            return False
        assert done.returncode == 0 and "death of either end loses the domain" in done.stderr, done.stderr
        moved = report("status", "here")["moved"]
        told = moved["post_copy"]
        assert moved["stage"] == "done" and moved["passes"] == passes, moved
        assert told["stage"] == "all there" and told["pages_left"] == 0 and told["pages"] > 0 and told["seconds"] > 0, told
        assert told["faults"] == 0 or told["fault_longest_us"] >= told["fault_median_us"] > 0, told
        there_told = finds_all_memory(there, checksum)
        assert there_told["faults"] == told["faults"] and there_told["pages"] == told["pages"], (there_told, told)
        assert passes or told["faults"] > 0, "nobody has waited for a page, and none was there"
        return True


def test_memory_that_follows_is_that_of_the_source():
    needs_userfault()
    in_the_middle(lambda checksum: follows(0, checksum))


def test_what_came_before_and_was_written_since_follows_once_more():
    needs_userfault()
    in_the_middle(lambda checksum: follows(1, checksum))


def cut_after(messages):
    """Breaks the link once so many messages with memory have passed after the handing over; those that come later pass."""
    seen = []

    def meddle(kind, message):
        if kind == COMMIT or (seen and kind == PAGES):
            seen.append(kind)
        if len(seen) == messages + 1:
            seen.append(0)
            raise Cut
        return [message]
    return meddle


def until(condition, what):
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.02)


def breaks(there):
    """False: it had ended before."""
    relay = Relay(there.path, cut_after(3))
    must("resume", "here")
    done = post_copy(relay.address, "--passes", "0", "--max-bandwidth", "1")
    if "no domain here runs" in done.stderr:
        return False
    assert done.returncode == 1 and "vcost domain migrate --reconnect here" in done.stderr, done
    until(lambda: phases() == {"here": "paused", "there": "paused"}, "both stand still")
    return True


def mends(checksum):
    with Receiver() as there:
        if not breaks(there):
            return False
        assert report("status", "here")["moved"]["stage"] == "link broken"
        told = report("status", "there")
        assert told["post_copy"]["stage"] == "link broken" and told["post_copy"]["pages_left"] > 0, told
        assert "--reconnect" in told["sentence"], told
        for name in ("here", "there"):
            assert "--reconnect" in domain("resume", name).stderr, name
        assert "--reconnect" in domain("save", "there", str(FOLDER / "file")).stderr
        assert "given away" in domain("migrate", "here", there.address).stderr
        done = domain("migrate", "--reconnect", "here", there.address, "--json", "-")
        assert done.returncode == 0, done.stderr
        assert finds_all_memory(there, checksum)["pages_left"] == 0
        return True


def test_after_a_broken_link_both_stand_still_until_the_source_comes_again():
    needs_userfault()
    in_the_middle(mends)
    assert "nothing to connect again" in refuses_to_reconnect()


def refuses_to_reconnect():
    must("run", "-d", "--name", "here", *WRITER)
    with Receiver() as there:
        said = domain("migrate", "--reconnect", "here", there.address).stderr
    must("stop", "here")
    return said


def loses_its_source(_):
    with Receiver() as there:
        if not breaks(there):
            return False
        os.kill(report("status", "here")["pid"], signal.SIGKILL)
        until(lambda: phases() == {"there": "paused"}, "the source has gone")
        assert "it is lost" in report("status", "there")["sentence"]
        must("stop", "there")
        return True


def test_without_its_source_it_never_runs_again():
    needs_userfault()
    in_the_middle(loses_its_source)


def test_a_guest_whose_page_tables_could_be_missing_is_refused():
    needs_userfault()
    must("run", "-d", "--name", "here", "--workload", "kernel-selftest", "--memory", "8M")
    with Receiver() as there:
        done = post_copy(there.address)
        assert done.returncode == 77 and "page tables" in done.stderr, done
    assert phases() == {"here": "running"}
    must("stop", "here")


def test_who_may_not_wait_for_pages_is_told_what_is_needed_and_nothing_is_moved():
    needs_kvm()
    if not SHIM:
        raise tap.Skip("nothing is preloaded with sanitizers")
    must("run", "-d", "--name", "here", *WRITER)
    ENVIRONMENT["LD_PRELOAD"] = SHIM
    with Receiver() as there:
        del ENVIRONMENT["LD_PRELOAD"]
        done = post_copy(there.address)
        assert done.returncode == 77, done
        for word in ("vm.unprivileged_userfaultfd", "/dev/userfaultfd", "CAP_SYS_PTRACE"):
            assert word in done.stderr, done.stderr
        assert there.end()[0] == 77
    assert phases() == {"here": "running"}
    must("stop", "here")


main(globals())
