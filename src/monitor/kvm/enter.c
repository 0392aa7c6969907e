/* Entering a virtual CPU and telling why it came back. What KVM says is checked before it is believed: a size
 * that it gives is one of memory here. */
#include "monitor/kvm/internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* New in Linux 6.9 (api.rst, KVM_CAP_MEMORY_FAULT_INFO): comes with -EFAULT. */
enum { EXIT_MEMORY_FAULT = 39 };
struct memory_fault {
    uint64_t flags, gpa, size;
};

static void fail(struct vm_exit *exit, const char *what)
{
    exit->kind = EXIT_FAILED;
    snprintf(exit->detail, sizeof exit->detail, "%s", what);
}

/* Whatever the guest reads is 0 unless somebody puts something else there. */
static void give_data(struct vm_exit *exit, void *data)
{
    exit->data = data;
    if (!exit->write)
        memset(data, 0, (size_t)exit->size * exit->count);
}

static void take_io(const struct vcpu *vcpu, struct vm_exit *exit)
{
    struct kvm_run *run = vcpu->run;
    uint64_t offset = run->io.data_offset, bytes = (uint64_t)run->io.size * run->io.count,
             room = vcpu->vm->run_bytes;
    exit->kind = EXIT_IO;
    exit->port = run->io.port;
    exit->size = run->io.size;
    exit->count = run->io.count;
    exit->write = run->io.direction == KVM_EXIT_IO_OUT;
    if ((exit->size != 1 && exit->size != 2 && exit->size != 4) || !exit->count || offset > room ||
        bytes > room - offset)
        fail(exit, "KVM tells of port I/O of an impossible size");
    else
        give_data(exit, (char *)run + offset);
}

static void take_mmio(const struct vcpu *vcpu, struct vm_exit *exit)
{
    struct kvm_run *run = vcpu->run;
    exit->kind = EXIT_MMIO;
    exit->address = GPA(run->mmio.phys_addr);
    exit->size = run->mmio.len;
    exit->count = 1;
    exit->write = run->mmio.is_write;
    if (!exit->size || exit->size > sizeof run->mmio.data)
        fail(exit, "KVM tells of an access to memory of an impossible size");
    else
        give_data(exit, run->mmio.data);
}

static void take_hypercall(const struct vcpu *vcpu, struct vm_exit *exit)
{
    exit->kind = EXIT_HYPERCALL;
    exit->number = vcpu->run->hypercall.nr;
    exit->arguments = (const uint64_t *)vcpu->run->hypercall.args;
    exit->result = (uint64_t *)&vcpu->run->hypercall.ret;
}

static void take_failed_entry(const struct vcpu *vcpu, struct vm_exit *exit)
{
    snprintf(exit->detail, sizeof exit->detail,
        "the CPU refuses to enter the guest (hardware reason 0x%" PRIx64 ")",
        (uint64_t)vcpu->run->fail_entry.hardware_entry_failure_reason);
}

static void take_internal_error(const struct vcpu *vcpu, struct vm_exit *exit)
{
    exit->kind = EXIT_INTERNAL;
    exit->code = vcpu->run->internal.suberror;
    snprintf(exit->detail, sizeof exit->detail, "KVM has an internal error (suberror %" PRIu64 "%s)",
        exit->code, exit->code == KVM_INTERNAL_ERROR_EMULATION ? ": it cannot emulate an instruction" : "");
}

static const struct {
    uint32_t reason;
    enum vm_exit_kind kind; /* where that is all */
    void (*take)(const struct vcpu *vcpu, struct vm_exit *exit);
} reasons[] = {
    {KVM_EXIT_IO, .take = take_io},
    {KVM_EXIT_MMIO, .take = take_mmio},
    {KVM_EXIT_HYPERCALL, .take = take_hypercall},
    {KVM_EXIT_HLT, .kind = EXIT_HALT},
    {KVM_EXIT_SHUTDOWN, .kind = EXIT_SHUTDOWN},
    {KVM_EXIT_INTR, .kind = EXIT_INTERRUPTED},
    {KVM_EXIT_FAIL_ENTRY, .take = take_failed_entry},
    {KVM_EXIT_INTERNAL_ERROR, .take = take_internal_error},
};

static void take(const struct vcpu *vcpu, struct vm_exit *exit)
{
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        if (reasons[i].reason == vcpu->run->exit_reason) {
            if (reasons[i].take)
                reasons[i].take(vcpu, exit);
            else
                exit->kind = reasons[i].kind;
            return;
        }
    }
    snprintf(exit->detail, sizeof exit->detail,
        "KVM left the guest for a reason that vcost does not know (%u)", vcpu->run->exit_reason);
}

/* Guest memory that the host cannot give: unmapped, protected, or poisoned. */
static void take_fault(const struct vcpu *vcpu, struct vm_exit *exit)
{
    struct memory_fault fault;
    exit->kind = EXIT_FAULT;
    exit->rip = vcpu->run->s.regs.regs.rip;
    exit->address_known = vcpu->run->exit_reason == EXIT_MEMORY_FAULT;
    memcpy(&fault, vcpu->run->padding, sizeof fault);
    if (exit->address_known)
        exit->address = GPA(fault.gpa);
}

/* After OUT there is nothing to finish for whoever goes on elsewhere, as a domain does after every call: no
 * second entry. KVM steps over it at the next one, if it has not done so already and rip is still there. */
static int run_and_take(struct vcpu *vcpu, struct vm_exit *exit, struct error *error)
{
    *exit = (struct vm_exit){.kind = EXIT_FAILED};
    vcpu->unfinished = vcpu->output = false;
    if (kvm_run(vcpu) == 0)
        take(vcpu, exit);
    else if (errno == EINTR || errno == EAGAIN)
        exit->kind = EXIT_INTERRUPTED;
    else if (errno == EFAULT || errno == EHWPOISON)
        take_fault(vcpu, exit);
    else
        return kvm_refused(error, KVM_RUN, errno, "KVM cannot run the virtual CPU");
    vcpu->output = exit->kind == EXIT_IO && exit->write;
    vcpu->unfinished =
        exit->kind == EXIT_MMIO || exit->kind == EXIT_HYPERCALL || (exit->kind == EXIT_IO && !exit->write);
    return 0;
}

static void set_immediate_exit(struct vcpu *vcpu, bool on)
{
    __atomic_store_n(&vcpu->run->immediate_exit, on, __ATOMIC_SEQ_CST);
}

/* First the flag is taken back, then it is looked whether somebody kicked: a kick in between is told now, and
 * its flag makes the next entry an EXIT_INTERRUPTED. */
int kvm_enter(struct vcpu *vcpu, struct vm_exit *exit, struct error *error)
{
    int rc = kvm_own(vcpu, error);
    if (rc < 0 || (rc = run_and_take(vcpu, exit, error)) < 0)
        return rc;
    if (exit->kind == EXIT_INTERRUPTED) {
        set_immediate_exit(vcpu, false);
        if (atomic_exchange(&vcpu->kicked, false))
            exit->kind = EXIT_KICKED;
    }
    return 0;
}

/* KVM finishes what it waits for before it looks at immediate_exit. */
int kvm_complete(struct vcpu *vcpu, struct vm_exit *exit, struct error *error)
{
    int rc = kvm_own(vcpu, error);
    if (rc < 0)
        return rc;
    set_immediate_exit(vcpu, true);
    rc = run_and_take(vcpu, exit, error);
    set_immediate_exit(vcpu, false);
    if (vcpu->kicked)
        set_immediate_exit(vcpu, true);
    return rc;
}
