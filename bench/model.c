/* How fast the simulated machine is (bench/README.md): random chase over 64 MiB on a preset, by what an
 * access takes, in turns in one process, as ratios of one another; and Valgrind's cachegrind over the same
 * chase.
 *
 *   model             one line for each figure
 *   model --walk N    no more than the chase itself, N hops: what cachegrind looks at */
#include "base/random.h"
#include "base/size.h"
#include "measure/statistics.h"
#include "model/pass.h"
#include "plain_loop.h"
#include "workload/chase.h"

#include <dlfcn.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 25, TURN = 1 << 17, BATCH = 1 << 12, WARM = 1 << 20, SET_WAYS = 16 };
static const char machine_name[] = "zen3-milan";
static const uint64_t working_set = 64 * MIB, data_at = UINT64_C(1) << 45;

/* What is timed. */
enum subject {
    FLOOR,
    PLAIN,
    NATIVE,
    NESTED,
    BOTH,
    SHADOW_TOO,
    ALL,
    BOTH_SPREAD,
    SHADOW_SPREAD,
    ALL_SPREAD,
    SUBJECTS
};

/* The functions of a library that holds the same model: with an account, or without. */
struct engine {
    int (*open)(
        const struct model_config *configs, size_t count, struct model_pass *pass, struct error *error);
    int (*map)(struct model *model, gva_t from, uint64_t bytes, const struct stop *stop, struct error *error);
    void (*access)(struct model_pass *pass, const gva_t *addresses, size_t count, enum model_access access);
    void (*settle)(struct model_pass *pass);
};

/* Which techniques are simulated in one pass. */
enum { TECHNIQUES_MAX = MODEL_TECHNIQUES };
static const struct {
    size_t count;
    enum model_technique techniques[TECHNIQUES_MAX];
    bool spread; /* over all CPUs */
} passes[SUBJECTS] = {
    [PLAIN] = {1, {MODEL_NATIVE}, false},
    [NATIVE] = {1, {MODEL_NATIVE}, false},
    [NESTED] = {1, {MODEL_NESTED}, false},
    [BOTH] = {2, {MODEL_NESTED, MODEL_NATIVE}, false},
    [SHADOW_TOO] = {2, {MODEL_NATIVE, MODEL_SHADOW}, false},
    [ALL] = {MODEL_TECHNIQUES, {MODEL_NESTED, MODEL_NATIVE, MODEL_SHADOW, MODEL_DIRECT, MODEL_AGILE}, false},
    [BOTH_SPREAD] = {2, {MODEL_NESTED, MODEL_NATIVE}, true},
    [SHADOW_SPREAD] = {2, {MODEL_NATIVE, MODEL_SHADOW}, true},
    [ALL_SPREAD] = {MODEL_TECHNIQUES, {MODEL_NESTED, MODEL_NATIVE, MODEL_SHADOW, MODEL_DIRECT, MODEL_AGILE},
        true},
};

struct bench {
    struct pool pool;
    struct machine machine;
    struct chase_layout layout;
    struct engine engines[2]; /* without, with an account */
    struct model_pass passes[SUBJECTS];
    uint64_t position[SUBJECTS];
    uint32_t *tags; /* as a cache of level 3 has them */
    size_t sets;
    volatile uint64_t kept;                                 /* so that nothing is left out */
    double ns[SUBJECTS][ROUNDS], wall_ns[SUBJECTS][ROUNDS]; /* CPU time of all threads; by the clock */
};

static double now_ns(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

/* ---- what is timed ---- */

static void make_addresses(struct bench *bench, enum subject subject, gva_t *addresses)
{
    uint64_t position = bench->position[subject];
    for (int i = 0; i < BATCH; i++) {
        addresses[i] = GVA(data_at + chase_layout_offset(&bench->layout, position));
        position = position + 1 == bench->layout.elements ? 0 : position + 1;
    }
    bench->position[subject] = position;
}

/* The set that an address would be looked for in, of a cache whose tags take as much real memory. */
static uint64_t read_set(const struct bench *bench, uint64_t address)
{
    uint64_t line = address / MACHINE_LINE_BYTES, found = 0;
    const uint32_t *set = bench->tags + line % bench->sets * SET_WAYS;
    for (int way = 0; way < SET_WAYS; way++)
        found += set[way] == (uint32_t)(line / bench->sets);
    return found;
}

static void run(struct bench *bench, enum subject subject, uint64_t accesses)
{
    gva_t addresses[BATCH];
    const struct engine *engine = &bench->engines[subject != PLAIN];
    for (uint64_t done = 0; done < accesses; done += BATCH) {
        make_addresses(bench, subject, addresses);
        for (int i = 0; subject == FLOOR && i < BATCH; i++)
            bench->kept += read_set(bench, addresses[i].value);
        if (passes[subject].count)
            engine->access(&bench->passes[subject], addresses, BATCH, ACCESS_READ);
    }
    if (passes[subject].count)
        engine->settle(&bench->passes[subject]);
}

static void time_turn(struct bench *bench, enum subject subject, int round)
{
    double start = now_ns(CLOCK_PROCESS_CPUTIME_ID), wall_start = now_ns(CLOCK_MONOTONIC);
    run(bench, subject, TURN);
    bench->wall_ns[subject][round] = (now_ns(CLOCK_MONOTONIC) - wall_start) / TURN;
    bench->ns[subject][round] = (now_ns(CLOCK_PROCESS_CPUTIME_ID) - start) / TURN;
}

/* ---- making ready ---- */

static int open_subject(struct bench *bench, enum subject subject, struct error *error)
{
    const struct engine *engine = &bench->engines[subject != PLAIN];
    struct model_pass *pass = &bench->passes[subject];
    struct model_config configs[TECHNIQUES_MAX];
    size_t count = passes[subject].count;
    for (size_t i = 0; i < count; i++)
        configs[i] = (struct model_config){
            .machine = &bench->machine,
            .technique = passes[subject].techniques[i],
            .guest_page = 4 * KIB,
            .host_page = 4 * KIB,
            .guest_frames = {.order = FRAMES_SCATTERED, .seed = 1},
            .host_frames = {.order = FRAMES_SCATTERED, .seed = 2},
            .bytes_max = working_set,
            .seed = 3,
        };
    int rc = engine->open(configs, count, pass, error);
    for (size_t i = 0; rc == 0 && i < count; i++)
        if (pass->same[i] == i)
            rc = engine->map(pass->models[i], GVA(data_at), working_set, NULL, error);
    if (rc == 0 && passes[subject].spread)
        model_pass_spread(pass, 0);
    return rc;
}

/* The same sources, built so that account_charge() does nothing. */
static int load_plain(struct engine *engine, const char *path, struct error *error)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return error_set(error, ENOENT, "%s", dlerror());
    *(void **)&engine->open = dlsym(library, "model_pass_open");
    *(void **)&engine->map = dlsym(library, "model_map");
    *(void **)&engine->access = dlsym(library, "model_pass_access");
    *(void **)&engine->settle = dlsym(library, "model_pass_settle");
    return engine->open && engine->map && engine->access && engine->settle
               ? 0
               : error_set(error, ENOENT, "%s lacks a function", path);
}

static int make_tags(struct bench *bench, struct error *error)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < bench->machine.cache_count; i++)
        bytes = bench->machine.caches[i].level == 3 ? bench->machine.caches[i].bytes : bytes;
    size_t lines = bytes / MACHINE_LINE_BYTES;
    bench->sets = lines / SET_WAYS;
    bench->tags = aligned_alloc(MACHINE_LINE_BYTES, lines * sizeof *bench->tags);
    if (!bench->tags)
        return error_set(error, ENOMEM, "no memory for tags");
    for (size_t i = 0; i < lines; i++)
        bench->tags[i] = (uint32_t)random_mix(i);
    return 0;
}

static int make_ready(struct bench *bench, const char *plain, struct error *error)
{
    const struct chase_shape shape = {
        .working_set_bytes = working_set, .element_bytes = 64, .order = CHASE_RANDOM, .chains = 1};
    bench->layout = chase_layout_make(&shape, 1);
    bench->engines[1] = (struct engine){model_pass_open, model_map, model_pass_access, model_pass_settle};
    int rc = machine_find(machine_name, &bench->pool, &bench->machine, error);
    if (rc == 0 && (rc = load_plain(&bench->engines[0], plain, error)) == 0)
        rc = make_tags(bench, error);
    for (enum subject subject = 0; rc == 0 && subject < SUBJECTS; subject++)
        if (passes[subject].count)
            rc = open_subject(bench, subject, error);
    for (enum subject subject = 0; rc == 0 && subject < SUBJECTS; subject++)
        run(bench, subject, WARM);
    return rc;
}

/* ---- cachegrind ---- */

static int walk(uint64_t hops)
{
    const struct chase_shape shape = {
        .working_set_bytes = working_set, .element_bytes = 64, .order = CHASE_RANDOM, .chains = 1};
    struct chase_layout layout = chase_layout_make(&shape, 1);
    char *memory = aligned_alloc(4 * KIB, layout.bytes);
    if (!memory)
        return 1;
    chase_layout_write(&layout, memory, 0, layout.elements);
    return plain_loop(memory + chase_layout_offset(&layout, 0), hops) == NULL;
}

/* CPU time, in ns, that cachegrind takes for so many hops; NAN: it is not there, or does not work. */
static double cachegrind_ns(const char *self, uint64_t hops)
{
    char text[24];
    char *const words[] = {"valgrind", "-q", "--tool=cachegrind", "--cache-sim=yes",
        "--cachegrind-out-file=/dev/null", "--log-file=/dev/null", (char *)self, "--walk", text, NULL};
    struct rusage usage;
    pid_t child;
    int status = 1;
    snprintf(text, sizeof text, "%" PRIu64, hops);
    if (posix_spawnp(&child, words[0], NULL, NULL, words, environ) || wait4(child, &status, 0, &usage) < 0 ||
        status)
        return NAN;
    return ((double)usage.ru_utime.tv_sec + (double)usage.ru_stime.tv_sec) * 1e9 +
           ((double)usage.ru_utime.tv_usec + (double)usage.ru_stime.tv_usec) * 1e3;
}

/* What starting and laying out take is the same for both. */
static double cachegrind_ns_per_hop(const char *self)
{
    const uint64_t few = 1 << 20, more = 9 << 20;
    double least = cachegrind_ns(self, few);
    return (cachegrind_ns(self, more) - least) / (double)(more - few);
}

/* ---- rows ---- */

static const char *verdict(const struct estimate *ratio, double target)
{
    return ratio->high <= target ? "met" : ratio->low > target ? "missed" : "cannot tell";
}

/* Of two times of all rounds; or of what each of so many adds to the other one. */
static void print_ratio(const char *what, const double *ns, const double *over, size_t added, double target)
{
    double ratios[ROUNDS];
    for (int round = 0; round < ROUNDS; round++)
        ratios[round] = added ? (ns[round] / over[round] - 1) / (double)added : ns[round] / over[round];
    struct estimate ratio = statistics_estimate(ratios, ROUNDS);
    printf("%s\tat most %.1f\t%.2f (%.2f ... %.2f)\t%d turns of %d accesses\t%s\n", what, target,
        ratio.median, ratio.low, ratio.high, ROUNDS, TURN, verdict(&ratio, target));
}

/* What each further technique adds to a pass, in CPU time and by the clock. */
static void print_further(
    struct bench *bench, const char *what, enum subject one, enum subject more, enum subject spread)
{
    const size_t added = passes[more].count - passes[one].count;
    char text[128];
    snprintf(text, sizeof text, "%s, CPU time", what);
    print_ratio(text, bench->ns[more], bench->ns[one], added, 0.5);
    snprintf(text, sizeof text, "%s, by the clock", what);
    if (bench->passes[spread].lanes)
        print_ratio(text, bench->wall_ns[spread], bench->wall_ns[one], added, 0.5);
    else
        printf("%s\tat most 0.5\t-\t-\tskipped: this process may use one CPU alone\n", text);
}

static void print_speed(struct bench *bench, const char *what, enum subject subject, double orientation)
{
    double ns[ROUNDS];
    memcpy(ns, bench->ns[subject], sizeof ns);
    double median = statistics_median(ns, ROUNDS);
    printf("%s\t(%.0f M/s)\t%.1f M accesses/s, %.0f ns\t%d turns of %d accesses\t-\n", what, orientation,
        1e3 / median, median, ROUNDS, TURN);
}

static void print_cachegrind(struct bench *bench, const char *self)
{
    double ns[ROUNDS], hop = cachegrind_ns_per_hop(self);
    memcpy(ns, bench->ns[NESTED], sizeof ns);
    double ratio = statistics_median(ns, ROUNDS) / hop;
    if (isnan(ratio))
        printf("model, nested, over cachegrind\tbelow 1\t-\t-\tskipped: no valgrind here\n");
    else
        printf(
            "model, nested, over cachegrind\tbelow 1\t%.2f, cachegrind %.0f ns a hop\t%d turns, 2 runs\t%s\n",
            ratio, hop, ROUNDS, ratio < 1 ? "met" : "missed");
}

static void measure(struct bench *bench)
{
    for (int round = 0; round < ROUNDS; round++)
        for (int i = 0; i < SUBJECTS; i++) {
            enum subject subject = round % 2 ? SUBJECTS - 1 - i : i;
            time_turn(bench, subject, round);
        }
}

int main(int argc, char **argv)
{
    static struct bench bench;
    struct error error;
    if (argc == 3 && !strcmp(argv[1], "--walk"))
        return walk(strtoull(argv[2], NULL, 10));
    char plain[4096];
    snprintf(plain, sizeof plain, "%s-without-account.so", argv[0]);
    if (make_ready(&bench, plain, &error) < 0) {
        fprintf(stderr, "bench/model: %s\n", error.text);
        return 1;
    }
    measure(&bench);
    print_speed(&bench, "model, native, 64 MiB at random", NATIVE, 25);
    print_speed(&bench, "model, nested, 64 MiB at random", NESTED, 15);
    print_ratio("model, native without account, over a bare loop", bench.ns[PLAIN], bench.ns[FLOOR], 0, 4);
    print_ratio("model, native with account, over a bare loop", bench.ns[NATIVE], bench.ns[FLOOR], 0, 4);
    print_ratio("model, nested with account, over native without", bench.ns[NESTED], bench.ns[PLAIN], 0, 2.2);
    print_further(&bench, "model, native in the pass of nested, over nested", NESTED, BOTH, BOTH_SPREAD);
    print_further(
        &bench, "model, shadow in the pass of native, over native", NATIVE, SHADOW_TOO, SHADOW_SPREAD);
    print_further(
        &bench, "model, each other technique in the pass of nested, over nested", NESTED, ALL, ALL_SPREAD);
    print_cachegrind(&bench, argv[0]);
    return 0;
}
