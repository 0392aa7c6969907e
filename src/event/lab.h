/* The laboratory of events: what they need of a domain beyond calls. A guest's kernel that handles exceptions
 * and interrupts by itself, places without memory, the guest's own page tables, a second address space, a
 * second virtual CPU. */
#ifndef VCOST_EVENT_LAB_H
#define VCOST_EVENT_LAB_H

#include "abi/domain.h"
#include "domain/domain.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where the guest sees: the entries that map the first 2 MiB of the data, if these are aligned and mapped by
 * 4 KiB (512, CPL 0 only); a page behind which there is no memory; the job of the second virtual CPU; and the
 * count of interrupts handled. */
#define LAB_PAGE(number) GVA(DOMAIN_SYSTEM_BASE + (number)*UINT64_C(4096))
#define LAB_WINDOW LAB_PAGE(DOMAIN_PAGE_WINDOW)
#define LAB_VOID LAB_PAGE(DOMAIN_PAGE_VOID)
#define LAB_SECOND_JOB LAB_PAGE(DOMAIN_PAGE_SECOND)
#define LAB_INTERRUPTS GVA(LAB_PAGE(DOMAIN_PAGE_DATA).value + offsetof(struct domain_data, interrupts))

struct lab;

/* In a domain that nothing runs in yet and whose config.answer is lab_answers: exits that mean nothing
 * (DOMAIN_PORT_NULL, DOMAIN_PORT_EVENT, the void page) are answered, what is read there is zero. `window`:
 * the guest's kernel sees the entries of the data's first 2 MiB, and may write them. */
int lab_open(struct domain *domain, bool window, struct lab **lab, struct error *error);
bool lab_answers(void *unused, const struct vm_exit *exit);
/* Ends the second virtual CPU, too. Before the domain is destroyed. NULL is allowed. */
void lab_close(struct lab *lab);

/* What the guest's kernel can do with an exception by itself, without leaving the guest. */
enum lab_handler {
    LAB_DIVIDE,     /* #DE: go on behind the instruction, which must be two bytes long */
    LAB_PAGE_FAULT, /* #PF in the first 2 MiB of the data: set the present bit of the 4 KiB entry */
    LAB_INTERRUPT,  /* vector LAB_INTERRUPT_VECTOR: count it, tell the local APIC */
    LAB_SHOOTDOWN,  /* the same, and flush the translation of the data's first page */
    LAB_HANDLERS
};
enum { LAB_INTERRUPT_VECTOR = 0x40 };
/* From now on. */
void lab_handle(struct lab *lab, enum lab_handler handler);
/* What the handlers have counted since lab_open(). */
void lab_handled(const struct lab *lab, uint64_t *page_faults, uint64_t *interrupts);

/* SYSCALL comes back at once from the guest's kernel from now on. -ENOTSUP where it does not arrive at CPL 0,
 * as the facts found by domain_probe() tell. */
int lab_return_syscalls(struct lab *lab, const struct monitor_facts *facts, struct error *error);

/* Once a lab: from now on #DE is handled as by LAB_DIVIDE, and the guest goes on in another address space,
 * which maps the same; at the next #DE back in the first one. With `tags` the TLB's entries carry the tag of
 * their space (PCID) and are kept: -ENOTSUP where the monitor gives guests no PCID. */
int lab_switch_spaces(struct lab *lab, bool tags, struct error *error);

/* Starts a second virtual CPU, in a domain with `irqchip`, in a thread of its own that is bound to host CPU
 * `cpu` (-1: as the calling one). It calls `entry` at CPL 0 with a job of its own, *job, which is shared;
 * entry is to return when job->steps is 0, or may go on at CPL 3 for ever. Once a lab. */
int lab_start_second(
    struct lab *lab, workload_function *entry, int cpu, struct workload_job **job, struct error *error);
/* 0, or what ended it. */
int lab_second_failed(const struct lab *lab, struct error *error);

#endif
