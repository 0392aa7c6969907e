#include "clock_command.h"

static const struct field batch_fields[] = {
    {"readings", FIELD_COUNT, FIELD_NEEDED, FIELD_AT(struct clock_batch, readings)},
    {"ns", FIELD_REAL, FIELD_AT(struct clock_batch, ns), .missing = "the clock told none"},
    {"low", FIELD_REAL, FIELD_AT(struct clock_batch, low), .missing = "one round bears no interval"},
    {"high", FIELD_REAL, FIELD_AT(struct clock_batch, high), .missing = "one round bears no interval"},
};
static const struct record batch_record = {
    "batch", sizeof(struct clock_batch), RECORD_FIELDS(batch_fields), .about = "Readings in a row."};

static const struct field clock_fields[] = {
    {"schema", FIELD_CONSTANT, FIELD_NEEDED, .text = "vcost.clock/1"},
    {"batches", FIELD_LIST, FIELD_NEEDED, FIELD_ITEMS(struct clock_cost, batches, count), .of = &batch_record,
        .about = "Ascending."},
};
const struct record clock_record = {"clock's cost", sizeof(struct clock_cost), RECORD_FIELDS(clock_fields)};
