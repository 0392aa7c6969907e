/* What the files of the window share. */
#ifndef VCOST_PROGRAM_INSIDE_WINDOW_INTERNAL_H
#define VCOST_PROGRAM_INSIDE_WINDOW_INTERNAL_H

#include "program/inside/areas.h"
#include "program/inside/page.h"
#include "program/inside/window.h"

#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>

enum { ALL_RIGHTS = PROT_READ | PROT_WRITE | PROT_EXEC };
#define LARGE_BYTES UINT64_C(0x200000)

/* With the rights of an area: it lies behind the end of a file, and the guest does not have it. */
enum { AREA_BEHIND_END = 1 << 16 };

#define WINDOW_END UINT64_C(0x7ee000000000) /* of the highest range that is the program's */

/* Near where Linux puts libraries and stacks, since some programs expect them there (ThreadSanitizer ends
 * itself where they are not above 0x7e8000000000: gcc, libsanitizer/tsan/tsan_platform.h). */
#define WINDOW_HIGH_FROM UINT64_C(0x7e8000000000)
#define WINDOW_HIGH_TO UINT64_C(0x7e9003000000) /* as WINDOW_TO is */

/* Around the system pages of the domain, which have so much room from WINDOW_TO or WINDOW_HIGH_TO on; at both
 * ends of it is nothing, so that a system call that goes on behind the memory it was given ends there, and
 * does not come to them. */
/* A stack of 16 MiB and libraries above it (window_stack.c). */
#define WINDOW_NEAR_BELOW UINT64_C(0x3000000)
#define WINDOW_SYSTEM_ROOM UINT64_C(0x4400000)
#define WINDOW_SYSTEM_GAP LARGE_BYTES
#define WINDOW_NEAR_ABOVE UINT64_C(0x2c00000) /* the program, and its heap */

/* The guest gets its memory in pieces: a region costs the monitor time and memory by its size, and each one
 * besides a wait until nobody looks at the ones before (KVM: synchronize_srcu()), which takes milliseconds
 * where others want the CPUs. */
#define PIECE_BYTES UINT64_C(0x10000000)
#define PIECES (WINDOW_END / PIECE_BYTES)
#define WINDOW_LINKED_TO UINT64_C(0x4000000)

enum { OWN_PIECES = 3 };

/* Whoever maps that much at once (shadow memory of a sanitizer) touches little of it. */
#define SPARSE_BYTES UINT64_C(0x1000000000)

struct window {
    struct domain *domain;
    int proc; /* /proc */
    struct tally *tally;
    pthread_mutex_t lock; /* for all that follows */
    struct areas areas;
    uint64_t heap, heap_end;
    bool reading_executes, watched;
    bool keeps_from_children; /* some mapping (MADV_DONTFORK) */
    bool grows;               /* some mapping, downwards (MAP_GROWSDOWN) */
    struct {
        uint64_t guard, lowest, bottom, top;
    } stack; /* [bottom, top) may be used, [guard, top) is set aside */
    struct {
        uint64_t from, code, to; /* the kernel's data, then its code */
        bool runs;               /* the guest has the data */
    } clock;
    /* Pieces of memory (PIECE_BYTES) with bounds of their own: what is below 2 MiB, so that large pages line
     * up behind it; where small programs are linked for that may not lie anywhere; what is around the system
     * pages, and they. */
    struct own_piece {
        uint64_t from, to; /* its end lies within a piece, or at the end of one */
        gpa_t start;
    } own[OWN_PIECES];
    gpa_t pieces[PIECES]; /* all else; where each is in the guest's physical memory; 0: nowhere yet */
};

/* ---- window.c ---- */

/* WINDOW_HIGH_TO, or WINDOW_TO: the room of the system pages begins there, in this process. */
uint64_t window_top(void);

/* Whatever changes memory goes on between these two, one thread after another, and is counted as its work. */
void window_begin(struct window *window);
void window_end(struct window *window);

/* A system call about memory, and its result. */
struct host_call {
    long number, arguments[6], result;
};
int window_host_call(void *call, struct error *error);

/* As a protection: only the kernel knows what the range is then, and its list is read. */
enum { AREA_ASK = -2 };

/* Takes [from, to) from the guest and makes the call; then the areas say what the range is, which the guest
 * has when it returns. The call's result. */
int64_t window_change(
    struct window *window, uint64_t from, uint64_t to, int protection, struct host_call *call);

/* Gives the guest what the areas say of [from, to), where it has nothing. */
int window_give(struct window *window, uint64_t from, uint64_t to, struct error *error);

/* The kernel's list of what this process has mapped (proc(5), /proc/PID/maps); NULL with errno.
 * window_maps.c. */
FILE *window_open_maps(const struct window *window);
/* A line of it. */
struct window_mapping {
    uint64_t from, to, offset, inode;
    int protection;
    bool shared;
    bool file;     /* of a file that has an end: not what devices and the kernel itself map */
    bool attached; /* by shmat() */
};
/* False: there is no more. window_maps.c. */
bool window_next_mapping(FILE *maps, struct window_mapping *mapping);
/* Makes the areas of [from, to) what such a list says; NULL: as they are. window_maps.c. */
int window_read_areas(struct window *window, FILE *maps, uint64_t from, uint64_t to);
/* How long the mapping is that begins there; 0: none does. window_maps.c. */
uint64_t window_mapped_bytes(FILE *maps, uint64_t from);
/* How far the pieces reach that are left of a segment of shared memory which was attached there; 0: none is.
 * window_maps.c. */
uint64_t window_attached_bytes(FILE *maps, uint64_t from);

/* ---- window_calls.c ---- */

bool window_is_free(const struct window *window, uint64_t from, uint64_t bytes);
/* 0: there is none. flags: MAP_32BIT counts. */
uint64_t window_find_free(struct window *window, uint64_t bytes, uint64_t alignment, int flags);
/* mprotect() of [from, to): up to the first hole it takes effect, and then it fails. */
int64_t window_protect(struct window *window, uint64_t from, uint64_t to, int protection);
/* What a mapping of so many bytes is aligned to, so that large pages fit. flags: MAP_HUGETLB counts. */
uint64_t window_alignment(uint64_t bytes, int flags);

/* ---- window_rings.c ---- */

/* A mapping of a file that cannot be where it was to be, by an mmap() that has failed: its address, which the
 * kernel chooses, or a negative errno. protection: what the areas have then. */
int64_t window_map_where_kernel_wants(struct window *window, const struct host_call *call, int protection);

/* ---- window_used.c ---- */

/* Counts what of [from, to) is in memory, where that is wanted: it is about to be given back. */
void window_count_used(struct window *window, uint64_t from, uint64_t to);

/* ---- window_clock.c ---- */

/* Lends the guest what the kernel lends every process for its clock; its data once they are wanted. */
int window_lend_clock(struct window *window, struct error *error);
int window_start_clock(struct window *window, struct error *error);
/* PROT_*; AREA_NONE: it is not there. */
int window_clock_rights(const struct window *window, uint64_t address);

#endif
