/* Saved results held against each other, the first being the baseline: the same cells' figures, how they
 * changed, and what else differs. */
#ifndef VCOST_RESULT_COMPARE_H
#define VCOST_RESULT_COMPARE_H

#include "base/error.h"
#include "result/saved.h"
#include "result/verdict.h"

/* What is compared: a cell's median, or a comparison inside a result (guest over native). */
enum metric { METRIC_TIME, METRIC_SLOWDOWN, METRICS };

enum { COMPARE_FILES_MAX = 8 };

/* One file's part of a row. */
struct compared {
    const struct saved_cell *cell;             /* NULL: the file does not have it */
    const struct saved_comparison *comparison; /* METRIC_SLOWDOWN */
    double value;                              /* median, or ratio to native; NAN: not there */
    double change;                             /* value over the first file's; NAN: none, and in the first */
    double low, high;                          /* its 95 % confidence interval; NAN: none */
    size_t placements[2]; /* that the interval was made over, of the first file and of this */
    const char *reason;   /* why there is no change or no interval; NULL if nothing is missing. Static. */
};

struct compared_row {
    const char *id;       /* of the cell; belongs to the first file */
    const char *baseline; /* METRIC_SLOWDOWN: of the cell that it is a slowdown over */
    const char *unit;     /* of the values; "" for ratios */
    struct compared *files;
};

struct compared_rows {
    struct compared_row *rows; /* in the first file's order: what it and another file have */
    size_t count;
    struct compared *room; /* what the rows' files point into */
};

/* A cell that some of the files do not have. */
struct compared_absence {
    const char *id;
    bool has[COMPARE_FILES_MAX];
};

/* A fact that is not the same everywhere. */
struct difference {
    const char *name, *key;               /* as in struct saved_fact */
    const char *texts[COMPARE_FILES_MAX]; /* NULL: that file does not tell */
};

struct compare {
    const struct saved *files;
    size_t file_count;
    struct compared_rows metrics[METRICS];
    struct compared_absence *absences;
    size_t absence_count;
    struct difference *differences;
    size_t difference_count;
};

/* Compares two or more files, which have to outlive *compare; of all cells those whose id the pattern `only`
 * (fnmatch(3); NULL: every one) matches. Fails where one id stands for different things, and where no cell is
 * comparable. compare_free() releases it. */
int compare_make(const struct saved *files, size_t file_count, const char *only, struct compare *compare,
    struct error *error);
void compare_free(struct compare *compare);

/* Fills compare->differences. 0 or -ENOMEM. */
int compare_facts(struct compare *compare);

/* How the comparisons of one file with the first came out. */
struct compared_tally {
    size_t of[VERDICTS];                /* VERDICT_NONE: a change without an interval, or no change */
    const struct compared_row *largest; /* the largest change upwards that is told from one; NULL: none */
};
struct compared_tally compare_count(const struct compare *compare, enum metric metric, size_t file);

/* The change with the highest low end of all; NULL if none has an interval. */
const struct compared *compare_worst(
    const struct compare *compare, enum metric metric, const struct compared_row **row);

/* How many changes have a low end above 1 + percent / 100. */
size_t compare_above(const struct compare *compare, enum metric metric, double percent);

/* "A", "B" …: how a report calls a file. */
char compare_letter(size_t file);

#endif
