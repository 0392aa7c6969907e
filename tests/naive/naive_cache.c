/* The caches (src/model/caches.h). */
#include "naive_inside.h"

#include <stdlib.h>

unsigned naive_cache_levels(const struct naive_file *machine)
{
    unsigned most = 0;
    for (unsigned i = 0; i < machine->cache_count; i++)
        most = machine->caches[i].level > most ? machine->caches[i].level : most;
    return most;
}

/* The number of the cache of a level and a use. */
static unsigned cache_of(const struct naive_file *machine, unsigned level, bool instruction)
{
    for (unsigned i = 0; i < machine->cache_count; i++)
        if (machine->caches[i].level == level &&
            (instruction ? machine->caches[i].instructions : machine->caches[i].data))
            return i;
    abort();
}

static void drop_above(struct naive_model *model, unsigned level, uint64_t line)
{
    for (unsigned i = 0; i < model->machine->cache_count; i++)
        if (model->machine->caches[i].level < level)
            naive_drop(&model->caches[i], line, line);
}

static void fill(struct naive_model *model, unsigned level, bool instruction, uint64_t line)
{
    const struct naive_file *machine = model->machine;
    unsigned i = cache_of(machine, level, instruction);
    uint64_t dropped;
    if (!naive_put(&model->caches[i], line, line, 0, &dropped))
        return;
    if (machine->caches[i].holds == NAIVE_INCLUSIVE && naive_defect != INCLUSION_IS_FORGOTTEN)
        drop_above(model, level, dropped);
    if (level == naive_cache_levels(machine) || naive_defect == VICTIM_IS_LOST)
        return;
    unsigned next = cache_of(machine, level + 1, instruction);
    if (machine->caches[next].holds == NAIVE_EXCLUSIVE &&
        !naive_find(&model->caches[next], dropped, dropped, NULL))
        fill(model, level + 1, instruction, dropped);
}

/* What neighbours have put by now where the line goes to in the last cache. */
static void let_neighbours(struct naive_model *model, uint64_t line)
{
    const struct naive_file *machine = model->machine;
    unsigned last = cache_of(machine, naive_cache_levels(machine), false);
    struct naive_table *table = &model->caches[last];
    uint64_t set = naive_set(table, line), sets = table->shape.entries / table->shape.ways, come = 0, dropped;
    if (!machine->neighbours || naive_defect == NEIGHBOURS_STAY_AWAY)
        return;
    double exact = (double)sets * machine->ghz * 1000 / machine->neighbours;
    uint64_t period = exact < 1 ? 1 : (uint64_t)exact;
    uint64_t all = (model->before + model->account.cycles + set * period / sets) / period;
    dictionary_find(&model->neighbours, set, &come);
    for (uint64_t i = come; i < all && i < come + table->shape.ways; i++)
        if (naive_put(table, line, UINT64_MAX, 0, &dropped) &&
            machine->caches[last].holds == NAIVE_INCLUSIVE && dropped != UINT64_MAX)
            drop_above(model, naive_cache_levels(machine), dropped);
    if (all > come)
        dictionary_put(&model->neighbours, set, all);
}

/* The level that served it, after the last one: memory. */
unsigned naive_touch(
    struct naive_model *model, uint64_t address, bool instruction, unsigned first, uint64_t *cycles)
{
    const struct naive_file *machine = model->machine;
    unsigned levels = naive_cache_levels(machine), server = first;
    uint64_t line = address / 64;
    let_neighbours(model, line);
    while (server <= levels &&
           !naive_find(&model->caches[cache_of(machine, server, instruction)], line, line, NULL))
        server++;
    bool filled = false;
    for (unsigned level = first; level < server; level++)
        filled |=
            level == 1 || machine->caches[cache_of(machine, level, instruction)].holds != NAIVE_EXCLUSIVE;
    if (server <= levels && filled && naive_defect != EXCLUSIVE_KEEPS_WHAT_IT_SERVED &&
        machine->caches[cache_of(machine, server, instruction)].holds == NAIVE_EXCLUSIVE)
        naive_drop(&model->caches[cache_of(machine, server, instruction)], line, line);
    for (unsigned level = server - 1; level >= first; level--)
        if (level == 1 || machine->caches[cache_of(machine, level, instruction)].holds != NAIVE_EXCLUSIVE)
            fill(model, level, instruction, line);
    const struct naive_frames *frames = &model->setting.host_frames;
    uint64_t zone_bytes = model->host_memory.zone_bytes, zone = address / zone_bytes;
    uint64_t frame = address % zone_bytes / (zone == 2 ? 2 << 20 : zone == 3 ? 1 << 30 : 4096);
    bool far = frames->node == NAIVE_FAR || (frames->node == NAIVE_ALTERNATING && frame % 2);
    *cycles = server <= levels ? machine->caches[cache_of(machine, server, instruction)].cycles
              : far            ? machine->remote
                               : machine->memory;
    return server;
}

void naive_charge(struct naive_model *model, uint64_t *bucket, uint64_t cycles)
{
    *bucket += cycles;
    model->account.cycles += cycles;
}

unsigned naive_touch_data(struct naive_model *model, uint64_t address, bool instruction, uint64_t *cycles)
{
    unsigned level = naive_touch(model, address, instruction, 1, cycles);
    naive_charge(
        model, &model->account.data[level > naive_cache_levels(model->machine) ? 4 : level - 1], *cycles);
    return level;
}
