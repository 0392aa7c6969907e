/* The price list: the families in the order of their groups. */
#include "event/internal.h"

#include <string.h>

static const struct event_family *const families[] = {
    &events_exits,
    &events_interrupts,
    &events_retouch,
    &events_switch,
    &events_tables,
    &events_nano,
    &events_faults,
    &events_first_touch,
    &events_linux_memory,
    &events_dirty,
    &events_scattered,
    &events_process,
    &events_dma,
    &events_linked,
    &events_code,
    &events_clock,
};

static const struct {
    const char *name, *title;
} groups[EVENT_GROUPS] = {
    [EVENT_EXITS] = {"exits", "entering and leaving the monitor"},
    [EVENT_INDIRECT] = {"indirect", "what that does to caches and TLBs"},
    [EVENT_NANO] = {"nano", "single operations of a kernel"},
    [EVENT_MEMORY] = {"memory", "memory management"},
    [EVENT_LINKED] = {"kernel", "a guest's kernel, the same one on each monitor"},
    [EVENT_CODE] = {"code", "executing code"},
    [EVENT_CLOCK] = {"clock", "reading the clock"},
};

const char *event_group_name(enum event_group group)
{
    return groups[group].name;
}

const char *event_group_title(enum event_group group)
{
    return groups[group].title;
}

const struct event *event_at(size_t index)
{
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
        if (index < families[i]->count)
            return &families[i]->events[index];
        index -= families[i]->count;
    }
    return NULL;
}

const struct event *event_find(const char *name)
{
    for (size_t i = 0; event_at(i); i++)
        if (!strcmp(event_at(i)->name, name))
            return event_at(i);
    return NULL;
}
