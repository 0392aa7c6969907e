#include "report/price_list.h"

#include "report/format.h"
#include "report/view_linked.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double stays_inside = 0.05; /* exits of an event */

bool price_is_shown(const struct result_cell *cell)
{
    return cell && !cell_unlike(cell);
}

static bool is_native(const struct result_cell *cell)
{
    return !strcmp(cell->cell.monitor, "native");
}

const struct price *price_next(const struct price_list *prices, const struct price *price, unsigned flags)
{
    for (price = price ? price + 1 : prices->rows; price < prices->rows + prices->count; price++)
        if ((price->flags & flags) == flags)
            return price;
    return NULL;
}

/* The native cell of the same event and size, or one of a guest; NULL: there is none. */
static const struct result_cell *cell_like(
    const struct result *result, const struct result_cell *cell, bool native)
{
    for (size_t i = 0; i < result->cell_count; i++) {
        const struct result_cell *other = &result->cells[i];
        if (event_of(&other->cell.workload) && is_native(other) == native &&
            workload_size(&other->cell.workload) == workload_size(&cell->cell.workload) &&
            !strcmp(cell_workload(other), cell_workload(cell)))
            return other;
    }
    return NULL;
}

const char *price_other_event(const struct result *result, const struct result_comparison *comparison)
{
    const struct result_cell *cell = &result->cells[comparison->cell],
                             *other = &result->cells[comparison->baseline];
    bool same = cell_chase(cell) || cell_chase(other) || !strcmp(cell_workload(cell), cell_workload(other));
    return same ? NULL : cell_workload(other);
}

/* Whether other events are compared with this one: then its own time is no price. */
static bool is_baseline(const struct result *result, const struct price *row)
{
    bool any = false;
    for (size_t i = 0; row->known && event_at(i); i++)
        any |= event_at(i)->against && !strcmp(event_at(i)->against, row->event);
    for (size_t i = 0; i < result->comparison_count; i++) {
        const char *other = price_other_event(result, &result->comparisons[i]);
        any |= other && !strcmp(other, row->event);
    }
    return any;
}

/* The guest's comparisons, and native's where the guest has none. What native cannot do at all costs a guest
 * its whole time; but not what only makes sense by comparison. Of an event that this build does not know:
 * native cannot do what it did not if nobody stopped the run. */
static void price_row(const struct result *result, struct price *row)
{
    const struct result_cell *guest = row->guest;
    struct price_extra *native = &row->over[OVER_NATIVE], *event = &row->over[OVER_EVENT];
    for (size_t i = 0; i < result->comparison_count; i++) {
        const struct result_comparison *found = &result->comparisons[i];
        const struct result_cell *cell = &result->cells[found->cell];
        struct price_extra *extra = price_other_event(result, found) ? event : native;
        const char *doubt = comparison_doubt(result, found, COMPARISON_MORE);
        if (cell == guest || (cell == row->native && !extra->against))
            *extra = doubt ? (struct price_extra){found, NAN, NAN, NAN, doubt}
                           : (struct price_extra){
                                 found, found->more_ns, found->more_low_ns, found->more_high_ns, NULL};
    }
    bool impossible = row->known ? row->known->native.impossible && !row->known->against
                                 : result->complete && row->native && row->native->quality == QUALITY_MISSING;
    if (!native->against && impossible && price_is_shown(guest) && !is_baseline(result, row))
        *native = (struct price_extra){NULL, guest->median, guest->low, guest->high, NULL};
    row->cell = price_is_shown(guest) ? guest : price_is_shown(row->native) ? row->native : NULL;
    row->elsewhere = guest && cell_without_guest(guest);
    row->who = row->elsewhere ? guest->label : guest ? guest->cell.monitor : NULL;
    row->where = row->elsewhere ? "there" : "in the guest";
    row->exits = guest && !row->elsewhere && guest->operations && guest->counters.known
                     ? (double)guest->counters.exits / (double)guest->operations
                     : NAN;
    bool compared = native->against && isfinite(native->low), over_event = isfinite(event->ns);
    bool leads = native->low > 0 && !(guest && linked_is_emulated(result, guest));
    bool same = (native->low <= 0 && native->high >= 0) || native->doubt; /* without an interval nothing is */
    row->flags = (native->low > 0 ? PRICE_COSTS_MORE : 0u) | (native->high < 0 ? PRICE_COSTS_LESS : 0u) |
                 (compared ? PRICE_COMPARED : 0u) |
                 (compared && row->exits <= stays_inside ? PRICE_STAYS_INSIDE : 0u) |
                 (row->cell ? PRICE_MEASURED : 0u) | (price_is_shown(guest) ? PRICE_IN_GUEST : 0u) |
                 (same                          ? PRICE_IN_AS_NATIVE
                     : isfinite(native->ns)     ? PRICE_IN_OVER_NATIVE
                     : !over_event && row->cell ? PRICE_IN_ALONE
                                                : 0u) |
                 (over_event ? PRICE_IN_OVER_EVENT : 0u) | (leads ? PRICE_LEADS : 0u);
}

struct price_list price_list_of(const struct result *result, struct pool *pool)
{
    struct price_list prices = {.rows = pool_room(pool, result->cell_count, sizeof *prices.rows)};
    const struct price *first = NULL; /* that has a guest */
    bool several = false;             /* then a row's name has its guest's */
    for (size_t i = 0; prices.rows && i < result->cell_count; i++) {
        const struct result_cell *cell = &result->cells[i];
        const struct event_parameters *event = event_of(&cell->cell.workload);
        bool native = is_native(cell);
        if (!event || (native && cell_like(result, cell, false)))
            continue;
        struct price *row = &prices.rows[prices.count++];
        *row = (struct price){.event = event->name,
            .name = event->name,
            .bytes = event->size_bytes,
            .known = event_find(event->name),
            .native = native ? cell : cell_like(result, cell, true),
            .guest = native ? NULL : cell,
            .over = {{NULL, NAN, NAN, NAN, NULL}, {NULL, NAN, NAN, NAN, NULL}}};
        if (row->bytes)
            row->name = pool_format(pool, "%s/%s", row->event, format_size_short(row->bytes).text);
        price_row(result, row);
        if (native)
            continue;
        several |= first && strcmp(first->guest->cell.monitor, cell->cell.monitor) != 0;
        first = first ? first : row;
        prices.elsewhere |= row->elsewhere;
    }
    for (struct price *row = prices.rows; row < prices.rows + prices.count; row++) {
        if (several && row->guest)
            row->name = pool_format(pool, "%s (%s)", row->name, row->who);
        if (several && row->guest && !row->elsewhere)
            row->where = pool_format(pool, "in %s", row->who);
        for (const struct price *other = NULL; (other = price_next(&prices, other, PRICE_IN_GUEST));)
            if (other->bytes == row->bytes && !strcmp(other->event, row->event) && row->cell != row->guest)
                row->flags &= ~(unsigned)PRICE_IN_ALONE; /* native's figure stands beside the other guest's */
    }
    prices.several = several;
    prices.guest = several ? prices.elsewhere ? "there" : "guest" : first ? first->who : NULL;
    return prices;
}

static int compare_prices(const void *a, const void *b, void *over)
{
    const struct price *x = a, *y = b;
    enum price_over by = *(const enum price_over *)over;
    const double figures[][2] = {
        {x->over[by].ns, y->over[by].ns}, {x->cell ? x->cell->median : NAN, y->cell ? y->cell->median : NAN}};
    for (size_t i = 0; i < 2; i++) {
        if (isfinite(figures[i][0]) != isfinite(figures[i][1]))
            return isfinite(figures[i][0]) ? -1 : 1;
        if (isfinite(figures[i][0]) && figures[i][0] != figures[i][1])
            return figures[i][0] < figures[i][1] ? 1 : -1;
    }
    return strcmp(x->name, y->name);
}

void price_sort(struct price_list *prices, enum price_over over)
{
    if (prices->count)
        qsort_r(prices->rows, prices->count, sizeof *prices->rows, compare_prices, &over);
}

const struct price *price_find(const struct price_list *prices, const char *event, unsigned flags)
{
    for (const struct price *price = NULL; (price = price_next(prices, price, 0));)
        if (!strcmp(price->event, event))
            return (price->flags & flags) == flags ? price : NULL;
    return NULL;
}

size_t price_count(const struct price_list *prices, unsigned flags)
{
    size_t count = 0;
    for (const struct price *price = NULL; (price = price_next(prices, price, flags));)
        count++;
    return count;
}

struct ratios price_ratios(const struct price_list *prices, unsigned flag, double *most)
{
    struct ratios ratios = {0};
    *most = 1;
    for (const struct price *price = NULL; (price = price_next(prices, price, 0));)
        if (price->over[OVER_NATIVE].doubt && (flag == PRICE_COMPARED || price->exits <= stays_inside))
            ratios_add_none(&ratios);
    for (const struct price *price = NULL; (price = price_next(prices, price, flag));) {
        const struct result_comparison *found = price->over[OVER_NATIVE].against;
        ratios_add(&ratios, found->ratio, found->low, found->high);
        if (price->flags & PRICE_COSTS_MORE)
            *most = fmax(*most, found->ratio);
    }
    return ratios;
}
