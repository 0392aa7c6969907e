/* A guest that believes that it owns its page tables, on the side of the virtual CPU: shadow_sync.h is told
 * of what it does and carries out in its children what follows. Where that cannot be (several virtual CPUs,
 * CR0.WP clear, 5 levels) children are filled and emptied by space.c alone.
 *
 * All is called as space.c's functions are. */
#ifndef VCOST_MONITOR_DEPRIVILEGED_SHADOWING_H
#define VCOST_MONITOR_DEPRIVILEGED_SHADOWING_H

#include "monitor/deprivileged/shadow_sync.h"

struct vcpu;

/* The VM's; made now, with nothing in any child, if it can be and is not there; else NULL. */
struct shadow *shadowing(struct vcpu *vcpu);

/* It ends, and nothing is in any child: memory is added or gone, or it cannot be any more. Harmless if there
 * is none. */
void shadowing_end(struct vcpu *vcpu);

#endif
