#!/usr/bin/python3
"""vcost report as a user types it: saved results in every format, pages that are read again, what is given away. Speaks TAP.

    test_report.py VCOST
"""
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import jsonschema

sys.dont_write_bytecode = True
import tap  # pylint: disable=wrong-import-position

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "tests/fixtures"
SCHEMA = json.loads((ROOT / "share/schema/vcost.result-1.schema.json").read_text())
VCOST = str(Path(sys.argv[1]).resolve())
ENVIRONMENT = {"LC_ALL": "C.UTF-8", "NO_COLOR": "1", "PATH": os.environ["PATH"]}
FORMATS = {".html": "html", ".md": "markdown", ".csv": "csv", ".svg": "svg"}


def vcost(*arguments, **options):
    return subprocess.run([VCOST, *map(str, arguments)], capture_output=True, env=ENVIRONMENT, timeout=120, check=False, **options)


def report(*arguments, **options):
    done = vcost("report", *arguments, **options)
    assert done.returncode == 0 and not done.stderr, f"status {done.returncode}: {done.stderr.decode()}"
    return done.stdout


def refused(arguments, status, *parts):
    """One sentence on stderr (and a hint after wrong usage), nothing on stdout, no file."""
    with folder() as work:
        done = vcost("report", *arguments, cwd=work)
        lines = done.stderr.decode().strip().splitlines()
        assert done.returncode == status, f"status {done.returncode}: {done.stderr.decode()}"
        assert lines[0].startswith("vcost: ") and len(lines) == (2 if status == 2 else 1), lines
        for part in parts:
            assert part in lines[0], f"'{part}' is not in: {lines[0]}"
        assert not done.stdout and not list(work.iterdir())


@contextlib.contextmanager
def folder():
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def fixtures():
    found = sorted(FIXTURES.glob("*/*.json"))
    assert len(found) > 12
    return found


def test_each_result_in_each_format_by_extension_and_by_name():
    with folder() as work:
        for path in fixtures():
            for extension, name in FORMATS.items():
                assert report(path, "-o", work / f"x{extension}") == b""
                assert (work / f"x{extension}").read_bytes() == report(path, "--format", name), f"{path} {name}"
        assert sorted(each.suffix for each in work.iterdir()) == sorted(FORMATS)


def test_a_page_says_what_the_result_says():
    with folder() as work:
        for path in fixtures():
            report(path, "-o", work / "page.html")
            for name in ("terminal", "markdown", "csv", "json", "html"):
                again = report(work / "page.html", "--format", name)
                assert again == report(path, "--format", name), f"{path} as {name}"


def test_verbose_tells_more():
    path = FIXTURES / "amd/inspect.json"
    assert len(report(path, "--verbose")) > len(report(path)) > 1000


def test_stdin_is_read():
    path = FIXTURES / "amd/chase2.json"
    assert report("-", input=path.read_bytes()) == report(path)
    assert report("x=-", input=path.read_bytes()) == report(path)
    refused(["-", "x=-"], 2, "only one", "stdin")


def test_a_picture_in_dots():
    with folder() as work:
        done = vcost("report", FIXTURES / "amd/chase2.json", "-o", work / "x.png")
        if not shutil.which("rsvg-convert"):
            assert done.returncode == 77 and b"rsvg-convert" in done.stderr and not list(work.iterdir())
            raise tap.Skip("there is no rsvg-convert")
        assert done.returncode == 0 and (work / "x.png").read_bytes().startswith(b"\x89PNG")


def test_several_results_become_one_page_that_can_be_read_again():
    paths = [FIXTURES / f"amd/{name}.json" for name in ("chase2", "events-quick", "inspect")]
    with folder() as work:
        report(*paths, "-o", work / "all.html")
        kept = json.loads(report(work / "all.html", "--format", "json"))
        assert [each["experiment"] for each in kept] == ["chase", "events", "inspect"]
        for each, path in zip(kept, paths):
            assert each.pop("settings")  # which this vcost found out, to compare them
            assert each == json.loads(report(path, "--format", "json"))
        text = report(*paths).decode()
        for line in ("vcost chase", "vcost events", "vcost inspect", "pointer chase", "cpuid", "splintered"):
            assert line in text, line
        assert report(work / "all.html").decode() == text


def test_names_and_baseline():
    one, other = FIXTURES / "amd/chase2.json", FIXTURES / "intel/busy.json"
    text = report(f"old={one}", f"new={other}", "--baseline", "new").decode()
    assert "old" in text and "new" in text
    refused([f"x={one}", f"x={other}"], 1, "x is there twice")
    refused([one, one], 1, "is there twice", "NAME=")
    refused([f"x={one}", "--baseline", "y"], 1, '"y"')


def test_a_name_with_an_equals_sign_is_a_file_where_there_is_one():
    with folder() as work:
        shutil.copy(FIXTURES / "amd/chase2.json", work / "a=b.json")
        assert report("a=b.json", cwd=work) == report(FIXTURES / "amd/chase2.json")


def test_without_its_command_no_word_of_it_is_left():
    made = json.loads((FIXTURES / "amd/agent.json").read_text())
    command, old = "ssh qalice@qhost7.example.net 'cd /qdir; vcost agent'", "command:vcost agent"
    text = json.dumps(made).replace(old, "command:ssh qalice@qhost7.exa~0badcafe")
    made = json.loads(text.replace("vcost agent (kvm", "ssh qalice@qhost7.exa~0badcafe (kvm"))
    made["agents"][0]["command"] = command
    made["command"] = ["/home/qbob/vcost", "chase", "--on", "native", "--on", f"command:{command}", "--json", "/home/qbob/r.json"]
    made["complete"], made["incomplete_reason"] = False, f"command:ssh qalice@qhost7.exa~0badcafe: {command} went away"
    with folder() as work:
        (work / "r.json").write_text(json.dumps(made))
        for name in ("html", "terminal", "markdown", "csv", "svg", "json"):
            told = report("r.json", "--format", name, cwd=work).decode()
            assert name == "csv" or "qhost7" in told, f"{name}: the check below would not see it"
            told = report("r.json", "--no-command", "--format", name, cwd=work).decode()
            for word in ("qalice", "qhost7", "example.net", "qdir", "qbob", "0badcafe"):
                assert word not in told, f"{word} in {name}"
        kept = json.loads(report("r.json", "--no-command", "--format", "json", cwd=work))
        jsonschema.validate(kept, SCHEMA)
        assert kept["command"] == [] and kept["agents"][0]["monitor"] == "command:1"
        assert kept["settings"]["on"]["value"] == "native,command:1"
        assert len(kept["cells"]) == len(made["cells"])


def test_a_comparison_is_refused_with_what_to_do():
    with folder() as work:
        done = vcost("compare", FIXTURES / "amd/chase.json", FIXTURES / "amd/chase2.json", "--json", work / "c.json",
                     "--html", work / "c.html")
        assert done.returncode == 0, done.stderr
        assert b"vcost.compare/1" in (work / "c.html").read_bytes()
        for name in ("c.json", "c.html"):
            refused([work / name], 1, "is a comparison", "vcost compare A B --html FILE")


def test_what_is_no_result_is_refused():
    with folder() as work:
        for name, content, part in (("a", b"", "empty"), ("b", b"{", "JSON"), ("c", b"[]", "no result"), ("d", b"{}", "schema"),
                                    ("e", b"<!doctype html><title>x</title>", "without a vcost result")):
            (work / name).write_bytes(content)
            refused([work / name], 1, part)
    refused(["/nonexistent/file"], 1, "cannot read /nonexistent/file")
    refused([FIXTURES / "amd/chase.json", "-o", "x.pdf"], 2, "x.pdf", ".html")
    refused([FIXTURES / "amd/chase.json", "--format", "pdf"], 2, "pdf", "html")
    refused([FIXTURES / "amd/chase.json", "-o", "/nonexistent/x.html"], 1, "cannot write to /nonexistent/x.html")
    refused([FIXTURES / "amd/inspect.json", FIXTURES / "amd/none.json", "-o", "x.html"], 1, "none.json")


def test_the_same_results_give_the_same_bytes():
    for name in FORMATS.values():
        path = FIXTURES / "amd/matrix.json"
        assert report(path, "--format", name) == report(path, "--format", name)


def test_an_old_and_a_new_file_of_the_same_settings_differ_in_nothing_about_settings():
    with folder() as work:
        old = json.loads((FIXTURES / "amd/chase2.json").read_text())
        assert "settings" not in old
        new = json.loads(report(FIXTURES / "amd/chase2.json", "--no-command", "--format", "json"))
        assert "settings" in new and new["command"] == []
        (work / "new.json").write_text(json.dumps(new))
        done = vcost("compare", FIXTURES / "amd/chase2.json", work / "new.json", "--json", "-")
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["differences"] == []


tap.main(tap.cases(globals()))
