/* A simulated machine on which one memory access after another is made, each dependent on the one before:
 * what it costs natively and in a domain, by technique and page sizes. Deterministic.
 *
 * The techniques, by what a miss in all TLBs does:
 *
 *   native   walks the guest's tables, which lead to host physical pages of guest_page bytes.
 *   direct   the same: the guest's tables hold host physical addresses, of pages of min(guest_page,
 * host_page). Each change of an entry is a hypercall. shadow   walks tables that the monitor has made of the
 * guest's and the host's, of pages of min(guest_page, host_page). Where they have nothing yet: a hidden fault
 * (exit + hidden_fault), and again. nested   walks the guest's tables, each of whose entries stands at a
 * guest physical address, which the host's tables translate; so is the page's in the end: g * (h + 1) + h
 * reads at most. agile    shadow down to the table of 4 KiB leaves and nested from there on, where that table
 * changes; shadow elsewhere (Gandhi, Hill, Swift, "Agile Paging", ISCA 2016). The second store to such a
 * table since the monitor looked last (model_scan()) makes it nested; a nested one to which nothing was
 * stored from one look to the next, not even an accessed or dirty bit, gets its shadow back.
 *
 * Which frames are taken in which order, for whoever computes the same. The guest's ground is for bytes_max,
 * the host's, natively too, for twice the zone_bytes that a guest's has. First the root of the tables that
 * are walked (but nested), the guest's root, the root of the second dimension, which has a zone of its own.
 * Then, natively, for each page, ascending, its frame, and tables, upper ones first. The others, for each
 * page of the guest, ascending: its frame, the guest's tables; then, unless `fresh`, for each part of it of
 * min(guest_page, host_page): the host's page around it is given if it is not there (its frame; tables, upper
 * first), and it is mapped in the tables that are walked. At the end of model_map() the host's pages around
 * the guest's tables are given, in the order in which these were taken, the root first.
 *
 * So, where the host's pages are no larger than the guest's and not `fresh`, what is mapped first has the
 * frames that it has natively with pages of the host's size: its data, and the tables that are walked. While
 * nothing but accesses happens (no rates, one domain) direct, shadow and agile paging are native paging then,
 * in every cycle. Of what later calls map this does not hold: pages behind the guest's tables of before stand
 * between.
 *
 * With several domains each is opened in turn as told here, in one host's ground, which is for `domains`
 * times as much.
 *
 * One access: the TLBs (tlbs.h; charged to BUCKET_TLB of the level); on a miss a walk (walk.h), whose page is
 * put into the TLBs; then the caches (caches.h), from level 1. */
#ifndef VCOST_MODEL_MODEL_H
#define VCOST_MODEL_MODEL_H

#include "base/address.h"
#include "base/stop.h"
#include "model/account.h"
#include "model/ground.h"
#include "model/machine.h"
#include "model/rates.h"

enum model_technique {
    MODEL_NATIVE,
    MODEL_DIRECT,
    MODEL_SHADOW,
    MODEL_NESTED,
    MODEL_AGILE,
    MODEL_TECHNIQUES
};
extern const char *const model_technique_names[MODEL_TECHNIQUES]; /* "native", "direct" … */

enum model_access { ACCESS_READ, ACCESS_WRITE, ACCESS_EXECUTE };

enum { MODEL_DOMAINS_MAX = 8, MODEL_PROCESSES_MAX = 8 };

struct model_config {
    const struct machine *machine; /* must outlive the model */
    enum model_technique technique;
    uint64_t guest_page, host_page; /* bytes; native has guest_page alone */
    struct frame_policy guest_frames, host_frames;
    bool sync_write; /* shadow: each store to a table exits; else the first until the next flush */
    bool fresh; /* the host gives a page when it is first touched, and faults get frames that were never used;
                   else all is there, and they get the frame of before */
    bool hypothetical;  /* also what the machine does not have */
    uint64_t bytes_max; /* that model_map() will be asked for in all, in each domain */
    uint64_t seed;      /* of replacement at random, and of events */
    unsigned domains;   /* that share the machine, 1 … 8, each with tables of its own; 0: one */
    struct event_rates rates;
};

struct model;

/* -ENOTSUP with a sentence for what the machine lacks: nested and agile without a second dimension, a page
 * size.
 */
int model_check(const struct model_config *config, struct error *error);

/* -ENOTSUP as model_check(), or where the host's tables reach less than the memory; -EINVAL, -ENOMEM. */
int model_open(const struct model_config *config, struct model **model, struct error *error);
void model_close(struct model *model); /* NULL is allowed */

/* The kernel of the domain that runs maps [from, from + bytes), multiples of guest_page, in the lower half.
 * Charges nothing. Stops where it is asked to: -EINTR. */
int model_map(struct model *model, gva_t from, uint64_t bytes, const struct stop *stop, struct error *error);

/* Of an address that is mapped; of another it does nothing. */
void model_access(struct model *model, gva_t address, enum model_access access);

/* One after the other; faster, since it is known which come. */
void model_access_many(struct model *model, const gva_t *addresses, size_t count, enum model_access access);

/* The guest changes the leaf entry of a mapped address and flushes the page from the TLBs. The page is clean
 * and unused then: the next access sets the accessed bit, the next store the dirty bit. */
void model_change_entry(struct model *model, gva_t address);
/* The program touches a page that its kernel gives it only now: as if it had not been there before. The fault
 * (costs.fault; where the monitor has the tables an exit before, for the fault comes to it), the kernel's
 * store of the entry, as with a change, but no flush; then the access, which is charged, but counts as none
 * of the workload's. What the kernel does to find and clear a frame is not simulated. */
void model_fault(struct model *model, gva_t address);
/* A page of it becomes read-only, as all do in fork(): the kernel's store of the entry, as with a change. The
 * flush (model_flush()) is left to whoever is through with all of them. What else fork() does, the tables of
 * the child above all, is not simulated. */
void model_protect(struct model *model, gva_t address);
/* The first store to such a page, which both have: a fault as model_fault(), in which the kernel also flushes
 * the page, since it was there to be read: as with a change. The copying itself is not simulated. */
void model_copy(struct model *model, gva_t address);
/* Another process of the guest runs; `space` 0 … MODEL_PROCESSES_MAX - 1. All have the same mappings here:
 * what is one's own stands at addresses that the others do not touch. */
void model_switch(struct model *model, unsigned space);
/* The guest is left and entered again, for reasons of its own (a device). */
void model_exit(struct model *model);
/* The timer: the kernel is entered and left, for costs.fault; in a guest also two exits, for the interrupt
 * and for setting the timer again. */
void model_tick(struct model *model);
/* The kernel empties the TLBs of all that is its own (writing CR3): costs.switch; where the monitor has the
 * tables also an exit, lazy shadow paging brings its tables up to date. */
void model_flush(struct model *model);
/* Agile paging: the monitor looks which of the tables that it walks nested were stored to since it looked
 * last (by the dirty bits of the host's entries for them, which it clears): an exit. Each that was not has a
 * shadow again, made anew of what both have: costs.table_sync. With other techniques nothing happens. */
void model_scan(struct model *model);
/* The next accesses are those of another domain, 0 … config.domains - 1, on the same core: an exit of the one
 * that ran; natively another program with its own tables, a switch. */
void model_turn(struct model *model, unsigned domain);
unsigned model_domain(const struct model *model); /* the one that runs */

/* Were there too few frames for those that were to be fresh? Then figures are not what they should be. */
bool model_lacks_frames(const struct model *model);

const struct account *model_account(const struct model *model);
/* Zeroes the account, and rates begin anew; all caches stay. */
void model_begin(struct model *model);

/* All caches as if nothing had run yet. */
void model_cold(struct model *model);

#endif
