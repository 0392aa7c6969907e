#include "domain/served/server.h"

#include "domain/served/behind.h"
#include "domain/served/file.h"
#include "domain/served/migrate.h"
#include "domain/served/placed.h"
#include "domain/served/save.h"
#include "domain/served/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
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

void server_report(const struct served *served, struct domain_report *report)
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
        .pace_before =
            served->restored && served->restored->saved.pace > 0 ? served->restored->saved.pace : NAN,
        .clock_jump_ms = served->restored ? served->restored->jump.seconds * 1e3 : NAN,
        .added_bytes = status.added_pages * 4096,
        .added_writes = status.added_writes,
        .given_back_bytes = served->resized ? (double)served->given_back : NAN,
        .stall_ms = served->stall_seconds > 0 ? served->stall_seconds * 1e3 : NAN,
        .seconds = now - served->begun_seconds,
        .has_costs = served->has_costs,
        .costs = served->costs};
    uint64_t exits = 0;
    snprintf(
        report->awaits, sizeof report->awaits, "%s", served->awaits ? "the last word of its source" : "");
    if (counters_get(&counters, "exits", &exits))
        report->exits = exits;
    snprintf(report->name, sizeof report->name, "%s", plan->name);
    snprintf(report->monitor, sizeof report->monitor, "%s", plan->monitor);
    snprintf(report->mode, sizeof report->mode, "%s", served->mode);
    snprintf(report->ending, sizeof report->ending, "%s", served->ending ? served->ending : "");
    if (status.phase == PORTABLE_DONE)
        snprintf(report->checksum, sizeof report->checksum, "0x%016" PRIx64, status.checksum);
    if (served->restored)
        snprintf(report->clock, sizeof report->clock, "%s", served->restored->clock);
    write_generation(status.generation, report->generation);
    write_generation(status.seen, report->generation_seen);
    served_file_report(served, report);
    served_place(served, report);
    report->moves = served->moving != NULL;
    if (served->moving)
        moving_look(served->moving, &report->moved);
    if (status.phase == PORTABLE_FAILED)
        snprintf(report->sentence, sizeof report->sentence, "%s", status.error.text);
    else if (served->restored && !report->sentence[0])
        snprintf(report->sentence, sizeof report->sentence, "%s", served->restored->warning);
    behind_report(served, report);
}

/* ---- what can be asked ---- */

static int do_status(struct served *served, const struct control_request *request, struct error *error)
{
    (void)served;
    (void)request;
    (void)error;
    return 0;
}

static int do_stats(struct served *served, const struct control_request *request, struct error *error)
{
    if (served->moves && request->count)
        return error_set(
            error, EBUSY, "what it writes is recorded for its migration: vcost domain status tells");
    int rc = stats_look(served->portable, request->count > 0, &served->stats, error);
    served->asked_stats = rc == 0;
    return rc;
}

static int do_pause(struct served *served, const struct control_request *request, struct error *error)
{
    (void)request;
    return portable_pause(served->portable, error);
}

/* It was handed over, and whether it arrived is not known: somebody has to decide. */
static bool is_undecided(const struct served *served)
{
    return served->moving && !served->moves && served->moving->told.stage == MOVED_UNDECIDED;
}

static int do_resume(struct served *served, const struct control_request *request, struct error *error)
{
    (void)request;
    int rc = behind_check(served, false, error);
    if (rc < 0)
        return rc;
    if (is_undecided(served))
        moving_take_back(served->moving);
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

static const struct verb {
    const char *name;
    bool while_moving, copies; /* copies: all of its memory must be here, and it must be this process's */
    int (*act)(struct served *served, const struct control_request *request, struct error *error);
} verbs[] = {
    {"status", true, false, do_status},
    {"stats", true, false, do_stats},
    {"pause", false, false, do_pause},
    {"resume", false, false, do_resume},
    {"stop", false, false, do_stop},
    {"save", false, true, served_save},
    {"fork", false, true, served_fork},
    {"memory", false, true, served_resize},
    {"timeline", false, false, served_timeline},
    {"migrate", false, false, served_migrate},
    {"cancel", true, false, served_cancel},
};

static int act(struct served *served, const struct control_request *request, struct error *error)
{
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        if (!strcmp(verbs[i].name, request->verb)) {
            if (served->awaits && !verbs[i].while_moving)
                return error_set(error, EBUSY,
                    "%s has come here, and waits for the last word of its source: until then it does not run",
                    served->claim->name);
            if (served->moves && !verbs[i].while_moving)
                return error_set(error, EBUSY, "the domain is being moved: wait, or vcost domain cancel %s",
                    served->claim->name);
            if (served->waiting >= 0 && !verbs[i].while_moving)
                return error_set(
                    error, EBUSY, "what its last save cost is being looked at: wait some seconds");
            int rc = verbs[i].copies ? behind_check(served, true, error) : 0;
            return rc < 0 ? rc : verbs[i].act(served, request, error);
        }
    return error_set(error, EINVAL, "a domain cannot be asked to \"%s\": is it of another version of vcost?",
        request->verb);
}

void server_answer(struct served *served, struct control_answer *answer)
{
    int socket = served->waiting;
    served->waiting = -1;
    server_report(served, &answer->report);
    control_send(socket, answer);
    if (served->ending)
        served->parting = socket;
    else
        close(socket);
}

static void answer(struct served *served)
{
    struct control_request request = {.fd = -1};
    struct control_answer answer = {.error = {.code = 0}};
    int socket = accept4(served->claim->socket, NULL, NULL, SOCK_CLOEXEC);
    if (socket < 0)
        return;
    int rc = control_receive(socket, &request, &answer.error);
    bool waits = served->waiting >= 0;
    served->asker = socket;
    if (rc == 0)
        rc = act(served, &request, &answer.error);
    if (rc == 0)
        answer.error = (struct error){.code = 0};
    control_close(&request);
    if (rc == 0 && !waits && (served->moves || (served->watch && !served->watch_shows))) {
        served->waiting = socket;
        return;
    }
    server_report(served, &answer.report);
    answer.report.has_stats = served->asked_stats;
    answer.report.stats = served->stats;
    served->asked_stats = false;
    control_send(socket, &answer);
    if (served->stands_since > 0)
        served_save_decided(served, control_confirmed(socket));
    if (served->ending)
        served->parting = socket;
    else
        close(socket);
}

void server_answer_meanwhile(struct served *served)
{
    struct pollfd watched = {served->claim->socket, POLLIN, 0};
    if (poll(&watched, 1, 0) > 0)
        answer(served);
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
        server_report(served, &report);
        if (served->tell)
            served->tell(served->context, &report);
    }
    served->window_seconds = now;
    served->window_done = status->done;
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
    while (!served->ending) {
        wait_for_something(served);
        if (served->ending)
            break;
        double now = now_seconds();
        if (served->moves && stop_asked(served->stop))
            served->moving->cancel = true;
        if (served->moves && served->arrived)
            served_arrived(served);
        if (served->ending)
            break;
        served_watch(served);
        if (served->cloner > 0 && waitpid(served->cloner, NULL, WNOHANG) == served->cloner)
            served->cloner = 0;
        behind_look(served);
        if (served->look)
            served->look(served->context);
        if (served->restored)
            jump_look(&served->restored->jump, served->portable);
        portable_status(served->portable, &status);
        measure_pace(served, &status, now);
        look_for_working_set(served, &status, now);
        if (served->moves || (is_undecided(served) && !stop_asked(served->stop)))
            continue;
        /* the file first: its loss may be why the guest failed */
        if (served_file_check(served, failure) < 0 || status.phase == PORTABLE_FAILED)
            served->ending = "failed";
        else if (status.phase == PORTABLE_DONE)
            served->ending = "done";
        else if (stop_asked(served->stop))
            served->ending = "interrupted";
    }
}

int server_run(struct served *served, struct domain_report *report, struct error *error)
{
    struct error failure = {.code = 0};
    served->parting = served->timeline = served->waiting = -1;
    served->entered_seconds = 0;
    served->awaits = served->take_over;
    int rc = served->take_over ? served->take_over(served->context, error) : 0;
    served->awaits = false;
    if (rc == 0 && served->watch_shows && !served->paused)
        served_watch_restore(served);
    if (rc == 0 && !served->paused) {
        served->entered_seconds = now_seconds();
        rc = portable_resume(served->portable, error);
    }
    if (rc < 0)
        return rc;
    if (served->taken_over)
        served->taken_over(served->context);
    served_file_watch(served);
    server_report(served, report);
    if (served->tell)
        served->tell(served->context, report);
    serve(served, &failure);
    served->quit = true;
    if (served->checking)
        pthread_join(served->checker, NULL);
    if (portable_pause(served->portable, &(struct error){0}) < 0 && !failure.code)
        error_set(&failure, ETIMEDOUT, "a virtual CPU could not be stopped");
    served_watch_end(served);
    if (served->follow)
        follow_stop(served->follow);
    server_report(served, report);
    if (served->moving)
        moving_free(served->moving);
    free(served->moving);
    served->moving = NULL;
    if (failure.code)
        snprintf(report->sentence, sizeof report->sentence, "%s", failure.text);
    return 0;
}

void server_part(struct served *served)
{
    place_give_up(served->claim);
    if (served->parting >= 0)
        close(served->parting);
    served->parting = -1;
}
