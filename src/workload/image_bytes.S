/* The workload image as the build made it (guest/workload), embedded. */
    .section .rodata
    .balign 16
    .globl workload_image_start, workload_image_end
workload_image_start:
    .incbin WORKLOAD_IMAGE
workload_image_end:
    .section .note.GNU-stack, "", @progbits
