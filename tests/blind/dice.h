/* Random numbers (SplitMix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA
 * 2014). A dice is made from a seed and up to three numbers that name its purpose: what is drawn for one
 * purpose does not depend on what was drawn for another before. */
#ifndef VCOST_BLIND_DICE_H
#define VCOST_BLIND_DICE_H

#include <stdbool.h>
#include <stdint.h>

struct dice {
    uint64_t state;
};

struct range {
    double low, high;
};

struct dice dice_make(uint64_t seed, uint64_t a, uint64_t b, uint64_t c);
uint32_t dice_below(struct dice *dice, uint32_t bound); /* 0 … bound - 1 */
double dice_unit(struct dice *dice);                    /* inside of (0, 1) */
double dice_within(struct dice *dice, struct range range);
double dice_between(struct dice *dice, double low, double high);
double dice_logarithmic(struct dice *dice, double low, double high); /* the logarithm is uniform */
double dice_normal(struct dice *dice);
double dice_exponential(struct dice *dice); /* mean 1 */
bool dice_chance(struct dice *dice, double probability);

#endif
