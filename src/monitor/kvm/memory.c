/* Guest physical memory: what backs it, and which of its pages were written. */
#include "monitor/kvm/internal.h"

#include <errno.h>
#include <sys/ioctl.h>

static int set_region(struct vm *vm, unsigned slot, gpa_t start, const struct memory *memory, uint32_t flags,
    struct error *error)
{
    struct kvm_userspace_memory_region region = {
        .slot = slot,
        .flags = flags,
        .guest_phys_addr = start.value,
        .memory_size = memory->bytes,
        .userspace_addr = (uintptr_t)memory->base,
    };
    if (ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &region) < 0)
        return error_errno(error, errno, "KVM refuses %zu bytes of guest memory", memory->bytes);
    return 0;
}

int kvm_region(struct vm *vm, unsigned slot, gpa_t start, const struct memory *memory, struct error *error)
{
    return set_region(vm, slot, start, memory, 0, error);
}

int kvm_log_dirty(
    struct vm *vm, unsigned slot, gpa_t start, const struct memory *memory, bool on, struct error *error)
{
    return set_region(vm, slot, start, memory, on ? KVM_MEM_LOG_DIRTY_PAGES : 0, error);
}

int kvm_dirty(struct vm *vm, unsigned slot, uint64_t *bitmap, struct error *error)
{
    struct kvm_dirty_log log = {.slot = slot, .dirty_bitmap = bitmap};
    if (ioctl(vm->fd, KVM_GET_DIRTY_LOG, &log) < 0)
        return error_errno(error, errno, "KVM does not tell which pages the guest has written");
    return 0;
}
