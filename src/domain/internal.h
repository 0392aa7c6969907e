/* What the files of this folder share. */
#ifndef VCOST_DOMAIN_INTERNAL_H
#define VCOST_DOMAIN_INTERNAL_H

#include "domain/domain.h"
#include "paging/table_pool.h"

#include <stdbool.h>

enum { CR4_PCIDE = 1 << 17 };
enum { PAGE_BYTES = 4096, DOMAIN_SLOT_DATA = 2, PRIVILEGE_KERNEL = 0, PRIVILEGE_USER = 3 };

struct domain {
    struct domain_config config;
    const struct monitor_ops *ops;
    struct memory system; /* system pages and page tables; owned */
    struct table_pool pool;
    struct page_tables tables;
    bool stale; /* memory.c */
    gpa_t data_start;
    struct vm *vm;
    struct vcpu *vcpu;
    int privilege;        /* the CPL that the virtual CPU's system registers are set for; -1: set them anew */
    bool tagged;          /* CR4.PCIDE is set */
    bool syscall_returns; /* SYSCALL leads to DOMAIN_SYSCALL_RETURN */
    struct domain_fault fault;
    struct second *second; /* second.c; NULL: there is none */
};

/* Starts code at `rip` and CPL `privilege`, and waits until it leaves through `port`. */
int domain_run(struct domain *domain, unsigned privilege, struct vcpu_registers registers, uint16_t port,
    struct error *error);

/* run.c: one entry of a virtual CPU and what it came back with; 1: go on inside. */
int domain_take_exit(struct domain *domain, const struct vm_exit *exit, uint16_t port, struct error *error);

/* memory.c: makes the monitor forget all that it has derived from the guest's tables. */
int memory_forget(void *domain, struct error *error);

/* handling.c: maps what the handlers of exceptions need. */
int handling_map(struct domain *domain, struct error *error);

#endif
