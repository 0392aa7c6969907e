/* The limits of a program's memory (RLIMIT_AS, RLIMIT_DATA). They are kept here and held against what the
 * program has mapped: the host's process, which has the domain's memory besides, gets none, as far as it may
 * have that. */
#ifndef VCOST_PROGRAM_INSIDE_MEMORY_LIMIT_H
#define VCOST_PROGRAM_INSIDE_MEMORY_LIMIT_H

#include "program/inside/process.h"

/* Takes over those of the host's process, for a program that vcost itself has started. */
void memory_limits_take(struct memory_limits *limits);

/* Memory that is to be mapped: so many bytes more than there are now outside of [from, to). */
struct memory_wish {
    uint64_t bytes, from, to;
    bool data;    /* it is private and may be written */
    bool rewrite; /* what of [from, to) is private becomes such, too */
};

static inline bool memory_is_limited(const struct process *process)
{
    return process->memory.addresses.now != UINT64_MAX || process->memory.data.now != UINT64_MAX;
}

/* As Linux, mm/mmap.c, may_expand_vm(). Two threads that ask at once may both be let. */
bool memory_limits_let(const struct process *process, const struct memory_wish *wish);

#endif
