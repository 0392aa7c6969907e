/* Findings and remedies as JSON. */
#include "record/record.h"
#include "result/finding.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AT(member) FIELD_AT(struct finding, member)

/* ---- the value of a finding, by its unit ---- */

static const char *no_value(const void *base)
{
    const struct finding *finding = base;
    if (!finding->value.known)
        return finding->value.text[0] ? finding->value.text : "not told";
    return finding->unit == UNIT_TEXT || fabs(finding->number) <= record_most ? NULL : "its number is none";
}

static const char *no_words(const void *base)
{
    return ((const struct finding *)base)->unit == UNIT_TEXT ? "the value is words" : no_value(base);
}

static const char *no_interval(const void *base)
{
    const struct finding *finding = base;
    return no_words(base) || finding->unit == UNIT_YES_NO ? "there is no number" : NULL;
}

static void write_value(struct draft *draft, json_t *object, const void *base)
{
    const struct finding *finding = base;
    put(draft, object, "value",
        no_value(finding)              ? json_null()
        : finding->unit == UNIT_TEXT   ? draft_text(draft, finding->value.text)
        : finding->unit == UNIT_YES_NO ? json_boolean(finding->number > 0)
                                       : draft_number(finding->number));
}

/* A unit that is not known (a newer file's) is taken for what the value looks like. */
static void read_value(struct reader *reader, const json_t *object, void *base)
{
    const unsigned words = TAKES(JSON_STRING), yes_no = TAKES(JSON_TRUE) | TAKES(JSON_FALSE),
                   number = TAKES(JSON_INTEGER) | TAKES(JSON_REAL);
    struct finding *finding = base;
    enum unit *unit = &finding->unit;
    const json_t *value = json_object_get(object, "value");
    const char *name = json_string_value(json_object_get(object, "unit"));
    if (!reader_takes(reader, value, "value", words | yes_no | number | TAKES(JSON_NULL)))
        return;
    finding->value.known = !json_is_null(value);
    if (finding->value.known && (!name || strcmp(name, unit_name(*unit)) != 0))
        *unit = json_is_string(value) ? UNIT_TEXT : json_is_boolean(value) ? UNIT_YES_NO : UNIT_COUNT;
    reader_takes(reader, value, "value",
        TAKES(JSON_NULL) | (*unit == UNIT_TEXT        ? words
                               : *unit == UNIT_YES_NO ? yes_no
                                                      : number));
    if (json_is_string(value))
        record_cut(json_string_value(value), finding->value.text, sizeof finding->value.text);
    finding->number = json_is_number(value) ? json_number_value(value) : NAN;
    if (json_is_boolean(value))
        finding->number = json_is_true(value);
    if (fabs(finding->number) > record_most)
        reader_refuse_key(reader, "value", "is %g, which is beyond all measure", finding->number);
    if (*unit == UNIT_BYTES && finding->number < 0)
        reader_refuse_key(reader, "value", "is %g, which is no size", finding->number);
}

static void check_finding(struct reader *reader, void *base)
{
    const struct finding *finding = base;
    reader_interval(reader, "value", finding->low, finding->number, finding->high);
}

static const struct field_hook value = {
    .write = write_value,
    .read = read_value,
    .schema = "'value': {'type': ['number', 'boolean', 'string', 'null'], 'description': 'A "
              "text for words, true or false for yes-no, otherwise a number; null: not known.'}",
};

const struct record finding_record = {"finding", sizeof(struct finding),
    FIELDS({"name", FIELD_TEXT, FIELD_NEEDED, AT(name), .check = "'pattern': '^[a-z0-9-]+$'",
               .about = "Stable: \"tlb-reach\"."},
        {"key", FIELD_TEXT, FIELD_NEEDED | FIELD_PLAIN, AT(key),
            .about = "Which of several of that name: \"L2 4K\"; null where there is one alone."},
        {"section", FIELD_ENUM, FIELD_OPEN, AT(section), FIELD_NAMES(finding_sections),
            .other = FINDING_BELOW},
        {"title", FIELD_STRING, AT(title), .about = "For people."},
        {"source", FIELD_ENUM, FIELD_OPEN, AT(source), FIELD_NAMES(finding_source_names),
            .other = FINDING_MEASURED,
            .about = "told: by the processor, the kernel or the hypervisor. judged: by a rule, from what was "
                     "measured."},
        {"unit", FIELD_ENUM, FIELD_NEEDED | FIELD_OPEN, AT(unit), FIELD_NAMES(unit_names),
            .other = UNIT_COUNT,
            .about =
                "What value, low and high are in. share: of a whole, 0.05 is 5 %. ratio: how many times."},
        {"value", FIELD_HOOK, .hook = &value},
        {"text", FIELD_TEXT, FIELD_PLAIN, AT(value.text), .why = no_words, .check = "'minLength': 1",
            .about = "More words to a value that is none itself: for example: partly."},
        {"low", FIELD_REAL, FIELD_PLAIN | FIELD_DIGITS, AT(low), .why = no_interval,
            .about = "Low end of its interval; null: it has none."},
        {"high", FIELD_REAL, FIELD_PLAIN | FIELD_DIGITS, AT(high), .why = no_interval,
            .about = "Its high end."},
        {"reason", FIELD_REASON, AT(value.text), .why = no_value, .check = "'minLength': 1",
            .about = "Why value is null; null if it is not."},
        {"how", FIELD_TEXT, FIELD_PLAIN, AT(how), .about = "How it was found."},
        {"sure", FIELD_TEXT, FIELD_PLAIN, AT(sure),
            .about = "What makes it sure, or what could make it wrong."},
        {"detail", FIELD_FLAG, AT(detail),
            .about = "Left out of the report for people unless all is asked for."}),
    .check = check_finding, .about = "One thing that was found out, or why it could not be.",
    .rules = "{'if': {'properties': {'value': {'type': 'null'}}, 'required': ['value']}, "
             "'then': {'properties': {'reason': {'type': 'string'}, 'low': {'type': 'null'}, "
             "'high': {'type': 'null'}}}, 'else': {'properties': {'reason': {'type': 'null'}}}}, "
             "{'if': {'properties': {'unit': {'const': 'words'}}}, 'then': {'properties': "
             "{'value': {'type': ['string', 'null']}, 'text': {'type': 'null'}}}}, "
             "{'if': {'properties': {'unit': {'const': 'yes-no'}}}, 'then': {'properties': "
             "{'value': {'type': ['boolean', 'null']}, 'low': {'type': 'null'}}}}, "
             "{'if': {'properties': {'unit': {'enum': ['ns', 'bytes', 'count', 'share', "
             "'ratio', 'change']}}}, 'then': {'properties': {'value': {'type': ['number', "
             "'null']}}}}"};

/* ---- remedies ---- */

#undef AT
#define AT(member) FIELD_AT(struct remedy, member)

static const char *remedy_reason(const void *base)
{
    const struct remedy *remedy = base;
    if (!isfinite(remedy->with_ns) || !isfinite(remedy->without_ns) || !isfinite(remedy->more_ns))
        return "one of the two was not measured";
    return isfinite(remedy->low) && isfinite(remedy->high) ? NULL : "no interval could be made";
}

const struct record remedy_record = {"remedy", sizeof(struct remedy),
    FIELDS({"name", FIELD_TEXT, FIELD_NEEDED, AT(name), .check = "'pattern': '^[a-z0-9-]+$'",
               .about = "Stable: \"large-pages\"."},
        {"cost", FIELD_TEXT, AT(cost), .about = "What costs."},
        {"change", FIELD_TEXT, AT(change), .about = "What to do."},
        {"with_what", FIELD_TEXT, AT(with_what), .about = "What was measured."},
        {"without_what", FIELD_TEXT, AT(without_what), .about = "The same without the cause."},
        {"with_ns", FIELD_REAL, FIELD_NEEDED | FIELD_PLAIN, AT(with_ns), .about = "Of each operation."},
        {"without_ns", FIELD_REAL, FIELD_NEEDED | FIELD_PLAIN, AT(without_ns)},
        {"more_ns", FIELD_REAL, FIELD_NEEDED | FIELD_PLAIN, AT(more_ns), .about = "The difference."},
        {"low", FIELD_REAL, FIELD_NEEDED | FIELD_PLAIN, AT(low),
            .about = "Low end of its 95 % confidence interval."},
        {"high", FIELD_REAL, FIELD_NEEDED | FIELD_PLAIN, AT(high), .about = "Its high end."},
        {"reason", FIELD_REASON, .why = remedy_reason, .check = "'minLength': 1",
            .about = "Why a figure is null; null if none is."}),
    .about = "A cost, measured as it is and without its cause, and what to change."};
