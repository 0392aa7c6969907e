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
#define AT(member) FIELD_AT(struct published, member)
static const struct record published_record = {"published", sizeof(struct published),
    FIELDS({"machine", FIELD_STRING, AT(machine)}, {"source", FIELD_STRING, AT(source)},
        {"left_out", FIELD_STRING, AT(left_out)},
        {"points", FIELD_COUNT, AT(points), .missing = "none is compared"},
        {"median_error", FIELD_REAL, AT(median), .missing = "no point is compared"},
        {"nine_of_ten_within", FIELD_REAL, AT(ninth), .missing = "no point is compared"},
        {"worst_error", FIELD_REAL, AT(worst), .missing = "no point is compared"},
        {"agrees", FIELD_FLAG, AT(agrees)})};
#undef AT
#define AT(member) FIELD_AT(struct validation, member)

static void write_machine(struct draft *draft, json_t *object, const void *base)
{
    const struct machine *machine = ((const struct validation *)base)->machine;
    put_text(draft, object, "machine", machine->name);
    put_text(draft, object, "file", machine->file);
    put_text(draft, object, "sha256", machine->sha256);
}

static bool is_measured(const void *base)
{
    return ((const struct validation *)base)->machine;
}

const struct record validation_record = {"validation", sizeof(struct validation),
    FIELDS({"schema", FIELD_CONSTANT, .text = "vcost.validation/1"},
        {"", FIELD_HOOK, .hook = &(const struct field_hook){.write = write_machine}, .when = is_measured},
        {"holds", FIELD_FLAG, AT(holds), .when = is_measured},
        {"median_error_most", FIELD_REAL, AT(median_most), .when = is_measured},
        {"curves", FIELD_LIST, FIELD_ITEMS(struct validation, rows, row_count), .of = &validated_record,
            .when = is_measured},
        {"all", FIELD_RECORD, AT(all), .of = &validated_record, .when = is_measured},
        {"published", FIELD_LIST, FIELD_ITEMS(struct validation, published, published_count),
            .of = &published_record})};
