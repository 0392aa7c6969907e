/* What vcost advise found, and as JSON. */
#include "result/advice.h"

#include "record/record.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const advised_state_names[ADVISED_STATES] = {
    "helps", "no-gain", "harms", "not-obtained", "out", "cannot", "untried"};

void advice_free(struct advice *advice)
{
    free(advice->items);
    free(advice->causes);
}

const struct advised *advice_item(const struct advice *advice, const char *name)
{
    for (size_t i = 0; i < advice->count; i++)
        if (name && name[0] && !strcmp(advice->items[i].name, name))
            return &advice->items[i];
    return NULL;
}

const double advice_hidden_most = 0.1;

bool advice_hides(const struct advised *advised)
{
    double low = advised->combination ? advised->over_low : advised->low;
    return advised->state == ADVISED_NO_GAIN && 1 - low > advice_hidden_most;
}

const struct advised *advice_best(const struct advice *advice)
{
    return advice_item(advice, advice->best);
}

const struct remedy *advice_cause(const struct advice *advice, const char *name)
{
    for (size_t i = 0; i < advice->cause_count; i++)
        if (name && !strcmp(advice->causes[i].name, name))
            return &advice->causes[i];
    return NULL;
}

#define AT(member) FIELD_AT(struct advised_use, member)
static const struct record use_record = {"use", sizeof(struct advised_use),
    FIELDS({"cpu_seconds", FIELD_REAL, AT(cpu_seconds), .missing = "not measured",
               .about = "The mean of all runs in rounds."},
        {"peak_bytes", FIELD_COUNT, AT(peak_bytes),
            .about = "Largest resident set. Never below that of the process that started it."},
        {"faults", FIELD_COUNT, AT(faults), .about = "Page faults without reading, with those of children."},
        {"large_bytes", FIELD_COUNT, AT(large_bytes),
            .about = "The most that was seen of anonymous memory on transparent large pages."}),
    .about = "What the program used in one run."};

static const char *why_not(const void *base)
{
    const struct advised *advised = base;
    if (advised->state == ADVISED_HELPS)
        return NULL;
    return advised->reason[0] ? advised->reason : "not told";
}

static void check_advised(struct reader *reader, void *base)
{
    const struct advised *advised = base;
    reader_interval(reader, "ratio", advised->low, advised->ratio, advised->high);
    reader_interval(reader, "over_ratio", advised->over_low, advised->over_ratio, advised->over_high);
}

#define USE FIELD_RECORD, FIELD_MAYBE | FIELD_PLAIN, .of = &use_record
#undef AT
#define AT(member) FIELD_AT(struct advised, member)
static const struct record advised_record = {"advised", sizeof(struct advised),
    FIELDS({"name", FIELD_STRING, FIELD_NEEDED, AT(name), .about = "Of several together with + between."},
        {"title", FIELD_STRING, AT(title), .about = "For people."},
        {"article", FIELD_STRING, AT(article), .about = "What the article says about it, in other words."},
        {"costs", FIELD_STRING, AT(costs), .about = "What it may cost besides what was measured."},
        {"command", FIELD_STRING, AT(command), .about = "The command line that does the same without vcost."},
        {"cell", FIELD_STRING, AT(cell), .missing = "it was not measured", .about = "Id of its cell."},
        {"cause", FIELD_STRING, FIELD_LATER, AT(cause), .missing = "vcost inspect measures no such thing",
            .about = "Name in \"causes\" of what vcost inspect measures of the same."},
        {"stand_in", FIELD_STRING, FIELD_LATER, AT(stand_in), .missing = "it needs none",
            .about = "Name of the remedy that is tried in its place."},
        {"diagnostic", FIELD_FLAG, AT(diagnostic), .about = "It explains, and is not advised."},
        {"combination", FIELD_FLAG, AT(combination)},
        {"over", FIELD_STRING, FIELD_LATER, AT(over), .missing = "it is no combination that was measured",
            .about = "Name of the best one alone, which a combination has to outdo to help."},
        {"over_ratio", FIELD_REAL, FIELD_LATER | FIELD_PLAIN, AT(over_ratio),
            .about = "Its time over that one's, of the same rounds."},
        {"over_low", FIELD_REAL, FIELD_LATER | FIELD_PLAIN, AT(over_low), .about = "95 % interval."},
        {"over_high", FIELD_REAL, FIELD_LATER | FIELD_PLAIN, AT(over_high)},
        {"state", FIELD_ENUM, FIELD_NEEDED | FIELD_OPEN, AT(state), FIELD_NAMES(advised_state_names),
            .other = ADVISED_UNTRIED,
            .about = "out: the program did something else with it. cannot: not applicable here."},
        {"reason", FIELD_REASON, AT(reason), .why = why_not, .check = "'minLength': 1",
            .about = "Why it is not advised; null if it helps."},
        {"proof", FIELD_TEXT, AT(proof), .missing = "nothing tells",
            .about = "What shows that it was obtained."},
        {"ratio", FIELD_REAL, AT(ratio), .missing = "it was not measured",
            .about = "Its time over that without: 0.8 is 20 % less time."},
        {"low", FIELD_REAL, AT(low), .missing = "no interval could be made", .about = "95 % interval."},
        {"high", FIELD_REAL, AT(high), .missing = "no interval could be made"},
        {"rounds", FIELD_COUNT, AT(rounds), .about = "That the ratio was made over."},
        {"faster_rounds", FIELD_COUNT, FIELD_LATER, AT(faster_rounds),
            .about = "Of these, in which it took less than the run beside it."},
        {"confirmed", FIELD_FLAG, AT(confirmed),
            .about = "The ratio is of rounds of their own, after it was chosen by others."},
        {"chance", FIELD_REAL, AT(chance), .missing = "it was not confirmed",
            .about = "Of so much by chance alone, by Holm's method for all that were confirmed."},
        {"use", USE, AT(use), .count_offset = offsetof(struct advised, use.known)}),
    .check = check_advised, .about = "One remedy, and what it did to the program."};

static const char *no_output(const void *base)
{
    const struct advice *advice = base;
    if (advice->output_compared)
        return NULL;
    return advice->no_output_reason[0] ? advice->no_output_reason : "not told";
}

enum { ITEMS_MAX = 4096 };
#undef AT
#define AT(member) FIELD_AT(struct advice, member)
const struct record advice_record = {"advice", sizeof(struct advice),
    FIELDS({"program", FIELD_LIST, FIELD_POOLED, FIELD_POINTER(struct advice, words, word_count),
               .about = "As typed."},
        {"measure", FIELD_STRING, AT(measure), .about = "What is made smaller."},
        {"seconds", FIELD_REAL, AT(seconds), .missing = "not measured", .about = "Of one run as it is."},
        {"budget_seconds", FIELD_REAL, AT(budget_seconds), .missing = "not told"},
        {"least_seconds", FIELD_REAL, AT(least_seconds), .missing = "not told",
            .about = "That it takes to decide about all that can be tried."},
        {"decides_seconds", FIELD_REAL, FIELD_LATER, AT(decides_seconds),
            .missing = "all was decided, or no budget would by the scatter seen",
            .about =
                "Budget that would decide about those of which no gain was confirmed and none excluded."},
        {"scatter", FIELD_REAL, FIELD_LATER, AT(scatter), .missing = "too few runs",
            .about = "Standard deviation of the logarithms of the runs without a remedy."},
        {"scatter_next", FIELD_REAL, FIELD_LATER, AT(scatter_next), .missing = "too few runs",
            .about = "The same from one run to the next, which does not grow by drift."},
        {"drifts", FIELD_FLAG, FIELD_LATER, AT(drifts),
            .about = "They scatter more altogether than from one to the next, beyond chance."},
        {"leaves_some", FIELD_FLAG, FIELD_LATER, AT(leaves_some),
            .about = "Processes, when it ends; they are ended, and not measured."},
        {"left_count", FIELD_COUNT, FIELD_LATER, AT(left_count), .about = "How many, in its first run."},
        {"left_name", FIELD_STRING, FIELD_LATER, AT(left_name), .missing = "it leaves none",
            .about = "Of the first of them, as the kernel calls it."},
        {"reads_nothing", FIELD_FLAG, FIELD_LATER, AT(reads_nothing),
            .about = "It reads its standard input, and there was nothing in it."},
        {"output_compared", FIELD_FLAG, AT(output_compared)},
        {"output_reason", FIELD_REASON, AT(no_output_reason), .why = no_output, .check = "'minLength': 1"},
        {"use", USE, AT(use), .count_offset = offsetof(struct advice, use.known)},
        {"inspected", FIELD_FLAG, FIELD_LATER, AT(inspected), .about = "Causes were looked for."},
        {"causes", FIELD_LIST, FIELD_LATER, FIELD_POINTER(struct advice, causes, cause_count),
            .of = &remedy_record, .limit = ITEMS_MAX,
            .about = "What costs on this machine whatever the program, as vcost inspect finds it."},
        {"best", FIELD_STRING, AT(best), .missing = "none helps", .about = "Name of the one to use."},
        {"remedies", FIELD_LIST, FIELD_POINTER(struct advice, items, count), .of = &advised_record,
            .limit = ITEMS_MAX}),
    .about = "What was tried on a program and what to use; of the experiment \"advise\" only."};
