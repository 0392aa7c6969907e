/* Is this machine itself a guest, and whose? */
#ifndef VCOST_HOST_HYPERVISOR_H
#define VCOST_HOST_HYPERVISOR_H

#include "host/host.h"

/* Names the hypervisor from the signature texts at CPUID 4000_0000h and 4000_0100h ("" where there is none),
 * cut of NULs and blanks. A hypervisor that poses as Hyper-V for its guests' sake (KVM, Xen) puts its own
 * signature second; that one then counts. */
struct fact hypervisor_name(const char *first, const char *second);

/* The signature at a leaf that opens a range of hypervisor leaves (4000_0000h, 4000_0100h …), cut as above.
 * To be asked for only where leaf 1 announces a hypervisor. */
void hypervisor_signature(uint32_t leaf, char text[static 13]);

/* Fills host->is_guest and host->guest_of. */
void host_look_hypervisor(struct host *host);

#endif
