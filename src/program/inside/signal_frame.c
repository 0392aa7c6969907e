#include "program/inside/signal_frame.h"

#include "program/inside/access.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

enum { RED_ZONE = 128, AREA_ALIGNMENT = 64, LEGACY_BYTES = 512, HEADER_BYTES = 64, FRAME_SWAP_BYTES = 464 };
enum { FP_XSTATE = 1, SIGCONTEXT_SS = 2, STRICT_RESTORE_SS = 4 }; /* uc_flags */
enum { MAGIC1 = 0x46505853, MAGIC2 = 0x46505845 };
enum { DISABLE = 2, ONSTACK = 1 };
#define AUTODISARM INT_MIN /* bit 31 */
#define ACTION_ONSTACK UINT64_C(0x08000000)
#define FLAGS_CLEARED UINT64_C(0x10500) /* TF, DF, RF: as Linux enters a handler */
#define DEFAULT_MXCSR_MASK 0xffbf

struct context {
    uint64_t r8, r9, r10, r11, r12, r13, r14, r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, rflags;
    uint16_t cs, gs, fs, ss;
    uint64_t code, trap, old_mask, address, area, reserved[8];
};

struct frame {
    uint64_t restorer;
    struct {
        uint64_t flags, link, stack;
        int32_t stack_flags, padding;
        uint64_t stack_bytes;
        struct context context;
        uint64_t mask;
    } user;
    siginfo_t info;
};
_Static_assert(
    sizeof(struct context) == 256 && sizeof(siginfo_t) == 128 && offsetof(struct frame, info) == 312,
    "Linux's struct rt_sigframe");

/* In the last bytes of the legacy region (struct _fpx_sw_bytes). */
struct area_facts {
    uint32_t magic, bytes_with_magic;
    uint64_t features;
    uint32_t bytes, padding[7];
};

uint64_t frame_bytes(size_t extended_bytes)
{
    return sizeof(struct frame) + 16 + AREA_ALIGNMENT + extended_bytes + sizeof(uint32_t) + RED_ZONE;
}

/* ---- there ---- */

static bool is_on_stack(const struct thread *thread, uint64_t pointer)
{
    return pointer > thread->stack && pointer - thread->stack <= thread->stack_bytes;
}

static uint64_t stack_for(const struct thread *thread, const struct action *action)
{
    uint64_t pointer = thread->user.registers.rsp;
    bool there = thread->stack_bytes && !(thread->stack_flags & DISABLE);
    if (action->flags & ACTION_ONSTACK && there && !is_on_stack(thread, pointer))
        return thread->stack + thread->stack_bytes;
    return pointer - RED_ZONE;
}

/* Room for all of a CPU's extended registers that outlives nothing: a program may have left itself no memory
 * (setrlimit), and its signals come all the same. NULL: that CPU has more than any had. */
static char *room_for_area(size_t bytes)
{
    static _Thread_local char room[1 << 14];
    return bytes <= sizeof room ? memset(room, 0, bytes) : NULL;
}

static int push_area(struct thread *thread, uint64_t to, struct error *error)
{
    const struct process *process = thread->process;
    size_t bytes = process->extended_bytes, whole = domain_extended_bytes(process->domain);
    const struct area_facts facts = {.magic = MAGIC1,
        .bytes_with_magic = (uint32_t)(bytes + sizeof(uint32_t)),
        .features = process->features,
        .bytes = (uint32_t)bytes};
    const uint32_t end = MAGIC2;
    char *area = room_for_area(whole > bytes ? whole : bytes);
    if (!area)
        return error_set(error, ENOMEM, "no memory for a signal's frame");
    int rc = domain_get_extended(thread->cpu, area, error);
    memcpy(area + FRAME_SWAP_BYTES, &facts, sizeof facts);
    if (rc == 0 && (access_write(process, to, area, bytes) < 0 ||
                       access_write(process, to + bytes, &end, sizeof end) < 0))
        rc = error_set(error, EFAULT, "there is no room for a signal's frame");
    return rc;
}

static struct context context_of(const struct vcpu_registers *registers)
{
    return (struct context){registers->r8, registers->r9, registers->r10, registers->r11, registers->r12,
        registers->r13, registers->r14, registers->r15, registers->rdi, registers->rsi, registers->rbp,
        registers->rbx, registers->rdx, registers->rax, registers->rcx, registers->rsp, registers->rip,
        registers->rflags, .cs = 0x33, .ss = 0x2b}; /* Linux's selectors */
}

int frame_push(struct thread *thread, const struct frame_cause *cause, struct error *error)
{
    struct vcpu_registers *registers = &thread->user.registers;
    uint64_t pointer = stack_for(thread, cause->action);
    uint64_t area =
        (pointer - thread->process->extended_bytes - sizeof(uint32_t)) & -(uint64_t)AREA_ALIGNMENT;
    uint64_t at = ((area - sizeof(struct frame)) & -(uint64_t)16) - 8;
    bool on_own = pointer == thread->stack + thread->stack_bytes || is_on_stack(thread, registers->rsp);
    if (on_own && thread->stack_bytes && !is_on_stack(thread, at)) /* would overflow it */
        return error_set(error, EFAULT, "there is no room for a signal's frame");
    struct frame frame = {.restorer = cause->action->restorer, .info = *cause->info};
    frame.user.flags = FP_XSTATE | SIGCONTEXT_SS | STRICT_RESTORE_SS;
    frame.user.stack = thread->stack;
    frame.user.stack_bytes = thread->stack_bytes;
    frame.user.stack_flags = thread->stack_bytes ? thread->stack_flags : DISABLE;
    frame.user.context = context_of(registers);
    frame.user.context.code = cause->code;
    frame.user.context.trap = cause->trap;
    frame.user.context.address = cause->address;
    frame.user.context.old_mask = cause->mask;
    frame.user.context.area = area;
    frame.user.mask = cause->mask;
    int rc = push_area(thread, area, error);
    if (rc < 0)
        return rc;
    if (access_write(thread->process, at, &frame, sizeof frame) < 0)
        return error_set(error, EFAULT, "there is no room for a signal's frame");
    registers->rdi = (uint64_t)cause->info->si_signo;
    registers->rsi = at + offsetof(struct frame, info);
    registers->rdx = at + offsetof(struct frame, user);
    registers->rax = 0;
    registers->rsp = at;
    registers->rip = cause->action->handler;
    registers->rflags &= ~FLAGS_CLEARED;
    if (thread->stack_flags & AUTODISARM) {
        thread->stack = thread->stack_bytes = 0;
        thread->stack_flags = DISABLE;
    }
    return 0;
}

/* ---- and back ---- */

/* What the handler may have written there must be what the CPU loads (SDM volume 1, 13.4.2, 13.8.1). */
static void make_loadable(char *area, uint64_t features)
{
    enum { MXCSR = 24, MXCSR_MASK = 28 };
    uint64_t header[HEADER_BYTES / sizeof(uint64_t)] = {0};
    uint32_t mxcsr, mask;
    memcpy(&mxcsr, area + MXCSR, sizeof mxcsr);
    memcpy(&mask, area + MXCSR_MASK, sizeof mask);
    mxcsr &= mask ? mask : DEFAULT_MXCSR_MASK;
    memcpy(area + MXCSR, &mxcsr, sizeof mxcsr);
    memcpy(header, area + LEGACY_BYTES, sizeof header[0]);
    header[0] &= features;
    memcpy(area + LEGACY_BYTES, header, sizeof header);
    memset(area + FRAME_SWAP_BYTES, 0, LEGACY_BYTES - FRAME_SWAP_BYTES);
}

static int pop_area(struct thread *thread, uint64_t from, struct error *error)
{
    const struct process *process = thread->process;
    const uint64_t legacy = 3; /* x87 and SSE */
    size_t bytes = process->extended_bytes, whole = domain_extended_bytes(process->domain);
    struct area_facts facts;
    char *area = room_for_area(whole > bytes ? whole : bytes);
    if (!area)
        return error_set(error, ENOMEM, "no memory for a signal's frame");
    int rc = access_read(process, from, area, LEGACY_BYTES);
    memcpy(&facts, area + FRAME_SWAP_BYTES, sizeof facts);
    if (rc == 0 && facts.magic == MAGIC1 && facts.bytes <= bytes &&
        facts.bytes >= LEGACY_BYTES + HEADER_BYTES)
        rc = access_read(process, from, area, facts.bytes);
    else
        memcpy(area + LEGACY_BYTES, &legacy, sizeof legacy);
    make_loadable(area, process->features);
    if (rc < 0)
        error_set(error, EFAULT, "a signal's frame cannot be read");
    else
        rc = domain_set_extended(thread->cpu, area, error);
    return rc;
}

int frame_pop(struct thread *thread, struct error *error)
{
    struct vcpu_registers *registers = &thread->user.registers;
    struct frame frame;
    if (access_read(thread->process, registers->rsp - sizeof frame.restorer, &frame, sizeof frame) < 0)
        return error_set(error, EFAULT, "a signal's frame cannot be read");
    const struct context *from = &frame.user.context;
    int rc = from->area ? pop_area(thread, from->area, error) : 0;
    if (rc < 0)
        return rc;
    *registers = (struct vcpu_registers){.r8 = from->r8,
        .r9 = from->r9,
        .r10 = from->r10,
        .r11 = from->r11,
        .r12 = from->r12,
        .r13 = from->r13,
        .r14 = from->r14,
        .r15 = from->r15,
        .rdi = from->rdi,
        .rsi = from->rsi,
        .rbp = from->rbp,
        .rbx = from->rbx,
        .rdx = from->rdx,
        .rax = from->rax,
        .rcx = from->rcx,
        .rsp = from->rsp,
        .rip = from->rip,
        .rflags = from->rflags};
    thread->mask = frame.user.mask;
    if (!is_on_stack(thread, registers->rsp)) {
        thread->stack = frame.user.stack;
        thread->stack_bytes = frame.user.stack_flags & DISABLE ? 0 : frame.user.stack_bytes;
        thread->stack_flags = frame.user.stack_flags & ~ONSTACK;
    }
    return 0;
}
