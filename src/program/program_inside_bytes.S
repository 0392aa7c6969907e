/* The executable that runs a program in a domain (inside/), as it is. */
    .section .rodata
    .globl program_inside_start, program_inside_end
    .balign 16
program_inside_start:
    .incbin PROGRAM_INSIDE
program_inside_end:
    .section .note.GNU-stack, "", @progbits
