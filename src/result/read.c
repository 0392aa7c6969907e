#include "result/read.h"

#include "base/clean.h"
#include "record/record.h"
#include "result/json.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
    else if (strncmp(name, family, strlen(family)) != 0)
        reader_refuse(reader, "its schema is \"%.60s\", not \"%s\"", name, RESULT_SCHEMA);
    else if (strcmp(name, RESULT_SCHEMA) != 0)
        reader->status = error_set(reader->error, EINVAL,
            "%.150s is of schema %.60s, and this vcost reads %s: use the vcost that wrote it, or a newer one",
            reader->name, name, RESULT_SCHEMA);
}

static int compare_pairs(const void *a, const void *b)
{
    const struct result_comparison *x = *(const struct result_comparison *const *)a;
    const struct result_comparison *y = *(const struct result_comparison *const *)b;
    if (x->cell != y->cell)
        return x->cell < y->cell ? -1 : 1;
    return (x->baseline > y->baseline) - (x->baseline < y->baseline);
}

static void check_comparisons(struct reader *reader, const struct result *result)
{
    size_t count = result->comparison_count;
    const struct result_comparison **sorted = reader_room(reader, count, sizeof *sorted);
    if (!sorted)
        return;
    for (size_t i = 0; i < count; i++)
        sorted[i] = &result->comparisons[i];
    qsort(sorted, count, sizeof *sorted, compare_pairs);
    for (size_t i = 1; i < count; i++)
        if (!compare_pairs(&sorted[i - 1], &sorted[i]))
            reader_refuse(
                reader, "the comparison of %.100s is there twice", result->cells[sorted[i]->cell].id);
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

int result_parse(const char *name, const char *bytes, size_t size, struct result *result, struct error *error)
{
    static const char mark[] = "\xef\xbb\xbf"; /* some editors begin UTF-8 with it */
    json_error_t wrong;
    if (size >= strlen(mark) && !memcmp(bytes, mark, strlen(mark))) {
        bytes += strlen(mark);
        size -= strlen(mark);
    }
    if (!size)
        return error_set(error, EINVAL, "%.200s is empty", name);
    json_t *root = json_loadb(bytes, size, JSON_REJECT_DUPLICATES, &wrong);
    if (!root)
        return refuse_json(name, &wrong, error);
    int status = take_result(name, root, result, error);
    json_decref(root);
    return status;
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
        if (*size > RESULT_BYTES_MAX)
            return error_set(
                error, EFBIG, "%.200s is larger than any result: over %d MiB", name, RESULT_BYTES_MAX >> 20);
    } while (!feof(stream) && !ferror(stream));
    return ferror(stream) ? error_errno(error, errno, "cannot read %.200s", name) : 0;
}

int result_read(const char *path, struct result *result, struct error *error)
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
        status = result_parse(name, bytes, size, result, error);
    free(bytes);
    return status;
}
