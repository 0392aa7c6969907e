/* options_parse() on arbitrary words, for each command: it keeps within the command's structure, and a
 * failure says something. The words are the input's parts between NULs. */
#include "cli/command.h"
#include "cli/options.h"
#include "cli/settings.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS_MAX = 32 };

static void require(int condition)
{
    if (!condition)
        abort();
}

static int split(char *text, size_t size, char *words[static WORDS_MAX + 1])
{
    int count = 0;
    for (char *word = text; word <= text + size && count < WORDS_MAX; word += strlen(word) + 1)
        words[count++] = word;
    words[count] = NULL;
    return count;
}

/* What was read can be told. */
static void require_settings(const struct invocation *invocation)
{
    struct pool pool = {.newest = NULL};
    size_t count;
    require(invocation->operand_count <= WORDS_MAX);
    if (!invocation->help && !invocation->version) {
        struct result_setting *settings = settings_of(invocation, &pool, &count);
        require(settings && count <= 64);
        free(settings);
    }
    pool_free(&pool);
}

static void try_command(const struct command *command, int argc, char **argv)
{
    struct invocation invocation;
    struct error error = {0};
    void *options = malloc(command->options_bytes + 1);
    require(options != NULL);
    if (options_parse(command, argc, argv, 0, options, &invocation, &error))
        require(error.code > 0 && error.text[0]);
    else
        require_settings(&invocation);
    free(options);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *words[WORDS_MAX + 1];
    char *text = malloc(size + 1);
    require(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    int count = split(text, size, words);
    try_command(&command_vcost, count, words);
    const struct command *command = &command_vcost;
    size_t used;
    struct error error = {0};
    if (command_choose((size_t)count, (const char *const *)words, &command, &used, &error))
        require(error.text[0]);
    require(used <= (size_t)count);
    for (size_t i = 0; command_at(&command_vcost, i); i++)
        try_command(command_at(&command_vcost, i), count, words);
    free(text);
    return 0;
}
