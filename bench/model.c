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

enum { ROUNDS = 25, ROUNDS_MAX = 4 * ROUNDS, TURN = 1 << 17, BATCH = 1 << 12, WARM = 1 << 20, SET_WAYS = 16 };
static const char machine_name[] = "zen3-milan";
static const uint64_t working_set = 64 * MIB, data_at = UINT64_C(1) << 45;

/* What is timed. */
enum subject { FLOOR, PLAIN, NATIVE, NESTED, BOTH, SHADOW_TOO, ALL, NATIVE_SPREAD, SUBJECTS };

/* By what it is timed. */
enum timed { CPU_TIME, BY_CLOCK, CLOCKS }; /* CPU time: of all threads */
static const clockid_t clocks[CLOCKS] = {CLOCK_PROCESS_CPUTIME_ID, CLOCK_MONOTONIC};

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
    [NATIVE_SPREAD] = {1, {MODEL_NATIVE}, true},
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
    volatile uint64_t kept; /* so that nothing is left out */
    double ns[CLOCKS][SUBJECTS][ROUNDS_MAX];
    size_t rounds;
};

static double now_ns(enum timed timed)
{
    struct timespec time;
    clock_gettime(clocks[timed], &time);
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

/* It begins with as many accesses that are not timed: then each finds near what is its own, and not what
 * another one left there, which is another one from round to round. */
static void time_turn(struct bench *bench, enum subject subject)
{
    double start[CLOCKS];
    run(bench, subject, TURN);
    for (enum timed timed = 0; timed < CLOCKS; timed++)
        start[timed] = now_ns(timed);
    run(bench, subject, TURN);
    for (enum timed timed = 0; timed < CLOCKS; timed++)
        bench->ns[timed][subject][bench->rounds] = (now_ns(timed) - start[timed]) / TURN;
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

/* A time over another one; or what each technique that is added to a pass adds to it. */
static const struct row {
    const char *what;
    double target;
    enum subject of, over;
    enum timed timed;
    bool further;
} rows[] = {
    {"model, native without account, over a bare loop", 4, PLAIN, FLOOR, CPU_TIME, false},
    {"model, native with account, over a bare loop, CPU time", 4, NATIVE, FLOOR, CPU_TIME, false},
    {"model, native with account, over a bare loop, by the clock", 4, NATIVE_SPREAD, FLOOR, BY_CLOCK, false},
    {"model, nested with account, over native without", 2.2, NESTED, PLAIN, CPU_TIME, false},
    {"model, native in the pass of nested, over nested, CPU time", 0.5, BOTH, NESTED, CPU_TIME, true},
    {"model, shadow in the pass of native, over native, CPU time", 0.5, SHADOW_TOO, NATIVE, CPU_TIME, true},
    {"model, each other technique in the pass of nested, over nested, CPU time", 0.5, ALL, NESTED, CPU_TIME,
        true},
};
enum { ROWS = sizeof rows / sizeof *rows };

static struct estimate ratio_of(const struct bench *bench, const struct row *row)
{
    double ratios[ROUNDS_MAX];
    const double *of = bench->ns[row->timed][row->of], *over = bench->ns[row->timed][row->over],
                 added = (double)passes[row->of].count - (double)passes[row->over].count;
    for (size_t round = 0; round < bench->rounds; round++)
        ratios[round] = row->further ? (of[round] / over[round] - 1) / added : of[round] / over[round];
    return (row->further ? statistics_difference : statistics_estimate)(ratios, bench->rounds);
}

static const char *verdict(const struct estimate *ratio, double target)
{
    return ratio->high <= target ? "met" : ratio->low > target ? "missed" : "cannot tell";
}

static void print_row(const struct bench *bench, const struct row *row)
{
    const struct estimate ratio = ratio_of(bench, row);
    const struct model_pass *pass = &bench->passes[row->of];
    if (passes[row->of].spread && !pass->relays[0])
        printf(
            "%s\tat most %.1f\t-\t-\tskipped: this process may use one CPU alone\n", row->what, row->target);
    else
        printf("%s\tat most %.1f\t%.2f (%.2f ... %.2f)\t%zu turns of %d accesses\t%s\n", row->what,
            row->target, ratio.median, ratio.low, ratio.high, bench->rounds, TURN,
            verdict(&ratio, row->target));
}

static double median_ns(const struct bench *bench, enum subject subject)
{
    double ns[ROUNDS_MAX];
    memcpy(ns, bench->ns[CPU_TIME][subject], sizeof ns);
    return statistics_median(ns, bench->rounds);
}

static void print_speed(const struct bench *bench, const char *what, enum subject subject, double orientation)
{
    const double ns = median_ns(bench, subject);
    printf("%s\t(%.0f M/s)\t%.1f M accesses/s, %.0f ns\t%zu turns of %d accesses\t-\n", what, orientation,
        1e3 / ns, ns, bench->rounds, TURN);
}

static void print_cachegrind(const struct bench *bench, const char *self)
{
    const double hop = cachegrind_ns_per_hop(self), ratio = median_ns(bench, NESTED) / hop;
    if (isnan(ratio))
        printf("model, nested, over cachegrind\tbelow 1\t-\t-\tskipped: no valgrind here\n");
    else
        printf("model, nested, over cachegrind\tbelow 1\t%.2f, cachegrind %.0f ns a hop\t%zu turns, 2 "
               "runs\t%s\n",
            ratio, hop, bench->rounds, ratio < 1 ? "met" : "missed");
}

/* ---- all of it ---- */

/* Each in turn; in every second round the other way round. */
static void measure_rounds(struct bench *bench)
{
    for (int i = 0; i < ROUNDS; i++, bench->rounds++)
        for (int k = 0; k < SUBJECTS; k++)
            time_turn(bench, bench->rounds % 2 ? SUBJECTS - 1 - k : k);
}

/* Is each figure known to a tenth of its target? Whether it meets that has no say. */
static bool is_known(const struct bench *bench)
{
    for (size_t i = 0; i < ROWS; i++) {
        const struct estimate ratio = ratio_of(bench, &rows[i]);
        if (ratio.high - ratio.low > rows[i].target / 10)
            return false;
    }
    return true;
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
    do
        measure_rounds(&bench);
    while (bench.rounds < ROUNDS_MAX && !is_known(&bench));
    print_speed(&bench, "model, native, 64 MiB at random", NATIVE, 25);
    print_speed(&bench, "model, nested, 64 MiB at random", NESTED, 15);
    for (size_t i = 0; i < ROWS; i++)
        print_row(&bench, &rows[i]);
    print_cachegrind(&bench, argv[0]);
    return 0;
}
