/* A simulated physical memory: which frames it gives out, and what stands in those that hold page tables.
 * Only these take real memory.
 *
 * zone_bytes is the smallest power of two that is at least 4 GiB and twice the bytes asked for.
 *
 * Frames are taken by size. Each size has a zone of its own, and so have tables, by what they are for: zone z
 * (enum ground_zone, 0 … 4) is [z * zone_bytes, (z + 1) * zone_bytes). The n-th frame of a zone, n from 0, is
 * its
 *   in order:   n-th,
 *   scattered:  permutation_forward(n)-th, of permutation_make(frames of the zone, seed + z),
 *   fragmented: n-th, or with probability `fragmented` (random_mix(seed ^ (z << 56 | n)) >> 11, in units of
 * 2^-53, is below it) half + permutation_forward(n)-th, of permutation_make(half, seed + z), where half is
 *               half the frames of the zone: the lower half is gone through in order.
 * With interleaved nodes every second frame of its zone (odd number) is remote. Where whoever takes frames is
 * told of that, near ones alone are taken: then all of this is of half as many frames, of which the n-th is
 * that with the number 2n; and zone_bytes is at least four times the bytes asked for.
 *
 * Two grounds of one policy and size whose tables stand in different zones are parts of the same memory. */
#ifndef VCOST_MODEL_GROUND_H
#define VCOST_MODEL_GROUND_H

#include "base/permutation.h"
#include "paging/page_tables.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum frame_order { FRAMES_IN_ORDER, FRAMES_SCATTERED, FRAMES_FRAGMENTED, FRAME_ORDERS };
enum frame_node { NODE_LOCAL, NODE_REMOTE, NODE_INTERLEAVED, FRAME_NODES };

struct frame_policy {
    enum frame_order order;
    double fragmented; /* 0 … 1 */
    enum frame_node node;
    bool told; /* of interleaved nodes: then near frames alone are taken */
    uint64_t seed;
};

/* Do frames come in the same order? */
bool frame_policies_are_alike(const struct frame_policy *a, const struct frame_policy *b);

enum ground_zone {
    ZONE_TABLES, /* that the program or the guest runs on; of 4 KiB */
    ZONE_4K,
    ZONE_2M,
    ZONE_1G,
    ZONE_SECOND, /* tables of the second dimension: only a host has them; of 4 KiB */
    GROUND_ZONES
};
enum { GROUND_CHUNK_TABLES = 512, GROUND_GUESSES = 4096 };

struct model_ground {
    struct frame_policy policy;
    enum ground_zone tables_zone;
    uint64_t zone_bytes;
    struct permutation scatter[GROUND_ZONES];
    uint64_t taken[GROUND_ZONES];
    /* The tables, by their numbers: the n-th that was made, from 0, stands in the n-th frame of its
     * zone. */
    struct ground_table *tables; /* owned */
    size_t table_count;
    uint32_t *
        guesses; /* by frame, modulo GROUND_GUESSES: the number of the table that was asked for last; owned */
    uint64_t **chunks; /* their entries, so many tables together; owned, with what they point to */
};

struct ground_table {
    uint64_t address;
    uint64_t *entries;
};

uint64_t ground_zone_bytes(const struct frame_policy *policy, uint64_t bytes);

/* For up to `bytes` of data in frames of any one size, and tables. At most 2^40: -EINVAL. */
int ground_init(struct model_ground *ground, const struct frame_policy *policy, uint64_t bytes,
    enum ground_zone tables, struct error *error);
void ground_free(struct model_ground *ground);

/* A frame of 4 KiB, 2 MiB or 1 GiB. -ENOMEM when the zone is used up. */
int ground_take(struct model_ground *ground, uint64_t bytes, uint64_t *address, struct error *error);

/* The address of the n-th frame of a zone. */
uint64_t ground_frame(const struct model_ground *ground, enum ground_zone zone, uint64_t n);

bool ground_is_remote(const struct model_ground *ground, uint64_t address);

/* The number of the table around an address, if need be computed backwards from the order of frames;
 * table_count where no table is. */
size_t ground_find_table(const struct model_ground *ground, uint64_t address);

static inline size_t ground_table_number(const struct model_ground *ground, uint64_t address)
{
    size_t guess = ground->guesses[address / PAGE_TABLE_BYTES % GROUND_GUESSES];
    bool right = guess < ground->table_count &&
                 ground->tables[guess].address == (address & -(uint64_t)PAGE_TABLE_BYTES);
    return right ? guess : ground_find_table(ground, address);
}

/* The entry of a table; 0 where no table is. */
uint64_t ground_read(const struct model_ground *ground, uint64_t address);

/* For page_tables.h: tables stand in its zone for them. They stay where they are in real memory. */
struct table_memory ground_tables(struct model_ground *ground);

#endif
