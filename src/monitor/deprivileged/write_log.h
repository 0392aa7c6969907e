/* Which 4 KiB pages of regions of guest memory were written, while that is recorded (REGION_LOG_DIRTY with
 * REGION_LOG_PARTS). A page whose bit is clear is writable in no child, so that its first write faults; what
 * the monitor itself writes for the guest it notes as it does. Bits may be set and cleared by several threads
 * at once; starting and stopping needs all of them out. */
#ifndef VCOST_MONITOR_DEPRIVILEGED_WRITE_LOG_H
#define VCOST_MONITOR_DEPRIVILEGED_WRITE_LOG_H

#include "base/address.h"
#include "base/error.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { WRITE_LOG_REGIONS = 8 };

struct write_log { /* starts zeroed */
    struct write_log_region {
        _Atomic uint64_t *bits; /* owned */
        unsigned slot;
        gpa_t start;
        uint64_t pages;
    } regions[WRITE_LOG_REGIONS];
    unsigned count;
};

/* All pages of a slot's region count as written at first; nothing changes if it is recorded already. -EBUSY:
 * WRITE_LOG_REGIONS are; -ENOMEM. */
int write_log_start(struct write_log *log, unsigned slot, gpa_t start, uint64_t bytes, struct error *error);
void write_log_stop(struct write_log *log, unsigned slot); /* harmless where it is not recorded */
void write_log_stop_all(struct write_log *log);

bool write_log_records(const struct write_log *log, unsigned slot);

/* Nothing where nothing is recorded; NULL is allowed. */
void write_log_note(const struct write_log *log, gpa_t address);

/* How many of `bytes` from a page on are alike, and whether they count as written. */
uint64_t write_log_alike(const struct write_log *log, gpa_t address, uint64_t bytes, bool *written);

/* Of a slot that is recorded. */
void write_log_read(const struct write_log *log, unsigned slot, uint64_t *bitmap);
/* Forgets that pages were written: as monitor_ops.dirty_clear. -EINVAL: not in the region. */
int write_log_clear(const struct write_log *log, unsigned slot, uint64_t first, uint64_t pages,
    const uint64_t *bitmap, struct error *error);

#endif
