#!/usr/bin/python3
"""What vcost domain is asked for and cannot be, whatever machine it is: exit status 2 and one sentence, before anything is done; what
only this machine has not is no usage. Speaks TAP.

    test_domain_usage.py VCOST
"""
import sys

sys.dont_write_bytecode = True
# pylint: disable=wrong-import-position
from domains import FOLDER, domain, main, refused

LONG = "x" * 48
USAGE = (
    # run
    ("a domain's memory is from 8 MiB", "run", "--memory", "7M"), ("a domain's memory is from 8 MiB", "run", "--memory", "9M"),
    ("a domain's memory is from 8 MiB", "run", "--memory", "2T"), ("name one size", "run", "--memory", "8M..16M"),
    ("is not a size", "run", "--memory", "x"), ("at least 1 byte", "run", "--memory", "0"),
    ("--low-memory: from 2M", "run", "--low-memory", "3M"), ("--low-memory: from 2M", "run", "--low-memory", "6G", "--memory", "8G"),
    ("name one size", "run", "--low-memory", "2M..4M"), ("in one piece", "run", "--low-memory", "4M", "--workload", "kernel-selftest"),
    ("1 to 16", "run", "--vcpus", "0"), ("1 to 16", "run", "--vcpus", "17"),
    ("runs on 1 virtual CPU", "run", "--vcpus", "2", "--workload", "kernel-selftest"), ("is not one of", "run", "--workload", "none"),
    ("is not one of", "run", "--monitor", "none"), ("from 1 to", "run", "--workload", "writer", "--rate", "0"),
    ("only writer has a rate", "run", "--rate", "5"), ("whole number of up to 53 bits", "run", "--work", "-1"),
    ("the working set must be", "run", "--working-set", "64M"), ("the working set must be", "run", "--working-set", "4K"),
    ("the working set must be", "run", "--vcpus", "16", "--working-set", "64K"), ("name one size", "run", "--working-set", "1M..2M"),
    ("have a working set", "run", "--workload", "vectors", "--working-set", "1M"), ("the text is empty", "run", "--name", ""),
    ("no name of a domain", "run", "--name", "a/b"), ("no name of a domain", "run", "--name", LONG),
    ("from 0 to", "run", "--node", "x"), ("--lock or --forkable", "run", "--lock", "--forkable"), ("one word too many", "run", "more"),
    ("no option --nope", "run", "--nope"),
    # those about one that runs
    *(("NAME is missing", verb) for verb in ("status", "stats", "pause", "resume", "stop", "cancel")),
    ("one word too many", "pause", "a", "b"), ("above 0", "stats", "--interval", "0", "a"), ("is not a time", "stats", "--interval", "x", "a"),
    ("NAME SIZE is missing", "memory", "a"), ("is not a size", "memory", "a", "x"), ("at least 1 byte", "memory", "a", "0"),
    ("steps of 2 MiB", "memory", "a", "+4K"), ("up to 1 TiB", "memory", "a", "2T"),
    # files and clones
    ("NAME FILE is missing", "save", "a"), ("needs --keep-running", "save", "--timeline", "a.svg", "a", "file"),
    ("must end in", "save", "--keep-running", "--timeline", "a.gif", "a", "file"), ("FILE is missing", "restore"), ("FILE is missing", "check"),
    ("choose one", "restore", "--lazy", "--userfaultfd", "file"), ("go with --lazy", "restore", "--record", "r", "file"),
    ("go with --lazy", "restore", "--bring-first", "r", "file"),
    *(("without --lazy", "restore", "--lazy", *other, "file") for other in (["--lock"], ["--forkable"], ["--node", "0"])),
    *(("leave out --userfaultfd", "restore", "--userfaultfd", other, "file") for other in ("--lock", "--forkable")),
    ("is not one of", "restore", "--clock", "never", "file"), ("is not one of", "restore", "--monitor", "none", "file"),
    ("no name of a domain", "restore", "--name", "a/b", "file"), ("FILE|NAME is missing", "fork"), ("from 1 to", "fork", "--count", "0", "file"),
    ("no name of a domain", "fork", "--name", "a/b", "file"), ("no name of a domain", "fork", "--name", "x" * 46, "file"),
    # moving
    ("NAME ADDRESS is missing", "migrate", "a"), ("ADDRESS is missing", "receive"),
    *(("is no address", "migrate", "a", address) for address in ("there", "unix:", "tcp:localhost", "tcp:localhost:x", "tcp:localhost:0",
                                                                 "tcp:localhost:65536", "tcp::7", "command:", "-")),
    *(("is no address", "receive", address) for address in ("there", "unix:", "tcp:7", "command:cat")),
    ("a command is one link", "migrate", "--streams", "2", "a", "command:cat"), ("from 1 to 8", "migrate", "--streams", "9", "a", "unix:b"),
    ("from 1 to", "migrate", "--max-downtime", "0", "a", "unix:b"), ("above 0", "migrate", "--timeout", "0", "a", "unix:b"),
    ("above 0", "migrate", "--link-timeout", "0", "a", "unix:b"), ("from 1 to 99", "migrate", "--throttle", "100", "a", "unix:b"),
    ("is not one of", "migrate", "--at-timeout", "never", "a", "unix:b"), ("from 0 to", "migrate", "--passes", "-1", "a", "unix:b"),
    ("choose one", "migrate", "--check", "--reconnect", "a", "unix:b"), ("leave that out", "migrate", "--post-copy", "--reconnect", "a", "unix:b"),
    ("moves nothing", "migrate", "--check", "--timeline", "a.svg", "a", "unix:b"), ("must end in", "migrate", "--timeline", "a.gif", "a", "unix:b"),
    ("hands it over", "migrate", "--passes", "2", "a", "unix:b"),
    *(("leave out --streams", "migrate", "--reconnect", *other, "a", "unix:b") for other in (("--streams", "2"), ("--throttle", "40"),
                                                                                         ("--at-timeout", "stop"), ("--timeline", "a.svg"))),
    ("no name of a domain", "receive", "--name", LONG, "unix:b"), ("--lock or --forkable", "receive", "--lock", "--forkable", "unix:b"),
    ("no command", "frobnicate"), ("name a command",),
)


def test_what_cannot_be_asked_for_is_refused_as_such():
    before = {path.name for path in FOLDER.iterdir()}
    for words, *arguments in USAGE:
        refused(2, words, *arguments, cwd=FOLDER)
    assert {path.name for path in FOLDER.iterdir()} == before, "nothing was done"


def test_who_is_not_there_is_no_usage():
    for verb in ("pause", "resume", "stop", "cancel", "stats"):
        refused(1, "no domain nobody runs", verb, "nobody")
    refused(1, "nor has a detached one of that name ended", "status", "nobody")
    refused(1, "no domain nobody runs", "memory", "nobody", "8M")
    refused(1, "no domain nobody runs", "save", "nobody", str(FOLDER / "file"))
    refused(1, "no domain nobody runs", "migrate", "nobody", "unix:there")
    for verb in ("restore", "check", "fork"):
        refused(1, "cannot open", verb, str(FOLDER / "none"))
    assert not (FOLDER / "file").exists()
    assert domain("list").returncode == 0


main(globals())
