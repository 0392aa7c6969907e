#include "domain/served/save.h"

#include "domain/saved/cpu_record.h"
#include "domain/served/file.h"
#include "domain/served/watch.h"

#include <errno.h>
#include <time.h>
#include <unistd.h>

static double now_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* ---- standing still ---- */

struct standing {
    bool ran;
    double since;
};

static int stand_still(struct served *served, struct standing *standing, struct error *error)
{
    struct portable_status status;
    portable_status(served->portable, &status);
    *standing = (struct standing){.ran = status.phase == PORTABLE_RUNNING, .since = now_seconds()};
    if (status.phase == PORTABLE_FAILED)
        return error_set(error, EINVAL, "the domain has failed: there is nothing to save");
    int rc = served_file_check(served, error);
    return rc < 0 ? rc : portable_pause(served->portable, error);
}

/* `rc` is what was done meanwhile, and has its *error. */
static int go_on(struct served *served, const struct standing *standing, int rc, struct error *error)
{
    struct error again;
    served_watch_runs(served);
    int resumed = standing->ran ? portable_resume(served->portable, rc < 0 ? &again : error) : 0;
    served->stall_seconds = now_seconds() - standing->since;
    return rc < 0 ? rc : resumed;
}

static int take_state(struct served *served, struct stored *saved, struct error *error)
{
    *saved = (struct stored){.plan = *portable_plan(served->portable), .pace = served->pace};
    stored_moment_now(&saved->moment);
    int rc = portable_save(served->portable, &saved->state, error);
    if (rc < 0)
        stored_free(saved);
    return rc;
}

/* ---- a file ---- */

/* Who asked does not wait any more, or this process is to end. */
static bool is_unwanted(void *context)
{
    const struct served *served = context;
    return !control_is_heard(served->asker) || stop_asked(served->stop);
}

static const char *why_unwanted(void *context)
{
    (void)context;
    return "nobody waited for it any more";
}

static int save_to(struct served *served, const struct control_request *request, struct error *error)
{
    const struct stop stop = {.asked = is_unwanted, .context = served, .why = why_unwanted};
    struct stored saved;
    int rc = take_state(served, &saved, error);
    if (rc < 0)
        return rc;
    saved.compressed = request->compress;
    rc = cpu_record_add_host(&saved.state, error);
    if (rc == 0)
        rc = stored_write(request->fd, &saved, portable_memory(served->portable), &stop, error);
    stored_free(&saved);
    return rc;
}

int served_save(struct served *served, const struct control_request *request, struct error *error)
{
    struct standing standing;
    if (request->fd < 0)
        return error_set(error, EINVAL, "a domain is saved to a descriptor, and none came with the request");
    if (request->keep)
        served_watch_save(served);
    int rc = stand_still(served, &standing, error);
    if (rc < 0)
        return rc;
    rc = save_to(served, request, error);
    if (rc < 0 || request->keep)
        return go_on(served, &standing, rc, error);
    served->stall_seconds = now_seconds() - standing.since;
    served->ending = "saved";
    served->ran_before = standing.ran;
    served->stands_since = request->confirm ? standing.since : 0;
    return 0;
}

/* A file that nobody has put into its place is none. */
void served_save_decided(struct served *served, bool has_it)
{
    const struct standing standing = {served->ran_before, served->stands_since};
    struct error error;
    served->stands_since = 0;
    if (has_it)
        return;
    served->ending = NULL;
    (void)go_on(served, &standing, 0, &error);
}

/* ---- clones ---- */

int served_fork(struct served *served, const struct control_request *request, struct error *error)
{
    struct portable_plan plan = *portable_plan(served->portable);
    const struct monitor_ops *monitor;
    struct standing standing;
    struct stored saved;
    if (request->fd < 0 || !served->clone)
        return error_set(
            error, EINVAL, "clones are reported to a descriptor, and none came with the request");
    int rc = portable_choose_monitor(&plan, NULL, &monitor, error);
    if (rc < 0)
        return rc;
    if (monitor->elsewhere)
        return error_set(error, ENOTSUP,
            "%s runs its guest in another process, with memory that clones would write to, too: save the "
            "domain "
            "and restore it by another name",
            monitor->title);
    if (served->wish.locked)
        return error_set(error, ENOTSUP,
            "the domain's memory is locked, and cannot be shared with clones: what it then writes would be a "
            "copy that nothing keeps in memory (vcost domain save and restore make one that shares nothing)");
    if (served->restored && served->restored->bringing && !bringing_look(served->restored->bringing, error))
        return error_set(
            error, EBUSY, "the domain's memory is still being brought in: ask again in a moment");
    if (served->cloner > 0)
        return error_set(error, EBUSY, "clones of the domain are being made already");
    if ((rc = stand_still(served, &standing, error)) < 0)
        return rc;
    if ((rc = take_state(served, &saved, error)) == 0) {
        served->image = -1;
        if (portable_freezes(served->portable))
            rc = portable_freeze(served->portable, &served->wish, &served->image, error);
        if (rc < 0) {
            stored_free(&saved);
            return go_on(served, &standing, rc, error);
        }
        served->cloner = fork();
        if (served->cloner == 0)
            served->clone(served->context, served, &saved, request);
        if (served->cloner < 0)
            rc = error_start(error, errno, "a process for clones");
        stored_free(&saved);
    }
    return go_on(served, &standing, rc, error);
}

/* ---- memory ---- */

int served_resize(struct served *served, const struct control_request *request, struct error *error)
{
    const struct stop stop = {.asked = is_unwanted, .context = served, .why = why_unwanted};
    struct standing standing;
    int rc = portable_resize_begin(served->portable, request->count, &stop, error);
    if (rc < 0 || (rc = stand_still(served, &standing, error)) < 0)
        return rc;
    rc = portable_resize(served->portable, request->count, &served->wish, &served->given_back, error);
    served->resized |= rc == 0;
    return go_on(served, &standing, rc, error);
}
