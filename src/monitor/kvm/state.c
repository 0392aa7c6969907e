/* All that KVM knows of a virtual machine and its virtual CPUs, but for memory, out and in
 * (machine_state.h). Only what differs from a new one is written of the MSRs: KVM lists some that it does not
 * let anybody set. */
#include "monitor/kvm/internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

enum { MSRS_MAX = 1024, MSR_TSC = 0x10, CPUIDS_MAX = 256, IRQCHIPS = 3 };

/* Larger than any: room for KVM's structures of a variable length. */
union variable {
    struct kvm_cpuid2 cpuid;
    struct kvm_msrs msrs;
    struct kvm_msr_list list;
    char bytes[sizeof(struct kvm_msrs) + MSRS_MAX * sizeof(struct kvm_msr_entry)];
};

struct part_type {
    enum state_kind kind;
    const char *what;
    uint32_t bytes; /* exactly; 0: a list */
    bool irqchip;   /* only a machine with interrupt controllers has it */
    unsigned long get, set;
    /* Instead of the calls. */
    int (*take)(struct vcpu *vcpu, struct machine_state *state, struct error *error);
    int (*put)(struct vcpu *vcpu, const struct state_part *part, const struct state_pause *pause,
        struct error *error);
};

static int refused(
    struct error *error, unsigned long request, const char *way, const char *what, const struct vcpu *vcpu)
{
    return kvm_refused(
        error, request, errno, "KVM does not %s the %s of virtual CPU %u", way, what, vcpu->id);
}

static int add(struct machine_state *state, enum state_kind kind, unsigned cpu, const void *data,
    size_t bytes, struct error *error)
{
    void *room = machine_state_add(state, kind, cpu, bytes, error);
    if (!room)
        return -error->code;
    memcpy(room, data, bytes);
    return 0;
}

/* ---- CPUID ---- */

/* The KVM of Linux 6.1 does not tell how many there are: behind the last one is what was there before. */
static int get_cpuid(const struct vcpu *vcpu, union variable *have, struct error *error)
{
    static const struct kvm_cpuid_entry2 none;
    memset(have, 0, sizeof *have);
    have->cpuid.nent = CPUIDS_MAX;
    if (ioctl(vcpu->fd, KVM_GET_CPUID2, have) < 0)
        return refused(error, KVM_GET_CPUID2, "tell", "CPUID", vcpu);
    while (have->cpuid.nent && !memcmp(&have->cpuid.entries[have->cpuid.nent - 1], &none, sizeof none))
        have->cpuid.nent--;
    return 0;
}

static int take_cpuid(struct vcpu *vcpu, struct machine_state *state, struct error *error)
{
    union variable have;
    int rc = get_cpuid(vcpu, &have, error);
    return rc < 0 ? rc
                  : add(state, STATE_CPUID, vcpu->id, have.cpuid.entries,
                        have.cpuid.nent * sizeof *have.cpuid.entries, error);
}

/* What KVM itself changes there as the guest sets CR4 and XCR0 (SDM volume 2A, CPUID: OSXSAVE, OSPKE, the
 * size of the XSAVE area in use). */
static void leave_out_dynamic(struct kvm_cpuid_entry2 *leaf)
{
    if (leaf->function == 1)
        leaf->ecx &= ~(1u << 27);
    if (leaf->function == 7 && leaf->index == 0)
        leaf->ecx &= ~(1u << 4);
    if (leaf->function == 0xd && leaf->index < 2)
        leaf->ebx = 0;
}

static bool shows(const struct vcpu *vcpu, const struct state_part *part, struct error *error)
{
    union variable have;
    const struct kvm_cpuid_entry2 *wanted = part->data;
    if (get_cpuid(vcpu, &have, error) < 0 || have.cpuid.nent * sizeof *wanted != part->bytes)
        return false;
    for (uint32_t i = 0; i < have.cpuid.nent; i++) {
        struct kvm_cpuid_entry2 a = have.cpuid.entries[i], b = wanted[i];
        leave_out_dynamic(&a);
        leave_out_dynamic(&b);
        if (memcmp(&a, &b, sizeof a) != 0)
            return false;
    }
    return true;
}

/* What it obtains is compared with what was asked for: some KVMs say yes and put features back. */
static int put_cpuid(
    struct vcpu *vcpu, const struct state_part *part, const struct state_pause *pause, struct error *error)
{
    union variable have;
    const size_t size = sizeof *have.cpuid.entries;
    (void)pause;
    if (part->bytes % size || part->bytes / size > CPUIDS_MAX)
        return error_set(error, EPROTO, "a CPUID of %zu bytes is none", part->bytes);
    if (shows(vcpu, part, error))
        return 0;
    have.cpuid = (struct kvm_cpuid2){.nent = (uint32_t)(part->bytes / size)};
    memcpy(have.cpuid.entries, part->data, part->bytes);
    if (ioctl(vcpu->fd, KVM_SET_CPUID2, &have) < 0)
        return refused(error, KVM_SET_CPUID2, "set", "CPUID", vcpu);
    if (!shows(vcpu, part, error))
        return error_set(error, ENOTSUP,
            "this KVM does not show virtual CPU %u the CPUID that it had: restore it on a host like the one "
            "that it was saved on",
            vcpu->id);
    return 0;
}

/* ---- registers, of which newer ones may stand in the page shared with KVM ---- */

static int take_registers(struct vcpu *vcpu, struct machine_state *state, struct error *error)
{
    struct kvm_regs regs = vcpu->run->s.regs.regs;
    if (!(vcpu->run->kvm_dirty_regs & KVM_SYNC_X86_REGS) && ioctl(vcpu->fd, KVM_GET_REGS, &regs) < 0)
        return refused(error, KVM_GET_REGS, "tell", "registers", vcpu);
    return add(state, STATE_REGISTERS, vcpu->id, &regs, sizeof regs, error);
}

static int put_registers(
    struct vcpu *vcpu, const struct state_part *part, const struct state_pause *pause, struct error *error)
{
    (void)pause;
    if (ioctl(vcpu->fd, KVM_SET_REGS, part->data) < 0)
        return refused(error, KVM_SET_REGS, "set", "registers", vcpu);
    memcpy(&vcpu->run->s.regs.regs, part->data, sizeof vcpu->run->s.regs.regs);
    vcpu->run->kvm_dirty_regs = 0;
    return 0;
}

static int put_system(
    struct vcpu *vcpu, const struct state_part *part, const struct state_pause *pause, struct error *error)
{
    (void)pause;
    if (ioctl(vcpu->fd, KVM_SET_SREGS, part->data) < 0)
        return refused(error, KVM_SET_SREGS, "set", "system registers", vcpu);
    memcpy(&vcpu->run->s.regs.sregs, part->data, sizeof vcpu->run->s.regs.sregs);
    return 0;
}

/* ---- the XSAVE area ---- */

static int xsave_bytes(const struct vm *vm)
{
    int bytes = ioctl(vm->fd, KVM_CHECK_EXTENSION, KVM_CAP_XSAVE2);
    return bytes > (int)sizeof(struct kvm_xsave) ? bytes : (int)sizeof(struct kvm_xsave);
}

static int get_xsave(struct vcpu *vcpu, void *area, struct error *error)
{
    bool large = xsave_bytes(vcpu->vm) > (int)sizeof(struct kvm_xsave);
    unsigned long request = large ? KVM_GET_XSAVE2 : KVM_GET_XSAVE;
    return ioctl(vcpu->fd, request, area) < 0 ? refused(error, request, "tell", "XSAVE area", vcpu) : 0;
}

static int take_xsave(struct vcpu *vcpu, struct machine_state *state, struct error *error)
{
    int bytes = xsave_bytes(vcpu->vm);
    void *area = machine_state_add(state, STATE_XSAVE, vcpu->id, (size_t)bytes, error);
    if (!area)
        return -error->code;
    return get_xsave(vcpu, area, error);
}

static int put_xsave(
    struct vcpu *vcpu, const struct state_part *part, const struct state_pause *pause, struct error *error)
{
    (void)pause;
    if (part->bytes < (size_t)xsave_bytes(vcpu->vm))
        return error_set(error, ENOTSUP,
            "the XSAVE area of virtual CPU %u has %zu bytes, this KVM's has %d: restore it on a host like "
            "the one that "
            "it was saved on",
            vcpu->id, part->bytes, xsave_bytes(vcpu->vm));
    return ioctl(vcpu->fd, KVM_SET_XSAVE, part->data) < 0
               ? refused(error, KVM_SET_XSAVE, "set", "XSAVE area", vcpu)
               : 0;
}

size_t kvm_extended_bytes(const struct vm *vm)
{
    return (size_t)xsave_bytes(vm);
}

int kvm_get_extended(struct vcpu *vcpu, void *area, struct error *error)
{
    int rc = kvm_own(vcpu, error);
    return rc < 0 ? rc : get_xsave(vcpu, area, error);
}

int kvm_set_extended(struct vcpu *vcpu, const void *area, struct error *error)
{
    int rc = kvm_own(vcpu, error);
    if (rc == 0 && ioctl(vcpu->fd, KVM_SET_XSAVE, area) < 0)
        rc = refused(error, KVM_SET_XSAVE, "set", "XSAVE area", vcpu);
    return rc;
}

/* ---- MSRs ---- */

/* Reads those that `wanted` names and KVM gives: entries[0 … nmsrs). It stops at the first that it refuses,
 * which is left out. */
static int get_msrs(const struct vcpu *vcpu, union variable *msrs, struct error *error)
{
    struct kvm_msr_entry *entries = msrs->msrs.entries;
    uint32_t count = msrs->msrs.nmsrs, done = 0;
    union variable some;
    while (done < count) {
        some.msrs = (struct kvm_msrs){.nmsrs = count - done};
        memcpy(some.msrs.entries, entries + done, (count - done) * sizeof *entries);
        int got = ioctl(vcpu->fd, KVM_GET_MSRS, &some);
        if (got < 0)
            return refused(error, KVM_GET_MSRS, "tell", "MSRs", vcpu);
        memcpy(entries + done, some.msrs.entries, (size_t)got * sizeof *entries);
        done += (uint32_t)got;
        if (done < count)
            memmove(entries + done, entries + done + 1, (--count - done) * sizeof *entries);
    }
    msrs->msrs.nmsrs = count;
    return 0;
}

static int take_msrs(struct vcpu *vcpu, struct machine_state *state, struct error *error)
{
    union variable list, msrs = {.msrs = {.nmsrs = 0}};
    list.list.nmsrs = MSRS_MAX;
    if (ioctl(vcpu->vm->kvm, KVM_GET_MSR_INDEX_LIST, &list) < 0)
        return refused(error, KVM_GET_MSR_INDEX_LIST, "list", "MSRs", vcpu);
    msrs.msrs.nmsrs = list.list.nmsrs;
    for (uint32_t i = 0; i < list.list.nmsrs; i++)
        msrs.msrs.entries[i] = (struct kvm_msr_entry){.index = list.list.indices[i]};
    int rc = get_msrs(vcpu, &msrs, error);
    return rc < 0 ? rc
                  : add(state, STATE_MSRS, vcpu->id, msrs.msrs.entries,
                        msrs.msrs.nmsrs * sizeof *msrs.msrs.entries, error);
}

static int put_msrs(
    struct vcpu *vcpu, const struct state_part *part, const struct state_pause *pause, struct error *error)
{
    const struct kvm_msr_entry *wanted = part->data;
    const size_t count = part->bytes / sizeof *wanted;
    union variable have, set = {.msrs = {.nmsrs = 0}};
    if (part->bytes % sizeof *wanted || count > MSRS_MAX)
        return error_set(error, EPROTO, "a list of MSRs of %zu bytes is none", part->bytes);
    have.msrs = (struct kvm_msrs){.nmsrs = (uint32_t)count};
    memcpy(have.msrs.entries, wanted, part->bytes);
    int rc = get_msrs(vcpu, &have, error);
    for (size_t i = 0, j = 0; rc == 0 && i < count; i++) {
        const struct kvm_msr_entry *now = &have.msrs.entries[j];
        bool there = j < have.msrs.nmsrs && now->index == wanted[i].index;
        j += there;
        if (there && now->data == wanted[i].data && wanted[i].index != MSR_TSC)
            continue;
        set.msrs.entries[set.msrs.nmsrs] = wanted[i];
        set.msrs.entries[set.msrs.nmsrs++].data += wanted[i].index == MSR_TSC ? pause->ticks : 0;
    }
    int done = rc < 0 || !set.msrs.nmsrs ? 0 : ioctl(vcpu->fd, KVM_SET_MSRS, &set);
    if (done < 0)
        return refused(error, KVM_SET_MSRS, "set", "MSRs", vcpu);
    if (rc == 0 && (uint32_t)done < set.msrs.nmsrs)
        return error_set(error, ENOTSUP,
            "this KVM refuses the value 0x%" PRIx64 " that MSR 0x%x of virtual CPU %u had",
            (uint64_t)set.msrs.entries[done].data, set.msrs.entries[done].index, vcpu->id);
    return rc;
}

/* ---- a virtual CPU ---- */

/* In the order in which they are put back: what CPUID allows before what uses it, the APIC's mode (system
 * registers) before the APIC, that before the deadline of its timer (MSRs), and whether it runs at all at
 * last. */
static const struct part_type cpu_parts[] = {
    {STATE_CPUID, "CPUID", .take = take_cpuid, .put = put_cpuid},
    {STATE_XCRS, "XCR0", sizeof(struct kvm_xcrs), .get = KVM_GET_XCRS, .set = KVM_SET_XCRS},
    {STATE_SYSTEM, "system registers", sizeof(struct kvm_sregs), .get = KVM_GET_SREGS, .put = put_system},
    {STATE_REGISTERS, "registers", sizeof(struct kvm_regs), .take = take_registers, .put = put_registers},
    {STATE_XSAVE, "XSAVE area", .take = take_xsave, .put = put_xsave},
    {STATE_DEBUG, "debug registers", sizeof(struct kvm_debugregs), .get = KVM_GET_DEBUGREGS,
        .set = KVM_SET_DEBUGREGS},
    {STATE_LAPIC, "local APIC", sizeof(struct kvm_lapic_state), true, KVM_GET_LAPIC, KVM_SET_LAPIC},
    {STATE_MSRS, "MSRs", .take = take_msrs, .put = put_msrs},
    {STATE_EVENTS, "pending events", sizeof(struct kvm_vcpu_events), .get = KVM_GET_VCPU_EVENTS,
        .set = KVM_SET_VCPU_EVENTS},
    {STATE_RUNNABLE, "state of running", sizeof(struct kvm_mp_state), .get = KVM_GET_MP_STATE,
        .set = KVM_SET_MP_STATE},
};
enum { CPU_PARTS = sizeof cpu_parts / sizeof cpu_parts[0] };

/* What an exit left to be done is done first: it would change registers later. */
static int finish(struct vcpu *vcpu, struct error *error)
{
    enum { PARTS_OF_ACCESS = 64 };
    struct vm_exit exit;
    int rc = kvm_own(vcpu, error);
    for (int i = 0; rc == 0 && (vcpu->unfinished || vcpu->output) && i < PARTS_OF_ACCESS; i++)
        rc = kvm_complete(vcpu, &exit, error);
    return rc;
}

int kvm_save_cpu(struct vcpu *vcpu, struct machine_state *state, struct error *error)
{
    int rc = finish(vcpu, error);
    for (unsigned i = 0; rc == 0 && i < CPU_PARTS; i++) {
        const struct part_type *type = &cpu_parts[i];
        if (type->irqchip && !vcpu->vm->irqchip)
            continue;
        if (type->take) {
            rc = type->take(vcpu, state, error);
            continue;
        }
        void *data = machine_state_add(state, type->kind, vcpu->id, type->bytes, error);
        rc = !data                                  ? -error->code
             : ioctl(vcpu->fd, type->get, data) < 0 ? refused(error, type->get, "tell", type->what, vcpu)
                                                    : 0;
    }
    return rc;
}

int kvm_restore_cpu(struct vcpu *vcpu, const struct machine_state *state, const struct state_pause *pause,
    struct error *error)
{
    int rc = kvm_own(vcpu, error);
    for (unsigned i = 0; rc == 0 && i < CPU_PARTS; i++) {
        const struct part_type *type = &cpu_parts[i];
        const struct state_part *part = machine_state_find(state, type->kind, vcpu->id);
        if (type->irqchip && !vcpu->vm->irqchip)
            continue;
        if (!part || (type->bytes && part->bytes != type->bytes))
            return error_set(
                error, EPROTO, "the saved state has no %s of virtual CPU %u", type->what, vcpu->id);
        if (type->put)
            rc = type->put(vcpu, part, pause, error);
        else if (ioctl(vcpu->fd, type->set, part->data) < 0)
            rc = refused(error, type->set, "set", type->what, vcpu);
    }
    return rc;
}

/* ---- the machine ---- */

int kvm_save_machine(struct vm *vm, struct machine_state *state, struct error *error)
{
    struct kvm_clock_data *clock =
        machine_state_add(state, STATE_CLOCK, STATE_OF_MACHINE, sizeof *clock, error);
    if (!clock)
        return -error->code;
    if (ioctl(vm->fd, KVM_GET_CLOCK, clock) < 0)
        return kvm_refused(error, KVM_GET_CLOCK, errno, "KVM does not tell its clock");
    for (uint32_t id = 0; vm->irqchip && id < IRQCHIPS; id++) {
        struct kvm_irqchip *chip =
            machine_state_add(state, STATE_IRQCHIP, STATE_OF_MACHINE, sizeof *chip, error);
        if (!chip)
            return -error->code;
        chip->chip_id = id;
        if (ioctl(vm->fd, KVM_GET_IRQCHIP, chip) < 0)
            return kvm_refused(
                error, KVM_GET_IRQCHIP, errno, "KVM does not tell the state of interrupt controller %u", id);
    }
    return 0;
}

int kvm_restore_machine(
    struct vm *vm, const struct machine_state *state, const struct state_pause *pause, struct error *error)
{
    const struct state_part *part = machine_state_find(state, STATE_CLOCK, STATE_OF_MACHINE);
    struct kvm_clock_data clock = {.clock = 0};
    if (!part || part->bytes != sizeof clock)
        return error_set(error, EPROTO, "the saved state has no clock");
    clock.clock = ((const struct kvm_clock_data *)part->data)->clock + pause->ns;
    if (ioctl(vm->fd, KVM_SET_CLOCK, &clock) < 0)
        return kvm_refused(error, KVM_SET_CLOCK, errno, "KVM does not set its clock");
    for (size_t i = 0; vm->irqchip && i < state->count; i++) {
        part = &state->parts[i];
        if (part->kind != STATE_IRQCHIP)
            continue;
        if (part->bytes != sizeof(struct kvm_irqchip) || ioctl(vm->fd, KVM_SET_IRQCHIP, part->data) < 0)
            return kvm_refused(
                error, KVM_SET_IRQCHIP, errno, "KVM does not take the state of an interrupt controller");
    }
    return 0;
}
