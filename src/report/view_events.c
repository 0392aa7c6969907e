#include "report/view_events.h"

#include "report/format.h"
#include "report/price_list.h"
#include "report/view_run.h"

#include <math.h>
#include <string.h>

/* ---- which prices ---- */

/* What a row's cost relative to native is known to be. */
static bool costs_more(const struct price *price)
{
    return price->over[OVER_NATIVE].low > 0;
}

static bool costs_less(const struct price *price)
{
    return price->over[OVER_NATIVE].high < 0;
}

/* Both can do it, and the difference has an interval. */
static bool is_compared(const struct price *price)
{
    return price->over[OVER_NATIVE].against && isfinite(price->over[OVER_NATIVE].low);
}

/* Native cannot do it: all of its time is cost, which needs no comparison to be known. */
static bool costs_all_of_it(const struct price *price)
{
    return costs_more(price) && !price->over[OVER_NATIVE].against;
}

static bool is_measured(const struct price *price)
{
    return price->cell != NULL;
}

static bool is_measured_in_guest(const struct price *price)
{
    return cell_measured(price->guest);
}

/* Its exits, preparation included: so few that it hardly ever leaves the guest. */
static bool stays_inside(const struct price *price)
{
    return is_compared(price) && price->exits <= 0.05;
}

static size_t count_prices(const struct price_list *prices, bool (*counts)(const struct price *price))
{
    size_t count = 0;
    for (size_t i = 0; i < prices->count; i++)
        count += counts(&prices->rows[i]);
    return count;
}

/* What those that both can do say together. */
static struct ratios ratios_of(const struct price_list *prices, bool (*counts)(const struct price *price))
{
    struct ratios ratios = {0};
    for (size_t i = 0; i < prices->count; i++) {
        const struct result_comparison *found = prices->rows[i].over[OVER_NATIVE].against;
        if (counts(&prices->rows[i]))
            ratios_add(&ratios, found->ratio, found->low, found->high);
    }
    return ratios;
}

/* ---- figures in sentences ---- */

static const char *cell_text(struct document *document, const struct result_cell *cell)
{
    return view_time(document, cell->median, cell->low, cell->high, false);
}

static const char *extra_text(struct document *document, const struct price *price, bool sign)
{
    const struct price_extra *extra = &price->over[OVER_NATIVE];
    return view_time(document, extra->ns, extra->low, extra->high, sign);
}

/* ---- the conclusion ---- */

/* What leaves the guest for the monitor's process or, where none of these was measured, for its kernel. */
static const char *const leaving[] = {
    "pio-user", "mmio-user", "in", "mmio-read", "hypercall", "pio-kernel", "mmio-kernel"};

static const struct price *find_leaving(const struct price_list *prices)
{
    for (size_t i = 0; i < sizeof leaving / sizeof *leaving; i++) {
        const struct price *price = price_list_find(prices, leaving[i]);
        if (price && costs_more(price))
            return price;
    }
    return NULL;
}

/* Of operations that both can do and that hardly ever leave the guest, judged together. */
static const char *staying_text(const struct price_list *prices)
{
    enum { FEWEST = 5 }; /* fewer stand for nothing but themselves */
    static const double next_to_nothing = 1.05;
    struct ratios ratios = ratios_of(prices, stays_inside);
    double most = 1; /* the largest significant slowdown */
    for (size_t i = 0; i < prices->count; i++)
        if (stays_inside(&prices->rows[i]) && costs_more(&prices->rows[i]))
            most = fmax(most, prices->rows[i].over[OVER_NATIVE].against->ratio);
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

/* No guest's price is known: what there is to say then. */
static const char *without_guest(const struct price_list *prices, struct document *document)
{
    size_t count = count_prices(prices, is_measured);
    if (!count)
        return "no operation was measured";
    return document_text(document, "%zu operation%s measured natively; what a guest adds %s", count,
        count == 1 ? " was" : "s were", prices->guests ? "could not be measured" : "was not measured");
}

static const char *with_guest(const struct price_list *prices, struct document *document)
{
    const struct price *leave = find_leaving(prices), *fault = price_list_find(prices, "page-fault");
    const struct price *first = prices->rows; /* the most expensive one */
    const char *text = "", *staying = staying_text(prices);
    bool faults = fault && is_compared(fault) && costs_more(fault);
    if (leave)
        text = document_text(document, "leaving the guest costs %s here", extra_text(document, leave, false));
    if (faults)
        text = document_text(document, "%s%s%s more than native", text,
            leave ? ", a page fault " : "a page fault in the guest costs ",
            extra_text(document, fault, false));
    if (!leave && !faults && costs_more(first))
        text = document_text(document,
            "the most expensive operation here is %s: %s more in the guest than natively", first->name,
            extra_text(document, first, false));
    else if (!leave && !faults && !staying)
        text = "no operation that was measured costs significantly more in the guest here";
    return staying ? document_text(document, "%s%s%s", text, text[0] ? "; " : "", staying) : text;
}

static void conclude(const struct result *result, const struct price_list *prices, struct document *document)
{
    struct ratios ratios = ratios_of(prices, is_compared);
    ratios.all += count_prices(prices, costs_all_of_it);
    const char *incomplete = view_run_incomplete(result, document);
    const char *said = count_prices(prices, is_measured_in_guest) ? with_guest(prices, document)
                                                                  : without_guest(prices, document);
    if (!ratios_disturbed(&ratios)) {
        document_say(document, BLOCK_CONCLUSION, "%s%s.", view_capital(document, said), incomplete);
        return;
    }
    document_say(document, BLOCK_CONCLUSION,
        "This run was too disturbed to tell what operations cost in a guest%s: %s.", incomplete,
        view_run_blame(result, document));
    if (!document->stamp)
        document->stamp = "too disturbed to tell";
}

/* ---- the facts ---- */

static void say_most_expensive(const struct price_list *prices, struct document *document)
{
    struct listing list = {.between = ", ", .most = 4};
    for (size_t i = 0; i < prices->count && list.count < list.most; i++)
        if (costs_more(&prices->rows[i]))
            listing_add(&list,
                document_text(
                    document, "%s %s", prices->rows[i].name, extra_text(document, &prices->rows[i], true)),
                document);
    if (list.count)
        document_say(document, BLOCK_FACT, "Most expensive relative to native: %s.", list.text);
}

static const char *first_touch_text(const struct price_list *prices, struct document *document)
{
    const struct price *fresh = price_list_find(prices, "first-touch-2m-fresh"),
                       *recycled = price_list_find(prices, "first-touch-2m");
    if (!fresh || !recycled || !fresh->cell || !recycled->cell ||
        strcmp(fresh->cell->cell.monitor, recycled->cell->cell.monitor) != 0)
        return NULL;
    bool differs = fresh->over[OVER_EVENT].low > 0;
    return document_text(document, "First touch of a 2 MiB page%s: %s%s%s.",
        fresh->cell == fresh->native ? " natively" : " in the guest", cell_text(document, recycled->cell),
        differs ? ", of a fresh one " : ", fresh or not", differs ? cell_text(document, fresh->cell) : "");
}

static void say_memory(const struct price_list *prices, struct document *document)
{
    const struct price *fault = price_list_find(prices, "page-fault");
    bool guest = fault && cell_measured(fault->guest), native = fault && cell_measured(fault->native);
    const char *touch = first_touch_text(prices, document);
    struct listing said = {.between = " ", .most = 2};
    if (guest || native)
        listing_add(&said,
            document_text(document, "A page fault: %s%s%s%s.", guest ? cell_text(document, fault->guest) : "",
                guest ? native ? " in the guest, " : " in the guest" : "",
                native ? cell_text(document, fault->native) : "", native ? " natively" : ""),
            document);
    if (touch)
        listing_add(&said, touch, document);
    if (said.count)
        document_say(document, BLOCK_FACT, "%s", said.text);
}

/* The size at which touching warm pages again after an exit takes how many times as long as without. */
static void say_after_exit(
    const struct result *result, const struct price_list *prices, struct document *document)
{
    const struct price *most = NULL;
    for (size_t i = 0; i < prices->count; i++) {
        const struct price *price = &prices->rows[i];
        const struct price_extra *extra = &price->over[OVER_EVENT];
        if (!strcmp(price->event, "retouch-pages-exit") && extra->low > 0 && cell_measured(price->guest) &&
            cell_measured(&result->cells[extra->against->baseline]) &&
            (!most || extra->against->ratio > most->over[OVER_EVENT].against->ratio))
            most = price;
    }
    if (most)
        document_say(document, BLOCK_FACT,
            "After an exit, touching %llu warm pages takes %s instead of %s: TLB and caches are cold.",
            (unsigned long long)(most->guest->cell.event.bytes / 4096), cell_text(document, most->guest),
            cell_text(document, &result->cells[most->over[OVER_EVENT].against->baseline]));
}

static void say_counts(const struct price_list *prices, struct document *document)
{
    size_t compared = 0, more = 0, less = 0;
    for (size_t i = 0; i < prices->count; i++) {
        compared += is_compared(&prices->rows[i]);
        more += is_compared(&prices->rows[i]) && costs_more(&prices->rows[i]);
        less += is_compared(&prices->rows[i]) && costs_less(&prices->rows[i]);
    }
    if (compared)
        document_say(document, BLOCK_FACT,
            "Of %zu operation%s that both can do, %zu show no significant difference, %zu cost more, %zu "
            "less.",
            compared, compared == 1 ? "" : "s", compared - more - less, more, less);
}

static void say_what_to_do(const struct price_list *prices, struct document *document)
{
    const struct price *fault = price_list_find(prices, "page-fault"),
                       *fresh = price_list_find(prices, "first-touch-2m-fresh");
    bool leave = find_leaving(prices) != NULL;
    bool touch = (fault && costs_more(fault)) || (fresh && fresh->over[OVER_EVENT].low > 0);
    if (leave || touch)
        document_say(document, BLOCK_FACT, "What to do: %s%s%s. vcost events --explain NAME says more.",
            leave ? "fewer exits (batch I/O, poll instead of sleep)" : "", leave && touch ? ", " : "",
            touch ? "touch memory once and keep it" : "");
}

/* ---- tables ---- */

enum price_column {
    PRICE_EVENT,
    PRICE_UNIT,
    PRICE_BASELINE, /* the event that it is compared with */
    PRICE_NATIVE,
    PRICE_GUEST,
    PRICE_EXTRA,
    PRICE_EXITS,
    PRICE_COLUMNS
};

static void fill_time(struct table *table, size_t row, size_t column, const struct result_cell *cell)
{
    if (!cell)
        return;
    table_interval(table, row, column, cell->median, cell->low, cell->high);
    table_at(table, row, column)->why = cell_measured(cell) ? NULL : cell_reason(cell);
    if (cell->quality == QUALITY_INTERRUPTED)
        table_at(table, row, PRICE_EVENT)->mark = "!";
}

static void fill_price(const struct result *result, const struct price *price, enum price_over over,
    struct table *table, size_t row)
{
    const struct price_extra *extra = &price->over[over];
    table_text(table, row, PRICE_EVENT, price->name);
    if (over == OVER_NATIVE)
        table_text(table, row, PRICE_UNIT, price->unit);
    else
        table_text(table, row, PRICE_BASELINE, result->cells[extra->against->baseline].cell.event.name);
    fill_time(table, row, PRICE_NATIVE, price->native);
    fill_time(table, row, PRICE_GUEST, price->guest);
    table_interval(table, row, PRICE_EXTRA, extra->ns, extra->low, extra->high);
    table_at(table, row, PRICE_EXTRA)->tone = extra->low > 0    ? TONE_SLOWER
                                              : extra->high < 0 ? TONE_FASTER
                                                                : TONE_PLAIN;
    if (over == OVER_NATIVE && isfinite(extra->ns))
        table_number(table, row, PRICE_EXITS, round(10 * price->exits) / 10);
}

/* Without an interval nothing is known to be the same. */
static bool is_same(const struct price *price)
{
    return isfinite(price->over[OVER_NATIVE].ns) && price->over[OVER_NATIVE].low <= 0 &&
           price->over[OVER_NATIVE].high >= 0;
}

static bool is_other(const struct price *price)
{
    return isfinite(price->over[OVER_NATIVE].ns) && !is_same(price);
}

static bool is_over_other(const struct price *price)
{
    return isfinite(price->over[OVER_EVENT].ns);
}

static bool is_alone(const struct price *price)
{
    return !isfinite(price->over[OVER_NATIVE].ns) && !is_over_other(price) && is_measured(price);
}

static const struct price_section {
    const char *name, *title, *extra;
    bool (*holds)(const struct price *price);
    enum price_over over;
} price_sections[] = {
    {"over-native", "What costs more or less than native, the most expensive first", "over native", is_other,
        OVER_NATIVE},
    {"as-native", "No significant difference from native", "over native", is_same, OVER_NATIVE},
    {"over-event", "Relative to another event at the same place, the most expensive first", "over that",
        is_over_other, OVER_EVENT},
    {"alone", "Without anything to compare with here, the most expensive first", NULL, is_alone, OVER_NATIVE},
};

/* Adds a section's table, if it has rows. */
static void add_section(const struct result *result, struct price_list *prices,
    const struct price_section *section, struct document *document)
{
    const struct column columns[PRICE_COLUMNS] = {
        [PRICE_EVENT] = {.key = "event", .unit = UNIT_TEXT},
        [PRICE_UNIT] = {.key = "unit", .head = "for each", .unit = UNIT_TEXT, .drop = 4},
        [PRICE_BASELINE] = {.key = "baseline", .head = "relative to", .unit = UNIT_TEXT, .drop = 2},
        [PRICE_NATIVE] = {.key = "native", .unit = UNIT_NS, .rounded = true},
        [PRICE_GUEST] = {.key = "guest", .head = prices->guest, .unit = UNIT_NS, .rounded = true},
        [PRICE_EXTRA] = {.key = "more",
            .head = section->extra,
            .unit = UNIT_NS,
            .interval = true,
            .sign = true,
            .rounded = true},
        [PRICE_EXITS] = {.key = "exits", .unit = UNIT_COUNT, .drop = 3},
    };
    size_t row = 0, rows = count_prices(prices, section->holds);
    if (!rows)
        return;
    price_list_sort(prices, section->over);
    struct table *table =
        document_table(document, section->name, section->title, columns, PRICE_COLUMNS, rows);
    for (size_t i = 0; i < prices->count; i++)
        if (section->holds(&prices->rows[i]))
            fill_price(result, &prices->rows[i], section->over, table, row++);
    view_drop_empty(table);
    view_say_marks(table, document);
}

/* ---- the picture ---- */

static void add_bars(const struct price_list *prices, struct document *document)
{
    enum { BARS = 12 };
    const struct price *bars[BARS];
    size_t count = 0;
    bool (*shown)(const struct price *price) = count_prices(prices, costs_more) ? costs_more : is_measured;
    for (size_t i = 0; i < prices->count && count < BARS; i++)
        if (shown(&prices->rows[i]))
            bars[count++] = &prices->rows[i];
    struct chart *chart =
        count ? document_chart(document, CHART_BARS, "prices", "The most expensive operations") : NULL;
    const char **names = chart ? pool_room(&document->pool, count, sizeof *names) : NULL;
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
            if (!cell_measured(cell))
                continue;
            if (!series && !(series = chart_series(document, chart, guest ? prices->guest : "native", count)))
                return;
            series->baseline = !guest;
            series->points[i] =
                (struct chart_point){.x = (double)i, .y = cell->median, .low = cell->low, .high = cell->high};
        }
    }
}

/* ---- notes ---- */

static const char *note_of(const struct price *price)
{
    const struct result_cell *cell = price->guest && price->guest->note[0] ? price->guest : price->native;
    return cell && cell->note[0] ? cell->note : NULL;
}

/* Why one of two places has no figure though the other has. */
static const char *half_missing(const struct price *price)
{
    if (!price->cell || !price->guest || !price->native)
        return NULL;
    const struct result_cell *other = price->cell == price->guest ? price->native : price->guest;
    return cell_measured(other) ? NULL : cell_reason(other);
}

static const char *missing(const struct price *price)
{
    bool natively = price->native && !(price->known && price->known->native.impossible);
    const struct result_cell *cell = natively || !price->guest ? price->native : price->guest;
    return is_measured(price) ? NULL : cell_reason(cell);
}

static void add_notes(const struct price_list *prices, struct document *document)
{
    static const struct {
        const char *title;
        const char *(*remark)(const struct price *price); /* NULL: nothing is to be said */
    } kinds[] = {{"Not measured:", missing}, {"About figures:", note_of},
        {"Measured at one place only:", half_missing}};
    bool exits = false;
    for (size_t i = 0; i < prices->count; i++)
        exits |= isfinite(prices->rows[i].exits) && isfinite(prices->rows[i].over[OVER_NATIVE].ns);
    if (exits)
        document_say(document, BLOCK_NOTE,
            "exits: from the guest to its monitor, for each event, preparation included");
    for (size_t kind = 0; kind < sizeof kinds / sizeof *kinds; kind++) {
        struct remarks remarks = {0};
        for (size_t i = 0; i < prices->count; i++)
            remarks_add(&remarks, "", prices->rows[i].event, kinds[kind].remark(&prices->rows[i]), document);
        document_details(document, kind > 0);
        remarks_say(&remarks, kinds[kind].title, 64, SIZE_MAX, document);
    }
    document_details(document, false);
}

void view_events(const struct result *result, struct document *document)
{
    struct price_list prices = price_list_of(result, &document->pool);
    view_run_title(result, document);
    price_list_sort(&prices, OVER_NATIVE);
    conclude(result, &prices, document);
    view_run_machine(result, document);
    say_most_expensive(&prices, document);
    say_memory(&prices, document);
    say_after_exit(result, &prices, document);
    say_counts(&prices, document);
    view_run_below(result, document);
    say_what_to_do(&prices, document);
    view_run_today(result, document);
    for (size_t i = 0; i < sizeof price_sections / sizeof *price_sections; i++)
        add_section(result, &prices, &price_sections[i], document);
    price_list_sort(&prices, OVER_NATIVE);
    add_bars(&prices, document);
    add_notes(&prices, document);
    view_run_method(result, document);
    view_run_cells(result, document);
}
