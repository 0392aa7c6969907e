/* What an experiment found: everything that a report needs and nothing else. The file format
 * `vcost.result/1` (share/schema/) is this structure written down (json.h), and read back (read.h).
 *
 * A result owns what it points to: arrays are allocated each for itself, texts stand in its pool or are
 * static (names of experiments, of this build's events); result_free() releases all.
 *
 * Times inside are nanoseconds per operation. A figure that could not be had is NAN here and null with a
 * reason in the file. */
#ifndef VCOST_RESULT_RESULT_H
#define VCOST_RESULT_RESULT_H

#include "base/fact.h"
#include "base/pool.h"
#include "host/host.h"
#include "result/advice.h"
#include "result/finding.h"
#include "result/ran.h"
#include "result/trial.h"
#include "measure/evidence.h"
#include "measure/modes.h"
#include "model/account.h"
#include "monitor/monitor_facts.h"
#include "runner/agent_facts.h"
#include "runner/cell.h"
#include "runner/chase_kind.h"
#include "runner/page_proof.h"

#include <limits.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A vcost: the version "0.1.0", and the build ("" if nobody says): a commit, a date. */
struct tool {
    const char *version, *build;
};
extern const struct tool this_tool;

enum quality {
    QUALITY_GOOD,
    QUALITY_NOISY,       /* wide interval, or most samples disturbed: result_cell.reason says which */
    QUALITY_INTERRUPTED, /* stopped before the planned placements were measured */
    QUALITY_MISSING,     /* no sample at all: figures are NAN, reason says why */
    QUALITIES
};
extern const char *const quality_names[QUALITIES]; /* "good", … in files */

struct result_sample {
    double ns;
    unsigned round, placement;
    enum disturbance disturbed;
};

struct result_counters {
    bool known;
    uint64_t exits,
        page_faults; /* KVM: of the virtual CPU while this cell was sampled; native: page_faults only */
};

/* What a cell gave besides its principal figure. */
struct result_metric {
    const char *name; /* as in files: "throughput" */
    const char *unit; /* "bytes", unit_name() or a unit of its own */
    double value, low, high;
    const char *reason; /* why there is no value (NAN); NULL */
};

/* What stands for a cell that was simulated: nothing of it was measured. Texts are in the result's pool. */
struct result_modelled {
    const char *machine; /* its name; NULL: the cell was measured */
    const char *summary; /* what it is, for people */
    const char *file;    /* that it was read from; of a preset its name with ".json" */
    const char *sha256;  /* of that file */
    unsigned year;
    double ghz;             /* cycles of the account in a nanosecond */
    bool hypothetical;      /* the technique is one that the machine does not have */
    const char *conditions; /* what happened beside the accesses, and where memory was; NULL: nothing special */
    struct account account; /* of all accesses that were timed; accesses 0: there were none */
};

struct result_cell {
    char id[CELL_ID_BYTES];
    struct cell cell;
    enum technique technique;
    char label[48]; /* how a person reads it: "native", "kvm (shadow, PVM)" */
    struct page_proof pages;
    struct result_sample *samples; /* owned by the result */
    size_t sample_count;
    unsigned placements; /* placements that gave at least one sample */
    unsigned repeated;   /* samples thrown away as disturbed and taken again */
    bool deterministic;  /* its runner gives the same figure each time: one sample, and no interval */
    struct result_modelled modelled;
    const char *unit; /* of the four; NULL: "ns" */
    double median, low, high, min;
    struct result_metric *metrics;
    size_t metric_count;
    struct modes modes;   /* of the samples, placements taken to the same level; or of the placements */
    double trend_percent; /* from the first to the last sample of a placement; 0: none that can be told */
    double drift_percent; /* from the first to the last placement; 0: none that can be told */
    struct result_counters counters;
    struct result_ran ran; /* of "run" only */
    uint64_t operations; /* that the counters were counted over; 0 where the workload's are not told */
    char note[160];      /* what a reader should know about an event's figure; "" for nothing */
    enum quality quality;
    char reason[160]; /* why not good; "" if good */
};

enum { WHY_BYTES = 240 }; /* the id of a cell, and what is wrong with it */

struct result_comparison {
    size_t cell, baseline; /* indices into cells */
    double ratio, low, high;
    double more_ns, more_low_ns, more_high_ns; /* cell minus baseline, from the same pairs */
    unsigned placements; /* over which the interval was made; under 2 there is none: low and high are NAN; 0:
                            no pair of samples was undisturbed */
    char reason[WHY_BYTES]; /* why it has no ratio, where there is more to say than that there is none */
};

enum reach_kind {
    REACH_UNKNOWN, /* a step of the curve that nothing is known to explain */
    REACH_CACHE,
    REACH_TLB, /* the translation of addresses: a TLB, or what is behind it */
    REACH_KINDS
};
extern const char *const reach_kind_names[REACH_KINDS]; /* "unknown", "cache", "tlb" in files */

/* Up to which size a curve stayed at a latency before it stepped up, and what that is the reach of. What is
 * measured is told apart from what CPUID says: neither replaces the other. */
struct result_reach {
    size_t last, first; /* indices into cells, of one curve: the last below the step, the first above */
    enum reach_kind kind;
    char name[12];                     /* "L1d", "L2 TLB": CPUID's level that it is attributed to; "": none */
    uint64_t from_bytes, to_bytes;     /* measured: the reach ends between them. Cache: of lines; otherwise of
                                          memory that is walked */
    uint64_t from_entries, to_entries; /* the same in translations; 0 unless REACH_TLB */
    uint64_t told_bytes, told_entries; /* CPUID of the level `name`; 0: does not apply */
    double below_ns, above_ns;         /* the levels that the step lies between */
    double sureness; /* the step in standard errors of itself; INFINITY: no noise was seen */
};

/* Another machine that took part. */
struct result_agent {
    const char *monitor; /* the name of its cells' runner, "command:…" */
    const char *command; /* that started it */
    struct agent_facts facts;
};

/* What was found out once and was another thing later, while it was measured. */
struct result_change {
    const char *name;  /* as in files: "counter-rate", "clock-source" */
    const char *title; /* for people: "the clock source" */
    char was[160], is[160];
    unsigned placements;  /* after so many it was noticed */
    bool another_machine; /* what was measured before is another machine's */
};

enum { RESULT_CHANGE_BYTES = 512 };
/* "the clock source was tsc, is hpet": no full stop. */
void result_change_phrase(const struct result_change *change, char text[static RESULT_CHANGE_BYTES]);

/* What was measured anew, some time after the inspection. */
struct result_round {
    char started[40];         /* RFC 3339 */
    struct findings findings; /* owned */
};

/* An option that changes what is measured, with the value that held. */
struct result_setting {
    const char *name;  /* without "--"; an operand's in capitals */
    const char *value; /* as a user would type it; "yes" or "no" for a flag; "": nothing is given, and there
                          is no default */
    bool usual;        /* it is the default */
};

enum { RESULT_MONITORS_MAX = 8 };
#define RESULT_NO_CPU UINT_MAX

struct result {
    struct pool pool;     /* of texts */
    struct tool tool;     /* that wrote it; version NULL: this one */
    const char **command; /* as typed */
    size_t command_count;
    struct result_setting *settings; /* NULL: not known, as of files of early versions */
    size_t setting_count;
    char started[40]; /* RFC 3339 */
    double seconds;
    bool complete; /* false after Ctrl-C or when a time budget cut it short */
    char incomplete_reason[320];
    bool broken;       /* incomplete because something failed in the middle, which the reason tells */
    int first_failure; /* errno of the first cell's; 0: none. Not in files */
    uint64_t seed;
    unsigned cpu; /* the CPU that everything ran on; RESULT_NO_CPU: nothing was measured */
    double tsc_ghz;
    char clock_doubt[256]; /* why times may be wrong (measure/clock.h); "": no doubt */
    struct host host;
    struct monitor_facts monitors[RESULT_MONITORS_MAX]; /* each once, by its name */
    size_t monitor_count;
    struct result_agent *agents; /* owned; each machine once */
    size_t agent_count;
    const char *experiment; /* "chase", "events", "inspect", "verify", "advise", or what a newer vcost may have */
    struct result_cell *cells;
    size_t cell_count;
    struct result_comparison *comparisons;
    size_t comparison_count;
    struct result_reach *reaches; /* owned; curve by curve, ascending in each */
    size_t reach_count;
    struct result_change *changes; /* owned; in the order of time */
    size_t change_count;
    struct findings findings;    /* owned; of "inspect" only */
    struct result_round *rounds; /* owned; of `vcost inspect --watch`, in the order of time */
    size_t round_count;
    struct verified *verified; /* owned; of "verify" only, as the trials: every monitor that was wanted */
    size_t verified_count;
    struct trial *trials; /* owned; monitor by monitor */
    size_t trial_count;
    struct advice advice; /* of "advise" only */
};

/* Copies the words of the command. -ENOMEM is the only error. */
int result_set_command(struct result *result, int argc, char *const *argv, struct error *error);

/* Copies what is known of a monitor over what was known of one of that name, or adds it while there is room.
 */
void result_set_monitor(struct result *result, const struct monitor_facts *facts);

/* What is known of the monitor of that name; NULL: nothing. */
const struct monitor_facts *result_monitor(const struct result *result, const char *name);

/* The vcost that wrote it. */
const struct tool *result_tool(const struct result *result);

void result_free(struct result *result); /* NULL is allowed */

/* For a result that is to be given away: takes out of it the command as it was typed, and what it tells of
 * other machines: the commands that started agents, and everything made of them. An agent becomes
 * "command:1", "command:2" …, also in ids of cells, labels and settings; in reasons and notes each word of
 * such a command becomes "…". What was measured and the facts about the machines stay. Untouched on failure.
 */
int result_redact(struct result *result, struct error *error);

/* What a cell executes, as in files: "chase", the name of an event. */
static inline const char *cell_workload(const struct result_cell *cell)
{
    return workload_label(&cell->cell.workload);
}

/* The shape of a chase; NULL: it is none. */
static inline const struct chase_shape *cell_chase(const struct result_cell *cell)
{
    return chase_of(&cell->cell.workload);
}

static inline bool cell_is_order(const struct result_cell *cell, enum chase_order order)
{
    return cell_chase(cell) && cell_chase(cell)->order == order;
}

/* Whether its figures are a simulated machine's. */
static inline bool cell_modelled(const struct result_cell *cell)
{
    return cell->modelled.machine != NULL;
}

/* Whether nothing of a result was measured, all was simulated. */
bool result_modelled(const struct result *result);

/* Whether there is such a cell, with a figure of its own. */
static inline bool cell_measured(const struct result_cell *cell)
{
    return cell && isfinite(cell->median);
}

/* Why a cell's figure is not one of what its id says: it has none, or its pages are not those that were asked
 * for. NULL: it is. Belongs to the cell or is static, as what cell_unfit() gives. What shows a cell's figure
 * in a sentence, a picture or beside another's asks this; a table may show it with the reason. */
const char *cell_unlike(const struct result_cell *cell);

/* Why nothing may be concluded from a cell: the same, or every sample of it was disturbed. NULL: something
 * may. All that judges or computes something of cells asks this. */
const char *cell_unfit(const struct result_cell *cell);

/* Whether nothing may be concluded from two cells together; `why` then names the one it is for. */
bool cells_unfit(const struct result_cell *cell, const struct result_cell *other, char why[static WHY_BYTES]);

/* Takes the figures out of a comparison with a cell that is unlike, with the reason in their place. What was
 * disturbed the pairs tell (figures.h). */
void comparison_withhold(struct result_comparison *comparison, const struct result_cell *cells);

/* How many cells there are of each quality. */
void result_qualities(const struct result *result, unsigned counts[static QUALITIES]);

/* Why a cell is not good or lacks a figure: the experiment's reason, or the general one where it gave none.
 * NULL if nothing is wrong. Belongs to the cell or is static. */
const char *cell_reason(const struct result_cell *cell);

/* Why a cell that did not run in a guest of vcost's has no guest's page size and no exits; NULL if it did. */
const char *cell_without_guest(const struct result_cell *cell);

/* Why a comparison lacks its ratio or its interval; NULL if it lacks nothing. */
const char *comparison_reason(const struct result_comparison *comparison);

/* Why a figure of a comparison is not to be told though its cells were measured often enough: they were too
 * disturbed. Either few pairs are left, or what the pairs say is far from what the cells' medians say, which
 * stand beside it. NULL: it may be. */
enum comparison_figure { COMPARISON_RATIO, COMPARISON_MORE };
const char *comparison_doubt(
    const struct result *result, const struct result_comparison *comparison, enum comparison_figure figure);

#endif
