/* What happens beside accesses, and what a monitor does about it. */
#include "model/internal.h"

static void forget_all(struct model *model)
{
    tlbs_clear(&model->tlbs);
    walker_clear(&model->walker);
}

void model_forget_walks(struct model *model)
{
    if (model->config.domains > 1)
        walk_caches_clear_domain(&model->walker.guest_caches, model->now->number);
    else
        walk_caches_clear(&model->walker.guest_caches);
}

/* What the domain that runs has in the TLBs and the walk caches of its own tables. */
static void forget_own(struct model *model)
{
    if (model->config.domains > 1)
        tlbs_clear_domain(&model->tlbs, model->now->number);
    else
        tlbs_clear(&model->tlbs);
    model_forget_walks(model);
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
    page_tables_walk(&model->now->guest, GVA(address), &walk);
    if (!walk.leaf.bytes)
        return false;
    model->account.hidden_faults++;
    model_leave_guest(model, costs->hidden_fault);
    uint64_t physical = walk.leaf.to.value + address - walk.leaf.from.value;
    return model_back(model, physical, &error) == 0 && model_combine(model, address, &error) == 0;
}

/* ---- a changed entry ---- */

static struct leaf_place find_leaf(const struct model *model, uint64_t address)
{
    bool native = model->config.technique == MODEL_NATIVE;
    const struct page_tables *tables = model_kernel_tables(model);
    struct page_walk walk;
    page_tables_walk(tables, GVA(address), &walk);
    if (!walk.leaf.bytes)
        return (struct leaf_place){.entry = NULL};
    uint64_t at = walk.read[walk.reads - 1].where.value;
    return (struct leaf_place){model_leaf_entry(tables, address), address, at, walk.leaf.bytes,
        native ? 0 : (uint32_t)ground_table_number(&model->now->guest_ground, at)};
}

/* Are the tables that are walked the monitor's, made of this one? */
static bool is_shadowed(const struct model *model, const struct leaf_place *place)
{
    return (model->config.technique == MODEL_SHADOW || model->config.technique == MODEL_AGILE) &&
           model->now->states[place->table] < TABLE_NESTED;
}

/* The store itself, as a store to any memory. */
static void store_entry(struct model *model, const struct leaf_place *place)
{
    uint64_t at = place->physical;
    if (model->config.technique != MODEL_NATIVE) {
        struct page_walk walk;
        page_tables_walk(&model->now->host, GVA(at), &walk);
        at = walk.leaf.to.value + at - walk.leaf.from.value;
    }
    model_touch_line(model, at, false);
}

static void flush_page(struct model *model, const struct leaf_place *place)
{
    account_charge(&model->account, BUCKET_SWITCH, model->machine->costs.flush_page);
    model->account.flushes++;
    tlbs_drop(&model->tlbs, model_tag(model), place->address, place->bytes);
    model_forget_walks(model); /* INVLPG: SDM volume 3, 4.10.4.1 */
}

/* In the tables that are made: what was of that page is gone, until it is touched. */
static void forget_page(struct model *model, const struct leaf_place *place)
{
    struct error error;
    page_tables_hide(&model->now->walked, GVA(place->address & -place->bytes), place->bytes, &error);
}

/* A store to a table that the monitor keeps shadows of. */
static void store_shadowed(struct model *model, const struct leaf_place *place)
{
    struct model_domain *domain = model->now;
    bool lazily = model->config.technique == MODEL_SHADOW && !model->config.sync_write;
    if (domain->states[place->table] == TABLE_OUT_OF_SYNC) {
        store_entry(model, place);
        return;
    }
    model->account.table_stores++;
    model_leave_guest(model, model->machine->costs.table_store);
    if (lazily) {
        domain->states[place->table] = TABLE_OUT_OF_SYNC;
        domain->out_of_sync[domain->out_of_sync_count++] = place->table;
    }
    if (model->config.technique == MODEL_AGILE && place->bytes == PAGE_TABLE_BYTES)
        model_agile_store(model, place);
}

/* The kernel's store, by whatever way it takes. */
static void change(struct model *model, const struct leaf_place *place)
{
    model->calm = false;
    if (is_shadowed(model, place)) {
        store_shadowed(model, place);
        return;
    }
    if (model->config.technique == MODEL_DIRECT) {
        model->account.hypercalls++;
        model_leave_guest(model, model->machine->costs.hypercall);
    } else if (model->config.technique == MODEL_AGILE) {
        model->now->states[place->table] = TABLE_NESTED_STORED;
    }
    store_entry(model, place);
}

/* The kernel's flush of one page, after a change of its entry. */
static void flush_changed(struct model *model, const struct leaf_place *place)
{
    if (is_shadowed(model, place)) {
        model_leave_guest(model, 0); /* the flush is the monitor's business, too */
        forget_page(model, place);
    }
    flush_page(model, place);
}

void model_change_entry(struct model *model, gva_t address)
{
    const struct leaf_place place = find_leaf(model, address.value);
    if (!place.entry)
        return;
    change(model, &place);
    model_clear_bits(model, place.entry);
    flush_changed(model, &place);
}

void model_protect(struct model *model, gva_t address)
{
    const struct leaf_place place = find_leaf(model, address.value);
    if (place.entry)
        change(model, &place);
}

/* ---- a page fault ---- */

/* Of pages that are to be fresh, a frame that was never used. */
static void give_frame(struct model *model, const struct leaf_place *place)
{
    bool native = model->config.technique == MODEL_NATIVE;
    struct model_ground *ground = native ? &model->host_ground : &model->now->guest_ground;
    struct error error;
    uint64_t frame;
    if (!model->config.fresh)
        return;
    if (ground_take(ground, place->bytes, &frame, &error) < 0)
        model->lacks_frames = true;
    else
        *place->entry = (*place->entry & ~page_address_mask) | frame;
}

/* Direct paging: what the hypercall that asked for an entry leaves in the tables that are walked. */
static void map_directly(struct model *model, const struct leaf_place *place)
{
    uint64_t from = place->address & -place->bytes, host = model->config.host_page;
    uint64_t step = host < place->bytes ? host : place->bytes;
    struct error error;
    for (uint64_t at = from; at < from + place->bytes; at += step) {
        struct page_walk walk;
        page_tables_walk(&model->now->guest, GVA(at), &walk);
        if (model_back(model, walk.leaf.to.value + at - walk.leaf.from.value, &error) == 0)
            model_combine(model, at, &error);
    }
}

/* A page fault; what it finds is a page that is not there, or (`copies`) one that may only be read. */
static void fault(struct model *model, gva_t address, bool copies)
{
    const struct leaf_place place = find_leaf(model, address.value);
    if (!place.entry)
        return;
    bool direct = model->config.technique == MODEL_DIRECT, shadowed = is_shadowed(model, &place);
    tlbs_drop(&model->tlbs, model_tag(model), place.address, place.bytes);
    if (direct || shadowed) {
        forget_page(model, &place);
        model_leave_guest(model, 0);
    }
    model->account.guest_faults++;
    account_charge(&model->account, BUCKET_FAULT, model->machine->costs.fault);
    give_frame(model, &place);
    model_clear_bits(model, place.entry);
    change(model, &place);
    if (copies)
        flush_changed(model, &place);
    if (direct)
        map_directly(model, &place);
    model_touch(model, address.value, ACCESS_WRITE);
}

void model_fault(struct model *model, gva_t address)
{
    fault(model, address, false);
}

void model_copy(struct model *model, gva_t address)
{
    fault(model, address, true);
}

bool model_lacks_frames(const struct model *model)
{
    return model->lacks_frames;
}

/* ---- other processes, exits ---- */

static void sync_tables(struct model *model)
{
    for (size_t i = 0; i < model->now->out_of_sync_count; i++) {
        model->now->states[model->now->out_of_sync[i]] = TABLE_GUARDED;
        account_charge(&model->account, BUCKET_EXIT, model->machine->costs.table_sync);
        model->account.tables_synced++;
    }
    model->now->out_of_sync_count = 0;
}

/* Writing CR3 is the monitor's business where the tables are. */
static void enter_monitor(struct model *model)
{
    bool asks = model->config.technique == MODEL_DIRECT;
    if (!model_combines(model))
        return;
    model->account.hypercalls += asks;
    model_leave_guest(model, asks ? model->machine->costs.hypercall : 0);
    sync_tables(model);
}

void model_switch(struct model *model, unsigned space)
{
    model->now->space = space % MODEL_PROCESSES_MAX;
    model->account.switches++;
    account_charge(&model->account, BUCKET_SWITCH, model->machine->costs.page_switch);
    enter_monitor(model);
    if (!model->machine->tags.processes)
        forget_own(model);
}

void model_exit(struct model *model)
{
    if (model->config.technique != MODEL_NATIVE)
        model_leave_guest(model, 0);
}

void model_tick(struct model *model)
{
    model->account.ticks++;
    model_exit(model);
    account_charge(&model->account, BUCKET_FAULT, model->machine->costs.fault);
    model_exit(model);
}

void model_flush(struct model *model)
{
    model->account.flushes++;
    account_charge(&model->account, BUCKET_SWITCH, model->machine->costs.page_switch);
    enter_monitor(model);
    forget_own(model);
}

void model_turn(struct model *model, unsigned domain)
{
    model->account.turns++;
    if (model->config.technique == MODEL_NATIVE) {
        account_charge(&model->account, BUCKET_SWITCH, model->machine->costs.page_switch);
        if (!model->machine->tags.processes)
            forget_all(model);
    }
    model_exit(model);
    model->now = &model->domains[domain % model->config.domains];
}

unsigned model_domain(const struct model *model)
{
    return model->now->number;
}
