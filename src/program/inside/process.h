/* A program in a domain: what its threads share, and what each has. One process of the host for each of its
 * processes, one thread with a virtual CPU for each of its threads. */
#ifndef VCOST_PROGRAM_INSIDE_PROCESS_H
#define VCOST_PROGRAM_INSIDE_PROCESS_H

#include "base/error.h"
#include "domain/user.h"
#include "program/inside/window.h"
#include "program/tally.h"

#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { SIGNALS = 64 };

/* As rt_sigaction() has it (Linux, arch/x86/include/uapi/asm/signal.h). */
struct action {
    uint64_t handler, flags, restorer, mask;
};

/* What the domain needs itself stands at descriptors that the program cannot use. */
struct kept_descriptors {
    int first, behind; /* [first, behind) is not the program's */
    int tally;         /* what struct tally is mapped from */
    int kvm;           /* /dev/kvm */
    int self;          /* the executable that runs domains */
    int proc;          /* /proc, which a program may hide from itself (chroot) */
};

/* As struct rlimit. */
struct limit {
    uint64_t now, most;
};

/* Of the program's memory (memory_limit.h). */
struct memory_limits {
    struct limit addresses, data;
};

/* What counted.h has told of this process' domain. */
enum { COUNTED = 3 };
struct counted {
    uint64_t so_far[COUNTED];
    uint64_t guest_faults, answered; /* so far, too; a child begins with its parent's */
    bool told;
};

struct process {
    struct domain *domain;
    struct domain_mode mode; /* of its virtual CPUs */
    struct window *window;
    struct tally *tally;
    struct kept_descriptors kept;
    char executable[PATH_MAX]; /* what /proc/self/exe is for the program */
    uint64_t features;         /* XCR0 */
    size_t extended_bytes;     /* of the registers that these are, as in a signal's frame */
    struct action actions[SIGNALS + 1];
    pthread_mutex_t actions_lock;
    atomic_uint threads;
    bool threaded;       /* there was more than one of them, or is another of vcost's own (heat.h) */
    uint64_t files_hard; /* its hard RLIMIT_NOFILE, which is not the host's: that of the domain is larger */
    struct memory_limits memory;  /* as the program has set them */
    struct limit processes;       /* the same (call_limit.c) */
    bool few_processes;           /* the program has set that */
    const struct filter *filters; /* of all threads (seccomp.h, SECCOMP_FILTER_FLAG_TSYNC) */
    bool executed;                /* by another program of the domain */
    bool numbers_children;        /* they are to begin a namespace of processes (children.h) */
    bool children_announced;      /* the kernel does not know that yet */
    int children;                 /* the place to which it is to return, or -1 */
    bool numbered;                /* it is in one that the program has made (machine_thread.h) */
    bool borrowed;                /* its memory, domain and window are another's, who may wait (vfork) */
    atomic_bool gone; /* it has ended or executes something: none of its threads is in this memory */
    unsigned files;   /* which table of descriptors it has, of those in this memory (cpu.h) */
    void *words; /* mapped: what it calls execve() with; the parent unmaps them where they are borrowed */
    size_t words_bytes;
    struct counted counted;
    struct heat *heat; /* heat.h; NULL: not wanted */
};

struct thread {
    struct process *process;
    struct domain_cpu *cpu;
    struct domain_user user; /* where it goes on */
    pid_t id;
    bool first;            /* the one that the process began with: it may not end before the others */
    uint64_t mask;         /* of signals: bit n - 1 for signal n */
    volatile int caught;   /* the number of a signal that is to be delivered; 0 */
    siginfo_t caught_info; /* of it; while there is one, all others are blocked */
    bool waited;           /* it has interrupted a call that waited with a mask of its own: */
    uint64_t waited_mask;
    uint64_t stack, stack_bytes; /* sigaltstack() */
    int stack_flags;
    uint64_t clear_on_exit;       /* set_tid_address() */
    const struct filter *filters; /* its own (seccomp.h), besides those of the process */
    bool strict;                  /* SECCOMP_MODE_STRICT */
    struct {
        uint64_t place, changes; /* window_others_changes() then */
        unsigned times;
    } in_vain;                /* faults in a row that there was no reason for (thread.c) */
    struct thread *next;      /* roll.h */
    const atomic_int *holder; /* seat.h; NULL: it is on none */
};

/* Ends the whole process, since the domain cannot go on: says why, to the user and in the tally. */
_Noreturn void process_fail(struct process *process, const struct error *error);

#endif
