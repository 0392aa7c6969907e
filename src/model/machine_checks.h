/* Records of a machine's file: what they have in common. */
#ifndef VCOST_MODEL_MACHINE_CHECKS_H
#define VCOST_MODEL_MACHINE_CHECKS_H

#include "model/machine.h"
#include "record/record.h"

extern const struct record machine_source_record;

#define SOURCES(type)                                                                                        \
    {                                                                                                        \
        "sources", FIELD_KEYED, FIELD_NEEDED, FIELD_ITEMS(type, sources.items, sources.count),               \
            .of = &machine_source_record, .limit = MACHINE_SOURCES_MAX,                                      \
            .about = "Where each of the other members is from: a document with its place, a published "      \
                     "measurement, or \"assumed\"."                                                          \
    }

/* Is it a figure, in whatever form: what needs a source? */
bool machine_is_figure(const struct field *field);
/* Each figure of the record has a source, and nothing else has. */
void machine_check_sources(
    struct reader *reader, const struct record *record, const struct machine_sources *sources);
void machine_check_most(
    struct reader *reader, const char *name, uint64_t value, uint64_t least, uint64_t most);
void machine_check_cycles(struct reader *reader, const char *name, unsigned cycles);
/* `entries` by any name: what there is to share among the ways. */
void machine_check_ways(
    struct reader *reader, const char *name, uint64_t entries, unsigned ways, enum machine_index index);

/* machine_more.c: what a file need not have. */
extern const struct record machine_prefetcher_record, machine_neighbours_record, machine_below_record;

#endif
