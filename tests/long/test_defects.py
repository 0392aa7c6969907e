#!/usr/bin/python3
"""Each check of frames, hypercalls and shadow synchronization left out or bent: a unit test must notice. Speaks TAP.

    test_defects.py [WORD...]       only those whose name has one of the words

The sources are copied; texts are looked for whatever the white space between their words.
"""
import concurrent.futures
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True
from bend import bend  # pylint: disable=wrong-import-position

ROOT = Path(__file__).resolve().parents[2]
ROOM = "src/monitor/deprivileged"
SOURCES = ["effects", "frame_map", "frames", "hypercalls", "run", "shadow_copies", "shadow_sync", "slots", "translate"]
TESTS = {"frames": [], "hypercalls": [], "shadow_sync": [], "paravirt_random": ["naive_guest", "naive_mmu", "naive_tlb"],
         "shadow_random": ["naive_guest", "naive_mmu", "naive_tlb"]}
FLAGS = ["-std=gnu17", "-D_GNU_SOURCE", "-O1", "-w", "-I.", "-Isrc", "-Itests/unit"]
SECONDS = 120

# What is wrong then, where, what stands there (once), and what instead.
DEFECTS = [
    ("a table can be mapped writable", "frames.c", "if (level_of(frame)) return in_use", "if (0) return in_use"),
    ("a large writable page can cover tables", "frames.c", "return frame->tables ? -EBUSY", "return 0 ? -EBUSY"),
    ("a table can lie in a large writable page", "frames.c",
     "frame->type == FRAME_FREE && !first_frame(frames, table.value)->large", "frame->type == FRAME_FREE"),
    ("a frame can be a table of two levels", "frames.c", "if (level_of(frame) != level) return in_use", "if (0) return in_use"),
    ("what was writable stays so", "frames.c", "--frame->references == 0) frame->type = FRAME_FREE;", "--frame->references == 0) ;"),
    ("the last link but one frees a table", "frames.c", "|| --frame->references > 0", "|| --frame->references > 1"),
    ("a table that was refused stays one", "frames.c", "if (rc < 0) demote(frames, table, frame);", ""),
    ("what a refused table refers to is kept", "frames.c", "give_entries(frames, table, i); return rc;", "return rc;"),
    ("a table without memory is accepted", "frames.c", "return error_set( error, EFAULT,", "return 0; if (0) return error_set(error, EFAULT,"),
    ("a link that stays is given back", "frames.c", "if (stays) return 0; give", "give"),
    ("accessed and dirty bits are not kept", "frames.c", "(value & ~ENTRY_USED) | (old & ENTRY_USED)", "value"),
    ("accessed and dirty bits of another frame are kept", "frames.c", "entry_to(old).value == entry_to(value).value) value =", "1) value ="),
    ("there is no limit of tables", "frames.c", "frames->tables >= frames->tables_max", "0"),
    ("there is no limit of ways up", "frames.c", "climbing->steps++ == (climbing->room + 1) * STEPS_A_PLACE", "0"),
    ("reserved bits are accepted", "entry.h", "if (entry & reserved ||", "if (0 ||"),
    ("bit 7 is accepted at each level", "entry.h", "(large && level != 2)", "0"),
    ("a changed link leaves all below mapped", "effects.c", "if (was && is && link_allows_no_less(old, now))", "if (was && is)"),
    ("what is gone stays mapped", "effects.c", "run.kind = !has ? RUN_UNMAP", "run.kind = !has ? RUN_PROTECT"),
    ("another frame is not mapped", "effects.c", "if (had == has && (stays || !has))", "if (had == has)"),
    ("places beyond those followed stay as they are", "effects.c", "run_list_add(effects->runs, &(struct run){.kind = RUN_FORGET});", ";"),
    ("a link that forbids execution is overlooked", "place.h", "(now & ~old & (PAGE_BIT_NO_EXECUTE | PAGE_BIT_USER))", "(now & ~old & PAGE_BIT_USER)"),
    ("clean pages are writable", "place.h", "rights |= common & PAGE_BIT_WRITE && entry & PAGE_BIT_DIRTY ?", "rights |= common & PAGE_BIT_WRITE ?"),
    ("pages that were not accessed are mapped", "place.h", "if (!(common & PAGE_BIT_ACCESSED) ||", "if ("),
    ("the upper half is not canonical", "place.h", "address_canonical(place->from.value + index * entry_span(level))",
     "GVA(place->from.value + index * entry_span(level))"),
    ("links give all rights", "place.h", "place.bits &= entry;", ""),
    ("runs are joined that lie apart", "run.c", "first->from.value + first->bytes == second->from.value", "1"),
    ("runs of different frames are joined", "run.c", "first->to.value + first->bytes == second->to.value", "1"),
    ("runs of different address spaces are joined", "run.c", "first->root.value == second->root.value", "1"),
    ("a batch that fails in its midst tells nothing of its beginning", "hypercalls.c", "return i ? (int64_t)i : rc;", "return rc;"),
    ("a root that is unpinned stays mapped", "hypercalls.c", "if (rc == 0 && level == TABLE_LEVELS)", "if (0)"),
    ("any table can be switched to", "hypercalls.c", "frames_level(&hypercalls->frames, root) != TABLE_LEVELS", "0"),
    ("the address space in use can be unpinned", "hypercalls.c", "if (hypercalls->root.value && table.value == hypercalls->root.value)", "if (0)"),
    ("a part of a large page can be unmapped", "hypercalls.c", "span < entry_span(found.level) || span > bytes - done", "0"),
    ("ranges are not checked", "hypercalls.c", "if (!is_range(from, bytes))", "if (0)"),
    ("the size of a batch is not checked", "hypercalls.c", "!count || count > HYPERCALL_BATCH ||", ""),
    ("changes from outside leave all mapped", "hypercalls.c", "run_list_add(&hypercalls->runs, &(struct run){.kind = RUN_FORGET});", ";"),
    ("a frame is a table before children have lost it", "hypercalls.c", "if (upper) settle(hypercalls);", ""),
    ("a write makes links dirty", "translate.c", "i == path->reads - 1 && access & FAULT_WRITE", "access & FAULT_WRITE"),
    ("a fetch looks at the last entry alone", "translate.c", "any & PAGE_BIT_NO_EXECUTE", "path->read[path->reads - 1] & PAGE_BIT_NO_EXECUTE"),
    ("faults by reserved bits are not present", "translate.c", "return FAULT_PRESENT | FAULT_RESERVED;", "return FAULT_RESERVED;"),
    ("user code may touch what the kernel has", "translate.c", "(access & FAULT_USER && !(common & PAGE_BIT_USER)) ||", ""),
    ("no table is guarded", "shadow_copies.c", "frame && frame->copies && !frame->unsync", "frame && 0"),
    ("a table that is mapped already is not guarded", "shadow_copies.c",
     "for (slot_t slot = frame->leaves; slot; slot = slot_next(&shadow->tables, slot)) restrict_leaf(shadow, slot, table);", ""),
    ("a table in a large page is not guarded", "shadow_copies.c",
     "for (slot_t slot = first->large; slot; slot = slot_next(&shadow->tables, slot)) restrict_leaf(shadow, slot, table);", ""),
    ("a guarded table is mapped writable", "shadow_copies.c", "split && frame_is_guarded(", "0 && frame_is_guarded("),
    ("what changed stays mapped", "shadow_copies.c", "take_away(shadow, number, index); let_go", "let_go"),
    ("what a changed link leads to stays mapped", "shadow_copies.c", "return kind == ENTRY_LINK && link_allows_no_less(old, now);", "return kind == ENTRY_LINK;"),
    ("another frame is taken for the same", "shadow_copies.c", "return kind == ENTRY_LEAF && entry_to(old).value == entry_to(now).value;",
     "return kind == ENTRY_LEAF;"),
    ("rights stay as they were", "shadow_copies.c", "change_rights(shadow, number, index, now);", ";"),
    ("copies are never released", "shadow_copies.c", "copy_release(shadow, below); }", "}"),
    ("places beyond those followed stay as they were", "shadow_copies.c", "shadow->overflow = true; return 0; } static unsigned rights_at",
     "return 0; } static unsigned rights_at"),
    ("faults do not look at what was stored", "shadow_sync.c", "if (shadow_frame(shadow, copy->table)->unsync) synchronize", "if (0) synchronize"),
    ("CR3 does not look at what was stored", "shadow_sync.c", "if (copy->level && shadow_frame(shadow, copy->table)->unsync)", "if (0)"),
    ("INVLPG does nothing", "shadow_sync.c", "copy_change(shadow, number, index, entry_load(&entries[index])); number", "number"),
    ("stores that are told are not looked at", "shadow_sync.c", "compare_part(shadow, where, bytes); return", "return"),
    ("accessed and dirty bits are not noted", "shadow_sync.c", "*entry |= path->read[i] & ENTRY_USED;", "(void)entry;"),
    ("a store does not open its table", "shadow_sync.c", "frame_unguard(shadow, GPA(to.value & ENTRY_ADDRESS));", ";"),
    ("what is too much is not forgotten", "shadow_sync.c", "shadow->overflow ? shadow_forget(shadow, error) :", ""),
    ("tables are compared as of one level", "shadow_sync.c",
     "for (unsigned level = TABLE_LEVELS; level; level--) { uint32_t number = copy_find(shadow, table, level);",
     "for (unsigned level = 1; level; level--) { uint32_t number = copy_find(shadow, table, level);"),
    ("user code is not filled where the kernel was", "shadow_sync.c", "alone && copy->filled[i] & (1 << user)", "alone && copy->held[i]"),
    ("a list keeps its first", "slots.c", "*first = left->next;", "(void)first;"),
    ("a list has wrong ways back", "slots.c", "links(tables, left->next)->previous = left->previous;", ";"),
    ("holes have memory", "frame_map.c", "piece && piece->start <= address ? piece : NULL", "piece"),
]


def notices(folder):
    """The name of the test that fails, None."""
    for test, others in TESTS.items():
        program = f"{folder}/{test}"
        files = [f"tests/unit/{name}.c" for name in [f"test_{test}", *others]]
        files += [f"{ROOM}/{name}.c" for name in SOURCES] + ["src/base/error.c"]
        subprocess.run(["cc", *FLAGS, *files, "-lcmocka", "-o", program], cwd=folder, check=True, capture_output=True)
        try:
            done = subprocess.run([program], cwd=folder, capture_output=True, timeout=SECONDS, check=False)
        except subprocess.TimeoutExpired:
            return test + ", which does not end"
        if done.returncode:
            return test
    return None


def attempt(defect):
    """What the test says of a defect, None if all is well."""
    name, file, old, new = defect
    with tempfile.TemporaryDirectory() as folder:
        for tree in ["abi", "src/base", "src/paging", "tests/unit", ROOM]:
            shutil.copytree(ROOT / tree, f"{folder}/{tree}", dirs_exist_ok=True)
        if file:
            path = Path(folder) / ROOM / file
            try:
                path.write_text(bend(path.read_text(), old, new))
            except ValueError as error:
                return False, f"{name}: {error}"
        try:
            by = notices(folder)
        except subprocess.CalledProcessError as error:
            return False, f"{name}: does not compile: {error.stderr.decode()[:300]!r}"
    return (by is not None) == bool(file), f"{name}: noticed by {by}" if by else f"{name}: not noticed"


def main():
    chosen = [defect for defect in DEFECTS if not sys.argv[1:] or any(word in defect[0] for word in sys.argv[1:])]
    chosen.insert(0, ("nothing is wrong", None, None, None))
    print(f"1..{len(chosen)}")
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for number, (ok, said) in enumerate(pool.map(attempt, chosen), 1):
            failed += not ok
            print(f"{'ok' if ok else 'not ok'} {number} - {said}", flush=True)
    sys.exit(1 if failed else 0)


main()
