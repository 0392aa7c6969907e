/* Many accesses that are known ahead: what they need is brought near first. Where nothing but accesses
 * happens, and no prefetcher goes on in another page by them, each TLB is asked for all of them before the
 * next one is, and they go through the caches at last: none of these has a say in what one before it does. */
#include "model/many.h"

/* On the way the entries and the sets that will be needed come near. */
static void look_ahead(struct model *model, const gva_t *addresses, size_t count, struct coming *coming)
{
    struct model_domain *domain = model->now;
    bool nested = model->config.technique == MODEL_NESTED;
    const struct walk_dimension *tables = nested ? &domain->guest_walk : &domain->walked_walk;
    uint64_t present = PAGE_BIT_PRESENT;
    coming->last = model_leaf_level(&model->config);
    coming->host_last = model_host_leaf_level(&model->config);
    for (size_t i = 0; i < count; i++) {
        struct ahead_leaf leaf = ahead_find(&domain->ahead, tables, addresses[i].value);
        present &= leaf.entry;
        coming->leaves[i] = leaf.at;
        coming->tables[i] = leaf.table;
        coming->physical[i] = coming->guest_physical[i] = leaf.to;
    }
    for (size_t i = 0; nested && i < count; i++)
        ahead_bring(&domain->host_ahead, &domain->host_walk, coming->guest_physical[i]);
    for (size_t i = 0; nested && i < count; i++) {
        struct ahead_leaf leaf =
            ahead_find(&domain->host_ahead, &domain->host_walk, coming->guest_physical[i]);
        present &= leaf.entry;
        coming->leaves[i] = leaf.at;
        coming->tables[i] = leaf.table;
        coming->physical[i] = leaf.to;
    }
    coming->all_there = present;
}

/* ---- one by one ---- */

static void lead_by_one(struct model *model, const gva_t *addresses, size_t count, enum model_access access,
    struct model_found *found)
{
    for (size_t i = 0; i < count; i++)
        model_access_found(model, addresses[i], access, &found[i]);
}

/* ---- translations ---- */

/* Of accesses, by their numbers, those that have not been found so far. */
struct missing {
    size_t count;
    unsigned char which[MODEL_AT_ONCE];
};

/* What a TLB is asked for. */
struct asked {
    const gva_t *addresses;
    const uint64_t *physical;
    struct model_found *found;
    unsigned level, tag, size;
};

/* What it has not it gets. */
TAGS_INLINE void ask(enum tags_kind kind, struct tlb *tlb, const struct asked *asked, struct missing *missing)
{
    struct tags tags = tlb->tags; /* so that the compiler sees that nothing else changes it */
    const struct model_found hit = {asked->level, tlb->cycles, 0};
    const unsigned tag = asked->tag, size = asked->size, shift = tlbs_shift(size);
    size_t left = 0;
    for (size_t i = 0; i < missing->count; i++) {
        unsigned which = missing->which[i];
        uint64_t number = asked->addresses[which].value >> shift,
                 page = asked->physical[which] & -(UINT64_C(1) << shift);
        struct tags_place place = tags_place(kind, &tags, number, tlbs_key(tag, number, size));
        if (tags_use(kind, &tags, &place, page))
            asked->found[which] = hit;
        else
            missing->which[left++] = (unsigned char)which;
    }
    missing->count = left;
    tlb->tags = tags;
}

static void ask_tlb(struct tlb *tlb, const struct asked *asked, struct missing *missing)
{
    if (tlb->tags.kind == TAGS_KEYED_FEW)
        ask(TAGS_KEYED_FEW, tlb, asked, missing);
    else if (tlb->tags.kind == TAGS_KEYED_ONE_SET)
        ask(TAGS_KEYED_ONE_SET, tlb, asked, missing);
    else
        ask(TAGS_KEYED, tlb, asked, missing);
}

/* Natively: with which tables walks begin. */
static void begin_walks(struct model *model, struct coming *coming, const gva_t *addresses,
    const struct missing *missing, struct model_found *found)
{
    const struct walk_dimension *tables = &model->now->walked_walk;
    unsigned last = model_leaf_level(&model->config), tag = model_tag(model);
    for (size_t i = 0; i < missing->count; i++) {
        unsigned which = missing->which[i];
        coming->begun[which] = walk_begin(tables, tag, addresses[which].value, last, coming->tables[which]);
        found[which].begun = coming->begun[which].level;
    }
}

/* In two dimensions: the guest's tables, if walk caches have all that lead to leaves, for then nothing is put
 * there; and with which of the host's tables walks for the pages begin. */
static void begin_nested_walks(struct model *model, struct coming *coming, const gva_t *addresses,
    const struct missing *missing, struct model_found *found)
{
    const struct walk_dimension *guest = &model->now->guest_walk, *host = &model->now->host_walk;
    unsigned last = model_leaf_level(&model->config), host_last = model_host_leaf_level(&model->config),
             tag = model_tag(model);
    unsigned ways[MODEL_AT_ONCE];
    bool known = !model->machine->nested.tlb.data;
    for (size_t i = 0; known && i < missing->count; i++) {
        ways[i] = walk_knows(guest, tag, addresses[missing->which[i]].value, last);
        known = ways[i] != TAGS_NONE;
    }
    coming->guest_known = known;
    for (size_t i = 0; known && i < missing->count; i++) {
        unsigned which = missing->which[i];
        uint64_t address = addresses[which].value;
        coming->guest_leaves[which] =
            walk_entry_at(walk_known(guest, tag, address, last, ways[i]), last, address);
        coming->begun[which] =
            walk_begin(host, host->domain, coming->guest_physical[which], host_last, coming->tables[which]);
        found[which].begun = last;
    }
}

static void find_translations(struct model *model, struct coming *coming, const gva_t *addresses,
    size_t count, enum model_access access, struct model_found *found)
{
    bool instruction = access == ACCESS_EXECUTE;
    struct missing missing = {.count = count};
    struct asked asked = {
        addresses, coming->physical, found, 1, model_tag(model), tlbs_size(model_tlb_page(&model->config))};
    for (size_t i = 0; i < count; i++)
        missing.which[i] = (unsigned char)i;
    for (; asked.level <= MACHINE_TLB_LEVELS_MAX && missing.count; asked.level++) {
        const struct tlb_taker *taker = &model->tlbs.takers[asked.level - 1][instruction][asked.size];
        if (!taker->tlb)
            continue;
        tlbs_look_for(&model->tlbs, asked.level, instruction, taker);
        ask_tlb(taker->tlb, &asked, &missing);
    }
    for (size_t i = 0; i < missing.count; i++)
        found[missing.which[i]] = (struct model_found){.level = 0};
    (model->config.technique == MODEL_NESTED ? begin_nested_walks : begin_walks)(
        model, coming, addresses, &missing, found);
}

/* ---- caches ---- */

/* The walk of one of these. `nested` is known when it is compiled. */
TAGS_INLINE void charge_walk(bool nested, struct model *model, const gva_t *addresses,
    const struct coming *coming, size_t i, struct model_found *found)
{
    struct walker *walker = &model->walker;
    const struct model_domain *domain = model->now;
    const unsigned last = coming->last;
    struct walk_result result;
    uint64_t address = addresses[i].value;
    model_charge_walk(model);
    if (!nested) {
        walk_told(walker, &domain->walked_walk, address, coming->begun[i], last, coming->leaves[i]);
    } else if (coming->guest_known) {
        const struct walk_begun guest = {.level = last};
        walk_told(walker, &domain->guest_walk, address, guest, last, coming->guest_leaves[i]);
        walk_told(walker, &domain->host_walk, coming->guest_physical[i], coming->begun[i], coming->host_last,
            coming->leaves[i]);
    } else {
        walk_nested(walker, &domain->guest_walk, &domain->host_walk, model_tag(model), address, &result);
        found->begun = result.begun;
    }
}

/* How many accesses before they are used sets come near, and those that what is dropped then goes to. Not
 * earlier: of many prefetches at once real CPUs leave out those for which no buffer is free. */
enum { SETS_AHEAD = 12, VICTIMS_AHEAD = 6 };

/* What is known of a model when the following is compiled for it. */
struct known_model {
    bool nested, far, by_bits, takes; /* far …: of struct caches_far */
};

TAGS_INLINE void bring(struct known_model known, const struct caches_far *far, const struct coming *coming,
    size_t i, size_t count)
{
    if (known.far && i + SETS_AHEAD < count) {
        caches_prefetch(known.by_bits, far, coming->leaves[i + SETS_AHEAD]);
        caches_prefetch(known.by_bits, far, coming->physical[i + SETS_AHEAD]);
    }
    if (known.takes && i + VICTIMS_AHEAD < count) {
        caches_prefetch_victim(known.by_bits, far, coming->physical[i + VICTIMS_AHEAD]);
        if (known.nested)
            caches_prefetch_victim(known.by_bits, far, coming->leaves[i + VICTIMS_AHEAD]);
    }
}

/* From one of these on. */
TAGS_INLINE void go(struct known_model known, struct model *model, const gva_t *addresses,
    const struct coming *coming, size_t from, size_t count, enum model_access access,
    struct model_found *found)
{
    const struct caches_far far = caches_far(&model->caches);
    for (size_t i = from; known.far && i < count && i < from + SETS_AHEAD; i++) {
        caches_prefetch(known.by_bits, &far, coming->leaves[i]);
        caches_prefetch(known.by_bits, &far, coming->physical[i]);
    }
    const bool skims = model->prefetch.skims && access != ACCESS_EXECUTE;
    size_t skimmed = from; /* accesses up to this one */
    for (size_t i = from; i < count; i++) {
        if (skims && i >= skimmed)
            skimmed = i + prefetch_skim(&model->prefetch, addresses + i, count - i);
        bring(known, &far, coming, i, count);
        if (found[i].level)
            model_charge_hit(model, &found[i]);
        else
            charge_walk(known.nested, model, addresses, coming, i, &found[i]);
        model_data(model, addresses[i].value, coming->physical[i], access, i < skimmed);
    }
    model->account.accesses += count - from;
}

/* Of addresses whose translations are found. */
static void go_through_caches(struct model *model, const gva_t *addresses, const struct coming *coming,
    size_t count, enum model_access access, struct model_found *found)
{
    const struct caches *caches = &model->caches;
    bool nested = model->config.technique == MODEL_NESTED;
    size_t from = many_go(model, addresses, coming, count, access, found);
#define GO(far, by_bits, takes)                                                                              \
    nested ? go((struct known_model){true, far, by_bits, takes}, model, addresses, coming, from, count,      \
                 access, found)                                                                              \
           : go((struct known_model){false, far, by_bits, takes}, model, addresses, coming, from, count,     \
                 access, found)
    if (from == count)
        return;
    if (!caches->far)
        GO(false, false, false);
    else if (caches->far_by_bits)
        caches->before_far ? GO(true, true, true) : GO(true, true, false);
    else
        caches->before_far ? GO(true, false, true) : GO(true, false, false);
#undef GO
}

static void lead(struct model *model, const gva_t *addresses, size_t count, enum model_access access,
    struct model_found *found)
{
    struct coming coming;
    look_ahead(model, addresses, count, &coming);
    if (!model->calm || !coming.all_there ||
        (access != ACCESS_EXECUTE && prefetch_may_cross(&model->prefetch, addresses, count))) {
        lead_by_one(model, addresses, count, access, found);
        return;
    }
    find_translations(model, &coming, addresses, count, access, found);
    go_through_caches(model, addresses, &coming, count, access, found);
}

static void follow(struct model *model, const gva_t *addresses, size_t count, enum model_access access,
    struct model_found *found)
{
    const struct walk_dimension *tables = &model->now->walked_walk;
    unsigned last = model_leaf_level(&model->config);
    struct coming coming;
    look_ahead(model, addresses, count, &coming);
    for (size_t i = 0; i < count; i++) {
        coming.begun[i].level = found[i].begun;
        if (!found[i].level && found[i].begun > last)
            coming.begun[i].table = walk_table_at(tables, addresses[i].value, found[i].begun);
    }
    go_through_caches(model, addresses, &coming, count, access, found);
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
    struct model_found *found)
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
