#include "dice.h"

#include <math.h>

static uint64_t next(struct dice *dice)
{
    uint64_t z = dice->state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

struct dice dice_make(uint64_t seed, uint64_t a, uint64_t b, uint64_t c)
{
    struct dice dice = {seed};
    dice.state = next(&dice) ^ a;
    dice.state = next(&dice) ^ b;
    dice.state = next(&dice) ^ c;
    return dice;
}

uint32_t dice_below(struct dice *dice, uint32_t bound)
{
    return (uint32_t)((next(dice) >> 32) * bound >> 32);
}

double dice_unit(struct dice *dice)
{
    return ((double)(next(dice) >> 11) + 0.5) * 0x1p-53;
}

double dice_between(struct dice *dice, double low, double high)
{
    return low + (high - low) * dice_unit(dice);
}

double dice_within(struct dice *dice, struct range range)
{
    return dice_between(dice, range.low, range.high);
}

double dice_logarithmic(struct dice *dice, double low, double high)
{
    return low * pow(high / low, dice_unit(dice));
}

double dice_normal(struct dice *dice)
{
    double radius = sqrt(-2 * log(dice_unit(dice)));
    return radius * cos(2 * M_PI * dice_unit(dice));
}

double dice_exponential(struct dice *dice)
{
    return -log(dice_unit(dice));
}

bool dice_chance(struct dice *dice, double probability)
{
    return dice_unit(dice) < probability;
}
