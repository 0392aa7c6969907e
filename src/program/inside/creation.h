/* What clone(2) and clone3(2) are asked for, which of the two it was being all the same from there on, and
 * their call on the host. */
#ifndef VCOST_PROGRAM_INSIDE_CREATION_H
#define VCOST_PROGRAM_INSIDE_CREATION_H

#include "program/inside/process.h"

#include <linux/sched.h>
#include <stdatomic.h>

/* As struct clone_args (Linux, include/uapi/linux/sched.h), but for .stack, which is where it begins, from
 * above, or 0 for where the parent is; .stack_size is not used. */
typedef struct clone_args creation_asked;

/* The flags about the program's memory, registers and handlers, which the host is not asked for. */
#define CREATION_DONE_HERE                                                                                   \
    (CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | CLONE_SETTLS | CLONE_CLEAR_SIGHAND)

/* Of clone(flags, stack, parent's number, child's number, TLS). */
creation_asked creation_of_clone(const uint64_t *arguments);

/* Of clone3(at, bytes). -EFAULT, -E2BIG or -EINVAL, where Linux has that (kernel/fork.c,
 * copy_clone_args_from_user(), clone3_args_valid()). */
int creation_of_clone3(const struct process *process, uint64_t at, uint64_t bytes, creation_asked *asked);

/* Is the place for a descriptor, or what else the host reads itself, the program's? -EFAULT or -EINVAL. */
int creation_check(const struct process *process, const creation_asked *asked);

/* Writes its number to the places that these of CLONE_PARENT_SETTID and CLONE_CHILD_SETTID are for, if asked
 * to. */
void creation_tell(const struct process *process, const creation_asked *asked, uint64_t flags, pid_t number);

/* The place that is cleared when it ends, or 0. */
uint64_t creation_cleared(const creation_asked *asked);

/* Where a process of the host begins: its own registers and memory are the monitor's. */
struct beginning {
    void *stack; /* its end */
    int (*begin)(void *context);
    void *context;
    void *thread;      /* its thread pointer; NULL: its parent's */
    atomic_int *clear; /* cleared when it has ended or executed something; NULL: nothing is */
};

/* A process of the host, which calls begin(), or without `begins` goes on as this one does: its number, 0 in
 * the latter case, or a negative errno. */
int64_t creation_make(const creation_asked *asked, const struct beginning *begins);

#endif
