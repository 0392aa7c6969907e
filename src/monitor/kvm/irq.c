/* What KVM does without leaving the kernel: interrupt controllers, and writes that an eventfd answers. */
#include "monitor/kvm/internal.h"

#include <errno.h>
#include <sys/ioctl.h>

int kvm_irqchip(struct vm *vm, struct error *error)
{
    if (ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0) < 0)
        return kvm_refused(
            error, KVM_CREATE_IRQCHIP, errno, "KVM makes no interrupt controllers for a guest");
    return 0;
}

static int answer(struct vm *vm, uint64_t address, uint32_t flags, int eventfd, struct error *error)
{
    struct kvm_ioeventfd event = {.addr = address, .len = 4, .fd = eventfd, .flags = flags};
    if (ioctl(vm->fd, KVM_IOEVENTFD, &event) < 0)
        return kvm_refused(error, KVM_IOEVENTFD, errno, "KVM answers no I/O by an eventfd");
    return 0;
}

int kvm_answer_port(struct vm *vm, uint16_t port, int eventfd, struct error *error)
{
    return answer(vm, port, KVM_IOEVENTFD_FLAG_PIO, eventfd, error);
}

int kvm_answer_address(struct vm *vm, gpa_t address, int eventfd, struct error *error)
{
    return answer(vm, address.value, 0, eventfd, error);
}
