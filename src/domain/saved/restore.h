/* A domain made of a file: checked, its memory read or mapped, its state put back, parked before its next
 * instruction. */
#ifndef VCOST_DOMAIN_SAVED_RESTORE_H
#define VCOST_DOMAIN_SAVED_RESTORE_H

#include "domain/portable/jump.h"
#include "domain/saved/ahead.h"
#include "domain/saved/bring.h"

enum clock_policy {
    CLOCK_DEFAULT, /* CLOCK_ADVANCE, told where that cannot be */
    CLOCK_KEEP,    /* the guest's clock goes on where it stopped */
    CLOCK_ADVANCE, /* the time that it was stored has passed for it */
};

struct restore_request {
    /* The same file, read already: it becomes restored->saved; NULL: it is read here. And with it, that this
     * host has what its processor had was found in another process of this command. */
    const struct stored *saved;
    bool checked;
    int fd;    /* of the file, open for reading; stays the caller's, until restore_close() */
    bool lazy; /* its memory is mapped, private, and not read before it is touched */
    const char
        *first;   /* with lazy: a file of the pages that were touched first (touched.h), to be brought in */
    bool brought; /* or brought when it is touched (bring.h) */
    enum clock_policy clock;
    struct portable_wish wish;
    const char *name;                  /* NULL: the one that it had */
    const struct monitor_ops *monitor; /* NULL: the one that it ran on */
    const struct stop *stop;
    const struct progress *progress; /* of reading its memory; NULL: nobody listens */
};

struct restored {
    struct stored saved;
    const struct monitor_ops *monitor;
    struct portable *portable;
    int fd;
    bool lazy;
    struct memory memory;      /* not lazy */
    struct touched first;      /* request->first */
    struct ahead *ahead;       /* brings these in; NULL: none are */
    struct bringing *bringing; /* NULL: it is not brought when it is touched */
    void *mapping;             /* lazy, or of an image; with its surroundings: */
    size_t mapping_bytes;
    double stored_seconds; /* how long it was stored, by the real-time clock */
    const char *clock;     /* what became of it: "kept", "advanced", "the host's" */
    struct jump jump;      /* and how far it went on at once */
    char warning[256];     /* about it; "" for nothing to say */
};

/* -ENOTSUP: this host has not what the domain had (what is missing is named), or no such clock. */
int restore_open(const struct restore_request *request, struct restored *restored, struct error *error);
/* The same of what this process has already: the state of a domain, which becomes restored->saved, and at
 * `memory`, which outlives it, all of its memory as it was then (request->lazy: that is mapped from the file
 * request->fd); or NULL: in request->fd, from its start on, of which a private mapping is made. */
int restore_shared(const struct restore_request *request, const struct stored *saved, void *memory,
    struct restored *restored, struct error *error);

/* What restore_open() is made of. How the clock is to go on, by saved.plan and saved.moment; and whether this
 * host has what saved.state needs, by restored->portable, which has no state yet. */
int restore_set_clock(const struct restore_request *request, struct restored *restored,
    struct state_pause *pause, struct error *error);
int restore_check_cpu(const struct restored *restored, struct error *error);

/* Once it runs: begins to bring in what request->first says. */
int restore_bring_back(struct restored *restored, struct error *error);

void restore_close(struct restored *restored);

#endif
