#include "report/table_terminal.h"

#include "report/format.h"
#include "report/text.h"

#include <math.h>
#include <string.h>

/* What a column of the table takes on the terminal: up to four columns of text. */
enum part { FIGURE, MARK, LOW, HIGH, PARTS };

enum { LEAST_COLUMNS = 8, LOW_GAP = 2, HIGH_GAP = 1 };

static const char interval_head[] = "95 % interval", below_indent[] = "    ";

struct laid_column {
    const struct column *column;
    size_t index; /* in the table */
    const char *head, *block;
    bool left;     /* texts; their intervals stand in brackets behind them */
    bool interval; /* has LOW and HIGH */
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

static const struct value *value_at(const struct layout *layout, size_t row, size_t index)
{
    return &layout->table->values[row * layout->table->column_count + index];
}

static const char **texts_at(const struct layout *layout, size_t row, size_t index)
{
    return &layout->texts[(row * layout->table->column_count + index) * PARTS];
}

static bool row_is_shown(const struct layout *layout, size_t row)
{
    return layout->style->verbose || !value_at(layout, row, 0)->detail;
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

/* ---- what stands in the cells ---- */

static void fill_cell(struct layout *layout, const struct column *column, bool left,
    const struct value *value, const char *texts[PARTS])
{
    struct pool *pool = layout->pool;
    struct formatted low, high;
    const char *figure = format_value(pool, value, column), *mark = value->mark ? value->mark : "";
    for (size_t part = 0; part < PARTS; part++)
        texts[part] = "";
    if (value->detail && !layout->style->verbose)
        return;
    bool ends = column->interval && format_ends(value, column, &low, &high);
    if (left && ends)
        figure = pool_format(pool, "%s [%s … %s]", figure, low.text, high.text);
    texts[FIGURE] = text_cleaned(pool, figure, layout->style);
    texts[MARK] = text_cleaned(pool, mark, layout->style);
    if (!column->interval || left)
        return;
    texts[LOW] = ends ? text_cleaned(pool, pool_format(pool, "%s …", low.text), layout->style) : "";
    texts[HIGH] = ends ? text_cleaned(pool, high.text, layout->style) : "-";
}

static void show_column(struct layout *layout, size_t index)
{
    const struct column *column = &layout->table->columns[index];
    struct laid_column *laid = &layout->columns[layout->count];
    *laid = (struct laid_column){.column = column,
        .index = index,
        .head = text_cleaned(layout->pool, column->head ? column->head : column->key, layout->style),
        .block = column->block ? text_cleaned(layout->pool, column->block, layout->style) : NULL,
        .left = column->unit == UNIT_TEXT,
        .interval = column->interval && column->unit != UNIT_TEXT};
    for (size_t row = 0; row < layout->table->rows; row++)
        fill_cell(layout, column, laid->left, value_at(layout, row, index), texts_at(layout, row, index));
    if (!column->below) {
        layout->headless &= !laid->head[0];
        layout->count++;
    }
}

/* ---- widths ---- */

/* Columns of the first `bytes` of clean text. */
static unsigned prefix_columns(const char *text, size_t bytes)
{
    unsigned columns = 0;
    for (size_t i = 0; i < bytes; i++)
        columns += ((unsigned char)text[i] & 0xc0) != 0x80;
    return columns;
}

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

static unsigned interval_width(const struct laid_column *column)
{
    return column->widths[LOW] + HIGH_GAP + column->widths[HIGH];
}

/* Of columns first … last-1, without the gap before them. */
static unsigned width_of(const struct layout *layout, size_t first, size_t last)
{
    unsigned width = 0;
    for (size_t i = first; i < last; i++) {
        const struct laid_column *column = &layout->columns[i];
        width += (i > first ? gap_of(layout, i) : 0) + column->widths[FIGURE] + column->widths[MARK] +
                 (column->interval ? LOW_GAP + interval_width(column) : 0);
    }
    return width;
}

/* Past the columns that stand together with this one. */
static size_t block_end(const struct layout *layout, size_t first)
{
    size_t end = first + 1;
    while (end < layout->count && same_block(&layout->columns[first], &layout->columns[end]))
        end++;
    return end;
}

static void widen_to(unsigned *width, unsigned all, const char *text)
{
    unsigned wanted = (unsigned)text_columns(text);
    *width += wanted > all ? wanted - all : 0;
}

static unsigned longest_word_of(const char *text)
{
    unsigned longest = 0;
    for (size_t length; *text; text += length + strspn(text + length, " ")) {
        length = strcspn(text, " ");
        unsigned columns = prefix_columns(text, length);
        longest = columns > longest ? columns : longest;
    }
    return longest;
}

/* Makes the texts' columns, but for the last, as wide as those of this other section. */
static void align_with(struct layout *layout, const struct table *other)
{
    const struct layout section = {.table = other, .style = layout->style};
    for (size_t i = 0; i + 1 < layout->count; i++) {
        struct laid_column *column = &layout->columns[i];
        for (size_t row = 0; column->left && row < other->rows; row++) {
            const char *text = value_at(&section, row, column->index)->text;
            if (text && row_is_shown(&section, row))
                widen_to(&column->widths[FIGURE], column->widths[FIGURE],
                    text_cleaned(layout->pool, text, layout->style));
        }
    }
}

static void measure(struct layout *layout)
{
    for (size_t i = 0; i < layout->count; i++) {
        struct laid_column *column = &layout->columns[i];
        memset(column->widths, 0, sizeof column->widths);
        column->longest_word = LEAST_COLUMNS;
        for (size_t row = 0; column->left && row < layout->table->rows; row++) {
            unsigned longest = longest_word_of(texts_at(layout, row, column->index)[FIGURE]);
            column->longest_word = longest > column->longest_word ? longest : column->longest_word;
        }
        for (size_t row = 0; row < layout->table->rows; row++)
            for (size_t part = 0; row_is_shown(layout, row) && part < PARTS; part++)
                widen_to(
                    &column->widths[part], column->widths[part], texts_at(layout, row, column->index)[part]);
        widen_to(&column->widths[FIGURE], column->widths[FIGURE], column->head);
        if (column->interval)
            widen_to(&column->widths[LOW], interval_width(column), interval_head);
    }
    for (size_t i = 0; layout->headless && i < layout->document->count; i++)
        if (is_section(layout, &layout->document->blocks[i]))
            align_with(layout, layout->document->blocks[i].table);
    for (size_t i = 1; i < layout->count; i = block_end(layout, i))
        if (layout->columns[i].block)
            widen_to(&layout->columns[i].widths[FIGURE], width_of(layout, i, block_end(layout, i)),
                layout->columns[i].block);
}

/* How many columns too wide the first one is together with this block. */
static unsigned excess(const struct layout *layout, size_t first)
{
    unsigned room = layout->style->columns, width = width_of(layout, 0, 1);
    if (first < layout->count)
        width += gap_of(layout, first) + width_of(layout, first, block_end(layout, first));
    return room && width > room ? width - room : 0;
}

static bool is_too_wide(const struct layout *layout)
{
    for (size_t i = 1; i < layout->count; i++)
        if (excess(layout, i))
            return true;
    return excess(layout, 1) > 0;
}

/* Leaves out what can be spared while anything is too wide. */
static void drop_columns(struct layout *layout)
{
    while (is_too_wide(layout)) {
        size_t spared = 0;
        for (size_t i = 1; i < layout->count; i++)
            if (!spared || layout->columns[i].column->drop > layout->columns[spared].column->drop)
                spared = i;
        if (!spared || !layout->columns[spared].column->drop)
            return;
        layout->count--;
        memmove(&layout->columns[spared], &layout->columns[spared + 1],
            (layout->count - spared) * sizeof layout->columns[0]);
        measure(layout);
    }
}

/* Makes the widest columns of texts narrower, so that texts are wrapped inside of them. */
static void wrap_columns(struct layout *layout, bool inside_words)
{
    size_t first = 1;
    do {
        size_t last = first < layout->count ? block_end(layout, first) : layout->count;
        while (excess(layout, first)) {
            struct laid_column *widest = NULL;
            for (size_t i = 0; i < last; i = i ? i + 1 : first) {
                struct laid_column *column = &layout->columns[i];
                unsigned least = inside_words ? LEAST_COLUMNS : column->longest_word;
                if (column->left && column->widths[FIGURE] > least &&
                    (!widest || column->widths[FIGURE] > widest->widths[FIGURE]))
                    widest = column;
            }
            if (!widest)
                break;
            widest->widths[FIGURE]--;
        }
        first = last;
    } while (first < layout->count);
}

/* Brings each block into the width, as far as that can be, by what hurts least. */
static void fit(struct layout *layout)
{
    drop_columns(layout);
    wrap_columns(layout, false);
    if (!is_too_wide(layout))
        return;
    layout->tight = true;
    wrap_columns(layout, false);
    if (!is_too_wide(layout))
        return;
    for (size_t i = 0; i < layout->count; i++)
        layout->columns[i].interval = false;
    measure(layout);
    wrap_columns(layout, false);
    wrap_columns(layout, true);
}

/* ---- writing ---- */

/* The first `bytes` of text in a field of `width` columns. */
static void put(
    struct layout *layout, const char *text, size_t bytes, unsigned width, bool left, enum ink ink)
{
    unsigned columns = prefix_columns(text, bytes), room = width > columns ? width - columns : 0;
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
    if (room >= 4) {
        for (unsigned i = 0; i < room / 2 - 1; i++)
            rule = pool_format(layout->pool, "%s%s", rule, dash);
        title = pool_format(layout->pool, "%s %s %s%s", rule, title, rule, room % 2 ? dash : "");
    }
    put(layout, title, strlen(title), width, false, INK_HEADING);
}

/* Over the first column and columns first … last-1. */
static void write_heads(struct layout *layout, size_t first, size_t last)
{
    bool blocks = false;
    for (size_t i = first; i < last; i++)
        blocks |= layout->columns[i].block != NULL;
    if (blocks) {
        layout->blanks += width_of(layout, 0, 1);
        for (size_t i = first; i < last; i = block_end(layout, i)) {
            layout->blanks += gap_of(layout, i);
            put_block(layout, layout->columns[i].block ? layout->columns[i].block : "",
                width_of(layout, i, block_end(layout, i)));
        }
        end_line(layout);
    }
    for (size_t i = 0; !layout->headless && i < last; i = i ? i + 1 : first) {
        const struct laid_column *column = &layout->columns[i];
        layout->blanks += gap_of(layout, i);
        put(layout, column->head, strlen(column->head), column->widths[FIGURE], column->left, INK_HEADING);
        layout->blanks += column->widths[MARK] + (column->interval ? LOW_GAP : 0);
        if (column->interval)
            put(layout, interval_head, strlen(interval_head), interval_width(column), false, INK_HEADING);
    }
    if (!layout->headless)
        end_line(layout);
}

/* Writes the next line of a cell and leaves in texts what follows below; is there any? */
static bool write_cell(struct layout *layout, size_t i, enum ink ink, const char *texts[PARTS])
{
    const struct laid_column *column = &layout->columns[i];
    const char *figure = texts[FIGURE];
    size_t bytes = column->left ? text_line(figure, column->widths[FIGURE]) : strlen(figure);
    layout->blanks += gap_of(layout, i);
    put(layout, figure, bytes, column->widths[FIGURE], column->left, ink);
    put(layout, texts[MARK], strlen(texts[MARK]), column->widths[MARK], true, INK_WARNING);
    if (column->interval) {
        layout->blanks += LOW_GAP;
        put(layout, texts[LOW], strlen(texts[LOW]), column->widths[LOW], false, INK_PLAIN);
        layout->blanks += HIGH_GAP;
        put(layout, texts[HIGH], strlen(texts[HIGH]), column->widths[HIGH], false, INK_PLAIN);
    }
    figure += bytes;
    figure += strspn(figure, " ");
    texts[FIGURE] = figure;
    texts[MARK] = texts[LOW] = texts[HIGH] = "";
    return figure[0] != 0;
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
            more |=
                write_cell(layout, i, inks[value_at(layout, row, index)->tone], texts_at(layout, row, index));
        }
    }
    memcpy(texts_at(layout, row, layout->columns[0].index), kept, sizeof kept);
}

/* The remarks on a row, each a paragraph. */
static void write_below(struct layout *layout, size_t row)
{
    for (size_t index = 0; index < layout->table->column_count; index++) {
        const struct column *column = &layout->table->columns[index];
        bool shown = column->below && (layout->style->verbose || !column->detail);
        if (!shown || !value_at(layout, row, index)->text || !texts_at(layout, row, index)[FIGURE][0])
            continue;
        fputs(style_on(layout->style, INK_FAINT), layout->stream);
        text_wrap(layout->stream, below_indent, texts_at(layout, row, index)[FIGURE], layout->style->columns);
        fputs(style_off(layout->style, INK_FAINT), layout->stream);
    }
}

static void write_part(struct layout *layout, size_t first, size_t last)
{
    write_heads(layout, first, last);
    for (size_t row = 0; row < layout->table->rows; row++) {
        if (!row_is_shown(layout, row))
            continue;
        write_row(layout, row, first, last);
        if (first == 1)
            write_below(layout, row);
    }
}

/* Past the blocks that fit side by side from `first` on: one at least. */
static size_t blocks_that_fit(const struct layout *layout, size_t first)
{
    size_t last = block_end(layout, first);
    while (last < layout->count) {
        size_t next = block_end(layout, last);
        unsigned width = width_of(layout, 0, 1) + gap_of(layout, first) + width_of(layout, first, next);
        if (layout->style->columns && width > layout->style->columns)
            break;
        last = next;
    }
    return last;
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
        *left_out += !row_is_shown(&layout, row);
    for (size_t i = 0; i < table->column_count; i++) {
        if (style->verbose || !table->columns[i].detail)
            show_column(&layout, i);
        else
            ++*left_out;
    }
    if (!layout.count)
        return;
    measure(&layout);
    fit(&layout);
    for (size_t first = 1; first == 1 || first < layout.count;) {
        size_t last = first < layout.count ? blocks_that_fit(&layout, first) : first;
        if (first > 1)
            fputc('\n', stream);
        write_part(&layout, first, last);
        first = last > first ? last : first + 1;
    }
}
