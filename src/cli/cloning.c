#include "cli/cloning.h"

#include "cli/status.h"
#include "report/view_domain.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* In the clone's process: as a restored domain, until it ends. */
static int serve_clone(const struct cloning *cloning, struct serving *serving)
{
    static const struct output_options none;
    struct error error;
    serving->outputs.options = &none;
    signal(SIGXFSZ, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    return serving_finish(
        serving, serving_serve(serving, cloning->place, cloning->make, cloning->unmake, &error), &error);
}

/* One that was started and has not said yet that it runs. */
struct starting {
    int hear;
    char log[PLACE_PATH_BYTES];
};

static int begin(
    const struct cloning *cloning, size_t number, struct starting *starting, int *status, struct error *error)
{
    char name[PORTABLE_NAME_BYTES];
    struct serving serving = {.start = -1,
        .detached = true,
        .fd = -1,
        .name = name,
        .checked = number > 0,
        .served = {.begun_seconds = serving_seconds(), .unchecked = true}};
    cloning->prepare(cloning->context, &serving);
    snprintf(name, sizeof name, "%.43s-%zu", cloning->name, number + 1);
    place_path(cloning->place, name, "log", starting->log);
    if (place_lives(cloning->place, name))
        return error_set(error, EBUSY, "a domain %s runs already: choose another --name", name);
    int rc = detaching_fork(starting->log, &serving.start, &starting->hear, error);
    if (rc < 0 || serving.start < 0)
        return rc;
    *status = serve_clone(cloning, &serving);
    return 1;
}

static int hear(const struct cloning *cloning, const struct starting *starting, struct error *error)
{
    struct start start;
    int rc = detaching_hear(starting->hear, starting->log, &start, error);
    if (rc == 0 && start.status != STATUS_DONE) {
        *error = start.error;
        rc = -error->code;
    }
    if (rc == 0)
        cloning->each(cloning->context, &start);
    return rc;
}

static void tell_how_far(const struct cloning *cloning, size_t heard, double took)
{
    const double share = (double)heard / (double)cloning->count;
    if (cloning->progress.tell)
        cloning->progress.tell(cloning->progress.context, share, took / share - took, "clones start");
}

/* Once the first one runs, which shows that this host can have them, there is one more that starts while
 * another does. */
int cloning_run(const struct cloning *cloning, int *status, struct error *error)
{
    static struct starting starting[2];
    const double since = serving_seconds();
    size_t begun = 0, heard = 0, count = cloning->count;
    int rc = 0;
    while (rc == 0 && heard < count) {
        if (stop_asked(&cloning->stop))
            count = begun;
        if (begun < count && begun - heard < (heard ? 2 : 1)) {
            rc = begin(cloning, begun, &starting[begun % 2], status, error);
            begun += rc == 0;
        } else if (heard < begun) {
            rc = hear(cloning, &starting[heard % 2], error);
            if (rc < 0 && stop_asked(&cloning->stop))
                rc = 0; /* it has heard of that, too, and ended */
            heard++;
            tell_how_far(cloning, heard, serving_seconds() - since);
        }
    }
    for (; rc < 0 && heard < begun; heard++)
        (void)hear(cloning, &starting[heard % 2], &(struct error){.code = 0});
    return rc;
}

/* ---- of a domain that runs ---- */

/* What the process of the source had open is not for those of its clones: its name's lock, its virtual
 * machine, links. */
static void close_all_but(int one, int other)
{
    const int low = other >= 0 && other < one ? other : one, high = other > one ? other : one;
    (void)close_range(STDERR_FILENO + 1, (unsigned)low - 1, 0);
    (void)close_range((unsigned)low + 1, (unsigned)high - 1, 0); /* which are none if these are one */
    (void)close_range((unsigned)high + 1, ~0U, 0);
}

struct family {
    const struct stored *saved;
    void *memory;     /* NULL: in `file` */
    int socket, file; /* file: that the memory is mapped from, or to be mapped from; -1: none */
};

static const struct family *family; /* of this process */

static void prepare(void *context, struct serving *serving)
{
    static const struct domain_options options;
    (void)context;
    serving->options = &options;
    serving->fd = family->file;
}

static struct restored cloned;

static int make(struct serving *serving, const char **name, struct error *error)
{
    const struct restore_request request = {.fd = family->file,
        .lazy = family->memory && family->file >= 0,
        .name = serving->name,
        .monitor = monitor_at(0)};
    close(family->socket); /* its end tells that there are no more */
    int rc = restore_shared(&request, family->saved, family->memory, &cloned, error);
    serving->served.restored = &cloned;
    serving->served.portable = cloned.portable;
    serving->served.mode = family->memory ? "memory shared, process copied" : "memory shared, image mapped";
    *name = cloned.saved.plan.name;
    return rc;
}

static void unmake(struct serving *serving)
{
    (void)serving;
    restore_close(&cloned);
}

static void tell(void *context, const struct start *start)
{
    const struct control_answer answer = {.error = start->error, .report = start->report};
    (void)context;
    control_send(family->socket, &answer);
}

static bool is_unheard(void *context)
{
    return !control_is_heard(((const struct family *)context)->socket);
}

int cloning_check(const char *name, uint64_t count, struct error *error)
{
    char last[280];
    snprintf(last, sizeof last, "%.255s-%" PRIu64, name, count);
    return count < 1 || count > FORKED_MAX
               ? error_set(error, EINVAL, "from 1 to %d clones can be made at once", FORKED_MAX)
               : portable_name_check(last, error);
}

void cloning_of_domain(void *context, const struct served *served, const struct stored *saved,
    const struct control_request *request)
{
    const struct serving *source = context;
    struct family mine = {.saved = saved,
        .memory = served->image >= 0 ? NULL : portable_memory(served->portable),
        .socket = request->fd,
        .file = served->image >= 0                           ? served->image
                : served->restored && served->restored->lazy ? served->restored->fd
                                                             : -1};
    struct cloning cloning = {.stop = {.asked = is_unheard, .context = &mine},
        .place = source->place,
        .name = request->text,
        .count = request->count,
        .prepare = prepare,
        .make = make,
        .unmake = unmake,
        .each = tell};
    struct control_answer answer = {.error = {.code = 0}};
    int status = STATUS_DONE;
    setsid();
    close_all_but(mine.socket, mine.file);
    family = &mine;
    int rc = cloning_check(request->text, request->count, &answer.error);
    if (rc == 0)
        rc = cloning_run(&cloning, &status, &answer.error);
    if (rc < 0)
        control_send(mine.socket, &answer);
    fflush(stdout);
    _exit(status);
}
