#include "runner/modelled.h"

#include "base/random.h"
#include "runner/chase_kind.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* Where the list stands for the guest: high enough for every level of tables to be walked. */
static const uint64_t data_at = UINT64_C(1) << 45;

/* How much is simulated: a lap to warm up and a lap that counts, but no more than these. */
static const uint64_t warm_most = UINT64_C(1) << 22, timed_most = UINT64_C(1) << 21, timed_least = 1 << 16;

struct modelled_run {
    struct runner runner;
    struct account account; /* of the workload that is prepared: there is no other */
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

static void close(struct runner *runner)
{
    free(runner);
}

/* ---- a workload ---- */

static int check(const struct runner *runner, const struct workload *workload, struct error *error)
{
    if (workload->kind != &workload_chase)
        return error_set(error, ENOTSUP, "%s runs a chase alone", runner->config.name);
    if (chase_of(workload)->chains > 1)
        return error_set(
            error, ENOTSUP, "%s simulates one access after another, hence one chain", runner->config.name);
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

/* ---- walking ---- */

/* Where a walk of a list is. */
struct walk {
    struct model *model;
    struct chase_layout layout;
    uint64_t position; /* in the cycle, of the next access */
    const struct stop *stop;
};

enum { BATCH = 1 << 12 }; /* accesses that are known ahead */

static int go(struct walk *walk, uint64_t accesses, struct error *error)
{
    gva_t addresses[BATCH];
    for (uint64_t done = 0, some; done < accesses; done += some) {
        if (stop_asked(walk->stop))
            return error_set(error, EINTR, "%s", stop_reason(walk->stop));
        some = accesses - done < BATCH ? accesses - done : BATCH;
        for (uint64_t i = 0; i < some; i++) {
            addresses[i] = GVA(data_at + chase_layout_offset(&walk->layout, walk->position));
            walk->position = walk->position + 1 == walk->layout.elements ? 0 : walk->position + 1;
        }
        model_access_many(walk->model, addresses, some, ACCESS_READ);
    }
    return 0;
}

static uint64_t between(uint64_t least, uint64_t value, uint64_t most)
{
    return value < least ? least : value > most ? most : value;
}

/* Whole laps where laps are short, so that every element counts alike. */
static int go_round(struct walk *walk, struct account *account, struct error *error)
{
    uint64_t lap = walk->layout.elements, timed = between(timed_least, lap, timed_most);
    if (lap < timed)
        timed = timed / lap * lap;
    int rc = go(walk, between(timed_least, lap, warm_most), error);
    if (rc < 0)
        return rc;
    model_begin(walk->model);
    rc = go(walk, timed, error);
    *account = *model_account(walk->model);
    return rc;
}

/* The order of the list is that of placement_lay_out() with this seed. */
static int simulate(const struct runner *runner, const struct chase_shape *shape, uint64_t seed,
    struct account *account, struct error *error)
{
    uint64_t random = seed;
    struct walk walk = {.layout = chase_layout_make(shape, random_next(&random)),
        .stop = runner->config.placement->config.stop};
    struct model_config config = config_of(runner, walk.layout.bytes, seed);
    int rc = model_open(&config, &walk.model, error);
    if (rc < 0)
        return rc;
    rc = model_map(walk.model, GVA(data_at), config.bytes_max, walk.stop, error);
    if (rc == 0)
        rc = go_round(&walk, account, error);
    model_close(walk.model);
    return rc;
}

/* "cycles per access: data 60.2, TLBs 4.9, guest tables 20.1, host tables 11.0, other 0" */
static void say_account(const struct account *account, char *text, size_t size)
{
    static const struct {
        const char *name;
        enum bucket first, end;
    } parts[] = {
        {"data", BUCKET_DATA, BUCKET_TLB},
        {", TLBs", BUCKET_TLB, BUCKET_WALK},
        {", walks", BUCKET_WALK, BUCKET_GUEST},
        {", guest tables", BUCKET_GUEST, BUCKET_HOST},
        {", host tables", BUCKET_HOST, BUCKET_NESTED_TLB},
        {", nested TLB", BUCKET_NESTED_TLB, BUCKET_BITS},
        {", other", BUCKET_BITS, BUCKETS},
    };
    size_t used = (size_t)snprintf(text, size, "cycles per access: ");
    for (size_t i = 0; i < sizeof parts / sizeof parts[0] && used < size; i++) {
        uint64_t cycles = 0;
        for (unsigned bucket = parts[i].first; bucket < parts[i].end; bucket++)
            cycles += account->bucket[bucket];
        used += (size_t)snprintf(
            text + used, size - used, "%s %.1f", parts[i].name, (double)cycles / (double)account->accesses);
    }
}

/* All is done here, once: a sample is always the same. */
static int prepare(struct runner *runner, const struct workload *workload, uint64_t seed, struct error *error)
{
    struct account *account = &of(runner)->account;
    runner->workload.kind = NULL;
    int rc = check(runner, workload, error);
    if (rc == 0)
        rc = simulate(runner, chase_of(workload), seed, account, error);
    if (rc < 0)
        return rc;
    runner->workload = *workload;
    say_account(account, runner->note, sizeof runner->note);
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

const struct account *modelled_account(const struct runner *runner)
{
    bool is = runner->config.ops == &modelled_ops && runner->workload.kind;
    return is ? &((const struct modelled_run *)runner)->account : NULL;
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
