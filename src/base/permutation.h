/* A random permutation of 0 … n-1 that is computed, not stored: forward and backward in constant time.
 *
 * The value is mixed by three keyed rounds of "multiply by an odd number, xor with its own upper half" modulo
 * the next power of two, each of which is a bijection there; results of n or more are mixed again until they
 * fall below n (cycle walking: Black and Rogaway, "Ciphers with arbitrary finite domains", CT-RSA 2002). Good
 * enough to defeat prefetchers and caches; not cryptography. */
#ifndef VCOST_BASE_PERMUTATION_H
#define VCOST_BASE_PERMUTATION_H

#include <stdint.h>

enum { PERMUTATION_ROUNDS = 3 };

struct permutation {
    uint64_t n, mask;
    unsigned shift;
    uint64_t multiplier[PERMUTATION_ROUNDS], inverse[PERMUTATION_ROUNDS], key[PERMUTATION_ROUNDS];
};

/* n at least 1 and at most 2^62; the same n and seed give the same permutation everywhere. */
struct permutation permutation_make(uint64_t n, uint64_t seed);

static inline uint64_t permutation_forward(const struct permutation *p, uint64_t value)
{
    do {
        for (int round = 0; round < PERMUTATION_ROUNDS; round++) {
            value = ((value ^ p->key[round]) * p->multiplier[round]) & p->mask;
            value ^= value >> p->shift;
        }
    } while (value >= p->n);
    return value;
}

static inline uint64_t permutation_backward(const struct permutation *p, uint64_t value)
{
    do {
        for (int round = PERMUTATION_ROUNDS - 1; round >= 0; round--) {
            value ^= value >> p->shift; /* its own inverse: shift is at least half of the bits */
            value = ((value * p->inverse[round]) & p->mask) ^ p->key[round];
        }
    } while (value >= p->n);
    return value;
}

#endif
