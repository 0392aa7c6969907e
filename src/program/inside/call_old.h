/* The two other ways into the kernel, which old programs go: calls of the page at 0xffffffffff600000
 * (vsyscall), and INT 0x80 with the numbers of 32-bit programs. Neither is there in a domain, and what faults
 * for it is made as a system call here. */
#ifndef VCOST_PROGRAM_INSIDE_CALL_OLD_H
#define VCOST_PROGRAM_INSIDE_CALL_OLD_H

#include "program/inside/process.h"

/* Was this fault one of them? Then the call is made, and the thread's registers are what it goes on with. */
bool call_vsyscall(struct thread *thread, const struct domain_fault *fault);
bool call_int80(struct thread *thread, const struct domain_fault *fault);

#endif
