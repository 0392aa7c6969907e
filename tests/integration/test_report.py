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
COMPARISON = FIXTURES / "intel/compare.json"
SCHEMA = json.loads((ROOT / "share/schema/vcost.result-1.schema.json").read_text())
VCOST = str(Path(sys.argv[1]).resolve())
ENVIRONMENT = {"LC_ALL": "C.UTF-8", "NO_COLOR": "1", "PATH": os.environ["PATH"]}
FORMATS = {".html": "html", ".md": "markdown", ".csv": "csv", ".svg": "svg"}


def vcost(*arguments, **options):
    return subprocess.run([VCOST, *map(str, arguments)], capture_output=True, env=ENVIRONMENT, timeout=300, check=False, **options)


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
    """The results; what is said of a saved comparison test_golden.py compares with what was said then."""
    found = sorted(path for path in FIXTURES.glob("*/*.json") if path != COMPARISON)
    assert len(found) > 12
    return found


def test_each_result_in_each_format_by_extension_and_by_name():
    with folder() as work:
        for path in fixtures():
            for extension, name in FORMATS.items():
                if path.stem in ("advise", "verify") and name in ("svg", "png"):
                    refused([path, "-o", work / f"y{extension}"], 1, "that a picture could show")
                    continue
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
        done = vcost("compare", work / "all.html", paths[0])
        assert done.returncode == 1 and b"holds 3 results where one is wanted" in done.stderr, done.stderr


def test_results_with_nothing_in_common_are_told_one_after_the_other():
    with folder() as work:
        result = json.loads((FIXTURES / "amd/run.json").read_text())
        (work / "other.json").write_text(json.dumps(result).replace("sort", "tac"))
        said = " ".join(report(FIXTURES / "amd/run.json", work / "other.json").decode().split())
    assert "These results are not compared: there is nothing to compare: " in said, said
    assert "run ran sort words.txt, sort -u words.txt, and other ran tac words.txt, tac -u words.txt: run the same" in said, said
    assert "In a guest sort words.txt takes" in said and "In a guest tac words.txt takes" in said, said


def test_an_interval_that_reaches_beyond_what_means_something_is_cut_beyond_the_ratio():
    result = json.loads((FIXTURES / "amd/run.json").read_text())
    comparison = next(each for each in result["comparisons"] if each["cell"] == "run/kvm/sort words.txt")
    for ratio, low, high, told in ((20, 0.001, 5000, "20 times as long as natively (under 0.01 … over 100)"),
            (216, 104, 50000, "216 times as long as natively (104 … over 2160)"), (1234, 1100, 1300, "1234 times as long as natively (1100 … 1300)")):
        comparison["ratio"], comparison["low"], comparison["high"] = ratio, low, high
        with folder() as work:
            (work / "run.json").write_text(json.dumps(result))
            assert f"takes {told}" in " ".join(report(work / "run.json").decode().split()), told


def test_where_the_clock_tells_no_difference_cpu_time_may():
    result = json.loads((FIXTURES / "amd/run.json").read_text())
    comparison = next(each for each in result["comparisons"] if each["cell"] == "run/kvm/sort words.txt")
    longer = " ".join(report(FIXTURES / "amd/run.json").decode().split()).count("A run takes")
    comparison["low"], comparison["high"] = 0.9, 3
    cpu = next(cell for cell in result["cells"] if cell["id"] == comparison["cell"])["account"]["cpu"]
    for low, high, told in (
            (8e6, 14e6, "takes 11.6 ms more CPU time than natively (8.00 ms … 14.0 ms). By the clock no difference can be told: it takes"),
            (-14e6, -8e6, "takes 11.6 ms less CPU time than natively (8.00 ms … 14.0 ms). By the clock no difference can be told: it takes"),
            (-1e6, 14e6, "No difference can be told by the clock, nor in CPU time: in a guest sort words.txt takes")):
        cpu["low_ns"], cpu["high_ns"] = low, high
        cpu["difference_ns"] = abs(cpu["difference_ns"]) * (-1 if high < 0 else 1)
        said = " ".join(report("-", input=json.dumps(result).encode()).decode().split())
        assert f"{told} 2.46 times as long as natively (0.9 … 3). More runs tell more" in said, said
        assert said.count("A run takes") == longer - 1, said


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


def test_a_comparison_is_reported_alone():
    text = report(COMPARISON)
    assert report("-", input=COMPARISON.read_bytes()) == report(f"x={COMPARISON}") == text
    with folder() as work:
        report(COMPARISON, "-o", work / "c.html")
        report(COMPARISON, "-o", work / "c.json")
        assert report(work / "c.html") == report(work / "c.json") == text
        for other in (COMPARISON, FIXTURES / "amd/chase.json"):
            refused([COMPARISON, f"x={other}"], 1, "is a comparison, which is reported alone")
            refused([f"x={other}", COMPARISON], 1, "is a comparison, which is reported alone")
        (work / "list.json").write_text(f"[{COMPARISON.read_text()}]")
        refused([work / "list.json"], 1, "is a comparison")
        refused([COMPARISON, "--no-command"], 1, "--no-command: a comparison")
        refused([COMPARISON, "--baseline", "x"], 1, "--baseline: a comparison")
        done = vcost("compare", COMPARISON, FIXTURES / "amd/chase.json")
        assert done.returncode == 1 and b"is a comparison" in done.stderr, done.stderr


def changed(path, value):
    """The saved comparison with a member changed, or (value DROP) left out."""
    kept = json.loads(COMPARISON.read_text())
    *way, last = path
    at = kept
    for key in way:
        at = at[key]
    if value is DROP:
        del at[last]
    else:
        at[last] = value(at[last]) if callable(value) else value
    return kept


DROP = object()
ROW = ("times", 3)
SLOWDOWN = ("slowdowns", 2)
HOSTILE = [
    (("schema",), "vcost.compare/2", "is of schema vcost.compare/2, and this vcost reads vcost.compare/1"),
    (("tool",), DROP, '"tool" is missing'),
    (("command", 0), 7, "command[0] is a whole number and should be a text"),
    (("files",), lambda files: files * 5, "files: 10 are too many"),
    (("files",), lambda files: files[:1], "files: a comparison is of two or more"),
    (("files",), lambda files: files + files[:1], "has not one item for each of 3 files"),
    (("files", 1, "complete"), "yes", "files[1].complete is a text"),
    (("files", 1, "cells", "good"), -1, "files[1].cells.good is -1"),
    (("files", 0, "cells", "noisy"), DROP, '"noisy" is missing'),
    (("files", 0, "cells", "noisy"), 3, "files[0] has fewer cells than are compared"),
    (("differences", 0, "values"), [None], "differences[0].values has not one item"),
    (("differences", 0, "values"), [None, 7], "differences[0].values[1] is a whole number"),
    (("times",), [], "is in none of its times"),
    (("times", 1), lambda row: 7, "times[1] is a whole number"),
    (("times", 1, "id"), "chase/native/random/4096/64/-/4096", "is there twice"),
    ((*ROW, "id"), "", "times[3].id is empty or too long"),
    ((*ROW, "id"), "x" * 128, "times[3].id is empty or too long"),
    ((*ROW, "values"), lambda values: values * 40, "times[3].values: 80 are too many"),
    ((*ROW, "values"), lambda values: values * 2, "times[3].changes has 1 items for 4 files"),
    ((*ROW, "values", 0), None, "times[3]: the first file does not have it"),
    ((*ROW, "values", 1), None, "times[3].changes[0] is a change of what the file does not have"),
    ((*ROW, "values", 1), 7, "times[3].values[1] is a whole number and should be an object or null"),
    ((*ROW, "values", 1, "value"), 1e300, "times[3].values[1].value is 1e+300"),
    ((*ROW, "values", 1, "low"), 1e9, "times[3].values[1]: the value lies outside of its interval"),
    ((*ROW, "values", 1, "high"), -1, "times[3].values[1]: the value lies outside of its interval"),
    ((*ROW, "values", 1, "quality"), "great", "times[3].values[1].quality is none that is known"),
    ((*ROW, "changes"), [], "times[3].changes has 0 items for 2 files"),
    ((*ROW, "changes", 0), None, "times[3].changes[0] is null"),
    ((*ROW, "changes", 0, "low"), None, "times[3].changes[0]: a part of the interval is missing"),
    ((*ROW, "changes", 0, "ratio"), None, "times[3].changes[0]: a part of the interval is missing"),
    ((*ROW, "changes", 0, "low"), 1e9, "times[3].changes[0]: the ratio lies outside of its interval"),
    ((*ROW, "changes", 0, "placements"), [3], "times[3].changes[0].placements is not two numbers"),
    ((*ROW, "changes", 0, "placements"), [3, -3], "times[3].changes[0].placements[1] is -3, which counts nothing"),
    ((*SLOWDOWN, "id"), "other", "slowdowns: other is in none of its times"),
    ((*SLOWDOWN, "baseline"), "", "slowdowns[2].baseline is empty or too long"),
    (("absences", 0, "files"), [True], "absences[0].files has not one item"),
    (("absences", 0, "files"), [True, 1], "absences[0].files[1] is a whole number"),
    (("absences", 0, "id"), "chase/native/random/4096/64/-/4096", "absences[0] contradicts times"),
    (("absences", 1), lambda row: {"id": "chase/native/random/5824/64/-/4096", "files": [True, False]}, "is there twice"),
    (("threshold",), 7, "threshold is a whole number and should be an object or null"),
    (("threshold",), {"percent": -5, "metric": "time"}, "threshold.percent is no threshold"),
    (("threshold",), {"percent": 5, "metric": "speed"}, "threshold.metric is none that is known"),
]


def test_a_comparison_that_is_none_is_refused():
    with folder() as work:
        for path, value, sentence in HOSTILE:
            (work / "c.json").write_text(json.dumps(changed(path, value)))
            refused([work / "c.json"], 1, sentence)
        (work / "c.json").write_text(json.dumps({**changed(("times",), []), "slowdowns": []}))
        refused([work / "c.json"], 1, "times: it compares nothing")


def test_a_comparison_of_what_is_not_known_is_reported():
    """An id that this vcost does not understand is its name; fields that it does not know are passed over."""
    with folder() as work:
        name = "later/kvm/what/1/2"
        for path, value, part in (((*ROW, "id"), name, name), (("more",), [1], ""),
                                  (("files", 0, "name"), "a/\x1b[31m.json", "[31m"), (("differences",), [], "are the same"),
                                  (("threshold",), {"percent": 5, "metric": "slowdown"}, "slowdown")):
            kept = changed(path, value)
            if path == (*ROW, "id"):
                kept["slowdowns"] = []  # which would be of a cell that is in no row
            (work / "c.json").write_text(json.dumps(kept))
            text = report(work / "c.json").decode()
            assert part in text and "\x1b" not in text, text


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
