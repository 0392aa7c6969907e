/* What a process of the linked kernel must leave in its log, worked out step by step without page tables,
 * frames, a kernel or a CPU: pages are structures with their words in them. Shares nothing with guest/ but
 * the numbers of abi/guest_kernel.h. */
#ifndef VCOST_EXPERIMENT_NAIVE_PROCESS_H
#define VCOST_EXPERIMENT_NAIVE_PROCESS_H

#include "abi/guest_kernel.h"

#include <stdbool.h>
#include <stddef.h>

enum { NAIVE_WORDS = 4, NAIVE_EVENTS = 4096 }; /* the first words of a page are all that is used */

struct naive_memory {
    uint64_t word[NAIVE_WORDS];
};

struct naive_page {
    bool there; /* it maps something, present or not: */
    int object; /* this, or if negative memory of its own */
    struct naive_memory own;
    unsigned rights;
    bool accessed, dirty;
    bool unsure; /* accessed may or may not be set: an access has failed (SDM and APM leave it open) */
    bool demand; /* zeroed memory comes here if nothing is there */
    unsigned demand_rights;
};

struct naive_process {
    unsigned fault_around;
    unsigned stack_vector; /* of an address that is not canonical, through RBP: 12 by the SDM */
    struct naive_page page[GUEST_WINDOW_PAGES];
    struct naive_memory object[GUEST_OBJECTS];
    uint32_t steps;
    size_t count;
    struct guest_event event[NAIVE_EVENTS];
};

void naive_step(struct naive_process *process, const struct guest_step *step);
void naive_end(struct naive_process *process);
/* Begins again, with nothing but its log. */
void naive_again(struct naive_process *process);

/* Whether a step would execute a page that does not begin with RET, or ask for a bit that is unsure: such a
 * script has no sure outcome. */
bool naive_is_open(const struct naive_process *process, const struct guest_step *step);

#endif
