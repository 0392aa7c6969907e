#include "report/compare_report.h"

#include "report/csv.h"
#include "result/words.h"

#include <math.h>

struct line {
    const struct compare *compare;
    enum metric metric;
    const struct compared_row *row;
    size_t file;
};

static const struct compared *of(const struct line *line)
{
    return &line->row->files[line->file];
}

enum { VALUE_BYTES = 48 };

static const char *real(double value, char room[VALUE_BYTES])
{
    room[0] = 0;
    if (isfinite(value))
        snprintf(room, VALUE_BYTES, "%.10g", value);
    return room;
}

#define COLUMN(name) static const char *name##_column(const struct line *line, char room[VALUE_BYTES])

COLUMN(metric)
{
    (void)room;
    return line->metric == METRIC_TIME ? "time" : "slowdown";
}
COLUMN(id)
{
    (void)room;
    return line->row->id;
}
COLUMN(baseline)
{
    (void)room;
    return line->row->baseline ? line->row->baseline : "";
}
COLUMN(unit)
{
    (void)room;
    return line->row->unit;
}
COLUMN(file)
{
    (void)room;
    return line->compare->files[line->file].name;
}
COLUMN(value)
{
    return real(of(line)->value, room);
}
COLUMN(ratio)
{
    return real(of(line)->change, room);
}
COLUMN(ratio_low)
{
    return real(of(line)->low, room);
}
COLUMN(ratio_high)
{
    return real(of(line)->high, room);
}
COLUMN(verdict)
{
    (void)room;
    const char *name = verdict_name(verdict_of(of(line)->low, of(line)->high));
    return name ? name : "";
}
COLUMN(quality)
{
    (void)room;
    return of(line)->cell ? quality_name(of(line)->cell->quality) : "";
}
COLUMN(reason)
{
    (void)room;
    return of(line)->reason ? of(line)->reason : "";
}

static const struct {
    const char *name;
    const char *(*text)(const struct line *line, char room[VALUE_BYTES]);
} columns[] = {
    {"metric", metric_column},
    {"id", id_column},
    {"baseline", baseline_column},
    {"unit", unit_column},
    {"file", file_column},
    {"value", value_column},
    {"ratio", ratio_column},
    {"ratio_low", ratio_low_column},
    {"ratio_high", ratio_high_column},
    {"verdict", verdict_column},
    {"quality", quality_column},
    {"reason", reason_column},
};
enum { COLUMNS = sizeof columns / sizeof *columns };

static void write_line(FILE *stream, const struct line *line)
{
    for (size_t i = 0; i < COLUMNS; i++) {
        char room[VALUE_BYTES];
        if (i)
            fputc(',', stream);
        csv_field(stream, columns[i].text(line, room));
    }
    fputc('\n', stream);
}

int compare_csv(const struct compare *compare, FILE *stream, struct error *error)
{
    (void)error; /* as every writer: today nothing can fail but the stream */
    for (size_t i = 0; i < COLUMNS; i++)
        fprintf(stream, "%s%s", i ? "," : "", columns[i].name);
    fputc('\n', stream);
    for (enum metric metric = 0; metric < METRICS; metric++)
        for (size_t i = 0; i < compare->metrics[metric].count; i++)
            for (size_t file = 0; file < compare->file_count; file++)
                write_line(stream, &(struct line){compare, metric, &compare->metrics[metric].rows[i], file});
    return 0;
}
