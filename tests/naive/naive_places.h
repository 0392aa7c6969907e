/* What is where: numbers found by numbers, and the frames and tables of simulated address spaces made of
 * that. */
#ifndef VCOST_TESTS_NAIVE_PLACES_H
#define VCOST_TESTS_NAIVE_PLACES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct naive_dictionary {
    struct naive_pair {
        uint64_t key, value;
        bool used;
    } * pairs;
    size_t room, count;
};

void dictionary_put(
    struct naive_dictionary *dictionary, uint64_t key, uint64_t value); /* also instead of another */
bool dictionary_find(const struct naive_dictionary *dictionary, uint64_t key, uint64_t *value);
void dictionary_free(struct naive_dictionary *dictionary);

/* Where frames are taken from (src/model/ground.h). */
struct naive_frames {
    enum { NAIVE_IN_ORDER, NAIVE_SCATTERED, NAIVE_FRAGMENTED } order;
    double fragmented;
    uint64_t seed;
    enum { NAIVE_NEAR, NAIVE_FAR, NAIVE_ALTERNATING } node;
    bool told;
};

/* A physical memory. */
struct naive_memory {
    struct naive_frames frames;
    uint64_t zone_bytes, taken[5];
};

/* For so many bytes. */
struct naive_memory naive_memory_make(const struct naive_frames *frames, uint64_t bytes);
uint64_t naive_frame(const struct naive_memory *memory, unsigned zone, uint64_t n); /* the n-th of a zone */
bool naive_has(const struct naive_memory *memory, unsigned zone);                   /* another frame */
uint64_t naive_take(struct naive_memory *memory, unsigned zone);
unsigned naive_zone(uint64_t page_bytes);

/* An address space: its tables, which stand in a memory, and its leaves. */
struct naive_space {
    struct naive_memory *memory;
    unsigned zone; /* of it, in which the tables stand */
    unsigned levels;
    struct naive_dictionary tables; /* by level and the address that they are for */
    struct naive_dictionary leaves; /* by size and page */
    struct naive_dictionary hidden; /* leaves, by size and page; 1: is hidden */
};

struct naive_leaf {
    unsigned level; /* 1 … 3; 0: there is none */
    uint64_t bytes, from, to;
};

/* With its root. */
void naive_space_begin(
    struct naive_space *space, struct naive_memory *memory, unsigned zone, unsigned levels);
void naive_space_map(struct naive_space *space, uint64_t from, uint64_t to, uint64_t bytes);
bool naive_table_at(const struct naive_space *space, unsigned level, uint64_t address, uint64_t *table);
struct naive_leaf naive_leaf_at(const struct naive_space *space, uint64_t address); /* hidden ones are none */
/* What is mapped in a range, as pages of so many bytes. */
void naive_space_hide(struct naive_space *space, uint64_t from, uint64_t bytes, uint64_t page, bool hide);
void naive_space_free(struct naive_space *space);

#endif
