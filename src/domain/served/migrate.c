#include "domain/served/migrate.h"

#include "domain/served/behind.h"
#include "domain/served/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

static void *move(void *context)
{
    struct served *served = context;
    served->mover_result =
        (served->rejoins ? moving_rejoin : moving_run)(served->moving, &served->mover_error);
    served->arrived = true;
    eventfd_write(portable_eventfd(served->portable), 1);
    return NULL;
}

static void close_links(struct served *served)
{
    for (unsigned i = 0; i < served->mover_streams; i++)
        if (served->mover_links[i] >= 0)
            close(served->mover_links[i]);
}

int served_migrate(struct served *served, const struct control_request *request, struct error *error)
{
    struct moving_request moving = {.check = request->check,
        .finish_late = request->finish_late,
        .max_downtime = request->max_downtime,
        .timeout = request->timeout,
        .max_bandwidth = request->max_bandwidth,
        .link_timeout = request->link_timeout,
        .post_copy = request->post_copy,
        .passes = (unsigned)request->passes,
        .throttle = (unsigned)request->throttle,
        .pace = served->pace,
        .watch = served->timeline >= 0 ? TIMELINE_AFTER_SECONDS : 0,
        .version = served->version};
    if (request->fd < 0)
        return error_set(error, EINVAL, "a domain moves through a link, and none came with the request");
    if (request->reconnect && !behind_is_given(served))
        return error_set(error, EINVAL,
            "no destination waits for memory of this domain: there is nothing to connect again");
    int rc = request->reconnect ? 0 : behind_check(served, true, error);
    if (rc < 0)
        return rc;
    if (!served->moving && !(served->moving = malloc(sizeof *served->moving)))
        return error_set(error, ENOMEM, "no memory to move a domain");
    for (unsigned i = 0; i <= request->more_count; i++)
        moving.links[i] = served->mover_links[i] =
            fcntl(i ? request->more[i - 1] : request->fd, F_DUPFD_CLOEXEC, 3);
    moving.streams = served->mover_streams = 1 + request->more_count;
    snprintf(moving.to, sizeof moving.to, "%.190s", request->text);
    served->rejoins = request->reconnect;
    if (request->reconnect)
        moving_renew(served->moving, &moving);
    else
        moving_init(served->moving, served->portable, &moving);
    served->arrived = false;
    int code = served->mover_links[moving.streams - 1] < 0
                   ? errno
                   : pthread_create(&served->mover, NULL, move, served);
    served->moves = !code;
    if (code)
        close_links(served);
    return code ? error_errno(error, code, "no thread to move a domain") : 0;
}

int served_cancel(struct served *served, const struct control_request *request, struct error *error)
{
    (void)request;
    if (!served->moves)
        return error_set(error, EINVAL, "the domain does not move");
    served->moving->cancel = true;
    return 0;
}

void served_arrived(struct served *served)
{
    struct control_answer answer = {.error = {.code = 0}};
    pthread_join(served->mover, NULL);
    served->moves = false;
    served->pace_seconds = 0;
    close_links(served);
    if (served->mover_result < 0)
        answer.error = served->mover_error;
    else if (served->moving->told.stage == MOVED_DONE)
        served->ending = "moved";
    served_write_timeline(served, &served->moving->timeline);
    server_answer(served, &answer);
    if (!behind_is_given(served))
        moving_free(served->moving);
}
