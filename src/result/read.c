#include "result/read.h"

#include "base/clean.h"
#include "base/packed.h"
#include "base/utf16.h"
#include "record/record.h"
#include "result/json.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- what the whole must be ---- */

static const char *schema_of(const json_t *root)
{
    return json_string_value(json_object_get(root, "schema"));
}

/* Whether it names that schema, in whatever version. */
static bool is_of_family(const json_t *root, const char *schema)
{
    const char *name = schema_of(root);
    return name && !strncmp(name, schema, strlen(schema) - 1);
}

bool compare_is(const json_t *root)
{
    return is_of_family(root, COMPARE_SCHEMA);
}

static void check_version(struct reader *reader, const json_t *root, const char *schema)
{
    if (strcmp(schema_of(root), schema) != 0)
        reader->status = error_set(reader->error, EINVAL,
            "%.150s is of schema %.60s, and this vcost reads %s: use the vcost that wrote it, or a newer one",
            reader->name, schema_of(root), schema);
}

/* What is no result, and what is one of another version, before anything else is complained about. */
static void check_schema(struct reader *reader, const json_t *root)
{
    if (!json_is_object(root))
        reader_refuse(reader, "it is no JSON object");
    else if (!schema_of(root))
        reader_refuse(reader, "it names no schema");
    else if (compare_is(root))
        reader->status = error_set(reader->error, EINVAL,
            "%.150s is a comparison, which does not hold the results: vcost report shows it, alone; compare "
            "the files that it names anew",
            reader->name);
    else if (!is_of_family(root, RESULT_SCHEMA))
        reader_refuse(reader, "its schema is \"%.60s\", not \"%s\"", schema_of(root), RESULT_SCHEMA);
    else
        check_version(reader, root, RESULT_SCHEMA);
}

int compare_take(const char *name, const json_t *root, struct compare *compare, struct error *error)
{
    struct compare made = {.metric = METRICS};
    struct reader reader = {.name = name, .what = "vcost comparison", .pool = &made.pool, .error = error};
    check_version(&reader, root, COMPARE_SCHEMA);
    if (!reader.status)
        record_read(&compare_record, root, &made, &reader);
    if (reader.status)
        compare_free(&made);
    else
        *compare = made;
    return reader.status;
}

static int take_result(const char *name, const json_t *root, struct result *result, struct error *error)
{
    struct result made = {0};
    struct reader reader = {.name = name, .what = "vcost result", .pool = &made.pool, .error = error};
    check_schema(&reader, root);
    if (!reader.status)
        record_read(&result_record, root, &made, &reader);
    if (reader.status)
        result_free(&made);
    else
        *result = made;
    return reader.status;
}

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

/* ---- from bytes ---- */

/* What stands between two texts; false: they are not there. */
static bool between(const char *open, const char *close, const char **bytes, size_t *size)
{
    const char *end = *bytes + *size, *start = memmem(*bytes, *size, open, strlen(open));
    start = start ? start + strlen(open) : NULL;
    const char *stop = start ? memmem(start, (size_t)(end - start), close, strlen(close)) : NULL;
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
    static const char first[] = "<!doctype html", close[] = "</script>";
    size_t space = 0;
    while (space < *size && isspace((unsigned char)(*bytes)[space]))
        space++;
    if (*size - space < strlen(first) || strncasecmp(*bytes + space, first, strlen(first)) != 0 ||
        between(RESULT_SCRIPT("json"), close, bytes, size))
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
    char text[JSON_ERROR_TEXT_LENGTH]; /* what jansson says may repeat the file */
    if (!size)
        return error_set(error, EINVAL, "%.200s is empty", name);
    json_t *loaded = json_loadb(bytes, size, JSON_REJECT_DUPLICATES, &wrong);
    if (!loaded && json_error_code(&wrong) == json_error_out_of_memory)
        return error_set(error, ENOMEM, "not enough memory to read %.200s", name);
    if (!loaded) {
        text_clean(wrong.text, TEXT_ASCII, text, sizeof text);
        return error_set(
            error, EINVAL, "%.150s is no JSON: line %d, column %d: %s", name, wrong.line, wrong.column, text);
    }
    *root = loaded;
    return 0;
}

/* Narrows a text to UTF-8 without byte order mark; *recoded is to be freed. */
static int read_coding(
    const char *name, const char **bytes, size_t *size, char **recoded, struct error *error)
{
    size_t mark;
    enum text_coding coding = text_coding_of(*bytes, *size, &mark);
    *bytes += mark;
    *size -= mark;
    if (coding == CODING_UTF32)
        return error_set(error, EINVAL, "%.200s is UTF-32: save it as UTF-8", name);
    if (coding == CODING_UTF8)
        return 0;
    if (utf16_to_utf8(*bytes, *size, coding, recoded, size) < 0)
        return error_set(error, ENOMEM, "not enough memory to read %.200s", name);
    *bytes = *recoded;
    return 0;
}

int saved_parse(const char *name, const char *bytes, size_t size, json_t **root, struct error *error)
{
    char *recoded = NULL, *unpacked = NULL;
    int status = read_coding(name, &bytes, &size, &recoded, error);
    if (!status)
        status = find_in_page(name, &bytes, &size, &unpacked, error);
    if (!status)
        status = load_json(name, bytes, size, root, error);
    free(unpacked);
    free(recoded);
    return status;
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
        status = saved_parse(name, bytes, size, root, error);
    free(bytes);
    return status;
}
