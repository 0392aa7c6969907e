#include "report/view_parts.h"

#include "report/format.h"

#include <ctype.h>
#include <string.h>

/* ---- in sentences ---- */

void listing_add(struct listing *listing, const char *name, struct document *document)
{
    if (listing->count++ < listing->most)
        listing->text =
            listing->text ? document_text(document, "%s%s%s", listing->text, listing->between, name) : name;
}

const char *listing_text(const struct listing *listing, struct document *document)
{
    bool comma = listing->between[0] == ',';
    if (!listing->count)
        return "";
    return listing->count <= listing->most
               ? listing->text
               : document_text(document, "%s%sand %zu more", listing->text, comma ? " " : listing->between,
                     listing->count - listing->most);
}

/* "2.6", "-4.2" */
static const char *percent_text(struct document *document, double ratio)
{
    struct formatted number = format_figure(UNIT_CHANGE, ratio, FORMAT_BARE);
    return document_text(document, "%s", number.text + (number.text[0] == '+'));
}

const char *view_amount(struct document *document, double ratio, double low, double high)
{
    return document_text(document, "%s %% (%s to %s)", percent_text(document, ratio),
        percent_text(document, low), percent_text(document, high));
}

const char *view_time(struct document *document, double ns, double low, double high, bool sign)
{
    const struct column column = {.unit = UNIT_NS, .rounded = true, .sign = sign};
    const struct value value = {.unit = UNIT_NS, .number = ns, .low = low, .high = high};
    return format_value(&document->pool, &value, &column);
}

const char *view_capital(struct document *document, const char *text)
{
    return text[0] ? document_text(document, "%c%s", toupper((unsigned char)text[0]), text + 1) : text;
}

/* ---- a table for people ---- */

static bool is_column_empty(const struct table *table, size_t column)
{
    for (size_t row = 0; row < table->rows; row++) {
        const struct value *value = &table->values[row * table->column_count + column];
        if (value->text || isfinite(value->number))
            return false;
    }
    return true;
}

void view_drop_empty(struct table *table)
{
    size_t count = table ? table->column_count : 0;
    for (size_t column = count; column-- > 0;) {
        if (!is_column_empty(table, column))
            continue;
        struct column *columns = (struct column *)table->columns; /* the table's own copy */
        memmove(columns + column, columns + column + 1, (--count - column) * sizeof *columns);
        for (size_t row = 0, to = 0; row < table->rows; row++)
            for (size_t i = 0; i <= count; i++)
                if (i != column)
                    table->values[to++] = table->values[row * (count + 1) + i];
        table->column_count = count;
    }
}

void view_say_marks(const struct table *table, struct document *document)
{
    static const struct {
        const char *mark, *meaning;
    } marks[] = {{"~", "tells nothing: its interval reaches more than 10 % to a side"},
        {"!", "interrupted: measured less often than planned"}};
    struct listing list = {.between = ";  ", .most = SIZE_MAX};
    for (size_t m = 0; table && m < sizeof marks / sizeof *marks; m++) {
        bool used = false;
        for (size_t i = 0; i < table->rows * table->column_count; i++)
            used |= table->values[i].mark && !strcmp(table->values[i].mark, marks[m].mark);
        if (used)
            listing_add(&list, document_text(document, "%s %s", marks[m].mark, marks[m].meaning), document);
    }
    if (list.count)
        document_say(document, BLOCK_NOTE, "%s", list.text);
}

void remarks_add(
    struct remarks *remarks, const char *lead, const char *name, const char *text, struct document *document)
{
    struct remark *items =
        text ? pool_grow(&document->pool, remarks->items, remarks->count, &remarks->room, sizeof *items)
             : NULL;
    if (!items)
        return;
    remarks->items = items;
    items[remarks->count++] = (struct remark){lead, name, text};
}

static bool say_alike(const struct remark *a, const struct remark *b)
{
    return !strcmp(a->lead, b->lead) && !strcmp(a->text, b->text);
}

void remarks_say(const struct remarks *remarks, const char *title, size_t most, size_t sentences,
    struct document *document)
{
    size_t said = 0;
    if (title && remarks->count)
        document_say(document, BLOCK_NOTE, "%s", title);
    for (size_t first = 0; first < remarks->count; first++) {
        const struct remark *items = remarks->items;
        struct listing names = {.between = ", ", .most = most};
        size_t before = 0;
        while (before < first && !say_alike(&items[before], &items[first]))
            before++;
        for (size_t i = first; before == first && i < remarks->count; i++) {
            bool again = !say_alike(&items[i], &items[first]);
            for (size_t k = first; k < i && !again; k++)
                again = say_alike(&items[k], &items[first]) && !strcmp(items[k].name, items[i].name);
            if (!again)
                listing_add(&names, items[i].name, document);
        }
        if (names.count && said++ < sentences)
            document_say(document, BLOCK_FACT, "%s%s: %s", items[first].lead, listing_text(&names, document),
                items[first].text);
    }
    if (said > sentences)
        document_say(document, BLOCK_FACT, "and %zu more: see \"reason\" in --json", said - sentences);
}

/* ---- a table for files ---- */

struct table *view_file_table(
    struct document *document, const char *name, const struct file_value *values, size_t count, size_t rows)
{
    struct column columns[FILE_COLUMNS_MAX] = {0};
    for (size_t i = 0; i < count; i++) {
        columns[i].key = values[i].key;
        columns[i].unit = values[i].unit;
    }
    struct table *table = document_table(document, name, NULL, columns, count, rows);
    if (table)
        table->readers = TABLE_FOR_FILES;
    return table;
}

void view_file_row(struct table *table, size_t row, const struct file_value *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        *table_at(table, row, i) = (struct value){.unit = values[i].unit,
            .number = values[i].number,
            .low = NAN,
            .high = NAN,
            .text = values[i].text};
}
