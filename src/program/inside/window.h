/* The memory of a program in a domain: what it maps is mapped here, at the same addresses, and the guest's
 * tables say the same. So its pointers mean the same here and there, and system calls take them as they are.
 *
 * Most addresses are the program's (window.c has the table): not the first 4 KiB, those of the domain's
 * system pages here, and those where the kernel places what vcost itself has, where in the guest the system
 * pages are. What a program maps without asking for an address lies below the system pages, and what does not
 * fit there between WINDOW_FROM and WINDOW_TO. A change takes the pages from the guest, makes the real system
 * call, and gives the guest what the range is then (domain/memory.h).
 *
 * Functions that stand for a system call return what Linux would: a value, or a negative errno. Any thread;
 * one after the other. */
#ifndef VCOST_PROGRAM_INSIDE_WINDOW_H
#define VCOST_PROGRAM_INSIDE_WINDOW_H

#include "base/error.h"
#include "domain/domain.h"
#include "paging/page_tables.h"
#include "program/tally.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

/* Below the second the kernel may refuse (vm.mmap_min_addr): what may lie anywhere does not lie there. */
#define WINDOW_LOW_FROM UINT64_C(0x1000)
#define WINDOW_EVERYONES_FROM UINT64_C(0x10000)
#define WINDOW_FROM UINT64_C(0x200000000000)
/* Where a piece begins, and WINDOW_NEAR_BELOW (window_internal.h). */
#define WINDOW_TO UINT64_C(0x540003000000)

struct window;

/* Where the domain is to have its system pages here: what is mapped without an address comes from there on
 * down, behind them is the program. What is near on both sides is the guest's at once, with them, so that a
 * small program needs no more. */
struct domain_room window_room(const struct tally *tally);

/* Of a domain with that room. proc: a descriptor of /proc, which must outlive it, as must the tally. */
int window_create(
    struct domain *domain, int proc, struct tally *tally, struct window **window, struct error *error);

/* Before the process ends or executes another program: counts what it used (tally.h), where that is wanted.
 */
void window_prove(struct window *window);

/* From now on what is mapped is mapped in small pages that were not accessed. */
void window_watch(struct window *window);

/* Calls each() for every leaf that the program has, with what it has accessed since the harvest before (or
 * since window_watch()), and end() when all are done, before anything changes. */
int window_harvest(struct window *window, void (*each)(void *context, const struct page_leaf *leaf),
    void (*end)(void *context), void *context, struct error *error);

/* Are these addresses that a program may have? */
bool window_owns(uint64_t from, uint64_t bytes);

/* Is [address, address + bytes) all in the program's ranges (or in what the kernel lends every process for
 * its clock)? Whatever is not is none of its business. */
bool window_holds(const struct window *window, uint64_t address, uint64_t bytes);

/* What the program has mapped first of [*from, to): [*from, *end). False: nothing. */
bool window_next(struct window *window, uint64_t *from, uint64_t to, uint64_t *end);

/* How much of its addresses a program has mapped outside of [from, to), as Linux counts that for RLIMIT_AS:
 * of its stack as much as it begins with. */
uint64_t window_total(struct window *window, uint64_t from, uint64_t to);

/* The same of what is private and may be written, for RLIMIT_DATA; `within`: of [from, to) what is private.
 * By the kernel's list, which takes time. */
uint64_t window_data(struct window *window, uint64_t from, uint64_t to, bool within);

/* Is memory of vcost itself at an address, or could it be? */
bool window_is_foreign(const struct window *window, uint64_t address);

/* What a program may do at an address: PROT_*; AREA_NONE (areas.h). Waits for changes that are being made. */
int window_rights(struct window *window, uint64_t address);

/* The guest has faulted where it may do what it did. Gives it what it lacks there of a mapping so large that
 * it gets only what it touches, or of the clock. */
int window_bring(struct window *window, uint64_t address, struct error *error);

/* Looks where mapped files end, and lets the guest fault behind. False: there is nothing more to take. */
bool window_take_ends(struct window *window);
/* Is that why it faults at an address? */
bool window_is_behind_end(struct window *window, uint64_t address);

int64_t window_mmap(struct window *window, uint64_t address, uint64_t bytes, int protection, int flags,
    int file, uint64_t offset);
int64_t window_munmap(struct window *window, uint64_t address, uint64_t bytes);
int64_t window_mprotect(struct window *window, uint64_t address, uint64_t bytes, int protection);
int64_t window_mremap(
    struct window *window, uint64_t address, uint64_t bytes, uint64_t to_bytes, int flags, uint64_t to);
int64_t window_brk(struct window *window, uint64_t end);
/* Before a mapping is kept from children. */
void window_keep_from_children(struct window *window);
int64_t window_shmat(struct window *window, int segment, uint64_t address, int flags);
int64_t window_shmdt(struct window *window, uint64_t address);
int64_t window_io_destroy(struct window *window, uint64_t ring);

/* What io_setup() has made at *ring goes where the program's memory is, and *ring with it. -ENOMEM: it is
 * destroyed. */
int window_move_ring(struct window *window, uint64_t *ring);

/* What this thread of the host has done about changes of memory since it first asked: the host's own calls,
 * and its CPU time beside them. Not the clock's time: it may wait for another thread's change, and for a CPU.
 */
struct window_work {
    uint64_t calls, cpu_ns;
};
struct window_work window_work(void);

/* How many of them other threads have made: so often they changed this memory. */
uint64_t window_others_changes(void);

/* From now on whatever is mapped to be read may be executed, too (personality(2), READ_IMPLIES_EXEC). */
void window_reading_executes(struct window *window, bool does);

/* Where a program goes that may lie anywhere, with its heap behind. */
uint64_t window_program(void);

/* Where the heap (brk) begins: behind the program. */
void window_set_heap(struct window *window, uint64_t start);

/* The first thread's stack: its top, or a negative errno; *bottom is as far down as `bytes` allow, and that
 * goes down when they are raised, to WINDOW_STACK_BYTES at most. */
#define WINDOW_STACK_BYTES UINT64_C(0x40000000)
int64_t window_make_stack(struct window *window, uint64_t bytes, int protection, uint64_t *bottom);
void window_raise_stack(struct window *window, uint64_t bytes);
/* The guest has faulted where it has nothing. Has a mapping grown down to there that was made to
 * (MAP_GROWSDOWN)? */
bool window_grow(struct window *window, uint64_t address);
/* Where natively there is nothing, though the memory that the stack may grow into is set aside. */
bool window_is_below_stack(struct window *window, uint64_t address);

/* A free range of so many bytes, for who maps pieces of it with MAP_FIXED next; 0: there is none. */
uint64_t window_find(struct window *window, uint64_t bytes, uint64_t alignment);

/* Where the kernel's code for the clock is, mapped for the program, too (AT_SYSINFO_EHDR); 0: nowhere. */
uint64_t window_clock(const struct window *window);

/* Writes a line of the kernel's list of mappings (proc(5)) as it is for the program: what of it is the
 * program's, or the kernel's for every process. */
void window_tell_mapping(struct window *window, const char *line, FILE *to);

/* Around fork(): nobody changes anything meanwhile. In the child the domain must be renewed, and what it has
 * not been given be taken from it, before the last. */
void window_hold(struct window *window);
int window_after_fork(struct window *window, struct error *error);
void window_go_on(struct window *window);

#endif
