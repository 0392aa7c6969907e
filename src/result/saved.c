#include "result/saved.h"

#include "record/json_take.h"
#include "result/saved_facts.h"
#include "base/clean.h"
#include "result/words.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char schema[] = "vcost.result/1", family[] = "vcost.result/";

enum { ID_BYTES_MAX = 512, UNIT_BYTES_MAX = 24 };

/* ---- cells ---- */

static int compare_samples(const void *a, const void *b)
{
    const struct saved_sample *x = a, *y = b;
    if (x->placement != y->placement)
        return x->placement < y->placement ? -1 : 1;
    return (x->round > y->round) - (x->round < y->round);
}

static void take_sample(struct take *take, const json_t *object, struct saved_cell *cell)
{
    struct saved_sample sample = {
        .value = take_figure(take, object, "value"),
        .placement = take_count(take, object, "placement"),
        .round = take_count(take, object, "round"),
        .disturbed =
            json_is_string(take_value(take, object, "disturbed", TAKE(JSON_STRING) | TAKE(JSON_NULL))),
    };
    if (!isnan(sample.value))
        cell->samples[cell->sample_count++] = sample;
}

static void take_samples(struct take *take, const json_t *object, struct saved_cell *cell)
{
    const json_t *array = take_value(take, object, "samples", TAKE(JSON_ARRAY));
    char where[TAKE_WHERE_BYTES];
    memcpy(where, take->where, sizeof where);
    cell->samples = take_room(take, json_array_size(array), sizeof *cell->samples);
    for (size_t i = 0; !take->status && i < json_array_size(array); i++) {
        snprintf(take->where, sizeof take->where, "%.32s.samples[%zu]", where, i);
        take_sample(take, json_array_get(array, i), cell);
    }
    memcpy(take->where, where, sizeof where);
    if (cell->sample_count)
        qsort(cell->samples, cell->sample_count, sizeof *cell->samples, compare_samples);
}

static enum quality take_quality(struct take *take, const json_t *object)
{
    const char *name = json_string_value(take_value(take, object, "quality", TAKE(JSON_STRING)));
    for (enum quality quality = QUALITY_GOOD; name && quality <= QUALITY_MISSING; quality++)
        if (!strcmp(name, quality_name(quality)))
            return quality;
    take_refuse(take, "%s.quality is none that is known", take->where);
    return QUALITY_MISSING;
}

/* NAN orders with everything. */
static bool in_order(double low, double high)
{
    return !(low > high);
}

static void check_cell(struct take *take, const struct saved_cell *cell)
{
    if (take->status)
        return;
    if (!cell->id[0] || strlen(cell->id) > ID_BYTES_MAX)
        take_refuse(take, "%s.id is empty or too long", take->where);
    else if (strlen(cell->unit) > UNIT_BYTES_MAX)
        take_refuse(take, "%s.unit is too long", take->where);
    else if (!in_order(cell->low, cell->median) || !in_order(cell->median, cell->high) ||
             !in_order(cell->low, cell->high))
        take_refuse(take, "%s: the median lies outside of its interval", take->where);
}

static void take_cell(struct take *take, const json_t *object, struct saved_cell *cell)
{
    *cell = (struct saved_cell){
        .id = take_text(take, object, "id"),
        .workload = take_text(take, object, "workload"),
        .unit = take_text(take, object, "unit"),
        .median = take_figure(take, object, "median"),
        .low = take_figure(take, object, "low"),
        .high = take_figure(take, object, "high"),
        .min = take_figure(take, object, "min"),
        .quality = take_quality(take, object),
        .reason = take_text_or_null(take, object, "reason"),
    };
    take_samples(take, object, cell);
    check_cell(take, cell);
}

static int compare_cells(const void *a, const void *b)
{
    const struct saved_id *x = a, *y = b;
    return strcmp(x->cell->id, y->cell->id);
}

static void index_cells(struct take *take, struct saved *saved)
{
    saved->by_id = take_room(take, saved->cell_count, sizeof *saved->by_id);
    if (take->status || !saved->cell_count)
        return;
    for (size_t i = 0; i < saved->cell_count; i++)
        saved->by_id[i].cell = &saved->cells[i];
    qsort(saved->by_id, saved->cell_count, sizeof *saved->by_id, compare_cells);
    for (size_t i = 1; i < saved->cell_count; i++)
        if (!compare_cells(&saved->by_id[i - 1], &saved->by_id[i]))
            take_refuse(take, "the cell %.100s is there twice", saved->by_id[i].cell->id);
}

static void take_cells(struct take *take, const json_t *root, struct saved *saved)
{
    const json_t *array = take_value(take, root, "cells", TAKE(JSON_ARRAY));
    saved->cells = take_room(take, json_array_size(array), sizeof *saved->cells);
    for (size_t i = 0; !take->status && i < json_array_size(array); i++) {
        snprintf(take->where, sizeof take->where, "cells[%zu]", i);
        take_cell(take, json_array_get(array, i), &saved->cells[saved->cell_count++]);
    }
    take->where[0] = 0;
    index_cells(take, saved);
}

const struct saved_cell *saved_cell(const struct saved *saved, const char *id)
{
    const struct saved_cell wanted = {.id = (char *)id};
    const struct saved_id key = {&wanted}, *found = NULL;
    if (saved->cell_count)
        found = bsearch(&key, saved->by_id, saved->cell_count, sizeof key, compare_cells);
    return found ? found->cell : NULL;
}

/* ---- comparisons ---- */

static const struct saved_cell *take_reference(
    struct take *take, const json_t *object, const char *key, const struct saved *saved)
{
    const char *id = json_string_value(take_value(take, object, key, TAKE(JSON_STRING)));
    const struct saved_cell *cell = id ? saved_cell(saved, id) : NULL;
    if (!cell)
        take_refuse(take, "%s.%s names \"%.100s\", which is no cell of it", take->where, key, id ? id : "");
    return cell;
}

static void take_comparison(
    struct take *take, const json_t *object, const struct saved *saved, struct saved_comparison *comparison)
{
    *comparison = (struct saved_comparison){
        .cell = take_reference(take, object, "cell", saved),
        .baseline = take_reference(take, object, "baseline", saved),
        .ratio = take_figure(take, object, "ratio"),
        .low = take_figure(take, object, "low"),
        .high = take_figure(take, object, "high"),
    };
    if (!in_order(comparison->low, comparison->ratio) || !in_order(comparison->ratio, comparison->high))
        take_refuse(take, "%s: the ratio lies outside of its interval", take->where);
}

static int compare_pairs(const void *a, const void *b)
{
    const struct saved_comparison *x = ((const struct saved_pair *)a)->comparison;
    const struct saved_comparison *y = ((const struct saved_pair *)b)->comparison;
    int order = strcmp(x->cell->id, y->cell->id);
    return order ? order : strcmp(x->baseline->id, y->baseline->id);
}

static void index_comparisons(struct take *take, struct saved *saved)
{
    saved->by_pair = take_room(take, saved->comparison_count, sizeof *saved->by_pair);
    if (take->status || !saved->comparison_count)
        return;
    for (size_t i = 0; i < saved->comparison_count; i++)
        saved->by_pair[i].comparison = &saved->comparisons[i];
    qsort(saved->by_pair, saved->comparison_count, sizeof *saved->by_pair, compare_pairs);
    for (size_t i = 1; i < saved->comparison_count; i++)
        if (!compare_pairs(&saved->by_pair[i - 1], &saved->by_pair[i]))
            take_refuse(
                take, "the comparison of %.100s is there twice", saved->by_pair[i].comparison->cell->id);
}

static void take_comparisons(struct take *take, const json_t *root, struct saved *saved)
{
    const json_t *array = take_value(take, root, "comparisons", TAKE(JSON_ARRAY));
    saved->comparisons = take_room(take, json_array_size(array), sizeof *saved->comparisons);
    for (size_t i = 0; !take->status && i < json_array_size(array); i++) {
        snprintf(take->where, sizeof take->where, "comparisons[%zu]", i);
        take_comparison(
            take, json_array_get(array, i), saved, &saved->comparisons[saved->comparison_count++]);
    }
    take->where[0] = 0;
    index_comparisons(take, saved);
}

const struct saved_comparison *saved_comparison(
    const struct saved *saved, const char *cell, const char *baseline)
{
    const struct saved_cell wanted[] = {{.id = (char *)cell}, {.id = (char *)baseline}};
    const struct saved_comparison pair = {.cell = &wanted[0], .baseline = &wanted[1]};
    const struct saved_pair key = {&pair}, *found = NULL;
    if (saved->comparison_count)
        found = bsearch(&key, saved->by_pair, saved->comparison_count, sizeof key, compare_pairs);
    return found ? found->comparison : NULL;
}

/* ---- the whole ---- */

/* What is no result, and what is one of another version, before anything else is complained about. */
static void check_schema(struct take *take, const json_t *root)
{
    const char *name = json_string_value(json_object_get(root, "schema"));
    if (!json_is_object(root))
        take_refuse(take, "it is no JSON object");
    else if (!name)
        take_refuse(take, "it names no schema");
    else if (strncmp(name, family, strlen(family)) != 0)
        take_refuse(take, "its schema is \"%.60s\", not \"%s\"", name, schema);
    else if (strcmp(name, schema) != 0)
        take->status = error_set(take->error, EINVAL,
            "%.150s is of schema %.60s, and this vcost reads %s: use the vcost that wrote it, or a newer one",
            take->name, name, schema);
}

static void take_tool(struct take *take, const json_t *root, struct saved *saved)
{
    const json_t *tool = take_value(take, root, "tool", TAKE(JSON_OBJECT));
    snprintf(take->where, sizeof take->where, "tool");
    saved->version = take_text(take, tool, "version");
    take->where[0] = 0;
}

static void take_result(struct take *take, const json_t *root, struct saved *saved)
{
    check_schema(take, root);
    take_tool(take, root, saved);
    take_value(take, root, "host", TAKE(JSON_OBJECT));
    take_value(take, root, "command", TAKE(JSON_ARRAY));
    saved->experiment = take_text(take, root, "experiment");
    saved->started = take_text(take, root, "started");
    saved->complete = take_flag(take, root, "complete");
    saved->incomplete_reason = take_text_or_null(take, root, "incomplete_reason");
    take_cells(take, root, saved);
    take_comparisons(take, root, saved);
    saved_take_facts(take, root, saved);
}

/* What jansson says may repeat the file. */
static int refuse_json(const char *name, const json_error_t *wrong, struct error *error)
{
    char text[JSON_ERROR_TEXT_LENGTH];
    text_clean(wrong->text, TEXT_ASCII, text, sizeof text);
    if (json_error_code(wrong) == json_error_out_of_memory)
        return error_set(error, ENOMEM, "not enough memory to read %.200s", name);
    return error_set(
        error, EINVAL, "%.150s is no JSON: line %d, column %d: %s", name, wrong->line, wrong->column, text);
}

int saved_parse(const char *name, const char *bytes, size_t size, struct saved *saved, struct error *error)
{
    struct take take = {.name = name, .what = "vcost result", .error = error};
    struct saved made = {0};
    json_error_t wrong;
    if (!size)
        return error_set(error, EINVAL, "%.200s is empty", name);
    json_t *root = json_loadb(bytes, size, JSON_REJECT_DUPLICATES, &wrong);
    if (!root)
        return refuse_json(name, &wrong, error);
    made.name = take_copy(&take, name);
    take_result(&take, root, &made);
    json_decref(root);
    if (take.status)
        saved_free(&made);
    else
        *saved = made;
    return take.status;
}

/* All of a stream, *bytes to be freed. */
static int read_all(FILE *stream, const char *name, char **bytes, size_t *size, struct error *error)
{
    size_t room = 0;
    do {
        room = room ? 2 * room : 1 << 16;
        char *grown = realloc(*bytes, room);
        if (!grown)
            return error_set(error, ENOMEM, "not enough memory to read %.200s", name);
        *bytes = grown;
        *size += fread(grown + *size, 1, room - *size, stream);
        if (*size > SAVED_BYTES_MAX)
            return error_set(error, EFBIG, "%.200s is no vcost result: it is larger than %d MiB", name,
                SAVED_BYTES_MAX >> 20);
    } while (*size == room);
    return ferror(stream) ? error_errno(error, errno, "cannot read %.200s", name) : 0;
}

int saved_read(const char *path, struct saved *saved, struct error *error)
{
    bool standard = !strcmp(path, "-");
    const char *name = standard ? "standard input" : path;
    FILE *stream = standard ? stdin : fopen(path, "re");
    char *bytes = NULL;
    size_t size = 0;
    if (!stream)
        return error_errno(error, errno, "cannot read %.200s", name);
    int status = read_all(stream, name, &bytes, &size, error);
    if (!standard)
        fclose(stream);
    if (!status)
        status = saved_parse(name, bytes, size, saved, error);
    free(bytes);
    return status;
}

static void free_cells(struct saved *saved)
{
    for (size_t i = 0; i < saved->cell_count; i++) {
        free(saved->cells[i].id);
        free(saved->cells[i].workload);
        free(saved->cells[i].unit);
        free(saved->cells[i].reason);
        free(saved->cells[i].samples);
    }
    free(saved->cells);
    free(saved->by_id);
}

void saved_free(struct saved *saved)
{
    free_cells(saved);
    for (size_t i = 0; i < saved->fact_count; i++) {
        free(saved->facts[i].key);
        free(saved->facts[i].text);
    }
    free(saved->facts);
    free(saved->comparisons);
    free(saved->by_pair);
    free(saved->name);
    free(saved->experiment);
    free(saved->started);
    free(saved->version);
    free(saved->incomplete_reason);
    *saved = (struct saved){0};
}
