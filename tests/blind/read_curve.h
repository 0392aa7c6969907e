/* A labelled curve as it comes from generate (which says what each line holds), as splinter_judge() takes it.
 */
#ifndef VCOST_BLIND_READ_CURVE_H
#define VCOST_BLIND_READ_CURVE_H

#include "inspect/splinter.h"

#include <stdint.h>
#include <stdio.h>

enum { READ_POINTS = 64, READ_WORD = 32 };

struct labelled {
    uint64_t seed, number;
    char kind[READ_WORD], geometry[READ_WORD];
    enum splinter_verdict truth; /* SPLINTER_UNKNOWN: no verdict is right */
    struct splinter_input input; /* its points are those below */
    struct splinter_point points[READ_POINTS];
};

/* 1: read; 0: there is no more; -1: that is no curve. */
int read_curve(FILE *stream, struct labelled *labelled);

#endif
