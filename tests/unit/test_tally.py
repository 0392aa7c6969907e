#!/usr/bin/python3
"""tests/tally misses nothing that can go wrong in a test program (TAP on stdout).

A real Meson runs a project of small programs, so that what is tested is what Meson writes, not what we think it does.
"""
import os
import re
import subprocess
import sys
import tempfile

TALLY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tally")
SKIPS = "no-kvm | allowed: * | needs a guest\nany | listed* | for everybody\nno-tsc | unlisted* | other hosts\n"

# program, protocol, shell script, counts (passed, failed, skipped), words that must be told
PROGRAMS = [
    ("good", "tap", 'echo "1..2"; echo "ok 1 - a"; echo "ok 2"', (2, 0, 0), ""),
    ("bad", "tap", 'echo "1..2"; echo "ok 1 - a"; echo "not ok 2 - b"; echo "# because"; exit 1', (1, 1, 0), "bad: b: because"),
    ("crash", "tap", 'echo "1..1"; echo "ok 1 - a"; kill -SEGV $$', (1, 1, 0), "killed by SIGSEGV"),
    ("short", "tap", 'echo "1..3"; echo "ok 1 - a"', (1, 1, 0), "planned 3 tests, ran 1"),
    ("long", "tap", 'echo "1..1"; echo "ok 1 - a"; echo "ok 2 - b"', (2, 1, 0), "planned 1 tests, ran 2"),
    ("silent", "tap", ":", (0, 1, 0), "printed no plan"),
    ("empty", "tap", 'echo "1..0"', (0, 1, 0), "planned no test"),
    ("status", "tap", 'echo "1..1"; echo "ok 1 - a"; exit 3', (1, 1, 0), "exited with status 3"),
    ("bail", "tap", 'echo "1..1"; echo "ok 1 - a"; echo "Bail out! broken"', (1, 1, 0), "bailed out: broken"),
    ("slow", "tap", 'echo "1..1"; echo "ok 1 - a"; exec sleep 30', (1, 1, 0), "time limit"),
    ("todo", "tap", 'echo "1..1"; echo "not ok 1 - a # TODO later"', (0, 1, 0), "unexpected skip: to do: later"),
    ("allowed", "tap", 'echo "1..1"; echo "ok 1 - a # SKIP no /dev/kvm"', (0, 0, 1), "allowed: a: no /dev/kvm"),
    ("unlisted", "tap", 'echo "1..1"; echo "ok 1 - a # SKIP whim"', (0, 1, 0), "unexpected skip: whim"),
    ("listed-whole", "tap", 'echo "1..0 # SKIP none here"', (0, 0, 1), "none here"),
    ("unlisted-whole", "tap", 'echo "1..0 # SKIP none here"', (0, 1, 0), "unexpected skip: none here"),
    ("listed-plain", "exitcode", 'echo "nothing to do"; exit 77', (0, 0, 1), "nothing to do"),
    ("plain-skip", "exitcode", 'echo "nothing to do"; exit 77', (0, 1, 0), "unexpected skip: nothing to do"),
    ("plain", "exitcode", "exit 0", (1, 0, 0), ""),
    ("plain-bad", "exitcode", 'echo "oh" >&2; exit 1', (0, 1, 0), "exited with status 1: oh"),
    ("listed-cmocka", "exitcode",
     'echo "1..2"; echo "ok 1 - a"; echo "# skip: no /dev/kvm"; echo "not ok 2 # SKIP b"', (1, 0, 1), "b: no /dev/kvm"),
    ("cmocka-skip", "exitcode", 'echo "1..1"; echo "not ok 1 # SKIP b"', (0, 1, 0), "unexpected skip"),
    ("cmocka-crash", "exitcode", 'echo "1..2"; echo "ok 1 - a"; kill -ABRT $$', (1, 1, 0), "killed by SIGABRT"),
    ("cmocka-groups", "exitcode",
     'echo "1..1"; echo "ok 1 - a"; echo "1..2"; echo "ok 1 - b"; echo "ok 2 - c"', (3, 0, 0), ""),
    ("disturbed", "tap", 'echo "1..1"; mkdir "$0.ran" && { echo "not ok 1 - a"; echo "# too slow"; exit 1; }; echo "ok 1 - a"', (0, 1, 0),
     "a: too slow"),
    ("cmocka-short", "exitcode",
     'echo "1..2"; echo "ok 1 - a"; echo "1..1"; echo "ok 1 - b"', (2, 1, 0), "planned 2 tests, ran 1"),
]

LINE = re.compile(r"(\d+) passed, (\d+) failed, (\d+) skipped")


class Project:
    """A Meson project of those programs in a folder, run once."""

    def __init__(self, root):
        self.build = os.path.join(root, "build")
        self.skips = os.path.join(root, "skips")
        text = "project('programs')\n"
        for name, protocol, script, _, _ in PROGRAMS:
            write(os.path.join(root, name + ".sh"), script + "\n")
            text += (f"test('{name}', find_program('sh'), args: files('{name}.sh'), protocol: '{protocol}', "
                     f"timeout: {1 if name == 'slow' else 30}, suite: ['some', '{name}'])\n")
        write(os.path.join(root, "meson.build"), text)
        write(self.skips, SKIPS)
        meson("setup", self.build, root)
        write(os.path.join(self.build, "tests.json"), meson("introspect", "--tests", self.build))

    def run(self, *options):
        meson("test", "-C", self.build, "--no-rebuild", *options)

    def tally(self, *options, ran=True):
        command = [sys.executable, TALLY, "--skips", self.skips, "--host", "any no-kvm root", *options]
        return subprocess.run(command + (["--ran", "x", self.build] if ran else []), capture_output=True, text=True,
                              check=False)


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def meson(*arguments):
    return subprocess.run(["meson", *arguments], capture_output=True, text=True, check=False).stdout


def counts(done):
    """The counts of the last line, None if it has another form."""
    found = LINE.fullmatch(done.stdout.splitlines()[-1]) if done.stdout else None
    return tuple(int(each) for each in found.groups()) if found else None


def one_program(project, program):
    """Counts one program alone, out of the log of all."""
    name, _, _, wanted, words = program
    done = project.tally("--only", f"x={name}-alone")  # no test is in that suite: nothing is expected beyond the log
    lines = [line for line in done.stdout.splitlines() if re.match(rf"\w+: \[x\] {name}(:|$)", line)]
    got = (sum(line.startswith("failed:") for line in lines), sum(line.startswith("skipped:") for line in lines))
    return got == wanted[1:] and words in "\n".join(lines), done


def whole_programs(project):
    for program in PROGRAMS:
        good, done = one_program(project, program)
        yield f"counts and tells what the program {program[0]} did", good, done
    done = project.tally()
    wanted = tuple(sum(program[3][i] for program in PROGRAMS) for i in range(3))
    yield "counts every single case", counts(done) == wanted and done.returncode == 1, done
    project.run("--logbase", "again", "disturbed", "bad")
    done = project.tally()
    yield "counts what ran once more as it went then", counts(done) == (wanted[0] + 1, wanted[1] - 1, wanted[2]), done
    told = [line for line in done.stdout.splitlines() if line.startswith("failed beside other tests")]
    yield "tells how it failed before", len(told) == 2 and "[x] disturbed: a: too slow" in "".join(told), done
    os.remove(os.path.join(project.build, "meson-logs", "again.json"))
    done = project.tally("--failed", project.build)
    yield "names the programs that failed", {"bad", "disturbed", "crash"} <= set(done.stdout.split()) and "good" not in done.stdout, done


def whole_runs(project):
    project.run("--suite", "good", "--suite", "allowed")
    done = project.tally("--only", "x=good")
    yield "succeeds where nothing failed", counts(done) == (2, 0, 1) and done.returncode == 0, done
    done = project.tally()
    yield "tells of tests that never ran", done.returncode == 1 and "[x] bad: never ran" in done.stdout, done
    done = project.tally("--only", "x=good", "--broken", "building")
    yield "counts what broke before the tests", counts(done) == (2, 1, 1) and done.returncode == 1, done
    project.run("good", "allowed")
    done = project.tally("--chosen", "good", "--chosen", "allowed")
    yield "with chosen tests expects these alone", counts(done) == (2, 0, 1) and done.returncode == 0, done
    done = project.tally("--chosen", "good", "--chosen", "bad")
    yield "tells of chosen tests that never ran", done.returncode == 1 and "[x] bad: never ran" in done.stdout, done
    done = project.tally("--chosen", "good", "--chosen", "goood")
    yield "tells of chosen tests that do not exist", done.returncode == 1 and "goood: there is no such test" in done.stdout, done
    done = project.tally("--chosen", "plain", "--without", "plain", "--without", "other")
    yield "fails where all that was chosen is left out", counts(done) == (0, 0, 0) and done.returncode == 1, done
    project.run("--suite", "allowed")
    done = project.tally("--only", "x=allowed")
    yield "fails where nothing passed", counts(done) == (0, 0, 1) and done.returncode == 1, done
    os.remove(os.path.join(project.build, "meson-logs", "testlog.json"))
    done = project.tally()
    yield "fails where Meson left no log", counts(done) == (0, 1, 0) and done.returncode == 1, done
    done = project.tally(ran=False)
    yield "fails where nothing ran", counts(done) == (0, 0, 0) and done.returncode == 1, done
    write(project.skips, "any | x\n")
    done = project.tally()
    yield "refuses a malformed list of skips", done.returncode != 0 and "skips:1" in done.stderr, done


def main():
    with tempfile.TemporaryDirectory() as root:
        project = Project(root)
        project.run()
        number = 0
        for checks in (whole_programs(project), whole_runs(project)):
            for name, good, done in checks:
                number += 1
                print(f"{'ok' if good else 'not ok'} {number} - {name}")
                if not good:
                    print("#", (done.stdout + done.stderr).replace("\n", "\n# "))
    print(f"1..{number}")


main()
