/* Accesses of which nothing comes but what caches say, together: all that they and their walks read is
 * written down in order, the caches serve it level by level, and what that cost is charged by counts. */
#include "model/many.h"

/* What reads are counted as: data, entries of the guest's (or the only) tables by level, of the host's. */
enum { WHAT_DATA, WHAT_GUEST, WHAT_HOST = WHAT_GUEST + ACCOUNT_LEVELS, WHATS = WHAT_HOST + ACCOUNT_LEVELS };
_Static_assert((int)WHATS == (int)CACHES_WHATS, "each has counts");
_Static_assert((int)BUCKET_GUEST + (int)ACCOUNT_LEVELS == (int)BUCKET_HOST, "buckets come likewise");
_Static_assert((int)CACHES_REQUESTS_MAX >= MODEL_AT_ONCE * (2 * PAGE_LEVELS_MAX + 1), "there is room");

/* What accesses had of translations, and walks of them. */
struct translations {
    uint64_t hits[MACHINE_TLB_LEVELS_MAX + 1]; /* 0: none had it */
    uint64_t begun[2][PAGE_LEVELS_MAX + 1]; /* walks of the guest's tables, of the host's, by first level */
};

/* Tables that are walked, and as what their reads are counted. */
struct walked {
    const struct walk_dimension *tables;
    unsigned first, what; /* cache that reads look into first */
};

/* What walk_told() reads above leaves, if it begins with the table of a level; `above`: of struct coming. */
TAGS_INLINE cache_request *ask_above(cache_request *next, const struct walked *walked, uint64_t address,
    unsigned begun, unsigned last, uint64_t above)
{
    uint64_t at[PAGE_LEVELS_MAX];
    size_t count = 1;
    if (begun == last + 1) /* as it mostly does */
        at[0] = above;
    else
        count = walk_reads_above(walked->tables, address, begun, last, at);
    for (size_t i = 0; i < count; i++)
        *next++ = cache_request_of(at[i], walked->first, walked->what + begun - (unsigned)i - 1);
    return next;
}

/* What it reads in all, the leaf last. */
TAGS_INLINE cache_request *ask_for_walk(cache_request *next, const struct walked *walked, uint64_t address,
    unsigned begun, unsigned last, uint64_t leaf, uint64_t above)
{
    if (begun > last) {
        next = ask_above(next, walked, address, begun, last, above);
    }
    *next++ = cache_request_of(leaf, walked->first, walked->what + last - 1);
    return next;
}

/* What a walk reads that begins with the table of a level: in one dimension, or in two. */
TAGS_INLINE cache_request *ask_for_walks(bool nested, cache_request *next, struct translations *had,
    const struct model *model, uint64_t address, unsigned begun, const struct coming *coming, size_t i)
{
    struct model_domain *domain = model->now;
    const unsigned first = model->walker.cache_level;
    const struct walked only = {&domain->walked_walk, first, WHAT_GUEST},
                        guest = {&domain->guest_walk, first, WHAT_GUEST},
                        host = {&domain->host_walk, first, WHAT_HOST};
    had->begun[0][begun]++;
    if (!nested)
        return ask_for_walk(next, &only, address, begun, coming->last, coming->leaves[i], coming->above[i]);
    had->begun[1][coming->host_begun[i]]++;
    next = ask_for_walk(next, &guest, address, begun, coming->last, coming->guest_leaves[i], 0);
    return ask_for_walk(next, &host, coming->guest_physical[i].value, coming->host_begun[i],
        coming->host_last, coming->leaves[i], coming->above[i]);
}

/* What all of these ask of caches: so many requests. */
TAGS_INLINE size_t ask(bool nested, cache_request *requests, struct translations *had,
    const struct model *model, const gva_t *addresses, const struct coming *coming, size_t from, size_t end,
    const struct model_found *found)
{
    cache_request *next = requests;
    for (size_t i = from; i < end; i++) {
        had->hits[found[i].level]++;
        if (!found[i].level)
            next = ask_for_walks(nested, next, had, model, addresses[i].value, found[i].begun, coming, i);
        *next++ = cache_request_of(coming->physical[i], 1, WHAT_DATA);
    }
    return (size_t)(next - requests);
}

/* ---- what it cost ---- */

static void charge_begun(struct model *model, const struct walk_dimension *tables, const uint64_t *begun)
{
    struct account *account = &model->account;
    for (unsigned level = 1; level < tables->levels; level++) {
        if (!begun[level])
            continue;
        account_charge(account, BUCKET_WALK, begun[level] * tables->caches->of[level + 1]->cycles);
        *(tables->host ? &account->host_walk_cache_hits : &account->walk_cache_hits) += begun[level];
    }
}

static void charge_translations(
    struct model *model, const struct coming *coming, const struct translations *had)
{
    struct account *account = &model->account;
    const struct model_domain *domain = model->now;
    const bool nested = model->config.technique == MODEL_NESTED;
    for (unsigned level = 1; level <= MACHINE_TLB_LEVELS_MAX; level++) {
        account_charge(account, BUCKET_TLB + level - 1, had->hits[level] * coming->hit_cycles[level - 1]);
        account->tlb_hits[level - 1] += had->hits[level];
    }
    account_charge(account, BUCKET_WALK, had->hits[0] * model->machine->walker.cycles);
    account->walks += had->hits[0];
    charge_begun(model, nested ? &domain->guest_walk : &domain->walked_walk, had->begun[0]);
    if (nested)
        charge_begun(model, &domain->host_walk, had->begun[1]);
}

static void charge_reads(struct model *model, const struct caches_counts *counts)
{
    const struct caches *caches = &model->caches;
    struct account *account = &model->account;
    const unsigned whats = model->config.technique == MODEL_NESTED ? WHATS : WHAT_HOST;
    for (unsigned what = 0; what < whats; what++)
        for (unsigned server = 0; server <= caches->count; server++) {
            const uint64_t count = counts->of[what][server];
            const unsigned data = server == caches->count ? BUCKET_DATA_MEMORY : BUCKET_DATA + server;
            if (!count)
                continue;
            account_charge(account, what == WHAT_DATA ? data : BUCKET_GUEST + what - WHAT_GUEST,
                count * caches->cycles[server][0][0]);
            if (what >= WHAT_HOST)
                account->host_reads[what - WHAT_HOST] += count;
            else if (what >= WHAT_GUEST)
                account->guest_reads[what - WHAT_GUEST] += count;
        }
}

/* ---- all of it ---- */

/* How many of these no prefetcher makes anything of. */
static size_t calm(struct model *model, const gva_t *addresses, size_t count)
{
    struct prefetch *prefetch = &model->prefetch;
    if (prefetch->count == 0)
        return count;
    if (!prefetch->skims || prefetch->last_arrives > model_clock_now(&model->clock))
        return 0;
    return prefetch_skim(prefetch, addresses, count);
}

size_t many_go(struct model *model, const gva_t *addresses, const struct coming *coming, size_t from,
    size_t count, enum model_access access, const struct model_found *found)
{
    const bool nested = model->config.technique == MODEL_NESTED;
    struct caches_counts counts = {.of = {{0}}};
    struct translations had = {.hits = {0}};
    cache_request requests[CACHES_REQUESTS_MAX];
    if (!model->caches.many[0] || access == ACCESS_EXECUTE || model->config.host_frames.node != NODE_LOCAL ||
        (nested && !coming->guest_known))
        return from;
    const size_t end = from + calm(model, addresses + from, count - from);
    if (end == from)
        return from;
    const size_t asked = nested ? ask(true, requests, &had, model, addresses, coming, from, end, found)
                                : ask(false, requests, &had, model, addresses, coming, from, end, found);
    model->caches.many[model->walker.cache_level == 1](&model->caches, requests, asked, &counts);
    charge_translations(model, coming, &had);
    charge_reads(model, &counts);
    model->account.accesses += end - from;
    return end;
}
