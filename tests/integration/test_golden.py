#!/usr/bin/python3
"""What is printed of saved results, byte for byte: every fixture in every format against tests/golden/. Speaks TAP.

    test_golden.py VCOST [--update]

With --update the golden files are written anew from what VCOST prints: then `git diff tests/golden` is what has changed for a
person, and has to be meant. Always 80 columns, UTF-8 and no colour.
"""
import difflib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import jsonschema

sys.dont_write_bytecode = True
import tap  # pylint: disable=wrong-import-position

TESTS = Path(__file__).resolve().parents[1]
FIXTURES, GOLDEN = TESTS / "fixtures", TESTS / "golden"
VCOST = str(Path(sys.argv[1]).resolve())
UPDATE = "--update" in sys.argv
ENVIRONMENT = {"LC_ALL": "C.UTF-8", "NO_COLOR": "1", "PATH": os.environ["PATH"]}

COMPARISONS = {
    "chase": ["amd/chase.json", "amd/chase2.json"],
    "slowdown": ["amd/chase.json", "amd/chase2.json", "--metric", "slowdown"],
    "page-sizes": ["amd/matrix.json", "amd/chase2.json"],
    "three": ["amd/chase.json", "amd/chase2.json", "amd/matrix.json"],
    "events": ["intel/events.json", "amd/events-quick.json"],
    "inspect": ["amd/inspect.json", "amd/watch.json"],
    "machines": ["intel/busy.json", "amd/chase.json"],
    "hog": ["intel/busy.json", "intel/hog.json"],
    "programs": ["amd/run.json", "amd/run-after.json"],
    "agent": ["intel/agent.json", "amd/agent.json"],
}


def fixtures():
    return sorted(path.relative_to(FIXTURES).with_suffix("") for path in FIXTURES.glob("*/*.json"))


def is_comparison(name):
    return json.loads((FIXTURES / f"{name}.json").read_text())["schema"] == "vcost.compare/1"


def results():
    return [name for name in fixtures() if not is_comparison(name)]


def printed(*arguments):
    """As a user sees it who stands in the folder of fixtures."""
    done = subprocess.run(["vcost", *map(str, arguments)], executable=VCOST, cwd=FIXTURES, env=ENVIRONMENT,
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=300, check=False)
    assert done.returncode == 0 and not done.stderr, f"status {done.returncode}: {done.stderr.decode()}"
    return done.stdout


def reported(*arguments):
    return {"txt": printed("report", *arguments)} | {
        suffix: printed("report", *arguments, "--format", name) for suffix, name in (("csv", "csv"), ("md", "markdown"))}


def compared(*arguments):
    """What goes to stdout and to files, by suffix."""
    with tempfile.TemporaryDirectory() as folder:
        files = {suffix: Path(folder) / suffix for suffix in ("csv", "md")}
        text = printed("compare", *arguments, "--csv", files["csv"], "--markdown", files["md"])
        return {"txt": text} | {suffix: path.read_bytes() for suffix, path in files.items()}


def difference(wanted, got, name):
    lines = difflib.unified_diff(wanted.decode(errors="replace").splitlines(), got.decode(errors="replace").splitlines(),
                                 f"golden/{name}", "now", lineterm="", n=1)
    return "\n".join(list(lines)[:18]) or "the ends of lines differ"


def check(name, outputs):
    """Every output against the golden file of that name and suffix."""
    wrong = []
    for suffix, got in outputs.items():
        path = GOLDEN / f"{name}.{suffix}"
        if UPDATE:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(got)
        wanted = path.read_bytes() if path.exists() else b""
        if got != wanted:
            wrong.append(difference(wanted, got, path.name))
    assert not wrong, "\n".join(wrong)


def without_later_fields(text):
    """A result without what 0.1.0 did not write yet: host.monitors, and the version that it is of."""
    kept, inside = [], False
    for line in text.decode().split("\n"):
        inside |= line == '  "monitors": ['
        if not inside:
            kept.append(line)
        inside &= line != "  ],"
    return "\n".join(kept).encode()


def report_case(name):
    return f"report of {name}", lambda: check(name, reported(f"{name}.json"))


def again_case(name):
    def case():
        original = (FIXTURES / f"{name}.json").read_bytes()
        again = printed("report", f"{name}.json", "--format", "json")
        kept = again if b'"monitors": [' in original else without_later_fields(again)
        assert kept == original, difference(original, kept, name)
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "again.json").write_bytes(again)
            assert printed("report", f"{folder}/again.json", "--format", "json") == again, "it changes again"
    return f"{name} read and written again is what it was", case


def compare_case(name, arguments):
    def case():
        outputs = compared(*arguments)
        check(f"compare/{name}", outputs | {"json": printed("compare", *arguments, "--json", "-")})
    return f"comparison of {name}", case


def reported_comparison_case(name, arguments):
    """A saved comparison says all that the comparison said."""
    def case():
        with tempfile.TemporaryDirectory() as folder:
            files = {suffix: f"{folder}/comparison.{suffix}" for suffix in ("json", "html")}
            printed("compare", *arguments, "--json", files["json"], "--html", files["html"])
            for path in files.values():
                got, said = reported(path), compared(*arguments)
                for suffix, text in said.items():
                    assert got[suffix] == text, difference(text, got[suffix], suffix)
                assert printed("report", path, "--format", "json") == Path(files["json"]).read_bytes(), "it changes"
            assert printed("report", files["json"], "--verbose") == printed("compare", *arguments, "--verbose")
    return f"comparison of {name}, saved and reported", case


def comparison_with_only():
    arguments = ["amd/chase.json", "amd/matrix.json", "--only", "*kvm*"]
    with tempfile.TemporaryDirectory() as folder:
        printed("compare", *arguments, "--json", f"{folder}/c.json")
        said, got = printed("compare", *arguments), printed("report", f"{folder}/c.json")
        assert got == said and b"\nOnly in A:" in said, difference(said, got, "only")
        assert printed("report", f"{folder}/c.json", "--format", "json") == (Path(folder) / "c.json").read_bytes()


def comparison_of_old_again():
    """It is written as it was, with `metric`, which 0.1.0 did not tell."""
    for path in (name for name in fixtures() if is_comparison(name)):
        original = json.loads((FIXTURES / f"{path}.json").read_text())
        again = json.loads(printed("report", f"{path}.json", "--format", "json"))
        schema = json.loads((TESTS.parent / "share/schema/vcost.compare-1.schema.json").read_text())
        for each in (original, again):
            jsonschema.validate(each, schema)
        assert again.pop("metric") == "time" and again == original


def verbose():
    check("amd/inspect-verbose", {"txt": printed("report", "--verbose", "amd/inspect.json")})


def schema_files():
    """They are made of the tables that read and write results and comparisons, and hold for those of earlier versions too."""
    for what, names in (("result", results()), ("compare", filter(is_comparison, fixtures())), ("remedy", [])):
        path = TESTS.parent / f"share/schema/vcost.{what}-1.schema.json"
        made = printed("generate", "schema", what)
        if UPDATE:
            path.write_bytes(made)
        assert path.read_bytes() == made, difference(path.read_bytes(), made, path.name)
        schema = json.loads(made)
        jsonschema.Draft202012Validator.check_schema(schema)
        for name in names:
            jsonschema.validate(json.loads((FIXTURES / f"{name}.json").read_text()), schema)


def no_golden_file_is_left_over():
    names = {f"{name}.{suffix}" for name in fixtures() for suffix in ("txt", "csv", "md")}
    names |= {f"compare/{name}.{suffix}" for name in COMPARISONS for suffix in ("txt", "csv", "md", "json")}
    names |= {"amd/inspect-verbose.txt"}
    left = {str(path.relative_to(GOLDEN)) for path in GOLDEN.rglob("*") if path.is_file()} - names
    assert not left, f"of no case: {sorted(left)}"


CASES = [report_case(name) for name in fixtures()] + [again_case(name) for name in results()]
CASES += [compare_case(name, arguments) for name, arguments in COMPARISONS.items()]
CASES += [reported_comparison_case(name, arguments) for name, arguments in COMPARISONS.items()]
CASES += [("a comparison of some cells, saved and reported", comparison_with_only)]
CASES += [("a comparison of 0.1.0 read and written again", comparison_of_old_again)]
CASES += [("report of amd/inspect, all of it", verbose), ("the schemas are those of the tables", schema_files),
          ("no golden file is left over", no_golden_file_is_left_over)]
tap.main(CASES)
