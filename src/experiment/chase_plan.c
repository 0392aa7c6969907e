#include "experiment/chase_plan.h"

#include "experiment/internal.h"
#include "experiment/reaches.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Time budgets that keep the default under a minute and --quick under ten seconds. */
static const struct schedule usual = {
    .sample_seconds = 0.02, .rounds = 4, .rounds_by_spread = true, .seconds = 45};
/* This one promises its time also where the machine is slow or loaded: its samples may become this short. */
static const struct schedule quick = {.sample_seconds = 0.01,
    .shortest_sample_seconds = 0.002,
    .rounds = 2,
    .rounds_by_spread = true,
    .seconds = 7};

/* ---- shapes ---- */

struct shape_list {
    struct chase_shape *shapes;
    size_t count;
};

/* Appends a curve: one shape for each working set. */
static int add_curve(const struct chase_plan *plan, enum chase_order order, uint32_t element_bytes,
    struct shape_list *list, struct error *error)
{
    uint64_t *sets;
    size_t count;
    int rc = chase_working_sets(plan->working_set, plan->per_octave,
        chase_bytes_an_element(order, element_bytes), &sets, &count, error);
    if (rc < 0)
        return rc;
    struct chase_shape *grown = realloc(list->shapes, (list->count + count) * sizeof *grown);
    for (size_t i = 0; grown && i < count; i++)
        grown[list->count++] = (struct chase_shape){sets[i], element_bytes, order, plan->write, plan->chains};
    list->shapes = grown ? grown : list->shapes;
    free(sets);
    return grown ? 0 : error_set(error, ENOMEM, "no memory for the list of shapes");
}

/* Each order and element size over all working sets. */
static int make_shapes(const struct chase_plan *plan, struct shape_list *list, struct error *error)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < plan->order_count; i++)
        if (chase_single_lines(plan->orders[i]))
            rc = add_curve(plan, plan->orders[i], CHASE_LINE_BYTES, list, error);
        else
            for (size_t j = 0; rc == 0 && j < plan->element_count; j++)
                rc = add_curve(plan, plan->orders[i], plan->element_bytes[j], list, error);
    return rc;
}

/* ---- sites ---- */

/* Lanes in the order of the table of runners, whatever the user's, so that the baseline is the first. */
static int add_lanes(
    const struct chase_plan *plan, const struct setting *setting, struct site *site, struct error *error)
{
    const struct runner_type *type;
    int rc = 0;
    for (size_t i = 0; rc == 0 && (type = runner_at(i)); i++) {
        const struct monitor_facts *facts = setting_facts(setting, type->monitor);
        if (!setting_has(setting, type))
            continue;
        if (!type->monitor)
            rc = local_site_add(site, type, NULL, 0, error);
        for (size_t j = 0; rc == 0 && type->monitor && j < plan->guest_page_count; j++)
            rc = local_site_add(site, type, facts, plan->guest_pages[j], error);
    }
    return rc;
}

static bool wants_local(const struct setting *setting)
{
    for (size_t i = 0; runner_at(i); i++)
        if (setting_wants(setting, runner_at(i)->name))
            return true;
    return false;
}

/* One page size of the host: here, if anything runs here, and on the other machines. */
static int add_sites(
    const struct chase_plan *plan, struct setting *setting, uint64_t page_bytes, struct error *error)
{
    struct memory_request memory = plan->memory;
    int rc = 0;
    memory.page_bytes = page_bytes;
    if (wants_local(setting)) {
        struct site *site = NULL;
        rc = setting_add_local(setting, &memory, plan->lock, &site, error);
        if (rc == 0)
            rc = add_lanes(plan, setting, site, error);
    }
    for (size_t i = 0; rc == 0 && i < plan->agent_count; i++)
        rc = setting_add_remote(setting, page_bytes, plan->agents[i], error);
    return rc;
}

int chase_plan_sites(const struct chase_plan *plan, struct setting *setting, struct error *error)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < plan->host_page_count; i++)
        rc = add_sites(plan, setting, plan->host_pages[i], error);
    return rc;
}

/* ---- measuring ---- */

static bool has_agent(const struct result *result, const char *name)
{
    for (size_t i = 0; i < result->agent_count; i++)
        if (!strcmp(result->agents[i].monitor, name))
            return true;
    return false;
}

static int add_agents(const struct setting *setting, struct result *result, struct error *error)
{
    result->agent_count = 0;
    result->agents = calloc(SETTING_SITES_MAX, sizeof *result->agents);
    if (!result->agents)
        return error_set(error, ENOMEM, "no memory for what the agents report");
    for (size_t i = 0; i < setting->site_count; i++) {
        const struct site *site = setting->sites[i];
        const struct agent_facts *facts = remote_site_facts(site);
        if (facts && !has_agent(result, site->lanes[0].name))
            result->agents[result->agent_count++] =
                (struct result_agent){pool_text(&result->pool, site->lanes[0].name),
                    pool_text(&result->pool, remote_site_command(site)), *facts};
    }
    return 0;
}

int chase_plan_run(const struct chase_plan *plan, const struct setting *setting,
    const struct progress *progress, struct result *result, struct error *error)
{
    struct shape_list list = {0};
    struct chase_experiment experiment = {
        .sites = setting->sites,
        .site_count = setting->site_count,
        .schedule = schedule_within(&plan->budget, &usual, &quick, &setting->stop, progress),
    };
    begin_result(result, "chase", plan->budget.seed);
    int rc = make_shapes(plan, &list, error);
    experiment.shapes = list.shapes;
    experiment.shape_count = list.count;
    if (rc == 0)
        rc = experiment_chase(&experiment, result, error);
    if (rc == 0 && (rc = add_agents(setting, result, error)) == 0 &&
        (rc = setting_describe(setting, result, error)) == 0)
        rc = experiment_find_reaches(result, error);
    free(list.shapes);
    return rc;
}
