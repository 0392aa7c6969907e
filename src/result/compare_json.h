/* A comparison as the file format vcost.compare/1 (share/schema/vcost.compare-1.schema.json). */
#ifndef VCOST_RESULT_COMPARE_JSON_H
#define VCOST_RESULT_COMPARE_JSON_H

#include "result/compare.h"

#include <stdio.h>

/* What was asked for, which reports repeat. */
struct compare_request {
    int argc; /* the command as typed; not owned */
    char **argv;
    enum metric metric;  /* told first, and held against the threshold */
    double fail_percent; /* negative: no threshold */
};

/* Errors of the stream are left to its owner (output_commit). */
int compare_json(
    const struct compare *compare, const struct compare_request *request, FILE *stream, struct error *error);

#endif
