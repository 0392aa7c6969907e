#include "monitor/kvm/internal.h"
#include "monitor/kvm/kvm.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* KVM on Intel needs somewhere to put a real-mode TSS and an identity map where no memory is (api.rst,
 * KVM_SET_TSS_ADDR); harmless elsewhere. Just below 4 GiB, as other monitors do. */
#define INTEL_TSS_PAGES UINT64_C(0xfffbd000)
#define INTEL_IDENTITY_MAP UINT64_C(0xfffbc000)

static int create_fd(struct vm *vm, struct error *error)
{
    int rc = kvm_open(&vm->kvm, error);
    if (rc < 0)
        return rc;
    int run_bytes = ioctl(vm->kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
    do
        vm->fd = ioctl(vm->kvm, KVM_CREATE_VM, 0);
    while (vm->fd < 0 && errno == EINTR);
    if (vm->fd < 0 || run_bytes < (int)sizeof(struct kvm_run))
        return error_errno(error, errno, "KVM cannot create a virtual machine");
    vm->run_bytes = (size_t)run_bytes;
    uint64_t identity_map = INTEL_IDENTITY_MAP;
    if (ioctl(vm->kvm, KVM_CHECK_EXTENSION, KVM_CAP_SET_TSS_ADDR) > 0)
        ioctl(vm->fd, KVM_SET_TSS_ADDR, INTEL_TSS_PAGES);
    if (ioctl(vm->kvm, KVM_CHECK_EXTENSION, KVM_CAP_SET_IDENTITY_MAP_ADDR) > 0)
        ioctl(vm->fd, KVM_SET_IDENTITY_MAP_ADDR, &identity_map);
    return kvm_stats_open(&vm->stats, vm->fd, error);
}

static void vm_destroy(struct vm *vm)
{
    if (!vm)
        return;
    for (unsigned i = 0; i < VCPUS_MAX; i++)
        kvm_vcpu_free(vm->vcpus[i]);
    kvm_stats_close(&vm->stats);
    if (vm->fd >= 0)
        close(vm->fd);
    if (vm->kvm >= 0)
        close(vm->kvm);
    free(vm);
}

static int vm_create(const struct vm_config *config, struct vm **out, struct error *error)
{
    struct vm *vm = calloc(1, sizeof *vm);
    if (!vm)
        return error_set(error, ENOMEM, "no memory for a virtual machine");
    vm->kvm = vm->fd = vm->stats.fd = -1;
    int rc = create_fd(vm, error);
    if (rc == 0 && config->irqchip)
        rc = kvm_irqchip(vm, error);
    if (rc < 0)
        vm_destroy(vm);
    else
        *out = vm;
    return rc;
}

static int vm_counters(struct vm *vm, struct monitor_counters *counters, struct error *error)
{
    if (!vm->vcpus[0])
        return error_set(error, EINVAL, "a virtual machine without a virtual CPU has no counters");
    *counters = (struct monitor_counters){
        .exits = kvm_stats_read(&vm->vcpus[0]->stats, STAT_EXITS),
        .page_faults = kvm_stats_read(&vm->vcpus[0]->stats, STAT_PF_TAKEN),
        .page_faults_fixed = kvm_stats_read(&vm->vcpus[0]->stats, STAT_PF_FIXED),
        .tlb_flushes = kvm_stats_read(&vm->vcpus[0]->stats, STAT_TLB_FLUSH),
        .pages_4k = kvm_stats_read(&vm->stats, STAT_PAGES_4K),
        .pages_2m = kvm_stats_read(&vm->stats, STAT_PAGES_2M),
        .pages_1g = kvm_stats_read(&vm->stats, STAT_PAGES_1G),
    };
    return 0;
}

const struct monitor_ops monitor_kvm = {
    .name = "kvm",
    .summary = "a guest of our own on /dev/kvm, with the paging technique that KVM uses here",
    .describe = kvm_describe,
    .create = vm_create,
    .region = kvm_region,
    .vcpu = kvm_vcpu,
    .answer_port = kvm_answer_port,
    .answer_address = kvm_answer_address,
    .log_dirty = kvm_log_dirty,
    .dirty = kvm_dirty,
    .set_system = kvm_set_system,
    .get_system = kvm_get_system,
    .set_registers = kvm_set_registers,
    .get_registers = kvm_get_registers,
    .enter = kvm_enter,
    .kick = kvm_kick,
    .counters = vm_counters,
    .destroy = vm_destroy,
};
