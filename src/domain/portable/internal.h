/* What the files of this folder share. */
#ifndef VCOST_DOMAIN_PORTABLE_INTERNAL_H
#define VCOST_DOMAIN_PORTABLE_INTERNAL_H

#include "domain/guest_kernel.h"
#include "domain/internal.h"
#include "domain/portable/portable.h"

#include <pthread.h>
#include <stdatomic.h>

enum cpu_phase { CPU_PARKED, CPU_RUNNING, CPU_DONE, CPU_FAILED };

struct portable_cpu {
    struct portable *portable;
    struct domain_cpu *cpu;
    pthread_t thread;
    bool started;      /* the thread */
    atomic_int number; /* the kernel's, of the thread; 0: not yet */
    enum cpu_phase phase;
    struct error error; /* CPU_FAILED */
};

struct portable {
    struct portable_plan plan;
    struct domain *domain;
    struct guest_kernel *kernel; /* it owns the domain then */
    struct memory memory;        /* owned; none where it was brought */
    char *base;
    uint64_t room_bytes; /* of addresses, from the base on; 0: what it has */
    int shared; /* a descriptor that the memory is a mapping of, as it is in the guest's own process; -1: none
                 */
    int image;  /* a descriptor that the memory is a shared mapping of, for portable_freeze(); -1: none */
    int eventfd;
    pthread_mutex_t lock; /* for all below, and phases */
    pthread_cond_t changed;
    bool run, quit;
    unsigned held; /* by so many */
    struct portable_cpu cpus[PORTABLE_CPUS_MAX];
};

/* programs.c: has a new one room for what its workload needs and was asked to use? -EINVAL with a sentence.
 */
int portable_check_room(const struct portable_plan *plan, struct error *error);
/* Lays a workload of the image out in the memory, and sets the virtual CPUs to its start. */
int portable_lay_out(struct portable *portable, struct error *error);

/* selftest.c: the same with the linked kernel, which makes the domain, too. */
int portable_lay_out_selftest(struct portable *portable, const struct monitor_ops *monitor,
    const struct monitor_facts *facts, struct error *error);

/* threads.c: ends those of the virtual CPUs; none is inside the guest then. */
void portable_end(struct portable *portable);

/* Where the identity stands, and a piece of `bytes` at a guest physical address; NULL: not in the memory, or
 * not in one piece of it. */
struct portable_identity *portable_identity(const struct portable *portable);
void *portable_at(const struct portable *portable, uint64_t physical, uint64_t bytes);

/* dirty.c: the one that begins at a guest physical address; NULL: there is none. */
struct guest_region *portable_region(const struct portable *portable, uint64_t start);

#endif
