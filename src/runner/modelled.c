#include "runner/modelled.h"

#include "base/random.h"
#include "model/overlap.h"
#include "model/pass.h"
#include "runner/chase_kind.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* Where the list stands for the guest: high enough for every level of tables to be walked. */
static const uint64_t data_at = UINT64_C(1) << 45;

/* How much is simulated: a lap to warm up and a lap that counts, but no more than these; and of few pages
 * several placements, since chance decides which of a few share a set of the caches. */
static const uint64_t warm_most = UINT64_C(1) << 22, timed_most = UINT64_C(1) << 21, timed_least = 1 << 14;
/* Quickly: enough to fill caches. With neighbours a lap is not enough, for they come by time. */
static const uint64_t quick_warm_most = 3 << 18, quick_timed_most = 1 << 17, crowded_least = 1 << 19;
static const uint64_t pages_enough = 1024, placements_most = 16;

struct modelled_run {
    struct runner runner;
    struct account account; /* of the workload that is prepared: there is no other */
};

static struct modelled_run *of(struct runner *runner)
{
    return (struct modelled_run *)runner;
}

/* ---- passes ---- */

static bool has_rates(const struct event_rates *rates)
{
    for (enum model_event event = 0; event < MODEL_EVENTS; event++)
        if (rates->of[event].rate > 0)
            return true;
    return false;
}

/* Where events come by rate, each technique goes its own way: how far it has to go is another matter. */
static struct modelled_pass *pass_of(const struct runner_config *config)
{
    const struct modelled_conditions *conditions = &config->modelled->conditions;
    return has_rates(&conditions->rates) || conditions->domains > 1 ? NULL : config->modelled->pass;
}

static void join(struct modelled_pass *pass, struct modelled_run *run)
{
    if (pass && pass->count < MODEL_PASS_MAX)
        pass->runs[pass->count++] = run;
}

static void leave(struct modelled_pass *pass, const struct modelled_run *run)
{
    for (size_t i = 0; pass && i < pass->count; i++)
        if (pass->runs[i] == run)
            pass->runs[i] = pass->runs[--pass->count];
    if (pass)
        pass->walked = false;
}

static int open(const struct runner_config *config, struct runner **runner, struct error *error)
{
    struct modelled_run *made = calloc(1, sizeof *made);
    if (!made)
        return error_set(error, ENOMEM, "no memory for a runner");
    made->runner.config = *config;
    join(pass_of(config), made);
    *runner = &made->runner;
    return 0;
}

static void close(struct runner *runner)
{
    leave(pass_of(&runner->config), of(runner));
    free(runner);
}

/* ---- a workload ---- */

static int check(const struct runner *runner, const struct workload *workload, struct error *error)
{
    if (workload->kind != &workload_chase)
        return error_set(error, ENOTSUP, "%s runs a chase alone", runner->config.name);
    const struct modelled *modelled = runner->config.modelled;
    if (modelled->machine->has_below && modelled->technique != MODEL_NATIVE)
        return error_set(error, ENOTSUP,
            "%s was itself a guest when it was measured: only what is native there can be simulated",
            modelled->machine->name);
    return 0;
}

/* The zones of a ground (model/ground.h). */
static uint64_t zone_bytes(uint64_t bytes)
{
    uint64_t zone = UINT64_C(1) << 32;
    while (zone < 2 * bytes)
        zone *= 2;
    return zone;
}

/* Scattered frames are memory of a machine that has run for a while: small pages anywhere, each side's in its
 * own order. The host
 * gives the list the very frames natively that it gives it below a guest: from a ground of the same size,
 * after one page that is there the root of the guest's tables (map()). */
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
    uint64_t bytes_max = (bytes + guest - 1) / guest * guest;
    const struct modelled_conditions *conditions = &modelled->conditions;
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
        .bytes_max = native ? 2 * zone_bytes(bytes_max) : bytes_max,
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
};

static uint64_t next_position(struct walk *walk)
{
    uint64_t *position = &walk->positions[walk->chain], now = *position;
    *position = now + 1 == walk->layout.elements ? 0 : now + 1;
    walk->chain = walk->chain + 1 == walk->layout.shape.chains ? 0 : walk->chain + 1;
    return now;
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
            addresses[i] = GVA(data_at + chase_layout_offset(&walk->layout, next_position(walk)));
        model_pass_access(&walk->pass, addresses, some, walk->access);
    }
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
    int rc = 0;
    while (rc == 0 && account->accesses < events_most &&
           ((double)account->cycles < reach.cycles || (double)account->accesses < reach.accesses))
        rc = go(walk, BATCH, error);
    if (rc == 0 && ((double)account->cycles < least.cycles || (double)account->accesses < least.accesses))
        rc = error_set(error, EINVAL,
            "of one of the --rates no event falls into what is simulated, %" PRIu64 " accesses: ask for more",
            account->accesses);
    if (rc == 0 && model_lacks_frames(walk->pass.models[0]))
        rc = error_set(error, EINVAL, "the guest has no frames left that are --fresh: ask for fewer faults");
    return rc;
}

/* A list that fits caches was written just before it is walked, in the order of its addresses: neighbours
 * have not had the time to drop it. */
static void write_list(struct walk *walk)
{
    uint64_t lines = walk->layout.bytes / CHASE_LINE_BYTES;
    for (uint64_t i = 0; lines <= crowded_least && i < lines; i++) {
        gva_t address = GVA(data_at + i * CHASE_LINE_BYTES);
        model_pass_access(&walk->pass, &address, 1, walk->access);
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

/* Whole laps where laps are short, so that every element counts alike. */
static int go_round(struct walk *walk, uint64_t placements, struct error *error)
{
    const struct laps laps = laps_of(walk, placements);
    double times = events_least / (double)placements;
    if (walk->configs[0].machine->has_neighbours)
        write_list(walk);
    int rc = go(walk, walk->configs[0].domains * laps.warm, error);
    for (size_t i = 0; i < walk->count; i++)
        model_begin(walk->pass.models[i]);
    if (rc == 0)
        rc = go(walk, laps.timed, error);
    return rc < 0 ? rc : go_on(walk, times < 1 ? 1 : times, error);
}

/* In every domain, the first one at last. */
static int map(
    struct model *model, const struct model_config *config, const struct walk *walk, struct error *error)
{
    uint64_t page = config->guest_page, bytes = (walk->layout.bytes + page - 1) / page * page;
    int rc = 0;
    for (unsigned i = config->domains; rc == 0 && i-- > 0;) {
        model_turn(model, i);
        if (config->technique == MODEL_NATIVE)
            rc = model_map(model, GVA(data_at / 2), page, walk->stop, error);
        if (rc == 0)
            rc = model_map(model, GVA(data_at), bytes, walk->stop, error);
    }
    model_begin(model);
    return rc;
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
        rc = map(walk->pass.models[i], &walk->configs[i], walk, error);
    if (rc == 0)
        rc = go_round(walk, placements, error);
    for (size_t i = 0; rc == 0 && i < walk->count; i++)
        account_add(&walk->runs[i]->account, model_account(walk->pass.models[i]));
    model_pass_close(&walk->pass);
    return rc;
}

/* By so many runners of one machine and size of host pages, in one pass. The order of the list is that of
 * placement_lay_out() with this seed. */
static int simulate(struct modelled_run *const *runs, size_t count, const struct chase_shape *shape,
    uint64_t seed, struct error *error)
{
    const struct runner_config *config = &runs[0]->runner.config;
    uint64_t random = seed;
    struct walk walk = {.runs = runs,
        .count = count,
        .layout = chase_layout_make(shape, random_next(&random)),
        .stop = config->placement->config.stop,
        .quick = config->modelled->quick,
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

/* The tables of a list take a 512th of it, in each dimension, and as much where both are combined: of this
 * many bytes in all they are too much at once. */
static const uint64_t tables_most = UINT64_C(1) << 29;

static bool are_too_much(const struct modelled_pass *pass, const struct chase_shape *shape)
{
    return shape->working_set_bytes / 512 * 3 * pass->count > tables_most;
}

static bool is_same(const struct chase_shape *a, const struct chase_shape *b)
{
    return a->working_set_bytes == b->working_set_bytes && a->element_bytes == b->element_bytes &&
           a->order == b->order && a->write == b->write && a->chains == b->chains;
}

/* By all runners that walk the same, unless that has been done already. */
static int walk_list(
    struct runner *runner, const struct chase_shape *shape, uint64_t seed, struct error *error)
{
    struct modelled_run *run = of(runner);
    struct modelled_pass *pass = pass_of(&runner->config);
    if (pass && pass->walked && pass->seed == seed && is_same(&pass->shape, shape))
        return 0;
    if (pass)
        pass->walked = false;
    if (pass && pass->count > 1 && !are_too_much(pass, shape)) {
        int rc = simulate(pass->runs, pass->count, shape, seed, error);
        pass->walked = rc == 0;
        pass->seed = seed;
        pass->shape = *shape;
        if (rc == 0 || rc == -EINTR)
            return rc;
    }
    return simulate(&run, 1, shape, seed, error); /* what fails fails alone */
}

/* What a reader should know about these figures. */
static void note(struct runner *runner, const struct chase_shape *shape, const struct account *account)
{
    const struct machine *machine = runner->config.modelled->machine;
    double ghz = machine->ghz;
    struct overlap overlap = overlap_of(account, shape->chains);
    runner->note[0] = '\0';
    if (shape->chains > 1)
        snprintf(runner->note, sizeof runner->note,
            "between %.3g ns, if all of %u accesses overlaps, and %.3g ns, if walks wait for one another",
            overlap.best / ghz, shape->chains, overlap.worst / ghz);
    else if (shape->order == CHASE_SEQUENTIAL && !machine->prefetcher_count)
        snprintf(runner->note, sizeof runner->note,
            "no prefetcher of this machine is known, which would have most of a sequential order ready");
}

/* All is done here, once: a sample is always the same. */
static int prepare(struct runner *runner, const struct workload *workload, uint64_t seed, struct error *error)
{
    struct account *account = &of(runner)->account;
    runner->workload.kind = NULL;
    runner->account = NULL;
    int rc = check(runner, workload, error);
    if (rc == 0)
        rc = walk_list(runner, chase_of(workload), seed, error);
    if (rc < 0)
        return rc;
    note(runner, chase_of(workload), account);
    runner->workload = *workload;
    runner->account = account;
    return 0;
}

/* The effort is the model's own, so that no real clock has a say in its figure. */
static int sample(
    struct runner *runner, const struct effort *effort, struct sample *sample, struct error *error)
{
    const struct account *account = &of(runner)->account;
    (void)effort;
    if (!runner->workload.kind)
        return error_set(error, EINVAL, "a sample was to be taken of no workload");
    double ghz = runner->config.modelled->machine->ghz;
    unsigned chains = chase_of(&runner->workload)->chains;
    struct overlap overlap = overlap_of(account, chains);
    *sample = (struct sample){.disturbed = DISTURBED_NOT};
    sample_set_time(sample, overlap.worst / ghz, account->accesses);
    if (chains > 1)
        sample->metrics[sample->metric_count++] =
            (struct sample_metric){"time at best", "ns", overlap.best / ghz, ""};
    counters_set(&sample->counters, "exits", account->exits);
    counters_set(&sample->counters, "page_faults", account->faults + account->hidden_faults);
    return 0;
}

static int proof(struct runner *runner, struct page_proof *proof, struct error *error)
{
    const struct modelled *modelled = runner->config.modelled;
    (void)error;
    *proof = (struct page_proof){
        .guest_bytes = runner->config.guest_page_bytes,
        .host_share_2m = runner->config.placement->config.memory.page_bytes > 4096 ? 1 : 0,
        .as_asked = true,
    };
    snprintf(proof->proof, sizeof proof->proof, "modelled: %.120s (%u), %s, with tables of these pages",
        modelled->machine->summary, modelled->machine->year, model_technique_names[modelled->technique]);
    return 0;
}

static const struct runner_ops modelled_ops = {
    .name = "model",
    .summary = "a simulated machine",
    .on_request = true,
    .deterministic = true,
    .open = open,
    .prepare = prepare,
    .sample = sample,
    .proof = proof,
    .close = close,
};

const struct machine *modelled_machine(const struct runner_config *config)
{
    return config->ops == &modelled_ops ? config->modelled->machine : NULL;
}

struct runner_config modelled_runner(
    const struct modelled *modelled, struct placement *placement, uint64_t guest_page_bytes)
{
    static const enum technique techniques[MODEL_TECHNIQUES] = {
        [MODEL_NATIVE] = TECHNIQUE_NONE,
        [MODEL_DIRECT] = TECHNIQUE_DIRECT,
        [MODEL_SHADOW] = TECHNIQUE_SHADOW,
        [MODEL_NESTED] = TECHNIQUE_NESTED,
        [MODEL_AGILE] = TECHNIQUE_AGILE,
    };
    struct runner_config config = {
        .ops = &modelled_ops,
        .placement = placement,
        .technique = techniques[modelled->technique],
        .guest_page_bytes = modelled->technique == MODEL_NATIVE ? 0 : guest_page_bytes,
        .modelled = modelled,
    };
    const char *technique = model_technique_names[modelled->technique];
    modelled_name(modelled, config.name, sizeof config.name);
    snprintf(config.label, sizeof config.label, "%.28s %s (modelled)", modelled->machine->name, technique);
    return config;
}
