/* What ratios with their 95 % confidence intervals say: one alone, and many together (slowdowns of one place,
 * changes of one file). NAN is a ratio, or an end, that is not known. */
#ifndef VCOST_RESULT_RATIOS_H
#define VCOST_RESULT_RATIOS_H

#include <stdbool.h>
#include <stddef.h>

/* Told from one beyond 0.005 %, the least that reports write. */
enum verdict {
    VERDICT_NONE /* no interval */,
    VERDICT_UNTOLD /* one is in it: no difference */,
    VERDICT_SLOWER,
    VERDICT_FASTER,
    VERDICTS
};
enum verdict verdict_of(double low, double high);
extern const char *const verdict_names[VERDICTS]; /* "slower", "faster", "untold"; NULL: no interval */

/* Not significant, and so wide that it says nothing: the interval reaches more than 10 % to a side. */
bool ratio_is_unclear(double low, double high);

/* All zero is none. */
struct ratios {
    size_t all;            /* with an interval */
    size_t slower, faster; /* significantly */
    size_t unclear;        /* ratio_is_unclear() */
    size_t close, near;    /* interval and all within 3 %, within 10 % of one */
    bool beyond_doubt[2];  /* one is so significantly faster [0] or slower [1] that no chance explains it */
};

/* Takes one more ratio into account; without an interval it is passed over. */
void ratios_add(struct ratios *ratios, double ratio, double low, double high);

/* One that is known to be too disturbed for a ratio: it is unclear. */
void ratios_add_none(struct ratios *ratios);

/* Half of them or more are unclear: nothing is to be concluded from them together, though single ones may be
 * significant. */
bool ratios_disturbed(const struct ratios *ratios);

/* Whether more are slower (faster) than chance explains where nothing differs (as many 95 % intervals miss
 * the truth now and then), or one is so beyond doubt. Never of those that are disturbed. */
bool ratios_slower(const struct ratios *ratios);
bool ratios_faster(const struct ratios *ratios);

/* How closely they agree with one: 0.03 if half of them do so, else 0.10; *count: how many do. */
double ratios_agree(const struct ratios *ratios, size_t *count);

#endif
