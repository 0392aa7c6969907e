/* The files that a command writes besides what it says on stdout, and how what it says there is written. */
#ifndef VCOST_CLI_OUTPUTS_H
#define VCOST_CLI_OUTPUTS_H

#include "base/error.h"
#include "base/output.h"
#include "report/style.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* One form of what the command has found; a command has a table of them. */
struct output_file {
    const char *path; /* NULL: not wanted; "-": stdout */
    /* Writes `what`, the command's own structure; `path` is for a form that depends on it. */
    int (*write)(const void *what, const char *path, FILE *stream, struct error *error);
    struct output *output; /* while it is open */
};

/* Opens all that are wanted, before anything is measured; none is left open after a failure. */
int outputs_open(struct output_file *files, size_t count, struct error *error);

/* Writes each whole or not at all, and closes all of them. Every one is tried, also after one has failed; the
 * first failure is told. */
int outputs_write(struct output_file *files, size_t count, const void *what, struct error *error);

/* Closes them unwritten. */
void outputs_discard(struct output_file *files, size_t count);

/* Whether one of them is stdout, so that the table for people is not. */
bool outputs_take_stdout(const struct output_file *files, size_t count);

/* Whether the reader's codeset is UTF-8. */
bool locale_is_utf8(void);

/* For what goes to `stream`; `color` is the option's (enum color). */
struct report_style style_for(FILE *stream, unsigned color);

#endif
