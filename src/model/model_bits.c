/* Accessed and dirty bits of the leaves that a guest's kernel has (natively: of the kernel). */
#include "model/internal.h"

const struct page_tables *model_kernel_tables(const struct model *model)
{
    return model->config.technique == MODEL_NATIVE ? &model->now->walked : &model->now->guest;
}

uint64_t *model_leaf_entry(const struct page_tables *tables, uint64_t address)
{
    struct page_walk walk;
    page_tables_walk(tables, GVA(address), &walk);
    if (!walk.leaf.bytes)
        return NULL;
    uint64_t at = walk.read[walk.reads - 1].where.value;
    uint64_t *table = tables->memory.at(tables->memory.context, GPA(at & -(uint64_t)PAGE_TABLE_BYTES));
    return table + at % PAGE_TABLE_BYTES / sizeof *table;
}

void model_clear_bits(struct model *model, uint64_t *entry)
{
    model->now->unused += (*entry & PAGE_BIT_ACCESSED) != 0;
    model->now->clean += (*entry & PAGE_BIT_DIRTY) != 0;
    *entry &= ~(PAGE_BIT_ACCESSED | PAGE_BIT_DIRTY);
}

void model_see_clean(struct model *model, uint64_t address)
{
    const uint64_t *entry = model_leaf_entry(model_kernel_tables(model), address);
    if (entry && !(*entry & PAGE_BIT_DIRTY))
        tlbs_drop(&model->tlbs, model_tag(model), address, 1);
}

/* enum table_state of the guest's table that has the leaf; NULL: no monitor makes tables of it. */
static unsigned char *state_of(const struct model *model, uint64_t address)
{
    struct page_walk walk;
    if (model->config.technique != MODEL_SHADOW && model->config.technique != MODEL_AGILE)
        return NULL;
    page_tables_walk(&model->now->guest, GVA(address), &walk);
    uint64_t entry = walk.read[walk.reads - 1].where.value;
    return &model->now->states[ground_table_number(&model->now->guest_ground, entry)];
}

/* The monitor has set the accessed bit, and for a store the dirty one, as it mapped the page after a hidden
 * fault; a page that was only read is mapped read-only. */
void model_set_bits(struct model *model, uint64_t address, bool write)
{
    struct model_domain *domain = model->now;
    uint64_t *entry = model_leaf_entry(model_kernel_tables(model), address);
    bool unused = entry && !(*entry & PAGE_BIT_ACCESSED),
         clean = entry && write && !(*entry & PAGE_BIT_DIRTY);
    if (!unused && !clean)
        return;
    *entry |= PAGE_BIT_ACCESSED | (write ? PAGE_BIT_DIRTY : 0);
    domain->unused -= unused;
    domain->clean -= clean;
    unsigned char *state = state_of(model, address);
    if (!state || *state >= TABLE_NESTED) { /* the CPU sees the guest's tables: a store to them */
        account_charge(&model->account, BUCKET_BITS, model->machine->walker.set_bit_cycles);
        model->account.bits_set++;
        if (state)
            *state = TABLE_NESTED_STORED;
    } else if (!unused) {
        model->account.hidden_faults++;
        model_leave_guest(model, model->machine->costs.hidden_fault);
    }
}
