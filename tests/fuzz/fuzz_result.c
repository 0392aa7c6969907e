/* result_parse() on arbitrary bytes: what is refused gets a sentence and leaves the output alone; what is
 * accepted is written and read again as the same, can be compared with itself, which changes
 * nothing, and every report of it can be written. */
#include "report/view_compare.h"
#include "report/view_results.h"
#include "result/json.h"
#include "result/read.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void require(int condition)
{
    if (!condition)
        abort();
}

static void check_rows(const struct compared_rows *rows)
{
    for (size_t i = 0; i < rows->count; i++) {
        const struct compared *other = &rows->rows[i].files[1];
        require(isnan(other->change) ? other->reason != NULL : other->change == 1);
        require(isnan(other->low) ? other->reason != NULL : other->low <= 1 && other->high >= 1);
    }
}

/* In every format that needs no other program. */
static void write_document(struct document *document, FILE *stream)
{
    static const char *const formats[] = {"terminal", "markdown", "csv", "html"};
    const struct report_style style = {.color = true, .utf8 = true, .columns = 60, .verbose = true};
    struct error error = {0};
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        require(!document_write(document, format_named(formats[i]), stream, &style, &error));
    document_free(document);
}

static void write_all(const struct compare *compare)
{
    static char *words[] = {"vcost", "compare"};
    const struct compare_request request = {2, words, METRIC_SLOWDOWN, 5};
    struct error error = {0};
    struct document comparison = {0}, result = {0};
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    require(stream != NULL);
    require(!compare_json(compare, &request, stream, &error));
    view_compare(compare, &request, &comparison);
    write_document(&comparison, stream);
    view_results(compare->files, 1, compare->files[0].name, &result);
    write_document(&result, stream);
    fclose(stream);
    free(text);
}

static void compare_with_itself(const struct result *result)
{
    const struct compare_input files[2] = {{"a", result}, {"b", result}};
    struct compare compare;
    struct error error = {0};
    if (compare_make(files, 2, NULL, &compare, &error)) {
        require(error.code > 0 && error.text[0]);
        return;
    }
    check_rows(&compare.metrics[METRIC_TIME]);
    check_rows(&compare.metrics[METRIC_SLOWDOWN]);
    require(compare.difference_count == 0 && compare.absence_count == 0);
    write_all(&compare);
    compare_free(&compare);
}

static char *text_of(const struct result *result)
{
    struct error error = {0};
    json_t *json = NULL;
    require(!json_from_result(result, &json, &error));
    char *text = json_dumps(json, JSON_REAL_PRECISION(10));
    json_decref(json);
    require(text != NULL);
    return text;
}

static void write_and_read(const struct result *result)
{
    struct result again = {0};
    struct error error = {0};
    char *first = text_of(result);
    require(!result_parse("again", first, strlen(first), &again, &error));
    char *second = text_of(&again);
    require(!strcmp(first, second));
    free(first);
    free(second);
    result_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct result untouched;
    struct result result = {0};
    struct error error = {0};
    if (result_parse("fuzz", (const char *)data, size, &result, &error)) {
        require(error.code > 0 && error.text[0]);
        require(!memcmp(&result, &untouched, sizeof result));
        return 0;
    }
    write_and_read(&result);
    compare_with_itself(&result);
    result_free(&result);
    return 0;
}
