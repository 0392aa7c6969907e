/* Running a domain's virtual CPU, and taking what it comes back with. */
#include "domain/internal.h"

#include "abi/domain.h"
#include "base/size.h"
#include "domain/x86_64/system.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* CPL 3 leaves through OUT. Two things allow it, because no host honours both: PVM knows the I/O permission
 * bitmap and no IOPL; QEMU's TCG refuses a bitmap in the busy TSS that a virtual CPU must have, but knows
 * IOPL (SDM volume 1, 19.5). */
enum { RFLAGS_FIXED = 0x2, RFLAGS_IF = 0x200, RFLAGS_IOPL_3 = 0x3000 };

/* A page fault's error code: a bit was set that the CPU reserves, as in the entry of a page size that it does
 * not have (SDM volume 3, 4.7). */
enum { PAGE_FAULT_RESERVED = 1 << 3 };

static const char *const vector_names[] = {
    [0] = "divide error",
    [1] = "debug",
    [3] = "breakpoint",
    [4] = "overflow",
    [6] = "invalid opcode",
    [7] = "no FPU",
    [8] = "double fault",
    [10] = "invalid TSS",
    [11] = "segment not present",
    [12] = "stack fault",
    [13] = "general protection",
    [14] = "page fault",
    [16] = "x87 error",
    [17] = "alignment check",
    [18] = "machine check",
    [19] = "SIMD exception",
    [21] = "control protection",
};

static const char *vector_name(unsigned vector)
{
    size_t count = sizeof vector_names / sizeof vector_names[0];
    return vector < count && vector_names[vector] ? vector_names[vector] : "unexpected interrupt";
}

/* The frame lies where the guest says, so that must be checked to be its kernel's stack before it is read,
 * once. */
static int read_frame(const struct domain *domain, struct domain_frame *frame)
{
    struct vcpu_registers registers;
    if (domain->ops->get_registers(domain->vcpu, &registers, NULL) < 0)
        return -EPROTO;
    uint64_t offset = registers.rsp - system_address((uint64_t)DOMAIN_PAGE_STACK * PAGE_BYTES).value;
    if (offset > PAGE_BYTES - sizeof *frame)
        return -EPROTO;
    memcpy(frame, (char *)domain->system.base + DOMAIN_PAGE_STACK * PAGE_BYTES + offset, sizeof *frame);
    return frame->vector < 256 ? 0 : -EPROTO;
}

static int report_fault(struct domain *domain, struct error *error)
{
    struct domain_frame frame;
    struct vcpu_system system;
    domain->privilege = -1;
    if (read_frame(domain, &frame) < 0 || domain->ops->get_system(domain->vcpu, &system, NULL) < 0)
        return error_set(error, EPROTO, "the guest's kernel reports an exception that cannot be read");
    domain->fault = (struct domain_fault){
        .vector = (unsigned)frame.vector,
        .error_code = frame.error_code,
        .rip = frame.rip,
        .address = system.fault_address,
        .cs = (uint16_t)frame.cs,
    };
    if (domain->fault.vector == 14 && frame.error_code & PAGE_FAULT_RESERVED)
        return error_set(error, ENOTSUP,
            "this host's KVM gives guests no pages of %" PRIu64 " MiB: use a smaller --guest-page",
            domain->config.data_page_bytes / MIB);
    return error_set(error, EFAULT,
        "the guest raised exception %u (%s, error code 0x%" PRIx64 ") at instruction 0x%" PRIx64
        ", address 0x%" PRIx64,
        domain->fault.vector, vector_name(domain->fault.vector), frame.error_code, frame.rip,
        system.fault_address);
}

static int unexpected_io(struct domain *domain, const struct vm_exit *exit, struct error *error)
{
    domain->privilege = -1;
    return error_set(error, EPROTO, "the guest unexpectedly used I/O port 0x%x", exit->port);
}

static int unexpected_exit(struct domain *domain, const struct vm_exit *exit, struct error *error)
{
    domain->privilege = -1;
    if (exit->kind == EXIT_MMIO)
        return error_set(error, EPROTO,
            "the guest accessed physical address 0x%" PRIx64 ", where it has no memory", exit->address.value);
    if (exit->kind == EXIT_FAULT)
        return error_set(error, EPROTO,
            "the host has no memory behind what the guest accessed at instruction 0x%" PRIx64, exit->rip);
    if (exit->kind == EXIT_SHUTDOWN)
        return error_set(error, EPROTO, "the guest shut down after a triple fault");
    return error_set(
        error, EPROTO, "%s", exit->kind == EXIT_HALT ? "the guest unexpectedly halted" : exit->detail);
}

static int stopped(struct error *error)
{
    return error_set(error, EINTR, "stopped while a guest was running");
}

/* An exit that means nothing: what the guest reads is zero. */
static bool is_answered(const struct domain *domain, const struct vm_exit *exit)
{
    if (!domain->config.handling)
        return false;
    if (exit->kind == EXIT_MMIO)
        return exit->address.value - DOMAIN_VOID_PHYSICAL < PAGE_BYTES;
    return exit->kind == EXIT_IO && (exit->port == DOMAIN_PORT_NULL || exit->port == DOMAIN_PORT_EVENT);
}

int domain_take_exit(struct domain *domain, const struct vm_exit *exit, uint16_t port, struct error *error)
{
    if (exit->kind == EXIT_INTERRUPTED || exit->kind == EXIT_KICKED || is_answered(domain, exit))
        return stop_asked(domain->config.stop) ? stopped(error) : 1;
    if (exit->kind != EXIT_IO)
        return unexpected_exit(domain, exit, error);
    if (!exit->write || exit->size != 4 || exit->count != 1)
        return unexpected_io(domain, exit, error);
    if (exit->port == DOMAIN_PORT_FAULT)
        return report_fault(domain, error);
    return exit->port == port ? 0 : unexpected_io(domain, exit, error);
}

static int set_privilege(struct domain *domain, unsigned privilege, struct error *error)
{
    if (domain->privilege == (int)privilege)
        return 0;
    struct vcpu_system system = system_state(&domain->tables, privilege, domain->syscall_returns);
    system.cr4 |= domain->tagged ? CR4_PCIDE : 0;
    int rc = domain->ops->set_system(domain->vcpu, &system, error);
    domain->privilege = rc < 0 ? -1 : (int)privilege;
    return rc;
}

int domain_run(struct domain *domain, unsigned privilege, struct vcpu_registers registers, uint16_t port,
    struct error *error)
{
    struct vm_exit exit;
    const struct image *image = domain->config.image;
    int rc = set_privilege(domain, privilege, error);
    if (rc < 0)
        return rc;
    /* An exception at CPL 0 stays on the stack that it finds: it must be the one where its frame is looked
     * for. */
    registers.rsp = privilege ? (uintptr_t)image->stack + image->stack_bytes
                              : system_address((DOMAIN_PAGE_STACK + 1) * PAGE_BYTES).value;
    registers.rflags =
        RFLAGS_FIXED | RFLAGS_IF | RFLAGS_IOPL_3; /* IF: Bochs interrupts a guest only with it */
    if ((rc = domain->ops->set_registers(domain->vcpu, &registers, error)) < 0)
        return rc;
    do {
        if ((rc = domain->ops->enter(domain->vcpu, &exit, error)) == 0)
            rc = domain_take_exit(domain, &exit, port, error);
    } while (rc > 0);
    return rc;
}

static int call_at(struct domain *domain, unsigned privilege, workload_function *entry, struct error *error)
{
    struct workload_job *job = domain->config.image->job;
    struct vcpu_registers registers = {
        .rip = system_address((uint64_t)DOMAIN_PAGE_KERNEL * PAGE_BYTES + DOMAIN_USER_CALL).value,
        .rax = (uintptr_t)entry,
        .rdi = (uintptr_t)job,
    };
    job->finished = 0;
    int rc = domain_run(domain, privilege, registers, DOMAIN_PORT_DONE, error);
    if (rc == 0 && job->finished != WORKLOAD_MAGIC)
        rc = error_set(error, EPROTO, "the guest left before its workload had finished");
    return rc;
}

int domain_call(struct domain *domain, workload_function *entry, struct error *error)
{
    return call_at(domain, PRIVILEGE_USER, entry, error);
}

int domain_call_kernel(struct domain *domain, workload_function *entry, struct error *error)
{
    return call_at(domain, PRIVILEGE_KERNEL, entry, error);
}
