/* What happens beside accesses, and what a monitor does about it. */
#include "model/internal.h"

static const uint64_t address_mask = UINT64_C(0x000ffffffffff000);

static void forget_all(struct model *model)
{
    tlbs_clear(&model->tlbs);
    walker_clear(&model->walker);
}

/* Leaving the guest, `handling` cycles, and entering it again. */
void model_leave_guest(struct model *model, uint64_t handling)
{
    account_charge(&model->account, BUCKET_EXIT, model->machine->costs.exit + handling);
    model->account.exits++;
    if (!model->machine->tags.guests)
        forget_all(model);
}

/* After a walk that ended without a page. False: there is none. */
bool model_repair(struct model *model, enum walk_end end, uint64_t address, const struct walk_result *result)
{
    struct error error;
    const struct machine_costs *costs = &model->machine->costs;
    if (end == WALK_HOST_ABSENT) {
        model->account.faults++;
        model_leave_guest(model, costs->nested_fault);
        return model_back(model, result->missing, &error) == 0;
    }
    if (!model_combines(model))
        return false;
    struct page_walk walk;
    page_tables_walk(&model->guest, GVA(address), &walk);
    if (!walk.leaf.bytes)
        return false;
    model->account.hidden_faults++;
    model_leave_guest(model, costs->hidden_fault);
    uint64_t physical = walk.leaf.to.value + address - walk.leaf.from.value;
    return model_back(model, physical, &error) == 0 && model_combine(model, address, &error) == 0;
}

/* ---- a changed entry ---- */

/* The guest's leaf entry of an address. */
struct leaf_place {
    uint64_t physical; /* of the entry: for the guest; native: for the host */
    uint64_t bytes;    /* of the leaf; 0: there is none */
    uint32_t table;    /* its number in the guest's ground; not native */
};

static struct leaf_place find_leaf(const struct model *model, uint64_t address)
{
    bool native = model->config.technique == MODEL_NATIVE;
    struct page_walk walk;
    page_tables_walk(native ? &model->walked : &model->guest, GVA(address), &walk);
    if (!walk.leaf.bytes)
        return (struct leaf_place){.bytes = 0};
    uint64_t at = walk.read[walk.reads - 1].where.value;
    return (struct leaf_place){
        at, walk.leaf.bytes, native ? 0 : (uint32_t)ground_table_number(&model->guest_ground, at)};
}

/* The store itself, as a store to any memory. */
static void store_entry(struct model *model, const struct leaf_place *place)
{
    uint64_t at = place->physical;
    if (model->config.technique != MODEL_NATIVE) {
        struct page_walk walk;
        page_tables_walk(&model->host, GVA(at), &walk);
        at = walk.leaf.to.value + at - walk.leaf.from.value;
    }
    bool remote = ground_is_remote(&model->host_ground, at);
    struct cache_served served = caches_access(&model->caches, at, false, 1, remote);
    bool memory = served.level > model->caches.count;
    account_charge(
        &model->account, memory ? BUCKET_DATA_MEMORY : BUCKET_DATA + served.level - 1, served.cycles);
}

static void flush_page(struct model *model, uint64_t address)
{
    account_charge(&model->account, BUCKET_SWITCH, model->machine->costs.flush_page);
    model->account.flushes++;
    tlbs_drop(&model->tlbs, model->space, address);
    walk_caches_clear(&model->walker.guest_caches); /* INVLPG: SDM volume 3, 4.10.4.1 */
}

/* In the tables that are made: what was of that page is gone, until it is touched. */
static void forget_page(struct model *model, uint64_t address, uint64_t bytes)
{
    struct error error;
    page_tables_hide(&model->walked, GVA(address & -bytes), bytes, &error);
}

/* From now on a table of 4 KiB leaves is walked as the guest has it. */
static void switch_table(struct model *model, uint64_t address, const struct leaf_place *place)
{
    struct page_walk walk;
    page_tables_walk(&model->walked, GVA(address), &walk);
    if (walk.reads < model->walked.levels)
        return;
    uint64_t at = walk.read[model->walked.levels - 2].where.value;
    struct table_memory memory = model->walked.memory;
    uint64_t *entries = memory.at(memory.context, GPA(at & -(uint64_t)PAGE_TABLE_BYTES));
    page_tables_walk(&model->host, GVA(place->physical), &walk);
    uint64_t table = walk.leaf.to.value + place->physical - walk.leaf.from.value;
    entries[at % PAGE_TABLE_BYTES / sizeof *entries] =
        (table & address_mask) | PAGE_BIT_SWITCH | PAGE_BIT_PRESENT | PAGE_BIT_WRITE | PAGE_BIT_USER;
    model->states[place->table] = TABLE_NESTED;
}

static void change_guarded(struct model *model, uint64_t address, const struct leaf_place *place)
{
    const struct machine_costs *costs = &model->machine->costs;
    bool lazily = model->config.technique == MODEL_SHADOW && !model->config.sync_write;
    model->account.table_stores++;
    model_leave_guest(model, costs->table_store);
    if (lazily) {
        model->states[place->table] = TABLE_OUT_OF_SYNC;
        model->out_of_sync[model->out_of_sync_count++] = place->table;
    }
    if (model->config.technique == MODEL_AGILE && place->bytes == PAGE_TABLE_BYTES)
        switch_table(model, address, place);
}

static void change_shadowed(struct model *model, uint64_t address, const struct leaf_place *place)
{
    if (model->states[place->table] == TABLE_GUARDED)
        change_guarded(model, address, place);
    else
        store_entry(model, place);
    if (model->states[place->table] != TABLE_NESTED) {
        model_leave_guest(model, 0); /* the flush is the monitor's business, too */
        forget_page(model, address, place->bytes);
    }
    flush_page(model, address);
}

void model_change_entry(struct model *model, gva_t address)
{
    struct leaf_place place = find_leaf(model, address.value);
    if (!place.bytes)
        return;
    if (model->config.technique == MODEL_SHADOW || model->config.technique == MODEL_AGILE) {
        change_shadowed(model, address.value, &place);
        return;
    }
    if (model->config.technique == MODEL_DIRECT) {
        model->account.hypercalls++;
        model_leave_guest(model, model->machine->costs.hypercall);
    }
    store_entry(model, &place);
    flush_page(model, address.value);
}

/* ---- other processes, exits ---- */

static void sync_tables(struct model *model)
{
    for (size_t i = 0; i < model->out_of_sync_count; i++) {
        model->states[model->out_of_sync[i]] = TABLE_GUARDED;
        account_charge(&model->account, BUCKET_EXIT, model->machine->costs.table_sync);
        model->account.tables_synced++;
    }
    model->out_of_sync_count = 0;
}

void model_switch(struct model *model, unsigned space)
{
    model->space = space % MODEL_SPACES;
    model->account.switches++;
    account_charge(&model->account, BUCKET_SWITCH, model->machine->costs.page_switch);
    if (model_combines(model)) {
        bool asks = model->config.technique == MODEL_DIRECT;
        model->account.hypercalls += asks;
        model_leave_guest(model, asks ? model->machine->costs.hypercall : 0);
        sync_tables(model);
    }
    if (!model->machine->tags.processes) {
        tlbs_clear(&model->tlbs);
        walk_caches_clear(&model->walker.guest_caches);
    }
}

void model_exit(struct model *model)
{
    if (model->config.technique != MODEL_NATIVE)
        model_leave_guest(model, 0);
}
