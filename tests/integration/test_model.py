#!/usr/bin/python3
"""vcost on simulated machines, as a user types it. Speaks TAP.

    test_model.py VCOST
"""
import csv
import hashlib
import io
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import jsonschema

sys.dont_write_bytecode = True
import tap  # pylint: disable=wrong-import-position

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "share/schema/vcost.result-1.schema.json").read_text())
MACHINE = json.loads((ROOT / "share/schema/vcost.machine-1.schema.json").read_text())
BARCELONA = hashlib.sha256((ROOT / "share/machines/barcelona.json").read_bytes()).hexdigest()
VCOST = str(Path(sys.argv[1]).resolve())
SMALL = ["chase", "--working-set", "64K..4M", "--per-octave", "1", "--quick", "--json", "-"]


def vcost(*arguments):
    return tap.calm(subprocess.run([VCOST, *arguments], capture_output=True, text=True, timeout=300))


def output_of(*arguments):
    done = vcost(*arguments)
    assert done.returncode == 0, f"exit status {done.returncode}: {done.stderr}"
    return done.stdout


def chase(*arguments):
    result = json.loads(output_of(*SMALL, *arguments))
    jsonschema.validate(result, SCHEMA)
    assert result["complete"], result["incomplete_reason"]
    return result


def figures(result):
    return {cell["id"]: cell["median"] for cell in result["cells"] if cell["monitor"].startswith("model:")}


def test_native_and_a_simulated_machine_stand_side_by_side():
    result = chase("--on", "native,model:barcelona", "--technique", "native,nested")
    cells = {cell["id"]: cell for cell in result["cells"]}
    assert {cell["monitor"] for cell in cells.values()} == {"native", "model:barcelona:native", "model:barcelona:nested"}
    for cell in cells.values():
        if cell["monitor"] != "native":
            assert cell["deterministic"] and len(cell["samples"]) == 1 and cell["low"] is None
            modelled = cell["modelled"]
            assert modelled["sha256"] == BARCELONA and modelled["file"] == "barcelona.json", modelled
            assert sum(modelled["account"].values()) == modelled["cycles"], modelled
            ns = modelled["cycles"] / modelled["accesses"] / modelled["ghz"]
            assert abs(ns / cell["median"] - 1) < 1e-6, (ns, cell["median"])
            assert cell["pages_obtained"]["proof"].startswith("modelled: "), cell["pages_obtained"]["proof"]
    compared = {(cells[each["cell"]]["monitor"], cells[each["baseline"]]["monitor"]) for each in result["comparisons"]}
    assert compared == {("model:barcelona:nested", "model:barcelona:native")}, compared


def test_what_is_simulated_alone_binds_no_cpu_and_is_marked_everywhere():
    arguments = ["chase", "--on", "model:barcelona", "--technique", "native,nested", "--working-set", "64K..1M", "--quick"]
    done = vcost(*arguments, "--json", "-")
    result = json.loads(done.stdout)
    jsonschema.validate(result, SCHEMA)
    assert done.stderr == "", done.stderr
    assert result["cpu"] is None and result["tsc_ghz"] is None, (result["cpu"], result["tsc_ghz"])
    assert not result["reaches"] and not any(cell["quality"] != "good" for cell in result["cells"])
    rows = list(csv.DictReader(io.StringIO(output_of(*arguments, "--csv", "-"))))
    assert {(row["modelled"], row["machine_sha256"]) for row in rows} == {("barcelona", BARCELONA)}, rows
    text = output_of(*arguments)
    assert "Nothing here was measured" in text and BARCELONA[:12] in text, text
    for word in ("disturbed", "Linux", "interval is", "CPUID", "95 %"):
        assert word not in text, f"{word}: {text}"
    with tempfile.TemporaryDirectory() as place:
        for name in ("a.svg", "a.html"):
            output_of(*arguments, *(["--svg"] if name == "a.svg" else ["--html"]), f"{place}/{name}")
            assert "modelled, not measured" in Path(place, name).read_text(encoding="utf-8")


def test_the_same_frames_natively_and_below_a_guest():
    """What fits the TLBs costs the same, whichever sets its few pages share."""
    found = figures(chase("--on", "model:barcelona", "--technique", "native,nested,shadow"))
    for size in (65536, 131072, 262144):
        at = f"chase/model:barcelona:{{}}/random/{size}/64/{{}}/4096"
        native = found[at.format("native", "-")]
        assert native == found[at.format("shadow", 4096)], size
        assert abs(found[at.format("nested", 4096)] / native - 1) < 0.002, (size, found)


def test_a_machine_of_the_users_own():
    with tempfile.TemporaryDirectory() as place:
        own = json.loads((ROOT / "share/machines/barcelona.json").read_text())
        own["name"], own["memory"]["cycles"] = "mine", 2000
        path = Path(place, "mine.json")
        path.write_text(json.dumps(own), encoding="utf-8")
        result = chase("--on", f"model:{path}")
        assert {cell["monitor"] for cell in result["cells"]} == {"model:mine:native", "model:mine:nested"}
        assert {cell["modelled"]["file"] for cell in result["cells"]} == {str(path)}
        copy = Path(place, "copy.json")
        copy.write_text(json.dumps(own), encoding="utf-8")
        done = vcost(*SMALL, "--on", f"model:{path}", "--on", f"model:{copy}")
        assert done.returncode != 0 and 'both named "mine"' in done.stderr, done.stderr
        done = vcost(*SMALL, "--on", f"model:{path},native")
        assert done.returncode == 2 and "given again" in done.stderr, done.stderr


def test_it_is_the_same_each_time():
    arguments = ["--on", "model:zen3-milan,model:core2-merom", "--technique", "native,shadow,direct"]
    assert figures(chase(*arguments)) == figures(chase(*arguments))
    assert figures(chase(*arguments)) != figures(chase(*arguments, "--seed", "2"))


def test_techniques_that_walk_together_are_as_alone():
    together = chase("--on", "model:zen3-milan", "--technique", "native,nested,shadow", "--guest-page", "4K,2M")
    cells = {cell["id"]: cell["modelled"] for cell in together["cells"]}
    alone = [cell for technique in ("native", "nested", "shadow")
             for cell in chase("--on", "model:zen3-milan", "--technique", technique, "--guest-page", "4K,2M")["cells"]]
    assert len(alone) == len(cells) == 7 * (1 + 2 * 2), (len(alone), len(cells))
    for cell in alone:
        assert cells[cell["id"]] == cell["modelled"], cell["id"]


def test_what_is_compared_is_exact():
    with tempfile.TemporaryDirectory() as place:
        files = [f"{place}/{name}.json" for name in "ab"]
        for file, machine in zip(files, ("barcelona", "slower")):
            own = json.loads((ROOT / "share/machines/barcelona.json").read_text())
            own["memory"]["cycles"] *= 1 + (machine == "slower")
            Path(place, "barcelona.json").write_text(json.dumps(own), encoding="utf-8")
            output_of(*SMALL[:-1], file, "--on", f"model:{place}/barcelona.json", "--technique", "native,nested")
        same, slower = (output_of("compare", files[0], other) for other in (files[0], files[1]))
    assert "does not differ" in same and "agree within 3 % in 14 of 14" in same and "changes are exact" in same, same
    assert "is slower than" in slower and "different times" not in slower and "changes are exact" in slower, slower


def test_nested_paging_costs_more_than_native_and_large_pages_less():
    found = figures(chase("--on", "model:barcelona", "--guest-page", "4K,2M", "--host-page", "4K,2M"))
    at = "chase/model:barcelona:{}/random/4194304/64/{}/{}"
    native, nested = found[at.format("native", "-", 4096)], found[at.format("nested", 4096, 4096)]
    large = found[at.format("nested", 2097152, 2097152)]
    assert native < nested, (native, nested)
    assert large < nested, (large, nested)


def test_what_a_machine_lacks_is_refused_without_hypothetical():
    done = vcost(*SMALL, "--on", "model:core2-merom", "--technique", "nested")
    assert done.returncode == 2 and "has no nested paging" in done.stderr and "--hypothetical" in done.stderr, done.stderr
    done = vcost(*SMALL, "--on", "model:barcelona,model:core2-merom", "--host-page", "1G", "--technique", "native")
    assert done.returncode == 2 and "core2-merom has no pages of 1 GiB" in done.stderr, done.stderr
    for lacks in ("nested", "agile"):
        done = vcost("model", "walk", "0x1000", "--machine", "core2-merom", "--technique", lacks)
        assert done.returncode == 2 and "has no nested paging" in done.stderr, done.stderr
    chase("--on", "model:core2-merom", "--technique", "nested", "--hypothetical")


def test_a_report_says_that_figures_are_modelled():
    text = output_of("chase", "--working-set", "1M..4M", "--quick", "--on", "native,model:barcelona")
    assert "modelled" in text and "native there" in text, text


def test_explain_adds_up():
    arguments = ["chase", "--on", "model:barcelona", "--technique", "nested", "--working-set", "64K..4M", "--per-octave", "1"]
    text = output_of(*arguments, "--explain")
    assert "guest walk" in text and "host walk" in text and "Stacked" in text, text
    assert "page walk" in output_of(*arguments[:4], "shadow", *arguments[5:], "--explain")
    assert "--explain" not in text and "Where the cycles of what is modelled go: --explain." in output_of(*arguments)
    with tempfile.TemporaryDirectory() as place:
        assert "Stacked" not in output_of(*arguments, "--svg", f"{place}/curve.svg")
        assert "--explain" not in Path(place, "curve.svg").read_text(encoding="utf-8")
    page = output_of(*arguments, "--explain", "--markdown", "-")
    table = [line for line in page[page.index("by what they were for"):].splitlines() if line.startswith("|")]
    for line in table[2:]:
        *parts, total = [float(field) for field in line.strip("|").replace(",", "").split("|")[1:] if field.strip() not in ("", "-", "–")]
        assert abs(sum(parts) / total - 1) < 0.01, line


def test_show_names_the_source_of_each_figure():
    text = output_of("model", "show", "barcelona", "--markdown", "-")
    own = json.loads(output_of("model", "show", "barcelona", "--json", "-"))
    assert own == json.loads((ROOT / "share/machines/barcelona.json").read_text())
    for source in (own["walker"]["sources"]["cycles"], own["costs"]["sources"]["exit"], own["caches"][0]["sources"]["ways"]):
        assert source[:20] in text, source
    assert "| 4 KiB, 2 MiB, 1 GiB |" in text and f"{own['pages'][2]}" not in text, text


def as_measured(machine, orders, path):
    """A result as if a host with that machine's latencies had measured natively: of its simulated cells."""
    result = json.loads((ROOT / "tests/fixtures/amd/chase.json").read_text())
    model = json.loads(output_of("chase", "--on", f"model:{machine}", "--technique", "native", "--order", orders,
                                 "--working-set", "4K..8M", "--per-octave", "1", "--json", "-"))
    for cell in model["cells"]:
        del cell["modelled"]
        cell["id"] = cell["id"].replace(cell["monitor"], "native")
        cell["monitor"] = cell["label"] = "native"
    result["cells"], result["comparisons"], result["reaches"] = model["cells"], [], []
    result["tsc_ghz"] = json.loads(Path(machine).read_text())["ghz"]
    Path(path).write_text(json.dumps(result), encoding="utf-8")


def test_fit_finds_the_machine_again_and_validate_judges_it():
    with tempfile.TemporaryDirectory() as place:
        own = json.loads((ROOT / "share/machines/zen4-genoa.json").read_text())
        own["name"] = "own"
        cycles = {1: 4, 2: 22, 3: 77}
        for cache in own["caches"]:
            cache["cycles"] = cycles[cache["level"]]
            cache["bytes"] = 2 << 20 if cache["level"] == 3 else cache["bytes"]
        own["memory"]["cycles"] = 500
        machine, curves, fitted = (f"{place}/{name}.json" for name in ("own", "curves", "fitted"))
        Path(machine).write_text(json.dumps(own), encoding="utf-8")
        as_measured(machine, "random,line-per-page,sequential", curves)
        told = output_of("model", "fit", curves, "--json", fitted)
        assert told.index("Fitted on") < told.index("fitted: native chase") and "assumed: as" not in told, told
        found = json.loads(Path(fitted).read_text())
        jsonschema.validate(found, MACHINE)
        data = [cache for cache in found["caches"] if cache["use"] != "instructions"]
        assert data[2]["bytes"] == 2 << 20, data[2]["bytes"]
        for cache in data:
            assert abs(cache["cycles"] / cycles[cache["level"]] - 1) < 0.1, cache
        assert abs(found["memory"]["cycles"] / 500 - 1) < 0.05, found["memory"]
        assert found["memory"]["sources"]["cycles"].startswith("fitted: ")
        assert found["costs"]["sources"]["exit"].startswith("assumed: as zen4-genoa")
        assert found["caches"][0]["sources"]["bytes"].startswith("the host's own")
        done = vcost("model", "validate", "--machine", fitted, curves, "--json", "-")
        table = json.loads(done.stdout)
        assert done.returncode == 0 and table["holds"] and table["all"]["median_error"] < 0.05, table
        done = vcost("model", "validate", "--machine", "nehalem", curves, "--json", "-")
        assert done.returncode == 3 and not json.loads(done.stdout)["holds"], done.stdout
        done = vcost("model", "fit", str(ROOT / "tests/fixtures/amd/events-quick.json"))
        assert done.returncode == 1 and "8 are needed" in done.stderr, done.stderr


def test_what_small_pages_within_large_ones_differ_by_is_told():
    arguments = ["chase", "--on", "model:zen3-milan", "--technique", "native,shadow", "--working-set", "512K", "--quick"]
    told = "in frames of their own within the host's large ones"
    for guest, host in (("4K", "2M"), ("4K", "4K"), ("2M", "2M")):
        said = " ".join(output_of(*arguments, "--guest-page", guest, "--host-page", host).split())
        assert (told in said) == (guest != host), said


def test_a_walk_as_a_picture():
    with tempfile.TemporaryDirectory() as place:
        output_of("model", "walk", "0x7f1234567000", "--svg", f"{place}/walk.svg")
        picture = Path(place, "walk.svg").read_text(encoding="utf-8")
    assert "Columns: each entry of the guest" in picture
    assert picture.count('class="k"') == 3 + 25 and picture.count('class="a"') == 24, picture.count('class="k"')


def test_a_walk_is_through_the_tables_that_the_technique_has():
    for technique, tables in (("native", "program"), ("direct", "guest"), ("shadow", "shadow"), ("agile", "shadow")):
        with tempfile.TemporaryDirectory() as place:
            walk = json.loads(output_of("model", "walk", "0x7f1234567000", "--technique", technique, "--svg", f"{place}/walk.svg",
                                        "--json", "-"))
            picture = Path(place, "walk.svg").read_text(encoding="utf-8")
        assert [step["tables"] for step in walk["steps"]] == [tables] * 4, (technique, walk)
        text = output_of("model", "walk", "0x7f1234567000", "--technique", technique)
        assert f"{tables} tables level 1" in text and picture.count('class="k"') == 2 + 5, (technique, text)
        for told in (text.partition("Entries that are read")[2], picture.rpartition("entry by entry")[2]):
            assert "host" not in told and ("guest" in told) == (tables == "guest"), told


def test_a_walk_shows_24_reads():
    walk = json.loads(output_of("model", "walk", "0x7f1234567000", "--json", "-"))
    assert len(walk["steps"]) == 24, len(walk["steps"])
    assert [step["tables"] for step in walk["steps"]].count("guest") == 4
    assert "24 entries" in output_of("model", "walk", "0x7f1234567000")
    cached = json.loads(output_of("model", "walk", "0x7f1234567000", "--walk-caches", "--json", "-"))
    assert 10 < len(cached["steps"]) < 24, len(cached["steps"])
    for pages, reads in ((("2M", "4K"), 19), (("4K", "2M"), 19), (("2M", "2M"), 15)):
        walk = json.loads(output_of(
            "model", "walk", "0x7f1234567000", "--guest-page", pages[0], "--host-page", pages[1], "--json", "-"))
        assert len(walk["steps"]) == reads, (pages, len(walk["steps"]))


def test_an_address_is_decimal_or_hexadecimal():
    for words, address in (("0", 0), ("0010", 10), ("08", 8), ("0X10", 16), ("140737488355327", (1 << 47) - 1), ("0x7fffffffffff", (1 << 47) - 1)):
        walk = json.loads(output_of("model", "walk", words, "--json", "-"))
        assert int(walk["address"], 16) == address, (words, walk["address"])
    for words in ("0x", "0x800000000000", "99999999999999999999", "+5", " 5", "5 ", "1e5", "0b11", "0x-5", "4K", ""):
        done = vcost("model", "walk", words)
        assert done.returncode == 2 and "is no address" in done.stderr, (words, done.stderr)
    done = vcost("model", "walk", "0", "--technique", "native", "--host-page", "2M")
    assert done.returncode == 2 and "--guest-page" in done.stderr, done.stderr


def test_several_chains_have_a_range():
    arguments = ["chase", "--on", "model:barcelona", "--technique", "native,nested", "--working-set", "8M", "--quick"]
    told = " ".join(output_of(*arguments, "--chains", "4").split())
    cells = json.loads(output_of(*arguments, "--chains", "4", "--json", "-"))["cells"]
    best, worst = (nested / native for native, nested in zip(*[
        (cell["metrics"]["time at best"]["value"], cell["median"]) for cell in cells]))
    assert f"cost {100 * (best - 1):.1f} to {100 * (worst - 1):.1f} % more" in told and "are a range" in told, told
    assert best < worst and told.count("at best") == 3, told
    assert "at best" not in output_of(*arguments)


def test_a_curve_that_says_nothing_is_not_fitted():
    done = vcost("model", "fit", ROOT / "tests/fixtures/intel/matrix.json", "--quiet")
    assert done.returncode == 1 and "cannot be fitted: at 10 of its 14 working sets" in done.stderr, done.stderr


def test_without_a_result_machines_are_held_against_what_is_published():
    done = vcost("model", "validate", "--machine", "core2-merom", "--json", "-")
    table = json.loads(done.stdout)
    (row,) = table["published"]
    assert done.returncode == 0 and row["agrees"] and row["points"] == 38 and row["median_error"] < 0.1, done.stdout
    assert "InstLatX64" in row["source"] and "holds" not in table, table
    done = vcost("model", "validate", "--machine", "zen5-turin")
    assert done.returncode == 1 and "published" in done.stderr, done.stderr
    for words, told in (([ROOT / "tests/latency/calm/again.json"], "--machine is missing"), (["--here", "a.json"], "without a RESULT"),
                        (["--keep", "."], "--keep goes with --here"), (["--machine", "pdp11"], "there is no machine")):
        done = vcost("model", "validate", *words)
        assert done.returncode == 2 and told in done.stderr, done.stderr
    done = vcost("model", "validate", "--here", "--keep", "/nowhere")
    assert done.returncode == 1 and "/nowhere" in done.stderr, done.stderr


def test_the_list_has_every_machine_and_each_file_fits_the_schema():
    listed = json.loads(output_of("model", "list", "--json", "-"))["machines"]
    files = sorted(path.stem for path in (ROOT / "share/machines").glob("*.json"))
    assert [machine["name"] for machine in listed] == files
    assert json.loads(output_of("generate", "schema", "machine")) == MACHINE
    for name in files:
        jsonschema.validate(json.loads((ROOT / f"share/machines/{name}.json").read_text()), MACHINE)


ONE = ["chase", "--working-set", "1M", "--quick", "--json", "-", "--on", "model:barcelona", "--technique"]


def one_size(*arguments):
    result = json.loads(output_of(*ONE, *arguments))
    jsonschema.validate(result, SCHEMA)
    cells = {cell["technique"]: cell for cell in result["cells"]}
    return result, {name: cell["median"] for name, cell in cells.items()}, {
        name: cell["counters"] for name, cell in cells.items()}


def test_events_by_rate_cost_shadow_paging_most():
    _, quiet, none = one_size("native,nested,shadow")
    assert none["shadow"]["exits"] == 0 and none["nested"]["exits"] == 0
    result, found, counters = one_size("native,nested,shadow", "--rates", "pte-changes=1000,faults=100,exits=10")
    assert counters["nested"]["exits"] > 0 and counters["shadow"]["exits"] > 20 * counters["nested"]["exits"], counters
    for name, cost in found.items():
        assert cost > quiet[name], (name, cost, quiet[name])
    assert found["shadow"] > 1.04 * found["nested"], found
    assert result["settings"]["rates"]["value"] == "pte-changes=1000,faults=100,exits=10", result["settings"]


def test_faults_come_from_a_list_that_is_paged_in_on_demand():
    result, _, counters = one_size("native,nested,shadow", "--demand-paging")
    fault = json.loads((ROOT / "share/machines/barcelona.json").read_text())["costs"]["fault"]
    pages = result["cells"][0]["modelled"]["accesses"] // 64  # lines of a page: each is there once a lap
    for cell in result["cells"]:
        assert cell["modelled"]["account"]["faults"] == pages * fault, cell["modelled"]
    assert counters["nested"]["exits"] == 0 and counters["nested"]["page_faults"] == 0, counters
    assert counters["shadow"]["exits"] == 3 * pages and counters["shadow"]["page_faults"] == pages, counters
    for wrong, words in ((["--domains", "2"], "one domain"), (["--on", "native"], "simulated machines alone")):
        done = vcost(*ONE, "native", "--demand-paging", *wrong)
        assert done.returncode == 2 and words in done.stderr, done.stderr


LAP = {"native": (None, 0), "nested": (0, 0), "direct": (3 * 256 + 1, 0), "shadow": (3 * 256 + 2, 256), "agile": (1, 0)}


def test_copies_come_from_a_list_whose_program_forks():
    """Of a lap of 256 pages, in one table: exits and faults that the monitor hides. Direct: a hypercall to protect each
    page and one for the flush, then an exit and a hypercall for each copy. Shadow: the flush, then the first store, after
    which the table is out of sync until the next flush, and for each copy the fault, its flush and the hidden fault.
    Agile: the flush; the table is walked as the guest has it."""
    result, _, counters = one_size(",".join(LAP), "--hypothetical", "--write", "--copy-on-write")
    fault = json.loads((ROOT / "share/machines/barcelona.json").read_text())["costs"]["fault"]
    for cell in result["cells"]:
        modelled, name = cell["modelled"], cell["technique"]
        exits, hidden = LAP["native" if name == "none" else name]
        laps = modelled["accesses"] // (1 << 20 >> 6)
        assert modelled["account"]["faults"] == 256 * laps * fault, modelled
        assert counters[name]["exits"] == (None if exits is None else exits * laps), (name, laps, counters)
        assert counters[name]["page_faults"] == hidden * laps, (name, laps, counters)


def test_processes_take_turns_lap_by_lap():
    """A context switch after each lap: shadow paging exits for it, nested paging does not; without process tags
    nothing that the TLBs have lasts longer than a lap."""
    for count in (2, 5):
        result, _, counters = one_size("native,nested,shadow,direct", "--processes", str(count))
        for cell in result["cells"]:
            modelled = cell["modelled"]
            laps = modelled["accesses"] // (1 << 20 >> 6)
            assert laps % count == 0, modelled
            assert modelled["account"]["switches and flushes"] == laps * json.loads(
                (ROOT / "share/machines/barcelona.json").read_text())["costs"]["switch"], modelled
            exits = {"none": None, "nested": 0}.get(cell["technique"], laps)
            assert counters[cell["technique"]]["exits"] == exits, (cell["technique"], counters)
    one_size("native,nested", "--processes", "2", "--demand-paging")
    for wrong, words in ((["--rates", "faults=1"], "--rates"), (["--domains", "2"], "one domain"), (["--on", "native"], "simulated machines alone")):
        done = vcost(*ONE, "native", "--processes", "2", *wrong)
        assert done.returncode == 2 and words in done.stderr, done.stderr


def test_domains_code_stores_and_frames_are_simulated():
    _, alone, _ = one_size("native,nested", "--order", "line-per-page")
    _, shared, counters = one_size("native,nested", "--order", "line-per-page", "--domains", "4")
    assert shared["nested"] > 1.05 * alone["nested"] and counters["nested"]["exits"] > 0, (alone, shared)
    for options in (["--code"], ["--write"], ["--frames", "fragmented", "--fragmented", "30%"], ["--frames", "in-order"],
                    ["--memory-nodes", "hidden"], ["--fresh", "--rates", "faults=500,ticks=10000/s"], ["--code", "--demand-paging"]):
        one_size("native,nested", *options)


def test_what_is_simulated_otherwise_is_another_cell():
    conditions = [[], ["--rates", "faults=200"], ["--rates", "faults=201"], ["--fresh"], ["--memory-nodes", "remote"], ["--code"], ["--demand-paging"],
                  ["--write", "--copy-on-write"], ["--processes", "3"]]
    cells = [json.loads(output_of(*ONE, "nested", *some))["cells"][0] for some in conditions]
    assert len({cell["id"] for cell in cells}) == len(cells), [cell["id"] for cell in cells]
    assert [cell["modelled"].get("conditions") for cell in cells] == [
        None, "faults=200", "faults=201", "fresh frames", "remote memory", "fetched as code", "demand paging", "copy-on-write", "3 processes"], cells


def test_what_is_no_rate_is_wrong_usage():
    for rates, words in (("tea=1", "is no event"), ("faults", "is no rate"), ("faults=1e9", "between 0 and"), ("ticks=3/m", "is no rate")):
        done = vcost("chase", "--on", "model:barcelona", "--rates", rates)
        assert done.returncode == 2 and words in done.stderr and "Traceback" not in done.stderr, done.stderr
    done = vcost(*ONE, "native", "--rates", "ticks=1/s,faults=5,ticks=1/s")
    assert done.returncode == 2 and '"ticks" is there twice' in done.stderr, done.stderr
    done = vcost(*ONE, "native", "--rates", "faults=1e-300")
    assert done.returncode == 1 and "no event falls into what is simulated" in done.stderr, done.stderr
    assert vcost("chase", "--on", "native", "--code").returncode == 2
    done = vcost(*ONE, "native", "--rates", "ticks=0.01/s")
    assert done.returncode != 0 and "--rates" in done.stderr, done.stderr


def test_what_only_simulated_machines_know_is_wrong_usage_elsewhere():
    for words in (["--rates", "faults=1"], ["--hypothetical"], ["--fresh"], ["--domains", "2"], ["--frames", "in-order"], ["--memory-nodes", "hidden"]):
        done = vcost("chase", "--on", "native", *words)
        assert done.returncode == 2 and f"{words[0]} is for simulated machines" in done.stderr, (words, done.stderr)
    done = vcost(*ONE, "native", "--fragmented", "30%")
    assert done.returncode == 2 and "--frames fragmented" in done.stderr, done.stderr


def test_an_unknown_machine_is_wrong_usage():
    done = vcost("chase", "--on", "model:pdp11")
    assert done.returncode == 2 and "model:" in done.stderr, done.stderr


tap.main(tap.cases(globals()))
