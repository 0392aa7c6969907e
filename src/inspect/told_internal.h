/* How told_*.c make findings: from tables of rows, one for each name. */
#ifndef VCOST_INSPECT_TOLD_INTERNAL_H
#define VCOST_INSPECT_TOLD_INTERNAL_H

#include "inspect/told.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct telling {
    const struct host *host;
    const struct monitor_facts *kvm;
    struct findings *findings;
    struct error *error;
};

/* What all findings of a name have in common. */
struct told_kind {
    const char *name;
    enum finding_section section;
    const char *title;
    enum unit unit;
    const char *how;  /* may be left out where each value has its own */
    bool detail;      /* see struct finding; what is told and not known here is one anyway */
    bool made_up;     /* can a hypervisor below show what it likes? */
    const char *sure; /* NULL: nothing to say but that */
    enum finding_source source;
};

/* One of them. */
struct told_value {
    const char *key; /* NULL: none */
    const char *how; /* NULL: that of the kind */
    struct fact value;
    double number; /* looked at only if the value is known and the unit has numbers */
};

/* Appends one; a key that is there already gets a number. 0 or -ENOMEM. */
int tell(const struct telling *telling, const struct told_kind *kind, const struct told_value *value);

/* A row makes one finding: of a fact in struct host, or by a function. Facts that are numbers are decimal
 * text; those that are yes or no begin so ("yes: dmar0", "on", "forceoff"). */
struct told_row {
    struct told_kind kind;
    size_t fact;                                                           /* offset in struct host */
    void (*make)(const struct telling *telling, struct told_value *value); /* NULL: of the fact */
    const char *key;
};

#define TOLD_FACT(member) .fact = offsetof(struct host, member)

int tell_rows(const struct telling *telling, const struct told_row *rows, size_t count);

/* A value that has only a number. */
struct told_value told_number(const char *key, double number);

/* Is this one of the flags in /proc/cpuinfo? Unknown where they are hidden. */
struct fact told_flag(const struct host *host, const char *flag);

/* The sections, each in a file of its own. 0 or -ENOMEM. */
int tell_cpu(const struct telling *telling);
int tell_caches(const struct telling *telling);
int tell_memory(const struct telling *telling);
int tell_clock(const struct telling *telling);
int tell_kvm(const struct telling *telling);
int tell_below(const struct telling *telling);

#endif
