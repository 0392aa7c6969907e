/* The nursery's program as the build made it, embedded. */
    .section .rodata
    .balign 16
    .globl nursery_image_start, nursery_image_end
nursery_image_start:
    .incbin NURSERY_IMAGE
nursery_image_end:
    .section .note.GNU-stack, "", @progbits
