/* Which of its system calls a program lets itself make (seccomp(2)): looked at before a call is made, and
 * kept across fork and execve. */
#ifndef VCOST_PROGRAM_INSIDE_SECCOMP_H
#define VCOST_PROGRAM_INSIDE_SECCOMP_H

#include "program/inside/process.h"

/* May the thread make this call? False: *result is what it gets instead (calls.h has results that are none);
 * or the thread or process has ended. */
bool seccomp_lets(struct thread *thread, uint64_t number, const uint64_t *arguments, int64_t *result);

/* prctl(PR_SET_SECCOMP) and PR_GET_SECCOMP. */
int64_t seccomp_set(struct thread *thread, unsigned mode, uint64_t filter);
int seccomp_mode(const struct thread *thread);

/* What the next program inherits, as a file without a name; -1: nothing, or -errno. And back: the file is
 * closed. */
int seccomp_save(const struct thread *thread);
int seccomp_load(struct thread *thread, int file);

#endif
