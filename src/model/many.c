/* Many accesses that are known ahead: what they need is brought near first. Where nothing but accesses
 * happens, and no prefetcher goes on in another page by them, each TLB is asked for all of them before the
 * next one is, and they go through the caches at last: none of these has a say in what one before it does. */
#include "model/many.h"

/* Where addresses lead by the only tables: on the way the entries that will be needed come near. False: not
 * all are mapped. */
static bool look_into(
    struct model_domain *domain, const gva_t *addresses, size_t count, struct coming *coming)
{
    const unsigned last = coming->last;
    uint64_t present = PAGE_BIT_PRESENT;
    for (size_t i = 0; i < count; i++) {
        const struct ahead_place leaf = ahead_find(&domain->ahead, &domain->walked_walk, addresses[i].value);
        present &= *leaf.entry;
        coming->leaves[i] = leaf.at;
        coming->physical[i] = ahead_to(*leaf.entry, last, addresses[i].value);
    }
    return present;
}

/* By those of two dimensions: of the host's all entries are on their way before one is read. */
static bool look_into_both(
    struct model_domain *domain, const gva_t *addresses, size_t count, struct coming *coming)
{
    const unsigned last = coming->last, host_last = coming->host_last;
    const uint64_t *entries[MODEL_AT_ONCE];
    uint64_t present = PAGE_BIT_PRESENT;
    for (size_t i = 0; i < count; i++) {
        const uint64_t entry = *ahead_find(&domain->ahead, &domain->guest_walk, addresses[i].value).entry;
        present &= entry;
        coming->guest_physical[i] = GVA(ahead_to(entry, last, addresses[i].value));
    }
    for (size_t i = 0; i < count; i++) {
        const struct ahead_place leaf =
            ahead_find(&domain->host_ahead, &domain->host_walk, coming->guest_physical[i].value);
        __builtin_prefetch(leaf.entry);
        entries[i] = leaf.entry;
        coming->leaves[i] = leaf.at;
    }
    for (size_t i = 0; i < count; i++) {
        present &= *entries[i];
        coming->physical[i] = ahead_to(*entries[i], host_last, coming->guest_physical[i].value);
    }
    return present;
}

static void look_ahead(struct model *model, const gva_t *addresses, size_t count, enum model_access access,
    struct coming *coming)
{
    const unsigned size = tlbs_size(model_tlb_page(&model->config));
    for (unsigned level = 1; level <= MACHINE_TLB_LEVELS_MAX; level++) {
        const struct tlb *tlb = model->tlbs.takers[level - 1][access == ACCESS_EXECUTE][size].tlb;
        coming->hit_cycles[level - 1] = tlb ? tlb->cycles : 0;
    }
    coming->last = model_leaf_level(&model->config);
    coming->host_last = model_host_leaf_level(&model->config);
    coming->all_there = (model->config.technique == MODEL_NESTED ? look_into_both : look_into)(
        model->now, addresses, count, coming);
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
    const struct model_found hit = {(unsigned char)asked->level, 0};
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

/* The table with an address' leaf. */
static struct walk_table leaf_table(const struct walked *walked, size_t which)
{
    const struct ahead_table *known =
        ahead_table(walked->ahead, walked->tables, walked->addresses[which].value);
    return (struct walk_table){known->at, known->number};
}

/* From which level on a walk goes for which walk caches do not give that table. */
static unsigned begin_above(const struct walked *walked, size_t which)
{
    return walk_begin_above(
        walked->tables, walked->tag, walked->addresses[which].value, walked->last, leaf_table(walked, which));
}

/* Where a walk cache has the entry of a level for an address, or would have it. */
TAGS_INLINE struct tags_place place_of(
    enum tags_kind kind, const struct tags *tags, const struct walked *walked, unsigned level, size_t which)
{
    const uint64_t number = walked->addresses[which].value >> walk_shift(level);
    return tags_place(kind, tags, number, walk_key(number, level, walked->tag));
}

/* Does the cache of what leads to leaves have that of all of these? It is used then, else nothing is.
 * `leaves`: where the leaves stand by it; NULL: that is known. */
TAGS_INLINE bool use_by(enum tags_kind kind, struct walk_cache *cache, const struct walked *walked,
    const struct missing *missing, uint64_t *leaves)
{
    struct tags tags = cache->tags; /* so that the compiler sees that nothing else changes it */
    const unsigned last = walked->last;
    unsigned ways[MODEL_AT_ONCE];
    for (size_t i = 0; i < missing->count; i++) {
        const unsigned which = missing->which[i];
        const struct tags_place place = place_of(kind, &tags, walked, last + 1, which);
        ways[i] = tags_way(kind, &tags, &place);
        if (ways[i] == TAGS_NONE)
            return false;
        const struct walk_table table = walk_unpacked(tags.entries[place.first + ways[i]].value);
        if (leaves)
            leaves[which] = walk_entry_at(table, last, walked->addresses[which].value);
    }
    if (kind & TAGS_ONE_SET) {
        tags_use_ways(&cache->tags, ways, missing->count);
        return true;
    }
    for (size_t i = 0; i < missing->count; i++) {
        const struct tags_place place = place_of(kind, &tags, walked, last + 1, missing->which[i]);
        tags_use_way(kind, &tags, &place, ways[i]);
    }
    return true;
}

static bool use_all(const struct walked *walked, const struct missing *missing, uint64_t *leaves)
{
    struct walk_cache *cache = walked->tables->caches->of[walked->last + 1];
    if (!cache)
        return false;
    if (cache->tags.kind == TAGS_KEYED_FEW)
        return use_by(TAGS_KEYED_FEW, cache, walked, missing, leaves);
    if (cache->tags.kind == TAGS_KEYED_ONE_SET)
        return use_by(TAGS_KEYED_ONE_SET, cache, walked, missing, leaves);
    return use_by(TAGS_KEYED, cache, walked, missing, leaves);
}

/* As begin_above(), where one cache has what leads to leaves, at this place, and what leads to the tables of
 * that. False: it has neither. */
TAGS_INLINE bool begin_one_above(enum tags_kind kind, struct tags *tags, const struct walked *walked,
    const struct tags_place *place, size_t which)
{
    const struct tags_place above = place_of(kind, tags, walked, walked->last + 2, which);
    uint64_t dropped;
    if (!tags_find(kind, tags, &above, NULL))
        return false;
    tags_put(kind, tags, place, walk_packed(leaf_table(walked, which)), &dropped);
    return true;
}

/* From which level on walks go, by the cache of what leads to leaves. */
TAGS_INLINE void begin_by(enum tags_kind kind, struct walk_cache *cache, const struct walked *walked,
    const struct missing *missing, unsigned char *begun, size_t stride)
{
    struct tags tags = cache->tags; /* so that the compiler sees that nothing else changes it */
    const unsigned last = walked->last;
    const bool both = last + 2 <= walked->tables->levels && walked->tables->caches->of[last + 2] == cache;
    for (size_t i = 0; i < missing->count; i++) {
        const unsigned which = missing->which[i];
        const struct tags_place place = place_of(kind, &tags, walked, last + 1, which);
        unsigned level = tags_find(kind, &tags, &place, NULL) ? last : 0;
        if (!level && both && begin_one_above(kind, &tags, walked, &place, which))
            level = last + 1;
        if (!level) {
            cache->tags = tags;
            level = begin_above(walked, which);
            tags = cache->tags;
        }
        begun[which * stride] = (unsigned char)level;
    }
    cache->tags = tags;
}

static void begin_walks(
    const struct walked *walked, const struct missing *missing, unsigned char *begun, size_t stride)
{
    struct walk_cache *cache = walked->tables->caches->of[walked->last + 1];
    for (size_t i = 0; !cache && i < missing->count; i++)
        begun[missing->which[i] * stride] = (unsigned char)begin_above(walked, missing->which[i]);
    if (!cache)
        return;
    if (cache->tags.kind == TAGS_KEYED_FEW)
        begin_by(TAGS_KEYED_FEW, cache, walked, missing, begun, stride);
    else if (cache->tags.kind == TAGS_KEYED_ONE_SET)
        begin_by(TAGS_KEYED_ONE_SET, cache, walked, missing, begun, stride);
    else
        begin_by(TAGS_KEYED, cache, walked, missing, begun, stride);
}

/* Of walks that begin with the table above that of leaves, as most do that do not begin with the latter. */
static void look_above(const struct walked *walked, const struct missing *missing, const unsigned char *begun,
    size_t stride, uint64_t *above)
{
    for (size_t i = 0; i < missing->count; i++) {
        const unsigned which = missing->which[i];
        if (begun[which * stride] == walked->last + 1)
            above[which] = ahead_table(walked->ahead, walked->tables, walked->addresses[which].value)->above;
    }
}

/* In two dimensions the guest's leaves are known if walk caches have all that lead to them, for then nothing
 * is put there. */
static void begin_both(
    struct model *model, struct coming *coming, const gva_t *addresses, const struct missing *missing)
{
    struct model_domain *domain = model->now;
    const struct walked guest = {NULL, &domain->guest_walk, addresses, model_tag(model), coming->last};
    const struct walked host = {&domain->host_ahead, &domain->host_walk, coming->guest_physical,
        domain->host_walk.domain, coming->host_last};
    coming->guest_known = !model->machine->nested.tlb.data && use_all(&guest, missing, coming->guest_leaves);
    if (!coming->guest_known)
        return;
    if (!use_all(&host, missing, NULL)) {
        begin_walks(&host, missing, coming->host_begun, 1);
        look_above(&host, missing, coming->host_begun, 1, coming->above);
        return;
    }
    for (size_t i = 0; i < MODEL_AT_ONCE; i++)
        coming->host_begun[i] = (unsigned char)host.last;
}

/* With which tables walks begin. */
static void begin_all(struct model *model, struct coming *coming, const gva_t *addresses,
    const struct missing *missing, struct model_found *found)
{
    struct model_domain *domain = model->now;
    const struct walked walked = {
        &domain->ahead, &domain->walked_walk, addresses, model_tag(model), coming->last};
    if (model->config.technique == MODEL_NESTED) {
        begin_both(model, coming, addresses, missing);
        return;
    }
    begin_walks(&walked, missing, &found->begun, sizeof *found);
    look_above(&walked, missing, &found->begun, sizeof *found, coming->above);
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
        found[missing.which[i]] = (struct model_found){.level = 0, .begun = (unsigned char)coming->last};
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
        found->begun = (unsigned char)result.begun;
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
            model_charge_hit(model, found[i].level, coming->hit_cycles[found[i].level - 1]);
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

bool many_go_apart(const struct model *model)
{
    const bool nested = model->config.technique == MODEL_NESTED;
    return model->calm && !model_translates_ahead(model->machine) &&
           !(nested && model->machine->nested.tlb.data);
}

enum many_way many_find(struct model *model, struct many *many)
{
    struct coming *coming = &many->coming;
    look_ahead(model, many->addresses, many->count, many->access, coming);
    if (!model->calm || !coming->all_there ||
        (many->access != ACCESS_EXECUTE &&
            prefetch_may_cross(&model->prefetch, many->addresses, many->count)))
        return MANY_ONE_BY_ONE;
    find_translations(model, coming, many->addresses, many->count, many->access, many->found);
    return model->config.technique == MODEL_NESTED && !coming->guest_known ? MANY_WALK : MANY_APART;
}

void many_serve(struct model *model, const struct many *many)
{
    go_through_caches(model, many->addresses, &many->coming, many->count, many->access, many->found);
}

void many_finish(struct model *model, const struct many *many, enum many_way way)
{
    if (way == MANY_ONE_BY_ONE)
        lead_by_one(model, many->addresses, many->count, many->access, many->found);
    else
        many_serve(model, many);
}

static void lead(struct model *model, const gva_t *addresses, size_t count, enum model_access access,
    struct model_found *found)
{
    struct many many = {.count = count};
    many.addresses = addresses;
    many.access = access;
    many.found = found;
    many_finish(model, &many, many_find(model, &many));
}

static void follow(struct model *model, const gva_t *addresses, size_t count, enum model_access access,
    struct model_found *found)
{
    struct coming coming;
    struct missing missing = {.count = 0};
    look_ahead(model, addresses, count, access, &coming);
    const struct walked walked = {
        &model->now->ahead, &model->now->walked_walk, addresses, model_tag(model), coming.last};
    for (size_t i = 0; i < count; i++)
        if (!found[i].level)
            missing.which[missing.count++] = (unsigned char)i;
    look_above(&walked, &missing, &found->begun, sizeof *found, coming.above);
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
