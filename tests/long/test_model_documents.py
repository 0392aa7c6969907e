#!/usr/bin/python3
"""What doc/ says that the simulated machines say, said again: all of it is deterministic. Speaks TAP.

    test_model_documents.py VCOST TRENDS      TRENDS: the program test_model_trends
"""
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration"))
import tap  # pylint: disable=wrong-import-position

ROOT = Path(__file__).resolve().parents[2]
VCOST, TRENDS = (str(Path(path).resolve()) for path in sys.argv[1:3])
ARTICLE, MACHINES, MODEL, TECHNIQUES = (
    (ROOT / "doc" / name).read_text(encoding="utf-8") for name in ("the-article.md", "machines.md", "model.md", "techniques.md"))
MEROM = json.loads((ROOT / "share/machines/core2-merom.json").read_text(encoding="utf-8"))


def rows_of(text, head):
    """The rows below the head of a table, as lists of fields."""
    lines = text[text.index(head):].splitlines()[2:]
    table = lines[:next((i for i, line in enumerate(lines) if not line.startswith("|")), len(lines))]
    return [[field.strip() for field in line.strip("|").split("|")] for line in table]


def vcost(*words, status=0):
    done = subprocess.run([VCOST, *words, "--json", "-"], capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stderr
    return json.loads(done.stdout)


def as_written(text, begins):
    """The command of a document that begins so, without the pictures that it makes."""
    words = shlex.split(re.search(rf"vcost {re.escape(begins)}[^\n`]*", text)[0])[1:]
    return words[:words.index("--svg")] if "--svg" in words else words


def medians(result):
    """By technique and working set."""
    return {(cell["technique"], cell["parameters"]["working_set_bytes"]): cell["median"] for cell in result["cells"]}


def number(text):
    return float(text.replace(",", "").replace("−", "-").rstrip(" %"))


def expect(said, found, digits, what):
    assert abs(number(said) - found) < 0.51 * 10 ** -digits, f"{what}: {said} is written, {found:.4f} found"


def test_figure_1_reads_24_entries_of_which_10_are_in_memory():
    walk = vcost(*as_written(ARTICLE, "model walk"))
    levels = {cache["level"] for cache in json.loads((ROOT / "share/machines/barcelona.json").read_text(encoding="utf-8"))["caches"]}
    far = sum(step["served_by_level"] > max(levels) for step in walk["steps"])
    assert len(walk["steps"]) == 24 and far == int(re.search(r"Of the 24 reads (\d+) went to memory", ARTICLE)[1]), far


def test_figure_2_amd():
    found = medians(vcost(*as_written(ARTICLE, "chase --on model:barcelona")))
    rise = {(technique, size): 100 * (median / found["none", size] - 1) for (technique, size), median in found.items()}
    for row in rows_of(ARTICLE, "| working set | nested over native"):
        size = int(re.search(r"(\d+) MiB", row[0])[1]) << 20
        for said, technique in zip(row[1:], ("nested", "shadow")):
            sizes = [at for name, at in rise if name == technique and (at <= size if row[0].startswith("up to") else at == size)]
            for at in sizes:
                if said == "0" and technique == "shadow":
                    assert rise[technique, at] == 0, (row, at, rise[technique, at])
                elif said == "0":
                    assert abs(rise[technique, at]) < 0.5, (row, at, rise[technique, at])
                else:
                    expect(said, rise[technique, at], len(said.rstrip(" %").partition(".")[2]), (row, at))


def test_figure_2_intel_is_flat():
    found = medians(vcost(*as_written(ARTICLE, "chase --on model:core2-merom --technique native,shadow --working-set 64K")))
    for (technique, size), median in found.items():
        assert median == found["none", size], (technique, size)


def test_what_events_cost_on_merom():
    for rates, native, shadow, over, _ in rows_of(ARTICLE, "| `--rates`, in a million accesses"):
        found = medians(vcost("chase", "--on", "model:core2-merom", "--technique", "native,shadow", "--working-set", "64M", "--rates", rates.strip("`")))
        at = 64 << 20
        expect(native, found["none", at], 1, rates)
        expect(shadow, found["shadow", at], 1, rates)
        expect(over, 100 * (found["shadow", at] / found["none", at] - 1), 1, rates)


def test_arithmetic_of_17_per_cent():
    costs = MEROM["costs"]
    hidden = costs["exit"] + costs["hidden_fault"]
    first_touch = hidden + costs["exit"] + costs["table_store"] + costs["exit"]
    lazy = hidden + costs["exit"]
    said = [row[1] for row in rows_of(ARTICLE, "| what | costs | 17 % takes")]
    for text, cost in zip((said[0], said[1], said[3], said[4]), (costs["exit"], hidden, first_touch, lazy)):
        assert text.startswith(str(cost)), (text, cost)


def test_demand_paging():
    found = medians(vcost(*as_written(MODEL, "chase --on model:barcelona --technique native,direct,shadow,nested")))
    said = re.search(r"without; with it ([\d.]+) natively, ([\d.]+) nested, ([\d.]+) direct, ([\d.]+) under shadow", MODEL)
    for text, technique in zip(said.groups(), ("none", "nested", "direct", "shadow")):
        expect(text, found[technique, 1 << 20], 1, technique)


def test_machines_against_what_is_published():
    said = {row[0].strip("`"): row for row in rows_of(MACHINES, "| machine | curve | points |")}
    published = vcost("model", "validate", status=3)["published"]
    assert sorted(said) == sorted(row["machine"] for row in published)
    for row in published:
        _, _, points, median, ninth, worst, agrees, _ = said[row["machine"]]
        assert int(points) == row["points"] and (agrees == "yes") == row["agrees"], row
        for text, share in ((median, row["median_error"]), (ninth, row["nine_of_ten_within"]), (worst, row["worst_error"])):
            expect(text, 100 * share, len(text.rstrip(" %").partition(".")[2]), row["machine"])


def test_barcelona_with_frames_in_order():
    found = medians(vcost(*as_written(MACHINES, "chase --on model:barcelona --technique native,nested --frames in-order")))
    said = re.search(r"nothing up to 2 MiB, \+([\d.]+) % at 4 MiB, \+([\d.]+) % at 16, \+([\d.]+) % at 64, \+([\d.]+) % at 128, \+([\d.]+) % at 256", MACHINES)
    for text, mib in zip(("0.0", *said.groups()), (2, 4, 16, 64, 128, 256)):
        expect(text, 100 * (found["nested", mib << 20] / found["none", mib << 20] - 1), 1, mib)


def test_changes_of_page_tables():
    told = subprocess.run([TRENDS], capture_output=True, text=True, check=False).stdout
    found = {(where, int(every)): figures for where, every, *figures in re.findall(
        r"a change (anywhere|of one table) every (\d+) accesses: shadow ([\d.]+), nested ([\d.]+), agile ([\d.]+)", told)}
    for row in rows_of(TECHNIQUES, "| a change every | anywhere: shadow"):
        every = int(re.sub(r"\D", "", row[0]) or 0)
        assert found["anywhere", every] == row[1:4] and found["of one table", every] == row[4:], (row, found["anywhere", every], found["of one table", every])
    ceased = re.search(r"changes have ceased: shadow ([\d.]+), nested ([\d.]+), agile ([\d.]+)", told)
    assert f"{ceased[1]} cycles for shadow, {ceased[2]} nested, {ceased[3]} agile" in " ".join(TECHNIQUES.split()), ceased[0]


tap.main(tap.cases(globals()))
