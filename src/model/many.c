/* Many accesses that are known ahead: what they need is brought near first. Where nothing but accesses
 * happens, and no prefetcher goes on in another page by them, each TLB is asked for all of them before the
 * next one is, and they go through the caches at last: none of these has a say in what one before it does. */
#include "model/many.h"

/* Where addresses lead by these tables: on the way the entries that will be needed come near. False: not all
 * are mapped. */
TAGS_INLINE bool look_into(struct ahead *ahead, const struct walk_dimension *tables, const gva_t *addresses,
    size_t count, uint64_t *leaves, uint64_t *to)
{
    uint64_t present = PAGE_BIT_PRESENT;
    for (size_t i = 0; i < count; i++) {
        const struct ahead_leaf leaf = ahead_find(ahead, tables, addresses[i].value);
        present &= leaf.entry;
        leaves[i] = leaf.at;
        to[i] = leaf.to;
    }
    return present;
}

static void look_ahead(struct model *model, const gva_t *addresses, size_t count, struct coming *coming)
{
    struct model_domain *domain = model->now;
    coming->last = model_leaf_level(&model->config);
    coming->host_last = model_host_leaf_level(&model->config);
    if (model->config.technique != MODEL_NESTED) {
        coming->all_there = look_into(
            &domain->ahead, &domain->walked_walk, addresses, count, coming->leaves, coming->physical);
        return;
    }
    coming->all_there =
        look_into(&domain->ahead, &domain->guest_walk, addresses, count, coming->leaves, coming->physical);
    for (size_t i = 0; i < count; i++)
        coming->guest_physical[i] = GVA(coming->physical[i]);
    for (size_t i = 0; i < count; i++)
        ahead_bring(&domain->host_ahead, &domain->host_walk, coming->guest_physical[i].value);
    coming->all_there &= look_into(&domain->host_ahead, &domain->host_walk, coming->guest_physical, count,
        coming->leaves, coming->physical);
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

/* Tables that are walked for addresses, and what has the tables of their leaves. */
struct walked {
    struct ahead *ahead;
    const struct walk_dimension *tables;
    const gva_t *addresses;
    unsigned tag, last;
};

/* From which level on a walk goes for which walk caches do not give the table of the leaf. */
static unsigned begin_above(const struct walked *walked, gva_t address)
{
    const struct walk_table leaf = ahead_table(walked->ahead, walked->tables, address.value)->is;
    return walk_begin_above(walked->tables, walked->tag, address.value, walked->last, leaf);
}

/* From which level on walks go, by the cache of what leads to leaves. */
TAGS_INLINE void begin_by(enum tags_kind kind, struct walk_cache *cache, const struct walked *walked,
    const struct missing *missing, unsigned *begun, size_t stride)
{
    struct tags tags = cache->tags; /* so that the compiler sees that nothing else changes it */
    const unsigned tag = walked->tag, last = walked->last;
    for (size_t i = 0; i < missing->count; i++) {
        const unsigned which = missing->which[i];
        const uint64_t number = walked->addresses[which].value >> walk_shift(last + 1);
        const struct tags_place place = tags_place(kind, &tags, number, walk_key(number, last + 1, tag));
        unsigned level = last;
        if (!tags_find(kind, &tags, &place, NULL)) {
            cache->tags = tags;
            level = begin_above(walked, walked->addresses[which]);
            tags = cache->tags;
        }
        begun[which * stride] = level;
    }
    cache->tags = tags;
}

static void begin_walks(
    const struct walked *walked, const struct missing *missing, unsigned *begun, size_t stride)
{
    struct walk_cache *cache = walked->tables->caches->of[walked->last + 1];
    for (size_t i = 0; !cache && i < missing->count; i++)
        begun[missing->which[i] * stride] = begin_above(walked, walked->addresses[missing->which[i]]);
    if (!cache)
        return;
    if (cache->tags.kind == TAGS_KEYED_FEW)
        begin_by(TAGS_KEYED_FEW, cache, walked, missing, begun, stride);
    else if (cache->tags.kind == TAGS_KEYED_ONE_SET)
        begin_by(TAGS_KEYED_ONE_SET, cache, walked, missing, begun, stride);
    else
        begin_by(TAGS_KEYED, cache, walked, missing, begun, stride);
}

/* In two dimensions: where the guest's leaves stand, if walk caches have all that lead to them, for then
 * nothing is put there. */
static bool find_guest_leaves(struct model *model, struct coming *coming, const gva_t *addresses,
    const struct missing *missing, struct model_found *found)
{
    const struct walk_dimension *guest = &model->now->guest_walk;
    const unsigned last = coming->last, tag = model_tag(model);
    unsigned ways[MODEL_AT_ONCE];
    bool known = !model->machine->nested.tlb.data;
    for (size_t i = 0; known && i < missing->count; i++) {
        ways[i] = walk_knows(guest, tag, addresses[missing->which[i]].value, last);
        known = ways[i] != TAGS_NONE;
    }
    for (size_t i = 0; known && i < missing->count; i++) {
        const unsigned which = missing->which[i];
        const uint64_t address = addresses[which].value;
        const struct walk_table table = walk_known(guest, tag, address, last, ways[i]);
        coming->guest_leaves[which] = walk_entry_at(table, last, address);
        found[which].begun = last;
    }
    return known;
}

/* With which tables walks begin. */
static void begin_all(struct model *model, struct coming *coming, const gva_t *addresses,
    const struct missing *missing, struct model_found *found)
{
    struct model_domain *domain = model->now;
    if (model->config.technique != MODEL_NESTED) {
        const struct walked walked = {
            &domain->ahead, &domain->walked_walk, addresses, model_tag(model), coming->last};
        begin_walks(&walked, missing, &found->begun, sizeof *found / sizeof found->begun);
        return;
    }
    const struct walked walked = {&domain->host_ahead, &domain->host_walk, coming->guest_physical,
        domain->host_walk.domain, coming->host_last};
    coming->guest_known = find_guest_leaves(model, coming, addresses, missing, found);
    if (coming->guest_known)
        begin_walks(&walked, missing, coming->host_begun, 1);
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
    begin_all(model, coming, addresses, &missing, found);
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
        walk_told(walker, &domain->walked_walk, address, found->begun, last, coming->leaves[i]);
    } else if (coming->guest_known) {
        walk_told(walker, &domain->guest_walk, address, last, last, coming->guest_leaves[i]);
        walk_told(walker, &domain->host_walk, coming->guest_physical[i].value, coming->host_begun[i],
            coming->host_last, coming->leaves[i]);
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

/* One after another, from one of these on. */
static void go_in_order(struct model *model, const gva_t *addresses, const struct coming *coming, size_t from,
    size_t count, enum model_access access, struct model_found *found)
{
    const struct caches *caches = &model->caches;
    bool nested = model->config.technique == MODEL_NESTED;
#define GO(far, by_bits, takes)                                                                              \
    nested ? go((struct known_model){true, far, by_bits, takes}, model, addresses, coming, from, count,      \
                 access, found)                                                                              \
           : go((struct known_model){false, far, by_bits, takes}, model, addresses, coming, from, count,     \
                 access, found)
    if (!caches->far)
        GO(false, false, false);
    else if (caches->far_by_bits)
        caches->before_far ? GO(true, true, true) : GO(true, true, false);
    else
        caches->before_far ? GO(true, false, true) : GO(true, false, false);
#undef GO
}

/* Of those that go together at least so many, or the next ones are not asked whether they do. */
enum { TOGETHER_LEAST = 8 };

/* Of addresses whose translations are found: together as far as they do, and one by one what comes between.
 */
static void go_through_caches(struct model *model, const gva_t *addresses, const struct coming *coming,
    size_t count, enum model_access access, struct model_found *found)
{
    for (size_t done = 0; done < count;) {
        const size_t together = many_go(model, addresses, coming, done, count, access, found);
        const size_t end = together - done < TOGETHER_LEAST || together == count ? count : together + 1;
        if (together < count)
            go_in_order(model, addresses, coming, together, end, access, found);
        done = end;
    }
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
    struct coming coming;
    look_ahead(model, addresses, count, &coming);
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
