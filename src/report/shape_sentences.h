/* What stands beside medians, in words: cells whose samples or placements fall into two groups, and cells
 * that drift. */
#ifndef VCOST_REPORT_SHAPE_SENTENCES_H
#define VCOST_REPORT_SHAPE_SENTENCES_H

#include "result/result.h"
#include "report/style.h"

#include <stdio.h>

/* Writes one paragraph for each of these that some cell has, naming the cells where it is largest. Errors of
 * the stream are left to its owner. */
void shape_sentences_write(const struct result *result, FILE *stream, const struct report_style *style);

#endif
