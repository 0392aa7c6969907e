/* vcost generate: what the build installs beside the program, written to stdout. */
#include "cli/completion.h"
#include "cli/generate.h"
#include "cli/manual.h"
#include "cli/status.h"
#include "model/machine.h"
#include "remedy/recipe.h"
#include "result/json.h"

#include <errno.h>
#include <string.h>

static int wrong(const struct invocation *invocation, const char *sentence)
{
    struct error error;
    error_set(&error, EINVAL, "%s", sentence);
    return status_wrong_usage(invocation->command, &error);
}

/* NULL: there is no such schema. */
static const struct record *schema_of(const char *name)
{
    static const struct {
        const char *name;
        const struct record *record;
    } schemas[] = {{"result", &result_record}, {"compare", &compare_record}, {"machine", &machine_record},
        {"remedy", &recipe_record}};
    for (size_t i = 0; i < sizeof schemas / sizeof schemas[0]; i++)
        if (!strcmp(schemas[i].name, name))
            return schemas[i].record;
    return NULL;
}

int cmd_generate_run(const struct invocation *invocation)
{
    const char *const *words = invocation->operands;
    size_t count = invocation->operand_count, used;
    const struct command *command = command_find(&command_vcost, count - 1, words + 1, &used);
    struct error error;
    const struct record *schema = count == 2 && !strcmp(words[0], "schema") ? schema_of(words[1]) : NULL;
    if (schema)
        return record_schema(schema, stdout, &error) < 0 ? status_failed(&error) : STATUS_DONE;
    if (count == 1 && !strcmp(words[0], "completion"))
        completion_write(&command_vcost, stdout);
    else if (strcmp(words[0], "man"))
        return wrong(invocation,
            "what is to be written? \"man\", \"man COMMAND\", \"completion\", or \"schema\" and \"result\", "
            "\"compare\" or \"machine\"");
    else if (used + 1 < count || command->hidden)
        return wrong(invocation, "there is no manual page of that name");
    else
        manual_write(command, stdout);
    return STATUS_DONE;
}
