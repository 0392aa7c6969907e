/* Code of CPL 3 that leaves the guest and goes on again and again, as programs do: what it left for, with its
 * own registers, whatever of the guest's kernel was in between. For domains with config.program. */
#ifndef VCOST_DOMAIN_USER_H
#define VCOST_DOMAIN_USER_H

#include "domain/cpu.h"

struct domain_user {
    struct vcpu_registers registers;
    uint64_t fs_base, gs_base;
};

enum domain_left_kind {
    LEFT_SYSCALL,     /* it executed SYSCALL: rip is behind it, rcx is rip, r11 the flags */
    LEFT_EXCEPTION,   /* fault tells which */
    LEFT_INTERRUPTED, /* domain_cpu_stop() */
    LEFT_UNFINISHED,  /* the same, within the guest's kernel: there are no registers, and it must go on first
                       */
    LEFT_HOST_FAULT,  /* the host has no memory behind what it accessed, or not with these rights */
    LEFT_STRANGE      /* it used a port, or the monitor does not know how to go on: `strange` says what */
};

struct domain_left {
    enum domain_left_kind kind;
    struct domain_user user;
    struct domain_fault fault;
    struct error strange;
};

/* Gives a new virtual CPU a task state and a kernel's stack of its own; mode->tss_page is set here. Harmless
 * when repeated. */
int domain_user_open(struct domain_cpu *cpu, const struct domain_mode *mode, struct error *error);

/* Sets where it goes on (NULL: where it was, after LEFT_UNFINISHED) and runs it until it has left. Fails if
 * the monitor cannot be called, or the domain is to stop (-EINTR). */
int domain_user_run(
    struct domain_cpu *cpu, const struct domain_user *user, struct domain_left *left, struct error *error);

/* The registers of *left are with the caller now: until then domain_user_look() finds them. */
void domain_user_left(struct domain_cpu *cpu);

/* Has the monitor the program's registers, and not whoever runs it? */
bool domain_user_is_entered(const struct domain_cpu *cpu);
/* They, of a virtual CPU that was disowned because its thread is stopped. */
int domain_user_look(struct domain_cpu *cpu, struct domain_user *user, struct error *error);

/* The FPU's registers and its extensions' (monitor.h). */
size_t domain_extended_bytes(const struct domain *domain);
int domain_get_extended(struct domain_cpu *cpu, void *area, struct error *error);
int domain_set_extended(struct domain_cpu *cpu, const void *area, struct error *error);

/* From now on a virtual CPU, which nobody runs yet, answers a system call of this number itself: its program
 * goes on with the answer and does not leave. It stays so when the virtual CPU is given back. */
void domain_user_answer(struct domain_cpu *cpu, uint32_t number, uint32_t answer);
/* From now on none of those that there are answers any, also while they run. */
void domain_user_answer_nothing(struct domain *domain);
/* How many were answered so, by all its virtual CPUs; a domain of copied memory begins with its parent's. */
uint64_t domain_user_answered(const struct domain *domain);

/* Page faults that the guest's own kernel has handled (domain_config.later), of all its virtual CPUs. */
uint64_t domain_guest_faults(const struct domain *domain);

/* What the monitor has counted of one virtual CPU. */
void domain_cpu_counters(const struct domain_cpu *cpu, struct counters *counters);
/* The same of all that were made, added up, with what is counted of the VM. */
void domain_cpus_counters(struct domain *domain, struct counters *counters);

#endif
