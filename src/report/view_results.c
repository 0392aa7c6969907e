#include "report/view_results.h"

#include "report/view_chase.h"
#include "report/view_compare.h"
#include "report/view_events.h"
#include "report/view_inspect.h"
#include "report/view_parts.h"

#include <string.h>

/* One of an experiment that this vcost does not know: what every result has. */
static void view_unknown(const struct result *result, struct document *document)
{
    view_run_title(result, document);
    document_say(document, BLOCK_CONCLUSION, "This vcost does not know the experiment \"%s\"%s.",
        result->experiment, view_run_incomplete(result, document));
    view_run_machine(result, document);
    view_run_method(result, document);
    view_run_cells(result, document);
}

static const struct {
    const char *experiment;
    void (*view)(const struct result *result, struct document *document);
    void (*overlay)(
        const struct compare_input *results, size_t count, struct document *document); /* NULL: none */
} experiments[] = {
    {"chase", view_chase, view_chase_overlay},
    {"events", view_events, NULL},
    {"inspect", view_inspect, NULL},
    {NULL, view_unknown, NULL},
};

/* The row of an experiment in that table. */
static size_t experiment_of(const struct result *result)
{
    size_t at = 0;
    while (experiments[at].experiment && strcmp(experiments[at].experiment, result->experiment) != 0)
        at++;
    return at;
}

/* Why a result's pictures must not be trusted is written on these alone, not on another result's. */
static void stamp_charts(struct document *document, size_t first)
{
    for (size_t i = first; i < document->count; i++)
        if (document->blocks[i].kind == BLOCK_CHART && !document->blocks[i].chart->stamp)
            document->blocks[i].chart->stamp = document->stamp;
    document->stamp = NULL;
}

/* Several results of one experiment, the baseline in front. */
static void view_alike(const struct compare_input *results, size_t count, struct document *document)
{
    size_t first = document->count, which = experiment_of(results[0].result);
    struct compare compare;
    struct error error;
    if (compare_make(results, count, NULL, &compare, &error) == 0) {
        view_compare(&compare, document);
        compare_free(&compare);
    } else {
        document_say(document, BLOCK_WARNING, "These results are not compared: %s", error.text);
    }
    if (experiments[which].overlay)
        experiments[which].overlay(results, count, document);
    for (size_t i = 0; i < count && !document->stamp; i++)
        if (!results[i].result->complete)
            document->stamp = document_text(document, "%s is incomplete%s%s", results[i].name,
                results[i].result->incomplete_reason[0] ? ": " : "", results[i].result->incomplete_reason);
    stamp_charts(document, first);
}

static void view_alone(const struct compare_input *result, struct document *document)
{
    size_t first = document->count;
    experiments[experiment_of(result->result)].view(result->result, document);
    stamp_charts(document, first);
}

void view_results(
    const struct compare_input *results, size_t count, const char *baseline, struct document *document)
{
    struct compare_input *alike = pool_room(&document->pool, count, sizeof *alike);
    size_t kinds = 0, seen[sizeof experiments / sizeof *experiments] = {0};
    if (count == 1)
        experiments[experiment_of(results[0].result)].view(results[0].result, document);
    if (count < 2 || !alike)
        return;
    for (size_t i = 0; i < count; i++)
        kinds += !seen[experiment_of(results[i].result)]++;
    for (size_t i = 0; i < count; i++) {
        size_t kind = experiment_of(results[i].result), found = 0;
        for (size_t k = 0; k < count; k++) {
            if (experiment_of(results[k].result) != kind)
                continue;
            alike[found++] = results[k];
            if (baseline && !strcmp(results[k].name, baseline) && found > 1) {
                memmove(alike + 1, alike, (found - 1) * sizeof *alike);
                alike[0] = results[k];
            }
        }
        if (!seen[kind])
            continue; /* it came with the first of its kind */
        seen[kind] = 0;
        if (kinds > 1)
            document_say(document, BLOCK_HEADING, "vcost %s", results[i].result->experiment);
        if (found > 1)
            view_alike(alike, found, document);
        else
            view_alone(&results[i], document);
    }
    document->title = document_text(document, "vcost report of %zu results", count);
}
