#include "naive_inside.h"

#include <assert.h>
#include <stdlib.h>

struct naive_domain *naive_running(struct naive_model *model)
{
    return &model->domains[model->now];
}

unsigned naive_tag(const struct naive_model *model)
{
    return 8 * (naive_defect == DOMAINS_SHARE_TAGS ? 0 : model->now) + model->domains[model->now].space;
}

static void make_tables(struct naive_model *model)
{
    const struct naive_file *machine = model->machine;
    uint64_t seed = model->setting.seed;
    for (unsigned i = 0; i < machine->cache_count; i++)
        model->caches[i] = naive_table_make(&machine->caches[i].shape, seed);
    for (unsigned i = 0; i < machine->tlb_count; i++)
        model->tlbs[i] = naive_table_make(&machine->tlbs[i].shape, seed);
    for (unsigned i = 0; i < machine->walk_cache_count; i++)
        model->walk_caches[i] = naive_table_make(&machine->walk_caches[i].shape, seed);
    for (unsigned i = 0; i < machine->nested_walk_cache_count; i++)
        model->host_walk_caches[i] = naive_table_make(&machine->nested_walk_caches[i].shape, seed);
    if (machine->nested_tlb)
        model->nested_tlb = naive_table_make(&machine->nested_shape, seed);
}

void naive_back(struct naive_model *model, uint64_t physical)
{
    uint64_t bytes = model->setting.host_page;
    if (naive_leaf_at(&naive_running(model)->host, physical).level == 0)
        naive_space_map(&naive_running(model)->host, physical / bytes * bytes,
            naive_take(&model->host_memory, naive_zone(bytes)), bytes);
}

bool naive_combines(const struct naive_model *model)
{
    return model->setting.technique != NAIVE_NATIVE && model->setting.technique != NAIVE_NESTED;
}

static void open_domain(struct naive_model *model)
{
    const struct naive_setting *setting = &model->setting;
    struct naive_domain *domain = naive_running(model);
    struct naive_frames frames = setting->guest_frames;
    unsigned host_levels = model->machine->nested_levels < 4 ? 4 : model->machine->nested_levels;
    frames.seed += model->now;
    domain->memory = naive_memory_make(&frames, setting->bytes);
    if (model->now == 0)
        model->host_memory =
            naive_memory_make(&setting->host_frames, 2 * setting->domains * domain->memory.zone_bytes);
    if (setting->technique != NAIVE_NESTED)
        naive_space_begin(&domain->made, &model->host_memory, 0, model->machine->levels);
    if (setting->technique == NAIVE_NATIVE)
        return;
    naive_space_begin(&domain->guest, &domain->memory, 0, model->machine->levels);
    naive_space_begin(
        &domain->host, &model->host_memory, naive_defect == HOST_TABLES_AMONG_OTHERS ? 0 : 4, host_levels);
    if (naive_defect == ROOT_IS_GIVEN_FIRST)
        naive_back(model, naive_frame(&domain->memory, 0, 0));
}

/* ---- for prefetchers ---- */

static bool find_for_prefetch(void *context, uint64_t address, uint64_t *physical)
{
    struct naive_model *model = context;
    const struct naive_account before = model->account;
    struct naive_leaf page;
    uint64_t missing = 0;
    bool found = true;
    if (naive_find_tlb(model, 1, address, false, &page)) {
        /* nothing more is to be done */
    } else if (naive_find_tlb(model, 2, address, false, &page)) {
        if (naive_defect != LEVEL_2_HIT_STAYS_THERE)
            naive_put_tlb(model, 1, address, false, &page);
    } else if (naive_walk(model, address, &page, &missing) == NAIVE_DONE) {
        for (unsigned level = 2; level > 0 && naive_defect != PREFETCHES_LEAVE_THE_TLBS; level--)
            naive_put_tlb(model, level, address, false, &page);
    } else {
        found = false;
    }
    model->account = before;
    *physical = found ? naive_host_address(&page, address) : 0;
    return found;
}

static unsigned bring_for_prefetch(void *context, uint64_t physical, unsigned from, uint64_t *cycles)
{
    return naive_touch(context, physical, false, from, cycles);
}

static void begin_prefetch(struct naive_model *model)
{
    naive_prefetch_begin(&model->prefetch, model->machine,
        &(struct naive_reach){model, find_for_prefetch, bring_for_prefetch});
}

/* ---- opening ---- */

struct naive_model *naive_open(const struct naive_setting *setting)
{
    struct naive_model *model = calloc(1, sizeof *model);
    assert(model);
    model->setting = *setting;
    model->machine = setting->machine;
    model->random = setting->seed;
    make_tables(model);
    begin_prefetch(model);
    for (; model->now < setting->domains; model->now++)
        open_domain(model);
    model->now = 0;
    return model;
}

void naive_close(struct naive_model *model)
{
    for (unsigned i = 0; i < NAIVE_MOST; i++) {
        naive_table_free(&model->caches[i]);
        naive_table_free(&model->tlbs[i]);
        naive_table_free(&model->walk_caches[i]);
        naive_table_free(&model->host_walk_caches[i]);
    }
    naive_table_free(&model->nested_tlb);
    dictionary_free(&model->neighbours);
    for (model->now = 0; model->now < 8; model->now++) {
        struct naive_domain *domain = naive_running(model);
        naive_space_free(&domain->guest);
        naive_space_free(&domain->host);
        naive_space_free(&domain->made);
        dictionary_free(&domain->states);
        dictionary_free(&domain->switched);
        dictionary_free(&domain->unused);
        dictionary_free(&domain->clean);
    }
    free(model);
}

/* ---- mapping ---- */

uint64_t naive_smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

void naive_combine(struct naive_model *model, uint64_t address)
{
    struct naive_leaf guest = naive_leaf_at(&naive_running(model)->guest, address);
    uint64_t physical = guest.to + (address - guest.from);
    struct naive_leaf host = naive_leaf_at(&naive_running(model)->host, physical);
    uint64_t bytes = naive_smaller(guest.bytes, host.bytes);
    if (naive_leaf_at(&naive_running(model)->made, address).level)
        return;
    naive_space_hide(&naive_running(model)->made, address / bytes * bytes, bytes, bytes, false);
    naive_space_map(&naive_running(model)->made, address / bytes * bytes,
        (host.to + (physical - host.from)) / bytes * bytes, bytes);
}

static void map_page(struct naive_model *model, uint64_t address)
{
    uint64_t bytes = model->setting.guest_page, step = naive_smaller(bytes, model->setting.host_page);
    uint64_t frame = naive_take(&naive_running(model)->memory, naive_zone(bytes));
    naive_space_map(&naive_running(model)->guest, address, frame, bytes);
    for (uint64_t done = 0; done < bytes && !model->setting.fresh; done += step) {
        naive_back(model, frame + done);
        if (naive_combines(model))
            naive_combine(model, address + done);
    }
}

void naive_map(struct naive_model *model, uint64_t from, uint64_t bytes)
{
    uint64_t page = model->setting.guest_page;
    for (uint64_t at = from; at < from + bytes; at += page) {
        if (model->setting.technique == NAIVE_NATIVE)
            naive_space_map(
                &naive_running(model)->made, at, naive_take(&model->host_memory, naive_zone(page)), page);
        else
            map_page(model, at);
    }
    for (uint64_t n = 0;
         model->setting.technique != NAIVE_NATIVE && n < naive_running(model)->memory.taken[0]; n++)
        naive_back(model, naive_frame(&naive_running(model)->memory, 0, n));
    naive_running(model)->from = from;
    naive_running(model)->bytes = bytes;
}

uint64_t naive_host_address(const struct naive_leaf *leaf, uint64_t physical)
{
    return leaf->to + (physical - leaf->from);
}

/* ---- an access ---- */

void naive_touch_address(struct naive_model *model, uint64_t address, enum naive_access access)
{
    struct naive_leaf page;
    uint64_t missing = 0;
    bool instruction = access == NAIVE_EXECUTE, write = access == NAIVE_WRITE;
    if (write &&
        naive_lacks(&naive_running(model)->clean, naive_leaf_at(naive_kernels(model), address).from) &&
        naive_defect != CLEAN_PAGES_ARE_NOT_WALKED)
        for (unsigned size = 0; size < 3; size++)
            naive_forget_piece(model, address, size);
    if (naive_find_tlb(model, 1, address, instruction, &page)) {
        /* nothing more is to be done */
    } else if (naive_find_tlb(model, 2, address, instruction, &page)) {
        if (naive_defect != LEVEL_2_HIT_STAYS_THERE)
            naive_put_tlb(model, 1, address, instruction, &page);
    } else {
        for (int end; (end = naive_walk(model, address, &page, &missing)) != NAIVE_DONE;)
            naive_repair(model, end, address, missing);
        naive_set_bits(model, address, write);
        naive_put_tlb(model, 2, address, instruction, &page);
        naive_put_tlb(model, 1, address, instruction, &page);
    }
    uint64_t physical = naive_host_address(&page, address), now = model->before + model->account.cycles,
             cycles;
    unsigned level = naive_touch_data(model, physical, instruction, &cycles);
    if (!instruction)
        naive_charge(model, &model->account.late,
            naive_prefetch_after(&model->prefetch, address, physical, level, cycles, now));
    model->account.prefetches += model->prefetch.fetched;
    model->prefetch.fetched = 0;
}

void naive_cold(struct naive_model *model)
{
    naive_forget_all(model);
    for (unsigned i = 0; i < model->machine->cache_count; i++)
        naive_clear(&model->caches[i]);
    begin_prefetch(model);
}

void naive_begin(struct naive_model *model)
{
    model->before += model->account.cycles;
    model->account = (struct naive_account){.accesses = 0};
    for (unsigned event = 0; event < NAIVE_EVENTS; event++)
        model->happened[event] = 0;
}

const struct naive_account *naive_account(const struct naive_model *model)
{
    return &model->account;
}
