#include "runner/runner.h"

#include <stdio.h>
#include <string.h>

static const struct runner_ops *const runners[] = {
    &runner_native, &runner_kvm, &runner_paravirt, &runner_shadow};

const struct runner_ops *runner_at(size_t index)
{
    return index < sizeof runners / sizeof runners[0] ? runners[index] : NULL;
}

const struct runner_ops *runner_find(const char *name)
{
    for (size_t i = 0; runner_at(i); i++)
        if (!strcmp(runner_at(i)->name, name))
            return runner_at(i);
    return NULL;
}

struct runner_config runner_here(const struct runner_ops *ops, struct placement *placement,
    const struct monitor_facts *facts, uint64_t guest_page_bytes)
{
    struct runner_config config = {.ops = ops, .placement = placement};
    snprintf(config.name, sizeof config.name, "%s", ops->name);
    snprintf(config.label, sizeof config.label, "%s", ops->name);
    if (ops->monitor) {
        config.facts = facts;
        config.guest_page_bytes = guest_page_bytes;
        config.technique = facts->technique;
        monitor_label(facts, ops->name, config.label);
    }
    return config;
}
