#!/usr/bin/python3
"""vcost domain, as a user types it. Speaks TAP.

    test_domain_command.py VCOST
"""
import contextlib
import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

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


def test_a_guest_kernel_is_saved_on_each_of_them_and_refused_elsewhere():
    needs_children()
    for monitor, other in ("shadow", "paravirt"), ("paravirt", "shadow"):
        file, work = saved_in_the_middle("k2", ["--monitor", monitor, *SELFTEST])
        assert report("restore", file)["checksum"] == checksum_of(work), monitor
        refused(77, "it goes on there only", "restore", "--monitor", other, file)


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


def statistics(name, *more):
    """Of an interval in which the domain came to its turn: a tenth of a second on most machines."""
    for interval in "0.1", "1", "10":
        now = json.loads(must("stats", "--interval", interval, "--json", "-", *more, name))["now"]
        if now["samples"] > 10:
            return now
    raise AssertionError(f"hardly any samples in 10 s: {now}")


def goes_on(name):
    before = report("status", name)["done"]
    tap.until(lambda: report("status", name)["done"] > before, f"{name} does not go on")


def test_statistics_are_told_until_the_domain_ends():
    """What its samples, its monitor and the kernel say; written pages only where that was asked for."""
    needs_kvm()
    must("run", "-d", "--name", "d1", "--workload", "writer", "--memory", "8M", "--rate", "50")
    now = [statistics("d1", *more) for more in ((), ("--written",))]
    for each in now:
        assert 0 < each["ns_median"] <= each["ns_p99"] and each["longest_pause_ms"] > 0, each
        assert 0 < each["resident_bytes"] <= 8 << 20 and 0 <= each["large_bytes"] <= each["resident_bytes"], each
    assert now[0]["written"] is None and "--written" in now[0]["written_reason"], now[0]
    assert now[1]["written"] > 0 and now[1]["logged_seconds"] >= 0.1, now[1]
    with subprocess.Popen([VCOST, "domain", "stats", "--watch", "--interval", "0.05", "d1"], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, env=ENVIRONMENT) as watching:
        lines = [watching.stdout.readline() for _ in range(4)]
        assert "median" in lines[0] and all("running" in line for line in lines[2:]), lines
        must("stop", "d1")
        _, said = watching.communicate(timeout=300)
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
    goes_on("t1")
    told = report("stop", "t1")["program"]
    assert told["work_before"] > 0 and told["work_after"] > 0 and told["stopped_ms"] > 0, told
    must("restore", "-d", "--timeline", str(pictures[1]), file)
    tap.until(pictures[1].exists, "nothing is drawn")
    goes_on("t1")
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
    left = FOLDER / "vcost/x1.sock"
    assert left.exists(), "nothing is left that could be removed"
    tap.until(lambda: json.loads(must("list", "--json", "-"))["domains"] == [] and not left.exists(), "it stays")
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


# ---- who asked goes, or is stopped


def left_in(folder):
    return sorted(each.name for each in Path(folder).iterdir())


def interrupted(*arguments):
    """What a command says that gets Ctrl-C as soon as it listens to that, and its exit status: 0 if it was over before."""
    with subprocess.Popen([VCOST, "domain", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT) as asking:
        tap.until(lambda: asking.poll() is not None or tap.catches(asking), "it does not listen")
        asking.send_signal(signal.SIGINT)
        _, said = asking.communicate(timeout=300)
    return asking.returncode, said


def sizes_in(folder):
    with contextlib.suppress(OSError):
        return sum(each.stat().st_size for each in Path(folder).iterdir())
    return 0


def stopped_or_killed(file, number):
    """Of a save by signal, as soon as there is something to be seen of it: what it has said. None: it was over before."""
    must("run", "-d", "--name", "i1", "--memory", "384M")
    with subprocess.Popen([VCOST, "domain", "save", "--compress", "i1", str(file)], stderr=subprocess.PIPE, text=True, env=ENVIRONMENT) as asking:
        tap.until(lambda: asking.poll() is not None or sizes_in(file.parent) > 1 << 20, "it does not begin")
        asking.send_signal(number)
        _, said = asking.communicate(timeout=300)
    if asking.returncode == 0:
        file.unlink()
        return None
    assert asking.returncode == -number, (asking.returncode, said)
    found = report("status", "i1")
    if found["ending"] == "saved":  # it was the last moment
        for each in file.parent.iterdir():
            each.unlink()
        return None
    assert found["phase"] == "running" and found["ending"] is None, found
    if number == signal.SIGKILL:  # nobody is there who could remove what it has written
        for each in file.parent.iterdir():
            each.unlink()
    assert left_in(file.parent) == [], left_in(file.parent)
    return said


def in_the_middle_of_a_save(file, number):
    """To compress what a chase has in 384 MiB takes longer than to see that it begins, nearly always."""
    for _ in range(5):
        said = stopped_or_killed(file, number)
        if said is not None:
            return said
    raise AssertionError("it was always saved before it was stopped")


def test_a_save_that_is_stopped_or_whose_asker_is_killed_leaves_the_domain_and_no_file():
    needs_kvm()
    folder = FOLDER / "half"
    folder.mkdir()
    said = in_the_middle_of_a_save(folder / "i1.domain", signal.SIGINT)
    assert "before i1 was saved: it goes on, and nothing was written" in said, said
    must("stop", "i1")
    in_the_middle_of_a_save(folder / "i1.domain", signal.SIGKILL)
    must("save", "i1", str(folder / "i1.domain"))
    assert ended("i1")["ending"] == "saved"
    status, said = interrupted("check", str(folder / "i1.domain"))
    assert (status, said) == (0, "") or (status == -signal.SIGINT and "MiB of 384 had been read, which were right" in said), (status, said)
    status, said = interrupted("restore", "-d", "--name", "i2", str(folder / "i1.domain"))
    assert status == 0 or (status == 1 and "had been read" in said), (status, said)
    assert (domain("status", "i2").returncode == 0) == (status == 0), "told is what is so"
    if status == 0:
        must("stop", "i2")


main(globals())
