/* A comparison of results as table, sentences, JSON, CSV, Markdown. Errors of the streams are left to their
 * owners (output_commit). */
#ifndef VCOST_REPORT_COMPARE_REPORT_H
#define VCOST_REPORT_COMPARE_REPORT_H

#include "result/compare.h"
#include "report/style.h"

#include <stdio.h>

/* For a terminal: the files, loudly what differs about them, the tables, what only some have, the sentences.
 */
int compare_terminal(const struct compare *compare, const struct compare_request *request, FILE *stream,
    const struct report_style *style, struct error *error);

/* Its parts that stand in files of their own. */
int compare_table(const struct compare *compare, enum metric metric, FILE *stream,
    const struct report_style *style, struct error *error);
void compare_summary(
    const struct compare *compare, enum metric first, FILE *stream, const struct report_style *style);

/* What differs about machines and settings, each a sentence to `say`; at most a few of those that have a key.
 */
void compare_differences(
    const struct compare *compare, void (*say)(void *context, const char *sentence), void *context);

/* Which files are incomplete or have cells that are not good, likewise. */
void compare_blemishes(
    const struct compare *compare, void (*say)(void *context, const char *sentence), void *context);

/* Cells that some files do not have, likewise. */
void compare_absences(
    const struct compare *compare, void (*say)(void *context, const char *sentence), void *context);

/* "A  before.json: chase, vcost 0.1.0, 2026-11-24T06:56:35Z, 24 cells". Not cleaned. */
enum { COMPARE_TITLE_BYTES = 256 };
void compare_file_title(
    const struct compare_input *file, size_t index, char title[static COMPARE_TITLE_BYTES]);

/* A line for each cell, or slowdown, and file. */
int compare_csv(const struct compare *compare, FILE *stream, struct error *error);

/* A table in GitHub's Markdown for each metric, with all that the terminal is told. */
int compare_markdown(
    const struct compare *compare, const struct compare_request *request, FILE *stream, struct error *error);

#endif
