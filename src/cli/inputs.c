#include "cli/inputs.h"

#include "cli/settings.h"
#include "result/read.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static const char standard_input[] = "standard input";

void input_settings(struct result *result)
{
    struct error error;
    if (!result->settings)
        result->settings = settings_reread(
            result->command, result->command_count, &result->pool, &result->setting_count, &error);
}

static int add_result(struct inputs *inputs, const char *name, struct result *result, struct error *error)
{
    for (size_t i = 0; i < inputs->count; i++)
        if (!strcmp(inputs->items[i].name, name))
            return error_set(error, EINVAL,
                "%.150s is there twice: give each a name of its own, as in NAME=%.150s", name, name);
    if (inputs->count == INPUTS_MAX)
        return error_set(error, EINVAL, "more than %d results are too many", INPUTS_MAX);
    inputs->results[inputs->count] = result;
    inputs->items[inputs->count++] = (struct compare_input){name, result};
    return 0;
}

/* Cuts NAME= off; a file whose name has a "=" is one all the same. Otherwise it is called as the file is,
 * without folders, which are nobody's business, and without extension. */
static const char *cut_name(const char *operand, struct inputs *inputs, const char **name)
{
    size_t length = strcspn(operand, "=/");
    bool named = operand[length] == '=' && length && access(operand, F_OK) != 0;
    const char *path = named ? operand + length + 1 : operand, *slash = strrchr(path, '/');
    const char *base = slash ? slash + 1 : path, *dot = strrchr(base, '.');
    size_t stem = dot && dot > base ? (size_t)(dot - base) : strlen(base);
    if (named)
        *name = pool_format(&inputs->pool, "%.*s", (int)length, operand);
    else
        *name = strcmp(path, "-") ? pool_format(&inputs->pool, "%.*s", (int)stem, base) : standard_input;
    return path;
}

static int take_comparison(
    struct inputs *inputs, const char *name, const json_t *root, bool alone, struct error *error)
{
    if (!alone)
        return error_set(error, EINVAL,
            "%.150s is a comparison, which is reported alone: leave out the other files, or compare the "
            "files that it names anew",
            name);
    int rc = compare_take(name, root, &inputs->comparison, error);
    inputs->compared = rc == 0;
    return rc;
}

static int read_named(struct inputs *inputs, const char *operand, bool alone, struct error *error)
{
    struct input_file *file = &inputs->files[inputs->file_count];
    const char *name, *path = cut_name(operand, inputs, &name);
    const char *place = strcmp(path, "-") ? path : standard_input;
    json_t *root;
    int rc = saved_read(path, &root, error);
    if (rc < 0)
        return rc;
    bool comparison = compare_is(root);
    rc = comparison ? take_comparison(inputs, place, root, alone, error)
                    : results_take(place, root, &file->results, &file->count, error);
    json_decref(root);
    if (rc < 0 || comparison)
        return rc;
    inputs->file_count++;
    for (size_t i = 0; rc == 0 && i < file->count; i++)
        rc = add_result(inputs, file->count > 1 ? pool_format(&inputs->pool, "%s %zu", name, i + 1) : name,
            &file->results[i], error);
    return rc;
}

int inputs_read_named(struct inputs *inputs, const struct invocation *invocation, struct error *error)
{
    int rc = 0;
    *inputs = (struct inputs){.count = 0};
    for (size_t i = 0; rc == 0 && i < invocation->operand_count; i++)
        rc = read_named(inputs, invocation->operands[i], invocation->operand_count == 1, error);
    return rc == 0 && inputs->pool.failed ? error_set(error, ENOMEM, "no memory for names of results") : rc;
}

int inputs_read(struct inputs *inputs, const struct invocation *invocation, struct error *error)
{
    int rc = 0;
    *inputs = (struct inputs){.count = 0};
    for (size_t i = 0; rc == 0 && i < invocation->operand_count; i++) {
        struct input_file *file = &inputs->files[inputs->file_count];
        const char *path = invocation->operands[i], *name = strcmp(path, "-") ? path : standard_input;
        json_t *root = NULL;
        rc = saved_read(path, &root, error);
        if (rc == 0)
            rc = results_take(name, root, &file->results, &file->count, error);
        json_decref(root);
        if (rc < 0)
            break;
        inputs->file_count++;
        if (file->count > 1)
            rc = error_set(error, EINVAL, "%.200s holds %zu results where one is wanted", name, file->count);
        input_settings(file->results);
        inputs->results[inputs->count] = file->results;
        inputs->items[inputs->count++] = (struct compare_input){name, file->results};
    }
    return rc;
}

void inputs_free(struct inputs *inputs)
{
    for (size_t i = 0; i < inputs->file_count; i++)
        results_free(inputs->files[i].results, inputs->files[i].count);
    if (inputs->compared)
        compare_free(&inputs->comparison);
    pool_free(&inputs->pool);
}
