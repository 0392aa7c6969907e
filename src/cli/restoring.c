#include "cli/restoring.h"

#include "cli/interrupt.h"
#include "report/progress.h"

#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static struct restored restored; /* of this process */

static void say_how_far(void *context, double fraction, double seconds_left, const char *what)
{
    enum { TIMES_A_SECOND = 10 };
    struct serving *serving = context;
    struct start start = {.on_the_way = true, .fraction = fraction, .seconds_left = seconds_left};
    const double now = serving_seconds();
    if (serving->start < 0) {
        progress_update(&serving->line, fraction, seconds_left, what);
    } else if (now - serving->said_seconds > 1.0 / TIMES_A_SECOND) {
        snprintf(start.what, sizeof start.what, "%s", what);
        (void)!send(serving->start, &start, sizeof start, MSG_NOSIGNAL | MSG_DONTWAIT);
        serving->said_seconds = now;
    }
}

int restoring_make(struct serving *serving, const char **name, struct error *error)
{
    const struct stop stop = {.asked = serving_is_unwanted, .context = serving, .why = interrupt_reason};
    const struct progress progress = {say_how_far, serving};
    struct restore_request request = {.fd = serving->fd,
        .lazy = serving->lazy,
        .brought = serving->brought,
        .first = serving->first,
        .clock = (enum clock_policy)serving->options->clock,
        .name = serving->name,
        .monitor = serving_monitor(serving),
        .saved = serving->saved,
        .checked = serving->checked,
        .stop = &stop,
        .progress = &progress};
    int rc = serving_read_wish(serving, error);
    if (rc < 0)
        return rc;
    request.wish = serving->served.wish;
    if (serving->start < 0)
        progress_start(&serving->line, stderr, false, locale_is_utf8());
    rc = restore_open(&request, &restored, error);
    progress_clear(&serving->line);
    if (rc < 0)
        return error_prefix(error, "%.200s", serving->invocation->operands[0]);
    serving->served.restored = &restored;
    serving->served.portable = restored.portable;
    serving->served.mode = serving->lazy      ? "memory mapped, private"
                           : serving->brought ? "memory brought as touched, userfaultfd"
                                              : "memory read";
    *name = restored.saved.plan.name;
    return rc;
}

void restoring_end(struct serving *serving)
{
    if (serving->served.restored)
        restore_close(&restored);
    if (serving->fd >= 0)
        close(serving->fd);
}
