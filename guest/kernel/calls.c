/* System calls, and memory that comes on demand. Pages are numbers in the window of the process that runs. */
#include "guest/kernel/kernel.h"

enum { EBUSY = 16, EEXIST = 17, EINVAL = 22, ENOSYS = 38, FAULT_PRESENT = 1, ADDRESS_BITS = 47 };

static void *shared_objects[GUEST_OBJECTS_SHARED];

static uint64_t address_of(uint64_t page)
{
    return GUEST_WINDOW + page * PAGE_BYTES;
}

static void set(uint64_t page, uint64_t value)
{
    operations->set(current->window + page, value, address_of(page));
}

static bool is_free(uint64_t page)
{
    return !current->window[page] && !current->demand[page];
}

static bool is_range(uint64_t page, uint64_t pages)
{
    return page < GUEST_WINDOW_PAGES && pages <= GUEST_WINDOW_PAGES - page;
}

/* ---- demand ---- */

static bool comes_on_demand(uint64_t page)
{
    return is_present(current->demand[page]) && !current->window[page];
}

static void fill(uint64_t page)
{
    uint64_t bits = leaf_bits(current->demand[page]) | BIT_DEMAND;
    set(page, physical_of(take_frame()) | bits | (boot.preset ? BIT_ACCESSED | BIT_DIRTY : 0));
}

/* All of it by one leaf. */
static bool large_fault(uint64_t address)
{
    const uint64_t bits =
        leaf_bits(current->large_rights) | BIT_LARGE | (boot.preset ? BIT_ACCESSED | BIT_DIRTY : 0);
    if (address - GUEST_LARGE >= GUEST_LARGE_PAGES * PAGE_BYTES || !current->large_rights || *current->large)
        return false;
    operations->set(current->large, boot.large | bits, GUEST_LARGE);
    operations->commit();
    status.faults++;
    status.filled += GUEST_LARGE_PAGES;
    log_event(EVENT_FILLED, GUEST_WINDOW_PAGES, GUEST_LARGE_PAGES);
    return true;
}

/* Maps the page and, as the hint of the start says, those around it that are to come on demand, too; false:
 * it is none. */
bool demand_fault(uint64_t address, uint64_t error_code)
{
    uint64_t page = (address - GUEST_WINDOW) / PAGE_BYTES, filled = 0, around = boot.fault_around;
    if (error_code & FAULT_PRESENT || address < GUEST_WINDOW)
        return false;
    if (page >= GUEST_WINDOW_PAGES || !comes_on_demand(page))
        return large_fault(address);
    uint64_t first = page & ~(around - 1), end = first + around;
    for (uint64_t i = first; i < end && i < GUEST_WINDOW_PAGES; i++) {
        if (comes_on_demand(i)) {
            fill(i);
            filled++;
        }
    }
    operations->commit();
    status.faults++;
    status.filled += filled;
    log_event(EVENT_FILLED, page, filled);
    return true;
}

static int64_t call_demand(const struct registers *at)
{
    const uint64_t page = at->rdi, pages = at->rsi, rights = at->rdx;
    if (!is_range(page, pages) || !(rights & GUEST_READ) || rights >= GUEST_RIGHTS)
        return -EINVAL;
    for (uint64_t i = page; i < page + pages; i++)
        if (!is_free(i))
            return -EEXIST;
    for (uint64_t i = page; i < page + pages; i++)
        current->demand[i] = (uint8_t)(rights | DEMAND_DECLARED);
    return 0;
}

static int64_t call_large(const struct registers *at)
{
    const uint64_t rights = at->rdi;
    if (!boot.large || !(rights & GUEST_READ) || rights >= GUEST_RIGHTS)
        return -EINVAL;
    if (current->large_rights)
        return -EEXIST;
    current->large_rights = (uint8_t)(rights | DEMAND_DECLARED);
    return 0;
}

/* Of a range, all or what came on demand. No frame goes back before nothing leads to it any more. */
static void take_away(uint64_t page, uint64_t pages, bool all)
{
    static void *leaving[GUEST_WINDOW_PAGES];
    unsigned count = 0;
    for (uint64_t i = page; i < page + pages; i++) {
        uint64_t entry = current->window[i];
        if (!entry || !(all || entry & BIT_DEMAND))
            continue;
        if (entry & BIT_DEMAND)
            leaving[count++] = page_of(entry & FRAME_BITS);
        set(i, 0);
    }
    operations->commit();
    for (unsigned i = 0; i < count; i++)
        give_frame(leaving[i]);
}

static int64_t call_drop(const struct registers *at)
{
    const uint64_t page = at->rdi, pages = at->rsi;
    if (!is_range(page, pages))
        return -EINVAL;
    take_away(page, pages, false);
    return 0;
}

/* ---- mapping ---- */

static void **object_at(uint64_t object)
{
    const unsigned own = GUEST_OBJECTS - GUEST_OBJECTS_SHARED;
    return object < own ? &current->objects[object] : &shared_objects[object - own];
}

static int64_t call_map(const struct registers *at)
{
    const uint64_t page = at->rdi, object = at->rsi, rights = at->rdx;
    if (!is_range(page, 1) || object >= GUEST_OBJECTS || rights >= GUEST_RIGHTS)
        return -EINVAL;
    if (!is_free(page))
        return -EEXIST;
    void **frame = object_at(object);
    if (!*frame)
        *frame = take_frame();
    set(page, physical_of(*frame) | leaf_bits((unsigned)rights));
    operations->commit();
    return 0;
}

static int64_t call_unmap(const struct registers *at)
{
    const uint64_t page = at->rdi, pages = at->rsi;
    if (!is_range(page, pages))
        return -EINVAL;
    take_away(page, pages, true);
    for (uint64_t i = page; i < page + pages; i++)
        current->demand[i] = 0;
    return 0;
}

/* What is there keeps its frame, accessed and dirty; what is to come on demand comes with these rights. */
static int64_t call_protect(const struct registers *at)
{
    const uint64_t page = at->rdi, pages = at->rsi, rights = at->rdx;
    const uint64_t kept = FRAME_BITS | BIT_ACCESSED | BIT_DIRTY | BIT_DEMAND;
    if (!is_range(page, pages) || rights >= GUEST_RIGHTS)
        return -EINVAL;
    for (uint64_t i = page; i < page + pages; i++) {
        uint64_t entry = current->window[i];
        if (entry)
            set(i, (entry & kept) | leaf_bits((unsigned)rights));
        if (current->demand[i])
            current->demand[i] = (uint8_t)(rights | DEMAND_DECLARED);
    }
    operations->commit();
    return 0;
}

static int64_t call_move(const struct registers *at)
{
    const uint64_t from = at->rdi, to = at->rsi;
    if (!is_range(from, 1) || !is_range(to, 1))
        return -EINVAL;
    if (!is_free(to))
        return -EEXIST;
    uint64_t entry = current->window[from];
    set(from, 0);
    set(to, entry);
    operations->commit();
    current->demand[to] = current->demand[from];
    current->demand[from] = 0;
    return 0;
}

/* ---- looking ---- */

static int64_t call_bits(const struct registers *at)
{
    const uint64_t page = at->rdi;
    const uint64_t bits = BIT_ACCESSED | BIT_DIRTY;
    if (!is_range(page, 1))
        return -EINVAL;
    uint64_t entry = current->window[page];
    log_event(EVENT_BITS, entry & bits, 0);
    if (entry & bits) {
        set(page, entry & ~bits);
        operations->commit();
    }
    return 0;
}

static bool is_word(uint64_t page, uint64_t word)
{
    return is_range(page, 1) && word < PAGE_BYTES / 8;
}

static int64_t call_load(const struct registers *at)
{
    const uint64_t page = at->rdi, word = at->rsi;
    uint64_t value;
    if (!is_word(page, word))
        return -EINVAL;
    if (!access_load(address_of(page) + word * 8, &value))
        log_event(EVENT_LOADED, value, 0);
    return 0;
}

static int64_t call_store(const struct registers *at)
{
    const uint64_t page = at->rdi, word = at->rsi, value = at->rdx;
    if (!is_word(page, word))
        return -EINVAL;
    access_store(address_of(page) + word * 8, value);
    return 0;
}

/* ---- processes ---- */

static int64_t call_exit(const struct registers *at)
{
    process_end(at->rdi);
    return 0;
}

static int64_t call_yield(const struct registers *at)
{
    (void)at;
    process_next();
    return 0;
}

static int64_t call_wait(const struct registers *at)
{
    (void)at;
    current->state = PROCESS_WAITING;
    process_next();
    return 0;
}

static int64_t call_handler(const struct registers *at)
{
    if (at->rdi >> ADDRESS_BITS) /* no return would lead there */
        return -EINVAL;
    current->handler = at->rdi;
    return 0;
}

static int64_t call_spawn(const struct registers *at)
{
    struct process *process = process_number(at->rdi);
    if (!process)
        return -EINVAL;
    if (process->state != PROCESS_FREE)
        return -EBUSY;
    process_make(process);
    return 0;
}

static int64_t call_join(const struct registers *at)
{
    const struct process *process = process_number(at->rdi);
    if (!process || process == current)
        return -EINVAL;
    if (process->state == PROCESS_FREE)
        return 0;
    current->joins = process;
    current->state = PROCESS_JOINING;
    process_next();
    return 0;
}

/* ---- for those who measure ---- */

static int64_t call_mark(const struct registers *at)
{
    (void)at;
    operations->out(GUEST_KERNEL_PORT_MARK, 0);
    return 0;
}

static void trap_for_nothing(void)
{
    __asm__ volatile("cli" : : : "memory"); /* no interrupt is let in here anyway */
}

static void fault_for_nothing(void)
{
    uint64_t ignored;
    access_load(address_of(GUEST_WINDOW_PAGES), &ignored);
}

static void loop(uint64_t times)
{
    if (times)
        __asm__ volatile("1: subq $1, %0\n\tjnz 1b" : "+r"(times) : : "cc");
}

static int64_t call_null(const struct registers *at)
{
    void (*const does[NULL_COUNT])(void) = {
        [NULL_REQUEST] = operations->request,
        [NULL_TRAP] = trap_for_nothing,
        [NULL_FAULT] = fault_for_nothing,
    };
    const uint64_t what = at->rdi, times = at->rsi;
    if (what == NULL_LOOP)
        loop(times);
    else if (what >= NULL_COUNT || !does[what])
        return -EINVAL;
    for (uint64_t i = 0; what != NULL_LOOP && i < times; i++)
        does[what]();
    return 0;
}

static int64_t (*const calls[GUEST_CALL_COUNT])(const struct registers *) = {
    [GUEST_CALL_EXIT - GUEST_CALL_FIRST] = call_exit,
    [GUEST_CALL_YIELD - GUEST_CALL_FIRST] = call_yield,
    [GUEST_CALL_WAIT - GUEST_CALL_FIRST] = call_wait,
    [GUEST_CALL_HANDLER - GUEST_CALL_FIRST] = call_handler,
    [GUEST_CALL_MAP - GUEST_CALL_FIRST] = call_map,
    [GUEST_CALL_DEMAND - GUEST_CALL_FIRST] = call_demand,
    [GUEST_CALL_UNMAP - GUEST_CALL_FIRST] = call_unmap,
    [GUEST_CALL_PROTECT - GUEST_CALL_FIRST] = call_protect,
    [GUEST_CALL_MOVE - GUEST_CALL_FIRST] = call_move,
    [GUEST_CALL_DROP - GUEST_CALL_FIRST] = call_drop,
    [GUEST_CALL_BITS - GUEST_CALL_FIRST] = call_bits,
    [GUEST_CALL_LOAD - GUEST_CALL_FIRST] = call_load,
    [GUEST_CALL_STORE - GUEST_CALL_FIRST] = call_store,
    [GUEST_CALL_SPAWN - GUEST_CALL_FIRST] = call_spawn,
    [GUEST_CALL_JOIN - GUEST_CALL_FIRST] = call_join,
    [GUEST_CALL_MARK - GUEST_CALL_FIRST] = call_mark,
    [GUEST_CALL_NULL - GUEST_CALL_FIRST] = call_null,
    [GUEST_CALL_LARGE - GUEST_CALL_FIRST] = call_large,
};

int64_t system_call(struct registers *at)
{
    uint64_t number = at->rax - GUEST_CALL_FIRST;
    return number < GUEST_CALL_COUNT ? calls[number](at) : -ENOSYS;
}
