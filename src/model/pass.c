#include "model/pass.h"

#include "model/internal.h"

/* Does nothing happen beside accesses? */
static bool is_calm(const struct model_config *config)
{
    for (enum model_event event = 0; event < MODEL_EVENTS; event++)
        if (config->rates.of[event].rate > 0)
            return false;
    return !config->fresh && config->domains <= 1;
}

/* What an entry of a TLB is for. */
static uint64_t tlb_page(const struct model_config *config)
{
    bool one = config->technique == MODEL_NATIVE || config->guest_page < config->host_page;
    return one ? config->guest_page : config->host_page;
}

/* Do prefetchers put pages into TLBs, when it is time for them? */
static bool translates_ahead(const struct machine *machine)
{
    bool crosses = false;
    for (size_t i = 0; i < machine->prefetcher_count; i++)
        crosses |= machine->prefetchers[i].crosses;
    return crosses;
}

static bool finds_alike(const struct model_config *leader, const struct model_config *follower)
{
    return follower->technique != MODEL_NESTED && !translates_ahead(leader->machine) && is_calm(leader) &&
           is_calm(follower) && tlb_page(leader) == tlb_page(follower) &&
           model_leaf_level(leader) == model_leaf_level(follower);
}

int model_pass_open(
    const struct model_config *configs, size_t count, struct model_pass *pass, struct error *error)
{
    int rc = 0;
    *pass = (struct model_pass){.count = count};
    for (size_t i = 0; rc == 0 && i < count; i++) {
        size_t leader = 0;
        while (leader < i && (pass->leaders[leader] != leader || !finds_alike(&configs[leader], &configs[i])))
            leader++;
        pass->leaders[i] = leader;
        rc = model_open(&configs[i], &pass->models[i], error);
    }
    if (rc < 0)
        model_pass_close(pass);
    return rc;
}

void model_pass_close(struct model_pass *pass)
{
    for (size_t i = 0; i < pass->count; i++)
        model_close(pass->models[i]);
    pass->count = 0;
}

void model_pass_access(
    struct model_pass *pass, const gva_t *addresses, size_t count, enum model_access access)
{
    struct model_found found[MODEL_PASS_MAX][MODEL_AT_ONCE];
    for (size_t some; count > 0; count -= some, addresses += some) {
        some = count < MODEL_AT_ONCE ? count : MODEL_AT_ONCE;
        for (size_t i = 0; i < pass->count; i++)
            if (pass->leaders[i] == i)
                model_lead(pass->models[i], addresses, some, access, found[i]);
            else
                model_follow(pass->models[i], addresses, some, access, found[pass->leaders[i]]);
    }
}
