#include "report/view_events.h"

#include "report/price_list.h"

#include <math.h>

enum {
    COLUMN_EVENT,
    COLUMN_UNIT,
    COLUMN_BASELINE,
    COLUMN_NATIVE,
    COLUMN_GUEST,
    COLUMN_EXTRA,
    COLUMN_EXITS,
    COLUMNS
};

static void fill_price(const struct result *result, const struct price *price, enum price_over over,
    struct table *table, size_t row)
{
    const struct price_extra *extra = &price->over[over];
    const struct result_cell *const cells[] = {price->native, price->guest};
    const char *operation = workload_operation(&(price->guest ? price->guest : price->native)->cell.workload);
    table_text(table, row, COLUMN_EVENT, price->name);
    if (over == OVER_EVENT)
        table_text(table, row, COLUMN_BASELINE, price_other_event(result, extra->against));
    else /* what one of it is */
        table_text(table, row, COLUMN_UNIT,
            price->known                ? price->known->unit
            : operation && operation[0] ? operation
                                        : "event");
    for (size_t i = 0; i < 2; i++) {
        if (!cells[i])
            continue;
        table_interval(table, row, COLUMN_NATIVE + i, cells[i]->median, cells[i]->low, cells[i]->high);
        table_at(table, row, COLUMN_NATIVE + i)->why = cell_unlike(cells[i]);
        if (cells[i]->quality == QUALITY_INTERRUPTED)
            table_at(table, row, COLUMN_EVENT)->mark = "!";
    }
    table_interval(table, row, COLUMN_EXTRA, extra->ns, extra->low, extra->high);
    table_at(table, row, COLUMN_EXTRA)->why = extra->doubt;
    table_at(table, row, COLUMN_EXTRA)->tone = extra->low > 0    ? TONE_SLOWER
                                               : extra->high < 0 ? TONE_FASTER
                                                                 : TONE_PLAIN;
    if (over == OVER_NATIVE && isfinite(extra->ns))
        table_number(table, row, COLUMN_EXITS, round(10 * price->exits) / 10);
}

static const struct price_section {
    const char *name, *title, *extra;
    unsigned flag;
    enum price_over over;
} price_sections[] = {
    {"over-native", "What costs more or less than native, the most expensive first", "over native",
        PRICE_IN_OVER_NATIVE, OVER_NATIVE},
    {"as-native", "No significant difference from native", "over native", PRICE_IN_AS_NATIVE, OVER_NATIVE},
    {"over-event", "Relative to another event at the same place, the most expensive first", "over that",
        PRICE_IN_OVER_EVENT, OVER_EVENT},
    {"alone", "Without anything to compare with here, the most expensive first", NULL, PRICE_IN_ALONE,
        OVER_NATIVE},
};

/* Adds a section's table, if it has rows. */
static void add_section(const struct result *result, struct price_list *prices,
    const struct price_section *section, struct document *doc)
{
    const struct column columns[COLUMNS] = {
        [COLUMN_EVENT] = {.key = "event", .unit = UNIT_TEXT},
        [COLUMN_UNIT] = {.key = "unit", .head = "for each", .unit = UNIT_TEXT, .drop = 4},
        [COLUMN_BASELINE] = {.key = "baseline", .head = "relative to", .unit = UNIT_TEXT, .drop = 2},
        [COLUMN_NATIVE] = {.key = "native", .unit = UNIT_NS, .rounded = true},
        [COLUMN_GUEST] = {.key = "guest", .head = prices->guest, .unit = UNIT_NS, .rounded = true},
        [COLUMN_EXTRA] = {"more", section->extra, NULL, UNIT_NS, .interval = true, .sign = true,
            .rounded = true},
        [COLUMN_EXITS] = {.key = "exits", .unit = UNIT_COUNT, .drop = 3},
    };
    size_t row = 0, rows = price_count(prices, section->flag);
    if (!rows)
        return;
    price_sort(prices, section->over);
    struct table *table = document_table(doc, section->name, section->title, columns, COLUMNS, rows);
    for (const struct price *price = NULL; (price = price_next(prices, price, section->flag));)
        fill_price(result, price, section->over, table, row++);
    view_drop_empty(table);
    view_say_marks(table, doc);
}

void prices_add_tables(const struct result *result, struct price_list *prices, struct document *doc)
{
    for (size_t i = 0; i < sizeof price_sections / sizeof *price_sections; i++)
        add_section(result, prices, &price_sections[i], doc);
}

void prices_add_bars(const struct price_list *prices, struct document *doc)
{
    enum { BARS = 12 };
    const struct price *bars[BARS];
    unsigned shown = price_count(prices, PRICE_LEADS) ? PRICE_LEADS : PRICE_MEASURED;
    size_t count = 0;
    for (const struct price *price = NULL; (price = price_next(prices, price, shown));)
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
            if (!price_is_shown(cell))
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

void prices_add_notes(const struct price_list *prices, struct document *doc)
{
    static const char *const titles[REMARK_KINDS] = {
        "Not measured:", "Not to be compared:", "About figures:", "Measured at one place only:"};
    bool exits = false;
    for (const struct price *price = NULL; (price = price_next(prices, price, 0));)
        exits |= isfinite(price->exits) && isfinite(price->over[OVER_NATIVE].ns);
    if (exits)
        document_say(
            doc, BLOCK_NOTE, "exits: from the guest to its monitor, for each event, preparation included");
    for (enum remark_kind kind = 0; kind < REMARK_KINDS; kind++) {
        struct remarks remarks = {.doc = doc};
        for (const struct price *price = NULL; (price = price_next(prices, price, 0));)
            remarks_add(
                &remarks, "", kind == REMARK_DOUBT ? price->name : price->event, remark_of(kind, price));
        document_details(doc, kind > REMARK_DOUBT);
        remarks_say(&remarks, titles[kind], 64, SIZE_MAX);
    }
    document_details(doc, false);
}
