#include "report/views.h"

#include "report/view_compare.h"
#include "report/view_parts.h"

#include <string.h>

/* One of an experiment that this vcost does not know: what every result has. */
static void view_unknown(const struct result *result, struct document *doc)
{
    view_run_title(result, doc);
    document_say(doc, BLOCK_CONCLUSION, "This vcost does not know the experiment \"%s\"%s.",
        result->experiment, view_run_incomplete(result, doc));
    view_run_machine(result, doc);
    view_run_method(result, doc);
    view_run_cells(result, doc);
}

static void view_chase_whole(const struct result *result, struct document *doc)
{
    view_chase(result, doc);
    document_details(doc, true);
    view_account(result, false, doc);
    document_details(doc, false);
}

static const struct {
    const char *experiment;
    void (*view)(const struct result *result, struct document *doc);
    void (*overlay)(const struct compare_input *results, size_t count, struct document *doc); /* NULL: none */
} experiments[] = {
    {"chase", view_chase_whole, view_chase_overlay},
    {"events", view_events, NULL},
    {"inspect", view_inspect, NULL},
    {"verify", view_verify, NULL},
    {"advise", view_advise, NULL},
    {"run", view_program, NULL},
    {NULL, view_unknown, NULL},
};

/* The row of an experiment in that table. */
static size_t experiment_of(const struct compare_input *input)
{
    size_t at = 0;
    while (experiments[at].experiment && strcmp(experiments[at].experiment, input->result->experiment) != 0)
        at++;
    return at;
}

/* Why pictures must not be trusted is written on those of these results, the blocks from `first` on, and on
 * no other result's. */
static void mark_charts(const struct compare_input *results, size_t count, size_t first, struct document *doc)
{
    for (size_t i = 0; i < count && !doc->stamp; i++)
        if (!results[i].result->complete)
            doc->stamp = document_text(doc, "%s is incomplete%s%s", results[i].name,
                results[i].result->incomplete_reason[0] ? ": " : "", results[i].result->incomplete_reason);
    for (size_t i = first; i < doc->count; i++)
        if (doc->blocks[i].kind == BLOCK_CHART && !doc->blocks[i].chart->stamp)
            doc->blocks[i].chart->stamp = doc->stamp;
    doc->stamp = NULL;
}

static void view_one(const struct compare_input *input, struct document *doc)
{
    size_t first = doc->count;
    experiments[experiment_of(input)].view(input->result, doc);
    mark_charts(input, 1, first, doc);
}

/* Results of one experiment, the baseline in front; where they have nothing in common one after the other. */
static void view_alike(const struct compare_input *results, size_t count, struct document *doc)
{
    size_t which = experiment_of(results), first;
    struct compare compare;
    struct error error;
    if (compare_make(results, count, NULL, &compare, &error) == 0) {
        view_compare(&compare, doc);
        compare_free(&compare);
    } else {
        document_say(doc, BLOCK_WARNING, "These results are not compared: %s.", error.text);
        for (size_t i = 0; i < count; i++) {
            document_say(doc, BLOCK_HEADING, "%s", results[i].name);
            view_one(&results[i], doc);
        }
    }
    first = doc->count;
    if (experiments[which].overlay)
        experiments[which].overlay(results, count, doc);
    mark_charts(results, count, first, doc);
}

void view_results(
    const struct compare_input *results, size_t count, const char *baseline, struct document *doc)
{
    struct compare_input *alike = pool_room(&doc->pool, count, sizeof *alike);
    bool several = false;
    if (count == 1)
        experiments[experiment_of(results)].view(results->result, doc);
    if (count < 2 || !alike)
        return;
    for (size_t i = 1; i < count; i++)
        several |= experiment_of(&results[i]) != experiment_of(results);
    for (size_t i = 0; i < count; i++) {
        size_t kind = experiment_of(&results[i]), found = 0, before = 0;
        while (experiment_of(&results[before]) != kind)
            before++;
        if (before < i)
            continue; /* it came with the first of its kind */
        for (size_t k = i; k < count; k++) {
            size_t at = baseline && !strcmp(results[k].name, baseline) ? 0 : found;
            if (experiment_of(&results[k]) != kind)
                continue;
            memmove(alike + at + 1, alike + at, (found++ - at) * sizeof *alike);
            alike[at] = results[k];
        }
        if (several)
            document_say(doc, BLOCK_HEADING, "vcost %s", results[i].result->experiment);
        if (found > 1)
            view_alike(alike, found, doc);
        else
            view_one(alike, doc);
    }
    doc->title = document_text(doc, "vcost report of %zu results", count);
}
