/* What /proc tells a program of itself where the host's process has more than the program: /proc/self/maps
 * has the program's mappings alone, and `Threads:` of /proc/self/status counts none of KVM's. It is as it was
 * when it was opened. */
#ifndef VCOST_PROGRAM_INSIDE_PROC_TEXT_H
#define VCOST_PROGRAM_INSIDE_PROC_TEXT_H

#include "program/inside/process.h"

/* Is there such a one of that name? */
bool proc_text_has(const char *name);

/* Such a file under its name in a process' folder; -1: it cannot be made. */
int proc_text_open(const struct thread *thread, const char *name);

#endif
