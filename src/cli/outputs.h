/* Where what a command has found goes: the files that were asked for, and the report for people. */
#ifndef VCOST_CLI_OUTPUTS_H
#define VCOST_CLI_OUTPUTS_H

#include "base/error.h"
#include "base/output.h"
#include "cli/common_options.h"
#include "report/document.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* What a command has found, and what is made of it. */
struct found {
    const void *what;
    /* Errors of the stream are left to its owner. */
    int (*json)(const void *what, FILE *stream, struct error *error);
    void (*view)(const void *what, struct document *document); /* *what outlives the document */
};

enum { OUTPUTS_MAX = 6 };

/* A file that is open, and what is written there. */
struct output_file {
    struct output *output;       /* NULL once it is written */
    const struct format *format; /* NULL: the JSON */
};

struct outputs {
    const struct output_options *options;
    struct output_file files[OUTPUTS_MAX];
    size_t count;
    bool stdout_is_taken; /* by one of them: the report for people does not go there */
};

/* Opens all that are wanted, before anything is measured; none is left open after a failure, such as a form
 * that cannot be written on this machine. */
int outputs_open(struct outputs *outputs, const struct output_options *options, struct error *error);

/* Opens one more. The format NULL is JSON. */
int outputs_add(struct outputs *outputs, const struct format *format, const char *path, struct error *error);

/* Writes the files, each whole or not at all, and closes them: a reader of stdout that goes away (a pipe to
 * head) must not cost them. Every one is tried, also after one has failed; the first failure is told. */
int outputs_write_files(struct outputs *outputs, const struct found *found, struct error *error);

/* The report for people, unless stdout is taken. */
int outputs_show(struct outputs *outputs, const struct found *found, struct error *error);

/* Both; the first failure is told. */
int outputs_write(struct outputs *outputs, const struct found *found, struct error *error);

/* Closes the files unwritten. */
void outputs_discard(struct outputs *outputs);

/* Whether the reader's codeset is UTF-8. */
bool locale_is_utf8(void);

/* For what goes to `stream`. */
struct report_style style_for(FILE *stream, const struct output_options *options);

/* Writes a document to stdout, for people. */
int show_document(const struct document *document, const struct output_options *options, struct error *error);

#endif
