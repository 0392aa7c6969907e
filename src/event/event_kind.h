/* An event of the price list as a kind of workload. The id of a cell: "events/kvm/cpuid",
 * "events/kvm/retouch-lines/65536": its name and, if it has one, its size. */
#ifndef VCOST_EVENT_EVENT_KIND_H
#define VCOST_EVENT_EVENT_KIND_H

#include "event/event.h"

struct event_parameters {
    const char *name;      /* of the event; this vcost may not know it, if it comes from a file */
    uint64_t size_bytes;   /* 0 where the event has none */
    const char *operation; /* what one event is: "exit", "page"; NULL: not known */
};

extern const struct workload_kind workload_event;

struct workload event_workload(const struct event *event, uint64_t size_bytes);

/* Of one that this vcost may not know. The texts are to outlive it. */
struct workload event_named(const char *name, uint64_t size_bytes, const char *operation);

/* NULL: it is no event. */
static inline const struct event_parameters *event_of(const struct workload *workload)
{
    return workload->kind == &workload_event
               ? (const struct event_parameters *)(const void *)workload->parameters
               : NULL;
}

#endif
