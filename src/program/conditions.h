/* What holds for a program from its first instruction on: environment, CPUs, memory policy, what the kernel
 * does with its memory. A process sets it for itself, between fork() and exec(). */
#ifndef VCOST_PROGRAM_CONDITIONS_H
#define VCOST_PROGRAM_CONDITIONS_H

#include <sched.h>
#include <stdbool.h>
#include <stddef.h>

enum { CONDITIONS_VARIABLES_MAX = 8 };

enum memory_policy { MEMORY_USUAL, MEMORY_INTERLEAVED, MEMORY_OF_NODE };

/* All zero is as vcost itself was started. */
struct conditions {
    struct variable {
        const char *name, *value; /* replaces what it was */
    } variables[CONDITIONS_VARIABLES_MAX];
    size_t variable_count;
    size_t padding;       /* bytes of one more variable, which only moves the stack */
    bool bound;           /* may run on `cpus` only */
    cpu_set_t cpus;       /* likewise where !bound: those that vcost may use; empty: leave it */
    bool without_large;   /* PR_SET_THP_DISABLE */
    bool fixed_addresses; /* without address space layout randomization */
    enum memory_policy memory;
    unsigned node; /* MEMORY_OF_NODE */
};

/* Sets them for this process. NULL: all hold; else what could not be set, for "cannot set … for PROGRAM", and
 * errno says why. */
const char *conditions_apply(const struct conditions *conditions);

#endif
