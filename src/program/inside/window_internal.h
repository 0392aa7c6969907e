/* What the files of the window share. */
#ifndef VCOST_PROGRAM_INSIDE_WINDOW_INTERNAL_H
#define VCOST_PROGRAM_INSIDE_WINDOW_INTERNAL_H

#include "program/inside/areas.h"
#include "program/inside/window.h"

#include <pthread.h>
#include <sys/mman.h>

enum { PAGE = 4096, ALL_RIGHTS = PROT_READ | PROT_WRITE | PROT_EXEC };
#define LARGE_BYTES UINT64_C(0x200000)

/* With the rights of an area: it lies behind the end of a file, and the guest does not have it. */
enum { AREA_BEHIND_END = 1 << 16 };

/* The guest gets its memory in pieces: a region costs the monitor time and memory by its size. */
#define PIECE_BYTES UINT64_C(0x10000000)
#define LOW_PIECES (WINDOW_LOW_END / PIECE_BYTES)
#define PIECES (LOW_PIECES + (WINDOW_TO - WINDOW_FROM) / PIECE_BYTES)

struct window {
    struct domain *domain;
    pthread_mutex_t lock; /* for all that follows */
    struct areas areas;
    uint64_t heap, heap_end;
    struct {
        uint64_t from, code, to; /* the kernel's data, then its code */
    } clock;
    gpa_t pieces[PIECES]; /* where each is in the guest's physical memory; 0: nowhere yet */
};

/* ---- window.c ---- */

/* Are these the program's addresses? */
bool window_owns(uint64_t from, uint64_t bytes);

/* A system call about memory, and its result. */
struct host_call {
    long number, arguments[6], result;
};
int window_host_call(void *call, struct error *error);

/* Takes [from, to) from the guest and makes the call; on success the areas say what the range is then, which
 * the guest has when it returns. Its result. */
int64_t window_change(
    struct window *window, uint64_t from, uint64_t to, int protection, struct host_call *call);

/* Gives the guest what the areas say of [from, to), where it has nothing. */
int window_give(struct window *window, uint64_t from, uint64_t to, struct error *error);

/* The same where only the kernel knows what the range is then, or after a failure: its list is read.
 * window_maps.c. */
int64_t window_change_unknown(struct window *window, uint64_t from, uint64_t to, struct host_call *call);

static inline uint64_t window_pages(uint64_t bytes)
{
    return (bytes + PAGE - 1) & -(uint64_t)PAGE;
}

/* ---- window_calls.c ---- */

bool window_is_free(const struct window *window, uint64_t from, uint64_t bytes);
/* 0: there is none. flags: MAP_32BIT counts. */
uint64_t window_find_free(struct window *window, uint64_t bytes, uint64_t alignment, int flags);
/* What a mapping of so many bytes is aligned to, so that large pages fit. flags: MAP_HUGETLB counts. */
uint64_t window_alignment(uint64_t bytes, int flags);

/* ---- window_clock.c ---- */

/* Lends the guest what the kernel lends every process for its clock. */
int window_lend_clock(struct window *window, struct error *error);

#endif
