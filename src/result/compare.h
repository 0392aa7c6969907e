/* Results relative to the first of them, the baseline: the same cells' figures, how they changed, and what
 * else differs. All of it is the file format vcost.compare/1 (share/schema/vcost.compare-1.schema.json). */
#ifndef VCOST_RESULT_COMPARE_H
#define VCOST_RESULT_COMPARE_H

#include "base/error.h"
#include "base/pool.h"
#include "result/ratios.h"
#include "result/result.h"

/* What is compared: a cell's median, or a comparison inside a result (guest over native). */
enum metric { METRIC_TIME, METRIC_SLOWDOWN, METRICS };
extern const char *const metric_names[METRICS]; /* "time", "slowdown" in files */

enum { COMPARE_FILES_MAX = 8 };

struct compare_input {
    const char *name; /* what sentences call it: the path as the user wrote it */
    const struct result *result;
};

/* What of a result is told. */
struct compared_file {
    const char *name, *experiment, *started, *version;
    bool complete;
    const char *incomplete_reason; /* NULL where it is complete */
    unsigned qualities[QUALITIES]; /* how many cells it has of each */
};

/* What a file says in a row. */
struct compared_value {
    bool there;              /* false: it does not have the cell, all else means nothing */
    double value, low, high; /* median, or ratio to native, with its interval; NAN: none */
    enum quality quality;
    const char *reason; /* why the cell is not good or has no figure; NULL: nothing is wrong */
};

/* Its value over the first file's. */
struct compared_change {
    double ratio, low,
        high; /* with its 95 % confidence interval; NAN: none; of two simulated figures itself */
    unsigned placements[2];
    size_t placement_count; /* that the interval was made over, of the first file and
                               of this; 2 */
    enum verdict verdict;   /* of the interval */
    bool disturbed;         /* there is none because too much was disturbed in one of the files */
    const char *reason;     /* why there is no change or no interval; NULL: there is */
};

struct compared_row {
    const char *id;       /* of the cell */
    const char *baseline; /* METRIC_SLOWDOWN: of the cell that it is a slowdown over */
    const char *unit;     /* METRIC_TIME: of the values, "ns" */
    struct cell cell;     /* what the id means; of an id that is not known an event of that name */
    struct compared_value values[COMPARE_FILES_MAX];
    struct compared_change changes[COMPARE_FILES_MAX]; /* the first file's is none */
    size_t value_count, change_count;                  /* as many as files, one less */
};

struct compared_rows {
    struct compared_row *rows; /* in the first file's order: what it and another file have */
    size_t count;
};

/* A cell that some of the files do not have. */
struct compared_absence {
    const char *id;
    struct cell cell; /* as in rows */
    bool has[COMPARE_FILES_MAX];
    size_t has_count;
};

/* A fact about a machine or its settings that is not the same everywhere. Sizes that agree in three digits
 * are the same. */
struct difference {
    const char *name;                    /* "kernel", or of several "mitigation" */
    const char *key;                     /* "spectre_v2"; NULL where there is one alone */
    const char *told[COMPARE_FILES_MAX]; /* "8 GiB", "yes", "12.5"; NULL: the file does not tell */
    size_t told_count;
};

/* What an account of a program has of one thing, in a run: how often, what one costs, and together more than
 * natively, in CPU time, with the interval. NAN: not known. */
struct compared_amount {
    double count, price_ns, cpu_ns, low_ns, high_ns;
};

struct compared_line {
    const char *id;   /* of a guest's cell that the first file and another one have */
    const char *name; /* of a cause (result/ran.h), "measured", "explained" or "unexplained" */
    struct compared_amount values[COMPARE_FILES_MAX];
    size_t value_count;
};

/* A change that is too much. */
struct compare_threshold {
    bool asked;
    double percent;
    enum metric metric;
    unsigned above; /* changes whose low end is above it */
    bool passed;    /* there is one */
};

struct compare {
    struct pool pool;     /* owns all but the command */
    const char *version;  /* of the vcost that compared */
    const char **command; /* as typed; set, like the two below, by who compares */
    size_t command_count;
    enum metric metric; /* comes first in reports */
    struct compare_threshold threshold;
    struct compared_file files[COMPARE_FILES_MAX];
    size_t file_count;
    struct compared_rows metrics[METRICS];
    struct compared_absence *absences;
    size_t absence_count;
    struct compared_line *lines; /* of accounts: cell by cell */
    size_t line_count;
    struct difference *differences; /* those of one name together, what every file tells in front */
    size_t difference_count;
};

/* Compares two or more files (COMPARE_FILES_MAX at most), which have to outlive the comparison; of all cells
 * those whose id the pattern `only` (fnmatch(3); NULL: every one) matches. Fails where one id stands for
 * different things, and where no cell is comparable. compare_free() releases it. */
int compare_make(const struct compare_input *files, size_t file_count, const char *only,
    struct compare *compare, struct error *error);
void compare_free(struct compare *compare);

/* Fills compare->differences; a part of compare_make() in a file of its own. */
void compare_facts(const struct compare_input *files, struct compare *compare);

/* Likewise compare->lines. */
void compare_accounts(const struct compare_input *files, struct compare *compare);

/* Likewise: -EINVAL, with what the files have instead of a cell in common, and what to do. `only`: as for
 * compare_make(). */
int compare_nothing(
    const struct compare_input *files, size_t file_count, const char *only, struct error *error);

/* What a file has more of it than the first, the interval as of two measurements that know nothing of each
 * other. */
struct compared_amount compare_amount_change(const struct compared_line *line, size_t file);

/* How the comparisons of one file with the first came out. */
struct compared_tally {
    struct ratios ratios;
    size_t unjudged; /* without an interval, or without a change */
    const struct compared_row *most,
        *least; /* the largest significant change upwards, downwards; NULL: none */
};
struct compared_tally compare_count(const struct compare *compare, enum metric metric, size_t file);

/* The row, and the file, of the change with the highest low end of all; NULL if none has an interval. */
const struct compared_row *compare_worst(const struct compare *compare, enum metric metric, size_t *file);

/* How many changes have a low end above 1 + percent / 100. */
unsigned compare_above(const struct compare *compare, enum metric metric, double percent);

/* "A", "B" …: how a report calls a file. */
static inline char compare_letter(size_t file)
{
    return (char)('A' + file);
}

#endif
