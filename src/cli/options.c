#include "cli/options.h"

#include "base/output.h"
#include "cli/suggest.h"
#include "cli/values.h"

#include <errno.h>
#include <string.h>

/* Wrong text is shown up to this many characters, so that the sentence stays one that is read. */
#define SHOWN "%.60s"

enum { OPTIONS_MAX = 64 };

struct parser {
    const struct command *command;
    char **next, **end; /* words not yet read */
    char *fields;       /* the command's options structure */
    struct invocation *invocation;
    struct error *error;
    bool given[OPTIONS_MAX]; /* by option_at()'s index */
    bool quick;
};

const struct option_spec *option_at(
    const struct command *command, size_t index, const struct option_group **group)
{
    for (const struct option_group *each = command->groups; each->options; each++) {
        if (index < each->count) {
            if (group)
                *group = each;
            return &each->options[index];
        }
        index -= each->count;
    }
    return NULL;
}

size_t option_offset(const struct command *command, size_t index)
{
    const struct option_group *group;
    const struct option_spec *option = option_at(command, index, &group);
    return group->base + option->offset;
}

static const struct option_spec *option_named(const struct parser *parser, size_t index)
{
    return option_at(parser->command, index, NULL);
}

static void *field_of(const struct parser *parser, size_t index)
{
    return parser->fields + option_offset(parser->command, index);
}

/* What an option holds if it is not given and has no default. All else is zero. */
static void clear_field(const struct parser *parser, size_t index)
{
    enum option_kind kind = option_named(parser, index)->kind;
    if (kind == OPTION_NUMBER)
        *(int *)field_of(parser, index) = -1;
    else if (kind == OPTION_PERCENT)
        *(double *)field_of(parser, index) = -1;
}

/* Reads a value that came from the table itself, so that the default that is documented is the one that
 * holds. */
static int read_default(const struct parser *parser, size_t index, const char *text)
{
    const struct option_spec *option = option_named(parser, index);
    if (value_read(option, text, field_of(parser, index), parser->error))
        return error_prefix(parser->error, "the default of --%s in the table of options", option->name);
    return 0;
}

static int read_defaults(const struct parser *parser)
{
    const struct option_spec *option;
    int result = 0;
    memset(parser->fields, 0, parser->command->options_bytes);
    for (size_t i = 0; !result && (option = option_named(parser, i)); i++) {
        clear_field(parser, i);
        if (option->fallback)
            result = read_default(parser, i, option->fallback);
    }
    return result;
}

static int read_quick_defaults(const struct parser *parser)
{
    const struct option_spec *option;
    int result = 0;
    for (size_t i = 0; !result && (option = option_named(parser, i)); i++)
        if (option->quick && !parser->given[i])
            result = read_default(parser, i, option->quick);
    return result;
}

/* Given twice, a value takes the place of the one before it, as of an alias's. Where that would cost a file
 * or half of what was to be measured it is no slip to be passed over. */
static bool loses_the_first(const struct option_spec *option)
{
    static const bool loses[OPTION_KINDS] = {[OPTION_FILE] = true,
        [OPTION_OUTPUT] = true,
        [OPTION_NUMBER_LIST] = true,
        [OPTION_CHOICE_LIST] = true};
    return loses[option->kind] && !option->open_prefix;
}

/* The option itself as it is to be done: `value` is NULL where the kind takes none. Returns 1 if parsing is
 * to stop. */
static int take(struct parser *parser, size_t index, const char *value)
{
    const struct option_spec *option = option_named(parser, index);
    parser->invocation->help |= option->kind == OPTION_HELP;
    parser->invocation->version |= option->kind == OPTION_VERSION;
    if (option->kind == OPTION_HELP || option->kind == OPTION_VERSION)
        return 1;
    if (parser->given[index] && loses_the_first(option))
        return error_set(parser->error, EINVAL, "--%s is given twice, and only one would count%s",
            option->name,
            option->kind == OPTION_CHOICE_LIST || option->kind == OPTION_NUMBER_LIST
                ? ": put commas between several values"
                : "");
    parser->given[index] = true;
    parser->quick |= option->kind == OPTION_QUICK;
    if (value_read(option, value, field_of(parser, index), parser->error))
        return error_prefix(parser->error, "--%s", option->name);
    return 0;
}

/* Takes the option with the value that is attached to it or else the next word. */
static int take_with_value(struct parser *parser, size_t index, const char *attached)
{
    const struct option_spec *option = option_named(parser, index);
    if (!attached && parser->next == parser->end)
        return error_set(parser->error, EINVAL, "--%s wants a value: --%s=%s", option->name, option->name,
            option->value_name);
    return take(parser, index, attached ? attached : *parser->next++);
}

static const char *option_candidate(const void *context, size_t index)
{
    const struct option_spec *option = option_at(context, index, NULL);
    return option ? option->name : NULL;
}

static int refuse_unknown(const struct parser *parser, const char *name, size_t length)
{
    char word[64];
    if (length >= sizeof word)
        length = sizeof word - 1;
    memcpy(word, name, length);
    word[length] = '\0';
    const char *near = suggest(word, option_candidate, parser->command);
    return error_set(parser->error, EINVAL, "there is no option --" SHOWN "%s%s%s", word,
        near ? " (did you mean --" : "", near ? near : "", near ? "?)" : "");
}

/* Finds a long option by name[0 … length), whole or abbreviated, and puts its number in *found. */
static int find_long(const struct parser *parser, const char *name, size_t length, size_t *found)
{
    const struct option_spec *option, *first = NULL, *second = NULL;
    for (size_t i = 0; length && (option = option_named(parser, i)); i++) {
        bool whole = !strncmp(option->name, name, length) && !option->name[length];
        if (!strncmp(option->name, name, length)) {
            second = whole ? NULL : first;
            first = option;
            *found = i;
        }
        if (whole)
            break;
    }
    if (second)
        return error_set(parser->error, EINVAL, "--%.*s could be --%s or --%s: write more of it", (int)length,
            name, second->name, first->name);
    return first ? 0 : refuse_unknown(parser, name, length);
}

static int parse_long(struct parser *parser, const char *name)
{
    size_t index = 0, length = strcspn(name, "=");
    const char *attached = name[length] ? name + length + 1 : NULL;
    int result = find_long(parser, name, length, &index);
    if (result)
        return result;
    const struct option_spec *option = option_named(parser, index);
    if (value_is_wanted(option->kind))
        return take_with_value(parser, index, attached);
    if (attached)
        return error_set(parser->error, EINVAL, "--%s takes no value", option->name);
    return take(parser, index, NULL);
}

/* Finds the option of a letter; its number in *index, or false. */
static bool find_letter(const struct parser *parser, char letter, size_t *index)
{
    const struct option_spec *option;
    for (*index = 0; (option = option_named(parser, *index)); ++*index)
        if (option->letter == letter)
            return true;
    return false;
}

/* "-qh", "-oFILE": letters in one word; the first that wants a value takes the rest of the word. */
static int parse_letters(struct parser *parser, const char *letters)
{
    int result = 0;
    for (; !result && *letters; letters++) {
        size_t index;
        if (!find_letter(parser, *letters, &index))
            return error_set(parser->error, EINVAL, "there is no option -%c", *letters);
        if (value_is_wanted(option_named(parser, index)->kind))
            return take_with_value(parser, index, letters[1] ? letters + 1 : NULL);
        result = take(parser, index, NULL);
    }
    return result;
}

static int take_operand(struct parser *parser, const char *word)
{
    const struct operand_spec *spec = &parser->command->operand;
    struct invocation *invocation = parser->invocation;
    if (!spec->name)
        return error_set(
            parser->error, EINVAL, "\"" SHOWN "\" is one word too many: options begin with --", word);
    if (spec->rest) {
        invocation->operands = (const char *const *)parser->next - 1;
        invocation->operand_count = (size_t)(parser->end - parser->next) + 1;
        parser->next = parser->end;
        return 0;
    }
    if (invocation->operand_count >= spec->max)
        return error_set(parser->error, EINVAL, "\"" SHOWN "\" is one word too many", word);
    unsigned which;
    if (spec->choice && value_choose(spec->choice, word, &which, parser->error) < 0)
        return error_prefix(parser->error, "%s", spec->name);
    invocation->words[invocation->operand_count++] = word;
    return 0;
}

static int parse_word(struct parser *parser, const char *word, bool *ended)
{
    if (*ended || word[0] != '-' || !word[1])
        return take_operand(parser, word);
    if (word[1] != '-')
        return parse_letters(parser, word + 1);
    if (word[2])
        return parse_long(parser, word + 2);
    *ended = true;
    return 0;
}

static bool is_output(const struct option_spec *option)
{
    return option->kind == OPTION_OUTPUT || option->kind == OPTION_FILE;
}

/* No two options write into one file. */
static int check_outputs(const struct parser *parser)
{
    const struct option_spec *one, *other;
    for (size_t i = 0; (one = option_named(parser, i)); i++)
        for (size_t j = i + 1; is_output(one) && (other = option_named(parser, j)); j++) {
            if (!is_output(other))
                continue;
            const char *path = *(const char **)field_of(parser, i),
                       *same = *(const char **)field_of(parser, j);
            if (path && same && output_is_same(path, same))
                return error_set(parser->error, EINVAL, "--%s and --%s cannot both write to %s", one->name,
                    other->name, strcmp(path, "-") ? "the same file" : "stdout");
        }
    return 0;
}

/* Stdin can be read once, also as NAME=-. */
static int check_stdin(const struct parser *parser)
{
    const struct invocation *invocation = parser->invocation;
    size_t count = 0;
    for (size_t i = 0; i < invocation->operand_count; i++) {
        const char *word = invocation->operands[i], *last = strrchr(word, '=');
        count += !strcmp(last ? last + 1 : word, "-");
    }
    if (count < 2 || !parser->command->operand.reads)
        return 0;
    return error_set(parser->error, EINVAL, "only one %s can be - (stdin)", parser->command->operand.name);
}

static int check_together(const struct parser *parser)
{
    const struct command *command = parser->command;
    if (command->commands)
        return error_set(
            parser->error, EINVAL, "name a command, such as vcost %s", command->commands[0]->name);
    if (parser->invocation->operand_count < command->operand.min)
        return error_set(parser->error, EINVAL, "%s is missing", command->operand.name);
    int result = check_outputs(parser);
    if (!result)
        result = check_stdin(parser);
    return result || !command->check ? result : command->check(parser->fields, parser->error);
}

static int parse_words(struct parser *parser)
{
    bool ended = false;
    int result = read_defaults(parser);
    while (!result && parser->next < parser->end) {
        const char *word = *parser->next++;
        result = parse_word(parser, word, &ended);
    }
    if (!result && parser->quick)
        result = read_quick_defaults(parser);
    return result ? result : check_together(parser);
}

int options_defaults(const struct command *command, bool quick, void *options, struct error *error)
{
    struct parser parser = {.command = command, .fields = options, .error = error};
    int result = read_defaults(&parser);
    return result || !quick ? result : read_quick_defaults(&parser);
}

int options_parse(const struct command *command, int argc, char **argv, int first, void *options,
    struct invocation *invocation, struct error *error)
{
    struct parser parser = {.command = command,
        .next = argv + first,
        .end = argv + argc,
        .fields = options,
        .invocation = invocation,
        .error = error};
    *invocation = (struct invocation){
        .command = command, .argc = argc, .argv = argv, .options = options, .operands = invocation->words};
    return parse_words(&parser) < 0 ? -EINVAL : 0;
}
