/* What a ratio with its 95 % interval says, and what many say together: of slowdowns of one place, of changes
 * of one file. */
#ifndef VCOST_RESULT_RATIOS_H
#define VCOST_RESULT_RATIOS_H

#include <stdbool.h>
#include <stddef.h>

/* Told from one beyond 0.005 %, the least that reports write. */
enum verdict {
    VERDICT_NONE,   /* no interval */
    VERDICT_UNTOLD, /* one is in it: no significant difference */
    VERDICT_SLOWER,
    VERDICT_FASTER,
    VERDICTS
};

/* NAN stands for an end that is not known. */
enum verdict verdict_of(double low, double high);

/* "slower", "faster", "untold"; NULL: no interval. */
const char *verdict_name(enum verdict verdict);

/* ---- many ---- */

enum { RATIO_LEVELS = 5 };
extern const double ratio_levels[RATIO_LEVELS]; /* 0.01, 0.02, 0.03, 0.05, 0.10 */

/* All zero is none. */
struct ratios {
    size_t all;                  /* with an interval */
    size_t without;              /* a ratio, but no interval */
    size_t slower, faster;       /* significantly */
    size_t unclear;              /* ratio_is_unclear() */
    size_t within[RATIO_LEVELS]; /* interval and all within so much of one */
    bool beyond_doubt[2]; /* one is so significantly faster [0] or slower [1] that no chance explains it */
};

/* Not significant, and so wide that it says nothing: the interval reaches more than 10 % to a side. */
bool ratio_is_unclear(double low, double high);

/* Takes one more ratio into account; NAN: there is none, which is passed over. */
void ratios_add(struct ratios *ratios, double ratio, double low, double high);

/* Whether more are slower (faster) than chance explains where nothing differs (as many 95 % intervals miss
 * the truth now and then), or one is so beyond doubt. */
bool ratios_slower(const struct ratios *ratios);
bool ratios_faster(const struct ratios *ratios);

/* Half of them or more are unclear. */
bool ratios_disturbed(const struct ratios *ratios);

/* The first level within which half of them lie, or else the last; *count: how many lie within it. */
double ratios_agree(const struct ratios *ratios, size_t *count);

#endif
