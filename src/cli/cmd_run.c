/* vcost run: from the options to the plan. */
#include "cli/command_line.h"
#include "cli/measure.h"
#include "cli/program_options.h"
#include "cli/status.h"
#include "experiment/run.h"
#include "program/executable.h"
#include "report/views.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* They are looked for before anybody is told that they will run, unless --prepare may be what makes them. */
static int plan_programs(
    const struct program_options *options, struct run_plan *plan, struct pool *pool, struct error *error)
{
    struct executable found;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < options->also.count; i++)
        rc = command_line_split(options->also.texts[i], pool, &plan->programs[plan->program_count++], error);
    for (size_t i = 0; rc == 0 && i < plan->program_count && !options->around.prepare; i++)
        if ((rc = executable_look(plan->programs[i][0], &found, error)) == 0 && found.foreign)
            rc = error_set(error, ENOEXEC,
                "cannot start %.300s: it is neither a whole 64-bit x86-64 program, which alone run in a "
                "domain, nor a "
                "script",
                plan->programs[i][0]);
    return rc;
}

/* Whoever waits should know what happens meanwhile. */
static void tell(const struct run_plan *plan)
{
    char text[160];
    snprintf(text, sizeof text,
        plan->program_count > 1
            ? "the programs run %u times together, and do each time whatever they do to files"
            : "the program runs %u times, and does each time whatever it does to files",
        run_plan_all(plan));
    status_warn(text);
}

static int watch_files(
    const struct program_options *options, struct run_plan *plan, struct pool *pool, struct error *error)
{
    const char *list = options->check ? pool_text(pool, options->check) : NULL;
    char *rest = NULL;
    if (options->output && strcmp(options->output, RUN_INHERITED) && strcmp(options->output, RUN_NO_OUTPUT))
        plan->watched.output = options->output;
    for (const char *file = list ? strtok_r((char *)list, ",", &rest) : NULL; file;
         file = strtok_r(NULL, ",", &rest)) {
        if (plan->watched.file_count == RUN_FILES_MAX)
            return error_set(error, EINVAL, "--check takes at most %d files", RUN_FILES_MAX);
        plan->watched.files[plan->watched.file_count++] = file;
    }
    return 0;
}

static void plan_pages(const struct choice_list *list, uint64_t pages[static RUN_PAGES_MAX], size_t *count)
{
    for (size_t i = 0; i < list->count && *count < RUN_PAGES_MAX; i++)
        pages[(*count)++] = program_page_bytes(list->indices[i]);
}

static int measure(
    struct session *session, const struct progress *progress, struct result *result, struct error *error)
{
    const struct program_options *options = session->invocation->options;
    struct run_plan plan = {
        .programs = {session->invocation->operands},
        .program_count = 1,
        .input = options->around.input,
        .output = options->output,
        .guest_faults = program_faults(options->guest_faults),
        .runs = (unsigned)options->runs,
        .warmup = (unsigned)options->warmup,
        .timeout_seconds = options->timeout,
        .prepare = options->around.prepare,
        .cleanup = options->around.cleanup,
        .heat_seconds = options->heat ? options->heat_interval : 0,
        .ignore_failure = options->ignore_failure,
    };
    plan_pages(&options->guest_pages, plan.guest_pages, &plan.guest_page_count);
    plan_pages(&options->host_pages, plan.host_pages, &plan.host_page_count);
    int rc = watch_files(options, &plan, &result->pool, error);
    if (rc == 0)
        rc = plan_programs(options, &plan, &result->pool, error);
    if (rc < 0)
        return rc;
    if (!options->common.run.quiet)
        tell(&plan);
    return run_plan_run(&plan, &session->setting, progress, result, error);
}

static void view(const struct session *session, struct document *document)
{
    view_program(&session->result, document);
}

int cmd_run_run(const struct invocation *invocation)
{
    return measure_run(invocation,
        &(struct measured){
            .cells = true, .programs = true, .needs_kvm = true, .measure = measure, .view = view},
        NULL);
}
