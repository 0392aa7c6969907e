/* A simulated machine, slow and obvious: what src/model/model.h promises, written once more from its words.
 * It keeps no page tables: which tables there are, where they stand and what they lead to are looked up in
 * dictionaries by the addresses that they are for. Shares no code with src/model/ and src/paging/; of
 * src/base/ it takes the permutation that scatters frames. Ends the program where it cannot go on. */
#ifndef VCOST_TESTS_NAIVE_MODEL_H
#define VCOST_TESTS_NAIVE_MODEL_H

#include "naive_file.h"
#include "naive_places.h"

enum naive_technique {
    NAIVE_NATIVE,
    NAIVE_DIRECT,
    NAIVE_SHADOW,
    NAIVE_NESTED,
    NAIVE_AGILE,
    NAIVE_TECHNIQUES
};

/* What happens by rate (src/model/rates.h). */
enum naive_event {
    NAIVE_FAULTS,
    NAIVE_CHANGES,
    NAIVE_SWITCHES,
    NAIVE_EXITS,
    NAIVE_TICKS,
    NAIVE_FLUSHES,
    NAIVE_TURNS,
    NAIVE_SCANS,
    NAIVE_EVENTS
};

struct naive_rate {
    double rate; /* a million accesses … */
    bool per_second;
};

enum naive_access { NAIVE_READ, NAIVE_WRITE, NAIVE_EXECUTE };

struct naive_setting {
    const struct naive_file *machine;
    enum naive_technique technique;
    uint64_t guest_page, host_page, bytes;
    struct naive_frames guest_frames, host_frames;
    bool sync_write, fresh;
    uint64_t seed;
    unsigned domains;
    struct naive_rate rates[NAIVE_EVENTS];
};

struct naive_account {
    uint64_t accesses, cycles;
    uint64_t data[5]; /* by cache level; after the last one memory, in [4] */
    uint64_t tlb[2], walk, guest[5], host[5], nested_tlb, bits, exit, fault, switching, late;
    uint64_t guest_reads[5], host_reads[5], tlb_hits[2], walks;
    uint64_t walk_cache_hits[2]; /* of the guest's tables, or the only ones; of the host's */
    uint64_t nested_tlb_hits, nested_tlb_misses;
    uint64_t exits, faults, hidden_faults, table_stores, tables_synced, hypercalls, switches, flushes;
    uint64_t guest_faults, ticks, turns, bits_set, prefetches;
};

struct naive_model;

struct naive_model *naive_open(const struct naive_setting *setting);
void naive_close(struct naive_model *model);
void naive_map(struct naive_model *model, uint64_t from, uint64_t bytes);
void naive_access(struct naive_model *model, uint64_t address, enum naive_access access);
void naive_change_entry(struct naive_model *model, uint64_t address);
void naive_switch(struct naive_model *model, unsigned space);
void naive_exit(struct naive_model *model);
void naive_fault(struct naive_model *model, uint64_t address);
void naive_protect(struct naive_model *model, uint64_t address);
void naive_copy(struct naive_model *model, uint64_t address);
void naive_tick(struct naive_model *model);
void naive_flush(struct naive_model *model);
void naive_turn(struct naive_model *model, unsigned domain);
void naive_scan(struct naive_model *model);
void naive_begin(struct naive_model *model);
void naive_cold(struct naive_model *model);
const struct naive_account *naive_account(const struct naive_model *model);

#endif
