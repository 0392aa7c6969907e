/* The workloads that this vcost knows: this room is the highest one that has a kind. */
#include "event/event_kind.h"
#include "runner/chase_kind.h"
#include "runner/program_kind.h"

const struct workload_kind *const workload_kinds[] = {
    &workload_chase, &workload_advised, &workload_run, &workload_event, NULL};
