/* Tables of tags of every kind, shape and replacement against the plain lists of tests/naive/, step by step.
 */
#include "cmocka_all.h"

#include "model/caches.h"
#include "model/tags.h"
#include "naive_table.h"

#include <inttypes.h>

enum { STEPS = 4000, SEED = 11 };

struct both {
    enum tags_kind kind;
    struct machine_shape shape;
    struct tags tags;
    struct naive_table naive;
};

static void open_both(struct both *both)
{
    static const enum naive_index indices[] = {
        [INDEX_BITS] = NAIVE_BITS, [INDEX_XOR] = NAIVE_XOR, [INDEX_HASH] = NAIVE_HASH};
    static const enum naive_replacement replacements[] = {
        [REPLACE_LRU] = NAIVE_LRU, [REPLACE_FIFO] = NAIVE_FIFO, [REPLACE_RANDOM] = NAIVE_RANDOM};
    const struct naive_shape naive = {both->shape.entries, both->shape.ways, indices[both->shape.index],
        replacements[both->shape.replacement]};
    struct error error;
    if (tags_init(&both->tags, both->kind, &both->shape, SEED, &error) < 0)
        fail_msg("%s", error.text);
    both->naive = naive_table_make(&naive, SEED);
}

static uint64_t key_for(enum tags_kind kind, uint64_t number)
{
    return kind & TAGS_WITH_KEYS ? number << 1 | 1 : number;
}

static void use(struct both *both, const struct tags_place *place, uint64_t number, uint64_t value)
{
    enum tags_kind kind = both->kind;
    uint64_t found = 0, naive_found = 0, dropped = 0, naive_dropped = 0, key = key_for(kind, number);
    bool keyed = kind & TAGS_WITH_KEYS, there = tags_find(kind, &both->tags, place, keyed ? &found : NULL);
    assert_int_equal(there, naive_find(&both->naive, number, key, &naive_found));
    if (there && keyed)
        assert_int_equal(found, naive_found);
    if (there)
        return;
    bool full = tags_put(kind, &both->tags, place, value, &dropped);
    assert_int_equal(full, naive_put(&both->naive, number, key, value, &naive_dropped));
    if (full)
        assert_int_equal(dropped, naive_dropped);
}

/* In bursts of numbers that share few sets, so that sets fill. Far numbers need all of a mark. */
static void step_both(struct both *both, uint64_t *state, uint64_t step)
{
    uint64_t sets = both->shape.entries / both->shape.ways,
             far = random_below(state, 2) * (UINT64_C(1) << 31);
    uint64_t number = random_below(state, 2 * both->shape.ways) * sets + random_below(state, 2) % sets + far;
    struct tags_place place = tags_place(both->kind, &both->tags, number, key_for(both->kind, number));
    if (random_below(state, 10) == 0) {
        tags_drop(both->kind, &both->tags, &place);
        naive_drop(&both->naive, number, key_for(both->kind, number));
    } else {
        use(both, &place, number, step);
    }
    if (random_below(state, 1000) == 0) {
        tags_clear(&both->tags);
        naive_clear(&both->naive);
    }
}

static void compare(enum tags_kind kind, const struct machine_shape *shape, uint64_t *state)
{
    struct both both = {.kind = kind, .shape = *shape};
    open_both(&both);
    for (uint64_t step = 0; step < STEPS; step++)
        step_both(&both, state, step);
    tags_free(&both.tags);
    naive_table_free(&both.naive);
}

/* By the code for any table, and by that which knows what it can. */
static void compare_all(const struct machine_shape *shape, uint64_t *state)
{
    bool bits = shape->index == INDEX_BITS;
    compare(TAGS_BARE, shape, state);
    compare(TAGS_KEYED, shape, state);
    if (shape->ways <= 16)
        compare(TAGS_BARE | TAGS_STRIDE_16, shape, state);
    if (shape->ways <= 16 && bits)
        compare(TAGS_BARE | TAGS_STRIDE_16 | TAGS_BY_BITS, shape, state);
    if (shape->ways <= 8 && bits)
        compare(TAGS_BARE | TAGS_STRIDE_8 | TAGS_BY_BITS, shape, state);
    if (shape->ways <= 8 && bits)
        compare(TAGS_KEYED_FEW, shape, state);
    if (shape->entries == shape->ways && shape->ways > 16)
        compare(TAGS_KEYED_ONE_SET, shape, state);
}

static void tags_are_as_lists(void **unused)
{
    (void)unused;
    static const unsigned ways[] = {1, 2, 4, 7, 8, 12, 15, 16, 17, 20, 24, 32, 64, 96};
    uint64_t state = 1;
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        for (unsigned j = 0; j < 2 * MACHINE_INDICES * MACHINE_REPLACEMENTS; j++) {
            const struct machine_shape shape = {
                ways[i] * (j % 2 ? 1 : 16), ways[i], j / 2 % MACHINE_INDICES, j / 2 / MACHINE_INDICES};
            compare_all(&shape, &state);
        }
}

/* Ways of the only set that are used at once, any number of them. */
static void use_at_once(struct tags *single, struct tags *at_once, uint64_t *state)
{
    const struct tags_place place = {.set = 0};
    unsigned used[300];
    const size_t count = random_below(state, sizeof used / sizeof *used + 1);
    for (size_t i = 0; i < count; i++) {
        used[i] = (unsigned)random_below(state, at_once->ways);
        tags_use_way(TAGS_KEYED_ONE_SET, single, &place, used[i]);
    }
    tags_use_ways(at_once, used, count);
    for (unsigned position = 0; position < at_once->ways; position++)
        assert_int_equal(
            order_at(true, &at_once->order, 0, position), order_at(true, &single->order, 0, position));
}

static void ways_used_at_once_are_as_one_after_another(void **unused)
{
    (void)unused;
    static const unsigned ways[] = {17, 64, 256, 257, 400};
    uint64_t state = 1;
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        for (enum machine_replacement replacement = 0; replacement < MACHINE_REPLACEMENTS; replacement++) {
            const struct machine_shape shape = {ways[i], ways[i], INDEX_BITS, replacement};
            struct both single = {.kind = TAGS_KEYED, .shape = shape}, at_once = single;
            open_both(&single);
            open_both(&at_once);
            for (unsigned step = 0; step < STEPS / 100; step++)
                use_at_once(&single.tags, &at_once.tags, &state);
            tags_free(&single.tags);
            tags_free(&at_once.tags);
            naive_table_free(&single.naive);
            naive_table_free(&at_once.naive);
        }
}

/* Memory that is too large for marks alone is looked for by whole keys, with the same outcome. */
static void large_memory_changes_nothing(void **unused)
{
    (void)unused;
    struct pool pool = {.newest = NULL};
    struct machine machine;
    struct error error;
    struct caches small, large;
    uint64_t state = 1, least = UINT64_C(1) << 32;
    if (machine_find("icelake-sp", &pool, &machine, &error) < 0 ||
        caches_init(&small, &machine, least, SEED, NULL, &error) < 0 ||
        caches_init(&large, &machine, least << 13, SEED, NULL, &error) < 0)
        fail_msg("%s", error.text);
    assert_false(small.levels[0].data.kind & TAGS_WITH_KEYS);
    assert_true(large.levels[0].data.kind & TAGS_WITH_KEYS);
    for (unsigned step = 0; step < 50 * STEPS; step++) {
        uint64_t address = random_below(&state, UINT64_C(1) << 27);
        bool instruction = random_below(&state, 8) == 0;
        unsigned first = 1 + (unsigned)random_below(&state, 2);
        assert_int_equal(caches_access(&small, address, instruction, first, false).level,
            caches_access(&large, address, instruction, first, false).level);
    }
    caches_free(&small);
    caches_free(&large);
    pool_free(&pool);
}

/* The code that a machine's caches have, of the other kind for CPUs. */
static void narrow_down(struct caches *caches)
{
    unsigned swapped = 0;
    for (enum caches_kind kind = 0; kind < CACHES_CODES; kind++) {
        for (unsigned use = 0; use < 2; use++)
            if (caches->serve[use] == caches_codes_wide.serve[kind][use]) {
                caches->serve[use] = caches_codes_any.serve[kind][use];
                swapped++;
            }
        for (unsigned all = 0; all < 2; all++)
            if (caches->many[all] && caches->many[all] == caches_codes_wide.many[kind][all])
                caches->many[all] = caches_codes_any.many[kind][all];
    }
    assert_int_equal(swapped, 2);
}

static void open_preset(
    size_t preset, unsigned count, struct pool *pool, struct machine *machine, struct caches *caches)
{
    struct error error;
    if (machine_find(machine_preset(preset).name, pool, machine, &error) < 0)
        fail_msg("%s", error.text);
    for (unsigned i = 0; i < count; i++)
        if (caches_init(&caches[i], machine, UINT64_C(1) << 32, SEED, NULL, &error) < 0)
            fail_msg("%s", error.text);
}

/* The code for CPUs with wide vectors and that for all. */
static void wide_and_narrow_vectors_do_the_same(void **unused)
{
    (void)unused;
    if (!caches_are_wide())
        skip();
    for (size_t i = 0; machine_preset(i).name; i++) {
        struct pool pool = {.newest = NULL};
        struct machine machine;
        struct caches caches[2];
        uint64_t state = i;
        open_preset(i, 2, &pool, &machine, caches);
        narrow_down(&caches[1]);
        for (unsigned step = 0; step < 10 * STEPS; step++) {
            uint64_t address = random_below(&state, UINT64_C(1) << (step % 2 ? 26 : 20));
            bool instruction = random_below(&state, 8) == 0;
            unsigned first = 1 + (unsigned)random_below(&state, 2);
            assert_int_equal(caches_access(&caches[0], address, instruction, first, false).level,
                caches_access(&caches[1], address, instruction, first, false).level);
        }
        caches_free(&caches[0]);
        caches_free(&caches[1]);
        pool_free(&pool);
    }
}

/* Up to so many of data, the same one after another by the first of these and at once by the others. Between
 * them comes an instruction. */
static void serve_some(struct caches *caches, unsigned count, uint64_t *state)
{
    static const unsigned bits[] = {
        12, 20, 26, 26}; /* the first ones stay in level 1, longer than in level 2 */
    cache_request requests[200];
    struct caches_counts counts[3] = {{.of = {{0}}}};
    size_t some = (size_t)random_below(state, 200);
    bool all = random_below(state, 2);
    uint64_t instruction = random_below(state, UINT64_C(1) << 22);
    for (size_t i = 0; i < some; i++) {
        uint64_t address = random_below(state, UINT64_C(1) << bits[i % 4]);
        unsigned first = all || i % 4 == 0 ? 1 : 1 + (unsigned)random_below(state, 2),
                 what = (unsigned)random_below(state, CACHES_WHATS);
        requests[i] = cache_request_of(address, first, what);
        counts[0].of[what][caches_access(&caches[0], address, false, first, false).level - 1]++;
    }
    for (unsigned i = 0; i < count; i++) {
        if (i)
            caches[i].many[all](&caches[i], requests, some, &counts[i]);
        assert_memory_equal(&counts[i], &counts[0], sizeof counts[0]);
        caches_access(&caches[i], instruction, true, 1, false);
    }
}

static void many_at_once_are_as_one_after_another(void **unused)
{
    (void)unused;
    unsigned for_many = 0;
    for (size_t i = 0; machine_preset(i).name; i++) {
        struct pool pool = {.newest = NULL};
        struct machine machine;
        struct caches caches[3];
        uint64_t state = i;
        open_preset(i, 3, &pool, &machine, caches);
        if (caches_are_wide())
            narrow_down(&caches[2]);
        for (unsigned step = 0; caches[0].many[0] && step < STEPS / 10; step++)
            serve_some(caches, 3, &state);
        for_many += caches[0].many[0] != NULL;
        for (unsigned k = 0; k < 3; k++)
            caches_free(&caches[k]);
        pool_free(&pool);
    }
    assert_int_equal(for_many, 9); /* all but barcelona, core2-merom and nehalem */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tags_are_as_lists),
        cmocka_unit_test(ways_used_at_once_are_as_one_after_another),
        cmocka_unit_test(large_memory_changes_nothing),
        cmocka_unit_test(wide_and_narrow_vectors_do_the_same),
        cmocka_unit_test(many_at_once_are_as_one_after_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
