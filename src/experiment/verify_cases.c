/* Fidelity: what single instructions do in a guest, held against what the machine that the guest is shown has
 * to do. A case is a line of the table below. */
#include "experiment/verify_internal.h"

#include "domain/memory.h"
#include "domain/x86_64/system.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- trials ---- */

/* "MOV from CS" is "mov-from-cs" in files. */
static void make_name(const char *title, char *name, size_t size)
{
    size_t used = 0;
    for (; *title && used + 1 < size; title++)
        if (isalnum((unsigned char)*title))
            name[used++] = (char)tolower((unsigned char)*title);
        else if (used && name[used - 1] != '-')
            name[used++] = '-';
    while (used && name[used - 1] == '-')
        used--;
    name[used] = '\0';
}

struct trial *trials_add(struct trials *trials, enum trial_class class, int privilege, const char *title)
{
    if (trials->count == trials->room) {
        size_t room = trials->room ? 2 * trials->room : 128;
        struct trial *list = reallocarray(trials->list, room, sizeof *list);
        trials->failed |= !list;
        if (!list)
            return NULL;
        trials->list = list;
        trials->room = room;
    }
    struct trial *trial = &trials->list[trials->count++];
    *trial = (struct trial){.class = class, .privilege = privilege};
    snprintf(trial->monitor, sizeof trial->monitor, "%s", trials->monitor);
    snprintf(trial->title, sizeof trial->title, "%s", title);
    make_name(title, trial->name, sizeof trial->name);
    return trial;
}

void trial_fails(struct trial *trial, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    trial->verdict = TRIAL_FAILED;
    vsnprintf(trial->reason, sizeof trial->reason, format, arguments);
    va_end(arguments);
}

int trials_end(struct trials *trials, const struct stop *stop, struct error *error)
{
    if (trials->failed)
        return error_set(error, ENOMEM, "no memory for what was tried");
    if (!stop_asked(stop))
        return 0;
    trials->count--;
    return error_set(error, EINTR, "%s", stop_reason(stop));
}

/* ---- judging ---- */

static enum trial_seen see(const struct evidence_of *evidence)
{
    bool as_native = ending_same(&evidence->guest, &evidence->native);
    if (ending_same(&evidence->guest, &evidence->due))
        return as_native ? SEEN_SAME : SEEN_OWN;
    if (as_native)
        return SEEN_HOST;
    return evidence->guest.kind == ENDING_TRAP ? SEEN_TRAP : SEEN_OTHER;
}

static void excuse(struct trial *trial, const char *why)
{
    trial->verdict = TRIAL_DIFFERS;
    snprintf(trial->reason, sizeof trial->reason, "%s", why);
}

void trial_judge(struct trial *trial, const struct evidence_of *evidence)
{
    ending_phrase(&evidence->native, trial->native, sizeof trial->native);
    ending_phrase(&evidence->due, trial->due, sizeof trial->due);
    trial->verdict = TRIAL_HELD;
    if (evidence->guest.kind == ENDING_FAILED) {
        trial_fails(trial, "%.230s", evidence->guest.error.text);
        if (evidence->emulated && evidence->deprivileged)
            excuse(trial, "KVM emulates CPL 0 of guests here, and its emulator has not this instruction");
        return;
    }
    ending_phrase(&evidence->guest, trial->guest, sizeof trial->guest);
    trial->seen = see(evidence);
    if (trial->seen == SEEN_SAME || trial->seen == SEEN_OWN)
        return;
    trial_fails(trial, "it gives %s, and %s is due", trial->guest, trial->due);
    if (trial->class == TRIAL_SENSITIVE && evidence->deprivileged)
        excuse(trial,
            trial->seen == SEEN_HOST
                ? "the guest runs at CPL 3 of the host, where this does not trap: the host's state answers"
                : "the guest runs in the host's segments at CPL 3, where this does something else");
}

/* ---- the table ---- */

enum due {
    DUE_VALUE,
    DUE_STATE,  /* the state that the virtual CPU was given, 64 bits from `value` on */
    DUE_TRAP,   /* exception `value` with `code` */
    DUE_NATIVE, /* what is found natively: processors differ in it, emulated ones most */
};
enum place { PLACE_NONE, PLACE_CODE, PLACE_JOB }; /* what RCX is the address of, to which `rcx` is added */

struct instruction_case {
    enum instruction number;
    const char *title;
    int at[2]; /* the privileges that it is tried at; twice the same: one */
    enum due due;
    uint64_t value, code;
    uint64_t rax, rcx, rdx;
    enum place place;
    uint64_t mask; /* of values; 0: all */
};

#define CPL3                                                                                                 \
    {                                                                                                        \
        3, 3                                                                                                 \
    }
#define CPL0                                                                                                 \
    {                                                                                                        \
        0, 0                                                                                                 \
    }
#define BOTH                                                                                                 \
    {                                                                                                        \
        3, 0                                                                                                 \
    }
#define VALUE(number) .due = DUE_VALUE, .value = (number)
#define STATE(member) .due = DUE_STATE, .value = offsetof(struct vcpu_system, member)
#define TRAP(vector, error) .due = DUE_TRAP, .value = (vector), .code = (error)
#define PAGE(number) (DOMAIN_SYSTEM_BASE + (number)*4096ull)
#define PROTECTION(error) TRAP(13, error)

enum { INVALID_OPCODE = 6 };
enum { ABSENT = DOMAIN_SYSTEM_BASE - 0x10000, FLAGS_IF_IOPL = 0x3200, FLAG_IF = 0x200 };
#define NOT_CANONICAL (UINT64_C(1) << 62)

/* Access rights and limits of the descriptors that domain/x86_64/system.c makes: flat, long code, writable
 * data. */
enum { RIGHTS_CODE_3 = 0xaffb00, RIGHTS_CODE_0 = 0xaf9b00, LIMIT = 0xffffffff };

static const struct instruction_case sensitive[] = {
    {INSTRUCTION_SGDT, "SGDT", BOTH, STATE(gdt)},
    {INSTRUCTION_SIDT, "SIDT", BOTH, STATE(idt)},
    {INSTRUCTION_SLDT, "SLDT", BOTH, VALUE(0), .mask = 0xffff},
    {INSTRUCTION_STR, "STR", BOTH, VALUE(DOMAIN_TSS), .mask = 0xffff},
    {INSTRUCTION_SMSW, "SMSW", BOTH, STATE(cr0), .mask = 0xffff},
    {INSTRUCTION_PUSHF, "PUSHF: IF, IOPL", BOTH, VALUE(FLAGS_IF_IOPL), .mask = FLAGS_IF_IOPL},
    {INSTRUCTION_POPF, "POPF: IF cleared", BOTH, VALUE(0), .mask = FLAG_IF},
    {INSTRUCTION_LAR, "LAR", CPL3, VALUE(RIGHTS_CODE_3), .rcx = DOMAIN_USER_CS, .mask = 0xf0ff00},
    {INSTRUCTION_LAR, "LAR", CPL0, VALUE(RIGHTS_CODE_0), .rcx = DOMAIN_KERNEL_CS, .mask = 0xf0ff00},
    {INSTRUCTION_LSL, "LSL", CPL3, VALUE(LIMIT), .rcx = DOMAIN_USER_CS},
    {INSTRUCTION_LSL, "LSL", CPL0, VALUE(LIMIT), .rcx = DOMAIN_KERNEL_CS},
    {INSTRUCTION_VERR, "VERR", BOTH, VALUE(1), .rcx = DOMAIN_USER_CS},
    {INSTRUCTION_VERW, "VERW", BOTH, VALUE(1), .rcx = DOMAIN_USER_SS},
    {INSTRUCTION_READ_CS, "MOV from CS", CPL3, VALUE(DOMAIN_USER_CS)},
    {INSTRUCTION_READ_CS, "MOV from CS", CPL0, VALUE(DOMAIN_KERNEL_CS)},
    {INSTRUCTION_READ_SS, "MOV from SS", CPL3, VALUE(DOMAIN_USER_SS)},
    {INSTRUCTION_READ_SS, "MOV from SS", CPL0, VALUE(DOMAIN_KERNEL_SS)},
    {INSTRUCTION_LOAD_DS, "MOV to DS", BOTH, VALUE(DOMAIN_USER_SS), .rcx = DOMAIN_USER_SS},
    {INSTRUCTION_FAR_CALL, "CALL far", CPL3, TRAP(14, 0x14), .rcx = DOMAIN_USER_CS},
    {INSTRUCTION_FAR_RETURN, "RET far", CPL3, VALUE(DOMAIN_USER_CS), .rcx = DOMAIN_USER_CS},
    {INSTRUCTION_FAR_RETURN, "RET far", CPL0, VALUE(DOMAIN_KERNEL_CS), .rcx = DOMAIN_KERNEL_CS},
    {INSTRUCTION_IRET, "IRET", CPL3, VALUE(DOMAIN_USER_CS), .rcx = DOMAIN_USER_CS, .rdx = DOMAIN_USER_SS},
    {INSTRUCTION_IRET, "IRET", CPL0, VALUE(DOMAIN_KERNEL_CS), .rcx = DOMAIN_KERNEL_CS,
        .rdx = DOMAIN_KERNEL_SS},
    {INSTRUCTION_INT, "INT 0x80", CPL3, PROTECTION(0x402), .rax = UINT64_MAX},
    {INSTRUCTION_INT3, "INT3", CPL3, PROTECTION(0x1a)},
    {INSTRUCTION_RDTSC, "RDTSC: advances", BOTH, VALUE(1)},
    {INSTRUCTION_RDTSCP, "RDTSCP: TSC_AUX", CPL3, VALUE(0)},
    {INSTRUCTION_RDPID, "RDPID: TSC_AUX", CPL3, VALUE(0)},
    {INSTRUCTION_CPUID_APIC, "CPUID: APIC id", BOTH, VALUE(0), .rax = 1},
    {INSTRUCTION_CPUID_XSAVE, "CPUID: OSXSAVE", BOTH, VALUE(0), .rax = 1},
    {INSTRUCTION_XGETBV, "XGETBV without OSXSAVE", CPL3, TRAP(6, 0)},
    {INSTRUCTION_RDFSBASE, "RDFSBASE without FSGSBASE", CPL3, TRAP(6, 0)},
    {INSTRUCTION_RDPKRU, "RDPKRU without PKE", CPL3, TRAP(6, 0)},
    {INSTRUCTION_CLI, "CLI with IOPL 3", BOTH, VALUE(0)},
};

static const struct instruction_case privileged[] = {
    {INSTRUCTION_HLT, "HLT", CPL3, PROTECTION(0)},
    {INSTRUCTION_READ_CR0, "MOV from CR0", CPL3, PROTECTION(0)},
    {INSTRUCTION_READ_CR0, "MOV from CR0", CPL0, STATE(cr0)},
    {INSTRUCTION_READ_CR3, "MOV from CR3", CPL3, PROTECTION(0)},
    {INSTRUCTION_READ_CR3, "MOV from CR3", CPL0, STATE(page_tables)},
    {INSTRUCTION_READ_CR4, "MOV from CR4", CPL0, STATE(cr4)},
    {INSTRUCTION_READ_CR8, "MOV from CR8", CPL3, PROTECTION(0)},
    {INSTRUCTION_READ_CR8, "MOV from CR8", CPL0, VALUE(0)},
    {INSTRUCTION_READ_DR7, "MOV from DR7", CPL3, PROTECTION(0)},
    {INSTRUCTION_WRITE_CR3, "MOV to CR3", CPL3, PROTECTION(0)},
    {INSTRUCTION_LGDT, "LGDT", CPL3, PROTECTION(0)},
    {INSTRUCTION_LIDT, "LIDT", CPL3, PROTECTION(0)},
    {INSTRUCTION_LLDT, "LLDT", CPL3, PROTECTION(0)},
    {INSTRUCTION_LTR, "LTR", CPL3, PROTECTION(0)},
    {INSTRUCTION_LMSW, "LMSW", CPL3, PROTECTION(0)},
    {INSTRUCTION_CLTS, "CLTS", CPL3, PROTECTION(0)},
    {INSTRUCTION_INVLPG, "INVLPG", CPL3, PROTECTION(0)},
    {INSTRUCTION_INVLPG, "INVLPG", CPL0, VALUE(0)},
    {INSTRUCTION_INVD, "INVD", CPL3, PROTECTION(0)},
    {INSTRUCTION_WBINVD, "WBINVD", CPL3, PROTECTION(0)},
    {INSTRUCTION_RDMSR, "RDMSR: EFER", CPL3, PROTECTION(0), .rcx = 0xc0000080},
    {INSTRUCTION_RDMSR, "RDMSR: EFER", CPL0, STATE(efer), .rcx = 0xc0000080},
    {INSTRUCTION_WRMSR, "WRMSR", CPL3, PROTECTION(0), .rcx = 0xc0000080},
    {INSTRUCTION_SWAPGS, "SWAPGS", CPL3, PROTECTION(0)},
    {INSTRUCTION_SWAPGS, "SWAPGS", CPL0, VALUE(0)},
    {INSTRUCTION_SYSRET, "SYSRET", CPL3, PROTECTION(0)},
    {INSTRUCTION_RDPMC, "RDPMC", CPL3, PROTECTION(0), .rcx = 0},
};

static const struct instruction_case exceptions[] = {
    {INSTRUCTION_DIVIDE, "divide by zero", BOTH, TRAP(0, 0)},
    {INSTRUCTION_STEP, "single step", CPL3, TRAP(1, 0)},
    {INSTRUCTION_INT1, "INT1", CPL3, .due = DUE_NATIVE},
    {INSTRUCTION_UD2, "invalid opcode", BOTH, TRAP(6, 0)},
    {INSTRUCTION_READ, "address that is not canonical", BOTH, PROTECTION(0), .rcx = NOT_CANONICAL},
    {INSTRUCTION_READ_STACK, "stack address that is not canonical", BOTH, .due = DUE_NATIVE,
        .rcx = NOT_CANONICAL},
    {INSTRUCTION_READ, "read of what is absent", CPL3, TRAP(14, 4), .rcx = ABSENT},
    {INSTRUCTION_READ, "read of what is absent", CPL0, TRAP(14, 0), .rcx = ABSENT},
    {INSTRUCTION_WRITE, "write of what is absent", CPL3, TRAP(14, 6), .rcx = ABSENT},
    {INSTRUCTION_FETCH, "execution of what is absent", CPL3, TRAP(14, 0x14), .rcx = ABSENT},
    {INSTRUCTION_WRITE, "write of code", CPL3, TRAP(14, 7), .place = PLACE_CODE},
    {INSTRUCTION_WRITE, "write of code", CPL0, TRAP(14, 3), .place = PLACE_CODE},
    {INSTRUCTION_FETCH, "execution of data", CPL3, TRAP(14, 0x15), .place = PLACE_JOB},
    {INSTRUCTION_READ, "read of the kernel's memory", CPL3, TRAP(14, 5), .rcx = PAGE(DOMAIN_PAGE_GDT)},
    {INSTRUCTION_WRITE, "write of the kernel's memory", CPL3, TRAP(14, 7), .rcx = PAGE(DOMAIN_PAGE_STACK)},
    {INSTRUCTION_FETCH, "execution of the kernel's code", CPL3, TRAP(14, 0x15),
        .rcx = PAGE(DOMAIN_PAGE_KERNEL)},
    {INSTRUCTION_WRITE, "write of the kernel's code", CPL0, TRAP(14, 3), .rcx = PAGE(DOMAIN_PAGE_KERNEL)},
    {INSTRUCTION_UNALIGNED, "alignment check", CPL3, .due = DUE_NATIVE},
    {INSTRUCTION_SSE, "invalid operation of SSE", CPL3, .due = DUE_NATIVE},
    {INSTRUCTION_X87, "invalid operation of x87", CPL3, .due = DUE_NATIVE},
};

static const struct instruction_case computation[] = {
    {INSTRUCTION_ARITHMETIC, "arithmetic", BOTH, .due = DUE_NATIVE, .rcx = 2000},
    {INSTRUCTION_PORT_IN, "IN: all bits of the answer", BOTH, VALUE(0)},
    {INSTRUCTION_GENERAL, "general registers across exits", BOTH, VALUE(0)},
    {INSTRUCTION_VECTOR, "SSE and x87 registers across exits", BOTH, VALUE(0)},
};

#define CASES(table) table, sizeof(table) / sizeof *(table)
static const struct {
    enum trial_class class;
    const struct instruction_case *cases;
    size_t count;
} groups[] = {
    {TRIAL_COMPUTATION, CASES(computation)},
    {TRIAL_SENSITIVE, CASES(sensitive)},
    {TRIAL_PRIVILEGED, CASES(privileged)},
    {TRIAL_EXCEPTIONS, CASES(exceptions)},
};

/* ---- trying them ---- */

static struct program program_of(const struct instruction_case *from, const struct image *image)
{
    const uint64_t places[] = {
        [PLACE_NONE] = 0, [PLACE_CODE] = (uintptr_t)image->code, [PLACE_JOB] = (uintptr_t)image->job};
    return (struct program){from->number, from->rax, from->rcx + places[from->place], from->rdx};
}

static struct ending due_of(const struct instruction_case *from, const struct vcpu_system *system,
    const struct program *program, const struct ending *native)
{
    struct ending due = {.kind = from->due == DUE_TRAP ? ENDING_TRAP : ENDING_VALUE, .value = from->value};
    bool lacks = from->due == DUE_VALUE && native->kind == ENDING_TRAP && native->vector == INVALID_OPCODE;
    if (from->due == DUE_NATIVE || lacks) /* the CPU has not the instruction */
        return *native;
    if (from->due == DUE_STATE)
        memcpy(&due.value, (const char *)system + from->value, sizeof due.value);
    if (from->due != DUE_TRAP)
        return due;
    due.vector = (unsigned)from->value;
    due.code = from->code;
    bool accesses = from->number == INSTRUCTION_READ || from->number == INSTRUCTION_WRITE ||
                    from->number == INSTRUCTION_FETCH;
    due.address = due.vector == 14 && accesses ? program->rcx : 0;
    if (native->kind == ENDING_TRAP && native->vector == due.vector)
        due.rip = native->rip;
    return due;
}

static void mask(struct ending *ending, uint64_t bits)
{
    if (bits && ending->kind == ENDING_VALUE)
        ending->value &= bits;
}

/* What guest code itself sees in CS tells whether it runs in the host's segments, and so at the host's CPL 3.
 */
static bool is_deprivileged(struct ground *ground)
{
    const struct program program = {.number = INSTRUCTION_READ_CS};
    struct ending guest = ground_guest(ground, 3, &program), native = ground_native(ground, &program);
    return guest.value != DOMAIN_USER_CS && ending_same(&guest, &native);
}

static void try(struct ground *ground, const struct instruction_case *from, bool deprivileged,
    unsigned privilege, struct trial *trial)
{
    const struct vcpu_system system = system_state(domain_tables(ground->domain),
        system_begin(ground->domain), privilege, &(struct domain_mode){.cr4 = 0});
    const struct program program = program_of(from, &ground->image);
    struct evidence_of evidence = {.native = ground_native(ground, &program),
        .guest = ground_guest(ground, privilege, &program),
        .deprivileged = deprivileged};
    evidence.emulated = ground->internal;
    evidence.due = due_of(from, &system, &program, &evidence.native);
    mask(&evidence.native, from->mask);
    mask(&evidence.guest, from->mask);
    mask(&evidence.due, from->mask);
    trial_judge(trial, &evidence);
}

/* The end of a walk over all of a list, which needs no native run to be known. */
static void try_walk(struct ground *ground, struct trials *trials)
{
    struct trial *trial = trials_add(trials, TRIAL_COMPUTATION, 3, "a walk over a list of 256 KiB");
    struct error error;
    uint64_t bits[2];
    if (!trial)
        return;
    if (ground_compute(ground, bits, &error) < 0)
        trial_fails(trial, "%.230s", error.text);
    else if (bits[0] != ground_expects(ground))
        trial_fails(trial, "it ended at another element");
    trial->seen = trial->verdict == TRIAL_HELD ? SEEN_SAME : SEEN_OTHER;
}

int verify_fidelity(struct ground *ground, struct trials *trials, struct error *error)
{
    bool deprivileged = is_deprivileged(ground);
    try_walk(ground, trials);
    int rc = trials_end(trials, ground->stop, error);
    for (size_t group = 0; group < sizeof groups / sizeof *groups; group++)
        for (size_t i = 0; i < groups[group].count; i++) {
            const struct instruction_case *from = &groups[group].cases[i];
            const int privileges = from->at[0] == from->at[1] ? 1 : 2;
            for (int k = 0; rc == 0 && k < privileges; k++) {
                struct trial *trial = trials_add(trials, groups[group].class, from->at[k], from->title);
                if (trial)
                    try(ground, from, deprivileged, (unsigned)from->at[k], trial);
                rc = trials_end(trials, ground->stop, error);
            }
        }
    return rc;
}
