#include "report/price_row.h"

#include "report/format.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define COLUMN(name)                                                                                         \
    static void name(                                                                                        \
        const struct price *price, const struct report_style *style, char text[static PRICE_TEXT_BYTES])

static void put_time(const struct result_cell *cell, const struct report_style *style, char *text)
{
    snprintf(text, PRICE_TEXT_BYTES, "%s", format_time(cell ? cell->median : NAN, style).text);
}

COLUMN(event_text)
{
    (void)style;
    snprintf(text, PRICE_TEXT_BYTES, "%.60s", price->name);
}
COLUMN(unit_text)
{
    (void)style;
    snprintf(text, PRICE_TEXT_BYTES, "%s", price->event->unit);
}
COLUMN(baseline_text)
{
    (void)style;
    snprintf(text, PRICE_TEXT_BYTES, "%s", price->event->against ? price->event->against : "-");
}
COLUMN(native_text)
{
    put_time(price->native, style, text);
}
COLUMN(guest_text)
{
    put_time(price->guest, style, text);
}
COLUMN(extra_text)
{
    snprintf(text, PRICE_TEXT_BYTES, "%s", format_extra(price->extra, style).text);
}
COLUMN(interval_text)
{
    if (isfinite(price->low) && isfinite(price->high))
        snprintf(text, PRICE_TEXT_BYTES, "%.20s %s %.20s", format_extra(price->low, style).text,
            style_ellipsis(style), format_extra(price->high, style).text);
    else
        strcpy(text, "-");
}
COLUMN(exits_text)
{
    const struct result_cell *guest = price->guest;
    (void)style;
    if (guest && guest->operations && guest->counters.known)
        snprintf(text, PRICE_TEXT_BYTES, "%s",
            format_number_tick(round(10 * (double)guest->counters.exits / (double)guest->operations) / 10)
                .text);
    else
        strcpy(text, "-");
}
COLUMN(marks_text)
{
    static const char *const marks[] = {[QUALITY_NOISY] = "~", [QUALITY_INTERRUPTED] = "!"};
    const struct result_cell *cell = price_cell(price);
    const char *mark = cell && cell->quality < QUALITY_MISSING ? marks[cell->quality] : NULL;
    (void)style;
    strcpy(text, mark ? mark : "");
}

static const struct {
    const char *head; /* NULL: the guest's label */
    void (*text)(
        const struct price *price, const struct report_style *style, char text[static PRICE_TEXT_BYTES]);
} columns[PRICE_COLUMNS] = {
    [PRICE_EVENT] = {"event", event_text},
    [PRICE_UNIT] = {"for each", unit_text},
    [PRICE_BASELINE] = {"held against", baseline_text},
    [PRICE_NATIVE] = {"native", native_text},
    [PRICE_GUEST] = {NULL, guest_text},
    [PRICE_EXTRA] = {"over native", extra_text},
    [PRICE_EXTRA_EVENT] = {"over that", extra_text},
    [PRICE_INTERVAL] = {"95 % interval", interval_text},
    [PRICE_EXITS] = {"exits", exits_text},
    [PRICE_MARKS] = {"", marks_text},
};

void price_head(enum price_column column, const struct prices *prices, char text[static PRICE_TEXT_BYTES])
{
    const char *head = columns[column].head ? columns[column].head : prices->guest_label;
    snprintf(text, PRICE_TEXT_BYTES, "%s", head ? head : "guest");
}

void price_text(enum price_column column, const struct price *price, const struct report_style *style,
    char text[static PRICE_TEXT_BYTES])
{
    columns[column].text(price, style, text);
}
