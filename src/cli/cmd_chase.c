/* vcost chase: from the options to the plan of the experiment. */
#include "cli/chase_options.h"
#include "cli/measure.h"
#include "cli/status.h"
#include "experiment/chase.h"
#include "report/format.h"
#include "report/views.h"

#include <math.h>
#include <stdio.h>

_Static_assert((int)LIST_MAX <= (int)CHASE_PLAN_MAX, "a plan holds what a list of options can");

static void plan_pages(const struct choice_list *list, uint64_t pages[static CHASE_PLAN_MAX], size_t *count)
{
    *count = list->count;
    for (size_t i = 0; i < list->count; i++)
        pages[i] = chase_page_bytes(list->indices[i]);
}

static struct chase_plan chase_plan(const struct session *session)
{
    const struct chase_options *options = session->invocation->options;
    struct chase_plan plan = {
        .working_set = options->working_set,
        .per_octave = (unsigned)options->per_octave,
        .order_count = options->orders.count,
        .element_count = options->npad.count,
        .chains = (unsigned)options->chains,
        .write = options->write,
        .memory = {.source = (enum memory_source)options->host_source},
        .lock = options->lock,
        .budget = measure_budget(session),
    };
    for (size_t i = 0; i < options->orders.count; i++)
        plan.orders[i] = (enum chase_order)options->orders.indices[i];
    for (size_t i = 0; i < options->npad.count; i++)
        plan.element_bytes[i] = 8 * (1 + (uint32_t)options->npad.values[i]);
    plan_pages(&options->guest_pages, plan.guest_pages, &plan.guest_page_count);
    plan_pages(&options->host_pages, plan.host_pages, &plan.host_page_count);
    return plan;
}

/* What is promised in --help. */
static const double usual_seconds = 60, quick_seconds = 10;

/* Before anybody waits for it: that what was typed takes longer than is promised, or than it may. */
static void tell_time(const struct session *session, double least)
{
    const struct run_options *run = &session->options->run;
    double round = least < 60 ? ceil(least) : 10 * ceil(least / 10);
    char text[160];
    if (run->quiet || session->setting.simulated ||
        !(least > (run->seconds > 0 ? run->seconds
                      : run->quick  ? quick_seconds
                                    : usual_seconds)))
        return;
    if (run->seconds > 0)
        snprintf(text, sizeof text, "--time %g is too short for all of it, which takes at least about %s",
            run->seconds, format_seconds(round).text);
    else
        snprintf(text, sizeof text, "all of it takes at least about %s; --time SECONDS ends it sooner",
            format_seconds(round).text);
    status_warn(text);
}

static int set_modelling(
    const struct chase_options *options, struct modelling *modelling, struct error *error)
{
    int rc = 0;
    *modelling = (struct modelling){.hypothetical = options->hypothetical};
    for (size_t i = 0; i < options->techniques.count; i++)
        modelling->techniques[modelling->count++] = (enum model_technique)options->techniques.indices[i];
    modelling->conditions = (struct modelled_conditions){
        .frames = (enum frame_order)options->frames,
        .fragmented = options->fragmented / 100,
        .node = chase_nodes[options->nodes].node,
        .told = chase_nodes[options->nodes].told,
        .fresh = options->fresh,
        .domains = (unsigned)options->domains,
        .code = options->code,
        .lap_end = options->demand  ? LAP_GIVES_BACK
                   : options->forks ? LAP_FORKS
                                    : LAP_KEEPS,
        .processes = (unsigned)options->processes,
    };
    struct event_rates *rates = &modelling->conditions.rates;
    if (options->rates)
        rc = event_rates_parse(options->rates, rates, error);
    if (rc == 0 && options->domains > 1 && rates->of[EVENT_TURN].rate == 0)
        rates->of[EVENT_TURN] = (struct event_rate){.rate = 100};
    return rc;
}

static int add_runners(struct session *session, struct error *error)
{
    const struct chase_options *options = session->invocation->options;
    struct chase_plan plan = chase_plan(session);
    int rc = set_modelling(options, &session->setting.modelling, error);
    if (rc == 0)
        rc = nodes_of_list(&options->numa_nodes, &plan.memory.nodes, error);
    if (rc == 0)
        rc = chase_plan_runners(&plan, &session->setting, error);
    session->wrong_usage = session->setting.modelling.refused;
    if (rc == 0)
        tell_time(session, chase_plan_least_seconds(&plan, &session->setting));
    return rc;
}

static int measure(
    struct session *session, const struct progress *progress, struct result *result, struct error *error)
{
    struct chase_plan plan = chase_plan(session);
    return chase_plan_run(&plan, &session->setting, progress, result, error);
}

static bool simulates(const struct result *result)
{
    bool any = false;
    for (size_t i = 0; i < result->cell_count; i++)
        any |= cell_modelled(&result->cells[i]);
    return any;
}

static void view(const struct session *session, struct document *document)
{
    const struct chase_options *options = session->invocation->options;
    view_chase(&session->result, document);
    document_details(document, !options->explain);
    view_account(&session->result, options->explain, document);
    document_details(document, false);
    if (simulates(&session->result) && !options->explain)
        document_say(document, BLOCK_NOTE, "Where the cycles of what is modelled go: --explain.");
}

int cmd_chase_run(const struct invocation *invocation)
{
    return measure_run(invocation,
        &(struct measured){.cells = true, .plan = add_runners, .measure = measure, .view = view}, NULL);
}
