/* The tables of a price list: which rows each holds, and which columns. */
#ifndef VCOST_REPORT_PRICE_SECTION_H
#define VCOST_REPORT_PRICE_SECTION_H

#include "report/price_row.h"
#include "report/prices.h"

#include <stdbool.h>
#include <stddef.h>

struct price_section {
    const char *title;
    bool (*holds)(const struct price *price);
    enum price_over over;
    enum price_column columns[PRICE_COLUMNS];
    size_t column_count;
};

enum { PRICE_SECTIONS = 3 };

/* Sorts the rows for section `index` and gives it without the columns in which none of its rows has anything.
 */
struct price_section price_section_of(struct prices *prices, size_t index);

size_t price_section_rows(const struct price_section *section, const struct prices *prices);

/* Takes a column away, if it is there. */
void price_section_drop(struct price_section *section, enum price_column column);

#endif
