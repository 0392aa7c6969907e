/* What a hostile guest does. Each attack says whether it has succeeded; the family is child_guest.h's. */
#ifndef VCOST_TESTS_CHILD_ATTACKS_H
#define VCOST_TESTS_CHILD_ATTACKS_H

#include "child_guest.h"

#include <stdbool.h>

/* Memory that it has not been given: by a SYSCALL of its own, by INT 0x80, by a SYSCALL of the stub's, of a
 * descriptor. */
bool attack_by_own_call(void);
bool attack_by_int80(void);
/* Whether INT 0x80 is a system call on this host. */
bool has_int80(void);
bool attack_by_jump_into_stub(void);
bool attack_by_descriptor(void);
/* Whoever has not stopped by then does not stop: as long as a busy machine may need, where guards are. */
extern int child_patience_ms;

/* What is left of the program that made it. */
bool attack_by_leftovers(void);
/* Processes of its own. */
bool attack_by_fork(void);
/* Orders of its own to the helper. */
bool attack_by_orders(void);
/* It tells in the mailbox what nobody tells there, and runs on behind the monitor's back. */
bool attack_by_mailbox(void);
/* Its process is killed, and the monitor waits for it. */
bool attack_by_dying(void);
/* It runs on when the monitor was killed; or when it is kicked. */
bool attack_by_outliving(void);
bool attack_by_deafness(void);

/* Offset in the stub's page of the next SYSCALL instruction at or behind `at`; PAGE: there is none. */
unsigned stub_syscall(unsigned at);

/* Puts code at CODE behind a return from a signal handler that was never called, which blocks signals, and
 * sets `registers` so that it is run next. */
#define forge_return(blocked, text)                                                                          \
    do {                                                                                                     \
        PUT("jmp *%r15\n.balign 64\n" text);                                                                 \
        forge_frame(blocked);                                                                                \
    } while (0)
void forge_frame(uint64_t blocked);

/* A kick from another thread, unless it is cancelled before. */
void child_kick_in_ms(unsigned ms);
void child_kick_cancel(void);
/* run() with such a kick, which comes when the guest has left its own code: on a busy machine, at another
 * try. */
enum child_trap_kind child_run_kicked(unsigned ms);

/* Another child with the same memory instead of this one. */
void child_renew(void);

/* Open descriptors of a process; -1: it is hidden. */
int count_descriptors(pid_t process);

#endif
