#include "domain/served/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- where it is written ---- */

static void drop(struct served *served)
{
    if (served->timeline >= 0)
        close(served->timeline);
    served->timeline = -1;
}

int served_timeline(struct served *served, const struct control_request *request, struct error *error)
{
    if (request->fd < 0)
        return error_set(
            error, EINVAL, "a timeline is written to a descriptor, and none came with the request");
    drop(served);
    served->timeline = fcntl(request->fd, F_DUPFD_CLOEXEC, 3);
    return served->timeline < 0 ? error_errno(error, errno, "no descriptor for a timeline") : 0;
}

void served_write_timeline(struct served *served, const struct timeline *timeline)
{
    struct timeline_told *told = served->timeline < 0 ? NULL : malloc(sizeof *told);
    FILE *stream = told ? fdopen(served->timeline, "w") : NULL;
    struct error error;
    if (stream) {
        timeline_tell(timeline, served->portable, told);
        (void)record_print(&timeline_told_record, told, stream, &error);
        fclose(stream);
        served->timeline = -1;
    }
    free(told);
    drop(served);
}

/* ---- looking ---- */

static void begin(struct served *served, enum timeline_kind kind)
{
    served->watch = malloc(sizeof *served->watch);
    if (!served->watch)
        return;
    timeline_begin(served->watch, kind, served->portable);
    served->watch_side = 0;
}

void served_watch_save(struct served *served)
{
    if (served->timeline < 0 || served->watch)
        return;
    begin(served, TIMELINE_SAVE);
    if (served->watch)
        timeline_mark(served->watch, TIMELINE_STOP);
}

/* Its last sample was taken when the command began, as far as the picture goes. */
void served_watch_restore(struct served *served)
{
    begin(served, TIMELINE_RESTORE);
    if (!served->watch)
        return;
    struct timeline *timeline = served->watch;
    timeline->sides[0].offset -= timeline->marks[0].seconds - served->begun_seconds;
    timeline->marks[0].seconds = served->begun_seconds;
    timeline->look_count = 0; /* these pages are the restored one's */
    timeline_mark(timeline, TIMELINE_STOP);
    timeline->marks[1].seconds = served->begun_seconds;
    served_watch_runs(served);
}

void served_watch_runs(struct served *served)
{
    if (!served->watch || served->watch_side)
        return;
    timeline_take(served->watch, served->portable, 0);
    timeline_mark(served->watch, TIMELINE_RUNS);
    served->watch_side = 1;
    served->watch_judged = timeline_now();
}

static void end(struct served *served)
{
    struct timeline *timeline = served->watch;
    struct control_answer answer = {.error = {.code = 0}};
    timeline_mark(timeline, TIMELINE_END);
    if (served->watch_shows)
        served->watch_shows(served->context, timeline, served->portable);
    served_write_timeline(served, timeline);
    timeline_costs_of(timeline, &served->costs);
    served->has_costs = true;
    timeline_free(timeline);
    free(timeline);
    served->watch = NULL;
    if (served->waiting >= 0)
        server_answer(served, &answer);
}

void served_watch(struct served *served)
{
    static const double judge_seconds = 0.25;
    double now = timeline_now();
    if (!served->watch || !served->watch_side)
        return;
    timeline_take(served->watch, served->portable, served->watch_side);
    if (now - served->watch_judged < judge_seconds)
        return;
    served->watch_judged = now;
    if (timeline_is_enough(served->watch))
        end(served);
}

void served_watch_end(struct served *served)
{
    if (served->watch) {
        timeline_take(served->watch, served->portable, served->watch_side);
        end(served);
    }
    drop(served);
}
