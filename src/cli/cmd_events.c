/* vcost events: from the options to the experiment, and from the result to where it is wanted. */
#include "cli/events_options.h"
#include "cli/interrupt.h"
#include "cli/result_outputs.h"
#include "cli/status.h"
#include "domain/probe.h"
#include "experiment/events.h"
#include "experiment/setting.h"
#include "monitor/kvm/kvm.h"
#include "report/explain.h"
#include "report/progress.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { EVENTS_MAX = 256 };

static const double default_seconds = 50, quick_seconds = 7;
static const double default_sample_seconds = 0.003, quick_sample_seconds = 0.001;

static bool wanted(const struct events_options *options, const char *name)
{
    for (size_t i = 0; i < options->on.count; i++)
        if (!strcmp(options->on.names[i], name))
            return true;
    return options->on.count == 0;
}

static int find_places(const struct events_options *options, struct setting *setting, struct event_hold *hold,
    struct event_place places[EVENTS_PLACES_MAX], size_t *count, struct error *error)
{
    domain_probe(&monitor_kvm, &setting->facts);
    if (!setting->facts.usable && options->on.count && wanted(options, "kvm"))
        return error_set(error, ENOTSUP, "kvm cannot be used: %s", setting->facts.reason);
    for (size_t i = 0; runner_at(i); i++) {
        const struct runner_type *type = runner_at(i);
        if (wanted(options, type->name) && (!type->monitor || setting->facts.usable))
            places[(*count)++] = (struct event_place){
                .type = type,
                .facts = type->monitor ? &setting->facts : NULL,
                .image = &setting->image,
                .clock = &setting->clock,
                .other_cpu = pin_other(&setting->pin),
                .cpu = setting->pin.cpu,
                .stop = &setting->stop,
                .hold = hold,
            };
    }
    return 0;
}

static bool chosen(const struct invocation *invocation, const struct event *event)
{
    for (size_t i = 0; i < invocation->operand_count; i++)
        if (!strcmp(invocation->operands[i], event->name) ||
            !strcmp(invocation->operands[i], event_group_name(event->group)))
            return true;
    return invocation->operand_count == 0;
}

static void show_progress(void *context, double fraction, double seconds_left, const char *what)
{
    progress_update(context, fraction, seconds_left, what);
}

static int measure(
    const struct invocation *invocation, struct setting *setting, struct result *result, struct error *error)
{
    const struct events_options *options = invocation->options;
    const struct common_options *common = &options->common;
    const struct event *events[EVENTS_MAX];
    struct event_place places[EVENTS_PLACES_MAX];
    struct event_hold hold = {.count = 0};
    struct progress_line line;
    bool strict = common->seconds > 0;
    struct events_experiment experiment = {
        .events = events,
        .places = places,
        .seed = common->seed,
        .sample_seconds = common->quick ? quick_sample_seconds : default_sample_seconds,
        .rounds = common->quick ? 2 : 4,
        .seconds = strict          ? common->seconds
                   : common->quick ? quick_seconds
                                   : default_seconds,
        .strict = strict,
        .stop = setting->stop,
        .progress = {show_progress, &line},
    };
    int rc = find_places(options, setting, &hold, places, &experiment.place_count, error);
    if (rc < 0)
        return rc;
    for (size_t i = 0; event_at(i) && experiment.event_count < EVENTS_MAX; i++)
        if (chosen(invocation, event_at(i)))
            events[experiment.event_count++] = event_at(i);
    progress_start(&line, stderr, common->quiet, locale_is_utf8());
    rc = experiment_events(&experiment, result, error);
    progress_clear(&line);
    event_hold_release(&hold);
    return rc;
}

/* What the experiment does not know about its own result. */
static int complete_result(const struct invocation *invocation, const struct setting *setting,
    struct result *result, struct error *error)
{
    result->cpu = setting->pin.cpu;
    result->tsc_ghz = setting->clock.ticks_per_ns;
    result_set_monitor(result, &setting->facts);
    int rc = result_set_command(result, invocation->argc, invocation->argv, error);
    return rc < 0 ? rc : host_look(&result->host, error);
}

static int report(const struct events_options *options, struct output_file *outputs, struct result *result,
    struct error *error)
{
    int rc = result_outputs_write(&options->common, outputs, result, error);
    if (rc == 0 && options->context && !outputs_take_stdout(outputs, RESULT_OUTPUTS)) {
        struct report_style style = style_for(stdout, options->common.color);
        fputc('\n', stdout);
        published_write(NULL, stdout, &style);
    }
    return rc;
}

static int measure_and_report(
    const struct invocation *invocation, struct setting *setting, struct error *error)
{
    const struct events_options *options = invocation->options;
    struct output_file outputs[RESULT_OUTPUTS];
    struct result result = {0};
    int rc = result_outputs_open(&options->common, outputs, error);
    if (rc < 0)
        return rc;
    if ((rc = measure(invocation, setting, &result, error)) == 0)
        rc = complete_result(invocation, setting, &result, error);
    if (rc == 0)
        rc = report(options, outputs, &result, error);
    else
        outputs_discard(outputs, RESULT_OUTPUTS);
    result_free(&result);
    return rc;
}

static int run(const struct invocation *invocation, struct error *error)
{
    const struct events_options *options = invocation->options;
    const struct stop stop = {.asked = interrupt_asked};
    struct setting setting = {0};
    interrupt_catch();
    int rc = setting_open(&setting, options->cpu, &stop, error);
    if (rc == 0)
        rc = measure_and_report(invocation, &setting, error);
    setting_close(&setting);
    return rc;
}

int cmd_events_run(const struct invocation *invocation)
{
    const struct events_options *options = invocation->options;
    struct error error;
    if (options->explain.count) {
        struct report_style style = style_for(stdout, options->common.color);
        for (size_t i = 0; i < options->explain.count; i++)
            explain_write(event_at(options->explain.indices[i]), stdout, &style);
        return STATUS_DONE;
    }
    int rc = run(invocation, &error);
    int status = rc < 0 ? status_failed(&error) : STATUS_DONE;
    interrupt_finish();
    return status;
}
