/* The linked kernel's own declarations. One virtual CPU; the kernel is never interrupted but in idle(). */
#ifndef VCOST_GUEST_KERNEL_H
#define VCOST_GUEST_KERNEL_H

#include "abi/guest_kernel.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PAGE_BYTES = 4096, ENTRIES = 512, LEVELS = 4 };

/* ---- entry.S ---- */

/* As pushed at an entry, lowest first. Of a process it ends where the CPU's stack for entries begins, which
 * is a multiple of 16. */
struct registers {
    uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax;
    uint64_t vector, error_code;
    uint64_t rip, cs, rflags, rsp, ss;
};

extern uint64_t entry_stack;
extern char stack_top[];
extern char resume[], access_load_at[], access_store_at[], access_failed[];
int access_load(uint64_t from, uint64_t *value); /* 0, or not 0 if it raised an exception */
int access_store(uint64_t to, uint64_t value);

/* ---- what differs between monitors ---- */

/* Page tables are read as memory everywhere, written by these alone. */
struct operations {
    void *resume;        /* code that goes on with the registers at RAX */
    void (*start)(void); /* before anything else */
    /* An entry, which maps or leads to `address`, becomes `value`. What was queued is in effect after
     * commit(), nothing stale is left of it, and before that nobody may read it. */
    void (*set)(uint64_t *entry, uint64_t value, uint64_t address);
    void (*commit)(void);
    /* A page of those for tables that is no table any more is zeroed. */
    void (*clear_table)(void *table);
    /* An empty table becomes the root of an address space; and is none any more, nor active. */
    void (*make_root)(void *root);
    void (*end_root)(void *root);
    void (*activate)(void *root);    /* switches the address space */
    uint64_t (*fault_address)(void); /* of the page fault that is being handled */
    void (*ticked)(void);            /* a tick is being handled */
    void (*idle)(void);              /* returns after a tick was handled */
    void (*out)(uint16_t port, uint32_t value);
    void (*request)(void); /* for nothing; NULL: there is nobody to ask */
};
extern const struct operations on_hardware, on_paravirt;
extern const struct operations *operations;

/* ---- memory: frames.c ---- */

void *page_at(uint64_t number); /* of guest_kernel_boot's pages */
uint64_t physical_of(const void *page);
void *page_of(uint64_t physical);
void *take_frame(void); /* zeroed */
void give_frame(void *frame);
void *take_table(void); /* zeroed */
void give_table(void *table);
void clear_page(void *page);

/* ---- address spaces: space.c ---- */

#define BIT_PRESENT (1ul << 0)
#define BIT_WRITE (1ul << 1)
#define BIT_USER (1ul << 2)
#define BIT_ACCESSED (1ul << 5)
#define BIT_DIRTY (1ul << 6)
#define BIT_LARGE (1ul << 7)   /* of an entry of level 2: a leaf */
#define BIT_DEMAND (1ul << 9)  /* software's: a frame that goes back to the allocator */
#define BIT_MAPPED (1ul << 10) /* the same: a leaf, present or not */
#define BIT_NO_EXECUTE (1ul << 63)
#define FRAME_BITS 0x000ffffffffff000ul

void *space_make(void);
void space_end(void *root); /* with its tables and what it got on demand; not the active one */
/* The entry of a level, 1 or 2, for an address, in tables that are made if there are none. */
uint64_t *space_entry(void *root, uint64_t address, unsigned lowest);
uint64_t leaf_bits(unsigned rights);
static inline bool is_present(unsigned rights)
{
    return rights & (GUEST_READ | GUEST_WRITE | GUEST_EXECUTE);
}

/* ---- processes: process.c ---- */

enum { DEMAND_DECLARED = GUEST_RIGHTS };

enum process_state { PROCESS_FREE, PROCESS_READY, PROCESS_WAITING, PROCESS_JOINING };

struct process {
    struct registers registers;
    enum process_state state;
    const struct process *joins; /* for whose end it waits */
    void *root;
    uint64_t handler;
    struct guest_log *log;
    void *objects[GUEST_OBJECTS];
    uint64_t *window;                   /* the table of level 1 behind GUEST_WINDOW */
    uint64_t *large;                    /* the entry of level 2 for GUEST_LARGE; */
    uint8_t large_rights;               /* with DEMAND_DECLARED; 0: it has none */
    uint8_t demand[GUEST_WINDOW_PAGES]; /* rights of what comes on demand, with DEMAND_DECLARED; 0: nothing */
} __attribute__((aligned(16)));

extern struct process *current;
struct registers *process_first(void);           /* makes those of the start, and goes to the first */
struct process *process_number(uint64_t number); /* NULL: there is none */
void process_make(struct process *process);
/* `current` becomes the next that is ready, perhaps the same; ends the kernel's work if none is left. */
void process_next(void);
void process_tick(void);
void process_end(uint64_t status);
/* The next event of the process that runs. */
void log_event(uint32_t what, uint64_t a, uint64_t b);

/* ---- main.c, calls.c ---- */

extern volatile struct guest_kernel_boot boot;
extern struct guest_kernel_status status;
_Noreturn void panic(enum guest_panic why, uint64_t first, uint64_t second, uint64_t third);
struct registers *trap(struct registers *at); /* every entry: the answer is what to go on with */
int64_t system_call(struct registers *at);
bool demand_fault(uint64_t address, uint64_t error_code);

#endif
