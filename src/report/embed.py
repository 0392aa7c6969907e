#!/usr/bin/python3
"""Makes the C source that holds what a page brings along, for the build:

    embed.py OUTPUT.c NAME=FILE,FILE... ...

Each name becomes `const char NAME[]`, the files one after the other, and `const char NAME_hash[]`, by which a
Content-Security-Policy allows exactly this text (formats.h).
"""
import base64
import hashlib
import sys


def c_string(data):
    """Octal where C would see anything but a character of its own; a line of C for each line."""
    text = "".join(chr(b) if 32 <= b < 127 and chr(b) not in '"\\?' else f"\\{b:03o}" for b in data)
    return '"' + text.replace("\\012", '\\n"\n    "') + '"'


def main():
    parts = ['#include "report/formats.h"\n']
    for argument in sys.argv[2:]:
        name, _, files = argument.partition("=")
        data = b"".join(open(file, "rb").read() for file in files.split(","))
        digest = base64.b64encode(hashlib.sha256(data).digest()).decode()
        parts.append(f'\nconst char {name}[] =\n    {c_string(data)};\nconst char {name}_hash[] = "sha256-{digest}";\n')
    with open(sys.argv[1], "w", encoding="ascii") as out:
        out.write("".join(parts))


main()
