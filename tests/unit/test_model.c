/* model/: walks cost the reads that arithmetic says, every cycle is in one bucket, and the techniques pay
 * where they are said to. */
#include "cmocka_all.h"
#include "repeated.h"

#include "base/random.h"
#include "base/size.h"
#include "model/internal.h"
#include "model/model.h"
#include "model/overlap.h"
#include "model/pass.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t base = UINT64_C(1) << 45;
static const uint64_t pages[] = {4 * KIB, 2 * MIB, GIB};
enum { PAGES = 3 };

struct sheet {
    struct pool pool;
    struct machine machine;
};

static struct sheet *sheet_of(const char *name)
{
    struct sheet *sheet = calloc(1, sizeof *sheet);
    struct error error = {.text = ""};
    if (machine_find(name, &sheet->pool, &sheet->machine, &error) < 0)
        fail_msg("%s", error.text);
    return sheet;
}

static void sheet_free(struct sheet *sheet)
{
    pool_free(&sheet->pool);
    free(sheet);
}

/* One that caches no translation between TLB and tables, so that each walk reads all entries. */
static struct sheet *plain_sheet(unsigned levels)
{
    struct sheet *sheet = sheet_of("barcelona");
    sheet->machine.levels = levels;
    sheet->machine.walk_cache_count = 0;
    sheet->machine.nested.levels = levels;
    sheet->machine.nested.walk_cache_count = 0;
    sheet->machine.nested.has_tlb = false;
    return sheet;
}

static struct model_config config_of(const struct machine *machine, enum model_technique technique,
    uint64_t guest_page, uint64_t host_page, uint64_t bytes)
{
    return (struct model_config){.machine = machine,
        .technique = technique,
        .guest_page = guest_page,
        .host_page = host_page,
        .guest_frames = {.order = FRAMES_SCATTERED, .seed = 7},
        .host_frames = {.order = FRAMES_SCATTERED, .seed = 8},
        .bytes_max = bytes,
        .seed = 1};
}

static struct model *open_model(const struct machine *machine, enum model_technique technique,
    uint64_t guest_page, uint64_t host_page, uint64_t bytes)
{
    struct model_config config = config_of(machine, technique, guest_page, host_page, bytes);
    struct model *model = NULL;
    struct error error = {.text = ""};
    int rc = model_open(&config, &model, &error);
    if (rc == 0)
        rc = model_map(model, GVA(base), bytes, NULL, &error);
    if (rc < 0)
        fail_msg("%s", error.text);
    return model;
}

static uint64_t reads(const struct account *account)
{
    uint64_t all = 0;
    for (int i = 0; i < ACCOUNT_LEVELS; i++)
        all += account->guest_reads[i] + account->host_reads[i];
    return all;
}

static void assert_adds_up(const struct account *account)
{
    uint64_t all = 0;
    for (int i = 0; i < BUCKETS; i++)
        all += account->bucket[i];
    assert_int_equal(all, account->cycles);
}

/* ---- walks ---- */

static uint64_t cold_reads(
    const struct machine *machine, enum model_technique technique, uint64_t guest_page, uint64_t host_page)
{
    struct model *model = open_model(machine, technique, guest_page, host_page, guest_page);
    model_cold(model);
    model_begin(model);
    model_access(model, GVA(base), ACCESS_READ);
    uint64_t found = reads(model_account(model));
    assert_int_equal(model_account(model)->accesses, 1);
    assert_int_equal(model_account(model)->walks, 1);
    assert_adds_up(model_account(model));
    model_close(model);
    return found;
}

static void cold_walks_read_what_arithmetic_says(void **state)
{
    (void)state;
    for (unsigned levels = 4; levels <= 5; levels++) {
        struct sheet *sheet = plain_sheet(levels);
        for (unsigned g = 0; g < PAGES; g++) {
            unsigned guest = levels - g;
            assert_int_equal(cold_reads(&sheet->machine, MODEL_NATIVE, pages[g], pages[g]), guest);
            for (unsigned h = 0; h < PAGES; h++) {
                unsigned host = levels - h, least = levels - (g < h ? g : h);
                assert_int_equal(
                    cold_reads(&sheet->machine, MODEL_NESTED, pages[g], pages[h]), guest * (host + 1) + host);
                assert_int_equal(cold_reads(&sheet->machine, MODEL_DIRECT, pages[g], pages[h]), least);
                assert_int_equal(cold_reads(&sheet->machine, MODEL_SHADOW, pages[g], pages[h]), least);
                assert_int_equal(cold_reads(&sheet->machine, MODEL_AGILE, pages[g], pages[h]), least);
            }
        }
        sheet_free(sheet);
    }
}

static void the_walks_of_the_literature(void **state)
{
    (void)state;
    struct sheet *four = plain_sheet(4), *five = plain_sheet(5);
    assert_int_equal(cold_reads(&four->machine, MODEL_NESTED, 4 * KIB, 4 * KIB), 24);
    assert_int_equal(cold_reads(&four->machine, MODEL_NESTED, 2 * MIB, 4 * KIB), 19);
    assert_int_equal(cold_reads(&four->machine, MODEL_NESTED, 4 * KIB, 2 * MIB), 19);
    assert_int_equal(cold_reads(&four->machine, MODEL_NESTED, 2 * MIB, 2 * MIB), 15);
    assert_int_equal(cold_reads(&five->machine, MODEL_NESTED, 4 * KIB, 4 * KIB), 35);
    four->machine.nested.levels = 3; /* a stage 2 that begins lower */
    assert_int_equal(cold_reads(&four->machine, MODEL_NESTED, 4 * KIB, 4 * KIB), 4 * (3 + 1) + 3);
    sheet_free(four);
    sheet_free(five);
}

/* Of one more access, with all caches empty. */
static uint64_t cold_reads_again(struct model *model, uint64_t address)
{
    model_cold(model);
    model_begin(model);
    model_access(model, GVA(address), ACCESS_READ);
    return reads(model_account(model));
}

static void a_changed_table_is_walked_nested_by_agile_paging(void **state)
{
    (void)state;
    struct sheet *sheet = plain_sheet(4);
    struct model *model = open_model(&sheet->machine, MODEL_AGILE, 4 * KIB, 4 * KIB, 64 * KIB);
    model_change_entry(model, GVA(base));
    assert_int_equal(model_account(model)->exits, 2); /* the store and the flush, as in shadow paging */
    model_change_entry(model, GVA(base + 4 * KIB));   /* of the same table */
    assert_int_equal(model_account(model)->exits, 3);
    model_change_entry(model, GVA(base)); /* no exit any more */
    assert_int_equal(model_account(model)->exits, 3);
    assert_int_equal(cold_reads_again(model, base), 3 + 1 + 4);
    assert_int_equal(model_account(model)->hidden_faults, 0);
    assert_adds_up(model_account(model));
    model_close(model);
    sheet_free(sheet);
}

static void a_table_that_is_left_alone_has_a_shadow_again(void **state)
{
    (void)state;
    struct sheet *sheet = plain_sheet(4);
    struct model *model = open_model(&sheet->machine, MODEL_AGILE, 4 * KIB, 4 * KIB, 64 * KIB);
    model_change_entry(model, GVA(base));
    model_scan(model);
    model_change_entry(model, GVA(base)); /* one store between two looks is not enough */
    assert_int_equal(model_account(model)->exits, 2 + 1 + 2);
    model_change_entry(model, GVA(base));
    model_change_entry(model, GVA(base + 4 * KIB));
    model_scan(model);
    assert_int_equal(cold_reads_again(model, base), 3 + 1 + 4); /* which sets its accessed bit: a store */
    model_scan(model);
    assert_int_equal(cold_reads_again(model, base), 3 + 1 + 4);
    assert_int_equal(model_account(model)->tables_synced, 0);
    model_scan(model);
    assert_int_equal(cold_reads_again(model, base), 4);
    assert_int_equal(model_account(model)->hidden_faults, 0);
    cold_reads_again(model, base + 4 * KIB); /* it was not used since it changed */
    assert_int_equal(model_account(model)->hidden_faults, 1);
    model_begin(model);
    model_change_entry(model, GVA(base));
    assert_int_equal(model_account(model)->exits, 2);
    assert_adds_up(model_account(model));
    model_close(model);
    sheet_free(sheet);
}

static void walk_caches_and_the_nested_tlb_spare_reads(void **state)
{
    (void)state;
    struct sheet *sheet = sheet_of("barcelona");
    struct model *model = open_model(&sheet->machine, MODEL_NESTED, 4 * KIB, 4 * KIB, 64 * KIB);
    model_cold(model);
    model_access(model, GVA(base), ACCESS_READ);
    model_begin(model);
    model_access(model, GVA(base + 4 * KIB), ACCESS_READ);
    const struct account *account = model_account(model);
    assert_int_equal(account->walk_cache_hits, 1);
    assert_int_equal(account->host_walk_cache_hits, 1); /* of the page; tables are not translated again */
    assert_int_equal(account->guest_reads[0], 1);
    assert_int_equal(account->guest_reads[1] + account->guest_reads[2] + account->guest_reads[3], 0);
    assert_true(reads(account) >= 2 && reads(account) <= 4);
    model_close(model);
    sheet_free(sheet);
}

/* ---- TLBs ---- */

/* A page that is touched twice, with others between: does the TLB still have it? */
static bool is_kept(const struct machine *machine, enum model_technique technique, uint64_t guest_page,
    uint64_t host_page, unsigned others, uint64_t stride)
{
    uint64_t bytes = ((others + 1) * stride + guest_page - 1) / guest_page * guest_page;
    struct model *model = open_model(machine, technique, guest_page, host_page, bytes);
    for (unsigned i = 0; i <= others; i++)
        model_access(model, GVA(base + i * stride), ACCESS_READ);
    model_begin(model);
    model_access(model, GVA(base), ACCESS_READ);
    bool kept = model_account(model)->walks == 0;
    model_close(model);
    return kept;
}

static void a_tlb_entry_covers_the_smaller_page(void **state)
{
    (void)state;
    struct sheet *sheet = sheet_of("barcelona"); /* 48 entries, 512x4 of 4 KiB and 128x2 of 2 MiB behind */
    const struct machine *machine = &sheet->machine;
    assert_true(is_kept(machine, MODEL_NESTED, 2 * MIB, 2 * MIB, 47, 2 * MIB));
    assert_true(is_kept(machine, MODEL_NESTED, 2 * MIB, 2 * MIB, 127, 2 * MIB));
    assert_false(is_kept(machine, MODEL_NESTED, 2 * MIB, 2 * MIB, 300, 2 * MIB));
    /* 2 MiB on 4 KiB is splintered: the pages of one guest page fill all of the TLBs */
    assert_true(is_kept(machine, MODEL_NESTED, 2 * MIB, 4 * KIB, 511, 4 * KIB));
    assert_false(is_kept(machine, MODEL_NESTED, 2 * MIB, 4 * KIB, 1500, 4 * KIB));
    assert_true(is_kept(machine, MODEL_NESTED, 2 * MIB, 2 * MIB, 1500, 4 * KIB));
    assert_false(is_kept(machine, MODEL_SHADOW, 4 * KIB, 2 * MIB, 1500, 4 * KIB));
    sheet_free(sheet);
}

static void without_tags_an_exit_empties_the_tlbs(void **state)
{
    (void)state;
    struct sheet *sheet = sheet_of("barcelona");
    for (int tagged = 0; tagged < 2; tagged++) {
        sheet->machine.tags.guests = tagged;
        struct model *model = open_model(&sheet->machine, MODEL_NESTED, 4 * KIB, 4 * KIB, 64 * KIB);
        model_access(model, GVA(base), ACCESS_READ);
        model_begin(model);
        model_exit(model);
        model_access(model, GVA(base), ACCESS_READ);
        assert_int_equal(model_account(model)->walks, !tagged);
        assert_int_equal(model_account(model)->bucket[BUCKET_EXIT], sheet->machine.costs.exit);
        assert_adds_up(model_account(model));
        model_close(model);
    }
    sheet_free(sheet);
}

/* ---- changing tables ---- */

static struct account changes(const struct machine *machine, enum model_technique technique, bool sync_write,
    unsigned count, bool switches)
{
    struct model *model = open_model(machine, technique, 4 * KIB, 4 * KIB, 64 * KIB);
    model->config.sync_write = sync_write;
    model_begin(model);
    for (unsigned i = 0; i < count; i++) {
        model_change_entry(model, GVA(base));
        model_access(model, GVA(base), ACCESS_READ);
        if (switches)
            model_switch(model, 0);
    }
    struct account account = *model_account(model);
    assert_adds_up(&account);
    model_close(model);
    return account;
}

static void each_technique_pays_for_changes_in_its_own_way(void **state)
{
    (void)state;
    struct sheet *sheet = sheet_of("barcelona");
    const struct machine *machine = &sheet->machine;
    struct account native = changes(machine, MODEL_NATIVE, false, 10, false);
    struct account nested = changes(machine, MODEL_NESTED, false, 10, false);
    struct account direct = changes(machine, MODEL_DIRECT, false, 10, false);
    struct account eager = changes(machine, MODEL_SHADOW, true, 10, false);
    struct account lazy = changes(machine, MODEL_SHADOW, false, 10, false);
    struct account agile = changes(machine, MODEL_AGILE, false, 10, false);
    assert_int_equal(native.exits, 0);
    assert_int_equal(nested.exits, 0);
    assert_int_equal(native.flushes, 10);
    assert_int_equal(direct.exits, 10);
    assert_int_equal(direct.hypercalls, 10);
    assert_int_equal(eager.table_stores, 10);
    assert_int_equal(eager.exits, 30); /* the store, the flush, the hidden fault */
    assert_int_equal(eager.hidden_faults, 10);
    assert_int_equal(lazy.table_stores, 1);
    assert_int_equal(lazy.exits, 21);
    assert_int_equal(lazy.hidden_faults, 10);
    assert_int_equal(agile.exits, 3 + 1); /* as eagerly once; then the store that turns it */
    lazy = changes(machine, MODEL_SHADOW, false, 10, true);
    assert_int_equal(lazy.table_stores, 10); /* guarded again after each switch */
    assert_int_equal(lazy.tables_synced, 10);
    sheet_free(sheet);
}

static void fresh_pages_are_given_once(void **state)
{
    (void)state;
    struct sheet *sheet = sheet_of("barcelona");
    static const enum model_technique techniques[] = {MODEL_NESTED, MODEL_SHADOW};
    for (int i = 0; i < 2; i++) {
        struct model_config config = {.machine = &sheet->machine,
            .technique = techniques[i],
            .guest_page = 4 * KIB,
            .host_page = 4 * KIB,
            .fresh = true,
            .bytes_max = MIB};
        struct model *model;
        struct error error;
        assert_int_equal(model_open(&config, &model, &error), 0);
        assert_int_equal(model_map(model, GVA(base), MIB, NULL, &error), 0);
        for (int lap = 0; lap < 2; lap++) {
            model_begin(model);
            for (uint64_t at = 0; at < MIB; at += 4 * KIB)
                model_access(model, GVA(base + at), ACCESS_READ);
            assert_int_equal(model_account(model)->exits, lap ? 0 : 256);
            assert_int_equal(model_account(model)->accesses, 256);
            assert_adds_up(model_account(model));
        }
        model_close(model);
    }
    sheet_free(sheet);
}

/* ---- all machines ---- */

static void every_preset_runs_with_every_technique_it_has(void **state)
{
    (void)state;
    for (size_t i = 0; machine_preset(i).name; i++) {
        struct sheet *sheet = sheet_of(machine_preset(i).name);
        struct error error;
        assert_string_equal(sheet->machine.name, machine_preset(i).name);
        for (enum model_technique technique = 0; technique < MODEL_TECHNIQUES; technique++) {
            bool two = technique == MODEL_NESTED || technique == MODEL_AGILE;
            struct model_config config = {.machine = &sheet->machine,
                .technique = technique,
                .guest_page = 4 * KIB,
                .host_page = 4 * KIB,
                .bytes_max = 8 * MIB,
                .hypothetical = false};
            struct model *model;
            if (two && !sheet->machine.has_nested) {
                assert_int_equal(model_open(&config, &model, &error), -ENOTSUP);
                config.hypothetical = true;
            }
            assert_int_equal(model_open(&config, &model, &error), 0);
            assert_int_equal(model_map(model, GVA(base), 8 * MIB, NULL, &error), 0);
            uint64_t random = i;
            for (int k = 0; k < 20000; k++) {
                uint64_t at = base + random_below(&random, 8 * MIB);
                model_access(model, GVA(at), (enum model_access)(k % 3));
                if (k % 100 == 0)
                    model_change_entry(model, GVA(at));
                if (k % 1000 == 0)
                    model_switch(model, (unsigned)k / 1000);
                if (k % 333 == 0)
                    model_exit(model);
            }
            assert_int_equal(model_account(model)->accesses, 20000);
            assert_adds_up(model_account(model));
            model_close(model);
        }
        sheet_free(sheet);
    }
}

/* Also with changed entries between them, and where nothing has been given yet. */
static void many_accesses_are_as_one_after_another(void **unused)
{
    (void)unused;
    enum { ROUNDS = 20, COUNT = 150 };
    struct sheet *sheet = sheet_of("zen3-milan");
    for (unsigned technique = 0; technique < MODEL_TECHNIQUES; technique++) {
        struct model *one = open_model(&sheet->machine, technique, 4 * KIB, 4 * KIB, 32 * MIB),
                     *many = open_model(&sheet->machine, technique, 4 * KIB, 4 * KIB, 32 * MIB);
        uint64_t state = 5;
        for (unsigned round = 0; round < ROUNDS; round++) {
            gva_t addresses[COUNT];
            for (unsigned i = 0; i < COUNT; i++) {
                addresses[i] = GVA(base + random_below(&state, 32 * MIB));
                model_access(one, addresses[i], ACCESS_READ);
            }
            model_access_many(many, addresses, COUNT, ACCESS_READ);
            model_change_entry(one, addresses[0]);
            model_change_entry(many, addresses[0]);
            assert_memory_equal(model_account(one), model_account(many), sizeof(struct account));
        }
        model_close(one);
        model_close(many);
    }
    sheet_free(sheet);
}

/* Whatever the machine: of all presets, where nothing is changed, but caches are emptied between. */
static void many_accesses_are_as_one_on_every_machine(void **unused)
{
    (void)unused;
    enum { ROUNDS = 4, COUNT = 500, BYTES = 12 * MIB };
    for (size_t i = 0; machine_preset(i).name; i++) {
        struct sheet *sheet = sheet_of(machine_preset(i).name);
        enum model_technique technique = sheet->machine.has_nested && i % 3 ? MODEL_NESTED : MODEL_NATIVE;
        struct model *one = open_model(&sheet->machine, technique, 4 * KIB, 4 * KIB, BYTES),
                     *many = open_model(&sheet->machine, technique, 4 * KIB, 4 * KIB, BYTES);
        uint64_t state = i;
        for (unsigned round = 0; round < ROUNDS; round++) {
            gva_t addresses[COUNT];
            for (unsigned k = 0; k < COUNT; k++) {
                addresses[k] = GVA(base + (k % 3 ? random_below(&state, BYTES) : k * 64 % BYTES));
                model_access(one, addresses[k], (enum model_access)(round % 3));
            }
            model_access_many(many, addresses, COUNT, (enum model_access)(round % 3));
            (round % 2 ? model_flush : model_exit)(one);
            (round % 2 ? model_flush : model_exit)(many);
            assert_memory_equal(model_account(one), model_account(many), sizeof(struct account));
        }
        model_close(one);
        model_close(many);
        sheet_free(sheet);
    }
}

/* Each model once. */
static void map_each(struct model_pass *pass, uint64_t bytes)
{
    struct error error;
    for (size_t i = 0; i < pass->count; i++)
        if (pass->same[i] == i)
            assert_int_equal(model_map(pass->models[i], GVA(base), bytes, NULL, &error), 0);
}

/* In one pass with others, whoever leads, and whether in threads of their own or not. */
static void in_a_pass_each_has_the_account_that_it_has_alone(void **unused)
{
    (void)unused;
    static const char *const machines[] = {"zen3-milan", "skylake-sp", "barcelona"};
    static const uint64_t pairs[][2] = {{2 * MIB, 4 * KIB}, {4 * KIB, 4 * KIB}, {2 * MIB, 2 * MIB}};
    enum { COUNT = 3000, ALL = 3 * MODEL_TECHNIQUES };
    static const unsigned threads[] = {ALL, 1, 3}; /* more than models, none but the caller's, fewer */
    for (size_t m = 0; m < sizeof machines / sizeof *machines; m++) {
        struct sheet *sheet = sheet_of(machines[m]);
        struct model_config configs[ALL];
        struct model_pass pass;
        struct error error;
        gva_t addresses[COUNT];
        uint64_t state = m;
        size_t followers = 0;
        for (size_t i = 0; i < ALL; i++)
            configs[i] = config_of(&sheet->machine, (enum model_technique)((i + 3) % MODEL_TECHNIQUES),
                pairs[i / MODEL_TECHNIQUES][0], pairs[i / MODEL_TECHNIQUES][1], 16 * MIB);
        for (size_t i = 0; i < COUNT; i++)
            addresses[i] = GVA(base + random_below(&state, i % 2 ? 16 * MIB : 300 * KIB));
        assert_int_equal(model_pass_open(configs, ALL, &pass, &error), 0);
        map_each(&pass, 16 * MIB);
        for (enum model_access access = ACCESS_READ; access <= ACCESS_EXECUTE; access++) {
            model_pass_spread(&pass, threads[access]);
            for (size_t done = 0; done < COUNT; done += COUNT / 10)
                model_pass_access(&pass, addresses + done, COUNT / 10, access);
            model_pass_settle(&pass);
        }
        for (size_t i = 0; i < ALL; i++) {
            struct model *alone = open_model(
                &sheet->machine, configs[i].technique, configs[i].guest_page, configs[i].host_page, 16 * MIB);
            for (enum model_access access = ACCESS_READ; access <= ACCESS_EXECUTE; access++)
                for (size_t k = 0; k < COUNT; k++)
                    model_access(alone, addresses[k], access);
            assert_memory_equal(model_account(alone), model_account(pass.models[i]), sizeof(struct account));
            followers += pass.leaders[i] != i;
            model_close(alone);
        }
        assert_int_equal(followers, ALL - 3); /* all but those that walk in two dimensions */
        model_pass_close(&pass);
        sheet_free(sheet);
    }
}

/* Where an access of a walk goes to: phases in which translations and caches go apart, or now and then, or
 * never, by prefetchers that go on, walk caches that lack what is needed, and what is not mapped. */
static uint64_t walk_place(uint64_t *state, unsigned i, uint64_t bytes)
{
    switch (i / 4096 % 6) {
    case 0:
        return random_below(state, 8 * MIB);
    case 1:
        return random_below(state, bytes);
    case 2:
        return i * UINT64_C(64) % bytes;
    case 3:
        return i % 256 ? random_below(state, 8 * MIB) : random_below(state, bytes);
    case 4:
        return i % 600 < 40 ? i % 40 * 64 : random_below(state, 8 * MIB);
    default:
        return i % 1000 ? random_below(state, 8 * MIB) : 2 * bytes;
    }
}

static void walk_alike(struct model_pass *pass, struct model *alone, uint64_t bytes, uint64_t state)
{
    enum { COUNT = 5 * 6 * 4096, MOST = 3000 };
    gva_t addresses[MOST];
    for (unsigned done = 0, some; done < COUNT; done += some) {
        const enum model_access access = (enum model_access)(done / 4096 / 6 % 3);
        some = 1 + (unsigned)random_below(&state, MOST);
        for (unsigned i = 0; i < some; i++) {
            addresses[i] = GVA(base + walk_place(&state, done + i, bytes));
            model_access(alone, addresses[i], access);
        }
        model_pass_access(pass, addresses, some, access);
        if (done % 5)
            continue;
        model_pass_settle(pass);
        assert_memory_equal(model_account(alone), model_account(pass->models[0]), sizeof(struct account));
    }
    model_pass_settle(pass);
    assert_memory_equal(model_account(alone), model_account(pass->models[0]), sizeof(struct account));
}

/* One that two threads share, on all presets: these have it but where prefetchers translate, or all that is
 * walked in two dimensions is asked of a nested TLB. */
static void one_model_of_two_threads_has_the_account_of_one(void **unused)
{
    (void)unused;
    const uint64_t bytes = 96 * MIB;
    for (size_t i = 0; machine_preset(i).name; i++) {
        struct sheet *sheet = sheet_of(machine_preset(i).name);
        const bool nested = sheet->machine.has_nested && i % 2;
        const enum model_technique technique = nested ? MODEL_NESTED : i % 4 ? MODEL_NATIVE : MODEL_SHADOW;
        const struct model_config config =
            config_of(&sheet->machine, technique, 4 * KIB, i % 3 ? 4 * KIB : 2 * MIB, bytes);
        struct model *alone =
            open_model(&sheet->machine, technique, 4 * KIB, i % 3 ? 4 * KIB : 2 * MIB, bytes);
        struct model_pass pass;
        struct error error;
        assert_int_equal(model_pass_open(&config, 1, &pass, &error), 0);
        map_each(&pass, bytes);
        model_pass_spread(&pass, 2);
        assert_int_equal(pass.relays[0] != NULL,
            !model_translates_ahead(&sheet->machine) && !(nested && sheet->machine.nested.tlb.data));
        walk_alike(&pass, alone, bytes, i);
        model_pass_close(&pass);
        model_close(alone);
        sheet_free(sheet);
    }
}

/* Frames in every order, told of nodes and not. */
enum { POLICIES = FRAME_ORDERS * (FRAME_NODES + 1) };

static struct frame_policy policy_of(unsigned number)
{
    const unsigned node = number / FRAME_ORDERS;
    return (struct frame_policy){.order = (enum frame_order)(number % FRAME_ORDERS),
        .fragmented = 0.3,
        .node = node == FRAME_NODES ? NODE_INTERLEAVED : (enum frame_node)node,
        .told = node == FRAME_NODES,
        .seed = number};
}

/* Those that walk the same tables in the same frames: native paging with the host's pages, the others where
 * the guest's are as large, or larger. Each comes first once. */
enum { ALIKE = 6, ALIKE_COUNT = 500 };

static void make_alike(
    struct model_config configs[static ALIKE], const struct model_config *like, unsigned first)
{
    static const enum model_technique techniques[ALIKE] = {
        MODEL_NATIVE, MODEL_SHADOW, MODEL_DIRECT, MODEL_AGILE, MODEL_SHADOW, MODEL_DIRECT};
    for (unsigned i = 0; i < ALIKE; i++) {
        struct model_config *config = &configs[(first + i) % ALIKE];
        *config = *like;
        config->technique = techniques[i];
        config->sync_write = i == 4;
        config->hypothetical = true;
        if (i == 0 || i == 5)
            config->guest_page = like->host_page;
    }
}

static void access_all(struct model *model, const gva_t addresses[static ALIKE_COUNT])
{
    for (enum model_access access = ACCESS_READ; access <= ACCESS_EXECUTE; access++)
        for (size_t i = 0; i < ALIKE_COUNT; i++)
            model_access(model, addresses[i], access);
}

/* In a pass they have one model, and of models of their own each has the same account. */
static void expect_alike(const struct model_config configs[static ALIKE], uint64_t seed)
{
    const uint64_t bytes = configs->bytes_max;
    gva_t addresses[ALIKE_COUNT];
    struct model_pass pass;
    struct error error;
    for (size_t i = 0; i < ALIKE_COUNT; i++)
        addresses[i] = GVA(base + (i % 3 ? random_below(&seed, bytes) : i * 64));
    assert_int_equal(model_pass_open(configs, ALIKE, &pass, &error), 0);
    map_each(&pass, bytes);
    for (enum model_access access = ACCESS_READ; access <= ACCESS_EXECUTE; access++)
        model_pass_access(&pass, addresses, ALIKE_COUNT, access);
    for (size_t i = 0; i < ALIKE; i++) {
        struct model *alone;
        assert_int_equal(pass.same[i], 0);
        assert_int_equal(model_open(&configs[i], &alone, &error), 0);
        assert_int_equal(model_map(alone, GVA(base), bytes, NULL, &error), 0);
        access_all(alone, addresses);
        assert_memory_equal(model_account(alone), model_account(pass.models[i]), sizeof(struct account));
        model_close(alone);
    }
    model_pass_close(&pass);
}

/* On every machine, whether its prefetchers translate or not; 1 GiB in pages of 4 KiB takes long. */
static void what_is_the_same_is_simulated_once(void **unused)
{
    (void)unused;
    static const uint64_t pairs[][2] = {{4 * KIB, 4 * KIB}, {2 * MIB, 4 * KIB}, {2 * MIB, 2 * MIB},
        {GIB, 2 * MIB}, {GIB, GIB}, {GIB, 4 * KIB}};
    const bool all = repeated(POLICIES) == POLICIES;
    const unsigned pair_count = all ? 6 : 5, policies = all ? POLICIES : 1;
    for (unsigned m = 0; machine_preset(m).name; m++) {
        struct sheet *sheet = sheet_of(machine_preset(m).name);
        for (unsigned i = 0; i < pair_count * policies; i++) {
            const uint64_t *pair = pairs[i % pair_count], bytes = pair[0] == GIB ? GIB : 4 * MIB;
            const unsigned number = m + 5 * (i % pair_count) + i / pair_count;
            struct model_config configs[ALIKE],
                like = config_of(&sheet->machine, MODEL_NATIVE, pair[0], pair[1], bytes);
            struct error error;
            like.host_frames = policy_of(number % POLICIES);
            like.guest_frames = policy_of(7 * number % POLICIES);
            make_alike(configs, &like, number);
            if (model_check(&like, &error) == 0)
                expect_alike(configs, number);
        }
        sheet_free(sheet);
    }
}

/* What makes one of direct, or native, and shadow paging another than the other one. */
static void make_them_differ(struct model_config configs[static 2], unsigned how)
{
    switch (how) {
    case 0:
        configs[0].rates.of[EVENT_EXIT].rate = configs[1].rates.of[EVENT_EXIT].rate = 10;
        break;
    case 1:
        configs[0].fresh = configs[1].fresh = true;
        break;
    case 2:
        configs[0].domains = configs[1].domains = 2;
        break;
    case 3:
        configs[0].host_page = 2 * MIB;
        break;
    case 4:
        configs[0].host_page = configs[1].host_page = configs[1].guest_page = 2 * MIB;
        break;
    case 5:
        configs[0].seed++;
        break;
    case 6:
        configs[0].host_frames.seed++;
        break;
    case 7:
        configs[0].guest_frames.order = FRAMES_FRAGMENTED;
        break;
    case 8:
        configs[0].bytes_max *= 2;
        break;
    case 9:
        configs[0].technique = MODEL_NATIVE;
        configs[0].guest_page = 2 * MIB;
        break;
    case 10:
        configs[0].technique = MODEL_NATIVE;
        configs[1].host_page = 2 * MIB;
        break;
    default:
        configs[0].technique = MODEL_NESTED;
        break;
    }
}

static void what_may_differ_is_not_the_same(void **unused)
{
    (void)unused;
    struct sheet *sheet = sheet_of("zen3-milan");
    for (unsigned how = 0; how <= 11; how++) {
        struct model_config configs[2] = {config_of(&sheet->machine, MODEL_DIRECT, 4 * KIB, 4 * KIB, 4 * MIB),
            config_of(&sheet->machine, MODEL_SHADOW, 4 * KIB, 4 * KIB, 4 * MIB)};
        struct model_pass pass;
        struct error error;
        make_them_differ(configs, how);
        assert_int_equal(model_pass_open(configs, 2, &pass, &error), 0);
        assert_int_equal(pass.same[1], 1);
        assert_ptr_not_equal(pass.models[0], pass.models[1]);
        model_pass_close(&pass);
    }
    sheet_free(sheet);
}

/* Rates take each technique its own time: nobody follows. */
static void where_something_happens_nobody_follows(void **unused)
{
    (void)unused;
    struct sheet *sheet = sheet_of("zen3-milan");
    struct model_config configs[2];
    struct model_pass pass;
    struct error error;
    for (int i = 0; i < 2; i++) {
        configs[i] = config_of(&sheet->machine, i ? MODEL_SHADOW : MODEL_NATIVE, 4 * KIB, 4 * KIB, MIB);
        configs[i].rates.of[EVENT_FLUSH].rate = 10;
    }
    assert_int_equal(model_pass_open(configs, 2, &pass, &error), 0);
    assert_int_equal(pass.leaders[1], 1);
    model_pass_close(&pass);
    sheet_free(sheet);
}

/* Between which limits accesses of several chains are: of one, they are the account. */
static void overlap_is_between_all_and_data_alone(void **unused)
{
    (void)unused;
    struct sheet *sheet = sheet_of("zen3-milan");
    for (unsigned technique = 0; technique < MODEL_TECHNIQUES; technique++) {
        struct model *model = open_model(&sheet->machine, technique, 4 * KIB, 4 * KIB, 32 * MIB);
        uint64_t state = 3;
        for (unsigned i = 0; i < 5000; i++) {
            model_access(model, GVA(base + random_below(&state, 32 * MIB)), ACCESS_WRITE);
            if (i % 100 == 0)
                model_change_entry(model, GVA(base + random_below(&state, 32 * MIB)));
        }
        const struct account *account = model_account(model);
        assert_adds_up(account);
        double alone = (double)account->cycles / (double)account->accesses;
        struct overlap one = overlap_of(account, 1), four = overlap_of(account, 4);
        assert_true(fabs(one.best / alone - 1) < 1e-12 && fabs(one.worst / alone - 1) < 1e-12);
        assert_true(alone / 4 < four.best && four.best < four.worst && four.worst < alone);
        model_close(model);
    }
    sheet_free(sheet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cold_walks_read_what_arithmetic_says),
        cmocka_unit_test(the_walks_of_the_literature),
        cmocka_unit_test(a_changed_table_is_walked_nested_by_agile_paging),
        cmocka_unit_test(a_table_that_is_left_alone_has_a_shadow_again),
        cmocka_unit_test(walk_caches_and_the_nested_tlb_spare_reads),
        cmocka_unit_test(a_tlb_entry_covers_the_smaller_page),
        cmocka_unit_test(without_tags_an_exit_empties_the_tlbs),
        cmocka_unit_test(each_technique_pays_for_changes_in_its_own_way),
        cmocka_unit_test(fresh_pages_are_given_once),
        cmocka_unit_test(many_accesses_are_as_one_after_another),
        cmocka_unit_test(many_accesses_are_as_one_on_every_machine),
        cmocka_unit_test(in_a_pass_each_has_the_account_that_it_has_alone),
        cmocka_unit_test(one_model_of_two_threads_has_the_account_of_one),
        cmocka_unit_test(what_is_the_same_is_simulated_once),
        cmocka_unit_test(what_may_differ_is_not_the_same),
        cmocka_unit_test(where_something_happens_nobody_follows),
        cmocka_unit_test(overlap_is_between_all_and_data_alone),
        cmocka_unit_test(every_preset_runs_with_every_technique_it_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
