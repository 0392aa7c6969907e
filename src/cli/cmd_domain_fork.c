/* vcost domain fork: clones of a saved domain, or of one that runs. */
#include "cli/cloning.h"
#include "cli/interrupt.h"
#include "cli/restoring.h"
#include "cli/status.h"
#include "host/smaps.h"
#include "report/progress.h"
#include "report/view_domain.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* How long a clone may take to start; and after which time it is looked how the source does. */
enum { CLONE_SECONDS = 60, LATER_MS = 600, LOOK_MS = 100 };

/* The sum of the lines of a file of /proc that begin so; NAN: there is no such file. */
static double kib_in(const char *path, const char *const *keys, size_t count)
{
    char line[256];
    double sum = 0;
    FILE *file = fopen(path, "re");
    while (file && fgets(line, sizeof line, file))
        for (size_t i = 0; i < count; i++)
            if (!strncmp(line, keys[i], strlen(keys[i])))
                sum += strtod(line + strlen(keys[i]), NULL);
    if (file)
        fclose(file);
    return file ? sum : NAN;
}

static double private_bytes(uint64_t pid)
{
    uint64_t bytes;
    return smaps_own_bytes((pid_t)pid, &bytes) == 0 ? (double)bytes : NAN;
}

static double large_bytes(uint64_t pid)
{
    static const char *const keys[] = {"AnonHugePages:", "ShmemPmdMapped:", "FilePmdMapped:"};
    char path[48];
    snprintf(path, sizeof path, "/proc/%" PRIu64 "/smaps_rollup", pid);
    return kib_in(path, keys, 3) * (double)KIB;
}

static double available_bytes(void)
{
    static const char *const keys[] = {"MemAvailable:"};
    return kib_in("/proc/meminfo", keys, 1) * (double)KIB;
}

static struct forked forked; /* large */
static struct outputs outputs;
static struct progress_line line;

static void show_progress(void *context, double fraction, double seconds_left, const char *what)
{
    progress_update(context, fraction, seconds_left, what);
}

static void add(const struct domain_report *report)
{
    snprintf(forked.mode, sizeof forked.mode, "%s", report->mode);
    forked.ms[forked.count] = report->first_instruction_ms;
    forked.pid[forked.count++] = report->pid;
}

/* ---- of a file ---- */

struct file {
    const struct invocation *invocation;
    struct stored saved;
    int fd;
};

static void prepare(void *context, struct serving *serving)
{
    const struct file *file = context;
    serving->invocation = file->invocation;
    serving->options = file->invocation->options;
    serving->fd = file->fd;
    serving->saved = &file->saved;
    serving->lazy = true;
}

/* Who reads what is told of the clones does not wait for their end. */
static int make_clone(struct serving *serving, const char **name, struct error *error)
{
    for (size_t i = 0; i < outputs.count; i++)
        if (fileno(output_stream(outputs.files[i].output)) > STDERR_FILENO)
            close(fileno(output_stream(outputs.files[i].output)));
    return restoring_make(serving, name, error);
}

static void add_started(void *context, const struct start *start)
{
    (void)context;
    add(&start->report);
}

static int fork_file(
    const struct invocation *invocation, const struct place *place, int *status, struct error *error)
{
    const struct domain_options *options = invocation->options;
    const char *path = invocation->operands[0];
    struct file file = {.invocation = invocation, .fd = open(path, O_RDONLY | O_CLOEXEC)};
    if (file.fd < 0)
        return error_errno(error, errno, "no such domain runs, and cannot open %.300s", path);
    int rc = stored_read(file.fd, &file.saved, error);
    if (rc < 0) {
        close(file.fd);
        return error_prefix(error, "%.200s", path);
    }
    const struct cloning cloning = {.place = place,
        .name = options->name,
        .count = (size_t)options->count,
        .prepare = prepare,
        .make = make_clone,
        .unmake = restoring_end,
        .each = add_started,
        .context = &file,
        .stop = {.asked = interrupt_asked},
        .progress = {show_progress, &line}};
    if ((rc = cloning_run(&cloning, status, error)) == 1)
        return rc;
    stored_free(&file.saved);
    close(file.fd);
    return rc;
}

/* ---- of a domain that runs ---- */

/* One answer for each clone, from the process that makes them. Who has made enough is told so by the end of
 * what is sent there, and tells by its own end that there are no more. */
static int hear_of_clone(int socket, bool *over, struct error *error)
{
    static char bytes[CONTROL_BYTES_MAX];
    struct control_answer answer;
    struct pollfd watched = {socket, POLLIN, 0};
    int ready = 0;
    for (int i = 0; ready <= 0 && i < CLONE_SECONDS * 1000 / LOOK_MS; i++) {
        if (interrupt_asked(NULL))
            (void)shutdown(socket, SHUT_WR);
        ready = poll(&watched, 1, LOOK_MS); /* negative: a signal */
    }
    ssize_t count = ready > 0 ? recv(socket, bytes, sizeof bytes, 0) : -1;
    *over = count == 0 && interrupt_asked(NULL);
    if (*over)
        return 0;
    if (count <= 0)
        return error_set(error, EPIPE, "%s",
            ready > 0 ? "the process that makes the clones has ended"
                      : "a clone did not start within a minute");
    int rc = control_read_answer(bytes, (size_t)count, &answer, error);
    if (rc == 0 && answer.error.code) {
        *error = answer.error;
        return -error->code;
    }
    if (rc == 0)
        add(&answer.report);
    return rc;
}

/* By how the source does afterwards: what it writes is copied first, and large pages are split for that. */
static void look_at_source(const struct place *place, const char *name, uint64_t pid)
{
    const struct control_request request = {.verb = "status", .fd = -1};
    struct domain_report report;
    usleep(LATER_MS * 1000);
    forked.source.private_bytes = private_bytes(pid);
    forked.source.large_after = large_bytes(pid);
    forked.source.pace_after = control_ask(place, name, &request, &report, NULL) == 0 ? report.pace : NAN;
}

static int fork_running(const struct invocation *invocation, const struct place *place, struct error *error)
{
    const struct domain_options *options = invocation->options;
    const char *name = invocation->operands[0];
    struct control_request request = {.verb = "fork", .count = (uint64_t)options->count},
                           look = {.verb = "status", .fd = -1};
    struct domain_report report;
    int ends[2], rc = control_ask(place, name, &look, &report, error);
    if (rc < 0)
        return rc;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        return error_errno(error, errno, "no link to the clones");
    forked.live = true;
    forked.source.pace_before = report.pace;
    forked.source.large_before = large_bytes(report.pid);
    snprintf(request.text, sizeof request.text, "%.43s", options->name);
    request.fd = ends[1];
    rc = control_ask(place, name, &request, &report, error);
    close(ends[1]);
    forked.source.stall_ms = report.stall_ms;
    const double since = serving_seconds();
    bool over = false;
    for (int i = 0; rc == 0 && !over && i < options->count; i++) {
        rc = hear_of_clone(ends[0], &over, error);
        const double share = (double)(i + 1) / options->count, took = serving_seconds() - since;
        progress_update(&line, share, took / share - took, "clones start");
    }
    close(ends[0]);
    if (rc == 0)
        look_at_source(place, name, report.pid);
    return rc;
}

/* ---- what it came to ---- */

static int write_forked(const void *what, FILE *stream, struct error *error)
{
    return record_print(&forked_record, what, stream, error);
}

static void show_forked(const void *what, struct document *document)
{
    view_forked(what, document);
}

static int tell_forked(const struct domain_options *options, struct error *error)
{
    for (size_t i = 0; i < forked.count; i++)
        forked.bytes[i] = private_bytes(forked.pid[i]);
    snprintf(forked.name, sizeof forked.name, "%.43s", options->name);
    return outputs_write(&outputs, &(struct found){&forked, write_forked, show_forked}, error);
}

int cmd_domain_fork_run(const struct invocation *invocation)
{
    const struct domain_options *options = invocation->options;
    const char *source = invocation->operands[0];
    struct place place;
    struct error error;
    int status = STATUS_DONE, rc = cloning_check(options->name, (uint64_t)options->count, &error);
    if (rc < 0)
        return status_wrong_usage(invocation->command, &error);
    if (place_open(options->folder, &place, &error) < 0 ||
        outputs_open(&outputs, &options->output, &error) < 0)
        return status_failed(&error);
    interrupt_catch();
    progress_start(&line, stderr, false, locale_is_utf8());
    forked.asked = (size_t)options->count;
    double before = available_bytes();
    rc = !strchr(source, '/') && place_lives(&place, source) ? fork_running(invocation, &place, &error)
                                                             : fork_file(invocation, &place, &status, &error);
    if (rc == 1)
        return status;
    progress_clear(&line);
    if (rc == 0 && !forked.count)
        rc = error_set(&error, EINTR, "stopped by the user before any clone ran");
    forked.available_bytes = (before - available_bytes()) / (double)forked.count;
    struct error unwritten;
    if (forked.count && tell_forked(options, &unwritten) < 0 &&
        rc == 0) { /* those that run, also of a fork that failed */
        error = unwritten;
        rc = -error.code;
    }
    outputs_discard(&outputs);
    interrupt_finish();
    return rc < 0 ? status_failed(&error) : STATUS_DONE;
}
