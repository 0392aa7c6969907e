/* vcost domain fork: clones of a saved domain, or of one that runs. */
#include "cli/interrupt.h"
#include "cli/serving.h"
#include "cli/status.h"
#include "report/view_domain.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* A running domain is saved first, to memory; it goes on meanwhile, but for the time that this takes. */
static int open_source(const struct invocation *invocation, const struct place *place, int *fd,
    double *stall_ms, struct error *error)
{
    const char *source = invocation->operands[0];
    struct control_request request = {.verb = "save", .keep = true};
    struct domain_report report;
    *stall_ms = NAN;
    if (strchr(source, '/') || !place_lives(place, source)) {
        *fd = open(source, O_RDONLY | O_CLOEXEC);
        return *fd < 0 ? error_errno(error, errno, "no such domain runs, and cannot open %.300s", source) : 0;
    }
    *fd = request.fd = memfd_create("vcost-fork", MFD_CLOEXEC);
    if (*fd < 0)
        return error_errno(error, errno, "no memory to fork a domain from");
    int rc = control_ask(place, source, &request, &report, error);
    if (rc < 0)
        close(*fd);
    else
        *stall_ms = report.stall_ms;
    return rc;
}

/* In the clone's process: as a restored domain, until it ends. */
static int serve_clone(struct serving *serving, const struct place *place)
{
    static const struct output_options none;
    struct error error;
    serving->outputs.options = &none;
    signal(SIGXFSZ, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    interrupt_catch();
    return serving_finish(
        serving, serving_serve(serving, place, serving_restore, serving_restored, &error), &error);
}

/* The sum of the lines of a file of /proc that begin so. */
static uint64_t kib_in(const char *path, const char *const *keys, size_t count)
{
    char line[256];
    uint64_t sum = 0;
    FILE *file = fopen(path, "re");
    while (file && fgets(line, sizeof line, file))
        for (size_t i = 0; i < count; i++)
            if (!strncmp(line, keys[i], strlen(keys[i])))
                sum += strtoull(line + strlen(keys[i]), NULL, 10);
    if (file)
        fclose(file);
    return sum;
}

static uint64_t private_bytes(uint64_t pid)
{
    static const char *const keys[] = {"Private_Clean:", "Private_Dirty:"};
    char path[48];
    snprintf(path, sizeof path, "/proc/%" PRIu64 "/smaps_rollup", pid);
    return kib_in(path, keys, 2) * KIB;
}

static double available_bytes(void)
{
    static const char *const keys[] = {"MemAvailable:"};
    return (double)(kib_in("/proc/meminfo", keys, 1) * KIB);
}

/* Number `i` of the clones. 1: this is its process, which has ended with *status. */
static int start_clone(const struct invocation *invocation, const struct place *place, int fd, int i,
    struct forked *forked, int *status, struct error *error)
{
    const struct domain_options *options = invocation->options;
    char name[PORTABLE_NAME_BYTES], log[PLACE_PATH_BYTES];
    struct serving serving = {.invocation = invocation,
        .options = options,
        .start = -1,
        .detached = true,
        .fd = fd,
        .name = name,
        .lazy = true,
        .served = {.begun_seconds = serving_seconds(), .unchecked = true}};
    struct start start;
    snprintf(name, sizeof name, "%.30s-%d", options->name, i + 1);
    place_path(place, name, "log", log);
    if (place_lives(place, name))
        return error_set(error, EBUSY, "a domain %s runs already: choose another --name", name);
    int rc = serving_detach(log, &serving.start, &start, error);
    if (rc < 0)
        return rc;
    if (serving.start >= 0) {
        *status = serve_clone(&serving, place);
        return 1;
    }
    if (start.status != STATUS_DONE) {
        *error = start.error;
        return -error->code;
    }
    forked->ms[forked->count] = start.report.first_instruction_ms;
    forked->pid[forked->count++] = start.report.pid;
    return 0;
}

static int write_forked(const void *what, FILE *stream, struct error *error)
{
    return record_print(&forked_record, what, stream, error);
}

static void show_forked(const void *what, struct document *document)
{
    view_forked(what, document);
}

static int tell_forked(const struct domain_options *options, struct forked *forked, struct error *error)
{
    struct outputs outputs;
    for (size_t i = 0; i < forked->count; i++)
        forked->bytes[i] = private_bytes(forked->pid[i]);
    snprintf(forked->name, sizeof forked->name, "%.30s", options->name);
    int rc = outputs_open(&outputs, &options->output, error);
    return rc < 0 ? rc : outputs_write(&outputs, &(struct found){forked, write_forked, show_forked}, error);
}

int cmd_domain_fork_run(const struct invocation *invocation)
{
    static struct forked forked; /* large */
    const struct domain_options *options = invocation->options;
    struct place place;
    struct error error;
    int fd, status = STATUS_DONE, rc = place_open(options->folder, &place, &error);
    if (rc < 0 || (rc = open_source(invocation, &place, &fd, &forked.stall_ms, &error)) < 0)
        return status_failed(&error);
    double before = available_bytes();
    for (int i = 0; rc == 0 && i < options->count; i++)
        rc = start_clone(invocation, &place, fd, i, &forked, &status, &error);
    if (rc == 1)
        return status;
    close(fd);
    forked.available_bytes = (before - available_bytes()) / (double)options->count;
    if (rc == 0)
        rc = tell_forked(options, &forked, &error);
    return rc < 0 ? status_failed(&error) : STATUS_DONE;
}
