#!/usr/bin/python3
"""vcost advise as a user types it, on programs that need one remedy, or that cannot be judged. Speaks TAP.

    test_advise.py VCOST NEEDY STATIC_NEEDY PAGES_LIBRARY

Nothing here judges times: what is asserted are counts (page faults, bytes on large pages), what is said, and how it ends.
"""
import csv
import io
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import uuid
from html.parser import HTMLParser
from pathlib import Path

sys.dont_write_bytecode = True
import tap  # pylint: disable=wrong-import-position

VCOST, NEEDY, STATIC, LIBRARY = (str(Path(path).resolve()) for path in sys.argv[1:5])


def run(*command, **options):
    return tap.calm(subprocess.run(command, capture_output=True, text=True, timeout=3000, check=False, **options))


def advise(*arguments, **options):
    return run(VCOST, "advise", "--quiet", "--quick", *arguments, **options)


TOO_SOON = "it ended too soon for a look at it"


def looked_at(only, *words, times):
    """The remedies for NEEDY that lasts long enough to be looked at while it runs, however fast this machine is and whoever else has its
    CPUs; on as many of them as all machines have on which there are threads."""
    cpus = sorted(os.sched_getaffinity(0))[:2]
    for more in (1, 4, 16):
        items = remedies(result("--only", only, "--budget", str(90 * more), NEEDY, *words, str(times * more),
                                preexec_fn=lambda: os.sched_setaffinity(0, cpus)))
        if not any(TOO_SOON in (item["proof"] or "") for item in items.values()):
            break
        print(f"# {times * more} times were too few", flush=True)
    return items


def result(*arguments, **options):
    done = advise("--json", "-", *arguments, **options)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    tap.validator("vcost.result-1").validate(found)
    return found


def remedies(found):
    return {item["name"]: item for item in found["advice"]["remedies"]}


def need_large_pages():
    if tap.large_pages_come_unasked() or not tap.large_pages_are_had(64 << 20):
        raise tap.Skip("this machine gives no transparent huge pages, or unasked, or has none left")


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


def test_what_is_seen_while_it_runs_is_proof():
    if len(os.sched_getaffinity(0)) < 2:
        raise tap.Skip("one CPU alone may be used")
    items = looked_at("fewer-threads,one-arena", "threads", "9", times=90000)
    few, many = map(int, re.fullmatch(r"(\d+) threads?, (\d+) without", items["fewer-threads"]["proof"]).groups())
    assert few < many <= 10, items["fewer-threads"]
    assert re.fullmatch(r"0 further arenas, [1-9] without", items["one-arena"]["proof"]), items["one-arena"]
    items = looked_at("one-cpu,fixed-addresses,fewer-threads,one-arena", "none", times=60000000)
    assert items["one-cpu"]["proof"] == "it may run on 1 CPU", items["one-cpu"]
    assert items["fixed-addresses"]["proof"] == "its stack is at the fixed address", items["fixed-addresses"]
    assert items["fewer-threads"]["reason"] == "not obtained: 1 thread, 1 without", items
    assert items["one-arena"]["reason"] == "not obtained: 0 further arenas, 0 without", items


def test_what_takes_no_effect_is_told_so():
    items = remedies(result("--only", "text-large-pages,malloc-keep", "--budget", "20", NEEDY, "none", "2000000"))
    assert items["text-large-pages"]["state"] in ("no-gain", "helps", "harms") or not tap.large_pages_are_had(64 << 20), items
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
    for budget, words, said in [("60", ["crash"], "was killed by signal 11"), ("60", ["status", "3"], "ended with exit status 3"),
                                ("60", ["terminal"], "stdin is no terminal"), ("0.6", ["hang"], "had not ended after")]:
        done = advise("--budget", budget, NEEDY, *words)
        assert done.returncode == 1 and said in done.stderr and done.stderr.count("\n") == 1, (words, done)
    assert advise("--budget", "20", "--only", "eager-binding", "--status", "3", NEEDY, "status", "3").returncode == 0


def test_programs_that_cannot_be_started():
    for words in [["/nowhere/prog"], ["no-such-program-anywhere"], ["/etc/passwd"], ["/"]]:
        done = advise(*words)
        assert done.returncode == 1 and "cannot start" in done.stderr and done.stderr.count("\n") == 1, (words, done)
    assert advise().returncode == 2


def test_a_budget_that_decides_nothing():
    done = advise("--budget", "3", "--only", "eager-binding", "sleep", "0.3")  # may take five times as long before that is no end
    assert done.returncode == 1 and "give --budget" in done.stderr, done


def test_a_budget_for_some_is_told_first_and_what_takes_no_effect_leaves_its_time_to_others():
    budget = 6
    for _ in range(4):  # between 15 and 31 runs, of which nobody knows how long they take here
        done = run(VCOST, "advise", "--budget", str(budget), "--quick", "--only", "malloc-keep,prefault-files,eager-binding", "--json", "-", "sleep", "0.2")
        items = remedies(json.loads(done.stdout)) if done.returncode == 0 else {}
        if items and items["prefault-files"]["rounds"] and "no time within the budget" in items["eager-binding"]["reason"]:
            break
        told = re.search(r"one run takes ([\d.]+) s", done.stderr)
        budget = 23 * float(told[1]) if told else budget / 2
    assert done.returncode == 0 and "takes at least" in done.stderr and re.search(r"within \d+ s the first is tried", done.stderr), done
    assert items["malloc-keep"]["state"] == "not-obtained" and items["prefault-files"]["rounds"] > 0, items
    assert "no time within the budget" in items["eager-binding"]["reason"], items


def test_glibc_s_settings_reach_a_static_program():
    need_large_pages()
    items = remedies(result("--budget", "60", "--only", "malloc-large-pages,malloc-keep,one-arena", STATIC, "fault", "32", "3"))
    large, kept = items["malloc-large-pages"], items["malloc-keep"]
    assert large["use"]["faults"] < 32 * 3 * 128 and kept["use"]["faults"] < 32 * 2 * 256, items
    assert items["one-arena"]["state"] == "not-obtained" or TOO_SOON in items["one-arena"]["proof"], items


def test_a_static_program():
    found = result("--budget", "20", "--only", "large-pages,one-cpu", STATIC, "none", "1000000")
    items = remedies(found)
    assert items["large-pages"]["state"] == "cannot" and "static" in items["large-pages"]["reason"], items


def test_another_allocator():
    if not any((Path(folder) / "libjemalloc.so.2").exists() for folder in ("/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/lib")):
        item = remedies(result("--only", "jemalloc", "--budget", "20", NEEDY, "none", "1000"))["jemalloc"]
        assert item["state"] == "cannot" and "it is in Debian's libjemalloc2" in item["reason"], item
        raise tap.Skip("libjemalloc2 is not installed")
    item = looked_at("jemalloc", "churn", "1000", times=300000)["jemalloc"]
    assert item["proof"] == "libjemalloc.so.2 is mapped" and item["rounds"] > 0, item


def test_a_set_user_id_program():
    if os.geteuid():
        raise tap.Skip("only root can give a file away")
    somebody, owner = 65533, 65534
    with tempfile.TemporaryDirectory() as folder:
        copies = [shutil.copy(path, folder) for path in (VCOST, LIBRARY, NEEDY)]
        os.chmod(folder, 0o755)
        os.chown(copies[2], owner, owner)
        os.chmod(copies[2], 0o4755)
        done = run(copies[0], "advise", "--quiet", "--quick", "--budget", "20", "--only", "large-pages,one-cpu", "--json", "-", copies[2],
                   "none", "1000000", user=somebody, group=somebody, extra_groups=[])
        assert done.returncode == 0, done.stderr
        items = remedies(json.loads(done.stdout))
    assert items["large-pages"]["state"] == "cannot" and "set-user-id" in items["large-pages"]["reason"], items
    alone = ("cannot",) if len(os.sched_getaffinity(0)) < 2 else ()
    assert items["one-cpu"]["state"] in ("no-gain", "helps", "harms", "not-obtained", *alone), items


def test_a_script_is_its_interpreter():
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "script"
        for first, said in [("#!/nowhere/sh", "a script for /nowhere/sh, which is not there"), ("echo", "")]:
            script.write_text(f"{first}\necho done\n")
            script.chmod(0o755)
            done = advise("--budget", "20", "--only", "prefault-files", str(script))
            assert done.returncode == (1 if said else 0) and said in done.stderr, done
        assert "it is a directory" in advise(folder).stderr
        done = advise("--budget", "20", "--only", "one-cpu", "mkdir", f"{folder}/once")
        assert done.returncode == 1 and "went well once, and then ended with exit status 1" in done.stderr and "--prepare" in done.stderr, done


def test_children_and_what_is_left_behind():
    assert advise("--budget", "20", "--only", "large-pages", NEEDY, "fork").returncode == 0
    mark = uuid.uuid4()
    done = advise("--budget", "20", "--only", "eager-binding", NEEDY, "orphan", env={**os.environ, "MARK": str(mark)})
    assert done.returncode == 0, done
    assert not tap.with_variable("MARK", mark), "it is left"
    assert advise("--budget", "20", "--only", "eager-binding", NEEDY, "gone").returncode == 0
    # The child that vcost has from before has ended, too, and is nobody's to wait for.
    shell = 'true & exec "$0" advise --quiet --quick --budget 20 --only eager-binding "$1" gone'
    assert run("sh", "-c", shell, VCOST, NEEDY).returncode == 0


def sleepers(marked):
    return [line for line in run("pgrep", "-a", "sleep").stdout.splitlines() if line.endswith(f" {marked}")]


def test_a_daemon_is_told_and_ended_and_nobody_elses():
    marked = 100000 + os.getpid()  # seconds: nobody else sleeps so long
    for count, told in [("1", "needy"), ("3", "3 processes, the first of them needy,")]:
        # A child that vcost has from whoever became it stays, and what --prepare has started in a session of its own.
        prepare = f"setsid sleep {marked} & until [ $(ps -o sid= -p $!) = $! ]; do :; done"
        shell = f"sleep {marked} >/dev/null 2>&1 & exec \"$0\" advise --budget 20 --only eager-binding --prepare '{prepare}' \"$@\""
        with tempfile.TemporaryDirectory() as folder:
            done = run("sh", "-c", shell, VCOST, "--json", f"{folder}/kept", "--quick", NEEDY, "daemon", count)
            found = json.loads(Path(folder, "kept").read_text())["advice"]
        left = sleepers(marked)
        for line in left:
            os.kill(int(line.split()[0]), signal.SIGKILL)
        assert done.returncode == 0 and "left needy running" in done.stderr and "--server" in done.stderr, done
        assert f"It leaves {told} running when it ends" in " ".join(done.stdout.split()), done
        assert (found["left_count"], found["left_name"], found["leaves_some"]) == (int(count), "needy", True), found
        assert NEEDY not in run("pgrep", "-a", "-f", "needy daemon").stdout
        assert len(left) > 2, left
    found = result("--budget", "20", "--only", "eager-binding", NEEDY, "orphan")["advice"]
    assert (found["left_count"], found["left_name"]) == (1, "needy"), found


def test_a_server_that_goes_to_the_background():
    done = advise("--budget", "20", "--server", f"{NEEDY} daemon 1", "--ready", "false", "--load", "true")
    assert done.returncode == 1 and "left needy running: it has to stay in the foreground" in done.stderr, done
    assert NEEDY not in run("pgrep", "-a", "-f", "needy daemon").stdout


def test_input_that_is_empty():
    said = "--stdin FILE gives it"
    for words, reads in [(["sort"], True), (["sh", "-c", "sort -u <&0"], True), ([NEEDY, "none", "1000"], False)]:
        done = run(VCOST, "advise", "--budget", "20", "--quick", "--only", "prefault-files", *words)
        assert done.returncode == 0 and (said in done.stderr) == reads == (said in " ".join(done.stdout.split())), done
    done = advise("--budget", "20", "grep", "x")
    assert done.returncode == 1 and "it reads its input, which is empty" in done.stderr, done
    assert said not in run(VCOST, "advise", "--budget", "20", "--quick", "--only", "prefault-files", "--stdin", __file__, "sort").stdout


def test_gigabytes_of_output():
    found = result("--budget", "20", "--only", "eager-binding", NEEDY, "big", "200")
    assert found["advice"]["output_compared"]


def test_interrupted():
    status, said, _ = tap.stop_midway([VCOST, "advise", NEEDY, "none", "10000000"])
    assert status == -signal.SIGINT and "incomplete" in said, (status, said)


def test_a_metric_and_commands_around():
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        script = f"echo run >>{log}; echo 'rate: 250 per second'"
        found = result("--budget", "20", "--only", "prefault-files", "--metric", "rate: ([0-9]+)", "--prepare",
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
        tap.until(lambda: server not in run("pgrep", "-a", "-f", "server.py").stdout, "the server is left")
    for budget, server, said in [("60", "false", "ended with exit status 1"), ("1", "sleep 100", "was not ready after")]:
        done = advise("--budget", budget, "--server", server, "--ready", "false", "--load", "true")
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
        found = json.loads(kept.read_text())
        one = {**found["advice"]["remedies"][0], "rounds": 12, "confirmed": True, "ratio": 0.95, "low": 0.85, "high": 0.97, "state": "helps"}
        several = "glibc-text-large-pages+malloc-large-pages+prefault-files"
        both = {**one, "name": several, "combination": True, "state": "no-gain", "reason": "no better", "over": "one",
                "over_ratio": 0.992, "over_low": 0.97, "over_high": 1.013}
        found["advice"].update(best="one", remedies=[{**one, "name": "one"}, both])
        for low, verdict in [(0.97, "not better"), (0.8, "cannot tell")]:
            both["over_low"] = low
            kept.write_text(json.dumps(found))
            told = " ".join(run(VCOST, "report", str(kept)).stdout.split())
            assert f"{several} {verdict} -5 %" in told and f"-0.8 % ({100 * low - 100:.1f} to +1.3) against one alone" in told, told
        assert "eager-binding" in run(VCOST, "compare", str(kept), str(kept)).stdout


class Rows(HTMLParser):
    """The first words of the rows of all tables in a page, and what it says besides."""

    def __init__(self, page):
        super().__init__()
        self.open, self.first, self.text = [], [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        if tag == "tr":
            self.first.append("")

    def handle_endtag(self, tag):
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data):
        if not {"script", "style"} & set(self.open):
            self.text.append(data)
            if "tr" in self.open and not self.first[-1]:
                self.first[-1] = data.strip()


def test_a_page_says_what_the_terminal_says():
    hostile = "<b>&\"'"
    with tempfile.TemporaryDirectory() as folder:
        page, kept = Path(folder) / "page.html", Path(folder) / "kept.json"
        done = advise("--budget", "20", "--only", "one-cpu,eager-binding,malloc-keep", "--html", str(page), "--json", str(kept), NEEDY, "none",
                      "1000000", hostile)
        assert done.returncode == 0, done.stderr
        found, text = json.loads(kept.read_text()), page.read_text()
        assert run(VCOST, "report", str(page)).stdout == done.stdout
        assert json.loads(run(VCOST, "report", str(page), "--format", "json").stdout) == found
    said = Rows(text)
    words = " ".join(" ".join(said.text).split())
    conclusion = " ".join(done.stdout.split("\n\n")[0].split())
    assert conclusion in words and "<title>vcost advise" in text, (conclusion, words[:400])
    assert set(remedies(found)) <= set(said.first), said.first
    assert all(item["reason"] in words for item in remedies(found).values() if item["state"] == "not-obtained"), words
    assert found["advice"]["program"][-1] == hostile and hostile not in text and "<b>" not in text, found["advice"]["program"]


def test_the_library_counts_what_it_did():
    need_large_pages()
    done, counts = preloaded("large", NEEDY, "map", "64", "2")
    assert done.returncode == 0 and counts["processes"] == 1 and counts["advised"] == 2 * 64 << 20, counts
    done, counts = preloaded("populate,heap=67108864", NEEDY, "fault", "32", "2")
    assert done.returncode == 0 and counts["populated"] >= 60 << 20, counts
    done, counts = preloaded("text", NEEDY, "text", "1000")
    assert done.returncode == 0 and counts["text"] >= 14 << 20, counts
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
