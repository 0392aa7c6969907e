#!/usr/bin/python3
"""vcost advise as a user types it, on programs that need one remedy, or that cannot be judged. Speaks TAP.

    test_advise.py VCOST NEEDY STATIC_NEEDY PAGES_LIBRARY

Nothing here judges times: what is asserted are counts (page faults, bytes on large pages), what is said, and how it ends.
"""
import csv
import io
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.dont_write_bytecode = True
import tap  # pylint: disable=wrong-import-position

VCOST, NEEDY, STATIC, LIBRARY = (str(Path(path).resolve()) for path in sys.argv[1:5])
THP = Path("/sys/kernel/mm/transparent_hugepage/enabled")


def run(*command, **options):
    return tap.calm(subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, **options))


def advise(*arguments, **options):
    return run(VCOST, "advise", "--quiet", "--quick", *arguments, **options)


def result(*arguments):
    done = advise("--json", "-", *arguments)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    tap.validator("vcost.result-1").validate(found)
    return found


def remedies(found):
    return {item["name"]: item for item in found["advice"]["remedies"]}


def need_large_pages():
    if not THP.exists() or "[never]" in THP.read_text():
        raise tap.Skip("this kernel gives no transparent huge pages")


def preloaded(words, *command):
    """What a program did, and what the library counted (abi/pages_report.h)."""
    with tempfile.NamedTemporaryFile() as report:
        report.truncate(4096)
        done = run(*command, env={**os.environ, "LD_PRELOAD": LIBRARY, "VCOST_PAGES": words, "VCOST_PAGES_REPORT": report.name})
        counts = memoryview(Path(report.name).read_bytes()).cast("Q")
    names = ["processes", "advised", "populated", "text", "locked", "refused"]
    return done, dict(zip(names, counts))


def faults_of(*command):
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_minflt
    done = run(*command)
    assert done.returncode == 0, done.stderr
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_minflt - before


def test_each_remedy_is_proved_by_what_was_counted():
    need_large_pages()
    found = result("--only", "large-pages,prefault", "--budget", "20", NEEDY, "fault", "16", "1")
    items = remedies(found)
    assert found["experiment"] == "advise" and found["complete"]
    assert found["advice"]["output_compared"]
    assert found["advice"]["use"]["faults"] > 16 * 256, found["advice"]["use"]
    assert items["large-pages"]["use"]["faults"] < 16 * 128, items["large-pages"]
    assert "on large pages" in items["large-pages"]["proof"] or "page faults" in items["large-pages"]["proof"]
    assert "faulted in ahead" in items["prefault"]["proof"]
    cells = {cell["id"]: cell for cell in found["cells"]}
    assert "advise/native/none" in cells and items["large-pages"]["cell"] in cells
    ratios = {each["cell"]: each["ratio"] for each in found["comparisons"]}
    for item in items.values():
        if item["rounds"]:
            assert item["low"] <= item["ratio"] <= item["high"]
            assert abs(ratios[item["cell"]] / item["ratio"] - 1) < 1e-6, (item, ratios)


def test_what_takes_no_effect_is_told_so():
    items = remedies(result("--only", "text-large-pages,malloc-keep", "--budget", "20", NEEDY, "none", "2000000"))
    assert items["text-large-pages"]["state"] in ("no-gain", "helps", "harms"), items
    assert items["malloc-keep"]["state"] == "not-obtained", items
    assert "page faults" in items["malloc-keep"]["reason"] and items["malloc-keep"]["rounds"] == 0


def test_what_changes_the_program_is_out():
    items = remedies(result("--only", "prefault", "--budget", "20", NEEDY, "preloaded"))
    assert items["prefault"]["state"] == "out", items
    assert "wrote something else" in items["prefault"]["reason"], items


def test_output_that_differs_is_not_compared():
    found = result("--only", "eager-binding", "--budget", "3", NEEDY, "pid")
    assert not found["advice"]["output_compared"] and "differs" in found["advice"]["output_reason"]


def test_a_program_that_does_not_end_well():
    for words, said in [(["crash"], "was killed by signal 11"), (["status", "3"], "ended with exit status 3"),
                        (["terminal"], "stdin is no terminal"), (["hang"], "had not ended after")]:
        done = advise("--budget", "0.6", NEEDY, *words)
        assert done.returncode == 1 and said in done.stderr and done.stderr.count("\n") == 1, (words, done)
    assert advise("--budget", "20", "--only", "eager-binding", "--status", "3", NEEDY, "status", "3").returncode == 0


def test_programs_that_cannot_be_started():
    for words in [["/nowhere/prog"], ["no-such-program-anywhere"], ["/etc/passwd"], ["/"]]:
        done = advise(*words)
        assert done.returncode == 1 and "cannot start" in done.stderr and done.stderr.count("\n") == 1, (words, done)
    assert advise().returncode == 2


def test_a_budget_that_decides_nothing():
    done = advise("--budget", "1", "--only", "eager-binding", "sleep", "0.4")
    assert done.returncode == 1 and "give --budget" in done.stderr, done


def test_a_budget_for_some_is_told_first():
    done = run(VCOST, "advise", "--budget", "2", "--quick", "--verbose", "sleep", "0.08")
    assert done.returncode == 0 and "takes at least" in done.stderr, done
    assert "no time within the budget" in " ".join(done.stdout.split()), done


def test_a_static_program():
    found = result("--budget", "20", "--only", "large-pages,one-cpu", STATIC, "none", "1000000")
    items = remedies(found)
    assert items["large-pages"]["state"] == "cannot" and "static" in items["large-pages"]["reason"], items


def test_children_and_what_is_left_behind():
    assert advise("--budget", "20", "--only", "large-pages", NEEDY, "fork").returncode == 0
    assert advise("--budget", "20", "--only", "eager-binding", NEEDY, "orphan").returncode == 0
    assert NEEDY not in run("pgrep", "-a", "-f", "needy orphan").stdout


def test_gigabytes_of_output():
    found = result("--budget", "20", "--only", "eager-binding", NEEDY, "big", "20")
    assert found["advice"]["output_compared"]


def test_interrupted():
    process = subprocess.Popen([VCOST, "advise", "--quiet", NEEDY, "none", "10000000"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               text=True)
    time.sleep(1.2)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGINT and "incomplete" in said, (process.returncode, said)


def test_a_metric_and_commands_around():
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        script = f"echo run >>{log}; echo 'rate: 250 per second'"
        found = result("--budget", "20", "--only", "eager-binding", "--metric", "rate: ([0-9]+)", "--prepare",
                       f"echo before >>{log}", "--cleanup", f"echo after >>{log}", "sh", "-c", script)
        lines = log.read_text().split()
        assert lines[:3] == ["before", "run", "after"] and len(lines) % 3 == 0
        assert found["cells"][0]["median"] == 1e9 / 250
    done = advise("--metric", "rate", "true")
    assert done.returncode == 1 and "one group" in done.stderr, done
    assert "wrote nothing" in advise("--metric", "rate: ([0-9]+)", "true").stderr


SERVER = '''
import os, socket, sys
try:
    os.unlink(sys.argv[1])
except OSError:
    pass
server = socket.socket(socket.AF_UNIX)
server.bind(sys.argv[1])
server.listen()
while True:
    peer, _ = server.accept()
    while peer.recv(1):
        peer.send(b"x")
'''
CLIENT = '''
import socket, sys
peer = socket.socket(socket.AF_UNIX)
peer.connect(sys.argv[1])
for _ in range(int(sys.argv[2])):
    peer.send(b"x")
    peer.recv(1)
print("done")
'''


def test_a_server_under_its_load():
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "server.py").write_text(SERVER)
        (Path(folder) / "client.py").write_text(CLIENT)
        client = f"{sys.executable} {folder}/client.py {folder}/socket"
        server = f"{sys.executable} {folder}/server.py {folder}/socket"
        found = result("--budget", "20", "--only", "eager-binding", "--server", server, "--ready", f"{client} 0", "--load", f"{client} 10")
        assert found["advice"]["program"] == server.split() and found["advice"]["output_compared"]
        assert remedies(found)["eager-binding"]["command"] == f"LD_BIND_NOW=1 {server}"
        assert server not in run("pgrep", "-a", "-f", "server.py").stdout
    for server, said in [("false", "ended with exit status 1"), ("sleep 100", "was not ready after")]:
        done = advise("--budget", "1", "--server", server, "--ready", "false", "--load", "true")
        assert done.returncode == 1 and said in done.stderr, done
    assert advise("--server", "true").returncode == 2 and advise("--server", "x", "--ready", "y", "--load", "z", "true").returncode == 2


def test_the_list_and_a_remedy_of_the_user():
    listed = run(VCOST, "advise", "--list").stdout
    assert "large-pages" in listed and "the host's operator" in " ".join(listed.split())
    with tempfile.TemporaryDirectory() as folder:
        own = Path(folder) / "own.json"
        own.write_text(json.dumps({"schema": "vcost.remedy/1", "name": "own", "title": "a variable", "article": "Nothing.",
            "costs": "nothing", "kind": "own", "environment": {"OWN": "a b"}, "proof": "none"}))
        found = result("--budget", "20", "--remedy", str(own), "--only", "clock-source", "true")
        assert remedies(found)["own"]["command"] == "OWN='a b' true"
        own.write_text('{"schema": "vcost.remedy/1", "name": "Own"}')
        done = advise("--remedy", str(own), "true")
        assert done.returncode == 1 and "own.json is no vcost remedy" in done.stderr, done


def test_csv_and_report():
    with tempfile.TemporaryDirectory() as folder:
        kept = Path(folder) / "kept.json"
        done = advise("--budget", "20", "--only", "eager-binding", "--json", str(kept), "--csv", "-", NEEDY, "none", "1000000")
        rows = list(csv.DictReader(io.StringIO(done.stdout.split("\n\n")[0])))
        assert rows[0]["remedy"] == "eager-binding", done.stdout
        assert "eager-binding" in run(VCOST, "report", str(kept)).stdout
        assert "eager-binding" in run(VCOST, "compare", str(kept), str(kept)).stdout


def test_the_library_counts_what_it_did():
    need_large_pages()
    done, counts = preloaded("large", NEEDY, "map", "64", "2")
    assert done.returncode == 0 and counts["processes"] == 1 and counts["advised"] == 2 * 64 << 20, counts
    done, counts = preloaded("populate,heap=67108864", NEEDY, "fault", "32", "2")
    assert done.returncode == 0 and counts["populated"] >= 60 << 20, counts
    done, counts = preloaded("text", NEEDY, "text", "1000")
    assert done.returncode == 0 and counts["text"] >= 6 << 20, counts
    assert done.stdout == run(NEEDY, "text", "1000").stdout
    done, counts = preloaded("large,populate,text", NEEDY, "fork")
    assert done.returncode == 0 and done.stdout == "3\n" and counts["processes"] == 1, counts
    done, counts = preloaded("", NEEDY, "fork")
    assert counts["processes"] == 0


def test_the_library_spares_faults():
    need_large_pages()
    plain = faults_of(NEEDY, "map", "64", "1")
    large = faults_of("env", f"LD_PRELOAD={LIBRARY}", "VCOST_PAGES=large", NEEDY, "map", "64", "1")
    assert plain > 64 * 256 > 10 * large, (plain, large)


def test_the_library_with_threads():
    script = "import threading\nt=[threading.Thread(target=lambda: [bytearray(300000) for _ in range(50)]) for _ in range(8)]\n" \
        "[x.start() for x in t]; [x.join() for x in t]; print(len(t))"
    done, counts = preloaded("large", sys.executable, "-c", script)
    assert done.returncode == 0 and done.stdout == "8\n" and counts["advised"] > 0, (done, counts)


tap.main(tap.cases(globals()))
