/* System calls that the guest answers without leaving it: where each virtual CPU has what it answers. For
 * domains with config.program. */
#ifndef VCOST_DOMAIN_ANSWERS_H
#define VCOST_DOMAIN_ANSWERS_H

#include "domain/cpu.h"

#include <stdbool.h>

/* System pages behind the task states of so many virtual CPUs (user.c): of each two the first is code, for 32
 * of them, and the second the data of that. */
enum { ANSWERS_CPUS = 4096, ANSWERS_FIRST_PAGE = 512 + ANSWERS_CPUS, ANSWERS_PAGES = 2 * ANSWERS_CPUS / 32 };

/* Gives a virtual CPU its place, with which it answers nothing yet. Harmless when repeated. With the domain's
 * tables_lock held. */
int answers_open(struct domain_cpu *cpu, struct error *error);

/* For domain_mode.syscall_entry. */
uint64_t answers_entry(const struct domain_cpu *cpu);

/* Is that where such an entry leaves? */
bool answers_leaves_at(uint64_t rip);

/* The guest was stopped within an entry, before it leaves: sets its registers to before the call, or behind
 * it if that is counted. False: it was not. */
bool answers_resolve(const struct domain_cpu *cpu, struct vcpu_registers *registers);

#endif
