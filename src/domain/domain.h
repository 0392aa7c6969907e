/* A domain: memory and virtual CPUs in which a workload's function can be called, whatever the monitor. Here
 * is what every domain needs; cpu.h has its virtual CPUs, for whoever runs more than domain_call() does, and
 * memory.h changes what the guest has at its addresses.
 *
 * All memory that a workload sees is mapped at the very addresses that it has in this process, so that the
 * same list with the same pointers in the same frames is walked here and there.
 *
 * Threads: calls are one thread's, the first that makes one; regions and pages may be changed by any, also
 * while virtual CPUs run. */
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

/* A range of this process, [from, to), that is to be one region of a domain, with the domain's system pages
 * and page tables in [system, behind): whoever maps memory around them needs no other region for it. from and
 * system are multiples of 2 MiB; from: NULL, they stand anywhere, by themselves. */
struct domain_room {
    char *from, *system, *behind, *to;
};

struct domain_config {
    const struct monitor_ops *monitor;
    const struct image
        *image;                /* code, job and stack; must outlive the domain. NULL: no memory at all, for
                                  who brings a kernel of his own (guest_kernel.h); then nothing can be called */
    const struct memory *data; /* read and write; NULL for none; must outlive the domain */
    uint64_t data_page_bytes;  /* leaves of the guest's own tables over the data */
    size_t spare_tables;       /* room for so many tables more than mapping all this takes */
    const struct stop *stop; /* asked when the guest leaves without an end; may be NULL; by every thread that
                                runs a virtual CPU */
    bool data_is_code;       /* the guest may execute the data, and not write it */
    bool irqchip;            /* the monitor has local APICs: HLT waits inside it, interrupts can be sent */
    bool tick;               /* at least their timers, and HLT waits */
    bool sync_write;         /* vm_config.sync_write, */
    unsigned fill;           /* .fill */
    struct spare_cpu *spare; /* and .spare */
    bool program; /* no image: system pages and tables alone, for code of CPL 3 that is gone on with (user.h).
                     What is mapped at an address is always the same memory behind, so that what a monitor has
                     derived from the tables is never wrong in more than rights */
    struct domain_room room; /* with `program` */
    bool later; /* with `program`: what is mapped with PAGE_LATER the guest's kernel makes present at a touch
                 */
    bool host_clock; /* vm_config.host_clock, */
    int device, first_descriptor;
    struct monitor_kept *kept; /* and .kept */
    /* Asked about an exit that a call does not expect; true: it is answered and the guest goes on. May be
     * NULL. */
    bool (*answer)(void *context, const struct vm_exit *exit);
    void *context;
};

/* An exception that the guest's kernel reported. */
struct domain_fault {
    unsigned vector;
    uint64_t error_code, rip, address; /* address: CR2, which only a page fault (vector 14) sets */
    uint16_t cs; /* in which segment the code ran: DOMAIN_USER_CS of abi/domain.h for a workload */
};

int domain_create(const struct domain_config *config, struct domain **domain, struct error *error);
/* After fork() in the child, where the monitor no longer runs what it made: the virtual machine is made anew
 * over the memory of this process, with one virtual CPU, in the pool's first place (domain_first_cpu()), and
 * that is as newly made. The thread that forked must not have been changing the domain. */
int domain_renew(struct domain *domain, struct error *error);
/* No virtual CPU may run any more. NULL is allowed. */
void domain_destroy(struct domain *domain);

/* Gives the guest memory at a physical address that is free: fills in region->slot and start (a multiple of
 * 1 GiB, so that large pages line up) for its backing and flags. The guest sees it once it is mapped. */
int domain_add_region(struct domain *domain, struct guest_region *region, struct error *error);
int domain_remove_region(struct domain *domain, const struct guest_region *region, struct error *error);
const struct guest_region *domain_data_region(const struct domain *domain);   /* of config.data */
const struct guest_region *domain_system_region(const struct domain *domain); /* config.room, where that is */

/* Calls a function of the image with the image's job at CPL 3 and waits until it has returned. -EFAULT: the
 * guest raised an exception, told in the sentence and by domain_fault(); -EINTR: stop was asked. The domain
 * can be called again after each. */
int domain_call(struct domain *domain, workload_function *entry, struct error *error);

/* The same at CPL 0, on the kernel's stack of 4 KiB. Where the monitor emulates CPL 0 (PVM) an instruction
 * takes about a microsecond. */
int domain_call_kernel(struct domain *domain, workload_function *entry, struct error *error);

/* The exception of the last call that returned -EFAULT. */
struct domain_fault domain_fault(const struct domain *domain);

/* The page size of the guest's own tables at an address of the data; 0 if nothing is mapped. */
uint64_t domain_page_bytes(const struct domain *domain, const void *address);

/* What the monitor (monitor.h) has counted of the VM and of the virtual CPU that calls run on. */
void domain_counters(const struct domain *domain, struct counters *counters);

/* For what only the monitor can do. */
struct domain_machine {
    const struct monitor_ops *ops;
    struct vm *vm;
};
struct domain_machine domain_machine(const struct domain *domain);

#endif
