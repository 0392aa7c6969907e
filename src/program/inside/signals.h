/* Signals of a program in a domain. Those of the host that its handlers wait for, and those that end it from
 * outside, are caught by a handler here, which notes one and brings the thread out of the guest or of a
 * system call; it is delivered before the guest goes on: its handler runs in the domain, on a frame as Linux
 * makes it. Which are blocked and ignored, and what they do by default, is the host's business: its state is
 * the program's. */
#ifndef VCOST_PROGRAM_INSIDE_SIGNALS_H
#define VCOST_PROGRAM_INSIDE_SIGNALS_H

#include "program/inside/process.h"

/* This thread of the host is `thread` from now on: it catches signals for it, as thread->mask says. */
void signals_begin(struct thread *thread);
/* Blocks all, for a thread that ends or makes another; what was before is thread->mask. */
void signals_block(void);
/* Lets those through that thread->mask does not block. */
void signals_let(const struct thread *thread);

/* Calls the handler of the signal that was caught, if it still has one. */
void signals_deliver(struct thread *thread);

/* Has the one that was caught a handler with SA_RESTART? */
bool signals_restart(const struct thread *thread);

/* A signal by what the thread itself did; trap and code are those of the exception. Ends the process where it
 * is blocked or has no handler. */
void signals_raise(
    struct thread *thread, const siginfo_t *info, unsigned trap, uint64_t code, uint64_t address);

/* rt_sigaction(): sets what the host does, too. */
int64_t signals_set_action(struct process *process, int number, const struct action *action);

/* Ends the process by a signal, as its default does; signals_end() tells first what the monitor has counted.
 */
_Noreturn void signals_die(int number);
_Noreturn void signals_end(struct process *process, int number);

/* In a child that is to have no handlers (clone3(2), CLONE_CLEAR_SIGHAND): what is not ignored is done by
 * default. */
void signals_clear(struct process *process);

/* In a process that is new to the host: has those caught which would end it untold. */
void signals_take_defaults(struct process *process);

#endif
