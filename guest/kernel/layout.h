/* What the kernel's assembly and C agree on. */
#ifndef VCOST_GUEST_LAYOUT_H
#define VCOST_GUEST_LAYOUT_H

#define STUB_BYTES 16
#define STACK_BYTES 4096
#define REGISTERS_BYTES 176 /* of struct registers */
#define SYSTEM_CALL 0x100   /* registers.vector of a SYSCALL */
#define REGISTERS_CS 144    /* offset in struct registers */

#endif
