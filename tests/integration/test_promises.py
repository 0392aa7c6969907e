#!/usr/bin/python3
"""What vcost promises of any run, and how it says so: how long it takes, before it measures what it can know then, where it
is started, and what it is given. Speaks TAP.

    test_promises.py VCOST

Times are judged by what a run must not take for the wrong reason, with room for a loaded machine.
"""
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True
import tap  # pylint: disable=wrong-import-position

VCOST = str(Path(sys.argv[1]).resolve())
TINY = ["chase", "--quick", "--on", "native", "--working-set", "4K"]


def vcost(*arguments, **options):
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "timeout": 300, **options}
    return subprocess.run([VCOST, *arguments], check=False, **options)


def result_of(*arguments):
    done = vcost(*arguments, "--json", "-")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@contextlib.contextmanager
def folder():
    with tempfile.TemporaryDirectory(prefix="vcost-test-") as path:
        yield Path(path)


# ---- time


def available_bytes():
    text = Path("/proc/meminfo").read_text()
    return 1024 * int(text.split("MemAvailable:")[1].split()[0])


def test_memory_that_takes_longer_than_the_time_is_not_made_ready_to_the_end():
    bytes_wanted = min(available_bytes() // 2, 16 << 30) >> 20 << 20
    if bytes_wanted < 2 << 30:
        raise tap.Skip("too little memory to take longer than its time")
    began = tap.cpu_seconds()
    done = vcost("chase", "--quick", "--time", "0.5", "--on", "native", "--working-set", str(bytes_wanted), "--json", "-")
    took = tap.cpu_seconds() - began
    result = json.loads(done.stdout)
    assert not result["complete"] and "the time budget of 0.5 s ended" in result["incomplete_reason"], result["incomplete_reason"]
    assert "--time 0.5 is too short for all of it, which takes at least about" in done.stderr, done.stderr
    assert took < 20, took


def test_what_takes_longer_than_promised_is_told_before_it_begins():
    run = subprocess.Popen([VCOST, "chase", "--per-octave", "64", "--on", "native"], stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, text=True)
    said = run.stderr.readline()
    while said.startswith(tap.BUSY):
        said = run.stderr.readline()
    run.kill()
    run.communicate()
    assert said.startswith("vcost: all of it takes at least about ") and "--time SECONDS ends it sooner" in said, said


def test_an_inspection_ends_with_its_time_and_says_what_it_left_out():
    began = tap.cpu_seconds()
    result = result_of("inspect", "--time", "1")
    took = tap.cpu_seconds() - began
    assert took < 10, took  # all of it takes longer
    reasons = [finding.get("reason") or "" for finding in result["findings"]]
    assert any("--time leaves no room" in reason or "time budget of 1 s ended" in reason for reason in reasons), reasons


# ---- before it measures


def test_an_order_starts_where_it_can():
    result = result_of("chase", "--quick", "--on", "native", "--time", "20", "--order", "line-per-large-page,packed",
        "--working-set", "512K..4M")
    sets = {(cell["parameters"]["order"], cell["parameters"]["working_set_bytes"]) for cell in result["cells"]}
    assert {size for order, size in sets if order == "line-per-large-page"} == {2 << 20, 4 << 20}, sets
    assert {size for order, size in sets if order == "packed"} == {1 << size for size in range(19, 23)}, sets


def test_a_stdout_that_is_closed_is_told_before_anything_is_measured():
    began = tap.cpu_seconds()
    done = vcost("chase", "--on", "native", stdout=None, preexec_fn=lambda: os.close(1))
    assert done.returncode == 1 and "standard output is closed" in done.stderr, done
    assert tap.cpu_seconds() - began < 5  # measuring takes longer


def test_a_stdout_that_nobody_reads_is_told_before_anything_is_measured():
    reader, writer = os.pipe()
    os.close(reader)
    began = tap.cpu_seconds()
    done = vcost("chase", "--on", "native", stdout=writer)
    os.close(writer)
    assert done.returncode == 1 and "nobody reads standard output any more" in done.stderr, done
    assert tap.cpu_seconds() - began < 5  # measuring takes longer


def test_files_are_not_written_into_what_was_closed():
    with folder() as work:
        vcost(*TINY, "--json", str(work / "a.json"), stdout=None, preexec_fn=lambda: os.close(1))
        assert json.loads((work / "a.json").read_text())["complete"]


def test_being_stopped_while_it_makes_ready_is_told():
    with folder() as work:
        (work / "a.json").write_text("as before")
        run = subprocess.Popen([VCOST, "chase", "--on", "command:sleep 60", "--json", str(work / "a.json")],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        tap.until(lambda: tap.children(run), "the command is not started")
        run.send_signal(signal.SIGINT)
        out, said = run.communicate(timeout=300)
        assert run.returncode == -signal.SIGINT and out == "", (run.returncode, out)
        assert "vcost: stopped by the user before anything was measured\n" in said, said
        assert (work / "a.json").read_text() == "as before"
        assert [path.name for path in work.iterdir()] == ["a.json"]


def ticks_of(pid):
    """Of the CPU, in hundredths of a second (proc(5))."""
    return int(Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[11])


@contextlib.contextmanager
def busy(cpus):
    programs = [subprocess.Popen(["taskset", "-c", str(cpu), sys.executable, "-c", "while True: pass"]) for cpu in cpus]
    try:
        for program in programs:
            tap.until(lambda pid=program.pid: ticks_of(pid) > 20, "it gets nothing of the CPU")
        yield
    finally:
        for program in programs:
            program.kill()
            program.wait()


BUSY_BELOW = "the hypervisor takes"  # told instead, while it takes more than programs do


def test_what_keeps_the_cpu_busy_is_told_with_what_to_do():
    cpu = max(os.sched_getaffinity(0))
    with busy([cpu]):
        for _ in range(5):
            done = vcost(*TINY, "--cpu", str(cpu))
            if BUSY_BELOW not in done.stderr:
                break
        else:
            raise tap.Skip("the hypervisor takes the CPU away for other machines")
        quiet = vcost(*TINY, "--cpu", str(cpu), "--quiet")
    assert f"% of CPU {cpu}, which is measured on" in done.stderr and "without --cpu" in done.stderr, done.stderr
    assert "other programs" not in quiet.stderr, quiet.stderr


# ---- what it is given


def test_an_agent_says_what_it_heard_that_is_no_request():
    done = vcost("agent", input=b"garbage\n", text=False)
    assert done.returncode == 1, done
    assert b'begins with "garbage"' in done.stderr and b"--on 'command:...'" in done.stderr, done.stderr


def test_labels_of_commands_say_where_and_no_more():
    commands = [f"command:env A=1 {VCOST} agent --cpu {max(os.sched_getaffinity(0))}", f"command:env A=1 {VCOST} agent",
        f"command:{VCOST} agent"]
    result = result_of("chase", "--quick", "--working-set", "4K", *(word for command in commands for word in ("--on", command)))
    labels = [cell["label"].split(" (")[0] for cell in result["cells"]]
    assert labels == ["env A=1", "env A=1", "agent"], labels
    assert len({cell["label"] for cell in result["cells"]}) == 3, result["cells"]


def test_results_that_went_through_windows_are_compared():
    with folder() as work:
        text = json.dumps(result_of(*TINY))
        (work / "a.json").write_text(text)
        for name, coding in (("mark", "utf-8-sig"), ("little", "utf-16"), ("big", "utf-16-be")):
            (work / name).write_bytes(text.encode(coding))
            done = vcost("compare", str(work / "a.json"), str(work / name))
            assert done.returncode == 0, (name, done.stderr)
        (work / "wide").write_bytes(text.encode("utf-32"))
        done = vcost("compare", str(work / "a.json"), str(work / "wide"))
        assert done.returncode == 1 and "is UTF-32: save it as UTF-8" in done.stderr, done.stderr


def test_a_threshold_names_what_got_slower_as_people_do():
    with folder() as work:
        after = result_of("chase", "--quick", "--on", "native", "--working-set", "64K")
        before = json.loads(json.dumps(after))
        for result, ns in ((before, 1), (after, 4)):  # whatever others did meanwhile
            for cell in result["cells"]:
                for number, sample in enumerate(cell["samples"]):
                    sample["value"], sample["disturbed"] = ns * (1 + number % 3 / 1000), None
                cell.update(median=ns, low=ns * 0.999, high=ns * 1.002, min=ns, quality="good", reason=None)
        (work / "a.json").write_text(json.dumps(before))
        (work / "b.json").write_text(json.dumps(after))
        done = vcost("compare", str(work / "a.json"), str(work / "b.json"), "--fail-above", "5%")
        assert done.returncode == 3, done
        assert "64 KiB" in done.stderr and "65536" not in done.stderr, done.stderr


if __name__ == "__main__":
    tap.main(tap.cases(globals()))
