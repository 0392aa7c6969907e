#include "result/json_findings.h"

#include <math.h>
#include <stddef.h>

static void put_words(struct draft *draft, json_t *object, const char *key, const char *words)
{
    put(draft, object, key, words[0] ? draft_text(draft, words) : json_null());
}

/* A real has ten digits in the file, a whole number all of them. */
static json_t *json_number(double number)
{
    if (!isfinite(number))
        return json_null();
    if (number == floor(number) && fabs(number) <= 0x1p53)
        return json_integer((json_int_t)number);
    return json_real(number);
}

/* The rest of a finding that has no value is null with it. */
static const char *reason_of(const struct finding *finding)
{
    if (!finding->value.known)
        return finding->value.text[0] ? finding->value.text : "not told";
    return finding->unit == UNIT_TEXT || isfinite(finding->number) ? NULL : "its number is none";
}

static json_t *json_value(struct draft *draft, const struct finding *finding)
{
    if (reason_of(finding))
        return json_null();
    if (finding->unit == UNIT_TEXT)
        return draft_text(draft, finding->value.text);
    return finding->unit == UNIT_YES_NO ? json_boolean(finding->number > 0) : json_number(finding->number);
}

static void put_value(struct draft *draft, json_t *object, const struct finding *finding)
{
    const char *reason = reason_of(finding);
    bool interval = finding_has_number(finding) && finding->unit != UNIT_YES_NO;
    bool text = !reason && finding->unit != UNIT_TEXT;
    put(draft, object, "value", json_value(draft, finding));
    put_words(draft, object, "text", text ? finding->value.text : "");
    put(draft, object, "low", json_number(interval ? finding->low : NAN));
    put(draft, object, "high", json_number(interval ? finding->high : NAN));
    put_words(draft, object, "reason", reason ? reason : "");
}

static json_t *json_finding(struct draft *draft, const struct finding *finding)
{
    json_t *object = json_object();
    put_text(draft, object, "name", finding->name);
    put_words(draft, object, "key", finding->key);
    put_text(draft, object, "section", finding_section_name(finding->section));
    put_text(draft, object, "title", finding->title ? finding->title : finding->name);
    put_text(draft, object, "source", finding_source_name(finding->source));
    put_text(draft, object, "unit", unit_name(finding->unit));
    put_value(draft, object, finding);
    put_words(draft, object, "how", finding->how);
    put_words(draft, object, "sure", finding->sure);
    put(draft, object, "detail", json_boolean(finding->detail));
    return object;
}

static const char *remedy_reason(const struct remedy *remedy)
{
    if (!isfinite(remedy->with_ns) || !isfinite(remedy->without_ns) || !isfinite(remedy->more_ns))
        return "one of the two was not measured";
    return isfinite(remedy->low) && isfinite(remedy->high) ? "" : "no interval could be made";
}

static json_t *json_remedy(struct draft *draft, const struct remedy *remedy)
{
    static const struct {
        const char *key;
        size_t offset;
    } figures[] = {
        {"with_ns", offsetof(struct remedy, with_ns)},
        {"without_ns", offsetof(struct remedy, without_ns)},
        {"more_ns", offsetof(struct remedy, more_ns)},
        {"low", offsetof(struct remedy, low)},
        {"high", offsetof(struct remedy, high)},
    };
    json_t *object = json_object();
    put_text(draft, object, "name", remedy->name);
    put_text(draft, object, "cost", remedy->cost);
    put_text(draft, object, "change", remedy->change);
    put_text(draft, object, "with_what", remedy->with_what);
    put_text(draft, object, "without_what", remedy->without_what);
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
        put_figure(
            draft, object, figures[i].key, *(const double *)((const char *)remedy + figures[i].offset));
    put_words(draft, object, "reason", remedy_reason(remedy));
    return object;
}

static void put_found(struct draft *draft, json_t *object, const struct findings *findings)
{
    json_t *found = json_array();
    for (size_t i = 0; i < findings->count; i++)
        put_item(draft, found, json_finding(draft, &findings->items[i]));
    put(draft, object, "findings", found);
}

void put_rounds(struct draft *draft, json_t *object, const struct result_round *rounds, size_t count)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *round = json_object();
        put_text(draft, round, "started", rounds[i].started);
        put_found(draft, round, &rounds[i].findings);
        put_item(draft, array, round);
    }
    put(draft, object, "rounds", array);
}

void put_findings(struct draft *draft, json_t *object, const struct findings *findings)
{
    json_t *remedies = json_array();
    put_found(draft, object, findings);
    for (size_t i = 0; i < findings->remedy_count; i++)
        put_item(draft, remedies, json_remedy(draft, &findings->remedies[i]));
    put(draft, object, "remedies", remedies);
}
