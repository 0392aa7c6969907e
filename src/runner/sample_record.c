/* What is asked of a sample, and what it gives, as JSON. */
#include "record/record.h"
#include "runner/page_proof.h"
#include "runner/sample.h"

#include <math.h>
#include <stdio.h>

/* ---- effort ---- */

/* So that no product of them overflows, and far from what anybody waits for. */
static const uint64_t steps_most = UINT64_C(1) << 40, batches_most = 1 << 16, warm_most = 1 << 10;
static const double seconds_most = 3600;

#define AT(member) FIELD_AT(struct effort, member)

static void check_effort(struct reader *reader, void *base)
{
    const struct effort *effort = base;
    if (!effort->steps || effort->steps > steps_most || !effort->batches || effort->batches > batches_most ||
        effort->warm_steps > steps_most || effort->warm_limit > warm_most ||
        !(effort->seconds >= 0 && effort->seconds <= seconds_most))
        reader_refuse(reader, "%s: no sample can be that long or short", reader->where);
}

static const struct field effort_fields[] = {
    {"steps", FIELD_COUNT, FIELD_NEEDED, AT(steps)},
    {"batches", FIELD_COUNT, FIELD_NEEDED, AT(batches)},
    {"warm_steps", FIELD_COUNT, AT(warm_steps)},
    {"warm_limit", FIELD_COUNT, AT(warm_limit)},
    {"seconds", FIELD_REAL, FIELD_NEEDED, AT(seconds)},
};
const struct record effort_record = {
    "effort", sizeof(struct effort), RECORD_FIELDS(effort_fields), .check = check_effort};

/* ---- sample ---- */

#undef AT
#define AT(member) FIELD_AT(struct sample, member)

static const struct field metric_fields[] = {
    {"name", FIELD_TEXT, FIELD_AT(struct sample_metric, name)},
    {"unit", FIELD_TEXT, FIELD_NEEDED, FIELD_AT(struct sample_metric, unit)},
    {"value", FIELD_REAL, FIELD_NEEDED | FIELD_PLAIN, FIELD_AT(struct sample_metric, value)},
    {"reason", FIELD_TEXT, FIELD_SOMETIMES | FIELD_PLAIN, FIELD_AT(struct sample_metric, reason)},
};
static const struct record metric_record = {
    "metric", sizeof(struct sample_metric), RECORD_FIELDS(metric_fields)};

static const char *no_steal(const void *base)
{
    return ((const struct sample *)base)->evidence.steal_known ? NULL : "/proc/stat is hidden";
}

static const struct field evidence_fields[] = {
    {"steal_ns", FIELD_COUNT, FIELD_KNOWN, AT(evidence.steal_ns),
        .count_offset = offsetof(struct sample, evidence.steal_known), .why = no_steal},
    {"involuntary_switches", FIELD_COUNT, AT(evidence.involuntary_switches)},
    {"wall_ns", FIELD_COUNT, AT(evidence.wall_ns)},
    {"cpu_ns", FIELD_COUNT, AT(evidence.cpu_ns)},
};
static const struct record evidence_record = {
    "evidence", sizeof(struct sample), RECORD_FIELDS(evidence_fields)};

/* The principal metric is what everything is computed of. */
static void check_sample(struct reader *reader, void *base)
{
    const struct sample *sample = base;
    if (!sample->metric_count || !isnormal(sample_value(sample)) || sample_value(sample) < 0 ||
        !sample->operations)
        reader_refuse(reader, "%s: the sample gives no figure", reader->where);
}

static const struct field sample_fields[] = {
    {"metrics", FIELD_LIST, FIELD_NEEDED, FIELD_ITEMS(struct sample, metrics, metric_count),
        .of = &metric_record, .about = "The principal one first."},
    {"operations", FIELD_COUNT, AT(operations)},
    {"counted", FIELD_RECORD, AT(counters), .of = &counters_record},
    {"evidence", FIELD_RECORD, .of = &evidence_record},
    {"disturbed", FIELD_ENUM, FIELD_OPEN | FIELD_PLAIN, AT(disturbed), FIELD_NAMES(disturbance_names),
        .other = DISTURBED_NOT},
};
const struct record sample_record = {
    "sample", sizeof(struct sample), RECORD_FIELDS(sample_fields), .check = check_sample};

void sample_set_time(struct sample *sample, double ns, uint64_t operations)
{
    sample->metrics[0] = (struct sample_metric){"time", "ns", ns, ""};
    sample->metric_count = 1;
    sample->operations = operations;
}

/* ---- proof ---- */

#undef AT
#define AT(member) FIELD_AT(struct page_proof, member)

static const struct field proof_fields[] = {
    {"guest_bytes", FIELD_COUNT, AT(guest_bytes)},
    {"host_share_2m", FIELD_REAL, FIELD_PLAIN, AT(host_share_2m)},
    {"as_asked", FIELD_FLAG, FIELD_NEEDED, AT(as_asked)},
    {"proof", FIELD_TEXT, FIELD_NEEDED, AT(proof)},
};
const struct record page_proof_record = {"proof", sizeof(struct page_proof), RECORD_FIELDS(proof_fields)};
