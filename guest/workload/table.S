/* The start of the workload image: struct workload_image_header of abi/workload.h. */
#include "abi/workload.h"

    .macro entry name, function
1:  .ascii "\name"
    .zero WORKLOAD_NAME_BYTES - (. - 1b)
    .long \function - workload_image, 0
    .endm

    .macro chases chains
    entry "chase-read-\chains", chase_read_\chains
    entry "chase-write-\chains", chase_write_\chains
    .endm

    .section .header, "a"
    .globl workload_image
workload_image:
    .quad WORKLOAD_MAGIC
    .long WORKLOAD_VERSION
    .long (entries_end - entries) / (WORKLOAD_NAME_BYTES + 8)
entries:
    entry "touch", touch
    entry "trap", trap
    entry "instruction", instruction
    .irp chains, 1, 2, 3, 4, 5, 6, 7, 8
    chases \chains
    .endr
    entry "event-cpuid", event_cpuid
    entry "event-pio-user", event_pio_user
    entry "event-divide", event_divide
    entry "event-rdtsc", event_rdtsc
    entry "event-laps", event_laps
    entry "event-laps-exit", event_laps_exit
    entry "event-laps-call", event_laps_call
    entry "event-laps-divide", event_laps_divide
    entry "event-lap", event_lap
    entry "event-jumps", event_jumps
    entry "event-vmcall", event_vmcall
    entry "event-vmmcall", event_vmmcall
    entry "event-msr-read", event_msr_read
    entry "event-cr8-write", event_cr8_write
    entry "event-flush-page", event_flush_page
    entry "event-flush-full", event_flush_full
    entry "event-pte-change", event_pte_change
    entry "event-pte-change-touch", event_pte_change_touch
    entry "event-clear", event_clear
    entry "event-pio-kernel", event_pio_kernel
    entry "event-in", event_in
    entry "event-mmio-write", event_mmio_write
    entry "event-mmio-read", event_mmio_read
    entry "event-call", event_call
    entry "event-syscall", event_syscall
    entry "event-touch", event_touch
    entry "event-apic", event_apic
    entry "event-timer-set", event_timer_set
    entry "event-timer-wait", event_timer_wait
    entry "event-cpuid-kernel", event_cpuid_kernel
    entry "event-ipi", event_ipi
    entry "event-halt-wake", event_halt_wake
    entry "event-shootdown", event_shootdown
    entry "event-second-spins", event_second_spins
    entry "event-second-halts", event_second_halts
    entry "portable-chase", portable_chase
    entry "portable-writer", portable_writer
    entry "portable-vectors-128", portable_vectors_128
    entry "portable-vectors-256", portable_vectors_256
    entry "portable-vectors-512", portable_vectors_512
entries_end:
    .section .note.GNU-stack, "", @progbits
