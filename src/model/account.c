#include "model/account.h"

#include <stddef.h>

static const char *const names[BUCKETS] = {
    [BUCKET_DATA] = "data L1",
    [BUCKET_DATA + 1] = "data L2",
    [BUCKET_DATA + 2] = "data L3",
    [BUCKET_DATA + 3] = "data L4",
    [BUCKET_DATA_MEMORY] = "data memory",
    [BUCKET_TLB] = "L1 TLB",
    [BUCKET_TLB + 1] = "L2 TLB",
    [BUCKET_WALK] = "walks",
    [BUCKET_GUEST] = "guest tables level 1",
    [BUCKET_GUEST + 1] = "guest tables level 2",
    [BUCKET_GUEST + 2] = "guest tables level 3",
    [BUCKET_GUEST + 3] = "guest tables level 4",
    [BUCKET_GUEST + 4] = "guest tables level 5",
    [BUCKET_HOST] = "host tables level 1",
    [BUCKET_HOST + 1] = "host tables level 2",
    [BUCKET_HOST + 2] = "host tables level 3",
    [BUCKET_HOST + 3] = "host tables level 4",
    [BUCKET_HOST + 4] = "host tables level 5",
    [BUCKET_NESTED_TLB] = "nested TLB",
    [BUCKET_BITS] = "accessed and dirty bits",
    [BUCKET_EXIT] = "exits",
    [BUCKET_FAULT] = "faults",
    [BUCKET_SWITCH] = "switches and flushes",
    [BUCKET_LATE] = "prefetches on their way",
};

/* It is counts and nothing else. */
void account_add(struct account *sum, const struct account *more)
{
    uint64_t *to = (uint64_t *)sum;
    const uint64_t *from = (const uint64_t *)more;
    _Static_assert(sizeof *sum % sizeof *to == 0, "an account has no other members");
    for (size_t i = 0; i < sizeof *sum / sizeof *to; i++)
        to[i] += from[i];
}

const char *bucket_name(enum bucket bucket)
{
    return bucket < BUCKETS ? names[bucket] : NULL;
}
