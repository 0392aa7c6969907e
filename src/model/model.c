#include "model/internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

const char *const model_technique_names[MODEL_TECHNIQUES] = {
    [MODEL_NATIVE] = "native",
    [MODEL_DIRECT] = "direct",
    [MODEL_SHADOW] = "shadow",
    [MODEL_NESTED] = "nested",
    [MODEL_AGILE] = "agile",
};

/* ---- opening ---- */

static bool knows_page(const struct machine *machine, uint64_t bytes)
{
    for (size_t i = 0; i < machine->page_count; i++)
        if (machine->pages[i] == bytes)
            return true;
    return false;
}

int model_check(const struct model_config *config, struct error *error)
{
    const struct machine *machine = config->machine;
    bool two = config->technique == MODEL_NESTED || config->technique == MODEL_AGILE;
    uint64_t host = config->technique == MODEL_NATIVE ? config->guest_page : config->host_page;
    if (two && !machine->has_nested && !config->hypothetical)
        return error_set(error, ENOTSUP, "%s has no nested paging: --hypothetical simulates it nevertheless",
            machine->name);
    if (!knows_page(machine, config->guest_page) || !knows_page(machine, host))
        return error_set(error, ENOTSUP, "%s has no pages of %" PRIu64 " bytes", machine->name,
            knows_page(machine, host) ? config->guest_page : host);
    if (config->domains > MODEL_DOMAINS_MAX)
        return error_set(error, EINVAL, "%u domains are more than can be simulated, %d", config->domains,
            MODEL_DOMAINS_MAX);
    return event_rates_check(&config->rates, error);
}

static struct walk_dimension dimension(
    const struct page_tables *tables, const struct model_ground *ground, struct walk_caches *caches)
{
    uint64_t root = tables->root.value;
    return (struct walk_dimension){
        ground, {root, ground_table_number(ground, root)}, tables->levels, caches, false, 0};
}

/* Tables of which the walk begins further down: those above have one entry that is used, the first. */
static void begin_lower(struct walk_dimension *walk, unsigned levels)
{
    for (; walk->levels > levels; walk->levels--) {
        uint64_t below = ground_read(walk->ground, walk->root.address) & UINT64_C(0x000ffffffffff000);
        walk->root = (struct walk_table){below, ground_table_number(walk->ground, below)};
    }
}

static int make_tables(
    struct page_tables *tables, struct model_ground *ground, unsigned levels, struct error *error)
{
    *tables = (struct page_tables){
        .memory = ground_tables(ground), .levels = levels, .preset = PAGE_BIT_ACCESSED | PAGE_BIT_DIRTY};
    return page_tables_init(tables, error);
}

static unsigned host_levels(const struct machine *machine)
{
    return machine->has_nested ? machine->nested.levels : machine->levels;
}

/* What tables of three levels reach, of which a walk begins at the first table of four. */
static const uint64_t three_levels_reach = UINT64_C(1) << 39;

/* For all domains; those of guests are of one size. */
static int open_host_ground(struct model *model, struct error *error)
{
    const struct model_config *config = &model->config;
    uint64_t each =
        config->technique == MODEL_NATIVE ? config->bytes_max : 2 * model->domains[0].guest_ground.zone_bytes;
    return ground_init(&model->host_ground, &config->host_frames, config->domains * each, error);
}

static int open_host(struct model *model, struct error *error)
{
    const struct machine *machine = model->machine;
    struct model_domain *domain = model->now;
    unsigned levels = host_levels(machine) < 4 ? 4 : host_levels(machine);
    int rc = 0;
    if (levels > host_levels(machine) && GROUND_ZONES * domain->guest_ground.zone_bytes > three_levels_reach)
        rc = error_set(error, ENOTSUP, "%s walks %u levels for the host, too few for so much memory",
            machine->name, host_levels(machine));
    if (rc == 0)
        rc = make_tables(&domain->guest, &domain->guest_ground, machine->levels, error);
    if (rc == 0)
        rc = make_tables(&domain->host, &model->host_ground, levels, error);
    if (rc == 0) /* something at the very bottom, so that there are tables to begin with */
        rc = model_back(model, domain->guest.root.value, error);
    if (rc < 0)
        return rc;
    domain->guest_walk = dimension(&domain->guest, &domain->guest_ground, &model->walker.guest_caches);
    domain->host_walk = dimension(&domain->host, &model->host_ground, &model->walker.host_caches);
    domain->host_walk.host = true;
    domain->host_walk.domain = domain->number;
    if (levels > host_levels(machine))
        begin_lower(&domain->host_walk, host_levels(machine));
    return 0;
}

static int open_domain(struct model *model, unsigned number, struct error *error)
{
    const struct model_config *config = &model->config;
    struct model_domain *domain = model->now = &model->domains[number];
    struct frame_policy policy = config->guest_frames;
    int rc = 0;
    domain->number = number;
    policy.seed += number; /* no two lay out their memory alike */
    if ((rc = ahead_init(&domain->ahead, error)) == 0)
        rc = ahead_init(&domain->host_ahead, error);
    if (rc == 0 && config->technique != MODEL_NATIVE)
        rc = ground_init(&domain->guest_ground, &policy, config->bytes_max, error);
    if (rc == 0 && number == 0)
        rc = open_host_ground(model, error);
    if (rc == 0 && config->technique != MODEL_NESTED) {
        rc = make_tables(&domain->walked, &model->host_ground, model->machine->levels, error);
        domain->walked_walk = dimension(&domain->walked, &model->host_ground, &model->walker.guest_caches);
    }
    return rc == 0 && config->technique != MODEL_NATIVE ? open_host(model, error) : rc;
}

static int open_memory(struct model *model, struct error *error)
{
    int rc = 0;
    for (unsigned i = 0; rc == 0 && i < model->config.domains; i++)
        rc = open_domain(model, i, error);
    model->now = model->domains;
    return rc;
}

static int open_machine(struct model *model, struct error *error)
{
    const struct machine *machine = model->machine;
    uint64_t seed = model->config.seed;
    int rc = caches_init(&model->caches, machine, GROUND_ZONES * model->host_ground.zone_bytes, seed, error);
    if (rc == 0)
        rc = tlbs_init(&model->tlbs, machine, seed, error);
    model->walker.caches = &model->caches;
    model->walker.account = &model->account;
    model->walker.here = &model->host_ground;
    return rc < 0 ? rc : walker_init(&model->walker, machine, seed, error);
}

int model_open(const struct model_config *config, struct model **out, struct error *error)
{
    int rc = model_check(config, error);
    struct model *model = rc == 0 ? calloc(1, sizeof *model) : NULL;
    if (rc < 0)
        return rc;
    if (!model)
        return error_set(error, ENOMEM, "no memory for a simulated machine");
    model->config = *config;
    model->config.domains += config->domains == 0;
    model->machine = config->machine;
    model->stream.random = config->seed;
    model_stream_begin(model);
    rc = open_memory(model, error);
    if (rc == 0)
        rc = open_machine(model, error);
    if (rc < 0)
        model_close(model);
    else
        *out = model;
    return rc;
}

void model_close(struct model *model)
{
    if (!model)
        return;
    caches_free(&model->caches);
    tlbs_free(&model->tlbs);
    walker_free(&model->walker);
    ground_free(&model->host_ground);
    for (unsigned i = 0; i < MODEL_DOMAINS_MAX; i++) {
        ground_free(&model->domains[i].guest_ground);
        ahead_free(&model->domains[i].ahead);
        ahead_free(&model->domains[i].host_ahead);
        free(model->domains[i].states);
        free(model->domains[i].out_of_sync);
    }
    free(model);
}

/* ---- accesses ---- */

TAGS_INLINE enum walk_end walk(struct model *model, uint64_t address, struct walk_result *result)
{
    account_charge(&model->account, BUCKET_WALK, model->machine->walker.cycles);
    model->account.walks++;
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

TAGS_INLINE bool translate(
    struct model *model, uint64_t address, enum model_access access, struct translated_page *page)
{
    bool instruction = access == ACCESS_EXECUTE, write = access == ACCESS_WRITE;
    if (write && model->now->clean)
        model_see_clean(model, address);
    unsigned cycles = 0,
             level = tlbs_find(&model->tlbs, model_tag(model), address, instruction, page, &cycles);
    struct walk_result result = {.level = 0};
    if (level) {
        account_charge(&model->account, BUCKET_TLB + level - 1, cycles);
        model->account.tlb_hits[level - 1]++;
        return true;
    }
    for (int repairs = 0; repairs < REPAIRS_MAX; repairs++) {
        enum walk_end end = walk(model, address, &result);
        if (end == WALK_DONE) {
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

TAGS_INLINE void touch_line(struct model *model, uint64_t physical, bool instruction)
{
    bool remote =
        model->config.host_frames.node != NODE_LOCAL && ground_is_remote(&model->host_ground, physical);
    struct cache_served served = caches_access(&model->caches, physical, instruction, 1, remote);
    bool memory = served.level > model->caches.count;
    account_charge(
        &model->account, memory ? BUCKET_DATA_MEMORY : BUCKET_DATA + served.level - 1, served.cycles);
}

TAGS_INLINE bool touch(struct model *model, uint64_t address, enum model_access access)
{
    struct translated_page page;
    if (!translate(model, address, access, &page))
        return false;
    touch_line(model, page.address + (address & (page.bytes - 1)), access == ACCESS_EXECUTE);
    return true;
}

void model_touch_line(struct model *model, uint64_t physical, bool instruction)
{
    touch_line(model, physical, instruction);
}

bool model_touch(struct model *model, uint64_t address, enum model_access access)
{
    return touch(model, address, access);
}

TAGS_INLINE void access_one(struct model *model, uint64_t address, enum model_access access)
{
    struct account *account = &model->account;
    if (!touch(model, address, access))
        return;
    account->accesses++;
    if (account->accesses >= model->stream.next_access || account->cycles >= model->stream.next_cycle)
        model_stream_go(model);
}

void model_access(struct model *model, gva_t address, enum model_access access)
{
    access_one(model, address.value, access);
}

/* ---- many accesses ---- */

enum { AT_ONCE = 64 /* accesses: what they need stays near until it is used */ };

/* The host physical addresses of some accesses to come; 0: nothing is there yet. On the way their entries. */
static void look_ahead(struct model *model, const gva_t *addresses, size_t count, uint64_t *physical)
{
    struct model_domain *domain = model->now;
    struct ahead_leaf leaves[AT_ONCE];
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
}

void model_access_many(struct model *model, const gva_t *addresses, size_t count, enum model_access access)
{
    uint64_t physical[AT_ONCE];
    for (size_t some; count > 0; count -= some, addresses += some) {
        some = count < AT_ONCE ? count : AT_ONCE;
        look_ahead(model, addresses, some, physical);
        for (size_t i = 0; i < some; i++)
            caches_prefetch_victim(&model->caches, physical[i]);
        for (size_t i = 0; i < some; i++) /* reading is compiled for itself */
            if (access == ACCESS_READ)
                access_one(model, addresses[i].value, ACCESS_READ);
            else
                access_one(model, addresses[i].value, access);
    }
}

const struct account *model_account(const struct model *model)
{
    return &model->account;
}

void model_begin(struct model *model)
{
    model->account = (struct account){.accesses = 0};
    model_stream_begin(model);
}

void model_cold(struct model *model)
{
    caches_clear(&model->caches);
    tlbs_clear(&model->tlbs);
    walker_clear(&model->walker);
}
