/* Creating a virtual CPU and moving its state in and out. Registers travel in the page shared with the kernel
 * (KVM_CAP_SYNC_REGS), not by ioctl: under PVM each ioctl costs about 6 us. */
#include "host/descriptor.h"
#include "monitor/kvm/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

enum { CPUID_ENTRIES = 256 };

/* What KVM supports names the APIC of the CPU that was asked (leaf 1: EBX, bits 31 to 24; leaves 0xb and
 * 0x1f: EDX). */
static void set_apic(struct kvm_cpuid2 *cpuid, uint32_t id)
{
    for (uint32_t i = 0; i < cpuid->nent; i++) {
        struct kvm_cpuid_entry2 *leaf = &cpuid->entries[i];
        if (leaf->function == 1)
            leaf->ebx = (leaf->ebx & 0xffffff) | id << 24;
        if (leaf->function == 0xb || leaf->function == 0x1f)
            leaf->edx = id;
    }
}

static bool take_kept(struct monitor_kept *kept, struct kvm_cpuid2 *cpuid)
{
    uint32_t bytes = kept ? atomic_load_explicit(&kept->bytes, memory_order_acquire) : 0;
    if (!bytes || bytes > sizeof kept->data)
        return false;
    memcpy(cpuid->entries, kept->data, bytes);
    cpuid->nent = bytes / sizeof cpuid->entries[0];
    return true;
}

/* Two processes that keep it at once keep the same. */
static void keep(struct monitor_kept *kept, const struct kvm_cpuid2 *cpuid)
{
    size_t bytes = cpuid->nent * sizeof cpuid->entries[0];
    if (!kept || bytes > sizeof kept->data)
        return;
    memcpy(kept->data, cpuid->entries, bytes);
    atomic_store_explicit(&kept->bytes, (uint32_t)bytes, memory_order_release);
}

static int find_supported(const struct vm *vm, struct kvm_cpuid2 *cpuid, struct error *error)
{
    if (take_kept(vm->kept, cpuid))
        return 0;
    cpuid->nent = CPUID_ENTRIES;
    if (ioctl(vm->kvm, KVM_GET_SUPPORTED_CPUID, cpuid) < 0)
        return kvm_refused(
            error, KVM_GET_SUPPORTED_CPUID, errno, "KVM does not tell which CPUID it supports");
    keep(vm->kept, cpuid);
    return 0;
}

/* Whatever KVM supports here is passed on: without it EFER.NX or AVX state may be refused. */
static int pass_cpuid(const struct vm *vm, const struct vcpu *vcpu, struct error *error)
{
    union {
        struct kvm_cpuid2 cpuid;
        char room[sizeof(struct kvm_cpuid2) + CPUID_ENTRIES * sizeof(struct kvm_cpuid_entry2)];
    } all;
    struct kvm_cpuid2 *cpuid = &all.cpuid;
    memset(cpuid, 0, sizeof *cpuid);
    int rc = find_supported(vm, cpuid, error);
    if (rc == 0)
        set_apic(cpuid, vcpu->id);
    if (rc == 0 && ioctl(vcpu->fd, KVM_SET_CPUID2, cpuid) < 0)
        rc = kvm_refused(error, KVM_SET_CPUID2, errno, "KVM refuses its own CPUID for a virtual CPU");
    return rc;
}

/* With local APICs in the kernel every virtual CPU but the first waits for a start-up interrupt (api.rst,
 * KVM_SET_MP_STATE). */
static int make_runnable(const struct vcpu *vcpu, struct error *error)
{
    struct kvm_mp_state state = {.mp_state = KVM_MP_STATE_RUNNABLE};
    if (ioctl(vcpu->fd, KVM_SET_MP_STATE, &state) < 0)
        return kvm_refused(error, KVM_SET_MP_STATE, errno, "KVM does not let a second virtual CPU run");
    return 0;
}

/* KVM lets a new virtual CPU's counter begin at 0 (Documentation/virt/kvm/devices/vcpu.rst,
 * KVM_VCPU_TSC_CTRL, Linux 5.16). */
static int take_host_clock(const struct vcpu *vcpu, struct error *error)
{
    uint64_t offset = 0;
    const struct kvm_device_attr set = {
        .group = KVM_VCPU_TSC_CTRL, .attr = KVM_VCPU_TSC_OFFSET, .addr = (uintptr_t)&offset};
    if (ioctl(vcpu->fd, KVM_SET_DEVICE_ATTR, &set) < 0)
        return error_set(error, ENOTSUP,
            "this KVM cannot give a virtual CPU the host's time-stamp counter (KVM_VCPU_TSC_OFFSET, Linux "
            "5.16): use a newer kernel");
    return 0;
}

/* The first one is outside the guest as the second is made: whoever runs it wants that, and waits for it. */
static int open_counters(struct vm *vm, struct vcpu *vcpu, struct error *error)
{
    struct vcpu *first = vm->vcpus;
    int rc = 0;
    if (!kvm_counts_late(vm))
        return kvm_open_counters(vm, vcpu, error);
    if (first && !first->next)
        rc = kvm_open_counters(vm, first, error);
    return rc == 0 && first ? kvm_open_counters(vm, vcpu, error) : rc;
}

static int open_descriptors(struct vm *vm, struct vcpu *vcpu, struct error *error)
{
    vcpu->fd = kvm_keep_fd(vm, kvm_create_fd(vm->fd, KVM_CREATE_VCPU, vcpu->id, vm->stop));
    if (vcpu->fd < 0)
        return kvm_refused(error, KVM_CREATE_VCPU, errno, "KVM cannot create virtual CPU %u", vcpu->id);
    vcpu->run = mmap(NULL, vm->run_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd, 0);
    if (vcpu->run == MAP_FAILED) {
        vcpu->run = NULL;
        return kvm_refused(error, 0, errno, "cannot map the pages shared with virtual CPU %u", vcpu->id);
    }
    (void)madvise(vcpu->run, vm->run_bytes, MADV_DONTFORK); /* a child would keep the virtual machine alive */
    vcpu->run->kvm_valid_regs = KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS;
    int rc = pass_cpuid(vm, vcpu, error);
    if (rc == 0 && vcpu->id > 0)
        rc = make_runnable(vcpu, error);
    if (rc == 0 && vm->host_clock)
        rc = take_host_clock(vcpu, error);
    return rc < 0 ? rc : open_counters(vm, vcpu, error);
}

static int vcpu_open(struct vm *vm, struct vcpu *vcpu, struct error *error)
{
    struct rlimit limit;
    descriptor_limit_raise(&limit);
    int rc = open_descriptors(vm, vcpu, error);
    descriptor_limit_restore(&limit);
    return rc;
}

int kvm_vcpu(struct vm *vm, unsigned id, struct vcpu **out, struct error *error)
{
    if (id >= vm->vcpus_max)
        return error_set(
            error, EINVAL, "this KVM gives a virtual machine at most %u virtual CPUs", vm->vcpus_max);
    struct vcpu *vcpu = calloc(1, sizeof *vcpu);
    if (!vcpu)
        return error_set(error, ENOMEM, "no memory for a virtual CPU");
    *vcpu = (struct vcpu){.vm = vm, .id = id, .stats.fd = -1};
    int rc = vcpu_open(vm, vcpu, error);
    if (rc < 0) {
        kvm_vcpu_free(vcpu);
        return rc;
    }
    pthread_mutex_lock(&vm->lock);
    vcpu->next = vm->vcpus;
    vm->vcpus = vcpu;
    pthread_mutex_unlock(&vm->lock);
    *out = vcpu;
    return 0;
}

void kvm_vcpu_free(struct vcpu *vcpu)
{
    kvm_stats_close(&vcpu->stats);
    if (vcpu->run)
        munmap(vcpu->run, vcpu->vm->run_bytes);
    if (vcpu->fd >= 0)
        close(vcpu->fd);
    free(vcpu);
}

/* An XSAVE area whose header says that all is as after INIT, but for the legacy part's two control words (SDM
 * volume 1, 13.6). */
int kvm_reset(struct vcpu *vcpu, struct error *error)
{
    enum { FCW = 0, MXCSR = 6 };
    struct kvm_xsave xsave = {.region = {[FCW] = 0x37f, [MXCSR] = 0x1f80}};
    struct kvm_debugregs debug = {.dr6 = 0xffff0ff0, .dr7 = 0x400};
    struct kvm_mp_state state = {.mp_state = KVM_MP_STATE_RUNNABLE};
    struct kvm_vcpu_events events = {.flags = KVM_VCPUEVENT_VALID_NMI_PENDING};
    struct vcpu_registers registers = {.rflags = 2};
    int rc = kvm_set_registers(vcpu, &registers, error);
    if (rc < 0)
        return rc;
    vcpu->kicked = false;
    if (ioctl(vcpu->fd, KVM_SET_XSAVE, &xsave) < 0 || ioctl(vcpu->fd, KVM_SET_DEBUGREGS, &debug) < 0 ||
        ioctl(vcpu->fd, KVM_SET_VCPU_EVENTS, &events) < 0 || ioctl(vcpu->fd, KVM_SET_MP_STATE, &state) < 0)
        return kvm_refused(error, 0, errno, "KVM does not reset virtual CPU %u", vcpu->id);
    return 0;
}

static struct kvm_segment code_segment(uint16_t selector)
{
    return (struct kvm_segment){.limit = 0xffffffff,
        .selector = selector,
        .type = 11,
        .present = 1,
        .dpl = selector & 3,
        .s = 1,
        .l = 1,
        .g = 1};
}

static struct kvm_segment data_segment(uint16_t selector)
{
    return (struct kvm_segment){.limit = 0xffffffff,
        .selector = selector,
        .type = 3,
        .present = 1,
        .dpl = selector & 3,
        .s = 1,
        .db = 1,
        .g = 1};
}

static int set_syscall(struct vcpu *vcpu, const struct vcpu_system *system, struct error *error)
{
    struct {
        struct kvm_msrs header;
        struct kvm_msr_entry entries[3];
    } msrs = {
        .header.nmsrs = 3,
        .entries = {{.index = 0xc0000081, .data = system->star},
            {.index = 0xc0000082, .data = system->syscall_entry.value},
            {.index = 0xc0000084, .data = system->syscall_mask}},
    };
    int set = ioctl(vcpu->fd, KVM_SET_MSRS, &msrs);
    if (set < 0)
        return kvm_refused(error, KVM_SET_MSRS, errno, "KVM does not set the guest's SYSCALL registers");
    if (set != 3)
        return error_set(error, EIO, "KVM refuses the guest's SYSCALL registers (STAR, LSTAR, FMASK)");
    return 0;
}

static int set_xcr0(const struct vcpu *vcpu, uint64_t value, struct error *error)
{
    const struct kvm_xcrs xcrs = {.nr_xcrs = 1, .xcrs = {{.xcr = 0, .value = value}}};
    if (ioctl(vcpu->fd, KVM_SET_XCRS, &xcrs) < 0)
        return kvm_refused(error, KVM_SET_XCRS, errno, "KVM does not set the guest's XCR0");
    return 0;
}

int kvm_set_system(struct vcpu *vcpu, const struct vcpu_system *system, struct error *error)
{
    struct kvm_sregs sregs;
    int rc = kvm_own(vcpu, error);
    if (rc < 0)
        return rc;
    if (ioctl(vcpu->fd, KVM_GET_SREGS, &sregs) < 0)
        return kvm_refused(
            error, KVM_GET_SREGS, errno, "KVM does not tell the virtual CPU's system registers");
    sregs.cr0 = system->cr0;
    sregs.cr3 = system->page_tables.value;
    sregs.cr4 = system->cr4;
    sregs.efer = system->efer;
    sregs.cs = code_segment(system->cs_selector);
    sregs.ss = sregs.ds = sregs.es = sregs.fs = sregs.gs = data_segment(system->ss_selector);
    sregs.fs.base = system->fs_base;
    sregs.gs.base = system->gs_base;
    sregs.gdt = (struct kvm_dtable){.base = system->gdt.value, .limit = system->gdt_limit};
    sregs.idt = (struct kvm_dtable){.base = system->idt.value, .limit = system->idt_limit};
    sregs.tr = (struct kvm_segment){.base = system->tss.value,
        .limit = system->tss_limit,
        .selector = system->tss_selector,
        .type = 11,
        .present = 1};
    if (ioctl(vcpu->fd, KVM_SET_SREGS, &sregs) < 0)
        return kvm_refused(error, KVM_SET_SREGS, errno, "KVM refuses the guest's system registers");
    vcpu->run->s.regs.sregs = sregs;
    if (system->xcr0 && (rc = set_xcr0(vcpu, system->xcr0, error)) < 0)
        return rc;
    return set_syscall(vcpu, system, error);
}

int kvm_get_system(struct vcpu *vcpu, struct vcpu_system *system, struct error *error)
{
    const struct kvm_sregs *sregs = &vcpu->run->s.regs.sregs;
    int rc = kvm_own(vcpu, error);
    if (rc < 0)
        return rc;
    *system = (struct vcpu_system){
        .page_tables = GPA(sregs->cr3),
        .cr0 = sregs->cr0,
        .cr4 = sregs->cr4,
        .efer = sregs->efer,
        .fault_address = sregs->cr2,
        .cs_selector = sregs->cs.selector,
        .ss_selector = sregs->ss.selector,
        .fs_base = sregs->fs.base,
        .gs_base = sregs->gs.base,
    };
    return 0;
}

int kvm_set_user(struct vcpu *vcpu, const struct vcpu_user *user, struct error *error)
{
    struct kvm_sregs *sregs = &vcpu->run->s.regs.sregs;
    int rc = kvm_own(vcpu, error);
    if (rc < 0)
        return rc;
    if (sregs->cs.selector == user->cs_selector && sregs->cs.dpl == 3 && sregs->fs.base == user->fs_base &&
        sregs->gs.base == user->gs_base)
        return 0;
    sregs->cs = code_segment(user->cs_selector);
    sregs->ss = data_segment(user->ss_selector);
    sregs->fs.base = user->fs_base;
    sregs->gs.base = user->gs_base;
    vcpu->run->kvm_dirty_regs |= KVM_SYNC_X86_SREGS;
    return 0;
}

int kvm_set_registers(struct vcpu *vcpu, const struct vcpu_registers *registers, struct error *error)
{
    enum { PARTS = 64 };
    struct vm_exit exit;
    int rc = kvm_own(vcpu, error);
    if (rc == 0 && vcpu->output && registers->rip == vcpu->run->s.regs.regs.rip)
        vcpu->unfinished = true;
    for (int part = 0; rc == 0 && vcpu->unfinished && part < PARTS; part++)
        rc = kvm_complete(vcpu, &exit, error);
    if (rc < 0)
        return rc;
    if (vcpu->unfinished)
        return error_set(error, EIO, "virtual CPU %u does not get done with an instruction", vcpu->id);
    vcpu->run->s.regs.regs = (struct kvm_regs){
        .rax = registers->rax,
        .rbx = registers->rbx,
        .rcx = registers->rcx,
        .rdx = registers->rdx,
        .rsi = registers->rsi,
        .rdi = registers->rdi,
        .rsp = registers->rsp,
        .rbp = registers->rbp,
        .r8 = registers->r8,
        .r9 = registers->r9,
        .r10 = registers->r10,
        .r11 = registers->r11,
        .r12 = registers->r12,
        .r13 = registers->r13,
        .r14 = registers->r14,
        .r15 = registers->r15,
        .rip = registers->rip,
        .rflags = registers->rflags,
    };
    vcpu->run->kvm_dirty_regs |= KVM_SYNC_X86_REGS;
    return 0;
}

int kvm_get_registers(struct vcpu *vcpu, struct vcpu_registers *registers, struct error *error)
{
    const struct kvm_regs *regs = &vcpu->run->s.regs.regs;
    int rc = kvm_own(vcpu, error);
    if (rc < 0)
        return rc;
    *registers = (struct vcpu_registers){
        .rax = regs->rax,
        .rbx = regs->rbx,
        .rcx = regs->rcx,
        .rdx = regs->rdx,
        .rsi = regs->rsi,
        .rdi = regs->rdi,
        .rsp = regs->rsp,
        .rbp = regs->rbp,
        .r8 = regs->r8,
        .r9 = regs->r9,
        .r10 = regs->r10,
        .r11 = regs->r11,
        .r12 = regs->r12,
        .r13 = regs->r13,
        .r14 = regs->r14,
        .r15 = regs->r15,
        .rip = regs->rip,
        .rflags = regs->rflags,
    };
    return 0;
}
