"""The corpus: programs of Debian packages that must do in a domain what they do natively, as data.

A file *.programs holds entries, each below the name of its kind:

    [KIND]

    NAME: PACKAGE...
        COMMAND, a line or several, for sh -c
        prepare: COMMAND that runs before each run, natively (cleanup: after)
        stdin: FILE
        takes: SECONDS that a run may take (60)
        times: N              how often the command is repeated in a run (1), with a new `out` each time: what is short natively
        quick                 one of those that `make test` tries, once and with small inputs

Programs run in a folder with the inputs that make_inputs() writes and the sources of src/; `out` is theirs, empty before each
run. What they write to stdout is what is compared, so they print what they have made. Two may run at a time: a server's ports (18000 to
18999) are of its entry alone.
"""
import os
import random
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
FRESH = "rm -rf out && mkdir out"
FIELDS = ("prepare", "cleanup", "stdin", "takes", "times")
SHORT_SECONDS = 0.3  # what runs shorter natively is mostly started and ended


@dataclass
class Entry:
    """One program of the corpus."""
    name: str
    kind: str
    packages: list
    command: str = ""
    quick: bool = False
    fields: dict = field(default_factory=dict)

    def words(self):
        times = self.fields.get("times")
        return ["sh", "-c", f"for again in $(seq {times}); do\n{FRESH}\n(\n{self.command})\ndone\n" if times else self.command]

    def prepare(self):
        return FRESH + (f" && {self.fields['prepare']}" if "prepare" in self.fields else "")


def read_file(path):
    entries, kind = [], None
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        text = line.strip()
        if not text:
            continue
        if line[0] == "[":
            kind = text.strip("[]")
            continue
        if not line[0].isspace():
            name, packages = text.split(":", 1)
            entries.append(Entry(name, kind, packages.split()))
            continue
        key, colon, value = text.partition(": ")
        if not entries:
            raise ValueError(f"{path.name}:{number}: no entry begins before this line")
        if text == "quick":
            entries[-1].quick = True
        elif colon and key in FIELDS:
            entries[-1].fields[key] = value
        else:
            entries[-1].command += text + "\n"
    return entries


def read_all():
    """All entries, in the order of the files. A name stands for one only."""
    entries = [entry for path in sorted(HERE.glob("*.programs")) for entry in read_file(path)]
    names = [entry.name for entry in entries]
    twice = {name for name in names if names.count(name) > 1}
    if twice or any(not entry.command for entry in entries):
        raise ValueError(f"names that stand twice: {twice}, or an entry without a command")
    return entries


def shared_ports(entries):
    """Ports that more than one entry has, and which."""
    users = {}
    for entry in entries:
        for port in set(re.findall(r"\b18\d{3}\b", entry.command)):
            users.setdefault(port, []).append(entry.name)
    return {port: names for port, names in users.items() if len(names) > 1}


def missing_packages(entries):
    wanted = sorted({package for entry in entries for package in entry.packages})
    done = subprocess.run(["dpkg-query", "-W", "-f", "${Package} ${db:Status-Abbrev}\n", *wanted], capture_output=True, text=True, check=False)
    there = {line.split()[0] for line in done.stdout.splitlines() if line.split()[1:] == ["ii"]}
    return [package for package in wanted if package not in there]


# ---- inputs ----

def write_words(path, count):
    chance = random.Random(1)
    syllables = ["ka", "lo", "mi", "ne", "tu", "ra", "so", "vi", "be", "du"]
    with open(path, "w", encoding="ascii") as file:
        for _ in range(count):
            file.write("".join(chance.choices(syllables, k=chance.randrange(1, 6))) + f" {chance.randrange(100000)}\n")


def write_tree(path):
    chance = random.Random(2)
    for folder in range(20):
        at = path / f"d{folder}" / "sub"
        at.mkdir(parents=True)
        for file in range(15):
            (at / f"f{file}.txt").write_text("\n".join(str(chance.random()) for _ in range(chance.randrange(1, 400))))


def write_source(path, functions):
    with open(path, "w", encoding="ascii") as file:
        file.write("#include <stdio.h>\n#include <string.h>\nstruct s { int a[8]; double d; };\n")
        for i in range(functions):
            file.write(f"static int f{i}(struct s *s, int n) {{ for (int i = 0; i < n; i++) s->a[i % 8] += {i} * i; s->d *= 1.{i}; "
                f"return {'f' + str(i - 1) + '(s, n / 2)' if i else 'n'} + s->a[{i % 8}]; }}\n")
        file.write(f"int main(void) {{ struct s s = {{{{1}}, 1}}; printf(\"%d %g\\n\", f{functions - 1}(&s, 99), s.d); return 0; }}\n")


def write_picture(path, width, height):
    rows = bytearray()
    for y in range(height):
        for x in range(width):
            rows += bytes(((x * y >> 4) & 255, (x ^ y) & 255, (x + 2 * y) & 255))
    path.write_bytes(f"P6\n{width} {height}\n255\n".encode() + rows)


def write_sound(path, seconds):
    chance, rate = random.Random(3), 22050
    frames = b"".join(int(8000 * ((i // 50 % 2) * 2 - 1) + chance.randrange(-2000, 2000)).to_bytes(2, "little", signed=True) for i in range(seconds * rate))
    header = (b"RIFF" + (36 + len(frames)).to_bytes(4, "little") + b"WAVEfmt " + (16).to_bytes(4, "little") + b"\1\0\1\0" + rate.to_bytes(4, "little") +
        (2 * rate).to_bytes(4, "little") + b"\2\0\x10\0data" + len(frames).to_bytes(4, "little"))
    path.write_bytes(header + frames)


def make_inputs(folder, scale=1, large=8):
    """Writes what the programs work on; the same bytes each time. Smaller ones for who has little time; `large` is how many times the others
    the large ones are."""
    folder = Path(folder)
    chance = random.Random(4)
    write_words(folder / "words.txt", int(150000 * scale))
    write_words(folder / "few.txt", int(20000 * scale))
    write_words(folder / "many.txt", int(150000 * scale * large))
    (folder / "random.bin").write_bytes(chance.randbytes(int((2 << 20) * scale)))
    (folder / "large.bin").write_bytes(chance.randbytes(int((2 << 20) * scale * large)))
    (folder / "mixed.bin").write_bytes(b"".join(chance.randbytes(64) * chance.randrange(1, 60) for _ in range(int(1500 * scale))))
    write_tree(folder / "tree")
    write_source(folder / "large.c", int(500 * scale))
    write_picture(folder / "picture.ppm", int(400 * scale), int(300 * scale))
    write_picture(folder / "photo.ppm", int(400 * scale * large / 2), int(300 * scale * large / 2))
    write_sound(folder / "sound.wav", max(1, int(8 * scale)))
    write_sound(folder / "music.wav", max(1, int(8 * scale * large)))
    shutil.copytree(HERE / "src", folder / "src")
    (folder / "home").mkdir()


def environment(folder):
    """What programs of the corpus are started with: nothing of whoever starts them."""
    return {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/usr/games", "HOME": str(Path(folder) / "home"), "LC_ALL": "C.UTF-8",
        "TZ": "UTC", "TERM": "vt100", "TMPDIR": os.environ.get("TMPDIR", "/tmp"), "SOURCE_DATE_EPOCH": "1700000000"}
