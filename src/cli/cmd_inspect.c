/* vcost inspect: from the options to the inspection, and its rounds. */
#include "cli/inspect_options.h"
#include "cli/interrupt.h"
#include "cli/result_outputs.h"
#include "cli/status.h"
#include "domain/probe.h"
#include "experiment/inspect.h"
#include "measure/clock.h"
#include "monitor/kvm/kvm.h"
#include "report/findings_tripped.h"
#include "report/openmetrics.h"
#include "report/progress.h"
#include "report/rounds.h"
#include "report/terminal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* What the steps of one run share. */
struct inspector {
    const struct invocation *invocation;
    const struct inspect_options *options;
    struct setting setting;
    struct output_file outputs[RESULT_OUTPUTS];
    struct output *metrics; /* opened before anything is measured, for the first time they are written */
    struct thresholds thresholds;
    struct result result;   /* of the inspection, with the rounds */
    struct findings latest; /* the inspection's, renewed by each round: what is true now */
    bool tripped;
};

/* ---- measuring ---- */

static void show_progress(void *context, double fraction, double seconds_left, const char *what)
{
    progress_update(context, fraction, seconds_left, what);
}

static int inspect(
    struct inspector *inspector, enum inspect_depth depth, struct result *result, struct error *error)
{
    const struct common_options *common = &inspector->options->common;
    struct progress_line line;
    struct inspect_experiment experiment = {
        .setting = &inspector->setting,
        .depth = depth,
        .seed = common->seed,
        .seconds = depth == INSPECT_CHEAP ? 0 : common->seconds,
        .progress = {show_progress, &line},
    };
    progress_start(&line, stderr, common->quiet, locale_is_utf8());
    int rc = experiment_inspect(&experiment, result, error);
    progress_clear(&line);
    return rc < 0
               ? rc
               : result_set_command(result, inspector->invocation->argc, inspector->invocation->argv, error);
}

/* ---- what is written after every round ---- */

/* All findings, whether this round measured them or the inspection did. */
static int write_metrics(struct inspector *inspector, const struct result *measured, struct error *error)
{
    struct result all = *measured;
    struct output *output = inspector->metrics;
    if (!inspector->options->openmetrics)
        return 0;
    int rc = findings_renew(&inspector->latest, &measured->findings, error);
    if (rc < 0 || (!output && (rc = output_open(inspector->options->openmetrics, &output, error)) < 0))
        return rc;
    inspector->metrics = NULL;
    all.findings = inspector->latest;
    if ((rc = openmetrics_write(&all, output_stream(output), error)) == 0)
        return output_commit(output, error);
    output_discard(output);
    return rc;
}

/* What the user does not want to find, told on stderr. */
static int judge(struct inspector *inspector, const struct findings *findings, struct error *error)
{
    struct tripped tripped;
    struct report_style style = style_for(stderr, inspector->options->common.color);
    int rc = thresholds_judge(&inspector->thresholds, findings, &tripped, error);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < tripped.count; i++) {
        char text[TRIPPED_TEXT_BYTES];
        tripped_sentence(&tripped.items[i], &style, text);
        fprintf(stderr, "vcost: %s\n", text);
    }
    inspector->tripped |= tripped.tripped > 0;
    tripped_free(&tripped);
    return 0;
}

static bool stdout_is_free(const struct inspector *inspector)
{
    const char *metrics = inspector->options->openmetrics;
    return !outputs_take_stdout(inspector->outputs, RESULT_OUTPUTS) && !(metrics && !strcmp(metrics, "-"));
}

/* ---- rounds ---- */

/* Sleeps until a time of clock_seconds(); false if the user wants to stop. */
static bool wait_until(double time)
{
    while (!interrupt_asked(NULL)) {
        double left = time - clock_seconds();
        if (left <= 0)
            return true;
        double nap = left < 0.1 ? left : 0.1;
        nanosleep(&(struct timespec){.tv_nsec = (long)(nap * 1e9)}, NULL);
    }
    return false;
}

static int keep_round(struct result *result, struct result *measured, struct error *error)
{
    struct result_round *rounds =
        reallocarray(result->rounds, result->round_count + 1, sizeof *result->rounds);
    if (!rounds)
        return error_set(error, ENOMEM, "no memory to keep another round");
    result->rounds = rounds;
    struct result_round *round = &rounds[result->round_count++];
    *round = (struct result_round){.findings = measured->findings};
    snprintf(round->started, sizeof round->started, "%s", measured->started);
    measured->findings = (struct findings){0};
    return 0;
}

static int one_round(struct inspector *inspector, struct error *error)
{
    struct result measured = {0};
    int rc = inspect(inspector, INSPECT_CHEAP, &measured, error);
    if (rc == 0 && measured.complete) { /* an interrupted one is no round */
        rc = write_metrics(inspector, &measured, error);
        if (rc == 0)
            rc = judge(inspector, &measured.findings, error);
        if (rc == 0)
            rc = keep_round(&inspector->result, &measured, error);
        if (rc == 0 && stdout_is_free(inspector)) {
            struct report_style style = style_for(stdout, inspector->options->common.color);
            rounds_write_line(&inspector->result, stdout, &style);
            fflush(stdout);
        }
    }
    result_free(&measured);
    return rc;
}

static int watch(struct inspector *inspector, struct error *error)
{
    const struct inspect_options *options = inspector->options;
    double next = clock_seconds();
    int rc = 0;
    for (int round = 0; rc == 0 && (options->rounds < 0 || round < options->rounds) && !inspector->tripped;
         round++) {
        if (!wait_until(next))
            break;
        rc = one_round(inspector, error);
        next += options->watch;
        if (next < clock_seconds()) /* a round that took longer moves those after it */
            next = clock_seconds();
    }
    if (rc == 0 && stdout_is_free(inspector)) {
        struct report_style style = style_for(stdout, options->common.color);
        rounds_write_drift(&inspector->result, stdout, &style);
    }
    return rc;
}

/* ---- all of it ---- */

static int report(struct inspector *inspector, struct error *error)
{
    if (!stdout_is_free(inspector))
        return 0;
    struct report_style style = style_for(stdout, inspector->options->common.color);
    style.verbose = inspector->options->verbose;
    int rc = terminal_write(&inspector->result, stdout, &style, error);
    fflush(stdout);
    return rc;
}

/* The report comes first where rounds follow: nobody waits for them to see it. */
static int inspect_and_report(struct inspector *inspector, struct error *error)
{
    const struct inspect_options *options = inspector->options;
    struct result *result = &inspector->result;
    bool watching = options->watch > 0;
    int rc = inspect(inspector, options->common.quick ? INSPECT_QUICK : INSPECT_FULL, result, error);
    if (rc == 0)
        rc = write_metrics(inspector, result, error);
    if (rc == 0)
        rc = judge(inspector, &result->findings, error);
    if (rc == 0 && watching)
        rc = report(inspector, error);
    if (rc == 0 && watching && result->complete)
        rc = watch(inspector, error);
    if (rc < 0) {
        outputs_discard(inspector->outputs, RESULT_OUTPUTS);
        return rc;
    }
    rc = outputs_write(inspector->outputs, RESULT_OUTPUTS, result, error);
    return rc < 0 || watching ? rc : report(inspector, error);
}

static int run(struct inspector *inspector, struct error *error)
{
    const struct inspect_options *options = inspector->options;
    const struct stop stop = {.asked = interrupt_asked};
    int rc = options->fail_on ? thresholds_parse(options->fail_on, &inspector->thresholds, error) : 0;
    if (rc < 0 || (rc = setting_open(&inspector->setting, options->cpu, &stop, error)) < 0)
        return rc;
    domain_probe(&monitor_kvm, &inspector->setting.facts);
    if (options->openmetrics && (rc = output_open(options->openmetrics, &inspector->metrics, error)) < 0)
        return rc;
    rc = result_outputs_open(&options->common, inspector->outputs, error);
    return rc < 0 ? rc : inspect_and_report(inspector, error);
}

int cmd_inspect_run(const struct invocation *invocation)
{
    struct inspector inspector = {.invocation = invocation, .options = invocation->options};
    struct error error;
    interrupt_catch();
    int rc = run(&inspector, &error);
    output_discard(inspector.metrics);
    findings_free(&inspector.latest);
    result_free(&inspector.result);
    setting_close(&inspector.setting);
    int status = rc < 0 ? status_failed(&error) : inspector.tripped ? STATUS_THRESHOLD : STATUS_DONE;
    interrupt_finish();
    return status;
}
