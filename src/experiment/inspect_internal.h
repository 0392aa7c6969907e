/* What the files inspect*.c share. */
#ifndef VCOST_EXPERIMENT_INSPECT_INTERNAL_H
#define VCOST_EXPERIMENT_INSPECT_INTERNAL_H

#include "base/size.h"
#include "experiment/inspect.h"
#include "inspect/regions.h"
#include "measure/evidence.h"
#include "measure/gaps.h"
#include "measure/statistics.h"

/* How much of what is measured. */
struct inspect_plan {
    struct size_range lines; /* line-per-page and its kin: working sets */
    unsigned per_octave;
    double sample_seconds;
    double curve_seconds;
    double cache_seconds; /* for the caches' curve; 0: none */
    double large_seconds; /* for the TLB of large pages; 0: none */
    double price_seconds;
    double gap_seconds;
    double region_seconds; /* 0: not looked for */
};

/* The setting's runners, all native: on memory of small and of large pages, and on none. */
enum { INSPECT_SMALL, INSPECT_LARGE, INSPECT_EVENTS };

/* What one inspection knows while it is made. */
struct inspection {
    const struct inspect_experiment *experiment;
    const struct inspect_plan *plan;
    struct result *result;
    struct watch watch;
    struct evidence all; /* about the whole inspection */
    struct regions_input regions_input;
    struct regions regions; /* reason "": not measured */
    struct gaps gaps;
    bool gaps_known;
    double end;   /* clock_seconds() */
    double scale; /* of all times of the plan, to fit the budget */
    /* Why something was not measured; "" if it was. */
    char no_curves[256], no_caches[256], no_large_tlb[256], no_prices[256], no_regions[256];
};

/* ---- inspect.c ---- */

/* After an experiment whose cells were appended: why it was cut short or failed (`rc`) becomes `reason`, and
 * the whole goes on. -EINTR if the user wants it to stop. */
int inspect_end_part(struct inspection *inspection, int rc, char reason[static 256], struct error *error);

/* ---- inspect_curves.c ---- */

/* Measures the curves and appends their cells. Only -EINTR and -ENOMEM are errors. */
int inspect_curves(struct inspection *inspection, const struct progress *progress, struct error *error);
int inspect_caches(struct inspection *inspection, const struct progress *progress, struct error *error);
int inspect_large_tlb(struct inspection *inspection, const struct progress *progress, struct error *error);

/* The cell of a chase on native memory of that page size; NULL if it was not measured. */
const struct result_cell *inspect_chase_cell(
    const struct result *result, enum chase_order order, uint64_t working_set_bytes, uint64_t page_bytes);

/* ---- inspect_prices.c ---- */

int inspect_prices(struct inspection *inspection, const struct progress *progress, struct error *error);
const struct result_cell *inspect_event_cell(const struct result *result, const char *event);

/* ---- inspect_gaps.c ---- */

int inspect_gaps(struct inspection *inspection, const struct progress *progress, struct error *error);

/* ---- inspect_regions.c ---- */

/* The calling thread, which setting->pin binds, visits the CPUs that it was allowed before and is back on its
 * own afterwards. Four rounds are taken at least, whatever they take. */
int inspect_regions(struct inspection *inspection, const struct progress *progress, struct error *error);

/* ---- what is made of it ---- */

/* A measured figure as a finding, without key, `how` and `sure`; `reason` why there is none, where it is NAN.
 */
struct finding inspect_measured(const char *name, const char *title, enum finding_section section,
    enum unit unit, struct estimate figure, const char *reason);
static inline struct estimate inspect_figure(double number) /* without interval */
{
    return (struct estimate){number, NAN, NAN};
}

int inspect_conclude(struct inspection *inspection, struct error *error); /* inspect_findings.c: all of it */
int inspect_find_splinter(struct inspection *inspection, struct error *error);
int inspect_find_regions(struct inspection *inspection, struct error *error);
int inspect_find_gaps(struct inspection *inspection, struct error *error);
int inspect_find_exits(struct inspection *inspection, struct error *error);
int inspect_find_remedies(struct inspection *inspection, struct error *error);

#endif
