/* The domain's kernel as the build made it (guest/kernel), embedded. */
    .section .rodata
    .balign 16
    .globl domain_kernel_start, domain_kernel_end
domain_kernel_start:
    .incbin DOMAIN_KERNEL
domain_kernel_end:
    .section .note.GNU-stack, "", @progbits
