#include "report/view_parts.h"

#include "report/format.h"

#include <ctype.h>
#include <string.h>

void view_add(struct document *doc, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    const char *text = pool_vformat(&doc->pool, format, list);
    va_end(list);
    if (!doc->pool.failed) /* then something was said */
        doc->blocks[doc->count - 1].text = document_text(doc, "%s%s", doc->blocks[doc->count - 1].text, text);
}

void listing_add(struct listing *listing, const char *format, ...)
{
    va_list list;
    if (listing->count++ >= listing->most && listing->most)
        return;
    va_start(list, format);
    const char *text = pool_vformat(&listing->doc->pool, format, list);
    va_end(list);
    listing->text =
        listing->text ? document_text(listing->doc, "%s%s%s", listing->text, listing->between, text) : text;
}

const char *listing_text(const struct listing *listing)
{
    if (!listing->most || listing->count <= listing->most)
        return listing->text ? listing->text : "";
    return document_text(listing->doc, "%s%sand %zu more", listing->text,
        listing->between[0] == ',' ? " " : listing->between, listing->count - listing->most);
}

const char *view_amount(struct document *doc, double ratio, double low, double high)
{
    const double figures[] = {ratio, ratio < 1 ? high : low, ratio < 1 ? low : high};
    const char *texts[3];
    for (int i = 0; i < 3; i++) {
        double more = ratio < 1 ? 2 - figures[i] : figures[i];
        const char *text = document_text(doc, "%s", format_figure(UNIT_CHANGE, more, FORMAT_BARE).text);
        texts[i] = text + (text[0] == '+');
    }
    return low < high ? document_text(doc, "%s %% (%s to %s)", texts[0], texts[1], texts[2])
                      : document_text(doc, "%s %%", texts[0]); /* exact */
}

const char *view_time(struct document *doc, double ns, double low, double high, bool sign)
{
    const struct column column = {.unit = UNIT_NS, .rounded = true, .sign = sign};
    return format_value(
        &doc->pool, &(struct value){.unit = UNIT_NS, .number = ns, .low = low, .high = high}, &column);
}

const char *view_capital(struct document *doc, const char *text)
{
    return text[0] ? document_text(doc, "%c%s", toupper((unsigned char)text[0]), text + 1) : text;
}

void view_drop_empty(struct table *table)
{
    size_t all = table ? table->column_count : 0, kept = 0;
    for (size_t column = 0; column < all; column++) {
        bool any = false;
        for (size_t row = 0; row < table->rows; row++) {
            const struct value *value = table_at(table, row, column);
            any |= value->text || isfinite(value->number) || (table->columns[column].interval && value->why);
            *table_at(table, row, kept) = *value;
        }
        ((struct column *)table->columns)[kept] = table->columns[column]; /* the table's own copy */
        kept += any;
    }
    for (size_t i = 0; kept && i < kept * table->rows; i++)
        table->values[i] = table->values[i / kept * all + i % kept];
    if (table)
        table->column_count = kept;
}

void view_mark_unclear(struct table *table)
{
    size_t cells = table ? table->rows * table->column_count : 0, all = 0, unclear = 0;
    for (int mark = 0; mark < 2; mark++) /* once to count */
        for (size_t i = 0; i < cells; i++) {
            struct value *value = &table->values[i];
            double whole = value->unit == UNIT_CHANGE ? 1 : value->number;
            if (!table->columns[i % table->column_count].interval || !isfinite(value->number))
                continue;
            bool is_unclear =
                ratio_is_unclear(value->low / whole, value->high / whole) && !format_is_disturbed(value);
            all += !mark;
            unclear += !mark && is_unclear;
            if (mark && is_unclear && 2 * unclear < all)
                value->mark = "~";
        }
}

void view_say_marks(const struct table *table, struct document *doc)
{
    static const char *const marks[] = {"~ tells nothing: its interval reaches more than 10 % to a side",
        "! interrupted: measured less often than planned",
        "? too disturbed to tell: half as much is as well possible as twice"};
    struct listing list = {.doc = doc, .between = ";  "};
    for (size_t m = 0; table && m < sizeof marks / sizeof *marks; m++) {
        bool used = false;
        for (size_t i = 0; i < table->rows * table->column_count; i++) {
            const struct value *value = &table->values[i];
            const char *mark = format_is_disturbed(value) ? "?" : value->mark;
            used |= mark && mark[0] == marks[m][0];
        }
        if (used)
            listing_add(&list, "%s", marks[m]);
    }
    if (list.count)
        document_say(doc, BLOCK_NOTE, "%s", list.text);
}

static bool say_alike(const struct remark *a, const struct remark *b)
{
    return !strcmp(a->lead, b->lead) && !strcmp(a->text, b->text);
}

void remarks_add(struct remarks *remarks, const char *lead, const char *name, const char *text)
{
    const struct remark remark = {lead, name, text};
    for (size_t i = 0; text && i < remarks->count; i++)
        if (say_alike(&remarks->items[i], &remark) && !strcmp(remarks->items[i].name, name))
            return;
    struct remark *items =
        text ? pool_grow(&remarks->doc->pool, remarks->items, remarks->count, &remarks->room, sizeof *items)
             : NULL;
    if (!items)
        return;
    remarks->items = items;
    items[remarks->count++] = remark;
}

void remarks_say(const struct remarks *remarks, const char *title, size_t most, size_t sentences)
{
    const struct remark *items = remarks->items;
    size_t said = 0;
    if (title && remarks->count)
        document_say(remarks->doc, BLOCK_NOTE, "%s", title);
    for (size_t first = 0, before; first < remarks->count; first++) {
        struct listing names = {.doc = remarks->doc, .between = ", ", .most = most};
        for (before = 0; !say_alike(&items[before], &items[first]);)
            before++;
        for (size_t i = first; before == first && i < remarks->count; i++)
            if (say_alike(&items[i], &items[first]))
                listing_add(&names, "%s", items[i].name);
        if (names.count && said++ < sentences)
            document_say(remarks->doc, BLOCK_FACT, "%s%s: %s", items[first].lead, listing_text(&names),
                items[first].text);
    }
    if (said > sentences)
        document_say(remarks->doc, BLOCK_FACT, "and %zu more: see \"reason\" in --json", said - sentences);
}

struct table *view_file_table(
    struct document *doc, const char *name, const struct file_value *values, size_t count, size_t rows)
{
    struct column columns[FILE_COLUMNS_MAX] = {0};
    for (size_t i = 0; i < count; i++)
        columns[i] = (struct column){.key = values[i].key, .unit = values[i].unit};
    struct table *table = document_table(doc, name, NULL, columns, count, rows);
    if (table)
        table->readers = TABLE_FOR_FILES;
    return table;
}

void view_file_row(struct table *table, size_t row, const struct file_value *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct value *value = table_at(table, row, i);
        value->unit = values[i].unit;
        value->number = values[i].number;
        value->text = values[i].text;
    }
}
