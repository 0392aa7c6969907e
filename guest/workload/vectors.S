/* All vector registers of a width at work: each gets its neighbour added, round after round, so that one bit
 * that is lost in any of them shows in all soon. The code between the calls uses none of them. */
    .text

    .macro add_512 to, from
    vpaddq %zmm\from, %zmm\to, %zmm\to
    .endm
    .macro add_256 to, from
    vpaddq %ymm\from, %ymm\to, %ymm\to
    .endm
    .macro add_128 to, from
    paddq %xmm\from, %xmm\to
    .endm

    .macro sixteen what
    \what 0, 1
    \what 1, 2
    \what 2, 3
    \what 3, 4
    \what 4, 5
    \what 5, 6
    \what 6, 7
    \what 7, 8
    \what 8, 9
    \what 9, 10
    \what 10, 11
    \what 11, 12
    \what 12, 13
    \what 13, 14
    \what 14, 15
    .endm

    .globl vectors_begin_128, vectors_run_128, vectors_end_128
    .globl vectors_begin_256, vectors_run_256, vectors_end_256
    .globl vectors_begin_512, vectors_run_512, vectors_end_512

/* ---- SSE2 ---- */

vectors_begin_128:
    movq $1, %rax
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    imulq $0x5851f42d, %rax, %rax
    addq $0x14057b7e, %rax
    movq %rax, %xmm\n
    punpcklqdq %xmm\n, %xmm\n
    .endr
    ret

vectors_run_128:
1:  sixteen add_128
    add_128 15, 0
    decq %rdi
    jnz 1b
    ret

vectors_end_128:
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    movdqu %xmm\n, 16 * \n(%rdi)
    .endr
    ret

/* ---- AVX2 ---- */

vectors_begin_256:
    movq $1, %rax
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    imulq $0x5851f42d, %rax, %rax
    addq $0x14057b7e, %rax
    vmovq %rax, %xmm\n
    vpbroadcastq %xmm\n, %ymm\n
    .endr
    ret

vectors_run_256:
1:  sixteen add_256
    add_256 15, 0
    decq %rdi
    jnz 1b
    ret

vectors_end_256:
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    vmovdqu %ymm\n, 32 * \n(%rdi)
    .endr
    ret

/* ---- AVX-512F, with its masks ---- */

vectors_begin_512:
    movq $1, %rax
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    imulq $0x5851f42d, %rax, %rax
    addq $0x14057b7e, %rax
    vpbroadcastq %rax, %zmm\n
    .endr
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7
    imulq $0x5851f42d, %rax, %rax
    addq $0x14057b7e, %rax
    kmovw %eax, %k\n
    .endr
    ret

vectors_run_512:
1:  sixteen add_512
    add_512 15, 16
    .irp n, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30
    vpaddq %zmm0, %zmm\n, %zmm\n
    .endr
    vpaddq %zmm31, %zmm0, %zmm0
    vpaddq %zmm16, %zmm31, %zmm31
    kxorw %k1, %k0, %k0
    kxnorw %k2, %k1, %k1
    kxorw %k3, %k2, %k2
    kxorw %k4, %k3, %k3
    kxorw %k5, %k4, %k4
    kxorw %k6, %k5, %k5
    kxorw %k7, %k6, %k6
    kxnorw %k0, %k7, %k7
    decq %rdi
    jnz 1b
    ret

vectors_end_512:
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    vmovdqu64 %zmm\n, 64 * \n(%rdi)
    .endr
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7
    kmovw %k\n, 2048 + 2 * \n(%rdi)
    .endr
    ret

    .section .note.GNU-stack, "", @progbits
