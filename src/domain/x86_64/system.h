/* The system pages of a domain (abi/domain.h): descriptor tables, task state, kernel code; and the CPU state
 * that goes with them. */
#ifndef VCOST_DOMAIN_X86_64_SYSTEM_H
#define VCOST_DOMAIN_X86_64_SYSTEM_H

#include "base/address.h"
#include "base/error.h"
#include "monitor/vcpu_state.h"
#include "paging/page_tables.h"

#include <stdbool.h>

/* The guest virtual address of an offset in the system pages. */
gva_t system_address(uint64_t offset);

/* Fills the system pages at `base` (the host memory behind guest physical 0, zeroed) and maps them in
 * `tables`. */
int system_build(char *base, struct page_tables *tables, struct error *error);

/* The state in which code of the domain runs at CPL `privilege` (0 or 3). SYSCALL leaves through
 * DOMAIN_PORT_SYSCALL or, if it `returns`, comes back at once (which needs a CPU whose SYSCALL leads to CPL
 * 0). */
struct vcpu_system system_state(const struct page_tables *tables, unsigned privilege, bool returns);

/* Lets the kernel's code at `handler` (an offset of abi/domain.h) take exceptions and interrupts of a vector.
 */
void system_set_gate(char *base, unsigned vector, uint64_t handler);

#endif
