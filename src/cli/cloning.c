#include "cli/cloning.h"

#include "cli/interrupt.h"
#include "cli/status.h"
#include "report/view_domain.h"

#include <errno.h>
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
    interrupt_catch();
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
    snprintf(name, sizeof name, "%.30s-%zu", cloning->name, number + 1);
    place_path(cloning->place, name, "log", starting->log);
    if (place_lives(cloning->place, name))
        return error_set(error, EBUSY, "a domain %s runs already: choose another --name", name);
    int rc = serving_detach(starting->log, &serving.start, &starting->hear, error);
    if (rc < 0 || serving.start < 0)
        return rc;
    *status = serve_clone(cloning, &serving);
    return 1;
}

static int hear(const struct cloning *cloning, const struct starting *starting, struct error *error)
{
    struct start start;
    int rc = serving_hear(starting->hear, starting->log, &start, error);
    if (rc == 0 && start.status != STATUS_DONE) {
        *error = start.error;
        rc = -error->code;
    }
    if (rc == 0)
        cloning->each(cloning->context, &start);
    return rc;
}

/* Once the first one runs, which shows that this host can have them, there is one more that starts while
 * another does. */
int cloning_run(const struct cloning *cloning, int *status, struct error *error)
{
    static struct starting starting[2];
    size_t begun = 0, heard = 0;
    int rc = 0;
    while (rc == 0 && heard < cloning->count) {
        if (begun < cloning->count && begun - heard < (heard ? 2 : 1)) {
            rc = begin(cloning, begun, &starting[begun % 2], status, error);
            begun += rc == 0;
        } else {
            rc = hear(cloning, &starting[heard % 2], error);
            heard++;
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
    void *memory;
    int socket, file; /* file: that the memory is mapped from; -1: none */
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
    const struct restore_request request = {
        .fd = family->file, .lazy = family->file >= 0, .name = serving->name, .monitor = monitor_at(0)};
    int rc = restore_shared(&request, family->saved, family->memory, &cloned, error);
    serving->served.restored = &cloned;
    serving->served.portable = cloned.portable;
    serving->served.mode = "memory shared with its source";
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

/* A name that comes from a socket. */
static int check_name(const struct stored *saved, const char *name, uint64_t count, struct error *error)
{
    struct portable_plan plan = saved->plan;
    snprintf(plan.name, sizeof plan.name, "%.30s-1", name);
    return count < 1 || count > FORKED_MAX
               ? error_set(error, EINVAL, "from 1 to %d clones can be made at once", FORKED_MAX)
               : portable_plan_check(&plan, true, error);
}

void cloning_of_domain(void *context, const struct served *served, const struct stored *saved,
    const struct control_request *request)
{
    const struct serving *source = context;
    struct family mine = {.saved = saved,
        .memory = portable_memory(served->portable),
        .socket = request->fd,
        .file = served->restored && served->restored->lazy ? served->restored->fd : -1};
    struct cloning cloning = {.place = source->place,
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
    int rc = check_name(saved, request->text, request->count, &answer.error);
    if (rc == 0)
        rc = cloning_run(&cloning, &status, &answer.error);
    if (rc < 0)
        control_send(mine.socket, &answer);
    fflush(stdout);
    _exit(status);
}
