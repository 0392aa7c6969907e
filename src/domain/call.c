/* Calling a function in a domain, and taking what it comes back with. */
#include "domain/internal.h"

#include "abi/domain.h"
#include "base/size.h"
#include "domain/x86_64/system.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

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
    if (domain->ops->get_registers(domain->first->vcpu, &registers, NULL) < 0)
        return -EPROTO;
    uint64_t offset = registers.rsp - system_address((uint64_t)DOMAIN_PAGE_STACK * PAGE_BYTES).value;
    if (offset > PAGE_BYTES - sizeof *frame)
        return -EPROTO;
    memcpy(frame, (char *)system_page(domain, DOMAIN_PAGE_STACK) + offset, sizeof *frame);
    return frame->vector < 256 ? 0 : -EPROTO;
}

static int report_fault(struct domain *domain, struct error *error)
{
    struct domain_frame frame;
    struct vcpu_system system;
    if (read_frame(domain, &frame) < 0 || domain->ops->get_system(domain->first->vcpu, &system, NULL) < 0)
        return error_set(error, EPROTO, "the guest's kernel reports an exception that cannot be read");
    domain->fault = (struct domain_fault){
        .vector = (unsigned)frame.vector,
        .error_code = frame.error_code,
        .rip = frame.rip,
        .address = system.fault_address,
        .cs = (uint16_t)frame.cs,
    };
    if (domain->fault.vector == 14 && frame.error_code & PAGE_FAULT_RESERVED &&
        domain->config.data_page_bytes > PAGE_BYTES) {
        char page[SIZE_TEXT_BYTES];
        size_text(domain->config.data_page_bytes, page);
        return error_set(error, ENOTSUP,
            "this host's %s gives guests no pages of %s: use a smaller --guest-page", domain->ops->title,
            page);
    }
    return error_set(error, EFAULT,
        "the guest raised exception %u (%s, error code 0x%" PRIx64 ") at instruction 0x%" PRIx64
        ", address 0x%" PRIx64,
        domain->fault.vector, vector_name(domain->fault.vector), frame.error_code, frame.rip,
        system.fault_address);
}

int domain_unexpected_exit(const struct vm_exit *exit, struct error *error)
{
    switch (exit->kind) {
    case EXIT_IO:
        return error_set(error, EPROTO, "the guest unexpectedly used I/O port 0x%x", exit->port);
    case EXIT_MMIO:
        return error_set(error, EPROTO,
            "the guest accessed physical address 0x%" PRIx64 ", where it has no memory", exit->address.value);
    case EXIT_FAULT:
        return error_set(error, EPROTO,
            "the host has no memory behind what the guest accessed at instruction 0x%" PRIx64, exit->rip);
    case EXIT_SHUTDOWN:
        return error_set(error, EPROTO, "the guest shut down after a triple fault");
    case EXIT_HALT:
        return error_set(error, EPROTO, "the guest unexpectedly halted");
    case EXIT_HYPERCALL:
        return error_set(error, EPROTO, "the guest unexpectedly made hypercall %" PRIu64, exit->number);
    default:
        return error_set(error, EPROTO, "%s", exit->detail);
    }
}

static int take_exit(struct domain_cpu *cpu, const struct vm_exit *exit, void *context, struct error *error)
{
    struct domain *domain = cpu->domain;
    const uint16_t *port = context;
    if (exit->kind == EXIT_FAULT && memory_has_changed(cpu))
        return 1;
    if (domain->config.answer && domain->config.answer(domain->config.context, exit))
        return 1;
    if (exit->kind != EXIT_IO || !exit->write || exit->size != 4 || exit->count != 1)
        return domain_unexpected_exit(exit, error);
    if (exit->port == DOMAIN_PORT_FAULT)
        return report_fault(domain, error);
    return exit->port == *port ? 0 : domain_unexpected_exit(exit, error);
}

/* An exception at CPL 0 stays on the stack that it finds: it must be the one where its frame is looked for.
 */
int domain_run_to(struct domain *domain, unsigned privilege, struct vcpu_registers registers, uint16_t port,
    struct error *error)
{
    const struct image *image = domain->config.image;
    registers.rsp = privilege ? (uintptr_t)image->stack + image->stack_bytes
                              : system_address((DOMAIN_PAGE_STACK + 1) * PAGE_BYTES).value;
    int rc = domain_cpu_set(domain->first, privilege, &registers, error);
    return rc < 0 ? rc : domain_run(domain->first, take_exit, &port, error);
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
    int rc = domain_run_to(domain, privilege, registers, DOMAIN_PORT_DONE, error);
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
