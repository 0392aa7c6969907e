/* The linked kernel and its processes' program as the build made them (guest/), embedded. */
    .section .rodata
    .balign 16
    .globl linked_kernel_start, linked_kernel_end, guest_program_start, guest_program_end
linked_kernel_start:
    .incbin LINKED_KERNEL
linked_kernel_end:
    .balign 16
guest_program_start:
    .incbin GUEST_PROGRAM
guest_program_end:
    .section .note.GNU-stack, "", @progbits
