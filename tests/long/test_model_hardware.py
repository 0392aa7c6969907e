#!/usr/bin/python3
"""The simulated machine against hardware: fitted on one measured curve, it predicts the others. Speaks TAP.

    test_model_hardware.py VCOST

tests/latency/calm/ has the same curves of one machine, measured twice while it had nothing else to do.
"""
import json
import subprocess
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration"))
import tap  # pylint: disable=wrong-import-position

VCOST = str(Path(sys.argv[1]).resolve())
CALM = Path(__file__).resolve().parents[1] / "latency/calm"
PLACE = tempfile.TemporaryDirectory()  # pylint: disable=consider-using-with


def vcost(*words):
    return subprocess.run([VCOST, *map(str, words), "--quiet"], capture_output=True, text=True, check=False)


def fitted(curves):
    path = Path(PLACE.name, f"of-{curves}")
    if not path.exists():
        done = vcost("model", "fit", CALM / curves, "--json", path)
        assert done.returncode == 0, done.stderr
    return path, json.loads(path.read_text(encoding="utf-8"))


def judged(machine, curves, again):
    done = vcost("model", "validate", "--machine", machine, CALM / curves, CALM / again, "--json", "-")
    return done.returncode, json.loads(done.stdout)


def without(machine, member):
    path = Path(PLACE.name, f"without-{member}.json")
    path.write_text(json.dumps({name: value for name, value in machine.items() if name != member}), encoding="utf-8")
    return path


def test_what_is_fitted_on_one_run_predicts_its_other_curves():
    path, machine = fitted("curves.json")
    assert machine["below"]["page"] == 4096 and machine["neighbours"]["lines_per_us"] > 0, machine
    status, table = judged(path, "curves.json", "again.json")
    print(f"# median {table['all']['median_error']:.3f}, nine of ten within {table['all']['nine_of_ten_within']:.3f}")
    assert status == 0 and table["holds"] and len(table["curves"]) == 7, table


def test_what_is_fitted_on_the_other_run_predicts_the_median():
    """Nine of ten are not within 35 % there (doc/machines.md says why)."""
    path, _ = fitted("again.json")
    _, table = judged(path, "again.json", "curves.json")
    print(f"# median {table['all']['median_error']:.3f}, nine of ten within {table['all']['nine_of_ten_within']:.3f}")
    assert table["all"]["median_error"] <= 0.15 and table["all"]["nine_of_ten_within"] <= 0.45, table


def test_without_prefetchers_or_neighbours_it_does_not():
    _, machine = fitted("curves.json")
    for member in ("prefetchers", "neighbours"):
        status, table = judged(without(machine, member), "curves.json", "again.json")
        print(f"# without {member}: median {table['all']['median_error']:.3f}, nine of ten within {table['all']['nine_of_ten_within']:.3f}")
        assert status == 3 and not table["holds"], table


tap.main(tap.cases(globals()))
