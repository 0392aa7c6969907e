/* A result as GitHub's Markdown: a table for each shape of chase, with notes and summary as a list below. */
#ifndef VCOST_REPORT_MARKDOWN_H
#define VCOST_REPORT_MARKDOWN_H

#include "base/error.h"
#include "result/result.h"

#include <stdio.h>

/* Errors of the stream are left to its owner (output_commit). */
int markdown_write(const struct result *result, FILE *stream, struct error *error);

#endif
