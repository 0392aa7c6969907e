#include "monitor/monitor_facts.h"

#include <stdio.h>
#include <string.h>

const char *const technique_names[TECHNIQUE_UNKNOWN + 1] = {
    "none", "nested", "shadow", "direct", "agile", "unknown"};

const char *technique_name(enum technique technique)
{
    return technique_names[technique];
}

void monitor_label(const struct monitor_facts *facts, const char *name, char label[static 48])
{
    bool pvm = facts->provider.known && !strcmp(facts->provider.text, "kvm_pvm");
    if (!strcmp(name, technique_name(facts->technique)))
        snprintf(label, 48, "%s", name);
    else
        snprintf(label, 48, "%s (%s%s)", name, technique_name(facts->technique), pvm ? ", PVM" : "");
}
