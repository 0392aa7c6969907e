/* A process of the host in the memory of another, without that one waiting for it: the host's C library knows
 * nothing of such. It has what the library keeps for a thread of its own (its TLS, its stack), from one that
 * was made for that and has ended. */
#ifndef VCOST_PROGRAM_INSIDE_SEAT_H
#define VCOST_PROGRAM_INSIDE_SEAT_H

#include "program/inside/creation.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct seat {
    struct seat *next;
    void *thread, *stack; /* its thread pointer; the stack's end */
    atomic_int holder; /* 0: nobody. The kernel clears it when the process has ended or executed something */
    void *context;     /* the last holder's, until release() is called for it */
};

/* A seat that nobody holds, made while all signals are blocked: NULL if there is no memory. Those whose
 * holder has ended have release(context) called before. */
struct seat *seat_take(void (*release)(void *context));

/* Gives back one that no process was started on. */
void seat_give(struct seat *seat);

/* A process, with CLONE_VM among the flags: it calls begin(context). Its number, or a negative errno. */
int64_t seat_start(
    struct seat *seat, const creation_asked *asked, int (*begin)(void *context), void *context);

/* Until the process that holds it is no more (or some time has passed). */
void seat_wait(const atomic_int *holder);

/* Is there a process that shares this memory? */
bool seats_are_held(void);

/* In the child of a fork, whose memory is a copy: the others' seats are not in use here. */
void seats_forget(void);

#endif
