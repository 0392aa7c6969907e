/* A thread of a program: a thread of the host that runs a virtual CPU and does what it leaves the guest for.
 */
#ifndef VCOST_PROGRAM_INSIDE_THREAD_H
#define VCOST_PROGRAM_INSIDE_THREAD_H

#include "program/inside/creation.h"
#include "program/inside/process.h"

/* Takes a virtual CPU for it, in the thread of the host that is to run it. */
int thread_open(struct thread *thread, struct error *error);

/* What the guest answers itself, without leaving, for the thread that calls this and runs it. */
void thread_answer(const struct thread *thread);

/* What XSAVE has of its registers, for another virtual CPU of the domain (domain_set_extended()), which the
 * caller frees; NULL: no memory, or they cannot be read. */
void *thread_copy_extended(const struct thread *thread);

/* As thread_open() in a domain that was just made: takes its first one, with these registers, or as they are
 * in a new one (NULL). */
int thread_open_first(struct thread *thread, const void *extended, struct error *error);

/* Runs it until it has ended, and with it this thread of the host; or the process. */
_Noreturn void thread_run(struct thread *thread);

/* Ends it; the process with it, if it is the last, with this status. `thread` is freed. */
_Noreturn void thread_end(struct thread *thread, int status);

/* To whoever waits for its end (set_tid_address(2)), of this memory. */
void thread_tell_end(const struct thread *thread);

/* A second one, which goes on as `like` does but for what *user says, made while all signals are blocked:
 * its number, or a negative errno. */
int64_t thread_start(const struct thread *like, const struct domain_user *user, const creation_asked *asked);

#endif
