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

/* Once for the VM, before anything is logged in parts. */
static int log_in_parts(struct vm *vm, struct error *error)
{
    const struct kvm_enable_cap parts = {.cap = KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2,
        .args = {KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE | KVM_DIRTY_LOG_INITIALLY_SET}};
    if (!vm->log_parts && ioctl(vm->fd, KVM_ENABLE_CAP, &parts) < 0)
        return kvm_refused(error, KVM_ENABLE_CAP, errno, "KVM cannot log in parts what the guest writes");
    vm->log_parts = true;
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
    if (rc == 0 && flags & REGION_LOG_PARTS)
        rc = log_in_parts(vm, error);
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

int kvm_dirty_clear(
    struct vm *vm, unsigned slot, uint64_t first, uint64_t pages, const uint64_t *bitmap, struct error *error)
{
    struct kvm_clear_dirty_log log = {.slot = slot,
        .first_page = first,
        .num_pages = (uint32_t)pages,
        .dirty_bitmap = (void *)(uintptr_t)bitmap};
    if (ioctl(vm->fd, KVM_CLEAR_DIRTY_LOG, &log) < 0)
        return kvm_refused(error, KVM_CLEAR_DIRTY_LOG, errno, "KVM does not log anew what the guest writes");
    return 0;
}
