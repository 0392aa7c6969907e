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

const char *finding_section_name(enum finding_section section)
{
    return finding_sections[section].name;
}

const char *finding_section_title(enum finding_section section)
{
    return finding_sections[section].title;
}

const char *const finding_source_names[FINDING_SOURCES] = {"told", "measured", "judged"};

const char *finding_source_name(enum finding_source source)
{
    return finding_source_names[source];
}

/* Makes room for one more of `size` bytes; NULL: no memory. Room doubles. A list that was read has just the
 * room that it needs, and says 0. */
static void *make_room(void *items, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return items;
    size_t more = count < 16 ? 32 : 2 * count;
    void *grown = reallocarray(items, more, size);
    if (grown)
        *room = more;
    return grown;
}

static int no_memory(struct error *error)
{
    return error_set(error, ENOMEM, "not enough memory to keep what was found");
}

int findings_add(struct findings *findings, const struct finding *finding, struct error *error)
{
    struct finding *items = make_room(findings->items, findings->count, &findings->room, sizeof *items);
    if (!items)
        return no_memory(error);
    findings->items = items;
    items[findings->count++] = *finding;
    return 0;
}

int findings_add_remedy(struct findings *findings, const struct remedy *remedy, struct error *error)
{
    struct remedy *remedies =
        make_room(findings->remedies, findings->remedy_count, &findings->remedy_room, sizeof *remedies);
    if (!remedies)
        return no_memory(error);
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
