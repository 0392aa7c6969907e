/* What a timeline looks like as JSON. */
#include "domain/timeline/told.h"

#define NO_PACE .missing = "there are not enough samples there"
#define NO_SAMPLE .missing = "there are no samples there"

#define AT(member) FIELD_AT(struct timeline_costs, member)
static const struct field costs_fields[] = {
    {"samples", FIELD_COUNT, FIELD_NEEDED, AT(samples)},
    {"samples_lost", FIELD_COUNT, FIELD_NEEDED, AT(samples_lost)},
    {"why_no_samples", FIELD_TEXT, AT(missing), .missing = "there are samples"},
    {"work_before", FIELD_COUNT, FIELD_NEEDED, AT(work_before)},
    {"work_moving", FIELD_COUNT, FIELD_NEEDED, AT(work_moving)},
    {"work_stopped", FIELD_COUNT, FIELD_NEEDED, AT(work_stopped)},
    {"work_after", FIELD_COUNT, FIELD_NEEDED, AT(work_after)},
    {"before_seconds", FIELD_REAL, AT(before_seconds), NO_SAMPLE},
    {"moving_seconds", FIELD_REAL, AT(moving_seconds), NO_SAMPLE},
    {"after_seconds", FIELD_REAL, AT(after_seconds), NO_SAMPLE},
    {"pace_before", FIELD_REAL, AT(pace_before), NO_PACE},
    {"pace_moving", FIELD_REAL, AT(pace_moving), NO_PACE},
    {"pace_after", FIELD_REAL, AT(pace_after), NO_PACE},
    {"stall_ms", FIELD_REAL, AT(stall_ms),
        .missing = "the pace before, or that while it was moved, is not known"},
    {"stall_share", FIELD_REAL, AT(stall_share), .missing = "the stall is not known"},
    {"waited_ms", FIELD_REAL, AT(waited_ms), .missing = "the kernel does not tell, or it was not looked at"},
    {"stolen_ms", FIELD_REAL, AT(stolen_ms), .missing = "the kernel does not tell, or it was not looked at"},
    {"longest_before_ms", FIELD_REAL, AT(longest_before_ms), NO_SAMPLE},
    {"longest_moving_ms", FIELD_REAL, AT(longest_moving_ms), NO_SAMPLE},
    {"longest_moving_in", FIELD_TEXT, AT(longest_moving_in), NO_SAMPLE},
    {"longest_after_ms", FIELD_REAL, AT(longest_after_ms), NO_SAMPLE},
    {"stopped_ms", FIELD_REAL, AT(stopped_ms),
        .missing = "there are no samples from both sides by one counter"},
    {"back_ms", FIELD_REAL, AT(back_ms),
        .missing = "the pace before is not known, or was not reached while it was looked at"},
    {"lost_after_ms", FIELD_REAL, AT(lost_after_ms),
        .missing = "the pace did not come back while it was looked at"},
    {"large_before", FIELD_REAL, AT(large_before), .missing = "it was not looked at there"},
    {"large_moving", FIELD_REAL, AT(large_moving), .missing = "it was not looked at there"},
    {"large_after", FIELD_REAL, AT(large_after), .missing = "it was not looked at there"},
    {"guest_large_before", FIELD_REAL, AT(guest_large_before), .missing = "the monitor does not tell"},
    {"guest_large_moving", FIELD_REAL, AT(guest_large_moving), .missing = "the monitor does not tell"},
    {"guest_large_after", FIELD_REAL, AT(guest_large_after), .missing = "the monitor does not tell"},
    {"faults_moving", FIELD_REAL, AT(faults_moving), .missing = "the monitor does not tell"},
    {"faults_after", FIELD_REAL, AT(faults_after), .missing = "the monitor does not tell"},
};
#undef AT
const struct record timeline_costs_record = {
    "program", sizeof(struct timeline_costs), RECORD_FIELDS(costs_fields)};

static const char *const kinds[TIMELINE_KINDS] = {
    [TIMELINE_MIGRATION] = "migration", [TIMELINE_SAVE] = "save", [TIMELINE_RESTORE] = "restore"};

static const char *const events[TIMELINE_EVENTS] = {
    [TIMELINE_BEGUN] = "begun",
    [TIMELINE_LOG] = "log",
    [TIMELINE_LOGGING] = "logging",
    [TIMELINE_PASS] = "pass",
    [TIMELINE_STOP] = "stop",
    [TIMELINE_STOPPED] = "stopped",
    [TIMELINE_RUNS] = "runs",
    [TIMELINE_END] = "end",
};

static const struct field mark_fields[] = {
    {"event", FIELD_ENUM, FIELD_NEEDED, FIELD_AT(struct timeline_mark, event), FIELD_NAMES(events)},
    {"seconds", FIELD_REAL, FIELD_NEEDED, FIELD_AT(struct timeline_mark, seconds)},
};
static const struct record mark_record = {"mark", sizeof(struct timeline_mark), RECORD_FIELDS(mark_fields)};

#define AT(member) FIELD_AT(struct timeline_bucket, member)
static const struct field bucket_fields[] = {
    {"seconds", FIELD_REAL, FIELD_NEEDED, AT(seconds)},
    {"ns_mean", FIELD_REAL, FIELD_PLAIN, AT(ns_mean)},
    {"ns_median", FIELD_REAL, FIELD_PLAIN, AT(ns_median)},
    {"ns_p99", FIELD_REAL, FIELD_PLAIN, AT(ns_p99)},
    {"longest_ms", FIELD_REAL, FIELD_PLAIN, AT(longest_ms)},
};
#undef AT
static const struct record bucket_record = {
    "bucket", sizeof(struct timeline_bucket), RECORD_FIELDS(bucket_fields)};

#define AT(member) FIELD_AT(struct timeline_look, member)
static const struct field look_fields[] = {
    {"seconds", FIELD_REAL, FIELD_NEEDED, AT(seconds)},
    {"there", FIELD_COUNT, FIELD_NEEDED, AT(side)},
    {"resident_bytes", FIELD_REAL, FIELD_PLAIN, AT(resident_bytes)},
    {"large_bytes", FIELD_REAL, FIELD_PLAIN, AT(large_bytes)},
    {"guest_pages_4k", FIELD_REAL, FIELD_PLAIN, AT(guest_small)},
    {"guest_pages_2m", FIELD_REAL, FIELD_PLAIN, AT(guest_large)},
    {"faults", FIELD_REAL, FIELD_PLAIN, AT(faults)},
    {"waited_seconds", FIELD_REAL, FIELD_PLAIN, AT(waited)},
};
#undef AT
static const struct record look_record = {"look", sizeof(struct timeline_look), RECORD_FIELDS(look_fields)};

#define AT(member) FIELD_AT(struct timeline_told, member)
static const struct field told_fields[] = {
    {"schema", FIELD_CONSTANT, .text = "vcost.timeline/1"},
    {"name", FIELD_TEXT, FIELD_NEEDED, AT(name)},
    {"kind", FIELD_ENUM, FIELD_NEEDED, AT(kind), FIELD_NAMES(kinds)},
    {"workload", FIELD_ENUM, FIELD_NEEDED, AT(workload), FIELD_NAMES(portable_workloads)},
    {"memory_bytes", FIELD_COUNT, FIELD_NEEDED, AT(memory_bytes)},
    {"vcpus", FIELD_COUNT, FIELD_NEEDED, AT(cpus)},
    {"one_clock", FIELD_FLAG, FIELD_NEEDED, AT(one_clock)},
    {"step_seconds", FIELD_REAL, FIELD_NEEDED, AT(step_seconds)},
    {"buckets", FIELD_LIST, FIELD_NEEDED, FIELD_ITEMS(struct timeline_told, buckets, bucket_count),
        .of = &bucket_record},
    {"marks", FIELD_LIST, FIELD_NEEDED, FIELD_ITEMS(struct timeline_told, marks, mark_count),
        .of = &mark_record},
    {"pages", FIELD_LIST, FIELD_NEEDED, FIELD_ITEMS(struct timeline_told, looks, look_count),
        .of = &look_record},
    {"program", FIELD_RECORD, FIELD_NEEDED, AT(costs), .of = &timeline_costs_record},
};
#undef AT
const struct record timeline_told_record = {
    "timeline", sizeof(struct timeline_told), RECORD_FIELDS(told_fields)};
