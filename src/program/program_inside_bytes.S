/* Executables that vcost starts, as they are (unnamed.h). */
    .section .rodata
    .globl program_inside_start, program_inside_end, program_prices_start, program_prices_end
    .balign 16
program_inside_start:
    .incbin PROGRAM_INSIDE
program_inside_end:
    .balign 16
program_prices_start:
    .incbin PROGRAM_PRICES
program_prices_end:
    .section .note.GNU-stack, "", @progbits
