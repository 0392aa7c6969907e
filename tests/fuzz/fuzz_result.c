/* results_take() and compare_take() on arbitrary bytes: what is refused gets a sentence and leaves the
 * output alone; what is accepted is written, and read and written again as it was, can be compared with
 * itself, changes nothing, and what is said of both can be written in every format. */
#include "report/view_compare.h"
#include "report/views.h"
#include "result/json.h"
#include "tests/unit/read_result.h"

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
        const struct compared_change *other = &rows->rows[i].changes[1];
        require(isnan(other->ratio) ? other->reason != NULL : other->ratio == 1);
        require(isnan(other->low) ? other->reason != NULL : other->low <= 1 && other->high >= 1);
    }
}

/* In every format that needs no other program. */
static void write_document(struct document *document)
{
    static const char *const names[] = {"terminal", "markdown", "csv", "html"};
    const struct report_style style = {.color = true, .utf8 = true, .columns = 60, .verbose = true};
    struct error error = {0};
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    require(stream != NULL);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        require(!document_write(document, format_named(names[i]), stream, &style, &error));
    fclose(stream);
    free(text);
    document_free(document);
}

/* As JSON, to be freed; what is said of it goes into every format. */
static char *write_comparison(const struct compare *compare)
{
    struct document document = {0};
    struct error error = {0};
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    require(stream != NULL);
    require(!compare_json(compare, stream, &error));
    fclose(stream);
    view_compare(compare, &document);
    write_document(&document);
    return text;
}

/* What is written is read, and written again as it was. */
static void try_comparison(const struct compare *compare)
{
    char *first = write_comparison(compare), *second;
    json_t *root = json_loads(first, JSON_REJECT_DUPLICATES, NULL);
    struct compare again;
    struct error error = {0};
    require(root != NULL && compare_is(root));
    require(!compare_take("again", root, &again, &error));
    second = write_comparison(&again);
    require(!strcmp(first, second));
    compare_free(&again);
    json_decref(root);
    free(first);
    free(second);
}

static void read_comparison(const uint8_t *data, size_t size)
{
    json_t *root = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
    struct compare compare;
    struct error error = {0};
    if (root && compare_is(root)) {
        if (compare_take("fuzz", root, &compare, &error)) {
            require(error.code > 0 && error.text[0]);
        } else {
            try_comparison(&compare);
            compare_free(&compare);
        }
    }
    json_decref(root);
}

static void report(const struct result *result)
{
    const struct compare_input file = {"a", result};
    struct document document = {0};
    view_results(&file, 1, file.name, &document);
    write_document(&document);
}

static void compare_with_itself(const struct result *result)
{
    const struct compare_input files[2] = {{"a", result}, {"b", result}};
    static const char *words[] = {"vcost", "compare"};
    struct compare compare;
    struct error error = {0};
    if (compare_make(files, 2, NULL, &compare, &error)) {
        require(error.code > 0 && error.text[0]);
        return;
    }
    check_rows(&compare.metrics[METRIC_TIME]);
    check_rows(&compare.metrics[METRIC_SLOWDOWN]);
    require(compare.difference_count == 0 && compare.absence_count == 0);
    compare.command = words;
    compare.command_count = 2;
    compare.metric = METRIC_SLOWDOWN;
    compare.threshold = (struct compare_threshold){true, 5, METRIC_SLOWDOWN, 0, false};
    try_comparison(&compare);
    compare_free(&compare);
}

static char *written(const struct result *result)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    require(stream != NULL);
    require(!json_write(result, stream, NULL));
    fclose(stream);
    return text;
}

static void write_and_read(const struct result *result)
{
    struct result again;
    struct error error = {0};
    char *first = written(result);
    require(!result_parse("again", first, strlen(first), &again, &error));
    char *second = written(&again);
    require(!strcmp(first, second));
    result_free(&again);
    free(first);
    free(second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct result *results = NULL;
    size_t count = 0;
    struct error error = {0};
    if (results_parse("fuzz", (const char *)data, size, &results, &count, &error)) {
        require(error.code > 0 && error.text[0] && !results && !count);
        read_comparison(data, size);
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        write_and_read(&results[i]);
        compare_with_itself(&results[i]);
        report(&results[i]);
    }
    results_free(results, count);
    return 0;
}
