#include "cli/chase_setup.h"

#include "cli/version.h"
#include "domain/probe.h"
#include "monitor/kvm/kvm.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- shapes ---- */

struct shape_list {
    struct chase_shape *shapes;
    size_t count;
};

/* Appends a curve: one shape for each working set. */
static int add_curve(const struct chase_options *options, enum chase_order order, uint32_t element_bytes,
    struct shape_list *list, struct error *error)
{
    uint64_t *sets;
    size_t count;
    int rc = chase_working_sets(options->working_set, (unsigned)options->per_octave,
        chase_bytes_an_element(order, element_bytes), &sets, &count, error);
    if (rc < 0)
        return rc;
    struct chase_shape *grown = realloc(list->shapes, (list->count + count) * sizeof *grown);
    for (size_t i = 0; grown && i < count; i++)
        grown[list->count++] =
            (struct chase_shape){sets[i], element_bytes, order, options->write, (unsigned)options->chains};
    list->shapes = grown ? grown : list->shapes;
    free(sets);
    return grown ? 0 : error_set(error, ENOMEM, "no memory for the list of shapes");
}

static int add_curves_of(
    const struct chase_options *options, enum chase_order order, struct shape_list *list, struct error *error)
{
    int rc = 0;
    if (chase_single_lines(order))
        return add_curve(options, order, CHASE_LINE_BYTES, list, error);
    for (size_t i = 0; rc == 0 && i < options->npad.count; i++)
        rc = add_curve(options, order, 8 * (1 + (uint32_t)options->npad.values[i]), list, error);
    return rc;
}

int chase_setup_shapes(
    const struct chase_options *options, struct chase_shape **shapes, size_t *count, struct error *error)
{
    struct shape_list list = {0};
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < options->orders.count; i++)
        rc = add_curves_of(options, (enum chase_order)options->orders.indices[i], &list, error);
    if (rc < 0) {
        free(list.shapes);
        return rc;
    }
    *shapes = list.shapes;
    *count = list.count;
    return 0;
}

/* ---- sites ---- */

static bool wanted(const struct chase_options *options, const char *name)
{
    for (size_t i = 0; i < options->on.count; i++)
        if (!strcmp(options->on.names[i], name))
            return true;
    return options->on.count == 0;
}

static int find_facts(const struct chase_options *options, struct monitor_facts *facts, struct error *error)
{
    if (!wanted(options, monitor_kvm.name)) {
        monitor_kvm.describe(facts);
        return 0;
    }
    domain_probe(&monitor_kvm, facts);
    if (facts->usable)
        return 0;
    if (options->on.count)
        return error_set(error, ENOTSUP, "%s cannot be used: %s", monitor_kvm.name, facts->reason);
    if (!options->common.quiet)
        fprintf(stderr, "vcost: only native is measured, %s cannot be used: %s\n", monitor_kvm.name,
            facts->reason);
    return 0;
}

/* A lane for native, or one for each guest page size. */
static int add_lanes(const struct chase_options *options, const struct setting *setting,
    const struct runner_type *type, struct site *site, struct error *error)
{
    if (!type->monitor)
        return local_site_add(site, type, 0, error);
    int rc = 0;
    for (size_t i = 0; rc == 0 && setting->facts.usable && i < options->guest_pages.count; i++)
        rc = local_site_add(site, type, chase_page_bytes(options->guest_pages.indices[i]), error);
    return rc;
}

/* Lanes in the order of the table of runners, whatever the user's, so that the baseline is the first. */
static int add_site(const struct chase_options *options, struct setting *setting,
    const struct memory_request *memory, struct error *error)
{
    struct site *site = NULL;
    int rc = setting_add_local(setting, memory, options->lock, &site, error);
    for (size_t i = 0; rc == 0 && runner_at(i); i++)
        if (wanted(options, runner_at(i)->name))
            rc = add_lanes(options, setting, runner_at(i), site, error);
    return rc;
}

/* The nodes as numa_nodes_parse() reads them, which knows which there are. */
static int read_nodes(const struct number_list *list, struct numa_nodes *nodes, struct error *error)
{
    char text[LIST_MAX * 8] = "";
    for (size_t i = 0, used = 0; i < list->count; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%d", i ? "," : "", list->values[i]);
    *nodes = (struct numa_nodes){0};
    return list->count ? numa_nodes_parse(text, nodes, error) : 0;
}

static bool wants_local(const struct chase_options *options)
{
    for (size_t i = 0; runner_at(i); i++)
        if (wanted(options, runner_at(i)->name))
            return true;
    return false;
}

static int add_agents(const struct chase_options *options, struct setting *setting, uint64_t host_page_bytes,
    struct error *error)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < options->on.count; i++) {
        const char *command = chase_on_command(&options->on, i);
        if (command)
            rc = setting_add_remote(setting, host_page_bytes, command, VCOST_VERSION, error);
    }
    return rc;
}

/* One page size of the host: here, if anything runs here, and on the other machines. */
static int add_host_page(const struct chase_options *options, struct setting *setting,
    const struct memory_request *memory, struct error *error)
{
    int rc = wants_local(options) ? add_site(options, setting, memory, error) : 0;
    return rc < 0 ? rc : add_agents(options, setting, memory->page_bytes, error);
}

int chase_setup_sites(const struct chase_options *options, struct setting *setting, struct error *error)
{
    struct memory_request memory = {.source = (enum memory_source)options->host_source};
    int rc = find_facts(options, &setting->facts, error);
    if (rc == 0)
        rc = read_nodes(&options->numa_nodes, &memory.nodes, error);
    for (size_t i = 0; rc == 0 && i < options->host_pages.count; i++) {
        memory.page_bytes = chase_page_bytes(options->host_pages.indices[i]);
        rc = add_host_page(options, setting, &memory, error);
    }
    return rc;
}
