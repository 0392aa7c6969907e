/* TLBs (src/model/tlbs.h), and what is forgotten of them and of the walk caches. */
#include "naive_inside.h"

static const unsigned shifts[3] = {12, 21, 30};

static uint64_t tlb_key(const struct naive_model *model, unsigned size, uint64_t address)
{
    return (address >> shifts[size]) * 256 + size * 64 +
           (naive_defect == TLB_WITHOUT_SPACES ? 8 * model->now : naive_tag(model));
}

static int tlb_of(const struct naive_model *model, unsigned level, bool instruction, unsigned size)
{
    for (unsigned i = 0; i < model->machine->tlb_count; i++) {
        const struct naive_tlb *tlb = &model->machine->tlbs[i];
        if (tlb->level == level && tlb->pages[size] && (instruction ? tlb->instructions : tlb->data))
            return (int)i;
    }
    return -1;
}

void naive_put_tlb(struct naive_model *model, unsigned level, uint64_t address, bool instruction,
    const struct naive_leaf *page)
{
    unsigned size = naive_zone(page->bytes) - 1;
    uint64_t dropped;
    /* Level 1 takes any smaller page; level 2 of 1 GiB 2 MiB. */
    while (tlb_of(model, level, instruction, size) < 0) {
        if (size == 0 || (level == 2 && size == 1) || naive_defect == LARGE_PAGE_IS_NOT_SPLINTERED)
            return;
        size--;
    }
    uint64_t start = address >> shifts[size] << shifts[size];
    int i = tlb_of(model, level, instruction, size);
    naive_put(&model->tlbs[i], address >> shifts[size], tlb_key(model, size, address),
        page->to + (start - page->from), &dropped);
}

bool naive_find_tlb(
    struct naive_model *model, unsigned level, uint64_t address, bool instruction, struct naive_leaf *page)
{
    for (unsigned size = 0; size < 3; size++) {
        int i = tlb_of(model, level, instruction, size);
        uint64_t bytes = UINT64_C(1) << shifts[size], to;
        if (i < 0 ||
            !naive_find(&model->tlbs[i], address >> shifts[size], tlb_key(model, size, address), &to))
            continue;
        naive_charge(model, &model->account.tlb[level - 1], model->machine->tlbs[i].cycles);
        model->account.tlb_hits[level - 1]++;
        *page = (struct naive_leaf){1, bytes, address / bytes * bytes, to};
        return true;
    }
    return false;
}

/* The TLBs' page of a size around an address. */
void naive_forget_piece(struct naive_model *model, uint64_t address, unsigned size)
{
    for (unsigned i = 0; i < model->machine->tlb_count; i++)
        naive_drop(&model->tlbs[i], address >> shifts[size], tlb_key(model, size, address));
}

void naive_forget_all(struct naive_model *model)
{
    for (unsigned i = 0; i < model->machine->tlb_count; i++)
        naive_clear(&model->tlbs[i]);
    for (unsigned i = 0; i < model->machine->walk_cache_count; i++)
        naive_clear(&model->walk_caches[i]);
    for (unsigned i = 0; i < model->machine->nested_walk_cache_count; i++)
        naive_clear(&model->host_walk_caches[i]);
    if (model->machine->nested_tlb)
        naive_clear(&model->nested_tlb);
}

static bool is_tag(uint64_t key, const void *context)
{
    return key % 64 / 8 == *(const unsigned *)context;
}

void naive_forget_walks(struct naive_model *model)
{
    for (unsigned i = 0; i < model->machine->walk_cache_count && naive_defect != FLUSH_KEEPS_WALK_CACHES; i++)
        naive_drop_those(&model->walk_caches[i], is_tag, &model->now);
}

/* What the domain has of its own, of all its processes. */
void naive_forget_own(struct naive_model *model)
{
    for (unsigned i = 0; i < model->machine->tlb_count; i++)
        naive_drop_those(&model->tlbs[i], is_tag, &model->now);
    naive_forget_walks(model);
}

struct piece {
    uint64_t from, bytes;
    unsigned tag;
};

static bool is_piece(uint64_t key, const void *context)
{
    const struct piece *piece = context;
    uint64_t at = key / 256 << shifts[key / 64 % 4];
    return key % 64 == piece->tag && at >= piece->from && at < piece->from + piece->bytes;
}

/* All that the TLBs have of the kernel's page. */
void naive_forget_page(struct naive_model *model, const struct naive_leaf *leaf, uint64_t address)
{
    const struct piece piece = {leaf->from, leaf->bytes, naive_tag(model)};
    for (unsigned i = 0; i < model->machine->tlb_count; i++)
        naive_drop_those(&model->tlbs[i], is_piece, &piece);
    for (unsigned size = 0; size < 3; size++) /* or it is a part of a larger one */
        naive_forget_piece(model, address, size);
}
