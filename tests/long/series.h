/* The series of runs, and what is told of them. */
#ifndef VCOST_TESTS_LONG_SERIES_H
#define VCOST_TESTS_LONG_SERIES_H

#include "aa.h"
#include "load.h"

#include <stdio.h>

struct series {
    const char *what;
    enum load_kind load;
    bool asserted; /* whether its intervals have to be right */
    aa_measure *measure;
    struct aa_run *runs; /* owned */
    size_t count, wanted;
};

/* For doc/accuracy.md: where and when, and a table with a row for each series and working set. `head` is a
 * sentence on how the runs came about. */
int series_markdown(
    const struct series *series, size_t count, const char *head, FILE *stream, struct error *error);

/* The test points (TAP), and their plan. */
void series_points(const struct series *series, size_t count, FILE *stream);

#endif
