/* The parameters of a chase as JSON. */
#include "record/record.h"
#include "workload/chase.h"

#define AT(member) FIELD_AT(struct chase_shape, member)

static void check(struct reader *reader, void *base)
{
    struct error error;
    if (chase_check(base, &error) < 0)
        reader_refuse(reader, "%s: %.200s", reader->where, error.text);
}

static const struct field fields[] = {
    {"working_set_bytes", FIELD_COUNT, AT(working_set_bytes)},
    {"element_bytes", FIELD_COUNT, AT(element_bytes)},
    {"order", FIELD_ENUM, AT(order), FIELD_NAMES(chase_orders)},
    {"write", FIELD_FLAG, AT(write), .about = "Each hop also writes."},
    {"chains", FIELD_COUNT, AT(chains), .check = "'minimum': 1", .about = "Independent chains."},
};
const struct record chase_shape_record = {"chase", sizeof(struct chase_shape), RECORD_FIELDS(fields),
    .check = check, .about = "Parameters of the pointer chase."};
