/* vcost chase: from the options to the experiment, and from the result to where it is wanted. */
#include "cli/chase_setup.h"
#include "cli/interrupt.h"
#include "cli/result_outputs.h"
#include "cli/status.h"
#include "experiment/chase.h"
#include "experiment/reaches.h"
#include "report/progress.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Time budgets that keep the default under a minute and --quick under ten seconds. */
static const double default_seconds = 45, quick_seconds = 7;
static const double default_sample_seconds = 0.02, quick_sample_seconds = 0.01;

/* --quick promises its time also where the machine is slow or loaded: its samples may become this short. */
static const double quick_shortest_seconds = 0.002;

static void show_progress(void *context, double fraction, double seconds_left, const char *what)
{
    progress_update(context, fraction, seconds_left, what);
}

/* Whose time budget it is: the user's is kept to the letter. */
static struct chase_experiment experiment_from(
    const struct chase_options *options, const struct setting *setting)
{
    const struct common_options *common = &options->common;
    bool strict = common->seconds > 0;
    return (struct chase_experiment){
        .sites = setting->sites,
        .site_count = setting->site_count,
        .seed = common->seed,
        .sample_seconds = common->quick ? quick_sample_seconds : default_sample_seconds,
        .shortest_sample_seconds = common->quick ? quick_shortest_seconds : 0,
        .pilot_rounds = common->quick ? 2 : 4,
        .seconds = strict          ? common->seconds
                   : common->quick ? quick_seconds
                                   : default_seconds,
        .strict = strict,
        .stop = setting->stop,
    };
}

static int measure(const struct chase_options *options, const struct setting *setting, struct result *result,
    struct error *error)
{
    struct chase_experiment experiment = experiment_from(options, setting);
    struct progress_line line;
    struct chase_shape *shapes = NULL;
    int rc = chase_setup_shapes(options, &shapes, &experiment.shape_count, error);
    if (rc < 0)
        return rc;
    experiment.shapes = shapes;
    experiment.progress = (struct chase_progress){show_progress, &line};
    progress_start(&line, stderr, options->common.quiet, locale_is_utf8());
    rc = experiment_chase(&experiment, result, error);
    progress_clear(&line);
    free(shapes);
    return rc;
}

static bool has_agent(const struct result *result, const char *name)
{
    for (size_t i = 0; i < result->agent_count; i++)
        if (!strcmp(result->agents[i].monitor, name))
            return true;
    return false;
}

static int add_agents(const struct setting *setting, struct result *result, struct error *error)
{
    result->agent_count = 0;
    result->agents = calloc(SETTING_SITES_MAX, sizeof *result->agents);
    if (!result->agents)
        return error_set(error, ENOMEM, "no memory for what the agents told");
    for (size_t i = 0; i < setting->site_count; i++) {
        const struct site *site = setting->sites[i];
        const struct agent_facts *facts = remote_site_facts(site);
        if (facts && !has_agent(result, site->lanes[0].name))
            result->agents[result->agent_count++] =
                (struct result_agent){pool_text(&result->pool, site->lanes[0].name),
                    pool_text(&result->pool, remote_site_command(site)), *facts};
    }
    return 0;
}

/* What the experiment does not know about its own result. */
static int complete_result(const struct invocation *invocation, const struct setting *setting,
    struct result *result, struct error *error)
{
    result->cpu = setting->pin.cpu;
    result->tsc_ghz = setting->clock.ticks_per_ns;
    result_set_monitor(result, &setting->facts);
    int rc = result_set_command(result, invocation->argc, invocation->argv, error);
    if (rc < 0 || (rc = add_agents(setting, result, error)) < 0 || (rc = host_look(&result->host, error)) < 0)
        return rc;
    return experiment_find_reaches(result, error);
}

static int measure_and_report(
    const struct invocation *invocation, const struct setting *setting, struct error *error)
{
    const struct chase_options *options = invocation->options;
    struct output_file outputs[RESULT_OUTPUTS];
    struct result result = {0};
    int rc = result_outputs_open(&options->common, outputs, error);
    if (rc < 0)
        return rc;
    if ((rc = measure(options, setting, &result, error)) == 0)
        rc = complete_result(invocation, setting, &result, error);
    if (rc == 0)
        rc = result_outputs_write(&options->common, outputs, &result, error);
    else
        outputs_discard(outputs, RESULT_OUTPUTS);
    if (rc == 0 && result.broken)
        rc = error_set(error, EIO, "%s", result.incomplete_reason);
    result_free(&result);
    return rc;
}

int cmd_chase_run(const struct invocation *invocation)
{
    const struct chase_options *options = invocation->options;
    const struct stop stop = {.asked = interrupt_asked};
    struct setting setting = {0};
    struct error error;
    interrupt_catch();
    int rc = setting_open(&setting, options->cpu, &stop, &error);
    if (rc == 0)
        rc = chase_setup_sites(options, &setting, &error);
    if (rc == 0)
        rc = measure_and_report(invocation, &setting, &error);
    setting_close(&setting);
    int status = rc < 0 ? status_failed(&error) : STATUS_DONE;
    interrupt_finish();
    return status;
}
