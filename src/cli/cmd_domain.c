/* vcost domain run and restore. */
#include "cli/restoring.h"
#include "cli/status.h"
#include "domain/probe.h"
#include "measure/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

/* ---- run ---- */

static int make_new(struct serving *serving, const char **name, struct error *error)
{
    const struct domain_options *options = serving->options;
    const struct monitor_ops *monitor = monitor_at(options->monitor);
    struct monitor_facts facts;
    struct clock clock;
    struct portable_plan plan;
    domain_options_plan(options, &plan);
    int rc = serving_read_wish(serving, error);
    if (rc < 0)
        return rc;
    domain_probe(monitor, &facts);
    if (!facts.usable)
        return error_set(error, ENOTSUP, "%s%s", facts.reason,
            !monitor->elsewhere ? "; --monitor paravirt or shadow needs no /dev/kvm" : "");
    if ((rc = clock_calibrate(&clock, error)) < 0 ||
        (rc = portable_clock_settable(monitor, &plan.tsc_settable, error)) < 0)
        return rc;
    plan.ticks_per_second = clock.ticks_per_ns * 1e9;
    serving->served.mode = "started";
    rc = portable_create(&plan, monitor, &facts, &serving->served.wish, &serving->served.portable, error);
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
    return serving_command(invocation, options->name, make_new, unmake_new);
}

/* ---- restore ---- */

static int open_and_make(struct serving *serving, const char **name, struct error *error)
{
    const struct domain_options *options = serving->options;
    const char *path = serving->invocation->operands[0];
    serving->fd = open(path, O_RDONLY | O_CLOEXEC);
    serving->name = options->name;
    serving->lazy = options->lazy;
    serving->brought = options->userfaultfd;
    serving->first = options->first;
    if (serving->fd < 0)
        return error_errno(error, errno, "cannot open %.300s", path);
    int rc = options->record ? output_open(options->record, &serving->record, error) : 0;
    if (rc == 0 && (rc = restoring_make(serving, name, error)) < 0 && serving->record)
        output_discard(serving->record);
    return rc;
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
    return serving_command(invocation, options->name ? options->name : name, open_and_make, restoring_end);
}
