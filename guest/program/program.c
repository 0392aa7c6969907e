/* Does what its script says (abi/guest_kernel.h), step by step, and leaves in its log what came of it. */
#include "abi/guest_kernel.h"

#pragma GCC visibility push(hidden) /* no table of addresses, which would have to be relocated */
int64_t call_kernel(uint64_t number, uint64_t a, uint64_t b, uint64_t c);
int probe_read(uint64_t address, uint64_t *value);
int probe_write(uint64_t address, uint64_t value);
int probe_run(uint64_t address);
int raise_divide(void);
int raise_step(void);
int raise_breakpoint(void);
int raise_undefined(void);
int raise_stack(void);
int raise_not_canonical(void);
int raise_halt(void);
int raise_cli(void);
int raise_out(void);
int raise_read_cr3(void);
int raise_read_msr(void);
int raise_alignment(void);
int raise_kernel_read(void);
int raise_kernel_write(void);
int raise_kernel_run(void);
int spin(const volatile uint64_t *ticks, uint64_t until, uint64_t rounds);
void probe_handler(void);
void program(void);
#pragma GCC visibility pop

/* program.S */
struct state {
    uint64_t stack, at, vector, error, address, rip;
};

static const struct guest_script *const script = (void *)GUEST_SCRIPT;
static struct guest_log *const events = (void *)GUEST_LOG;
static const volatile struct state *const state = (void *)GUEST_STACK;

static uint64_t chain(uint64_t digest, uint64_t value)
{
    digest = (digest ^ value) * 0x9e3779b97f4a7c15;
    return digest << 23 | digest >> 41;
}

/* The kernel's events, too: here, where instructions cost nothing. */
static void fold(void)
{
    for (; events->folded < events->count; events->folded++) {
        const struct guest_event *event = &events->event[events->folded % events->room];
        events->digest = chain(chain(chain(events->digest, event->what), event->a), event->b);
    }
}

static void say(uint32_t what, uint64_t a, uint64_t b)
{
    events->event[events->count++ % events->room] =
        (struct guest_event){.what = what, .step = (uint32_t)events->step, .a = a, .b = b};
    fold();
}

static void say_exception(void)
{
    say(EVENT_EXCEPTION, state->vector << 32 | state->error, state->address);
    say(EVENT_AT, state->rip - state->at, 0);
}

static void do_read(uint64_t address)
{
    uint64_t value;
    if (probe_read(address, &value))
        say_exception();
    else
        say(EVENT_VALUE, value, 0);
}

static void say_done(int raised)
{
    if (raised)
        say_exception();
    else
        say(EVENT_DONE, 0, 0);
}

static int raise_exception(uint32_t which)
{
    switch (which) {
    case RAISE_DIVIDE:
        return raise_divide();
    case RAISE_STEP:
        return raise_step();
    case RAISE_BREAKPOINT:
        return raise_breakpoint();
    case RAISE_UNDEFINED:
        return raise_undefined();
    case RAISE_STACK:
        return raise_stack();
    case RAISE_NOT_CANONICAL:
        return raise_not_canonical();
    case RAISE_HALT:
        return raise_halt();
    case RAISE_CLI:
        return raise_cli();
    case RAISE_OUT:
        return raise_out();
    case RAISE_READ_CR3:
        return raise_read_cr3();
    case RAISE_READ_MSR:
        return raise_read_msr();
    case RAISE_ALIGNMENT:
        return raise_alignment();
    case RAISE_KERNEL_READ:
        return raise_kernel_read();
    case RAISE_KERNEL_WRITE:
        return raise_kernel_write();
    case RAISE_KERNEL_RUN:
        return raise_kernel_run();
    default:
        return 0;
    }
}

static uint64_t time_stamp(void)
{
    uint32_t low, high;
    __asm__ volatile("lfence\n\trdtsc\n\tlfence" : "=a"(low), "=d"(high) : : "memory");
    return (uint64_t)high << 32 | low;
}

static void do_touch(uint64_t address, uint64_t pages)
{
    for (uint64_t i = 0; i < pages; i++)
        *(volatile uint64_t *)(address + i * 4096) = i;
}

/* Minus where it begins, plus where it ends. */
static void do_time(uint32_t how)
{
    uint64_t now = time_stamp();
    events->timed = how == 2 ? 0 : how == 1 ? events->timed + now : events->timed - now;
}

static void do_step(const struct guest_step *step)
{
    uint64_t address = GUEST_WINDOW + step->a * (uint64_t)4096;
    switch (step->what) {
    case STEP_READ:
        do_read(address + step->b * 8);
        break;
    case STEP_WRITE:
        say_done(probe_write(address + step->b * 8, step->c));
        break;
    case STEP_RUN:
        say_done(probe_run(address));
        break;
    case STEP_RAISE:
        say_done(raise_exception(step->a));
        break;
    case STEP_TOUCH:
        do_touch(address, step->b);
        break;
    case STEP_TIME:
        do_time(step->a);
        break;
    case STEP_SPIN:
        say(EVENT_SPUN, (uint64_t)(int64_t)spin(&events->ticks, events->ticks + step->a, script->spin_limit),
            0);
        break;
    default:
        say(EVENT_ANSWER,
            (uint64_t)call_kernel(GUEST_CALL_FIRST + step->what - STEP_CALL, step->a, step->b, step->c), 0);
    }
}

void program(void)
{
    call_kernel(GUEST_CALL_HANDLER, (uintptr_t)probe_handler, 0, 0);
    uint64_t repeated = 0;
    for (uint64_t i = 0; i < script->steps; i++) {
        const struct guest_step *step = &script->step[i];
        events->step = i;
        if (step->what != STEP_REPEAT) {
            do_step(step);
        } else if (repeated < step->b) {
            repeated++;
            i -= step->a + 1;
        } else {
            repeated = 0;
        }
    }
    call_kernel(GUEST_CALL_EXIT, 0, 0, 0);
}
