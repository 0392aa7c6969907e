"""What must be true of the pages that a result got: all pairs of 4 KiB and 2 MiB pages, the guest's on the host's.

What is due is worked out here, from the technique that the module's parameters ask for and from the pair. The figures
come from four places: the guest's own tables (guest_bytes), smaps in words and as a share (the host's side), and KVM's
counters of leaves. Every check has sabotages beside it, changes of the result that it must refuse.
"""
import re

SMALL, LARGE = 4 << 10, 2 << 20
PAIRS = [(guest, host) for guest in (SMALL, LARGE) for host in (SMALL, LARGE)]
LEAVES = re.compile(r"KVM: pages_4k=(\d+) pages_2m=(\d+)")
SMAPS = re.compile(r"smaps: (\d+) KiB resident, (\d+) KiB of it in 2 MiB mappings")
OTHER_SMALL_LEAVES = 512  # at most so many are not of the data: the image, the guest's system pages, its tables
HEADER = ["setting", "guest page", "host page", "guest bytes obtained", "host share in 2 MiB", "pages_4k", "pages_2m",
          "as asked"]


def size_of(page):
    return "2 MiB" if page == LARGE else f"{page >> 10} KiB"


def name_of(pair):
    return f"guest pages of {size_of(pair[0])} on host pages of {size_of(pair[1])}"


def leaf_by_the_truth_table(technique, guest_page, host_page):
    """What KVM counts: under nested paging the host's leaves, under shadow paging the smaller of the two."""
    return min(guest_page, host_page) if technique == "shadow" else host_page


# ---- a cell, and what it got


def cells_on(result, monitor):
    return [cell for cell in result["cells"] if cell["monitor"] == monitor]


def cell_of(result, pair):
    """The one cell in a guest with this pair of pages."""
    found = [cell for cell in cells_on(result, "kvm")
             if (cell["guest_page_bytes"], cell["host_page_bytes"]) == pair]
    assert len(found) == 1, f"{len(found)} cells with {name_of(pair)}"
    return found[0]


def numbers(pattern, cell):
    """The two numbers that a part of the proof tells."""
    proof = cell["pages_obtained"]["proof"] or ""
    found = pattern.search(proof)
    assert found, f"{cell['id']}: no '{pattern.pattern}' in '{proof}'"
    return int(found[1]), int(found[2])


def host_has(cell, page, bytes_):
    """By smaps, in words and as a share, all of the memory is in host pages of this size."""
    resident, large = numbers(SMAPS, cell)
    assert resident >= bytes_ >> 10 and large == (resident if page == LARGE else 0), cell["pages_obtained"]
    assert cell["pages_obtained"]["host_share_2m"] == (1 if page == LARGE else 0), cell["pages_obtained"]


def kvm_counts(cell, leaf, bytes_):
    small, large = numbers(LEAVES, cell)
    data = bytes_ // leaf
    due = (large == 0 and data <= small < data + OTHER_SMALL_LEAVES) if leaf == SMALL else \
        (large == data and small < OTHER_SMALL_LEAVES)
    assert due, f"{cell['id']}: pages_4k={small} pages_2m={large}, {data} leaves of {size_of(leaf)} are due"


# ---- all pairs


def pair_is_proved(result, technique, bytes_, pair):
    """The guest ran with this pair of pages, and everything that tells of them agrees."""
    cell = cell_of(result, pair)
    assert cell["samples"] and cell["counters"]["exits"] >= len(cell["samples"]), f"{cell['id']} was not run"
    assert cell["technique"] == technique, cell["technique"]
    assert cell["pages_obtained"]["as_asked"] is True, cell["pages_obtained"]
    assert cell["pages_obtained"]["guest_bytes"] == pair[0], cell["pages_obtained"]
    host_has(cell, pair[1], bytes_)
    kvm_counts(cell, leaf_by_the_truth_table(technique, *pair), bytes_)


def is_whole(result, bytes_):
    """Each pair once and nothing else, beside native on both sizes of the host's pages."""
    pairs = [(cell["guest_page_bytes"], cell["host_page_bytes"]) for cell in cells_on(result, "kvm")]
    assert sorted(pairs) == sorted(PAIRS), pairs
    native = {cell["host_page_bytes"]: cell for cell in cells_on(result, "native")}
    assert set(native) == {SMALL, LARGE} and len(result["cells"]) == len(PAIRS) + len(native), native.keys()
    for page, cell in native.items():
        assert cell["pages_obtained"]["as_asked"] is True, cell["pages_obtained"]
        host_has(cell, page, bytes_)


def as_another_pair(result, pair, other):
    """What one pair got, told of another."""
    cell_of(result, pair)["pages_obtained"] = dict(cell_of(result, other)["pages_obtained"])


def with_other_leaves(result, pair, bytes_):
    """The counters of the other size of leaves, as if the other technique, or other pages, had been there."""
    cell = cell_of(result, pair)
    pages, (_, large) = cell["pages_obtained"], numbers(LEAVES, cell)
    told = f"KVM: pages_4k={bytes_ // SMALL + 8} pages_2m=0" if large else f"KVM: pages_4k=8 pages_2m={bytes_ // LARGE}"
    pages["proof"] = LEAVES.sub(told, pages["proof"])


def without(result, pair):
    result["cells"].remove(cell_of(result, pair))


def told_otherwise(name, value):
    return lambda result, pair, _: cell_of(result, pair)["pages_obtained"].update({name: value})


def pair_sabotages(pair):
    """What pair_is_proved must refuse of a result; each is called with the result, the pair and the bytes."""
    others = [other for other in PAIRS if other != pair]
    return [
        with_other_leaves,
        told_otherwise("as_asked", False),
        told_otherwise("guest_bytes", sum({SMALL, LARGE} - {pair[0]})),
        told_otherwise("host_share_2m", 0.5),
        told_otherwise("proof", None),
        lambda result, pair, _: cell_of(result, pair).update(samples=[]),
        lambda result, pair, _: without(result, pair),
    ] + [lambda result, pair, _, other=other: as_another_pair(result, pair, other) for other in others]


# ---- pages that cannot be had


def missed_pages_are_marked(result, text, technique):
    """Asked for large pages of the host where there are none: no cell passes for what it is not.

    The guest's small pages under shadow paging are the hard case: KVM counts the small leaves that large pages of the
    host would have given, and only smaps tells."""
    cells = result["cells"]
    assert len(cells) == 3 and {cell["host_page_bytes"] for cell in cells} == {LARGE}, [cell["id"] for cell in cells]
    for cell in cells:
        assert cell["pages_obtained"]["as_asked"] is False, f"{cell['id']}: {cell['pages_obtained']}"
        assert cell["quality"] == "noisy" and "not the pages that were asked for" in cell["reason"], cell["reason"]
        host_has(cell, SMALL, LARGE)
    for guest_page in (SMALL, LARGE):
        cell = cell_of(result, (guest_page, LARGE))
        assert cell["pages_obtained"]["guest_bytes"] == guest_page, cell["pages_obtained"]
        kvm_counts(cell, leaf_by_the_truth_table(technique, guest_page, SMALL), LARGE)
    said = " ".join(text.split()).count("not the pages that were asked for")
    assert said >= len(cells), f"{said} of {len(cells)} cells are marked in:\n{text}"


MISSED_SABOTAGES = [
    lambda cell: cell["pages_obtained"].update(as_asked=True),
    lambda cell: cell["pages_obtained"].update(host_share_2m=1),
    lambda cell: cell.update(quality="good"),
    lambda cell: cell.update(reason=None),
]


# ---- the table of proofs


def proof_rows(label, result):
    """What the guests got, as obtained."""
    for cell in cells_on(result, "kvm"):
        pages = cell["pages_obtained"]
        leaves = LEAVES.search(pages["proof"] or "")
        yield [label, size_of(cell["guest_page_bytes"]), size_of(cell["host_page_bytes"]), pages["guest_bytes"],
               pages["host_share_2m"], *(leaves.groups() if leaves else ("-", "-")), pages["as_asked"]]


def say_table(rows):
    """As comments of TAP, in Markdown, to be quoted."""
    lines = [HEADER] + [[str(field) for field in row] for row in rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADER))]
    lines.insert(1, ["-" * width for width in widths])
    for line in lines:
        print("# | " + " | ".join(field.ljust(width) for field, width in zip(line, widths)) + " |")
