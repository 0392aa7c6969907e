#include "cli/values.h"

#include "base/size.h"
#include "cli/suggest.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Wrong text is shown up to this many characters, so that the sentence stays one that is read. */
#define SHOWN "%.60s"

/* ---- reading ---- */

static const char digits[] = "0123456789";

/* A week is longer than anybody measures, and far from what nanoseconds in 64 bits can hold. */
static const double seconds_max = 7 * 24 * 3600.0;

static bool is_number(const char *text)
{
    return text[0] && strspn(text, digits) == strlen(text);
}

static int read_flag(const struct option_spec *option, const char *text, void *field, struct error *error)
{
    (void)option, (void)text, (void)error;
    *(bool *)field = true;
    return 0;
}

static int parse_number(const struct option_spec *option, const char *text, int *number, struct error *error)
{
    errno = 0;
    long value = is_number(text) ? strtol(text, NULL, 10) : -1;
    if (value < 0 || errno || value < option->min || value > option->max)
        return error_set(error, EINVAL, "\"" SHOWN "\" is not a whole number from %ld to %ld", text,
            option->min, option->max);
    *number = (int)value;
    return 0;
}

static int read_number(const struct option_spec *option, const char *text, void *field, struct error *error)
{
    return parse_number(option, text, field, error);
}

/* Cuts the next word of a comma list out of *rest into word[size]. False at the end; a word that does not fit
 * is cut, which is as wrong as the whole. */
static bool next_word(const char **rest, char *word, size_t size)
{
    if (!*rest)
        return false;
    size_t length = strcspn(*rest, ",");
    snprintf(word, size, "%.*s", (int)(length < size ? length : size), *rest);
    *rest = (*rest)[length] ? *rest + length + 1 : NULL;
    return true;
}

static int refuse_item(size_t count, const char *word, bool twice, struct error *error)
{
    if (twice)
        return error_set(error, EINVAL, "\"" SHOWN "\" is there twice", word);
    return count < LIST_MAX ? 0 : error_set(error, EINVAL, "more than %d values are too many", LIST_MAX);
}

static bool has_number(const struct number_list *list, int number)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->values[i] == number)
            return true;
    return false;
}

static int read_number_list(
    const struct option_spec *option, const char *text, void *field, struct error *error)
{
    struct number_list list = {.count = 0};
    char word[64];
    while (next_word(&text, word, sizeof word)) {
        int number = 0;
        int result = parse_number(option, word, &number, error);
        if (!result)
            result = refuse_item(list.count, word, has_number(&list, number), error);
        if (result)
            return result;
        list.values[list.count++] = number;
    }
    *(struct number_list *)field = list;
    return 0;
}

static int read_size_range(
    const struct option_spec *option, const char *text, void *field, struct error *error)
{
    (void)option;
    return size_range_parse(text, field, error);
}

/* What suggest() asks for a word: its context is a choice_function *. */
static const char *choice_name(const void *context, size_t index)
{
    return (*(choice_function *const *)context)(index).name;
}

/* "a, b or c" of all choices into names[size]; of more than a sentence bears how many, and the nearest. */
static void list_choices(choice_function *choice, const char *text, char *names, size_t size)
{
    enum { LISTED_MAX = 16 };
    size_t count = 0, used = 0;
    while (choice(count).name)
        count++;
    if (count > LISTED_MAX) {
        const char *near = suggest(text, choice_name, &choice);
        snprintf(names, size, "the %zu that --help lists%s%s%s", count, near ? " (did you mean " : "",
            near ? near : "", near ? "?)" : "");
        return;
    }
    names[0] = '\0';
    for (size_t i = 0; choice(i).name && used < size; i++) {
        const char *join = i == 0 ? "" : choice(i + 1).name ? ", " : " or ";
        used += (size_t)snprintf(names + used, size - used, "%s%s", join, choice(i).name);
    }
}

int value_choose(choice_function *choice, const char *text, unsigned *index, struct error *error)
{
    char names[256];
    for (unsigned i = 0; choice(i).name; i++)
        if (!strcmp(choice(i).name, text)) {
            *index = i;
            return 0;
        }
    list_choices(choice, text, names, sizeof names);
    return error_set(error, EINVAL, "\"" SHOWN "\" is not one of %s", text, names);
}

static int read_choice(const struct option_spec *option, const char *text, void *field, struct error *error)
{
    return value_choose(option->choice, text, field, error);
}

static bool has_name(const struct choice_list *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++)
        if (!strcmp(list->names[i], name))
            return true;
    return false;
}

/* Takes an open item, which is all of the text, if it is one. */
static bool take_open(const struct option_spec *option, const char **text, unsigned *index, const char **name)
{
    size_t length = option->open_prefix ? strlen(option->open_prefix) : 0;
    if (!length || strncmp(*text, option->open_prefix, length) != 0 || !(*text)[length])
        return false;
    *index = CHOICE_OPEN;
    *name = *text;
    *text = NULL;
    return true;
}

/* Is a word one of those that are not listed? */
static bool take_also(const struct option_spec *option, const char *word, unsigned *index, const char **name)
{
    for (size_t i = 0; option->also && option->also(i).name; i++)
        if (!strcmp(option->also(i).name, word)) {
            *index = CHOICE_ALSO;
            *name = option->also(i).name;
            return true;
        }
    return false;
}

static int refuse_also(const struct option_spec *option, const char *word, struct error *error)
{
    const char *near = suggest(word, choice_name, &option->also);
    return error_set(error, EINVAL,
        "there is no \"" SHOWN
        "\"%s%s%s: %s; a file of your own ends in %s and is the last in its --%s (which can be given again)",
        word, near ? " (did you mean " : "", near ? near : "", near ? "?)" : "", option->also_listed,
        option->also_ends, option->name);
}

/* Is all that is left one item of the user's own? */
static bool take_own(const struct option_spec *option, const char **text, unsigned *index, const char **name)
{
    size_t begin = option->also_begins ? strlen(option->also_begins) : 0, length = strlen(*text);
    size_t end = begin ? strlen(option->also_ends) : 0;
    if (!begin || length <= begin + end || strncmp(*text, option->also_begins, begin) != 0 ||
        strcmp(*text + length - end, option->also_ends) != 0 || strchr(*text, ','))
        return false;
    *index = CHOICE_ALSO;
    *name = *text;
    *text = NULL;
    return true;
}

/* Takes the next item of a list out of *text, which then stands after it or is NULL. */
static int take_choice(const struct option_spec *option, const char **text, unsigned *index,
    const char **name, struct error *error)
{
    char word[64];
    if (take_open(option, text, index, name) || take_own(option, text, index, name))
        return 0;
    next_word(text, word, sizeof word);
    if (take_also(option, word, index, name))
        return 0;
    if (option->also_begins && !strncmp(word, option->also_begins, strlen(option->also_begins)))
        return refuse_also(option, word, error);
    int result = value_choose(option->choice, word, index, error);
    if (!result)
        *name = option->choice(*index).name;
    return result;
}

static int read_choice_list(
    const struct option_spec *option, const char *text, void *field, struct error *error)
{
    struct choice_list list = {.count = 0};
    if (option->open_prefix)
        list = *(struct choice_list *)field;
    while (text) {
        unsigned index = 0;
        const char *name = "";
        int result = take_choice(option, &text, &index, &name, error);
        if (!result)
            result = refuse_item(list.count, name, has_name(&list, name), error);
        if (result)
            return result;
        list.indices[list.count] = index;
        list.names[list.count++] = name;
    }
    *(struct choice_list *)field = list;
    return 0;
}

/* The seconds in one unit of what follows a number, 0 if it is no unit. */
static double unit_seconds(const char *unit)
{
    static const struct {
        const char *name;
        double seconds;
    } units[] = {{"", 1}, {"s", 1}, {"m", 60}, {"min", 60}, {"h", 3600}};
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (!strcmp(unit, units[i].name))
            return units[i].seconds;
    return 0;
}

/* strtod() would also take "inf", "nan", "0x1p3", "1e9", a sign and blanks: only digits with at most one
 * point inside get that far. Returns where the number ends, NULL if there is none. */
static const char *decimal_end(const char *text)
{
    size_t whole = strspn(text, digits);
    if (!whole)
        return NULL;
    if (text[whole] != '.')
        return text + whole;
    size_t part = strspn(text + whole + 1, digits);
    return part ? text + whole + 1 + part : NULL;
}

static int read_seconds(const struct option_spec *option, const char *text, void *field, struct error *error)
{
    (void)option;
    const char *end = decimal_end(text);
    double unit = end ? unit_seconds(end) : 0;
    double seconds = unit > 0 ? strtod(text, NULL) * unit : 0;
    if (!(unit > 0))
        return error_set(
            error, EINVAL, "\"" SHOWN "\" is not a time: write seconds as 90 or 1.5, or 90s, 2m, 1h", text);
    if (!(seconds > 0) || seconds > seconds_max)
        return error_set(error, EINVAL, "\"" SHOWN "\" is not a time above 0 and up to a week", text);
    *(double *)field = seconds;
    return 0;
}

/* Ten times as slow; more is a slip of the hand. */
static const double percent_max = 1000;

static int read_percent(const struct option_spec *option, const char *text, void *field, struct error *error)
{
    (void)option;
    const char *end = decimal_end(text);
    if (!end || (*end && strcmp(end, "%") != 0))
        return error_set(error, EINVAL, "\"" SHOWN "\" is not a percentage: write 5%%, 5 or 0.5%%", text);
    double percent = strtod(text, NULL);
    if (percent > percent_max)
        return error_set(
            error, EINVAL, "\"" SHOWN "\" is not a percentage from 0 to %.0f", text, percent_max);
    *(double *)field = percent;
    return 0;
}

static int read_text(const struct option_spec *option, const char *text, void *field, struct error *error)
{
    (void)option;
    if (!text[0])
        return error_set(error, EINVAL, "the text is empty");
    *(const char **)field = text;
    return 0;
}

static int read_text_list(
    const struct option_spec *option, const char *text, void *field, struct error *error)
{
    struct text_list *list = field;
    if (list->count == LIST_MAX)
        return error_set(error, EINVAL, "more than %d values are too many", LIST_MAX);
    int result = read_text(option, text, &list->texts[list->count], error);
    list->count += result == 0;
    return result;
}

/* What every reader of JSON keeps exactly. */
static const unsigned long long seed_max = 1ULL << 53;

static int read_seed(const struct option_spec *option, const char *text, void *field, struct error *error)
{
    (void)option;
    bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    const char *number = hex ? text + 2 : text;
    bool good = number[0] && strspn(number, hex ? "0123456789abcdefABCDEF" : digits) == strlen(number);
    errno = 0;
    unsigned long long value = good ? strtoull(number, NULL, hex ? 16 : 10) : 0;
    if (!good || errno || value > seed_max)
        return error_set(
            error, EINVAL, "\"" SHOWN "\" is no whole number of up to 53 bits, decimal or 0x...", text);
    *(uint64_t *)field = value;
    return 0;
}

static int read_output(const struct option_spec *option, const char *text, void *field, struct error *error)
{
    (void)option;
    if (!text[0])
        return error_set(error, EINVAL, "the name of the file is empty");
    *(const char **)field = text;
    return 0;
}

static int read_file(const struct option_spec *option, const char *text, void *field, struct error *error)
{
    if (!strcmp(text, "-"))
        return error_set(error, EINVAL, "this goes into a file, not to stdout: name one");
    return read_output(option, text, field, error);
}

/* ---- writing ---- */

typedef const char *value_writer(const struct option_spec *option, const void *field, struct pool *pool);

static const char *write_flag(const struct option_spec *option, const void *field, struct pool *pool)
{
    (void)option, (void)pool;
    return *(const bool *)field ? "yes" : "no";
}

static const char *write_number(const struct option_spec *option, const void *field, struct pool *pool)
{
    int number = *(const int *)field;
    (void)option;
    return number < 0 ? NULL : pool_format(pool, "%d", number);
}

static const char *write_number_list(const struct option_spec *option, const void *field, struct pool *pool)
{
    const struct number_list *list = field;
    const char *text = NULL;
    (void)option;
    for (size_t i = 0; i < list->count; i++)
        text = text ? pool_format(pool, "%s,%d", text, list->values[i])
                    : pool_format(pool, "%d", list->values[i]);
    return text;
}

/* In the largest unit that it is a whole number of. */
static const char *write_size(uint64_t bytes, struct pool *pool)
{
    static const char units[] = "KMGT";
    size_t unit = 0;
    for (; bytes && bytes % 1024 == 0 && unit < sizeof units - 1; unit++)
        bytes /= 1024;
    return pool_format(pool, "%" PRIu64 "%.*s", bytes, unit ? 1 : 0, unit ? &units[unit - 1] : "");
}

static const char *write_size_range(const struct option_spec *option, const void *field, struct pool *pool)
{
    const struct size_range *range = field;
    const char *first = write_size(range->first, pool);
    (void)option;
    if (range->first == range->last)
        return first;
    return pool_format(pool, "%s..%s", first, write_size(range->last, pool));
}

static const char *write_choice(const struct option_spec *option, const void *field, struct pool *pool)
{
    (void)pool;
    return option->choice(*(const unsigned *)field).name;
}

static const char *write_choice_list(const struct option_spec *option, const void *field, struct pool *pool)
{
    const struct choice_list *list = field;
    const char *text = NULL;
    (void)option;
    for (size_t i = 0; i < list->count; i++)
        text = text ? pool_format(pool, "%s,%s", text, list->names[i]) : pool_text(pool, list->names[i]);
    return text;
}

static const char *write_seconds(const struct option_spec *option, const void *field, struct pool *pool)
{
    double seconds = *(const double *)field;
    (void)option;
    return seconds > 0 ? pool_format(pool, "%g", seconds) : NULL;
}

static const char *write_percent(const struct option_spec *option, const void *field, struct pool *pool)
{
    double percent = *(const double *)field;
    (void)option;
    return percent < 0 ? NULL : pool_format(pool, "%g%%", percent);
}

static const char *write_text(const struct option_spec *option, const void *field, struct pool *pool)
{
    (void)option;
    return pool_text(pool, *(const char *const *)field);
}

static const char *write_text_list(const struct option_spec *option, const void *field, struct pool *pool)
{
    const struct text_list *list = field;
    const char *text = NULL;
    (void)option;
    for (size_t i = 0; i < list->count; i++)
        text = text ? pool_format(pool, "%s; %s", text, list->texts[i]) : pool_text(pool, list->texts[i]);
    return text;
}

static const char *write_seed(const struct option_spec *option, const void *field, struct pool *pool)
{
    (void)option;
    return pool_format(pool, "%" PRIu64, *(const uint64_t *)field);
}

/* ---- kinds ---- */

static const struct {
    bool wants, list;
    int (*read)(const struct option_spec *option, const char *text, void *field, struct error *error);
    value_writer *write;
} kinds[OPTION_KINDS] = {
    [OPTION_FLAG] = {false, false, read_flag, write_flag},
    [OPTION_QUICK] = {false, false, read_flag, write_flag},
    [OPTION_NUMBER] = {true, false, read_number, write_number},
    [OPTION_NUMBER_LIST] = {true, true, read_number_list, write_number_list},
    [OPTION_SIZE_RANGE] = {true, false, read_size_range, write_size_range},
    [OPTION_CHOICE] = {true, false, read_choice, write_choice},
    [OPTION_CHOICE_LIST] = {true, true, read_choice_list, write_choice_list},
    [OPTION_SECONDS] = {true, false, read_seconds, write_seconds},
    [OPTION_PERCENT] = {true, false, read_percent, write_percent},
    [OPTION_TEXT] = {true, false, read_text, write_text},
    [OPTION_TEXT_LIST] = {true, false, read_text_list, write_text_list},
    [OPTION_SEED] = {true, false, read_seed, write_seed},
    [OPTION_FILE] = {true, false, read_file, write_text},
    [OPTION_OUTPUT] = {true, false, read_output, write_text},
};

int value_read(const struct option_spec *option, const char *text, void *field, struct error *error)
{
    return kinds[option->kind].read(option, text, field, error);
}

const char *value_write(const struct option_spec *option, const void *field, struct pool *pool)
{
    return kinds[option->kind].write(option, field, pool);
}

bool value_is_wanted(enum option_kind kind)
{
    return kinds[kind].wants;
}

bool value_is_list(enum option_kind kind)
{
    return kinds[kind].list;
}
