/* The linked kernel (guest/kernel, abi/guest_kernel.h) in a domain of its own: loaded, started, and what its
 * processes leave. It makes its page tables itself; only those that it starts with are made here. */
#ifndef VCOST_DOMAIN_GUEST_KERNEL_H
#define VCOST_DOMAIN_GUEST_KERNEL_H

#include "abi/guest_kernel.h"
#include "base/error.h"
#include "base/stop.h"
#include "host/memory.h"
#include "monitor/monitor.h"

#include <stddef.h>
#include <stdint.h>

struct guest_kernel;

struct guest_kernel_config {
    const struct monitor_ops *monitor;
    const struct monitor_facts *facts; /* of the monitor: domain_probe() */
    uint64_t bytes;                    /* of the guest's memory; at least 1 MiB */
    const struct memory *memory; /* the guest's, of at least so many bytes, which must outlive the kernel;
                                    NULL: of its own */
    bool sync_write;             /* vm_config.sync_write, */
    unsigned fill;               /* .fill */
    struct spare_cpu *spare;     /* and .spare */
    bool large;                  /* guest_kernel_boot.large, behind a 2 MiB page of the host: made by
                                    joining small ones (MEMORY_COLLAPSE), and proved */
    uint64_t tick_ns;            /* 0: none */
    unsigned fault_around;       /* pages, a power of two; 1: none but the one */
    bool preset; /* pages on demand come accessed and dirty: cheaper where a monitor keeps these bits */
    unsigned processes; /* that begin at once, the first: 1 to GUEST_KERNEL_PROCESSES */
    struct guest_kernel_job {
        const struct guest_step *steps; /* copied; NULL: there is no such process */
        size_t count;
    } job[GUEST_KERNEL_PROCESSES];
    size_t events;           /* room in each log */
    const struct stop *stop; /* asked when the guest leaves; may be NULL; must outlive the kernel */
};

/* -EINVAL: a field is out of its range; -ENOMEM: `bytes` is too little for all this, too; with `large` the
 * errors of host/memory.h, -EPROTO if the host made no large page. */
int guest_kernel_create(
    const struct guest_kernel_config *config, struct guest_kernel **kernel, struct error *error);

/* The domain that it runs in, whose memory begins at guest physical address 0; and where in it a process's
 * log stands. */
struct domain *guest_kernel_domain(const struct guest_kernel *kernel);
uint64_t guest_kernel_log_at(const struct guest_kernel *kernel, unsigned process);

/* Until all processes have ended. -EPROTO: the kernel gave up, or did something unexpected; -EINTR: stop was
 * asked. */
int guest_kernel_run(struct guest_kernel *kernel, struct error *error);

struct guest_kernel_status guest_kernel_status(const struct guest_kernel *kernel);

/* The events of a process, the oldest first: how many there were, of which the last `max` are copied. */
uint64_t guest_kernel_events(
    const struct guest_kernel *kernel, unsigned process, struct guest_event *events, size_t max);

/* Ticks of the time-stamp counter that a process has timed; 0: none, or no sensible number. */
uint64_t guest_kernel_timed(const struct guest_kernel *kernel, unsigned process);

/* What had been counted when a process called GUEST_CALL_MARK for the nth time, from 0 on, and what the first
 * process had timed by then. false: it did not so often, or GUEST_KERNEL_MARKS times before. */
enum { GUEST_KERNEL_MARKS = 16 };
struct guest_kernel_mark {
    struct counters counters; /* domain_counters() */
    struct guest_kernel_status status;
    uint64_t ticks;
};
bool guest_kernel_mark(const struct guest_kernel *kernel, unsigned number, struct guest_kernel_mark *mark);

/* What the monitor has counted, as domain_counters(). */
void guest_kernel_counters(const struct guest_kernel *kernel, struct counters *counters);

void guest_kernel_destroy(struct guest_kernel *kernel); /* NULL is allowed */

#endif
