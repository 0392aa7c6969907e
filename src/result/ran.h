/* What a cell of `vcost run` says of the program besides times: how it ended, whether it did in a domain what
 * it does natively, and what it asked of the host. */
#ifndef VCOST_RESULT_RAN_H
#define VCOST_RESULT_RAN_H

#include "result/heat.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum fidelity {
    FIDELITY_SAME,           /* stdout and how it ended are those of native runs, which agree */
    FIDELITY_DIFFERENT,      /* they are not */
    FIDELITY_NOT_COMPARABLE, /* native runs do not agree with each other */
    FIDELITY_UNKNOWN,        /* of the native cell, and where it was not run */
    FIDELITIES
};
extern const char *const fidelity_names[FIDELITIES]; /* "same", … in files; NULL: unknown */

/* When the guest's page tables get a page: as it is mapped, or by a page fault at the first touch. */
enum ran_faults { RAN_FAULTS_EAGER, RAN_FAULTS_DEMAND, RAN_FAULTS_UNKNOWN, RAN_FAULTS };
extern const char *const ran_faults_names[RAN_FAULTS]; /* NULL: unknown */

struct ran_call {
    const char *name; /* of a system call */
    uint64_t count;
    double ns;           /* that all of them took on the host */
    const char *refused; /* why a domain refuses it where a kernel need not; NULL: it does not */
};

/* What a program's time in a domain is more than natively for, by the things that happened in it. */
enum ran_cause {
    CAUSE_DOMAINS,        /* a domain made, and ended, for each program */
    CAUSE_CALLS,          /* system calls that left the guest */
    CAUSE_LOOKS,          /* what their pointers point to, as often as the monitor reads or writes it */
    CAUSE_YIELDS,         /* sched_yield, as far as it is called more often natively: less in a domain */
    CAUSE_ANSWERED,       /* those that the guest answered itself (gettid) */
    CAUSE_MEMORY,         /* those that change memory: the guest's page tables, too */
    CAUSE_GUEST_FAULTS,   /* exceptions that left the guest */
    CAUSE_HANDLED_FAULTS, /* page faults that the guest's own kernel handled */
    CAUSE_FRESH_PAGES,    /* first touches of memory that the host did not have yet either */
    CAUSE_KNOWN_FAULTS,   /* page faults of the guest on memory that the host had, */
    CAUSE_KNOWN_PAGES,    /* and pages that the guest got by them, neighbours with them */
    CAUSE_PROCESS_FAULTS, /* page faults of the process on the host, as far as there are more than natively */
    CAUSE_SIGNALS,        /* that handlers were called for */
    CAUSE_INTERRUPTIONS,  /* exits since a signal came */
    CAUSE_FORKS,
    CAUSE_FORK_PAGES, /* pages that their parents had for themselves, each time */
    CAUSE_VFORKS,     /* forks whose child has its parent's memory until it executes something */
    CAUSE_THREADS,
    CAUSE_HOST_EXITS,  /* exits that the host's kernel dealt with: interrupts of the host, above all */
    CAUSE_WAITING,     /* its first thread could have run, and others did; wall clock time only */
    CAUSE_TRANSLATION, /* longer page walks */
    CAUSES
};
extern const struct ran_cause_facts {
    const char *name;  /* as in files: "system-calls" */
    const char *title; /* for people */
    bool in_kernel;    /* is gone where the guest has a kernel of its own, and nested paging */
} ran_causes[CAUSES];

/* Times of a line are more than natively, in nanoseconds a run; NAN: not known, for `reason`. */
struct ran_line {
    const char *name; /* of a cause */
    double count;     /* a run */
    double price_cpu_ns, price_wall_ns;
    double cpu_ns, wall_ns; /* count times price */
    /* 95 % intervals, from what the price was in each round that measured it; NAN: fewer than two did. */
    double price_cpu_low_ns, price_cpu_high_ns, cpu_low_ns, cpu_high_ns, wall_low_ns, wall_high_ns;
    const char *reason; /* NULL: all is known */
};

/* What there is to explain, in CPU time or in wall clock time, and what the lines together do. */
struct ran_sum {
    double difference_ns, low_ns, high_ns; /* guest less native, a run: the median over pairs, its interval */
    double explained_ns;                   /* the lines that are known */
    double unexplained_ns;                 /* the rest, with its sign */
    /* Likewise: from rounds, each with the runs that it belongs to. */
    double explained_low_ns, explained_high_ns, unexplained_low_ns, unexplained_high_ns;
    const char *reason; /* why there is none of this (NAN); NULL */
};

struct ran_account {
    bool known;
    struct ran_line *lines; /* in the result's pool */
    size_t line_count;
    struct ran_sum cpu, wall;
    /* An estimate of CPU time over native on a host with nested paging and a guest with a kernel: without the
     * lines that are gone there; low: without what is unexplained, too. NAN where that is not known, or would
     * be less than nothing. */
    double nested_low, nested_high;
};

#define RAN_NO_STATUS UINT32_MAX

struct result_ran {
    uint32_t exit_status; /* RAN_NO_STATUS: a signal ended it, or it did not run */
    uint32_t signal;      /* 0: none */
    enum fidelity fidelity;
    enum ran_faults faults; /* unknown: of the native cell, and of early versions */
    const char *compared;   /* "exit status, stdout, out.gz"; NULL: not told, as of early versions */
    const char *differs; /* "exit status", "stdout" or the name of a file: what makes it not the same; NULL */
    struct ran_call *calls; /* in the result's pool; of the last timed run in a domain, the most time first */
    size_t call_count;
    struct ran_account account; /* of a domain's cell, as the next */
    struct ran_steady {
        bool known; /* the program marked its steady state */
        double native_ns, guest_ns, ratio, low, high;
    } steady;
    struct ran_heat heat; /* of a domain's cell, if it was asked for */
    /* Of a native cell: so many processes its first run left running, which were ended, the first of them of
     * this name. */
    uint32_t left_count;
    const char *left_name;
};

#endif
