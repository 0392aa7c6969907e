#include "report/prices.h"

#include "report/format.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct price *row_of(struct prices *prices, const struct result_cell *cell, const struct event *event)
{
    char name[sizeof prices->rows->name];
    if (cell->cell.event.bytes)
        snprintf(name, sizeof name, "%.40s %.20s", event->name, format_size(cell->cell.event.bytes).text);
    else
        snprintf(name, sizeof name, "%.60s", event->name);
    for (size_t i = 0; i < prices->count; i++)
        if (!strcmp(prices->rows[i].name, name))
            return &prices->rows[i];
    struct price *row = &prices->rows[prices->count++];
    *row = (struct price){.event = event, .extra = NAN, .low = NAN, .high = NAN};
    memcpy(row->name, name, sizeof name);
    return row;
}

static bool is_native(const struct result_cell *cell)
{
    return cell->technique == TECHNIQUE_NONE;
}

static void add_cell(struct prices *prices, const struct result_cell *cell)
{
    const struct event *event = cell->cell.event.name ? event_find(cell->cell.event.name) : NULL;
    if (!event)
        return;
    struct price *row = row_of(prices, cell, event);
    *(is_native(cell) ? &row->native : &row->guest) = cell;
    if (!is_native(cell))
        prices->guest_label = cell->label;
}

static const struct result_comparison *comparison_of(
    const struct result *result, const struct result_cell *cell)
{
    for (size_t i = 0; cell && i < result->comparison_count; i++)
        if (&result->cells[result->comparisons[i].cell] == cell)
            return &result->comparisons[i];
    return NULL;
}

/* The guest's comparison if it has one, else native's, which only an event held against another has. */
static void price_row(const struct result *result, struct price *row)
{
    row->against = comparison_of(result, row->guest);
    if (!row->against)
        row->against = comparison_of(result, row->native);
    if (row->against) {
        row->baseline = &result->cells[row->against->baseline];
        row->extra = (row->against->ratio - 1) * row->baseline->median;
        row->low = (row->against->low - 1) * row->baseline->median;
        row->high = (row->against->high - 1) * row->baseline->median;
    } else if (row->guest && isfinite(row->guest->median) && !row->event->against) {
        row->extra = row->guest->median;
        row->low = row->guest->low;
        row->high = row->guest->high;
    }
}

/* Descending; what is not known last. */
static int by_figure(double a, double b)
{
    if (isfinite(a) != isfinite(b))
        return isfinite(a) ? -1 : 1;
    return isfinite(a) ? (a < b) - (a > b) : 0;
}

static double native_time(const struct price *price)
{
    return price->native ? price->native->median : NAN;
}

static int compare_rows(const void *a, const void *b)
{
    const struct price *x = a, *y = b;
    int order = by_figure(x->extra, y->extra);
    return order ? order : by_figure(native_time(x), native_time(y));
}

int prices_from_result(const struct result *result, struct prices *prices, struct error *error)
{
    *prices = (struct prices){.rows = calloc(result->cell_count + 1, sizeof *prices->rows)};
    if (!prices->rows)
        return error_set(error, ENOMEM, "not enough memory to arrange the prices");
    for (size_t i = 0; i < result->cell_count; i++)
        add_cell(prices, &result->cells[i]);
    for (size_t i = 0; i < prices->count; i++)
        price_row(result, &prices->rows[i]);
    qsort(prices->rows, prices->count, sizeof *prices->rows, compare_rows);
    return 0;
}

void prices_free(struct prices *prices)
{
    free(prices->rows);
    *prices = (struct prices){0};
}

static bool has_figure(const struct result_cell *cell)
{
    return cell && isfinite(cell->median);
}

const struct result_cell *price_cell(const struct price *price)
{
    return has_figure(price->guest) ? price->guest : has_figure(price->native) ? price->native : NULL;
}

bool price_measured(const struct price *price)
{
    return price_cell(price) != NULL;
}

bool price_over_event(const struct price *price)
{
    return price->baseline && strcmp(price->baseline->cell.event.name, price->event->name) != 0;
}
