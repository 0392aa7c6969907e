/* What a domain touched first the last time (touched.h), brought in behind it while it runs again, with its
 * memory mapped from the file: in a thread, in the order of addresses.
 *
 * Of 2 MiB of which it wrote much all becomes one piece of anonymous memory, of a large page if there is one:
 * that is read from the file, and verified, while the domain runs; then its virtual CPUs are held for a
 * moment, what they have written there meanwhile is copied over, and the new memory takes the place of the
 * mapping. So one fault of the guest does for 512, and none of its pages is taken from under it one by one.
 * The rest is faulted in, run by run (MADV_POPULATE_WRITE, _READ). */
#ifndef VCOST_DOMAIN_SAVED_AHEAD_H
#define VCOST_DOMAIN_SAVED_AHEAD_H

#include "domain/saved/stored.h"
#include "domain/saved/touched.h"

struct ahead;

struct ahead_told {
    double ms;      /* how long all of it took; NAN: it goes on, or could not */
    double held_ms; /* for which the domain was held for it */
    uint64_t large; /* pieces of 2 MiB that became anonymous */
};

/* All of these outlive it; memory is as portable_memory() has it, and the file's, private. */
int ahead_start(const struct touched *touched, int fd, const struct stored *saved, struct portable *portable,
    struct ahead **ahead, struct error *error);
void ahead_look(struct ahead *ahead, struct ahead_told *told);
void ahead_end(struct ahead *ahead); /* NULL is allowed */

#endif
