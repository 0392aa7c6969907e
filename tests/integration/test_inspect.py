#!/usr/bin/python3
"""vcost inspect as a user types it, on this machine as it is. Speaks TAP.

    test_inspect.py VCOST

Nothing here judges speed, and no verdict is taken for granted: only what is said, what is written, and how it ends.
"""
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from xml.etree import ElementTree

sys.dont_write_bytecode = True
import tap  # pylint: disable=wrong-import-position

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = tap.validator("vcost.result-1")
VCOST = str(Path(sys.argv[1]).resolve())

# As little as it takes: what is found is not looked at.
FEW = ["--quick", "--time", "1", "--quiet"]

# A line of Prometheus' text format 0.0.4 that is no comment.
SAMPLE = re.compile(r'^[a-zA-Z_:][a-zA-Z0-9_:]*(\{[a-zA-Z_][a-zA-Z0-9_]*="(\\[\\"n]|[^"\\\n])*"'
                    r'(,[a-zA-Z_][a-zA-Z0-9_]*="(\\[\\"n]|[^"\\\n])*")*\})? [-+]?[0-9.eE+-]+$')


def run(*command, **options):
    return tap.calm(subprocess.run(command, capture_output=True, text=True, timeout=300, **options))


def inspect(*arguments, before=(), program=VCOST, **options):
    return run(*before, program, "inspect", *arguments, **options)


def result_of(*arguments, **options):
    done = inspect(*arguments, "--json", "-", **options)
    assert done.returncode == 0, (done.returncode, done.stderr)
    result = json.loads(done.stdout)
    SCHEMA.validate(result)
    return result


def finds(result, name, key=""):
    """Whether it has a value, or none for another reason than that there was no time."""
    finding = by_name(result)[name, key]
    return finding["value"] is not None or "time" not in finding["reason"]


def result_with(name, *arguments, **options):
    """With this finding, if it can be had at all: a second may be too little for it."""
    return tap.given_time(lambda *time: result_of(*FEW, *time, *arguments, **options), lambda result: finds(result, name))


def gated(*arguments):
    """With thresholds on rdtsc, for which a second may be too little."""
    return tap.given_time(lambda *time: inspect(*FEW, *time, *arguments), lambda done: not re.search("rdtsc.*time", done.stderr))


def by_name(result):
    return {(finding["name"], finding["key"] or ""): finding for finding in result["findings"]}


def folder():
    return tempfile.TemporaryDirectory(prefix="vcost-test-")


# ---- what is found


def test_every_finding_has_a_value_or_a_reason_and_says_how_it_is_known():
    result = result_of("--quick")
    assert result["experiment"] == "inspect" and result["complete"], result["incomplete_reason"]
    assert len(by_name(result)) == len(result["findings"]), "a name and key is there twice"
    for finding in result["findings"]:
        assert (finding["value"] is None) == bool(finding["reason"]), finding
        assert finding["source"] in ("told", "measured", "judged"), finding
        if finding["source"] != "told" and finding["value"] is not None:
            assert finding["how"], finding


def test_what_this_machine_certainly_has_is_found():
    found = by_name(result_with("rdtsc"))
    assert found["cpus-online", ""]["value"] == int(os.sysconf("SC_NPROCESSORS_ONLN"))
    for name in (("splintered", ""), ("steal", ""), ("cpuid", ""), ("rdtsc", ""), ("first-touch", "2M fresh")):
        assert name in found, name
    assert found["rdtsc", ""]["value"] > 0


def test_a_remedy_was_measured_with_and_without():
    for remedy in result_of(*FEW)["remedies"]:
        assert remedy["with_ns"] > remedy["without_ns"] > 0, remedy
        assert remedy["low"] is None or 0 < remedy["low"] <= remedy["more_ns"], remedy


def test_two_inspections_can_be_compared():
    with folder() as path:
        files = [f"{path}/{name}.json" for name in "ab"]
        for file in files:
            assert inspect(*FEW, "--json", file).returncode == 0
        done = run(VCOST, "compare", *files)
        assert done.returncode == 0, done.stderr
        assert "events/native/cpuid" in done.stdout or "cpuid" in done.stdout, done.stdout


def test_without_large_pages_nothing_is_concluded_of_them():
    found = by_name(result_of("--quick", preexec_fn=tap.without_large_pages))
    splintered = found["splintered", ""]
    assert splintered["value"] is None and "2 MiB" in splintered["reason"], splintered
    for key in ("2M recycled", "2M fresh"):
        assert found["first-touch", key]["value"] is None and found["first-touch", key]["reason"], found["first-touch", key]


# ---- where it is written


def check_metrics(text):
    families, seen = [], set()
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            name = line.split()[2]
            assert name not in seen, f"{name} is there twice"
            seen.add(name)
            families.append(name)
        elif not line.startswith("#"):
            assert SAMPLE.match(line), line
            assert line.split("{")[0].split(" ")[0] == families[-1], line
    assert text.endswith("\n") and families
    return families


def test_metrics_are_what_prometheus_reads():
    with folder() as path:
        file = Path(path, "vcost.prom")
        result_with("rdtsc", "--openmetrics", str(file))
        text = file.read_text()
        families = check_metrics(text)
        assert "vcost_rdtsc_seconds" in families, families
        assert os.listdir(path) == ["vcost.prom"], "something was left beside it"
        if shutil.which("promtool"):
            done = run("promtool", "check", "metrics", input=text)
            assert done.returncode == 0, done.stderr


def test_rounds_replace_the_metrics_and_are_kept():
    with folder() as path:
        file, metrics = f"{path}/a.json", Path(path, "vcost.prom")
        done = inspect(*FEW, "--watch", "1", "--rounds", "2", "--json", file, "--openmetrics", str(metrics))
        assert done.returncode == 0, done.stderr
        result = json.loads(Path(file).read_text())
        SCHEMA.validate(result)
        assert len(result["rounds"]) == 2
        for part in result["rounds"]:
            names = {finding["name"] for finding in part["findings"]}
            assert {"steal", "cpuid", "splintered", "first-touch"} <= names, names
        check_metrics(metrics.read_text())


def test_standard_output_takes_one_form_only():
    with folder():
        done = inspect(*FEW, "--openmetrics", "-")
        assert done.returncode == 0
        check_metrics(done.stdout)
        for other in ("--json", "--csv", "--markdown"):
            done = inspect(other, "-", "--openmetrics", "-")
            assert done.returncode == 2 and "cannot both write to stdout" in done.stderr, done.stderr


def test_a_folder_that_is_not_there_is_told_before_anything_is_measured():
    began = tap.cpu_seconds()
    for option in ("--json", "--openmetrics"):
        done = inspect(option, "/nonexistent/x")
        assert done.returncode == 1 and "/nonexistent" in done.stderr, (option, done.stderr)
    assert tap.cpu_seconds() - began < 5  # measuring takes longer


# ---- thresholds


def test_a_threshold_that_is_passed_ends_with_status_3():
    done = gated("--fail-on", "rdtsc>0.001ns")
    assert done.returncode == 3 and "rdtsc" in done.stderr, (done.returncode, done.stderr)
    assert done.stdout, "the report is missing"


def test_a_threshold_that_is_not_passed_ends_with_status_0():
    done = inspect(*FEW, "--fail-on", "rdtsc>1s,steal>99.9%")
    assert done.returncode == 0, done.stderr


def test_a_threshold_that_cannot_be_is_refused():
    for text, part in (("", "fail-on"), ("steal>", "steal"), ("steal>5parsec", "parsec")):
        done = inspect("--fail-on", text)
        assert done.returncode == 2 and part in done.stderr, (text, done.returncode, done.stderr)
    done = inspect(*FEW, "--fail-on", "splinterd")
    assert done.returncode in (1, 2) and "splintered" in done.stderr, (done.returncode, done.stderr)


def test_the_curves_of_lines_are_drawn():
    with folder() as path:
        done = inspect("--quick", "--svg", f"{path}/a.svg")
        assert done.returncode == 0, done.stderr
        words = "".join(ElementTree.parse(f"{path}/a.svg").getroot().itertext())
        for word in ("packed", "scattered", "in 2M pages", done.stdout.split("\n")[0][:30]):
            assert word in words, words


# ---- how it ends


def test_wrong_options_are_refused():
    for arguments, part in ((("--rounds", "3"), "--watch"), (("--watch", "x"), "x"), (("extra",), "extra")):
        done = inspect(*arguments)
        assert done.returncode == 2 and part in done.stderr and not done.stdout, (arguments, done.stderr)


def test_ctrl_c_still_reports():
    with folder() as path:
        status, stdout, said = tap.stop_midway([VCOST, "inspect", "--json", f"{path}/a.json"])
        assert status == -signal.SIGINT, (status, said)
        result = json.loads(Path(f"{path}/a.json").read_text())
        SCHEMA.validate(result)
        assert not result["complete"] and "stopped" in result["incomplete_reason"]
        assert stdout


def is_whole(result):
    """But for what a short time on a slow machine left out."""
    return result["complete"] or "time budget" in result["incomplete_reason"]


def test_ctrl_c_ends_a_watch_with_what_it_found():
    with folder() as path:
        with subprocess.Popen([VCOST, "inspect", *FEW, "--watch", "1", "--json", f"{path}/a.json"],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            while not process.stdout.readline().startswith(b"time  "):
                assert process.poll() is None
            process.stdout.readline()
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=300)
        result = json.loads(Path(f"{path}/a.json").read_text())
        assert is_whole(result) and len(result["rounds"]) >= 1


def make_limited_group():
    """A control group with a limit of memory, and the file that holds it."""
    for parent, file in (("memory", "memory.limit_in_bytes"), (".", "memory.max")):
        group = Path("/sys/fs/cgroup", parent, f"vcost-test-{os.getpid()}")
        try:
            group.mkdir()
            (group / file).write_text(str(8 << 30))
            return group, group / file
        except OSError:
            if group.is_dir():
                group.rmdir()
    raise tap.Skip("no control group with a limit of memory can be made here")


def changed_between(group, limit, pause):
    """The result of one round, before which the group's limit is changed, and what was said meanwhile."""
    limit.write_text(str(8 << 30))
    with folder() as path:
        with subprocess.Popen([VCOST, "inspect", "--quick", "--time", "1", "--watch", pause, "--rounds", "1", "--json", f"{path}/a.json"],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              preexec_fn=lambda: (group / "cgroup.procs").write_text(str(os.getpid()))) as process:
            assert process.stdout.readline(), process.stderr.read()  # the report, and the round follows
            limit.write_text(str(4 << 30))
            _, told = process.communicate(timeout=300)
        result = json.loads(Path(f"{path}/a.json").read_text())
    SCHEMA.validate(result)
    assert is_whole(result), result["incomplete_reason"]
    return result, told


def test_a_round_tells_what_changed_since_the_one_before():
    group, limit = make_limited_group()
    try:
        for pause in ("0.1", "3", "30"):  # it may be over before this process comes to change anything
            result, told = changed_between(group, limit, pause)
            after = by_name(result["rounds"][0])["machine-changed", ""]
            if after["value"]:
                break
        assert after["value"] is True, after
        assert str(8 << 30) in after["text"] and str(4 << 30) in after["text"], after
        # Bytes: what readline() has read ahead may end within a character.
        assert b"the control group's limit of memory was" in told, told
        assert not by_name(result)["machine-changed", ""]["value"]
    finally:
        group.rmdir()


def test_a_container_without_sys_and_kvm_is_inspected():
    script = ("mount -t tmpfs none /sys && mount -t tmpfs none /dev/shm && "
              "(mount --bind /dev/null /dev/kvm 2>/dev/null || true) && exec \"$@\"")
    if run("unshare", "--user", "--map-root-user", "--mount", "true").returncode:
        raise tap.Skip("a user, or a container, may not make namespaces")
    result = result_with("rdtsc", before=("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"))
    found = by_name(result)
    assert found["rdtsc", ""]["value"] > 0 and found["kvm-usable", ""]["value"] is not True, found["kvm-usable", ""]


def test_the_caches_are_those_of_the_cpu_that_is_measured():
    cpu = max(os.sched_getaffinity(0))
    cache = Path(f"/sys/devices/system/cpu/cpu{cpu}/cache")
    if run("unshare", "--user", "--map-root-user", "--mount", "true").returncode:
        raise tap.Skip("a user, or a container, may not make namespaces")
    if not (cache / "index0/size").exists():
        raise tap.Skip("this kernel describes no caches")
    with folder() as path:
        other = Path(path) / "cache"
        for file in cache.glob("index*/*"):
            if file.is_file():
                (other / file.parent.name).mkdir(parents=True, exist_ok=True)
                (other / file.parent.name / file.name).write_text(file.read_text())
        (other / "index0/size").write_text("24K\n")
        script = f"mount --bind {other} {cache} && exec \"$@\""
        done = run("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, "sh", VCOST, "inspect", *FEW,
                   "--cpu", str(cpu), "--json", "-")
    assert done.returncode == 0, done.stderr
    caches = [finding for finding in json.loads(done.stdout)["findings"] if finding["name"] == "cache-bytes"]
    assert not [cache["key"] for cache in caches if "#" in cache["key"]], "of several CPUs"
    first = [cache for cache in caches if cache["key"] == "L1d"]
    assert first and first[0]["value"] == 24 << 10, caches
    if len(os.sched_getaffinity(0)) > 1:
        assert f"CPU {cpu}" in first[0]["how"], first


def test_an_ordinary_user_is_served():
    if os.geteuid():
        raise tap.Skip("only root becomes another user")
    with folder() as path:
        os.chmod(path, 0o755)
        program = shutil.copy(VCOST, f"{path}/vcost")
        result = result_with("rdtsc", program=program, user=65534, group=65534, extra_groups=[], cwd="/")
        assert by_name(result)["rdtsc", ""]["value"] > 0


tap.main(tap.cases(globals()))
