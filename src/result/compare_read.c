/* A comparison read back (vcost.compare/1). Tables read the file into what is `saved` here; of that the
 * comparison is made, once its parts fit each other. */
#include "record/record.h"
#include "result/compare.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const char family[] = "vcost.compare/", schema[] = "vcost.compare/1";

struct saved_file {
    const char *name, *experiment, *version;
    char started[FIELD_SIZE(struct result, started)];
    bool complete;
    char incomplete_reason[FIELD_SIZE(struct result, incomplete_reason)];
    unsigned good, noisy, interrupted, missing;
};

/* What a row says of one file. */
struct saved_part {
    bool there;
    double value, low, high;
    enum quality quality;
    const char *flaw; /* why it is not good; "": nothing is wrong */
    double ratio, ratio_low, ratio_high;
    size_t placements[2];
    const char *no_change;    /* why there is no change; "": nothing is missing */
    struct result_cell *cell; /* made of it; METRIC_TIME */
};

struct saved_row { /* begins with its id */
    const char *id, *baseline, *unit;
    struct saved_part *parts; /* in the pool */
    size_t count;
};

struct saved_difference {
    const char *name, *key;
    struct told told[COMPARE_FILES_MAX];
    size_t count;
};

struct saved_absence { /* likewise */
    struct compared_absence absence;
    size_t count;
};

struct saved {
    const char *version;
    const char **words;
    size_t word_count;
    enum metric metric; /* METRICS: not told */
    struct saved_file files[COMPARE_FILES_MAX];
    size_t file_count;
    struct saved_difference *differences;
    size_t difference_count;
    struct saved_row *rows[METRICS];
    size_t row_counts[METRICS];
    struct saved_absence *absences;
    size_t absence_count;
    bool threshold;
    double percent;
    enum metric threshold_metric;
};

/* ---- lists with an item for each file ---- */

/* One with at most COMPARE_FILES_MAX items, which are counted; NULL after a failure. */
static const json_t *list_of_files(
    struct reader *reader, const json_t *object, const char *key, size_t *count)
{
    const json_t *list = json_object_get(object, key);
    if (!reader_takes(reader, list, key, TAKES(JSON_ARRAY)))
        return NULL;
    *count = json_array_size(list);
    if (*count <= COMPARE_FILES_MAX)
        return list;
    reader_refuse_key(reader, key, "has %zu items, and %d files are the most", *count, COMPARE_FILES_MAX);
    return NULL;
}

static void read_texts(struct reader *reader, const json_t *object, void *base)
{
    struct saved_difference *difference = base;
    const json_t *list = list_of_files(reader, object, "values", &difference->count);
    for (size_t i = 0; list && i < difference->count; i++) {
        const json_t *text = json_array_get(list, i);
        if (reader_takes(reader, text, "values", TAKES(JSON_STRING) | TAKES(JSON_NULL)) &&
            json_is_string(text))
            difference->told[i] =
                (struct told){true, UNIT_TEXT, NAN, pool_text(reader->pool, json_string_value(text))};
    }
}

static void read_flags(struct reader *reader, const json_t *object, void *base)
{
    struct saved_absence *absence = base;
    const json_t *list = list_of_files(reader, object, "files", &absence->count);
    for (size_t i = 0; list && i < absence->count; i++) {
        const json_t *flag = json_array_get(list, i);
        if (reader_takes(reader, flag, "files", TAKES(JSON_TRUE) | TAKES(JSON_FALSE)))
            absence->absence.has[i] = json_is_true(flag);
    }
}

static void read_placements(struct reader *reader, const json_t *object, void *base)
{
    struct saved_part *part = base;
    const json_t *list = json_object_get(object, "placements");
    if (!reader_takes(reader, list, "placements", TAKES(JSON_ARRAY)))
        return;
    for (size_t i = 0; i < 2; i++) {
        json_int_t count = json_integer_value(json_array_get(list, i));
        if (json_array_size(list) != 2 || !json_is_integer(json_array_get(list, i)) || count < 0)
            reader_refuse_key(reader, "placements", "is not two numbers of placements");
        part->placements[i] = (size_t)count;
    }
}

/* ---- rows ---- */

static void check_value(struct reader *reader, void *base)
{
    const struct saved_part *part = base;
    if (part->low > part->value || part->value > part->high || part->low > part->high)
        reader_refuse(reader, "%s: the value lies outside of its interval", reader->where);
}

static void check_change(struct reader *reader, void *base)
{
    const struct saved_part *part = base;
    bool interval = !isnan(part->ratio_low);
    if (interval == isnan(part->ratio_high) || (interval && isnan(part->ratio)))
        reader_refuse(reader, "%s: a part of the interval is missing", reader->where);
    if (part->ratio_low > part->ratio || part->ratio > part->ratio_high)
        reader_refuse(reader, "%s: the ratio lies outside of its interval", reader->where);
}

#define AT(member) FIELD_AT(struct saved_part, member)
static const struct field value_fields[] = {
    {"value", FIELD_REAL, FIELD_NEEDED | FIELD_PLAIN, AT(value)},
    {"low", FIELD_REAL, FIELD_NEEDED | FIELD_PLAIN, AT(low)},
    {"high", FIELD_REAL, FIELD_NEEDED | FIELD_PLAIN, AT(high)},
    {"quality", FIELD_ENUM, FIELD_NEEDED, AT(quality), FIELD_NAMES(quality_names)},
    {"reason", FIELD_STRING, FIELD_NEEDED | FIELD_PLAIN, AT(flaw)},
};
static const struct record value_record = {
    "value", sizeof(struct saved_part), RECORD_FIELDS(value_fields), .check = check_value};

static const struct field_hook placements = {.read = read_placements};
static const struct field change_fields[] = {
    {"ratio", FIELD_REAL, FIELD_NEEDED | FIELD_PLAIN, AT(ratio)},
    {"low", FIELD_REAL, FIELD_NEEDED | FIELD_PLAIN, AT(ratio_low)},
    {"high", FIELD_REAL, FIELD_NEEDED | FIELD_PLAIN, AT(ratio_high)},
    {"placements", FIELD_HOOK, .hook = &placements},
    {"reason", FIELD_STRING, FIELD_NEEDED | FIELD_PLAIN, AT(no_change)},
};
static const struct record change_record = {
    "change", sizeof(struct saved_part), RECORD_FIELDS(change_fields), .check = check_change};
#undef AT

/* The items of values and of changes; `from`: the file that the first is of. */
static void read_parts(struct reader *reader, const json_t *list, const char *key,
    const struct record *record, struct saved_part *parts, size_t from)
{
    for (size_t i = 0; i < json_array_size(list) && !reader->status; i++) {
        const json_t *item = json_array_get(list, i);
        unsigned or_null = from ? 0 : TAKES(JSON_NULL);
        char place[24];
        snprintf(place, sizeof place, "%s[%zu]", key, i);
        if (!reader_takes(reader, item, place, TAKES(JSON_OBJECT) | or_null) || json_is_null(item))
            continue;
        parts[from + i].there |= !from;
        record_take(record, reader, item, place, &parts[from + i]);
    }
}

static void check_row(struct reader *reader, const struct saved_row *row)
{
    if (!row->parts[0].there)
        reader_refuse(reader, "%s: the first file does not have it", reader->where);
    for (size_t i = 1; i < row->count; i++)
        if (!row->parts[i].there && !isnan(row->parts[i].ratio))
            reader_refuse(
                reader, "%s.changes[%zu] is a change of what the file does not have", reader->where, i - 1);
}

static void read_row_lists(struct reader *reader, const json_t *object, void *base)
{
    struct saved_row *row = base;
    size_t change_count = 0;
    const json_t *values = list_of_files(reader, object, "values", &row->count);
    const json_t *changes = list_of_files(reader, object, "changes", &change_count);
    if (!values || !changes)
        return;
    if (change_count + 1 != row->count)
        reader_refuse_key(reader, "changes", "has %zu items for %zu files", change_count, row->count);
    row->parts = pool_room(reader->pool, row->count, sizeof *row->parts);
    if (reader->status || !row->parts)
        return;
    for (size_t i = 0; i < row->count; i++)
        row->parts[i] = (struct saved_part){.value = NAN,
            .low = NAN,
            .high = NAN,
            .ratio = NAN,
            .ratio_low = NAN,
            .ratio_high = NAN,
            .flaw = "",
            .no_change = ""};
    read_parts(reader, values, "values", &value_record, row->parts, 0);
    read_parts(reader, changes, "changes", &change_record, row->parts, 1);
    check_row(reader, row);
}

/* ---- all of it ---- */

#define AT(member) FIELD_AT(struct saved_file, member)
static const struct field quality_fields[] = {
    {"good", FIELD_COUNT, FIELD_NEEDED, AT(good)},
    {"noisy", FIELD_COUNT, FIELD_NEEDED, AT(noisy)},
    {"interrupted", FIELD_COUNT, FIELD_NEEDED, AT(interrupted)},
    {"missing", FIELD_COUNT, FIELD_NEEDED, AT(missing)},
};
static const struct record quality_record = {
    "qualities", sizeof(struct saved_file), RECORD_FIELDS(quality_fields)};

static const struct field file_fields[] = {
    {"name", FIELD_STRING, FIELD_NEEDED, AT(name)},
    {"experiment", FIELD_STRING, FIELD_NEEDED, AT(experiment)},
    {"started", FIELD_TEXT, FIELD_NEEDED, AT(started)},
    {"version", FIELD_STRING, FIELD_NEEDED, AT(version)},
    {"complete", FIELD_FLAG, FIELD_NEEDED, AT(complete)},
    {"incomplete_reason", FIELD_TEXT, FIELD_NEEDED | FIELD_PLAIN, AT(incomplete_reason)},
    {"cells", FIELD_RECORD, FIELD_NEEDED, .of = &quality_record},
};
static const struct record file_record = {"file", sizeof(struct saved_file), RECORD_FIELDS(file_fields)};
#undef AT

static const struct field_hook texts = {.read = read_texts}, flags = {.read = read_flags},
                               row_lists = {.read = read_row_lists};

enum { ID_MOST = CELL_ID_BYTES - 1, ROWS_MOST = 100000 };

static const struct field difference_fields[] = {
    {"name", FIELD_STRING, FIELD_NEEDED, FIELD_AT(struct saved_difference, name)},
    {"key", FIELD_STRING, FIELD_NEEDED | FIELD_PLAIN, FIELD_AT(struct saved_difference, key)},
    {"values", FIELD_HOOK, .hook = &texts},
};
static const struct record difference_record = {
    "difference", sizeof(struct saved_difference), RECORD_FIELDS(difference_fields)};

static const struct field absence_fields[] = {
    {"id", FIELD_STRING, FIELD_NEEDED | FIELD_WHOLE, FIELD_AT(struct saved_absence, absence.id),
        .most = ID_MOST},
    {"files", FIELD_HOOK, .hook = &flags},
};
static const struct record absence_record = {
    "absence", sizeof(struct saved_absence), RECORD_FIELDS(absence_fields)};

#define AT(member) FIELD_AT(struct saved_row, member)
static const struct field time_fields[] = {
    {"id", FIELD_STRING, FIELD_NEEDED | FIELD_WHOLE, AT(id), .most = ID_MOST},
    {"unit", FIELD_STRING, FIELD_NEEDED, AT(unit)},
    {"values", FIELD_HOOK, .hook = &row_lists},
};
static const struct record time_record = {"time", sizeof(struct saved_row), RECORD_FIELDS(time_fields)};

static const struct field slowdown_fields[] = {
    {"id", FIELD_STRING, FIELD_NEEDED | FIELD_WHOLE, AT(id), .most = ID_MOST},
    {"baseline", FIELD_STRING, FIELD_NEEDED | FIELD_WHOLE, AT(baseline), .most = ID_MOST},
    {"values", FIELD_HOOK, .hook = &row_lists},
};
static const struct record slowdown_record = {
    "slowdown", sizeof(struct saved_row), RECORD_FIELDS(slowdown_fields)};
#undef AT

#define AT(member) FIELD_AT(struct saved, member)
static const struct field tool_fields[] = {{"version", FIELD_STRING, FIELD_NEEDED, AT(version)}};
static const struct record tool_record = {"tool", sizeof(struct saved), RECORD_FIELDS(tool_fields)};

static const struct field threshold_fields[] = {
    {"percent", FIELD_REAL, FIELD_NEEDED, AT(percent)},
    {"metric", FIELD_ENUM, FIELD_NEEDED, AT(threshold_metric), FIELD_NAMES(metric_names)},
};
static const struct record threshold_record = {
    "threshold", sizeof(struct saved), RECORD_FIELDS(threshold_fields)};

static const struct field saved_fields[] = {
    {"tool", FIELD_RECORD, FIELD_NEEDED, .of = &tool_record},
    {"command", FIELD_LIST, FIELD_NEEDED, FIELD_POINTER(struct saved, words, word_count)},
    {"metric", FIELD_ENUM, FIELD_LATER, AT(metric), FIELD_NAMES(metric_names), .other = METRICS},
    {"files", FIELD_LIST, FIELD_NEEDED, FIELD_ITEMS(struct saved, files, file_count), .of = &file_record,
        .limit = COMPARE_FILES_MAX},
    {"differences", FIELD_LIST, FIELD_NEEDED, FIELD_POINTER(struct saved, differences, difference_count),
        .of = &difference_record, .limit = ROWS_MOST},
    {"times", FIELD_LIST, FIELD_NEEDED,
        FIELD_POINTER(struct saved, rows[METRIC_TIME], row_counts[METRIC_TIME]), .of = &time_record,
        .limit = ROWS_MOST},
    {"slowdowns", FIELD_LIST, FIELD_NEEDED,
        FIELD_POINTER(struct saved, rows[METRIC_SLOWDOWN], row_counts[METRIC_SLOWDOWN]),
        .of = &slowdown_record, .limit = ROWS_MOST},
    {"absences", FIELD_LIST, FIELD_NEEDED, FIELD_POINTER(struct saved, absences, absence_count),
        .of = &absence_record, .limit = ROWS_MOST},
    {"threshold", FIELD_RECORD, FIELD_NEEDED | FIELD_MAYBE | FIELD_PLAIN, .of = &threshold_record,
        .count_offset = offsetof(struct saved, threshold)},
};
#undef AT

/* Every list has an item for each file. */
static void check_counts(struct reader *reader, void *base)
{
    const struct saved *saved = base;
    size_t files = saved->file_count;
    if (files < 2)
        reader_refuse(reader, "files: a comparison is of two or more");
    if (!saved->row_counts[METRIC_TIME])
        reader_refuse(reader, "times: it compares nothing");
    if (saved->threshold && !(saved->percent >= 0))
        reader_refuse(reader, "threshold.percent is no threshold");
    for (size_t i = 0; i < saved->difference_count; i++)
        if (saved->differences[i].count != files)
            reader_refuse(reader, "differences[%zu].values has not one item for each of %zu files", i, files);
    for (enum metric metric = 0; metric < METRICS; metric++)
        for (size_t i = 0; i < saved->row_counts[metric]; i++)
            if (saved->rows[metric][i].count != files)
                reader_refuse(reader, "%s[%zu].values has not one item for each of %zu files",
                    metric == METRIC_TIME ? "times" : "slowdowns", i, files);
    for (size_t i = 0; i < saved->absence_count; i++)
        if (saved->absences[i].count != files)
            reader_refuse(reader, "absences[%zu].files has not one item for each of %zu files", i, files);
}

static const struct record saved_record = {
    "comparison", sizeof(struct saved), RECORD_FIELDS(saved_fields), .check = check_counts};

/* ---- the comparison that it is ---- */

/* While it is made. */
struct making {
    struct reader *reader;
    struct saved *saved;
    struct compare *made;
    struct result *results; /* of the files */
    struct reader_id *ids;  /* of the rows of times, sorted; owned */
};

static int by_id(const void *a, const void *b)
{
    return strcmp(((const struct reader_id *)a)->id, ((const struct reader_id *)b)->id);
}

/* NULL: there is none. */
static struct saved_row *time_of(const struct making *making, const char *id)
{
    struct saved *saved = making->saved;
    const struct reader_id wanted = {.id = id}, *found;
    found = bsearch(&wanted, making->ids, saved->row_counts[METRIC_TIME], sizeof wanted, by_id);
    return found ? &saved->rows[METRIC_TIME][found->index] : NULL;
}

/* Of items that begin with their id, each of which is there once; to be freed. */
static struct reader_id *sorted_ids(
    struct reader *reader, const char *what, const void *items, size_t count, size_t bytes)
{
    struct reader_id *ids = reader_room(reader, count, sizeof *ids);
    for (size_t i = 0; ids && i < count; i++)
        ids[i] = (struct reader_id){*(const char *const *)((const char *)items + i * bytes), i};
    if (ids)
        qsort(ids, count, sizeof *ids, by_id);
    for (size_t i = 1; ids && i < count; i++)
        if (!by_id(&ids[i - 1], &ids[i]))
            reader_refuse(reader, "%s: %.100s is there twice", what, ids[i].id);
    return ids;
}

/* The first file that has it, where one cell stands for those of all; SIZE_MAX: none, or rows have it. */
static size_t file_of_absence(const struct making *making, const struct compared_absence *absence)
{
    for (size_t file = 0; file < making->saved->file_count && !time_of(making, absence->id); file++)
        if (absence->has[file])
            return file;
    return SIZE_MAX;
}

/* How many cells of a file are told of. */
static size_t count_cells(const struct making *making, size_t file)
{
    const struct saved *saved = making->saved;
    size_t count = 0;
    for (size_t i = 0; i < saved->row_counts[METRIC_TIME]; i++)
        count += saved->rows[METRIC_TIME][i].parts[file].there;
    for (size_t i = 0; i < saved->absence_count; i++)
        count += file_of_absence(making, &saved->absences[i].absence) == file;
    return count;
}

static void make_files(struct making *making)
{
    const struct saved *saved = making->saved;
    struct compare *made = making->made;
    making->results = pool_room(&made->pool, saved->file_count, sizeof *making->results);
    for (size_t i = 0; making->results && i < saved->file_count; i++) {
        const struct saved_file *file = &saved->files[i];
        struct result *result = &making->results[i];
        const size_t qualities[QUALITIES] = {file->good, file->noisy, file->interrupted, file->missing};
        memcpy(made->qualities[i], qualities, sizeof qualities);
        made->files[i] = (struct compare_input){file->name, result};
        result->experiment = file->experiment;
        result->tool = (struct tool){file->version, ""};
        result->complete = file->complete;
        memcpy(result->started, file->started, sizeof file->started);
        memcpy(result->incomplete_reason, file->incomplete_reason, sizeof file->incomplete_reason);
        result->cells = pool_room(&made->pool, count_cells(making, i), sizeof *result->cells);
    }
    made->file_count = saved->file_count;
}

/* What its id does not tell, no one knows: then the id is its name. */
static struct result_cell *add_cell(struct making *making, size_t file, const char *id)
{
    struct result *result = &making->results[file];
    struct result_cell *cell = &result->cells[result->cell_count++];
    *cell = (struct result_cell){.median = NAN, .low = NAN, .high = NAN, .min = NAN};
    record_cut(id, cell->id, sizeof cell->id);
    if (!cell_from_id(id, &making->made->pool, &cell->cell))
        cell->cell = (struct cell){.monitor = "", .event = {id, 0}};
    return cell;
}

static void add_cells(struct making *making)
{
    struct saved *saved = making->saved;
    for (size_t i = 0; i < saved->row_counts[METRIC_TIME]; i++)
        for (size_t file = 0; file < saved->file_count; file++) {
            const struct saved_row *row = &saved->rows[METRIC_TIME][i];
            struct saved_part *part = &row->parts[file];
            if (!part->there)
                continue;
            struct result_cell *cell = part->cell = add_cell(making, file, row->id);
            cell->unit = row->unit;
            cell->median = part->value;
            cell->low = part->low;
            cell->high = part->high;
            cell->quality = part->quality;
            record_cut(part->flaw, cell->reason, sizeof cell->reason);
        }
}

static void add_absent(struct making *making)
{
    const struct saved *saved = making->saved;
    struct compare *made = making->made;
    made->absences = pool_room(&made->pool, saved->absence_count, sizeof *made->absences);
    for (size_t i = 0; made->absences && i < saved->absence_count; i++) {
        const struct compared_absence *absence = &saved->absences[i].absence;
        const struct saved_row *row = time_of(making, absence->id);
        size_t first = file_of_absence(making, absence);
        made->absences[made->absence_count++] = *absence;
        for (size_t file = 0; row && file < saved->file_count; file++)
            if (row->parts[file].there != absence->has[file])
                reader_refuse(making->reader, "absences[%zu] contradicts times", i);
        if (first == SIZE_MAX)
            continue;
        struct result_cell *cell = add_cell(making, first, absence->id);
        cell->quality = QUALITY_MISSING;
        record_cut("the comparison does not hold its figures", cell->reason, sizeof cell->reason);
    }
}

/* A file may have more cells than were asked for (--only). */
static void check_qualities(const struct making *making)
{
    for (size_t file = 0; file < making->made->file_count; file++) {
        size_t count = 0;
        for (enum quality quality = 0; quality < QUALITIES; quality++)
            count += making->made->qualities[file][quality];
        if (count < making->results[file].cell_count)
            reader_refuse(making->reader, "files[%zu] has fewer cells than are compared", file);
    }
}

static struct compared compared_of(
    struct making *making, enum metric metric, const struct saved_part *part, const struct result_cell *cell)
{
    struct compared compared = {.cell = part->there ? cell : NULL,
        .value = part->value,
        .change = part->ratio,
        .low = part->ratio_low,
        .high = part->ratio_high,
        .placements = {part->placements[0], part->placements[1]},
        .flaw = part->flaw[0] ? part->flaw : NULL,
        .reason = part->no_change[0] ? part->no_change : NULL};
    struct result_comparison *comparison = NULL;
    if (metric == METRIC_SLOWDOWN && part->there)
        comparison = pool_room(&making->made->pool, 1, sizeof *comparison);
    if (comparison) /* which cells these are the row says */
        *comparison = (struct result_comparison){.ratio = part->value,
            .low = part->low,
            .high = part->high,
            .more_ns = NAN,
            .more_low_ns = NAN,
            .more_high_ns = NAN};
    compared.comparison = comparison;
    return compared;
}

static void make_row(struct making *making, enum metric metric, const struct saved_row *row)
{
    struct compare *made = making->made;
    struct compared_rows *rows = &made->metrics[metric];
    const struct saved_row *cells = time_of(making, row->id);
    struct compared *files = pool_room(&made->pool, made->file_count, sizeof *files);
    for (size_t file = 0; files && file < made->file_count; file++) {
        const struct result_cell *cell = cells ? cells->parts[file].cell : NULL;
        if (row->parts[file].there && !cell)
            reader_refuse(making->reader, "slowdowns: %.100s is in none of its times", row->id);
        files[file] = compared_of(making, metric, &row->parts[file], cell);
    }
    rows->rows[rows->count++] = (struct compared_row){
        row->id, metric == METRIC_SLOWDOWN ? row->baseline : NULL, row->unit ? row->unit : "", files};
}

static void make_rows(struct making *making)
{
    const struct saved *saved = making->saved;
    struct compare *made = making->made;
    for (enum metric metric = 0; metric < METRICS; metric++) {
        made->metrics[metric].rows =
            pool_room(&made->pool, saved->row_counts[metric], sizeof *made->metrics[metric].rows);
        for (size_t i = 0; made->metrics[metric].rows && i < saved->row_counts[metric]; i++)
            make_row(making, metric, &saved->rows[metric][i]);
    }
}

/* Those of one name have the same one. */
static void make_differences(struct making *making)
{
    const struct saved *saved = making->saved;
    struct compare *made = making->made;
    struct difference *last = NULL;
    made->differences = pool_room(&made->pool, saved->difference_count, sizeof *made->differences);
    for (size_t i = 0; made->differences && i < saved->difference_count; i++) {
        const struct saved_difference *from = &saved->differences[i];
        struct difference *to = &made->differences[made->difference_count++];
        to->name = last && !strcmp(last->name, from->name) ? last->name : from->name;
        to->key = from->key[0] ? from->key : NULL;
        memcpy(to->told, from->told, sizeof to->told);
        last = to;
    }
}

/* Version 0.1.0 told it with the threshold alone, and by the command. */
static enum metric metric_of(const struct saved *saved)
{
    if (saved->metric < METRICS)
        return saved->metric;
    for (size_t i = 1; !saved->threshold && i < saved->word_count; i++)
        if (!strcmp(saved->words[i], "--metric=slowdown") ||
            (!strcmp(saved->words[i - 1], "--metric") && !strcmp(saved->words[i], "slowdown")))
            return METRIC_SLOWDOWN;
    return saved->threshold ? saved->threshold_metric : METRIC_TIME;
}

static void make_request(struct making *making, struct compare_request *request)
{
    const struct saved *saved = making->saved;
    char **words = pool_room(&making->made->pool, saved->word_count + 1, sizeof *words);
    for (size_t i = 0; words && i < saved->word_count; i++)
        words[i] = (char *)saved->words[i];
    *request = (struct compare_request){
        (int)saved->word_count, words, metric_of(saved), saved->threshold ? saved->percent : -1};
    making->made->version = saved->version;
}

static void make(struct making *making, struct compare_request *request)
{
    struct compare *made = making->made;
    const struct saved *saved = making->saved;
    struct reader *reader = making->reader;
    making->ids = sorted_ids(reader, "times", saved->rows[METRIC_TIME], saved->row_counts[METRIC_TIME],
        sizeof *saved->rows[METRIC_TIME]);
    free(sorted_ids(reader, "absences", saved->absences, saved->absence_count, sizeof *saved->absences));
    if (!reader->status)
        make_files(making);
    if (!reader->status && !made->pool.failed)
        add_cells(making);
    if (!reader->status && !made->pool.failed)
        add_absent(making);
    if (!reader->status && !made->pool.failed)
        check_qualities(making);
    if (!reader->status && !made->pool.failed)
        make_rows(making);
    if (!reader->status)
        make_differences(making);
    make_request(making, request);
    free(making->ids);
}

static void check_schema(struct reader *reader, const json_t *root)
{
    const char *name = json_string_value(json_object_get(root, "schema"));
    if (!name || strcmp(name, schema) != 0)
        reader->status = error_set(reader->error, EINVAL,
            "%.150s is of schema %.60s, and this vcost reads %s: use the vcost that wrote it, or a newer one",
            reader->name, name ? name : "none", schema);
}

bool compare_is(const json_t *root)
{
    const char *name = json_string_value(json_object_get(root, "schema"));
    return name && !strncmp(name, family, strlen(family));
}

int compare_take(const char *name, const json_t *root, struct compare *compare,
    struct compare_request *request, struct error *error)
{
    struct compare made = {0};
    struct compare_request asked = {0};
    struct saved saved = {.metric = METRICS};
    struct reader reader = {.name = name, .what = "vcost comparison", .pool = &made.pool, .error = error};
    check_schema(&reader, root);
    if (!reader.status)
        record_read(&saved_record, root, &saved, &reader);
    if (!reader.status)
        make(&(struct making){.reader = &reader, .saved = &saved, .made = &made}, &asked);
    if (!reader.status && made.pool.failed)
        reader.status = error_set(error, ENOMEM, "not enough memory to read %.200s", name);
    free(saved.words);
    free(saved.differences);
    free(saved.rows[METRIC_TIME]);
    free(saved.rows[METRIC_SLOWDOWN]);
    free(saved.absences);
    if (reader.status) {
        compare_free(&made);
    } else {
        *compare = made;
        *request = asked;
    }
    return reader.status;
}
