#include "domain/served/server.h"

#include "domain/saved/cpu_record.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* A pace is measured over a quarter of a second; that it is back, over a twentieth. */
enum { TICK_MS = 100, CLOSE_LOOK_MS = 10 };
static const double pace_window = 0.25, back_window = 0.05, back_share = 0.9;

static double now_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* ---- reports ---- */

static void write_generation(const uint64_t id[2], char text[static 36])
{
    if (id[0] | id[1])
        snprintf(text, 36, "%016" PRIx64 "%016" PRIx64, id[0], id[1]);
}

static void report_on(const struct served *served, struct domain_report *report)
{
    const struct portable_plan *plan = portable_plan(served->portable);
    struct portable_status status;
    struct counters counters;
    double now = now_seconds();
    portable_status(served->portable, &status);
    portable_counters(served->portable, &counters);
    *report = (struct domain_report){.pid = (uint64_t)getpid(),
        .exit_status = -1,
        .workload = plan->workload,
        .memory_bytes = plan->memory_bytes,
        .cpus = plan->cpus,
        .phase = status.phase,
        .done = status.done,
        .work = plan->work,
        .pace = served->pace > 0 ? served->pace : NAN,
        .wrong = status.wrong,
        .backwards = status.backwards,
        .longest_pause_ms = status.longest_seconds * 1e3,
        .first_instruction_ms = served->restored && served->entered_seconds > 0
                                    ? (served->entered_seconds - served->begun_seconds) * 1e3
                                    : NAN,
        .working_set_ms =
            served->back_seconds > 0 ? (served->back_seconds - served->begun_seconds) * 1e3 : NAN,
        .seconds = now - served->begun_seconds};
    uint64_t exits = 0;
    if (counters_get(&counters, "exits", &exits))
        report->exits = exits;
    snprintf(report->name, sizeof report->name, "%s", plan->name);
    snprintf(report->monitor, sizeof report->monitor, "%s", plan->monitor);
    snprintf(report->mode, sizeof report->mode, "%s", served->mode);
    snprintf(report->ending, sizeof report->ending, "%s", served->ending ? served->ending : "");
    if (status.phase == PORTABLE_DONE)
        snprintf(report->checksum, sizeof report->checksum, "0x%016" PRIx64, status.checksum);
    write_generation(status.generation, report->generation);
    write_generation(status.seen, report->generation_seen);
    if (served->checking)
        snprintf(report->memory_checked, sizeof report->memory_checked, "%s",
            served->checked == 0  ? "not yet"
            : served->checked > 0 ? "yes"
                                  : "no");
    if (status.phase == PORTABLE_FAILED)
        snprintf(report->sentence, sizeof report->sentence, "%s", status.error.text);
    else if (served->checked < 0)
        snprintf(report->sentence, sizeof report->sentence, "%s", served->checker_error.text);
    else if (served->restored)
        snprintf(report->sentence, sizeof report->sentence, "%s", served->restored->warning);
}

/* ---- what can be asked ---- */

static int do_status(struct served *served, const struct control_request *request, struct error *error)
{
    (void)served;
    (void)request;
    (void)error;
    return 0;
}

static int do_pause(struct served *served, const struct control_request *request, struct error *error)
{
    (void)request;
    return portable_pause(served->portable, error);
}

static int do_resume(struct served *served, const struct control_request *request, struct error *error)
{
    (void)request;
    served->pace_seconds = 0;
    return portable_resume(served->portable, error);
}

static int do_stop(struct served *served, const struct control_request *request, struct error *error)
{
    (void)request;
    int rc = portable_pause(served->portable, error);
    served->ending = rc < 0 ? NULL : "stopped";
    return rc;
}

static int save_to(struct served *served, int fd, struct error *error)
{
    struct stored saved = {.plan = *portable_plan(served->portable), .pace = served->pace};
    stored_moment_now(&saved.moment);
    int rc = portable_save(served->portable, &saved.state, error);
    if (rc == 0 && (rc = cpu_record_add_host(&saved.state, error)) == 0)
        rc = stored_write(fd, &saved, portable_memory(served->portable), error);
    stored_free(&saved);
    return rc;
}

/* What could not be saved goes on. */
static int do_save(struct served *served, const struct control_request *request, struct error *error)
{
    struct portable_status status;
    struct error again;
    if (request->fd < 0)
        return error_set(error, EINVAL, "a domain is saved to a descriptor, and none came with the request");
    portable_status(served->portable, &status);
    if (status.phase == PORTABLE_FAILED)
        return error_set(error, EINVAL, "the domain has failed: there is nothing to save");
    int rc = portable_pause(served->portable, error);
    if (rc < 0)
        return rc;
    rc = save_to(served, request->fd, error);
    if (rc == 0 && !request->keep)
        served->ending = "saved";
    else if (status.phase == PORTABLE_RUNNING &&
             portable_resume(served->portable, rc < 0 ? &again : error) < 0 && rc == 0)
        rc = -error->code;
    return rc;
}

static const struct verb {
    const char *name;
    int (*act)(struct served *served, const struct control_request *request, struct error *error);
} verbs[] = {
    {"status", do_status},
    {"pause", do_pause},
    {"resume", do_resume},
    {"stop", do_stop},
    {"save", do_save},
};

static int act(struct served *served, const struct control_request *request, struct error *error)
{
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        if (!strcmp(verbs[i].name, request->verb))
            return verbs[i].act(served, request, error);
    return error_set(error, EINVAL, "a domain cannot be asked to \"%s\": is it of another version of vcost?",
        request->verb);
}

static void answer(struct served *served)
{
    struct control_request request = {.fd = -1};
    struct control_answer answer = {.error = {.code = 0}};
    int socket = accept4(served->claim->socket, NULL, NULL, SOCK_CLOEXEC);
    if (socket < 0)
        return;
    int rc = control_receive(socket, &request, &answer.error);
    if (rc == 0)
        rc = act(served, &request, &answer.error);
    if (rc == 0)
        answer.error = (struct error){.code = 0};
    if (request.fd >= 0)
        close(request.fd);
    report_on(served, &answer.report);
    control_send(socket, &answer);
    close(socket);
}

/* ---- what passes meanwhile ---- */

static void measure_pace(struct served *served, const struct portable_status *status, double now)
{
    if (status->phase != PORTABLE_RUNNING || !(served->pace_seconds > 0) ||
        status->done < served->pace_done) {
        served->pace_seconds = now;
        served->pace_done = status->done;
    } else if (now - served->pace_seconds >= pace_window) {
        served->pace = (double)(status->done - served->pace_done) / (now - served->pace_seconds);
        served->pace_seconds = now;
        served->pace_done = status->done;
    }
}

static bool looks_closely(const struct served *served)
{
    return served->restored && served->restored->saved.pace > 0 && !(served->back_seconds > 0);
}

static void look_for_working_set(struct served *served, const struct portable_status *status, double now)
{
    double took = now - served->window_seconds;
    if (!looks_closely(served) || took < back_window)
        return;
    if (served->window_seconds > 0 &&
        (double)(status->done - served->window_done) / took >= back_share * served->restored->saved.pace) {
        struct domain_report report;
        served->back_seconds = now;
        report_on(served, &report);
        if (served->tell)
            served->tell(served->context, &report);
    }
    served->window_seconds = now;
    served->window_done = status->done;
}

static bool checker_asked(void *context)
{
    return ((const struct served *)context)->quit;
}

static void *check_memory(void *context)
{
    struct served *served = context;
    const struct stop stop = {.asked = checker_asked, .context = served};
    struct error error;
    int rc = stored_load(served->restored->fd, &served->restored->saved, NULL, &stop, &error);
    if (rc < 0 && rc != -EINTR) {
        served->checker_error = error;
        served->checked = -1;
        eventfd_write(portable_eventfd(served->portable), 1);
    } else if (rc == 0) {
        served->checked = 1;
    }
    return NULL;
}

/* A file that somebody changes while memory is mapped from it is no memory any more. */
static int check_file(const struct served *served, const struct stat *before, struct error *error)
{
    struct stat now;
    if (!served->restored || !served->restored->lazy)
        return 0;
    if (served->checked < 0) {
        *error = served->checker_error;
        return -error->code;
    }
    if (fstat(served->restored->fd, &now) == 0 && now.st_size == before->st_size &&
        now.st_mtim.tv_sec == before->st_mtim.tv_sec && now.st_mtim.tv_nsec == before->st_mtim.tv_nsec)
        return 0;
    return error_set(error, EIO,
        "the file that the domain's memory is mapped from was changed or cut off while it ran: what it "
        "computes from now "
        "on would be wrong, so it was stopped");
}

/* ---- the loop ---- */

static void wait_for_something(struct served *served)
{
    struct pollfd watched[] = {
        {served->claim->socket, POLLIN, 0}, {portable_eventfd(served->portable), POLLIN, 0}};
    eventfd_t count;
    if (poll(watched, 2, looks_closely(served) ? CLOSE_LOOK_MS : TICK_MS) <= 0)
        return;
    if (watched[1].revents)
        (void)eventfd_read(watched[1].fd, &count);
    if (watched[0].revents)
        answer(served);
}

static void serve(struct served *served, struct error *failure)
{
    struct portable_status status;
    struct stat file = {0};
    if (served->restored)
        (void)fstat(served->restored->fd, &file);
    while (!served->ending) {
        wait_for_something(served);
        if (served->ending)
            break;
        double now = now_seconds();
        portable_status(served->portable, &status);
        measure_pace(served, &status, now);
        look_for_working_set(served, &status, now);
        if (status.phase == PORTABLE_DONE)
            served->ending = "done";
        else if (status.phase == PORTABLE_FAILED || check_file(served, &file, failure) < 0)
            served->ending = "failed";
        else if (stop_asked(served->stop))
            served->ending = "interrupted";
    }
}

int server_run(struct served *served, struct domain_report *report, struct error *error)
{
    struct error failure = {.code = 0};
    served->entered_seconds = served->paused ? 0 : now_seconds();
    int rc = served->paused ? 0 : portable_resume(served->portable, error);
    if (rc < 0) {
        place_give_up(served->claim);
        return rc;
    }
    served->checking = served->restored && served->restored->lazy &&
                       pthread_create(&served->checker, NULL, check_memory, served) == 0;
    report_on(served, report);
    if (served->tell)
        served->tell(served->context, report);
    serve(served, &failure);
    served->quit = true;
    if (served->checking)
        pthread_join(served->checker, NULL);
    if (portable_pause(served->portable, &(struct error){0}) < 0 && !failure.code)
        error_set(&failure, ETIMEDOUT, "a virtual CPU could not be stopped");
    report_on(served, report);
    if (failure.code)
        snprintf(report->sentence, sizeof report->sentence, "%s", failure.text);
    place_give_up(served->claim);
    return 0;
}
