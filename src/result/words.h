/* The words of the result format that several writers need: names of qualities, and the reason that stands
 * beside a figure which could not be had. */
#ifndef VCOST_RESULT_WORDS_H
#define VCOST_RESULT_WORDS_H

#include "result/result.h"

extern const char *const quality_names[QUALITIES], *const reach_kind_names[REACH_KINDS];

/* "good", "noisy", "interrupted", "missing". */
const char *quality_name(enum quality quality);

/* "unknown", "cache", "tlb". */
const char *reach_kind_name(enum reach_kind kind);

/* Why a cell is not good or lacks a figure: the experiment's reason, or the general one where it gave none.
 * NULL if nothing is wrong. Belongs to the cell or is static. */
const char *cell_reason(const struct result_cell *cell);

/* Why a cell that did not run in a guest of vcost's has no guest's page size and no exits; NULL if it did.
 * Static. */
const char *cell_without_guest(const struct result_cell *cell);

/* Why a comparison lacks its ratio or its interval; NULL if it lacks nothing. Static. */
const char *comparison_reason(const struct result_comparison *comparison);

#endif
