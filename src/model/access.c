/* Accesses: translated, and through the caches. */
#include "model/internal.h"

static void charge_walk(struct model *model)
{
    account_charge(&model->account, BUCKET_WALK, model->machine->walker.cycles);
    model->account.walks++;
}

TAGS_INLINE enum walk_end walk(struct model *model, uint64_t address, struct walk_result *result)
{
    charge_walk(model);
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

static void charge_hit(struct model *model, const struct model_found *found)
{
    account_charge(&model->account, BUCKET_TLB + found->level - 1, found->cycles);
    model->account.tlb_hits[found->level - 1]++;
}

TAGS_INLINE bool translate(struct model *model, uint64_t address, enum model_access access,
    struct translated_page *page, struct model_found *found)
{
    bool instruction = access == ACCESS_EXECUTE, write = access == ACCESS_WRITE;
    if (write && model->now->clean)
        model_see_clean(model, address);
    struct walk_result result = {.level = 0};
    found->level = tlbs_find(&model->tlbs, model_tag(model), address, instruction, page, &found->cycles);
    if (found->level) {
        charge_hit(model, found);
        return true;
    }
    for (int repairs = 0; repairs < REPAIRS_MAX; repairs++) {
        enum walk_end end = walk(model, address, &result);
        if (end == WALK_DONE) {
            found->begun = result.begun;
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

TAGS_INLINE struct cache_served touch_line(struct model *model, uint64_t physical, bool instruction)
{
    bool remote =
        model->config.host_frames.node != NODE_LOCAL && ground_is_remote(&model->host_ground, physical);
    struct cache_served served = caches_access(&model->caches, physical, instruction, 1, remote);
    bool memory = served.level > model->caches.count;
    account_charge(
        &model->account, memory ? BUCKET_DATA_MEMORY : BUCKET_DATA + served.level - 1, served.cycles);
    return served;
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
    *remote =
        model->config.host_frames.node != NODE_LOCAL && ground_is_remote(&model->host_ground, *physical);
    return page.bytes;
}

static __attribute__((noinline)) void prefetch(
    struct model *model, uint64_t address, uint64_t physical, struct cache_served served)
{
    const struct prefetch_access access = {address, physical, served,
        model_clock_now(&model->clock) - served.cycles,
        model->config.host_frames.node != NODE_LOCAL && ground_is_remote(&model->host_ground, physical)};
    account_charge(&model->account, BUCKET_LATE, prefetch_after(&model->prefetch, &access));
}

/* ---- one access ---- */

TAGS_INLINE bool touch(
    struct model *model, uint64_t address, enum model_access access, struct model_found *found)
{
    struct translated_page page;
    if (!translate(model, address, access, &page, found))
        return false;
    uint64_t physical = page.address + (address & (page.bytes - 1));
    struct cache_served served = touch_line(model, physical, access == ACCESS_EXECUTE);
    if (model->prefetch.count && access != ACCESS_EXECUTE)
        prefetch(model, address, physical, served);
    return true;
}

void model_touch_line(struct model *model, uint64_t physical, bool instruction)
{
    touch_line(model, physical, instruction);
}

bool model_touch(struct model *model, uint64_t address, enum model_access access)
{
    struct model_found found;
    return touch(model, address, access, &found);
}

TAGS_INLINE void access_one(
    struct model *model, uint64_t address, enum model_access access, struct model_found *found)
{
    struct account *account = &model->account;
    if (!touch(model, address, access, found))
        return;
    account->accesses++;
    if (account->accesses >= model->stream.next_access || account->cycles >= model->stream.next_cycle)
        model_stream_go(model);
}

void model_access(struct model *model, gva_t address, enum model_access access)
{
    struct model_found found;
    access_one(model, address.value, access, &found);
}

/* ---- many accesses ---- */

/* What is known of accesses to come: where leaves are in the tables that are walked last, and the host
 * physical addresses; 0: nothing is there yet. */
struct coming {
    struct ahead_leaf leaves[MODEL_AT_ONCE];
    uint64_t physical[MODEL_AT_ONCE];
};

/* On the way the entries and the sets that will be needed come near. */
static void look_ahead(struct model *model, const gva_t *addresses, size_t count, struct coming *coming)
{
    struct model_domain *domain = model->now;
    struct ahead_leaf *leaves = coming->leaves;
    uint64_t *physical = coming->physical;
    bool nested = model->config.technique == MODEL_NESTED;
    const struct walk_dimension *tables = nested ? &domain->guest_walk : &domain->walked_walk;
    for (size_t i = 0; i < count; i++)
        leaves[i] = ahead_find(&domain->ahead, tables, addresses[i].value);
    for (size_t i = 0; i < count; i++)
        physical[i] = leaves[i].entry ? ahead_translate(&leaves[i], addresses[i].value) : 0;
    for (size_t i = 0; nested && i < count; i++)
        leaves[i] = ahead_find(&domain->host_ahead, &domain->host_walk, physical[i]);
    for (size_t i = 0; i < count; i++)
        if (leaves[i].entry) {
            caches_prefetch(&model->caches, leaves[i].at);
            physical[i] = nested ? ahead_translate(&leaves[i], physical[i]) : physical[i];
            caches_prefetch(&model->caches, physical[i]);
        }
    for (size_t i = 0; i < count; i++)
        caches_prefetch_victim(&model->caches, physical[i]);
}

/* Up to MODEL_AT_ONCE. */
static void lead(struct model *model, const gva_t *addresses, size_t count, enum model_access access,
    struct model_found *found)
{
    struct coming coming;
    look_ahead(model, addresses, count, &coming);
    for (size_t i = 0; i < count; i++) /* reading is compiled for itself */
        if (access == ACCESS_READ)
            access_one(model, addresses[i].value, ACCESS_READ, &found[i]);
        else
            access_one(model, addresses[i].value, access, &found[i]);
}

static void follow(struct model *model, const gva_t *addresses, size_t count, enum model_access access,
    const struct model_found *found)
{
    struct coming coming;
    unsigned last = model_leaf_level(&model->config);
    look_ahead(model, addresses, count, &coming);
    for (size_t i = 0; i < count; i++) {
        if (found[i].level) {
            charge_hit(model, &found[i]);
        } else {
            charge_walk(model);
            walk_told(&model->walker, &model->now->walked_walk, addresses[i].value, found[i].begun, last,
                coming.leaves[i].at);
        }
        struct cache_served served = touch_line(model, coming.physical[i], access == ACCESS_EXECUTE);
        if (model->prefetch.count && access != ACCESS_EXECUTE)
            prefetch(model, addresses[i].value, coming.physical[i], served);
        model->account.accesses++;
    }
}

static size_t at_once(size_t count)
{
    return count < MODEL_AT_ONCE ? count : MODEL_AT_ONCE;
}

void model_lead(struct model *model, const gva_t *addresses, size_t count, enum model_access access,
    struct model_found *found)
{
    for (size_t done = 0; done < count; done += MODEL_AT_ONCE)
        lead(model, addresses + done, at_once(count - done), access, found + done);
}

void model_follow(struct model *model, const gva_t *addresses, size_t count, enum model_access access,
    const struct model_found *found)
{
    for (size_t done = 0; done < count; done += MODEL_AT_ONCE)
        follow(model, addresses + done, at_once(count - done), access, found + done);
}

void model_access_many(struct model *model, const gva_t *addresses, size_t count, enum model_access access)
{
    struct model_found found[MODEL_AT_ONCE];
    for (size_t done = 0; done < count; done += MODEL_AT_ONCE)
        lead(model, addresses + done, at_once(count - done), access, found);
}
