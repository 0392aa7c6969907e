/* vcost inspect: from the options to the inspection, its thresholds, its metrics and its rounds. */
#include "cli/inspect_options.h"
#include "cli/interrupt.h"
#include "cli/measure.h"
#include "cli/status.h"
#include "experiment/inspect.h"
#include "measure/clock.h"
#include "report/openmetrics.h"
#include "report/views.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

/* What the steps of one run share, besides the session. */
struct inspector {
    const struct inspect_options *options;
    struct output *metrics; /* opened before anything is measured, for the first time they are written */
    struct thresholds thresholds;
    struct findings latest; /* the inspection's, renewed by each round: what is true now */
    bool in_round;
};

static int plan(struct session *session, struct error *error)
{
    struct inspector *inspector = session->own;
    const struct inspect_options *options = inspector->options;
    int rc = options->fail_on ? thresholds_parse(options->fail_on, &inspector->thresholds, error) : 0;
    if (rc == 0 && options->openmetrics)
        rc = output_open(options->openmetrics, &inspector->metrics, error);
    if (rc == 0 && inspector->metrics && output_stream(inspector->metrics) == stdout)
        session->outputs.stdout_is_taken = true;
    return rc;
}

static int measure(
    struct session *session, const struct progress *progress, struct result *result, struct error *error)
{
    struct inspector *inspector = session->own;
    struct budget budget = measure_budget(session);
    struct inspect_experiment experiment = {
        .setting = &session->setting,
        .depth = inspector->in_round ? INSPECT_CHEAP
                 : budget.quick      ? INSPECT_QUICK
                                     : INSPECT_FULL,
        .seed = budget.seed,
        .seconds = inspector->in_round ? 0 : budget.seconds,
        .spent = budget.spent,
        .progress = *progress,
    };
    return experiment_inspect(&experiment, result, error);
}

/* ---- what is done after every round ---- */

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

/* What the user does not want to find, told on stderr. A round looks at a part of it. */
static int judge(struct session *session, const struct findings *findings, struct error *error)
{
    struct inspector *inspector = session->own;
    struct tripped tripped;
    struct pool pool = {.newest = NULL};
    int rc = thresholds_judge(&inspector->thresholds, findings, &tripped, error);
    session->wrong_usage = rc == -EINVAL;
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < tripped.count; i++) {
        const struct tripping *item = &tripped.items[i];
        if (!item->finding && inspector->in_round)
            continue;
        status_warn(tripped_phrase(item, &pool));
        session->passed |= !item->unknown || inspector->options->fail_on_unknown;
    }
    pool_free(&pool);
    tripped_free(&tripped);
    return 0;
}

static int use(struct session *session, const struct result *measured, struct error *error)
{
    int rc = write_metrics(session->own, measured, error);
    return rc < 0 ? rc : judge(session, &measured->findings, error);
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

/* Shows what `make` says of the result so far, unless stdout is for something else. */
static int show(struct session *session, void (*make)(const struct result *result, struct document *document),
    struct error *error)
{
    struct document document = {.title = NULL};
    if (session->outputs.stdout_is_taken)
        return 0;
    make(&session->result, &document);
    int rc = show_document(&document, &session->options->output, error);
    document_free(&document);
    fflush(stdout);
    return rc;
}

static int one_round(struct session *session, struct error *error)
{
    struct result measured = {.round_count = 0};
    int rc = measure_result(session, &measured, error);
    if (rc == 0 && measured.complete) { /* an interrupted one is no round */
        if ((rc = use(session, &measured, error)) == 0)
            rc = keep_round(&session->result, &measured, error);
        if (rc == 0 && session->result.round_count == 1 && !session->outputs.stdout_is_taken)
            fputc('\n', stdout);
        if (rc == 0)
            rc = show(session, view_round, error);
    }
    result_free(&measured);
    return rc;
}

static int watch(struct session *session, const struct inspect_options *options, struct error *error)
{
    double next = clock_seconds();
    int rc = 0;
    for (int round = 0; rc == 0 && (options->rounds < 0 || round < options->rounds) && !session->passed;
         round++) {
        if (!wait_until(next))
            break;
        rc = one_round(session, error);
        next += options->watch;
        if (next < clock_seconds()) /* a round that took longer moves those after it */
            next = clock_seconds();
    }
    return rc < 0 ? rc : show(session, view_drift, error);
}

/* The report comes first where rounds follow: nobody waits for them to see it. */
static int follow(struct session *session, struct error *error)
{
    struct inspector *inspector = session->own;
    int rc = use(session, &session->result, error);
    if (rc < 0 || !(inspector->options->watch > 0))
        return rc;
    rc = measure_show(session, error);
    fflush(stdout);
    inspector->in_round = true;
    return rc == 0 && session->result.complete ? watch(session, inspector->options, error) : rc;
}

static void end(struct session *session)
{
    struct inspector *inspector = session->own;
    output_discard(inspector->metrics);
    findings_free(&inspector->latest);
}

static void view(const struct session *session, struct document *document)
{
    view_inspect(&session->result, document);
}

int cmd_inspect_run(const struct invocation *invocation)
{
    struct inspector inspector = {.options = invocation->options};
    const struct measured how = {
        .also_tells = true, .plan = plan, .measure = measure, .follow = follow, .view = view, .end = end};
    return measure_run(invocation, &how, &inspector);
}
