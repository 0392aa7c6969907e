/* What a monitor does: exits, pages that are missing, tables that follow those of the guest; and the bits
 * that are set in these. */
#include "naive_inside.h"

#include <assert.h>

void naive_leave(struct naive_model *model, uint64_t handling)
{
    naive_charge(model, &model->account.exit, model->machine->exit + handling);
    model->account.exits++;
    if (!model->machine->guest_tags && naive_defect != EXIT_KEEPS_ALL)
        naive_forget_all(model);
}

void naive_repair(struct naive_model *model, int end, uint64_t address, uint64_t missing)
{
    if (end == NAIVE_HOST_ABSENT) {
        model->account.faults++;
        naive_leave(model, model->machine->nested_fault);
        naive_back(model, missing);
        return;
    }
    struct naive_leaf guest = naive_leaf_at(&naive_running(model)->guest, address);
    assert(naive_combines(model) && guest.level);
    model->account.hidden_faults++;
    if (naive_defect != HIDDEN_FAULT_DOES_NOT_EXIT)
        naive_leave(model, model->machine->hidden_fault);
    naive_back(model, naive_host_address(&guest, address));
    naive_combine(model, address);
}

struct naive_space *naive_kernels(struct naive_model *model)
{
    return model->setting.technique == NAIVE_NATIVE ? &naive_running(model)->made
                                                    : &naive_running(model)->guest;
}

bool naive_lacks(const struct naive_dictionary *bits, uint64_t leaf)
{
    uint64_t yes = 0;
    return dictionary_find(bits, leaf, &yes) && yes;
}

/* Where the leaf entry of an address stands, in the memory that has its tables; *table: the table. */
static uint64_t entry_of(const struct naive_space *space, uint64_t address, uint64_t *table)
{
    unsigned level = naive_leaf_at(space, address).level;
    naive_table_at(space, level, address, table);
    return *table + (address >> (12 + 9 * (level - 1))) % 512 * 8;
}

/* Are there shadows of the table that has the leaf? */
static bool is_shadowed(struct naive_model *model, uint64_t address)
{
    uint64_t table = 0, state = STATES_GUARDED;
    if (model->setting.technique != NAIVE_SHADOW && model->setting.technique != NAIVE_AGILE)
        return false;
    entry_of(&naive_running(model)->guest, address, &table);
    dictionary_find(&naive_running(model)->states, table, &state);
    return state < STATES_NESTED;
}

/* The guest's table that has the leaf, which is walked as the guest has it, was stored to. */
static void note_store(struct naive_model *model, uint64_t address)
{
    uint64_t table = 0;
    entry_of(&naive_running(model)->guest, address, &table);
    if (model->setting.technique == NAIVE_AGILE && naive_defect != AGILE_SEES_NO_STORES)
        dictionary_put(&naive_running(model)->states, table, STATES_NESTED_STORED);
}

void naive_set_bits(struct naive_model *model, uint64_t address, bool write)
{
    struct naive_domain *domain = naive_running(model);
    uint64_t leaf = naive_leaf_at(naive_kernels(model), address).from;
    bool unused = naive_lacks(&domain->unused, leaf), clean = naive_lacks(&domain->clean, leaf);
    if (!unused && !(write && clean))
        return;
    dictionary_put(&domain->unused, leaf, 0);
    if (write && naive_defect != STORES_SET_NOTHING)
        dictionary_put(&domain->clean, leaf, 0);
    if (!is_shadowed(model, address)) {
        naive_charge(model, &model->account.bits, model->machine->set_bit_cycles);
        model->account.bits_set++;
        if (naive_defect != AGILE_OVERLOOKS_BITS)
            note_store(model, address);
    } else if (!unused) {
        model->account.hidden_faults++;
        naive_leave(model, model->machine->hidden_fault);
    }
}

/* A store to the kernel's leaf entry, where the monitor makes tables of its table. */
static void store_shadowed(struct naive_model *model, uint64_t address, uint64_t table, uint64_t stored)
{
    struct naive_domain *domain = naive_running(model);
    struct naive_leaf guest = naive_leaf_at(&domain->guest, address);
    uint64_t state = STATES_GUARDED, below;
    dictionary_find(&domain->states, table, &state);
    if (state == STATES_OUT) {
        naive_touch_data(model, stored, false, &(uint64_t){0});
        return;
    }
    model->account.table_stores++;
    naive_leave(model, model->machine->table_store);
    if (model->setting.technique == NAIVE_SHADOW && !model->setting.sync_write &&
        naive_defect != LAZY_STORES_ALL_EXIT) {
        state = STATES_OUT;
        assert(domain->out_of_sync < sizeof domain->out / sizeof *domain->out);
        domain->out[domain->out_of_sync++] = table;
    } else if (model->setting.technique == NAIVE_AGILE && guest.level == 1 && state == STATES_GUARDED &&
               naive_defect != AGILE_SWITCHES_AT_ONCE) {
        state = STATES_STORED;
    } else if (model->setting.technique == NAIVE_AGILE && naive_defect != AGILE_NEVER_SWITCHES &&
               guest.level == 1 && naive_table_at(&domain->made, 1, address, &below)) {
        struct naive_leaf host = naive_leaf_at(&domain->host, table);
        state = STATES_NESTED_STORED;
        dictionary_put(&domain->switched, address >> 21, naive_host_address(&host, table));
        naive_forget_walks(model);
    }
    dictionary_put(&domain->states, table, state);
}

/* The kernel's store to its leaf entry. */
static void store(struct naive_model *model, uint64_t address)
{
    uint64_t table = 0, entry = entry_of(naive_kernels(model), address, &table);
    if (model->setting.technique != NAIVE_NATIVE) {
        struct naive_leaf host = naive_leaf_at(&naive_running(model)->host, entry);
        entry = naive_host_address(&host, entry);
    }
    if (is_shadowed(model, address)) {
        store_shadowed(model, address, table, entry);
        return;
    }
    if (model->setting.technique == NAIVE_DIRECT) {
        model->account.hypercalls++;
        naive_leave(model, model->machine->hypercall);
    }
    if (model->setting.technique == NAIVE_AGILE)
        note_store(model, address);
    naive_touch_data(model, entry, false, &(uint64_t){0});
}

static void clear_bits(struct naive_model *model, const struct naive_leaf *leaf)
{
    dictionary_put(&naive_running(model)->unused, leaf->from, naive_defect != BITS_STAY_SET);
    dictionary_put(&naive_running(model)->clean, leaf->from, naive_defect != BITS_STAY_SET);
}

/* A changed entry's page is flushed. */
static void flush_changed(struct naive_model *model, const struct naive_leaf *leaf, uint64_t address)
{
    if (is_shadowed(model, address)) {
        if (naive_defect != FLUSH_DOES_NOT_EXIT)
            naive_leave(model, 0);
        naive_space_hide(&naive_running(model)->made, leaf->from, leaf->bytes,
            naive_smaller(leaf->bytes, model->setting.host_page), true);
    }
    naive_charge(model, &model->account.switching, model->machine->flush_page);
    model->account.flushes++;
    if (naive_defect != FLUSH_KEEPS_THE_PAGE)
        naive_forget_page(model, leaf, address);
    naive_forget_walks(model);
}

void naive_change_entry(struct naive_model *model, uint64_t address)
{
    struct naive_leaf leaf = naive_leaf_at(naive_kernels(model), address);
    store(model, address);
    clear_bits(model, &leaf);
    flush_changed(model, &leaf, address);
}

void naive_protect(struct naive_model *model, uint64_t address)
{
    store(model, address);
}

/* Of a page that is not there; copies: of one that may only be read. */
static void fault(struct naive_model *model, uint64_t address, bool copies)
{
    const struct naive_setting *setting = &model->setting;
    struct naive_leaf leaf = naive_leaf_at(naive_kernels(model), address);
    bool direct = setting->technique == NAIVE_DIRECT, traps = direct || is_shadowed(model, address);
    uint64_t step = naive_smaller(leaf.bytes, setting->host_page);
    naive_forget_page(model, &leaf, address);
    if (traps) {
        naive_space_hide(&naive_running(model)->made, leaf.from, leaf.bytes,
            naive_smaller(leaf.bytes, model->setting.host_page), true);
        if (naive_defect != FAULTS_DO_NOT_EXIT)
            naive_leave(model, 0);
    }
    model->account.guest_faults++;
    naive_charge(model, &model->account.fault, model->machine->fault);
    if (setting->fresh && naive_defect != FAULTS_RECYCLE_FRAMES) {
        struct naive_memory *memory =
            setting->technique == NAIVE_NATIVE ? &model->host_memory : &naive_running(model)->memory;
        if (naive_has(memory, naive_zone(leaf.bytes)))
            naive_space_map(
                naive_kernels(model), leaf.from, naive_take(memory, naive_zone(leaf.bytes)), leaf.bytes);
    }
    clear_bits(model, &leaf);
    store(model, address);
    if (copies && naive_defect != COPIES_ARE_NOT_FLUSHED)
        flush_changed(model, &leaf, address);
    for (uint64_t at = leaf.from; direct && at < leaf.from + leaf.bytes; at += step) {
        struct naive_leaf guest = naive_leaf_at(&naive_running(model)->guest, at);
        naive_back(model, naive_host_address(&guest, at));
        naive_combine(model, at);
    }
    naive_touch_address(model, address, NAIVE_WRITE);
}

void naive_fault(struct naive_model *model, uint64_t address)
{
    fault(model, address, false);
}

void naive_copy(struct naive_model *model, uint64_t address)
{
    fault(model, address, true);
}

/* The table for 2 MiB from there on has a shadow again, with all that is there and has been used. */
static void shadow_again(struct naive_model *model, uint64_t from, uint64_t table)
{
    struct naive_domain *domain = naive_running(model);
    dictionary_put(&domain->switched, from >> 21, 0);
    dictionary_put(&domain->states, table, STATES_GUARDED);
    naive_charge(model, &model->account.exit, model->machine->table_sync);
    model->account.tables_synced++;
    naive_space_hide(&domain->made, from, 2 << 20, 4096, true);
    for (uint64_t at = from; at < from + (2 << 20); at += 4096) {
        struct naive_leaf guest = naive_leaf_at(&domain->guest, at);
        if (guest.level &&
            (!naive_lacks(&domain->unused, at) || naive_defect == SHADOWS_HAVE_WHAT_IS_UNUSED) &&
            naive_leaf_at(&domain->host, guest.to).level)
            naive_combine(model, at);
    }
}

void naive_scan(struct naive_model *model)
{
    struct naive_domain *domain = naive_running(model);
    if (model->setting.technique != NAIVE_AGILE)
        return;
    naive_leave(model, 0);
    for (size_t i = 0; i < domain->switched.room; i++) {
        const struct naive_pair *pair = &domain->switched.pairs[i];
        uint64_t table = 0, state = STATES_GUARDED;
        if (!pair->used || !pair->value || naive_defect == AGILE_NEVER_RETURNS)
            continue;
        naive_table_at(&domain->guest, 1, pair->key << 21, &table);
        dictionary_find(&domain->states, table, &state);
        if (state == STATES_NESTED_STORED)
            dictionary_put(&domain->states, table, STATES_NESTED);
        else
            shadow_again(model, pair->key << 21, table);
    }
    for (size_t i = 0; i < domain->states.room && naive_defect != AGILE_COUNTS_STORES_FOR_EVER; i++)
        if (domain->states.pairs[i].used && domain->states.pairs[i].value == STATES_STORED)
            domain->states.pairs[i].value = STATES_GUARDED;
}

/* Writing CR3, where the monitor has the tables. */
void naive_enter_monitor(struct naive_model *model)
{
    struct naive_domain *domain = naive_running(model);
    bool asks = model->setting.technique == NAIVE_DIRECT;
    if (!naive_combines(model))
        return;
    model->account.hypercalls += asks;
    naive_leave(model, asks ? model->machine->hypercall : 0);
    for (; domain->out_of_sync > 0; domain->out_of_sync--) {
        if (naive_defect != SYNC_DOES_NOT_GUARD)
            dictionary_put(&domain->states, domain->out[domain->out_of_sync - 1], STATES_GUARDED);
        naive_charge(model, &model->account.exit, model->machine->table_sync);
        model->account.tables_synced++;
    }
}
