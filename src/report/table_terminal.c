#include "report/format.h"
#include "report/formats.h"
#include "report/text.h"

#include <string.h>

/* A column of the table becomes up to four of text, with these blanks in front. */
enum part { FIGURE, MARK, LOW, HIGH, PARTS };
static const unsigned part_gaps[PARTS] = {[LOW] = 2, [HIGH] = 1};

enum { LEAST_COLUMNS = 8 };

struct laid_column {
    const struct column *column;
    enum part part;
    bool words, left;        /* words: they can be wrapped */
    const char *head, *rest; /* rest: what a row has left to say */
    unsigned width, longest_word;
};

struct layout {
    struct writing *writing;
    const struct table *table;
    struct laid_column *columns; /* those that are shown */
    size_t count, fixed;         /* the parts of the table's first column, which is repeated */
    bool headless, tight;        /* tight: gaps are one smaller */
    const char **texts;          /* clean; row by row, for each column of the table its parts */
    unsigned blanks;             /* to be written in front of the next text of the line */
};

static const char **text_at(const struct layout *layout, size_t row, const struct column *column)
{
    return &layout->texts[(row * layout->table->column_count + (size_t)(column - layout->table->columns)) *
                          PARTS];
}

static bool row_is_shown(const struct layout *layout, const struct table *table, size_t row)
{
    return layout->writing->style->verbose || !table->values[row * table->column_count].detail;
}

static const char *cleaned(const struct layout *layout, const char *text)
{
    return text_cleaned(&layout->writing->pool, text, layout->writing->style);
}

/* ---- what stands in the columns ---- */

static void fill_cell(
    const struct layout *layout, const struct column *column, const struct value *value, const char **texts)
{
    struct formatted low, high;
    struct pool *pool = &layout->writing->pool;
    bool shown = layout->writing->style->verbose || !value->detail;
    bool ends = shown && column->interval && format_ends(value, column, &low, &high);
    const char *figure = shown ? format_value(pool, value, column) : "";
    if (ends && column->unit == UNIT_TEXT) /* beside words the interval stands in brackets */
        figure = pool_format(pool, "%s [%s … %s]", figure, low.text, high.text);
    texts[FIGURE] = cleaned(layout, figure);
    texts[MARK] = cleaned(layout, shown ? value->mark : "");
    texts[LOW] = cleaned(layout, ends ? pool_format(pool, "%s …", low.text) : "");
    texts[HIGH] = cleaned(layout, ends ? high.text : shown ? format_no_ends(value) : "");
}

static void show_column(struct layout *layout, const struct column *column)
{
    bool words = column->unit == UNIT_TEXT;
    const char *head = cleaned(layout, column->head ? column->head : column->key);
    for (size_t row = 0; row < layout->table->rows; row++) {
        const char **texts = text_at(layout, row, column);
        fill_cell(layout, column, &layout->table->values[(texts - layout->texts) / PARTS], texts);
    }
    if (column->below)
        return;
    layout->headless &= !head[0];
    for (enum part part = FIGURE; part < (column->interval && !words ? PARTS : LOW); part++)
        layout->columns[layout->count++] = (struct laid_column){.column = column,
            .part = part,
            .words = words && part == FIGURE,
            .left = words || part == MARK,
            .head = part == FIGURE ? head
                    : part == LOW  ? "95 % interval"
                                   : "",
            .longest_word = LEAST_COLUMNS};
}

/* ---- widths ---- */

static bool same_block(const struct laid_column *a, const struct laid_column *b)
{
    const char *one = a->column->block, *other = b->column->block;
    return one && other ? !strcmp(one, other) : one == other;
}

/* Blanks in front of a column. */
static unsigned gap_of(const struct layout *layout, size_t i)
{
    const struct laid_column *column = &layout->columns[i];
    if (i == 0 || column->part != FIGURE)
        return part_gaps[column->part];
    unsigned gap = column->head[0] || layout->headless ? 2 : 1;
    if (column->column->block && !same_block(column, column - 1))
        gap = 3;
    return layout->tight && gap > 1 ? gap - 1 : gap;
}

/* Of columns first … last-1, without the gap before them. */
static unsigned width_of(const struct layout *layout, size_t first, size_t last)
{
    unsigned width = 0;
    for (size_t i = first; i < last; i++)
        width += (i > first ? gap_of(layout, i) : 0) + layout->columns[i].width;
    return width;
}

/* Past the columns that stand together with this one. */
static size_t block_end(const struct layout *layout, size_t first)
{
    size_t end = first;
    while (end < layout->count && same_block(&layout->columns[first], &layout->columns[end]))
        end++;
    return end;
}

/* So that `all`, which it is a part of, has room for the text. */
static void widen_to(unsigned *width, unsigned all, const char *text)
{
    unsigned wanted = (unsigned)text_columns(text);
    *width += wanted > all ? wanted - all : 0;
}

static void measure_column(struct layout *layout, struct laid_column *column)
{
    column->width = 0;
    for (size_t row = 0; row < layout->table->rows; row++) {
        const char *text = text_at(layout, row, column->column)[column->part];
        if (row_is_shown(layout, layout->table, row))
            widen_to(&column->width, column->width, text);
        for (size_t length; *text; text += length + strspn(text + length, " ")) {
            length = strcspn(text, " ");
            unsigned columns = (unsigned)text_columns_of(text, length);
            column->longest_word = columns > column->longest_word ? columns : column->longest_word;
        }
    }
}

/* Sections of a list, tables of the same columns without heads, are aligned with each other: their texts, but
 * for the last column. */
static void align_with(struct layout *layout, const struct block *section)
{
    const struct table *other = section->table;
    bool same = other && other->readers == TABLE_FOR_PEOPLE &&
                other->column_count == layout->table->column_count &&
                (layout->writing->style->verbose || !section->detail);
    for (size_t i = 0; same && i < other->column_count; i++)
        same = !strcmp(other->columns[i].key, layout->table->columns[i].key);
    for (size_t i = 0; same && layout->columns[i].column != layout->columns[layout->count - 1].column; i++) {
        struct laid_column *column = &layout->columns[i];
        const struct value *value = &other->values[column->column - layout->table->columns];
        for (size_t row = 0; column->words && row < other->rows; row++)
            if (row_is_shown(layout, other, row))
                widen_to(
                    &column->width, column->width, cleaned(layout, value[row * other->column_count].text));
    }
}

static void measure(struct layout *layout)
{
    const struct document *document = layout->writing->document;
    layout->fixed = 0;
    for (size_t i = layout->count; i-- > 0;) {
        struct laid_column *column = &layout->columns[i];
        measure_column(layout, column);
        widen_to(&column->width, width_of(layout, i, i + (column->part == LOW ? 2 : 1)), column->head);
        layout->fixed += column->column == layout->columns[0].column;
    }
    for (size_t i = 0; layout->headless && i < document->count; i++)
        if (document->blocks[i].table != layout->table)
            align_with(layout, &document->blocks[i]);
    for (size_t i = layout->fixed; i < layout->count; i = block_end(layout, i))
        if (layout->columns[i].column->block)
            widen_to(&layout->columns[i].width, width_of(layout, i, block_end(layout, i)),
                cleaned(layout, layout->columns[i].column->block));
}

/* Whether the first column fits together with columns first … last-1. */
static bool fits_with(const struct layout *layout, size_t first, size_t last)
{
    unsigned width = width_of(layout, 0, layout->fixed);
    if (first < last)
        width += gap_of(layout, first) + width_of(layout, first, last);
    return !layout->writing->style->columns || width <= layout->writing->style->columns;
}

/* The widest column of words among the first one and first … last-1 that can be narrower; NULL: none can. */
static struct laid_column *widest_words(struct layout *layout, size_t first, size_t last, bool inside_words)
{
    struct laid_column *widest = NULL;
    for (size_t i = 0; i < last; i = i + 1 == layout->fixed ? first : i + 1) {
        struct laid_column *column = &layout->columns[i];
        if (column->words && column->width > (inside_words ? LEAST_COLUMNS : column->longest_word) &&
            column->width > (widest ? widest->width : 0))
            widest = column;
    }
    return widest;
}

enum squeeze { AS_IT_IS, BETWEEN_WORDS, INSIDE_WORDS };

/* Whether each block fits into the width, where words are wrapped inside of their columns as far as may be.
 */
static bool fits(struct layout *layout, enum squeeze squeeze)
{
    size_t first = layout->fixed, last;
    bool all = true;
    do {
        struct laid_column *widest;
        last = block_end(layout, first);
        while (squeeze && !fits_with(layout, first, last) &&
               (widest = widest_words(layout, first, last, squeeze == INSIDE_WORDS)))
            widest->width--;
        all &= fits_with(layout, first, last);
        first = last;
    } while (first < layout->count);
    return all;
}

/* Without a column; NULL: without intervals. */
static void leave_out(struct layout *layout, const struct column *column)
{
    size_t kept = 0;
    for (size_t i = 0; i < layout->count; i++)
        if (column ? layout->columns[i].column != column : layout->columns[i].part < LOW)
            layout->columns[kept++] = layout->columns[i];
    layout->count = kept;
    measure(layout);
}

/* Brings each block into the width, as far as that can be, by what hurts least. */
static void fit(struct layout *layout)
{
    while (!fits(layout, AS_IT_IS)) {
        const struct column *spared = NULL;
        for (size_t i = layout->fixed; i < layout->count; i++)
            if (layout->columns[i].column->drop > (spared ? spared->drop : 0))
                spared = layout->columns[i].column;
        if (!spared)
            break;
        leave_out(layout, spared);
    }
    if (fits(layout, BETWEEN_WORDS))
        return;
    layout->tight = true;
    if (fits(layout, BETWEEN_WORDS))
        return;
    leave_out(layout, NULL);
    if (!fits(layout, BETWEEN_WORDS))
        fits(layout, INSIDE_WORDS);
}

/* ---- writing ---- */

/* The first `bytes` of text in a field of `width` columns. */
static void put(
    struct layout *layout, const char *text, size_t bytes, unsigned width, bool left, enum ink ink)
{
    const struct report_style *style = layout->writing->style;
    unsigned columns = (unsigned)text_columns_of(text, bytes), room = width > columns ? width - columns : 0;
    layout->blanks += left ? 0 : room;
    if (bytes) {
        fprintf(layout->writing->stream, "%*s%s%.*s%s", (int)layout->blanks, "", style_on(style, ink),
            (int)bytes, text, style_off(style, ink));
        layout->blanks = 0;
    }
    layout->blanks += left ? room : 0;
}

static void end_line(struct layout *layout)
{
    fputc('\n', layout->writing->stream);
    layout->blanks = 0;
}

/* "────── kvm (shadow, PVM) ───────", each as wide as its block; nothing above one without a name. */
static void write_block_heads(struct layout *layout, size_t first, size_t last)
{
    const char *dash = layout->writing->style->utf8 ? "─" : "-";
    bool any = false;
    for (size_t i = first; i < last; i++)
        any |= layout->columns[i].column->block != NULL;
    if (!any)
        return;
    layout->blanks += width_of(layout, 0, layout->fixed);
    for (size_t i = first; i < last; i = block_end(layout, i)) {
        const char *title = cleaned(layout, layout->columns[i].column->block), *rule = "";
        unsigned width = width_of(layout, i, block_end(layout, i)), columns = (unsigned)text_columns(title);
        unsigned room = width > columns && columns ? width - columns : 0;
        for (unsigned k = 1; k < room / 2; k++)
            rule = pool_format(&layout->writing->pool, "%s%s", rule, dash);
        if (rule[0])
            title =
                pool_format(&layout->writing->pool, "%s %s %s%s", rule, title, rule, room % 2 ? dash : "");
        layout->blanks += gap_of(layout, i);
        put(layout, title, strlen(title), width, false, INK_HEADING);
    }
    end_line(layout);
}

static void write_heads(struct layout *layout, size_t first, size_t last)
{
    for (size_t i = 0; i < last; i = i + 1 == layout->fixed ? first : i + 1) {
        const struct laid_column *column = &layout->columns[i];
        if (column->part == HIGH)
            continue;
        layout->blanks += gap_of(layout, i);
        put(layout, column->head, strlen(column->head),
            width_of(layout, i, i + (column->part == LOW ? 2 : 1)), column->left, INK_HEADING);
    }
    end_line(layout);
}

/* In as many lines as its texts need. */
static void write_row(struct layout *layout, size_t row, size_t first, size_t last)
{
    static const enum ink inks[] = {[TONE_PLAIN] = INK_PLAIN,
        [TONE_FAINT] = INK_FAINT,
        [TONE_WARNING] = INK_WARNING,
        [TONE_SLOWER] = INK_SLOWER,
        [TONE_FASTER] = INK_FASTER};
    for (size_t i = 0; i < last; i++)
        layout->columns[i].rest = text_at(layout, row, layout->columns[i].column)[layout->columns[i].part];
    for (bool more = true; more; end_line(layout)) {
        more = false;
        for (size_t i = 0; i < last; i = i + 1 == layout->fixed ? first : i + 1) {
            struct laid_column *column = &layout->columns[i];
            const struct value *value = &layout->table->values[row * layout->table->column_count];
            enum ink ink = inks[value[column->column - layout->table->columns].tone];
            size_t bytes = column->words ? text_line(column->rest, column->width) : strlen(column->rest);
            if (column->part != FIGURE)
                ink = column->part == MARK ? INK_WARNING : INK_PLAIN;
            layout->blanks += gap_of(layout, i);
            put(layout, column->rest, bytes, column->width, column->left, ink);
            column->rest += bytes;
            column->rest += strspn(column->rest, " ");
            more |= column->rest[0] != 0;
        }
    }
}

static void write_part(struct layout *layout, size_t first, size_t last)
{
    const struct table *table = layout->table;
    write_block_heads(layout, first, last);
    if (!layout->headless)
        write_heads(layout, first, last);
    for (size_t row = 0; row < table->rows; row++) {
        if (!row_is_shown(layout, table, row))
            continue;
        write_row(layout, row, first, last);
        for (size_t i = 0; first == layout->fixed && i < table->column_count; i++) {
            const char *remark = text_at(layout, row, &table->columns[i])[FIGURE];
            if (table->columns[i].below && table->values[row * table->column_count + i].text && remark[0])
                paragraph_terminal(
                    layout->writing, layout->writing->style->columns, "    ", remark, INK_FAINT);
        }
    }
}

size_t table_terminal(struct writing *writing, const struct table *table)
{
    struct layout layout = {.writing = writing, .table = table, .headless = true};
    size_t parts = PARTS * table->column_count, left_out = 0;
    layout.columns = pool_room(&writing->pool, parts, sizeof *layout.columns);
    layout.texts = pool_room(&writing->pool, parts * table->rows, sizeof *layout.texts);
    if (table->title) {
        paragraph_terminal(writing, writing->style->columns, "", table->title, INK_HEADING);
        fputc('\n', writing->stream);
    }
    if (!layout.columns || !layout.texts)
        return 0;
    for (size_t row = 0; row < table->rows; row++)
        left_out += !row_is_shown(&layout, table, row);
    for (size_t i = 0; i < table->column_count; i++)
        show_column(&layout, &table->columns[i]);
    if (!layout.count)
        return left_out;
    measure(&layout);
    fit(&layout);
    size_t first = layout.fixed;
    do { /* as many blocks side by side as fit, one at least */
        size_t last = block_end(&layout, first);
        while (last < layout.count && fits_with(&layout, first, block_end(&layout, last)))
            last = block_end(&layout, last);
        if (first > layout.fixed)
            fputc('\n', writing->stream);
        write_part(&layout, first, last);
        first = last;
    } while (first < layout.count);
    return left_out;
}
