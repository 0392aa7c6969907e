/* What it means that KVM refuses something, and what can be done about it: the same errno has one story at
 * one call and another at the next. */
#include "monitor/kvm/internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define NOT_KVM                                                                                              \
    "what answers at /dev/kvm is not Linux's KVM (an emulator or a sandbox): run vcost outside of it"
#define NOT_KNOWN "this kernel's KVM does not have that: use a newer one"
#define GONE "the driver behind /dev/kvm is gone: load the module kvm_amd or kvm_intel again"
#define SIGNALS "signals interrupt it again and again: find out who sends them"

/* The first row that fits. request 0: any. */
static const struct {
    unsigned long request;
    int code;
    const char *advice;
} stories[] = {
    {KVM_GET_API_VERSION, ENOTTY, NOT_KVM},
    {KVM_GET_API_VERSION, ENOSYS, NOT_KVM},
    {KVM_GET_API_VERSION, EINVAL, NOT_KVM},
    {KVM_CREATE_VM, EBUSY,
        "another hypervisor (VirtualBox, VMware) holds this CPU's virtualization: stop its machines"},
    {KVM_CREATE_VM, EIO,
        "the CPU does not switch virtualization on: see the kernel's log, and the firmware's settings"},
    {KVM_CREATE_VM, EOPNOTSUPP, "virtualization is switched off: switch it on in the firmware"},
    {0, EPERM, "a sandbox or a container's rules (seccomp) forbid it: let KVM's calls through"},
    {0, EACCES, "a security policy (SELinux, AppArmor) forbids it: see its log"},
    {0, EBUSY, "something else holds it: try again when that has ended"},
    {0, ENOMEM, "the kernel has no memory for it: free some, or raise the control group's limit"},
    {0, EMFILE, "this process may open no more files: raise `ulimit -n`"},
    {0, ENFILE, "this machine may open no more files: raise the sysctl fs.file-max"},
    {0, EINVAL, NOT_KNOWN},
    {0, ENOTTY, NOT_KNOWN},
    {0, ENOSYS, NOT_KNOWN},
    {0, EOPNOTSUPP, NOT_KNOWN},
    {0, ENOENT, NOT_KNOWN},
    {0, ENODEV, GONE},
    {0, ENXIO, GONE},
    {0, EIO, "KVM has given this virtual machine up: see the kernel's log"},
    {0, EFAULT, "the kernel cannot reach memory of this process"},
    {0, ENOSPC, "KVM has no room left for it: other virtual machines may have it"},
    {0, EEXIST, "there is one already"},
    {0, E2BIG, NOT_KNOWN},
    {0, EINTR, SIGNALS},
    {0, EAGAIN, SIGNALS},
};

static const char *advice_for(unsigned long request, int code)
{
    for (size_t i = 0; i < sizeof stories / sizeof stories[0]; i++)
        if (stories[i].code == code && (!stories[i].request || stories[i].request == request))
            return stories[i].advice;
    return NULL;
}

int kvm_refused(struct error *error, unsigned long request, int code, const char *format, ...)
{
    char what[160];
    const char *advice = advice_for(request, code);
    va_list list;
    va_start(list, format);
    vsnprintf(what, sizeof what, format, list);
    va_end(list);
    if (!advice)
        return error_errno(error, code, "%s", what);
    return error_set(error, code, "%s (%s): %s", what, strerror(code), advice);
}
