/* What domain.c and probe.c share. */
#ifndef VCOST_DOMAIN_INTERNAL_H
#define VCOST_DOMAIN_INTERNAL_H

#include "domain/domain.h"
#include "domain/x86_64/paging.h"

#include <stdbool.h>

struct domain {
    struct domain_config config;
    const struct monitor_ops *ops;
    struct memory system; /* system pages and page tables; owned */
    struct page_tables tables;
    gpa_t data_start;
    struct vm *vm;
    struct vcpu *vcpu;
    bool system_set; /* the virtual CPU is at CPL 3 of the domain */
    struct domain_fault fault;
};

/* Starts CPL 3 code at `rip` and waits until it leaves through `port`. */
int domain_run(struct domain *domain, struct vcpu_registers registers, uint16_t port, struct error *error);

#endif
