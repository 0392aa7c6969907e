#include "report/format.h"
#include "report/view_parts.h"
#include "report/views.h"

#include <math.h>
#include <string.h>

/* ---- what a person can repeat ---- */

/* "24 % (20 to 28) less time" of 0.76 with its interval. */
static const char *gain(const struct advice *advice, const struct advised *advised, struct document *doc)
{
    const char *measure = advice->measure ? advice->measure : "";
    const char *what = !strcmp(measure, "CPU time")     ? "less CPU time"
                       : !strcmp(measure, "wall clock") ? "less time"
                                                        : "better by its own measure";
    return document_text(doc, "%s %s", view_amount(doc, advised->ratio, advised->low, advised->high), what);
}

/* Less is not told, nor are differences in what is loaded and how it lies. */
static const double told_least = 1 << 20;

/* "12 MiB more memory"; NULL where it is about as much. */
static const char *memory_harm(
    const struct advice *advice, const struct advised *advised, struct document *doc)
{
    static const double told_share = 0.01;
    double more = (double)advised->use.peak_bytes - (double)advice->use.peak_bytes;
    if (!advice->use.known || !advised->use.known || fabs(more) < told_least ||
        fabs(more) < told_share * (double)advice->use.peak_bytes)
        return NULL;
    return document_text(
        doc, "%s %s memory", format_size((uint64_t)fabs(more)).text, more > 0 ? "more" : "less");
}

static const char *cpu_harm(const struct advice *advice, const struct advised *advised, struct document *doc)
{
    static const double told_share = 0.05;
    double ratio = advised->use.cpu_seconds / advice->use.cpu_seconds;
    if (!strcmp(advice->measure, "CPU time")) /* it is the gain itself */
        return NULL;
    if (!advice->use.known || !advised->use.known || !isfinite(ratio) || ratio < 1 + told_share)
        return NULL;
    return document_text(doc, "%.0f %% more CPU time", 100 * (ratio - 1));
}

static const char *harms(const struct advice *advice, const struct advised *advised, struct document *doc)
{
    const char *memory = memory_harm(advice, advised, doc), *cpu = cpu_harm(advice, advised, doc);
    return memory && cpu ? document_text(doc, "%s, %s", memory, cpu) : memory ? memory : cpu;
}

static unsigned count_state(const struct advice *advice, enum advised_state state)
{
    unsigned count = 0;
    for (size_t i = 0; i < advice->count; i++)
        count += advice->items[i].state == state && !advice->items[i].combination;
    return count;
}

static unsigned count_measured(const struct advice *advice)
{
    unsigned count = 0;
    for (size_t i = 0; i < advice->count; i++)
        count += advice->items[i].rounds > 0 && !advice->items[i].combination;
    return count;
}

/* The largest gain that an interval leaves to one that was measured and does not help; NAN: none was. */
static double largest_left(const struct advice *advice)
{
    double low = NAN;
    for (size_t i = 0; i < advice->count; i++)
        if (advice->items[i].state == ADVISED_NO_GAIN && !advice->items[i].diagnostic)
            low = fmin(low, advice->items[i].low);
    return fmax(0, 1 - low);
}

/* What would tell what this run cannot. */
static const char *what_would_tell(const struct advice *advice, struct document *doc)
{
    struct listing names = {.doc = doc, .between = ","};
    if (!isfinite(advice->decides_seconds))
        return "By the scatter seen no longer budget would, but a quieter machine, or --by cpu";
    for (size_t i = 0; i < advice->count; i++)
        if (advice_hides(&advice->items[i]) && !advice->items[i].combination && !advice->items[i].diagnostic)
            listing_add(&names, "%s", advice->items[i].name);
    return document_text(doc,
        "By the scatter seen it takes --budget %.0f --only %s; on a quieter machine, less",
        advice->decides_seconds, listing_text(&names));
}

static void conclude(const struct result *result, struct document *doc)
{
    const struct advice *advice = &result->advice;
    const struct advised *best = advice_best(advice);
    unsigned tried = count_measured(advice);
    const char *incomplete = view_run_incomplete(result, doc);
    if (best) {
        const char *harm = harms(advice, best, doc);
        document_say(doc, BLOCK_CONCLUSION, "%s: %s%s%s%s.", best->name, gain(advice, best, doc),
            harm ? ", with " : "", harm ? harm : "", incomplete);
        document_say(doc, BLOCK_SENTENCE, "Use:");
        document_say(doc, BLOCK_COMMAND, "%s", best->command);
    } else if (!tried) {
        document_say(doc, BLOCK_CONCLUSION, "Nothing could be decided%s.%s", incomplete,
            advice->least_seconds > advice->budget_seconds
                ? document_text(doc, " For all that can be tried it takes --budget %.0f.",
                      ceil(1.1 * advice->least_seconds))
                : "");
    } else if (!result->complete) {
        document_say(doc, BLOCK_CONCLUSION, "Nothing was found to help so far%s.", incomplete);
    } else if (largest_left(advice) > advice_hidden_most) {
        document_say(doc, BLOCK_CONCLUSION,
            "This run cannot tell what helps: its intervals leave a gain of up to %.2g %%. %s.",
            100 * largest_left(advice), what_would_tell(advice, doc));
    } else {
        document_say(doc, BLOCK_CONCLUSION, "Nothing helps: %s.",
            tried == 1 ? "the one remedy that was tried does not make it faster for certain"
                       : document_text(doc,
                             "none of the %u remedies that were tried makes it faster for certain", tried));
    }
}

/* What makes a run something else than what its user may mean. */
static void say_odd(const struct advice *advice, struct document *doc)
{
    if (advice->leaves_some) {
        view_say_left(advice->left_count, advice->left_name, doc);
        view_add(doc, " A server is to stay in the foreground, and is tried by --server.");
    }
    if (advice->reads_nothing)
        document_say(doc, BLOCK_FACT,
            "It reads its standard input, and there was nothing in it: --stdin FILE gives it something to "
            "read.");
}

static void say_facts(const struct result *result, struct document *doc)
{
    const struct advice *advice = &result->advice;
    const struct advised *best = advice_best(advice);
    view_run_machine(result, doc);
    view_run_below(result, doc);
    if (isfinite(advice->seconds))
        document_say(doc, BLOCK_FACT,
            "The program as it is takes %s, %s CPU time, up to %s of memory and %s page fault%s.",
            format_figure(UNIT_NS, advice->seconds * 1e9, 0).text,
            format_figure(UNIT_NS, advice->use.cpu_seconds * 1e9, 0).text,
            format_size(advice->use.peak_bytes).text, format_count(advice->use.faults).text,
            advice->use.faults == 1 ? "" : "s");
    if (best && best->proof[0])
        document_say(doc, BLOCK_FACT, "It took effect: %s.", best->proof);
    if (best && best->costs)
        document_say(doc, BLOCK_FACT, "What it may cost besides: %s.", best->costs);
    if (!best && result->complete && count_measured(advice) && largest_left(advice) <= advice_hidden_most)
        document_say(doc, BLOCK_FACT, "The intervals leave a gain of at most %.2g %% to each.",
            100 * largest_left(advice));
    if (!best && isfinite(advice->scatter))
        document_say(doc, BLOCK_FACT,
            "The runs without a remedy scatter by %.2g %%, by %.2g %% from one to the next: %s.",
            100 * advice->scatter, 100 * advice->scatter_next,
            advice->drifts ? "they drift" : "that is how they lie in memory and what else runs, not drift");
    say_odd(advice, doc);
    if (!advice->output_compared)
        document_say(doc, BLOCK_FACT, "What it writes was not compared: %s.", advice->no_output_reason);
}

/* What costs on this machine, and what the remedy that is about it does for this program. */
static void say_causes(const struct advice *advice, struct document *doc)
{
    for (size_t i = 0; i < advice->count; i++) {
        const struct advised *item = &advice->items[i], *other = advice_item(advice, item->stand_in);
        const struct remedy *cause = advice_cause(advice, item->cause);
        const struct advised *measured = other ? other : item;
        if (!cause || cause->low <= 0) /* a limit, which is read and not measured, has no interval */
            continue;
        document_say(doc, BLOCK_FACT, "%s (%s against %s)", view_capital(doc, cause->cost),
            format_figure(UNIT_NS, cause->with_ns, 0).text,
            format_figure(UNIT_NS, cause->without_ns, 0).text);
        if (measured->rounds)
            view_add(doc, ": measured here %s, %s%s", measured->name,
                measured->state == ADVISED_HELPS ? gain(advice, measured, doc) : "no gain for certain",
                other ? document_text(doc, "; more is to be expected with %s", item->title) : "");
        else if (item->state == ADVISED_CANNOT)
            view_add(doc, ". To change: %s", cause->change);
        view_add(doc, ".");
    }
}

/* ---- the table ---- */

static const char *state_words(const struct advised *advised)
{
    static const char *const words[ADVISED_STATES] = {[ADVISED_HELPS] = "helps",
        [ADVISED_NO_GAIN] = "no gain",
        [ADVISED_HARMS] = "slower",
        [ADVISED_NOT_OBTAINED] = "not obtained",
        [ADVISED_OUT] = "changes it",
        [ADVISED_CANNOT] = "not here",
        [ADVISED_UNTRIED] = "not decided"};
    return advice_hides(advised)                                       ? "cannot tell"
           : advised->combination && advised->state == ADVISED_NO_GAIN ? "not better"
                                                                       : words[advised->state];
}

static enum tone tone_of(const struct advised *advised)
{
    return advised->state == ADVISED_HELPS   ? TONE_FASTER
           : advised->state == ADVISED_HARMS ? TONE_SLOWER
           : advised->state == ADVISED_OUT   ? TONE_WARNING
                                             : TONE_PLAIN;
}

/* "+1.2 % (-0.4 to +3.1)" of 1.012 with its interval. */
static const char *change(double ratio, double low, double high, struct document *doc)
{
    const double figures[] = {ratio, low, high};
    const char *texts[3];
    for (int i = 0; i < 3; i++)
        texts[i] = document_text(doc, "%s", format_figure(UNIT_CHANGE, figures[i], FORMAT_BARE).text);
    return document_text(doc, "%s %% (%s to %s)", texts[0], texts[1], texts[2]);
}

/* What was obtained; where a gain comes and goes, how often it came; and of several together, what they were
 * judged by. */
static const char *how_known(const struct advised *advised, struct document *doc)
{
    struct listing known = {.doc = doc, .between = "; "};
    bool both = advised->faster_rounds > 0 && advised->faster_rounds < advised->rounds;
    if (isfinite(advised->over_ratio))
        listing_add(&known, "%s against %s alone",
            change(advised->over_ratio, advised->over_low, advised->over_high, doc), advised->over);
    if (advised->proof[0])
        listing_add(&known, "%s", advised->proof);
    if (both && (advised->state == ADVISED_HELPS || advice_hides(advised)))
        listing_add(&known, "faster in %u of %u rounds", advised->faster_rounds, advised->rounds);
    return listing_text(&known);
}

static void fill_row(const struct advice *advice, const struct advised *advised, struct table *table,
    size_t row, struct document *doc)
{
    table_text(table, row, 0, advised->name);
    table_text(table, row, 1, state_words(advised));
    table_at(table, row, 1)->tone = tone_of(advised);
    table_interval(table, row, 2, advised->ratio, advised->low, advised->high);
    if (advised->rounds)
        table_number(table, row, 3, advised->rounds);
    if (advised->use.known) {
        double more = (double)advised->use.peak_bytes - (double)advice->use.peak_bytes;
        table_text(table, row, 4,
            fabs(more) < told_least
                ? "as much"
                : document_text(doc, "%s%s", more > 0 ? "+" : "-", format_size((uint64_t)fabs(more)).text));
        table_number(table, row, 5, (double)advised->use.faults);
    }
    bool untold = advised->state == ADVISED_CANNOT || advised->state == ADVISED_OUT ||
                  advised->state == ADVISED_NOT_OBTAINED || advised->state == ADVISED_UNTRIED;
    table_text(table, row, 6, untold ? advised->reason : how_known(advised, doc));
    table_at(table, row, 0)->detail = advised->state == ADVISED_CANNOT || advised->state == ADVISED_UNTRIED;
}

static void add_table(const struct advice *advice, struct document *doc)
{
    static const struct column columns[] = {{.key = "remedy", .head = "", .unit = UNIT_TEXT},
        {.key = "verdict", .head = "", .unit = UNIT_TEXT},
        {.key = "time", .unit = UNIT_CHANGE, .interval = true, .rounded = true},
        {.key = "rounds", .unit = UNIT_COUNT, .drop = 2}, {.key = "memory", .unit = UNIT_TEXT, .drop = 1},
        {.key = "page faults", .unit = UNIT_COUNT, .drop = 3},
        {.key = "how it is known", .head = "", .unit = UNIT_TEXT, .below = true}};
    struct table *table =
        document_table(doc, "remedies", NULL, columns, sizeof columns / sizeof *columns, advice->count);
    for (size_t i = 0; i < advice->count; i++)
        fill_row(advice, &advice->items[i], table, i, doc);
    view_drop_empty(table);
}

static void say_state(
    const struct advice *advice, enum advised_state state, const char *what, struct document *doc)
{
    struct listing names = {.doc = doc, .between = ", "};
    for (size_t i = 0; i < advice->count; i++)
        if (advice->items[i].state == state)
            listing_add(&names, "%s", advice->items[i].name);
    if (names.count)
        document_say(doc, BLOCK_NOTE, "%s: %s (--verbose tells why).", what, listing_text(&names));
}

static void say_method(const struct result *result, struct document *doc)
{
    const struct advice *advice = &result->advice;
    document_details(doc, true);
    document_say(doc, BLOCK_SENTENCE,
        "Measured: %s, with in turns beside without, in rounds; layout differs from round to round "
        "(addresses, size of the environment). Time is the median over rounds of the ratio of the two, with "
        "its 95 %% interval. Those that seemed to help were confirmed by rounds of their own; what helps "
        "does so with at most 5 %% of chance over all that were confirmed together (Holm). %u took no "
        "effect, %u changed what the program does.",
        advice->measure, count_state(advice, ADVISED_NOT_OBTAINED), count_state(advice, ADVISED_OUT));
    for (size_t i = 0; i < advice->count; i++)
        if (advice->items[i].state == ADVISED_HELPS)
            document_say(doc, BLOCK_SENTENCE, "%s: %s. The article: %s Command: %s", advice->items[i].name,
                advice->items[i].title, advice->items[i].article ? advice->items[i].article : "",
                advice->items[i].command);
    document_details(doc, false);
}

static void add_table_for_files(const struct advice *advice, struct document *doc)
{
    struct table *table = NULL;
    for (size_t i = 0; i < advice->count; i++) {
        const struct advised *advised = &advice->items[i];
        const struct advised_use *use = &advised->use;
        double none = use->known ? 0 : NAN;
        const struct file_value values[] = {FILE_WORDS("remedy", advised->name),
            FILE_WORDS("state", advised_state_names[advised->state]),
            FILE_FIGURE("ratio", UNIT_RATIO, advised->ratio), FILE_FIGURE("low", UNIT_RATIO, advised->low),
            FILE_FIGURE("high", UNIT_RATIO, advised->high),
            FILE_FIGURE("rounds", UNIT_COUNT, advised->rounds),
            FILE_FIGURE("chance", UNIT_SHARE, advised->chance),
            FILE_FIGURE("peak_bytes", UNIT_BYTES, (double)use->peak_bytes + none),
            FILE_FIGURE("faults", UNIT_COUNT, (double)use->faults + none),
            FILE_FIGURE("cpu_seconds", UNIT_RATIO, use->cpu_seconds + none),
            FILE_WORDS("proof", advised->proof), FILE_WORDS("reason", advised->reason),
            FILE_WORDS("command", advised->command)};
        enum { COLUMNS = sizeof values / sizeof *values };
        if (!table)
            table = view_file_table(doc, "remedies", values, COLUMNS, advice->count);
        view_file_row(table, i, values, COLUMNS);
    }
}

void view_advise(const struct result *result, struct document *doc)
{
    view_run_title(result, doc);
    conclude(result, doc);
    say_facts(result, doc);
    say_causes(&result->advice, doc);
    add_table(&result->advice, doc);
    say_state(&result->advice, ADVISED_CANNOT, "Cannot be tried here", doc);
    say_state(&result->advice, ADVISED_UNTRIED, "Not decided", doc);
    say_method(result, doc);
    add_table_for_files(&result->advice, doc);
    if (result->cell_count)
        view_run_cells(result, doc);
}

/* What each is about, which is what a list teaches besides names. */
static void say_each(const struct advice *advice, struct document *doc)
{
    document_details(doc, true);
    for (size_t i = 0; i < advice->count; i++) {
        const struct advised *advised = &advice->items[i];
        document_say(doc, BLOCK_SENTENCE, "%s: %s The article: %s Costs: %s.%s%s", advised->name,
            document_text(doc, "%s.", advised->title), advised->article ? advised->article : "",
            advised->costs ? advised->costs : "", advised->command[0] ? " Command: " : "", advised->command);
    }
    document_details(doc, false);
}

void view_advise_list(const struct result *result, struct document *doc)
{
    static const struct column columns[] = {{.key = "name", .head = "", .unit = UNIT_TEXT},
        {.key = "what", .head = "", .unit = UNIT_TEXT},
        {.key = "here", .head = "", .unit = UNIT_TEXT, .below = true}};
    const struct advice *advice = &result->advice;
    size_t cannot = count_state(advice, ADVISED_CANNOT);
    doc->title = "vcost advise --list";
    document_say(doc, BLOCK_CONCLUSION, "%zu of %zu remed%s can be tried here%s.", advice->count - cannot,
        advice->count, advice->count == 1 ? "y" : "ies",
        cannot == advice->count ? "; why not stands below"
        : cannot == 1           ? "; why the other one cannot stands below it"
        : cannot                ? "; why the others cannot stands below them"
                                : "");
    document_say(doc, BLOCK_FACT,
        "vcost advise PROGRAM tries them on a program, --only NAME[,NAME...] some of them; --verbose tells "
        "what each is about and what it costs.");
    struct table *table = document_table(doc, "remedies", NULL, columns, 3, advice->count);
    for (size_t i = 0; i < advice->count; i++) {
        const struct advised *advised = &advice->items[i];
        table_text(table, i, 0, advised->name);
        table_text(table, i, 1,
            document_text(
                doc, "%s%s", advised->title, advised->diagnostic ? " (to find out, not to keep)" : ""));
        if (advised->state == ADVISED_CANNOT)
            table_text(table, i, 2, document_text(doc, "not here: %s", advised->reason));
    }
    say_each(advice, doc);
}
