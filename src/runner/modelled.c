#include "runner/modelled_walk.h"

#include "model/overlap.h"
#include "runner/chase_kind.h"
#include "runner/modelled_laps.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

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

/* Where events come by rate or by the list, each technique goes its own way. */
static struct modelled_pass *pass_of(const struct runner_config *config)
{
    const struct modelled_conditions *conditions = &config->modelled->conditions;
    bool alone = has_rates(&conditions->rates) || conditions->domains > 1 || modelled_has_laps(conditions);
    return alone ? NULL : config->modelled->pass;
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
        int rc = modelled_walk(pass->runs, pass->count, shape, seed, error);
        pass->walked = rc == 0;
        pass->seed = seed;
        pass->shape = *shape;
        if (rc == 0 || rc == -EINTR)
            return rc;
    }
    return modelled_walk(&run, 1, shape, seed, error); /* what fails fails alone */
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
