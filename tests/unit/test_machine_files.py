#!/usr/bin/env python3
"""The machine files of share/machines/: every figure has a source, every source can be looked up, and what figures must
be to each other. Reads JSON by itself: the program's own reader is tested elsewhere."""
import copy
import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
PRESETS = ['barcelona', 'core2-merom', 'icelake-sp', 'nehalem', 'neoverse-n1', 'neoverse-v2', 'sapphire-rapids', 'skylake-sp',
           'zen2-rome', 'zen3-milan', 'zen4-genoa', 'zen5-turin']
# Not figures: what the file and the machine are called.
NAMES = {'schema', 'name', 'summary', 'sources'}


def publications(text):
    """The ids of the table "Publications" of doc/machines.md."""
    section = text.split('## Publications', 1)[1]
    return set(re.findall(r'^\| `(\w+)` \|', section, re.M))


def is_parts(value):
    return isinstance(value, dict) or (isinstance(value, list) and value and isinstance(value[0], dict))


def objects(value, place=''):
    """Every object with figures of its own: (place, object)."""
    if isinstance(value, dict):
        yield place, value
        for name, member in value.items():
            if name != 'sources':
                yield from objects(member, f'{place}.{name}' if place else name)
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield from objects(item, f'{place}[{i}]')


def figures(found):
    return {name for name, value in found.items() if name not in NAMES and not is_parts(value)
            and not (name == 'walk_caches' and value == []) and not (name in ('nested', 'tlb') and value is None)}


def judge_sources(machine, known):
    """What is wrong with the sources of a machine."""
    for place, found in objects(machine):
        sources = found.get('sources', {})
        for name in sorted(figures(found) - set(sources)):
            yield f'{place}.{name} has no source'
        for name in sorted(set(sources) - figures(found)):
            yield f'{place}.sources.{name} is of no figure'
        for name, source in sources.items():
            kind, colon, where = source.partition(':')
            if kind == 'assumed':
                if colon and not where.strip():
                    yield f'{place}.sources.{name} breaks off'
            elif kind not in known:
                yield f'{place}.sources.{name}: "{source[:40]}" begins with no publication of doc/machines.md'
            elif not where.strip():
                yield f'{place}.sources.{name} does not say where in {kind}'


def power_of_two(number):
    return number > 0 and number & (number - 1) == 0


def shapes(machine):
    for place, found in objects(machine):
        if 'ways' in found:
            yield place, found, found.get('entries', found.get('bytes', 0) // 64)


def judge_figures(machine):
    """What cannot be so in any machine."""
    for place, found, entries in shapes(machine):
        if found['ways'] < 1 or entries % found['ways']:
            yield f'{place}: {entries} entries in {found["ways"]} ways'
        elif found['index'] != 'hash' and not power_of_two(entries // found['ways']):
            yield f'{place}: {entries // found["ways"]} sets'
    levels = [(c['level'], c['cycles'], c['bytes'], c['use']) for c in machine['caches']]
    for use in ('data', 'instructions'):
        way = sorted(level for level in levels if level[3] in (use, 'both'))
        if [level[0] for level in way] != list(range(1, len(way) + 1)):
            yield f'caches: the levels for {use} are {[level[0] for level in way]}'
        for upper, lower in zip(way, way[1:]):
            if not (upper[1] < lower[1] and upper[2] < lower[2]):
                yield f'caches: level {lower[0]} is not slower and larger than the one above it'
    if not max(level[1] for level in levels) < machine['memory']['cycles'] <= machine['memory']['remote_cycles']:
        yield 'memory: it is not slower than the caches, or nearer from another node'
    taken = [(t['level'], use, page) for t in machine['tlbs'] for page in t['pages']
             for use in (['data', 'instructions'] if t['use'] == 'both' else [t['use']])]
    if len(taken) != len(set(taken)):
        yield 'tlbs: two of one level, use and page size'
    if not set(page for _, _, page in taken) <= set(machine['pages']):
        yield 'tlbs: one is for pages that the machine does not have'


class Cases:
    def __init__(self):
        self.count = self.failed = 0

    def case(self, name, problems):
        problems = list(problems)
        self.count += 1
        self.failed += bool(problems)
        print(f'{"not ok" if problems else "ok"} {self.count} - {name}')
        for problem in problems[:20]:
            print(f'# {problem}')


def damaged(machine, what):
    machine = copy.deepcopy(machine)
    what(machine)
    return machine


def set_to(*path_and_value):
    *path, last, value = path_and_value

    def change(machine):
        for step in path:
            machine = machine[step]
        if value is None:
            del machine[last]
        else:
            machine[last] = value
    return change


# Each breaks one rule; the check has to notice.
SOURCE_DEFECTS = {
    'a figure without a source': set_to('caches', 0, 'sources', 'bytes', None),
    'an object without sources': set_to('costs', 'sources', None),
    'a source of no figure': set_to('memory', 'sources', 'colour', 'assumed'),
    'a publication that nobody knows': set_to('tlbs', 0, 'sources', 'entries', 'Hearsay: page 3'),
    'a publication without a place in it': set_to('tlbs', 0, 'sources', 'entries', 'InstLatX64:'),
    'a source that is empty': set_to('sources', 'ghz', ''),
    'a figure that was added': set_to('walker', 'luck', 7),
}
FIGURE_DEFECTS = {
    'no ways': set_to('caches', 0, 'ways', 0),
    'entries that do not fill the ways': set_to('tlbs', 1, 'ways', 7),
    'a number of sets that bits cannot choose': set_to('caches', 0, 'bytes', 3 * 64 * 8),
    'a lower cache that is faster': set_to('caches', 2, 'cycles', 1),
    'memory that is faster than a cache': set_to('memory', 'cycles', 2),
    'two TLBs for one page size': lambda machine: machine['tlbs'].append(copy.deepcopy(machine['tlbs'][0])),
    'pages that are not there': set_to('pages', [4096]),
}


def main():
    cases = Cases()
    document = (ROOT / 'doc/machines.md').read_text()
    known = publications(document)
    files = sorted((ROOT / 'share/machines').glob('*.json'))
    machines = {path.stem: json.loads(path.read_text()) for path in files}
    cases.case('the presets are there', [] if sorted(machines) == PRESETS else [f'there are {sorted(machines)}'])
    for name, machine in machines.items():
        cases.case(f'{name}: every figure has a source', judge_sources(machine, known))
        cases.case(f'{name}: the figures can be so', judge_figures(machine))
        cases.case(f'{name}: the file is named as the machine', [] if machine['name'] == name else [machine['name']])
    texts = ' '.join(path.read_text() for path in files)
    cases.case('every publication is used', [f'{name} is not' for name in sorted(known) if not re.search(rf'\b{name}\b', texts)])
    for defects, judge in ((SOURCE_DEFECTS, lambda m: judge_sources(m, known)), (FIGURE_DEFECTS, judge_figures)):
        for name, change in defects.items():
            noticed = list(judge(damaged(machines['barcelona'], change)))
            cases.case(f'noticed: {name}', [] if noticed else ['it is not'])
    print(f'1..{cases.count}')
    return 1 if cases.failed else 0


sys.exit(main())
