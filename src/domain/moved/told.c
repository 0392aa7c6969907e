#include "domain/moved/told.h"

const char *const moved_stages[MOVED_STAGES] = {
    [MOVED_OFFERING] = "offered",
    [MOVED_COPYING] = "copying",
    [MOVED_STOPPED] = "stopped",
    [MOVED_HANDED] = "handed over",
    [MOVED_FOLLOWS] = "memory follows",
    [MOVED_DONE] = "done",
    [MOVED_CHECKED] = "checked",
    [MOVED_FAILED] = "failed",
    [MOVED_UNDECIDED] = "undecided",
    [MOVED_BROKEN] = "link broken",
};

const char *const follow_stages[FOLLOW_STAGES] = {
    [FOLLOW_NONE] = "none",
    [FOLLOW_COMES] = "comes",
    [FOLLOW_BROKEN] = "link broken",
    [FOLLOW_ALL] = "all there",
};

#define AT(member) FIELD_AT(struct follow_told, member)
#define NO_FAULT .missing = "no page was waited for, or not all have come"
static const struct field follow_fields[] = {
    {"stage", FIELD_ENUM, FIELD_NEEDED, AT(stage), FIELD_NAMES(follow_stages)},
    {"pages", FIELD_COUNT, FIELD_NEEDED, AT(pages)},
    {"pages_left", FIELD_COUNT, FIELD_NEEDED, AT(left)},
    {"faults", FIELD_COUNT, FIELD_NEEDED, AT(faults)},
    {"fault_median_us", FIELD_REAL, AT(median_us), NO_FAULT},
    {"fault_longest_us", FIELD_REAL, AT(longest_us), NO_FAULT},
    {"seconds", FIELD_REAL, FIELD_NEEDED, AT(seconds)},
};
#undef AT
const struct record follow_told_record = {"follow", sizeof(struct follow_told), RECORD_FIELDS(follow_fields)};

#define AT(member) FIELD_AT(struct moved_told, member)
#define MISSING .missing = "it has not come to that"
static const struct field fields[] = {
    {"to", FIELD_TEXT, FIELD_NEEDED, AT(to)},
    {"stage", FIELD_ENUM, FIELD_NEEDED, AT(stage), FIELD_NAMES(moved_stages)},
    {"passes", FIELD_COUNT, FIELD_NEEDED, AT(passes)},
    {"pages_sent", FIELD_COUNT, FIELD_NEEDED, AT(pages_sent)},
    {"zero_pages", FIELD_COUNT, FIELD_NEEDED, AT(zeros)},
    {"bytes_sent", FIELD_COUNT, FIELD_NEEDED, AT(bytes_sent)},
    {"pages_left", FIELD_COUNT, FIELD_NEEDED, AT(left)},
    {"bandwidth", FIELD_REAL, AT(bandwidth), MISSING},
    {"written", FIELD_REAL, AT(written), MISSING},
    {"expected_downtime_ms", FIELD_REAL, AT(expected_ms), MISSING},
    {"throttle_percent", FIELD_COUNT, FIELD_NEEDED, AT(throttle_percent)},
    {"throttled_ms", FIELD_REAL, FIELD_NEEDED, AT(throttled_ms)},
    {"seconds", FIELD_REAL, AT(seconds), MISSING},
    {"downtime_ms", FIELD_REAL, AT(downtime_ms), MISSING},
    {"stopping_ms", FIELD_REAL, AT(stopping_ms), MISSING},
    {"last_pass_ms", FIELD_REAL, AT(last_pass_ms), MISSING},
    {"last_pass_pages", FIELD_COUNT, FIELD_NEEDED, AT(last_pages)},
    {"state_ms", FIELD_REAL, AT(state_ms), MISSING},
    {"send_ms", FIELD_REAL, AT(send_ms), MISSING},
    {"create_ms", FIELD_REAL, AT(create_ms), MISSING},
    {"start_ms", FIELD_REAL, AT(start_ms), MISSING},
    {"look_ms", FIELD_REAL, AT(look_ms), MISSING},
    {"post_copy", FIELD_RECORD, FIELD_MAYBE, AT(follow),
        .count_offset = offsetof(struct moved_told, post_copy), .of = &follow_told_record,
        .missing = "all memory was sent before it was handed over"},
    {"sentence", FIELD_TEXT, AT(sentence), .missing = "there is nothing to say"},
    {"program", FIELD_RECORD, FIELD_MAYBE, AT(costs), .count_offset = offsetof(struct moved_told, has_costs),
        .of = &timeline_costs_record, MISSING},
};
const struct record moved_told_record = {"moved", sizeof(struct moved_told), RECORD_FIELDS(fields)};
