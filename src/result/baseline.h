/* What stands below `native`: where this kernel is itself a guest, every headline and every picture has to
 * say so. */
#ifndef VCOST_RESULT_BASELINE_H
#define VCOST_RESULT_BASELINE_H

#include "host/host.h"

enum { BASELINE_BYTES = 96 };

/* "KVM guest", "guest of an unnamed hypervisor". False, and "", where this kernel is none. The hypervisor's
 * own signature is cleaned. */
bool baseline_guest(const struct host *host, char kind[static BASELINE_BYTES]);

/* Writes "native here is itself a KVM guest", or "" where it is none. */
void baseline_note(const struct host *host, char note[static BASELINE_BYTES]);

/* The CPU's name for a headline, cleaned: its brand, or its vendor where there is none. */
void baseline_cpu(const struct host *host, char name[static BASELINE_BYTES]);

#endif
