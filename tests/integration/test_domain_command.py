#!/usr/bin/python3
"""vcost domain, as a user types it. Speaks TAP.

    test_domain_command.py VCOST
"""
import json
import os
import resource
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True
from domains import (ENVIRONMENT, FOLDER, VCOST, checksum_of, domain, ended, main, must, needs_kvm,  # pylint: disable=wrong-import-position
                     refused, report, saved_in_the_middle)
import tap  # pylint: disable=wrong-import-position

CHASE = ["--workload", "chase", "--memory", "8M", "--working-set", "256K", "--work", "15000000"]
SELFTEST = ["--workload", "kernel-selftest", "--memory", "8M", "--work", "12"]


def same_after_saving(name, work):
    file, work = saved_in_the_middle(name, work)
    expected, generations = checksum_of(work), set()
    for lazy in [], ["--lazy"]:
        found = report("restore", *lazy, file)
        generations.add(found["generation"])
        assert found["checksum"] == expected and found["wrong"] == 0 and found["backwards"] == 0, (found, expected)
        assert found["first_instruction_ms"] > 0
    assert len(generations) == 2, "each restored domain is another one"
    return file


def test_a_chase_that_was_saved_ends_as_one_that_was_not():
    needs_kvm()
    file = same_after_saving("c1", CHASE)
    assert "is whole" in must("check", file)


def test_a_guest_kernel_that_was_saved_ends_as_one_that_was_not():
    needs_kvm()
    same_after_saving("k1", SELFTEST)


def test_a_writer_on_two_virtual_cpus_finds_all_memory_as_it_wrote_it():
    needs_kvm()
    same_after_saving("w1", ["--workload", "writer", "--vcpus", "2", "--memory", "8M", "--work", "800000"])


# ---- on the monitors that need no /dev/kvm


def needs_children():
    """Whether guests can be processes here: what says why not says it of every domain."""
    done = domain("run", "--monitor", "shadow", "--memory", "8M", "--work", "1")
    if done.returncode == 77:
        raise tap.Skip(done.stderr.strip())


def test_software_monitors_save_and_restore_and_hand_on_to_each_other():
    needs_children()
    chase = ["--workload", "chase", "--vcpus", "2", "--memory", "8M", "--working-set", "256K", "--work", "15000000"]
    file, work = saved_in_the_middle("s2", ["--monitor", "shadow", *chase])
    expected = checksum_of(work)
    assert checksum_of([*work, "--monitor", "paravirt"]) == expected
    for monitor in "same", "paravirt":
        found = report("restore", "--monitor", monitor, file)
        assert found["checksum"] == expected and found["backwards"] == 0, found
        assert found["monitor"] == ("shadow" if monitor == "same" else monitor), found
    refused(77, "without --lazy", "restore", "--lazy", file)
    done = domain("restore", "--monitor", "kvm", file, "--json", "-")  # has KVM here what the CPU itself shows?
    assert (done.returncode == 0 and json.loads(done.stdout)["checksum"] == expected) or done.returncode == 77, done.stderr


def test_a_guest_kernel_is_saved_on_shadow_and_refused_on_paravirt_and_elsewhere():
    needs_children()
    file, work = saved_in_the_middle("k2", ["--monitor", "shadow", *SELFTEST])
    assert report("restore", file)["checksum"] == checksum_of(work)
    refused(77, "it goes on there only", "restore", "--monitor", "paravirt", file)
    must("run", "-d", "--monitor", "paravirt", "--name", "k3", "--workload", "kernel-selftest", "--memory", "8M")
    while report("status", "k3")["done"] == 0:
        time.sleep(0.01)
    refused(77, "run it on shadow or kvm", "save", "k3", str(FOLDER / "k3.domain"))
    assert report("status", "k3")["phase"] == "running"
    must("stop", "k3")


# ----


def test_a_domain_can_be_paused_listed_and_stopped_and_its_name_used_again():
    needs_kvm()
    for _ in range(2):
        must("run", "-d", "--name", "p1", "--memory", "8M")
        refused(1, "runs already", "run", "-d", "--name", "p1", "--memory", "8M")
        assert report("pause", "p1")["phase"] == "paused"
        before = report("status", "p1")["done"]
        assert report("status", "p1")["done"] == before, "a paused domain does nothing"
        assert [each["name"] for each in json.loads(must("list", "--json", "-"))["domains"]] == ["p1"]
        assert report("resume", "p1")["phase"] == "running"
        assert report("stop", "p1")["ending"] == "stopped"
        found = ended("p1")
        assert found["ending"] == "stopped" and found["exit_status"] == 0, found
        refused(1, "no domain p1 runs", "pause", "p1")


def test_statistics_are_told_until_the_domain_ends():
    """What its samples, its monitor and the kernel say; written pages only where that was asked for."""
    needs_kvm()
    must("run", "-d", "--name", "d1", "--workload", "writer", "--memory", "8M", "--rate", "50")
    now = [json.loads(must("stats", "--interval", "0.1", "--json", "-", *more, "d1"))["now"] for more in ((), ("--written",))]
    for each in now:
        assert each["samples"] > 10 and 0 < each["ns_median"] <= each["ns_p99"] and each["longest_pause_ms"] > 0, each
        assert 0 < each["resident_bytes"] <= 8 << 20 and 0 <= each["large_bytes"] <= each["resident_bytes"], each
    assert now[0]["written"] is None and "--written" in now[0]["written_reason"], now[0]
    assert now[1]["written"] > 0 and now[1]["logged_seconds"] >= 0.1, now[1]
    with subprocess.Popen([VCOST, "domain", "stats", "--watch", "--interval", "0.05", "d1"], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, env=ENVIRONMENT) as watching:
        lines = [watching.stdout.readline() for _ in range(4)]
        assert "median" in lines[0] and all("running" in line for line in lines[2:]), lines
        must("stop", "d1")
        _, said = watching.communicate(timeout=60)
    assert watching.returncode == 0 and "d1 has ended: stopped" in said, (watching.returncode, said)
    refused(1, "no domain d1 runs", "stats", "d1")
    must("run", "-d", "--paused", "--name", "d1", *SELFTEST)
    found = report("status", "d1")["now"]
    assert found["samples"] == 0 and found["ns_median"] is None and found["ns_median_reason"], found
    must("stop", "d1")


def test_a_save_and_a_restore_are_drawn():
    """What it did before it was saved is in the memory that comes back."""
    needs_kvm()
    file, pictures = str(FOLDER / "t1.domain"), [FOLDER / "saved.svg", FOLDER / "restored.html"]
    must("run", "-d", "--name", "t1", "--workload", "chase", "--memory", "8M")
    must("save", "--keep-running", "--timeline", str(pictures[0]), "t1", file)
    told = report("stop", "t1")["program"]
    assert told["work_before"] > 0 and told["work_after"] > 0 and told["stopped_ms"] > 0, told
    must("restore", "-d", "--timeline", str(pictures[1]), file)
    while not pictures[1].exists():
        time.sleep(0.05)
    told = report("stop", "t1")["program"]
    assert told["work_before"] > 0 and told["work_after"] > 0 and told["samples_lost"] == 0, told
    drawn = [each.read_text(encoding="utf-8") for each in pictures]
    assert all("stands still" in each for each in drawn) and "before it was saved" in drawn[1], drawn
    refused(2, "--keep-running", "save", "--timeline", str(pictures[0]), "t1", file)
    refused(2, "must end in", "restore", "--timeline", "picture.gif", file)


def test_what_a_killed_domain_leaves_is_removed():
    needs_kvm()
    must("run", "-d", "--name", "x1", "--memory", "8M")
    os.kill(report("status", "x1")["pid"], signal.SIGKILL)
    time.sleep(0.1)
    assert (FOLDER / "vcost/x1.sock").exists()
    assert json.loads(must("list", "--json", "-"))["domains"] == []
    assert not (FOLDER / "vcost/x1.sock").exists()
    must("run", "-d", "--name", "x1", "--memory", "8M")
    must("stop", "x1")


def test_a_domain_that_cannot_be_written_goes_on():
    needs_kvm()
    file = FOLDER / "full.domain"
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
    must("run", "-d", "--name", "f1", "--memory", "8M", preexec_fn=limit)
    refused(1, "ulimit -f", "save", "f1", str(file))
    assert not file.exists() and not list(FOLDER.glob(".vcost-*")), "nothing half-written stays"
    assert report("status", "f1")["phase"] == "running"
    must("stop", "f1")


main(globals())
