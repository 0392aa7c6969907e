#!/usr/bin/python3
"""setup/build: a build folder has what it was asked for, in either order, and what is missing is an error (TAP on stdout).

Each case has a small project of its own that is laid out as vcost is; the last one configures vcost itself.
"""
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True
ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests" / "integration"))
import tap  # pylint: disable=wrong-import-position

PROJECT = {
    "meson.build": "project('small', 'c')\nexecutable('vcost', 'main.c')\n"
                   "if get_option('tests')\n  subdir('tests')\nendif\n",
    "meson_options.txt": "option('tests', type: 'boolean', value: false)\n",
    "main.c": "int main(void) { return 0; }\n",
    "tests/meson.build": "test('first', executable('first', '../main.c'))\n",
}
NEEDS_A_LIBRARY = "cc = meson.get_compiler('c')\ncc.find_library('wanted', dirs: meson.project_source_root())\n"


def setup_build(root, folder, *options, **environment):
    return subprocess.run([root / "setup" / "build", folder, *options], capture_output=True, text=True, check=False,
                          env={**os.environ, **environment})


class Project(tempfile.TemporaryDirectory):
    """A project in a folder that is removed; files: what is different in it."""

    def __init__(self, files=None):
        super().__init__(prefix="vcost-setup.")
        self.root = Path(self.name)
        for name, text in {**PROJECT, **(files or {})}.items():
            (self.root / name).parent.mkdir(exist_ok=True)
            (self.root / name).write_text(text, encoding="utf-8")
        (self.root / "setup").mkdir()
        shutil.copy(ROOT / "setup" / "build", self.root / "setup")

    def __enter__(self):
        return self

    def build(self, *options):
        return setup_build(self.root, "build", *options)

    def must_build(self, *options):
        done = self.build(*options)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), done

    def must_fail(self, words, *options):
        done = self.build(*options)
        assert done.returncode != 0 and words in done.stderr, done

    def has_tests(self):
        return (self.root / "build" / "tests" / "first").exists()


def test_what_goes_well_is_not_mentioned():
    with Project() as project:
        project.must_build()
        project.must_build()


def test_a_warning_is_shown():
    with Project({"main.c": "int main(void)\n{\n#warning look here\n    return 0;\n}\n"}) as project:
        done = project.build()
        assert done.returncode == 0 and "look here" in done.stderr, done


def test_what_cannot_be_compiled_is_an_error():
    with Project({"main.c": "int main(void) { return undeclared; }\n"}) as project:
        project.must_fail("undeclared")


def test_tests_after_a_build_without_them():
    with Project() as project:
        project.must_build()
        assert not project.has_tests()
        project.must_build("-Dtests=true")
        assert project.has_tests()


def test_a_build_after_tests_leaves_them():
    with Project() as project:
        project.must_build("-Dtests=true")
        project.must_build()
        project.must_build("-Dtests=true")
        assert project.has_tests()


def test_options_with_a_comma_are_heeded_too():
    with Project() as project:
        project.must_build("-Dtests=true")
        project.must_build("-Dtests=true", "-Db_sanitize=address,undefined", "-Db_lundef=false")
        assert b"__asan_init" in (project.root / "build" / "tests" / "first").read_bytes()
        plan = project.root / "build" / "build.ninja"
        before = plan.stat().st_mtime_ns
        project.must_build("-Dtests=true", "-Db_sanitize=address,undefined", "-Db_lundef=false")
        assert plan.stat().st_mtime_ns == before, "configured again for nothing"


def test_what_tests_need_is_named_while_it_is_missing_and_found_once_it_is_there():
    with Project({"tests/meson.build": NEEDS_A_LIBRARY + PROJECT["tests/meson.build"]}) as project:
        project.must_build()
        project.must_fail("'wanted' not found", "-Dtests=true")
        project.must_fail("'wanted' not found", "-Dtests=true")
        subprocess.run(["ar", "rc", project.root / "libwanted.a"], check=True)
        assert project.build("-Dtests=true").returncode == 0 and project.has_tests()


def test_a_build_needs_nothing_of_the_tests():
    with Project({"tests/meson.build": NEEDS_A_LIBRARY}) as project:
        project.must_build()
        project.must_fail("'wanted' not found", "-Dtests=true")
        assert project.build().returncode == 0


def test_a_folder_of_another_checkout_is_made_anew():
    with Project() as first, Project() as second:
        first.must_build()
        shutil.copytree(first.root / "build", second.root / "build")
        done = second.build()
        assert done.returncode == 0 and "stale" in done.stderr, done
        second.must_build()


def test_a_folder_that_is_not_of_mesons_making_is_left_alone():
    with Project() as project:
        (project.root / "build").mkdir()
        (project.root / "build" / "thesis").touch()
        project.must_fail("in the way")
        assert (project.root / "build" / "thesis").exists()


def test_without_cmocka_vcosts_own_tests_are_an_error_that_names_it():
    with tempfile.TemporaryDirectory(prefix="vcost-setup.") as folder:
        modules, tools = Path(folder) / "modules", Path(folder) / "tools"
        modules.mkdir()
        tools.mkdir()
        path = subprocess.run(["pkg-config", "--variable", "pc_path", "pkg-config"], capture_output=True, text=True, check=True)
        for place in reversed(path.stdout.strip().split(":")):
            for module in Path(place).glob("*.pc"):
                if module.stem != "cmocka":
                    (modules / module.name).unlink(missing_ok=True)
                    (modules / module.name).symlink_to(module)
        (tools / "cmake").symlink_to("/bin/false")
        done = setup_build(ROOT, f"{folder}/build", "-Dtests=true", PKG_CONFIG_LIBDIR=str(modules),
                           PATH=f"{tools}:{os.environ['PATH']}")
        assert done.returncode != 0 and '"cmocka" not found' in done.stderr, done


tap.main(tap.cases(globals()))
