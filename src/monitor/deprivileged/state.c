/* The state of a virtual CPU out and in (machine_state.h), in KVM's structures, so that a domain may go on
 * under another monitor if that shows it as much. What guests do not have here is as after a reset. */
#include "monitor/deprivileged/turn.h"

#include "host/cpuid.h"
#include "monitor/deprivileged/cpuid.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>

enum { MSR_TSC = 0x10, MSR_STAR = 0xc0000081, MSR_LSTAR, MSR_FMASK = 0xc0000084, MSR_KERNEL_GS = 0xc0000102 };

static void *add(
    struct vcpu *vcpu, struct machine_state *state, enum state_kind kind, size_t bytes, struct error *error)
{
    return machine_state_add(state, kind, vcpu->id, bytes, error);
}

/* NULL with *error: there is none, or of another size (bytes 0: of any). */
static const void *find(const struct vcpu *vcpu, const struct machine_state *state, enum state_kind kind,
    size_t bytes, const char *what, size_t *found, struct error *error)
{
    const struct state_part *part = machine_state_find(state, kind, vcpu->id);
    if (part && (!bytes || part->bytes == bytes)) {
        if (found)
            *found = part->bytes;
        return part->data;
    }
    error_set(error, EPROTO, "the saved state has no %s of virtual CPU %u", what, vcpu->id);
    return NULL;
}

/* ---- CPUID, XCR0 ---- */

/* How many subleaves of a leaf are looked at (SDM volume 2A, CPUID). */
static uint32_t subleaves(uint32_t leaf)
{
    static const struct {
        uint32_t leaf, count;
    } list[] = {{0x4, 8}, {0x7, 2}, {0xb, 4}, {0xd, 20}, {0x8000001d, 8}};
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++)
        if (list[i].leaf == leaf)
            return list[i].count;
    return 1;
}

/* What the guest is answered: by this monitor, or where it is not asked by the CPU. */
static struct cpuid_words answer(const struct vcpu *vcpu, bool trapped, uint32_t leaf, uint32_t subleaf)
{
    const struct cpuid_state state = {.cr4 = vcpu->machine.system.cr4, .apic = vcpu->machine.has_apic};
    return trapped ? cpuid_of_guest(leaf, subleaf, &state, cpuid_of_host) : cpuid_of_host(leaf, subleaf);
}

static size_t list_cpuid(const struct vcpu *vcpu, struct kvm_cpuid_entry2 *list, size_t room)
{
    const bool trapped = cpuid_is_trapped();
    size_t count = 0;
    for (uint32_t range = 0; range < 2; range++) {
        const uint32_t first = range << 31;
        uint32_t most = answer(vcpu, trapped, first, 0).eax;
        most = most < first + 0x20 ? most : first + 0x20;
        for (uint32_t leaf = first; leaf <= most; leaf++)
            for (uint32_t sub = 0; sub < subleaves(leaf) && count < room; sub++) {
                const struct cpuid_words words = answer(vcpu, trapped, leaf, sub);
                if (sub && !(words.eax | words.ebx | words.ecx | words.edx))
                    continue;
                list[count++] = (struct kvm_cpuid_entry2){.function = leaf,
                    .index = sub,
                    .flags = subleaves(leaf) > 1 ? KVM_CPUID_FLAG_SIGNIFCANT_INDEX : 0,
                    .eax = words.eax,
                    .ebx = words.ebx,
                    .ecx = words.ecx,
                    .edx = words.edx};
            }
    }
    return count;
}

static uint64_t xcr0_here(void)
{
    uint32_t low, high;
    struct host_cpuid leaf;
    if (!host_cpuid(1, 0, &leaf) || !(leaf.ecx >> 27 & 1)) /* OSXSAVE */
        return 0;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

/* x87, SSE, AVX, AVX-512: what travels of the XSAVE area (doc/saved-domain.md). */
#define COMPONENTS UINT64_C(0xe7)

static int take_cpuid(struct vcpu *vcpu, struct machine_state *state, struct error *error)
{
    enum { CPUIDS = 128 };
    struct kvm_cpuid_entry2 list[CPUIDS];
    const size_t bytes = list_cpuid(vcpu, list, CPUIDS) * sizeof *list;
    void *cpuid = add(vcpu, state, STATE_CPUID, bytes, error);
    struct kvm_xcrs *xcrs = add(vcpu, state, STATE_XCRS, sizeof *xcrs, error);
    if (!cpuid || !xcrs)
        return -error->code;
    memcpy(cpuid, list, bytes);
    *xcrs = (struct kvm_xcrs){.nr_xcrs = 1, .xcrs = {{.value = xcr0_here() & COMPONENTS}}};
    return 0;
}

/* ---- the XSAVE area, and what Linux puts into it in signal frames (uapi asm/sigcontext.h) ---- */

enum {
    XSAVE_FCW = 0,
    XSAVE_MXCSR = 24,
    XSAVE_MXCSR_MASK = 28,
    XSAVE_SOFTWARE = 464, /* struct _fpx_sw_bytes: */
    SOFTWARE_MAGIC = 0x46505853,
    SOFTWARE_COMPONENTS = 8,
    XSAVE_BV = 512, /* which components are not as after a reset */
    XSAVE_LEGACY_END = 576
};

static uint64_t word_at(const char *area, unsigned offset)
{
    uint64_t word;
    memcpy(&word, area + offset, sizeof word);
    return word;
}

static void set_word(char *area, unsigned offset, uint64_t word)
{
    memcpy(area + offset, &word, sizeof word);
}

/* The components beyond x87 and SSE that both areas have room for: where the CPU has each (SDM volume 1,
 * 13.4.3). */
static void copy_components(char *to, size_t to_bytes, const char *from, size_t from_bytes)
{
    const size_t room = to_bytes < from_bytes ? to_bytes : from_bytes;
    for (uint32_t i = 2; i < 8; i++) {
        struct host_cpuid where;
        if (COMPONENTS >> i & 1 && host_cpuid(0xd, i, &where) && where.ebx >= XSAVE_LEGACY_END &&
            (uint64_t)where.ebx + where.eax <= room)
            memcpy(to + where.ebx, from + where.ebx, where.eax);
    }
}

/* The area as KVM has it: at least of the size of struct kvm_xsave, without what is Linux's. */
static int take_xsave(struct vcpu *vcpu, struct machine_state *state, struct error *error)
{
    char *area = add(vcpu, state, STATE_XSAVE, sizeof(struct kvm_xsave), error), *raw;
    const uint16_t fcw = 0x37f;
    const uint32_t mxcsr = 0x1f80;
    if (!area)
        return -error->code;
    memcpy(area + XSAVE_FCW, &fcw, sizeof fcw);
    memcpy(area + XSAVE_MXCSR, &mxcsr, sizeof mxcsr);
    if (vcpu->arriving) {
        memcpy(area, vcpu->arriving,
            vcpu->arriving_bytes < sizeof(struct kvm_xsave) ? vcpu->arriving_bytes
                                                            : sizeof(struct kvm_xsave));
        return 0;
    }
    if (!vcpu->last)
        return 0;
    const size_t bytes = child_fpu_bytes(vcpu->last);
    if (!(raw = malloc(bytes)))
        return error_set(error, ENOMEM, "no memory for a virtual CPU's FPU state");
    int rc = child_fpu_get(vcpu->last, raw, error);
    if (rc == 0) {
        memcpy(area, raw, XSAVE_SOFTWARE);
        set_word(area, XSAVE_BV, bytes > XSAVE_LEGACY_END ? word_at(raw, XSAVE_BV) & COMPONENTS : 3);
        copy_components(area, sizeof(struct kvm_xsave), raw, bytes);
    }
    free(raw);
    return rc;
}

static int put_xsave(struct vcpu *vcpu, const struct machine_state *state, struct error *error)
{
    size_t bytes;
    const char *area = find(vcpu, state, STATE_XSAVE, 0, "XSAVE area", &bytes, error);
    if (!area)
        return -error->code;
    if (bytes < sizeof(struct kvm_xsave))
        return error_set(error, EPROTO, "the XSAVE area of virtual CPU %u is too small", vcpu->id);
    if (word_at(area, XSAVE_BV) & COMPONENTS & ~xcr0_here())
        return error_set(error, ENOTSUP,
            "virtual CPU %u has vector registers in use that this host has not: restore it on a host like "
            "the one that it was saved on",
            vcpu->id);
    free(vcpu->arriving);
    if (!(vcpu->arriving = malloc(bytes)))
        return error_set(error, ENOMEM, "no memory for a virtual CPU's FPU state");
    memcpy(vcpu->arriving, area, bytes);
    vcpu->arriving_bytes = bytes;
    return 0;
}

/* What is Linux's in the child's own area stays, and what does not travel. */
int state_arrive(struct vcpu *vcpu, struct child *child, struct error *error)
{
    const size_t bytes = child_fpu_bytes(child);
    const char *area = vcpu->arriving;
    char *own = malloc(bytes), mask[4];
    int rc = own ? child_fpu_get(child, own, error)
                 : error_set(error, ENOMEM, "no memory for a virtual CPU's FPU state");
    if (rc == 0) {
        memcpy(mask, own + XSAVE_MXCSR_MASK, sizeof mask);
        memcpy(own, area, XSAVE_SOFTWARE);
        memcpy(own + XSAVE_MXCSR_MASK, mask, sizeof mask);
        if (bytes > XSAVE_LEGACY_END) {
            set_word(own, XSAVE_BV,
                (word_at(area, XSAVE_BV) & COMPONENTS) | (word_at(own, XSAVE_BV) & ~COMPONENTS));
            copy_components(own, bytes, area, vcpu->arriving_bytes);
        }
        rc = child_fpu_put(child, own, error);
    }
    free(own);
    if (rc == 0) {
        free(vcpu->arriving);
        vcpu->arriving = NULL;
    }
    return rc;
}

/* ---- registers ---- */

static struct kvm_segment segment(uint16_t selector, uint8_t type, uint64_t base)
{
    const bool code = type == 11;
    return (struct kvm_segment){.base = base,
        .limit = 0xffffffff,
        .selector = selector,
        .type = type,
        .present = 1,
        .dpl = selector & 3,
        .s = 1,
        .l = code,
        .db = !code,
        .g = 1};
}

static int take_system(struct vcpu *vcpu, struct machine_state *state, struct error *error)
{
    const struct machine *machine = &vcpu->machine;
    const struct vcpu_system *system = &machine->system;
    const uint16_t data = system->ss_selector;
    struct kvm_sregs *sregs = add(vcpu, state, STATE_SYSTEM, sizeof *sregs, error);
    if (!sregs)
        return -error->code;
    *sregs = (struct kvm_sregs){.cs = segment(system->cs_selector, 11, 0),
        .ds = segment(data, 3, 0),
        .es = segment(data, 3, 0),
        .fs = segment(data, 3, system->fs_base),
        .gs = segment(data, 3, system->gs_base),
        .ss = segment(data, 3, 0),
        .tr = {.base = system->tss.value,
            .limit = system->tss_limit,
            .selector = system->tss_selector,
            .type = 11,
            .present = 1},
        .ldt = {.unusable = 1},
        .gdt = {.base = system->gdt.value, .limit = system->gdt_limit},
        .idt = {.base = system->idt.value, .limit = system->idt_limit},
        .cr0 = system->cr0,
        .cr2 = system->fault_address,
        .cr3 = system->page_tables.value,
        .cr4 = system->cr4,
        .cr8 = machine->task_priority,
        .efer = system->efer,
        .apic_base = vcpu->apic.base};
    return 0;
}

struct msrs {
    struct kvm_msr_entry star, entry, mask, kernel_gs, tsc;
};

static int take_msrs(struct vcpu *vcpu, struct machine_state *state, struct error *error)
{
    const struct vcpu_system *system = &vcpu->machine.system;
    struct msrs *msrs = add(vcpu, state, STATE_MSRS, sizeof *msrs, error);
    if (!msrs)
        return -error->code;
    *msrs = (struct msrs){.star = {.index = MSR_STAR, .data = system->star},
        .entry = {.index = MSR_LSTAR, .data = system->syscall_entry.value},
        .mask = {.index = MSR_FMASK, .data = system->syscall_mask},
        .kernel_gs = {.index = MSR_KERNEL_GS, .data = vcpu->machine.kernel_gs_base},
        .tsc = {.index = MSR_TSC, .data = __builtin_ia32_rdtsc()}};
    return 0;
}

/* Those that guests have here; the time-stamp counter is the host's. */
static int put_system(struct vcpu *vcpu, const struct machine_state *state, struct error *error)
{
    size_t bytes = 0;
    const struct kvm_sregs *sregs =
        find(vcpu, state, STATE_SYSTEM, sizeof *sregs, "system registers", NULL, error);
    const struct kvm_msr_entry *msrs = sregs ? find(vcpu, state, STATE_MSRS, 0, "MSRs", &bytes, error) : NULL;
    if (!msrs)
        return -error->code;
    if (!sregs->cs.l)
        return error_set(error, ENOTSUP, "%s runs 64-bit guests only", vcpu->vm->ops->name);
    struct vcpu_system system = {.page_tables = GPA(sregs->cr3),
        .cr0 = sregs->cr0,
        .cr4 = sregs->cr4,
        .efer = sregs->efer,
        .cs_selector = sregs->cs.selector,
        .ss_selector = sregs->ss.selector,
        .fs_base = sregs->fs.base,
        .gs_base = sregs->gs.base,
        .gdt = GVA(sregs->gdt.base),
        .idt = GVA(sregs->idt.base),
        .tss = GVA(sregs->tr.base),
        .gdt_limit = sregs->gdt.limit,
        .idt_limit = sregs->idt.limit,
        .tss_limit = (uint16_t)sregs->tr.limit,
        .tss_selector = sregs->tr.selector};
    for (size_t i = 0; i < bytes / sizeof *msrs; i++)
        switch (msrs[i].index) {
        case MSR_STAR:
            system.star = msrs[i].data;
            break;
        case MSR_LSTAR:
            system.syscall_entry = GVA(msrs[i].data);
            break;
        case MSR_FMASK:
            system.syscall_mask = msrs[i].data;
            break;
        case MSR_KERNEL_GS:
            vcpu->machine.kernel_gs_base = msrs[i].data;
            break;
        default:
            break;
        }
    vcpu->machine.system.fault_address = sregs->cr2;
    vcpu->machine.task_priority = sregs->cr8 & 15;
    vcpu->apic.base = sregs->apic_base;
    return deprivileged_set_system(vcpu, &system, error);
}

static int take_registers(struct vcpu *vcpu, struct machine_state *state, struct error *error)
{
    const struct vcpu_registers *from = &vcpu->machine.registers;
    struct kvm_regs *regs = add(vcpu, state, STATE_REGISTERS, sizeof *regs, error);
    struct kvm_debugregs *debug = add(vcpu, state, STATE_DEBUG, sizeof *debug, error);
    if (!regs || !debug)
        return -error->code;
    *regs = (struct kvm_regs){from->rax, from->rbx, from->rcx, from->rdx, from->rsi, from->rdi, from->rsp,
        from->rbp, from->r8, from->r9, from->r10, from->r11, from->r12, from->r13, from->r14, from->r15,
        from->rip, from->rflags};
    *debug = (struct kvm_debugregs){.dr6 = 0xffff0ff0, .dr7 = 0x400};
    return 0;
}

static int put_registers(struct vcpu *vcpu, const struct machine_state *state, struct error *error)
{
    const struct kvm_regs *from = find(vcpu, state, STATE_REGISTERS, sizeof *from, "registers", NULL, error);
    const struct kvm_debugregs *debug =
        from ? find(vcpu, state, STATE_DEBUG, sizeof *debug, "debug registers", NULL, error) : NULL;
    if (!debug)
        return -error->code;
    if (debug->dr7 & 0xff)
        return error_set(error, ENOTSUP,
            "the guest uses breakpoints of the debug registers, which %s does not give it",
            vcpu->vm->ops->name);
    const struct vcpu_registers registers = {from->rax, from->rbx, from->rcx, from->rdx, from->rsi, from->rdi,
        from->rsp, from->rbp, from->r8, from->r9, from->r10, from->r11, from->r12, from->r13, from->r14,
        from->r15, from->rip, from->rflags & ~FLAG_VM};
    return deprivileged_set_registers(vcpu, &registers, error);
}

/* ---- interrupts ---- */

static int take_events(struct vcpu *vcpu, struct machine_state *state, struct error *error)
{
    struct kvm_vcpu_events *events = add(vcpu, state, STATE_EVENTS, sizeof *events, error);
    struct kvm_mp_state *runnable = add(vcpu, state, STATE_RUNNABLE, sizeof *runnable, error);
    char *apic = vcpu->apic.present ? add(vcpu, state, STATE_LAPIC, APIC_PAGE_BYTES, error) : NULL;
    if (!events || !runnable || (vcpu->apic.present && !apic))
        return -error->code;
    runnable->mp_state = vcpu->halted ? KVM_MP_STATE_HALTED : KVM_MP_STATE_RUNNABLE;
    if (apic)
        apic_save(&vcpu->apic, waker_now(), apic);
    return 0;
}

/* An interrupt that KVM was about to deliver is due once more here. */
static int put_events(struct vcpu *vcpu, const struct machine_state *state, struct error *error)
{
    const struct kvm_vcpu_events *events =
        find(vcpu, state, STATE_EVENTS, sizeof *events, "pending events", NULL, error);
    const struct kvm_mp_state *runnable =
        events ? find(vcpu, state, STATE_RUNNABLE, sizeof *runnable, "state of running", NULL, error) : NULL;
    const char *apic = runnable && vcpu->apic.present
                           ? find(vcpu, state, STATE_LAPIC, APIC_PAGE_BYTES, "local APIC", NULL, error)
                           : NULL;
    if (!runnable || (vcpu->apic.present && !apic))
        return -error->code;
    if (events->exception.injected || events->exception.pending || events->nmi.injected ||
        events->nmi.pending || events->smi.smm)
        return error_set(error, ENOTSUP,
            "virtual CPU %u was saved with an exception on its way, which %s cannot take over: save it once "
            "more",
            vcpu->id, vcpu->vm->ops->name);
    vcpu->halted = runnable->mp_state == KVM_MP_STATE_HALTED && vcpu->apic.present;
    if (!apic)
        return 0;
    apic_restore(&vcpu->apic, vcpu->apic.base, apic, waker_now());
    if (events->interrupt.injected) {
        vcpu->apic.waiting = true;
        vcpu->apic.served = false;
    }
    return interrupts_set_waker(vcpu, error);
}

/* ---- all of it ---- */

int deprivileged_save_cpu(struct vcpu *vcpu, struct machine_state *state, struct error *error)
{
    enum { PARTS = 8 };
    struct vm_exit exit;
    int rc = deprivileged_own(vcpu, error);
    for (int part = 0; rc == 0 && vcpu->pending && part < PARTS; part++)
        rc = deprivileged_complete(vcpu, &exit, error);
    if (rc == 0 && vcpu->vm->paravirt)
        return error_set(error, ENOTSUP,
            "the guest's kernel has its page tables validated, and what %s knows of them cannot be taken "
            "out: run it on shadow or kvm",
            vcpu->vm->ops->name);
    if (rc < 0)
        return rc;
    pthread_mutex_lock(&vcpu->lock);
    if ((rc = take_cpuid(vcpu, state, error)) == 0 && (rc = take_system(vcpu, state, error)) == 0 &&
        (rc = take_registers(vcpu, state, error)) == 0 && (rc = take_xsave(vcpu, state, error)) == 0 &&
        (rc = take_msrs(vcpu, state, error)) == 0)
        rc = take_events(vcpu, state, error);
    pthread_mutex_unlock(&vcpu->lock);
    return rc;
}

/* Where a component of the XSAVE area stands is the CPU's own. */
static int check_xsave(const struct vcpu *vcpu, const struct machine_state *state, struct error *error)
{
    size_t bytes;
    const struct kvm_cpuid_entry2 *list = find(vcpu, state, STATE_CPUID, 0, "CPUID", &bytes, error);
    if (!list)
        return -error->code;
    for (size_t i = 0; i < bytes / sizeof *list; i++) {
        const struct kvm_cpuid_entry2 *there = &list[i];
        struct host_cpuid here;
        if (there->function != 0xd || there->index < 2 || there->index > 7 ||
            !(COMPONENTS >> there->index & 1) || !there->eax)
            continue;
        (void)host_cpuid(0xd, there->index, &here);
        if (here.eax != there->eax || here.ebx != there->ebx)
            return error_set(error, ENOTSUP,
                "this host's CPU has vector registers at other places of its XSAVE area: restore the domain "
                "on a host like the one that it was saved on");
    }
    return 0;
}

int deprivileged_restore_cpu(struct vcpu *vcpu, const struct machine_state *state,
    const struct state_pause *pause, struct error *error)
{
    int rc = deprivileged_own(vcpu, error);
    (void)pause; /* its clocks are the host's */
    if (rc == 0 && (rc = check_xsave(vcpu, state, error)) == 0 &&
        (rc = put_system(vcpu, state, error)) == 0 && (rc = put_registers(vcpu, state, error)) == 0 &&
        (rc = put_xsave(vcpu, state, error)) == 0)
        rc = put_events(vcpu, state, error);
    return rc;
}

/* The machine beside its virtual CPUs has a clock and nothing else. */
int deprivileged_save_machine(struct vm *vm, struct machine_state *state, struct error *error)
{
    struct kvm_clock_data *clock =
        machine_state_add(state, STATE_CLOCK, STATE_OF_MACHINE, sizeof *clock, error);
    (void)vm;
    if (!clock)
        return -error->code;
    clock->clock = waker_now();
    return 0;
}

int deprivileged_restore_machine(
    struct vm *vm, const struct machine_state *state, const struct state_pause *pause, struct error *error)
{
    (void)vm, (void)state, (void)pause, (void)error;
    return 0;
}
