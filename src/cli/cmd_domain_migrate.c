/* vcost domain migrate and cancel: asks a domain to go elsewhere, and tells how far it is. */
#include "cli/domain_options.h"
#include "cli/interrupt.h"
#include "cli/outputs.h"
#include "cli/status.h"
#include "cli/timeline.h"
#include "domain/moved/address.h"
#include "domain/served/control.h"
#include "report/format.h"
#include "report/progress.h"
#include "report/view_domain.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* What came of it. */
struct migration {
    struct domain_report report;
    struct timeline_told *timeline; /* NULL: not asked for, or there is none; owned */
};

static int write_report(const void *what, FILE *stream, struct error *error)
{
    return record_print(&domain_report_record, &((const struct migration *)what)->report, stream, error);
}

static void view_report(const void *what, struct document *document)
{
    const struct migration *migration = what;
    if (migration->report.moves)
        view_moved(&migration->report, migration->timeline, document);
    else
        view_domain(&migration->report, document);
}

/* ---- while it moves ---- */

struct watch {
    const struct place *place;
    const char *name;
    struct progress_line line;
    bool cancelled;
};

/* Of a first pass it is known what is left of it; then what was written when the last one ended. */
static void draw(struct watch *watched, const struct domain_report *report)
{
    const struct moved_told *told = &report->moved;
    char text[200];
    double sent = (double)(told->pages_sent + told->zeros), all = (double)report->memory_bytes / 4096;
    double left = told->passes > 1 || sent >= all ? (double)told->left : all - sent;
    double pace = told->seconds > 0 ? sent / told->seconds : NAN;
    if (told->stage == MOVED_COPYING && isnan(told->written))
        snprintf(text, sizeof text, "all memory is sent once");
    else if (told->stage == MOVED_COPYING)
        snprintf(text, sizeof text, "%s a second written, downtime now %s",
            format_size((uint64_t)told->written).text,
            format_figure(UNIT_NS, told->expected_ms * 1e6, 0).text);
    else
        snprintf(text, sizeof text, "%s%s", moved_stages[told->stage],
            told->stage == MOVED_DONE ? ": its program is looked at" : "");
    progress_update(&watched->line, told->stage >= MOVED_DONE ? 1 : sent / (sent + left),
        told->stage == MOVED_COPYING && pace > 0 ? left / pace : NAN, text);
}

/* Ctrl-C cancels it, and the answer tells. */
static bool watch(void *context)
{
    struct watch *watched = context;
    const struct control_request status = {.verb = "status", .fd = -1}, cancel = {.verb = "cancel", .fd = -1};
    struct domain_report report;
    struct error error;
    if (interrupt_asked(NULL) && !watched->cancelled)
        watched->cancelled = control_ask(watched->place, watched->name, &cancel, NULL, &error) == 0;
    if (watched->line.active && control_ask(watched->place, watched->name, &status, &report, &error) == 0 &&
        report.moves)
        draw(watched, &report);
    return true;
}

/* ---- the command ---- */

static struct control_request request_of(const struct domain_options *options, const char *address)
{
    struct control_request request = {.verb = "migrate",
        .fd = -1,
        .check = options->check,
        .finish_late = options->at_timeout,
        .max_downtime = options->max_downtime / 1e3,
        .post_copy = options->post_copy,
        .passes = options->passes < 0 ? 1 : (uint64_t)options->passes,
        .reconnect = options->reconnect,
        .throttle = options->throttle > 0 ? (uint64_t)options->throttle : 0,
        .timeout = options->timeout,
        .link_timeout = options->link_timeout,
        .max_bandwidth = options->max_bandwidth > 0 ? options->max_bandwidth * 1e6 : 0};
    snprintf(request.text, sizeof request.text, "%.190s", address);
    return request;
}

/* All links into *request. *child is the command that is the only one then, 0 where none is. */
static int connect_links(const struct domain_options *options, const char *address,
    struct control_request *request, pid_t *child, struct error *error)
{
    int rc = address_connect(address, options->cleartext, options->link_timeout, &request->fd, child, error);
    for (int i = 1; rc == 0 && i < options->streams && !options->check; i++) {
        rc = address_connect(
            address, options->cleartext, options->link_timeout, &request->more[i - 1], child, error);
        request->more_count += rc == 0;
    }
    return rc < 0 && interrupt_asked(NULL)
               ? error_set(error, EINTR, "%s before anything was sent", interrupt_reason(NULL))
               : rc;
}

static void warn_of_post_copy(bool by_command)
{
    char text[256];
    snprintf(text, sizeof text,
        "post-copy: from the handing over until all of its memory is there, the death of either end loses "
        "the domain%s",
        by_command ? ", and so does a link that breaks: a command cannot connect again" : "");
    status_warn(text);
}

static int move(const struct invocation *invocation, const struct place *place, struct migration *migration,
    struct error *error)
{
    const struct domain_options *options = invocation->options;
    const char *name = invocation->operands[0], *address = invocation->operands[1];
    struct watch watched = {.place = place, .name = name};
    struct control_request request = request_of(options, address);
    int timeline = -1;
    pid_t child;
    progress_start(&watched.line, stderr, false, locale_is_utf8());
    if (!place_lives(place, name))
        return error_set(error, ENOENT, "no domain %.60s runs", name);
    int rc = connect_links(options, address, &request, &child, error);
    if (rc == 0 && options->timeline)
        rc = timeline_ask(place, name, &timeline, error);
    if (rc == 0 && options->post_copy && !options->check)
        warn_of_post_copy(child);
    if (rc == 0)
        rc = control_ask_slowly(place, name, &request,
            &(struct control_patience){.each = watch, .context = &watched}, &migration->report, error);
    control_close(&request);
    if (child)
        address_end(child);
    progress_clear(&watched.line);
    if (rc == 0 && timeline >= 0)
        rc = timeline_read(timeline, &migration->timeline, error);
    if (timeline >= 0)
        close(timeline);
    return rc;
}

static int check_address(const struct domain_options *options, const char *address, struct error *error)
{
    int rc = address_check(address, true, error);
    return rc == 0 && options->streams > 1 && !strncmp(address, "command:", strlen("command:"))
               ? error_set(
                     error, EINVAL, "a command is one link: several streams need unix:PATH or tcp:HOST:PORT")
               : rc;
}

int cmd_domain_migrate_run(const struct invocation *invocation)
{
    const struct domain_options *options = invocation->options;
    struct migration migration = {.report = {.moves = false}};
    struct outputs outputs;
    struct place place;
    struct error error, unwritten;
    signal(SIGPIPE, SIG_IGN);
    if (check_address(options, invocation->operands[1], &error) < 0)
        return status_wrong_usage(invocation->command, &error);
    int rc = place_open(options->folder, &place, &error);
    if (rc == 0)
        rc = outputs_open(&outputs, &options->output, &error);
    if (rc == 0 && options->timeline && !options->check)
        rc = timeline_add_output(&outputs, options->timeline, &error);
    if (rc < 0)
        return status_failed(&error);
    interrupt_catch();
    rc = move(invocation, &place, &migration, &error);
    if (!migration.report.moves)
        outputs_discard(&outputs);
    else if (outputs_write(&outputs, &(struct found){&migration, write_report, view_report}, &unwritten) <
                 0 &&
             rc == 0) {
        error = unwritten;
        rc = -error.code;
    }
    free(migration.timeline);
    return rc < 0 ? status_failed(&error) : STATUS_DONE;
}
