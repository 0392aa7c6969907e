#include "runner/modelled.h"

#include "base/random.h"
#include "runner/chase_kind.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Where the list stands for the guest: high enough for every level of tables to be walked. */
static const uint64_t data_at = UINT64_C(1) << 45;

/* How much is simulated: a lap to warm up and a lap that counts, but no more than these. */
static const uint64_t warm_most = UINT64_C(1) << 22, timed_most = UINT64_C(1) << 21, timed_least = 1 << 16;
enum { STOP_EVERY = 1 << 14 }; /* accesses */

struct modelled_run {
    struct runner runner;
    struct model *model;
    struct chase_layout layout;
    uint64_t position; /* in the cycle, of the next access */
    bool done;         /* account is there: there is no other */
    struct account account;
};

static struct modelled_run *of(struct runner *runner)
{
    return (struct modelled_run *)runner;
}

static int open(const struct runner_config *config, struct runner **runner, struct error *error)
{
    struct modelled_run *made = calloc(1, sizeof *made);
    if (!made)
        return error_set(error, ENOMEM, "no memory for a runner");
    made->runner.config = *config;
    *runner = &made->runner;
    return 0;
}

static void forget(struct modelled_run *run)
{
    model_close(run->model);
    run->model = NULL;
    run->done = false;
    run->runner.workload.kind = NULL;
}

static void close(struct runner *runner)
{
    forget(of(runner));
    free(runner);
}

/* ---- a workload ---- */

static int check(const struct runner *runner, const struct workload *workload, struct error *error)
{
    if (workload->kind != &workload_chase)
        return error_set(error, ENOTSUP, "%s runs a chase alone", runner->config.name);
    if (chase_of(workload)->chains > 1)
        return error_set(error, ENOTSUP, "%s simulates one access after another, hence one chain",
            runner->config.name);
    if (chase_of(workload)->write)
        return error_set(error, ENOTSUP, "%s does not simulate what writing costs yet", runner->config.name);
    return 0;
}

/* Memory of a machine that has run for a while: small pages anywhere, each side's in its own order. */
static struct model_config config_of(const struct runner *runner, uint64_t bytes, uint64_t seed)
{
    const struct modelled *modelled = runner->config.modelled;
    uint64_t host = runner->config.placement->config.memory.page_bytes;
    uint64_t guest = modelled->technique == MODEL_NATIVE ? host : runner->config.guest_page_bytes;
    return (struct model_config){
        .machine = modelled->machine,
        .technique = modelled->technique,
        .guest_page = guest,
        .host_page = host,
        .guest_frames = {.order = FRAMES_SCATTERED, .seed = random_mix(seed)},
        .host_frames = {.order = FRAMES_SCATTERED, .seed = random_mix(seed + 1)},
        .hypothetical = modelled->hypothetical,
        .bytes_max = (bytes + guest - 1) / guest * guest,
        .seed = seed,
    };
}

/* The order of the list is that of placement_lay_out() with this seed. */
static int prepare(struct runner *runner, const struct workload *workload, uint64_t seed, struct error *error)
{
    struct modelled_run *run = of(runner);
    uint64_t random = seed;
    int rc = check(runner, workload, error);
    if (rc < 0)
        return rc;
    forget(run);
    run->layout = chase_layout_make(chase_of(workload), random_next(&random));
    struct model_config config = config_of(runner, run->layout.bytes, seed);
    rc = model_open(&config, &run->model, error);
    if (rc == 0)
        rc = model_map(
            run->model, GVA(data_at), config.bytes_max, runner->config.placement->config.stop, error);
    if (rc < 0)
        return rc;
    run->position = 0;
    runner->workload = *workload;
    return 0;
}

/* ---- walking ---- */

static int walk(struct modelled_run *run, uint64_t accesses, struct error *error)
{
    for (uint64_t i = 0; i < accesses; i++) {
        if (i % STOP_EVERY == 0 && stop_asked(run->runner.config.placement->config.stop))
            return error_set(error, EINTR, "stopped while a chase was simulated");
        model_access(run->model, GVA(data_at + chase_layout_offset(&run->layout, run->position)), ACCESS_READ);
        run->position = run->position + 1 == run->layout.elements ? 0 : run->position + 1;
    }
    return 0;
}

static uint64_t between(uint64_t least, uint64_t value, uint64_t most)
{
    return value < least ? least : value > most ? most : value;
}

/* Whole laps where laps are short, so that every element counts alike. */
static int simulate(struct modelled_run *run, struct error *error)
{
    uint64_t lap = run->layout.elements, timed = between(timed_least, lap, timed_most);
    if (lap < timed)
        timed = timed / lap * lap;
    int rc = walk(run, between(timed_least, lap, warm_most), error);
    if (rc == 0) {
        model_begin(run->model);
        rc = walk(run, timed, error);
    }
    run->account = *model_account(run->model);
    run->done = rc == 0;
    return rc;
}

/* The effort is the model's own, so that no real clock has a say in its figure. */
static int sample(
    struct runner *runner, const struct effort *effort, struct sample *sample, struct error *error)
{
    struct modelled_run *run = of(runner);
    int rc = 0;
    (void)effort;
    if (!run->model)
        return error_set(error, EINVAL, "a sample was to be taken of no workload");
    if (!run->done && (rc = simulate(run, error)) < 0)
        return rc;
    const struct account *account = &run->account;
    *sample = (struct sample){.disturbed = DISTURBED_NOT};
    sample_set_time(sample,
        (double)account->cycles / (double)account->accesses / runner->config.modelled->machine->ghz,
        account->accesses);
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
    snprintf(config.name, sizeof config.name, "model:%.30s:%s", modelled->machine->name, technique);
    snprintf(config.label, sizeof config.label, "%.28s %s (modelled)", modelled->machine->name, technique);
    return config;
}
