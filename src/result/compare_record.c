/* A comparison as JSON, both ways. */
#include "record/record.h"
#include "result/compare.h"
#include "result/json.h"

#include <math.h>
#include <string.h>

enum { ID_MOST = CELL_ID_BYTES - 1, ROWS_MOST = 100000 };

/* ---- files, differences ---- */

#define AT(member) FIELD_NEEDED, FIELD_AT(struct compared_file, member)
static const struct record quality_record = {"qualities", sizeof(struct compared_file),
    FIELDS({"good", FIELD_COUNT, AT(qualities[QUALITY_GOOD])},
        {"noisy", FIELD_COUNT, AT(qualities[QUALITY_NOISY])},
        {"interrupted", FIELD_COUNT, AT(qualities[QUALITY_INTERRUPTED])},
        {"missing", FIELD_COUNT, AT(qualities[QUALITY_MISSING])})};

static const struct record file_record = {"file", sizeof(struct compared_file),
    FIELDS(
        {"name", FIELD_STRING, AT(name), .about = "As given on the command line; \"standard input\" for -."},
        {"experiment", FIELD_STRING, AT(experiment)},
        {"started", FIELD_STRING, AT(started), .about = "As the result tells it."},
        {"version", FIELD_STRING, AT(version), .about = "Of the vcost that wrote it."},
        {"complete", FIELD_FLAG, AT(complete)},
        {"incomplete_reason", FIELD_STRING, FIELD_PLAIN | AT(incomplete_reason)},
        {"cells", FIELD_RECORD, FIELD_NEEDED, .of = &quality_record,
            .about = "How many cells there are of each quality."}),
    .about = "A result that was compared; the first is the baseline."};

static const struct record told_record = {"text", sizeof(const char *),
    FIELDS({.kind = FIELD_STRING, .flags = FIELD_PLAIN, .about = "null: that file does not tell."})};

static const struct record difference_record = {"difference", sizeof(struct difference),
    FIELDS({"name", FIELD_STRING, FIELD_NEEDED, FIELD_AT(struct difference, name),
               .about = "\"kernel\", \"mitigation\" …"},
        {"key", FIELD_STRING, FIELD_NEEDED | FIELD_PLAIN, FIELD_AT(struct difference, key),
            .about = "Which one, where there are several: \"spectre_v2\"."},
        {"values", FIELD_LIST, FIELD_NEEDED, FIELD_ITEMS(struct difference, told, told_count),
            .of = &told_record, .limit = COMPARE_FILES_MAX})};

/* ---- rows ---- */

static void check_value(struct reader *reader, void *base)
{
    const struct compared_value *value = base;
    reader_interval(reader, "value", value->low, value->value, value->high);
}

#undef AT
#define AT(member) FIELD_AT(struct compared_value, member)
static const struct record value_record = {"value", sizeof(struct compared_value),
    FIELDS({"value", FIELD_REAL, FIELD_NEEDED | FIELD_PLAIN, AT(value),
               .about = "The median, or the ratio to the baseline."},
        {"low", FIELD_REAL, FIELD_NEEDED | FIELD_PLAIN, AT(low),
            .about = "Low end of its 95 % confidence interval."},
        {"high", FIELD_REAL, FIELD_NEEDED | FIELD_PLAIN, AT(high)},
        {"quality", FIELD_ENUM, FIELD_NEEDED, AT(quality), FIELD_NAMES(quality_names)},
        {"reason", FIELD_STRING, FIELD_NEEDED | FIELD_PLAIN, AT(reason),
            .about = "Why it is not good, as the file tells it."}),
    .check = check_value};
static const struct record values_record = {"value", sizeof(struct compared_value),
    FIELDS({.kind = FIELD_RECORD,
        .flags = FIELD_MAYBE | FIELD_PLAIN,
        .count_offset = offsetof(struct compared_value, there),
        .of = &value_record,
        .about = "What a file itself says; null: it does not have the cell."})};

static void check_change(struct reader *reader, void *base)
{
    struct compared_change *change = base;
    bool interval = !isnan(change->low);
    if (interval == isnan(change->high) || (interval && isnan(change->ratio)))
        reader_refuse(reader, "%s: a part of the interval is missing", reader->where);
    reader_interval(reader, "ratio", change->low, change->ratio, change->high);
    if (change->placement_count != 2)
        reader_refuse_key(reader, "placements", "is not two numbers");
    change->verdict = verdict_of(change->low, change->high);
}

static const struct record count_record = {
    "number", sizeof(unsigned), FIELDS({.kind = FIELD_COUNT, .size = sizeof(unsigned)})};

#undef AT
#define AT(member) FIELD_AT(struct compared_change, member)
static const struct record change_record = {"change", sizeof(struct compared_change),
    FIELDS({"ratio", FIELD_REAL, FIELD_NEEDED | FIELD_PLAIN, AT(ratio),
               .about = "1.05: 5 % more than in the first file."},
        {"low", FIELD_REAL, FIELD_NEEDED | FIELD_PLAIN, AT(low),
            .about = "Low end of its 95 % confidence interval."},
        {"high", FIELD_REAL, FIELD_NEEDED | FIELD_PLAIN, AT(high)},
        {"placements", FIELD_LIST, FIELD_NEEDED,
            FIELD_ITEMS(struct compared_change, placements, placement_count), .of = &count_record,
            .check = "'minItems': 2, 'maxItems': 2",
            .about = "Placements that the interval was made over: of the first file, and of this one."},
        {"verdict", FIELD_ENUM, FIELD_OPEN | FIELD_PLAIN, AT(verdict), FIELD_NAMES(verdict_names),
            .other = VERDICT_NONE, .about = "What the interval says; null: there is none."},
        {"disturbed", FIELD_FLAG, FIELD_SOMETIMES, AT(disturbed),
            .about = "Too much was disturbed in one of the two files for an interval."},
        {"reason", FIELD_STRING, FIELD_NEEDED | FIELD_PLAIN, AT(reason), .check = "'minLength': 1"}),
    .check = check_change, .about = "A file's value over the first file's.",
    .rules = "{'if': {'anyOf': [{'properties': {'ratio': {'type': 'null'}}}, {'properties': {'low': "
             "{'type': 'null'}}}, {'properties': {'high': {'type': 'null'}}}]}, 'then': {'properties': "
             "{'reason': {'type': 'string'}, 'verdict': {'type': 'null'}}}}"};

/* What its id does not tell, no one knows: then the id is its name. */
static struct cell cell_of_id(struct reader *reader, const char *id)
{
    struct cell cell = {.monitor = "", .workload = workload_named(id)};
    (void)cell_from_id(id, reader->pool, &cell);
    return cell;
}

static void check_row(struct reader *reader, void *base)
{
    struct compared_row *row = base;
    row->changes[0] = (struct compared_change){.ratio = NAN, .low = NAN, .high = NAN};
    row->cell = cell_of_id(reader, row->id);
    if (row->change_count + 1 != row->value_count)
        reader_refuse_key(
            reader, "changes", "has %zu items for %zu files", row->change_count, row->value_count);
    if (!row->values[0].there)
        reader_refuse(reader, "%s: the first file does not have it", reader->where);
    for (size_t i = 1; i < row->value_count; i++)
        if (!row->values[i].there && !isnan(row->changes[i].ratio))
            reader_refuse(
                reader, "%s.changes[%zu] is a change of what the file does not have", reader->where, i - 1);
}

static void check_slowdown(struct reader *reader, void *base)
{
    const struct compared_row *row = base;
    if (reader_id(reader, row->id) < 0)
        reader_refuse(reader, "slowdowns: %.100s is in none of its times", row->id);
    check_row(reader, base);
}

#undef AT
#define AT(member) FIELD_AT(struct compared_row, member)
#define LISTS                                                                                                \
    {"values", FIELD_LIST, FIELD_NEEDED, FIELD_ITEMS(struct compared_row, values, value_count),              \
        .of = &values_record, .limit = COMPARE_FILES_MAX, .check = "'minItems': 2"},                         \
        {"changes", FIELD_LIST, FIELD_NEEDED, .offset = offsetof(struct compared_row, changes[1]),           \
            .count_offset = offsetof(struct compared_row, change_count), .most = COMPARE_FILES_MAX - 1,      \
            .of = &change_record, .limit = COMPARE_FILES_MAX - 1, .check = "'minItems': 1"},

static const struct record time_record = {"time", sizeof(struct compared_row),
    FIELDS(
        {"id", FIELD_STRING, FIELD_NEEDED | FIELD_WHOLE, AT(id), .most = ID_MOST, .check = "'minLength': 1"},
        {"unit", FIELD_STRING, FIELD_NEEDED, AT(unit), .about = "Of the values."}, LISTS),
    .check = check_row};

static const struct record slowdown_record = {"slowdown", sizeof(struct compared_row),
    FIELDS(
        {"id", FIELD_STRING, FIELD_NEEDED | FIELD_WHOLE, AT(id), .most = ID_MOST, .check = "'minLength': 1"},
        {"baseline", FIELD_STRING, FIELD_NEEDED | FIELD_WHOLE, AT(baseline), .most = ID_MOST,
            .check = "'minLength': 1", .about = "Id of the cell that it is a slowdown over."},
        LISTS),
    .check = check_slowdown};

/* ---- what is not everywhere, the threshold ---- */

static void check_absence(struct reader *reader, void *base)
{
    struct compared_absence *absence = base;
    absence->cell = cell_of_id(reader, absence->id);
}

static const struct record flag_record = {"flag", sizeof(bool), FIELDS({.kind = FIELD_FLAG})};

static const struct record absence_record = {"absence", sizeof(struct compared_absence),
    FIELDS({"id", FIELD_STRING, FIELD_NEEDED | FIELD_WHOLE, FIELD_AT(struct compared_absence, id),
               .most = ID_MOST, .check = "'minLength': 1"},
        {"files", FIELD_LIST, FIELD_NEEDED, FIELD_ITEMS(struct compared_absence, has, has_count),
            .of = &flag_record, .limit = COMPARE_FILES_MAX, .about = "Whether each file has it."}),
    .check = check_absence};

#undef AT
#define AT(member) FIELD_AT(struct compare_threshold, member)
static const struct record threshold_record = {"threshold", sizeof(struct compare_threshold),
    FIELDS({"percent", FIELD_REAL, FIELD_NEEDED | FIELD_PLAIN, AT(percent),
               .check = "'type': 'number', 'minimum': 0"},
        {"metric", FIELD_ENUM, FIELD_NEEDED, AT(metric), FIELD_NAMES(metric_names)},
        {"above", FIELD_COUNT, 0, AT(above), .about = "Changes whose low end is above it."},
        {"passed", FIELD_FLAG, 0, AT(passed), .about = "The threshold was passed: exit status 3."})};

/* ---- the whole ---- */

/* What version 0.1.0 told with the threshold alone, and by the command. */
static enum metric told_metric(const struct compare *compare)
{
    for (size_t i = 1; !compare->threshold.asked && i < compare->command_count; i++)
        if (!strcmp(compare->command[i], "--metric=slowdown") ||
            (!strcmp(compare->command[i - 1], "--metric") && !strcmp(compare->command[i], "slowdown")))
            return METRIC_SLOWDOWN;
    return compare->threshold.metric;
}

/* Of a file, a row or an absence that stands for each file. */
static void check_items(struct reader *reader, const char *list, size_t index, const char *items,
    size_t count, const struct compare *compare)
{
    if (count != compare->file_count)
        reader_refuse(reader, "%s[%zu].%s has not one item for each of %zu files", list, index, items,
            compare->file_count);
}

/* A row against the absences, which are what reader_id() finds now. A file may have more cells than rows,
 * where not all were asked for (--only). */
static void check_times(struct reader *reader, const struct compare *compare)
{
    const struct compared_rows *times = &compare->metrics[METRIC_TIME];
    size_t cells[COMPARE_FILES_MAX] = {0};
    for (size_t i = 0; i < times->count; i++) {
        const struct compared_row *row = &times->rows[i];
        long absence = reader_id(reader, row->id);
        for (size_t file = 0; file < compare->file_count; file++) {
            cells[file] += row->values[file].there;
            if (absence >= 0 && compare->absences[absence].has[file] != row->values[file].there)
                reader_refuse(reader, "absences[%ld] contradicts times", absence);
        }
    }
    for (size_t file = 0; file < compare->file_count; file++) {
        const unsigned *of = compare->files[file].qualities;
        if ((size_t)of[QUALITY_GOOD] + of[QUALITY_NOISY] + of[QUALITY_INTERRUPTED] + of[QUALITY_MISSING] <
            cells[file])
            reader_refuse(reader, "files[%zu] has fewer cells than are compared", file);
    }
}

static void check_compare(struct reader *reader, void *base)
{
    struct compare *compare = base;
    struct compare_threshold *threshold = &compare->threshold;
    if (compare->file_count < 2)
        reader_refuse(reader, "files: a comparison is of two or more");
    if (!compare->metrics[METRIC_TIME].count)
        reader_refuse(reader, "times: it compares nothing");
    if (threshold->asked && !(threshold->percent >= 0))
        reader_refuse(reader, "threshold.percent is no threshold");
    for (size_t i = 0; i < compare->difference_count; i++)
        check_items(reader, "differences", i, "values", compare->differences[i].told_count, compare);
    for (enum metric metric = 0; metric < METRICS; metric++)
        for (size_t i = 0; i < compare->metrics[metric].count; i++)
            check_items(reader, metric == METRIC_TIME ? "times" : "slowdowns", i, "values",
                compare->metrics[metric].rows[i].value_count, compare);
    for (size_t i = 0; i < compare->line_count; i++)
        check_items(reader, "accounts", i, "values", compare->lines[i].value_count, compare);
    for (size_t i = 0; i < compare->absence_count; i++)
        check_items(reader, "absences", i, "files", compare->absences[i].has_count, compare);
    if (reader->status)
        return;
    check_times(reader, compare);
    if (compare->metric >= METRICS)
        compare->metric = told_metric(compare);
    if (threshold->asked)
        threshold->above = compare_above(compare, threshold->metric, threshold->percent);
    threshold->passed = threshold->above > 0;
}

#define AMOUNT(member) FIELD_AT(struct compared_amount, member)
static const struct record amount_record = {"account-amount", sizeof(struct compared_amount),
    FIELDS({"count", FIELD_REAL, FIELD_NEEDED | FIELD_PLAIN, AMOUNT(count), .about = "In a run."},
        {"price_ns", FIELD_REAL, FIELD_NEEDED | FIELD_PLAIN, AMOUNT(price_ns)},
        {"cpu_ns", FIELD_REAL, FIELD_NEEDED | FIELD_PLAIN, AMOUNT(cpu_ns),
            .about = "CPU time, more than natively."},
        {"low_ns", FIELD_REAL, FIELD_PLAIN, AMOUNT(low_ns), .about = "Low end of its 95 % interval."},
        {"high_ns", FIELD_REAL, FIELD_PLAIN, AMOUNT(high_ns)})};

#define LINE(member) FIELD_AT(struct compared_line, member)
static const struct record line_record = {"account-line", sizeof(struct compared_line),
    FIELDS({"cell", FIELD_STRING, FIELD_NEEDED | FIELD_WHOLE, LINE(id)},
        {"name", FIELD_STRING, FIELD_NEEDED | FIELD_WHOLE, LINE(name),
            .about = "As in accounts of results; or measured, explained, unexplained."},
        {"values", FIELD_LIST, FIELD_NEEDED, FIELD_ITEMS(struct compared_line, values, value_count),
            .of = &amount_record, .limit = COMPARE_FILES_MAX})};

#undef AT
#define AT(member) FIELD_AT(struct compare, member)
#define POOLED(member, count) FIELD_NEEDED | FIELD_POOLED, FIELD_POINTER(struct compare, member, count)

static const struct record tool_record = {
    "tool", sizeof(struct compare), FIELDS({"version", FIELD_STRING, FIELD_NEEDED, AT(version)})};

const struct record compare_record = {"comparison", sizeof(struct compare),
    FIELDS({"schema", FIELD_CONSTANT, .text = COMPARE_SCHEMA},
        {"tool", FIELD_RECORD, FIELD_NEEDED, .of = &tool_record, .about = "What wrote the file."},
        {"command", FIELD_LIST, POOLED(command, command_count), .about = "The command line."},
        {"metric", FIELD_ENUM, FIELD_LATER, AT(metric), FIELD_NAMES(metric_names), .other = METRICS,
            .about = "What was asked for first; not in files of version 0.1.0."},
        {"files", FIELD_LIST, FIELD_NEEDED, FIELD_ITEMS(struct compare, files, file_count),
            .of = &file_record, .limit = COMPARE_FILES_MAX, .check = "'minItems': 2, 'maxItems': 8"},
        {"differences", FIELD_LIST, POOLED(differences, difference_count), .of = &difference_record,
            .limit = ROWS_MOST,
            .about = "What is not the same about machines and settings; empty: nothing that is told."},
        {"times", FIELD_LIST, FIELD_UNIQUE | POOLED(metrics[METRIC_TIME].rows, metrics[METRIC_TIME].count),
            .of = &time_record, .limit = ROWS_MOST,
            .about = "Cells that the first file and another one have."},
        {"slowdowns", FIELD_LIST, POOLED(metrics[METRIC_SLOWDOWN].rows, metrics[METRIC_SLOWDOWN].count),
            .of = &slowdown_record, .limit = ROWS_MOST,
            .about =
                "Comparisons inside a result (guest over native) that the first file and another one have."},
        {"accounts", FIELD_LIST, FIELD_SOMETIMES | FIELD_POOLED,
            FIELD_POINTER(struct compare, lines, line_count), .of = &line_record, .limit = ROWS_MOST,
            .about = "Of programs (vcost run) that the first file and another one account for."},
        {"absences", FIELD_LIST, FIELD_UNIQUE | POOLED(absences, absence_count), .of = &absence_record,
            .limit = ROWS_MOST, .about = "Cells that some of the files do not have."},
        {"threshold", FIELD_RECORD, FIELD_NEEDED | FIELD_MAYBE | FIELD_PLAIN, AT(threshold),
            .of = &threshold_record, .count_offset = offsetof(struct compare, threshold.asked),
            .about = "What --fail-above asked for; null: nothing."}),
    .check = check_compare,
    .about =
        "Results of vcost (vcost.result/1) held against the first of them. Lists named values, texts or "
        "files have an element for each file, in the order of the command line; changes has one for each "
        "file but the first. A figure that could not be had is null, and the \"reason\" beside it says "
        "why. Within version 1 fields may be added and none changes its meaning."};
