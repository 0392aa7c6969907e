#include "model/pass.h"

#include "model/internal.h"
#include "model/lanes.h"
#include "model/relay.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>

/* Accesses of one model before another one's turn, so that what it needs does not come near in vain. */
enum { MODEL_PASS_TURN = 1024 };

/* With which pages native paging walks the same tables, those in the same frames (model.h); 0: with none, for
 * where the guest has a page is in one of the host's that is larger. */
static uint64_t native_page(const struct model_config *config)
{
    bool none = config->technique != MODEL_NATIVE && config->guest_page < config->host_page;
    return none ? 0 : model_tlb_page(config);
}

/* Of those that walk in one dimension. */
static bool have_pages_alike(const struct model_config *a, const struct model_config *b)
{
    uint64_t page = native_page(a);
    return page == native_page(b) &&
           (page || (a->guest_page == b->guest_page && a->host_page == b->host_page));
}

static bool is_simulated_alike(const struct model_config *a, const struct model_config *b)
{
    return a->technique != MODEL_NESTED && b->technique != MODEL_NESTED && model_config_is_calm(a) &&
           model_config_is_calm(b) && a->machine == b->machine && a->bytes_max == b->bytes_max &&
           a->seed == b->seed && have_pages_alike(a, b) &&
           frame_policies_are_alike(&a->guest_frames, &b->guest_frames) &&
           frame_policies_are_alike(&a->host_frames, &b->host_frames);
}

static size_t same_as(const struct model_config *configs, size_t which)
{
    size_t first = 0;
    while (first < which && !is_simulated_alike(&configs[first], &configs[which]))
        first++;
    return first;
}

static bool finds_alike(const struct model_config *leader, const struct model_config *follower)
{
    return follower->technique != MODEL_NESTED && model_config_is_calm(leader) &&
           model_config_is_calm(follower) && !model_translates_ahead(leader->machine) &&
           model_tlb_page(leader) == model_tlb_page(follower) &&
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

/* What it is asked for it may lack, though another one has all it needs. */
static int open_one(const struct model_config *config, struct model_pass *pass, size_t i, struct error *error)
{
    if (pass->same[i] != i) {
        pass->models[i] = pass->models[pass->same[i]];
        return model_check(config, error);
    }
    pass->found[i] = calloc(PASS_BATCH, sizeof *pass->found[i]);
    return pass->found[i] ? model_open(config, &pass->models[i], error)
                          : error_set(error, ENOMEM, "no memory for a simulated machine");
}

int model_pass_open(
    const struct model_config *configs, size_t count, struct model_pass *pass, struct error *error)
{
    int rc = 0;
    *pass = (struct model_pass){.count = count};
    for (size_t i = 0; rc == 0 && i < count; i++) {
        pass->same[i] = same_as(configs, i);
        pass->leaders[i] = leader_of(configs, count, pass->same[i]);
        rc = open_one(&configs[i], pass, i, error);
    }
    if (rc < 0)
        model_pass_close(pass);
    return rc;
}

/* All threads but the caller's end. */
static void gather(struct model_pass *pass)
{
    lanes_close(pass->lanes);
    pass->lanes = NULL;
    for (size_t i = 0; i < pass->count; i++) {
        relay_close(pass->relays[i]);
        pass->relays[i] = NULL;
    }
}

void model_pass_close(struct model_pass *pass)
{
    gather(pass);
    for (size_t i = 0; i < pass->count; i++) {
        if (pass->same[i] == i)
            model_close(pass->models[i]);
        free(pass->found[i]);
    }
    pass->count = 0;
}

void pass_make(const struct model_pass *pass, const struct pass_part *part, const gva_t *addresses,
    size_t count, enum model_access access, struct model_found *const *found)
{
    for (size_t done = 0, some; done < count; done += some) {
        some = count - done < MODEL_PASS_TURN ? count - done : MODEL_PASS_TURN;
        for (size_t i = 0; i < part->count; i++) {
            size_t model = part->models[i], leader = pass->leaders[model];
            struct relay *relay = pass->relays[model];
            if (relay)
                relay_lead(relay, addresses + done, some, access, found[leader] + done);
            else
                (leader == model ? model_lead : model_follow)(
                    pass->models[model], addresses + done, some, access, found[leader] + done);
        }
    }
}

/* All of it, each model once, those that lead first. */
static struct pass_part whole(const struct model_pass *pass)
{
    struct pass_part part = {.count = 0};
    for (int leads = 1; leads >= 0; leads--)
        for (size_t i = 0; i < pass->count; i++)
            if (pass->same[i] == i && (pass->leaders[i] == i) == leads)
                part.models[part.count++] = i;
    return part;
}

void model_pass_access(
    struct model_pass *pass, const gva_t *addresses, size_t count, enum model_access access)
{
    const struct pass_part part = whole(pass);
    for (size_t some; count > 0; count -= some, addresses += some) {
        some = count < PASS_BATCH ? count : PASS_BATCH;
        if (pass->lanes)
            lanes_give(pass->lanes, addresses, some, access);
        else
            pass_make(pass, &part, addresses, some, access, pass->found);
    }
}

/* CPUs that this thread may run on; those past CPU_SETSIZE do not count. */
static unsigned cpus(void)
{
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) < 0 ? 1 : (unsigned)CPU_COUNT(&set);
}

/* Each model of those that lead, the first ones first, is two threads', as far as there are more than models.
 */
static void relay(struct model_pass *pass, unsigned threads)
{
    const struct pass_part part = whole(pass);
    size_t left = threads > part.count ? threads - part.count : 0;
    for (size_t i = 0; i < part.count && left > 0; i++) {
        size_t model = part.models[i];
        if (pass->leaders[model] == model)
            pass->relays[model] = relay_open(pass->models[model]);
        left -= pass->relays[model] != NULL;
    }
}

void model_pass_spread(struct model_pass *pass, unsigned threads)
{
    threads = threads ? threads : cpus();
    gather(pass);
    relay(pass, threads);
    pass->lanes = lanes_open(pass, threads);
}

void model_pass_settle(struct model_pass *pass)
{
    if (pass->lanes)
        lanes_settle(pass->lanes);
    for (size_t i = 0; i < pass->count; i++)
        relay_settle(pass->relays[i]);
}
