/* A domain: memory and a virtual CPU in which a workload's function can be called, whatever the monitor.
 *
 * All memory that a workload sees is mapped at the very addresses that it has in this process, so that the
 * same list with the same pointers in the same frames is walked here and there. */
#ifndef VCOST_DOMAIN_DOMAIN_H
#define VCOST_DOMAIN_DOMAIN_H

#include "base/address.h"
#include "base/error.h"
#include "base/stop.h"
#include "host/memory.h"
#include "monitor/monitor.h"
#include "workload/image.h"

#include <stdbool.h>
#include <stdint.h>

struct domain;

struct domain_config {
    const struct monitor_ops *monitor;
    const struct image *image; /* code, job and stack; must outlive the domain */
    const struct memory *data; /* read and write; NULL for none; must outlive the domain */
    uint64_t data_page_bytes;  /* leaves of the guest's own tables over the data */
    const struct stop *stop;   /* asked when a signal interrupts the guest; may be NULL */
    bool handling; /* the guest's kernel can be told to handle exceptions (domain_handle()), and exits that
                      mean nothing (DOMAIN_PORT_NULL, DOMAIN_PORT_EVENT, the void page) are answered */
    bool data_is_code; /* the guest may execute the data, and not write it */
    bool irqchip;      /* the monitor has local APICs: HLT waits inside it, interrupts can be sent */
};

/* An exception that the guest's kernel reported. */
struct domain_fault {
    unsigned vector;
    uint64_t error_code, rip, address; /* address: CR2, which only a page fault (vector 14) sets */
    uint16_t cs; /* in which segment the code ran: DOMAIN_USER_CS of abi/domain.h for a workload */
};

int domain_create(const struct domain_config *config, struct domain **domain, struct error *error);
void domain_destroy(struct domain *domain);

/* Calls a function of the image with the image's job at CPL 3 and waits until it has returned. -EFAULT: the
 * guest raised an exception, told in the sentence and by domain_fault(); -EINTR: stop was asked. The domain
 * can be called again after each. */
int domain_call(struct domain *domain, workload_function *entry, struct error *error);

/* The same at CPL 0, on the kernel's stack of 4 KiB. Where the monitor emulates CPL 0 (PVM) an instruction
 * takes about a microsecond. */
int domain_call_kernel(struct domain *domain, workload_function *entry, struct error *error);

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

/* The exception of the last call that returned -EFAULT. */
struct domain_fault domain_fault(const struct domain *domain);

/* The page size of the guest's own tables at an address of the data; 0 if nothing is mapped. */
uint64_t domain_page_bytes(const struct domain *domain, const void *address);

/* Takes one page of the data away from the guest: clears its page-table entry, and makes the monitor forget
 * the translation. */
int domain_unmap_page(struct domain *domain, void *address, struct error *error);

/* What the monitor (monitor.h) has counted of the VM and of its first virtual CPU. */
void domain_counters(const struct domain *domain, struct counters *counters);

#endif
