/* What a process of the linked kernel is to do, step by step, together with what it must leave. */
#ifndef VCOST_EXPERIMENT_NAIVE_SCRIPT_H
#define VCOST_EXPERIMENT_NAIVE_SCRIPT_H

#include "domain/guest_kernel.h"
#include "experiment/naive_process.h"

enum { NAIVE_STEPS = 1000 };

struct naive_script {
    struct guest_step step[NAIVE_STEPS];
    size_t count;
    struct naive_process naive; /* after these steps */
    bool checks_alignment;      /* the CPU does: RAISE_ALIGNMENT may be drawn */
};

#define NAIVE_CALL(name) (STEP_CALL + GUEST_CALL_##name - GUEST_CALL_FIRST)

/* Empty, for a process of a kernel with this hint and a CPU that does so (naive_process.stack_vector). */
void naive_script_begin(
    struct naive_script *script, unsigned fault_around, unsigned stack_vector, bool checks_alignment);

/* What there is no room for is left out. */
void naive_script_add(struct naive_script *script, struct guest_step step);

/* Adds steps of process number `process` at random, of which the outcome is sure, until there are `steps`.
 * *dice is the state of the random numbers. */
void naive_script_draw(struct naive_script *script, unsigned process, size_t steps, uint64_t *dice);

/* The number of the first event that is not the one that the process of a kernel has left, which are then in
 * events[NAIVE_EVENTS]; UINT64_MAX: they are the same to the end. */
uint64_t naive_script_differs(const struct naive_script *script, const struct guest_kernel *kernel,
    unsigned process, struct guest_event *events);

#endif
