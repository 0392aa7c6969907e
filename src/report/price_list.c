#include "report/price_list.h"

#include "report/format.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- rows ---- */

static const struct result_cell *any_cell(const struct price *row)
{
    return row->guest ? row->guest : row->native;
}

static bool is_of_event(const struct price *row, const struct result_cell *cell)
{
    return any_cell(row)->cell.event.bytes == cell->cell.event.bytes &&
           !strcmp(row->event, cell->cell.event.name);
}

/* A row for each guest of an event; native's cell stands in all of them. */
static void add_cell(struct price_list *prices, const struct result_cell *cell)
{
    bool native = cell->technique == TECHNIQUE_NONE, found = false;
    const struct result_cell *natively = native ? cell : NULL;
    for (size_t i = 0; i < prices->count; i++) {
        struct price *row = &prices->rows[i];
        if (!is_of_event(row, cell))
            continue;
        natively = natively ? natively : row->native;
        if (!native && (row->guest || found))
            continue;
        *(native ? &row->native : &row->guest) = cell;
        found = true;
    }
    if (!found)
        prices->rows[prices->count++] = (struct price){.event = cell->cell.event.name,
            .known = event_find(cell->cell.event.name),
            .native = natively,
            .guest = native ? NULL : cell,
            .over = {{NULL, NAN, NAN, NAN}, {NULL, NAN, NAN, NAN}}};
}

/* Whether guests are of several monitors: then a row's name has its own. */
static bool look_at_guests(struct price_list *prices)
{
    bool several = false;
    for (size_t i = 0; i < prices->count; i++) {
        const struct result_cell *guest = prices->rows[i].guest;
        if (!guest)
            continue;
        several |= prices->guests++ && strcmp(prices->guest, guest->cell.monitor) != 0;
        prices->guest = guest->cell.monitor;
    }
    if (several)
        prices->guest = "guest";
    return several;
}

static void describe_row(struct price *row, bool with_monitor, struct pool *pool)
{
    const struct result_cell *cell = any_cell(row), *guest = row->guest;
    uint64_t bytes = cell->cell.event.bytes;
    bool monitor = with_monitor && guest, named = cell->operation && cell->operation[0];
    row->name = pool_format(pool, "%s%s%s%s%s%s", row->event, bytes ? "/" : "",
        bytes ? format_size_short(bytes).text : "", monitor ? " (" : "", monitor ? guest->cell.monitor : "",
        monitor ? ")" : "");
    row->cell = cell_measured(guest) ? guest : cell_measured(row->native) ? row->native : NULL;
    row->unit = row->known ? row->known->unit : named ? cell->operation : "event";
    row->exits = guest && guest->operations && guest->counters.known
                     ? (double)guest->counters.exits / (double)guest->operations
                     : NAN;
}

/* ---- what a row costs more ---- */

static const char *event_of(const struct result *result, size_t cell)
{
    const char *name = result->cells[cell].cell.event.name;
    return name ? name : "";
}

/* Whether what a cell is compared with is another event. */
static bool is_over_event(const struct result *result, const struct result_comparison *comparison)
{
    return strcmp(event_of(result, comparison->cell), event_of(result, comparison->baseline)) != 0;
}

/* Whether other events are compared with this one: then its own time is no price. */
static bool is_baseline(const struct result *result, const struct price *row)
{
    for (size_t i = 0; row->known && event_at(i); i++)
        if (event_at(i)->against && !strcmp(event_at(i)->against, row->event))
            return true;
    for (size_t i = 0; i < result->comparison_count; i++) {
        const struct result_comparison *comparison = &result->comparisons[i];
        if (is_over_event(result, comparison) && !strcmp(event_of(result, comparison->baseline), row->event))
            return true;
    }
    return false;
}

/* Of an event that this build does not know: if nobody stopped the run, native cannot do what it did not. */
static bool is_impossible_natively(const struct result *result, const struct price *row)
{
    if (row->known)
        return row->known->native.impossible != NULL;
    return result->complete && row->native && row->native->quality == QUALITY_MISSING;
}

/* The guest's comparisons, and native's where the guest has none. What native cannot do at all costs a guest
 * its whole time; but not what only makes sense by comparison. */
static void price_row(const struct result *result, struct price *row)
{
    for (size_t i = 0; i < result->comparison_count; i++) {
        const struct result_comparison *comparison = &result->comparisons[i];
        const struct result_cell *cell = &result->cells[comparison->cell];
        if (cell != row->guest && cell != row->native)
            continue;
        struct price_extra *extra = &row->over[is_over_event(result, comparison) ? OVER_EVENT : OVER_NATIVE];
        if (cell == row->guest || !extra->against)
            *extra = (struct price_extra){
                comparison, comparison->more_ns, comparison->more_low_ns, comparison->more_high_ns};
    }
    if (!row->over[OVER_NATIVE].against && cell_measured(row->guest) && is_impossible_natively(result, row) &&
        !(row->known && row->known->against) && !is_baseline(result, row))
        row->over[OVER_NATIVE] =
            (struct price_extra){NULL, row->guest->median, row->guest->low, row->guest->high};
}

struct price_list price_list_of(const struct result *result, struct pool *pool)
{
    struct price_list prices = {
        .rows = pool_room(pool, result->cell_count, sizeof *prices.rows), .guest = "guest"};
    if (!prices.rows)
        return prices;
    for (size_t i = 0; i < result->cell_count; i++)
        if (result->cells[i].cell.event.name)
            add_cell(&prices, &result->cells[i]);
    bool several = look_at_guests(&prices);
    for (size_t i = 0; i < prices.count; i++) {
        describe_row(&prices.rows[i], several, pool);
        price_row(result, &prices.rows[i]);
    }
    return prices;
}

const struct price *price_list_find(const struct price_list *prices, const char *event)
{
    for (size_t i = 0; i < prices->count; i++)
        if (!strcmp(prices->rows[i].event, event))
            return &prices->rows[i];
    return NULL;
}

/* ---- order ---- */

/* Descending; what is not known last. */
static int by_figure(double a, double b)
{
    if (isfinite(a) != isfinite(b))
        return isfinite(a) ? -1 : 1;
    return isfinite(a) ? (a < b) - (a > b) : 0;
}

static int compare_prices(const void *a, const void *b, void *over)
{
    const struct price *x = a, *y = b;
    enum price_over by = *(const enum price_over *)over;
    int order = by_figure(x->over[by].ns, y->over[by].ns);
    if (!order)
        order = by_figure(x->cell ? x->cell->median : NAN, y->cell ? y->cell->median : NAN);
    return order ? order : strcmp(x->name, y->name); /* the same list, whatever the order of cells */
}

void price_list_sort(struct price_list *prices, enum price_over over)
{
    if (prices->count)
        qsort_r(prices->rows, prices->count, sizeof *prices->rows, compare_prices, &over);
}
