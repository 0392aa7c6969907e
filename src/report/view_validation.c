#include "report/view_model.h"

#include <math.h>

static const char *percent(struct document *doc, double share)
{
    return isfinite(share) ? document_text(doc, "%.1f %%", 100 * share) : "unknown";
}

static void add_row(struct table *table, size_t row, const struct validated *validated)
{
    table_text(table, row, 0, validated->name);
    table_number(table, row, 1, (double)validated->points);
    table_number(table, row, 2, validated->median);
    table_number(table, row, 3, validated->ninth);
    table_number(table, row, 4, validated->null_median);
    table_number(table, row, 5, validated->repeat);
}

void view_validation(const struct validation *validation, struct document *doc)
{
    static const struct column columns[] = {
        {.key = "curve", .head = "predicted curve", .unit = UNIT_TEXT},
        {.key = "points", .head = "points", .unit = UNIT_COUNT},
        {.key = "median_error", .head = "median error", .unit = UNIT_SHARE},
        {.key = "nine_of_ten_within", .head = "nine of ten within", .unit = UNIT_SHARE},
        {.key = "null_median_error", .head = "null model", .unit = UNIT_SHARE},
        {.key = "repeat_error", .head = "native again", .unit = UNIT_SHARE},
    };
    const struct validated *all = &validation->all;
    doc->title = "vcost model validate";
    document_say(doc, BLOCK_CONCLUSION, "%s %s against what was measured.", validation->machine->name,
        validation->holds ? "holds" : "does not hold");
    document_say(doc, BLOCK_FACT,
        "Median error %s (at most %s: the larger of 15 %% and 1.5 times that of native measured twice%s).",
        percent(doc, all->median), percent(doc, validation->median_most),
        isfinite(all->repeat) ? "" : ", which was measured once here");
    document_say(
        doc, BLOCK_FACT, "Nine of ten points within %s (at most 35.0 %%).", percent(doc, all->ninth));
    document_say(doc, BLOCK_FACT,
        "The null model, the fitted curve copied, has %s; the machine's error is to be at most half of that.",
        percent(doc, all->null_median));
    document_say(doc, BLOCK_FACT,
        "Judged are the points whose lines are more than the second cache holds and whose pages are more "
        "than the "
        "first TLB has entries for. None of these curves was fitted.");
    struct table *table = document_table(doc, "validation", NULL, columns, 6, validation->row_count + 1);
    for (size_t i = 0; i < validation->row_count; i++)
        add_row(table, i, &validation->rows[i]);
    add_row(table, validation->row_count, all);
}

void view_fitted(const struct fitted *fitted, struct document *doc)
{
    view_machine(fitted->machine, doc);
    document_say(doc, BLOCK_SENTENCE,
        "Fitted on %zu working sets of a native chase in random order with pages of 4 KiB: median error %s, "
        "most %s. "
        "All else is as %s has it. What it predicts of other curves: vcost model validate.",
        fitted->points, percent(doc, fitted->median), percent(doc, fitted->most), fitted->like);
}
