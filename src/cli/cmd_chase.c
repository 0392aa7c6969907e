/* vcost chase: from the options to the experiment, and from the result to where it is wanted. */
#include "cli/chase_setup.h"
#include "cli/fold.h"
#include "cli/interrupt.h"
#include "cli/status.h"
#include "experiment/chase.h"
#include "report/csv.h"
#include "report/json.h"
#include "report/output.h"
#include "report/picture.h"
#include "report/progress.h"
#include "report/terminal.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

/* Time budgets that keep the default under a minute and --quick under ten seconds. */
static const double default_seconds = 50, quick_seconds = 8;
static const double default_sample_seconds = 0.02, quick_sample_seconds = 0.01;

/* ---- outputs ---- */

struct outputs {
    struct output *json, *csv, *picture;
};

static int open_one(const char *path, struct output **output, struct error *error)
{
    return path ? output_open(path, output, error) : 0;
}

static void outputs_discard(struct outputs *outputs)
{
    output_discard(outputs->json);
    output_discard(outputs->csv);
    output_discard(outputs->picture);
}

static int outputs_open(const struct common_options *options, struct outputs *outputs, struct error *error)
{
    int rc = options->picture ? picture_check_tool(error) : 0;
    if (rc < 0 || (rc = open_one(options->json, &outputs->json, error)) < 0 ||
        (rc = open_one(options->csv, &outputs->csv, error)) < 0 ||
        (rc = open_one(options->picture, &outputs->picture, error)) < 0)
        outputs_discard(outputs);
    return rc;
}

/* Writes one file whole or not at all. Every output is tried, also after one has failed. */
static int write_one(struct output *output, int rc, struct error *error)
{
    if (rc == 0)
        return output_commit(output, error);
    output_discard(output);
    return rc;
}

static int write_files(
    struct outputs *outputs, const struct result *result, const char *picture, struct error *error)
{
    struct error errors[3];
    int codes[3] = {0, 0, 0};
    if (outputs->json)
        codes[0] = write_one(
            outputs->json, json_write(result, output_stream(outputs->json), &errors[0]), &errors[0]);
    if (outputs->csv)
        codes[1] =
            write_one(outputs->csv, csv_write(result, output_stream(outputs->csv), &errors[1]), &errors[1]);
    if (outputs->picture)
        codes[2] = write_one(outputs->picture,
            picture_write(result, picture, output_stream(outputs->picture), &errors[2]), &errors[2]);
    for (size_t i = 0; i < 3; i++) {
        if (codes[i] < 0) {
            *error = errors[i];
            return codes[i];
        }
    }
    return 0;
}

static bool is_stdout(const char *path)
{
    return path && !strcmp(path, "-");
}

static bool locale_is_utf8(void)
{
    return setlocale(LC_CTYPE, "") && !strcmp(nl_langinfo(CODESET), "UTF-8");
}

static struct report_style style_for(FILE *stream, const struct common_options *options)
{
    return (struct report_style){
        .color = color_wanted((enum color)options->color, stream),
        .utf8 = locale_is_utf8(),
        .columns = fold_width(stream),
    };
}

/* Data goes to stdout, unless another form of it does already; the files first, which a reader of stdout that
 * goes away (a pipe to head) must not cost. */
static int report(
    const struct common_options *options, struct outputs *outputs, struct result *result, struct error *error)
{
    struct error other;
    int files = write_files(outputs, result, options->picture, error);
    if (is_stdout(options->json) || is_stdout(options->csv))
        return files;
    struct report_style style = style_for(stdout, options);
    int rc = terminal_write(result, stdout, &style, files < 0 ? &other : error);
    return files < 0 ? files : rc;
}

/* ---- all of it ---- */

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
                (struct result_agent){site->lanes[0].name, remote_site_command(site), *facts};
    }
    return 0;
}

/* What the experiment does not know about its own result. */
static int complete_result(const struct invocation *invocation, const struct setting *setting,
    struct result *result, struct error *error)
{
    result->argc = invocation->argc;
    result->argv = invocation->argv;
    result->cpu = setting->pin.cpu;
    result->tsc_ghz = setting->clock.ticks_per_ns;
    result->kvm = setting->facts;
    int rc = add_agents(setting, result, error);
    return rc < 0 ? rc : host_look(&result->host, error);
}

static int measure_and_report(
    const struct invocation *invocation, const struct setting *setting, struct error *error)
{
    const struct chase_options *options = invocation->options;
    struct outputs outputs = {0};
    struct result result = {0};
    int rc = outputs_open(&options->common, &outputs, error);
    if (rc < 0)
        return rc;
    if ((rc = measure(options, setting, &result, error)) == 0)
        rc = complete_result(invocation, setting, &result, error);
    if (rc == 0)
        rc = report(&options->common, &outputs, &result, error);
    else
        outputs_discard(&outputs);
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
