/* The nursery's program as the build made it, embedded. Weak: a test may bring another one. */
    .section .rodata
    .balign 16
#ifdef NURSERY_FOR_TEST
    .globl nursery_image_start, nursery_image_end
#else
    .weak nursery_image_start, nursery_image_end
#endif
nursery_image_start:
    .incbin NURSERY_IMAGE
nursery_image_end:
    .section .note.GNU-stack, "", @progbits
