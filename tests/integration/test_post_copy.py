#!/usr/bin/python3
"""vcost domain migrate --post-copy: memory that follows a domain which runs already, and links that break meanwhile.
Speaks TAP.

    test_post_copy.py VCOST [SHIM]      SHIM: tests/shim/no_userfault.c, preloaded where a user may not; without it one case
"""
import ctypes
import os
import signal
import subprocess
import sys

sys.dont_write_bytecode = True
# pylint: disable=wrong-import-position
from tap import until
import tap
from domains import ENVIRONMENT, FOLDER, VCOST, Cut, Receiver, Relay, Stall, domain, ended, goes_on_here, had_ended, main, must, needs_kvm, none_there, phases, report, stands_still_in_the_middle, stop_all

SHIM = os.path.abspath(sys.argv[2]) if len(sys.argv) > 2 else None
USERFAULTFD = 323  # the system call
PAGES, ZEROS, LEFT = 4, 5, 13  # kinds of messages
SLOWLY = ("--max-bandwidth", "1")  # so that it runs there long before all of its memory is there
WRITER = ["--workload", "writer", "--memory", "16M", "--rate", "40"]  # ten thousand pages a second, however fast this machine is


def needs_userfault():
    needs_kvm()
    if not os.access("/dev/userfaultfd", os.W_OK) and ctypes.CDLL(None).syscall(USERFAULTFD, 0) < 0:
        raise tap.Skip("this user may have no userfaultfd for the kernel's faults")


def post_copy(address, *options):
    return domain("migrate", "--post-copy", *options, "here", address, "--json", "-")


def finds_all_memory(there, checksum):
    status, found, said = there.end()
    assert status == 0 and found["checksum"] == checksum and found["wrong"] == 0, (status, found, said)
    return found["post_copy"]


def post_copy_in_the_background(address, *options):
    process = subprocess.Popen([VCOST, "domain", "migrate", "--post-copy", *options, "here", address, "--json", "-"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT)
    until(lambda: "there" in phases() or process.poll() is not None, "it is handed over")
    return process


def follows(checksum, passes, *options):
    with Receiver() as there, post_copy_in_the_background(there.address, "--passes", str(passes), *options) as source:
        must("resume", "there")
        _, said = source.communicate(timeout=300)
        assert source.returncode == 0 and "death of either end loses the domain" in said, said
        moved = report("status", "here")["moved"]
        told = moved["post_copy"]
        assert moved["stage"] == "done" and moved["passes"] == passes, moved
        assert told["stage"] == "all there" and told["pages_left"] == 0 and told["seconds"] > 0, told
        there_told = finds_all_memory(there, checksum)
        assert there_told["faults"] == told["faults"] and there_told["pages"] == told["pages"], (there_told, told)
        return told


def waits_for_pages(checksum):
    """False: all had come before it touched anything."""
    told = follows(checksum, 0, *SLOWLY)
    assert told["pages"] > 1000, told
    if not told["faults"]:
        return False
    assert told["fault_longest_us"] >= told["fault_median_us"] > 0, told
    return True


def test_memory_that_follows_is_that_of_the_source():
    needs_userfault()
    stands_still_in_the_middle(waits_for_pages)


def test_on_several_virtual_cpus_too():
    needs_userfault()
    stands_still_in_the_middle(waits_for_pages, "--vcpus", "3")


def has_all_but_what_was_written_since(checksum):
    assert follows(checksum, 1)["pages"] == 0, "it stood still"
    return True


def test_after_a_pass_over_one_that_stands_still_nothing_follows():
    needs_userfault()
    stands_still_in_the_middle(has_all_but_what_was_written_since)


def throws_old_versions_away(checksum):
    """False: it had ended before, or wrote too little meanwhile to be told of before it is stopped."""
    told = []

    def look(kind, message):
        if kind == LEFT:
            told.append(phases()["here"])
        return [message]
    with Receiver() as there:
        must("resume", "here")
        done = post_copy(Relay(there.path, look).address, "--max-bandwidth", "40")
        if had_ended(done):
            return False
        assert done.returncode == 0, done
        if finds_all_memory(there, checksum)["pages"] < 100:
            return False
    assert len(told) > 1 and told[0] == "running" and told[-1] == "paused", told
    return True


def test_what_was_written_after_it_was_sent_follows_and_replaces_what_had_come():
    """Most of what had come is thrown away before the domain is stopped."""
    needs_userfault()
    stands_still_in_the_middle(throws_old_versions_away)


def is_cut_while_old_versions_go(checksum):
    """False: it had ended before."""
    def cut(kind, message):
        if kind == LEFT:
            raise Cut
        return [message]
    with Receiver() as there:
        must("resume", "here")
        done = post_copy(Relay(there.path, cut).address, "--max-bandwidth", "40")
        if had_ended(done):
            return False
        assert done.returncode == 1 and report("status", "here")["moved"]["stage"] == "failed", done
        none_there(there)
    goes_on_here(checksum)
    return True


def test_a_link_that_breaks_when_old_versions_are_thrown_away_leaves_it_here():
    needs_userfault()
    stands_still_in_the_middle(is_cut_while_old_versions_go)


class Cutter:
    """Breaks a link when it is told to."""

    def __init__(self, how):
        self.cuts, self.how = False, how

    def __call__(self, kind, message):
        if self.cuts and kind in (PAGES, ZEROS):
            raise self.how
        return [message]


def breaks(there, how=Cut, options=()):
    """False: all had come before."""
    cutter = Cutter(how)
    with post_copy_in_the_background(Relay(there.path, cutter).address, "--passes", "0", *options, *SLOWLY) as source:
        cutter.cuts = True
        domain("resume", "there")  # if the link is not broken yet: then a page that it waits for breaks it
        _, said = source.communicate(timeout=300)
        if source.returncode == 0:
            return False
        assert source.returncode == 1 and "vcost domain migrate --reconnect here" in said, said
    until(lambda: phases() == {"here": "paused", "there": "paused"}, "both stand still")
    return True


def says(words, *arguments):
    done = domain(*arguments)
    assert done.returncode == 1 and words in done.stderr, done


def mends(checksum, how=Cut, options=()):
    with Receiver(*options) as there:
        if not breaks(there, how, options):
            return False
        moved = report("status", "here")["moved"]
        assert moved["stage"] == "link broken", moved
        told = report("status", "there")
        assert told["post_copy"]["stage"] == "link broken" and told["post_copy"]["pages_left"] > 0, told
        assert "--reconnect" in told["sentence"], told
        for name in ("here", "there"):
            says("--reconnect", "resume", name)
        says("--reconnect", "save", "there", str(FOLDER / "file"))
        says("given away", "migrate", "here", there.address)
        done = domain("migrate", "--reconnect", "here", there.address, "--json", "-")
        assert done.returncode == 0, done.stderr
        domain("resume", "there")  # if the link broke before it was asked for
        finds_all_memory(there, checksum)
        return True


def test_after_a_broken_link_both_stand_still_until_the_source_comes_again():
    needs_userfault()
    stands_still_in_the_middle(mends)


def test_a_link_that_stalls_counts_as_broken_then_too():
    needs_userfault()
    tap.in_real_time(lambda: stands_still_in_the_middle(lambda checksum: mends(checksum, Stall, ("--link-timeout", "0.5s"))), 0.5, stop_all)


LIKE_SSH = f"command:{sys.executable} {os.path.dirname(os.path.abspath(__file__))}/like_ssh.py {VCOST} domain receive -d --name there -"


def comes_by_a_command(checksum):
    done = post_copy(LIKE_SSH, "--passes", "0", "--max-bandwidth", "8")
    assert done.returncode == 0, done
    must("resume", "there")
    found = ended("there")
    assert found["checksum"] == checksum and found["wrong"] == 0, found
    return True


def test_a_receiver_by_a_command_stays_as_long_as_memory_comes():
    needs_userfault()
    stands_still_in_the_middle(comes_by_a_command, memory="8M")


def is_lost_by_a_command(_):
    """False: all had come before."""
    with subprocess.Popen([VCOST, "domain", "migrate", "--post-copy", "--passes", "0", *SLOWLY, "here", LIKE_SSH], stderr=subprocess.PIPE,
                          stdout=subprocess.DEVNULL, text=True, env=ENVIRONMENT, start_new_session=True) as source:
        until(lambda: "there" in phases() or source.poll() is not None, "it is handed over")
        os.killpg(source.pid, signal.SIGKILL)
    until(lambda: "lost" in (report("status", "there")["sentence"] or ""), "it is not known there")
    until(lambda: report("status", "here")["moved"]["stage"] == "link broken", "nor here")
    says("is lost", "resume", "here")
    must("stop", "here")
    must("stop", "there")
    return True


def test_a_link_by_a_command_that_breaks_loses_the_domain_which_is_said():
    needs_userfault()
    stands_still_in_the_middle(is_lost_by_a_command)


def test_who_has_no_link_to_mend_is_told():
    needs_userfault()
    must("run", "-d", "--name", "here", *WRITER)
    with Receiver() as there:
        says("nothing to connect again", "migrate", "--reconnect", "here", there.address)
    must("stop", "here")


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
    stands_still_in_the_middle(loses_its_source)


def loses_its_destination(_):
    with Receiver() as there, post_copy_in_the_background(there.address, "--passes", "0", *SLOWLY) as source:
        there.process.kill()
        _, said = source.communicate(timeout=300)
        if source.returncode == 0:
            return False
        assert source.returncode == 1 and "if this process ends before, it is lost" in said, said
        assert phases() == {"here": "paused"} and report("status", "here")["moved"]["stage"] == "link broken"
        says("given away", "resume", "here")
        says("cannot connect", "migrate", "--reconnect", "here", there.address)
        must("stop", "here")
        return True


def test_without_its_destination_it_never_runs_again_either():
    needs_userfault()
    stands_still_in_the_middle(loses_its_destination)


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


# Nothing is preloaded with sanitizers, where all takes longer.
ONE = "test_after_a_broken_link_both_stand_still_until_the_source_comes_again"
main(globals() if SHIM else {ONE: globals()[ONE]})
