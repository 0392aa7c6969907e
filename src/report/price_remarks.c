#include "report/price_remarks.h"

#include "report/text.h"
#include "result/words.h"

#include <math.h>
#include <string.h>

typedef const char *row_remark(const struct price *price);

static const char *missing_reason(const struct price *price)
{
    if (price_cell(price))
        return NULL;
    bool natively = price->native && !price->event->native.impossible;
    const struct result_cell *cell = natively || !price->guest ? price->native : price->guest;
    return cell ? cell_reason(cell) : NULL;
}

static const char *guest_note(const struct price *price)
{
    if (price->guest && price->guest->note[0])
        return price->guest->note;
    return price->native && price->native->note[0] ? price->native->note : NULL;
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

static const struct {
    const char *title;
    row_remark *remark;
} remarks[] = {
    {"Notes:", guest_note},
    {"Measured at one place only:", half_missing},
    {"Not measured:", missing_reason},
};

static bool told_before(const struct prices *prices, row_remark *remark, size_t at)
{
    for (size_t i = 0; i < at; i++) {
        const char *other = remark(&prices->rows[i]);
        if (other && !strcmp(other, remark(&prices->rows[at])))
            return true;
    }
    return false;
}

/* "cpuid, pio-user: reason": all rows with the same remark together. */
static void write_remark(const struct prices *prices, row_remark *remark, size_t at, FILE *stream,
    const struct report_style *style)
{
    char text[1024];
    size_t used = 0;
    const char *said = remark(&prices->rows[at]);
    for (size_t i = at; i < prices->count; i++) {
        const char *other = remark(&prices->rows[i]);
        if (other && !strcmp(other, said) && used + 80 < sizeof text / 2)
            used += (size_t)snprintf(
                text + used, sizeof text - used, "%s%s", used ? ", " : "", prices->rows[i].name);
    }
    snprintf(text + used, sizeof text - used, ": %s", said);
    text_paragraph(stream, "  ", text, style);
}

static void write_remarks(
    const struct prices *prices, size_t kind, FILE *stream, const struct report_style *style)
{
    bool any = false;
    for (size_t i = 0; i < prices->count; i++) {
        if (!remarks[kind].remark(&prices->rows[i]) || told_before(prices, remarks[kind].remark, i))
            continue;
        if (!any)
            fprintf(stream, "%s\n", remarks[kind].title);
        any = true;
        write_remark(prices, remarks[kind].remark, i, stream, style);
    }
    if (any)
        fputc('\n', stream);
}

void price_remarks_write(const struct prices *prices, FILE *stream, const struct report_style *style)
{
    for (size_t i = 0; i < sizeof remarks / sizeof remarks[0]; i++)
        write_remarks(prices, i, stream, style);
}
