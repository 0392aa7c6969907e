#include "experiment/advise_try.h"

#include "base/clean.h"
#include "base/size.h"
#include "measure/clock.h"
#include "program/shell.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

/* ---- open ---- */

static int compile_metric(struct bench *bench, const char *expression, struct error *error)
{
    char why[128];
    int code = regcomp(&bench->metric, expression, REG_EXTENDED | REG_NEWLINE);
    if (code) {
        regerror(code, &bench->metric, why, sizeof why);
        return error_set(error, EINVAL, "--metric: \"%.100s\" is no regular expression: %s", expression, why);
    }
    bench->has_metric = true;
    if (bench->metric.re_nsub != 1)
        return error_set(error, EINVAL,
            "--metric: \"%.100s\" should have one group in parentheses, around the number", expression);
    return 0;
}

int bench_open(
    struct bench *bench, const struct advise_plan *plan, const struct setting *setting, struct error *error)
{
    struct error why;
    bench->plan = plan;
    bench->stop = &setting->stop;
    bench->batch = 1;
    bench->by_cpu = plan->by == BY_CPU_TIME;
    bench->run_seconds_most = plan->budget_seconds / 2;
    empty_input_open(&bench->empty);
    bench->input = plan->input ? plan->input : bench->empty.path;
    bench->here = (struct surroundings){.library = bench->library,
        .why_no_library = bench->why_no_library,
        .report = bench->report.path,
        .executable = &bench->executable,
        .idlest = setting->pin.cpu};
    if (setting->pin.before)
        memcpy(&bench->here.cpus, setting->pin.before,
            setting->pin.bytes < sizeof bench->here.cpus ? setting->pin.bytes : sizeof bench->here.cpus);
    surroundings_find_node(&bench->here);
    if (library_find(bench->library, &why) < 0) {
        bench->library[0] = '\0';
        snprintf(bench->why_no_library, sizeof bench->why_no_library, "%s", why.text);
    }
    bench->executable.dynamic = true;
    int rc = plan->metric ? compile_metric(bench, plan->metric, error) : 0;
    bench->words = plan->server ? bench_server_words(plan->server, &bench->pool) : plan->words;
    if (rc == 0 && bench->pool.failed)
        rc = error_set(error, ENOMEM, "no memory for the words of a server");
    if (rc == 0 && bench->words)
        rc = executable_look(bench->words[0], &bench->executable, error);
    return rc == 0 && bench->words ? library_report_open(&bench->report, error) : rc;
}

void bench_close(struct bench *bench)
{
    if (bench->has_metric)
        regfree(&bench->metric);
    library_report_close(&bench->report);
    empty_input_close(&bench->empty);
    pool_free(&bench->pool);
}

/* ---- one run ---- */

enum { KEPT_BYTES = 64 << 10 };

/* The last match in what the program wrote. */
static bool find_metric(const struct bench *bench, const char *text, double *value)
{
    regmatch_t match[2];
    bool found = false;
    for (const char *at = text; regexec(&bench->metric, at, 2, match, at == text ? 0 : REG_NOTBOL) == 0;) {
        char *end;
        double number = match[1].rm_so < 0 ? NAN : strtod(at + match[1].rm_so, &end);
        if (match[1].rm_so >= 0 && end > at + match[1].rm_so && isfinite(number)) {
            *value = number;
            found = true;
        }
        if (match[0].rm_eo == 0)
            break;
        at += match[0].rm_eo;
    }
    return found && *value > 0;
}

int bench_shell(const struct bench *bench, const char *command, const char *option, struct error *error)
{
    const struct run_limits limits = {.seconds = bench->plan->budget_seconds, .stop = bench->stop};
    return shell_run(command, option, &bench->here.cpus, &limits, error);
}

void bench_judge_end(const struct run_end *end, int status, char wrong[static WRONG_BYTES])
{
    char how[RUN_STATUS_BYTES], said[120];
    run_status_text(end->status, how);
    text_said(end->said, strlen(end->said), said, sizeof said);
    if (end->timed_out)
        snprintf(wrong, WRONG_BYTES, "had not ended after %.3g s", end->seconds);
    else if (!WIFEXITED(end->status) || WEXITSTATUS(end->status) != status)
        snprintf(wrong, WRONG_BYTES, "%s%s%s", how, said[0] ? " and said: " : "", said);
}

/* Against the program as it is, once that is known. */
static void judge_output(const struct bench *bench, const struct run_end *end, char wrong[static WRONG_BYTES])
{
    const struct run_end *usual = &bench->usual.end;
    if (!bench->same_output || (end->out_digest == usual->out_digest && end->out_bytes == usual->out_bytes))
        return;
    if (end->out_bytes != usual->out_bytes)
        snprintf(wrong, WRONG_BYTES, "wrote %" PRIu64 " bytes, and not %" PRIu64, end->out_bytes,
            usual->out_bytes);
    else
        snprintf(wrong, WRONG_BYTES, "wrote something else");
}

static int run_once(struct bench *bench, const struct conditions *conditions, const struct watcher *watcher,
    struct tried *tried, char wrong[static WRONG_BYTES], struct error *error)
{
    static char kept[KEPT_BYTES];
    const struct program program = {.words = bench->words, .input = bench->input};
    const struct run_limits limits = {.seconds = bench->run_seconds_most,
        .stop = bench->stop,
        .watcher = watcher,
        .left = &tried->left,
        .kept = bench->has_metric ? kept : NULL,
        .kept_bytes = sizeof kept - 1};
    const struct advise_plan *plan = bench->plan;
    const struct run_limits around = {.seconds = plan->budget_seconds, .stop = bench->stop};
    int rc = bench_shell(bench, plan->prepare, "--prepare", error);
    if (rc == 0 && plan->server)
        rc = bench_serve(bench, conditions, watcher, kept, sizeof kept - 1, tried, wrong, error);
    else if (rc == 0 && (rc = program_run(&program, conditions, &limits, &tried->end, error)) == 0)
        bench_judge_end(&tried->end, plan->status, wrong);
    int cleaned = shell_clean(plan->cleanup, &bench->here.cpus, &around, rc < 0 ? NULL : error);
    rc = rc < 0 ? rc : cleaned;
    if (rc < 0)
        return rc;
    tried->value += (bench->by_cpu ? tried->end.cpu_seconds : tried->end.seconds) * 1e9;
    if (!bench->has_metric || wrong[0])
        return 0;
    kept[tried->end.kept_length] = '\0';
    if (find_metric(bench, kept, &tried->value))
        tried->value = 1e9 * (bench->plan->metric_less ? tried->value : 1 / tried->value);
    else
        snprintf(wrong, WRONG_BYTES, "wrote nothing that --metric finds a number above 0 in");
    return 0;
}

const char *variant_library(const struct variant *variant)
{
    for (size_t i = 0; i < variant->part_count; i++)
        if (variant->parts[i]->proof == PROOF_LIBRARY)
            return variant->parts[i]->preload;
    return NULL;
}

int bench_try(struct bench *bench, const struct variant *variant, size_t padding, bool look,
    struct tried *tried, char wrong[static WRONG_BYTES], struct error *error)
{
    struct tried made = {.value = 0};
    struct conditions conditions = variant->conditions;
    double began = clock_seconds();
    made.looks.wanted = variant_library(variant);
    const struct watcher watcher = looks_watcher(&made.looks);
    conditions.padding = padding;
    if (!conditions.bound)
        conditions.cpus = bench->here.cpus;
    wrong[0] = '\0';
    memset(bench->report.counts, 0, sizeof *bench->report.counts);
    unsigned runs = bench->has_metric ? 1 : bench->batch;
    for (unsigned i = 0; i < runs && !wrong[0]; i++) {
        int rc = run_once(bench, &conditions, look ? &watcher : NULL, &made, wrong, error);
        if (rc < 0)
            return rc;
    }
    made.value /= runs;
    made.seconds = clock_seconds() - began;
    made.counts = *bench->report.counts;
    if (!wrong[0])
        judge_output(bench, &made.end, wrong);
    *tried = made;
    return 0;
}
