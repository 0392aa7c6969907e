/* Accesses: translated, and through the caches. */
#include "model/internal.h"

TAGS_INLINE enum walk_end walk(struct model *model, uint64_t address, struct walk_result *result)
{
    model_charge_walk(model);
    if (model->config.technique == MODEL_NESTED)
        return walk_nested(&model->walker, &model->now->guest_walk, &model->now->host_walk, model_tag(model),
            address, result);
    enum walk_end end =
        walk_native(&model->walker, &model->now->walked_walk, model_tag(model), address, result);
    if (end != WALK_SWITCHES)
        return end;
    struct page_walk guest;
    page_tables_walk(&model->now->guest, GVA(address), &guest);
    uint64_t entry = guest.reads ? guest.read[guest.reads - 1].where.value : 0;
    struct walk_table table = {result->table, ground_table_number(&model->now->guest_ground, entry)};
    return walk_leaf(&model->walker, &model->now->guest_walk, &model->now->host_walk, table, address, result);
}

/* Each repair makes one entry present: more than there can be of them are none. */
enum { REPAIRS_MAX = 64 };

TAGS_INLINE bool translate(struct model *model, uint64_t address, enum model_access access,
    struct translated_page *page, struct model_found *found)
{
    bool instruction = access == ACCESS_EXECUTE, write = access == ACCESS_WRITE;
    if (write && model->now->clean)
        model_see_clean(model, address);
    struct walk_result result = {.level = 0};
    unsigned cycles, level = tlbs_find(&model->tlbs, model_tag(model), address, instruction, page, &cycles);
    found->level = (unsigned char)level;
    if (level) {
        model_charge_hit(model, level, cycles);
        return true;
    }
    for (int repairs = 0; repairs < REPAIRS_MAX; repairs++) {
        enum walk_end end = walk(model, address, &result);
        if (end == WALK_DONE) {
            found->begun = (unsigned char)result.begun;
            if (model->now->unused || (write && model->now->clean))
                model_set_bits(model, address, write);
            tlbs_put(&model->tlbs, model_tag(model), address, instruction, &result.page);
            *page = result.page;
            return true;
        }
        if (!model_repair(model, end, address, &result))
            return false;
    }
    return false;
}

/* ---- prefetchers ---- */

bool model_find_for_prefetch(void *context, uint64_t address, uint64_t *physical, bool *remote)
{
    struct model *model = context;
    struct translated_page page = {.bytes = 0};
    struct walk_result result;
    const struct account before = model->account;
    unsigned cycles;
    if (!tlbs_find(&model->tlbs, model_tag(model), address, false, &page, &cycles) &&
        walk(model, address, &result) == WALK_DONE) {
        page = result.page;
        tlbs_put(&model->tlbs, model_tag(model), address, false, &page);
    }
    model->account = before;
    *physical = page.address + (address & (page.bytes - 1));
    *remote = model_is_remote(model, *physical);
    return page.bytes;
}

/* ---- one access ---- */

TAGS_INLINE bool touch(
    struct model *model, uint64_t address, enum model_access access, struct model_found *found)
{
    struct translated_page page;
    if (!translate(model, address, access, &page, found))
        return false;
    model_data(model, address, page.address + (address & (page.bytes - 1)), access, false);
    return true;
}

void model_touch_line(struct model *model, uint64_t physical, bool instruction)
{
    model_through_caches(model, physical, instruction);
}

bool model_touch(struct model *model, uint64_t address, enum model_access access)
{
    struct model_found found;
    return touch(model, address, access, &found);
}

void model_access_found(
    struct model *model, gva_t address, enum model_access access, struct model_found *found)
{
    struct account *account = &model->account;
    if (!touch(model, address.value, access, found))
        return;
    account->accesses++;
    if (account->accesses >= model->stream.next_access || account->cycles >= model->stream.next_cycle)
        model_stream_go(model);
}

void model_access(struct model *model, gva_t address, enum model_access access)
{
    struct model_found found;
    model_access_found(model, address, access, &found);
}
