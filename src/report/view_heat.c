/* What a program touched over time, and what of it the TLBs hold. */
#include "report/format.h"
#include "report/view_parts.h"
#include "report/views.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- in words ---- */

/* "1,005 pages of data (at most 1,234, 5,678 in all) in 5 regions of 2 MiB" */
static const char *side_text(const struct heat_process *process, enum heat_side side, struct document *doc)
{
    const struct heat_counts *pages = &process->pages[side], *regions = &process->regions[side];
    return document_text(doc, "%s pages of %s (at most %s, %s in all) in %s regions of 2 MiB",
        format_figure(UNIT_COUNT, pages->median, 0).text, heat_side_names[side],
        format_count(pages->most).text, format_count(pages->ever).text,
        format_figure(UNIT_COUNT, regions->median, 0).text);
}

static void say_process(const struct ran_heat *heat, const struct heat_process *process, struct document *doc)
{
    bool shorter = heat->ran_ns < heat->interval_ns;
    document_say(doc, BLOCK_SENTENCE, "In %s %s touches %s, and %s.",
        shorter ? "all" : format_figure(UNIT_NS, heat->interval_ns, 0).text, process->name,
        side_text(process, HEAT_OF_DATA, doc), side_text(process, HEAT_OF_INSTRUCTIONS, doc));
}

/* ---- what the TLBs hold ---- */

static const char *held_text(const struct heat_reach *reach, struct document *doc)
{
    uint64_t most = reach->level2 > reach->level1 ? reach->level2 : reach->level1;
    if (!reach->level1 && !reach->level2)
        return "not known";
    if (reach->level1 && reach->most <= reach->level1)
        return "level 1 holds it";
    if (reach->level2 && reach->most <= reach->level2)
        return "level 2 holds it";
    return document_text(doc, "%.0f %% at once", 100 * (double)most / (double)reach->most);
}

static void add_reach(const struct heat_process *process, struct document *doc)
{
    static const struct column columns[] = {{.key = "what", .head = "", .unit = UNIT_TEXT},
        {.key = "page", .unit = UNIT_BYTES}, {.key = "median", .unit = UNIT_COUNT, .block = "entries taken"},
        {.key = "most", .unit = UNIT_COUNT, .block = "entries taken"},
        {.key = "level1", .head = "level 1", .unit = UNIT_COUNT, .block = "this CPU's TLB"},
        {.key = "level2", .head = "level 2", .unit = UNIT_COUNT, .block = "this CPU's TLB"},
        {.key = "held", .head = "", .unit = UNIT_TEXT}};
    enum { WHAT, PAGE, MEDIAN, MOST, LEVEL1, LEVEL2, HELD };
    struct table *table = document_table(doc, "tlb-reach", "TLB entries that an interval takes", columns,
        sizeof columns / sizeof *columns, process->reach_count);
    const char *reason = NULL;
    for (size_t i = 0; i < process->reach_count; i++) {
        const struct heat_reach *reach = &process->reach[i];
        table_text(table, i, WHAT, heat_side_names[reach->side]);
        table_number(table, i, PAGE, (double)reach->page_bytes);
        table_number(table, i, MEDIAN, reach->median);
        table_number(table, i, MOST, (double)reach->most);
        table_number(table, i, LEVEL1, reach->level1 ? (double)reach->level1 : NAN);
        table_number(table, i, LEVEL2, reach->level2 ? (double)reach->level2 : NAN);
        table_text(table, i, HELD, held_text(reach, doc));
        reason = reach->reason ? reach->reason : reason;
    }
    if (reason)
        document_say(doc, BLOCK_NOTE, "Not known: %s.", reason);
    else
        document_say(doc, BLOCK_NOTE,
            "The TLB's entries are those that CPUID names here: where a hypervisor answers it, the CPU may "
            "have others.");
}

/* ---- the picture ---- */

/* Rows of a picture, from the top: instructions, then data, each from high addresses to low ones. So many
 * neighbouring regions share a row that they fit. */
struct rows {
    const struct heat_process *process;
    const struct heat_region **regions; /* in that order */
    size_t *row;                        /* of each */
    size_t count;                       /* of rows */
    uint64_t each;                      /* regions in a row */
};

enum { ROWS_MOST = 150, PICTURES_MOST = 3 };
#define REGION_BYTES (UINT64_C(2) << 20)

static uint64_t address_of(const struct heat_region *region)
{
    return strtoull(region->address, NULL, 16);
}

static int from_top(const void *a, const void *b)
{
    const struct heat_region *x = *(const struct heat_region *const *)a,
                             *y = *(const struct heat_region *const *)b;
    uint64_t of_x = address_of(x), of_y = address_of(y);
    if (x->side != y->side)
        return x->side == HEAT_OF_INSTRUCTIONS ? -1 : 1;
    return of_x > of_y ? -1 : of_x < of_y;
}

static bool follows(const struct rows *rows, size_t i)
{
    return i > 0 && rows->regions[i]->side == rows->regions[i - 1]->side &&
           address_of(rows->regions[i]) + REGION_BYTES == address_of(rows->regions[i - 1]);
}

static void number_rows(struct rows *rows)
{
    uint64_t in_row = 0;
    rows->count = 0;
    for (size_t i = 0; i < rows->process->touched_count; i++) {
        in_row = follows(rows, i) && in_row < rows->each ? in_row + 1 : 1;
        rows->count += in_row == 1;
        rows->row[i] = rows->count - 1;
    }
}

static bool make_rows(const struct heat_process *process, struct document *doc, struct rows *rows)
{
    size_t count = process->touched_count;
    *rows = (struct rows){.process = process,
        .regions = pool_room(&doc->pool, count, sizeof(void *)),
        .row = pool_room(&doc->pool, count, sizeof *rows->row),
        .each = 1};
    if (!count || !rows->regions || !rows->row)
        return false;
    for (size_t i = 0; i < count; i++)
        rows->regions[i] = &process->touched[i];
    qsort(rows->regions, count, sizeof(void *), from_top);
    for (number_rows(rows); rows->count > ROWS_MOST && rows->each < count; rows->each *= 2)
        number_rows(rows);
    return true;
}

static void name_rows(const struct rows *rows, struct document *doc, struct chart *chart)
{
    chart->categories = pool_room(&doc->pool, rows->count, sizeof *chart->categories);
    chart->category_count = chart->categories ? rows->count : 0;
    for (size_t i = 0; chart->categories && i < rows->process->touched_count; i++)
        if (i == 0 || rows->row[i] != rows->row[i - 1])
            chart->categories[rows->row[i]] = follows(rows, i) ? "" : rows->regions[i]->address;
}

/* The regions [from, to) of one row: a point for each run of columns in which equally many are touched. */
static void add_row(const struct ran_heat *heat, const struct rows *rows, size_t from, size_t to,
    struct document *doc, struct chart_series *series)
{
    uint64_t before = 0;
    struct chart_point *point = NULL;
    for (size_t column = 0; column < heat->columns; column++) {
        uint64_t touched = 0, pages = 512 * (to - from);
        for (size_t i = from; i < to; i++)
            touched += column < rows->regions[i]->columns ? rows->regions[i]->touched[column] : 0;
        double end = (double)(column + 1) * heat->column_ns;
        if (touched && touched == before) {
            point->high = end;
        } else if (touched) {
            point = &series->points[series->count++];
            *point = (struct chart_point){.x = (double)column * heat->column_ns,
                .y = (double)rows->row[from],
                .low = (double)touched / (double)pages,
                .high = end,
                .mark = document_text(doc, "%s: %" PRIu64 " of %" PRIu64 " pages",
                    rows->regions[to - 1]->address, touched, pages)};
        }
        before = touched;
    }
}

/* Processes of one name are told apart by their line in the table. */
static void add_picture(const struct ran_heat *heat, size_t index, struct document *doc)
{
    const struct heat_process *process = &heat->processes[index];
    const char *title = document_text(doc, "%s over time", process->name);
    struct rows rows;
    if (!make_rows(process, doc, &rows))
        return;
    if (heat->process_count > 1)
        title = document_text(doc, "%s, process %zu of %zu", title, index + 1, heat->process_count);
    struct chart *chart = document_chart(doc, CHART_MAP, "heat", title);
    if (!chart)
        return;
    chart->x = (struct chart_axis){.label = "time since the program began", .unit = UNIT_NS};
    chart->y = (struct chart_axis){.label = "address", .unit = UNIT_COUNT};
    chart->caption = document_text(doc,
        "A row is %s of addresses, instructions above, then data, the highest address first; a gap is memory "
        "that was not touched. The darker, the more of its pages were touched meanwhile.",
        format_size(rows.each * REGION_BYTES).text);
    name_rows(&rows, doc, chart);
    for (int side = 0; side < HEAT_SIDES; side++) {
        struct chart_series *series =
            chart_series(doc, chart, heat_side_names[side], rows.count * heat->columns);
        if (!series)
            return;
        series->count = 0;
        for (size_t from = 0, to; from < process->touched_count; from = to) {
            for (to = from + 1; to < process->touched_count && rows.row[to] == rows.row[from];)
                to++;
            if (rows.regions[from]->side == (enum heat_side)side)
                add_row(heat, &rows, from, to, doc, series);
        }
    }
}

/* ---- all of it ---- */

/* Who touched most; the others, as a shell's many children, as details. */
static void add_processes(const struct ran_heat *heat, struct document *doc)
{
    enum { SHOWN = 4 };
    static const struct column columns[] = {{.key = "process", .unit = UNIT_TEXT},
        {.key = "readings", .unit = UNIT_COUNT, .drop = 1},
        {.key = "data", .unit = UNIT_COUNT, .block = "pages, median"},
        {.key = "instructions", .unit = UNIT_COUNT, .block = "pages, median"},
        {.key = "data_ever", .head = "data", .unit = UNIT_COUNT, .block = "pages, ever"},
        {.key = "instructions_ever", .head = "instructions", .unit = UNIT_COUNT, .block = "pages, ever"}};
    struct table *table =
        document_table(doc, "heat-processes", "Its processes, a line for each program executed", columns,
            sizeof columns / sizeof *columns, heat->process_count);
    for (size_t i = 0; i < heat->process_count; i++) {
        const struct heat_process *process = &heat->processes[i];
        table_text(table, i, 0, process->name);
        table_at(table, i, 0)->detail = i >= SHOWN;
        table_number(table, i, 1, (double)process->step_count);
        for (int side = 0; side < HEAT_SIDES; side++) {
            table_number(table, i, 2 + (size_t)side, process->pages[side].median);
            table_number(table, i, 4 + (size_t)side, (double)process->pages[side].ever);
        }
    }
}

void view_heat(const struct ran_heat *heat, const char *program, struct document *doc)
{
    if (!heat->known)
        return;
    document_say(doc, BLOCK_HEADING, "What %s touches", program ? program : "it");
    if (heat->reason)
        document_say(doc, BLOCK_WARNING, "Not all is told: %s.", heat->reason);
    if (heat->process_count) {
        say_process(heat, &heat->processes[0], doc);
        add_reach(&heat->processes[0], doc);
    }
    if (heat->process_count > 1)
        add_processes(heat, doc);
    for (size_t i = 0; i < heat->process_count && i < PICTURES_MOST; i++) {
        document_details(doc, i > 0);
        add_picture(heat, i, doc);
    }
    document_details(doc, true);
    document_say(doc, BLOCK_SENTENCE,
        "In a run of its own (%s), which is none of the timed ones, the accessed bits of the guest's page "
        "tables, whose leaves are of 4 KiB then, were read and cleared every %s, and what monitor and CPU "
        "had made of them forgotten. A bit tells that a page was touched since, not how often. What system "
        "calls do with the program's memory on the host is not in it.",
        format_figure(UNIT_NS, heat->ran_ns, 0).text, format_figure(UNIT_NS, heat->interval_ns, 0).text);
    document_details(doc, false);
}
