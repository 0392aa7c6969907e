/* The tables of options and what is made of them: parsing, help, manual pages, completion. */
#include "cli/agent_options.h"
#include "cli/chase_options.h"
#include "cli/compare_options.h"
#include "cli/events_options.h"
#include "cli/inspect_options.h"
#include "cli/completion.h"
#include "cli/describe.h"
#include "cli/help.h"
#include "cli/list_options.h"
#include "cli/manual.h"
#include "cli/options.h"
#include "cli/settings.h"
#include "cli/status.h"
#include "cli/values.h"
#include "event/event.h"
#include "result/compare.h"
#include "workload/chase.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(table) (sizeof(table) / sizeof(table)[0])

static char line_copy[8192];
static char *words[512];
static struct error error;
static struct invocation invocation;

/* What was written last (static: gcc 12 warns of pointers to a local one that a stream has kept). */
static char *memory;
static size_t memory_size;

/* Cuts the next word off, at a blank that is not between single quotes, which are taken away; NULL at the
 * end. */
static char *next_word(char **rest)
{
    char *word = *rest + strspn(*rest, " "), *out = word, *in = word;
    for (bool quoted = false; *in && (quoted || *in != ' '); in++) {
        if (*in == '\'')
            quoted = !quoted;
        else
            *out++ = *in;
    }
    *rest = *in ? in + 1 : in;
    *out = '\0';
    return word[0] ? word : NULL;
}

/* Parses a command line whose words are separated by blanks; "@" stands for an empty word. */
static int parse(const struct command *command, const char *line, void *options)
{
    int count = 0;
    snprintf(line_copy, sizeof line_copy, "%s", line);
    char *rest = line_copy;
    for (char *word; (word = next_word(&rest));) {
        char *at = strchr(word, '@');
        if (at)
            *at = '\0';
        words[count++] = word;
    }
    memset(&error, 0, sizeof error);
    return options_parse(command, count, words, 0, options, &invocation, &error);
}

static struct chase_options chase(const char *line)
{
    struct chase_options options;
    memset(&options, 0xa5, sizeof options); /* what the parser leaves out would show */
    print_message("# chase %s\n", line);
    int result = parse(&command_chase, line, &options);
    if (result)
        print_message("# %s\n", error.text);
    assert_int_equal(result, 0);
    return options;
}

static void chase_refuses(const char *line, const char *sentence)
{
    struct chase_options options;
    print_message("# chase %s\n", line);
    assert_int_equal(parse(&command_chase, line, &options), -EINVAL);
    assert_string_equal(error.text, sentence);
}

/* What `write` writes; to be freed. */
static char *written(void (*write)(const struct command *command, FILE *out), const struct command *command)
{
    FILE *out = open_memstream(&memory, &memory_size);
    assert_non_null(out);
    write(command, out);
    assert_int_equal(fclose(out), 0);
    return memory;
}

static void write_help(const struct command *command, FILE *out)
{
    help_write(command, out, 80);
}

static void write_completion(const struct command *command, FILE *out)
{
    (void)command;
    completion_write(&command_vcost, out);
}

/* Calls `check` for each option of each command, hidden ones and vcost itself included. */
static void for_each_option(void (*check)(const struct command *command, const struct option_spec *option))
{
    const struct command *command = &command_vcost;
    for (size_t i = 0; command; command = command_at(&command_vcost, i++)) {
        const struct option_spec *option;
        for (size_t j = 0; (option = option_at(command, j, NULL)); j++) {
            print_message("# %s --%s\n", command->name, option->name);
            check(command, option);
        }
    }
}

static void chase_has_the_documented_defaults(void **state)
{
    (void)state;
    struct chase_options options = chase("");
    assert_int_equal(options.working_set.first, 4096);
    assert_int_equal(options.working_set.last, 1 << 30);
    assert_int_equal(options.per_octave, 2);
    assert_int_equal(options.npad.count, 1);
    assert_int_equal(options.npad.values[0], 7);
    assert_int_equal(options.orders.count, 1);
    assert_int_equal(options.orders.indices[0], CHASE_RANDOM);
    assert_int_equal(options.common.on.count, 0);
    assert_int_equal(options.chains, 1);
    assert_int_equal(options.common.cpu, -1);
    assert_false(options.write || options.lock || options.common.run.quick || options.common.run.quiet);
    assert_null(options.common.output.json);
    assert_null(options.common.output.csv);
    assert_null(options.common.output.markdown);
    assert_null(options.common.output.picture);
    assert_true(options.common.run.seconds == 0);
    assert_int_equal(options.common.run.seed, 1);
    assert_int_equal(options.common.output.color, COLOR_AUTO);
}

static void quick_changes_only_what_was_not_given(void **state)
{
    (void)state;
    struct chase_options options = chase("--quick");
    assert_true(options.common.run.quick);
    assert_int_equal(options.working_set.last, 256 << 20);
    assert_int_equal(options.per_octave, 1);
    options = chase("--per-octave 8 --quick");
    assert_int_equal(options.per_octave, 8);
    assert_int_equal(options.working_set.last, 256 << 20);
    options = chase("--quick --working-set 64K");
    assert_int_equal(options.working_set.first, 65536);
    assert_int_equal(options.working_set.last, 65536);
}

static void chase_reads_every_option(void **state)
{
    (void)state;
    struct chase_options options = chase(
        "--working-set=64K..2M --per-octave 4 --npad 7,63 --order packed,sequential --write --chains 8 --on "
        "kvm,native --cpu 3 --lock --json - --csv a.csv --markdown c.md --svg b.png -q --color never --time "
        "2m --seed 0xff");
    assert_int_equal(options.working_set.last, 2 << 20);
    assert_int_equal(options.per_octave, 4);
    assert_int_equal(options.npad.count, 2);
    assert_int_equal(options.npad.values[1], 63);
    assert_int_equal(options.orders.indices[0], CHASE_PACKED);
    assert_int_equal(options.orders.indices[1], CHASE_SEQUENTIAL);
    assert_string_equal(options.common.on.names[0], "kvm");
    assert_string_equal(options.common.on.names[1], "native");
    assert_int_equal(options.chains, 8);
    assert_int_equal(options.common.cpu, 3);
    assert_true(options.write && options.lock && options.common.run.quiet && !options.common.run.quick);
    assert_string_equal(options.common.output.json, "-");
    assert_string_equal(options.common.output.csv, "a.csv");
    assert_string_equal(options.common.output.markdown, "c.md");
    assert_string_equal(options.common.output.picture, "b.png");
    assert_int_equal(options.common.output.color, COLOR_NEVER);
    assert_true(options.common.run.seconds == 120);
    assert_int_equal(options.common.run.seed, 255);
}

static struct compare_options compare(const char *line)
{
    struct compare_options options;
    memset(&options, 0xa5, sizeof options);
    print_message("# compare %s\n", line);
    assert_int_equal(parse(&command_compare, line, &options), 0);
    return options;
}

static void compare_reads_files_and_percentages(void **state)
{
    (void)state;
    struct compare_options options = compare("a.json - b.json");
    assert_true(options.fail_above < 0);
    assert_null(options.only);
    assert_int_equal(options.metric, METRIC_TIME);
    assert_int_equal(invocation.operand_count, 3);
    assert_string_equal(invocation.operands[1], "-");
    options = compare("a b --fail-above 5% --only chase/* --metric slowdown --markdown -");
    assert_true(options.fail_above == 5 && options.metric == METRIC_SLOWDOWN);
    assert_string_equal(options.only, "chase/*");
    assert_string_equal(options.output.markdown, "-");
    assert_true(compare("a b --fail-above 0.5%").fail_above == 0.5);
    assert_true(compare("a b --fail-above=0").fail_above == 0);
}

static void compare_refuses_what_is_wrong(void **state)
{
    static const struct {
        const char *line, *sentence;
    } wrong[] = {
        {"", "FILE is missing"},
        {"a", "FILE is missing"},
        {"1 2 3 4 5 6 7 8 9", "\"9\" is one word too many"},
        {"a b --fail-above x", "--fail-above: \"x\" is not a percentage: write 5%, 5 or 0.5%"},
        {"a b --fail-above=-5", "--fail-above: \"-5\" is not a percentage: write 5%, 5 or 0.5%"},
        {"a b --fail-above 5%%", "--fail-above: \"5%%\" is not a percentage: write 5%, 5 or 0.5%"},
        {"a b --fail-above 1001", "--fail-above: \"1001\" is not a percentage from 0 to 1000"},
        {"a b --only=@", "--only: the text is empty"},
        {"a b --metric speed", "--metric: \"speed\" is not one of time or slowdown"},
        {"a b --json - --markdown -", "--json and --markdown cannot both write to stdout"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct compare_options options;
        print_message("# compare %s\n", wrong[i].line);
        assert_int_equal(parse(&command_compare, wrong[i].line, &options), -EINVAL);
        assert_string_equal(error.text, wrong[i].sentence);
    }
}

static void options_follow_the_habits_of_getopt_long(void **state)
{
    struct list_options list;
    (void)state;
    assert_int_equal(chase("--work 8K").working_set.first, 8192); /* abbreviated */
    assert_int_equal(chase("--chains 2 --chains 4").chains, 4);   /* the last one wins */
    chase("-qh");
    assert_true(invocation.help);
    chase("--help --nonsense"); /* asked for help, gets it */
    assert_true(invocation.help);
    assert_int_equal(parse(&command_list, "orders --json x runners", &list), 0); /* mixed */
    assert_int_equal(invocation.operand_count, 2);
    assert_string_equal(list.output.json, "x");
    assert_true(
        list_topic_wanted(&invocation, LIST_ORDERS) && !list_topic_wanted(&invocation, LIST_WORKLOADS));
    assert_int_equal(parse(&command_list, "", &list), 0);
    assert_true(list_topic_wanted(&invocation, LIST_WORKLOADS));
    assert_int_equal(parse(&command_list, "-- --json", &list), -EINVAL); /* an operand after "--" */
    assert_string_equal(error.text, "TOPIC: \"--json\" is not one of runners, orders, workloads or events");
}

static void on_takes_commands_whole_and_adds_up(void **state)
{
    (void)state;
    struct chase_options options =
        chase("--on native,command:a,b,command:c --on kvm --on=command:x=y --on command:CMD");
    assert_int_equal(options.common.on.count, 5);
    assert_string_equal(options.common.on.names[0], "native");
    assert_null(on_command(&options.common.on, 0));
    assert_string_equal(options.common.on.names[1], "command:a,b,command:c");
    assert_string_equal(on_command(&options.common.on, 1), "a,b,command:c");
    assert_string_equal(options.common.on.names[2], "kvm");
    assert_string_equal(on_command(&options.common.on, 3), "x=y");
    assert_string_equal(on_command(&options.common.on, 4), "CMD");
    chase_refuses("--on command:a --on command:a", "--on: \"command:a\" is there twice");
    chase_refuses("--on native --on native", "--on: \"native\" is there twice");
    chase_refuses("--on command:",
        "--on: \"command:\" is not one of native, kvm, paravirt, shadow, model:NAME or command:CMD");
    assert_int_equal(chase("--on native --quick").common.on.count, 1);
}

static void what_is_given_twice_wins_unless_it_costs_a_file_or_half_of_a_list(void **state)
{
    (void)state;
    assert_true(chase("--time 5 --time 7s").common.run.seconds == 7);
    assert_int_equal(chase("--chains 2 --chains 3").chains, 3);
    chase_refuses("--json a --json b", "--json is given twice, and only one would count");
    chase_refuses("--svg a.svg --svg b.png", "--svg is given twice, and only one would count");
    chase_refuses("--order random --order packed",
        "--order is given twice, and only one would count: put commas between several values");
    chase_refuses("--npad 7 --npad 63",
        "--npad is given twice, and only one would count: put commas between several "
        "values");
}

static void as_many_events_can_be_named_as_there_are(void **state)
{
    struct events_options events;
    char every[4096] = "";
    (void)state;
    for (size_t i = 0; event_at(i); i++)
        sprintf(every + strlen(every), "%s%s", i ? " " : "", event_at(i)->name);
    if (parse(&command_events, every, &events) < 0)
        fail_msg("%s", error.text);
    assert_true(invocation.operand_count > 40);
}

static void wrong_values_get_one_sentence(void **state)
{
    static const struct {
        const char *line, *sentence;
    } wrong[] = {
        {"--npad x", "--npad: \"x\" is not a whole number from 0 to 511"},
        {"--npad 512", "--npad: \"512\" is not a whole number from 0 to 511"},
        {"--npad -1", "--npad: \"-1\" is not a whole number from 0 to 511"},
        {"--npad 7,", "--npad: \"\" is not a whole number from 0 to 511"},
        {"--npad 7,7", "--npad: \"7\" is there twice"},
        {"--npad 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17", "--npad: more than 16 values are too many"},
        {"--chains 0", "--chains: \"0\" is not a whole number from 1 to 8"},
        {"--chains 99999999999999999999",
            "--chains: \"99999999999999999999\" is not a whole number from 1 to 8"},
        {"--per-octave 1.5", "--per-octave: \"1.5\" is not a whole number from 1 to 64"},
        {"--working-set 0", "--working-set: \"0\" is no size: it must be at least 1 byte"},
        {"--working-set=@", "--working-set: a size is missing: write a size as 4096, 64K, 2M or 1G"},
        {"--order rnd",
            "--order: \"rnd\" is not one of sequential, random, random-in-page, line-per-page, packed, "
            "scattered or line-per-large-page"},
        {"--on native,kvm,native", "--on: \"native\" is there twice"},
        {"--on xen", "--on: \"xen\" is not one of native, kvm, paravirt, shadow, model:NAME or command:CMD"},
        {"--on model:barcelone",
            "--on: there is no \"model:barcelone\" (did you mean model:barcelona?): vcost model list names "
            "the machines; a file of your own ends in .json and is the last in its --on (which can be given "
            "again)"},
        {"--color red", "--color: \"red\" is not one of auto, always or never"},
        {"--time 0", "--time: \"0\" is not a time above 0 and up to a week"},
        {"--time 1e9", "--time: \"1e9\" is not a time: write seconds as 90 or 1.5, or 90s, 2m, 1h"},
        {"--time inf", "--time: \"inf\" is not a time: write seconds as 90 or 1.5, or 90s, 2m, 1h"},
        {"--time 9000h", "--time: \"9000h\" is not a time above 0 and up to a week"},
        {"--seed 9007199254740993", "--seed: \"9007199254740993\" is no whole number of up to 53 bits, "
                                    "decimal or 0x..."},
        {"--seed 0x", "--seed: \"0x\" is no whole number of up to 53 bits, decimal or 0x..."},
        {"--json=@", "--json: the name of the file is empty"},
        {"--svg -", "--svg: this goes into a file, not to stdout: name one"},
        {"--svg x.pdf", "--svg: the name \"x.pdf\" must end in .svg or .png"},
        {"--npad", "--npad wants a value: --npad=N[,N...]"},
        {"--write=yes", "--write takes no value"},
        {"-x", "there is no option -x"},
        {"--c 1", "--c could be --csv or --color: write more of it"},
        {"--workingset 4K", "there is no option --workingset (did you mean --working-set?)"},
        {"--ordre random", "there is no option --ordre (did you mean --order?)"},
        {"--bogus", "there is no option --bogus"},
        {"--=4", "there is no option --"},
        {"4K", "\"4K\" is one word too many: options begin with --"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(wrong); i++)
        chase_refuses(wrong[i].line, wrong[i].sentence);
}

static void options_that_do_not_go_together_are_refused(void **state)
{
    struct chase_options options;
    struct inspect_options inspect;
    (void)state;
    chase_refuses("--on native --numa-node 0 --on command:x",
        "--numa-node does not reach another machine: start its "
        "agent under numactl --membind instead");
    chase_refuses("--json - --csv -", "--json and --csv cannot both write to stdout");
    assert_int_equal(parse(&command_inspect, "--openmetrics a --html a", &inspect), -EINVAL);
    assert_string_equal(error.text, "--openmetrics and --html cannot both write to the same file");
    chase_refuses("--json a.svg --svg a.svg", "--json and --svg cannot both write to the same file");
    assert_int_equal(parse(&command_chase, "--write --npad 7,0", &options), -EINVAL);
    assert_int_equal(parse(&command_chase, "--chains 2 --order line-per-page --working-set 4K", &options),
        -EINVAL); /* one page */
    assert_int_equal(
        parse(&command_chase, "--order line-per-large-page --working-set 4K..1M", &options), -EINVAL);
    chase("--chains 2 --order line-per-page,line-per-large-page"); /* each from where it can be on */
    assert_int_equal(parse(&command_chase, "--working-set 32", &options), -EINVAL);
    chase("--write --npad 0 --order packed"); /* whose elements are lines */
    chase("--write --npad 1");
    chase("--json - --csv a --svg b.svg");
}

static void every_default_is_read_from_its_documented_text(void **state)
{
    (void)state;
    for (size_t i = 0; command_at(&command_vcost, i); i++) {
        void *options = calloc(1, command_at(&command_vcost, i)->options_bytes + 1);
        assert_non_null(options);
        print_message("# %s\n", command_at(&command_vcost, i)->name);
        parse(command_at(&command_vcost, i), "", options);
        assert_null(strstr(error.text, "table of options"));
        parse(command_at(&command_vcost, i), "--quick", options);
        assert_null(strstr(error.text, "table of options"));
        free(options);
    }
}

static bool is_sentence(const char *text)
{
    size_t length = strlen(text);
    return length > 8 && strchr(".:", text[length - 1]);
}

static void check_table_entry(const struct command *command, const struct option_spec *option)
{
    const struct option_group *group;
    assert_true(option->help && is_sentence(option->help));
    assert_int_equal(value_is_wanted(option->kind), option->value_name != NULL);
    assert_int_equal(
        option->kind == OPTION_CHOICE || option->kind == OPTION_CHOICE_LIST, option->choice != NULL);
    assert_true(option->kind != OPTION_NUMBER || option->max > option->min);
    assert_true(option->kind != OPTION_CHOICE || option->fallback); /* an index cannot say that it is none */
    for (size_t i = 0; option_at(command, i, &group); i++) {
        const struct option_spec *other = option_at(command, i, &group);
        assert_true(other == option || strcmp(other->name, option->name));
        assert_true(other == option || !option->letter || other->letter != option->letter);
        assert_true(group->base + other->offset <= command->options_bytes);
    }
    for (size_t i = 0; option->choice && option->choice(i).name; i++)
        assert_true(option->choice(i).summary && option->choice(i).summary[0]);
}

static void every_option_has_a_sound_entry_with_help(void **state)
{
    (void)state;
    for_each_option(check_table_entry);
}

/* Whether a list in a help has `name`, apart from what is said of it: beside it or below. */
static bool is_listed(const char *text, const char *name)
{
    char beside[128], above[128];
    snprintf(beside, sizeof beside, "\n            %s  ", name);
    snprintf(above, sizeof above, "\n            %s\n", name);
    return strstr(text, beside) || strstr(text, above);
}

static void check_help(const struct command *command, const struct option_spec *option)
{
    char head[DESCRIBE_BYTES], usual[DESCRIBE_BYTES];
    char *text = written(write_help, command);
    describe_option(option, head);
    describe_default(option, usual);
    assert_non_null(strstr(text, head));
    assert_true(!option->fallback || strstr(usual, option->fallback));
    assert_true(!option->quick || strstr(usual, option->quick));
    for (size_t i = 0; option->choice && option->choice(i).name; i++)
        assert_int_equal(is_listed(text, option->choice(i).name), !option->listed_elsewhere);
    free(text);
}

static void help_tells_every_option(void **state)
{
    (void)state;
    for_each_option(check_help);
}

static void check_manual(const struct command *command, const struct option_spec *option)
{
    /* "-" is written "\-" in roff. */
    char name[128];
    size_t used = (size_t)snprintf(name, sizeof name, "\\-\\-");
    for (const char *c = option->name; *c; c++)
        used += (size_t)snprintf(name + used, sizeof name - used, "%s%c", *c == '-' ? "\\" : "", *c);
    char *text = written(manual_write, command);
    assert_non_null(strstr(text, name));
    free(text);
}

static void manual_tells_every_option(void **state)
{
    (void)state;
    for_each_option(check_manual);
}

static void check_completion(const struct command *command, const struct option_spec *option)
{
    char name[128];
    char *text = written(write_completion, NULL);
    snprintf(name, sizeof name, "--%s", option->name);
    assert_non_null(strstr(text, name));
    if (!command->hidden && command->name[0] && value_is_wanted(option->kind)) {
        snprintf(name, sizeof name, "\"%s --%s\")", command->name, option->name);
        assert_non_null(strstr(text, name));
    }
    for (size_t i = 0; option->choice && option->choice(i).name; i++)
        assert_non_null(strstr(text, option->choice(i).name));
    free(text);
}

static void completion_knows_every_option_and_choice(void **state)
{
    (void)state;
    for_each_option(check_completion);
}

static unsigned help_width;

static void write_help_at_width(const struct command *command, FILE *out)
{
    help_write(command, out, help_width);
}

static void help_keeps_to_the_width(void **state)
{
    (void)state;
    for (help_width = 60; help_width <= 100; help_width += 10) {
        size_t longest = 0;
        char *text = written(write_help_at_width, &command_list);
        for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
            longest = strlen(line) > longest ? strlen(line) : longest;
        assert_true(longest <= help_width);
        free(text);
    }
}

static void every_example_can_be_typed(void **state)
{
    (void)state;
    for (size_t i = 0; command_at(&command_vcost, i); i++)
        for (const struct example *example = command_at(&command_vcost, i)->examples; example->line;
             example++) {
            char line[256], start[DESCRIBE_BYTES];
            void *options = calloc(1, command_at(&command_vcost, i)->options_bytes + 1);
            assert_non_null(options);
            print_message("# %s\n", example->line);
            describe_name(command_at(&command_vcost, i), start);
            snprintf(line, sizeof line, "%s", example->line);
            assert_int_equal(strncmp(line, start, strlen(start)), 0);
            line[strcspn(line, "|&")] = '\0';
            assert_int_equal(parse(command_at(&command_vcost, i), line + strlen(start), options), 0);
            free(options);
        }
}

static void every_command_is_explained(void **state)
{
    (void)state;
    for (size_t i = 0; command_at(&command_vcost, i); i++) {
        const struct command *command = command_at(&command_vcost, i);
        assert_true(command->summary && command->description[0]);
        assert_true(command->commands || (command->run && command->examples[0].line));
        char name[64];
        snprintf(name, sizeof name, "%s", command->name);
        const char *split[] = {strtok(name, " "), strtok(NULL, " ")};
        size_t used, count = split[1] ? 2 : 1;
        assert_ptr_equal(command_find(&command_vcost, count, split, &used), command);
        assert_int_equal(used, count);
    }
}

static void every_exit_status_is_explained_once(void **state)
{
    (void)state;
    for (size_t i = 0; command_at(&command_vcost, i); i++) {
        const struct command *command = command_at(&command_vcost, i);
        struct entry status;
        size_t count = 0;
        for (; (status = describe_status(command, count)).name; count++)
            for (size_t before = 0; before < count; before++)
                assert_string_not_equal(status.name, describe_status(command, before).name);
        for (const struct entry *own = command->exit_notes; own->name; own++) {
            size_t at = 0;
            while (at < count && describe_status(command, at).text != own->text)
                at++;
            assert_true(at < count); /* what a command says outdoes what is said of all */
        }
    }
}

static bool explains(const struct command *command, const char *name)
{
    struct entry status;
    for (size_t i = 0; (status = describe_status(command, i)).name; i++)
        if (!strcmp(status.name, name))
            return true;
    return false;
}

static void only_what_passes_thresholds_ends_with_3(void **state)
{
    static const char *const judges[] = {"compare", "inspect", "verify", "model validate", "model"};
    (void)state;
    assert_true(explains(&command_vcost, "3"));
    for (size_t i = 0; command_at(&command_vcost, i); i++) {
        const struct command *command = command_at(&command_vcost, i);
        bool judge = false;
        for (size_t k = 0; k < sizeof judges / sizeof *judges; k++)
            judge |= !strcmp(command->name, judges[k]);
        assert_int_equal(explains(command, "3"), judge);
        assert_true(explains(command, "0") && explains(command, "2"));
    }
}

static void exit_statuses_follow_the_convention(void **state)
{
    (void)state;
    assert_int_equal(status_of(0), 0);
    assert_int_equal(status_of(EIO), 1);
    assert_int_equal(status_of(ENOMEM), 1);
    assert_int_equal(status_of(ENOTSUP), 77);
    assert_int_equal(status_of(ENODEV), 77);
}

static void color_follows_option_and_environment(void **state)
{
    (void)state;
    FILE *file = tmpfile();
    assert_non_null(file);
    unsetenv("NO_COLOR");
    setenv("TERM", "xterm", 1);
    assert_false(color_wanted(COLOR_AUTO, file)); /* no terminal */
    assert_true(color_wanted(COLOR_ALWAYS, file));
    assert_false(color_wanted(COLOR_NEVER, file));
    setenv("NO_COLOR", "1", 1);
    assert_true(color_wanted(COLOR_ALWAYS, file)); /* what is typed outdoes the environment */
    fclose(file);
}

/* ---- settings ---- */

static struct pool pool; /* emptied by each test */

/* "name=value" of all settings but those that have their default, in one line. */
static const char *unusual(const struct result_setting *settings, size_t count)
{
    const char *text = "";
    for (size_t i = 0; i < count; i++)
        if (!settings[i].usual)
            text = pool_format(
                &pool, "%s%s%s=%s", text, text[0] ? " " : "", settings[i].name, settings[i].value);
    return text;
}

static const char *value_of(const struct result_setting *settings, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (!strcmp(settings[i].name, name))
            return settings[i].value;
    return "(no such setting)";
}

static void settings_are_what_held_and_nothing_about_outputs(void **state)
{
    static const struct {
        const char *line, *unusual;
    } lines[] = {
        {"", ""},
        {"--json a --csv b --markdown c --html d --svg e.svg -qv --color never", ""},
        {"--working-set 4096..1048576K --npad 7 --on native,command:a,b", "on=native,command:a,b"},
        {"--working-set 65536..100 --quick", NULL},
        {"--working-set 65536..100000 --npad 7,63 --write", "working-set=64K..100000 npad=7,63 write=yes"},
        {"--time 1m --seed 0x10 --cpu 3 --numa-node 0", "cpu=3 numa-node=0 time=60 seed=16"},
        {"--quick", "quick=yes"}, /* what --quick implies is usual with it */
        {"--quick --per-octave 2", "per-octave=2 quick=yes"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(lines); i++) {
        struct chase_options options;
        size_t count;
        print_message("# chase %s\n", lines[i].line);
        assert_int_equal(parse(&command_chase, lines[i].line, &options), lines[i].unusual ? 0 : -EINVAL);
        if (!lines[i].unusual)
            continue;
        struct result_setting *settings = settings_of(&invocation, &pool, &count);
        assert_string_equal(unusual(settings, count), lines[i].unusual);
        assert_string_equal(value_of(settings, count, "json"), "(no such setting)");
        assert_string_equal(value_of(settings, count, "quiet"), "(no such setting)");
        assert_string_equal(value_of(settings, count, "order"), "random");
        free(settings);
    }
    assert_false(pool.failed);
    pool_free(&pool);
}

static void settings_hold_the_defaults_of_quick_and_the_operands(void **state)
{
    struct chase_options options;
    struct events_options events;
    size_t count;
    (void)state;
    assert_int_equal(parse(&command_chase, "--quick", &options), 0);
    struct result_setting *settings = settings_of(&invocation, &pool, &count);
    assert_string_equal(value_of(settings, count, "working-set"), "4K..256M");
    assert_string_equal(value_of(settings, count, "cpu"), "");
    free(settings);
    assert_int_equal(parse(&command_events, "cpuid exits --context", &events), 0);
    settings = settings_of(&invocation, &pool, &count);
    assert_string_equal(unusual(settings, count), "EVENT=cpuid exits");
    free(settings);
    pool_free(&pool);
}

/* An old file has the words alone: by today's table they mean what was meant then. */
static void the_words_of_an_old_command_give_the_same_settings(void **state)
{
    static const char *const lines[] = {"", "--quick -q --json=x",
        "--on native --on 'command:ssh a b' --npad 0,1", "--order packed,random --svg x.png --time 90s"};
    (void)state;
    for (size_t i = 0; i < COUNT(lines); i++) {
        const char *old[32] = {"/usr/bin/vcost", "chase"};
        size_t old_count = 2, count, count_again;
        struct chase_options options;
        assert_int_equal(parse(&command_chase, lines[i], &options), 0);
        for (int j = 0; j < invocation.argc; j++)
            old[old_count++] = words[j];
        struct result_setting *settings = settings_of(&invocation, &pool, &count);
        struct result_setting *again = settings_reread(old, old_count, &pool, &count_again, &error);
        assert_non_null(again);
        assert_int_equal(count, count_again);
        for (size_t j = 0; j < count; j++) {
            assert_string_equal(settings[j].name, again[j].name);
            assert_string_equal(settings[j].value, again[j].value);
            assert_int_equal(settings[j].usual, again[j].usual);
        }
        free(settings);
        free(again);
    }
    pool_free(&pool);
}

static void words_that_are_no_command_give_no_settings(void **state)
{
    static const char *const wrong[][4] = {{"vcost"}, {"vcost", "frobnicate"}, {"vcost", "--", "chase"},
        {"vcost", "chase", "--bogus"}, {"vcost", "chase", "\033[31m"}};
    (void)state;
    for (size_t i = 0; i < COUNT(wrong); i++) {
        size_t count = 0, words_count = 0;
        while (words_count < 4 && wrong[i][words_count])
            words_count++;
        error = (struct error){0};
        assert_null(settings_reread(wrong[i], words_count, &pool, &count, &error));
        assert_true(error.text[0]);
        assert_int_equal(count, 0);
    }
    assert_null(settings_reread(NULL, 0, &pool, &(size_t){0}, &error));
    pool_free(&pool);
}

/* Every option of a command that measures is either about what is shown or a setting that can be typed
 * again. */
static void every_setting_can_be_typed_again(void **state)
{
    static const char *const names[] = {"chase", "events", "inspect"};
    (void)state;
    for (size_t i = 0; i < COUNT(names); i++) {
        size_t used, count, again_count;
        const struct command *command = command_find(&command_vcost, 1, &names[i], &used);
        void *options = calloc(1, command->options_bytes);
        assert_non_null(options);
        assert_int_equal(parse(command, "--quick --cpu 1", options), 0);
        struct result_setting *settings = settings_of(&invocation, &pool, &count);
        const char *typed[64] = {"vcost", names[i]};
        size_t typed_count = 2;
        for (size_t j = 0; j < count; j++) {
            if (!strcmp(settings[j].value, "yes"))
                typed[typed_count++] = pool_format(&pool, "--%s", settings[j].name);
            else if (settings[j].value[0] && strcmp(settings[j].value, "no") != 0)
                typed[typed_count++] = pool_format(&pool, "--%s=%s", settings[j].name, settings[j].value);
        }
        struct result_setting *again = settings_reread(typed, typed_count, &pool, &again_count, &error);
        print_message("# %s: %s\n", names[i], error.text);
        assert_non_null(again);
        assert_string_equal(unusual(again, again_count), "cpu=1 quick=yes");
        free(settings);
        free(again);
        free(options);
    }
    pool_free(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chase_has_the_documented_defaults),
        cmocka_unit_test(quick_changes_only_what_was_not_given),
        cmocka_unit_test(chase_reads_every_option),
        cmocka_unit_test(compare_reads_files_and_percentages),
        cmocka_unit_test(compare_refuses_what_is_wrong),
        cmocka_unit_test(options_follow_the_habits_of_getopt_long),
        cmocka_unit_test(what_is_given_twice_wins_unless_it_costs_a_file_or_half_of_a_list),
        cmocka_unit_test(on_takes_commands_whole_and_adds_up),
        cmocka_unit_test(as_many_events_can_be_named_as_there_are),
        cmocka_unit_test(wrong_values_get_one_sentence),
        cmocka_unit_test(options_that_do_not_go_together_are_refused),
        cmocka_unit_test(every_default_is_read_from_its_documented_text),
        cmocka_unit_test(every_option_has_a_sound_entry_with_help),
        cmocka_unit_test(help_tells_every_option),
        cmocka_unit_test(manual_tells_every_option),
        cmocka_unit_test(completion_knows_every_option_and_choice),
        cmocka_unit_test(help_keeps_to_the_width),
        cmocka_unit_test(every_example_can_be_typed),
        cmocka_unit_test(every_command_is_explained),
        cmocka_unit_test(settings_are_what_held_and_nothing_about_outputs),
        cmocka_unit_test(settings_hold_the_defaults_of_quick_and_the_operands),
        cmocka_unit_test(the_words_of_an_old_command_give_the_same_settings),
        cmocka_unit_test(words_that_are_no_command_give_no_settings),
        cmocka_unit_test(every_setting_can_be_typed_again),
        cmocka_unit_test(every_exit_status_is_explained_once),
        cmocka_unit_test(only_what_passes_thresholds_ends_with_3),
        cmocka_unit_test(exit_statuses_follow_the_convention),
        cmocka_unit_test(color_follows_option_and_environment),
    };
    return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
