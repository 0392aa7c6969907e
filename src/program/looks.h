/* What was seen of a program's memory while it ran: the most of each at any look. What comes and goes between
 * two looks is not seen, so 0 is no proof that there was none in a run that lasted only a moment. */
#ifndef VCOST_PROGRAM_LOOKS_H
#define VCOST_PROGRAM_LOOKS_H

#include "program/run.h"

enum { LOOKS_NODES_MAX = 64 };

struct looks {
    unsigned count;                       /* looks at which the kernel told something */
    uint64_t large_bytes;                 /* anonymous memory mapped by 2 MiB entries (AnonHugePages) */
    uint64_t text_bytes;                  /* files' pages likewise (FilePmdMapped) */
    uint64_t hugetlb_bytes;               /* of the pools of huge pages */
    uint64_t locked_bytes;                /* Locked */
    uint64_t bytes;                       /* resident */
    uint64_t node_bytes[LOOKS_NODES_MAX]; /* on each NUMA node, at the look with the most */
    unsigned threads;                     /* of all processes together */
    unsigned cpus;                        /* that one of the processes might run on */
    unsigned arenas;    /* of glibc's malloc besides the first, in one process: heaps where it puts those */
    bool fixed;         /* the stack is where it is without address space layout randomization */
    bool library;       /* `wanted` is mapped */
    const char *wanted; /* a part of the file name of a library to look for; NULL: none */
};

/* Fills *looks, zeroed but for `wanted`, from the process and its descendants. */
struct watcher looks_watcher(struct looks *looks);

#endif
