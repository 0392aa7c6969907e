/* A simulated machine, slow and obvious: what src/model/model.h promises, written once more from its words.
 * It keeps no page tables: which tables there are, where they stand and what they lead to are looked up in
 * dictionaries by the addresses that they are for. Shares no code with src/model/ and src/paging/; of
 * src/base/ it takes the permutation that scatters frames. Ends the program where it cannot go on. */
#ifndef VCOST_TESTS_NAIVE_MODEL_H
#define VCOST_TESTS_NAIVE_MODEL_H

#include "naive_file.h"

enum naive_technique {
    NAIVE_NATIVE,
    NAIVE_DIRECT,
    NAIVE_SHADOW,
    NAIVE_NESTED,
    NAIVE_AGILE,
    NAIVE_TECHNIQUES
};

/* Where frames are taken from. */
struct naive_frames {
    bool scattered;
    uint64_t seed;
    enum { NAIVE_NEAR, NAIVE_FAR, NAIVE_ALTERNATING } node;
};

struct naive_setting {
    const struct naive_file *machine;
    enum naive_technique technique;
    uint64_t guest_page, host_page, bytes;
    struct naive_frames guest_frames, host_frames;
    bool sync_write, fresh;
    uint64_t seed;
};

struct naive_account {
    uint64_t accesses, cycles;
    uint64_t data[5]; /* by cache level; after the last one memory, in [4] */
    uint64_t tlb[2], walk, guest[5], host[5], nested_tlb, exit, switching;
    uint64_t guest_reads[5], host_reads[5], tlb_hits[2], walks;
    uint64_t exits, faults, hidden_faults, table_stores, tables_synced, hypercalls, switches, flushes;
};

struct naive_model;

struct naive_model *naive_open(const struct naive_setting *setting);
void naive_close(struct naive_model *model);
void naive_map(struct naive_model *model, uint64_t from, uint64_t bytes);
void naive_access(struct naive_model *model, uint64_t address, bool instruction);
void naive_change_entry(struct naive_model *model, uint64_t address);
void naive_switch(struct naive_model *model, unsigned space);
void naive_exit(struct naive_model *model);
void naive_cold(struct naive_model *model);
struct naive_account *naive_account(struct naive_model *model); /* may be zeroed */

#endif
