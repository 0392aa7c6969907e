/* Agile paging: which of the guest's tables of 4 KiB leaves are walked as the guest has them (model.h). */
#include "model/internal.h"

static const uint64_t table_reach = UINT64_C(2) << 20;

/* The entry that leads to the shadow leads to the guest's own table now. */
static void nest(struct model *model, const struct leaf_place *place)
{
    struct model_domain *domain = model->now;
    struct page_walk walk;
    page_tables_walk(&domain->walked, GVA(place->address), &walk);
    if (walk.reads < domain->walked.levels)
        return;
    uint64_t at = walk.read[domain->walked.levels - 2].where.value;
    struct table_memory memory = domain->walked.memory;
    uint64_t *entry = memory.at(memory.context, GPA(at & -(uint64_t)PAGE_TABLE_BYTES));
    entry += at % PAGE_TABLE_BYTES / sizeof *entry;
    page_tables_walk(&domain->host, GVA(place->physical), &walk);
    uint64_t table = walk.leaf.to.value + place->physical - walk.leaf.from.value;
    domain->nested[domain->nested_count++] =
        (struct nested_table){place->table, place->address & -table_reach, entry, *entry};
    *entry =
        (table & page_address_mask) | PAGE_BIT_SWITCH | PAGE_BIT_PRESENT | PAGE_BIT_WRITE | PAGE_BIT_USER;
    domain->states[place->table] = TABLE_NESTED_STORED;
    model_forget_walks(model); /* they led to the shadow */
}

void model_agile_store(struct model *model, const struct leaf_place *place)
{
    unsigned char *state = &model->now->states[place->table];
    if (*state == TABLE_GUARDED)
        *state = TABLE_STORED;
    else
        nest(model, place);
}

/* What the guest and the host have now is put together; a page that was not used stays out, so that its
 * accessed bit can be set with a hidden fault. */
static void shadow_again(struct model *model, const struct nested_table *table)
{
    struct model_domain *domain = model->now;
    struct error error;
    *table->entry = table->shadow;
    page_tables_hide(&domain->walked, GVA(table->from), table_reach, &error);
    for (uint64_t at = table->from; at < table->from + table_reach; at += PAGE_TABLE_BYTES) {
        const uint64_t *leaf = model_leaf_entry(&domain->guest, at);
        if (leaf && *leaf & PAGE_BIT_ACCESSED)
            model_combine(model, at, &error); /* of which the host has nothing yet: a hidden fault */
    }
    domain->states[table->number] = TABLE_GUARDED;
    account_charge(&model->account, BUCKET_EXIT, model->machine->costs.table_sync);
    model->account.tables_synced++;
}

void model_scan(struct model *model)
{
    struct model_domain *domain = model->now;
    size_t kept = 0;
    if (model->config.technique != MODEL_AGILE)
        return;
    model_leave_guest(model, 0);
    for (size_t i = 0; i < domain->state_count; i++)
        if (domain->states[i] == TABLE_STORED)
            domain->states[i] = TABLE_GUARDED;
    for (size_t i = 0; i < domain->nested_count; i++) {
        const struct nested_table table = domain->nested[i];
        if (domain->states[table.number] == TABLE_NESTED_STORED) {
            domain->states[table.number] = TABLE_NESTED;
            domain->nested[kept++] = table;
        } else {
            shadow_again(model, &table);
        }
    }
    domain->nested_count = kept;
}
