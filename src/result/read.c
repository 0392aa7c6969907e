#include "result/read.h"

#include "base/clean.h"
#include "base/packed.h"
#include "record/record.h"
#include "result/compare.h"
#include "result/json.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char family[] = "vcost.result/";

/* ---- what the whole must be ---- */

/* What is no result, and what is one of another version, before anything else is complained about. */
static void check_schema(struct reader *reader, const json_t *root)
{
    const char *name = json_string_value(json_object_get(root, "schema"));
    if (!json_is_object(root))
        reader_refuse(reader, "it is no JSON object");
    else if (!name)
        reader_refuse(reader, "it names no schema");
    else if (compare_is(root))
        reader->status = error_set(reader->error, EINVAL,
            "%.150s is a comparison, which does not hold the results: vcost report shows it, alone; compare "
            "the files that it names anew",
            reader->name);
    else if (strncmp(name, family, strlen(family)) != 0)
        reader_refuse(reader, "its schema is \"%.60s\", not \"%s\"", name, RESULT_SCHEMA);
    else if (strcmp(name, RESULT_SCHEMA) != 0)
        reader->status = error_set(reader->error, EINVAL,
            "%.150s is of schema %.60s, and this vcost reads %s: use the vcost that wrote it, or a newer one",
            reader->name, name, RESULT_SCHEMA);
}

struct pair {
    size_t cell, baseline;
};

static int compare_pairs(const void *a, const void *b)
{
    const struct pair *x = a, *y = b;
    if (x->cell != y->cell)
        return x->cell < y->cell ? -1 : 1;
    return (x->baseline > y->baseline) - (x->baseline < y->baseline);
}

static void check_comparisons(struct reader *reader, const struct result *result)
{
    size_t count = result->comparison_count;
    struct pair *sorted = reader_room(reader, count, sizeof *sorted);
    if (!sorted)
        return;
    for (size_t i = 0; i < count; i++)
        sorted[i] = (struct pair){result->comparisons[i].cell, result->comparisons[i].baseline};
    qsort(sorted, count, sizeof *sorted, compare_pairs);
    for (size_t i = 1; i < count; i++)
        if (!compare_pairs(&sorted[i - 1], &sorted[i]))
            reader_refuse(
                reader, "the comparison of %.100s is there twice", result->cells[sorted[i].cell].id);
    free(sorted);
}

static int take_result(const char *name, const json_t *root, struct result *result, struct error *error)
{
    struct result made = {0};
    struct reader reader = {.name = name, .what = "vcost result", .pool = &made.pool, .error = error};
    check_schema(&reader, root);
    if (!reader.status)
        record_read(&result_record, root, &made, &reader);
    if (!reader.status)
        check_comparisons(&reader, &made);
    if (reader.status)
        result_free(&made);
    else
        *result = made;
    return reader.status;
}

/* ---- from bytes ---- */

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

/* ---- several of them ---- */

int results_take(
    const char *name, const json_t *root, struct result **results, size_t *count, struct error *error)
{
    bool several = json_is_array(root);
    size_t wanted = several ? json_array_size(root) : 1, made = 0;
    struct result *list = wanted ? calloc(wanted, sizeof *list) : NULL;
    int status = 0;
    if (!wanted)
        return error_set(error, EINVAL, "%.200s holds no result", name);
    if (!list)
        return error_set(error, ENOMEM, "not enough memory to read %.200s", name);
    for (; made < wanted && !status; made++) {
        char item[200];
        snprintf(item, sizeof item, wanted > 1 ? "%.150s (result %zu)" : "%.190s", name, made + 1);
        status = take_result(item, several ? json_array_get(root, made) : root, &list[made], error);
    }
    if (status) {
        results_free(list, made);
        return status;
    }
    *results = list;
    *count = wanted;
    return 0;
}

void results_free(struct result *results, size_t count)
{
    for (size_t i = 0; i < count; i++)
        result_free(&results[i]);
    free(results);
}

/* ---- a page ---- */

static bool is_page(const char *bytes, size_t size)
{
    static const char first[] = "<!doctype html";
    while (size && isspace((unsigned char)*bytes)) {
        bytes++;
        size--;
    }
    return size >= strlen(first) && !strncasecmp(bytes, first, strlen(first));
}

/* What stands between two texts; false: they are not there. */
static bool between(const char *open, const char *close, const char **bytes, size_t *size)
{
    const char *end = *bytes + *size, *start = memmem(*bytes, *size, open, strlen(open));
    if (!start)
        return false;
    start += strlen(open);
    const char *stop = memmem(start, (size_t)(end - start), close, strlen(close));
    if (!stop)
        return false;
    *bytes = start;
    *size = (size_t)(stop - start);
    return true;
}

/* Narrows a page (HTML, as vcost writes it) to the JSON in it; anything else stays as it is. *unpacked is to
 * be freed. */
static int find_in_page(
    const char *name, const char **bytes, size_t *size, char **unpacked, struct error *error)
{
    static const char close[] = "</script>";
    if (!is_page(*bytes, *size) || between(RESULT_SCRIPT("json"), close, bytes, size))
        return 0;
    if (!between(RESULT_SCRIPT("zlib"), close, bytes, size))
        return error_set(error, EINVAL,
            "%.200s is a page without a vcost result in it: give the JSON file, or a page made by vcost "
            "report",
            name);
    if (packed_read(*bytes, *size, RESULT_BYTES_MAX, unpacked, size, error) < 0)
        return error_prefix(error, "%.200s", name);
    *bytes = *unpacked;
    return 0;
}

static int load_json(const char *name, const char *bytes, size_t size, json_t **root, struct error *error)
{
    json_error_t wrong;
    if (!size)
        return error_set(error, EINVAL, "%.200s is empty", name);
    json_t *loaded = json_loadb(bytes, size, JSON_REJECT_DUPLICATES, &wrong);
    if (!loaded)
        return refuse_json(name, &wrong, error);
    *root = loaded;
    return 0;
}

static int parse(const char *name, const char *bytes, size_t size, json_t **root, struct error *error)
{
    static const char mark[] = "\xef\xbb\xbf"; /* some editors begin UTF-8 with it */
    char *unpacked = NULL;
    if (size >= strlen(mark) && !memcmp(bytes, mark, strlen(mark))) {
        bytes += strlen(mark);
        size -= strlen(mark);
    }
    int status = find_in_page(name, &bytes, &size, &unpacked, error);
    if (!status)
        status = load_json(name, bytes, size, root, error);
    free(unpacked);
    return status;
}

/* From a root, which is released. */
static int take_and_release(
    const char *name, json_t *root, struct result **results, size_t *count, struct error *error)
{
    int status = results_take(name, root, results, count, error);
    json_decref(root);
    return status;
}

int results_parse(const char *name, const char *bytes, size_t size, struct result **results, size_t *count,
    struct error *error)
{
    json_t *root;
    int status = parse(name, bytes, size, &root, error);
    return status ? status : take_and_release(name, root, results, count, error);
}

/* Just one. */
static int only(
    const char *name, struct result *results, size_t count, struct result *result, struct error *error)
{
    if (count == 1) {
        *result = results[0];
        free(results);
        return 0;
    }
    results_free(results, count);
    return error_set(error, EINVAL, "%.200s holds %zu results where one is wanted", name, count);
}

int result_parse(const char *name, const char *bytes, size_t size, struct result *result, struct error *error)
{
    struct result *results;
    size_t count;
    int status = results_parse(name, bytes, size, &results, &count, error);
    return status ? status : only(name, results, count, result, error);
}

/* ---- from files ---- */

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
        if (*size > RESULT_BYTES_MAX)
            return error_set(error, EFBIG, "%.200s is no vcost result: it is larger than %d MiB", name,
                RESULT_BYTES_MAX >> 20);
    } while (*size == room);
    return ferror(stream) ? error_errno(error, errno, "cannot read %.200s", name) : 0;
}

int saved_read(const char *path, json_t **root, struct error *error)
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
        status = parse(name, bytes, size, root, error);
    free(bytes);
    return status;
}

int results_read(const char *path, struct result **results, size_t *count, struct error *error)
{
    json_t *root;
    int status = saved_read(path, &root, error);
    return status
               ? status
               : take_and_release(strcmp(path, "-") ? path : "standard input", root, results, count, error);
}

int result_read(const char *path, struct result *result, struct error *error)
{
    struct result *results;
    size_t count;
    int status = results_read(path, &results, &count, error);
    return status ? status : only(path, results, count, result, error);
}
