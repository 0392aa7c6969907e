/* What the two tasks of a child may ask of the kernel, as programs for seccomp (seccomp(2)). */
#ifndef VCOST_MONITOR_DEPRIVILEGED_CHILD_FILTER_H
#define VCOST_MONITOR_DEPRIVILEGED_CHILD_FILTER_H

#include <linux/filter.h>

enum { FILTER_MAX = 256 };

struct filter {
    unsigned count;
    struct sock_filter code[FILTER_MAX];
};

/* The guest's: from the stub's page, to wait for and wake on the mailbox's word, and to return from the
 * signal handler. All else, of every architecture, is a SIGSYS. An instruction pointer proves nothing (the
 * guest may jump into the stub): it only tells the stub's calls from the guest's own. */
void filter_guest(struct filter *filter);

/* The helper's: to wait for orders, to answer, and to map, unmap and protect below CHILD_TOP; of descriptors
 * only those of memory. All else kills it. */
void filter_helper(struct filter *filter);

#endif
