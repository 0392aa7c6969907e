/* Where the kernel begins, and where every entry leads. */
#include "guest/kernel/kernel.h"
#include "guest/kernel/layout.h"

enum { VECTOR_UNDEFINED = 6, VECTOR_PAGE_FAULT = 14, UD2_BYTES = 2 };
enum { RFLAGS_TF = 0x100, RFLAGS_DF = 0x400, RFLAGS_AC = 0x40000 };

volatile struct guest_kernel_boot boot;
struct guest_kernel_status status;
const struct operations *operations;

struct registers *kernel_begin(void);

_Static_assert(offsetof(struct registers, cs) == REGISTERS_CS, "layout.h");
_Static_assert(sizeof(struct registers) == REGISTERS_BYTES && REGISTERS_BYTES % 16 == 0, "layout.h");
_Static_assert(offsetof(struct process, registers) == 0, "paravirt.S");

static const struct operations *const by_monitor[GUEST_MONITORS] = {
    [GUEST_ON_HARDWARE] = &on_hardware,
    [GUEST_ON_SHADOW] = &on_hardware,
    [GUEST_ON_PARAVIRT] = &on_paravirt,

};

struct registers *kernel_begin(void)
{
    operations = by_monitor[boot.monitor % GUEST_MONITORS];
    operations->start();
    return process_first();
}

_Noreturn void panic(enum guest_panic why, uint64_t first, uint64_t second, uint64_t third)
{
    status.panic = why;
    status.detail[0] = first;
    status.detail[1] = second;
    status.detail[2] = third;
    for (;;)
        operations->out(GUEST_KERNEL_PORT_PANIC, why);
}

static uint64_t exception_of(const struct registers *at)
{
    return at->vector << 32 | at->error_code;
}

/* ---- the kernel's own ---- */

/* Only where it accesses what is a process's. */
static void kernel_exception(struct registers *at)
{
    if (at->rip != (uintptr_t)access_load_at && at->rip != (uintptr_t)access_store_at)
        panic(GUEST_PANIC_EXCEPTION, at->vector, at->error_code, at->rip);
    uint64_t address = at->vector == VECTOR_PAGE_FAULT ? operations->fault_address() : 0;
    if (at->vector == VECTOR_PAGE_FAULT && demand_fault(address, at->error_code))
        return;
    log_event(EVENT_KERNEL, exception_of(at), address);
    at->rip = (uintptr_t)access_failed;
}

/* ---- a process's ---- */

/* What it cannot take ends it. */
static void tell_process(struct registers *at, uint64_t address)
{
    status.exceptions++;
    if (!current->handler) {
        process_end(at->vector << 32);
        return;
    }
    at->rdi = at->vector;
    at->rsi = at->error_code;
    at->rdx = address;
    at->rcx = at->rip;
    at->rip = current->handler;
    at->rflags &= ~(uint64_t)(RFLAGS_TF | RFLAGS_DF | RFLAGS_AC);
}

static void page_fault(struct registers *at)
{
    uint64_t address = operations->fault_address();
    if (!demand_fault(address, at->error_code))
        tell_process(at, address);
}

static void call(struct registers *at)
{
    status.calls++;
    struct process *caller = current;
    int64_t answer = system_call(at);
    if (caller->state != PROCESS_FREE)
        caller->registers.rax = (uint64_t)answer;
}

static bool is_trapped_call(const struct registers *at)
{
    return boot.trapped_calls && at->rax - GUEST_CALL_FIRST < GUEST_CALL_COUNT;
}

static void undefined(struct registers *at)
{
    if (!is_trapped_call(at)) {
        tell_process(at, 0);
        return;
    }
    at->rip += UD2_BYTES;
    call(at);
}

static void tick(void)
{
    operations->ticked();
    current->log->ticks++;
    process_tick();
    struct process *before = current;
    process_next();
    status.preemptions += current != before;
}

struct registers *trap(struct registers *at)
{
    if (!(at->cs & 3)) {
        if (at->vector == GUEST_KERNEL_TICK) {
            operations->ticked();
            process_tick();
        } else {
            kernel_exception(at);
        }
        return at;
    }
    switch (at->vector) {
    case SYSTEM_CALL:
        call(at);
        break;
    case GUEST_KERNEL_TICK:
        tick();
        break;
    case VECTOR_PAGE_FAULT:
        page_fault(at);
        break;
    case VECTOR_UNDEFINED:
        undefined(at);
        break;
    default:
        tell_process(at, 0);
    }
    return &current->registers;
}
