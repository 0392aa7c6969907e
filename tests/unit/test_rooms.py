#!/usr/bin/python3
"""tests/check-rooms finds what it is there to find: each kind of violation in a tree of its own (TAP on stdout)."""
import os
import subprocess
import sys
import tempfile

CHECK = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "check-rooms")

GOOD = {
    "abi/call.h": "",
    "guest/kernel/entry.c": '#include "abi/call.h"\n#include "page.h"\n',
    "guest/kernel/page.h": "",
    "src/base/error.h": "#include <stdio.h>\n",
    "src/monitor/kvm/vm.c": '#include "monitor/monitor.h"\n#include "base/error.h"\n#include "abi/call.h"\n',
    "src/monitor/monitor.h": "",
    "src/cli/main.c": '#include "monitor/monitor.h"\nint main(void)\n{\n' + "    x();\n" * 100 + "}\n",
}

# name, files that are added to the good tree, the words that must be in the complaint (none: no complaint)
CASES = [
    ("accepts a good tree", {}, ""),
    ("refuses a room that uses one above it", {"src/base/bad.c": '#include "cli/main.h"\n'}, "src/base/bad.c:1"),
    ("refuses it in a sub-folder too", {"src/monitor/kvm/bad.c": '\n#include "domain/domain.h"\n'}, "bad.c:2"),
    ("refuses it by a relative path too",
     {"src/base/bad.h": '#include "../monitor/monitor.h"\n'}, "src/base/bad.h:1"),
    ("refuses a model that knows a monitor", {"src/model/tlb.c": '#include "monitor/monitor.h"\n'}, "tlb.c:1"),
    ("refuses page tables that know a domain", {"src/paging/bad.c": '#include "domain/domain.h"\n'}, "src/paging/bad.c:1"),
    ("refuses a report that uses an experiment", {"src/report/bad.c": '#include "experiment/chase.h"\n'}, "src/report/bad.c:1"),
    ("refuses an experiment that uses a report", {"src/experiment/bad.c": '#include "report/view.h"\n'}, "bad.c:1"),
    ("refuses an agent that uses an experiment", {"src/agent/bad.c": '#include "experiment/chase.h"\n'}, "bad.c:1"),
    ("refuses an inspection that uses events", {"src/inspect/bad.c": '#include "event/event.h"\n'}, "bad.c:1"),
    ("refuses an event that uses the inspection", {"src/event/bad.c": '#include "inspect/told.h"\n'}, "bad.c:1"),
    ("refuses a result that uses a report", {"src/result/bad.c": '#include "report/format.h"\n'}, "bad.c:1"),
    ("refuses a result that can run something", {"src/result/bad.c": '#include "runner/runner.h"\n', "src/runner/runner.h": ""}, "bad.c:1"),
    ("refuses a result that can enter a guest", {"src/result/bad.c": '#include "monitor/monitor.h"\n'}, "bad.c:1"),
    ("accepts a result that uses the data of runners", {"src/result/good.c": '#include "runner/cell.h"\n', "src/runner/cell.h": ""}, ""),
    ("refuses a record that uses the host", {"src/record/bad.c": '#include "host/host.h"\n'}, "bad.c:1"),
    ("refuses a guest that uses the host's side", {"guest/kernel/bad.c": '#include "base/error.h"\n'}, "bad.c:1"),
    ("refuses a host's side that uses the guest's",
     {"src/domain/bad.c": '#include "guest/kernel/page.h"\n'}, "src/domain/bad.c:1"),
    ("refuses an abi that uses anything", {"abi/bad.h": '# include "base/error.h"\n'}, "abi/bad.h:1"),
    ("refuses a room that nobody knows", {"src/attic/old.c": ""}, "src/attic/old.c"),
    ("refuses a source outside of any room", {"src/loose.c": ""}, "src/loose.c"),
    ("refuses a function of 101 lines", {"src/base/long.c": "int f(void)\n{\n" + "    x();\n" * 101 + "}\n"}, "long.c:2"),
    ("refuses a tree without sources", None, "no sources"),
]


def check(files):
    with tempfile.TemporaryDirectory() as root:
        for path, text in files.items():
            os.makedirs(os.path.join(root, os.path.dirname(path)), exist_ok=True)
            with open(os.path.join(root, path), "w", encoding="utf-8") as file:
                file.write(text)
        return subprocess.run([sys.executable, CHECK, root], capture_output=True, text=True, check=False)


def main():
    print(f"1..{len(CASES)}")
    for number, (name, added, words) in enumerate(CASES, 1):
        done = check({} if added is None else {**GOOD, **added})
        good = (done.returncode == 1 and words in done.stdout) if words else done.returncode == 0
        print(f"{'ok' if good else 'not ok'} {number} - {name}")
        if not good:
            print("#", (done.stdout + done.stderr).replace("\n", "\n# "))


main()
