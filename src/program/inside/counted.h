/* What the monitor itself has counted of a process' virtual CPUs, for the tally: only it knows of exits and
 * page faults that the host's kernel deals with. */
#ifndef VCOST_PROGRAM_INSIDE_COUNTED_H
#define VCOST_PROGRAM_INSIDE_COUNTED_H

#include "program/inside/process.h"

/* A domain was made. */
void counted_begin(struct process *process);

/* Before the process ends or executes another program: adds what has been counted since it last was. */
void counted_tell(struct process *process);

#endif
