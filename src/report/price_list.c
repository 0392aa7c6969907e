#include "report/price_list.h"

#include "report/format.h"

#include <math.h>
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

const char *price_unit(const struct price *price)
{
    const struct result_cell *cell = price->guest ? price->guest : price->native;
    return price->known                                    ? price->known->unit
           : cell && cell->operation && cell->operation[0] ? cell->operation
                                                           : "event";
}

double price_exits(const struct price *price)
{
    const struct result_cell *guest = price->guest;
    return guest && guest->operations && guest->counters.known
               ? (double)guest->counters.exits / (double)guest->operations
               : NAN;
}

/* ---- rows ---- */

static bool is_of_event(const struct price *row, const struct result_cell *cell)
{
    const struct result_cell *own = row->guest ? row->guest : row->native;
    return own->cell.event.bytes == cell->cell.event.bytes && !strcmp(row->event, cell->cell.event.name);
}

/* A row for each guest of an event; native's cell stands in all of them. */
static void add_cell(struct price_list *prices, const struct result_cell *cell)
{
    bool native = cell->technique == TECHNIQUE_NONE, found = false;
    for (size_t i = 0; i < prices->count && !(found && !native); i++) {
        struct price *row = &prices->rows[i];
        if (!is_of_event(row, cell) || (!native && row->guest))
            continue;
        *(native ? &row->native : &row->guest) = cell;
        found = true;
    }
    if (found)
        return;
    struct price *row = &prices->rows[prices->count++];
    *row = (struct price){.event = cell->cell.event.name,
        .known = event_find(cell->cell.event.name),
        .native = native ? cell : NULL,
        .guest = native ? NULL : cell,
        .over = {{NULL, NAN, NAN, NAN}, {NULL, NAN, NAN, NAN}}};
    for (size_t i = 0; i + 1 < prices->count && !native; i++)
        if (is_of_event(&prices->rows[i], cell) && prices->rows[i].native)
            row->native = prices->rows[i].native;
}

/* "retouch-lines/64K"; with the monitor where there are several. */
static void name_rows(struct price_list *prices, struct pool *pool)
{
    bool several = false;
    for (size_t i = 0; i < prices->count; i++) {
        const struct result_cell *guest = prices->rows[i].guest;
        if (!guest)
            continue;
        prices->guests++;
        several |= prices->guest && strcmp(prices->guest, guest->cell.monitor) != 0;
        prices->guest = guest->cell.monitor;
    }
    for (size_t i = 0; i < prices->count; i++) {
        struct price *row = &prices->rows[i];
        uint64_t bytes = (row->guest ? row->guest : row->native)->cell.event.bytes;
        bool named = several && row->guest;
        row->name = pool_format(pool, "%s%s%s%s%s%s", row->event, bytes ? "/" : "",
            bytes ? format_size_short(bytes).text : "", named ? " (" : "",
            named ? row->guest->cell.monitor : "", named ? ")" : "");
    }
    if (several)
        prices->guest = NULL;
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
    if (!row->over[OVER_NATIVE].against && has_figure(row->guest) && is_impossible_natively(result, row) &&
        !(row->known && row->known->against) && !is_baseline(result, row))
        row->over[OVER_NATIVE] =
            (struct price_extra){NULL, row->guest->median, row->guest->low, row->guest->high};
}

struct price_list price_list_of(const struct result *result, struct pool *pool)
{
    struct price_list prices = {.rows = pool_room(pool, result->cell_count, sizeof *prices.rows)};
    for (size_t i = 0; prices.rows && i < result->cell_count; i++)
        if (result->cells[i].cell.event.name)
            add_cell(&prices, &result->cells[i]);
    name_rows(&prices, pool);
    for (size_t i = 0; i < prices.count; i++)
        price_row(result, &prices.rows[i]);
    return prices;
}

const struct price *price_list_find(const struct price_list *prices, const char *event, uint64_t bytes)
{
    for (size_t i = 0; i < prices->count; i++) {
        const struct price *row = &prices->rows[i];
        const struct result_cell *cell = row->guest ? row->guest : row->native;
        if (!strcmp(row->event, event) && (!bytes || cell->cell.event.bytes == bytes))
            return row;
    }
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

static double time_of(const struct price *price)
{
    const struct result_cell *cell = price_cell(price);
    return cell ? cell->median : NAN;
}

static int compare_prices(const void *a, const void *b, void *over)
{
    const struct price *x = a, *y = b;
    enum price_over by = *(const enum price_over *)over;
    int order = by_figure(x->over[by].ns, y->over[by].ns);
    order = order ? order : by_figure(time_of(x), time_of(y));
    return order ? order : strcmp(x->name, y->name); /* the same list, whatever the order of cells */
}

void price_list_sort(struct price_list *prices, enum price_over over)
{
    if (prices->count)
        qsort_r(prices->rows, prices->count, sizeof *prices->rows, compare_prices, &over);
}
