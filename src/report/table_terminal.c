#include "report/table_terminal.h"

#include "report/format.h"
#include "report/text.h"

#include <string.h>

/* What a column of the table takes on the terminal: up to four columns of text, with these blanks between. */
enum part { FIGURE, MARK, LOW, HIGH, PARTS };
static const unsigned gaps[PARTS] = {[LOW] = 2, [HIGH] = 1};

enum { LEAST_COLUMNS = 8 };

static const char interval_head[] = "95 % interval", below_indent[] = "    ";

struct laid_column {
    const struct column *column;
    size_t index; /* in the table */
    const char *head, *block;
    bool left;    /* texts; their intervals stand in brackets behind them */
    size_t parts; /* LOW, or PARTS with an interval */
    unsigned widths[PARTS];
    unsigned longest_word;
};

struct layout {
    const struct document *document;
    const struct table *table;
    FILE *stream;
    const struct report_style *style;
    struct pool *pool;
    struct laid_column *columns; /* those that are shown */
    size_t count;
    bool headless, tight; /* tight: gaps are one smaller */
    const char **texts;   /* clean; row by row, for each column of the table its parts */
    unsigned blanks;      /* to be written in front of the next text of the line */
};

static const struct value *value_at(const struct table *table, size_t row, size_t index)
{
    return &table->values[row * table->column_count + index];
}

static const char **texts_at(const struct layout *layout, size_t row, size_t index)
{
    return &layout->texts[(row * layout->table->column_count + index) * PARTS];
}

static bool row_is_shown(const struct layout *layout, const struct table *table, size_t row)
{
    return layout->style->verbose || !value_at(table, row, 0)->detail;
}

static const char *cleaned(const struct layout *layout, const char *text)
{
    return text_cleaned(layout->pool, text, layout->style);
}

/* ---- what stands in the cells ---- */

static void fill_cell(const struct layout *layout, const struct laid_column *laid, const struct value *value,
    const char *texts[PARTS])
{
    struct formatted low, high;
    bool shown = layout->style->verbose || !value->detail;
    bool ends = shown && laid->column->interval && format_ends(value, laid->column, &low, &high);
    const char *figure = shown ? format_value(layout->pool, value, laid->column) : "";
    if (laid->left && ends)
        figure = pool_format(layout->pool, "%s [%s … %s]", figure, low.text, high.text);
    texts[FIGURE] = cleaned(layout, figure);
    texts[MARK] = cleaned(layout, shown ? value->mark : "");
    texts[LOW] = cleaned(layout, ends ? pool_format(layout->pool, "%s …", low.text) : "");
    texts[HIGH] = cleaned(layout, ends ? high.text : shown ? "-" : "");
}

static void show_column(struct layout *layout, size_t index)
{
    const struct column *column = &layout->table->columns[index];
    struct laid_column *laid = &layout->columns[layout->count];
    bool left = column->unit == UNIT_TEXT;
    *laid = (struct laid_column){.column = column,
        .index = index,
        .head = cleaned(layout, column->head ? column->head : column->key),
        .block = column->block ? cleaned(layout, column->block) : NULL,
        .left = left,
        .parts = column->interval && !left ? PARTS : LOW};
    for (size_t row = 0; row < layout->table->rows; row++)
        fill_cell(layout, laid, value_at(layout->table, row, index), texts_at(layout, row, index));
    if (!column->below) {
        layout->headless &= !laid->head[0];
        layout->count++;
    }
}

/* ---- widths ---- */

static bool same_block(const struct laid_column *a, const struct laid_column *b)
{
    return a->block && b->block ? !strcmp(a->block, b->block) : a->block == b->block;
}

/* Blanks in front of a column. */
static unsigned gap_of(const struct layout *layout, size_t i)
{
    const struct laid_column *column = &layout->columns[i];
    unsigned gap = column->head[0] || layout->headless ? 2 : 1;
    if (i == 0)
        return 0;
    if (!same_block(column, column - 1) && column->block)
        gap = 3;
    return layout->tight && gap > 1 ? gap - 1 : gap;
}

/* Of parts first … last-1 of a column, without the gap before them. */
static unsigned parts_width(const struct laid_column *column, size_t first, size_t last)
{
    unsigned width = column->widths[first];
    while (++first < last)
        width += gaps[first] + column->widths[first];
    return width;
}

/* Of columns first … last-1, likewise. */
static unsigned width_of(const struct layout *layout, size_t first, size_t last)
{
    unsigned width = 0;
    for (size_t i = first; i < last; i++)
        width += (i > first ? gap_of(layout, i) : 0) +
                 parts_width(&layout->columns[i], FIGURE, layout->columns[i].parts);
    return width;
}

/* Past the columns that stand together with this one. */
static size_t block_end(const struct layout *layout, size_t first)
{
    size_t end = first + 1;
    while (end < layout->count && same_block(&layout->columns[first], &layout->columns[end]))
        end++;
    return end < layout->count ? end : layout->count;
}

/* So that `all`, which it is a part of, has room for the text. */
static void widen_to(unsigned *width, unsigned all, const char *text)
{
    unsigned wanted = (unsigned)text_columns(text);
    *width += wanted > all ? wanted - all : 0;
}

static unsigned longest_word_of(const char *text)
{
    unsigned longest = LEAST_COLUMNS;
    for (size_t length; *text; text += length + strspn(text + length, " ")) {
        length = strcspn(text, " ");
        unsigned columns = (unsigned)text_columns_of(text, length);
        longest = columns > longest ? columns : longest;
    }
    return longest;
}

static void measure_column(struct layout *layout, struct laid_column *column)
{
    memset(column->widths, 0, sizeof column->widths);
    for (size_t row = 0; row < layout->table->rows; row++) {
        const char **texts = texts_at(layout, row, column->index);
        unsigned longest = longest_word_of(texts[FIGURE]);
        column->longest_word = longest > column->longest_word ? longest : column->longest_word;
        for (size_t part = 0; row_is_shown(layout, layout->table, row) && part < PARTS; part++)
            widen_to(&column->widths[part], column->widths[part], texts[part]);
    }
    widen_to(&column->widths[FIGURE], column->widths[FIGURE], column->head);
    widen_to(&column->widths[LOW], parts_width(column, LOW, PARTS), interval_head);
}

/* Sections of a list: tables of the same columns, without heads. They are aligned with each other. */
static bool is_section(const struct layout *layout, const struct block *block)
{
    const struct table *other = block->table;
    bool same = block->kind == BLOCK_TABLE && other != layout->table && other->readers == TABLE_FOR_PEOPLE &&
                other->column_count == layout->table->column_count &&
                (layout->style->verbose || !block->detail);
    for (size_t i = 0; same && i < other->column_count; i++)
        same = !strcmp(other->columns[i].key, layout->table->columns[i].key);
    return same;
}

/* Makes the texts' columns, but for the last, as wide as those of this other section. */
static void align_with(struct layout *layout, const struct table *other)
{
    for (size_t i = 0; i + 1 < layout->count; i++) {
        struct laid_column *column = &layout->columns[i];
        for (size_t row = 0; column->left && row < other->rows; row++)
            if (row_is_shown(layout, other, row))
                widen_to(&column->widths[FIGURE], column->widths[FIGURE],
                    cleaned(layout, value_at(other, row, column->index)->text));
    }
}

static void measure(struct layout *layout)
{
    for (size_t i = 0; i < layout->count; i++)
        measure_column(layout, &layout->columns[i]);
    for (size_t i = 0; layout->headless && i < layout->document->count; i++)
        if (is_section(layout, &layout->document->blocks[i]))
            align_with(layout, layout->document->blocks[i].table);
    for (size_t i = 1; i < layout->count; i = block_end(layout, i))
        if (layout->columns[i].block)
            widen_to(&layout->columns[i].widths[FIGURE], width_of(layout, i, block_end(layout, i)),
                layout->columns[i].block);
}

/* How many columns too wide the first one is together with columns first … last-1. */
static unsigned excess(const struct layout *layout, size_t first, size_t last)
{
    unsigned room = layout->style->columns, width = width_of(layout, 0, 1);
    if (first < last)
        width += gap_of(layout, first) + width_of(layout, first, last);
    return room && width > room ? width - room : 0;
}

static bool is_too_wide(const struct layout *layout)
{
    size_t first = 1, last;
    do {
        last = block_end(layout, first);
        if (excess(layout, first, last))
            return true;
        first = last;
    } while (first < layout->count);
    return false;
}

/* Leaves out what can be spared while anything is too wide. */
static void drop_columns(struct layout *layout)
{
    while (is_too_wide(layout)) {
        size_t spared = 0;
        for (size_t i = 1; i < layout->count; i++)
            if (layout->columns[i].column->drop > (spared ? layout->columns[spared].column->drop : 0))
                spared = i;
        if (!spared)
            return;
        layout->count--;
        memmove(&layout->columns[spared], &layout->columns[spared + 1],
            (layout->count - spared) * sizeof layout->columns[0]);
        measure(layout);
    }
}

/* The widest column of texts among the first one and first … last-1 that can be narrower; NULL: none can. */
static struct laid_column *widest_text(struct layout *layout, size_t first, size_t last, bool inside_words)
{
    struct laid_column *widest = NULL;
    for (size_t i = 0; i < last; i = i ? i + 1 : first) {
        struct laid_column *column = &layout->columns[i];
        unsigned width = column->widths[FIGURE];
        if (column->left && width > (inside_words ? LEAST_COLUMNS : column->longest_word) &&
            width > (widest ? widest->widths[FIGURE] : 0))
            widest = column;
    }
    return widest;
}

/* Makes the widest columns of texts narrower, so that texts are wrapped inside of them. Fits it now? */
static bool wrap_columns(struct layout *layout, bool inside_words)
{
    size_t first = 1, last;
    do {
        struct laid_column *widest;
        last = block_end(layout, first);
        while (excess(layout, first, last) && (widest = widest_text(layout, first, last, inside_words)))
            widest->widths[FIGURE]--;
        first = last;
    } while (first < layout->count);
    return !is_too_wide(layout);
}

/* Brings each block into the width, as far as that can be, by what hurts least. */
static void fit(struct layout *layout)
{
    drop_columns(layout);
    if (wrap_columns(layout, false))
        return;
    layout->tight = true;
    if (wrap_columns(layout, false))
        return;
    for (size_t i = 0; i < layout->count; i++)
        layout->columns[i].parts = LOW;
    measure(layout);
    if (!wrap_columns(layout, false))
        wrap_columns(layout, true);
}

/* ---- writing ---- */

/* The first `bytes` of text in a field of `width` columns. */
static void put(
    struct layout *layout, const char *text, size_t bytes, unsigned width, bool left, enum ink ink)
{
    unsigned columns = (unsigned)text_columns_of(text, bytes), room = width > columns ? width - columns : 0;
    layout->blanks += left ? 0 : room;
    if (bytes) {
        fprintf(layout->stream, "%*s%s%.*s%s", (int)layout->blanks, "", style_on(layout->style, ink),
            (int)bytes, text, style_off(layout->style, ink));
        layout->blanks = 0;
    }
    layout->blanks += left ? room : 0;
}

static void end_line(struct layout *layout)
{
    fputc('\n', layout->stream);
    layout->blanks = 0;
}

/* "────── kvm (shadow, PVM) ───────", as wide as the block. */
static void put_block(struct layout *layout, const char *title, unsigned width)
{
    unsigned columns = (unsigned)text_columns(title), room = width > columns ? width - columns : 0;
    const char *dash = layout->style->utf8 ? "─" : "-", *rule = "";
    for (unsigned i = 1; i < room / 2; i++)
        rule = pool_format(layout->pool, "%s%s", rule, dash);
    if (rule[0])
        title = pool_format(layout->pool, "%s %s %s%s", rule, title, rule, room % 2 ? dash : "");
    put(layout, title, strlen(title), width, false, INK_HEADING);
}

static void write_block_heads(struct layout *layout, size_t first, size_t last)
{
    bool any = false;
    for (size_t i = first; i < last; i++)
        any |= layout->columns[i].block != NULL;
    if (!any)
        return;
    layout->blanks += width_of(layout, 0, 1);
    for (size_t i = first; i < last; i = block_end(layout, i)) {
        const char *title = layout->columns[i].block;
        layout->blanks += gap_of(layout, i);
        put_block(layout, title ? title : "", width_of(layout, i, block_end(layout, i)));
    }
    end_line(layout);
}

static void write_heads(struct layout *layout, size_t first, size_t last)
{
    for (size_t i = 0; i < last; i = i ? i + 1 : first) {
        const struct laid_column *column = &layout->columns[i];
        layout->blanks += gap_of(layout, i);
        put(layout, column->head, strlen(column->head), column->widths[FIGURE], column->left, INK_HEADING);
        layout->blanks += column->widths[MARK];
        if (column->parts == LOW)
            continue;
        layout->blanks += gaps[LOW];
        put(layout, interval_head, strlen(interval_head), parts_width(column, LOW, PARTS), false,
            INK_HEADING);
    }
    end_line(layout);
}

/* Writes the next line of a cell and leaves in texts what follows below; is there any? */
static bool write_cell(struct layout *layout, size_t i, enum ink ink, const char *texts[PARTS])
{
    const struct laid_column *column = &layout->columns[i];
    const enum ink part_inks[PARTS] = {ink, INK_WARNING, INK_PLAIN, INK_PLAIN};
    size_t bytes = column->left ? text_line(texts[FIGURE], column->widths[FIGURE]) : strlen(texts[FIGURE]);
    layout->blanks += gap_of(layout, i);
    for (size_t part = FIGURE; part < column->parts; part++) {
        bool left = part == FIGURE ? column->left : part == MARK;
        layout->blanks += gaps[part];
        put(layout, texts[part], part == FIGURE ? bytes : strlen(texts[part]), column->widths[part], left,
            part_inks[part]);
    }
    texts[FIGURE] += bytes + strspn(texts[FIGURE] + bytes, " ");
    texts[MARK] = texts[LOW] = texts[HIGH] = "";
    return texts[FIGURE][0] != 0;
}

static void write_row(struct layout *layout, size_t row, size_t first, size_t last)
{
    static const enum ink inks[] = {[TONE_PLAIN] = INK_PLAIN,
        [TONE_FAINT] = INK_FAINT,
        [TONE_WARNING] = INK_WARNING,
        [TONE_SLOWER] = INK_SLOWER,
        [TONE_FASTER] = INK_FASTER};
    const char *kept[PARTS]; /* the first column's, which is written for each block */
    memcpy(kept, texts_at(layout, row, layout->columns[0].index), sizeof kept);
    for (bool more = true; more; end_line(layout)) {
        more = false;
        for (size_t i = 0; i < last; i = i ? i + 1 : first) {
            size_t index = layout->columns[i].index;
            enum ink ink = inks[value_at(layout->table, row, index)->tone];
            more |= write_cell(layout, i, ink, texts_at(layout, row, index));
        }
    }
    memcpy(texts_at(layout, row, layout->columns[0].index), kept, sizeof kept);
}

/* The remarks on a row, each a paragraph. */
static void write_below(struct layout *layout, size_t row)
{
    for (size_t index = 0; index < layout->table->column_count; index++) {
        const struct column *column = &layout->table->columns[index];
        const char *remark = texts_at(layout, row, index)[FIGURE];
        if (!column->below || !value_at(layout->table, row, index)->text || !remark[0])
            continue;
        fputs(style_on(layout->style, INK_FAINT), layout->stream);
        text_wrap(layout->stream, below_indent, remark, layout->style->columns);
        fputs(style_off(layout->style, INK_FAINT), layout->stream);
    }
}

static void write_part(struct layout *layout, size_t first, size_t last)
{
    write_block_heads(layout, first, last);
    if (!layout->headless)
        write_heads(layout, first, last);
    for (size_t row = 0; row < layout->table->rows; row++) {
        if (!row_is_shown(layout, layout->table, row))
            continue;
        write_row(layout, row, first, last);
        if (first == 1)
            write_below(layout, row);
    }
}

void table_terminal(const struct document *document, const struct table *table, FILE *stream,
    const struct report_style *style, struct pool *pool, size_t *left_out)
{
    struct layout layout = {.document = document,
        .table = table,
        .stream = stream,
        .style = style,
        .pool = pool,
        .headless = true};
    layout.columns = pool_room(pool, table->column_count, sizeof *layout.columns);
    layout.texts = pool_room(pool, table->column_count * table->rows, PARTS * sizeof *layout.texts);
    if (!layout.columns || !layout.texts)
        return;
    for (size_t row = 0; row < table->rows; row++)
        *left_out += !row_is_shown(&layout, table, row);
    for (size_t i = 0; i < table->column_count; i++)
        show_column(&layout, i);
    if (!layout.count)
        return;
    measure(&layout);
    fit(&layout);
    size_t first = 1;
    do { /* as many blocks side by side as fit, one at least */
        size_t last = block_end(&layout, first);
        while (last < layout.count && !excess(&layout, first, block_end(&layout, last)))
            last = block_end(&layout, last);
        if (first > 1)
            fputc('\n', stream);
        write_part(&layout, first, last);
        first = last;
    } while (first < layout.count);
}
