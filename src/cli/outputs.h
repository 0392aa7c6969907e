/* Where what a command has found goes: the files that were asked for, and the report for people. */
#ifndef VCOST_CLI_OUTPUTS_H
#define VCOST_CLI_OUTPUTS_H

#include "base/error.h"
#include "base/output.h"
#include "cli/common_options.h"
#include "report/style.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum form { FORM_JSON, FORM_CSV, FORM_MARKDOWN, FORM_HTML, FORM_PICTURE, FORMS, FORM_TERMINAL = FORMS };

/* What a command has found, and how it is written. */
struct found {
    const void *what;
    /* Writes it; `path` is for a form that depends on it. Errors of the stream are left to its owner. */
    int (*write)(const void *what, enum form form, const char *path, FILE *stream,
        const struct report_style *style, struct error *error);
};

struct outputs {
    const struct output_options *options;
    struct output *files[FORMS]; /* NULL: not wanted, or written already */
    bool stdout_is_taken;        /* by one of them: the report for people does not go there */
};

/* Opens all that are wanted, before anything is measured; none is left open after a failure. */
int outputs_open(struct outputs *outputs, const struct output_options *options, struct error *error);

/* Writes the files, each whole or not at all, and closes them: a reader of stdout that goes away (a pipe to
 * head) must not cost them. Every one is tried, also after one has failed; the first failure is told. */
int outputs_write_files(struct outputs *outputs, const struct found *found, struct error *error);

/* The report for people, unless stdout is taken. */
int outputs_show(const struct outputs *outputs, const struct found *found, struct error *error);

/* Both; the first failure is told. */
int outputs_write(struct outputs *outputs, const struct found *found, struct error *error);

/* Closes the files unwritten. */
void outputs_discard(struct outputs *outputs);

/* Whether the reader's codeset is UTF-8. */
bool locale_is_utf8(void);

/* For what goes to `stream`. */
struct report_style style_for(FILE *stream, const struct output_options *options);

#endif
