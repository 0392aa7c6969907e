#include "model/internal.h"

#include "base/size.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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
    if (!knows_page(machine, config->guest_page) || !knows_page(machine, host)) {
        char page[SIZE_TEXT_BYTES];
        size_text(knows_page(machine, host) ? config->guest_page : host, page);
        return error_set(error, ENOTSUP, "%s has no pages of %s", machine->name, page);
    }
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

static int make_tables(
    struct page_tables *tables, struct model_ground *ground, unsigned levels, struct error *error)
{
    *tables = (struct page_tables){
        .memory = ground_tables(ground), .levels = levels, .preset = PAGE_BIT_ACCESSED | PAGE_BIT_DIRTY};
    return page_tables_init(tables, error);
}

/* What tables of three levels reach, of which a walk begins at the first table of four. */
static const uint64_t three_levels_reach = UINT64_C(1) << 39;

/* For the data and the tables of all domains, which are of one size; natively of as many guests. */
static int open_host_ground(struct model *model, struct error *error)
{
    const struct model_config *config = &model->config;
    uint64_t bytes = config->domains * 2 * ground_zone_bytes(&config->guest_frames, config->bytes_max);
    int rc = ground_init(&model->host_ground, &config->host_frames, bytes, ZONE_TABLES, error);
    return rc < 0 ? rc : ground_init(&model->host_tables, &config->host_frames, bytes, ZONE_SECOND, error);
}

static int open_host(struct model *model, struct error *error)
{
    const struct machine *machine = model->machine;
    struct model_domain *domain = model->now;
    unsigned walked = model_host_levels(machine), levels = walked < 4 ? 4 : walked;
    int rc = 0;
    if (levels > walked && ZONE_SECOND * domain->guest_ground.zone_bytes > three_levels_reach)
        rc = error_set(error, ENOTSUP, "%s walks %u levels for the host, too few for so much memory",
            machine->name, walked);
    if (rc == 0)
        rc = make_tables(&domain->guest, &domain->guest_ground, machine->levels, error);
    if (rc == 0)
        rc = make_tables(&domain->host, &model->host_tables, levels, error);
    if (rc < 0)
        return rc;
    domain->guest_walk = dimension(&domain->guest, &domain->guest_ground, &model->walker.guest_caches);
    domain->host_walk = dimension(&domain->host, &model->host_tables, &model->walker.host_caches);
    domain->host_walk.host = true;
    domain->host_walk.domain = domain->number;
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
        rc = ground_init(&domain->guest_ground, &policy, config->bytes_max, ZONE_TABLES, error);
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
    uint64_t bytes = GROUND_ZONES * model->host_ground.zone_bytes;
    model->clock.account = &model->account.cycles;
    int rc = caches_init(&model->caches, machine, bytes, seed, &model->clock, error);
    if (rc == 0)
        rc = tlbs_init(&model->tlbs, machine, seed, error);
    model->walker.caches = &model->caches;
    model->walker.account = &model->account;
    model->walker.here = &model->host_ground;
    model->prefetch.caches = &model->caches;
    model->prefetch.account = &model->account;
    model->prefetch.find = model_find_for_prefetch;
    model->prefetch.context = model;
    if (rc == 0)
        rc = prefetch_init(&model->prefetch, machine, error);
    return rc < 0 ? rc : walker_init(&model->walker, machine, seed, error);
}

int model_open(const struct model_config *config, struct model **out, struct error *error)
{
    int rc = model_check(config, error);
    struct model *model = rc == 0 ? aligned_alloc(MODEL_APART, sizeof *model) : NULL;
    if (rc < 0)
        return rc;
    if (!model)
        return error_set(error, ENOMEM, "no memory for a simulated machine");
    memset(model, 0, sizeof *model);
    model->config = *config;
    model->config.domains += config->domains == 0;
    model->machine = config->machine;
    model->stream.random = config->seed;
    model_stream_begin(model);
    rc = open_memory(model, error);
    if (rc == 0)
        rc = open_machine(model, error);
    model->calm = rc == 0 && model_is_calm(model);
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
    prefetch_free(&model->prefetch);
    ground_free(&model->host_ground);
    ground_free(&model->host_tables);
    for (unsigned i = 0; i < MODEL_DOMAINS_MAX; i++) {
        ground_free(&model->domains[i].guest_ground);
        ahead_free(&model->domains[i].ahead);
        ahead_free(&model->domains[i].host_ahead);
        free(model->domains[i].states);
        free(model->domains[i].out_of_sync);
        free(model->domains[i].nested);
    }
    free(model);
}

const struct account *model_account(const struct model *model)
{
    return &model->account;
}

void model_begin(struct model *model)
{
    model->clock.before += model->account.cycles;
    model->account = (struct account){.accesses = 0};
    model_stream_begin(model);
}

void model_cold(struct model *model)
{
    caches_clear(&model->caches);
    tlbs_clear(&model->tlbs);
    walker_clear(&model->walker);
    prefetch_clear(&model->prefetch);
}
