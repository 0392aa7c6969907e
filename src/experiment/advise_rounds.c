/* Runs of a program as it is and under remedies, in turns. */
#include "experiment/advise_internal.h"

#include "base/random.h"
#include "experiment/internal.h"
#include "measure/clock.h"
#include "runner/program_kind.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

/* The start of a stack differs by what stands in the environment, and times with it. */
enum { PADDING_MOST = 4096, PADDING_STEP = 16 };

/* A figure takes at least so long: of what ends sooner several runs make one. */
static const double figure_seconds = 0.02;
enum { BATCH_MOST = 32 };

double advise_seconds_left(const struct advising *advising)
{
    return advising->plan->budget_seconds - (clock_seconds() - advising->began);
}

void advise_tell(const struct advising *advising, const char *what)
{
    const struct progress *progress = advising->progress;
    double left = fmax(advise_seconds_left(advising), 0);
    if (progress && progress->tell)
        progress->tell(progress->context, 1 - left / advising->plan->budget_seconds, left, what);
}

/* ---- cells ---- */

static int add_cell(struct advising *advising, struct variant *variant, struct error *error)
{
    struct result *result = advising->result;
    struct result_cell *grown = reallocarray(result->cells, result->cell_count + 1, sizeof *grown);
    if (!grown)
        return error_set(error, ENOMEM, "no memory for what is measured");
    const char *name = variant->part_count ? pool_text(&result->pool, variant->told.name) : "none";
    struct result_cell *cell = &grown[result->cell_count];
    *cell = (struct result_cell){
        .cell = {.monitor = "native", .workload = program_workload(&workload_advised, name)},
        .label = "native",
        .pages = {.as_asked = true, .host_share_2m = NAN, .proof = "those that the program asks for"},
        .median = NAN,
        .low = NAN,
        .high = NAN,
        .min = NAN,
        .quality = QUALITY_MISSING};
    cell_id(&cell->cell, cell->id);
    variant->told.cell = pool_text(&result->pool, cell->id);
    variant->cell = result->cell_count++;
    result->cells = grown;
    return 0;
}

static int keep_sample(
    struct advising *advising, const struct variant *variant, double value, size_t group, struct error *error)
{
    if (variant->cell == SIZE_MAX)
        return 0;
    const struct result_sample sample = {
        .ns = value, .round = (unsigned)group, .placement = advising->rounds};
    if (figures_add_sample(&advising->result->cells[variant->cell], &sample))
        return error_set(error, ENOMEM, "no memory for what is measured");
    return 0;
}

void advise_forget_samples(struct advising *advising, struct variant *variant)
{
    variant->log_count = variant->wanted = 0;
    if (variant->cell != SIZE_MAX)
        advising->result->cells[variant->cell].sample_count = 0;
}

int advise_figures(struct advising *advising, struct error *error)
{
    struct result *result = advising->result;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < result->cell_count; i++)
        rc = analyse_cell(&result->cells[i], result->cells[i].placements, "", error);
    for (size_t i = 1; rc == 0 && i < result->cell_count; i++)
        rc = analyse_comparison(result, i, 0, true, error);
    return rc;
}

/* ---- first runs ---- */

/* Of the time, that is computed by what waits for something. */
static const double waits_most = 0.1;

/* `again`: it went well before, so that something may be left of that. */
static int usual_is_wrong(const struct advising *advising, const struct tried *tried, const char *wrong,
    bool again, struct error *error)
{
    bool server = advising->plan->server != NULL;
    char hint[80] = "";
    if (tried->end.timed_out && tried->end.cpu_seconds < waits_most * tried->end.seconds)
        return error_set(error, ETIMEDOUT,
            "the %s %.60s, half of the budget, and hardly computed: it waits, as for input (--stdin FILE), "
            "for a "
            "terminal, which it does not get, or for users (--server)",
            server ? "server" : "program", wrong);
    if (tried->end.timed_out)
        return error_set(error, ETIMEDOUT,
            "the program %.60s, half of the budget: give it less to do, or --budget at least %d times what "
            "one run takes",
            wrong, 12);
    if (again)
        snprintf(hint, sizeof hint, "; --prepare CMD undoes what a run leaves behind");
    else if (advising->reads_nothing)
        snprintf(hint, sizeof hint, "; it reads its input, which is empty: --stdin FILE gives it some");
    else if (!server && WIFEXITED(tried->end.status) && tried->end.status)
        snprintf(hint, sizeof hint, "; if that is as it should be, give --status %d",
            WEXITSTATUS(tried->end.status));
    return error_set(error, ECANCELED, "as it is, the %s %s%.240s%s", server ? "server" : "program",
        again ? "went well once, and then " : "", wrong, hint);
}

/* Whether it computes all the time that it is let, in one thread: it hardly ever gives its CPU up by itself.
 * What others take of it, hypervisors too, does not count. */
static bool computes(const struct run_end *end, const struct looks *looks)
{
    static const double waits_least = 20, waits_second = 20, nearly = 0.9;
    double kept = isfinite(end->kept_seconds) ? end->kept_seconds : 0;
    return looks->threads <= 1 && (double)end->waits <= waits_least + waits_second * end->cpu_seconds &&
           end->cpu_seconds * nearly <= end->seconds - kept;
}

/* What makes a run something else than what its user means, told before time is spent on it. */
static void tell_odd(const struct advising *advising)
{
    const struct advise_plan *plan = advising->plan;
    const struct left *left = &advising->bench.usual.left;
    char text[320];
    if (!plan->tell || plan->server)
        return;
    if (left->count) {
        snprintf(text, sizeof text,
            "the program has ended and left %s running%s; that is ended each time, and not measured: a "
            "server is to stay in the foreground, and is tried by --server",
            left->name, left->count > 1 ? ", and others" : "");
        plan->tell(text);
    }
    if (advising->reads_nothing)
        plan->tell("the program reads its standard input, and there is nothing in it: --stdin FILE gives it "
                   "something to read");
}

int advise_try_usual(struct advising *advising, struct error *error)
{
    struct bench *bench = &advising->bench;
    struct variant *usual = &advising->usual;
    struct tried again = {.value = 0};
    char wrong[WRONG_BYTES];
    advise_tell(advising, "the program as it is");
    empty_input_forget(&bench->empty);
    int rc = bench_try(bench, usual, 0, true, &bench->usual, wrong, error);
    advising->reads_nothing = !advising->plan->input && empty_input_was_read(&bench->empty);
    if (rc == 0 && !wrong[0]) {
        tell_odd(advising);
        double seconds = bench->usual.end.seconds;
        if (seconds < figure_seconds && !advising->plan->server)
            bench->batch =
                seconds * BATCH_MOST < figure_seconds ? BATCH_MOST : (unsigned)(figure_seconds / seconds) + 1;
        rc = bench_try(bench, usual, 0, false, &again, wrong, error);
    } else if (rc == 0) {
        return usual_is_wrong(advising, &bench->usual, wrong, false, error);
    }
    if (rc == 0 && wrong[0])
        return usual_is_wrong(advising, &again, wrong, true, error);
    if (rc < 0)
        return rc;
    bench->same_output = again.end.out_digest == bench->usual.end.out_digest &&
                         again.end.out_bytes == bench->usual.end.out_bytes;
    bench->by_cpu |= advising->plan->by == BY_CHOICE && !bench->has_metric && !advising->plan->server &&
                     computes(&again.end, &bench->usual.looks);
    bench->here.peak_bytes = bench->usual.end.peak_bytes;
    usual->seconds = again.seconds;
    /* Whatever takes ten times as long, and seconds, hangs. */
    double hangs = 10 * again.seconds / bench->batch + 5;
    bench->run_seconds_most = hangs < bench->run_seconds_most ? hangs : bench->run_seconds_most;
    bench_prove(bench, usual, &bench->usual);
    return add_cell(advising, usual, error);
}

static void is_out(struct variant *variant, const char *wrong)
{
    variant->told.state = ADVISED_OUT;
    snprintf(variant->told.reason, sizeof variant->told.reason, "with it the program %.240s", wrong);
}

int advise_try_first(struct advising *advising, struct variant *variant, struct error *error)
{
    struct tried tried;
    char wrong[WRONG_BYTES];
    advise_tell(advising, variant->told.name);
    int rc = bench_try(&advising->bench, variant, 0, true, &tried, wrong, error);
    if (rc == -EINTR || rc == -ENOMEM)
        return rc;
    if (rc < 0 && stop_asked(advising->bench.stop))
        return error_set(error, EINTR, "%s", stop_reason(advising->bench.stop));
    if (rc < 0 || wrong[0])
        is_out(variant, rc < 0 ? error->text : wrong);
    else
        bench_prove(&advising->bench, variant, &tried);
    variant->seconds = tried.seconds;
    return advise_is_left(variant) ? add_cell(advising, variant, error) : 0;
}

/* ---- rounds ---- */

/* In a round that so many came before. */
static bool takes_part(const struct variant *variant, size_t before)
{
    return advise_is_left(variant) && (!variant->wanted || before < variant->wanted);
}

double advise_round_seconds(
    const struct advising *advising, struct variant *const *chosen, size_t count, size_t before)
{
    double seconds = 0;
    size_t left = 0;
    for (size_t i = 0; i < count; i++)
        if (takes_part(chosen[i], before)) {
            seconds += chosen[i]->seconds;
            left++;
        }
    size_t groups = (left + 1) / 2;
    return seconds + (double)groups * advising->usual.seconds;
}

unsigned advise_rounds_within(double seconds, double round, unsigned least, unsigned most)
{
    double rounds = round > 0 ? floor(seconds / round) : most;
    return rounds >= most ? most : rounds <= least ? least : (unsigned)rounds;
}

static int run(
    struct advising *advising, struct variant *variant, size_t padding, double *value, struct error *error)
{
    struct tried tried;
    char wrong[WRONG_BYTES];
    int rc = bench_try(&advising->bench, variant, padding, false, &tried, wrong, error);
    if (rc < 0)
        return rc;
    if (wrong[0] && !variant->part_count)
        return usual_is_wrong(advising, &tried, wrong, true, error);
    if (wrong[0])
        is_out(variant, wrong);
    *value = wrong[0] ? NAN : tried.value;
    if (!wrong[0]) {
        variant->cpu_seconds += tried.end.cpu_seconds;
        variant->told.use.cpu_seconds = variant->cpu_seconds / (double)++variant->runs;
    }
    return 0;
}

/* Two share the run without that is between them. `order` turned around in every other round. */
static int run_group(struct advising *advising, struct variant *const *pair, size_t count, bool backwards,
    size_t padding, size_t group, struct error *error)
{
    struct variant *sequence[3] = {pair[0], &advising->usual, count > 1 ? pair[1] : NULL};
    double values[3] = {NAN, NAN, NAN};
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < 3; i++) {
        size_t at = backwards ? 2 - i : i;
        if (sequence[at] && !stop_asked(advising->bench.stop))
            rc = run(advising, sequence[at], padding, &values[at], error);
    }
    if (rc == 0 && stop_asked(advising->bench.stop))
        rc = error_set(error, EINTR, "%s", stop_reason(advising->bench.stop));
    if (rc < 0)
        return rc;
    rc = keep_sample(advising, &advising->usual, values[1], group, error);
    for (size_t i = 0; rc == 0 && i < 3; i += 2) {
        struct variant *variant = sequence[i];
        if (!variant || !isfinite(values[i]) || variant->log_count == DECIDE_ROUNDS_MAX)
            continue;
        variant->logs[variant->log_count++] = log(values[i] / values[1]);
        rc = keep_sample(advising, variant, values[i], group, error);
    }
    return rc;
}

int advise_rounds(struct advising *advising, struct variant *const *chosen, size_t count, unsigned rounds,
    const char *what, struct error *error)
{
    struct variant *left[VARIANTS_MAX];
    size_t order[VARIANTS_MAX] = {0};
    int rc = 0;
    for (unsigned round = 0; rc == 0 && round < rounds; round++) {
        size_t padding =
                   (size_t)random_below(&advising->random, PADDING_MOST / PADDING_STEP) * PADDING_STEP + 1,
               n = 0;
        if (round % 2 == 0) /* each order is gone through there and back */
            random_order(&advising->random, order, count);
        for (size_t i = 0; i < count; i++)
            if (takes_part(chosen[order[i]], chosen[order[i]]->log_count))
                left[n++] = chosen[order[i]];
        if (!n)
            break;
        for (size_t i = 0; rc == 0 && i < n; i += 2) {
            size_t at = round % 2 ? (n - 1) / 2 * 2 - i : i;
            advise_tell(advising, what);
            rc = run_group(advising, left + at, n - at < 2 ? 1 : 2, round % 2, padding, at / 2, error);
        }
        advising->rounds++;
    }
    return rc;
}
