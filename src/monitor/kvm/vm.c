#include "host/descriptor.h"
#include "monitor/kvm/internal.h"
#include "monitor/kvm/kvm.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* KVM on Intel needs somewhere to put a real-mode TSS and an identity map where no memory is (api.rst,
 * KVM_SET_TSS_ADDR); harmless elsewhere. Just below 4 GiB, as other monitors do. That it is refused does not
 * matter: no guest here is ever in real mode or without paging, and an entry that fails all the same is told.
 */
#define INTEL_TSS_PAGES UINT64_C(0xfffbd000)
#define INTEL_IDENTITY_MAP UINT64_C(0xfffbc000)

int kvm_create_fd(int fd, unsigned long request, unsigned long argument, const struct stop *stop)
{
    enum { TRIES = 1000 };
    int made, tries = 0;
    while ((made = ioctl(fd, request, argument)) < 0 && errno == EINTR && ++tries < TRIES) {
        if (stop_asked(stop)) {
            errno = EINTR;
            return -1;
        }
    }
    if (tries == TRIES)
        errno = EAGAIN;
    return made;
}

int kvm_keep_fd(const struct vm *vm, int fd)
{
    if (fd < 0 || fd >= vm->first_descriptor)
        return fd;
    int kept = descriptor_copy(fd, vm->first_descriptor, true), code = errno;
    close(fd);
    errno = code;
    return kept;
}

bool kvm_counts_late(const struct vm *vm)
{
    return vm->first_descriptor && vm->kept;
}

static struct monitor_places *places_of(const struct vm *vm, const struct vcpu *vcpu)
{
    return !vm->kept ? NULL : vcpu ? &vm->kept->vcpu_places : &vm->kept->vm_places;
}

int kvm_open_counters(struct vm *vm, struct vcpu *vcpu, struct error *error)
{
    struct kvm_stats *stats = vcpu ? &vcpu->stats : &vm->stats;
    int rc = kvm_stats_open(stats, vcpu ? vcpu->fd : vm->fd, places_of(vm, vcpu), error);
    stats->fd = kvm_keep_fd(vm, stats->fd);
    return rc;
}

static int check(const struct vm *vm, int capability)
{
    return ioctl(vm->kvm, KVM_CHECK_EXTENSION, capability);
}

/* KVM said nothing about a limit before it had one to tell (api.rst, KVM_CAP_NR_VCPUS). */
static unsigned limit(const struct vm *vm, int capability, unsigned otherwise)
{
    int told = check(vm, capability);
    return told > 0 ? (unsigned)told : otherwise;
}

static int open_descriptors(struct vm *vm, int device, struct error *error)
{
    int rc = kvm_open(device, vm->first_descriptor, &vm->kvm, error);
    if (rc < 0)
        return rc;
    int run_bytes = ioctl(vm->kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
    if (run_bytes < 0)
        return kvm_refused(
            error, KVM_GET_VCPU_MMAP_SIZE, errno, "KVM does not tell how large a virtual CPU is");
    if ((size_t)run_bytes < sizeof(struct kvm_run))
        return error_set(error, ENOTSUP,
            "KVM shares only %d bytes of a virtual CPU, vcost needs %zu: use a newer kernel", run_bytes,
            sizeof(struct kvm_run));
    vm->kvm = kvm_keep_fd(vm, vm->kvm);
    vm->fd = kvm_keep_fd(vm, kvm_create_fd(vm->kvm, KVM_CREATE_VM, 0, vm->stop));
    if (vm->fd < 0)
        return kvm_refused(error, KVM_CREATE_VM, errno, "KVM cannot create a virtual machine");
    vm->run_bytes = (size_t)run_bytes;
    vm->vcpus_max = limit(vm, KVM_CAP_MAX_VCPUS, 4);
    vm->memory.slots = limit(vm, KVM_CAP_NR_MEMSLOTS, 32);
    uint64_t identity_map = INTEL_IDENTITY_MAP;
    if (check(vm, KVM_CAP_SET_TSS_ADDR) > 0)
        ioctl(vm->fd, KVM_SET_TSS_ADDR, INTEL_TSS_PAGES);
    if (check(vm, KVM_CAP_SET_IDENTITY_MAP_ADDR) > 0)
        ioctl(vm->fd, KVM_SET_IDENTITY_MAP_ADDR, &identity_map);
    return kvm_counts_late(vm) ? 0 : kvm_open_counters(vm, NULL, error);
}

static int open_vm(struct vm *vm, int device, struct error *error)
{
    struct rlimit limit;
    descriptor_limit_raise(&limit);
    int rc = open_descriptors(vm, device, error);
    descriptor_limit_restore(&limit);
    return rc;
}

static void vm_destroy(struct vm *vm)
{
    if (!vm)
        return;
    for (struct vcpu *vcpu = vm->vcpus, *next; vcpu; vcpu = next) {
        next = vcpu->next;
        kvm_vcpu_free(vcpu);
    }
    kvm_stats_close(&vm->stats);
    if (vm->fd >= 0)
        close(vm->fd);
    if (vm->kvm >= 0)
        close(vm->kvm);
    if (vm->has_signal)
        kvm_signal_give();
    guest_memory_free(&vm->memory);
    pthread_mutex_destroy(&vm->lock);
    free(vm);
}

static int vm_create(const struct vm_config *config, struct vm **out, struct error *error)
{
    struct vm *vm = calloc(1, sizeof *vm);
    if (!vm)
        return error_set(error, ENOMEM, "no memory for a virtual machine");
    *vm = (struct vm){.kvm = -1,
        .fd = -1,
        .stats.fd = -1,
        .stop = config->stop,
        .host_clock = config->host_clock,
        .first_descriptor = config->first_descriptor,
        .kept = config->kept};
    pthread_mutex_init(&vm->lock, NULL);
    int rc = kvm_signal_take(error);
    vm->has_signal = rc == 0;
    if (rc == 0)
        rc = open_vm(vm, config->device, error);
    if (rc == 0 && (config->irqchip || config->tick))
        rc = kvm_irqchip(vm, error);
    vm->irqchip = config->irqchip || config->tick;
    if (rc < 0)
        vm_destroy(vm);
    else
        *out = vm;
    return rc;
}

static unsigned vcpus_max(const struct vm *vm)
{
    return vm->vcpus_max;
}

static void read_counters(const struct vm *vm, const struct vcpu *vcpu, struct counters *counters)
{
    const struct kvm_stats *stats = vcpu ? &vcpu->stats : &vm->stats;
    if (stats->fd < 0 && kvm_counts_late(vm))
        kvm_stats_read_once(vcpu ? vcpu->fd : vm->fd, places_of(vm, vcpu), counters);
    else
        kvm_stats_read(stats, counters);
}

const struct monitor_ops monitor_kvm = {
    .name = "kvm",
    .title = "KVM",
    .summary = "a guest of our own on /dev/kvm, with the paging technique that KVM uses here",
    .describe = kvm_describe,
    .create = vm_create,
    .region = kvm_region,
    .dirty = kvm_dirty,
    .dirty_clear = kvm_dirty_clear,
    .answer_port = kvm_answer_port,
    .answer_address = kvm_answer_address,
    .vcpu = kvm_vcpu,
    .vcpus_max = vcpus_max,
    .reset = kvm_reset,
    .release = kvm_release,
    .disown = kvm_disown,
    .set_system = kvm_set_system,
    .get_system = kvm_get_system,
    .set_registers = kvm_set_registers,
    .get_registers = kvm_get_registers,
    .set_user = kvm_set_user,
    .extended_bytes = kvm_extended_bytes,
    .get_extended = kvm_get_extended,
    .set_extended = kvm_set_extended,
    .enter = kvm_enter,
    .complete = kvm_complete,
    .kick = kvm_kick,
    .save_cpu = kvm_save_cpu,
    .restore_cpu = kvm_restore_cpu,
    .save_machine = kvm_save_machine,
    .restore_machine = kvm_restore_machine,
    .counters = read_counters,
    .destroy = vm_destroy,
};
