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

static void add_measured(const struct validation *validation, struct document *doc)
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
        "than the first TLB has entries for. None of these curves was fitted.");
    struct table *table = document_table(doc, "validation", NULL, columns, 6, validation->row_count + 1);
    for (size_t i = 0; i < validation->row_count; i++)
        add_row(table, i, &validation->rows[i]);
    add_row(table, validation->row_count, all);
}

static void add_published(const struct validation *validation, struct document *doc)
{
    static const struct column columns[] = {
        {.key = "machine", .head = "machine", .unit = UNIT_TEXT},
        {.key = "points", .head = "points", .unit = UNIT_COUNT},
        {.key = "median_error", .head = "median error", .unit = UNIT_SHARE},
        {.key = "nine_of_ten_within", .head = "nine of ten within", .unit = UNIT_SHARE},
        {.key = "worst_error", .head = "worst", .unit = UNIT_SHARE},
        {.key = "agrees", .head = "agrees", .unit = UNIT_TEXT},
        {.key = "source", .head = "published curve", .unit = UNIT_TEXT, .drop = 1},
        {.key = "left_out", .head = "left out", .unit = UNIT_TEXT, .drop = 2},
    };
    struct table *table = document_table(
        doc, "published", "Machines against published latencies", columns, 8, validation->published_count);
    for (size_t i = 0; i < validation->published_count; i++) {
        const struct published *row = &validation->published[i];
        table_text(table, i, 0, row->machine);
        table_number(table, i, 1, (double)row->points);
        table_number(table, i, 2, row->median);
        table_number(table, i, 3, row->ninth);
        table_number(table, i, 4, row->worst);
        table_text(table, i, 5, row->agrees ? "yes" : "no");
        table_text(table, i, 6, row->source);
        table_text(table, i, 7, row->left_out);
    }
    document_say(doc, BLOCK_SENTENCE,
        "Published: cycles of a dependent load, elements in random order, pages of 4 KiB. Compared are "
        "points beyond the first cache that no figure of the machine's file was read from. A machine agrees "
        "if the median error is at most 15 %% and nine of ten are within 35 %%. Of other machines no curve "
        "was found.");
}

void view_validation(const struct validation *validation, struct document *doc)
{
    size_t agree = 0;
    for (size_t i = 0; i < validation->published_count; i++)
        agree += validation->published[i].agrees;
    doc->title = "vcost model validate";
    if (validation->machine)
        add_measured(validation, doc);
    else
        document_say(doc, BLOCK_CONCLUSION,
            "%zu of %zu machines agree with the latencies that are published of them.", agree,
            validation->published_count);
    if (validation->published_count)
        add_published(validation, doc);
}
