/* A result file read back (schema vcost.result/1), of any experiment: what `vcost compare` needs of it.
 *
 * The file is hostile until it has been read here: its size is bounded, every field that is used has its
 * type, no figure is absurd, ids are there once, and what refers to a cell refers to one that there is. Texts
 * may still hold anything that UTF-8 can; they are to be cleaned (text.h) for a terminal. Fields that are not
 * known here are passed over, since version 1 may gain some. */
#ifndef VCOST_RESULT_SAVED_H
#define VCOST_RESULT_SAVED_H

#include "base/error.h"
#include "result/result.h"

#include <stdbool.h>
#include <stddef.h>

struct saved_sample {
    double value;
    unsigned placement, round;
    bool disturbed;
};

struct saved_cell {
    char *id, *workload, *unit;
    double median, low, high, min; /* NAN: could not be had */
    enum quality quality;
    char *reason;                 /* why it is not good or lacks a figure; NULL */
    struct saved_sample *samples; /* by placement, then round; those without a value are left out */
    size_t sample_count;
};

struct saved_comparison {
    const struct saved_cell *cell, *baseline;
    double ratio, low, high; /* NAN: could not be had */
};

/* Something about the machine or the settings: "kernel", or one of several, "mitigation" of "spectre_v2". */
struct saved_fact {
    const char *name; /* static, the same for the same fact of every file */
    char *key;        /* NULL where there is one alone */
    char *text;       /* NULL: the file does not tell */
};

/* What is looked up. */
struct saved_id {
    const struct saved_cell *cell;
};
struct saved_pair {
    const struct saved_comparison *comparison;
};

struct saved {
    char *name; /* of the file as the user wrote it */
    char *experiment, *started, *version;
    bool complete;
    char *incomplete_reason;  /* NULL: none told */
    struct saved_cell *cells; /* in the file's order */
    size_t cell_count;
    struct saved_id *by_id; /* sorted */
    struct saved_comparison *comparisons;
    size_t comparison_count;
    struct saved_pair *by_pair; /* sorted by the ids of cell and baseline */
    struct saved_fact *facts;   /* in the order in which they are told; names together */
    size_t fact_count;
};

enum { SAVED_BYTES_MAX = 32 << 20 };

/* Reads a file, or standard input where the path is "-". saved_free() releases it. */
int saved_read(const char *path, struct saved *saved, struct error *error);

/* The same from memory; `name` is what sentences call it. */
int saved_parse(const char *name, const char *bytes, size_t size, struct saved *saved, struct error *error);

void saved_free(struct saved *saved);

/* The cell of that id, the comparison of those two; NULL if there is none. */
const struct saved_cell *saved_cell(const struct saved *saved, const char *id);
const struct saved_comparison *saved_comparison(
    const struct saved *saved, const char *cell, const char *baseline);

#endif
