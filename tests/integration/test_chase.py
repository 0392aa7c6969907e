#!/usr/bin/python3
"""vcost chase and vcost list as a user types them, on this machine as it is. Speaks TAP.

    test_chase.py VCOST

Nothing here judges speed: only what is said, what is written, what is left behind, and how it ends.
"""
import contextlib
import csv
import functools
import io
import json
import os
import pty
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True
import tap  # pylint: disable=wrong-import-position

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = tap.validator("vcost.result-1")
VCOST = str(Path(sys.argv[1]).resolve())
TINY = ["--working-set", "4K", "--on", "native", "--quick"]  # where it does not matter what is measured
SMALL = ["--working-set", "4K..16K", "--per-octave", "1", "--quick"]
LONG = ["--working-set", "64M..512M", "--per-octave", "8"]


def vcost(*arguments, **options):
    return tap.calm(subprocess.run([VCOST, *arguments], capture_output=True, text=True, timeout=300, **options))


def chase(*arguments, **options):
    return vcost("chase", *arguments, **options)


def expect(done, status, *sentences):
    assert done.returncode == status, f"exit status {done.returncode}: {done.stderr}"
    for sentence in sentences:
        assert sentence in done.stderr, f"'{sentence}' is not in: {done.stderr}"


def one_sentence(done, status, *parts):
    """One clear sentence on stderr (and a hint after wrong usage), nothing on stdout."""
    expect(done, status, *parts)
    lines = done.stderr.strip().splitlines()
    assert lines[0].startswith("vcost: "), done.stderr
    assert len(lines) == (2 if status == 2 else 1), done.stderr
    assert done.stdout == "", done.stdout


@contextlib.contextmanager
def folder():
    with tempfile.TemporaryDirectory(prefix="vcost-test-") as path:
        os.chmod(path, 0o777)
        yield Path(path)


@functools.cache
def result_of(*arguments):
    done = chase(*arguments, "--json", "-")
    expect(done, 0)
    result = json.loads(done.stdout)
    SCHEMA.validate(result)
    return result


def kvm_facts():
    lists = json.loads(vcost("list", "runners", "--json", "-").stdout)
    return next(runner for runner in lists["runners"] if runner["name"] == "kvm")


def need_kvm():
    facts = kvm_facts()
    if not facts["usable"]:
        raise tap.Skip(facts["reason"])
    return facts


# ---- what is measured


def test_result_has_a_native_and_a_guest_cell_for_each_working_set():
    need_kvm()
    result = result_of(*SMALL)
    assert [cell["id"] for cell in result["cells"]] == [
        f"chase/{on}/random/{size}/64/{guest}/4096" for size in (4096, 8192, 16384)
        for on, guest in (("native", "-"), ("kvm", "4096"))]
    assert len(result["comparisons"]) == 3
    assert result["complete"] and result["schema"] == "vcost.result/1" and result["experiment"] == "chase"
    for cell in result["cells"]:
        assert cell["low"] <= cell["median"] <= cell["high"] and cell["min"] <= cell["median"]
        assert len({sample["placement"] for sample in cell["samples"]}) >= 3
        assert 0.1 < cell["median"] < 1000  # ns for a hop in the first-level cache, on anything that runs this


def test_guest_cells_prove_where_they_ran_and_on_which_pages():
    facts = need_kvm()
    for cell in result_of(*SMALL)["cells"]:
        guest = cell["monitor"] == "kvm"
        assert cell["technique"] == (facts["technique"] if guest else "none")
        assert cell["guest_page_bytes"] == (4096 if guest else None)
        assert cell["pages_obtained"]["guest_bytes"] == (4096 if guest else None)
        assert cell["pages_obtained"]["host_share_2m"] == 0.0
        if guest:
            assert re.search(r"pages_4k=\d+ pages_2m=0", cell["pages_obtained"]["proof"])
            assert cell["counters"]["exits"] >= len(cell["samples"])  # each sample leaves the guest at least once


def test_all_orders_elements_chains_and_writing_run():
    result = result_of("--working-set", "16K", "--quick", "--order", "sequential,random,random-in-page", "--npad", "1,7,63",
        "--write", "--chains", "2")
    assert len(result["cells"]) % 9 == 0
    assert all(cell["parameters"]["write"] and cell["parameters"]["chains"] == 2 for cell in result["cells"])
    lines = result_of("--working-set", "64K", "--order", "line-per-page,packed", "--quick")
    assert {cell["parameters"]["element_bytes"] for cell in lines["cells"]} == {64}


def test_every_page_pair_is_proved_or_marked():
    need_kvm()
    result = result_of("--working-set", "8M", "--quick", "--guest-page", "4K,2M", "--host-page", "4K,2M")
    assert len(result["cells"]) == 6 and len(result["comparisons"]) == 4
    for cell in result["cells"]:
        pages = cell["pages_obtained"]
        if pages["as_asked"]:
            assert pages["host_share_2m"] == (1.0 if cell["host_page_bytes"] > 4096 else 0.0)
            assert pages["guest_bytes"] == cell["guest_page_bytes"]
        else:
            assert cell["quality"] == "noisy" and "not the pages" in cell["reason"], cell
    ids = {cell["id"]: cell for cell in result["cells"]}
    shadow = kvm_facts()["technique"] == "shadow"
    small_on_large = ids["chase/kvm/random/8388608/64/4096/2097152"]["pages_obtained"]
    if shadow and small_on_large["as_asked"]:  # the truth table: a shadow leaf is the smaller of the two
        assert "pages_2m=0 " in small_on_large["proof"]


def test_sources_and_nodes_of_memory():
    one_sentence(chase(*SMALL, "--numa-node", "1023"), 77, "no NUMA node 1023")
    one_sentence(chase(*SMALL, "--host-source", "small", "--host-page", "2M"), 1, "small")
    collapsed = chase("--working-set", "4M", "--quick", "--on", "native", "--host-page", "2M", "--host-source", "collapse",
        "--json", "-")
    if collapsed.returncode == 0:
        assert "collapse" in json.loads(collapsed.stdout)["cells"][0]["pages_obtained"]["proof"]
    else:
        one_sentence(collapsed, 77)


def test_seed_and_command_are_in_the_result():
    result = result_of("--working-set", "8K", "--quick", "--seed", "77", "--on", "native")
    assert result["seed"] == 77
    assert result["command"][1:4] == ["chase", "--working-set", "8K"]
    assert all(cell["monitor"] == "native" for cell in result["cells"]) and result["comparisons"] == []


def test_one_cpu_is_used_and_told():
    allowed = sorted(os.sched_getaffinity(0))
    assert result_of("--working-set", "8K", "--quick", "--cpu", str(allowed[0]))["cpu"] == allowed[0]
    assert result_of("--working-set", "8K", "--quick")["cpu"] in allowed  # the idlest


def test_a_time_budget_is_kept_and_what_is_missing_is_null_with_a_reason():
    done = chase(*LONG, "--time", "1", "--on", "native", "--json", "-")
    result = json.loads(done.stdout)
    expect(done, 0 if any(cell["samples"] for cell in result["cells"]) else 1)
    SCHEMA.validate(result)
    assert not result["complete"] and "1 s" in json.dumps(result)
    missing = [cell for cell in result["cells"] if not cell["samples"]]
    assert missing and all(cell["median"] is None and cell["reason"] for cell in missing)


# ---- where it goes


def test_table_plot_and_sentences_go_to_stdout_alone():
    done = chase(*SMALL)
    expect(done, 0)
    for part in ("working set", "4 KiB", "native", "ns per access"):
        assert part in done.stdout, part
    assert done.stderr == "" or done.stderr.startswith("vcost: only native"), done.stderr
    assert "\x1b" not in done.stdout


def test_files_are_written_whole_and_agree():
    with folder() as work:
        done = chase(*SMALL, "--json", str(work / "a.json"), "--csv", str(work / "a.csv"), "--svg", str(work / "a.svg"))
        expect(done, 0)
        result = json.loads((work / "a.json").read_text())
        rows = list(csv.DictReader(io.StringIO((work / "a.csv").read_text())))
        assert len(rows) == len(result["cells"])
        assert "<svg" in (work / "a.svg").read_text()
        assert sorted(path.name for path in work.iterdir()) == ["a.csv", "a.json", "a.svg"]


def test_png_is_a_png():
    with folder() as work:
        expect(chase(*TINY, "--svg", str(work / "a.png")), 0)
        assert (work / "a.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_csv_on_stdout_is_nothing_but_csv():
    done = chase(*SMALL, "--csv", "-", "--on", "native")
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert len(rows) == 3 and None not in rows[0]


def test_a_closed_pipe_is_survived():
    with folder() as work:
        run = subprocess.Popen([VCOST, "chase", *TINY, "--json", str(work / "a.json")], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE)
        run.stdout.close()
        run.stdout = None
        _, said = run.communicate(timeout=300)
        assert run.returncode in (1, -signal.SIGPIPE), run.returncode
        assert said.count(b"\n") <= 2, said
        SCHEMA.validate(json.loads((work / "a.json").read_text()))  # files are written first


def test_progress_is_drawn_on_a_terminal_and_taken_away():
    screen, terminal = pty.openpty()
    run = subprocess.Popen([VCOST, "chase", "--working-set", "8M", "--on", "native", "--json", os.devnull],
        stdout=subprocess.DEVNULL, stderr=terminal, env={**os.environ, "TERM": "xterm"})
    os.close(terminal)
    drawn = b""
    with contextlib.suppress(OSError):
        while piece := os.read(screen, 4096):
            drawn += piece
    assert run.wait(300) == 0
    assert b"%" in drawn and b"\r" in drawn, drawn
    os.close(screen)


# ---- how it ends


def start_and_interrupt(*arguments, **options):
    return tap.stop_midway([VCOST, "chase", *arguments], **options)


def test_interrupt_reports_what_was_measured_and_dies_of_the_signal():
    with folder() as work:
        status, out, said = start_and_interrupt(*LONG, "--json", str(work / "a.json"))
        assert status == -signal.SIGINT, (status, said)
        result = json.loads((work / "a.json").read_text())
        SCHEMA.validate(result)
        assert not result["complete"]
        assert "stopped by the user" in out + said + json.dumps(result)
        assert [path.name for path in work.iterdir()] == ["a.json"]


def test_sigterm_does_the_same():
    status, out, _ = start_and_interrupt(*LONG, "--json", "-", number=signal.SIGTERM)
    assert status == -signal.SIGTERM
    assert json.loads(out)["complete"] is False


# ---- bad input


def test_wrong_usage_is_one_sentence_and_status_2():
    for arguments, part in [
        (["--frobnicate"], "frobnicate"),
        (["--working-set", "0"], "0"),
        (["--working-set", "-4K"], "-4K"),
        (["--working-set", "1G..4K"], "1G..4K"),
        (["--working-set", "4Q"], "4Q"),
        (["--working-set", "99999999999999999999G"], "99999999999999999999G"),
        (["--npad", "512"], "512"),
        (["--npad", "x"], "x"),
        (["--order", "backwards"], "backwards"),
        (["--on", "vmware"], "vmware"),
        (["--on", "native,native"], '"native" is there twice'),
        (["--chains", "9"], "9"),
        (["--per-octave", "0"], "0"),
        (["--write", "--npad", "0"], "NPAD"),
        (["--working-set", "64", "--chains", "2"], "chains"),
        (["--time", "-1"], "-1"),
        (["--svg", "picture.gif"], ".svg or .png"),
        (["--json", "-", "--csv", "-"], "stdout"),
        (["stray"], "stray"),
    ]:
        one_sentence(chase(*arguments), 2, part)


def test_more_memory_than_there_is_is_refused_at_once():
    began = tap.cpu_seconds()
    one_sentence(chase("--working-set", "4K..900T"), 1, "memory")
    assert tap.cpu_seconds() - began < 10  # measuring takes longer


def test_a_cpu_that_is_not_there_is_refused_and_the_others_are_named():
    one_sentence(chase(*SMALL, "--cpu", "4095"), 77, "CPU 4095", "these can")


def test_unwritable_output_fails_before_measuring():
    began = tap.cpu_seconds()
    one_sentence(chase("--json", "/nonexistent/folder/a.json"), 1, "/nonexistent/folder/a.json")
    one_sentence(chase("--csv", "/"), 1, "/")
    assert tap.cpu_seconds() - began < 10  # measuring takes longer


def test_a_full_disk_is_told():
    one = chase(*TINY, "--json", "/dev/full")
    expect(one, 1, "No space left on device")
    with open("/dev/full", "w") as full:
        done = subprocess.run([VCOST, "chase", *TINY], stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1 and "No space left on device" in done.stderr, done.stderr
    with open("/dev/full", "w") as full:  # more than stdout holds back: it fails in the middle
        done = subprocess.run([VCOST, "help", "chase"], stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1 and "No space left on device" in done.stderr, done.stderr


def test_a_failed_write_leaves_the_old_file():
    with folder() as work:
        target = work / "old.json"
        target.write_text("old")
        status, _, _ = start_and_interrupt(*LONG, "--json", str(target), number=signal.SIGKILL)
        assert status == -signal.SIGKILL and target.read_text() == "old"


def as_nobody(*arguments):
    if os.getuid() != 0:
        raise tap.Skip("only root can become another user")
    return subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", VCOST, *arguments],
        capture_output=True, text=True, timeout=300)


def nobody_may_use_kvm():
    return subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "sh", "-c", ": <>/dev/kvm"],
        capture_output=True).returncode == 0


def test_without_permission_kvm_is_refused_when_asked_for_and_left_out_otherwise():
    if not os.path.exists("/dev/kvm"):
        raise tap.Skip("there is no /dev/kvm")
    if os.getuid() != 0 or nobody_may_use_kvm():
        raise tap.Skip("everybody may use /dev/kvm here, or only root can tell")
    one_sentence(as_nobody("chase", *SMALL, "--on", "kvm"), 77, "no permission on /dev/kvm", "group")
    done = as_nobody("chase", *SMALL, "--json", "-")
    expect(done, 0, "only native is measured")
    result = json.loads(done.stdout)
    SCHEMA.validate(result)
    assert {cell["monitor"] for cell in result["cells"]} == {"native"}
    assert result["host"]["kvm"]["usable"] is False and "permission" in json.dumps(result["host"]["kvm"])


def test_locking_more_than_allowed_is_told():
    if os.getuid() != 0:
        raise tap.Skip("only root can lower the limit for another user")
    done = subprocess.run(["prlimit", "--memlock=65536", "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
        VCOST, "chase", "--working-set", "4M", "--on", "native", "--lock"], capture_output=True, text=True, timeout=300)
    expect(done, 1, "lock", "ulimit -l")


# ---- what else is there


def test_list_tells_runners_orders_and_workloads():
    done = vcost("list")
    expect(done, 0)
    for word in ("native", "kvm", "command:CMD", "line-per-page", "chase"):
        assert word in done.stdout
    facts = kvm_facts()
    assert facts["usable"] == (facts["reason"] is None)
    asked = vcost("chase", "--on", "nowhere").stderr  # names all that --on takes
    runners = [runner["name"] for runner in json.loads(vcost("list", "runners", "--json", "-").stdout)["runners"]]
    assert all(name in asked for name in runners), (runners, asked)


def test_nothing_of_the_system_is_changed():
    places = ["/sys/kernel/mm/transparent_hugepage", "/proc/sys/vm", "/sys/module/kvm/parameters"]
    def look():
        """Settings are what can be written; what can only be read are counters."""
        seen = {}
        for place in places:
            for path in Path(place).rglob("*") if Path(place).exists() else []:
                with contextlib.suppress(OSError):
                    if path.is_file() and path.stat().st_mode & 0o200:
                        seen[str(path)] = path.read_text(errors="replace")
        return seen
    before = look()
    expect(chase(*SMALL), 0)
    after = look()
    assert after == before, {path: (before.get(path), after.get(path)) for path in after if after.get(path) != before.get(path)}


def sanitized():
    return "libasan" in subprocess.run(["ldd", VCOST], capture_output=True, text=True).stdout


def main():
    cases = dict(tap.cases(globals()))
    if sanitized():  # AddressSanitizer makes mlock() do nothing: there is nothing to test
        del cases["locking more than allowed is told"]
    tap.main(list(cases.items()))


main()
