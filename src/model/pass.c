#include "model/pass.h"

#include "model/internal.h"

#include <errno.h>
#include <stdlib.h>

/* Accesses of one model before another one's turn, so that what it needs does not come near in vain. */
enum { MODEL_PASS_TURN = 1024 };

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

/* One that walks in two dimensions has most to do anyway, and is the first choice. */
static size_t leader_of(const struct model_config *configs, size_t count, size_t follower)
{
    for (size_t i = 0; i < count; i++)
        if (configs[i].technique == MODEL_NESTED && finds_alike(&configs[i], &configs[follower]))
            return i;
    for (size_t i = 0; i < follower; i++)
        if (configs[i].technique != MODEL_NESTED && finds_alike(&configs[i], &configs[follower]))
            return i;
    return follower;
}

int model_pass_open(
    const struct model_config *configs, size_t count, struct model_pass *pass, struct error *error)
{
    int rc = 0;
    *pass = (struct model_pass){.count = count};
    for (size_t i = 0; rc == 0 && i < count; i++) {
        pass->leaders[i] = leader_of(configs, count, i);
        pass->found[i] = calloc(MODEL_PASS_TURN, sizeof *pass->found[i]);
        rc = pass->found[i] ? model_open(&configs[i], &pass->models[i], error)
                            : error_set(error, ENOMEM, "no memory for a simulated machine");
    }
    if (rc < 0)
        model_pass_close(pass);
    return rc;
}

void model_pass_close(struct model_pass *pass)
{
    for (size_t i = 0; i < pass->count; i++) {
        model_close(pass->models[i]);
        free(pass->found[i]);
    }
    pass->count = 0;
}

void model_pass_access(
    struct model_pass *pass, const gva_t *addresses, size_t count, enum model_access access)
{
    for (size_t some; count > 0; count -= some, addresses += some) {
        some = count < MODEL_PASS_TURN ? count : MODEL_PASS_TURN;
        for (size_t i = 0; i < pass->count; i++)
            if (pass->leaders[i] == i)
                model_lead(pass->models[i], addresses, some, access, pass->found[i]);
        for (size_t i = 0; i < pass->count; i++)
            if (pass->leaders[i] != i)
                model_follow(pass->models[i], addresses, some, access, pass->found[pass->leaders[i]]);
    }
}
