/* What the code outside a domain that can be saved and moved (src/domain/portable) and its workloads inside
 * agree on. Nothing in such a domain names an address of the host. All its memory is one piece from guest
 * physical address 0 on; the last page tells which domain it is. Everything the guest says through this is
 * hostile until checked. */
#ifndef VCOST_ABI_PORTABLE_H
#define VCOST_ABI_PORTABLE_H

#include <stdint.h>

/* Guest virtual addresses. From PORTABLE_BASE on: the identity (read), then a page for each virtual CPU's
 * job and a stack for each (read, write), then the workload image (read, execute). */
#define PORTABLE_BASE UINT64_C(0x60000000)
#define PORTABLE_DATA UINT64_C(0x100000000000) /* the workload's data, in leaves of 2 MiB */
/* Memory that a domain gets later, the same; mapped from the start, whether it is there or not. */
#define PORTABLE_ADDED UINT64_C(0x180000000000)
/* Each virtual CPU's ring of samples (read, write), one behind the other: in the last 2 MiB of the memory, of
 * which the identity is the last page. */
#define PORTABLE_SAMPLES UINT64_C(0x60200000)
#define PORTABLE_MAGIC UINT64_C(0x3131524556415254) /* "TRAVER11", little-endian */

enum { PORTABLE_CPUS_MAX = 16, PORTABLE_STACK_PAGES = 4, PORTABLE_ROOM = 1024, PORTABLE_VECTOR_BYTES = 2112 };

/* The last page of the memory. */
struct portable_identity {
    uint64_t magic;
    uint64_t generation[2]; /* 128 random bits, others each time the domain is restored or forked */
    uint64_t restored;      /* how often that was */
};

/* What a virtual CPU had done when. */
struct portable_sample {
    uint64_t ticks;   /* the time-stamp counter */
    uint64_t done;    /* of its work, since it was started */
    uint64_t looks;   /* looks at the counter since it was started */
    uint64_t longest; /* ticks from one look to the next, the most since the sample before */
};

/* Of the ring of each of `cpus` virtual CPUs. */
static inline uint64_t portable_ring_pages(unsigned cpus)
{
    return 511 / cpus;
}

/* The job of one virtual CPU, at the start of its page. The workload's entry is called with it once. */
struct portable_job {
    /* set by whoever starts the domain */
    uint64_t work;     /* hops, writes or rounds until the end; 0: there is none */
    uint64_t first;    /* guest virtual: where its part of the data begins, */
    uint64_t bytes;    /* its length, whole pages, */
    uint64_t start;    /* and for the chase the element to start at */
    uint64_t interval; /* writer: ticks of the time-stamp counter from one write to the next, at least */
    uint64_t identity; /* guest virtual */

    /* by the workload, every few microseconds */
    uint64_t done;          /* so much of the work */
    uint64_t generation[2]; /* as it reads it */
    uint64_t looked;        /* the time-stamp counter, */
    uint64_t longest;       /* the most that it ever went on between two looks, in ticks, */
    uint64_t backwards;     /* and how often it went back */
    /* at the end */
    uint64_t wrong; /* writer: pages that are not what was written */
    uint64_t checksum;
    uint64_t finished; /* WORKLOAD_MAGIC */
    /* Set by whoever starts the domain, 0 in one that was started by a vcost that had no samples: */
    uint64_t samples;      /* guest virtual: the ring, */
    uint64_t sample_count; /* so many it has room for, */
    uint64_t sample_ticks; /* and so long it is from one to the next, at least */
    /* by the workload */
    uint64_t sampled; /* samples written; the next one goes to */
    uint64_t slot;    /* this place */
    uint64_t looks;
    uint64_t longest_now;              /* since the last sample */
    uint64_t sampled_at, sampled_done; /* its ticks and done */
    /* Memory that came later, of which each virtual CPU has some pages (writer). Set by
     * whoever starts the domain, 0 in one that was started by a vcost without: */
    uint64_t added, added_stride; /* guest virtual: its first page of that; bytes from one to the next */
    union portable_added {
        struct {
            /* By whoever adds memory and takes some away: so many of its pages are there, or are to be. */
            uint32_t there;
            /* By the workload: so many it uses. It begins with more only by an exchange of `both` for what it
             * has just read; so once `used` is not more than `there` it stays so. What it gives up it has
             * checked, and touches no more. */
            uint32_t used;
        };
        uint64_t both;
    } pages;
    uint64_t added_writes; /* by the workload, so often to those pages */
    /* At PORTABLE_ROOM: PORTABLE_VECTOR_BYTES of room for registers. */
};

/* The data of the writer: at the start of each page. */
struct portable_page {
    uint64_t writes, hash; /* how many there were; chained over them */
    uint64_t marks[510];   /* each write sets one of them to the hash */
};

static inline uint64_t portable_chain(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
    return hash << 23 | hash >> 41;
}

#endif
