/* Results made up for the tests of report/: the same for the same recipe, and freed with result_free(). */
#ifndef VCOST_TESTS_REPORT_SYNTHETIC_H
#define VCOST_TESTS_REPORT_SYNTHETIC_H

#include "result/result.h"

enum { SYNTHETIC_ORDERS_MAX = 5, SYNTHETIC_MONITORS_MAX = 4 };

struct synthetic {
    const char *monitors[SYNTHETIC_MONITORS_MAX + 1]; /* ended by NULL; "native" first gives comparisons */
    enum chase_order orders[SYNTHETIC_ORDERS_MAX];
    unsigned order_count;
    uint64_t first_bytes, last_bytes; /* working sets: powers of two from first to last */
    unsigned step;                    /* doublings between them */
    double cost;                      /* slowdown of a guest at the last working set; it grows towards it */
    double noise;                     /* relative; half the length of intervals too */
    unsigned placements;              /* 1: no intervals */
    unsigned page_pairs;              /* 1: 4K, 2: also 2M */
    bool is_guest;
    bool blemishes; /* a noisy, an interrupted and a missing cell */
    bool reaches;   /* in native's first curve: the L1d, a part of the L3, and a step of unknown cause */
};

/* A random chase, 4 KiB … 1 GiB, native and kvm, a cost of 12 % and 1 % of noise, on a machine that is a
 * guest. */
struct synthetic synthetic_usual(void);

void synthetic_result(const struct synthetic *recipe, struct result *result);

/* What `vcost inspect` may find: lines packed and one a page in both page sizes, findings of every unit,
 * source and section, with and without key, interval and value, one that is hostile, and two remedies. */
void synthetic_inspect(struct result *result);

#endif
