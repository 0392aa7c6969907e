#include "report/price_section.h"

#include "report/markdown_text.h"

#include <math.h>
#include <string.h>

static bool is_over_native(const struct price *price)
{
    return isfinite(price->over[OVER_NATIVE].ns);
}

static bool is_over_event(const struct price *price)
{
    return isfinite(price->over[OVER_EVENT].ns);
}

static bool is_alone(const struct price *price)
{
    return !is_over_native(price) && !is_over_event(price) && price_cell(price);
}

static const struct price_section sections[PRICE_SECTIONS] = {
    {"what costs over native, the dearest first", is_over_native, OVER_NATIVE,
        {PRICE_EVENT, PRICE_UNIT, PRICE_NATIVE, PRICE_GUEST, PRICE_EXTRA, PRICE_INTERVAL, PRICE_EXITS,
            PRICE_MARKS},
        8},
    {"what costs over another event at the same place, the dearest first", is_over_event, OVER_EVENT,
        {PRICE_EVENT, PRICE_BASELINE, PRICE_NATIVE, PRICE_GUEST, PRICE_EXTRA, PRICE_INTERVAL, PRICE_MARKS},
        7},
    {"what has nothing to be held against here, the dearest first", is_alone, OVER_NATIVE,
        {PRICE_EVENT, PRICE_UNIT, PRICE_NATIVE, PRICE_GUEST, PRICE_MARKS}, 5},
};

size_t price_section_rows(const struct price_section *section, const struct prices *prices)
{
    size_t count = 0;
    for (size_t i = 0; i < prices->count; i++)
        count += section->holds(&prices->rows[i]);
    return count;
}

void price_section_drop(struct price_section *section, enum price_column column)
{
    size_t kept = 0;
    for (size_t i = 0; i < section->column_count; i++)
        if (section->columns[i] != column)
            section->columns[kept++] = section->columns[i];
    section->column_count = kept;
}

static bool is_used(
    const struct price_section *section, enum price_column column, const struct prices *prices)
{
    char text[PRICE_TEXT_BYTES];
    for (size_t i = 0; i < prices->count; i++) {
        if (!section->holds(&prices->rows[i]))
            continue;
        price_text(column, section->over, &prices->rows[i], &markdown_style, text);
        if (text[0] && strcmp(text, "-") != 0)
            return true;
    }
    return false;
}

struct price_section price_section_of(struct prices *prices, size_t index)
{
    struct price_section section = sections[index];
    prices_sort(prices, section.over);
    for (size_t i = 0; i < sections[index].column_count; i++)
        if (!is_used(&section, sections[index].columns[i], prices))
            price_section_drop(&section, sections[index].columns[i]);
    return section;
}
