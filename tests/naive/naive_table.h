/* A table of tags as it is told in src/model/tags.h, in the slowest and plainest way: each set is a list, the next to
 * be dropped last. Shares no code with src/model/. */
#ifndef VCOST_TESTS_NAIVE_TABLE_H
#define VCOST_TESTS_NAIVE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum naive_index { NAIVE_BITS, NAIVE_XOR, NAIVE_HASH };
enum naive_replacement { NAIVE_LRU, NAIVE_FIFO, NAIVE_RANDOM };

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

struct naive_table naive_table_make(const struct naive_shape *shape, uint64_t seed); /* ends the program without memory */
void naive_table_free(struct naive_table *table);
bool naive_find(struct naive_table *table, uint64_t number, uint64_t key, uint64_t *value); /* value may be NULL */
/* True: `dropped` is what went for it. */
bool naive_put(struct naive_table *table, uint64_t number, uint64_t key, uint64_t value, uint64_t *dropped);
bool naive_drop(struct naive_table *table, uint64_t number, uint64_t key);
void naive_clear(struct naive_table *table);

#endif
