#include "host/text.h"
#include "inspect/told_internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const char made_up[] = "as the hypervisor shows it, which can make it up";

/* Two of one name and key could not be told apart. */
static void make_key(const struct findings *findings, struct finding *finding, const char *key)
{
    enum { ROOM_FOR_NUMBER = 6 };
    text_copy(finding->key, sizeof finding->key, key);
    text_trim(finding->key);
    size_t length = strnlen(finding->key, sizeof finding->key - ROOM_FOR_NUMBER);
    for (unsigned i = 2; i < 1000 && findings_find(findings, finding->name, finding->key); i++)
        (void)snprintf(finding->key + length, sizeof finding->key - length, "#%u", i);
}

static void make_sure(const struct telling *telling, const struct told_kind *kind, struct finding *finding)
{
    bool doubt = kind->made_up && telling->host->is_guest && finding->value.known;
    const char *sure = kind->sure ? kind->sure : "";
    (void)snprintf(finding->sure, sizeof finding->sure, "%s%s%s", doubt ? made_up : "",
        doubt && *sure ? "; " : "", sure);
}

int tell(const struct telling *telling, const struct told_kind *kind, const struct told_value *value)
{
    bool number = value->value.known && kind->unit != UNIT_TEXT;
    struct finding finding = {
        .section = kind->section,
        .title = kind->title,
        .source = kind->source,
        .detail = kind->detail || (kind->source == FINDING_TOLD && !value->value.known),
        .unit = kind->unit,
        .value = value->value,
        .number = number ? value->number : NAN,
        .low = NAN,
        .high = NAN,
    };
    const char *how = value->how ? value->how : kind->how;
    if (!finding.value.known && !*finding.value.text)
        finding.value = fact_unknown("it is not told");
    text_copy(finding.name, sizeof finding.name, kind->name);
    text_copy(finding.how, sizeof finding.how, how ? how : "");
    make_key(telling->findings, &finding, value->key ? value->key : "");
    make_sure(telling, kind, &finding);
    return findings_add(telling->findings, &finding, telling->error);
}

/* ---- facts ---- */

/* "yes: what more there is to say", "no", "on", "forceoff": number and the rest. */
static double take_yes_no(struct fact *value)
{
    static const struct {
        const char *word;
        double number;
    } words[] = {{"yes", 1}, {"no", 0}, {"on", 1}, {"off", 0}};
    for (size_t i = 0; i < COUNT(words); i++) {
        size_t length = strlen(words[i].word);
        const char *rest = value->text + length;
        if (strncmp(value->text, words[i].word, length) || (*rest && *rest != ':'))
            continue;
        rest += strspn(rest, ": ");
        memmove(value->text, rest, strlen(rest) + 1);
        return words[i].number;
    }
    return 0; /* "notsupported" and the like */
}

/* Decimal digits, and perhaps a part. What is something else is no number. */
static double take_number(struct fact *value)
{
    char *end = value->text;
    double number = *end >= '0' && *end <= '9' ? strtod(value->text, &end) : NAN;
    if (isfinite(number) && !*end) {
        value->text[0] = '\0';
        return number;
    }
    *value = fact_unknown("it is no number");
    return NAN;
}

static void take_fact(const struct told_row *row, const struct host *host, struct told_value *value)
{
    value->value = *(const struct fact *)((const char *)host + row->fact);
    if (value->value.known && row->kind.unit != UNIT_TEXT)
        value->number =
            row->kind.unit == UNIT_YES_NO ? take_yes_no(&value->value) : take_number(&value->value);
}

int tell_rows(const struct telling *telling, const struct told_row *rows, size_t count)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        struct told_value value = {.key = rows[i].key, .number = NAN};
        if (rows[i].make)
            rows[i].make(telling, &value);
        else
            take_fact(&rows[i], telling->host, &value);
        rc = tell(telling, &rows[i].kind, &value);
    }
    return rc;
}

/* ---- small helpers ---- */

struct told_value told_number(const char *key, double number)
{
    return (struct told_value){.key = key, .value = fact_known("%s", ""), .number = number};
}

struct fact told_flag(const struct host *host, const char *flag)
{
    const char *flags = host->cpu.features ? host->cpu.features : "";
    if (!*flags)
        return fact_unknown("/proc/cpuinfo does not tell the flags");
    return fact_known(text_has_word(flags, flag) ? "yes" : "no");
}
