/* A process whose children begin a namespace of processes, while it stays in its own (unshare(2),
 * CLONE_NEWPID, without a child that goes on instead). From then on Linux lets it make no thread, and KVM
 * needs one for a new machine, when it executes something. So the kernel is told of the namespace as late as
 * possible, when the first child is made; and once there is one, the process goes back to its own namespace
 * for as long as it takes to execute something. */
#ifndef VCOST_PROGRAM_INSIDE_CHILDREN_H
#define VCOST_PROGRAM_INSIDE_CHILDREN_H

#include "program/inside/process.h"

/* Would unshare(flags) work? A negative errno. */
int children_try(uint64_t flags);

/* Before a child is made, or anything that asks for the namespace: begins it, if it was announced. */
int children_begin(struct process *process);

/* Of a child that these flags have made: is it in a namespace that the program has made (process->numbered)?
 */
void children_number(struct process *child, uint64_t flags);

/* Before a program is executed: *place is a descriptor of the namespace, to which children_return() leads
 * back, or -1. Where it cannot leave it stays. */
void children_leave(const struct process *process, int *place);
/* Closes it. */
int children_return(struct process *process, int place, struct error *error);

#endif
