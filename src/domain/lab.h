/* What the price list's events need of a domain beyond calls: a kernel that handles exceptions, a second
 * virtual CPU, a log of written pages. */
#ifndef VCOST_DOMAIN_LAB_H
#define VCOST_DOMAIN_LAB_H

#include "domain/domain.h"

/* What the guest's kernel can do with an exception by itself, without leaving the guest. */
enum domain_handler {
    DOMAIN_DIVIDE,     /* #DE: go on behind the instruction, which must be two bytes long */
    DOMAIN_PAGE_FAULT, /* #PF in the first 2 MiB of the data: set the present bit of the 4 KiB entry */
    DOMAIN_INTERRUPT,  /* vector DOMAIN_INTERRUPT_VECTOR: count it, tell the local APIC */
    DOMAIN_SHOOTDOWN,  /* the same, and flush the translation of the data's first page */
    DOMAIN_HANDLERS
};
enum { DOMAIN_INTERRUPT_VECTOR = 0x40 };

/* Where the guest's kernel counts interrupts, for its own code. */
gva_t domain_interrupt_counter(void);

/* Starts a second virtual CPU, in a domain with `handling` and `irqchip`, in a thread of its own that is
 * bound to host CPU `cpu` (-1: as the calling one). It calls `entry` at CPL 0 with a job of its own, *job,
 * which is shared; entry is to return when job->steps is 0, or may go on at CPL 3 for ever. Once per
 * domain. */
int domain_start_second(
    struct domain *domain, workload_function *entry, int cpu, struct workload_job **job, struct error *error);
gva_t domain_second_job(void); /* where the guest sees that job */
/* Makes it return and waits for its end; harmless where there is none. domain_destroy() does it too. */
void domain_stop_second(struct domain *domain);
/* 0, or what ended it before it was told to. */
int domain_second_failed(const struct domain *domain, struct error *error);

/* From now on, in a domain with `handling`. -EINVAL without it. */
int domain_handle(struct domain *domain, enum domain_handler handler, struct error *error);

/* SYSCALL comes back at once from the guest's kernel from now on. -ENOTSUP where it does not arrive at CPL 0,
 * as the facts found by domain_probe() tell. */
int domain_return_syscalls(struct domain *domain, const struct monitor_facts *facts, struct error *error);

/* What the handlers have counted since the domain was created. */
void domain_handled(const struct domain *domain, uint64_t *page_faults, uint64_t *interrupts);

/* Guest virtual addresses in a domain with `handling`: the entries that map the first 2 MiB of the data (512,
 * CPL 0 only), and a page behind which there is no memory. */
gva_t domain_window(void);
gva_t domain_void(void);

/* Tells the monitor's kernel side to answer OUT to DOMAIN_PORT_EVENT, or 32-bit writes to the void page, by
 * signalling an eventfd, which stays the caller's. */
int domain_answer_port(struct domain *domain, int eventfd, struct error *error);
int domain_answer_void(struct domain *domain, int eventfd, struct error *error);

/* Records from now on which pages of the data the guest writes, or no longer. */
int domain_log_dirty(struct domain *domain, bool on, struct error *error);
/* Fetches and forgets what was recorded; *pages is their number. */
int domain_fetch_dirty(struct domain *domain, uint64_t *pages, struct error *error);

/* Once per domain with `handling`: from now on #DE is handled as by DOMAIN_DIVIDE, and the guest goes on in
 * another address space, which maps the same; at the next #DE back in the first one. With `tags` the TLB's
 * entries carry the tag of their space (PCID) and are kept: -ENOTSUP where the monitor gives guests no PCID.
 */
int domain_switch_spaces(struct domain *domain, bool tags, struct error *error);

#endif
