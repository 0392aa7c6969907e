/* A row of `make bench`: what, its target, what was measured with its 95 % interval, from what, the verdict.
 */
#ifndef VCOST_BENCH_ROW_H
#define VCOST_BENCH_ROW_H

#include "measure/statistics.h"

/* A ratio that is to be at most `target`; INFINITY: it is told, and has none. */
void row_tell(const char *what, double target, struct estimate ratio, const char *repetitions);

#endif
