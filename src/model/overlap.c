#include "model/overlap.h"

static double sum(const struct account *account, unsigned first, unsigned end)
{
    uint64_t cycles = 0;
    for (unsigned bucket = first; bucket < end; bucket++)
        cycles += account->bucket[bucket];
    return (double)cycles;
}

struct overlap overlap_of(const struct account *account, unsigned chains)
{
    double data = sum(account, BUCKET_DATA, BUCKET_TLB), translation = sum(account, BUCKET_TLB, BUCKET_BITS),
           rest = sum(account, BUCKET_BITS, BUCKETS), accesses = (double)account->accesses;
    return (struct overlap){
        ((data + translation) / chains + rest) / accesses, (data / chains + translation + rest) / accesses};
}
