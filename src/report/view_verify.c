#include "report/format.h"
#include "report/view_parts.h"
#include "report/views.h"

#include <math.h>
#include <string.h>

static const char *count_phrase(const struct trial_counts *counts, struct document *doc)
{
    const char *text = document_text(doc, "%u of %u", counts->held, counts->held + counts->failed);
    return counts->untried ? document_text(doc, "%s, %u not tried", text, counts->untried) : text;
}

/* ---- what a person can repeat ---- */

static void conclude(const struct result *result, struct document *doc)
{
    struct listing good = {.doc = doc, .between = ", "}, bad = good;
    for (size_t i = 0; i < result->verified_count; i++) {
        const struct verified *verified = &result->verified[i];
        if (verified->here)
            listing_add(verified_failed(verified) ? &bad : &good, "%s", verified->monitor);
    }
    const char *incomplete = view_run_incomplete(result, doc);
    if (bad.count)
        document_say(
            doc, BLOCK_CONCLUSION, "Not all that was tried holds on %s%s.", listing_text(&bad), incomplete);
    else if (good.count)
        document_say(
            doc, BLOCK_CONCLUSION, "All that was tried holds on %s%s.", listing_text(&good), incomplete);
    else
        document_say(doc, BLOCK_CONCLUSION, "No monitor can be used here%s.", incomplete);
}

/* ---- a line each ---- */

static void add_goals(const struct result *result, struct document *doc)
{
    static const struct column columns[] = {{.key = "monitor", .unit = UNIT_TEXT},
        {.key = "fidelity", .unit = UNIT_TEXT}, {.key = "known to differ", .unit = UNIT_COUNT},
        {.key = "slowdown", .unit = UNIT_CHANGE, .interval = true, .rounded = true},
        {.key = "safety", .unit = UNIT_TEXT},
        {.key = "why not", .head = "", .unit = UNIT_TEXT, .below = true}};
    struct table *table = document_table(doc, "goals", NULL, columns, 6, result->verified_count);
    for (size_t i = 0; i < result->verified_count; i++) {
        const struct verified *verified = &result->verified[i];
        table_text(table, i, 0, verified->label[0] ? verified->label : verified->monitor);
        if (!verified->here) {
            table_text(table, i, 5, document_text(doc, "cannot be used: %s", verified->reason));
            continue;
        }
        table_text(table, i, 1, count_phrase(&verified->goals[GOAL_FIDELITY], doc));
        table_number(table, i, 2, verified->goals[GOAL_FIDELITY].differs);
        table_interval(table, i, 3, verified->slowdown, verified->low, verified->high);
        table_at(table, i, 3)->why = verified->slowdown_reason;
        table_text(table, i, 4, count_phrase(&verified->goals[GOAL_SAFETY], doc));
        if (!isfinite(verified->slowdown))
            table_text(table, i, 5, document_text(doc, "no slowdown: %s", verified->slowdown_reason));
    }
    view_drop_empty(table);
    document_say(doc, BLOCK_NOTE,
        "Fidelity: a program behaves as on the machine that the guest is shown. Slowdown: geometric mean "
        "over a fixed set of pointer chases, native and guest in turns. Safety: the monitor stays in "
        "control, and a second guest beside computes the same bits.");
}

/* ---- what does not hold ---- */

/* "kvm: SGDT, SIDT, …: REASON", once for each reason. */
static void say_others(
    const struct result *result, enum trial_verdict verdict, const char *lead, struct document *doc)
{
    struct remarks remarks = {.doc = doc};
    for (size_t i = 0; i < result->trial_count; i++) {
        const struct trial *trial = &result->trials[i];
        if (trial->verdict == verdict)
            remarks_add(
                &remarks, document_text(doc, "%s, %s: ", trial->monitor, lead), trial->title, trial->reason);
    }
    remarks_say(&remarks, NULL, 6, 12);
}

/* ---- all that was tried ---- */

enum { COLUMNS_MAX = 8 };

static bool is_same_case(const struct trial *one, const struct trial *other)
{
    return one->class == other->class && one->privilege == other->privilege &&
           !strcmp(one->name, other->name);
}

static const char *cell_text(const struct trial *trial, struct document *doc)
{
    static const char *const words[] = {[SEEN_SAME] = "same",
        [SEEN_OWN] = "its own",
        [SEEN_HOST] = "the host's",
        [SEEN_TRAP] = "a trap",
        [SEEN_OTHER] = "another",
        [SEEN_NOTHING] = ""};
    if (trial->verdict == TRIAL_UNTRIED)
        return "not tried";
    if (!words[trial->seen][0])
        return trial->guest[0] ? trial->guest : trial_verdict_names[trial->verdict];
    if (trial->seen == SEEN_SAME || !trial->guest[0])
        return words[trial->seen];
    return document_text(doc, "%s: %s", words[trial->seen], trial->guest);
}

/* Trials of a class by their index, each case once, as the first monitor has it. */
static size_t find_cases(const struct result *result, enum trial_class class, size_t *cases)
{
    const struct trial *trials = result->trials;
    size_t count = 0;
    for (size_t i = 0; i < result->trial_count; i++) {
        bool known = trials[i].class != class;
        for (size_t k = 0; !known && k < count; k++)
            known = is_same_case(&trials[cases[k]], &trials[i]);
        if (!known)
            cases[count++] = i;
    }
    return count;
}

static void fill_row(const struct result *result, const struct trial *trial, const struct column *columns,
    size_t column_count, struct table *table, size_t row, struct document *doc)
{
    table_text(table, row, 0, trial->title);
    if (trial->privilege >= 0)
        table_number(table, row, 1, trial->privilege);
    table_text(table, row, 2, trial->native);
    for (const struct trial *each = result->trials; each < result->trials + result->trial_count; each++)
        for (size_t c = 3; is_same_case(each, trial) && c < column_count; c++)
            if (!strcmp(columns[c].key, each->monitor)) {
                table_text(table, row, c, cell_text(each, doc));
                table_at(table, row, c)->tone = each->verdict == TRIAL_FAILED ? TONE_WARNING : TONE_PLAIN;
            }
}

/* A row for each case, a column for each monitor that is here. */
static void add_class(const struct result *result, enum trial_class class, struct document *doc)
{
    struct column columns[COLUMNS_MAX] = {{.key = "case", .head = "", .unit = UNIT_TEXT},
        {.key = "CPL", .unit = UNIT_COUNT}, {.key = "native", .unit = UNIT_TEXT}};
    size_t *cases = pool_room(&doc->pool, result->trial_count + 1, sizeof *cases), used = 3;
    size_t count = cases ? find_cases(result, class, cases) : 0;
    for (size_t i = 0; i < result->verified_count && used < COLUMNS_MAX; i++)
        if (result->verified[i].here)
            columns[used++] = (struct column){.key = result->verified[i].monitor, .unit = UNIT_TEXT};
    if (!count)
        return;
    struct table *table =
        document_table(doc, trial_classes[class].name, trial_classes[class].title, columns, used, count);
    for (size_t row = 0; row < count; row++)
        fill_row(result, &result->trials[cases[row]], columns, used, table, row, doc);
    view_drop_empty(table);
}

static void add_trials_for_files(const struct result *result, struct document *doc)
{
    struct table *table = NULL;
    for (size_t i = 0; i < result->trial_count; i++) {
        const struct trial *trial = &result->trials[i];
        const struct file_value values[] = {FILE_WORDS("monitor", trial->monitor),
            FILE_WORDS("class", trial_classes[trial->class].name), FILE_WORDS("name", trial->name),
            FILE_FIGURE("privilege", UNIT_COUNT, trial->privilege < 0 ? NAN : trial->privilege),
            FILE_WORDS("native", trial->native), FILE_WORDS("due", trial->due),
            FILE_WORDS("guest", trial->guest), FILE_WORDS("seen", trial_seen_names[trial->seen]),
            FILE_WORDS("verdict", trial_verdict_names[trial->verdict]), FILE_WORDS("reason", trial->reason)};
        enum { COLUMNS = sizeof values / sizeof *values };
        if (!table)
            table = view_file_table(doc, "trials", values, COLUMNS, result->trial_count);
        view_file_row(table, i, values, COLUMNS);
    }
}

static void add_goals_for_files(const struct result *result, struct document *doc)
{
    struct table *table = NULL;
    for (size_t i = 0; i < result->verified_count; i++) {
        const struct verified *verified = &result->verified[i];
        const struct trial_counts *fidelity = &verified->goals[GOAL_FIDELITY],
                                  *safety = &verified->goals[GOAL_SAFETY];
        double none = verified->here ? 0 : NAN;
        const struct file_value values[] = {FILE_WORDS("monitor", verified->monitor),
            FILE_FIGURE("here", UNIT_YES_NO, verified->here), FILE_WORDS("reason", verified->reason),
            FILE_FIGURE("fidelity_held", UNIT_COUNT, fidelity->held + none),
            FILE_FIGURE("fidelity_differs", UNIT_COUNT, fidelity->differs + none),
            FILE_FIGURE("fidelity_failed", UNIT_COUNT, fidelity->failed + none),
            FILE_FIGURE("slowdown", UNIT_RATIO, verified->slowdown),
            FILE_FIGURE("slowdown_low", UNIT_RATIO, verified->low),
            FILE_FIGURE("slowdown_high", UNIT_RATIO, verified->high),
            FILE_FIGURE("safety_held", UNIT_COUNT, safety->held + none),
            FILE_FIGURE("safety_failed", UNIT_COUNT, safety->failed + none)};
        enum { COLUMNS = sizeof values / sizeof *values };
        if (!table)
            table = view_file_table(doc, "goals", values, COLUMNS, result->verified_count);
        view_file_row(table, i, values, COLUMNS);
    }
}

void view_verify(const struct result *result, struct document *doc)
{
    view_run_title(result, doc);
    conclude(result, doc);
    view_run_machine(result, doc);
    view_run_below(result, doc);
    add_goals(result, doc);
    say_others(result, TRIAL_FAILED, "failed", doc);
    say_others(result, TRIAL_DIFFERS, "known to differ", doc);
    say_others(result, TRIAL_UNTRIED, "not tried", doc);
    document_details(doc, true);
    for (enum trial_class class = 0; class < TRIAL_CLASSES; class ++)
        add_class(result, class, doc);
    document_details(doc, false);
    if (result->cell_count)
        view_run_method(result, doc);
    add_goals_for_files(result, doc);
    add_trials_for_files(result, doc);
    if (result->cell_count)
        view_run_cells(result, doc);
}
