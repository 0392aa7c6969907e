/* results_parse() on arbitrary bytes: what is refused gets a sentence and leaves the output alone; what is
 * accepted is written, and read and written again as it was. */
#include "result/json.h"
#include "result/read.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void require(int condition)
{
    if (!condition)
        abort();
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
        return 0;
    }
    for (size_t i = 0; i < count; i++)
        write_and_read(&results[i]);
    results_free(results, count);
    return 0;
}
