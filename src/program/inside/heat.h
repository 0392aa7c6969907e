/* What a program touches, for `vcost run --heat`: a thread of the host's reads and clears the accessed bits
 * of the guest's tables at an interval and writes down where they were set (heat_log.h). Leaves are of 4 KiB
 * then. What system calls do with the program's memory sets none. */
#ifndef VCOST_PROGRAM_INSIDE_HEAT_H
#define VCOST_PROGRAM_INSIDE_HEAT_H

#include "program/inside/process.h"

/* Before the domain is made: is it wanted? Then process->heat. */
int heat_open(struct process *process, struct error *error);

/* A process begins, in a domain that is its own: nothing of it was touched. */
void heat_begin(struct process *process);

/* It ends, or executes another program: what it touched since the last harvest. */
void heat_end(struct process *process);

#endif
