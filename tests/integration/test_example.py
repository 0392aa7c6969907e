#!/usr/bin/python3
"""The worked example of CONTRIBUTING.md is what it says: a command of at most 300 lines outside of its room that appears in
every format. Speaks TAP.

    test_example.py PROGRAM

PROGRAM is vcost with the command of tests/example/ added.
"""
import csv
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True
import tap  # pylint: disable=wrong-import-position

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "tests/example"
PROGRAM = str(Path(sys.argv[1]).resolve())
ENVIRONMENT = {"LC_ALL": "C.UTF-8", "NO_COLOR": "1", "PATH": os.environ["PATH"]}
LINES_MOST = 300
TITLE, CONCLUSION = "Time of a reading", "Reading the clock costs"


def printed(*arguments, status=0):
    done = subprocess.run(["vcost", *map(str, arguments)], executable=PROGRAM, env=ENVIRONMENT, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == status, f"status {done.returncode}: {done.stderr}"
    return done.stdout + done.stderr


def contains(text, *parts):
    for part in parts:
        assert part in text, f"{part!r} is missing in:\n{text[:2000]}"


def written(option, suffix, *arguments):
    """What one of the options for files leaves there."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "clock" + suffix)
        printed("clock", *arguments, option, path)
        return path.read_bytes()


def test_a_terminal_gets_conclusion_table_and_chart():
    text = printed("clock")
    assert re.search(r"^ *in a row +each +95 % interval$", text, re.M), f"no heads of columns in:\n{text}"
    contains(text, CONCLUSION, TITLE, "\n   1,024  ", "readings in a row\n", "ns per reading")
    assert re.search("[\u2801-\u28ff]", text), f"no dots of a curve in:\n{text}"


def test_markdown_gets_conclusion_and_table():
    contains(written("--markdown", ".md").decode(), f"**{CONCLUSION}", f"### {TITLE}", "| in a row | each | 95 % interval |", "| 1,024 |")


def test_csv_gets_every_figure():
    rows = list(csv.DictReader(written("--csv", ".csv").decode().splitlines()))
    assert [row["readings"] for row in rows] == ["1", "4", "16", "64", "256", "1024"]
    assert all(float(row["ns_low"]) <= float(row["ns_high"]) for row in rows)


def test_json_gets_the_same_by_the_table_and_null_with_a_reason():
    batches = json.loads(written("--json", ".json", "--rounds=1"))["batches"]
    assert [batch["readings"] for batch in batches] == [1, 4, 16, 64, 256, 1024]
    assert all(batch["low"] is None and batch["low_reason"] for batch in batches)


def test_a_page_gets_table_picture_and_data():
    page = written("--html", ".html").decode()
    contains(page, "<title>vcost clock</title>", CONCLUSION, f"<caption>{TITLE}", "<svg", "vcost.clock/1")


def test_a_picture_gets_the_chart():
    contains(written("--svg", ".svg").decode(), "<svg", TITLE, "readings in a row")
    if shutil.which("rsvg-convert"):
        assert written("--svg", ".png").startswith(b"\x89PNG")


def test_help_manual_page_and_completion_know_it():
    contains(printed("--help"), "  clock           what reading the clock costs\n")
    contains(printed("clock", "--help"), "Usage: vcost clock [OPTIONS]", "-r, --rounds=N", "--html=FILE")
    contains(printed("generate", "man", "clock"), ".SH NAME", "vcost\\-clock", "rounds")
    contains(printed("generate", "completion"), "clock", "--rounds")


def test_wrong_usage_is_found_before_anything_is_measured():
    contains(printed("clock", "--rounds=0", status=2), "--rounds")
    contains(printed("clock", "--svg", "clock.gif", status=2), ".svg")


def lines_outside():
    return {path.name: len(path.read_text().splitlines()) for path in EXAMPLE.iterdir() if path.stem != "clock_cost"}


def test_the_example_is_short_outside_of_its_room():
    lines = lines_outside()
    in_build_files = len(lines) + 1  # each source once, and the manual page
    print(f"# {sum(lines.values())} lines, and {in_build_files} in build files: {lines}")
    assert "cmd_clock.c" in lines and sum(lines.values()) + in_build_files <= LINES_MOST


def test_contributing_shows_these_very_lines():
    text = (ROOT / "CONTRIBUTING.md").read_text()
    section = text.split("## A new command, from its option to all formats\n")[1].split("\n## ")[0]
    files = "\n".join(path.read_text() for path in EXAMPLE.iterdir())
    blocks = re.findall(r"```c\n(.*?)```", section, re.S)
    assert len(blocks) >= 3
    contains(section, f"{sum(lines_outside().values())} lines outside of its room")
    for block in blocks:
        assert block in files, f"not in tests/example/:\n{block}"
    for path in EXAMPLE.iterdir():
        assert f"`{path.name}`" in section, f"{path.name} is not named"


tap.main(tap.cases(globals()))
