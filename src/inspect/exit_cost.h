/* What the prices of single instructions say about what is below this machine: does CPUID leave it for a
 * hypervisor, and for how many of them; does reading the time-stamp counter; does the C library read the
 * clock without the kernel?
 *
 * Pure functions: they measure nothing and know no machine. The bands of CPUID's price are from published and
 * own measurements (PVM, SOSP 2023, table: KVM on bare metal 0.54 µs, KVM nested 7.10 µs, PVM 0.60 and 0.51
 * µs; on bare metal the instruction takes some 20 to 120 ns). Between two bands nothing is claimed but the
 * exit. A price tells of the way, not of who takes it: a nested guest under PVM pays as little as one on bare
 * metal. */
#ifndef VCOST_INSPECT_EXIT_COST_H
#define VCOST_INSPECT_EXIT_COST_H

#include "base/fact.h"
#include "result/finding.h"

#include <stdbool.h>

/* ns each, with the 95 % interval. value NAN: not measured; low, high NAN: no interval. */
struct exit_price {
    double value, low, high;
};

struct exit_cost_input {
    struct exit_price cpuid, rdtsc;              /* natively here, in batches */
    struct exit_price clock_vdso, clock_syscall; /* clock_gettime() both ways */
    bool is_guest;                               /* a hypervisor announces itself (CPUID leaf 1) */
    const char *guest_of;     /* its name as host->guest_of has it ("kvm", "tcg"); NULL: not known */
    double tsc_ghz;           /* of the time-stamp counter; NAN: not known */
    const char *clock_source; /* what this kernel reads the time from ("tsc"); NULL: not known */
    const char *no_cpuid, *no_rdtsc, *no_clock; /* why a price is missing; NULL, "": nothing to say */
};

enum exit_verdict {
    EXIT_UNKNOWN,   /* not measured, emulated in software, or the interval spans what differs */
    EXIT_NONE,      /* the instruction stays in the processor */
    EXIT_ONE_LEVEL, /* as dear as leaving a guest for the hypervisor right below it */
    EXIT_BETWEEN,   /* it leaves, at a price that one level or several may have */
    EXIT_SEVERAL,   /* so dear that several levels, or emulation, must be passed */
    EXIT_VERDICTS
};
const char *exit_verdict_name(enum exit_verdict verdict); /* "unknown", "no", "one level", … */

enum exit_answer { EXIT_ANSWER_UNKNOWN, EXIT_ANSWER_NO, EXIT_ANSWER_YES };

struct exit_cost {
    enum exit_verdict cpuid;
    char cpuid_reason[256]; /* a sentence without full stop, as all of these */
    enum exit_answer rdtsc; /* does reading the counter leave this machine? */
    char rdtsc_reason[256];
    enum exit_answer clock_slow; /* is the C library's way no better than the system call? */
    char clock_reason[256];
    bool hidden; /* CPUID leaves the machine, but no hypervisor announces itself */
};

void exit_cost_judge(const struct exit_cost_input *input, struct exit_cost *out);

/* The findings "cpuid-exit" and "rdtsc-exit" (section below) and "clock-slow" (section clock). */
struct finding exit_cost_cpuid_finding(const struct exit_cost *cost);
struct finding exit_cost_rdtsc_finding(const struct exit_cost *cost);
struct finding exit_cost_clock_finding(const struct exit_cost *cost);

#endif
