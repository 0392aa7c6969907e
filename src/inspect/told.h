/* What is told about this machine: by its processor, its kernel, and the hypervisor below. Nothing here is
 * measured, and nothing is read: struct host and struct monitor_facts have it all already. */
#ifndef VCOST_INSPECT_TOLD_H
#define VCOST_INSPECT_TOLD_H

#include "host/host.h"
#include "result/finding.h"
#include "monitor/monitor_facts.h"

/* Appends a finding for each thing that can be told, section by section; what is not known here stays in the
 * list with its reason. A kvm that is all zero stands for one that was not tried. Names come from the tables
 * in told_*.c; of one name all have different keys. Those of what KVM does are FINDING_JUDGED, for a guest
 * was run to see it; all others FINDING_TOLD.
 *
 * 0, or -ENOMEM; then *findings holds what it held before. */
int inspect_told(
    const struct host *host, const struct monitor_facts *kvm, struct findings *findings, struct error *error);

#endif
