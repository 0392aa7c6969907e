#include "remedy/recipe.h"

#include "record/record.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const recipe_proof_names[RECIPE_PROOFS] = {"none", "large-pages", "text", "hugetlb", "locked",
    "populated", "fewer-faults", "library", "no-large-pages", "one-cpu", "near", "spread", "fewer-threads",
    "fewer-arenas", "fixed-addresses"};
const char *const recipe_need_names[RECIPE_NEEDS] = {"dynamic", "tunables", "glibc-2.35", "glibc-2.44",
    "large-pages", "large-pages-on-request", "hugetlb-pool", "cpus", "nodes", "lockable", "lazy-binding"};
const char *const recipe_cpus_names[RECIPE_CPUS] = {"all", "one"};
const char *const recipe_memory_names[RECIPE_MEMORIES] = {"as-it-is", "interleaved", "near"};
const char *const recipe_switch_names[RECIPE_SWITCHES] = {"none", "no-large-pages", "fixed-addresses"};

static const char schema[] = "vcost.remedy/1";

static const struct record variable_record = {"variable", sizeof(struct recipe_variable),
    FIELDS({"name", FIELD_STRING, FIELD_NEEDED | FIELD_WHOLE, FIELD_AT(struct recipe_variable, name)},
        {"value", FIELD_STRING, FIELD_NEEDED, FIELD_AT(struct recipe_variable, value)})};
static const struct record need_record = {"need", sizeof(enum recipe_need),
    FIELDS(
        {NULL, FIELD_ENUM, FIELD_NEEDED, .size = sizeof(enum recipe_need), FIELD_NAMES(recipe_need_names)})};

static bool is_name(const char *text)
{
    size_t length = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-");
    return length && !text[length] && length <= RECIPE_NAME_MAX;
}

static bool does_something(const struct recipe *recipe)
{
    return recipe->variable_count || recipe->preload[0] || recipe->cpus != CPUS_ALL ||
           recipe->memory != MEMORY_AS_IT_IS || recipe->kernel != SWITCH_NONE;
}

static void check(struct reader *reader, void *base)
{
    const struct recipe *recipe = base;
    bool own = !strcmp(recipe->preload, "pages");
    if (!is_name(recipe->name))
        reader_refuse_key(
            reader, "name", "should be of a-z, 0-9 and '-', at most %d of them", RECIPE_NAME_MAX);
    else if (does_something(recipe) == (recipe->operator[0] != '\0'))
        reader_refuse(reader, "it should either be applied in some way or name its operator");
    else if (own != (recipe->pages[0] != '\0'))
        reader_refuse_key(reader, "pages", "and \"preload\": \"pages\" go together");
    else if (strchr(recipe->preload, '/'))
        reader_refuse_key(reader, "preload", "should be a library's name without its folder");
}

#define AT(member) FIELD_AT(struct recipe, member)
const struct record recipe_record = {"remedy", sizeof(struct recipe),
    FIELDS({"schema", FIELD_CONSTANT, .text = schema},
        {"name", FIELD_STRING, FIELD_NEEDED | FIELD_WHOLE, AT(name)},
        {"title", FIELD_STRING, FIELD_NEEDED | FIELD_WHOLE, AT(title), .about = "A few words."},
        {"article", FIELD_STRING, FIELD_NEEDED | FIELD_WHOLE, AT(article),
            .about = "What the article says about it, in other words."},
        {"costs", FIELD_STRING, FIELD_NEEDED | FIELD_WHOLE, AT(costs), .about = "What it may cost."},
        {"kind", FIELD_STRING, FIELD_NEEDED | FIELD_WHOLE, AT(kind),
            .about = "Of those of a kind only one is in a combination."},
        {"diagnostic", FIELD_FLAG, AT(diagnostic), .about = "It explains, and is not advised."},
        {"environment", FIELD_KEYED, FIELD_ITEMS(struct recipe, variables, variable_count),
            .of = &variable_record, .limit = RECIPE_LIST_MAX,
            .about = "{heap} stands for the program's peak memory, {fewer} for one less than the CPUs that "
                     "it may use."},
        {"preload", FIELD_STRING, AT(preload), .about = "\"pages\", or a library that is installed."},
        {"package", FIELD_STRING, AT(package), .about = "What installs that library."},
        {"pages", FIELD_STRING, AT(pages), .about = "What vcost's own library is to do."},
        {"cpus", FIELD_ENUM, AT(cpus), FIELD_NAMES(recipe_cpus_names), .other = CPUS_ALL},
        {"memory", FIELD_ENUM, AT(memory), FIELD_NAMES(recipe_memory_names), .other = MEMORY_AS_IT_IS},
        {"kernel", FIELD_ENUM, AT(kernel), FIELD_NAMES(recipe_switch_names), .other = SWITCH_NONE},
        {"proof", FIELD_ENUM, FIELD_NEEDED, AT(proof), FIELD_NAMES(recipe_proof_names)},
        {"needs", FIELD_LIST, FIELD_ITEMS(struct recipe, needs, need_count), .of = &need_record,
            .limit = RECIPE_LIST_MAX},
        {"operator", FIELD_STRING, AT(operator), .about = "Who else must do what; it is not applied then."},
        {"stand_in", FIELD_STRING, AT(stand_in), .about = "The remedy that is tried in its place."},
        {"cause", FIELD_STRING, AT(cause),
            .about = "The change that vcost inspect calls the same, and measures without a program."}),
    .check = check, .closed = true};

int recipe_parse(const char *text, size_t bytes, const char *file, struct pool *pool, struct recipe *recipe,
    struct error *error)
{
    struct recipe made = {.name = NULL};
    struct reader reader = {.name = file, .what = "vcost remedy", .pool = pool, .error = error};
    json_error_t wrong;
    json_t *json = json_loadb(text, bytes, JSON_REJECT_DUPLICATES, &wrong);
    const char *named = json_string_value(json_object_get(json, "schema"));
    if (!json)
        reader_refuse(&reader, "line %d: %.120s", wrong.line, wrong.text);
    else if (!json_is_object(json) || !named || strcmp(named, schema) != 0)
        reader_refuse(&reader, "its schema is not \"%s\"", schema);
    else
        record_read(&recipe_record, json, &made, &reader);
    json_decref(json);
    if (reader.status < 0)
        return reader.status;
    if (pool->failed)
        return error_set(error, ENOMEM, "no memory for the remedy of %.300s", file);
    *recipe = made;
    return 0;
}

int recipe_read(const char *path, struct pool *pool, struct recipe *recipe, struct error *error)
{
    enum { FILE_BYTES_MAX = 64 << 10 };
    char text[FILE_BYTES_MAX];
    FILE *file = fopen(path, "re");
    if (!file)
        return error_errno(error, errno, "%.300s", path);
    size_t bytes = fread(text, 1, sizeof text, file);
    bool failed = ferror(file);
    fclose(file);
    if (failed)
        return error_set(error, EIO, "%.300s cannot be read", path);
    if (bytes == sizeof text)
        return error_set(error, EFBIG, "%.300s is no vcost remedy: it is too large", path);
    return recipe_parse(text, bytes, path, pool, recipe, error);
}
