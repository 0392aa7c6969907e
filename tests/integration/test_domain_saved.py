#!/usr/bin/python3
"""Domains in files and clones of them: whatever a user does with `vcost domain save`, `restore` and `fork`. Speaks TAP.

    test_domain_saved.py VCOST
"""
import functools
import gzip
import json
import os
import resource
import shutil
import struct
import subprocess
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True
from domains import (ENVIRONMENT, FOLDER, VCOST, checksum_of, domain, ended, main, must, needs_kvm,  # pylint: disable=wrong-import-position
                     refused, report, saved_in_the_middle)
import tap  # pylint: disable=wrong-import-position

ROOT = Path(__file__).resolve().parents[2]
SELFTEST = ["--workload", "kernel-selftest", "--memory", "8M", "--work", "12"]


@functools.cache
def the_chase():
    """A file of a domain in the middle of a chase, what it has to do, and the checksum of one that nobody saved."""
    file, work = saved_in_the_middle("a", ["--workload", "chase", "--memory", "8M", "--working-set", "256K", "--work", "15000000"])
    return file, work, checksum_of(work)


@functools.cache
def an_endless_chase():
    """A file of a domain in the middle of a chase that does not end."""
    file = str(FOLDER / "endless.domain")
    must("run", "-d", "--name", "endless", "--workload", "chase", "--memory", "8M", "--working-set", "256K")
    tap.until(lambda: report("status", "endless")["done"], "it does not get to work")
    must("save", "endless", file)
    return file


def compressed(file, name):
    """The same domain in another file."""
    packed = FOLDER / f"{name}.domain"
    must("restore", "-d", "--paused", "--name", name, file)
    must("save", "--compress", name, str(packed))
    return packed


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
    file, _, _ = the_chase()
    whole, bad = Path(file).read_bytes(), FOLDER / "bad.domain"
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
    wrong("newer vcost", whole[:8] + struct.pack("<I", 4) + whole[12:], 77)
    wrong("header", changed(120))
    for section, name in (24, "description"), (48, "state"), (72, "index"):
        wrong(f"its {name} is not", changed(struct.unpack_from("<Q", whole, section)[0] + 5))
    bad.write_bytes(changed(memory + 4096 * 4 + 8))
    refused(1, "its memory", "check", str(bad))
    refused(1, "its memory", "restore", str(bad))


def test_memory_on_a_node_and_locked_is_counted_wherever_the_domain_goes():
    needs_kvm()
    if not os.path.exists("/sys/devices/system/node/online"):
        raise tap.Skip("this kernel has no NUMA")
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
        refused(2, "without --lazy", "restore", "--lazy", option, file)
    refused(77, "there is no NUMA node 99", "restore", "--node", "99", file)


def test_a_clock_that_cannot_be_kept_is_refused():
    needs_kvm()
    file, _, _ = the_chase()
    assert report("restore", "--clock", "advance", file)["backwards"] == 0
    done = domain("restore", "--clock", "keep", file)
    assert done.returncode == 0 or (done.returncode == 77 and "tried from inside" in done.stderr), done.stderr


def test_files_of_versions_1_and_2_are_read():
    needs_kvm()
    for version in "1", "2":
        file = FOLDER / "old.domain"
        file.write_bytes(gzip.decompress((ROOT / f"tests/fixtures/domain-{version}/vectors.domain.gz").read_bytes()))
        assert f"domain v{version}, vectors" in must("check", str(file))
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
    file, _, expected = the_chase()
    clones_end_alike(file, "clone", expected, 3, True)
    forked = report("fork", an_endless_chase(), "--name", "endless", "--count", "3")
    assert all(0 < each < 4 << 20 for each in forked["private_bytes"]), "8 MiB are shared"
    for number in range(3):
        must("stop", f"endless-{number + 1}")


def test_clones_of_a_domain_that_runs_and_itself_end_as_if_undisturbed():
    """What one writes no other sees: each page has a hash of all that was written to it, checked by the writer at its end."""
    needs_kvm()
    file, work = saved_in_the_middle("s2", ["--workload", "writer", "--vcpus", "2", "--memory", "16M", "--work", "600000"])
    expected = checksum_of(work)
    for options, ways in ([], ["process copied"]), (["--forkable"], ["image mapped", "process copied"]):
        must("restore", "-d", "--paused", "--name", "live", *options, file)
        for way in ways:  # an image is made once
            forked = clones_end_alike("live", "c", expected, 2, False)
            assert forked["source"]["stall_ms"] > 0 and way in forked["mode"], forked
            assert all(0 < each < 32 << 20 for each in forked["private_bytes"] if each), forked
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
    refused(2, "is no name", "fork", "live", "--name", "../x")
    must("stop", "live")


def test_compressed_memory_comes_back_and_cannot_be_mapped():
    needs_kvm()
    plain, _, expected = the_chase()
    file = compressed(plain, "z2")
    assert file.stat().st_blocks < os.stat(plain).st_blocks
    assert "is whole" in must("check", str(file))
    assert report("restore", str(file))["checksum"] == expected
    refused(1, "cannot be mapped", "restore", "--lazy", str(file))
    refused(1, "cannot be mapped", "fork", str(file))
    content = bytearray(file.read_bytes())
    content[-9] ^= 1
    file.write_bytes(content)
    refused(1, "its memory", "restore", str(file))


def test_a_file_that_is_cut_off_or_rewritten_while_it_is_mapped_stops_the_domain():
    needs_kvm()

    def cut_off(file):
        os.truncate(file, 4 << 20)

    def cut_short(file):
        os.truncate(file, 1 << 20)  # the guest's page tables, too: it fails by that at once

    def rewrite(file):
        with open(file, "r+b") as stream:
            stream.seek(6 << 20)
            stream.write(b"something else")

    for change in cut_off, cut_short, rewrite:
        for running in ["--paused"], []:
            file = shutil.copy(an_endless_chase(), FOLDER / "m1.domain")
            must("restore", "-d", "--lazy", *running, "--name", "m1", str(file))
            change(file)
            found = ended("m1")
            assert found["ending"] == "failed" and found["exit_status"] == 1, (change, running, found)
            assert "changed or cut off" in found["sentence"] or "cannot be read any more" in found["sentence"], (change, running, found)


def has_userfault():
    """Whether a guest's faults may be taken here: what `vcost domain restore --userfaultfd` itself says."""
    done = domain("restore", "--userfaultfd", the_chase()[0])
    assert done.returncode in (0, 77), done.stderr
    if done.returncode:
        assert "userfaultfd" in done.stderr and len(done.stderr.splitlines()) == 1, done.stderr
        raise tap.Skip(f"no userfaultfd: {done.stderr}")


def test_memory_that_is_brought_when_it_is_touched_is_verified_first():
    needs_kvm()
    has_userfault()
    file, work = saved_in_the_middle("u1", ["--workload", "writer", "--memory", "64M", "--work", "600000"])
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


def test_what_was_touched_first_is_recorded_and_brought_in():
    """Of 32 MiB the writers use one: what is recorded is of that, however far they have come when their pace is back, and some
    of what lies around what was only read. They write while it is brought in, or (dense) while each 2 MiB is, and find in the
    end every page as they wrote it."""
    needs_kvm()
    file, work = saved_in_the_middle("r1", ["--workload", "writer", "--vcpus", "2", "--memory", "32M", "--working-set", "1M", "--work", "200000"])
    record, expected = FOLDER / "r1.touched", checksum_of(work)
    found = report("restore", "--lazy", "--record", str(record), file)
    assert found["checksum"] == expected and found["brought_back_ms"] is None, found
    kept = json.loads(record.read_text(encoding="utf-8"))
    runs = kept["runs"]
    written, mapped = (sum(run["pages"] for run in runs if run["written"] is which) for which in (True, False))
    assert 2 <= written < 300 and written + mapped < 1500, (written, mapped)
    for _ in range(2):
        found = report("restore", "--lazy", "--bring-first", str(record), file)
        assert (found["checksum"], found["wrong"]) == (expected, 0) and found["brought_held_ms"] >= 0, found
        assert found["working_set_without_ms"] == kept["working_set_ms"], found
        record.write_text(json.dumps({**kept, "runs": [{"first": 0, "pages": 8192, "written": True}]}), encoding="utf-8")
    must("restore", "-d", "--paused", "--lazy", "--bring-first", str(record), "--name", "r2", file)
    while report("status", "r2")["brought_back_ms"] is None:
        time.sleep(0.01)
    found = report("resume", "r2")
    assert 0 < found["brought_held_ms"] < found["brought_back_ms"], found
    assert ended("r2")["checksum"] == expected
    refused(2, "go with --lazy", "restore", "--record", str(record), file)
    record.write_text(json.dumps({"schema": "vcost.touched/1", "memory_bytes": 32 << 20,
                                  "runs": [{"first": 8190, "pages": 3, "written": True}]}), encoding="utf-8")
    refused(1, "no record of touched pages of this domain", "restore", "--lazy", "--bring-first", str(record), file)


main(globals())
