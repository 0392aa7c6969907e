/* What an agent tells about itself and the machine that it measures on. */
#ifndef VCOST_RUNNER_AGENT_FACTS_H
#define VCOST_RUNNER_AGENT_FACTS_H

#include "base/fact.h"

#include <stdbool.h>
#include <stdint.h>

struct agent_facts {
    char version[32];     /* of its vcost */
    struct fact brand;    /* of the CPU, "AMD EPYC 7B13" */
    struct fact kernel;   /* release */
    bool is_guest;        /* a hypervisor is below its kernel */
    struct fact guest_of; /* "kvm", "tcg" … */
    double ticks_per_ns;  /* of its time-stamp counter */
    uint32_t cpu;         /* that it is bound to, as it counts them */
    uint64_t page_bytes;  /* the base page of its kernel */
};

/* As JSON (record.h). */
struct record;
extern const struct record agent_facts_record;

#endif
