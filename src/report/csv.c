#include "report/csv.h"

#include "report/terminal.h"
#include "result/words.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* What one line is made from. */
struct line {
    const struct result *result;
    const struct result_cell *cell;
    const struct result_comparison *against; /* NULL: none */
};

enum { VALUE_BYTES = 256 };

static void real(double value, char out[VALUE_BYTES])
{
    if (isfinite(value))
        snprintf(out, VALUE_BYTES, "%.10g", value);
}

static void count(uint64_t value, char out[VALUE_BYTES])
{
    snprintf(out, VALUE_BYTES, "%" PRIu64, value);
}

static void count_if(uint64_t value, char out[VALUE_BYTES])
{
    if (value)
        count(value, out);
}

static void text(const char *value, char out[VALUE_BYTES])
{
    snprintf(out, VALUE_BYTES, "%s", value);
}

static bool is_chase(const struct line *line)
{
    return !line->cell->cell.event.name;
}

#define COLUMN(name) static void name##_column(const struct line *line, char out[VALUE_BYTES])

COLUMN(id)
{
    text(line->cell->id, out);
}
COLUMN(workload)
{
    text(is_chase(line) ? "chase" : line->cell->cell.event.name, out);
}
COLUMN(monitor)
{
    text(line->cell->cell.monitor, out);
}
COLUMN(technique)
{
    if (line->cell->technique != TECHNIQUE_UNKNOWN)
        text(technique_name(line->cell->technique), out);
}
COLUMN(label)
{
    text(line->cell->label, out);
}
COLUMN(order)
{
    if (is_chase(line))
        text(chase_orders[line->cell->cell.chase.order].name, out);
}
COLUMN(working_set)
{
    if (is_chase(line))
        count(line->cell->cell.chase.working_set_bytes, out);
    else
        count_if(line->cell->cell.event.bytes, out);
}
COLUMN(element)
{
    if (is_chase(line))
        count(line->cell->cell.chase.element_bytes, out);
}
COLUMN(write)
{
    if (is_chase(line))
        text(line->cell->cell.chase.write ? "true" : "false", out);
}
COLUMN(chains)
{
    if (is_chase(line))
        count(line->cell->cell.chase.chains, out);
}
COLUMN(guest_page)
{
    count_if(line->cell->cell.guest_page_bytes, out);
}
COLUMN(host_page)
{
    count_if(line->cell->cell.host_page_bytes, out);
}
COLUMN(guest_obtained)
{
    count_if(line->cell->pages.guest_bytes, out);
}
COLUMN(host_share)
{
    real(line->cell->pages.host_share_2m, out);
}
COLUMN(unit)
{
    (void)line;
    text("ns", out);
}
COLUMN(median)
{
    real(line->cell->median, out);
}
COLUMN(low)
{
    real(line->cell->low, out);
}
COLUMN(high)
{
    real(line->cell->high, out);
}
COLUMN(min)
{
    real(line->cell->min, out);
}
COLUMN(samples)
{
    count(line->cell->sample_count, out);
}
COLUMN(placements)
{
    count(line->cell->placements, out);
}
COLUMN(repeated)
{
    count(line->cell->repeated, out);
}
COLUMN(exits)
{
    if (line->cell->counters.known && !cell_without_guest(line->cell))
        count(line->cell->counters.exits, out);
}
COLUMN(page_faults)
{
    if (line->cell->counters.known)
        count(line->cell->counters.page_faults, out);
}
COLUMN(operations)
{
    count_if(line->cell->operations, out);
}
COLUMN(quality)
{
    text(quality_name(line->cell->quality), out);
}
COLUMN(ratio)
{
    real(line->against ? line->against->ratio : NAN, out);
}
COLUMN(ratio_low)
{
    real(line->against ? line->against->low : NAN, out);
}
COLUMN(ratio_high)
{
    real(line->against ? line->against->high : NAN, out);
}
COLUMN(ratio_placements)
{
    if (line->against)
        count(line->against->placements, out);
}
COLUMN(baseline)
{
    if (line->against)
        text(line->result->cells[line->against->baseline].id, out);
}
COLUMN(reason)
{
    const char *reason = cell_reason(line->cell);
    if (!reason && line->against)
        reason = comparison_reason(line->against);
    text(reason ? reason : "", out);
}

COLUMN(operation)
{
    text(line->cell->operation ? line->cell->operation : "", out);
}
COLUMN(note)
{
    text(line->cell->note, out);
}
COLUMN(modes_low)
{
    real(line->cell->modes.two ? line->cell->modes.low : NAN, out);
}
COLUMN(modes_high)
{
    real(line->cell->modes.two ? line->cell->modes.high : NAN, out);
}
COLUMN(modes_share_high)
{
    real(line->cell->modes.two ? line->cell->modes.share_high : NAN, out);
}
COLUMN(modes_of)
{
    if (line->cell->modes.two)
        text(line->cell->modes.of_placements ? "placements" : "samples", out);
}
COLUMN(trend)
{
    real(line->cell->trend_percent ? line->cell->trend_percent : NAN, out);
}
COLUMN(drift)
{
    real(line->cell->drift_percent ? line->cell->drift_percent : NAN, out);
}

static const struct {
    const char *name;
    void (*value)(const struct line *line, char out[VALUE_BYTES]); /* leaves out "" where there is none */
} columns[] = {
    {"id", id_column},
    {"workload", workload_column},
    {"monitor", monitor_column},
    {"technique", technique_column},
    {"label", label_column},
    {"order", order_column},
    {"working_set_bytes", working_set_column}, /* of an event: its size */
    {"element_bytes", element_column},
    {"write", write_column},
    {"chains", chains_column},
    {"guest_page_bytes", guest_page_column},
    {"host_page_bytes", host_page_column},
    {"guest_obtained_bytes", guest_obtained_column},
    {"host_share_2m", host_share_column},
    {"unit", unit_column},
    {"median", median_column},
    {"low", low_column},
    {"high", high_column},
    {"min", min_column},
    {"samples", samples_column},
    {"placements", placements_column},
    {"repeated", repeated_column},
    {"exits", exits_column},
    {"page_faults", page_faults_column},
    {"quality", quality_column},
    {"ratio", ratio_column},
    {"ratio_low", ratio_low_column},
    {"ratio_high", ratio_high_column},
    {"ratio_placements", ratio_placements_column},
    {"baseline", baseline_column},
    {"reason", reason_column},
    {"operations", operations_column},
    {"operation", operation_column},
    {"note", note_column},
    {"modes_low", modes_low_column},
    {"modes_high", modes_high_column},
    {"modes_share_high", modes_share_high_column},
    {"modes_of", modes_of_column},
    {"trend_percent", trend_column},
    {"drift_percent", drift_column},
};
enum { COLUMNS = sizeof columns / sizeof *columns };

void csv_field(FILE *stream, const char *text)
{
    if (!text[strcspn(text, ",\"\r\n")]) {
        fputs(text, stream);
        return;
    }
    fputc('"', stream);
    for (; *text; text++) {
        if (*text == '"')
            fputc('"', stream);
        fputc(*text, stream);
    }
    fputc('"', stream);
}

static void write_line(FILE *stream, const struct line *line)
{
    for (size_t i = 0; i < COLUMNS; i++) {
        char value[VALUE_BYTES] = "";
        columns[i].value(line, value);
        if (i)
            fputc(',', stream);
        csv_field(stream, value);
    }
    fputc('\n', stream);
}

static const struct result_comparison *comparison_of(const struct result *result, size_t cell)
{
    for (size_t i = 0; i < result->comparison_count; i++)
        if (result->comparisons[i].cell == cell && result->comparisons[i].baseline < result->cell_count)
            return &result->comparisons[i];
    return NULL;
}

int csv_write(const struct result *result, FILE *stream, struct error *error)
{
    const struct report_style style = {.utf8 = true};
    if (terminal_is_viewed(result))
        return terminal_view(result, "csv", stream, &style, error);
    for (size_t i = 0; i < COLUMNS; i++)
        fprintf(stream, "%s%s", i ? "," : "", columns[i].name);
    fputc('\n', stream);
    for (size_t i = 0; i < result->cell_count; i++)
        write_line(stream, &(struct line){result, &result->cells[i], comparison_of(result, i)});
    return 0;
}
