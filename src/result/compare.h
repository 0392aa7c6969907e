/* Results relative to the first of them, the baseline: the same cells' figures, how they changed, and what
 * else differs. */
#ifndef VCOST_RESULT_COMPARE_H
#define VCOST_RESULT_COMPARE_H

#include "base/error.h"
#include "base/pool.h"
#include "base/unit.h"
#include "result/result.h"
#include "result/ratios.h"

#include <jansson.h>
#include <stdio.h>

/* What is compared: a cell's median, or a comparison inside a result (guest over native). */
enum metric { METRIC_TIME, METRIC_SLOWDOWN, METRICS };

enum { COMPARE_FILES_MAX = 8 };

struct compare_input {
    const char *name; /* what sentences call it: the path as the user wrote it */
    const struct result *result;
};

/* One file's part of a row. */
struct compared {
    const struct result_cell *cell;             /* NULL: the file does not have it */
    const struct result_comparison *comparison; /* METRIC_SLOWDOWN; NULL likewise */
    double value;                               /* median, or ratio to native; NAN: not there */
    double change;                              /* value over the first file's; NAN: none, and in the first */
    double low, high;                           /* its 95 % confidence interval; NAN: none */
    size_t placements[2]; /* that the interval was made over, of the first file and of this */
    const char *flaw;     /* why its cell is not good or has no figure; NULL: nothing is wrong */
    const char *reason;   /* why there is no change or no interval; NULL if nothing is missing. Static, or in
                             the pool. */
};

struct compared_row {
    const char *id;       /* of the cell; belongs to the first file */
    const char *baseline; /* METRIC_SLOWDOWN: of the cell that it is a slowdown over */
    const char *unit;     /* of the values, "ns"; "" for ratios */
    struct compared *files;
};

struct compared_rows {
    struct compared_row *rows; /* in the first file's order: what it and another file have */
    size_t count;
};

/* A cell that some of the files do not have. */
struct compared_absence {
    const char *id;
    bool has[COMPARE_FILES_MAX];
};

/* What a file tells about its machine or its settings. */
struct told {
    bool told;
    enum unit unit;
    double number;    /* unless UNIT_TEXT; UNIT_YES_NO: 1 or 0 */
    const char *text; /* UNIT_TEXT: the text; otherwise NULL, or words that say more ("partly") */
};

/* As a file has it: "8 GiB", "yes", "12.5". */
enum { COMPARE_TOLD_BYTES = 256 };
void compare_told_text(const struct told *told, char text[static COMPARE_TOLD_BYTES]);

/* A fact that is not the same everywhere. Sizes that agree in three digits are the same. */
struct difference {
    const char *name; /* "kernel", or of several "mitigation"; static, the same for the same kind of fact */
    const char *key;  /* "spectre_v2"; NULL where there is one alone */
    struct told told[COMPARE_FILES_MAX];
};

/* Whoever has made one with compare_make() may read all of it; the inputs' results have to outlive it. */
struct compare {
    struct compare_input files[COMPARE_FILES_MAX];
    size_t file_count;
    size_t qualities[COMPARE_FILES_MAX][QUALITIES]; /* how many cells each file has of each */
    const char *version;                            /* of the vcost that compared; NULL: this one */
    struct compared_rows metrics[METRICS];
    struct compared_absence *absences;
    size_t absence_count;
    struct difference *differences; /* those of one name together, what every file tells in front */
    size_t difference_count;
    struct pool pool; /* owns all of it */
};

/* Compares two or more files (COMPARE_FILES_MAX at most); of all cells those whose id the pattern `only`
 * (fnmatch(3); NULL: every one) matches. Fails where one id stands for different things, and where no cell is
 * comparable. compare_free() releases it. */
int compare_make(const struct compare_input *files, size_t file_count, const char *only,
    struct compare *compare, struct error *error);
void compare_free(struct compare *compare);

/* Fills compare->differences; a part of compare_make() in a file of its own. */
void compare_facts(struct compare *compare);

/* How the comparisons of one file with the first came out. */
struct compared_tally {
    size_t of[VERDICTS];                /* VERDICT_NONE: a change without an interval, or no change */
    const struct compared_row *largest; /* the largest significant change upwards; NULL: none */
};
struct compared_tally compare_count(const struct compare *compare, enum metric metric, size_t file);

/* The change with the highest low end of all; NULL if none has an interval. */
const struct compared *compare_worst(
    const struct compare *compare, enum metric metric, const struct compared_row **row);

/* How many changes have a low end above 1 + percent / 100. */
size_t compare_above(const struct compare *compare, enum metric metric, double percent);

/* "A", "B" …: how a report calls a file. */
char compare_letter(size_t file);

extern const char *const metric_names[METRICS]; /* "time", "slowdown" in files */

/* What was asked for, which reports repeat. */
struct compare_request {
    int argc; /* the command as typed; not owned */
    char **argv;
    enum metric metric;  /* comes first, and is what the threshold is for */
    double fail_percent; /* negative: no threshold */
};

/* The comparison as the file format vcost.compare/1 (share/schema/vcost.compare-1.schema.json). Errors of the
 * stream are left to its owner (output_commit). */
int compare_json(
    const struct compare *compare, const struct compare_request *request, FILE *stream, struct error *error);

/* Whether a file's JSON is a comparison, of whatever version. */
bool compare_is(const json_t *root);

/* Reads a comparison back, and what was asked for. The file is hostile until then, as results are (read.h);
 * `name` is what sentences call it. Its files are results that hold what a comparison tells of them: cells
 * that are in rows, without samples, and for those in absences one in the first file that has it; what stands
 * in `qualities` may be more. compare_free() releases everything, the request's words too; both are untouched
 * on failure. */
int compare_take(const char *name, const json_t *root, struct compare *compare,
    struct compare_request *request, struct error *error);

#endif
