/* The system pages of a domain (abi/domain.h): descriptor tables, task state, kernel code; and the CPU state
 * that goes with them. */
#ifndef VCOST_DOMAIN_X86_64_SYSTEM_H
#define VCOST_DOMAIN_X86_64_SYSTEM_H

#include "base/address.h"
#include "base/error.h"
#include "domain/cpu.h"
#include "monitor/vcpu_state.h"
#include "paging/page_tables.h"

/* The guest virtual address of an offset in the system pages, in domains with config.program, or in others;
 * where those of a domain begin; and where page `number` of them is here. */
gva_t system_program_address(uint64_t offset);
gva_t system_address(uint64_t offset);
gva_t system_begin(const struct domain *domain);
void *system_page(const struct domain *domain, unsigned number);

/* Fills the system pages at `base` (the host memory behind guest physical `start`, zeroed) and maps them in
 * `tables`, from `at` on. */
int system_build(char *base, gpa_t start, gva_t at, struct page_tables *tables, struct error *error);

/* The state in which code of the domain runs at CPL `privilege` (0 or 3). `at`: as with system_build(). */
struct vcpu_system system_state(
    const struct page_tables *tables, gva_t at, unsigned privilege, const struct domain_mode *mode);

/* Lets the kernel's code at `handler` (an offset of abi/domain.h) take exceptions and interrupts of a vector.
 * `at`: as with system_build(). */
void system_set_gate(char *base, gva_t at, unsigned vector, uint64_t handler);
/* Lets code of CPL 3 raise it by INT n, INT3 or INTO, too. */
void system_open_gate(char *base, unsigned vector);

/* A task state with its I/O permission bitmap, SYSTEM_TSS_BYTES; `stack`: what CPL 0 begins with. */
enum { SYSTEM_TSS_BYTES = 160 };
void system_build_tss(char *tss, uint64_t stack);

#endif
