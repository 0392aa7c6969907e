#include "report/prices.h"

#include "report/format.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool has_figure(const struct result_cell *cell)
{
    return cell && isfinite(cell->median);
}

const struct result_cell *price_cell(const struct price *price)
{
    return has_figure(price->guest) ? price->guest : has_figure(price->native) ? price->native : NULL;
}

static struct price *row_of(struct prices *prices, const struct result_cell *cell, const struct event *event)
{
    char name[sizeof prices->rows->name];
    if (cell->cell.event.bytes)
        snprintf(
            name, sizeof name, "%.40s/%.20s", event->name, format_size_short(cell->cell.event.bytes).text);
    else
        snprintf(name, sizeof name, "%.60s", event->name);
    for (size_t i = 0; i < prices->count; i++)
        if (!strcmp(prices->rows[i].name, name))
            return &prices->rows[i];
    struct price *row = &prices->rows[prices->count++];
    *row = (struct price){.event = event, .over = {{NULL, NAN, NAN, NAN}, {NULL, NAN, NAN, NAN}}};
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
        prices->guest = cell;
}

/* Whether what a cell is compared with is another event. */
static bool is_over_event(const struct result *result, const struct result_comparison *comparison)
{
    return strcmp(result->cells[comparison->cell].cell.event.name,
               result->cells[comparison->baseline].cell.event.name) != 0;
}

/* The guest's comparisons, and native's where the guest has none. */
static void compare_row(const struct result *result, struct price *row)
{
    for (size_t i = 0; i < result->comparison_count; i++) {
        const struct result_comparison *comparison = &result->comparisons[i];
        const struct result_cell *cell = &result->cells[comparison->cell];
        struct price_extra *extra = &row->over[is_over_event(result, comparison) ? OVER_EVENT : OVER_NATIVE];
        if (cell == row->guest || (cell == row->native && !extra->against))
            *extra = (struct price_extra){
                comparison, comparison->more_ns, comparison->more_low_ns, comparison->more_high_ns};
    }
}

static bool is_held_against(const struct event *event)
{
    for (size_t i = 0; event_at(i); i++)
        if (event_at(i)->against && !strcmp(event_at(i)->against, event->name))
            return true;
    return false;
}

/* What native cannot do at all costs a guest its whole time; but not what only makes sense by comparison. */
static void price_row(const struct result *result, struct price *row)
{
    struct price_extra *extra = &row->over[OVER_NATIVE];
    compare_row(result, row);
    if (!extra->against && has_figure(row->guest) && row->event->native.impossible && !row->event->against &&
        !is_held_against(row->event))
        *extra = (struct price_extra){NULL, row->guest->median, row->guest->low, row->guest->high};
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
    return 0;
}

void prices_free(struct prices *prices)
{
    free(prices->rows);
    *prices = (struct prices){0};
}

/* ---- order ---- */

/* Descending; what is not known last. */
static int by_figure(double a, double b)
{
    if (isfinite(a) != isfinite(b))
        return isfinite(a) ? -1 : 1;
    return isfinite(a) ? (a < b) - (a > b) : 0;
}

static double time_of(const struct price *price)
{
    const struct result_cell *cell = price_cell(price);
    return cell ? cell->median : NAN;
}

static int compare_rows(const void *a, const void *b, void *over)
{
    const struct price *x = a, *y = b;
    enum price_over by = *(const enum price_over *)over;
    int order = by_figure(x->over[by].ns, y->over[by].ns);
    return order ? order : by_figure(time_of(x), time_of(y));
}

void prices_sort(struct prices *prices, enum price_over over)
{
    qsort_r(prices->rows, prices->count, sizeof *prices->rows, compare_rows, &over);
}
