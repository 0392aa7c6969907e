#!/usr/bin/python3
"""vcost chase and vcost events --on 'command:…' with agents on this machine: in child processes, in namespaces, and agents that are none.
Speaks TAP.

    test_agent.py VCOST

How each way to fail is told, and when a silent agent is given up, is tests/unit/test_remote.c's.
"""
import contextlib
import errno
import json
import os
import pty
import shlex
import signal
import struct
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path

sys.dont_write_bytecode = True
import tap  # pylint: disable=wrong-import-position

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = tap.validator("vcost.result-1")
VCOST = str(Path(sys.argv[1]).resolve())
AGENT = f"{shlex.quote(VCOST)} agent"
SMALL = ["--working-set", "4K..16K", "--per-octave", "1", "--quick"]
LONG = ["--working-set", "1M..16M", "--per-octave", "8"]
MAGIC = b"\x89VCOST\r\n"
HELLO = 1
OPEN, PREPARE, SAMPLE, PROOF, CLOSE, BYE, DONE, PREPARED, SAMPLED, PROVED, FAILED = range(16, 27)
PROTOCOL_1 = ROOT / "tests/fixtures/protocol-1"


def vcost(*arguments, **options):
    return tap.calm(subprocess.run([VCOST, *arguments], capture_output=True, text=True, timeout=600, **options))


def chase(*arguments, **options):
    return vcost("chase", *arguments, **options)


def on(*commands):
    return [word for command in commands for word in ("--on", f"command:{command}")]


def result_of(*arguments):
    done = chase(*arguments, "--json", "-")
    assert done.returncode == 0, f"exit status {done.returncode}: {done.stderr}"
    result = json.loads(done.stdout)
    SCHEMA.validate(result)
    return result


def fails(done, status, *parts):
    """One clear sentence on stderr, nothing on stdout."""
    assert done.returncode == status, f"exit status {done.returncode}: {done.stderr}"
    assert done.stdout == "", done.stdout
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1 and lines[0].startswith("vcost: "), done.stderr
    for part in parts:
        assert part in done.stderr, f"'{part}' is not in: {done.stderr}"


def monitors(result):
    return list(dict.fromkeys(cell["monitor"] for cell in result["cells"]))


def marked(mark):
    return tap.with_variable("MARK", mark)


def none_is_left(mark):
    tap.until(lambda: not marked(mark), "an agent is left")


# ---- agents that are none: a program here answers as it likes


def message(kind, body=None):
    """The body: what JSON is made of, or bytes."""
    body = body if isinstance(body, bytes) else json.dumps(body or {}).encode()
    return MAGIC + struct.pack("<II", kind, len(body)) + body


def hello(protocol=2, version="0.1.0"):
    facts = {"version": version, "cpu_brand": "x", "kernel": "x", "is_guest": False, "guest_of": None, "cpu": 0, "tsc_ghz": 2.5,
        "page_bytes": 4096}
    return message(HELLO, struct.pack("<IH", protocol, len(version)) + version.encode() + json.dumps({"facts": facts}).encode())


def sampled(ns):
    return message(SAMPLED, {"sample": {"metrics": [{"name": "time", "unit": "ns", "value": ns}], "operations": 1000,
        "evidence": {"wall_ns": 10**7}}})


USUAL = {OPEN: message(DONE), PREPARE: message(PREPARED, {"note": ""}), CLOSE: message(DONE), SAMPLE: sampled(2.0),
    PROOF: message(PROVED, {"proof": {"host_share_2m": 0, "as_asked": True, "proof": "none"}})}
PUPPET = """
import sys, struct, time
answers, at_first, samples, afterwards = {answers!r}, {at_first!r}, {samples}, {afterwards!r}
def write(data):
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
write(at_first)
while header := sys.stdin.buffer.read(16):
    kind, length = struct.unpack('<II', header[8:])
    sys.stdin.buffer.read(length)
    if answers.get(kind) is None:
        time.sleep(1000)
    samples -= kind == {SAMPLE}
    if samples < 0 and not afterwards:
        sys.exit('it was too much for me')
    write(answers[kind] if samples >= 0 else afterwards)
"""


@contextlib.contextmanager
def puppet(answers=None, at_first=None, samples=1000000, afterwards=b""):
    """A command whose agent says `at_first` and answers requests as told (None: never). When it has given so many samples it
    says `afterwards` instead, or dies if that is nothing."""
    with tempfile.TemporaryDirectory(prefix="vcost-test-") as folder:
        path = Path(folder) / "puppet.py"
        path.write_text(PUPPET.format(answers={**USUAL, **(answers or {})},
            at_first=hello() if at_first is None else at_first, samples=samples, afterwards=afterwards, SAMPLE=SAMPLE))
        yield f"/usr/bin/python3 {path}"


# ---- what is measured


def test_an_agent_in_a_child_process_is_held_against_native():
    result = result_of(*SMALL, "--on", "native", *on(AGENT))
    native, agent = monitors(result)
    assert native == "native" and agent.startswith("command:") and "/" not in agent
    assert len(result["comparisons"]) == 3 and result["complete"]
    for each in result["comparisons"]:
        assert each["baseline"].startswith("chase/native/") and each["cell"].startswith(f"chase/{agent}/")
    cells = [cell for cell in result["cells"] if cell["monitor"] == agent]
    for cell in cells:
        assert cell["samples"] and 0.1 < cell["median"] < 1000
        assert cell["counters"]["exits"] is None and cell["counters"]["page_faults"] is not None
        assert cell["pages_obtained"]["host_share_2m"] == 0.0 and cell["pages_obtained"]["as_asked"]
        assert len(cell["id"].split("/")) == 7
    pairs = [[(s["placement"], s["round"]) for s in cell["samples"]] for cell in result["cells"][:2]]
    assert pairs[0] == pairs[1]  # each round is measured here and there


def test_the_machine_of_each_agent_is_in_the_result():
    result = result_of(*SMALL, *on(AGENT), "--host-page", "4K,2M")
    agent, = result["agents"]
    assert agent["monitor"] == result["cells"][0]["monitor"] and agent["command"] == AGENT
    assert agent["kernel"] == os.uname().release and agent["page_bytes"] == 4096
    assert agent["cpu_brand"] == result["host"]["cpu"]["brand"]
    assert abs(agent["tsc_ghz"] / result["tsc_ghz"] - 1) < 0.01
    assert {cell["host_page_bytes"] for cell in result["cells"]} == {4096, 2 << 20}
    assert "agents" not in result_of("--working-set", "8K", "--quick", "--on", "native")


def test_an_agent_alone_measures_only_there():
    result = result_of(*SMALL, *on(AGENT))
    assert len(monitors(result)) == 1 and result["comparisons"] == [] and len(result["cells"]) == 3


def test_two_agents_at_once():
    result = result_of(*SMALL, "--on", "native", *on(AGENT, f"exec {AGENT}"))
    assert len(monitors(result)) == 3 and len(result["agents"]) == 2
    assert len({cell["id"] for cell in result["cells"]}) == 9 and len(result["comparisons"]) == 6


def test_an_agent_in_another_network_and_mount_namespace():
    if subprocess.run(["unshare", "-rmn", "true"], capture_output=True).returncode:
        raise tap.Skip("this user may not make namespaces here")
    result = result_of(*SMALL, "--on", "native", *on(f"unshare -rmn sh -c '! ls /sys/class/net/eth0 2>/dev/null; {AGENT}'"))
    assert len(monitors(result)) == 2 and all(cell["samples"] for cell in result["cells"])


def test_all_orders_chains_and_writing_run_there():
    result = result_of(*SMALL, *on(AGENT), "--order", "sequential,random-in-page,line-per-page", "--write", "--chains", "1",
        "--working-set", "16K")
    assert len(result["cells"]) == 3 and result["complete"]


def test_the_agent_may_use_cpus_that_vcost_does_not():
    allowed = sorted(os.sched_getaffinity(0))
    own = ["--cpu", str(allowed[-1])]  # the idlest otherwise
    result = result_of("--working-set", "8K", "--quick", *own, *on(f"{AGENT} --cpu {allowed[0]}"))
    assert result["agents"][0]["cpu"] == allowed[0] and result["cpu"] == allowed[-1]


def test_banners_before_the_first_word_are_skipped():
    banner = "printf 'Welcome to \\211VCOST-like things\\r\\n\\r\\n'; echo motd >&2"
    result = result_of("--working-set", "8K", "--quick", *on(f"{banner}; {AGENT}"))
    assert result["complete"]


def test_no_agent_is_left_behind():
    mark = uuid.uuid4()
    result_of("--working-set", "8K", "--quick", *on(f"MARK={mark} {AGENT}"))
    assert not marked(mark)


# ---- how it fails


def test_a_wrong_command_is_told():
    fails(chase(*SMALL, *on("no-such-program agent")), 1, "127", "no-such-program", "not found")


def test_what_the_agent_cannot_do_is_told_in_its_words():
    fails(chase(*SMALL, *on(f"{AGENT} --cpu 4095")), 77, "CPU 4095", "these can")
    fails(chase("--working-set", "900T", *on(AGENT)), 1, "memory")


def test_an_agent_that_dies_in_mid_run_is_told_and_its_samples_are_kept():
    done = chase(*LONG, *on(f"echo dying words >&2; timeout -s KILL 4 {AGENT}"), "--json", "-")
    assert done.returncode == 1 and done.stderr.startswith("vcost: ") and done.stderr.count("\n") == 1, done.stderr
    assert "137" in done.stderr and "dying words" in done.stderr, done.stderr
    if done.stdout:  # how far it came in this time is the machine's affair
        result = json.loads(done.stdout)
        SCHEMA.validate(result)
        assert not result["complete"] and "137" in result["incomplete_reason"]
        assert any(cell["samples"] for cell in result["cells"])


def broken_off(*arguments, part):
    """What was measured is in the file and the table, marked incomplete; the one sentence why is in both and on stderr."""
    with tempfile.TemporaryDirectory(prefix="vcost-test-") as folder:
        path = Path(folder) / "a.json"
        done = chase("--working-set", "4K..1M", "--quick", *arguments, "--json", str(path))
        result = json.loads(path.read_text())
        assert os.listdir(folder) == ["a.json"]
    SCHEMA.validate(result)
    assert done.returncode == 1 and done.stderr.startswith("vcost: ") and done.stderr.count("\n") == 1, done.stderr
    assert not result["complete"] and any(cell["samples"] for cell in result["cells"])
    for told in (done.stderr, result["incomplete_reason"], done.stdout.replace("\n", " ")):
        assert part in told, f"'{part}' is not in: {told}"
    assert "incomplete" in done.stdout, done.stdout
    return result


def test_what_was_measured_before_an_agent_died_is_reported():
    for samples in (20, 60):  # in the first placement and in a later one
        with puppet(samples=samples) as command:
            result = broken_off("--on", "native", *on(command), part="too much for me")
        there = [len(cell["samples"]) for cell in result["cells"] if cell["monitor"] != "native"]
        assert 0 < sum(there) < samples and all(cell["reason"] for cell in result["cells"] if not cell["samples"])


def test_what_was_measured_before_an_agent_lied_is_reported():
    for lie, part in [(b"?" * 100, "no message of vcost"), (sampled(0), "gives no figure")]:
        with puppet(samples=20, afterwards=lie) as command:
            broken_off("--on", "native", *on(command), part=part)


def test_without_any_sample_only_the_failure_is_told_and_the_old_file_stays():
    with tempfile.TemporaryDirectory(prefix="vcost-test-") as folder, puppet(samples=1) as command:
        path = Path(folder) / "a.json"
        path.write_text("old")
        fails(chase(*SMALL, *on(command), "--json", str(path)), 1, "too much for me")
        assert path.read_text() == "old" and os.listdir(folder) == ["a.json"]


def test_an_agent_that_lies_is_refused():
    for answers, part in [({SAMPLE: sampled(0)}, "SAMPLED is no message of vcost: sample: the sample gives no figure"),
                          ({SAMPLE: sampled(float("nan"))}, "SAMPLED is no message of vcost: "),
                          ({OPEN: sampled(2)}, "SAMPLED came where DONE was due"),
                          ({PROOF: message(PROVED, {"proof": {"as_asked": 2}})}, "PROVED is no message of vcost: "),
                          ({PREPARE: b"?" * 100}, "no message of vcost"),
                          ({SAMPLE: message(SAMPLED, b"[" * 60000)}, "SAMPLED is no message of vcost: "),
                          ({SAMPLE: message(SAMPLED, b"{}" + b" " * 65536)}, "impossible length")]:
        with puppet(answers) as command:
            fails(chase(*SMALL, *on(command)), 1, part)


def test_a_failure_over_there_is_one_here():
    for code, status in [(errno.ENOMEM, 1), (errno.EINTR, 1), (errno.ENOTSUP, 77)]:
        with puppet({OPEN: message(FAILED, {"errno": code, "sentence": "no \033[31mroom"})}) as command:
            fails(chase(*SMALL, *on(command)), status, "no ?[31mroom")


def test_another_version_is_refused_with_both_named():
    version = subprocess.run([VCOST, "--version"], capture_output=True, text=True).stdout.split()[1]
    for protocol, name in [(1, "0.0.9"), (3, "9.8.7"), (4000000000, "0.0.1")]:
        with puppet(at_first=hello(protocol, name)) as command:
            fails(chase(*SMALL, *on(command)), 1, name, str(protocol), f"this is vcost {version}", "version 2", "the same vcost")


def test_an_agent_of_version_1_of_the_protocol_is_told_from_what_it_said():
    for said, parts in [("hello", ["vcost 0.1.0", "version 1"]), ("failed", ["version 1"])]:
        with puppet(at_first=(PROTOCOL_1 / said).read_bytes()) as command:
            fails(chase(*SMALL, *on(command)), 1, *parts, "version 2", "install the same vcost in both places")


def first_word_of_the_agent(*arguments):
    done = subprocess.run([VCOST, "agent", *arguments], stdin=subprocess.DEVNULL, capture_output=True, timeout=300)
    return done.stdout


def test_a_controller_of_version_1_of_the_protocol_can_tell_whom_it_has():
    for arguments in ([], ["--cpu", "4095"]):  # one that measures, and one that cannot
        said = first_word_of_the_agent(*arguments)
        magic, kind, length, protocol, name_length = struct.unpack_from("<8sIIIH", said)
        assert magic == MAGIC and kind == HELLO and length <= 4096, said  # what version 1 takes
        assert protocol == 2 and said[22:22 + name_length].decode() in subprocess.run([VCOST, "--version"],
            capture_output=True, text=True).stdout


def test_requests_of_version_1_of_the_protocol_are_refused_with_the_remedy():
    done = subprocess.run([VCOST, "agent"], input=(PROTOCOL_1 / "requests").read_bytes(), capture_output=True, timeout=300)
    assert done.returncode == 1 and b"install the same vcost in both places" in done.stderr, done


# ---- Ctrl-C and other ends


def start(*arguments):
    return subprocess.Popen([VCOST, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True)


def is_stopped_by_the_user(status, out, said):
    assert status == -signal.SIGINT, (status, said)
    result = json.loads(out)
    SCHEMA.validate(result)
    assert not result["complete"] and result["incomplete_reason"] == "stopped by the user"
    return result


def test_interrupt_in_mid_run_reports_what_was_measured():
    mark = uuid.uuid4()
    result = is_stopped_by_the_user(*tap.stop_midway([VCOST, "chase", *LONG, "--on", "native", *on(f"MARK={mark} {AGENT}"), "--json", "-"],
        group=True, start_new_session=True))
    assert any(cell["samples"] for cell in result["cells"] if cell["monitor"] != "native"), "nothing was measured there"
    none_is_left(mark)


def test_interrupt_is_heard_while_an_agent_hangs():
    with puppet({SAMPLE: None}) as command:
        is_stopped_by_the_user(*tap.stop_midway([VCOST, "chase", *SMALL, *on(command), "--json", "-"], percent=0, group=True,
            start_new_session=True))


def test_an_agent_ends_with_the_vcost_that_started_it():
    mark = uuid.uuid4()
    run = start("chase", *LONG, *on(f"MARK={mark} {AGENT}"))
    tap.until(lambda: marked(mark), "no agent was started")
    run.kill()
    run.communicate()
    none_is_left(mark)


# ---- events


def events(*arguments):
    """The cells of a whole list of events, by monitor and event."""
    done = vcost("events", "--quick", *arguments, "--json", "-")
    assert done.returncode == 0, f"exit status {done.returncode}: {done.stderr}"
    result = json.loads(done.stdout)
    SCHEMA.validate(result)
    assert result["complete"] and result["experiment"] == "events"
    return result, {(cell["monitor"].split(":")[0], cell["workload"]): cell for cell in result["cells"]}


def test_events_happen_here_and_there_in_turns():
    names = ["syscall", "page-fault", "fork-exit"]
    result, cells = events(*names, "--on", f"native,command:{AGENT}")
    agent, = result["agents"]
    assert agent["command"] == AGENT and agent["kernel"] == os.uname().release
    assert set(cells) == {(on, name) for on in ("native", "command") for name in names}, set(cells)
    for name in names:
        here, there = cells["native", name], cells["command", name]
        assert there["id"] == f"events/{agent['monitor']}/{name}" and there["quality"] != "missing"
        assert {(s["placement"], s["round"]) for s in here["samples"]} == {(s["placement"], s["round"]) for s in there["samples"]}
        assert there["parameters"] == here["parameters"] and there["unit"] == "ns"
        assert 1 / 30 < there["median"] / here["median"] < 30, (here["median"], there["median"])  # the same machine, by two clocks
        assert {"cell": there["id"], "baseline": here["id"]}.items() <= next(each for each in result["comparisons"]
            if each["cell"] == there["id"]).items()
    assert cells["command", "fork-exit"]["median"] > 10 * cells["command", "syscall"]["median"]
    counted = cells["command", "page-fault"]["counters"]
    assert counted["exits"] is None and counted["page_faults"] >= counted["operations"] > 0, counted


def test_an_event_over_there_is_relative_to_another_one_there():
    result, cells = events("retouch-lines-syscall", *on(AGENT))
    assert len(result["cells"]) == 2 * len({cell["parameters"]["size_bytes"] for cell in result["cells"]}) > 2
    pairs = {(each["cell"], each["baseline"]) for each in result["comparisons"]}
    for cell in result["cells"]:
        if cell["workload"] == "retouch-lines-syscall":
            assert (cell["id"], cell["id"].replace("-syscall", "")) in pairs
    assert all(cell["median"] > 0 for cell in cells.values())


def test_an_event_that_cannot_happen_there_has_no_figure_and_says_why():
    _, cells = events("fault-guest", "syscall", *on(AGENT))
    cell = cells["command", "fault-guest"]
    assert cell["median"] is None and cell["samples"] == [] and cell["quality"] == "missing"
    assert "only one level natively" in cell["reason"]
    assert cells["command", "syscall"]["median"] > 1 and cells["command", "fault-host"]["median"] > 1


def test_events_of_an_agent_are_written_reported_and_compared():
    with tempfile.TemporaryDirectory(prefix="vcost-test-") as folder:
        def path(name):
            return str(Path(folder) / name)
        done = vcost("events", "--quick", "syscall", "page-fault", "--on", "native", *on(AGENT), "--json", path("a.json"), "--csv",
            path("a.csv"), "--html", path("a.html"), "--markdown", path("a.md"))
        assert done.returncode == 0, done.stderr
        result = json.loads(Path(path("a.json")).read_text())
        monitor = result["agents"][0]["monitor"]
        label = next(cell["label"] for cell in result["cells"] if cell["monitor"] == monitor)
        assert len(label) <= 40 and VCOST not in label, label
        assert label in done.stdout.replace("\n", " "), done.stdout
        assert f"events/{monitor}/syscall" in Path(path("a.csv")).read_text()
        for name in ("a.html", "a.md"):
            assert label in Path(path(name)).read_text().replace("\\", ""), name
        again = vcost("report", path("a.json"))
        assert again.returncode == 0 and again.stdout == done.stdout, again.stderr
        public = vcost("report", path("a.json"), "--no-command", "--format", "json").stdout
        assert "events/command:1/syscall" in public and label not in public and VCOST not in public, public
        compared = vcost("compare", path("a.json"), path("a.json"))
        assert compared.returncode == 0 and "\nsyscall " in compared.stdout, compared  # its slowdown


def test_what_events_cost_before_an_agent_died_lied_or_hung_is_reported():
    for puppetry, part in [({"samples": 10}, "too much for me"), ({"samples": 10, "afterwards": sampled(0)}, "gives no figure")]:
        with puppet(**puppetry) as command, tempfile.TemporaryDirectory(prefix="vcost-test-") as folder:
            path = Path(folder) / "a.json"
            done = vcost("events", "--quick", "syscall", "call-return", "--on", "native", *on(command), "--json", str(path))
            result = json.loads(path.read_text())
        SCHEMA.validate(result)
        assert done.returncode == 1 and done.stderr.count("\n") == 1 and part in done.stderr, done.stderr
        assert not result["complete"] and part in result["incomplete_reason"]
        assert any(cell["samples"] for cell in result["cells"] if cell["monitor"] == "native")
        assert any(cell["samples"] for cell in result["cells"] if cell["monitor"] != "native")


def test_events_hear_an_interrupt_while_an_agent_hangs():
    with puppet({SAMPLE: None}) as command:
        is_stopped_by_the_user(*tap.stop_midway([VCOST, "events", "syscall", *on(command), "--json", "-"], percent=0, group=True,
            start_new_session=True))


# ---- the agent itself


def tell_agent(*requests):
    """What the agent answers to these, without its HELLO: kinds, and bodies read."""
    done = subprocess.run([VCOST, "agent"], input=b"".join(message(*request) for request in requests), capture_output=True,
        timeout=300)
    assert done.returncode == 0 and done.stderr == b"", done
    answers = []
    while rest := done.stdout:
        kind, length = struct.unpack("<II", rest[8:16])
        assert rest[:8] == MAGIC and len(rest) >= 16 + length, rest
        answers.append((kind, rest[16:16 + length]))
        done.stdout = rest[16 + length:]
    assert answers[0][0] == HELLO, answers
    return [(kind, json.loads(body)) for kind, body in answers[1:]]


def of(runner, **more):
    return {"runner": runner, **more}


def memory(size, runner=0):
    return of(runner, bytes=size, alignment=0, host_page_bytes=4096)


def chase_of(size, runner=0):
    shape = {"working_set_bytes": size, "element_bytes": 64, "order": "random", "write": False, "chains": 1}
    return of(runner, workload="chase", parameters=shape, seed=1)


def event(name, runner=0):
    return of(runner, workload=name, parameters={"size_bytes": None, "operation": "x"}, seed=1)


def effort(runner=0, steps=1000):
    return of(runner, effort={"steps": steps, "batches": 2, "warm_steps": 0, "warm_limit": 0, "seconds": 0})


def test_an_agent_says_nothing_but_messages_and_ends_with_its_input():
    assert tell_agent() == []
    assert tell_agent((BYE,), (SAMPLE, b"what comes behind is not read")) == []


def test_an_agent_answers_each_request():
    asked = [(SAMPLE, effort(), FAILED), (PROOF, of(0), FAILED), (CLOSE, of(0), FAILED),
        (OPEN, memory(8192), DONE), (OPEN, memory(8192), FAILED), (OPEN, memory(4096, 1), FAILED), (OPEN, memory(8192, 1), DONE),
        (SAMPLE, effort(), FAILED), (PROOF, of(0), PROVED), (PREPARE, chase_of(8192), PREPARED),
        (PREPARE, chase_of(8192, 1), PREPARED), (SAMPLE, effort(), SAMPLED), (SAMPLE, effort(1), SAMPLED),
        (PREPARE, chase_of(1 << 20), FAILED), (SAMPLE, effort(), FAILED), (SAMPLE, effort(1), SAMPLED),
        (CLOSE, of(0), DONE), (CLOSE, of(0), FAILED), (SAMPLE, effort(1), SAMPLED), (CLOSE, of(1), DONE),
        (OPEN, memory(0), DONE), (PROOF, of(0), FAILED), (PREPARE, chase_of(4096), FAILED)]
    answers = tell_agent(*(request[:2] for request in asked))
    assert [kind for kind, _ in answers] == [request[2] for request in asked], answers
    for kind, body in answers:
        if kind == SAMPLED:
            assert 0.1 < body["sample"]["metrics"][0]["value"] < 10**7 and body["sample"]["operations"] == 2000, body


def test_an_agent_makes_events_and_tells_of_those_that_it_cannot_make():
    answers = tell_agent((OPEN, memory(0)), (OPEN, memory(0, 1)), (PREPARE, event("syscall")), (PREPARE, event("page-fault", 1)),
        (SAMPLE, effort(1, 100)), (SAMPLE, effort()), (PREPARE, event("fault-guest")), (PREPARE, event("no-such-thing")),
        (SAMPLE, effort(1, 100)))
    assert [kind for kind, _ in answers] == [DONE, DONE, PREPARED, PREPARED, SAMPLED, SAMPLED, FAILED, FAILED, SAMPLED], answers
    faults, syscalls = answers[4][1]["sample"], answers[5][1]["sample"]
    assert faults["operations"] == 200 and faults["counted"]["counters"]["page_faults"] >= 200, faults
    each = [sample["evidence"]["cpu_ns"] / sample["operations"] for sample in (syscalls, faults)]  # whoever else had the CPU meanwhile
    assert syscalls["operations"] == 2000 and min(each) > 1 and syscalls["metrics"][0]["value"] > 1, answers
    assert answers[6][1]["errno"] == errno.ENOTSUP and "only one level natively" in answers[6][1]["sentence"]
    assert "no-such-thing" in answers[7][1]["sentence"]


def test_an_agent_refuses_nonsense_and_answers():
    for nonsense, part in [(b"GET / HTTP/1.1\r\n\r\n", b"no message"), (message(DONE), b"DONE is no request"),
                           (message(77), b"impossible type"), (message(OPEN, {**memory(4096), "runner": 99}), b"runner is 99"),
                           (message(OPEN, {**memory(4096), "host_page_bytes": 1}), b"size of no page"),
                           (message(OPEN, b'{"runner": 0, "runner": 0}'), b"OPEN is no message")]:
        done = subprocess.run([VCOST, "agent"], input=nonsense, capture_output=True, timeout=300)
        assert done.returncode == 1 and part in done.stderr and done.stderr.count(b"\n") == 1, done


def test_an_agent_is_not_for_people():
    screen, terminal = pty.openpty()
    done = subprocess.run([VCOST, "agent"], stdin=terminal, capture_output=True, text=True, timeout=300)
    os.close(terminal)
    os.close(screen)
    fails(done, 1, "not for people", "stty raw -echo")


tap.main(tap.cases(globals()))
