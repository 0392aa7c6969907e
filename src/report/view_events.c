#include "report/views.h"

#include "event/event_kind.h"
#include "report/format.h"
#include "report/view_linked.h"
#include "report/view_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- the price list: the cells arranged, one row an event (and size) and guest ---- */

/* What is known of a row, among it the tables that it stands in. */
enum price_flags {
    COSTS_MORE = 1, /* than native */
    COSTS_LESS = 2,
    COMPARED = 4, /* both can do it, and the difference has an interval. Otherwise what costs more cannot be
                     done natively: all of its time is cost */
    MEASURED = 8,
    MEASURED_IN_GUEST = 16,
    STAYS_INSIDE = 32, /* so few exits, preparation included, that it hardly ever leaves the guest */
    IN_OVER_NATIVE = 64,
    IN_AS_NATIVE = 128,
    IN_OVER_EVENT = 256,
    IN_ALONE = 512,
    LEADS = 1024 /* it costs more, and that is its own price, not an emulator's */
};

static const double stays_inside = 0.05; /* exits of an event */

struct price {
    const char *event;         /* its name: "retouch-lines" */
    const char *name;          /* of the row: "retouch-lines/64K", "cpuid (paravirt)" */
    uint64_t bytes;            /* its size */
    const struct event *known; /* NULL: an event that this build does not know; the file tells of it */
    const struct result_cell *native, *guest; /* NULL: there is no such cell */
    const struct result_cell *cell; /* that the row is about: the guest's if it has a figure, else native's if
                                       that has; NULL */
    bool elsewhere;                 /* the guest is another machine, which may be a guest or not */
    const char *who, *where;        /* the guest as people read it; "there", "in the guest" */
    double exits;                   /* from the guest to its monitor for each event; NAN: not known */
    struct price_extra {
        const struct result_comparison *against; /* NULL: none, or what native cannot do at all */
        double ns, low, high;                    /* NAN: not known */
        const char *doubt;                       /* why not, though both were measured; NULL */
    } over[2];
    unsigned flags;
};
enum price_over { OVER_NATIVE, OVER_EVENT }; /* what it costs more than */

struct price_list {
    struct price *rows;
    size_t count;
    const char *guest; /* the monitor of all guests, or what another machine is called; "guest", "there":
                          there are several; NULL: none */
    bool elsewhere;    /* a guest is another machine */
    bool several;      /* guests: then it is told which one a figure is of */
};

static bool is_shown(const struct result_cell *cell)
{
    return cell && !cell_unlike(cell);
}

static bool is_native(const struct result_cell *cell)
{
    return !strcmp(cell->cell.monitor, "native");
}

/* The next row that has all these flags; the first one after NULL. */
static const struct price *next_price(
    const struct price_list *prices, const struct price *price, unsigned flags)
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

/* The event that a comparison's baseline is, if it is another one; NULL. */
static const char *other_event(const struct result *result, const struct result_comparison *comparison)
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
        const char *other = other_event(result, &result->comparisons[i]);
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
        struct price_extra *extra = other_event(result, found) ? event : native;
        const char *doubt = comparison_doubt(result, found, COMPARISON_MORE);
        if (cell == guest || (cell == row->native && !extra->against))
            *extra = doubt ? (struct price_extra){found, NAN, NAN, NAN, doubt}
                           : (struct price_extra){
                                 found, found->more_ns, found->more_low_ns, found->more_high_ns, NULL};
    }
    bool impossible = row->known ? row->known->native.impossible && !row->known->against
                                 : result->complete && row->native && row->native->quality == QUALITY_MISSING;
    if (!native->against && impossible && is_shown(guest) && !is_baseline(result, row))
        *native = (struct price_extra){NULL, guest->median, guest->low, guest->high, NULL};
    row->cell = is_shown(guest) ? guest : is_shown(row->native) ? row->native : NULL;
    row->elsewhere = guest && cell_without_guest(guest);
    row->who = row->elsewhere ? guest->label : guest ? guest->cell.monitor : NULL;
    row->where = row->elsewhere ? "there" : "in the guest";
    row->exits = guest && !row->elsewhere && guest->operations && guest->counters.known
                     ? (double)guest->counters.exits / (double)guest->operations
                     : NAN;
    bool compared = native->against && isfinite(native->low), over_event = isfinite(event->ns);
    bool leads = native->low > 0 && !(guest && linked_is_emulated(result, guest));
    bool same = (native->low <= 0 && native->high >= 0) || native->doubt; /* without an interval nothing is */
    row->flags = (native->low > 0 ? COSTS_MORE : 0u) | (native->high < 0 ? COSTS_LESS : 0u) |
                 (compared ? COMPARED : 0u) | (compared && row->exits <= stays_inside ? STAYS_INSIDE : 0u) |
                 (row->cell ? MEASURED : 0u) | (is_shown(guest) ? MEASURED_IN_GUEST : 0u) |
                 (same                          ? IN_AS_NATIVE
                     : isfinite(native->ns)     ? IN_OVER_NATIVE
                     : !over_event && row->cell ? IN_ALONE
                                                : 0u) |
                 (over_event ? IN_OVER_EVENT : 0u) | (leads ? LEADS : 0u);
}

/* A row for each guest of an event; native's cell stands in all of them. Without memory, which the pool
 * remembers, it is empty. */
static struct price_list price_list_of(const struct result *result, struct pool *pool)
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
        for (const struct price *other = NULL; (other = next_price(&prices, other, MEASURED_IN_GUEST));)
            if (other->bytes == row->bytes && !strcmp(other->event, row->event) && row->cell != row->guest)
                row->flags &= ~(unsigned)IN_ALONE; /* native's figure stands beside the other guest's */
    }
    prices.several = several;
    prices.guest = several ? prices.elsewhere ? "there" : "guest" : first ? first->who : NULL;
    return prices;
}

/* Descending, what is not known last: by extra time, then by the time itself; and the same list whatever the
 * order of cells. */
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

static void sort_prices(struct price_list *prices, enum price_over over)
{
    if (prices->count)
        qsort_r(prices->rows, prices->count, sizeof *prices->rows, compare_prices, &over);
}

/* The first row of an event if it has all of these flags; NULL: there is none. */
static const struct price *find_price(const struct price_list *prices, const char *event, unsigned flags)
{
    for (const struct price *price = NULL; (price = next_price(prices, price, 0));)
        if (!strcmp(price->event, event))
            return (price->flags & flags) == flags ? price : NULL;
    return NULL;
}

static size_t count_prices(const struct price_list *prices, unsigned flags)
{
    size_t count = 0;
    for (const struct price *price = NULL; (price = next_price(prices, price, flags));)
        count++;
    return count;
}

/* What those that both can do, and that have this flag, say together; the largest significant slowdown. */
static struct ratios ratios_of(const struct price_list *prices, unsigned flag, double *most)
{
    struct ratios ratios = {0};
    *most = 1;
    for (const struct price *price = NULL; (price = next_price(prices, price, 0));)
        if (price->over[OVER_NATIVE].doubt && (flag == COMPARED || price->exits <= stays_inside))
            ratios_add_none(&ratios);
    for (const struct price *price = NULL; (price = next_price(prices, price, flag));) {
        const struct result_comparison *found = price->over[OVER_NATIVE].against;
        ratios_add(&ratios, found->ratio, found->low, found->high);
        if (price->flags & COSTS_MORE)
            *most = fmax(*most, found->ratio);
    }
    return ratios;
}

/* ---- the conclusion ---- */

static const char *cell_text(struct document *doc, const struct result_cell *cell)
{
    return view_time(doc, cell->median, cell->low, cell->high, false);
}

static const char *extra_text(struct document *doc, const struct price *price, bool sign)
{
    const struct price_extra *extra = &price->over[OVER_NATIVE];
    return view_time(doc, extra->ns, extra->low, extra->high, sign);
}

/* Of which of several guests it is the price. */
static const char *whose(const struct price_list *prices, const struct price *price, struct document *doc)
{
    return prices->several ? document_text(doc, " (%s)", price->who) : "";
}

/* What leaves the guest for the monitor's process or, where none of these was measured, for its kernel. */
static const struct price *find_leaving(const struct price_list *prices)
{
    static const char *const leaving[] = {
        "pio-user", "mmio-user", "in", "mmio-read", "hypercall", "pio-kernel", "mmio-kernel"};
    const struct price *price = NULL;
    for (size_t i = 0; i < sizeof leaving / sizeof *leaving && !price; i++)
        price = find_price(prices, leaving[i], COSTS_MORE);
    return price;
}

/* Of operations that both can do and that hardly ever leave the guest, judged together. */
static const char *staying_text(const struct price_list *prices)
{
    enum { FEWEST = 5 }; /* fewer stand for nothing but themselves */
    static const double next_to_nothing = 1.05;
    double most;
    struct ratios ratios = ratios_of(prices, STAYS_INSIDE, &most);
    if (ratios.all < FEWEST)
        return NULL;
    if (ratios_disturbed(&ratios))
        return "whether what stays inside costs anything this run cannot tell";
    if (!ratios_slower(&ratios))
        return "what stays inside costs nothing measurable";
    if (most <= next_to_nothing)
        return "what stays inside costs next to nothing";
    return 5 * ratios.slower <= ratios.all ? "most of what stays inside costs nothing measurable"
                                           : "some of what stays inside costs more as well";
}

/* Whether it surely costs more than all others. */
static bool is_dearest(const struct price_list *prices, const struct price *first)
{
    double next = 0;
    for (const struct price *price = NULL; (price = next_price(prices, price, MEASURED));)
        if (price != first && (price->flags & LEADS || !(price->flags & COSTS_MORE)))
            next = fmax(next, price->over[OVER_NATIVE].high);
    return first->over[OVER_NATIVE].low > next;
}

/* What is known of guests' prices, or of native's where none of these is. */
static const char *conclusion_text(
    const struct result *result, const struct price_list *prices, struct document *doc)
{
    const struct price *leave = find_leaving(prices);
    const struct price *first = next_price(prices, NULL, LEADS); /* the most expensive one */
    const struct price *fault = find_price(prices, "page-fault", COMPARED | COSTS_MORE);
    const char *staying = staying_text(prices), *pages = linked_conclusion(result, doc);
    struct listing list = {.doc = doc, .between = "; "};
    size_t count = count_prices(prices, MEASURED);
    if (!count)
        return "no operation was measured";
    if (!count_prices(prices, MEASURED_IN_GUEST))
        return document_text(doc, "%zu operation%s measured natively; what a guest adds %s", count,
            count == 1 ? " was" : "s were", prices->guest ? "could not be measured" : "was not measured");
    if (leave && fault)
        listing_add(&list, "leaving the guest%s costs %s here, a page fault%s %s more than native",
            whose(prices, leave, doc), extra_text(doc, leave, false), whose(prices, fault, doc),
            extra_text(doc, fault, false));
    else if (leave)
        listing_add(&list, "leaving the guest%s costs %s here", whose(prices, leave, doc),
            extra_text(doc, leave, false));
    else if (fault)
        listing_add(
            &list, "a page fault %s costs %s more than native", fault->where, extra_text(doc, fault, false));
    else if (!pages && first)
        listing_add(&list, "%s here is %s: %s more %s than natively",
            is_dearest(prices, first) ? "the most expensive operation"
                                      : "one of the most expensive operations",
            first->name, extra_text(doc, first, false), first->where);
    else if (!pages && !staying)
        return document_text(doc, "no operation that was measured costs significantly more %s",
            prices->elsewhere ? "there" : "in the guest here");
    if (pages)
        listing_add(&list, "%s", pages);
    if (staying)
        listing_add(&list, "%s", staying);
    return listing_text(&list);
}

static void conclude(const struct result *result, const struct price_list *prices, struct document *doc)
{
    double most;
    struct ratios ratios = ratios_of(prices, COMPARED, &most);
    ratios.all += count_prices(prices, COSTS_MORE) - count_prices(prices, COSTS_MORE | COMPARED);
    const char *incomplete = view_run_incomplete(result, doc);
    if (!ratios_disturbed(&ratios)) {
        document_say(doc, BLOCK_CONCLUSION, "%s%s.", view_capital(doc, conclusion_text(result, prices, doc)),
            incomplete);
        return;
    }
    document_say(doc, BLOCK_CONCLUSION, "This run was too disturbed to tell what operations cost %s%s: %s.",
        prices->elsewhere ? "there" : "in a guest", incomplete, view_run_blame(result, doc));
    if (!doc->stamp)
        doc->stamp = "too disturbed to tell";
}

/* ---- the facts ---- */

/* What a page fault takes, and the first touch of a large page. */
static void say_memory(const struct price_list *prices, struct document *doc)
{
    const struct price *fault = find_price(prices, "page-fault", MEASURED);
    const struct price *fresh = find_price(prices, "first-touch-2m-fresh", MEASURED),
                       *recycled = find_price(prices, "first-touch-2m", MEASURED);
    struct listing times = {.doc = doc, .between = ", "}, said = {.doc = doc, .between = " "};
    if (fault && is_shown(fault->guest))
        listing_add(&times, "%s %s", cell_text(doc, fault->guest), fault->where);
    if (fault && is_shown(fault->native))
        listing_add(&times, "%s natively", cell_text(doc, fault->native));
    if (fault)
        listing_add(&said, "A page fault: %s.", listing_text(&times));
    if (fresh && recycled && !strcmp(fresh->cell->cell.monitor, recycled->cell->cell.monitor)) {
        bool differs = fresh->over[OVER_EVENT].low > 0;
        listing_add(&said, "First touch of a 2 MiB page %s: %s%s%s.",
            fresh->cell == fresh->native ? "natively" : fresh->where, cell_text(doc, recycled->cell),
            differs ? ", of a fresh one " : ", fresh or not", differs ? cell_text(doc, fresh->cell) : "");
    }
    if (said.count)
        document_say(doc, BLOCK_FACT, "%s", said.text);
}

/* The size at which touching warm pages again after an exit takes how many times as long as without. */
static void say_after_exit(const struct result *result, const struct price_list *prices, struct document *doc)
{
    const struct result_comparison *most = NULL;
    for (const struct price *price = NULL; (price = next_price(prices, price, MEASURED_IN_GUEST));) {
        const struct price_extra *extra = &price->over[OVER_EVENT];
        if (!strcmp(price->event, "retouch-pages-exit") && extra->low > 0 &&
            cell_measured(&result->cells[extra->against->baseline]) &&
            (!most || extra->against->ratio > most->ratio))
            most = extra->against;
    }
    if (!most)
        return;
    const struct result_cell *cell = &result->cells[most->cell], *before = &result->cells[most->baseline];
    document_say(doc, BLOCK_FACT,
        "After an exit, touching %llu warm pages takes %s instead of %s: TLB and caches are cold.",
        (unsigned long long)(workload_size(&cell->cell.workload) / 4096), cell_text(doc, cell),
        cell_text(doc, before));
}

static void say_facts(const struct result *result, const struct price_list *prices, struct document *doc)
{
    struct listing list = {.doc = doc, .between = ", "};
    size_t compared = count_prices(prices, COMPARED), more = count_prices(prices, COMPARED | COSTS_MORE),
           less = count_prices(prices, COMPARED | COSTS_LESS);
    const struct price *fresh = find_price(prices, "first-touch-2m-fresh", 0);
    bool leave = find_leaving(prices),
         touch = find_price(prices, "page-fault", COSTS_MORE) || (fresh && fresh->over[OVER_EVENT].low > 0);
    for (const struct price *price = NULL; (price = next_price(prices, price, LEADS));)
        if (list.count < 4)
            listing_add(&list, "%s %s", price->name, extra_text(doc, price, true));
    if (list.count)
        document_say(doc, BLOCK_FACT, "Most expensive relative to native: %s.", list.text);
    say_memory(prices, doc);
    say_after_exit(result, prices, doc);
    linked_say(result, doc);
    if (compared)
        document_say(doc, BLOCK_FACT,
            "Of %zu operation%s that both can do, %zu show no significant difference, %zu cost more, %zu "
            "less.",
            compared, compared == 1 ? "" : "s", compared - more - less, more, less);
    view_run_below(result, doc);
    if (leave || touch)
        document_say(doc, BLOCK_FACT, "What to do: %s%s%s. vcost events --explain NAME says more.",
            leave ? "fewer exits (batch I/O, poll instead of sleep)" : "", leave && touch ? ", " : "",
            touch ? "touch memory once and keep it" : "");
}

/* ---- tables ---- */

enum {
    PRICE_EVENT,
    PRICE_UNIT,
    PRICE_BASELINE,
    PRICE_NATIVE,
    PRICE_GUEST,
    PRICE_EXTRA,
    PRICE_EXITS,
    PRICE_COLUMNS
};

static void fill_price(const struct result *result, const struct price *price, enum price_over over,
    struct table *table, size_t row)
{
    const struct price_extra *extra = &price->over[over];
    const struct result_cell *const cells[] = {price->native, price->guest};
    const char *operation = workload_operation(&(price->guest ? price->guest : price->native)->cell.workload);
    table_text(table, row, PRICE_EVENT, price->name);
    if (over == OVER_EVENT)
        table_text(table, row, PRICE_BASELINE, other_event(result, extra->against));
    else /* what one of it is */
        table_text(table, row, PRICE_UNIT,
            price->known                ? price->known->unit
            : operation && operation[0] ? operation
                                        : "event");
    for (size_t i = 0; i < 2; i++) {
        if (!cells[i])
            continue;
        table_interval(table, row, PRICE_NATIVE + i, cells[i]->median, cells[i]->low, cells[i]->high);
        table_at(table, row, PRICE_NATIVE + i)->why = cell_unlike(cells[i]);
        if (cells[i]->quality == QUALITY_INTERRUPTED)
            table_at(table, row, PRICE_EVENT)->mark = "!";
    }
    table_interval(table, row, PRICE_EXTRA, extra->ns, extra->low, extra->high);
    table_at(table, row, PRICE_EXTRA)->why = extra->doubt;
    table_at(table, row, PRICE_EXTRA)->tone = extra->low > 0    ? TONE_SLOWER
                                              : extra->high < 0 ? TONE_FASTER
                                                                : TONE_PLAIN;
    if (over == OVER_NATIVE && isfinite(extra->ns))
        table_number(table, row, PRICE_EXITS, round(10 * price->exits) / 10);
}

static const struct price_section {
    const char *name, *title, *extra;
    unsigned flag;
    enum price_over over;
} price_sections[] = {
    {"over-native", "What costs more or less than native, the most expensive first", "over native",
        IN_OVER_NATIVE, OVER_NATIVE},
    {"as-native", "No significant difference from native", "over native", IN_AS_NATIVE, OVER_NATIVE},
    {"over-event", "Relative to another event at the same place, the most expensive first", "over that",
        IN_OVER_EVENT, OVER_EVENT},
    {"alone", "Without anything to compare with here, the most expensive first", NULL, IN_ALONE, OVER_NATIVE},
};

/* Adds a section's table, if it has rows. */
static void add_section(const struct result *result, struct price_list *prices,
    const struct price_section *section, struct document *doc)
{
    const struct column columns[PRICE_COLUMNS] = {
        [PRICE_EVENT] = {.key = "event", .unit = UNIT_TEXT},
        [PRICE_UNIT] = {.key = "unit", .head = "for each", .unit = UNIT_TEXT, .drop = 4},
        [PRICE_BASELINE] = {.key = "baseline", .head = "relative to", .unit = UNIT_TEXT, .drop = 2},
        [PRICE_NATIVE] = {.key = "native", .unit = UNIT_NS, .rounded = true},
        [PRICE_GUEST] = {.key = "guest", .head = prices->guest, .unit = UNIT_NS, .rounded = true},
        [PRICE_EXTRA] = {"more", section->extra, NULL, UNIT_NS, .interval = true, .sign = true,
            .rounded = true},
        [PRICE_EXITS] = {.key = "exits", .unit = UNIT_COUNT, .drop = 3},
    };
    size_t row = 0, rows = count_prices(prices, section->flag);
    if (!rows)
        return;
    sort_prices(prices, section->over);
    struct table *table = document_table(doc, section->name, section->title, columns, PRICE_COLUMNS, rows);
    for (const struct price *price = NULL; (price = next_price(prices, price, section->flag));)
        fill_price(result, price, section->over, table, row++);
    view_drop_empty(table);
    view_say_marks(table, doc);
}

static void add_bars(const struct price_list *prices, struct document *doc)
{
    enum { BARS = 12 };
    const struct price *bars[BARS];
    unsigned shown = count_prices(prices, LEADS) ? LEADS : MEASURED;
    size_t count = 0;
    for (const struct price *price = NULL; (price = next_price(prices, price, shown));)
        if (count < BARS)
            bars[count++] = price;
    struct chart *chart =
        count ? document_chart(doc, CHART_BARS, "prices", "The most expensive operations") : NULL;
    const char **names = chart ? pool_room(&doc->pool, count, sizeof *names) : NULL;
    if (!names)
        return;
    chart->y = (struct chart_axis){.label = "time of each", .unit = UNIT_NS, .scale = SCALE_LOG};
    chart->categories = names;
    chart->category_count = count;
    chart->caption = "Medians with their 95 % intervals, on a logarithmic scale.";
    for (int guest = 0; guest < 2; guest++) {
        struct chart_series *series = NULL;
        for (size_t i = 0; i < count; i++) {
            const struct result_cell *cell = guest ? bars[i]->guest : bars[i]->native;
            names[i] = bars[i]->name;
            if (!is_shown(cell))
                continue;
            if (!series && !(series = chart_series(doc, chart, guest ? prices->guest : "native", count)))
                return;
            series->baseline = !guest;
            series->points[i] = (struct chart_point){(double)i, cell->median, cell->low, cell->high, NULL};
        }
    }
}

enum remark_kind { REMARK_MISSING, REMARK_DOUBT, REMARK_FIGURE, REMARK_HALF, REMARK_KINDS };

/* NULL: nothing is to be said. */
static const char *remark_of(enum remark_kind kind, const struct price *price)
{
    const struct result_cell *guest = price->guest, *native = price->native;
    bool natively = native && !(price->known && price->known->native.impossible);
    if (kind == REMARK_MISSING)
        return price->cell ? NULL : cell_unlike(natively || !guest ? native : guest);
    if (kind == REMARK_DOUBT)
        return price->over[OVER_NATIVE].doubt ? price->over[OVER_NATIVE].doubt
                                              : price->over[OVER_EVENT].doubt;
    if (kind == REMARK_FIGURE)
        return guest && guest->note[0] ? guest->note : native && native->note[0] ? native->note : NULL;
    const struct result_cell *other = price->cell == guest ? native : guest;
    return price->cell && other ? cell_unlike(other) : NULL;
}

static void add_notes(const struct price_list *prices, struct document *doc)
{
    static const char *const titles[REMARK_KINDS] = {
        "Not measured:", "Not to be compared:", "About figures:", "Measured at one place only:"};
    bool exits = false;
    for (const struct price *price = NULL; (price = next_price(prices, price, 0));)
        exits |= isfinite(price->exits) && isfinite(price->over[OVER_NATIVE].ns);
    if (exits)
        document_say(
            doc, BLOCK_NOTE, "exits: from the guest to its monitor, for each event, preparation included");
    for (enum remark_kind kind = 0; kind < REMARK_KINDS; kind++) {
        struct remarks remarks = {.doc = doc};
        for (const struct price *price = NULL; (price = next_price(prices, price, 0));)
            remarks_add(
                &remarks, "", kind == REMARK_DOUBT ? price->name : price->event, remark_of(kind, price));
        document_details(doc, kind > REMARK_DOUBT);
        remarks_say(&remarks, titles[kind], 64, SIZE_MAX);
    }
    document_details(doc, false);
}

void view_events(const struct result *result, struct document *doc)
{
    struct price_list prices = price_list_of(result, &doc->pool);
    view_run_title(result, doc);
    sort_prices(&prices, OVER_NATIVE);
    conclude(result, &prices, doc);
    view_run_machine(result, doc);
    say_facts(result, &prices, doc);
    view_run_today(result, doc);
    for (size_t i = 0; i < sizeof price_sections / sizeof *price_sections; i++)
        add_section(result, &prices, &price_sections[i], doc);
    linked_add_table(result, doc);
    sort_prices(&prices, OVER_NATIVE);
    linked_add_chart(result, doc);
    add_bars(&prices, doc);
    add_notes(&prices, doc);
    view_run_method(result, doc);
    view_run_cells(result, doc);
}
