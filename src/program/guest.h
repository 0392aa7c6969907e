/* Starting a program in a domain: a process of the host's that is vcost's own small executable (inside/),
 * which makes the domain, runs the program there, and ends as the program has ended. So whoever starts and
 * watches programs (run.h) does so with this one as with any other. */
#ifndef VCOST_PROGRAM_GUEST_H
#define VCOST_PROGRAM_GUEST_H

#include "base/error.h"
#include "program/heat_log.h"

struct guest_start {
    int executable, page; /* descriptors: what is executed, and what `tally` is mapped from */
    struct tally *tally;  /* of the run that was started last; its `memory` may be set for the next */
    char words[2][64];    /* the first two of those below */
};

/* -ENOTSUP: this kernel does not execute what has no name (vm.memfd_noexec). */
int guest_start_open(struct guest_start *start, struct error *error);
void guest_start_close(struct guest_start *start);

/* The words that start a program, NULL at the end, in a domain; to be freed. NULL without memory. */
const char **guest_start_words(struct guest_start *start, const char *const *program);

/* From here to its end, runs in a domain write down what they touch, read at an interval (heat_log.h), into
 * *log, which is this process' to read until then. 0, or a negative errno with a sentence. */
int guest_start_heat(
    struct guest_start *start, uint64_t interval_ns, struct heat_log **log, struct error *error);
void guest_start_heat_end(struct guest_start *start, struct heat_log *log);

/* Before a run in a domain: counts from 0 on, and lets what is started next have the descriptors. After it:
 * nothing that is started has them. */
void guest_start_begin(struct guest_start *start);
void guest_start_end(struct guest_start *start);

#endif
