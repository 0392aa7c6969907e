#!/usr/bin/python3
"""The simulated machine against hardware: fitted on one measured curve, it predicts the others. Speaks TAP.

    test_model_hardware.py VCOST

tests/latency/calm/ has the same curves of one machine, measured twice while it had nothing else to do, tests/latency/zen5/ those of
another one, by --here, when all stood as it does. Whether this machine holds is told, not judged: it may be busy.
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
CALM, ZEN5 = (Path(__file__).resolve().parents[1] / "latency" / name for name in ("calm", "zen5"))
PLACE = tempfile.TemporaryDirectory()  # pylint: disable=consider-using-with


def vcost(*words):
    return subprocess.run([VCOST, *map(str, words), "--quiet"], capture_output=True, text=True, check=False)


def fitted(curves, folder=CALM):
    path = Path(PLACE.name, f"{folder.name}-{curves}")
    if not path.exists():
        done = vcost("model", "fit", folder / curves, "--json", path)
        assert done.returncode == 0, done.stderr
    return path, json.loads(path.read_text(encoding="utf-8"))


def judged(machine, curves, again, folder=CALM):
    done = vcost("model", "validate", "--machine", machine, folder / curves, folder / again, "--json", "-")
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


def test_a_machine_of_another_kind_is_predicted():
    for curves, again in (("curves.json", "again.json"), ("again.json", "curves.json")):
        path, _ = fitted(curves, ZEN5)
        status, table = judged(path, curves, again, ZEN5)
        print(f"# {curves}: median {table['all']['median_error']:.3f}, nine of ten within {table['all']['nine_of_ten_within']:.3f}")
        assert status == 0 and table["holds"] and len(table["curves"]) == 7, table


def test_without_prefetchers_or_neighbours_it_does_not():
    _, machine = fitted("curves.json")
    for member in ("prefetchers", "neighbours"):
        status, table = judged(without(machine, member), "curves.json", "again.json")
        print(f"# without {member}: median {table['all']['median_error']:.3f}, nine of ten within {table['all']['nine_of_ten_within']:.3f}")
        assert status == 3 and not table["holds"], table


def test_this_machine_is_measured_fitted_and_judged_at_once():
    """As one by one: what is kept gives the same machine and the same table again."""
    kept = Path(PLACE.name, "kept")
    kept.mkdir()
    done = vcost("model", "validate", "--here", "--time", "200", "--keep", kept, "--json", "-")
    if done.returncode == 1:
        assert "cannot be fitted" in done.stderr or "measure again" in done.stderr, done.stderr
        raise tap.Skip(done.stderr.strip())
    table = json.loads(done.stdout)
    assert done.returncode == (0 if table["holds"] else 3) and table["all"]["points"] > 0, done.stderr
    print(f"# here: holds {table['holds']}, median {table['all']['median_error']:.3f}, nine of ten within {table['all']['nine_of_ten_within']:.3f}")
    again = Path(PLACE.name, "again.json")
    assert vcost("model", "fit", kept / "curves.json", "--name", "this-host", "--json", again).returncode == 0
    assert again.read_bytes() == (kept / "this-host.json").read_bytes()
    done = vcost("model", "validate", "--machine", kept / "this-host.json", kept / "curves.json", kept / "again.json", "--json", "-")
    once_more = json.loads(done.stdout)  # of files, which keep ten digits
    assert once_more["sha256"] == table["sha256"] and len(once_more["curves"]) == len(table["curves"]), once_more
    for figure in ("points", "median_error", "nine_of_ten_within", "null_median_error"):
        assert abs(once_more["all"][figure] / table["all"][figure] - 1) < 1e-6, (figure, once_more["all"], table["all"])


tap.main(tap.cases(globals()))
