/* vcost domain receive. */
#include "cli/interrupt.h"
#include "cli/serving.h"
#include "cli/status.h"
#include "domain/moved/address.h"
#include "domain/moved/receive.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* What comes, and where it listens: post-copy's source may have to come a second time. */
static struct receiving receiving;
static struct listening listening = {.fd = -1};
static int link_in = -1, link_out = -1;

static void answer_meanwhile(void *context)
{
    server_answer_meanwhile(context);
}

static int take_over(void *context, struct error *error)
{
    receiving.wire.idle = answer_meanwhile;
    receiving.wire.idle_context = &((struct serving *)context)->served;
    int rc = receiving_take_over(&receiving, error);
    receiving.wire.idle = NULL;
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

/* Who made the link, as ssh, waits for its end. */
static void let_go(void *context)
{
    (void)context;
    if (link_in < 0 || !receiving_is_over(&receiving))
        return;
    close(link_in);
    if (link_out != link_in)
        close(link_out);
    link_in = link_out = -1;
}

/* Before anything of it is made here. */
static int is_name_taken(void *context, const char *name, struct error *error)
{
    return place_lives(context, name)
               ? error_set(
                     error, EBUSY, "a domain %.60s runs there already: receive it by another --name", name)
               : 0;
}

/* A further stream of the same source, or a new link of it. */
static int accept_more(void *context, const struct stop *asked, int *link, struct error *error)
{
    (void)context;
    return address_accept(&listening, asked, link, error);
}

/* Of those that only ask, or go without a word, there may be any number before it. */
static int receive_one(
    const struct serving *serving, const struct restore_request *request, struct error *error)
{
    const struct domain_options *options = serving->options;
    const char *address = serving->invocation->operands[0];
    const bool by_stdio = link_in >= 0;
    const struct receiving_hooks hooks = {.link_timeout = options->link_timeout,
        .context = (void *)(uintptr_t)serving->place,
        .refused = is_name_taken,
        .accept = by_stdio ? NULL : accept_more};
    bool again;
    int rc = by_stdio ? 0 : address_listen(address, options->cleartext, &listening, error);
    do {
        if (rc == 0 && !by_stdio && (rc = address_accept(&listening, request->stop, &link_in, error)) == 0)
            link_out = link_in;
        if (rc == 0)
            rc = receiving_open(&receiving, link_in, link_out, request, &hooks, error);
        again = !by_stdio && (rc == 0 ? receiving.checked : rc == -ENODATA);
        if (again) {
            receiving_close(&receiving);
            close(link_in);
            rc = 0;
        }
    } while (again);
    if (rc < 0 || !receiving.post_copy)
        address_close(&listening);
    return rc;
}

static int make_received(struct serving *serving, const char **name, struct error *error)
{
    static struct stop stop = {.asked = serving_is_unwanted, .why = interrupt_reason};
    struct restore_request request = {.fd = -1,
        .clock = (enum clock_policy)serving->options->clock,
        .name = serving->options->name,
        .monitor = serving_monitor(serving),
        .stop = &stop};
    stop.context = serving;
    receiving.restored.fd = -1;
    int rc = serving_read_wish(serving, error);
    if (rc < 0)
        return rc;
    request.wish = serving->served.wish;
    rc = receive_one(serving, &request, error);
    if (rc == 0 && receiving.checked)
        rc = error_set(error, EINTR, "the source only asked whether it could run here");
    if (rc < 0)
        return error_prefix(error, "no domain came, and none runs here");
    serving->served.restored = &receiving.restored;
    serving->served.portable = receiving.restored.portable;
    serving->served.mode = "moved here";
    serving->served.begun_seconds = serving_seconds();
    serving->served.paused = receiving.paused;
    serving->served.follow = receiving.post_copy ? &receiving.follow : NULL;
    serving->needs_link = receiving.post_copy && !receiving.follow.accept;
    serving->served.take_over = take_over;
    serving->served.taken_over = taken_over;
    serving->served.look = let_go;
    *name = receiving.restored.saved.plan.name;
    return 0;
}

/* A source that waits for an answer gets one. */
static void unmake_received(struct serving *serving)
{
    (void)serving;
    receiving_close(&receiving);
    address_close(&listening);
    if (link_in >= 0)
        close(link_in);
}

int cmd_domain_receive_run(const struct invocation *invocation)
{
    const struct domain_options *options = invocation->options;
    struct error error;
    if (address_check(invocation->operands[0], false, &error) < 0)
        return status_wrong_usage(invocation->command, &error);
    if (!strcmp(invocation->operands[0], "-")) {
        link_in = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
        link_out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
        dup2(STDERR_FILENO, STDOUT_FILENO); /* what is said is no part of the link */
    }
    return serving_command(
        invocation, options->name ? options->name : "received", make_received, unmake_received);
}
