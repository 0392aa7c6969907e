#include "record/record.h"
#include "result/validation.h"

#define AT(member) FIELD_AT(struct validated, member)
static const struct record validated_record = {"curve", sizeof(struct validated),
    FIELDS({"name", FIELD_STRING, AT(name)}, {"points", FIELD_COUNT, AT(points), .missing = "none is judged"},
        {"median_error", FIELD_REAL, AT(median), .missing = "no point is judged"},
        {"nine_of_ten_within", FIELD_REAL, AT(ninth), .missing = "no point is judged"},
        {"null_median_error", FIELD_REAL, AT(null_median), .missing = "no working set is in both curves",
            .about = "Of the null model: the fitted curve, copied."},
        {"repeat_error", FIELD_REAL, AT(repeat), .missing = "it was measured once",
            .about = "Median between native and native measured again."})};
#undef AT
#define AT(member) FIELD_AT(struct validation, member)

static void write_machine(struct draft *draft, json_t *object, const void *base)
{
    const struct machine *machine = ((const struct validation *)base)->machine;
    put_text(draft, object, "machine", machine->name);
    put_text(draft, object, "file", machine->file);
    put_text(draft, object, "sha256", machine->sha256);
}

const struct record validation_record = {"validation", sizeof(struct validation),
    FIELDS({"schema", FIELD_CONSTANT, .text = "vcost.validation/1"},
        {"", FIELD_HOOK, .hook = &(const struct field_hook){.write = write_machine}},
        {"holds", FIELD_FLAG, AT(holds)}, {"median_error_most", FIELD_REAL, AT(median_most)},
        {"curves", FIELD_LIST, FIELD_ITEMS(struct validation, rows, row_count), .of = &validated_record},
        {"all", FIELD_RECORD, AT(all), .of = &validated_record})};
