#include "cli/settings.h"

#include "cli/options.h"
#include "cli/values.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool is_setting(const struct option_spec *option)
{
    static const bool never[OPTION_KINDS] = {
        [OPTION_HELP] = true, [OPTION_VERSION] = true, [OPTION_FILE] = true, [OPTION_OUTPUT] = true};
    return !option->only_shows && !never[option->kind];
}

/* Where option number `index` is stored in a structure of the command's. */
static const void *stored(const struct command *command, size_t index, const void *options)
{
    return (const char *)options + option_offset(command, index);
}

static const char *written(const struct option_spec *option, const void *field, struct pool *pool)
{
    const char *text = value_write(option, field, pool);
    return text ? text : "";
}

static bool is_quick(const struct invocation *invocation)
{
    const struct option_spec *option;
    for (size_t i = 0; (option = option_at(invocation->command, i, NULL)); i++)
        if (option->kind == OPTION_QUICK)
            return *(const bool *)stored(invocation->command, i, invocation->options);
    return false;
}

static const char *joined_operands(const struct invocation *invocation, struct pool *pool)
{
    const char *text = "";
    for (size_t i = 0; i < invocation->operand_count; i++)
        text = pool_format(pool, "%s%s%s", text, i ? " " : "", invocation->operands[i]);
    return text;
}

struct result_setting *settings_of(const struct invocation *invocation, struct pool *pool, size_t *count)
{
    const struct command *command = invocation->command;
    const struct option_spec *option;
    struct error error;
    size_t options = 0;
    while (option_at(command, options, NULL))
        options++;
    void *usual = calloc(1, command->options_bytes + 1);
    struct result_setting *settings = calloc(options + 1, sizeof *settings);
    *count = 0;
    if (!usual || !settings || options_defaults(command, is_quick(invocation), usual, &error) < 0) {
        free(usual);
        free(settings);
        return NULL;
    }
    for (size_t i = 0; (option = option_at(command, i, NULL)); i++) {
        if (!is_setting(option))
            continue;
        const char *value = written(option, stored(command, i, invocation->options), pool);
        const char *typical = written(option, stored(command, i, usual), pool);
        settings[(*count)++] = (struct result_setting){option->name, value, !strcmp(value, typical)};
    }
    if (command->operand.name)
        settings[(*count)++] = (struct result_setting){
            command->operand.name, joined_operands(invocation, pool), invocation->operand_count == 0};
    free(usual);
    return settings;
}

struct result_setting *settings_reread(
    const char *const *words, size_t word_count, struct pool *pool, size_t *count, struct error *error)
{
    const struct command *command = &command_vcost;
    struct invocation invocation;
    struct result_setting *settings = NULL;
    size_t used;
    *count = 0;
    if (!word_count) {
        error_set(error, EINVAL, "the result does not tell its command");
        return NULL;
    }
    if (command_choose(word_count - 1, words + 1, &command, &used, error) < 0)
        return NULL;
    void *options = calloc(1, command->options_bytes + 1);
    if (!options)
        error_set(error, ENOMEM, "no memory for the settings of a result");
    else if (options_parse(
                 command, (int)word_count, (char **)words, 1 + (int)used, options, &invocation, error) == 0)
        settings = settings_of(&invocation, pool, count);
    free(options);
    return settings;
}
