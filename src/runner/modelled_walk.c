/* A list is walked on simulated machines. */
#include "runner/modelled_walk.h"

#include "base/random.h"
#include "runner/modelled_laps.h"

#include <errno.h>
#include <inttypes.h>

/* How much is simulated: a lap to warm up and a lap that counts, but no more than these; and of few pages
 * several placements, since chance decides which of a few share a set of the caches. */
static const uint64_t warm_most = UINT64_C(1) << 22, timed_most = UINT64_C(1) << 21, timed_least = 1 << 14;
/* Quickly: enough to fill caches. With neighbours a lap is not enough, for they come by time. */
static const uint64_t quick_warm_most = 3 << 18, quick_timed_most = 1 << 17, crowded_least = 1 << 19;
static const uint64_t pages_enough = 1024, placements_most = 16;

/* Scattered frames are memory of a machine that has run for a while: small pages anywhere, each side's in its
 * own order. The host gives the list the very frames natively that it gives it below a guest (model.h). */
static struct model_config config_of(const struct runner *runner, uint64_t bytes, uint64_t seed)
{
    const struct modelled *modelled = runner->config.modelled;
    const struct machine *machine = modelled->machine;
    uint64_t host = runner->config.placement->config.memory.page_bytes;
    uint64_t guest = runner->config.guest_page_bytes;
    bool native = modelled->technique == MODEL_NATIVE, is_guest = native && machine->has_below;
    if (native)
        guest = host;
    if (is_guest) { /* it was one when it was measured: what is native there is nested */
        host = machine->below.page;
        native = false;
    }
    const struct modelled_conditions *conditions = &modelled->conditions;
    uint64_t bytes_max = conditions->processes * ((bytes + guest - 1) / guest * guest);
    struct frame_policy policy = {.order = conditions->frames, .fragmented = conditions->fragmented},
                        below = policy;
    policy.seed = random_mix(seed);
    below.seed = random_mix(seed + 1);
    below.node = conditions->node;
    below.told = conditions->told || native;
    if (is_guest)
        policy = (struct frame_policy){
            .order = FRAMES_FRAGMENTED, .fragmented = machine->below.fragmented / 100.0, .seed = policy.seed};
    return (struct model_config){
        .machine = modelled->machine,
        .technique = is_guest ? MODEL_NESTED : modelled->technique,
        .guest_page = guest,
        .host_page = host,
        .guest_frames = policy,
        .host_frames = below,
        .sync_write = conditions->sync_write,
        .fresh = conditions->fresh,
        .domains = conditions->domains,
        .rates = conditions->rates,
        .hypothetical = modelled->hypothetical,
        .bytes_max = bytes_max,
        .seed = seed,
    };
}

/* ---- walking ---- */

/* Where a walk of a list is, by all that take part. */
struct walk {
    struct modelled_run *const *runs;
    size_t count;
    struct model_config configs[MODEL_PASS_MAX]; /* of each, in one placement */
    struct model_pass pass;
    struct chase_layout layout;
    uint64_t positions[CHASE_CHAINS_MAX]; /* of each chain in the cycle */
    unsigned chain;                       /* whose access is next: they take turns */
    const struct stop *stop;
    enum model_access access;
    bool quick;
    struct modelled_laps laps; /* begun if anything happens from lap to lap: of one that walks alone */
};

static uint64_t next_position(struct walk *walk)
{
    uint64_t *position = &walk->positions[walk->chain], now = *position;
    *position = now + 1 == walk->layout.elements ? 0 : now + 1;
    walk->chain = walk->chain + 1 == walk->layout.shape.chains ? 0 : walk->chain + 1;
    return now;
}

static gva_t list_at(uint64_t offset)
{
    return GVA(modelled_list_at(0).value + offset);
}

enum { BATCH = 1 << 12 }; /* accesses that are known ahead */

static int go(struct walk *walk, uint64_t accesses, struct error *error)
{
    gva_t addresses[BATCH];
    for (uint64_t done = 0, some; done < accesses; done += some) {
        if (stop_asked(walk->stop))
            return error_set(error, EINTR, "%s", stop_reason(walk->stop));
        some = accesses - done < BATCH ? accesses - done : BATCH;
        for (uint64_t i = 0; i < some; i++)
            addresses[i] = list_at(chase_layout_offset(&walk->layout, next_position(walk)));
        if (walk->laps.model)
            modelled_laps_go(&walk->laps, addresses, some, walk->access);
        else
            model_pass_access(&walk->pass, addresses, some, walk->access);
    }
    model_pass_settle(&walk->pass);
    return 0;
}

static uint64_t between(uint64_t least, uint64_t value, uint64_t most)
{
    return value < least ? least : value > most ? most : value;
}

/* How far a walk has to go for each event to come so often, but no more than these accesses. */
static const double events_least = 16;
static const uint64_t events_most = UINT64_C(1) << 24;

struct reach {
    double accesses, cycles;
};

/* Of the rarest events, `times` periods. */
static struct reach reach_of(const struct model_config *config, double times)
{
    struct reach reach = {0, 0};
    for (enum model_event event = 0; event < MODEL_EVENTS; event++) {
        const struct event_rate *rate = &config->rates.of[event];
        double *least = rate->per_second ? &reach.cycles : &reach.accesses;
        double needed = times * (rate->per_second ? config->machine->ghz * 1e9 : 1e6) / rate->rate;
        if (rate->rate > 0 && needed > *least)
            *least = needed;
    }
    return reach;
}

/* On, until every event has come `times` times: of one that walks alone, if there are any. */
static int go_on(struct walk *walk, double times, struct error *error)
{
    const struct model_config *config = &walk->configs[0];
    const struct account *account = model_account(walk->pass.models[0]);
    const struct reach reach = reach_of(config, times), least = reach_of(config, 0.5);
    const bool reachable = least.accesses <= (double)events_most;
    int rc = 0;
    while (rc == 0 && reachable && account->accesses < events_most &&
           ((double)account->cycles < reach.cycles || (double)account->accesses < reach.accesses))
        rc = go(walk, BATCH, error);
    if (rc == 0 && ((double)account->cycles < least.cycles || (double)account->accesses < least.accesses))
        rc = error_set(error, EINVAL,
            "of one of the --rates no event falls into what is simulated, %" PRIu64 " accesses: ask for more",
            events_most);
    if (rc == 0 && model_lacks_frames(walk->pass.models[0]))
        rc = error_set(error, EINVAL, "the guest has no frames left that are --fresh: ask for fewer faults");
    return rc;
}

/* A list that fits caches was written just before it is walked, in the order of its addresses: neighbours
 * have not had the time to drop it. */
static void write_list(struct walk *walk)
{
    uint64_t lines = walk->layout.bytes / CHASE_LINE_BYTES;
    gva_t addresses[BATCH];
    for (uint64_t done = 0, some; lines <= crowded_least && done < lines; done += some) {
        some = lines - done < BATCH ? lines - done : BATCH;
        for (uint64_t i = 0; i < some; i++)
            addresses[i] = list_at((done + i) * CHASE_LINE_BYTES);
        model_pass_access(&walk->pass, addresses, some, walk->access);
    }
}

/* How many accesses warm up and how many count. */
struct laps {
    uint64_t warm, timed;
};

static struct laps laps_of(const struct walk *walk, uint64_t placements)
{
    uint64_t lap = walk->layout.elements, least = timed_least / placements;
    struct laps laps = {between(least, lap, walk->quick ? quick_warm_most : warm_most),
        between(least, lap, walk->quick ? quick_timed_most : timed_most)};
    if (lap < laps.timed)
        laps.timed = laps.timed / lap * lap;
    if (walk->configs[0].machine->has_neighbours && laps.warm < crowded_least / placements)
        laps.warm = crowded_least / placements;
    return laps;
}

/* Whole laps where laps are short, so that every element counts alike; one of each process. */
static int go_round(struct walk *walk, uint64_t placements, struct error *error)
{
    const struct laps laps = laps_of(walk, placements);
    double times = events_least / (double)placements;
    if (walk->configs[0].machine->has_neighbours)
        write_list(walk);
    unsigned processes = walk->laps.model ? walk->laps.processes : 1;
    int rc = go(walk, walk->configs[0].domains * processes * laps.warm, error);
    for (size_t i = 0; i < walk->count; i++)
        model_begin(walk->pass.models[i]);
    if (rc == 0)
        rc = go(walk, processes * laps.timed, error);
    return rc < 0 ? rc : go_on(walk, times < 1 ? 1 : times, error);
}

/* In every domain, the first one at last; and in it for each process. */
static int map(
    struct model *model, const struct model_config *config, const struct walk *walk, struct error *error)
{
    uint64_t page = config->guest_page, bytes = (walk->layout.bytes + page - 1) / page * page;
    unsigned processes = walk->runs[0]->runner.config.modelled->conditions.processes;
    int rc = 0;
    for (unsigned i = config->domains; rc == 0 && i-- > 0;) {
        if (i != model_domain(model)) /* which takes its time, in which neighbours come */
            model_turn(model, i);
        for (unsigned process = processes; rc == 0 && process-- > 0;)
            rc = model_map(model, modelled_list_at(process), bytes, walk->stop, error);
    }
    model_begin(model);
    return rc;
}

static int begin_laps(struct walk *walk, struct error *error)
{
    const struct modelled_conditions *conditions = &walk->runs[0]->runner.config.modelled->conditions;
    if (!modelled_has_laps(conditions))
        return 0;
    return modelled_laps_begin(&walk->laps, walk->pass.models[0], conditions, &walk->layout,
        walk->configs[0].guest_page, timed_most, error);
}

static int simulate_placement(struct walk *walk, uint64_t seed, uint64_t placements, struct error *error)
{
    walk->chain = 0;
    for (unsigned chain = 0; chain < walk->layout.shape.chains; chain++)
        walk->positions[chain] = chase_layout_start(&walk->layout, chain);
    for (size_t i = 0; i < walk->count; i++)
        walk->configs[i] = config_of(&walk->runs[i]->runner, walk->layout.bytes, seed);
    int rc = model_pass_open(walk->configs, walk->count, &walk->pass, error);
    if (rc < 0)
        return rc;
    for (size_t i = 0; rc == 0 && i < walk->count; i++)
        if (walk->pass.same[i] == i)
            rc = map(walk->pass.models[i], &walk->configs[i], walk, error);
    model_pass_spread(&walk->pass, 0);
    if (rc == 0)
        rc = begin_laps(walk, error);
    if (rc == 0)
        rc = go_round(walk, placements, error);
    for (size_t i = 0; rc == 0 && i < walk->count; i++)
        account_add(&walk->runs[i]->account, model_account(walk->pass.models[i]));
    model_pass_close(&walk->pass);
    modelled_laps_end(&walk->laps);
    return rc;
}

int modelled_walk(struct modelled_run *const *runs, size_t count, const struct chase_shape *shape,
    uint64_t seed, struct error *error)
{
    const struct runner_config *config = &runs[0]->runner.config;
    bool whole_laps = modelled_has_laps(&config->modelled->conditions);
    uint64_t random = seed;
    struct walk walk = {.runs = runs,
        .count = count,
        .layout = chase_layout_make(shape, random_next(&random)),
        .stop = config->placement->config.stop,
        .quick = config->modelled->quick && !whole_laps,
        .access = config->modelled->conditions.code ? ACCESS_EXECUTE
                  : shape->write                    ? ACCESS_WRITE
                                                    : ACCESS_READ};
    uint64_t pages = walk.layout.bytes / config->placement->config.memory.page_bytes + 1;
    uint64_t placements = between(1, pages_enough / pages, placements_most);
    int rc = 0;
    for (size_t i = 0; i < count; i++)
        runs[i]->account = (struct account){.accesses = 0};
    for (uint64_t i = 0; rc == 0 && i < placements; i++)
        rc = simulate_placement(&walk, seed + 2 * i, placements, error);
    return rc;
}
