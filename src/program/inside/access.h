/* Reading and writing what a program's pointers point to: -EFAULT where it may not, and never a fault here,
 * whatever its threads do meanwhile. */
#ifndef VCOST_PROGRAM_INSIDE_ACCESS_H
#define VCOST_PROGRAM_INSIDE_ACCESS_H

#include "program/inside/process.h"

int access_read(const struct process *process, uint64_t from, void *to, size_t bytes);
int access_write(const struct process *process, uint64_t to, const void *from, size_t bytes);

/* A string, with its end, into text[bytes]; -ENAMETOOLONG. */
int access_text(const struct process *process, uint64_t from, char *text, size_t bytes);

#endif
