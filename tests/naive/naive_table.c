#include "naive_table.h"

#include <stdio.h>
#include <stdlib.h>

enum naive_defect naive_defect;

/* Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014, figure 16. */
uint64_t naive_mix(uint64_t z)
{
    z = (z ^ z >> 30) * 13787848793156543929u;
    z = (z ^ z >> 27) * 10723151780598845931u;
    return z ^ z >> 31;
}

/* floor(number * limit / 2^64), by halves. */
static uint64_t scaled(uint64_t number, uint64_t limit)
{
    uint64_t low = (number & 0xffffffff) * limit, high = (number >> 32) * limit;
    return (high + (low >> 32)) >> 32;
}

struct naive_table naive_table_make(const struct naive_shape *shape, uint64_t seed)
{
    unsigned sets = shape->entries / shape->ways;
    struct naive_table table = {
        *shape, seed, calloc(sets, sizeof *table.used), calloc(shape->entries, sizeof *table.entries)};
    if (!table.used || !table.entries) {
        fputs("no memory\n", stderr);
        abort();
    }
    return table;
}

void naive_table_free(struct naive_table *table)
{
    free(table->used);
    free(table->entries);
    table->used = NULL;
    table->entries = NULL;
}

unsigned naive_set(const struct naive_table *table, uint64_t number)
{
    uint64_t sets = table->shape.entries / table->shape.ways;
    if (table->shape.index == NAIVE_XOR && naive_defect != XOR_IS_BITS)
        return (unsigned)((number % sets) ^ (number / sets % sets));
    if (table->shape.index == NAIVE_HASH && naive_defect != HASH_IS_A_REMAINDER)
        return (unsigned)scaled(naive_mix(number), sets);
    return (unsigned)(number % sets);
}

static struct naive_entry take_out(struct naive_table *table, unsigned set, unsigned at)
{
    struct naive_entry *list = table->entries + (size_t)set * table->shape.ways, taken = list[at];
    table->used[set]--;
    for (unsigned i = at; i < table->used[set]; i++)
        list[i] = list[i + 1];
    return taken;
}

static void put_in(struct naive_table *table, unsigned set, unsigned at, struct naive_entry entry)
{
    struct naive_entry *list = table->entries + (size_t)set * table->shape.ways;
    for (unsigned i = table->used[set]; i > at; i--)
        list[i] = list[i - 1];
    list[at] = entry;
    table->used[set]++;
}

bool naive_find(struct naive_table *table, uint64_t number, uint64_t key, uint64_t *value)
{
    unsigned set = naive_set(table, number);
    for (unsigned i = 0; i < table->used[set]; i++) {
        if (table->entries[(size_t)set * table->shape.ways + i].key != key)
            continue;
        struct naive_entry entry = take_out(table, set, i);
        bool moves = table->shape.replacement == NAIVE_LRU && naive_defect != USE_DOES_NOT_MOVE;
        put_in(table, set, moves ? 0 : i, entry);
        if (value)
            *value = entry.value;
        return true;
    }
    return false;
}

bool naive_put(struct naive_table *table, uint64_t number, uint64_t key, uint64_t value, uint64_t *dropped)
{
    unsigned set = naive_set(table, number), place = 0;
    bool full = table->used[set] == table->shape.ways;
    if (full) {
        unsigned victim = naive_defect == FULL_SET_DROPS_THE_FIRST ? 0 : table->shape.ways - 1;
        if (table->shape.replacement == NAIVE_RANDOM) {
            table->random += 11400714819323198485u - (naive_defect == RANDOM_IS_ANOTHER);
            victim = place = (unsigned)scaled(naive_mix(table->random), table->shape.ways);
        }
        *dropped = take_out(table, set, victim).key;
    }
    put_in(table, set, place, (struct naive_entry){key, value});
    return full;
}

bool naive_drop(struct naive_table *table, uint64_t number, uint64_t key)
{
    unsigned set = naive_set(table, number);
    for (unsigned i = 0; i < table->used[set]; i++)
        if (table->entries[(size_t)set * table->shape.ways + i].key == key) {
            take_out(table, set, i);
            return true;
        }
    return false;
}

void naive_drop_those(
    struct naive_table *table, bool (*wanted)(uint64_t key, const void *context), const void *context)
{
    for (unsigned set = 0; set < table->shape.entries / table->shape.ways; set++)
        for (unsigned i = table->used[set]; i-- > 0;)
            if (wanted(table->entries[(size_t)set * table->shape.ways + i].key, context))
                take_out(table, set, i);
}

uint64_t naive_random(uint64_t *state, uint64_t limit)
{
    *state += 11400714819323198485u;
    return scaled(naive_mix(*state), limit);
}

void naive_clear(struct naive_table *table)
{
    for (unsigned set = 0; set < table->shape.entries / table->shape.ways; set++)
        table->used[set] = 0;
}
