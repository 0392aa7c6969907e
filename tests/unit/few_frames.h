/* A guest of a few frames, by number, and the runs that it led to: for tests of single cases. */
#ifndef VCOST_TESTS_FEW_FRAMES_H
#define VCOST_TESTS_FEW_FRAMES_H

#include "monitor/deprivileged/run.h"

#include <stdint.h>
#include <string.h>

/* 5 frames before a multiple of 2 MiB, the rest from there on. */
#define FEW_START (UINT64_C(0x400000) - 5 * 4096)
#define FRAME(number) (FEW_START + (uint64_t)(number)*4096)

enum { FEW_FRAMES = 64, RECORD_MAX = 2048 };

/* Bits of entries. */
enum { P = 1, W = 2, U = 4, A = 0x20, D = 0x40, LARGE = 0x80 };
#define NX (UINT64_C(1) << 63)
#define LINK (P | W | U | A)
#define DATA (P | W | U | A | D)

static uint64_t memory[FEW_FRAMES][512] __attribute__((aligned(4096)));

static struct {
    struct run runs[RECORD_MAX];
    size_t count;
    int answer; /* of carry_out() */
} record;

/* What asks for an address names the entry of a table. */
static inline uint64_t entry_at(unsigned frame, unsigned index)
{
    return FRAME(frame) + index * 8;
}

static inline int record_runs(void *context, const struct run *runs, size_t count, struct error *error)
{
    (void)context;
    for (size_t i = 0; i < count && record.count < RECORD_MAX; i++)
        record.runs[record.count++] = runs[i];
    return record.answer < 0 ? error_set(error, -record.answer, "as the test wants it") : 0;
}

static inline void few_frames_clear(void)
{
    memset(memory, 0, sizeof memory);
    memset(&record, 0, sizeof record);
}

/* Frames 0 to 3 become tables of level 4 to 1, each the first entry of the one before: the last stands at
 * address 0. */
static inline void few_frames_chain(void)
{
    for (unsigned i = 0; i < 3; i++)
        memory[i][0] = FRAME(i + 1) | LINK;
}

#endif
