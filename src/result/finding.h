/* A finding: one thing that was found out about this machine, with how it was found and how sure it is. All
 * that `vcost inspect` tells is a list of these: the terminal, JSON, OpenMetrics, --fail-on and `vcost
 * compare` see nothing else of it.
 *
 * A finding is a number in a unit, or words, or yes or no; one that could not be had says why. */
#ifndef VCOST_RESULT_FINDING_H
#define VCOST_RESULT_FINDING_H

#include "base/error.h"
#include "base/fact.h"
#include "base/unit.h"

#include <stdbool.h>
#include <stddef.h>

enum finding_section {
    FINDING_CPU,    /* the processor, SMT, mitigations, frequency */
    FINDING_CACHES, /* caches and TLBs: told and measured */
    FINDING_MEMORY, /* size, NUMA, large pages, limits, the price of a first touch */
    FINDING_CLOCK,  /* clock source, what reading it costs */
    FINDING_KVM,    /* what this machine can do as a host: KVM, IOMMU */
    FINDING_BELOW,  /* what is below this machine, if it is a guest */
    FINDING_SECTIONS
};
extern const struct finding_section_words {
    const char *name, *title; /* "cpu", "caches", … in files; for people */
} finding_sections[FINDING_SECTIONS];

/* How it is known. */
enum finding_source {
    FINDING_TOLD,     /* the processor, the kernel or the hypervisor says so */
    FINDING_MEASURED, /* a figure with its interval */
    FINDING_JUDGED,   /* concluded from what was measured, by a rule that `how` names */
    FINDING_SOURCES
};
extern const char *const finding_source_names[FINDING_SOURCES]; /* "told", "measured", "judged" */

enum { FINDING_NAME_BYTES = 40, FINDING_KEY_BYTES = 40, FINDING_TEXT_BYTES = 256 };

struct finding {
    char name[FINDING_NAME_BYTES]; /* stable: [a-z0-9-]; "tlb-reach" */
    char key[FINDING_KEY_BYTES];   /* which of several of that name ("L2 4K"); "" where there is one alone */
    enum finding_section section;
    const char *title; /* for people, a few words: "entries of the TLB"; static, or the result's */
    enum finding_source source;
    enum unit unit;
    struct fact value; /* known: words, or more words to the number ("" for none); unknown: the reason */
    double number, low, high;     /* in `unit`, with the 95 % interval; NAN where there is none */
    char how[FINDING_TEXT_BYTES]; /* how it was found, half a sentence: "CPUID leaf 8000_0006h" */
    char
        sure[FINDING_TEXT_BYTES]; /* what makes it sure, or what could make it wrong; "" for nothing to say */
    bool detail;                  /* left out of the report for people unless all of it is wanted */
};

/* What to change: what was measured as it is, and what the same was measured as without the cause. */
struct remedy {
    char name[FINDING_NAME_BYTES];         /* stable: "large-pages" */
    char cost[FINDING_TEXT_BYTES];         /* what costs, a sentence without numbers and without full stop */
    char change[FINDING_TEXT_BYTES];       /* what to do, a sentence without full stop */
    char with_what[FINDING_TEXT_BYTES];    /* what was measured: "a line in each of 4096 pages of 4 KiB" */
    char without_what[FINDING_TEXT_BYTES]; /* its counterfactual: "the same in pages of 2 MiB" */
    double with_ns, without_ns;            /* of each operation; both measured in this run */
    double more_ns, low, high;             /* with - without, with the 95 % interval; NAN ends: none */
};

/* A growing list; all zero is empty. */
struct findings {
    struct finding *items; /* owned */
    size_t count;
    struct remedy *remedies; /* owned; what costs most first */
    size_t remedy_count;
};

/* Appends a copy. -ENOMEM is the only error. */
int findings_add(struct findings *findings, const struct finding *finding, struct error *error);
int findings_add_remedy(struct findings *findings, const struct remedy *remedy, struct error *error);
/* Puts each finding of `newer` in the place of the one of the same name and key, or at the end. */
int findings_renew(struct findings *findings, const struct findings *newer, struct error *error);
void findings_free(struct findings *findings);

/* The finding of that name (and key; NULL: the first of the name); NULL if there is none. */
const struct finding *findings_find(const struct findings *findings, const char *name, const char *key);

/* Has it a number? */
bool finding_has_number(const struct finding *finding);

/* For people, as in sentences: "tlb-reach L2 4K". */
void finding_label(const struct finding *finding, char label[static FINDING_NAME_BYTES + FINDING_KEY_BYTES]);

/* As JSON (record.h). */
struct record;
extern const struct record finding_record, remedy_record;

#endif
