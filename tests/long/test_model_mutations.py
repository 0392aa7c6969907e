#!/usr/bin/python3
"""Mistakes in the simulated machine, each of which the naive one must notice. Speaks TAP.

    test_model_mutations.py LIBRARY [WORD...]      only those whose name has one of the words

One build of src/model/ has all of them, as switches that the environment turns; LIBRARY has what src/model/ uses. Texts are
looked for whatever the white space between their words.
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
FLAGS = ["-std=gnu17", "-D_GNU_SOURCE", "-O1", "-w", "-I.", f"-I{ROOT}", f"-I{ROOT}/src", f"-I{ROOT}/tests/unit", f"-I{ROOT}/tests/naive"]
LIBRARIES = ["-lcmocka", "-ljansson", "-lm", "-lhwloc", "-lz", "-lZydis"]
SECONDS = 900
NOTICED, ALIKE = "both differ", "no difference was seen"

# What is wrong then, where, what stands there (once), and what instead; MUTATED is its switch.
MUTATIONS = [
    ("a use moves nothing", "tags.h", "&& tags->replacement != REPLACE_LRU) return;", "&& tags->replacement != REPLACE_LRU) return; if (MUTATED) return;"),
    ("what is dropped leaves no free place", "tags.h", "order_to_end(kind & TAGS_OF_MANY, &tags->order, place->set, way); if (kind",
     "if (!MUTATED) order_to_end(kind & TAGS_OF_MANY, &tags->order, place->set, way); if (kind"),
    ("a line that is used moves one place too few", "list.h", "vector_all(position + 1);", "vector_all(position + !MUTATED);"),
    ("a line that goes leaves no free place", "list.h", "marks[count - 1] = 0;", "if (!MUTATED) marks[count - 1] = 0;"),
    ("upper bits have no say in the set", "tags.c", "shape->index == INDEX_XOR ?", "shape->index == INDEX_XOR && !MUTATED ?"),
    ("what belongs to a domain stays", "tags.c", "(tags->entries[at].key & mask) != value)", "(tags->entries[at].key & mask) != value || MUTATED)"),
    ("inclusion is forgotten", "caches_serve.h", "if (level->holds == HOLDS_INCLUSIVE)", "if (level->holds == HOLDS_INCLUSIVE && !MUTATED)"),
    ("an exclusive level keeps what it served", "caches_serve.h", "level->gives[first - 1] ?",
     "level->gives[first - 1] && !MUTATED ?"),
    ("victims go nowhere", "caches_serve.h", "if (!level->hands_on) return;", "if (!level->hands_on || MUTATED) return;"),
    ("far memory costs as near", "caches.h", "[instruction][remote]", "[instruction][remote && !MUTATED]"),
    ("processes share entries of TLBs", "tlbs.h", "return number << 9 | size << 7 | tag << 1 | 1;",
     "return number << 9 | size << 7 | (MUTATED ? tag & 0x38 : tag) << 1 | 1;"),
    ("domains share entries of TLBs", "tlbs.h", "if (!tags_find_value(&tlb->tags, number, tlbs_key(tag, number, size)",
     "if (!tags_find_value(&tlb->tags, number, tlbs_key(MUTATED ? tag & 7 : tag, number, size)"),
    ("a hit in level 2 stays there", "tlbs.h", "tlbs_put_into(tlbs, 1, tag, address, instruction, tlbs_size(page->bytes), page);",
     "if (!MUTATED) tlbs_put_into(tlbs, 1, tag, address, instruction, tlbs_size(page->bytes), page);"),
    ("level 2 is not filled", "tlbs.h", "tlbs_put_into(tlbs, 2, tag, address, instruction, size, page);",
     "if (!MUTATED) tlbs_put_into(tlbs, 2, tag, address, instruction, size, page);"),
    ("pieces of a splintered page stay", "tlbs.c", "if (bytes >> tlbs_shift(size) > 1)", "if (bytes >> tlbs_shift(size) > 1 && !MUTATED)"),
    ("a page of 1 GiB is split in level 2", "tlbs.c", "level == 1 ? 0 : size ? 1 : 0;", "level == 1 || MUTATED ? 0 : size ? 1 : 0;"),
    ("walk caches are asked from the top", "walk.c", "struct walk_cache *cache = caches->of[level]; if (!cache) continue;",
     "if (MUTATED && level == 2 && tables->levels > 3) continue; struct walk_cache *cache = caches->of[level]; if (!cache) continue;"),
    ("walk caches do not tell processes apart", "walk.h", "number << 10 | tag << 4 | level << 1 | 1",
     "number << 10 | (MUTATED ? tag & 0x38 : tag) << 4 | level << 1 | 1"),
    ("the last table's entry is not kept", "walk.c", "table.address); keep(tables, level, tag, address, table);", "table.address); if (!MUTATED || level > 2) keep(tables, level, tag, address, table);"),
    ("guest tables are not kept in two dimensions", "walk.c", "keep(guest, level, tag, address, table);", "if (!MUTATED) keep(guest, level, tag, address, table);"),
    ("the walker reads from level 1", "walk.h", "walker->cache_level, remote", "MUTATED ? 1 : walker->cache_level, remote"),
    ("the root is not translated", "walk.c",
     "if (table.number == SIZE_MAX && !find_table(walker, guest, host, guest->root.address, &table, result))",
     "if (MUTATED && table.number == SIZE_MAX) table = guest->root; if (table.number == SIZE_MAX && !find_table(walker, guest, host, guest->root.address, &table, result))"),
    ("the guest's page decides", "walk.c", "guest.bytes < result->page.bytes ?", "guest.bytes < result->page.bytes || MUTATED ?"),
    ("the nested TLB has data", "walk.c", "(!data || nested->tlb.data)", "(!data || nested->tlb.data || MUTATED)"),
    ("domains share the nested TLB", "walk.c", "number << 4 | host->domain << 1 | 1,", "number << 4 | (MUTATED ? 0 : host->domain) << 1 | 1,"),
    ("a walk costs its reads alone", "internal.h", "BUCKET_WALK, model->machine->walker.cycles", "BUCKET_WALK, MUTATED ? 0 : model->machine->walker.cycles"),
    ("exits keep all", "model_events.c", "if (!model->machine->tags.guests)", "if (!model->machine->tags.guests && !MUTATED)"),
    ("a flushed page stays", "model_events.c", "model->account.flushes++; tlbs_drop(&model->tlbs, model_tag(model), place->address, place->bytes);",
     "model->account.flushes++; if (!MUTATED) tlbs_drop(&model->tlbs, model_tag(model), place->address, place->bytes);"),
    ("a flushed page stays in the walk caches", "model_events.c", "model_forget_walks(model); /* INVLPG", "if (!MUTATED) model_forget_walks(model); /* INVLPG"),
    ("what was shadowed stays mapped", "model_events.c", "page_tables_hide(&model->now->walked,", "if (!MUTATED) page_tables_hide(&model->now->walked,"),
    ("synced tables are not guarded", "model_events.c", "] = TABLE_GUARDED;", "] = MUTATED ? TABLE_OUT_OF_SYNC : TABLE_GUARDED;"),
    ("syncing is free", "model_events.c", "account_charge(&model->account, BUCKET_EXIT, model->machine->costs.table_sync);",
     "account_charge(&model->account, BUCKET_EXIT, MUTATED ? 0 : model->machine->costs.table_sync);"),
    ("lazy shadows trap each store", "model_events.c", "if (lazily) {", "if (lazily && !MUTATED) {"),
    ("eager shadows trap the first store alone", "model_events.c", "model->config.technique == MODEL_SHADOW && !model->config.sync_write;",
     "model->config.technique == MODEL_SHADOW && (!model->config.sync_write || MUTATED);"),
    ("agile paging never switches", "model_events.c", "place->bytes == PAGE_TABLE_BYTES) model_agile", "(place->bytes == PAGE_TABLE_BYTES && !MUTATED)) model_agile"),
    ("a switched table is still led to by the walk caches", "model_agile.c", "model_forget_walks(model); /* they led", "if (!MUTATED) model_forget_walks(model); /* they led"),
    ("agile paging switches at the first store", "model_agile.c", "if (*state == TABLE_GUARDED)", "if (*state == TABLE_GUARDED && !MUTATED)"),
    ("agile paging never returns to shadow", "model_agile.c", "if (domain->states[table.number] == TABLE_NESTED_STORED) {", "if (domain->states[table.number] == TABLE_NESTED_STORED || MUTATED) {"),
    ("stores to nested tables are not seen", "model_events.c", "states[place->table] = TABLE_NESTED_STORED;", "states[place->table] = MUTATED ? TABLE_NESTED : TABLE_NESTED_STORED;"),
    ("bits that are set in nested tables are not seen", "model_bits.c", "if (state) *state = TABLE_NESTED_STORED;", "if (state && !MUTATED) *state = TABLE_NESTED_STORED;"),
    ("a store counts for ever", "model_agile.c", "if (domain->states[i] == TABLE_STORED)", "if (domain->states[i] == TABLE_STORED && !MUTATED)"),
    ("a shadow that returns has pages of before", "model_agile.c", "page_tables_hide(&domain->walked, GVA(table->from), table_reach, &error);",
     "if (!MUTATED) page_tables_hide(&domain->walked, GVA(table->from), table_reach, &error);"),
    ("a shadow that returns has pages that are unused", "model_agile.c", "if (leaf && *leaf & PAGE_BIT_ACCESSED)", "if (leaf && (*leaf & PAGE_BIT_ACCESSED || MUTATED))"),
    ("the flush of a shadowed entry is the guest's own", "model_events.c", "model_leave_guest(model, 0); /* the flush", "if (!MUTATED) model_leave_guest(model, 0); /* the flush"),
    ("a flush empties other domains, too", "model_events.c", "if (model->config.domains > 1) tlbs_clear_domain", "if (model->config.domains > 1 && !MUTATED) tlbs_clear_domain"),
    ("faults come to the guest", "model_events.c", "if (direct || shadowed) {", "if (direct || (shadowed && !MUTATED)) {"),
    ("a copied page is not flushed", "model_events.c", "if (copies)", "if (copies && !MUTATED)"),
    ("a page is protected without a store", "model_events.c", "if (place.entry) change(model, &place);", "if (place.entry && !MUTATED) change(model, &place);"),
    ("new pages are dirty", "model_bits.c", "*entry &= ~(PAGE_BIT_ACCESSED | PAGE_BIT_DIRTY);", "if (!MUTATED) *entry &= ~(PAGE_BIT_ACCESSED | PAGE_BIT_DIRTY);"),
    ("a clean entry of a TLB is good for stores", "model_bits.c", "if (entry && !(*entry & PAGE_BIT_DIRTY))", "if (entry && !(*entry & PAGE_BIT_DIRTY) && !MUTATED)"),
    ("first stores cost shadow paging nothing", "model_bits.c", "} else if (!unused) {", "} else if (!unused && !MUTATED) {"),
    ("events come a whole period late", "model_stream.c", "+ 0.5) * period;", "+ (MUTATED ? 1.0 : 0.5)) * period;"),
    ("the time that events take does not count", "model_stream.c", "per_second ? model->account.cycles :", "per_second && !MUTATED ? model->account.cycles :"),
    ("prefetches come at once", "prefetch.h", "return arrives > there ?", "return arrives > there && !MUTATED ?"),
    ("streams end with the page", "prefetch.c", "if ((!is->crosses &&", "if (((!is->crosses || MUTATED) &&"),
    ("a stream is not handed on to the next page", "prefetch.c", "return after ? after : before;", "return MUTATED ? NULL : after ? after : before;"),
    ("a stream forgets what it has fetched", "prefetch.c", "if (sight->begins || (int64_t)", "if (MUTATED || sight->begins || (int64_t)"),
    ("regions of which little was used are fetched", "prefetch.c", "return region->before >= prefetcher->is->after;", "return region->before >= prefetcher->is->after || MUTATED;"),
    ("regions reach into the next page", "prefetch.c", "within + i < PAGE_LINES)", "(within + i < PAGE_LINES || MUTATED))"),
    ("the line that a stream goes on with is overlooked", "prefetch.c", "if (!begins(trackers, addresses[at].value / MACHINE_LINE_BYTES)) return at;",
     "if (!begins(trackers, addresses[at].value / MACHINE_LINE_BYTES)) return at + MUTATED;"),
    ("it is overlooked that a stream will go on in the next page", "many.c", "(many->access != ACCESS_EXECUTE && prefetch_may_cross", "(!MUTATED && many->access != ACCESS_EXECUTE && prefetch_may_cross"),
    ("any number of prefetches is on its way", "prefetch.c", "if (prefetcher->flying == is->in_flight || !find_page",
     "if ((!MUTATED && prefetcher->flying == is->in_flight) || prefetcher->flying == MACHINE_FLIGHTS_MAX || !find_page"),
    ("a prefetcher sees what the cache had", "prefetch.c", "sees = access->served.level > prefetcher->misses,", "sees = access->served.level > prefetcher->misses || MUTATED,"),
    ("prefetches leave no translation", "access.c", "page = result.page; tlbs_put(", "page = result.page; if (!MUTATED) tlbs_put("),
    ("walks for prefetches are charged", "access.c", "model->account = before;", "if (!MUTATED) model->account = before;"),
    ("neighbours stay away", "caches_serve.h", "if (now < *next)", "if (now < *next || MUTATED)"),
    ("neighbours come to all sets at once", "caches.c", "others->period - set * others->period / sets;", "others->period - (MUTATED ? 0 : set * others->period / sets);"),
    ("together, what the first level has the second one is asked for", "caches_many.h", "(way != TAGS_NONE || !near->inclusive) &&",
     "(way != TAGS_NONE || !near->inclusive) && !MUTATED &&"),
    ("together, walks read leaves alone", "many_requests.c", "if (begun > last) {", "if (begun > last && !MUTATED) {"),
    ("together, lines on their way are there", "many_requests.c", "prefetch->last_arrives > model_clock_now(&model->clock)",
     "(prefetch->last_arrives > model_clock_now(&model->clock) && !MUTATED)"),
    ("together, far memory costs as near", "many_requests.c", "model->config.host_frames.node != NODE_LOCAL ||", "(model->config.host_frames.node != NODE_LOCAL && !MUTATED) ||"),
    ("together, hits in walk caches are all the guest's", "many_requests.c", "*(tables->host ?", "*(tables->host && !MUTATED ?"),
    ("together, neighbours stay away", "caches.c", "!caches->others.next;", "(!caches->others.next || MUTATED);"),
    ("together, TLBs do not get what they have not", "many.c", "if (tags_use(kind, &tags, &place, page))",
     "if (MUTATED ? tags_find(kind, &tags, &place, NULL) : tags_use(kind, &tags, &place, page))"),
    ("together, uses of walk caches leave no trace", "many.c", "if (kind & TAGS_ONE_SET) {", "if (MUTATED) return true; if (kind & TAGS_ONE_SET) {"),
    ("of tables that were looked up, one is taken for another", "ahead.h", "if (known->region != region + 1)", "if (known->region != region + 1 && !(MUTATED && known->region))"),
    ("pages that TLBs split are asked for whole", "model_calm.c", "taker->size == size;", "taker->size == size || MUTATED;"),
    ("after a change all goes on together", "model_events.c", "model->calm = false;", "model->calm = model->calm && MUTATED;"),
    ("events wait for accesses that go together", "model_calm.c", "if (config->rates.of[event].rate > 0)", "if (config->rates.of[event].rate > 0 && !MUTATED)"),
    ("streams of any distance see the same", "prefetch.c", "other->trackers.distance == one->trackers.distance)",
     "(other->trackers.distance == one->trackers.distance || MUTATED))"),
    ("the second dimension has no zone of its own", "model.c", "bytes, ZONE_SECOND, error)", "bytes, MUTATED ? ZONE_TABLES : ZONE_SECOND, error)"),
    ("the page behind the guest's root is given before those of data", "model.c", "rc = make_tables(&domain->host, &model->host_tables, levels, error);",
     "rc = make_tables(&domain->host, &model->host_tables, levels, error); if (rc == 0 && MUTATED) rc = model_back(model, domain->guest.root.value, error);"),
    ("natively memory is no larger than the program", "model.c", "2 * ground_zone_bytes(&config->guest_frames, config->bytes_max);",
     "(MUTATED && config->technique == MODEL_NATIVE ? config->bytes_max : 2 * ground_zone_bytes(&config->guest_frames, config->bytes_max));"),
    ("the host's walk begins with the root of all levels", "model_map.c", "if (rc == 0) begin_lower(", "if (rc == 0 && !MUTATED) begin_lower("),
    ("interleaved nodes are not told apart", "ground.c", "policy->node == NODE_INTERLEAVED && policy->told", "policy->node == NODE_INTERLEAVED && policy->told && !MUTATED"),
]


def build(folder, library):
    """The program with all switches."""
    room = Path(folder) / "model"
    shutil.copytree(ROOT / "src/model", room)
    for number, (_, file, old, new) in enumerate(MUTATIONS, 1):
        text = bend((room / file).read_text(), old, new.replace("MUTATED", f"(model_mutation == {number})"))
        (room / file).write_text(text)
    for path in room.glob("*.[ch]"):
        path.write_text("extern int model_mutation;\n" + path.read_text())
    (room / "mutation.c").write_text("""#include <stdlib.h>
int model_mutation;
__attribute__((constructor)) static void turn(void)
{
    model_mutation = atoi(getenv("MODEL_MUTATION"));
}
""")
    sources = [*room.glob("*.c"), ROOT / "tests/unit/test_model_reference.c", *(ROOT / "tests/naive").glob("*.c")]
    program = f"{folder}/differs"
    subprocess.run(["cc", *FLAGS, *map(str, sources), library, *LIBRARIES, "-o", program], cwd=folder, check=True)
    return program


def look(program, number):
    """What a look at many combinations says of it. One that does not end, or not by itself, has noticed nothing."""
    environment = {**os.environ, "MODEL_MUTATION": str(number), "VCOST_SOURCE_ROOT": str(ROOT)}
    try:
        done = subprocess.run([program, "--differs"], env=environment, capture_output=True, text=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return f"no end within {SECONDS} s"
    return {0: NOTICED, 1: ALIKE}.get(done.returncode, f"exit status {done.returncode}: {done.stderr.strip()}")


def main():
    library, words = str(Path(sys.argv[1]).resolve()), sys.argv[2:]
    names = ["with no mistake both machines agree", *(mutation[0] for mutation in MUTATIONS)]
    chosen = [number for number, name in enumerate(names) if not number or not words or any(word in name for word in words)]
    print(f"1..{len(chosen)}")
    failed = 0
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        program = build(folder, library)
        for at, (number, seen) in enumerate(zip(chosen, pool.map(lambda number: look(program, number), chosen)), 1):
            right = seen == (NOTICED if number else ALIKE)
            failed += not right
            print(f"{'ok' if right else 'not ok'} {at} - {names[number]}" + ("" if right else f"\n# {seen}"), flush=True)
    sys.exit(1 if failed else 0)


main()
