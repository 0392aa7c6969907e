/* What this machine is, as far as an ordinary user can see it without changing anything: read from CPUID,
 * /proc, /sys and hwloc. Everything that a container or an old kernel may hide is a struct fact with a
 * reason. What KVM does here is found by trying it and lives in monitor/ (struct monitor_facts). */
#ifndef VCOST_HOST_HOST_H
#define VCOST_HOST_HOST_H

#include "base/error.h"
#include "base/fact.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HOST_CACHES_MAX = 8, HOST_TLBS_MAX = 16, HOST_MITIGATIONS_MAX = 40, HOST_HUGETLB_MAX = 4 };

struct host_cache {
    unsigned level;
    char type[16]; /* "data", "instruction", "unified" */
    uint64_t bytes;
    unsigned line_bytes;
    unsigned ways;        /* 0: fully associative or not told */
    unsigned shared_cpus; /* logical CPUs of this machine behind one instance */
};

/* One TLB as CPUID describes it (AMD: leaves 8000_0005h, 8000_0006h, 8000_0019h, APM volume 3 appendix E.4;
 * Intel: leaf 18h or the descriptors of leaf 2, SDM volume 2A "CPUID"). */
struct host_tlb {
    unsigned level;
    char type[16]; /* "data", "instruction", "unified" */
    uint64_t page_bytes;
    unsigned entries;
    unsigned ways; /* 0: fully associative */
};

struct host_hugetlb {
    uint64_t page_bytes;
    uint64_t total, free; /* pages */
};

struct host_named_fact {
    char name[40];
    char text[160];
};

struct host {
    struct {
        char vendor[16]; /* "AuthenticAMD" */
        struct fact brand;
        unsigned model, family, stepping;
        struct fact microcode;
        char *features; /* the flags line of /proc/cpuinfo, separated by blanks; owned; "" if hidden */
    } cpu;
    struct fact kernel; /* release */
    uint64_t memory_bytes, memory_available_bytes;
    struct host_cache caches[HOST_CACHES_MAX];
    size_t cache_count;
    struct host_tlb tlbs[HOST_TLBS_MAX];
    size_t tlb_count;
    struct fact tlb_source; /* which CPUID leaves, or why none */
    int looked_at;          /* the CPU that CPUID, TLBs and caches are of; -1: of any */
    bool caches_differ;     /* other CPUs have caches of other sizes than this one */
    struct fact topology;   /* unknown: why hwloc gave none; then caches come from /sys or are missing */
    unsigned cpus_online;
    struct fact numa_nodes;
    struct fact thp; /* "always", "madvise", "never" */
    struct host_hugetlb hugetlb[HOST_HUGETLB_MAX];
    size_t hugetlb_count;
    bool is_guest;        /* CPUID leaf 1 ECX bit 31: a hypervisor is below this kernel */
    struct fact guest_of; /* "kvm", "tcg", "vmware", "hyperv", "xen", "bochs" … from the signature at
                             4000_0000h; the raw signature where it has no name */
    struct fact governor, turbo, smt;
    struct host_named_fact mitigations[HOST_MITIGATIONS_MAX];
    size_t mitigation_count;
    struct fact mitigations_source;  /* unknown: why there are none */
    struct fact cgroup_memory_limit; /* bytes as text; unknown: no limit, or not readable */

    /* From here on numbers are decimal text, and what is or is not there starts with "yes" or "no". */
    struct {
        struct fact source;    /* "tsc", "kvm-clock", "hpet" …: what this kernel reads the time from */
        struct fact available; /* separated by blanks */
    } clock;
    struct {
        struct fact allowed; /* CPUs that this process may run on */
        struct fact
            limit; /* CPUs' worth of time by control groups, "1.500"; unknown: no limit, or not readable
                    */
    } cpus;
    struct {
        struct fact iommu;        /* "no", or "yes: dmar0 dmar1" */
        struct fact iommu_groups; /* groups of devices that can be handed to a guest apart from others */
        struct fact vfio;         /* "no", "no: there, but …", "yes" */
    } passthrough;
    struct {
        struct fact vendor, product;
    } dmi;
    struct host_below {
        struct fact signatures;           /* as they are: "Microsoft Hv, KVMKVMKVM" */
        bool kvm_told;                    /* are these two? */
        uint32_t kvm_features, kvm_hints; /* EAX, EDX of KVM's features leaf */
        struct fact kvm;                  /* the names of both */
        struct fact steal_time; /* does this kernel get to know the time that others ran on its CPUs? */
        struct fact dedicated;  /* does each of its CPUs have one of the host's for itself? */
        struct fact hyperv;     /* the names of what Hyper-V, or who poses as it, offers */
        struct fact nested;     /* is that hypervisor a guest itself? */
    } below;
    struct host_balloon {
        struct fact device;                       /* "no", or "yes: virtio0" */
        struct fact features;                     /* the names of those that are agreed upon */
        struct fact reporting;                    /* does the host get back what is free here? */
        struct fact reporting_bytes;              /* in blocks of this size */
        struct fact held_bytes;                   /* in the balloon now */
        struct fact inflated, deflated, migrated; /* pages since boot */
    } balloon;
    struct {
        struct fact swap_bytes, zswap; /* the latter "yes" or "no" */
        struct fact ksm;               /* "yes", "no", "no: …" */
        struct fact damon;             /* "no", or "yes: kdamond.0, pageout" */
    } reclaim;
};

/* Looks at the machine and fills *host. What processors differ in (CPUID, TLBs, caches, governor) is that of
 * `cpu`; without it, of the one that the thread is on, and the caches of all. Only a lack of memory is an
 * error: what cannot be seen is told in the facts. Takes some ms (hwloc); call it outside of anything that is
 * timed. host_free() releases it. */
int host_look(struct host *host, struct error *error);
int host_look_from(struct host *host, int cpu, struct error *error);
void host_free(struct host *host);

/* As JSON (record.h): what the machine is, and what may be set on it. Not in files: clock, cpus, passthrough,
 * dmi, below, balloon, reclaim. */
struct record;
extern const struct record host_record, host_settings_record;

/* The bytes of the largest data or unified cache (the last level), 0 if no cache is known. */
uint64_t host_last_level_cache_bytes(const struct host *host);

#endif
