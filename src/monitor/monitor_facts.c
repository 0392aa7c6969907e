#include "monitor/monitor_facts.h"

#include <stdio.h>
#include <string.h>

const char *technique_name(enum technique technique)
{
    static const char *const names[] = {"none", "nested", "shadow", "direct", "unknown"};
    return names[technique];
}

void monitor_label(const struct monitor_facts *facts, const char *name, char label[static 48])
{
    bool pvm = facts->provider.known && !strcmp(facts->provider.text, "kvm_pvm");
    snprintf(label, 48, "%s (%s%s)", name, technique_name(facts->technique), pvm ? ", PVM" : "");
}
