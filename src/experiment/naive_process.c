#include "experiment/naive_process.h"

#include <string.h>

enum {
    PAGE = 4096,
    DIVIDE = 0,
    STEPPED = 1,
    BREAKPOINT = 3,
    UNDEFINED = 6,
    BY_CPU = 32,
    PROTECTION = 13,
    FAULT = 14
};
enum { EINVAL_ = -22, EEXIST_ = -17, ENOSYS_ = -38, RET = 0xc3 };

enum access { READS, WRITES, RUNS };

static void add(struct naive_process *p, uint32_t what, uint64_t a, uint64_t b)
{
    if (p->count < NAIVE_EVENTS)
        p->event[p->count++] = (struct guest_event){what, p->steps, a, b};
}

static void add_exception(
    struct naive_process *p, unsigned vector, unsigned error, uint64_t address, uint64_t at)
{
    add(p, EVENT_EXCEPTION, (uint64_t)vector << 32 | error, address);
    add(p, EVENT_AT, at, 0);
}

static bool any(unsigned rights)
{
    return rights & 7;
}

/* ---- an access ---- */

static bool comes(const struct naive_page *page)
{
    return page->demand && !page->there && any(page->demand_rights);
}

static void come(struct naive_process *p, unsigned at)
{
    unsigned first = at - at % p->fault_around, filled = 0;
    for (unsigned i = first; i < first + p->fault_around && i < GUEST_WINDOW_PAGES; i++) {
        struct naive_page *page = &p->page[i];
        if (!comes(page))
            continue;
        filled++;
        page->there = true;
        page->object = -1;
        memset(&page->own, 0, sizeof page->own);
        page->rights = page->demand_rights;
        page->accessed = page->dirty = page->unsure = false;
    }
    add(p, EVENT_FILLED, at, filled);
}

static bool is_allowed(const struct naive_page *page, enum access access, bool user)
{
    if (user && !(page->rights & GUEST_USER))
        return false;
    if (access == WRITES)
        return page->rights & GUEST_WRITE;
    return access == READS || page->rights & GUEST_EXECUTE;
}

/* The error code of the page fault (SDM volume 3, 4.7), or -1. */
static int fault_of(const struct naive_page *page, enum access access, bool user)
{
    int how = (access == WRITES ? 2 : 0) | (user ? 4 : 0) | (access == RUNS ? 16 : 0);
    if (!page->there || !any(page->rights))
        return how;
    return is_allowed(page, access, user) ? -1 : how | 1;
}

static struct naive_memory *memory_of(struct naive_process *p, struct naive_page *page)
{
    return page->object < 0 ? &page->own : &p->object[page->object];
}

/* The memory, or NULL with the error code. */
static struct naive_memory *touch(
    struct naive_process *p, unsigned at, enum access access, bool user, int *error)
{
    struct naive_page *page = &p->page[at];
    if (comes(page))
        come(p, at);
    *error = fault_of(page, access, user);
    if (*error >= 0) {
        page->unsure |= *error & 1 && !page->accessed;
        return NULL;
    }
    page->accessed = true;
    page->unsure = false;
    page->dirty |= access == WRITES;
    return memory_of(p, page);
}

static void by_process(struct naive_process *p, const struct guest_step *step, enum access access)
{
    int error;
    uint64_t word = access == RUNS ? 0 : step->b;
    struct naive_memory *memory = touch(p, step->a, access, true, &error);
    if (!memory) {
        add_exception(p, FAULT, (unsigned)error, GUEST_WINDOW + step->a * (uint64_t)PAGE + word * 8, 0);
        return;
    }
    if (access == WRITES)
        memory->word[word] = step->c;
    if (access == READS)
        add(p, EVENT_VALUE, memory->word[word], 0);
    else
        add(p, EVENT_DONE, 0, 0);
}

static void by_kernel(struct naive_process *p, const struct guest_step *step, enum access access)
{
    int error;
    struct naive_memory *memory = touch(p, step->a, access, false, &error);
    if (!memory)
        add(p, EVENT_KERNEL, (uint64_t)FAULT << 32 | (unsigned)error,
            GUEST_WINDOW + step->a * (uint64_t)PAGE + step->b * 8);
    else if (access == WRITES)
        memory->word[step->b] = step->c;
    else
        add(p, EVENT_LOADED, memory->word[step->b], 0);
}

/* ---- system calls ---- */

static bool is_free(const struct naive_page *page)
{
    return !page->there && !page->demand;
}

static int64_t do_demand(struct naive_process *p, const struct guest_step *step)
{
    if (!(step->c & GUEST_READ))
        return EINVAL_;
    for (uint64_t i = 0; i < step->b; i++)
        if (!is_free(&p->page[step->a + i]))
            return EEXIST_;
    for (uint64_t i = 0; i < step->b; i++) {
        p->page[step->a + i].demand = true;
        p->page[step->a + i].demand_rights = (unsigned)step->c;
    }
    return 0;
}

static int64_t do_map(struct naive_process *p, const struct guest_step *step)
{
    struct naive_page *page = &p->page[step->a];
    if (step->b >= GUEST_OBJECTS || step->c >= GUEST_RIGHTS)
        return EINVAL_;
    if (!is_free(page))
        return EEXIST_;
    *page = (struct naive_page){.there = true, .object = (int)step->b, .rights = (unsigned)step->c};
    return 0;
}

static int64_t do_range(struct naive_process *p, const struct guest_step *step)
{
    for (uint64_t i = 0; i < step->b; i++) {
        struct naive_page *page = &p->page[step->a + i];
        switch (step->what - STEP_CALL + GUEST_CALL_FIRST) {
        case GUEST_CALL_UNMAP:
            *page = (struct naive_page){.there = false};
            break;
        case GUEST_CALL_DROP:
            page->there = page->there && page->object >= 0;
            break;
        default:
            page->rights = (unsigned)step->c;
            page->demand_rights = (unsigned)step->c;
        }
    }
    return 0;
}

static int64_t do_move(struct naive_process *p, const struct guest_step *step)
{
    if (!is_free(&p->page[step->b]))
        return EEXIST_;
    struct naive_page moved = p->page[step->a];
    p->page[step->a] = (struct naive_page){.there = false};
    p->page[step->b] = moved;
    return 0;
}

static int64_t do_bits(struct naive_process *p, const struct guest_step *step)
{
    struct naive_page *page = &p->page[step->a];
    add(p, EVENT_BITS, page->there ? (page->accessed ? 0x20u : 0) | (page->dirty ? 0x40u : 0) : 0, 0);
    page->accessed = page->dirty = false;
    return 0;
}

static bool leaves_the_window(const struct guest_step *step)
{
    uint64_t number = GUEST_CALL_FIRST + step->what - STEP_CALL, pages = 1;
    if (number < GUEST_CALL_MAP || number > GUEST_CALL_STORE)
        return false;
    if (number == GUEST_CALL_UNMAP || number == GUEST_CALL_PROTECT || number == GUEST_CALL_DROP ||
        number == GUEST_CALL_DEMAND)
        pages = step->b;
    return step->a >= GUEST_WINDOW_PAGES || step->a + pages > GUEST_WINDOW_PAGES ||
           (number == GUEST_CALL_MOVE && step->b >= GUEST_WINDOW_PAGES);
}

static int64_t do_call(struct naive_process *p, const struct guest_step *step)
{
    if (leaves_the_window(step))
        return EINVAL_;
    switch (GUEST_CALL_FIRST + step->what - STEP_CALL) {
    case GUEST_CALL_YIELD:
    case GUEST_CALL_WAIT:
    case GUEST_CALL_SPAWN: /* of others, in an order in which they succeed */
    case GUEST_CALL_JOIN:
        return 0;
    case GUEST_CALL_MAP:
        return do_map(p, step);
    case GUEST_CALL_DEMAND:
        return do_demand(p, step);
    case GUEST_CALL_UNMAP:
    case GUEST_CALL_PROTECT:
    case GUEST_CALL_DROP:
        return do_range(p, step);
    case GUEST_CALL_MOVE:
        return do_move(p, step);
    case GUEST_CALL_BITS:
        return do_bits(p, step);
    case GUEST_CALL_LOAD:
        by_kernel(p, step, READS);
        return 0;
    case GUEST_CALL_STORE:
        by_kernel(p, step, WRITES);
        return 0;
    default:
        return ENOSYS_;
    }
}

/* ---- exceptions on purpose ---- */

/* Vector, error code, address and how far the instruction pointer has got (SDM volume 3, 6.15). */
static const struct {
    unsigned vector, error;
    uint64_t address, at;
} raised[RAISE_COUNT] = {
    [RAISE_DIVIDE] = {DIVIDE, 0, 0, 0},
    [RAISE_STEP] = {STEPPED, 0, 0, 1},
    [RAISE_BREAKPOINT] = {BREAKPOINT, 0, 0, 1},
    [RAISE_UNDEFINED] = {UNDEFINED, 0, 0, 0},
    [RAISE_STACK] = {BY_CPU, 0, 0, 0},
    [RAISE_NOT_CANONICAL] = {PROTECTION, 0, 0, 0},
    [RAISE_HALT] = {PROTECTION, 0, 0, 0},
    [RAISE_CLI] = {PROTECTION, 0, 0, 0},
    [RAISE_OUT] = {PROTECTION, 0, 0, 0},
    [RAISE_READ_CR3] = {PROTECTION, 0, 0, 0},
    [RAISE_READ_MSR] = {PROTECTION, 0, 0, 0},
    [RAISE_ALIGNMENT] = {17, 0, 0, 0},
    [RAISE_KERNEL_READ] = {FAULT, 5, GUEST_KERNEL_BASE, 0},
    [RAISE_KERNEL_WRITE] = {FAULT, 7, GUEST_KERNEL_BASE, 0},
    [RAISE_KERNEL_RUN] = {FAULT, 0x15, GUEST_KERNEL_BASE + GUEST_KERNEL_TEXT, 0},
};

static void do_raise(struct naive_process *p, unsigned how)
{
    unsigned vector = raised[how].vector == BY_CPU ? p->stack_vector : raised[how].vector;
    add_exception(p, vector, raised[how].error, raised[how].address, raised[how].at);
}

void naive_step(struct naive_process *p, const struct guest_step *step)
{
    switch (step->what) {
    case STEP_READ:
        by_process(p, step, READS);
        break;
    case STEP_WRITE:
        by_process(p, step, WRITES);
        break;
    case STEP_RUN:
        by_process(p, step, RUNS);
        break;
    case STEP_RAISE:
        do_raise(p, step->a);
        break;
    case STEP_SPIN:
        add(p, EVENT_SPUN, 1, 0);
        break;
    default:
        add(p, EVENT_ANSWER, (uint64_t)do_call(p, step), 0);
    }
    p->steps++;
}

void naive_end(struct naive_process *p)
{
    if (p->steps)
        p->steps--;
    add(p, EVENT_ENDED, 0, 0);
}

void naive_again(struct naive_process *p)
{
    memset(p->page, 0, sizeof p->page);
    memset(p->object, 0, (GUEST_OBJECTS - GUEST_OBJECTS_SHARED) * sizeof p->object[0]);
    p->steps = 0;
}

bool naive_is_open(const struct naive_process *p, const struct guest_step *step)
{
    const struct naive_page *page = &p->page[step->a % GUEST_WINDOW_PAGES];
    if (step->what == STEP_CALL + GUEST_CALL_BITS - GUEST_CALL_FIRST)
        return page->unsure;
    if (step->what != STEP_RUN)
        return false;
    if (comes(page))
        return page->demand_rights & GUEST_EXECUTE; /* zeroed memory would be run */
    if (fault_of(page, RUNS, true) >= 0)
        return false;
    return page->object >= GUEST_OBJECTS - GUEST_OBJECTS_SHARED ||
           ((page->object < 0 ? &page->own : &p->object[page->object])->word[0] & 0xff) != RET;
}
