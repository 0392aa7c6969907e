#include "report/view_events.h"

#include "report/format.h"
#include "report/price_list.h"
#include "report/view_run.h"
#include "result/ratios.h"
#include "result/words.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

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

/* A time as a sentence has it, with no more digits than its interval bears. */
static const char *time_text(struct document *document, double ns, double low, double high, bool sign)
{
    const struct column column = {.unit = UNIT_NS, .rounded = true, .sign = sign};
    const struct value value = {.unit = UNIT_NS, .number = ns, .low = low, .high = high};
    return format_value(&document->pool, &value, &column);
}

static const char *cell_text(struct document *document, const struct result_cell *cell)
{
    return time_text(document, cell->median, cell->low, cell->high, false);
}

static const char *extra_text(struct document *document, const struct price_extra *extra, bool sign)
{
    return time_text(document, extra->ns, extra->low, extra->high, sign);
}

/* ---- the conclusion ---- */

/* What leaves the guest for the monitor's process or, where none of these was measured, for its kernel. */
static const char *const leaving[] = {
    "pio-user", "mmio-user", "in", "mmio-read", "hypercall", "pio-kernel", "mmio-kernel"};

static const struct price *find_leaving(const struct price_list *prices)
{
    for (size_t i = 0; i < sizeof leaving / sizeof *leaving; i++) {
        const struct price *price = price_list_find(prices, leaving[i], 0);
        if (price && costs_more(price))
            return price;
    }
    return NULL;
}

/* Of operations that both can do and that hardly ever leave the guest, judged together. */
static const char *staying_text(const struct price_list *prices)
{
    enum { FEWEST = 5 }; /* fewer stand for nothing but themselves */
    static const double exits_most = 0.05, next_to_nothing = 1.05;
    struct ratios ratios = {0};
    double most = 1; /* the largest significant slowdown */
    for (size_t i = 0; i < prices->count; i++) {
        const struct price *price = &prices->rows[i];
        if (!is_compared(price) || !(price_exits(price) <= exits_most))
            continue;
        const struct result_comparison *found = price->over[OVER_NATIVE].against;
        ratios_add(&ratios, found->ratio, found->low, found->high);
        if (costs_more(price))
            most = fmax(most, found->ratio);
    }
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

static size_t count_prices(const struct price_list *prices, bool (*counts)(const struct price *price))
{
    size_t count = 0;
    for (size_t i = 0; i < prices->count; i++)
        count += counts(&prices->rows[i]);
    return count;
}

static bool has_price(const struct price *price)
{
    return price_cell(price) != NULL;
}

static bool has_guest_price(const struct price *price)
{
    return price->guest && isfinite(price->guest->median);
}

/* No guest's price is known: what there is to say then. */
static const char *without_guest(const struct price_list *prices, struct document *document)
{
    size_t count = count_prices(prices, has_price);
    if (!count)
        return "No operation was measured";
    return document_text(document, "%zu operation%s measured natively; what a guest adds %s", count,
        count == 1 ? " was" : "s were", prices->guests ? "could not be measured" : "was not measured");
}

static const char *with_guest(const struct price_list *prices, struct document *document)
{
    const struct price *leave = find_leaving(prices), *fault = price_list_find(prices, "page-fault", 0);
    const struct price *first = prices->rows, *said = leave; /* the most expensive one */
    const char *text = "", *staying = staying_text(prices);
    if (leave)
        text = document_text(document, "leaving the guest costs %s here",
            extra_text(document, &leave->over[OVER_NATIVE], false));
    if (fault && is_compared(fault) && costs_more(fault)) {
        text = document_text(document, "%s%s%s more than native", text,
            leave ? ", a page fault " : "a page fault in the guest costs ",
            extra_text(document, &fault->over[OVER_NATIVE], false));
        said = fault;
    }
    if (!said && costs_more(first))
        text = document_text(document,
            "the most expensive operation here is %s: %s more in the guest than natively", first->name,
            extra_text(document, &first->over[OVER_NATIVE], false));
    else if (!said && !staying)
        text = "no operation that was measured costs significantly more in the guest here";
    if (staying)
        text = document_text(document, "%s%s%s", text, text[0] ? "; " : "", staying);
    return document_text(document, "%c%s", toupper((unsigned char)text[0]), text + 1);
}

/* ---- the facts ---- */

static void say_most_expensive(const struct price_list *prices, struct document *document)
{
    enum { NAMED = 4 };
    const char *list = "";
    size_t named = 0;
    for (size_t i = 0; i < prices->count && named < NAMED; i++)
        if (costs_more(&prices->rows[i]))
            list = document_text(document, "%s%s%s %s", list, named++ ? ", " : "", prices->rows[i].name,
                extra_text(document, &prices->rows[i].over[OVER_NATIVE], true));
    if (named)
        document_say(document, BLOCK_FACT, "Most expensive relative to native: %s.", list);
}

static const char *first_touch_text(const struct price_list *prices, struct document *document)
{
    const struct price *fresh = price_list_find(prices, "first-touch-2m-fresh", 0),
                       *recycled = price_list_find(prices, "first-touch-2m", 0);
    const struct result_cell *cells[] = {
        fresh ? price_cell(fresh) : NULL, recycled ? price_cell(recycled) : NULL};
    if (!cells[0] || !cells[1] || strcmp(cells[0]->cell.monitor, cells[1]->cell.monitor) != 0)
        return "";
    bool differs = fresh->over[OVER_EVENT].low > 0;
    return document_text(document, "First touch of a 2 MiB page%s: %s%s%s.",
        cells[0] == fresh->native ? " natively" : " in the guest", cell_text(document, cells[1]),
        differs ? ", of a fresh one " : ", fresh or not", differs ? cell_text(document, cells[0]) : "");
}

static void say_memory(const struct price_list *prices, struct document *document)
{
    const struct price *fault = price_list_find(prices, "page-fault", 0);
    bool guest = fault && has_guest_price(fault);
    bool native = fault && fault->native && isfinite(fault->native->median);
    const char *touch = first_touch_text(prices, document), *faults = "";
    if (guest || native)
        faults =
            document_text(document, "A page fault: %s%s%s%s.", guest ? cell_text(document, fault->guest) : "",
                guest ? " in the guest" : "", guest && native ? ", " : "",
                native ? document_text(document, "%s natively", cell_text(document, fault->native)) : "");
    if (faults[0] || touch[0])
        document_say(document, BLOCK_FACT, "%s%s%s", faults, faults[0] && touch[0] ? " " : "", touch);
}

/* The size at which touching warm pages again after an exit takes how many times as long as without. */
static void say_after_exit(
    const struct result *result, const struct price_list *prices, struct document *document)
{
    const struct price *most = NULL;
    double ratio = 1;
    for (size_t i = 0; i < prices->count; i++) {
        const struct price *price = &prices->rows[i];
        const struct result_comparison *against = price->over[OVER_EVENT].against;
        if (strcmp(price->event, "retouch-pages-exit") != 0 || !against ||
            !(price->over[OVER_EVENT].low > 0) || !(against->ratio > ratio) || !has_guest_price(price))
            continue;
        most = price;
        ratio = against->ratio;
    }
    if (!most)
        return;
    const struct result_cell *without = &result->cells[most->over[OVER_EVENT].against->baseline];
    if (isfinite(without->median))
        document_say(document, BLOCK_FACT,
            "After an exit, touching %llu warm pages takes %s instead of %s: TLB and caches are cold.",
            (unsigned long long)(most->guest->cell.event.bytes / 4096), cell_text(document, most->guest),
            cell_text(document, without));
}

static void say_counts(const struct price_list *prices, struct document *document)
{
    size_t compared = count_prices(prices, is_compared), more = 0, less = 0;
    for (size_t i = 0; i < prices->count; i++) {
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
    const struct price *fault = price_list_find(prices, "page-fault", 0),
                       *fresh = price_list_find(prices, "first-touch-2m-fresh", 0);
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

static const struct column price_columns[PRICE_COLUMNS] = {
    [PRICE_EVENT] = {.key = "event", .unit = UNIT_TEXT},
    [PRICE_UNIT] = {.key = "unit", .head = "for each", .unit = UNIT_TEXT, .drop = 4},
    [PRICE_BASELINE] = {.key = "baseline", .head = "relative to", .unit = UNIT_TEXT, .drop = 2},
    [PRICE_NATIVE] = {.key = "native", .unit = UNIT_NS, .rounded = true},
    [PRICE_GUEST] = {.key = "guest", .unit = UNIT_NS, .rounded = true},
    [PRICE_EXTRA] = {.key = "more", .unit = UNIT_NS, .interval = true, .sign = true, .rounded = true},
    [PRICE_EXITS] = {.key = "exits", .unit = UNIT_COUNT, .drop = 3},
};

static bool is_interrupted(const struct price *price)
{
    return (price->native && price->native->quality == QUALITY_INTERRUPTED) ||
           (price->guest && price->guest->quality == QUALITY_INTERRUPTED);
}

static void fill_price(const struct result *result, const struct price *price, enum price_over over,
    enum price_column column, struct value *value)
{
    const struct price_extra *extra = &price->over[over];
    const struct result_cell *cell = column == PRICE_NATIVE ? price->native : price->guest;
    switch (column) {
    case PRICE_EVENT:
        value->text = price->name;
        value->mark = is_interrupted(price) ? "!" : NULL;
        break;
    case PRICE_UNIT:
        value->text = price_unit(price);
        break;
    case PRICE_BASELINE:
        value->text = extra->against ? result->cells[extra->against->baseline].cell.event.name : NULL;
        break;
    case PRICE_NATIVE:
    case PRICE_GUEST:
        if (!cell)
            break;
        value->number = cell->median;
        value->low = cell->low;
        value->high = cell->high;
        value->why = isfinite(cell->median) ? NULL : cell_reason(cell);
        break;
    case PRICE_EXTRA:
        value->number = extra->ns;
        value->low = extra->low;
        value->high = extra->high;
        value->tone = extra->low > 0 ? TONE_SLOWER : extra->high < 0 ? TONE_FASTER : TONE_PLAIN;
        break;
    case PRICE_EXITS:
        value->number = round(10 * price_exits(price)) / 10;
        break;
    case PRICE_COLUMNS:
        break;
    }
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
    return !isfinite(price->over[OVER_NATIVE].ns) && !is_over_other(price) && has_price(price);
}

static const struct price_section {
    const char *name, *title, *extra;
    bool (*holds)(const struct price *price);
    enum price_over over;
    bool columns[PRICE_COLUMNS];
} price_sections[] = {
    {"over-native", "What costs more or less than native, the most expensive first", "over native", is_other,
        OVER_NATIVE, {true, true, false, true, true, true, true}},
    {"as-native", "No significant difference from native", "over native", is_same, OVER_NATIVE,
        {true, true, false, true, true, true, true}},
    {"over-event", "Relative to another event at the same place, the most expensive first", "over that",
        is_over_other, OVER_EVENT, {true, false, true, true, true, true, false}},
    {"alone", "Without anything to compare with here, the most expensive first", NULL, is_alone, OVER_NATIVE,
        {true, true, false, true, true, false, false}},
};

/* Those of a section in which a row has anything. Returns how many rows there are. */
static size_t used_columns(const struct result *result, const struct price_list *prices,
    const struct price_section *section, bool used[static PRICE_COLUMNS])
{
    size_t rows = 0;
    for (size_t i = 0; i < prices->count; i++) {
        if (!section->holds(&prices->rows[i]))
            continue;
        rows++;
        for (enum price_column c = 0; c < PRICE_COLUMNS; c++) {
            struct value value = {.number = NAN};
            fill_price(result, &prices->rows[i], section->over, c, &value);
            used[c] |= section->columns[c] && (value.text || isfinite(value.number));
        }
    }
    return rows;
}

/* Adds a section's table, if it has rows. */
static void add_section(const struct result *result, struct price_list *prices,
    const struct price_section *section, struct document *document)
{
    bool used[PRICE_COLUMNS] = {false};
    struct column columns[PRICE_COLUMNS];
    size_t count = 0, row = 0, rows = used_columns(result, prices, section, used);
    if (!rows)
        return;
    for (enum price_column c = 0; c < PRICE_COLUMNS; c++)
        if (used[c]) {
            columns[count] = price_columns[c];
            if (c == PRICE_GUEST)
                columns[count].head = prices->guest;
            if (c == PRICE_EXTRA)
                columns[count].head = section->extra;
            count++;
        }
    price_list_sort(prices, section->over);
    struct table *table = document_table(document, section->name, section->title, columns, count, rows);
    for (size_t i = 0; i < prices->count; i++) {
        const struct price *price = &prices->rows[i];
        if (!section->holds(price))
            continue;
        size_t at = 0;
        for (enum price_column c = 0; c < PRICE_COLUMNS; c++)
            if (used[c])
                fill_price(result, price, section->over, c, table_at(table, row, at++));
        row++;
    }
}

/* ---- the picture ---- */

static void add_bars(const struct price_list *prices, struct document *document)
{
    enum { BARS = 12 };
    const struct price *bars[BARS];
    size_t count = 0;
    bool (*shown)(const struct price *price) = count_prices(prices, costs_more) ? costs_more : has_price;
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
    for (size_t i = 0; i < count; i++)
        names[i] = bars[i]->name;
    for (int guest = 0; guest < 2; guest++) {
        struct chart_series *series = NULL;
        for (size_t i = 0; i < count; i++) {
            const struct result_cell *cell = guest ? bars[i]->guest : bars[i]->native;
            if (!cell || !isfinite(cell->median))
                continue;
            const char *name = guest ? prices->guest ? prices->guest : "guest" : "native";
            if (!series && !(series = chart_series(document, chart, name, count)))
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
    if (!has_price(price) || !price->guest || !price->native)
        return NULL;
    if (!isfinite(price->guest->median))
        return cell_reason(price->guest);
    return isfinite(price->native->median) ? NULL : cell_reason(price->native);
}

static const char *missing(const struct price *price)
{
    bool natively = price->native && !(price->known && price->known->native.impossible);
    const struct result_cell *cell = natively || !price->guest ? price->native : price->guest;
    return has_price(price) ? NULL : cell_reason(cell);
}

static const struct {
    const char *title;
    const char *(*remark)(const struct price *price); /* NULL: nothing is to be said */
    bool detail;
} remarks[] = {
    {"Not measured:", missing, false},
    {"About figures:", note_of, true},
    {"Measured at one place only:", half_missing, true},
};

/* Whether a row before this one, from `first` on, is of the same event and has the same remark. */
static bool is_named(const struct price_list *prices, const char *(*remark)(const struct price *price),
    size_t first, size_t row)
{
    for (size_t i = first; i < row; i++) {
        const char *other = remark(&prices->rows[i]);
        if (other && !strcmp(prices->rows[i].event, prices->rows[row].event) &&
            !strcmp(other, remark(&prices->rows[row])))
            return true;
    }
    return false;
}

/* "cpuid, pio-user: reason": all events with the remark of the row, each once whatever its sizes; nothing if
 * a row before said it. */
static void add_remark(const struct price_list *prices, const char *(*remark)(const struct price *price),
    size_t first, struct document *document)
{
    enum { NAMED = 64 };
    const char *names = "", *said = remark(&prices->rows[first]);
    size_t count = 0;
    for (size_t i = 0; i < prices->count; i++) {
        const char *other = remark(&prices->rows[i]);
        if (!other || strcmp(other, said) != 0)
            continue;
        if (i < first)
            return;
        if (!is_named(prices, remark, first, i) && count++ < NAMED)
            names = document_text(document, "%s%s%s", names, names[0] ? ", " : "", prices->rows[i].event);
    }
    if (count > NAMED)
        names = document_text(document, "%s and %zu more", names, count - NAMED);
    document_say(document, BLOCK_FACT, "%s: %s", names, said);
}

static void add_notes(const struct price_list *prices, struct document *document)
{
    bool exits = false;
    for (size_t i = 0; i < prices->count; i++)
        exits |= isfinite(price_exits(&prices->rows[i])) && isfinite(prices->rows[i].over[OVER_NATIVE].ns);
    if (exits)
        document_say(document, BLOCK_NOTE,
            "exits: from the guest to its monitor, for each event, preparation included");
    if (count_prices(prices, is_interrupted))
        document_say(document, BLOCK_NOTE, "! interrupted: measured less often than planned");
    for (size_t kind = 0; kind < sizeof remarks / sizeof *remarks; kind++) {
        bool any = false;
        document_details(document, remarks[kind].detail);
        for (size_t i = 0; i < prices->count; i++) {
            if (!remarks[kind].remark(&prices->rows[i]))
                continue;
            if (!any)
                document_say(document, BLOCK_NOTE, "%s", remarks[kind].title);
            any = true;
            add_remark(prices, remarks[kind].remark, i, document);
        }
        document_details(document, false);
    }
}

void view_events(const struct result *result, struct document *document)
{
    struct price_list prices = price_list_of(result, &document->pool);
    bool guest = count_prices(&prices, has_guest_price);
    view_run_title(result, document);
    price_list_sort(&prices, OVER_NATIVE);
    document_say(document, BLOCK_CONCLUSION, "%s%s.",
        guest ? with_guest(&prices, document) : without_guest(&prices, document),
        view_run_incomplete(result, document));
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
