/* What is asked of `vcost domain` that cannot be, whatever machine it is. */
#include "cli/domain_options_internal.h"

#include "domain/portable/portable.h"
#include "domain/portable/regions.h"
#include "report/document.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int check_timeline(const char *path, struct error *error)
{
    static const char *const names[] = {"svg", "png", "html"};
    const struct format *format = path ? format_of_path(path) : NULL;
    for (size_t i = 0; format && i < sizeof names / sizeof names[0]; i++)
        if (!strcmp(format->name, names[i]))
            return 0;
    return path ? error_set(
                      error, EINVAL, "--timeline: the name \"%.60s\" must end in .svg, .png or .html", path)
                : 0;
}

/* ---- what does not go together ---- */

#define AT(member) offsetof(struct domain_options, member)
static const struct {
    size_t one, other; /* flags; of the commands that have both */
    const char *why;
} excluded[] = {
    {AT(lock), AT(forkable),
        "memory that is locked cannot be shared with clones: leave out --lock or --forkable"},
    {AT(lazy), AT(userfaultfd), "--lazy maps the file and --userfaultfd reads it: choose one"},
    {AT(lazy), AT(lock),
        "memory that is mapped from a file cannot be locked: restore it without --lazy, or without --lock"},
    {AT(lazy), AT(forkable),
        "memory that clones can map is all there before the domain runs: restore it without --forkable, or "
        "without --lazy (the file itself can be forked)"},
    {AT(userfaultfd), AT(lock),
        "memory that is locked is all there before the domain runs: leave out --userfaultfd or --lock"},
    {AT(userfaultfd), AT(forkable),
        "memory that clones can map is all there before the domain runs: leave out --userfaultfd or "
        "--forkable"},
    {AT(check), AT(reconnect), "--check only asks, and --reconnect goes on: choose one"},
    {AT(post_copy), AT(reconnect), "--reconnect goes on with what --post-copy has begun: leave that out"},
};
#undef AT

static bool is_set(const struct domain_options *options, size_t flag)
{
    return *(const bool *)((const char *)options + flag);
}

static int check_together(const struct domain_options *options, struct error *error)
{
    for (size_t i = 0; i < sizeof excluded / sizeof excluded[0]; i++)
        if (is_set(options, excluded[i].one) && is_set(options, excluded[i].other))
            return error_set(error, EINVAL, "%s", excluded[i].why);
    if (options->lazy && options->nodes.count)
        return error_set(error, EINVAL,
            "memory that is mapped from a file is the page cache's until it is written, and cannot be placed "
            "on a node: restore it without --lazy, or without --node");
    if (options->check && options->timeline)
        return error_set(error, EINVAL, "--check moves nothing, of which --timeline could draw the costs");
    return 0;
}

int domain_options_check(const void *fields, struct error *error)
{
    const struct domain_options *options = fields;
    int rc = check_timeline(options->timeline, error);
    if (rc == 0)
        rc = check_together(options, error);
    if (rc == 0 && options->name)
        rc = portable_name_check(options->name, error);
    return rc < 0 ? rc : output_options_check(&options->output, error);
}

void domain_options_plan(const struct domain_options *options, struct portable_plan *plan)
{
    *plan = (struct portable_plan){.workload = (enum portable_workload)options->workload,
        .memory_bytes = options->memory.last,
        .working_set_bytes = options->working_set.last,
        .cpus = (unsigned)options->vcpus,
        .work = options->work,
        .rate = options->rate > 0 ? (uint64_t)options->rate * 1000000 : 0};
    /* that of a PC is no wish of the user's */
    if (plan->workload != PORTABLE_SELFTEST || options->low_memory.last != PORTABLE_HOLE_START)
        portable_regions_place(plan, options->low_memory.last);
    snprintf(plan->name, sizeof plan->name, "%s", options->name);
    snprintf(plan->monitor, sizeof plan->monitor, "%s", monitor_at(options->monitor)->name);
}

int domain_options_check_run(const void *fields, struct error *error)
{
    const struct domain_options *options = fields;
    const struct {
        const char *name;
        const struct size_range *range;
    } sizes[] = {{"memory", &options->memory}, {"low-memory", &options->low_memory},
        {"working-set", &options->working_set}};
    struct portable_plan plan;
    int rc = domain_options_check(fields, error);
    for (size_t i = 0; rc == 0 && i < sizeof sizes / sizeof sizes[0]; i++)
        if (sizes[i].range->first != sizes[i].range->last)
            rc = error_set(error, EINVAL, "--%s: a domain has one, so name one size", sizes[i].name);
    if (rc == 0 && (options->low_memory.last % (2 * MIB) || options->low_memory.last > PORTABLE_HOLE_END))
        rc = error_set(error, EINVAL, "--low-memory: from 2M to 4G, in steps of 2M");
    if (rc < 0)
        return rc;
    domain_options_plan(options, &plan);
    return portable_plan_check(&plan, false, error);
}
