/* Walks of tables (src/model/walk.h). */
#include "naive_inside.h"

struct reading {
    bool host;
    unsigned tag;
    const struct naive_walk_cache *shapes;
    struct naive_table *caches;
    unsigned count;
};

static uint64_t region(unsigned level, uint64_t address)
{
    return address >> (12 + 9 * (level - 1));
}

static uint64_t walk_key(const struct reading *reading, unsigned level, uint64_t address)
{
    return region(level, address) * 1024 + level * 64 + reading->tag;
}

static int walk_cache_of(const struct reading *reading, unsigned level)
{
    for (unsigned i = 0; i < reading->count; i++)
        if (reading->shapes[i].levels[level])
            return (int)i;
    return -1;
}

/* The level of the first table to be read, of `levels`; *found: where it stands is known, *table. */
static unsigned first_table(struct naive_model *model, const struct reading *reading, unsigned levels,
    uint64_t address, bool *found, uint64_t *table)
{
    *found = false;
    bool unused = reading->host && naive_defect == HOST_WALK_CACHES_IGNORED;
    for (unsigned at = 2; at <= levels && !unused; at++) {
        unsigned level = naive_defect == WALK_CACHE_TOP_FIRST ? levels + 2 - at : at;
        int i = walk_cache_of(reading, level);
        if (i < 0 || !naive_find(&reading->caches[i], region(level, address),
                         walk_key(reading, level, address), table))
            continue;
        naive_charge(model, &model->account.walk, reading->shapes[i].cycles);
        model->account.walk_cache_hits[reading->host]++;
        *found = naive_defect != WALK_CACHE_ONE_LEVEL_HIGHER;
        return naive_defect == WALK_CACHE_ONE_LEVEL_HIGHER ? level : level - 1;
    }
    return levels;
}

static void remember(const struct reading *reading, unsigned level, uint64_t address, uint64_t table)
{
    int i = walk_cache_of(reading, level);
    uint64_t dropped;
    if (i >= 0 && naive_defect != WALK_CACHE_KEEPS_NOTHING)
        naive_put(
            &reading->caches[i], region(level, address), walk_key(reading, level, address), table, &dropped);
}

static void read_entry(struct naive_model *model, const struct reading *reading, unsigned level,
    uint64_t table, uint64_t address)
{
    uint64_t cycles;
    unsigned first = naive_defect == WALKER_READS_FROM_LEVEL_1 ? 1 : model->machine->walk_first;
    naive_touch(model, table + region(level, address) % 512 * 8, false, first, &cycles);
    naive_charge(model, &(reading->host ? model->account.host : model->account.guest)[level - 1], cycles);
    (reading->host ? model->account.host_reads : model->account.guest_reads)[level - 1]++;
}

static int walk_one(struct naive_model *model, const struct reading *reading, const struct naive_space *space,
    unsigned levels, uint64_t address, struct naive_leaf *leaf)
{
    bool found;
    uint64_t table, there;
    unsigned level = first_table(model, reading, levels, address, &found, &table);
    *leaf = naive_leaf_at(space, address);
    for (;; level--) {
        naive_table_at(space, level, address, &table);
        read_entry(model, reading, level, table, address);
        if (!reading->host && level == 2 &&
            dictionary_find(&naive_running(model)->switched, address >> 21, &there) && there)
            return NAIVE_SWITCHED;
        if (leaf->level == level)
            return NAIVE_DONE;
        if (level == 1 || !naive_table_at(space, level - 1, address, &there))
            return NAIVE_ABSENT;
        remember(reading, level, address, there);
    }
}

static bool nested_translate(struct naive_model *model, uint64_t physical, bool data, struct naive_leaf *leaf)
{
    const struct naive_file *machine = model->machine;
    const struct reading reading = {true, model->now, machine->nested_walk_caches, model->host_walk_caches,
        machine->nested_walk_cache_count};
    bool asked =
        machine->nested_tlb && (machine->nested_data || !data || naive_defect == NESTED_TLB_HAS_DATA);
    uint64_t dropped, key = physical / 4096 * 8 + model->now;
    if (asked && naive_find(&model->nested_tlb, physical / 4096, key, NULL)) {
        naive_charge(model, &model->account.nested_tlb, machine->nested_cycles);
        model->account.nested_tlb_hits++;
        *leaf = naive_leaf_at(&naive_running(model)->host, physical);
        return true;
    }
    model->account.nested_tlb_misses += asked;
    if (walk_one(model, &reading, &naive_running(model)->host, machine->nested_levels, physical, leaf) !=
        NAIVE_DONE)
        return false;
    if (asked)
        naive_put(&model->nested_tlb, physical / 4096, key, 0, &dropped);
    return true;
}

/* The guest's leaf has been read. */
static int finish(struct naive_model *model, uint64_t address, struct naive_leaf *page, uint64_t *missing)
{
    struct naive_leaf guest = naive_leaf_at(&naive_running(model)->guest, address), host;
    uint64_t physical = naive_host_address(&guest, address);
    *missing = physical;
    host = naive_leaf_at(&naive_running(model)->host, physical);
    if (naive_defect == LAST_PAGE_NOT_TRANSLATED && host.level == 0)
        return NAIVE_HOST_ABSENT;
    if (naive_defect != LAST_PAGE_NOT_TRANSLATED && !nested_translate(model, physical, true, &host))
        return NAIVE_HOST_ABSENT;
    uint64_t bytes =
        naive_defect == GUEST_PAGE_DECIDES ? guest.bytes : naive_smaller(guest.bytes, host.bytes);
    *page = (struct naive_leaf){
        1, bytes, address / bytes * bytes, naive_host_address(&host, physical) / bytes * bytes};
    return NAIVE_DONE;
}

static struct reading guest_reading(struct naive_model *model)
{
    return (struct reading){false, naive_tag(model), model->machine->walk_caches, model->walk_caches,
        model->machine->walk_cache_count};
}

static int walk_two(struct naive_model *model, uint64_t address, struct naive_leaf *page, uint64_t *missing)
{
    struct reading reading = guest_reading(model);
    struct naive_leaf guest = naive_leaf_at(&naive_running(model)->guest, address), host;
    bool found;
    uint64_t table = 0;
    unsigned level = first_table(model, &reading, model->machine->levels, address, &found, &table);
    for (bool root = !found;; level--) {
        if (!found) {
            naive_table_at(&naive_running(model)->guest, level, address, missing);
            if (root && naive_defect == ROOT_NOT_TRANSLATED)
                host = naive_leaf_at(&naive_running(model)->host, *missing);
            else if (!nested_translate(model, *missing, false, &host))
                return NAIVE_HOST_ABSENT;
            table = naive_host_address(&host, *missing);
            if (!root)
                remember(&reading, level + 1, address, table);
        }
        found = root = false;
        read_entry(model, &reading, level, table, address);
        if (guest.level == level)
            return finish(model, address, page, missing);
        if (level == 1 || !naive_table_at(&naive_running(model)->guest, level - 1, address, &table))
            return NAIVE_ABSENT;
    }
}

int naive_walk(struct naive_model *model, uint64_t address, struct naive_leaf *page, uint64_t *missing)
{
    model->account.walks++;
    naive_charge(model, &model->account.walk, naive_defect == WALK_IS_FREE ? 0 : model->machine->walk_cycles);
    if (model->setting.technique == NAIVE_NESTED)
        return walk_two(model, address, page, missing);
    struct reading reading = guest_reading(model);
    int end = walk_one(model, &reading, &naive_running(model)->made, model->machine->levels, address, page);
    uint64_t table = 0;
    if (end != NAIVE_SWITCHED)
        return end;
    dictionary_find(&naive_running(model)->switched, address >> 21, &table);
    read_entry(model, &reading, 1, table, address);
    return finish(model, address, page, missing);
}
