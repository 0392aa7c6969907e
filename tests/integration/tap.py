"""What the tests of this folder share: the functions named test_... of a file are its cases; TAP on stdout tells how each
has ended. A case passes if it returns, is skipped by raising Skip, and fails by raising anything else.
"""
import ctypes
import functools
import json
import os
import struct
import sys
from pathlib import Path

import jsonschema


LIBC = ctypes.CDLL(None, use_errno=True)


class Skip(Exception):
    """Raised by a case that cannot run here, with the reason."""


# What vcost says before it measures on a machine that is as busy as one that runs tests.
BUSY = ("vcost: other programs use ", "vcost: the hypervisor takes ")


def calm(done):
    """What a program has done, without what it has said of other programs."""
    done.stderr = "".join(line for line in done.stderr.splitlines(True) if not line.startswith(BUSY))
    return done


def refusing(number, code):
    """For preexec: a filter that answers one system call with an error (seccomp(2), struct sock_filter)."""
    def instruction(what, yes, no, value):
        return struct.pack("HBBI", what, yes, no, value)
    program = (instruction(0x20, 0, 0, 0) + instruction(0x15, 0, 1, number) + instruction(0x06, 0, 0, 0x00050000 | code) +
        instruction(0x06, 0, 0, 0x7FFF0000))
    def install():
        room = ctypes.create_string_buffer(program, len(program))
        descriptor = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(room)), 16)
        if LIBC.prctl(38, 1, 0, 0, 0) or LIBC.prctl(22, 2, descriptor, 0, 0):
            os._exit(99)
    return install


@functools.cache
def validator(name):
    """For what follows share/schema/NAME.schema.json. Kept: to look at the schema itself takes longer than at most results."""
    path = Path(__file__).resolve().parents[2] / f"share/schema/{name}.schema.json"
    schema = json.loads(path.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def cases(names):
    """The cases among the globals of a file, in the order written, as pairs of name and function."""
    return [(name[5:].replace("_", " "), case) for name, case in names.items() if name.startswith("test_")]


def ending(case):
    """How a case ends: whether it failed, what follows its name, and what went wrong."""
    try:
        case()
    except Skip as reason:
        return False, f" # SKIP {reason}", ""
    except Exception as problem:  # whatever goes wrong is a failed point
        return True, "", f"{type(problem).__name__}: {problem}"
    return False, "", ""


def main(todo):
    """Runs the cases and ends the program, with status 1 if one has failed."""
    print(f"1..{len(todo)}", flush=True)
    any_failed = False
    for number, (name, case) in enumerate(todo, 1):
        failed, directive, text = ending(case)
        any_failed |= failed
        print(f"{'not ' if failed else ''}ok {number} - {name}{directive}")
        print("".join(f"# {line}\n" for line in text.splitlines()[:20]), end="", flush=True)
    sys.exit(any_failed)
