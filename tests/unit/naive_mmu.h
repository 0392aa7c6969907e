/* What an x86-64 CPU and a hypervisor of Xen's kind would do, as simply as it can be said: everything is
 * worked out anew each time from what stands in memory. Shares no code with src/. */
#ifndef VCOST_TESTS_NAIVE_MMU_H
#define VCOST_TESTS_NAIVE_MMU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { NAIVE_PIECES = 3, NAIVE_FRAMES = 2048, NAIVE_PINS = 24 };

struct naive_memory {
    struct {
        uint64_t start, bytes;
        char *host;
    } piece[NAIVE_PIECES];
};

/* NULL: no memory. */
uint64_t *naive_word(const struct naive_memory *memory, uint64_t address);

/* ---- the CPU: 4 levels, 46 bits of physical address, CR0.WP, EFER.NXE ---- */

struct naive_leaf {
    bool reached;  /* all is present and nothing reserved */
    bool reserved; /* else: 1 in the error code */
    uint64_t to;   /* of the address itself */
    uint64_t bytes;
    bool write, user, execute; /* what all levels allow */
    bool accessed;             /* at all levels */
    bool dirty;
    uint64_t entries[4]; /* physical addresses of the entries, from the root; 0: not read */
};

struct naive_leaf naive_walk(const struct naive_memory *memory, uint64_t root, uint64_t virtual);

/* An access: 0 and *to, with the bits set in memory; or the page fault's error code, which is never 0 here if
 * `code` (bits as in the error code: 2 write, 4 user, 16 fetch) is not; -1 for a code of 0. */
int naive_access(
    const struct naive_memory *memory, uint64_t root, uint64_t virtual, unsigned code, uint64_t *to);

/* ---- the hypervisor ---- */

struct naive_types {
    bool wrong;                       /* what stands there is refused */
    unsigned char type[NAIVE_FRAMES]; /* 0; 1 to 4: a table; 5: writable */
    unsigned references[NAIVE_FRAMES];
    unsigned tables;
};

struct naive_pins {
    unsigned count;
    struct {
        uint64_t table;
        unsigned level;
    } list[NAIVE_PINS];
};

/* What each frame is, given what is pinned; then what it would be if besides there were an entry of a table
 * of this level somewhere (0: none). Frames are numbered through the pieces. */
void naive_collect(
    const struct naive_memory *memory, const struct naive_pins *pins, struct naive_types *types);
void naive_also(const struct naive_memory *memory, struct naive_types *types, uint64_t entry, unsigned level);

/* -1: no memory. */
int naive_frame(const struct naive_memory *memory, uint64_t address);

#endif
