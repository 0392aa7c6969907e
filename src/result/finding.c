#include "result/finding.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct finding_section_words finding_sections[FINDING_SECTIONS] = {
    [FINDING_CPU] = {"cpu", "processor"},
    [FINDING_CACHES] = {"caches", "caches and TLBs"},
    [FINDING_MEMORY] = {"memory", "memory"},
    [FINDING_CLOCK] = {"clock", "clock"},
    [FINDING_KVM] = {"kvm", "as a host of virtual machines"},
    [FINDING_BELOW] = {"below", "below this machine"},
};

const char *const finding_source_names[FINDING_SOURCES] = {"told", "measured", "judged"};

static const char no_memory[] = "not enough memory to keep what was found";

int findings_add(struct findings *findings, const struct finding *finding, struct error *error)
{
    struct finding *items = reallocarray(findings->items, findings->count + 1, sizeof *items);
    if (!items)
        return error_set(error, ENOMEM, no_memory);
    findings->items = items;
    items[findings->count++] = *finding;
    return 0;
}

int findings_add_remedy(struct findings *findings, const struct remedy *remedy, struct error *error)
{
    struct remedy *remedies = reallocarray(findings->remedies, findings->remedy_count + 1, sizeof *remedies);
    if (!remedies)
        return error_set(error, ENOMEM, no_memory);
    findings->remedies = remedies;
    remedies[findings->remedy_count++] = *remedy;
    return 0;
}

int findings_renew(struct findings *findings, const struct findings *newer, struct error *error)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < newer->count; i++) {
        const struct finding *found = &newer->items[i];
        const struct finding *old = findings_find(findings, found->name, found->key);
        if (old)
            findings->items[old - findings->items] = *found;
        else
            rc = findings_add(findings, found, error);
    }
    return rc;
}

void findings_free(struct findings *findings)
{
    free(findings->items);
    free(findings->remedies);
    *findings = (struct findings){0};
}

const struct finding *findings_find(const struct findings *findings, const char *name, const char *key)
{
    for (size_t i = 0; i < findings->count; i++)
        if (!strcmp(findings->items[i].name, name) && (!key || !strcmp(findings->items[i].key, key)))
            return &findings->items[i];
    return NULL;
}

bool finding_has_number(const struct finding *finding)
{
    return finding->value.known && finding->unit != UNIT_TEXT && isfinite(finding->number);
}

void finding_label(const struct finding *finding, char label[static FINDING_NAME_BYTES + FINDING_KEY_BYTES])
{
    snprintf(label, FINDING_NAME_BYTES + FINDING_KEY_BYTES, "%s%s%s", finding->name,
        finding->key[0] ? " " : "", finding->key);
}
