"""What the tests of vcost on the nested test hosts share: one boot, the points in TAP, and what must be true of what
came back.

Inside, the commands of inside/try_* keep what vcost and test_domain do; here it is judged. Every check of a result has
a sabotage beside it, a change of the result that it must refuse; each run shows that it does.
"""
import copy
import importlib.machinery
import importlib.util
import json
import math
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import jsonschema

import page_matrix

HERE = Path(__file__).resolve().parent
SCHEMA = json.loads((HERE.parents[1] / "share/schema/vcost.result-1.schema.json").read_text(encoding="utf-8"))
INSIDE = [HERE / "inside" / name for name in ("keep", "try_without_kvm", "try_kvm", "try_as_user")]
PAGE = 4096
PLACEMENTS_MIN = 3


def load_tally():
    """tests/tally as a module: it reads TAP, cmocka's too."""
    loader = importlib.machinery.SourceFileLoader("tally", str(HERE.parent / "tally"))
    tally = importlib.util.module_from_spec(importlib.util.spec_from_loader("tally", loader))
    sys.modules["tally"] = tally
    sys.dont_write_bytecode = True
    loader.exec_module(tally)
    return tally


class Points:
    """Test points in TAP, the plan at the end."""

    def __init__(self):
        self.count = self.failed = 0

    def point(self, name, complaint="", skip=None):
        """A point; it fails if there is a complaint, and skip is the reason of a skipped one."""
        self.count += 1
        self.failed += bool(complaint)
        directive = "" if skip is None else f" # SKIP {skip}"
        print(f"{'not ' if complaint else ''}ok {self.count} - {name}{directive}")
        for line in str(complaint).splitlines()[:20]:
            print(f"# {line}")
        sys.stdout.flush()

    def check(self, name, function, *arguments):
        """A point that fails with what the function raises."""
        self.point(name, complaint_of(function, *arguments))

    def end(self):
        print(f"1..{self.count}")
        sys.exit(self.failed > 0)


def complaint_of(function, *arguments):
    """Whatever goes wrong in a check is its complaint; "" if nothing does."""
    try:
        function(*arguments)
    except Exception as problem:  # pylint: disable=broad-except
        return f"{type(problem).__name__}: {problem}"
    return ""


# ---- the boot


def boot(harness, script, binaries, out, seconds):
    """Runs the script on the test host; what it leaves in its /out comes to out."""
    with tempfile.NamedTemporaryFile("w", prefix="vcost-nested-script.", encoding="utf-8") as file:
        file.write(script)
        file.flush()
        return subprocess.run([HERE / harness, "-t", str(seconds), "-o", out, file.name, *INSIDE, *binaries],
                              capture_output=True, text=True, errors="replace", check=False)


def last_sentence(text):
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1].lstrip("# ") if lines else "no reason was given"


def boot_or_skip(points, harness, script, binaries, out, seconds):
    """False, and nothing more to judge, if the host or the script on it failed; ends the test if there is no host."""
    done = boot(harness, script, binaries, out, seconds)
    if done.returncode == 77:
        print(f"1..0 # SKIP {last_sentence(done.stderr)}")
        sys.exit(0)
    complaint = f"status {done.returncode}\n{done.stdout}\n{done.stderr}" if done.returncode else ""
    points.point("the host boots and the script runs to its end", complaint)
    return not complaint


# ---- what a command inside did


# What vcost says before it measures where somebody else computes, which an emulated machine often looks like.
BUSY = ("vcost: other programs use ", "vcost: the hypervisor takes ")


def without_busy(text):
    return "".join(line for line in text.splitlines(True) if not line.startswith(BUSY))


def said(folder, name):
    """The three things that `keep NAME` has kept: status, stdout, stderr without what is said of others."""
    return (int((folder / f"{name}.status").read_text()), (folder / f"{name}.out").read_text(encoding="utf-8"),
            without_busy((folder / f"{name}.err").read_text(encoding="utf-8")))


def read_json(folder, name):
    return json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))


def kept_result(folder, name):
    """What a `vcost chase` that went well has left."""
    status, _, err = said(folder, name)
    assert (status, err) == (0, ""), f"status {status}: {err}"
    return read_json(folder, name)


def program_points(points, folder, label, program):
    """The points of a test program inside, once more here."""
    try:
        status, out, err = said(folder, program)
    except OSError as problem:
        points.point(f"{label}: {program}", problem)
        return
    entry = {"stdout": out, "stderr": err, "returncode": status, "result": "OK" if status == 0 else "FAIL"}
    for name, outcome, reason in load_tally().tap_cases(label, entry):
        if outcome == "skipped":
            points.point(name, skip=reason or last_sentence(err))
        else:
            points.point(name, f"{reason}\n{err}" if outcome == "failed" else "")


# ---- what must be true of a result


@dataclass
class Want:
    """What a result must say."""

    provider: str  # the module behind /dev/kvm
    parameters: dict  # of it, as the kernel shows them
    technique: str
    guest_of: str  # what the host itself runs on, as vcost names it; None for a machine that does not tell
    sizes: list  # working sets in bytes
    order: str = "random"
    write: bool = False

    @property
    def label(self):
        return f"kvm ({self.technique})"

    def ids(self, monitor):
        order = self.order + ("-write" if self.write else "")
        guest = "4096" if monitor == "kvm" else "-"
        return {f"chase/{monitor}/{order}/{size}/64/{guest}/4096" for size in self.sizes}


def cells_on(result, monitor):
    return [cell for cell in result["cells"] if cell["monitor"] == monitor]


def follows_the_schema(result, _):
    jsonschema.Draft202012Validator(SCHEMA).validate(result)


def is_complete(result, _):
    assert result["complete"] is True, result["incomplete_reason"]


def names_the_provider_and_its_parameters(result, want):
    kvm = result["host"]["kvm"]
    assert kvm["usable"] is True, kvm["reason"]
    assert kvm["provider"] == want.provider, kvm["provider"]
    shown = {name: kvm["parameters"].get(name) for name in want.parameters}
    assert shown == want.parameters, f"{shown} of {sorted(kvm['parameters'])}"


def names_the_technique_with_proof(result, want):
    kvm = result["host"]["kvm"]
    assert kvm["technique"] == want.technique, kvm["technique"]
    assert re.search(r"\d+ page faults$", kvm["technique_proof"] or ""), kvm["technique_proof"]


def finds_no_quirk_and_syscall_at_privilege_0(result, _):
    kvm = result["host"]["kvm"]
    assert kvm["syscall_privilege"] == 0, kvm["syscall_privilege"]
    assert kvm["quirks"] == [], kvm["quirks"]


def tells_what_the_host_runs_on(result, want):
    virtualization = result["host"]["virtualization"]
    assert virtualization["guest_of"] == want.guest_of, virtualization
    assert result["baseline_is_guest"] is (want.guest_of is not None), result["baseline_is_guest"]


def has_the_cells_that_were_asked_for(result, want):
    ids = [cell["id"] for cell in result["cells"]]
    assert len(ids) == len(set(ids)) and set(ids) == want.ids("native") | want.ids("kvm"), ids
    for cell in result["cells"]:
        parameters = cell["parameters"]
        assert (parameters["order"], parameters["write"]) == (want.order, want.write), cell["id"]


def labels_its_cells(result, want):
    for cell in result["cells"]:
        expected = ("kvm", want.technique, want.label) if cell["monitor"] == "kvm" else ("native", "none", "native")
        assert (cell["monitor"], cell["technique"], cell["label"]) == expected, cell["id"]


def used(cell):
    """The samples that figures are made of: of each placement the undisturbed ones, or all where there are none."""
    placements = {}
    for sample in cell["samples"]:
        placements.setdefault(sample["placement"], []).append(sample)
    for samples in placements.values():
        calm = [sample for sample in samples if not sample["disturbed"]]
        yield from (sample["value"] for sample in calm or samples)


def has_samples_and_figures(result, _):
    for cell in result["cells"]:
        placements = {sample["placement"] for sample in cell["samples"]}
        assert len(placements) >= PLACEMENTS_MIN, f"{cell['id']}: {len(placements)} placements"
        values = [sample["value"] for sample in cell["samples"]]
        figures = values + [cell[name] for name in ("median", "low", "high", "min")]
        assert all(math.isfinite(figure) for figure in figures), f"{cell['id']}: {figures}"
        assert all(value > 0 for value in values) and cell["min"] == min(used(cell)), f"{cell['id']}: {figures}"
        assert cell["low"] <= cell["median"] <= cell["high"], f"{cell['id']}: {figures}"


def compares_every_guest_cell(result, want):
    pairs = {each["cell"]: each["baseline"] for each in result["comparisons"]}
    assert len(pairs) == len(result["comparisons"]) and set(pairs) == want.ids("kvm"), pairs
    for each in result["comparisons"]:
        assert each["baseline"] == each["cell"].replace("/kvm/", "/native/").replace("/64/4096/", "/64/-/"), each
        assert math.isfinite(each["ratio"]) and 0 < each["ratio"] and each["low"] <= each["high"], each


def proves_its_pages(result, want):
    for cell in cells_on(result, "kvm"):
        pages, proof = cell["pages_obtained"], cell["pages_obtained"]["proof"] or ""
        assert (cell["guest_page_bytes"], pages["guest_bytes"], pages["host_share_2m"]) == (PAGE, PAGE, 0), pages
        counted = re.search(r"KVM: pages_4k=(\d+) pages_2m=(\d+)", proof)
        assert counted and int(counted[2]) == 0 and int(counted[1]) >= max(want.sizes) // PAGE, proof


def counts_exits_of_guests_alone(result, _):
    for cell in cells_on(result, "kvm"):
        assert cell["counters"]["exits"] >= len(cell["samples"]), f"{cell['id']}: {cell['counters']}"
    for cell in cells_on(result, "native"):
        assert cell["counters"]["exits"] is None and cell["counters"]["exits_reason"], cell["counters"]


# ---- and how each check is made to fail


def kvm_of(result):
    return result["host"]["kvm"]


def guest_of(result):
    return cells_on(result, "kvm")[-1]


def changed(find, name, value):
    """A sabotage: what find gives of the result gets another value under a name."""

    def sabotage(result):
        find(result)[name] = value

    return sabotage


def itself(result):
    return result


CHECKS = {
    follows_the_schema: [
        lambda result: kvm_of(result).pop("technique"),
        changed(guest_of, "median", "3.97"),
        changed(guest_of, "quality", "splendid"),
        changed(itself, "seconds", None),
    ],
    is_complete: [changed(itself, "complete", False)],
    names_the_provider_and_its_parameters: [
        changed(kvm_of, "provider", "kvm_pvm"),
        changed(kvm_of, "parameters", {}),
        changed(kvm_of, "usable", False),
    ],
    names_the_technique_with_proof: [
        changed(kvm_of, "technique", "direct"),
        changed(kvm_of, "technique_proof", "as the module's parameter says; not counted"),
    ],
    finds_no_quirk_and_syscall_at_privilege_0: [
        changed(kvm_of, "syscall_privilege", 3),
        changed(kvm_of, "quirks", ["SYSCALL does not raise the privilege level in a guest"]),
    ],
    tells_what_the_host_runs_on: [
        lambda result: result.update(baseline_is_guest=not result["baseline_is_guest"]),
        changed(lambda result: result["host"]["virtualization"], "guest_of", "vmware"),
    ],
    has_the_cells_that_were_asked_for: [
        lambda result: result["cells"].pop(),
        lambda result: result["cells"].append(result["cells"][0]),
        lambda result: result.update(cells=[]),
    ],
    labels_its_cells: [
        changed(guest_of, "label", "kvm (shadow, PVM)"),
        changed(guest_of, "technique", "none"),
    ],
    has_samples_and_figures: [
        changed(guest_of, "samples", []),
        changed(guest_of, "median", math.nan),
        changed(guest_of, "low", None),
        changed(guest_of, "min", 0.0),
    ],
    compares_every_guest_cell: [
        lambda result: result["comparisons"].pop(),
        changed(lambda result: result["comparisons"][0], "ratio", math.inf),
        lambda result: result["comparisons"][0].update(baseline=result["comparisons"][0]["cell"]),
    ],
    proves_its_pages: [
        changed(lambda result: guest_of(result)["pages_obtained"], "guest_bytes", 2 << 20),
        changed(lambda result: guest_of(result)["pages_obtained"], "proof", "guest: its own tables"),
        changed(lambda result: guest_of(result)["pages_obtained"], "proof", "KVM: pages_4k=0 pages_2m=2"),
    ],
    counts_exits_of_guests_alone: [
        changed(lambda result: guest_of(result)["counters"], "exits", 0),
        changed(lambda result: cells_on(result, "native")[0]["counters"], "exits", 5),
    ],
}


def in_words(function):
    return function.__name__.replace("_", " ")


def refuses_sabotage(result, want):
    """Every check accepts the result as it is and refuses each of its sabotages."""
    for check, sabotages in CHECKS.items():
        assert not complaint_of(check, result, want), f"'{in_words(check)}' refuses the result as it is"
        for number, sabotage in enumerate(sabotages, 1):
            worse = copy.deepcopy(result)
            sabotage(worse)
            assert complaint_of(check, worse, want), f"'{in_words(check)}' accepts its sabotage {number}"


def result_points(points, label, folder, name, want):
    """The points of one result; the result, None if it cannot be read."""
    try:
        result = kept_result(folder, name)
    except Exception as problem:  # pylint: disable=broad-except
        points.point(f"{label}: {name} leaves a result", f"{type(problem).__name__}: {problem}")
        return
    for check in CHECKS:
        points.check(f"{label}: {name}: {in_words(check)}", check, result, want)
    points.check(f"{label}: {name}: no check accepts a sabotaged result", refuses_sabotage, result, want)


# ---- the matrix of page sizes


def refused(check, result, sabotage):
    """Whether a check refuses the result once it is sabotaged."""
    worse = copy.deepcopy(result)
    sabotage(worse)
    return bool(complaint_of(check, worse))


def no_sabotaged_pair_is_proved(result, technique, bytes_):
    for pair in page_matrix.PAIRS:
        for number, sabotage in enumerate(page_matrix.pair_sabotages(pair), 1):
            assert refused(lambda worse, pair=pair: page_matrix.pair_is_proved(worse, technique, bytes_, pair), result,
                           lambda worse, pair=pair, sabotage=sabotage: sabotage(worse, pair, bytes_)), \
                f"{page_matrix.name_of(pair)}: sabotage {number} is accepted"
    for cell in range(len(result["cells"])):
        assert refused(lambda worse: page_matrix.is_whole(worse, bytes_), result,
                       lambda worse, cell=cell: worse["cells"].pop(cell)), f"nobody misses cell {cell}"


def matrix_points(points, label, folder, technique, bytes_):
    """A point for each pair of pages; the rows of the table of proofs."""
    try:
        result = kept_result(folder, "matrix")
    except Exception as problem:  # pylint: disable=broad-except
        points.point(f"{label}: the matrix leaves a result", f"{type(problem).__name__}: {problem}")
        return []
    points.check(f"{label}: matrix: follows the schema", follows_the_schema, result, None)
    points.check(f"{label}: matrix: has every pair, and native", page_matrix.is_whole, result, bytes_)
    for pair in page_matrix.PAIRS:
        leaf = page_matrix.size_of(page_matrix.leaf_by_the_truth_table(technique, *pair))
        points.check(f"{label}: {page_matrix.name_of(pair)} are proved, KVM counts leaves of {leaf}",
                     page_matrix.pair_is_proved, result, technique, bytes_, pair)
    points.check(f"{label}: matrix: no sabotaged pair is proved", no_sabotaged_pair_is_proved, result, technique,
                 bytes_)
    return list(page_matrix.proof_rows(label, result))


def missed_pages_are_never_silent(folder, technique):
    """Where root has switched large pages off; and each cell's mark is missed."""
    result, (_, text, _) = kept_result(folder, "missed"), said(folder, "missed")
    follows_the_schema(result, None)
    page_matrix.missed_pages_are_marked(result, text, technique)
    assert refused(lambda _: page_matrix.missed_pages_are_marked(result, "", technique), result, lambda _: None)
    for cell in range(len(result["cells"])):
        for number, sabotage in enumerate(page_matrix.MISSED_SABOTAGES, 1):
            assert refused(lambda worse: page_matrix.missed_pages_are_marked(worse, text, technique), result,
                           lambda worse, cell=cell, sabotage=sabotage: sabotage(worse["cells"][cell])), \
                f"{result['cells'][cell]['id']}: sabotage {number} is accepted"


# ---- the three goals


def verified_as_it_must_be(result, on, emulated):
    """All holds, whatever is excused elsewhere; `emulated`: what this emulated processor itself does wrong."""
    assert result["complete"], result["incomplete_reason"]
    assert [line["monitor"] for line in result["verified"] if line["here"]] == on, result["verified"]
    wrong = {(trial["monitor"], trial["name"]): trial["guest"] for trial in result["trials"] if trial["verdict"] == "failed"}
    for (monitor, name), guest in wrong.items():
        assert monitor == "kvm" and re.fullmatch(emulated.get(name, "-"), guest or ""), f"{monitor}, {name}: {guest}"
    for line in result["verified"]:
        counts = line["fidelity"]
        assert counts["untried"] == 0 and counts["held"] > 75 and (counts["differs"] == 0) == (line["monitor"] == "kvm"), line
        counts = line["safety"]
        assert counts["failed"] == 0 and counts["held"] > 35, line
    assert result["cells"], "nothing is measured"


def verify_points(points, label, folder, on, emulated):
    """The points of `vcost verify`, with what it must refuse."""
    try:
        status, _, err = said(folder, "verify")
        result = read_json(folder, "verify")
    except Exception as problem:  # pylint: disable=broad-except
        points.point(f"{label}: vcost verify leaves a result", f"{type(problem).__name__}: {problem}")
        return
    failed = sum(line[goal]["failed"] for line in result["verified"] for goal in ("fidelity", "safety"))
    points.point(f"{label}: vcost verify: its status says whether all holds",
                 "" if (status, err) == (3 if failed else 0, "") else f"status {status}, {failed} failed: {err}")
    points.check(f"{label}: vcost verify: follows the schema", follows_the_schema, result, None)
    points.check(f"{label}: vcost verify: what is expected of guests is what they do", verified_as_it_must_be, result, on,
                 emulated)
    worse = copy.deepcopy(result)
    next(trial for trial in worse["trials"] if trial["name"] == "sgdt")["verdict"] = "failed"
    points.point(f"{label}: vcost verify: another answer would be noticed",
                 "" if complaint_of(verified_as_it_must_be, worse, on, emulated) else "it is accepted")


# ---- the logs of a guest kernel's processes


def logs_in(text):
    return re.findall(r"^# (log of process .*)$", text, re.M)


def logs_points(points, folder, label, program):
    """Guests that run as processes of this machine have left the same."""
    inside = logs_in("".join(said(folder, Path(program).name)[1:]))
    for how in (["paravirt"], ["shadow"], ["shadow", "write"]):
        done = subprocess.run([program, *how], capture_output=True, text=True, check=False)
        here = logs_in(done.stdout + done.stderr)
        name = f"{label}: processes of a guest kernel leave what they leave with {' '.join(how)} here"
        if re.search(r"^# skip", done.stdout + done.stderr, re.M):
            points.point(name, skip=f"{how[0]} cannot be used on this machine")
        else:
            points.point(name, "" if len(inside) == 3 and inside == here else f"{inside}\n{here}")


# ---- text, and what is said where KVM cannot be used


def text_names_what_kvm_does(folder, want):
    status, out, _ = said(folder, "chase")
    assert status == 0 and want.label in out, out
    for size in want.sizes:
        shown = f"{size >> 10} KiB" if size < 1 << 20 else f"{size >> 20} MiB"
        assert re.search(rf"^ *{shown} +[0-9.]+", out, re.M), f"no row for {shown} in:\n{out}"


def list_names_what_kvm_does(folder, want):
    status, out, err = said(folder, "list")
    assert (status, err) == (0, ""), err
    for part in (f"{want.technique} paging", f"provider: {want.provider}", "privilege level 0"):
        assert part in out, f"'{part}' is not in:\n{out}"
    assert "note:" not in out, out


def list_json_agrees(folder, want):
    status, _, err = said(folder, "list-json")
    assert (status, err) == (0, ""), f"status {status}: {err}"
    lists = read_json(folder, "list")
    runner = next(each for each in lists["runners"] if each["name"] == "kvm")
    for name, value in {"usable": True, "reason": None, "technique": want.technique, "provider": want.provider,
                        "syscall_privilege": 0, "quirks": []}.items():
        assert runner[name] == value, f"{name}: {runner[name]}"


def kvm_is_refused(folder, sentence):
    """Asked for and not to be had: status 77, one sentence, nothing else left."""
    status, out, err = said(folder, "asked")
    assert (status, out) == (77, ""), f"status {status}: {out}{err}"
    assert err.count("\n") == 1 and sentence in err and "/dev/kvm" in err, err
    assert not (folder / "asked.json").exists(), "a file was left"


def native_is_measured_alone(folder, sentence):
    status, _, err = said(folder, "default")
    assert status == 0 and "only native is measured" in err and sentence in err, f"status {status}: {err}"
    result = read_json(folder, "default")
    follows_the_schema(result, None)
    assert {cell["monitor"] for cell in result["cells"]} == {"native"} and not result["comparisons"]
    kvm = result["host"]["kvm"]
    assert kvm["usable"] is False and sentence in kvm["reason"], kvm


def are_measured(folder, name, monitors):
    status, _, err = said(folder, name)
    assert (status, err) == (0, ""), f"status {status}: {err}"
    result = read_json(folder, name)
    follows_the_schema(result, None)
    assert {cell["monitor"] for cell in result["cells"]} == monitors, [cell["id"] for cell in result["cells"]]


def user_points(points, out):
    """What is said where there is no KVM, or none for this user."""
    for name, sentence in (("without-kvm", "there is no /dev/kvm"), ("forbidden", "no permission on /dev/kvm")):
        points.check(f"{name}: --on kvm is refused with one sentence", kvm_is_refused, out / name, sentence)
        points.check(f"{name}: native alone is measured, with a note", native_is_measured_alone, out / name, sentence)
    for name, monitors in (("asked", {"kvm"}), ("default", {"native", "kvm"})):
        points.check(f"an ordinary user with permission measures {' and '.join(sorted(monitors))}", are_measured,
                     out / "allowed", name, monitors)


# ---- what is told of the machine below


def an_emulated_processor_is_not_judged(folder, guest_of):
    """Its timing is no TLB's: whether large pages are splintered cannot be told, and the reason says so."""
    status, _, err = said(folder, "inspect")
    assert status == 0 and err.startswith("vcost: only native is measured") and err.count("\n") == 1, f"status {status}: {err}"
    result = read_json(folder, "inspect")
    follows_the_schema(result, None)
    assert result["complete"], result["incomplete_reason"]
    found = {(finding["name"], finding["key"]): finding for finding in result["findings"]}
    assert found["guest-of", None]["value"] == guest_of, found["guest-of", None]
    splintered = found["splintered", None]
    assert splintered["value"] is None and "emulat" in splintered["reason"], splintered
    assert found["rdtsc", None]["value"] > 0, found["rdtsc", None]


# ---- one test program


@dataclass
class Plan:
    """A test on one kind of host."""

    harness: str
    seconds: int  # for the whole run inside
    share: int  # of what the test programs repeat (tests/unit/repeated.h), as 1 / share
    chase: str  # options that say how much is measured
    chase_sizes: list
    write: str
    write_sizes: list
    small: str  # likewise, where only little is asked
    missed: str  # likewise, for large pages that cannot be had
    matrix: str  # likewise, for all pairs of page sizes
    matrix_bytes: int
    provider: str
    guest_of: str
    paging: str  # the provider's parameter that turns nested paging on
    settings: list = field(default_factory=list)  # a dict parameter -> 0 or 1 each
    inspect: str = ""  # options of vcost inspect; "": it is left out
    verify: list = field(default_factory=list)  # monitors that vcost verify tries
    emulated: dict = field(default_factory=dict)  # trial -> pattern of what this processor, which is emulated, does wrong
    spared: dict = field(default_factory=dict)  # test program, "missed" or "verify" -> parameter and value without it


def words(setting):
    return [f"{name}={value}" for name, value in setting.items()]


def spares(plan, name, setting):
    return plan.spared.get(name) in setting.items()


def verifies(plan, setting):
    return plan.verify and not spares(plan, "verify", setting)


def programs_of(plan, setting):
    """The test programs that run with a setting, by their names."""
    return [name for name in (Path(program).name for program in sys.argv[2:]) if not spares(plan, name, setting)]


def try_of(plan, setting):
    """The line of the script that tries a setting."""
    missed = "" if spares(plan, "missed", setting) else plan.missed
    verify = f"--quick --on {','.join(plan.verify)}" if verifies(plan, setting) else ""
    programs = " ".join(programs_of(plan, setting))
    return f"PROGRAMS='{programs}' MISSED='{missed}' VERIFY='{verify}' try_kvm {' '.join(words(setting))}"


def script_of(plan):
    options = {"CHASE": plan.chase, "WRITE": plan.write, "SMALL": plan.small, "MATRIX": plan.matrix,
               "INSPECT": plan.inspect, "VCOST_TEST_SHARE": plan.share}
    lines = ["set -e", "export " + " ".join(f"{name}='{value}'" for name, value in options.items()), "try_without_kvm"]
    lines += [try_of(plan, setting) for setting in plan.settings]
    lines += [" ".join(["try_as_user"] + words(plan.settings[0]))]
    return "\n".join(lines) + "\n"


def technique_of(plan, setting):
    return "nested" if setting[plan.paging] else "shadow"


def wants(plan, setting):
    """What the two results of one setting must say."""
    shown = {f"{plan.provider}.{name}": "NY"[value] for name, value in setting.items()}
    common = (plan.provider, shown, technique_of(plan, setting), plan.guest_of)
    return {"chase": Want(*common, plan.chase_sizes),
            "write": Want(*common, plan.write_sizes, "line-per-page", True)}


def setting_points(points, plan, setting, out):
    """The rows of the table of proofs are returned."""
    label, technique = ",".join(words(setting)), technique_of(plan, setting)
    folder, want = out / label, wants(plan, setting)
    for program in programs_of(plan, setting):
        program_points(points, folder, label, program)
    rows = matrix_points(points, label, folder, technique, plan.matrix_bytes)
    if not spares(plan, "missed", setting):
        points.check(f"{label}: large pages that were not obtained are marked, in the result and in the text",
                     missed_pages_are_never_silent, folder, technique)
    if verifies(plan, setting):
        verify_points(points, label, folder, plan.verify, plan.emulated)
    for program in sys.argv[2:]:
        if Path(program).name == "test_guest_kernel":
            logs_points(points, folder, label, program)
    for name in want:
        result_points(points, label, folder, name, want[name])
    points.check(f"{label}: the text names what KVM does", text_names_what_kvm_does, folder, want["chase"])
    points.check(f"{label}: the list names what KVM does", list_names_what_kvm_does, folder, want["chase"])
    points.check(f"{label}: the list as JSON does too", list_json_agrees, folder, want["chase"])
    return rows


def settings_are_told_apart(plan, out):
    """The result of one setting must not pass for that of another."""
    for setting in plan.settings:
        result = read_json(out / ",".join(words(setting)), "chase")
        for other in plan.settings:
            fails = any(complaint_of(check, result, wants(plan, other)["chase"]) for check in CHECKS)
            assert fails == (other != setting), f"{words(setting)} as {words(other)}: refused is {fails}"


def main(plan):
    if len(sys.argv) < 3:
        sys.exit(f"usage: {Path(sys.argv[0]).name} VCOST TEST_PROGRAM...")
    points = Points()
    with tempfile.TemporaryDirectory(prefix="vcost-nested-out.") as folder:
        out = Path(folder)
        if boot_or_skip(points, plan.harness, script_of(plan), sys.argv[1:], out, plan.seconds):
            rows = [row for setting in plan.settings for row in setting_points(points, plan, setting, out)]
            page_matrix.say_table(rows)
            user_points(points, out)
            if plan.inspect:
                points.check("large pages below an emulated processor are not judged",
                             an_emulated_processor_is_not_judged, out / "without-kvm", plan.guest_of)
            points.check("no setting passes for another", settings_are_told_apart, plan, out)
    points.end()
