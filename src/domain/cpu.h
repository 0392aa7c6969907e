/* The virtual CPUs of a domain. Each is run by a thread of the caller's, which owns it from its first use
 * until domain_cpu_release(); another thread's use is refused with -EPERM. domain_cpu_stop(), domain_pause()
 * and domain_resume() are for any thread. */
#ifndef VCOST_DOMAIN_CPU_H
#define VCOST_DOMAIN_CPU_H

#include "domain/domain.h"

struct domain_cpu;

/* One that nobody uses, as newly made: from the pool, or made now, up to the monitor's limit. The first of a
 * domain is the one that domain_call() uses. */
int domain_cpu(struct domain *domain, struct domain_cpu **cpu, struct error *error);
struct domain_cpu *domain_first_cpu(const struct domain *domain);
/* The same where processes share this memory, but not all of them their descriptors: `files` numbers the
 * tables of these, and a virtual CPU is only for those with the table that it was made in (0 is the others').
 */
int domain_cpu_of(struct domain *domain, unsigned files, struct domain_cpu **cpu, struct error *error);
/* Back to the pool, released. */
void domain_cpu_give(struct domain_cpu *cpu);
/* The owner hands it over to the next thread that uses it. */
void domain_cpu_release(struct domain_cpu *cpu);
/* The same, by whoever knows that its owner does nothing with it: it has ended, or is stopped, and if it goes
 * on owns it again. */
void domain_cpu_disown(struct domain_cpu *cpu);

/* What differs from the state that every virtual CPU of the domain is in (x86_64/system.h). */
struct domain_mode {
    uint64_t cr4;  /* bits set as well */
    uint64_t xcr0; /* 0: as it is */
    uint64_t
        syscall_entry; /* where SYSCALL leads to: an offset in the guest's kernel (abi/domain.h); 0: leaves */
    unsigned tss_page; /* its task state: a system page; 0: DOMAIN_PAGE_TSS, which only one may use whose
                          guest is interrupted */
};
/* From now on. The monitor's own error, and nothing changed, if it refuses. */
int domain_cpu_mode(struct domain_cpu *cpu, const struct domain_mode *mode, struct error *error);

/* Where it goes on, at CPL 3 or 0. Flags are set here: interrupts on, OUT allowed at CPL 3. */
int domain_cpu_set(
    struct domain_cpu *cpu, unsigned privilege, const struct vcpu_registers *registers, struct error *error);

/* What becomes of an exit (not of EXIT_INTERRUPTED or EXIT_KICKED): 1: the guest goes on; 0: it is done;
 * negative with *error filled: it has failed. May pause the domain. */
typedef int domain_exit_handler(
    struct domain_cpu *cpu, const struct vm_exit *exit, void *context, struct error *error);

/* Runs the guest until handler says something else than 1. -EINTR: stop was asked, which is looked at
 * whenever the guest has left; -ECANCELED: domain_cpu_stop(); -EIO: the monitor comes back at once again and
 * again without having run the guest. After a failure domain_cpu_set() must come before the next run. */
int domain_run(struct domain_cpu *cpu, domain_exit_handler *handler, void *context, struct error *error);

/* Makes the running domain_run(), or else the next, return -ECANCELED. */
void domain_cpu_stop(struct domain_cpu *cpu);
/* Takes back one that no domain_run() has returned for yet; for the thread that runs it. */
void domain_cpu_go_on(struct domain_cpu *cpu);

/* When it returns 0 no virtual CPU is inside the guest, and none enters it until domain_resume() has been
 * called as often. -ETIMEDOUT, and nothing is paused, if one did not leave within 5 s. */
int domain_pause(struct domain *domain, struct error *error);
void domain_resume(struct domain *domain);

#endif
