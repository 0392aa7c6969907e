/* What a paravirtual guest's kernel asks for (abi/hypercall.h): decoded, checked, carried out. Each word that
 * the guest hands over is read once. Knows no processes: what has to be done in children goes out as runs,
 * what belongs to a virtual CPU as an outcome. One thread at a time. */
#ifndef VCOST_MONITOR_DEPRIVILEGED_HYPERCALLS_H
#define VCOST_MONITOR_DEPRIVILEGED_HYPERCALLS_H

#include "abi/hypercall.h"
#include "monitor/deprivileged/effects.h"
#include "monitor/deprivileged/fault.h"
#include "monitor/deprivileged/frames.h"
#include "monitor/deprivileged/run.h"
#include "monitor/deprivileged/translate.h"
#include "monitor/deprivileged/write_log.h"

/* What was counted, for the monitor's counters. */
struct hypercall_counts {
    uint64_t requests[HYPERCALL_COUNT], unknown, refused;
    uint64_t updates;          /* entries changed, by whatever request */
    uint64_t hidden, injected; /* page faults that the guest never sees, and those that are its own */
};

struct hypercalls {
    /* Set before anything else. */
    struct frames frames;        /* its own settings and memory: frames.h */
    struct run_list runs;        /* carry_out and context */
    uint64_t stub;               /* HYPERCALL_ASK_STUB */
    const struct write_log *log; /* where entries that change are noted; NULL: nowhere */
    unsigned fill; /* pages of 4 KiB, a power of two up to 512, that one hidden fault fills at most */
    /* To read. */
    gpa_t root; /* of the address space in use, bits 12 to 51; 0 before the first */
    struct hypercall_counts counts;
    /* Its own. */
    struct effects effects;
};

/* What a virtual CPU does next. Unless it is said otherwise, it goes on in the guest with RAX = answer. */
struct hypercall_outcome {
    enum {
        OUTCOME_ANSWER,
        OUTCOME_CONSOLE, /* text, of `bytes` bytes: printable ASCII and newlines */
        OUTCOME_SWITCH,  /* to hypercalls.root, and with a stack that is not 0 there */
        OUTCOME_ENTRIES, /* entries */
        OUTCOME_STACK,
        OUTCOME_RETURN, /* reads the frame, asks hypercall_frame_check() and does not answer if that is
                           content */
        OUTCOME_TICK,   /* nanoseconds, 0: none */
        OUTCOME_HALT,
        OUTCOME_YIELD,
        OUTCOME_OUT /* port, value */
    } kind;
    int64_t answer;
    gva_t stack;
    uint64_t nanoseconds;
    uint16_t port;
    uint32_t value;
    size_t bytes;
    char text[HYPERCALL_CONSOLE_BYTES];
    struct hypercall_entries entries;
};

void hypercalls_free(struct hypercalls *hypercalls);

/* One request; all its runs are carried out. Negative: the monitor itself cannot go on. What the guest asks
 * wrongly is an answer; why is said in *error too, whose code is then set: for narration. */
int hypercalls_do(struct hypercalls *hypercalls, uint64_t number, const uint64_t arguments[6],
    struct hypercall_outcome *outcome, struct error *error);

/* 0, or the errno that RETURN answers. */
int hypercall_frame_check(const struct hypercall_frame *frame);

/* The tables that the guest starts with: pins the root, if it is not, and makes it the address space in use.
 * -EINVAL and the like: what stands there is refused, as PIN does. */
int hypercalls_start(struct hypercalls *hypercalls, gpa_t root, struct error *error);

/* Memory or tables have changed from outside; nothing that is mapped holds any more. Between the two memory
 * may be added and removed. end: the address space in use no longer stands a check, as hypercalls_start(). */
int hypercalls_change_begin(struct hypercalls *hypercalls, struct frame_pins *pins, struct error *error);
int hypercalls_change_end(struct hypercalls *hypercalls, struct frame_pins *pins, struct error *error);

/* A child has faulted: an access (FAULT_WRITE, _USER, _FETCH of translate.h) to a canonical address in the
 * address space in use. */
int hypercalls_fault(struct hypercalls *hypercalls, gva_t address, unsigned access,
    struct fault_outcome *outcome, struct error *error);

#endif
