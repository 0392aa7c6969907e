#include "measure/counters.h"

#include "record/record.h"

#include <stdio.h>
#include <string.h>

static const struct counter *find(const struct counters *counters, const char *name)
{
    for (size_t i = 0; i < counters->count; i++)
        if (!strcmp(counters->list[i].name, name))
            return &counters->list[i];
    return NULL;
}

void counters_set(struct counters *counters, const char *name, uint64_t value)
{
    struct counter *there = (struct counter *)find(counters, name);
    if (!there && counters->count < COUNTERS_MAX && strlen(name) < COUNTER_NAME_BYTES) {
        there = &counters->list[counters->count++];
        snprintf(there->name, sizeof there->name, "%s", name);
    }
    if (there)
        there->value = value;
}

bool counters_get(const struct counters *counters, const char *name, uint64_t *value)
{
    const struct counter *there = find(counters, name);
    if (there)
        *value = there->value;
    return there != NULL;
}

struct counters counters_between(const struct counters *before, const struct counters *after)
{
    struct counters between = {.count = 0};
    uint64_t was;
    for (size_t i = 0; i < after->count; i++)
        if (counters_get(before, after->list[i].name, &was) && after->list[i].value >= was)
            counters_set(&between, after->list[i].name, after->list[i].value - was);
    return between;
}

static const struct field counter_fields[] = {
    {"name", FIELD_TEXT, FIELD_AT(struct counter, name)},
    {"value", FIELD_COUNT, FIELD_AT(struct counter, value)},
};
static const struct record counter_record = {
    "counter", sizeof(struct counter), RECORD_FIELDS(counter_fields)};

static const struct field fields[] = {
    {"counters", FIELD_KEYED, FIELD_ITEMS(struct counters, list, count), .of = &counter_record,
        .about = "What was counted, by name."},
};
const struct record counters_record = {"counters", sizeof(struct counters), RECORD_FIELDS(fields)};
