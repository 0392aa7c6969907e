/* A model from within. */
#ifndef VCOST_MODEL_INTERNAL_H
#define VCOST_MODEL_INTERNAL_H

#include "model/ahead.h"
#include "model/model.h"
#include "model/prefetch.h"
#include "model/walk.h"

_Static_assert((int)MODEL_DOMAINS_MAX == (int)TAG_DOMAINS, "each domain has a tag");
_Static_assert((int)MODEL_PROCESSES_MAX == (int)TAG_SPACES, "so has each of its processes");

/* Of an entry of a table: where it leads to. */
static const uint64_t page_address_mask = UINT64_C(0x000ffffffffff000);

/* What has become of a guest's table, by its number in the guest's ground. */
enum table_state {
    TABLE_GUARDED,
    TABLE_STORED, /* guarded; agile: there was a store since the last scan */
    TABLE_OUT_OF_SYNC,
    TABLE_NESTED,       /* agile, from here on: walked as the guest has it */
    TABLE_NESTED_STORED /* there was a store since the last scan */
};

/* A guest's table that agile paging walks as the guest has it, and the shadow that it had. */
struct nested_table {
    uint32_t number;         /* in the guest's ground */
    uint64_t from;           /* the first address that it is for */
    uint64_t *entry, shadow; /* the entry of level 2 in the tables that are walked, and what it was */
};

/* What a domain has of its own; natively: a program. */
struct model_domain {
    unsigned number;                  /* 0 … */
    struct model_ground guest_ground; /* guest physical memory; not native */
    /* native: walked alone. The others: guest's and host's, and but for nested what is made of both, walked.
     */
    struct page_tables guest, host, walked;
    struct walk_dimension guest_walk, host_walk, walked_walk;
    struct ahead ahead, host_ahead; /* of the guest's tables (nested) or of those walked; of the host's */
    unsigned space;
    uint64_t from, pages;   /* of the last model_map(): what events by rate are of; pages of guest_page */
    uint64_t clean, unused; /* leaves of the guest's without dirty bit; without accessed bit */
    unsigned char *states;  /* enum table_state of the guest's tables; owned */
    size_t state_count;
    uint32_t *out_of_sync; /* numbers of tables; room for all; owned */
    size_t out_of_sync_count;
    struct nested_table *nested; /* agile; room for all; owned */
    size_t nested_count;
};

/* Events by rate: how many of each kind have been since the account began, and when the next is due. */
struct model_stream {
    struct due {
        uint64_t done, next; /* next: accesses, or cycles of the account */
    } due[MODEL_EVENTS];
    uint64_t next_access, next_cycle; /* the first of all; UINT64_MAX: none */
    uint64_t random;                  /* which addresses */
};

struct model {
    struct model_config config;
    const struct machine *machine;
    _Alignas(MODEL_APART) struct account account;
    struct model_clock clock;
    struct caches caches;
    struct prefetch prefetch;
    _Alignas(MODEL_APART) struct tlbs tlbs;
    struct walker walker;
    struct model_ground host_ground, host_tables; /* one memory; the latter has the second dimension's */
    struct model_domain domains[MODEL_DOMAINS_MAX];
    struct model_domain *now; /* the one that runs */
    struct model_stream stream;
    bool calm;         /* model_is_calm(), and nothing has been changed since it was opened */
    bool lacks_frames; /* of the guest: a fault got the frame of before, though it was to be fresh */
};

/* The tag of what translation caches hold for whoever runs. */
static inline unsigned model_tag(const struct model *model)
{
    return model->now->number * MODEL_PROCESSES_MAX + model->now->space;
}

/* Is it one that walks tables made of the guest's and the host's? */
static inline bool model_technique_combines(enum model_technique technique)
{
    return technique == MODEL_DIRECT || technique == MODEL_SHADOW || technique == MODEL_AGILE;
}

static inline bool model_combines(const struct model *model)
{
    return model_technique_combines(model->config.technique);
}

/* The level of leaves in the tables that a walk of an address begins with. */
static inline unsigned model_leaf_level(const struct model_config *config)
{
    bool guests = config->technique == MODEL_NATIVE || config->technique == MODEL_NESTED ||
                  config->guest_page < config->host_page;
    uint64_t page = guests ? config->guest_page : config->host_page;
    return (unsigned)(__builtin_ctzll(page) - 12) / 9 + 1;
}

/* Of the host's tables those that are walked. */
static inline unsigned model_host_levels(const struct machine *machine)
{
    return machine->has_nested ? machine->nested.levels : machine->levels;
}

/* Of those of the host's tables. */
static inline unsigned model_host_leaf_level(const struct model_config *config)
{
    return (unsigned)(__builtin_ctzll(config->host_page) - 12) / 9 + 1;
}

/* The size of pages in TLBs. */
static inline uint64_t model_tlb_page(const struct model_config *config)
{
    bool one = config->technique == MODEL_NATIVE || config->guest_page < config->host_page;
    return one ? config->guest_page : config->host_page;
}

/* model_calm.c: can nothing but accesses, and prefetchers that go on in another page, change what translation
 * caches hold, so that they can be asked apart from all else? */
bool model_config_is_calm(const struct model_config *config);
/* Are there such prefetchers? They put pages into TLBs when it is time for them. */
bool model_translates_ahead(const struct machine *machine);
/* And do they hold pages as they are, none split? */
bool model_is_calm(const struct model *model);

/* model_map.c: gives the host's page around a guest physical address, if there is none. */
int model_back(struct model *model, uint64_t physical, struct error *error);
/* Maps what the guest and the host have for an address in the walked tables, or shows it again. -EFAULT: they
 * have nothing. */
int model_combine(struct model *model, uint64_t address, struct error *error);
/* Space for what becomes of tables. */
int model_make_states(struct model *model, struct error *error);

/* Where an access found its translation. */
struct model_found {
    unsigned char level; /* of the TLBs that had it; 0: none, it was walked … */
    unsigned char begun; /* … from the table of this level on */
};

/* access.c: and tells it. */
void model_access_found(
    struct model *model, gva_t address, enum model_access access, struct model_found *found);

/* many.c: so many accesses at once at most: what they need stays near until it is used */
enum { MODEL_AT_ONCE = 128 };

void model_lead(struct model *model, const gva_t *addresses, size_t count, enum model_access access,
    struct model_found *found);
/* The same for a model that finds all where another one did (pass.h), but none that walks in two
 * dimensions. */
void model_follow(struct model *model, const gva_t *addresses, size_t count, enum model_access access,
    struct model_found *found);

/* What an access does, without counting it as one of the workload's. False: nothing is mapped
 * there. */
bool model_touch(struct model *model, uint64_t address, enum model_access access);
/* A read or write of a line, charged as data. */
void model_touch_line(struct model *model, uint64_t physical, bool instruction); /* host physical */

/* Translates for a prefetch: a walk that nobody waits for, and that is counted nowhere. */
prefetch_find model_find_for_prefetch;

/* model_events.c */
/* The leaf entry that the kernel has for an address. */
struct leaf_place {
    uint64_t *entry;   /* NULL: there is none */
    uint64_t address;  /* that it is for */
    uint64_t physical; /* of the entry: for the guest; native: for the host */
    uint64_t bytes;    /* of the leaf */
    uint32_t table;    /* its number in the guest's ground; not native */
};
void model_leave_guest(struct model *model, uint64_t handling);
void model_forget_walks(struct model *model); /* what walk caches have of the tables of whoever runs */
bool model_repair(struct model *model, enum walk_end end, uint64_t address, const struct walk_result *result);

/* model_agile.c: after a store to a table of 4 KiB leaves that has a shadow. */
void model_agile_store(struct model *model, const struct leaf_place *place);

/* model_bits.c: accessed and dirty bits of the guest's leaves. All are set where nothing has changed. */
/* The leaf entry that tables have for an address; NULL: none that is present. */
uint64_t *model_leaf_entry(const struct page_tables *tables, uint64_t address);
/* Natively the tables that are walked, else the guest's. */
const struct page_tables *model_kernel_tables(const struct model *model);
void model_clear_bits(struct model *model, uint64_t *entry);
/* A store through a translation that is not dirty yet: the TLBs forget it, so that a walk sets the bit. */
void model_see_clean(struct model *model, uint64_t address);
/* After a walk: what has to be set is set and charged. */
void model_set_bits(struct model *model, uint64_t address, bool write);

/* model_stream.c: the account begins; something is due. */
void model_stream_begin(struct model *model);
void model_stream_go(struct model *model);

/* ---- what single accesses and many have in common: compiled into both ---- */

static inline void model_charge_walk(struct model *model)
{
    account_charge(&model->account, BUCKET_WALK, model->machine->walker.cycles);
    model->account.walks++;
}

static inline void model_charge_hit(struct model *model, unsigned level, unsigned cycles)
{
    account_charge(&model->account, BUCKET_TLB + level - 1, cycles);
    model->account.tlb_hits[level - 1]++;
}

static inline bool model_is_remote(const struct model *model, uint64_t physical)
{
    return model->config.host_frames.node != NODE_LOCAL && ground_is_remote(&model->host_ground, physical);
}

TAGS_INLINE struct cache_served model_through_caches(struct model *model, uint64_t physical, bool instruction)
{
    struct cache_served served =
        caches_access(&model->caches, physical, instruction, 1, model_is_remote(model, physical));
    bool memory = served.level > model->caches.count;
    account_charge(
        &model->account, memory ? BUCKET_DATA_MEMORY : BUCKET_DATA + served.level - 1, served.cycles);
    return served;
}

/* An access whose translation is found. Prefetchers see those of data, or have (skimmed: prefetch_skim()). */
TAGS_INLINE void model_data(
    struct model *model, uint64_t address, uint64_t physical, enum model_access access, bool skimmed)
{
    struct cache_served served = model_through_caches(model, physical, access == ACCESS_EXECUTE);
    if (model->prefetch.count == 0 || access == ACCESS_EXECUTE)
        return;
    const struct prefetch_access seen = {address, physical, served,
        model_clock_now(&model->clock) - served.cycles, model_is_remote(model, physical)};
    const uint64_t waits = prefetch_waits(&model->prefetch, &seen);
    if (!skimmed)
        prefetch_after(&model->prefetch, &seen);
    account_charge(&model->account, BUCKET_LATE, waits);
}

#endif
