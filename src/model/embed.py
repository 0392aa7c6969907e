#!/usr/bin/python3
"""Makes the C source that holds the machines of share/machines/, for the build:

    embed.py OUTPUT.c FILE.json ...
"""
import json
import os
import sys


def c_string(data):
    """Octal where C would see anything but a character of its own; a line of C for each line."""
    text = "".join(chr(b) if 32 <= b < 127 and chr(b) not in '"\\?' else f"\\{b:03o}" for b in data)
    return '"' + text.replace("\\012", '\\n"\n    "') + '"'


def main():
    parts = ['#include "model/machine.h"\n\nstatic const struct machine_preset presets[] = {\n']
    for path in sorted(sys.argv[2:], key=os.path.basename):
        with open(path, "rb") as file:
            data = file.read()
        name = os.path.basename(path).removesuffix(".json")
        summary = c_string(json.loads(data)["summary"].encode())
        parts.append(f'    {{"{name}", "model:{name}", "{name}.json", {summary},\n    {c_string(data)},\n    {len(data)}}},\n')
    parts.append("    {0, 0, 0, 0, 0, 0},\n};\n\nstruct machine_preset machine_preset(size_t index)\n{\n"
                 "    size_t last = sizeof presets / sizeof presets[0] - 1;\n"
                 "    return presets[index < last ? index : last];\n}\n")
    with open(sys.argv[1], "w", encoding="ascii") as out:
        out.write("".join(parts))


main()
