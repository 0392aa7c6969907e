/* Operations of a kernel that knows its monitor: page tables, time and entries are asked for
 * (abi/hypercall.h). */
#include "abi/hypercall.h"
#include "guest/kernel/kernel.h"
#include "guest/kernel/layout.h"

extern char paravirt_enter[], paravirt_resume[];
struct registers *paravirt_trap(struct registers *at);

uint64_t paravirt_stub, paravirt_fault_address; /* paravirt.S */

static struct hypercall_update queue[HYPERCALL_BATCH];
static unsigned queued;
static struct hypercall_entries entries;

/* ---- asking ---- */

static int64_t ask(uint64_t number, uint64_t first, uint64_t second, uint64_t third)
{
    int64_t answer = (int64_t)number;
    if (paravirt_stub)
        __asm__ volatile("call *%1"
                         : "+a"(answer)
                         : "m"(paravirt_stub), "D"(first), "S"(second), "d"(third)
                         : "rcx", "r11", "memory");
    else
        __asm__ volatile("syscall"
                         : "+a"(answer)
                         : "D"(first), "S"(second), "d"(third)
                         : "rcx", "r11", "memory");
    return answer;
}

/* What this kernel asks for is right: a refusal is the end. */
static void must(uint64_t number, uint64_t first, uint64_t second, uint64_t third, int64_t expected)
{
    int64_t answer = ask(number, first, second, third);
    if (answer != expected)
        panic(GUEST_PANIC_HYPERCALL, number, (uint64_t)answer, first);
}

/* ---- entries ---- */

struct registers *paravirt_trap(struct registers *at)
{
    if (at->vector == HYPERCALL_ENTRY_SYSTEM_CALL)
        at->vector = SYSTEM_CALL;
    else if (at->vector == HYPERCALL_ENTRY_TICK)
        at->vector = GUEST_KERNEL_TICK;
    return trap(at);
}

static void start(void)
{
    int64_t stub = ask(HYPERCALL_ASK, HYPERCALL_ASK_STUB, 0, 0);
    paravirt_stub = stub > 0 ? (uint64_t)stub : 0;
    must(HYPERCALL_ASK, HYPERCALL_ASK_VERSION, 0, 0, HYPERCALL_VERSION);
    for (unsigned i = 0; i < HYPERCALL_ENTRY_COUNT; i++)
        entries.entry[i] = (uintptr_t)paravirt_enter;
    must(HYPERCALL_ENTRIES, physical_of(&entries), 0, 0, 0);
    must(HYPERCALL_STACK, (uintptr_t)stack_top, 0, 0, 0);
    must(HYPERCALL_TICK, boot.tick_ns, 0, 0, 0); /* 0: none here, too */
}

static void ticked(void)
{
}

static uint64_t fault_address(void)
{
    return paravirt_fault_address;
}

static void idle(void)
{
    must(HYPERCALL_HALT, 0, 0, 0, 0);
}

static void out(uint16_t port, uint32_t value)
{
    ask(HYPERCALL_OUT, port, value, 0);
}

static void request(void)
{
    must(HYPERCALL_ASK, HYPERCALL_ASK_VERSION, 0, 0, HYPERCALL_VERSION);
}

/* ---- page tables ---- */

static uint64_t ticks(void)
{
    uint32_t low, high;
    __asm__ volatile("lfence\n\trdtsc\n\tlfence" : "=a"(low), "=d"(high) : : "memory");
    return (uint64_t)high << 32 | low;
}

static void commit(void)
{
    unsigned count = queued;
    queued = 0;
    if (!count)
        return;
    const uint64_t start = ticks();
    must(HYPERCALL_UPDATE, physical_of(queue), count, 0, count);
    status.asked += ticks() - start;
}

static void set(uint64_t *entry, uint64_t value, uint64_t address)
{
    (void)address;
    if (queued == HYPERCALL_BATCH)
        commit();
    status.changes++;
    queue[queued++] = (struct hypercall_update){physical_of(entry) | HYPERCALL_SET, value};
}

static void map_table(void *table, uint64_t rights)
{
    uint64_t entry = physical_of(table) | BIT_PRESENT | BIT_ACCESSED | BIT_DIRTY | BIT_NO_EXECUTE | rights;
    must(HYPERCALL_MAP, (uintptr_t)table, entry, HYPERCALL_SET, 0);
}

/* Memory for tables is mapped read-only. */
static void clear_table(void *table)
{
    map_table(table, BIT_WRITE);
    clear_page(table);
    map_table(table, 0);
}

static void make_root(void *root)
{
    must(HYPERCALL_PIN, physical_of(root), LEVELS, 0, 0);
}

static void end_root(void *root)
{
    must(HYPERCALL_UNPIN, physical_of(root), 0, 0, 0);
}

static void activate(void *root)
{
    must(HYPERCALL_SWITCH, physical_of(root), 0, 0, 0);
}

const struct operations on_paravirt = {
    .resume = paravirt_resume,
    .start = start,
    .set = set,
    .commit = commit,
    .clear_table = clear_table,
    .make_root = make_root,
    .end_root = end_root,
    .activate = activate,
    .fault_address = fault_address,
    .ticked = ticked,
    .idle = idle,
    .out = out,
    .request = request,
};
