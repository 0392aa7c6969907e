/* Entering a virtual CPU and telling why it came back. */
#include "monitor/kvm/internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

static void take_io(const struct kvm_run *run, struct vm_exit *exit)
{
    exit->kind = EXIT_IO;
    exit->port = run->io.port;
    exit->size = run->io.size;
    exit->write = run->io.direction == KVM_EXIT_IO_OUT;
}

static void take_mmio(const struct kvm_run *run, struct vm_exit *exit)
{
    exit->kind = EXIT_MMIO;
    exit->address = GPA(run->mmio.phys_addr);
    exit->write = run->mmio.is_write;
}

static void take_failed_entry(const struct kvm_run *run, struct vm_exit *exit)
{
    snprintf(exit->detail, sizeof exit->detail,
        "the CPU refuses to enter the guest (hardware reason 0x%" PRIx64 ")",
        (uint64_t)run->fail_entry.hardware_entry_failure_reason);
}

static void take_internal_error(const struct kvm_run *run, struct vm_exit *exit)
{
    snprintf(exit->detail, sizeof exit->detail, "KVM has an internal error (suberror %u%s)",
        run->internal.suberror,
        run->internal.suberror == KVM_INTERNAL_ERROR_EMULATION ? ": it cannot emulate an instruction" : "");
}

static void take_halt(const struct kvm_run *run, struct vm_exit *exit)
{
    (void)run;
    exit->kind = EXIT_HALT;
}

static void take_shutdown(const struct kvm_run *run, struct vm_exit *exit)
{
    (void)run;
    exit->kind = EXIT_SHUTDOWN;
}

static void take_interrupted(const struct kvm_run *run, struct vm_exit *exit)
{
    (void)run;
    exit->kind = EXIT_INTERRUPTED;
}

static const struct {
    uint32_t reason;
    void (*take)(const struct kvm_run *run, struct vm_exit *exit);
} reasons[] = {
    {KVM_EXIT_IO, take_io},
    {KVM_EXIT_MMIO, take_mmio},
    {KVM_EXIT_HLT, take_halt},
    {KVM_EXIT_SHUTDOWN, take_shutdown},
    {KVM_EXIT_INTR, take_interrupted},
    {KVM_EXIT_FAIL_ENTRY, take_failed_entry},
    {KVM_EXIT_INTERNAL_ERROR, take_internal_error},
};

static void take(const struct kvm_run *run, struct vm_exit *exit)
{
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        if (reasons[i].reason == run->exit_reason) {
            reasons[i].take(run, exit);
            return;
        }
    }
    snprintf(exit->detail, sizeof exit->detail,
        "KVM left the guest for a reason that vcost does not know (%u)", run->exit_reason);
}

/* Whatever the guest reads is 0 unless somebody puts something else there. */
static void answer_reads(struct kvm_run *run)
{
    if (run->exit_reason == KVM_EXIT_MMIO && !run->mmio.is_write)
        memset(run->mmio.data, 0, sizeof run->mmio.data);
    if (run->exit_reason == KVM_EXIT_IO && run->io.direction == KVM_EXIT_IO_IN)
        memset((char *)run + run->io.data_offset, 0, (size_t)run->io.size * run->io.count);
}

int kvm_enter(struct vcpu *vcpu, struct vm_exit *exit, struct error *error)
{
    *exit = (struct vm_exit){.kind = EXIT_FAILED};
    if (ioctl(vcpu->fd, KVM_RUN, 0) == 0) {
        take(vcpu->run, exit);
        answer_reads(vcpu->run);
        return 0;
    }
    if (errno == EINTR || errno == EAGAIN) {
        vcpu->run->immediate_exit = 0;
        exit->kind = EXIT_INTERRUPTED;
        return 0;
    }
    if (errno == EFAULT) { /* guest memory that the host cannot give: unmapped, or poisoned */
        snprintf(exit->detail, sizeof exit->detail, "the host has no memory behind what the guest accessed");
        return 0;
    }
    return error_errno(error, errno, "KVM cannot run the virtual CPU");
}

void kvm_kick(struct vcpu *vcpu)
{
    *(volatile uint8_t *)&vcpu->run->immediate_exit = 1;
}
