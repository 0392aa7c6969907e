#include "report/price_table.h"

#include "report/markdown_text.h"
#include "report/price_remarks.h"
#include "report/price_section.h"

#include <errno.h>
#include <stdlib.h>

static void write_markdown_row(
    const struct price_section *section, const struct prices *prices, const struct price *price, FILE *stream)
{
    char texts[PRICE_COLUMNS][PRICE_TEXT_BYTES];
    const char *cells[PRICE_COLUMNS];
    for (size_t c = 0; c < section->column_count; c++) {
        if (price)
            price_text(section->columns[c], section->over, price, &markdown_style, texts[c]);
        else
            price_head(section->columns[c], section->over, prices, texts[c]);
        cells[c] = texts[c];
    }
    markdown_row(stream, cells, section->column_count);
}

static void write_markdown_section(
    const struct price_section *section, const struct prices *prices, FILE *stream)
{
    if (!price_section_rows(section, prices))
        return;
    fprintf(stream, "### %s\n\n", section->title);
    write_markdown_row(section, prices, NULL, stream);
    markdown_rule(stream, section->column_count);
    for (size_t i = 0; i < prices->count; i++)
        if (section->holds(&prices->rows[i]))
            write_markdown_row(section, prices, &prices->rows[i], stream);
    fputc('\n', stream);
}

int price_markdown_write(struct prices *prices, FILE *stream, struct error *error)
{
    char *text = NULL;
    size_t size = 0;
    for (size_t i = 0; i < PRICE_SECTIONS; i++) {
        struct price_section section = price_section_of(prices, i);
        write_markdown_section(&section, prices, stream);
    }
    prices_sort(prices, OVER_NATIVE);
    FILE *memory = open_memstream(&text, &size);
    if (!memory)
        return error_errno(error, errno, "cannot write the notes");
    price_remarks_write(prices, memory, &markdown_style);
    int rc = fclose(memory) ? error_set(error, ENOMEM, "not enough memory to write the notes") : 0;
    if (rc == 0)
        markdown_items(stream, text);
    free(text);
    return rc;
}
