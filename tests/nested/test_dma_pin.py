#!/usr/bin/python3
"""The event dma-pin where it can be: on a machine with an emulated IOMMU and an emulated device that vfio-pci has. One boot
of the QEMU host, and one of the host without an IOMMU. TAP on stdout.

    test_dma_pin.py VCOST TEST_DMA_PIN

Inside, inside/try_dma_pin makes the event possible step by step; here it is judged that it has a figure when it is, and
before that the reason that tells the next step. TEST_DMA_PIN counts the pages by the kernel's own count.
"""
import copy
import json
import os
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True
import jsonschema
import nested  # pylint: disable=wrong-import-position
from nested import complaint_of, in_words, said

SECONDS = 550  # for all that happens inside
INSIDE = [nested.HERE / "inside" / name for name in ("try_dma_pin", "bind_vfio")]
ALONE, BESIDE = "0000:00:10.0", "0000:00:11.1"

# "edu" is a device for teaching, which no driver of Linux's wants. Functions of one slot are one group.
MACHINE = """-machine q35 -device intel-iommu,intremap=off -device edu,addr=10.0
    -device virtio-rng-pci,multifunction=on,addr=11.0 -device edu,addr=11.1"""
KERNEL = "intel_iommu=on"
SCRIPT = f"set -e\nexport ALONE={ALONE} BESIDE={BESIDE}\ntry_dma_pin\n"
SCRIPT_WITHOUT = "set -e\ncd /out\nkeep no-iommu vcost events --on native --json - dma-pin\n"

# What vcost says, step by step. {group} is the group of the device that is alone.
REASONS = {
    "no-module": "no device is bound to vfio-pci",
    "no-device": "no device is bound to vfio-pci",
    "no-type1": "load the module vfio_iommu_type1",
    "not-viable": "bind all devices of the group to vfio-pci",
    "no-remapping": "/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts",
    "busy": "{group} cannot be opened: Device or resource busy",
    "forbidden": "no permission on {group}:",
    "forbidden-container": "no permission on /dev/vfio/vfio:",
    "limited": "of the 2044 KiB that may be locked and pinned (ulimit -l) no 2048 KiB are left",
}
FIGURES = ["beside", "beside-renewed", "pinned", "allowed"]
REASON_MAX = 158  # a longer one is cut in the result


# ---- what must be true of a result


def result_of(out, name):
    """Whether there is a figure or not, the run itself goes well; 77: it was all that was asked for, and cannot be here."""
    status, stdout, err = said(out, name)
    result = json.loads(stdout)
    figures = any(cell["samples"] for cell in result["cells"])
    assert (status, err == "") == ((0, True) if figures else (77, False)), f"status {status}: {err}"
    return result


def the_cell(result):
    jsonschema.Draft202012Validator(nested.SCHEMA).validate(result)
    assert result["complete"] is True, result["incomplete_reason"]
    cell, = result["cells"]
    assert (cell["workload"], cell["monitor"]) == ("dma-pin", "native"), cell["id"]
    return cell


def has_a_figure(result):
    cell = the_cell(result)
    nested.has_samples_and_figures(result, None)
    assert cell["counters"]["operations"] >= len(cell["samples"]), cell["counters"]


def is_null_because(result, sentence):
    cell = the_cell(result)
    figures = [cell[name] for name in ("median", "low", "high", "min")]
    assert figures == [None] * 4 and not cell["samples"] and cell["quality"] == "missing", cell
    assert sentence in (cell["reason"] or ""), cell["reason"]
    assert len(cell["reason"]) < REASON_MAX, f"it may be cut: {cell['reason']}"


def cell_of(result):
    return result["cells"][0]


SABOTAGES_OF_A_FIGURE = [
    nested.changed(cell_of, "median", None),
    nested.changed(cell_of, "min", 0),
    nested.changed(cell_of, "samples", []),
    nested.changed(lambda result: cell_of(result)["counters"], "operations", 0),
    lambda result: result["cells"].pop(),
]
SABOTAGES_OF_A_REASON = [
    nested.changed(cell_of, "median", 0),
    nested.changed(cell_of, "min", 0),
    nested.changed(cell_of, "reason", None),
    nested.changed(cell_of, "reason", "cannot be measured"),
    nested.changed(cell_of, "quality", "good"),
    lambda result: result["cells"].pop(),
]


def refuses(check, result, sabotages):
    check(result)
    for number, sabotage in enumerate(sabotages, 1):
        worse = copy.deepcopy(result)
        sabotage(worse)
        assert complaint_of(check, worse), f"sabotage {number} is accepted"


# ---- the points


def reason_points(points, out, reasons):
    for name, sentence in reasons.items():
        points.check(f"{name}: null, because \"{sentence}\"",
                     lambda: is_null_because(result_of(out, name), sentence))
        points.check(f"{name}: no sabotaged result is accepted", lambda: refuses(
            lambda worse: is_null_because(worse, sentence), result_of(out, name), SABOTAGES_OF_A_REASON))


def figure_points(points, out):
    for name in FIGURES:
        points.check(f"{name}: {in_words(has_a_figure)}", lambda: has_a_figure(result_of(out, name)))
        points.check(f"{name}: no sabotaged result is accepted",
                     lambda: refuses(has_a_figure, result_of(out, name), SABOTAGES_OF_A_FIGURE))


def no_step_passes_for_another(out, reasons):
    """What is right of one step is wrong of each other, but for the two that miss the same."""
    for name in [*reasons, *FIGURES]:
        result = result_of(out, name)
        for other, sentence in reasons.items():
            accepted = not complaint_of(is_null_because, result, sentence)
            assert accepted == (reasons.get(name) == sentence), f"{name} as {other}: accepted is {accepted}"
        assert (not complaint_of(has_a_figure, result)) == (name in FIGURES), name


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: test_dma_pin.py VCOST TEST_DMA_PIN")
    points = nested.Points()
    with tempfile.TemporaryDirectory(prefix="vcost-nested-out.") as folder:
        without, out = Path(folder) / "without", Path(folder) / "out"
        if nested.boot_or_skip(points, "boot", SCRIPT_WITHOUT, sys.argv[1:2], without, SECONDS):
            reason_points(points, without, {"no-iommu": "no IOMMU is in use here"})
        os.environ.update(VCOST_BOOT_MACHINE=MACHINE, VCOST_BOOT_KERNEL=KERNEL)
        if nested.boot_or_skip(points, "boot", SCRIPT, [*INSIDE, *sys.argv[1:]], out, SECONDS):
            group = (out / "group").read_text(encoding="utf-8").strip()
            reasons = {name: sentence.format(group=group) for name, sentence in REASONS.items()}
            reason_points(points, out, reasons)
            figure_points(points, out)
            points.check("no step passes for another", no_step_passes_for_another, out, reasons)
            nested.program_points(points, out, "dma-pin", "test_dma_pin")
    points.end()


main()
