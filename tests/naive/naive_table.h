/* A table of tags as it is told in src/model/tags.h, in the slowest and plainest way: each set is a list, the
 * next to be dropped last. Shares no code with src/model/. */
#ifndef VCOST_TESTS_NAIVE_TABLE_H
#define VCOST_TESTS_NAIVE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum naive_index { NAIVE_BITS, NAIVE_XOR, NAIVE_HASH };
enum naive_replacement { NAIVE_LRU, NAIVE_FIFO, NAIVE_RANDOM };

/* Mistakes that the naive machine makes on purpose, so that it can be shown that a comparison notices them.
 */
enum naive_defect {
    SOUND,
    USE_DOES_NOT_MOVE,
    FULL_SET_DROPS_THE_FIRST,
    RANDOM_IS_ANOTHER,
    XOR_IS_BITS,
    HASH_IS_A_REMAINDER,
    INCLUSION_IS_FORGOTTEN,
    EXCLUSIVE_KEEPS_WHAT_IT_SERVED,
    VICTIM_IS_LOST,
    WALKER_READS_FROM_LEVEL_1,
    LEVEL_2_HIT_STAYS_THERE,
    LARGE_PAGE_IS_NOT_SPLINTERED,
    TLB_WITHOUT_SPACES,
    GUEST_PAGE_DECIDES,
    WALK_CACHE_ONE_LEVEL_HIGHER,
    WALK_CACHE_KEEPS_NOTHING,
    WALK_CACHE_TOP_FIRST,
    HOST_WALK_CACHES_IGNORED,
    ROOT_NOT_TRANSLATED,
    LAST_PAGE_NOT_TRANSLATED,
    NESTED_TLB_HAS_DATA,
    WALK_IS_FREE,
    FLUSH_KEEPS_WALK_CACHES,
    FLUSH_KEEPS_THE_PAGE,
    EXIT_KEEPS_ALL,
    SWITCH_KEEPS_ALL,
    SYNC_DOES_NOT_GUARD,
    LAZY_STORES_ALL_EXIT,
    FLUSH_DOES_NOT_EXIT,
    HIDDEN_FAULT_DOES_NOT_EXIT,
    AGILE_NEVER_SWITCHES,
    AGILE_SWITCHES_AT_ONCE,
    AGILE_NEVER_RETURNS,
    AGILE_SEES_NO_STORES,
    AGILE_OVERLOOKS_BITS,
    AGILE_COUNTS_STORES_FOR_EVER,
    SHADOWS_HAVE_WHAT_IS_UNUSED,
    TABLES_IN_OTHER_FRAMES,
    HOST_TABLES_AMONG_OTHERS,
    ROOT_IS_GIVEN_FIRST,
    STORES_SET_NOTHING,
    CLEAN_PAGES_ARE_NOT_WALKED,
    BITS_STAY_SET,
    FAULTS_DO_NOT_EXIT,
    FAULTS_RECYCLE_FRAMES,
    COPIES_ARE_NOT_FLUSHED,
    TICKS_EXIT_ONCE,
    FLUSH_KEEPS_ALL,
    DOMAINS_SHARE_TAGS,
    EVENTS_BEGIN_LATE,
    PREFETCHES_COME_AT_ONCE,
    STREAMS_END_WITH_THE_PAGE,
    STREAMS_NEED_NO_STEPS,
    REGIONS_NEED_NO_USE,
    REGIONS_HAVE_NO_BELOW,
    PREFETCHES_HAVE_NO_LIMIT,
    PREFETCHES_LEAVE_THE_TLBS,
    NEIGHBOURS_STAY_AWAY,
    NAIVE_DEFECTS
};
extern enum naive_defect naive_defect;

struct naive_shape {
    unsigned entries, ways;
    enum naive_index index;
    enum naive_replacement replacement;
};

struct naive_entry {
    uint64_t key, value;
};

struct naive_table {
    struct naive_shape shape;
    uint64_t random;
    unsigned *used;              /* by set */
    struct naive_entry *entries; /* by set, `ways` each */
};

struct naive_table naive_table_make(
    const struct naive_shape *shape, uint64_t seed); /* ends the program without memory */
void naive_table_free(struct naive_table *table);
unsigned naive_set(const struct naive_table *table, uint64_t number);
bool naive_find(
    struct naive_table *table, uint64_t number, uint64_t key, uint64_t *value); /* value may be NULL */
/* True: `dropped` is what went for it. */
bool naive_put(struct naive_table *table, uint64_t number, uint64_t key, uint64_t value, uint64_t *dropped);
bool naive_drop(struct naive_table *table, uint64_t number, uint64_t key);
/* All whose key is wanted. */
void naive_drop_those(
    struct naive_table *table, bool (*wanted)(uint64_t key, const void *context), const void *context);
void naive_clear(struct naive_table *table);

uint64_t naive_mix(uint64_t number);
uint64_t naive_random(uint64_t *state, uint64_t limit); /* below it, which is below 2^32 … */

#endif
