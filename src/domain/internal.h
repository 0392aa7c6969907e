/* What the files of this folder share. */
#ifndef VCOST_DOMAIN_INTERNAL_H
#define VCOST_DOMAIN_INTERNAL_H

#include "domain/cpu.h"
#include "domain/domain.h"
#include "paging/table_pool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

enum { PAGE_BYTES = 4096, PRIVILEGE_KERNEL = 0, PRIVILEGE_USER = 3 };

struct domain_cpu {
    struct domain *domain;
    struct domain_cpu *next; /* of its domain */
    struct vcpu *vcpu;
    unsigned id;
    unsigned files;   /* domain_cpu_of() */
    bool taken;       /* not in the pool */
    unsigned changes; /* of the domain, when memory_has_changed() was last asked */
    struct domain_mode mode;
    int privilege;       /* the CPL that its system registers are set for; -1: set them anew */
    atomic_bool inside;  /* the guest, or about to enter it */
    atomic_bool stopped; /* domain_cpu_stop(), which no domain_run() has returned for yet */
    atomic_bool entered; /* the program's registers are the monitor's: domain_user_left() has not come yet */
};

struct domain {
    struct domain_config config;
    const struct monitor_ops *ops;
    struct vm *vm;
    struct memory system;              /* system pages and page tables; owned */
    struct guest_region system_region; /* they stand in */
    gpa_t system_start;
    struct table_pool pool;
    struct page_tables tables;
    pthread_mutex_t tables_lock;
    bool stale;               /* memory.c; never with config.program */
    atomic_uint changes;      /* begun or done, of what the guest has while it runs */
    struct guest_region data; /* config.data */
    pthread_mutex_t lock;     /* for regions, cpus, and waiting */
    pthread_cond_t changed;   /* a virtual CPU has left the guest, or may enter again */
    struct guest_memory regions;
    struct domain_cpu *cpus; /* all that were made */
    atomic_uint pauses;
    struct domain_cpu *first;
    struct domain_fault fault;
};

/* call.c: starts code at `rip` and CPL `privilege` on the first virtual CPU, and waits until it leaves
 * through `port`. */
int domain_run_to(struct domain *domain, unsigned privilege, struct vcpu_registers registers, uint16_t port,
    struct error *error);

/* Says what an exit is that nobody has asked for. */
int domain_unexpected_exit(const struct vm_exit *exit, struct error *error);

/* A region that is to be backed with memory. */
struct guest_region domain_region_of(const struct memory *memory);

/* regions.c: the same as domain_add_region(), at the first place from `from` on. */
int domain_add_region_from(
    struct domain *domain, gpa_t from, struct guest_region *region, struct error *error);

/* memory.c: makes the monitor forget all that it has derived from the guest's tables. */
int memory_forget(void *domain, struct error *error);
/* Whether the guest's memory was changed since this was last asked: what it could not have then it may have
 * now. */
bool memory_has_changed(struct domain_cpu *cpu);

#endif
