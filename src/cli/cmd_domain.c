/* vcost domain run, restore and receive: the process that a domain is served by. */
#include "cli/domain_options.h"
#include "cli/interrupt.h"
#include "cli/outputs.h"
#include "cli/status.h"
#include "domain/moved/address.h"
#include "domain/moved/receive.h"
#include "domain/probe.h"
#include "domain/served/server.h"
#include "measure/clock.h"
#include "report/format.h"
#include "report/view_domain.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static double now_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* ---- leaving the terminal ---- */

/* What the command waits for: that the domain runs, or why it does not. */
struct start {
    int status;
    struct error error;
};

/* In the child, *report is where to say how it started; in the parent it is -1, and *start is that. What is
 * said from now on goes to the log. */
static int detach(const char *log, int *report, struct start *start, struct error *error)
{
    int ends[2], output = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (output < 0)
        return error_errno(error, errno, "cannot write the log %.300s", log);
    if (pipe2(ends, O_CLOEXEC) < 0) {
        close(output);
        return error_errno(error, errno, "cannot start a domain in the background");
    }
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        setsid();
        signal(SIGHUP, SIG_IGN);
        int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
        if (nothing < 0 || dup2(nothing, STDIN_FILENO) < 0 || dup2(output, STDOUT_FILENO) < 0 ||
            dup2(output, STDERR_FILENO) < 0)
            _exit(STATUS_FAILED);
        close(nothing);
        close(output);
        *report = ends[1];
        return 0;
    }
    close(ends[1]);
    close(output);
    int rc = child < 0 ? error_start(error, errno, "a process for the domain") : 0;
    if (rc == 0 && read(ends[0], start, sizeof *start) != (ssize_t)sizeof *start)
        rc = error_set(error, EIO, "the domain's process ended before the domain ran: see %.300s", log);
    close(ends[0]);
    *report = -1;
    return rc;
}

/* ---- serving ---- */

struct serving {
    const struct invocation *invocation;
    const struct domain_options *options;
    struct served served;
    struct outputs outputs;
    struct claim claim;
    const struct place *place;
    struct domain_report report;
    int start; /* where to say that it runs; -1: nowhere */
    bool told;
};

static void tell_start(struct serving *serving, int status, const struct error *error)
{
    struct start start = {.status = status};
    if (error)
        start.error = *error;
    if (serving->start >= 0) {
        (void)!write(serving->start, &start, sizeof start);
        close(serving->start);
    }
    serving->start = -1;
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
    else
        fprintf(stderr, "working set back after %s\n",
            format_figure(UNIT_NS, report->working_set_ms * 1e6, 0).text);
    if (!serving->told && report->sentence[0])
        status_warn(report->sentence);
    serving->told = true;
    tell_start(serving, STATUS_DONE, NULL);
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
    serving->served.version = VCOST_VERSION;
    rc = server_run(&serving->served, &serving->report, error);
    serving->report.exit_status = exit_status(&serving->report);
    return rc == 0 && serving->options->detach ? keep_report(serving, error) : rc;
}

/* ---- both commands ---- */

/* Makes the domain, and what its name is. */
typedef int maker(struct serving *serving, const char **name, struct error *error);
typedef void unmaker(struct serving *serving);

static int make_and_serve(
    struct serving *serving, const struct place *place, maker *make, unmaker *unmake, struct error *error)
{
    const char *name;
    int rc = make(serving, &name, error);
    if (rc == 0)
        rc = serve(serving, place, name, error);
    unmake(serving);
    return rc;
}

static int finish(struct serving *serving, int rc, struct error *error)
{
    if (rc == 0) {
        rc = outputs_write(&serving->outputs, &(struct found){&serving->report, write_json, view}, error);
        interrupt_finish();
        return rc < 0 ? status_failed(error) : serving->report.exit_status;
    }
    tell_start(serving, status_of(error->code), error);
    outputs_discard(&serving->outputs);
    return status_failed(error);
}

static int parent_says(const struct start *start, const char *name, const struct place *place)
{
    if (start->status != STATUS_DONE)
        return status_failed(&start->error);
    printf("%s runs; what it says goes to %s/%s.log\n", name, place->folder, name);
    return STATUS_DONE;
}

/* `name` is for the log; without one, the domain's. */
static int serve_command(const struct invocation *invocation, const char *name, maker *make, unmaker *unmake)
{
    struct serving serving = {.invocation = invocation,
        .options = invocation->options,
        .start = -1,
        .served = {.begun_seconds = now_seconds()}};
    struct place place;
    struct start start;
    struct error error;
    char log[PLACE_PATH_BYTES];
    int rc = place_open(serving.options->folder, &place, &error);
    if (rc == 0 && serving.options->detach) {
        if (place_lives(&place, name)) {
            rc = error_set(&error, EBUSY, "a domain %s runs already: choose another --name", name);
        } else {
            place_path(&place, name, "log", log);
            rc = detach(log, &serving.start, &start, &error);
            if (rc == 0 && serving.start < 0)
                return parent_says(&start, name, &place);
        }
    }
    if (rc < 0)
        return status_failed(&error);
    signal(SIGXFSZ, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    interrupt_catch();
    if ((rc = outputs_open(&serving.outputs, &serving.options->output, &error)) < 0) {
        tell_start(&serving, status_of(error.code), &error);
        return status_failed(&error);
    }
    serving.place = &place;
    return finish(&serving, make_and_serve(&serving, &place, make, unmake, &error), &error);
}

/* ---- run ---- */

static int make_new(struct serving *serving, const char **name, struct error *error)
{
    const struct domain_options *options = serving->options;
    const struct monitor_ops *monitor = monitor_at(0);
    struct monitor_facts facts;
    struct clock clock;
    struct portable_plan plan = {.workload = (enum portable_workload)options->workload,
        .memory_bytes = options->memory.last,
        .working_set_bytes = options->working_set.last,
        .cpus = (unsigned)options->vcpus,
        .work = options->work,
        .rate = options->rate > 0 ? (uint64_t)options->rate * 1000000 : 0};
    snprintf(plan.name, sizeof plan.name, "%s", options->name);
    snprintf(plan.monitor, sizeof plan.monitor, "%s", monitor->name);
    int rc = portable_plan_check(&plan, false, error);
    if (rc < 0)
        return rc;
    domain_probe(monitor, &facts);
    if (!facts.usable)
        return error_set(error, ENOTSUP, "%s", facts.reason);
    if ((rc = clock_calibrate(&clock, error)) < 0 ||
        (rc = portable_clock_settable(monitor, &plan.tsc_settable, error)) < 0)
        return rc;
    plan.ticks_per_second = clock.ticks_per_ns * 1e9;
    serving->served.mode = "started";
    rc = portable_create(&plan, monitor, &facts, &serving->served.portable, error);
    if (rc == 0)
        *name = portable_plan(serving->served.portable)->name;
    return rc;
}

static void unmake_new(struct serving *serving)
{
    portable_destroy(serving->served.portable);
}

int cmd_domain_run_run(const struct invocation *invocation)
{
    const struct domain_options *options = invocation->options;
    return serve_command(invocation, options->name, make_new, unmake_new);
}

/* ---- restore ---- */

static struct restored restored;

static int make_restored(struct serving *serving, const char **name, struct error *error)
{
    static const struct stop stop = {.asked = interrupt_asked, .why = interrupt_reason};
    const struct domain_options *options = serving->options;
    const char *path = serving->invocation->operands[0];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_errno(error, errno, "cannot open %.300s", path);
    const struct restore_request request = {.fd = fd,
        .lazy = options->lazy,
        .clock = (enum clock_policy)options->clock,
        .name = options->name,
        .monitor = monitor_at(0),
        .stop = &stop};
    int rc = restore_open(&request, &restored, error);
    if (rc < 0) {
        close(fd);
        restored.fd = -1;
        return error_prefix(error, "%.200s", path);
    }
    serving->served.restored = &restored;
    serving->served.portable = restored.portable;
    serving->served.mode = options->lazy ? "memory mapped, private" : "memory read";
    *name = restored.saved.plan.name;
    return rc;
}

static void unmake_restored(struct serving *serving)
{
    int fd = restored.fd;
    (void)serving;
    if (fd < 0)
        return;
    restore_close(&restored);
    close(fd);
}

/* The name is needed for the log, before anything else is made of the file. */
static int name_in(const char *path, char name[static PORTABLE_NAME_BYTES], struct error *error)
{
    struct stored saved;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_errno(error, errno, "cannot open %.300s", path);
    int rc = stored_read(fd, &saved, error);
    if (rc == 0) {
        snprintf(name, PORTABLE_NAME_BYTES, "%s", saved.plan.name);
        stored_free(&saved);
    }
    close(fd);
    return rc < 0 ? error_prefix(error, "%.200s", path) : 0;
}

int cmd_domain_restore_run(const struct invocation *invocation)
{
    const struct domain_options *options = invocation->options;
    char name[PORTABLE_NAME_BYTES] = "";
    struct error error;
    if (options->detach && !options->name && name_in(invocation->operands[0], name, &error) < 0)
        return status_failed(&error);
    return serve_command(invocation, options->name ? options->name : name, make_restored, unmake_restored);
}

/* ---- receive ---- */

static struct receiving receiving;
static int link_in = -1, link_out = -1;

static int take_over(void *context, struct error *error)
{
    (void)context;
    int rc = receiving_take_over(&receiving, error);
    return rc < 0 ? error_prefix(error,
                        "%.60s was not handed over, and does not run here (if its source lives, it "
                        "runs there)",
                        receiving.restored.saved.plan.name)
                  : 0;
}

static void taken_over(void *context)
{
    (void)context;
    receiving_started(&receiving);
}

/* Before anything of it is made here. */
static int is_name_taken(void *context, const char *name, struct error *error)
{
    return place_lives(context, name)
               ? error_set(
                     error, EBUSY, "a domain %.60s runs there already: receive it by another --name", name)
               : 0;
}

/* Of those that only ask, or go without a word, there may be any number before it. */
static int receive_one(
    const struct serving *serving, const struct restore_request *request, struct error *error)
{
    const struct domain_options *options = serving->options;
    const char *address = serving->invocation->operands[0];
    struct listening listening = {.fd = -1};
    const bool by_stdio = link_in >= 0;
    bool again;
    int rc = by_stdio ? 0 : address_listen(address, options->cleartext, &listening, error);
    do {
        if (rc == 0 && !by_stdio && (rc = address_accept(&listening, request->stop, &link_in, error)) == 0)
            link_out = link_in;
        if (rc == 0)
            rc = receiving_open(&receiving, link_in, link_out, request, is_name_taken,
                (void *)(uintptr_t)serving->place, error);
        again = !by_stdio && (rc == 0 ? receiving.checked : rc == -ENODATA);
        if (again) {
            receiving_close(&receiving);
            close(link_in);
            rc = 0;
        }
    } while (again);
    address_close(&listening);
    return rc;
}

static int make_received(struct serving *serving, const char **name, struct error *error)
{
    static const struct stop stop = {.asked = interrupt_asked, .why = interrupt_reason};
    const struct restore_request request = {.fd = -1,
        .clock = (enum clock_policy)serving->options->clock,
        .name = serving->options->name,
        .monitor = monitor_at(0),
        .stop = &stop};
    receiving.restored.fd = -1;
    int rc = receive_one(serving, &request, error);
    if (rc == 0 && receiving.checked)
        rc = error_set(error, EINTR, "the source only asked whether it could run here");
    if (rc < 0)
        return error_prefix(error, "no domain came, and none runs here");
    serving->served.restored = &receiving.restored;
    serving->served.portable = receiving.restored.portable;
    serving->served.mode = "moved here";
    serving->served.begun_seconds = now_seconds();
    serving->served.paused = receiving.paused;
    serving->served.take_over = take_over;
    serving->served.taken_over = taken_over;
    *name = receiving.restored.saved.plan.name;
    return 0;
}

/* A source that waits for an answer gets one. */
static void unmake_received(struct serving *serving)
{
    (void)serving;
    receiving_close(&receiving);
    if (link_in >= 0)
        close(link_in);
}

int cmd_domain_receive_run(const struct invocation *invocation)
{
    const struct domain_options *options = invocation->options;
    if (!strcmp(invocation->operands[0], "-")) {
        link_in = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
        link_out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
        dup2(STDERR_FILENO, STDOUT_FILENO); /* what is said is no part of the link */
    }
    return serve_command(
        invocation, options->name ? options->name : "received", make_received, unmake_received);
}
