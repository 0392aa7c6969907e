/* Exceptions and interrupts of a guest, delivered through its own IDT and onto the stack that its TSS names,
 * as a CPU does (SDM volume 3, 6.10 to 6.15). */
#ifndef VCOST_MONITOR_DEPRIVILEGED_DELIVER_H
#define VCOST_MONITOR_DEPRIVILEGED_DELIVER_H

#include "monitor/deprivileged/machine.h"

/* The machine then stands at the first instruction of the handler; of the double fault's, if the way to the
 * other failed. False: that failed too, and the machine has shut down (a triple fault); its registers are as
 * before. */
bool deliver(struct machine *machine, const struct guest_fault *fault);

/* A code segment that RPL and CPL may go to by IRET or a gate: 64-bit, present. False: *fault (SDM volume 3,
 * 5.8). `privilege` is the one that its descriptor must have. */
bool deliver_check_code(
    const struct machine *machine, uint16_t selector, unsigned *privilege, struct guest_fault *fault);

#endif
