#include "report/view_events.h"

#include "report/format.h"
#include "report/price_list.h"
#include "report/view_run.h"
#include "result/words.h"

#include <math.h>
#include <string.h>

/* ---- tables ---- */

enum price_column {
    PRICE_EVENT,
    PRICE_UNIT,
    PRICE_BASELINE, /* the event that it is compared with */
    PRICE_NATIVE,
    PRICE_GUEST,
    PRICE_EXTRA,
    PRICE_EXITS,
    PRICE_MARKS,
    PRICE_COLUMNS
};

static const struct column price_columns[PRICE_COLUMNS] = {
    [PRICE_EVENT] = {.key = "event", .unit = UNIT_TEXT},
    [PRICE_UNIT] = {.key = "unit", .head = "for each", .unit = UNIT_TEXT, .drop = 4},
    [PRICE_BASELINE] = {.key = "baseline", .head = "held against", .unit = UNIT_TEXT, .drop = 2},
    [PRICE_NATIVE] = {.key = "native", .unit = UNIT_NS},
    [PRICE_GUEST] = {.key = "guest", .unit = UNIT_NS},
    [PRICE_EXTRA] = {.key = "more", .unit = UNIT_NS, .interval = true, .sign = true},
    [PRICE_EXITS] = {.key = "exits", .unit = UNIT_COUNT, .drop = 3},
    [PRICE_MARKS] = {.key = "mark", .head = "", .unit = UNIT_TEXT},
};

static void fill_price(const struct result *result, const struct price *price, enum price_over over,
    enum price_column column, struct value *value)
{
    static const char *const marks[] = {
        [QUALITY_GOOD] = "", [QUALITY_NOISY] = "~", [QUALITY_INTERRUPTED] = "!", [QUALITY_MISSING] = ""};
    const struct price_extra *extra = &price->over[over];
    switch (column) {
    case PRICE_EVENT:
        value->text = price->name;
        break;
    case PRICE_UNIT:
        value->text = price_unit(price);
        break;
    case PRICE_BASELINE:
        value->text = extra->against ? result->cells[extra->against->baseline].cell.event.name : NULL;
        break;
    case PRICE_NATIVE:
    case PRICE_GUEST: {
        const struct result_cell *cell = column == PRICE_NATIVE ? price->native : price->guest;
        value->number = cell ? cell->median : NAN;
        value->why = cell && !isfinite(cell->median) ? cell_reason(cell) : NULL;
        break;
    }
    case PRICE_EXTRA:
        value->number = extra->ns;
        value->low = extra->low;
        value->high = extra->high;
        value->tone = extra->low > 0 ? TONE_SLOWER : extra->high < 0 ? TONE_FASTER : TONE_PLAIN;
        break;
    case PRICE_EXITS:
        value->number = round(10 * price_exits(price)) / 10;
        break;
    case PRICE_MARKS:
        value->text = price_cell(price) ? marks[price_cell(price)->quality] : "";
        break;
    case PRICE_COLUMNS:
        break;
    }
}

static bool is_over_native(const struct price *price)
{
    return isfinite(price->over[OVER_NATIVE].ns);
}

static bool is_over_other(const struct price *price)
{
    return isfinite(price->over[OVER_EVENT].ns);
}

static bool is_alone(const struct price *price)
{
    return !is_over_native(price) && !is_over_other(price) && price_cell(price);
}

static const struct price_section {
    const char *name, *title, *extra;
    bool (*holds)(const struct price *price);
    enum price_over over;
    bool columns[PRICE_COLUMNS];
} price_sections[] = {
    {"over-native", "what costs over native, the dearest first", "over native", is_over_native, OVER_NATIVE,
        {true, true, false, true, true, true, true, true}},
    {"over-event", "what costs over another event at the same place, the dearest first", "over that",
        is_over_other, OVER_EVENT, {true, false, true, true, true, true, false, true}},
    {"alone", "what has nothing to be held against here, the dearest first", NULL, is_alone, OVER_NATIVE,
        {true, true, false, true, true, false, false, true}},
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
            used[c] |= section->columns[c] && ((value.text && value.text[0]) || isfinite(value.number));
        }
    }
    return rows;
}

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

/* ---- remarks ---- */

static const char *note_of(const struct price *price)
{
    const struct result_cell *cell = price->guest && price->guest->note[0] ? price->guest : price->native;
    return cell && cell->note[0] ? cell->note : NULL;
}

/* Why one of two places has no figure though the other has. */
static const char *half_missing(const struct price *price)
{
    if (!price_cell(price) || !price->guest || !price->native)
        return NULL;
    if (!isfinite(price->guest->median))
        return cell_reason(price->guest);
    return isfinite(price->native->median) ? NULL : cell_reason(price->native);
}

static const char *missing(const struct price *price)
{
    bool natively = price->native && !(price->known && price->known->native.impossible);
    const struct result_cell *cell = natively || !price->guest ? price->native : price->guest;
    return cell && !price_cell(price) ? cell_reason(cell) : NULL;
}

static const struct {
    const char *title;
    const char *(*remark)(const struct price *price); /* NULL: nothing is to be said */
} remarks[] = {
    {"Notes:", note_of},
    {"Measured at one place only:", half_missing},
    {"Not measured:", missing},
};

/* "cpuid, pio-user: reason": all rows with the same remark together. */
static void add_remark(const struct price_list *prices, const char *(*remark)(const struct price *price),
    size_t first, struct document *document)
{
    const char *names = "", *said = remark(&prices->rows[first]);
    for (size_t i = 0; i < first; i++) {
        const char *before = remark(&prices->rows[i]);
        if (before && !strcmp(before, said))
            return;
    }
    for (size_t i = first; i < prices->count; i++) {
        const char *other = remark(&prices->rows[i]);
        if (other && !strcmp(other, said))
            names = document_text(document, "%s%s%s", names, names[0] ? ", " : "", prices->rows[i].name);
    }
    document_say(document, BLOCK_FACT, "%s: %s", names, said);
}

static void add_remarks(const struct price_list *prices, struct document *document)
{
    document_say(document, BLOCK_NOTE,
        "~ noisy;  ! interrupted;  exits: from the guest to KVM, for each event, preparation included");
    for (size_t kind = 0; kind < sizeof remarks / sizeof *remarks; kind++) {
        bool any = false;
        for (size_t i = 0; i < prices->count; i++) {
            if (!remarks[kind].remark(&prices->rows[i]))
                continue;
            if (!any)
                document_say(document, BLOCK_NOTE, "%s", remarks[kind].title);
            any = true;
            add_remark(prices, remarks[kind].remark, i, document);
        }
    }
}

/* ---- sentences ---- */

enum { DEAREST = 3 };

static void say_dearest(const struct price_list *prices, struct document *document)
{
    const char *list = "";
    size_t named = 0;
    for (size_t i = 0; i < prices->count && named < DEAREST; i++) {
        const struct price *price = &prices->rows[i];
        if (price->over[OVER_NATIVE].low > 0)
            list = document_text(document, "%s%s%s (%s for each %s)", list, named++ ? ", " : "", price->name,
                format_extra(price->over[OVER_NATIVE].ns, NULL).text, price_unit(price));
    }
    if (named)
        document_say(document, BLOCK_SENTENCE,
            "The dearest events in a guest here are %s; vcost events --explain EVENT tells why and what to "
            "do.",
            list);
}

static void say_free(const struct price_list *prices, struct document *document)
{
    size_t compared = 0, same = 0;
    for (size_t i = 0; i < prices->count; i++) {
        const struct price_extra *extra = &prices->rows[i].over[OVER_NATIVE];
        bool both = extra->against && isfinite(extra->low);
        compared += both;
        same += both && extra->low <= 0 && extra->high >= 0;
    }
    if (compared)
        document_say(document, BLOCK_SENTENCE,
            "For %zu of %zu events that both have no difference from native can be told.", same, compared);
}

void view_events(const struct result *result, struct document *document)
{
    struct price_list prices = price_list_of(result, &document->pool);
    view_run_title(result, document);
    view_run_machine(result, document);
    for (size_t i = 0; i < sizeof price_sections / sizeof *price_sections; i++)
        add_section(result, &prices, &price_sections[i], document);
    price_list_sort(&prices, OVER_NATIVE);
    add_remarks(&prices, document);
    say_dearest(&prices, document);
    say_free(&prices, document);
    view_run_below(result, document);
    view_run_method(result, document);
    view_run_cells(result, document);
}
