/* What `vcost advise` found about a program: what it uses as it is, what each remedy did to it, and what to
 * use. Times are in the result's cells ("advise/native/none", "advise/native/NAME"); here is what was judged.
 */
#ifndef VCOST_RESULT_ADVICE_H
#define VCOST_RESULT_ADVICE_H

#include "result/finding.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum advised_state {
    ADVISED_HELPS,        /* confirmed: the level holds over all that were confirmed together */
    ADVISED_NO_GAIN,      /* the interval says that no gain worth telling is left, or none was confirmed */
    ADVISED_HARMS,        /* slower, by its whole interval */
    ADVISED_NOT_OBTAINED, /* it was applied and did not take effect */
    ADVISED_OUT,          /* the program did something else with it */
    ADVISED_CANNOT,       /* it could not be applied here */
    ADVISED_UNTRIED,      /* no time was left, or the user stopped */
    ADVISED_STATES
};
extern const char *const advised_state_names[ADVISED_STATES]; /* "helps", "no-gain", … in files */

/* What the program used in one run. */
struct advised_use {
    bool known;
    double cpu_seconds;
    uint64_t peak_bytes;  /* resident; never less than what vcost itself had as it started the program */
    uint64_t faults;      /* page faults without reading */
    uint64_t large_bytes; /* the most seen on transparent large pages, of anonymous memory */
};

enum { ADVISED_TEXT_BYTES = 320 };

struct advised {
    const char *name;                              /* of the remedy; of a combination with + between */
    const char *title, *article, *costs, *command; /* with it in the result's pool; command: to be typed */
    const char *cell;                              /* id; "" : it was not measured */
    const char *cause;    /* name in advice.causes, where vcost inspect measures the same; "" */
    const char *stand_in; /* name of the one that is tried in its place; "" */
    bool diagnostic, combination;
    const char *over;                       /* of a combination: name of the best one alone; "" */
    double over_ratio, over_low, over_high; /* of its time to that one's; NAN: it has not been measured */
    enum advised_state state;
    char reason[ADVISED_TEXT_BYTES]; /* why not; "" where it helps */
    char
        proof[ADVISED_TEXT_BYTES]; /* what shows that it was obtained: "96 MiB on large pages, 0 B without" */
    double ratio, low, high;       /* of its time to that without, 95 % interval; NAN: none */
    unsigned rounds, faster_rounds; /* over which; of these, in which it took less than without */
    bool confirmed;                 /* by rounds of their own, after it was chosen by others */
    double
        chance; /* of so much by chance alone, for all that were confirmed together (Holm); NAN: not judged */
    struct advised_use use;
};

struct advice {
    const char **words; /* the program as typed; in the pool */
    size_t word_count;
    const char *measure; /* "wall clock", "CPU time", or the expression of --metric */
    double seconds;      /* of one run as it is */
    double budget_seconds,
        least_seconds;      /* that were given; that it takes to decide about all that can be tried */
    double decides_seconds; /* budget that would decide about those that it cannot tell of, if they were tried
                               alone; NAN: there are none, or none would */
    double scatter, scatter_next; /* standard deviation of the logarithms of the runs as it is, altogether and
                                     from one to the next; NAN: too few */
    bool drifts;                  /* the first is more than the second would make of it */
    bool leaves_some;             /* processes, when it ends */
    unsigned left_count;          /* of them, in its first run */
    const char *left_name;        /* of the first; "": none */
    bool reads_nothing;           /* it reads its standard input, and there was nothing in it */
    bool output_compared;
    char no_output_reason[ADVISED_TEXT_BYTES];
    struct advised_use use; /* as it is */
    struct remedy *causes;  /* owned; what costs on this machine whatever the program, by vcost inspect */
    size_t cause_count;
    bool inspected;        /* it was looked for */
    struct advised *items; /* owned; in the order of the table */
    size_t count;
    const char *best; /* name of the item to use; "" : none helps */
};

/* NULL: it was not found, or not looked for. */
const struct remedy *advice_cause(const struct advice *advice, const char *name);

/* NULL: there is none of that name. */
const struct advised *advice_item(const struct advice *advice, const char *name);

/* Whether it was measured and no gain was confirmed, and yet its interval leaves more of one than can be
 * called none; of a combination, over the best one alone. */
extern const double advice_hidden_most; /* 0.1 */
bool advice_hides(const struct advised *advised);

void advice_free(struct advice *advice);

/* The one to use; NULL: none helps. */
const struct advised *advice_best(const struct advice *advice);

/* As JSON (record.h). */
struct record;
extern const struct record advice_record;

#endif
