/* Guest physical memory: what backs it, and which of its pages were written. */
#include "monitor/kvm/internal.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/ioctl.h>

static int tell_kvm(struct vm *vm, const struct guest_region *region, struct error *error)
{
    struct kvm_userspace_memory_region told = {
        .slot = region->slot,
        .flags = (region->flags & REGION_READ_ONLY ? KVM_MEM_READONLY : 0) |
                 (region->flags & REGION_LOG_DIRTY ? KVM_MEM_LOG_DIRTY_PAGES : 0),
        .guest_phys_addr = region->start.value,
        .memory_size = region->backing.bytes,
        .userspace_addr = (uintptr_t)region->backing.host,
    };
    if (ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &told) < 0)
        return kvm_refused(error, KVM_SET_USER_MEMORY_REGION, errno,
            "KVM refuses %" PRIu64 " bytes of guest memory at 0x%" PRIx64, region->backing.bytes,
            region->start.value);
    return 0;
}

int kvm_region(struct vm *vm, unsigned slot, gpa_t start, const struct backing *backing, unsigned flags,
    struct error *error)
{
    struct guest_region region = {.slot = slot, .flags = flags, .start = start};
    if (backing)
        region.backing = *backing;
    pthread_mutex_lock(&vm->lock);
    int rc = guest_memory_check(&vm->memory, &region, error);
    if (rc == 0 && (rc = tell_kvm(vm, &region, error)) == 0)
        guest_memory_set(&vm->memory, &region);
    pthread_mutex_unlock(&vm->lock);
    return rc;
}

int kvm_dirty(struct vm *vm, unsigned slot, uint64_t *bitmap, struct error *error)
{
    struct kvm_dirty_log log = {.slot = slot, .dirty_bitmap = bitmap};
    if (ioctl(vm->fd, KVM_GET_DIRTY_LOG, &log) < 0)
        return kvm_refused(
            error, KVM_GET_DIRTY_LOG, errno, "KVM does not tell which pages the guest has written");
    return 0;
}
