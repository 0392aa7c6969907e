/* One program under one remedy or several: a run of it, and whether the remedy took effect. */
#ifndef VCOST_EXPERIMENT_ADVISE_TRY_H
#define VCOST_EXPERIMENT_ADVISE_TRY_H

#include "experiment/advise.h"
#include "experiment/advise_decide.h"
#include "program/empty_input.h"
#include "program/left.h"
#include "program/looks.h"
#include "remedy/apply.h"
#include "remedy/library.h"

#include <regex.h>

enum { VARIANT_PARTS_MAX = 6 };

/* The program as it is (no parts), or with remedies. */
struct variant {
    const struct recipe *parts[VARIANT_PARTS_MAX];
    size_t part_count;
    struct conditions conditions;
    struct advised told;            /* of the program as it is: only what it used */
    size_t cell;                    /* in the result's cells; SIZE_MAX: it has none */
    double seconds;                 /* of a run, roughly: for planning */
    double logs[DECIDE_ROUNDS_MAX]; /* of the stage that runs */
    size_t log_count;
    double cpu_seconds; /* of all runs in rounds together, and how many they were */
    size_t runs;
    size_t wanted; /* rounds of that stage that are enough for it; 0: all of them */
};

/* What one run gave. */
struct tried {
    double value;         /* ns, or ns per one of the metric: less is better */
    double ready_seconds; /* of a server: from its start until it was ready */
    double seconds;       /* that it took altogether, for planning */
    struct run_end end;
    struct left left; /* running, when it had ended */
    struct looks looks;
    struct pages_report counts;
};

struct bench {
    const struct advise_plan *plan;
    const struct stop *stop;
    struct pool pool;
    const char *const *words; /* of the program, or of the server */
    struct empty_input empty;
    const char *input; /* what it reads: the plan's, or `empty` */
    struct surroundings here;
    struct executable executable;
    struct library_report report;
    char library[PATH_MAX], why_no_library[512];
    regex_t metric;
    bool has_metric;
    bool by_cpu;             /* figures are CPU time, not wall clock */
    unsigned batch;          /* runs that make a figure, where one is too short */
    double run_seconds_most; /* after which a run is killed */
    struct tried usual;      /* the program as it is */
    bool same_output;        /* it is the same each time */
};

/* Of which library it is to be seen that it is mapped: of one part at most, as of each kind only one is tried
 * together. NULL: of none. */
const char *variant_library(const struct variant *variant);

int bench_open(
    struct bench *bench, const struct advise_plan *plan, const struct setting *setting, struct error *error);
void bench_close(struct bench *bench);

/* A run, or a batch of them. `wrong` says half a sentence what the program did otherwise than it should, and
 * is
 * "" if nothing; then *tried is good. An error is vcost's, or -EINTR. */
enum { WRONG_BYTES = 240 };
int bench_try(struct bench *bench, const struct variant *variant, size_t padding, bool look,
    struct tried *tried, char wrong[static WRONG_BYTES], struct error *error);

/* ---- what a run is made of ---- */

/* Runs a shell command that has to succeed; -EIO with what went wrong. NULL is none. */
int bench_shell(const struct bench *bench, const char *command, const char *option, struct error *error);

/* Half a sentence if it did not end as it should. */
void bench_judge_end(const struct run_end *end, int status, char wrong[static WRONG_BYTES]);

/* The words that start a server: those of the command, or a shell's where it is more than words. In the pool.
 */
const char *const *bench_server_words(const char *command, struct pool *pool);

/* One run of a server under its load: advise_server.c. tried->end is the server's, but for the time and the
 * output, which are the load's. `kept` takes what the load writes to stdout. */
int bench_serve(const struct bench *bench, const struct conditions *conditions, const struct watcher *watcher,
    char *kept, size_t kept_bytes, struct tried *tried, char wrong[static WRONG_BYTES], struct error *error);

/* ---- advise_prove.c ---- */

/* Judges by a run that was looked at whether each part took effect, and says by what: told.proof, told.use,
 * and where it did not told.state and told.reason. */
void bench_prove(const struct bench *bench, struct variant *variant, const struct tried *tried);

#endif
