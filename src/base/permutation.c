#include "base/permutation.h"

#include "base/random.h"

/* The inverse of an odd number modulo 2^64: Newton's iteration doubles the number of right bits each time. */
static uint64_t odd_inverse(uint64_t odd)
{
    uint64_t inverse = odd; /* right to 3 bits */
    for (int i = 0; i < 5; i++)
        inverse *= 2 - odd * inverse;
    return inverse;
}

struct permutation permutation_make(uint64_t n, uint64_t seed)
{
    unsigned bits = n > 1 ? 64 - (unsigned)__builtin_clzll(n - 1) : 0;
    struct permutation p = {
        .n = n, .mask = (UINT64_C(1) << bits) - 1, .shift = bits > 1 ? (bits + 1) / 2 : 1};
    for (int round = 0; round < PERMUTATION_ROUNDS; round++) {
        p.multiplier[round] = random_next(&seed) | 1;
        p.inverse[round] = odd_inverse(p.multiplier[round]);
        p.key[round] = random_next(&seed) & p.mask;
    }
    return p;
}
