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

#include <stdint.h>

struct domain;

struct domain_config {
    const struct monitor_ops *monitor;
    const struct image *image; /* code, job and stack; must outlive the domain */
    const struct memory *data; /* read and write; NULL for none; must outlive the domain */
    uint64_t data_page_bytes;  /* leaves of the guest's own tables over the data */
    const struct stop *stop;   /* asked when a signal interrupts the guest; may be NULL */
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

/* The exception of the last call that returned -EFAULT. */
struct domain_fault domain_fault(const struct domain *domain);

/* The page size of the guest's own tables at an address of the data; 0 if nothing is mapped. */
uint64_t domain_page_bytes(const struct domain *domain, const void *address);

/* Takes one page of the data away from the guest: clears its page-table entry, and makes the monitor forget
 * the translation. */
int domain_unmap_page(struct domain *domain, void *address, struct error *error);

int domain_counters(struct domain *domain, struct monitor_counters *counters, struct error *error);

#endif
