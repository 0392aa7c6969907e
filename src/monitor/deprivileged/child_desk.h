/* The pages at the top of a child's address space, as child.c, nursery.c and stub.S agree on them.
 *
 * [CHILD_TOP, DESK_BASE) is code, the stub's page first. The desk is memory that the monitor maps, too: the
 * orders, which nobody can write in the child, and the mailbox and the signal stack, in which the guest may
 * write what it likes. Then the nursery's stack, which no child has. */
#ifndef VCOST_MONITOR_DEPRIVILEGED_CHILD_DESK_H
#define VCOST_MONITOR_DEPRIVILEGED_CHILD_DESK_H

#define DESK_TOP 0x7fffffe00000 /* CHILD_TOP */
#define DESK_STUB_BYTES 0x1000
#define DESK_CALL 0x100 /* CHILD_CALL, in the stub */
#define DESK_BASE (DESK_TOP + 0x10000)
#define DESK_NURSERY_STACK (DESK_TOP + 0x40000)
#define DESK_NURSERY_STACK_BYTES 0x4000

/* Offsets in the desk. */
#define DESK_SEQUENCE 0x0        /* u32: the number of the last orders; the helper waits for another one */
#define DESK_COUNT 0x4           /* u32: how many there are */
#define DESK_REPLY 0x8           /* u32: the helper's descriptor of the eventfd that it answers by */
#define DESK_SPINS 0xc           /* u32: how often the guest's task looks at DESK_TURN before it sleeps */
#define DESK_MONITOR_SLEEPS 0x10 /* u32: it is to be woken */
#define DESK_GUEST_PROG 0x20     /* struct sock_fprog */
#define DESK_HELPER_PROG 0x30    /* the same */
#define DESK_GUEST_FILTER 0x1000
#define DESK_HELPER_FILTER 0x1800
#define DESK_FILTER_MAX 256 /* instructions of 8 bytes */
#define DESK_LIST 0x2000    /* orders: number of the system call, six arguments; or: */
#define ORDER_TOUCH 0x1000  /* no system call: reads from the first argument to the second, every … */
#define ORDER_TOUCH_STEP 0x10000
#define DESK_ORDER_BYTES 64
#define DESK_ORDERS_MAX 512
#define DESK_ORDERS_END 0xa000 /* all before is only to be read */
#define DESK_MAILBOX 0xa000
#define DESK_STACK 0xb000
#define DESK_STACK_BYTES 0x4000
#define DESK_BYTES 0xf000

/* In the mailbox. DESK_TURN tells whose turn it is, and why. In its cache line is what a hypercall
 * (CHILD_CALL) needs; of the other registers what the monitor leaves alone stays in the guest's cache. */
#define DESK_TURN (DESK_MAILBOX + 0x0)         /* u32 */
#define DESK_GUEST_SLEEPS (DESK_MAILBOX + 0x4) /* u32: it is to be woken */
#define DESK_RAX (DESK_MAILBOX + 0x8)
#define DESK_RCX (DESK_MAILBOX + 0x10)
#define DESK_RIP (DESK_MAILBOX + 0x18)
#define DESK_RDI (DESK_MAILBOX + 0x20)
#define DESK_RSI (DESK_MAILBOX + 0x28)
#define DESK_RDX (DESK_MAILBOX + 0x30)
#define DESK_RFLAGS (DESK_MAILBOX + 0x38)
#define DESK_RBX (DESK_MAILBOX + 0x40)
#define DESK_RSP (DESK_MAILBOX + 0x48)
#define DESK_RBP (DESK_MAILBOX + 0x50)
#define DESK_R8 (DESK_MAILBOX + 0x58)
#define DESK_R9 (DESK_MAILBOX + 0x60)
#define DESK_R10 (DESK_MAILBOX + 0x68)
#define DESK_R11 (DESK_MAILBOX + 0x70)
#define DESK_R12 (DESK_MAILBOX + 0x78)
#define DESK_R13 (DESK_MAILBOX + 0x80)
#define DESK_R14 (DESK_MAILBOX + 0x88)
#define DESK_R15 (DESK_MAILBOX + 0x90)
#define DESK_FS_BASE (DESK_MAILBOX + 0x98)
#define DESK_GS_BASE (DESK_MAILBOX + 0xa0)
#define DESK_FRAME (DESK_MAILBOX + 0xc0)     /* u64: where the kernel has put the frame of the last signal */
#define DESK_GUEST_PID (DESK_MAILBOX + 0xc8) /* u32 */
#define DESK_PARENT (DESK_MAILBOX + 0xcc)    /* u32: process number of the nursery */
#define DESK_FAILED_STEP (DESK_MAILBOX + 0xd0) /* u32: a step of nursery.c that failed */
#define DESK_FAILED_CODE (DESK_MAILBOX + 0xd4) /* u32: errno */
#define DESK_SCRATCH (DESK_MAILBOX + 0x200)    /* the end of a few bytes of stack */

#define TURN_DEAD 0 /* the kernel writes it when the task ends (set_tid_address) */
#define TURN_GUEST 1
#define TURN_SIGNAL 2 /* the guest's task is in the signal handler: registers are in the frame */
#define TURN_CALLED 3 /* it is in CHILD_CALL: registers are in the mailbox */
#define TURN_SHOW 4   /* the monitor wants a task that is in CHILD_CALL to come into the signal handler */

/* Descriptors of the nursery and of helpers. */
#define DESK_FD_SOCKET 3
#define DESK_FD_IMAGE 4
#define DESK_FD_MEMORY 16
#define DESK_FD_MEMORY_MAX 48 /* CHILDREN_MEMORY_MAX */

#define DESK_IMAGE_OFFSET 0x1000 /* of the stub, in the nursery's file */

/* What can fail while a child is made (DESK_FAILED_STEP). */
#define STEP_NONE 0
#define STEP_PARENT 1      /* its parent was gone already */
#define STEP_DESCRIPTORS 2 /* close_range */
#define STEP_TID 3         /* set_tid_address */
#define STEP_STACK 4       /* sigaltstack */
#define STEP_SIGNALS 5     /* rt_sigaction */
#define STEP_SPAWN 6       /* clone, munmap, seccomp in stub.S */

#ifndef __ASSEMBLER__
#include <stdint.h>

/* What the monitor asks of the nursery, and what that answers. */
enum nursery_kind {
    NURSERY_CHILD,  /* with two descriptors: the desk, the eventfd */
    NURSERY_MEMORY, /* with one, to be number `argument` */
    NURSERY_FORGET, /* that */
    NURSERY_CLOSE,  /* descriptor number `argument` */
};

struct nursery_request {
    uint32_t kind;
    int32_t argument;
};

struct nursery_answer {
    int32_t code;   /* 0 or a negative errno */
    int32_t helper; /* its process number */
    int32_t reply;  /* the helper's number of the eventfd */
};

#endif
#endif
