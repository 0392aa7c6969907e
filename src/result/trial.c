/* Trials, counted and as JSON. */
#include "result/trial.h"

#include "record/record.h"

#include <math.h>
#include <string.h>

const struct trial_class_words trial_classes[TRIAL_CLASSES] = {
    [TRIAL_COMPUTATION] = {"computation", "Results and state"},
    [TRIAL_SENSITIVE] = {"sensitive", "Sensitive instructions that do not trap"},
    [TRIAL_PRIVILEGED] = {"privileged", "Privileged instructions"},
    [TRIAL_EXCEPTIONS] = {"exceptions", "Exceptions"},
    [TRIAL_KERNEL] = {"kernel", "A guest's kernel"},
    [TRIAL_SAFETY] = {"safety", "Safety"},
};
const char *const trial_seen_names[SEEN_KINDS] = {"nothing", "same", "own", "host", "trap", "other"};
const char *const trial_verdict_names[TRIAL_VERDICTS] = {"held", "differs", "failed", "untried"};

void verified_count(struct verified *verified, const struct trial *trials, size_t count)
{
    memset(verified->goals, 0, sizeof verified->goals);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(trials[i].monitor, verified->monitor) != 0)
            continue;
        struct trial_counts *counts = &verified->goals[trial_goal(&trials[i])];
        counts->held += trials[i].verdict == TRIAL_HELD;
        counts->differs += trials[i].verdict == TRIAL_DIFFERS;
        counts->failed += trials[i].verdict == TRIAL_FAILED;
        counts->untried += trials[i].verdict == TRIAL_UNTRIED;
    }
}

/* ---- a trial ---- */

static const char *not_held(const void *base)
{
    const struct trial *trial = base;
    if (trial->verdict == TRIAL_HELD)
        return NULL;
    return trial->reason[0] ? trial->reason : "not told";
}

#define AT(member) FIELD_AT(struct trial, member)
const struct record trial_record = {"trial", sizeof(struct trial),
    FIELDS({"name", FIELD_TEXT, FIELD_NEEDED, AT(name), .check = "'pattern': '^[a-z0-9-]+$'",
               .about = "Stable: \"sgdt\"."},
        {"monitor", FIELD_TEXT, FIELD_NEEDED, AT(monitor)},
        {"title", FIELD_TEXT, AT(title), .about = "For people."},
        {"class", FIELD_ENUM, FIELD_OPEN, AT(class), FIELD_NAMES(trial_classes), .other = TRIAL_COMPUTATION,
            .about = "safety counts for that goal, all others for fidelity."},
        {"privilege", FIELD_COUNT, FIELD_PLAIN, AT(privilege), .other = -1U, .missing = "does not apply",
            .about = "The level (CPL) that it ran at in the guest; null: does not apply."},
        {"native", FIELD_TEXT, FIELD_PLAIN, AT(native), .missing = "none",
            .about = "The outcome natively, at CPL 3; null: it was not executed there."},
        {"guest", FIELD_TEXT, FIELD_PLAIN, AT(guest), .missing = "none",
            .about = "The outcome in the guest; null: it was not executed there."},
        {"due", FIELD_TEXT, FIELD_PLAIN, AT(due), .missing = "none",
            .about = "What the machine that the guest is shown has to answer; null: as native."},
        {"seen", FIELD_ENUM, FIELD_OPEN, AT(seen), FIELD_NAMES(trial_seen_names), .other = SEEN_NOTHING,
            .about = "same: as due, which is as native. own: as due, native is another. host: as native, not "
                     "as due. trap: an exception that is not due. nothing: no question here."},
        {"verdict", FIELD_ENUM, FIELD_OPEN, AT(verdict), FIELD_NAMES(trial_verdict_names),
            .other = TRIAL_UNTRIED,
            .about = "differs: not held, as no monitor of this make can; not counted as failed."},
        {"reason", FIELD_REASON, AT(reason), .why = not_held, .check = "'minLength': 1",
            .about = "Why it is not held; null if it is."}),
    .about = "One thing that vcost verify tried on a monitor."};

/* ---- a monitor ---- */

static const char *not_here(const void *base)
{
    const struct verified *verified = base;
    if (verified->here)
        return NULL;
    return verified->reason[0] ? verified->reason : "not told";
}

static const char *no_slowdown(const void *base)
{
    const struct verified *verified = base;
    if (isfinite(verified->slowdown) && isfinite(verified->low) && isfinite(verified->high))
        return NULL;
    if (!verified->here)
        return not_here(verified);
    return verified->slowdown_reason[0] ? verified->slowdown_reason : "no interval could be made";
}

#undef AT
#define AT(member) FIELD_AT(struct trial_counts, member)
static const struct record counts_record = {"counts", sizeof(struct trial_counts),
    FIELDS({"held", FIELD_COUNT, AT(held)}, {"differs", FIELD_COUNT, AT(differs)},
        {"failed", FIELD_COUNT, AT(failed)}, {"untried", FIELD_COUNT, AT(untried)}),
    .about = "Trials by their verdict."};

static void check_verified(struct reader *reader, void *base)
{
    const struct verified *verified = base;
    reader_interval(reader, "slowdown", verified->low, verified->slowdown, verified->high);
}

#undef AT
#define AT(member) FIELD_AT(struct verified, member)
#define IF_HERE FIELD_MAYBE | FIELD_PLAIN, .count_offset = offsetof(struct verified, here)
const struct record verified_record = {"verified", sizeof(struct verified),
    FIELDS({"monitor", FIELD_TEXT, FIELD_NEEDED, AT(monitor)},
        {"label", FIELD_TEXT, AT(label), .about = "For people."}, {"here", FIELD_FLAG, AT(here)},
        {"reason", FIELD_REASON, AT(reason), .why = not_here, .check = "'minLength': 1",
            .about = "Why it could not be used here; null if it could."},
        {"fidelity", FIELD_RECORD, IF_HERE, AT(goals[GOAL_FIDELITY]), .of = &counts_record},
        {"safety", FIELD_RECORD, IF_HERE, AT(goals[GOAL_SAFETY]), .of = &counts_record},
        {"slowdown", FIELD_REAL, FIELD_PLAIN, AT(slowdown),
            .about = "Geometric mean of what the comparisons with native say: 1.013 is 1.3 % slower."},
        {"low", FIELD_REAL, FIELD_PLAIN, AT(low), .about = "Low end of its 95 % confidence interval."},
        {"high", FIELD_REAL, FIELD_PLAIN, AT(high), .about = "Its high end."},
        {"slowdown_reason", FIELD_REASON, AT(slowdown_reason), .why = no_slowdown, .check = "'minLength': 1",
            .about = "Why one of the three is null; null if none is."}),
    .check = check_verified, .about = "A monitor and the three goals of Popek and Goldberg."};
