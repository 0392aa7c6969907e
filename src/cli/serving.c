#include "cli/serving.h"

#include "cli/cloning.h"
#include "cli/interrupt.h"
#include "cli/status.h"
#include "cli/timeline.h"
#include "report/format.h"
#include "report/view_domain.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

double serving_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* ---- serving ---- */

static void tell_start(struct serving *serving, int status, const struct error *error)
{
    struct start start = {.status = status, .report = serving->report, .needs_link = serving->needs_link};
    if (error)
        start.error = *error;
    if (serving->start >= 0) {
        (void)!send(serving->start, &start, sizeof start, MSG_NOSIGNAL);
        close(serving->start);
    }
    serving->start = -1;
}

/* What was touched until now is what the next restore will want first. */
static void record_touched(struct serving *serving, double working_set_ms)
{
    const struct portable *portable = serving->served.portable;
    struct touched touched;
    struct error error;
    if (!serving->record)
        return;
    int rc = touched_look(portable_memory(portable), portable_plan(portable)->memory_bytes, &touched, &error);
    touched.working_set_ms = working_set_ms;
    if (rc == 0 && (rc = touched_write(&touched, output_stream(serving->record), &error)) == 0)
        rc = output_commit(serving->record, &error);
    else
        output_discard(serving->record);
    serving->record = NULL;
    if (rc < 0)
        status_warn(error.text);
    else
        fprintf(stderr,
            "recorded: %" PRIu64 " pages were written and %" PRIu64 " others mapped, in %zu runs\n",
            touched_pages(&touched, true), touched_pages(&touched, false), touched.count);
    touched_free(&touched);
}

static void tell(void *context, const struct domain_report *report)
{
    struct serving *serving = context;
    if (!serving->told && isnan(report->first_instruction_ms))
        fprintf(stderr, "%s runs (process %d; vcost domain status %s)\n", report->name, (int)getpid(),
            report->name);
    else if (!serving->told)
        fprintf(stderr, "%s goes on (%s): first instruction after %s\n", report->name, report->mode,
            format_figure(UNIT_NS, report->first_instruction_ms * 1e6, 0).text);
    else {
        fprintf(stderr, "working set back after %s\n",
            format_figure(UNIT_NS, report->working_set_ms * 1e6, 0).text);
        record_touched(serving, report->working_set_ms);
    }
    if (!serving->told && report->sentence[0])
        status_warn(report->sentence);
    serving->told = true;
    serving->report = *report;
    tell_start(serving, STATUS_DONE, NULL);
}

/* While the domain runs: whatever becomes of the picture, it goes on. */
static void show_timeline(void *context, const struct timeline *timeline, const struct portable *portable)
{
    struct serving *serving = context;
    struct timeline_told *told = malloc(sizeof *told);
    struct error error;
    if (!told)
        return;
    timeline_tell(timeline, portable, told);
    if (timeline_write_alone(&serving->picture, told, &error) < 0)
        (void)status_failed(&error);
    else
        fprintf(stderr, "what it cost its program is drawn in %s\n", serving->options->timeline);
    free(told);
}

static int write_json(const void *what, FILE *stream, struct error *error)
{
    return record_print(&domain_report_record, what, stream, error);
}

static void view(const void *what, struct document *document)
{
    view_domain(what, document);
}

static int exit_status(const struct domain_report *report)
{
    if (!strcmp(report->ending, "interrupted"))
        return -1; /* it dies of the signal */
    return report->wrong || !strcmp(report->ending, "failed") ? STATUS_FAILED : STATUS_DONE;
}

/* How a detached one ended, for vcost domain status. */
static int keep_report(const struct serving *serving, struct error *error)
{
    char path[PLACE_PATH_BYTES];
    struct output *output;
    place_path(&serving->claim.place, serving->claim.name, "json", path);
    int rc = output_open(path, &output, error);
    if (rc < 0)
        return rc;
    if ((rc = write_json(&serving->report, output_stream(output), error)) < 0)
        output_discard(output);
    return rc < 0 ? rc : output_commit(output, error);
}

/* Once the domain is there, parked. */
static int serve(struct serving *serving, const struct place *place, const char *name, struct error *error)
{
    static const struct stop stop = {.asked = interrupt_asked, .why = interrupt_reason};
    int rc = place_claim(place, name, &serving->claim, error);
    if (rc < 0)
        return rc;
    serving->served.claim = &serving->claim;
    serving->served.stop = &stop;
    serving->served.paused |= serving->options->paused;
    serving->served.tell = tell;
    serving->served.context = serving;
    serving->served.clone = cloning_of_domain;
    serving->place = place;
    serving->served.version = VCOST_VERSION;
    rc = server_run(&serving->served, &serving->report, error);
    record_touched(serving, NAN);
    serving->report.exit_status = exit_status(&serving->report);
    if (rc == 0 && serving->detached)
        rc = keep_report(serving, error);
    server_part(&serving->served);
    return rc;
}

/* ---- both commands ---- */

int serving_serve(
    struct serving *serving, const struct place *place, maker *make, unmaker *unmake, struct error *error)
{
    const char *name;
    int rc = make(serving, &name, error);
    if (rc == 0)
        rc = serve(serving, place, name, error);
    unmake(serving);
    return rc;
}

int serving_finish(struct serving *serving, int rc, struct error *error)
{
    if (rc == 0) {
        rc = outputs_write(&serving->outputs, &(struct found){&serving->report, write_json, view}, error);
        interrupt_finish();
        if (rc < 0)
            return status_failed(error);
        return serving->report.exit_status < 0 ? STATUS_FAILED : serving->report.exit_status;
    }
    tell_start(serving, status_of(error->code), error);
    outputs_discard(&serving->outputs);
    outputs_discard(&serving->picture);
    return status_failed(error);
}

static void wait_for_memory(const struct place *place, const char *name)
{
    const struct control_request status = {.verb = "status", .fd = -1};
    struct domain_report report;
    struct error error;
    while (!interrupt_asked(NULL) && control_ask(place, name, &status, &report, &error) == 0 &&
           report.follow.stage == FOLLOW_COMES)
        nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
}

static int parent_says(const struct start *start, const struct place *place, const char *log)
{
    if (start->status != STATUS_DONE)
        return status_failed(&start->error);
    printf("%s runs; what it says goes to %s\n", start->report.name, log);
    fflush(stdout);
    if (start->needs_link)
        wait_for_memory(place, start->report.name);
    return STATUS_DONE;
}

/* With --detach a process in the background goes on from here; *status is then that of the command itself,
 * and otherwise -1. The name is for the log. */
static int leave_terminal(struct serving *serving, const char *name, int *status, struct error *error)
{
    char log[PLACE_PATH_BYTES];
    struct start start;
    int hear;
    if (!serving->options->detach)
        return 0;
    if (place_lives(serving->place, name))
        return error_set(error, EBUSY, "a domain %s runs already: choose another --name", name);
    place_path(serving->place, name, "log", log);
    int rc = detaching_fork(log, &serving->start, &hear, error);
    if (rc < 0 || serving->start >= 0)
        return rc;
    if ((rc = detaching_hear(hear, log, &start, error)) == 0)
        *status = parent_says(&start, serving->place, log);
    return rc;
}

static int open_outputs(struct serving *serving, struct error *error)
{
    int rc = outputs_open(&serving->outputs, &serving->options->output, error);
    serving->picture.options = &serving->options->output;
    if (rc < 0 || !serving->options->timeline)
        return rc;
    serving->served.watch_shows = show_timeline;
    if ((rc = timeline_add_output(&serving->picture, serving->options->timeline, error)) < 0)
        outputs_discard(&serving->outputs);
    return rc;
}

int serving_command(const struct invocation *invocation, const char *name, maker *make, unmaker *unmake)
{
    struct serving serving = {.invocation = invocation,
        .options = invocation->options,
        .start = -1,
        .detached = ((const struct domain_options *)invocation->options)->detach,
        .fd = -1,
        .served = {.begun_seconds = serving_seconds()}};
    struct place place;
    struct error error;
    int status = -1;
    signal(SIGXFSZ, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    interrupt_catch();
    serving.place = &place;
    int rc = place_open(serving.options->folder, &place, &error);
    if (rc == 0)
        rc = leave_terminal(&serving, name, &status, &error);
    if (rc < 0 || status >= 0)
        return rc < 0 ? status_failed(&error) : status;
    if ((rc = open_outputs(&serving, &error)) < 0) {
        tell_start(&serving, status_of(error.code), &error);
        return status_failed(&error);
    }
    return serving_finish(&serving, serving_serve(&serving, &place, make, unmake, &error), &error);
}

/* ---- what was asked for ---- */

int serving_read_wish(struct serving *serving, struct error *error)
{
    serving->served.wish.locked = serving->options->lock;
    serving->served.wish.forkable = serving->options->forkable;
    return nodes_of_list(&serving->options->nodes, &serving->served.wish.nodes, error);
}

const struct monitor_ops *serving_monitor(const struct serving *serving)
{
    return serving->options->monitor ? monitor_at(serving->options->monitor - 1) : NULL;
}

bool serving_is_unwanted(void *context)
{
    const struct serving *serving = context;
    struct pollfd watched = {serving->start, POLLRDHUP, 0};
    return interrupt_asked(NULL) || (serving->start >= 0 && poll(&watched, 1, 0) > 0);
}
