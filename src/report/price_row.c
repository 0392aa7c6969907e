#include "report/price_row.h"

#include "report/format.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* What a column is written from. */
struct field {
    const struct price *price;
    const struct price_extra *extra;
    const struct report_style *style;
};

#define COLUMN(name) static void name(const struct field *field, char text[static PRICE_TEXT_BYTES])

static void put_time(const struct field *field, const struct result_cell *cell, char *text)
{
    snprintf(text, PRICE_TEXT_BYTES, "%s", format_time(cell ? cell->median : NAN, field->style).text);
}

COLUMN(event_text)
{
    snprintf(text, PRICE_TEXT_BYTES, "%.60s", field->price->name);
}
COLUMN(unit_text)
{
    snprintf(text, PRICE_TEXT_BYTES, "%s", field->price->event->unit);
}
COLUMN(baseline_text)
{
    const char *against = field->price->event->against;
    snprintf(text, PRICE_TEXT_BYTES, "%s", against ? against : "-");
}
COLUMN(native_text)
{
    put_time(field, field->price->native, text);
}
COLUMN(guest_text)
{
    put_time(field, field->price->guest, text);
}
COLUMN(extra_text)
{
    snprintf(text, PRICE_TEXT_BYTES, "%s", format_extra(field->extra->ns, field->style).text);
}
COLUMN(interval_text)
{
    if (isfinite(field->extra->low) && isfinite(field->extra->high))
        snprintf(text, PRICE_TEXT_BYTES, "%.20s %s %.20s", format_extra(field->extra->low, field->style).text,
            style_ellipsis(field->style), format_extra(field->extra->high, field->style).text);
    else
        strcpy(text, "-");
}
COLUMN(exits_text)
{
    const struct result_cell *guest = field->price->guest;
    double exits = NAN;
    if (guest && guest->operations && guest->counters.known)
        exits = (double)guest->counters.exits / (double)guest->operations;
    snprintf(text, PRICE_TEXT_BYTES, "%s",
        isfinite(exits) ? format_number_tick(round(10 * exits) / 10).text : "-");
}
COLUMN(marks_text)
{
    static const char *const marks[] = {"", "~", "!", ""}; /* by enum quality */
    const struct result_cell *cell = price_cell(field->price);
    strcpy(text, cell ? marks[cell->quality] : "");
}

static const struct {
    const char *head; /* NULL: not the same in each table */
    void (*text)(const struct field *field, char text[static PRICE_TEXT_BYTES]);
} columns[PRICE_COLUMNS] = {
    [PRICE_EVENT] = {"event", event_text},
    [PRICE_UNIT] = {"for each", unit_text},
    [PRICE_BASELINE] = {"held against", baseline_text},
    [PRICE_NATIVE] = {"native", native_text},
    [PRICE_GUEST] = {NULL, guest_text},
    [PRICE_EXTRA] = {NULL, extra_text},
    [PRICE_INTERVAL] = {"95 % interval", interval_text},
    [PRICE_EXITS] = {"exits", exits_text},
    [PRICE_MARKS] = {"", marks_text},
};

void price_head(enum price_column column, enum price_over over, const struct prices *prices,
    char text[static PRICE_TEXT_BYTES])
{
    static const char *const overs[PRICE_OVERS] = {"over native", "over that"};
    const char *head = columns[column].head;
    if (column == PRICE_EXTRA)
        head = overs[over];
    if (column == PRICE_GUEST)
        head = prices->guest ? prices->guest->cell.monitor : "guest";
    snprintf(text, PRICE_TEXT_BYTES, "%s", head);
}

void price_text(enum price_column column, enum price_over over, const struct price *price,
    const struct report_style *style, char text[static PRICE_TEXT_BYTES])
{
    columns[column].text(&(const struct field){price, &price->over[over], style}, text);
}
