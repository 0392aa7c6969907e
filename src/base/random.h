/* Reproducible random numbers: SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number
 * generators", OOPSLA 2014). */
#ifndef VCOST_BASE_RANDOM_H
#define VCOST_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* A well mixed function of one number: the same everywhere, for hashes and for deriving seeds. */
static inline uint64_t random_mix(uint64_t value)
{
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
    return value ^ (value >> 31);
}

/* The next number of the sequence that *state stands for. */
static inline uint64_t random_next(uint64_t *state)
{
    *state += 0x9e3779b97f4a7c15u;
    return random_mix(*state);
}

/* A number below limit (at least 1); the bias of at most limit/2^64 does not matter here. */
static inline uint64_t random_below(uint64_t *state, uint64_t limit)
{
    return (uint64_t)(((unsigned __int128)random_next(state) * limit) >> 64);
}

/* The numbers 0 … count-1 in a random order. */
static inline void random_order(uint64_t *state, size_t *numbers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        numbers[i] = i;
    for (size_t i = count; i > 1; i--) {
        size_t j = (size_t)random_below(state, i), kept = numbers[j];
        numbers[j] = numbers[i - 1];
        numbers[i - 1] = kept;
    }
}

#endif
