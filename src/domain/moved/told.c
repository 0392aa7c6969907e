#include "domain/moved/told.h"

const char *const moved_stages[MOVED_STAGES] = {
    [MOVED_OFFERING] = "offered",
    [MOVED_COPYING] = "copying",
    [MOVED_STOPPED] = "stopped",
    [MOVED_HANDED] = "handed over",
    [MOVED_DONE] = "done",
    [MOVED_CHECKED] = "checked",
    [MOVED_FAILED] = "failed",
    [MOVED_UNDECIDED] = "undecided",
};

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
    {"sentence", FIELD_TEXT, AT(sentence), .missing = "there is nothing to say"},
    {"program", FIELD_RECORD, FIELD_MAYBE, AT(costs), .count_offset = offsetof(struct moved_told, has_costs),
        .of = &timeline_costs_record, MISSING},
};
const struct record moved_told_record = {"moved", sizeof(struct moved_told), RECORD_FIELDS(fields)};
