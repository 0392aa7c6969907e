/* The memory of a program in a domain: what it maps is mapped here, at the same addresses, and the guest's
 * tables say the same. So its pointers mean the same here and there, and system calls take them as they are.
 *
 * Two ranges are the program's: low addresses, for programs that are linked there, and the window. No memory
 * of vcost lies in either: the kernel places its mappings above. A change takes the pages from the guest,
 * makes the real system call, and gives the guest what the range is then (domain/memory.h).
 *
 * Functions that stand for a system call return what Linux would: a value, or a negative errno. Any thread;
 * one after the other. */
#ifndef VCOST_PROGRAM_INSIDE_WINDOW_H
#define VCOST_PROGRAM_INSIDE_WINDOW_H

#include "base/error.h"
#include "domain/domain.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define WINDOW_LOW_FROM UINT64_C(0x200000)
#define WINDOW_LOW_END UINT64_C(0x40000000) /* where the domain's system pages begin (abi/domain.h) */
#define WINDOW_FROM UINT64_C(0x200000000000)
#define WINDOW_TO UINT64_C(0x240000000000)

struct window;

int window_create(struct domain *domain, struct window **window, struct error *error);

/* Is [address, address + bytes) all in the program's ranges (or in what the kernel lends every process for
 * its clock)? Whatever is not is none of its business. */
bool window_holds(const struct window *window, uint64_t address, uint64_t bytes);

/* Is memory of vcost itself at an address, or could it be? All of it lies above the window. */
bool window_is_foreign(const struct window *window, uint64_t address);

/* What a program may do at an address: PROT_*; AREA_NONE (areas.h). Waits for changes that are being made. */
int window_rights(struct window *window, uint64_t address);

/* Looks where mapped files end, and lets the guest fault behind. False: there are none, or nobody tells. */
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
int64_t window_shmat(struct window *window, int segment, uint64_t address, int flags);
int64_t window_shmdt(struct window *window, uint64_t address);

/* Where the heap (brk) begins: behind the program. */
void window_set_heap(struct window *window, uint64_t start);

/* A free range of so many bytes, for who maps pieces of it with MAP_FIXED next; 0: there is none. */
uint64_t window_find(struct window *window, uint64_t bytes, uint64_t alignment);

/* Where the kernel's code for the clock is, mapped for the program, too (AT_SYSINFO_EHDR); 0: nowhere. */
uint64_t window_clock(const struct window *window);

/* Around fork(): nobody changes anything meanwhile. In the child the domain must be renewed before the
 * second.
 */
void window_hold(struct window *window);
void window_go_on(struct window *window);

#endif
