#include "model/ground.h"

#include "base/random.h"
#include "model/large.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

static const uint64_t frame_bytes[GROUND_ZONES] = {
    [ZONE_TABLES] = PAGE_TABLE_BYTES,
    [ZONE_4K] = PAGE_TABLE_BYTES,
    [ZONE_2M] = UINT64_C(1) << 21,
    [ZONE_1G] = UINT64_C(1) << 30,
    [ZONE_SECOND] = PAGE_TABLE_BYTES,
};
static const uint64_t bytes_most = UINT64_C(1) << 40, zone_least = UINT64_C(1) << 32;
enum { ENTRIES = PAGE_TABLE_BYTES / 8 };
_Static_assert((int)GROUND_CHUNK_TABLES *(int)PAGE_TABLE_BYTES == (int)LARGE_BYTES, "a large page of them");

/* Of 2 nodes one alone is used. */
static bool takes_near(const struct frame_policy *policy)
{
    return policy->node == NODE_INTERLEAVED && policy->told;
}

bool frame_policies_are_alike(const struct frame_policy *a, const struct frame_policy *b)
{
    return a->order == b->order && a->fragmented == b->fragmented && a->node == b->node &&
           takes_near(a) == takes_near(b) && a->seed == b->seed;
}

uint64_t ground_zone_bytes(const struct frame_policy *policy, uint64_t bytes)
{
    uint64_t zone = zone_least, times = takes_near(policy) ? 4 : 2;
    while (zone < times * bytes)
        zone *= 2;
    return zone;
}

int ground_init(struct model_ground *ground, const struct frame_policy *policy, uint64_t bytes,
    enum ground_zone tables, struct error *error)
{
    if (bytes > bytes_most)
        return error_set(error, EINVAL,
            "%" PRIu64 " bytes are more than the simulated machine's memory can have, 1 TiB", bytes);
    *ground = (struct model_ground){.policy = *policy,
        .tables_zone = tables,
        .zone_bytes = ground_zone_bytes(policy, bytes),
        .guesses = calloc(GROUND_GUESSES, sizeof *ground->guesses)};
    if (!ground->guesses)
        return error_set(error, ENOMEM, "no memory for a simulated machine");
    for (unsigned zone = 0; zone < GROUND_ZONES; zone++)
        ground->scatter[zone] =
            permutation_make(ground->zone_bytes / frame_bytes[zone] /
                                 (policy->order == FRAMES_FRAGMENTED ? 2 : 1) / (takes_near(policy) ? 2 : 1),
                policy->seed + zone);
    return 0;
}

/* Of few tables most of a large page would be in vain. */
static uint64_t *make_chunk(size_t number)
{
    return number ? large_take(LARGE_BYTES) : calloc(GROUND_CHUNK_TABLES, PAGE_TABLE_BYTES);
}

static void free_chunk(uint64_t **chunks, size_t number)
{
    if (number)
        large_give(chunks[number], LARGE_BYTES);
    else
        free(chunks[number]);
}

void ground_free(struct model_ground *ground)
{
    for (size_t i = 0; i < ground->table_count; i += GROUND_CHUNK_TABLES)
        free_chunk(ground->chunks, i / GROUND_CHUNK_TABLES);
    free(ground->chunks);
    free(ground->tables);
    free(ground->guesses);
    *ground = (struct model_ground){.tables = NULL};
}

/* Which frame of its zone the n-th is. */
static uint64_t nth_frame(const struct model_ground *ground, unsigned zone, uint64_t n)
{
    const struct frame_policy *policy = &ground->policy;
    double chance = (double)(random_mix(policy->seed ^ ((uint64_t)zone << 56 | n)) >> 11) * 0x1p-53;
    if (policy->order == FRAMES_SCATTERED)
        return permutation_forward(&ground->scatter[zone], n);
    if (policy->order == FRAMES_FRAGMENTED && chance < policy->fragmented)
        return ground->scatter[zone].n + permutation_forward(&ground->scatter[zone], n);
    return n;
}

/* The n of which that was made, for a frame that has been given out. */
static uint64_t n_of_frame(const struct model_ground *ground, unsigned zone, uint64_t frame)
{
    frame >>= takes_near(&ground->policy);
    const struct permutation *scatter = &ground->scatter[zone];
    if (ground->policy.order == FRAMES_SCATTERED)
        return permutation_backward(scatter, frame);
    if (ground->policy.order == FRAMES_FRAGMENTED && frame >= scatter->n)
        return permutation_backward(scatter, frame - scatter->n);
    return frame;
}

uint64_t ground_frame(const struct model_ground *ground, enum ground_zone zone, uint64_t n)
{
    uint64_t frame = nth_frame(ground, zone, n) << takes_near(&ground->policy);
    return zone * ground->zone_bytes + frame * frame_bytes[zone];
}

static int take(struct model_ground *ground, enum ground_zone zone, uint64_t *address, struct error *error)
{
    if (ground->taken[zone] >= ground->scatter[zone].n)
        return error_set(error, ENOMEM, "the simulated machine has no memory left");
    *address = ground_frame(ground, zone, ground->taken[zone]++);
    return 0;
}

int ground_take(struct model_ground *ground, uint64_t bytes, uint64_t *address, struct error *error)
{
    enum ground_zone zone = bytes == frame_bytes[ZONE_4K]   ? ZONE_4K
                            : bytes == frame_bytes[ZONE_2M] ? ZONE_2M
                                                            : ZONE_1G;
    return take(ground, zone, address, error);
}

bool ground_is_remote(const struct model_ground *ground, uint64_t address)
{
    uint64_t zone = address / ground->zone_bytes, within = address % ground->zone_bytes;
    return ground->policy.node == NODE_REMOTE ||
           (ground->policy.node == NODE_INTERLEAVED && within / frame_bytes[zone % GROUND_ZONES] % 2);
}

/* ---- tables ---- */

size_t ground_find_table(const struct model_ground *ground, uint64_t address)
{
    uint64_t within = address - ground->tables_zone * ground->zone_bytes;
    if (within >= ground->zone_bytes)
        return ground->table_count;
    uint64_t n = n_of_frame(ground, ground->tables_zone, within / PAGE_TABLE_BYTES);
    bool is = n < ground->table_count && ground->tables[n].address == (address & -(uint64_t)PAGE_TABLE_BYTES);
    if (is)
        ground->guesses[address / PAGE_TABLE_BYTES % GROUND_GUESSES] = (uint32_t)n;
    return is ? n : ground->table_count;
}

static uint64_t *at(void *context, gpa_t table)
{
    const struct model_ground *ground = context;
    size_t number = ground_table_number(ground, table.value);
    return number < ground->table_count ? ground->tables[number].entries : NULL;
}

uint64_t ground_read(const struct model_ground *ground, uint64_t address)
{
    size_t number = ground_table_number(ground, address);
    return number < ground->table_count ? ground->tables[number].entries[address % PAGE_TABLE_BYTES / 8] : 0;
}

/* For so many tables more, where the last chunk is full. */
static int make_room(struct model_ground *ground, struct error *error)
{
    size_t chunk = ground->table_count / GROUND_CHUNK_TABLES, room = (chunk + 1) * GROUND_CHUNK_TABLES;
    if (ground->table_count % GROUND_CHUNK_TABLES)
        return 0;
    uint64_t **chunks = reallocarray(ground->chunks, chunk + 1, sizeof *chunks);
    ground->chunks = chunks ? chunks : ground->chunks;
    struct ground_table *tables = reallocarray(ground->tables, room, sizeof *tables);
    ground->tables = tables ? tables : ground->tables;
    uint64_t *made = chunks && tables ? make_chunk(chunk) : NULL;
    if (!made)
        return error_set(error, ENOMEM, "no memory for simulated page tables");
    chunks[chunk] = made;
    return 0;
}

static int take_table(void *context, gpa_t *table, struct error *error)
{
    struct model_ground *ground = context;
    size_t number = ground->table_count, chunk = number / GROUND_CHUNK_TABLES;
    int rc = make_room(ground, error);
    if (rc == 0 && (rc = take(ground, ground->tables_zone, &table->value, error)) < 0 &&
        number % GROUND_CHUNK_TABLES == 0)
        free_chunk(ground->chunks, chunk);
    if (rc < 0)
        return rc;
    ground->tables[number] =
        (struct ground_table){table->value, ground->chunks[chunk] + number % GROUND_CHUNK_TABLES * ENTRIES};
    ground->table_count++;
    return 0;
}

/* Its frame is not given out again: the order of frames stays what the policy says. */
static void give_table(void *context, gpa_t table)
{
    (void)context;
    (void)table;
}

struct table_memory ground_tables(struct model_ground *ground)
{
    return (struct table_memory){at, take_table, give_table, ground};
}
