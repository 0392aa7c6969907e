#!/usr/bin/python3
"""Makes the C source that holds the files of a folder of share/, for the build:

    embed.py machine|remedy|latencies OUTPUT.c FILE.json ...

Machines come in the order of their names, remedies as they are given.
"""
import json
import os
import sys


def c_string(data):
    """Octal where C would see anything but a character of its own; a line of C for each line."""
    text = "".join(chr(b) if 32 <= b < 127 and chr(b) not in '"\\?' else f"\\{b:03o}" for b in data)
    return '"' + text.replace("\\012", '\\n"\n    "') + '"'


def machine(name, summary, text, size):
    return f'    {{"{name}", "model:{name}", "{name}.json", {summary},\n    {text},\n    {size}}},\n'


def plain(name, summary, text, size):
    return f'    {{"{name}", "{name}.json", {summary},\n    {text},\n    {size}}},\n'


# Header, prefix of the names in C, the member that is the summary, how many members are before the size.
KINDS = {"machine": ("model/machine.h", "machine", "summary", machine, 5), "remedy": ("remedy/recipe.h", "recipe", "title", plain, 4),
         "latencies": ("model/latencies.h", "latencies", "source", plain, 4)}


def main():
    header, prefix, member, item, texts = KINDS[sys.argv[1]]
    paths = sys.argv[3:]
    if prefix == "machine":
        paths.sort(key=os.path.basename)
    parts = [f'#include "{header}"\n\nstatic const struct {prefix}_preset presets[] = {{\n']
    for path in paths:
        with open(path, "rb") as file:
            data = file.read()
        name = os.path.basename(path).removesuffix(".json")
        parts.append(item(name, c_string(json.loads(data)[member].encode()), c_string(data), len(data)))
    parts.append(f"    {{{'0, ' * texts}0}},\n}};\n\nstruct {prefix}_preset {prefix}_preset(size_t index)\n{{\n"
                 "    size_t last = sizeof presets / sizeof presets[0] - 1;\n"
                 "    return presets[index < last ? index : last];\n}\n")
    with open(sys.argv[2], "w", encoding="ascii") as out:
        out.write("".join(parts))


main()
