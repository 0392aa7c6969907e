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
#include <sys/stat.h>
#include <unistd.h>

/* What is to be run, known before anything is made ready; the pool holds all its words, and names of files,
 * until the end. */
struct programs {
    struct pool pool;
    const char *const *words[RUN_PROGRAMS_MAX];
    size_t count;
};

static int split_commands(const struct invocation *invocation, struct programs *programs, struct error *error)
{
    const struct program_options *options = invocation->options;
    int rc = 0;
    programs->words[programs->count++] = invocation->operands;
    for (size_t i = 0; rc == 0 && i < options->also.count; i++)
        rc = command_line_split(
            options->also.texts[i], &programs->pool, &programs->words[programs->count++], error);
    return rc;
}

/* Each run reads it from the beginning. */
static int look_for_input(const char *path, struct error *error)
{
    struct stat facts;
    if (!path)
        return 0;
    if (access(path, R_OK) < 0 || stat(path, &facts) < 0)
        return error_errno(error, errno, "cannot read %.300s, which --stdin names", path);
    if (S_ISFIFO(facts.st_mode) || S_ISSOCK(facts.st_mode))
        return error_set(error, ESPIPE,
            "%.300s, which --stdin names, is a pipe, which only one run could read: keep what comes by it in "
            "a file",
            path);
    return 0;
}

/* Nobody waits until the machine was looked at to be told that a program or its input is not there. Where
 * --prepare is given, that may be what makes them. */
static int look_for_files(
    const struct program_options *options, const struct programs *programs, struct error *error)
{
    struct executable found;
    int rc = 0;
    if (options->around.prepare)
        return 0;
    for (size_t i = 0; rc == 0 && i < programs->count; i++) {
        const char *word = programs->words[i][0];
        if ((rc = executable_look(word, &found, error)) == 0 && found.foreign)
            rc = error_set(error, ENOEXEC,
                "cannot start %.300s: it is neither a whole 64-bit x86-64 program, which alone run in a "
                "domain, nor a script",
                word);
    }
    return rc < 0 ? rc : look_for_input(options->around.input, error);
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

/* What a device was given nobody can read there. */
static bool is_compared(const char *output)
{
    struct stat facts;
    if (!output || !strcmp(output, RUN_INHERITED) || !strcmp(output, RUN_NO_OUTPUT))
        return false;
    return stat(output, &facts) < 0 || S_ISREG(facts.st_mode);
}

static int watch_files(
    const struct program_options *options, struct run_plan *plan, struct pool *pool, struct error *error)
{
    struct run_watched *watched = &plan->watched;
    if (is_compared(options->output))
        watched->output = options->output;
    for (const char *at = options->check; at && *at;) {
        size_t length = strcspn(at, ",");
        if (length && watched->file_count == RUN_FILES_MAX)
            return error_set(error, EINVAL, "--check takes at most %d files", RUN_FILES_MAX);
        if (length)
            watched->files[watched->file_count++] = pool_format(pool, "%.*s", (int)length, at);
        at += length + (at[length] == ',');
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
    struct programs *programs = session->own;
    struct run_plan plan = {
        .program_count = programs->count,
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
    memcpy(plan.programs, programs->words, sizeof programs->words);
    plan_pages(&options->guest_pages, plan.guest_pages, &plan.guest_page_count);
    plan_pages(&options->host_pages, plan.host_pages, &plan.host_page_count);
    int rc = watch_files(options, &plan, &programs->pool, error);
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
    static const struct measured how = {
        .cells = true, .programs = true, .needs_kvm = true, .measure = measure, .view = view};
    struct programs programs = {.count = 0};
    struct error error;
    int rc = split_commands(invocation, &programs, &error);
    if (rc == 0)
        rc = look_for_files(invocation->options, &programs, &error);
    int status = rc < 0 ? status_failed(&error) : measure_run(invocation, &how, &programs);
    pool_free(&programs.pool);
    return status;
}
