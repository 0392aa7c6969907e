/* What Linux puts on the stack for the handler of a signal (arch/x86/include/asm/sigframe.h, struct
 * rt_sigframe; arch/x86/include/uapi/asm/sigcontext.h), and takes from there when it returns. */
#ifndef VCOST_PROGRAM_INSIDE_SIGNAL_FRAME_H
#define VCOST_PROGRAM_INSIDE_SIGNAL_FRAME_H

#include "program/inside/process.h"

struct frame_cause {
    const struct action *action;
    const siginfo_t *info;
    uint64_t mask;                /* to be blocked again when the handler returns */
    uint64_t trap, code, address; /* of an exception */
};

/* How many bytes one takes at most (AT_MINSIGSTKSZ), with so many of registers in XSAVE's form. */
uint64_t frame_bytes(size_t extended_bytes);

/* Puts the frame where the action says, and sets the registers so that the handler begins. -EFAULT: there is
 * no room; nothing is changed. */
int frame_push(struct thread *thread, const struct frame_cause *cause, struct error *error);

/* The opposite, for rt_sigreturn(): registers and thread->mask are as they were. -EFAULT: what stands there
 * is no frame. */
int frame_pop(struct thread *thread, struct error *error);

#endif
