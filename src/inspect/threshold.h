/* What a user does not want to find: "--fail-on splintered,steal>5%,exit:cpuid>2us".
 *
 *   NAME            a yes-or-no finding is yes, or partly
 *   NAME=WORDS      the finding is these words, whatever their case ("splintered=partly",
 * "clock-source=hpet") NAME>NUMBER     its number is above: told by the low end of its interval, where it has
 * one NAME<NUMBER     … below: by the high end
 *
 * NAME:KEY is one of several findings of that name, NAME alone each of them. A NUMBER has a unit: % for a
 * share or a ratio; ns, us, ms or s for a time; K, M, G (of 1024) for bytes; without one it is in the
 * finding's own unit, except that a share above 1 needs its %.
 *
 * Which findings a machine has is known only when it was inspected: what it has not is not known there, like
 * what could not be measured. A name that no machine has (names.h) is refused before. */
#ifndef VCOST_INSPECT_THRESHOLD_H
#define VCOST_INSPECT_THRESHOLD_H

#include "result/finding.h"

#include <stdbool.h>
#include <stddef.h>

enum threshold_kind {
    THRESHOLD_YES,
    THRESHOLD_WORDS,
    THRESHOLD_ABOVE,
    THRESHOLD_BELOW,
};

/* What the number was written in. */
enum threshold_scale { THRESHOLD_BARE, THRESHOLD_PERCENT, THRESHOLD_TIME, THRESHOLD_SIZE };

enum { THRESHOLDS_MAX = 32, THRESHOLD_WORDS_BYTES = 160, THRESHOLD_TEXT_BYTES = 256 };

struct threshold {
    char text[THRESHOLD_TEXT_BYTES]; /* as it was written */
    char name[FINDING_NAME_BYTES];
    char key[FINDING_KEY_BYTES]; /* "" for each of the name */
    enum threshold_kind kind;
    char words[THRESHOLD_WORDS_BYTES]; /* THRESHOLD_WORDS */
    double number;                     /* in base units: ns, bytes, a share */
    enum threshold_scale scale;
};

struct thresholds {
    struct threshold items[THRESHOLDS_MAX];
    size_t count;
};

/* Reads a list separated by commas. -EINVAL with a sentence that says what is wrong in which part. */
int thresholds_parse(const char *text, struct thresholds *thresholds, struct error *error);

/* -EINVAL, with a suggestion, if one is about a name that no finding has. */
int thresholds_check(const struct thresholds *thresholds, struct error *error);

/* A finding that a threshold is about and that tripped it, or that is not known here. */
struct tripping {
    const struct threshold *threshold;
    const struct finding *finding; /* NULL: there is none of the name */
    bool unknown;                  /* it neither passes nor trips: finding->value.text says why */
};

struct tripped {
    struct tripping *items; /* owned; in the order of the thresholds */
    size_t count;           /* both kinds */
    size_t tripped, unknown;
};

/* Judges all findings that are asked about; both arguments must outlive *tripped. No finding of a key, or one
 * that the kind of threshold does not fit, is -EINVAL, with a suggestion. tripped_free() releases it. */
int thresholds_judge(const struct thresholds *thresholds, const struct findings *findings,
    struct tripped *tripped, struct error *error);
void tripped_free(struct tripped *tripped);

#endif
