/* What the marks of the plots say, in words: the reaches that were measured in one curve, each beside what
 * CPUID says. */
#ifndef VCOST_REPORT_REACH_SENTENCES_H
#define VCOST_REPORT_REACH_SENTENCES_H

#include "base/error.h"
#include "report/curves.h"
#include "report/style.h"

#include <stdio.h>

/* Writes a paragraph and an empty line; nothing if no reach was found. Errors of the stream are left to its
 * owner. */
int reach_sentences_write(const struct result *result, const struct curves *curves, FILE *stream,
    const struct report_style *style, struct error *error);

#endif
