#!/usr/bin/python3
"""vcost domain, as a user types it. Speaks TAP.

    test_domain_command.py VCOST
"""
import gzip
import json
import os
import resource
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.dont_write_bytecode = True
import tap  # pylint: disable=wrong-import-position

VCOST = str(Path(sys.argv[1]).resolve())
ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(tempfile.mkdtemp(prefix="vd"))
ENVIRONMENT = dict(os.environ, XDG_RUNTIME_DIR=str(FOLDER))
CHASE = ["--workload", "chase", "--memory", "8M", "--working-set", "256K", "--work", "60000000"]
SELFTEST = ["--workload", "kernel-selftest", "--memory", "8M", "--work", "12"]


def domain(*arguments, **more):
    return subprocess.run([VCOST, "domain", *arguments], capture_output=True, text=True, timeout=200, env=ENVIRONMENT, check=False,
                          **more)


def must(*arguments, **more):
    done = domain(*arguments, **more)
    assert done.returncode == 0, f"{arguments}: exit status {done.returncode}: {done.stderr}"
    return done.stdout


def refused(status, words, *arguments, **more):
    """The exit status, and one sentence with these words."""
    done = domain(*arguments, **more)
    assert done.returncode == status and words in done.stderr, f"{arguments}: {done.returncode}: {done.stderr}"
    assert len(done.stderr.splitlines()) <= 2, done.stderr


def report(*arguments, **more):
    return json.loads(must(*arguments, "--json", "-", **more))


def ended(name):
    """How a detached domain has ended, once it has."""
    for _ in range(600):
        found = report("status", name)
        if found["ending"]:
            return found
        time.sleep(0.05)
    raise AssertionError(f"{name} does not end")


def times(work, factor):
    """The same with so many times as much to do."""
    at = work.index("--work") + 1
    return [*work[:at], str(int(work[at]) * factor), *work[at + 1:]]


def saved_in_the_middle(name, work, *options):
    """A file, of a domain that had begun and not ended, and what it had to do: more than was asked for, where it would have
    ended before; how fast this machine is, and how long it lets us wait, nobody knows."""
    file = str(FOLDER / f"{name}.domain")
    for factor in (1, 8, 64, 512):
        more = times(work, factor)
        must("run", "-d", "--name", name, *more)
        while not (found := report("status", name))["done"] and not found["ending"]:
            time.sleep(0.01)
        done = domain("save", *options, name, file, "--json", "-")
        if done.returncode == 0 and json.loads(done.stdout)["checksum"] is None:
            return file, more
        assert done.returncode == 0 or "no domain" in done.stderr or "has ended without" in done.stderr, done.stderr
        assert ended(name)["ending"] == ("saved" if done.returncode == 0 else "done"), done.stderr
    raise AssertionError("it always ended before it was saved")


def compressed(file, name):
    """The same domain in another file."""
    packed = FOLDER / f"{name}.domain"
    must("restore", "-d", "--paused", "--name", name, file)
    must("save", "--compress", name, str(packed))
    return packed


def needs_kvm():
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        raise tap.Skip("a guest needs /dev/kvm")


def checksum_of(work):
    return report("run", *work)["checksum"]


def same_after_saving(name, work):
    file, work = saved_in_the_middle(name, work)
    expected = checksum_of(work)
    for lazy in [], ["--lazy"]:
        found = report("restore", *lazy, file)
        assert found["checksum"] == expected and found["wrong"] == 0 and found["backwards"] == 0, (found, expected)
        assert found["first_instruction_ms"] > 0
    return file


def test_a_chase_that_was_saved_ends_as_one_that_was_not():
    needs_kvm()
    file = same_after_saving("c1", CHASE)
    assert "is whole" in must("check", file)
    again = [report("restore", file)["generation"] for _ in range(2)]
    assert again[0] != again[1], "each restored domain is another one"


def test_a_guest_kernel_that_was_saved_ends_as_one_that_was_not():
    needs_kvm()
    same_after_saving("k1", SELFTEST)


def test_a_writer_on_two_virtual_cpus_finds_all_memory_as_it_wrote_it():
    needs_kvm()
    same_after_saving("w1", ["--workload", "writer", "--vcpus", "2", "--memory", "8M", "--work", "3000000"])


# ---- on the monitors that need no /dev/kvm


def needs_children():
    """Whether guests can be processes here: what says why not says it of every domain."""
    done = domain("run", "--monitor", "shadow", "--memory", "8M", "--work", "1")
    if done.returncode == 77:
        raise tap.Skip(done.stderr.strip())


def test_software_monitors_save_and_restore_and_hand_on_to_each_other():
    needs_children()
    chase = ["--workload", "chase", "--vcpus", "2", "--memory", "8M", "--working-set", "256K", "--work", "60000000"]
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


def test_a_full_disk_is_noticed_before_anything_is_written():
    """A disk of 128 KiB, in a mount namespace of its own."""
    needs_kvm()
    disk = FOLDER / "disk"
    disk.mkdir()
    mount = f"mount -t tmpfs -o size=128k none {disk} && exec \"$@\""
    inside = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", mount, "sh"]
    if subprocess.run([*inside, "true"], capture_output=True, check=False).returncode:
        raise tap.Skip("no mount namespace of one's own")
    must("run", "-d", "--name", "n1", "--memory", "8M")
    for options, words in ([], "are left there"), (["--compress"], "full"):
        look = f"{VCOST} domain save {' '.join(options)} n1 {disk}/n1.domain; echo $?; ls -A {disk}"
        done = subprocess.run([*inside, "sh", "-c", look], capture_output=True, text=True, env=ENVIRONMENT, check=False)
        assert done.stdout == "1\n" and words in done.stderr, (options, done.stdout, done.stderr)
    assert report("status", "n1")["phase"] == "running"
    must("stop", "n1")


def test_damaged_cut_foreign_and_newer_files_are_refused():
    needs_kvm()
    file = Path(saved_in_the_middle("b1", CHASE, "--keep-running")[0])
    must("stop", "b1")
    whole, bad = file.read_bytes(), FOLDER / "bad.domain"
    memory = struct.unpack_from("<Q", whole, 96)[0]

    def wrong(words, content, status=1):
        bad.write_bytes(content)
        refused(status, words, "check", str(bad))
        refused(status, words, "restore", "--lazy", str(bad))

    def changed(at):
        return whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1:]

    wrong("no saved domain", b"#!/bin/sh\n" * 1000)
    wrong("no saved domain", b"")
    wrong("cut off", whole[:-1])
    wrong("cut off", whole[:memory])
    wrong("newer vcost", whole[:8] + struct.pack("<I", 3) + whole[12:], 77)
    wrong("header", changed(120))
    for section, name in (24, "description"), (48, "state"), (72, "index"):
        wrong(f"its {name} is not", changed(struct.unpack_from("<Q", whole, section)[0] + 5))
    bad.write_bytes(changed(memory + 4096 * 4 + 8))
    refused(1, "its memory", "check", str(bad))
    refused(1, "its memory", "restore", str(bad))


def test_memory_on_a_node_and_locked_is_counted_wherever_the_domain_goes():
    needs_kvm()
    file = str(FOLDER / "l1.domain")

    def counted(found):
        assert found["nodes"] == "8 MiB on node 0", found["nodes"]
        assert found["locked_bytes"] >= 8 << 20, found["locked_bytes"]

    def may_lock(size):
        hard = resource.getrlimit(resource.RLIMIT_MEMLOCK)[1]
        return lambda: resource.setrlimit(resource.RLIMIT_MEMLOCK, (size if hard < 0 else min(size, hard),) * 2)

    little = domain("run", "--name", "l1", "--memory", "8M", "--work", "1", "--lock", preexec_fn=may_lock(1 << 20))
    assert little.returncode == 0 or (little.returncode == 1 and "RLIMIT_MEMLOCK" in little.stderr), little.stderr
    enough = may_lock(8 << 20)
    must("run", "-d", "--name", "l1", "--memory", "8M", "--node", "0", "--lock", preexec_fn=enough)
    counted(report("status", "l1"))
    refused(77, "locked, and cannot be shared", "fork", "l1")
    must("save", "l1", file)
    must("restore", "-d", "--node", "0", "--lock", file, preexec_fn=enough)
    counted(report("status", "l1"))
    must("stop", "l1")
    for option in "--lock", "--node=0":
        refused(77, "without --lazy", "restore", "--lazy", option, file)
    refused(77, "there is no NUMA node 99", "restore", "--node", "99", file)


def test_a_clock_that_cannot_be_kept_is_refused():
    needs_kvm()
    file, _ = saved_in_the_middle("t1", CHASE)
    assert report("restore", "--clock", "advance", file)["backwards"] == 0
    done = domain("restore", "--clock", "keep", file)
    assert done.returncode == 0 or (done.returncode == 77 and "tried from inside" in done.stderr), done.stderr


def test_a_file_of_version_1_is_read():
    needs_kvm()
    file = FOLDER / "old.domain"
    file.write_bytes(gzip.decompress((ROOT / "tests/fixtures/domain-1/vectors.domain.gz").read_bytes()))
    assert "domain v1, vectors" in must("check", str(file))
    done = domain("restore", "--json", "-", str(file))
    if done.returncode == 0:
        assert json.loads(done.stdout)["checksum"] == "0x11bd907ff6af780a", done.stdout
    else:  # another processor
        assert done.returncode == 77 and ("lacks" in done.stderr or "this KVM" in done.stderr), done.stderr


def clones_end_alike(source, name, expected, count, of_file):
    forked = report("fork", source, "--name", name, "--count", str(count))
    assert len(forked["first_instruction_ms"]) == count and (forked["source"] is None) == of_file, forked
    found = [ended(f"{name}-{i + 1}") for i in range(count)]
    assert all(each["checksum"] == expected and not each["wrong"] and not each["backwards"] for each in found), (found, expected)
    assert len({each["generation"] for each in found}) == count, "each is another one"
    return forked


def test_clones_share_a_file_and_end_alike():
    needs_kvm()
    file, work = saved_in_the_middle("s1", CHASE, "--keep-running")
    expected = checksum_of(work)
    forked = clones_end_alike(file, "clone", expected, 3, True)
    assert all(0 < each < 4 << 20 for each in forked["private_bytes"]), "8 MiB are shared"
    assert ended("s1")["checksum"] == expected, "the one that was saved went on"


def test_clones_of_a_domain_that_runs_and_itself_end_as_if_undisturbed():
    """What one writes no other sees: each page has a hash of all that was written to it, checked by the writer at its end."""
    needs_kvm()
    file, work = saved_in_the_middle("s2", ["--workload", "writer", "--vcpus", "2", "--memory", "16M", "--work", "2000000"])
    expected = checksum_of(work)
    must("restore", "-d", "--paused", "--name", "live", file)
    forked = clones_end_alike("live", "c", expected, 2, False)
    assert forked["source"]["stall_ms"] > 0, forked
    must("resume", "live")
    assert ended("live")["checksum"] == expected, "the one that was forked went on"


def test_a_clone_outlives_its_source_whose_name_is_free_then():
    needs_kvm()
    must("run", "-d", "--name", "live", "--memory", "8M")
    must("fork", "live", "--name", "c")
    must("stop", "live")
    must("run", "-d", "--name", "live", "--memory", "8M")
    must("fork", "c-1", "--name", "d")
    names = [each["name"] for each in json.loads(must("list", "--json", "-"))["domains"]]
    assert sorted(names) == ["c-1", "d-1", "live"], names
    for name in names:
        must("stop", name)
    must("run", "-d", "--name", "live", "--memory", "8M")
    refused(1, "is no name", "fork", "live", "--name", "../x")
    must("stop", "live")


def test_compressed_memory_comes_back_and_cannot_be_mapped():
    needs_kvm()
    plain, work = saved_in_the_middle("z1", CHASE)
    file, expected = compressed(plain, "z2"), checksum_of(work)
    assert file.stat().st_blocks < os.stat(plain).st_blocks
    assert "is whole" in must("check", str(file))
    assert report("restore", str(file))["checksum"] == expected
    refused(1, "cannot be mapped", "restore", "--lazy", str(file))
    refused(1, "cannot be mapped", "fork", str(file))
    content = bytearray(file.read_bytes())
    content[-9] ^= 1
    file.write_bytes(content)
    refused(1, "its memory", "restore", str(file))


def test_a_file_that_is_cut_off_while_it_is_mapped_stops_the_domain():
    needs_kvm()
    file, _ = saved_in_the_middle("m1", CHASE, "--keep-running")
    must("stop", "m1")
    must("restore", "-d", "--lazy", "--paused", file)
    os.truncate(file, 4 << 20)
    found = ended("m1")
    assert found["ending"] == "failed" and found["exit_status"] == 1, found
    assert "cut off" in found["sentence"] or "changed" in found["sentence"], found


def has_userfault():
    """Whether a guest's faults may be taken here: what `vcost domain restore --userfaultfd` itself says."""
    file, _ = saved_in_the_middle("u0", CHASE)
    done = domain("restore", "--userfaultfd", file)
    assert done.returncode in (0, 77), done.stderr
    if done.returncode:
        assert "userfaultfd" in done.stderr and len(done.stderr.splitlines()) == 1, done.stderr
        raise tap.Skip(f"no userfaultfd: {done.stderr}")


def test_memory_that_is_brought_when_it_is_touched_is_verified_first():
    needs_kvm()
    has_userfault()
    file, work = saved_in_the_middle("u1", ["--workload", "writer", "--memory", "64M", "--work", "2000000"])
    expected = checksum_of(work)
    for each in file, compressed(file, "u2"):
        found = report("restore", "--userfaultfd", str(each))
        assert (found["checksum"], found["wrong"], found["memory_checked"]) == (expected, 0, "yes"), found
        assert "userfaultfd" in found["mode"], found["mode"]
    content = bytearray(Path(file).read_bytes())
    content[struct.unpack_from("<Q", content, 96)[0] + (40 << 20) + 8] ^= 1
    Path(file).write_bytes(content)
    found = json.loads(domain("restore", "--userfaultfd", "--json", "-", file).stdout)
    assert found["ending"] == "failed" and "its memory from 0x2800000" in found["sentence"], found
    kernel, _ = saved_in_the_middle("u3", SELFTEST)
    refused(77, "page tables", "restore", "--userfaultfd", kernel)


def stop_all():
    """Whatever a case that failed has left."""
    done = domain("list", "--json", "-")
    for each in json.loads(done.stdout)["domains"] if done.returncode == 0 else []:
        domain("stop", each["name"])


try:
    tap.main(tap.cases(globals()))
finally:
    stop_all()
    shutil.rmtree(FOLDER)
