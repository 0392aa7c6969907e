#include "domain/internal.h"

#include "abi/domain.h"
#include "base/size.h"
#include "domain/x86_64/system.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* CPL 3 leaves through OUT. Two things allow it, because no host honours both: PVM knows the I/O permission
 * bitmap and no IOPL; QEMU's TCG refuses a bitmap in the busy TSS that a virtual CPU must have, but knows
 * IOPL (SDM volume 1, 19.5). */
enum { RFLAGS_FIXED = 0x2, RFLAGS_IF = 0x200, RFLAGS_IOPL_3 = 0x3000 };

/* A page fault's error code: a bit was set that the CPU reserves, as in the entry of a page size that it does
 * not have (SDM volume 3, 4.7). */
enum { PAGE_FAULT_RESERVED = 1 << 3 };

enum { PAGE_BYTES = 4096, SLOT_SYSTEM = 0, SLOT_IMAGE = 1, SLOT_DATA = 2 };

/* Guest physical addresses: the system pages from 0, everything else behind the hole that PC devices need
 * below 4 GiB. Each memory starts at a multiple of 1 GiB, so that large pages can line up. */
#define IMAGE_START (4 * GIB)
#define DATA_START (5 * GIB)

/* ---- creating ---- */

static uint64_t system_bytes(const struct domain_config *config)
{
    uint64_t need = (DOMAIN_PAGE_TABLES + 1) * PAGE_BYTES; /* and the root */
    need += page_tables_need(DOMAIN_PAGE_TABLES * PAGE_BYTES, PAGE_BYTES);
    need += page_tables_need(config->image->memory.bytes, PAGE_BYTES);
    return need + (config->data ? page_tables_need(config->data->bytes, config->data_page_bytes) : 0);
}

static int map_image(struct domain *domain, struct error *error)
{
    const struct image *image = domain->config.image;
    uint64_t bytes = image->memory.bytes, code = image->code_bytes;
    int rc = page_tables_map(
        &domain->tables, gva_same_as(image->code), GPA(IMAGE_START), code, PAGE_BYTES, PAGE_USER, error);
    if (rc < 0)
        return rc;
    return page_tables_map(&domain->tables, gva_same_as(image->job), GPA(IMAGE_START + code), bytes - code,
        PAGE_BYTES, PAGE_USER | PAGE_WRITE | PAGE_NO_EXECUTE, error);
}

static int map_data(struct domain *domain, struct error *error)
{
    const struct memory *data = domain->config.data;
    domain->data_start = GPA(DATA_START);
    return page_tables_map(&domain->tables, gva_same_as(data->base), domain->data_start, data->bytes,
        domain->config.data_page_bytes, PAGE_USER | PAGE_WRITE | PAGE_NO_EXECUTE, error);
}

static int build_memory(struct domain *domain, struct error *error)
{
    uint64_t first = DOMAIN_PAGE_TABLES * PAGE_BYTES;
    int rc = memory_map(&domain->system, system_bytes(&domain->config), PAGE_BYTES, error);
    if (rc < 0)
        return rc;
    if ((rc = page_tables_init(&domain->tables, domain->system.base, first, domain->system.bytes, error)) <
            0 ||
        (rc = system_build(domain->system.base, &domain->tables, error)) < 0 ||
        (rc = map_image(domain, error)) < 0)
        return rc;
    return domain->config.data ? map_data(domain, error) : 0;
}

static int build_machine(struct domain *domain, struct error *error)
{
    const struct monitor_ops *ops = domain->ops;
    const struct domain_config *config = &domain->config;
    int rc;
    if ((rc = ops->create(&domain->vm, error)) < 0 ||
        (rc = ops->region(domain->vm, SLOT_SYSTEM, GPA(0), &domain->system, error)) < 0 ||
        (rc = ops->region(domain->vm, SLOT_IMAGE, GPA(IMAGE_START), &config->image->memory, error)) < 0 ||
        (config->data &&
            (rc = ops->region(domain->vm, SLOT_DATA, domain->data_start, config->data, error)) < 0))
        return rc;
    return ops->vcpu(domain->vm, 0, &domain->vcpu, error);
}

int domain_create(const struct domain_config *config, struct domain **out, struct error *error)
{
    struct domain *domain = calloc(1, sizeof *domain);
    if (!domain)
        return error_set(error, ENOMEM, "no memory for a domain");
    domain->config = *config;
    domain->ops = config->monitor;
    int rc;
    if ((rc = build_memory(domain, error)) < 0 || (rc = build_machine(domain, error)) < 0) {
        domain_destroy(domain);
        return rc;
    }
    *out = domain;
    return 0;
}

void domain_destroy(struct domain *domain)
{
    if (!domain)
        return;
    if (domain->vm)
        domain->ops->destroy(domain->vm);
    if (domain->system.base)
        memory_unmap(&domain->system);
    free(domain);
}

/* ---- running ---- */

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
    domain->ops->get_registers(domain->vcpu, &registers);
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
    domain->system_set = false;
    if (read_frame(domain, &frame) < 0)
        return error_set(error, EPROTO, "the guest's kernel reports an exception that cannot be read");
    domain->ops->get_system(domain->vcpu, &system);
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
    domain->system_set = false;
    return error_set(error, EPROTO, "the guest unexpectedly used I/O port 0x%x", exit->port);
}

static int unexpected_exit(struct domain *domain, const struct vm_exit *exit, struct error *error)
{
    domain->system_set = false;
    if (exit->kind == EXIT_MMIO)
        return error_set(error, EPROTO,
            "the guest accessed physical address 0x%" PRIx64 ", where it has no memory", exit->address.value);
    if (exit->kind == EXIT_SHUTDOWN)
        return error_set(error, EPROTO, "the guest shut down after a triple fault");
    return error_set(
        error, EPROTO, "%s", exit->kind == EXIT_HALT ? "the guest unexpectedly halted" : exit->detail);
}

/* 1: go on inside. */
static int take_exit(struct domain *domain, const struct vm_exit *exit, uint16_t port, struct error *error)
{
    if (exit->kind == EXIT_INTERRUPTED)
        return stop_asked(domain->config.stop) ? error_set(error, EINTR, "stopped while a guest was running")
                                               : 1;
    if (exit->kind != EXIT_IO)
        return unexpected_exit(domain, exit, error);
    if (!exit->write || exit->size != 4)
        return unexpected_io(domain, exit, error);
    if (exit->port == DOMAIN_PORT_FAULT)
        return report_fault(domain, error);
    return exit->port == port ? 0 : unexpected_io(domain, exit, error);
}

int domain_run(struct domain *domain, struct vcpu_registers registers, uint16_t port, struct error *error)
{
    struct vm_exit exit;
    int rc = 1;
    if (!domain->system_set) {
        struct vcpu_system system = system_user_state(&domain->tables);
        if ((rc = domain->ops->set_system(domain->vcpu, &system, error)) < 0)
            return rc;
        domain->system_set = true;
    }
    const struct image *image = domain->config.image;
    registers.rsp = (uintptr_t)image->stack + image->stack_bytes;
    registers.rflags =
        RFLAGS_FIXED | RFLAGS_IF | RFLAGS_IOPL_3; /* IF: Bochs interrupts a guest only with it */
    domain->ops->set_registers(domain->vcpu, &registers);
    do {
        if ((rc = domain->ops->enter(domain->vcpu, &exit, error)) == 0)
            rc = take_exit(domain, &exit, port, error);
    } while (rc > 0);
    return rc;
}

int domain_call(struct domain *domain, workload_function *entry, struct error *error)
{
    struct workload_job *job = domain->config.image->job;
    struct vcpu_registers registers = {
        .rip = system_address((uint64_t)DOMAIN_PAGE_KERNEL * PAGE_BYTES + DOMAIN_USER_CALL).value,
        .rax = (uintptr_t)entry,
        .rdi = (uintptr_t)job,
    };
    job->finished = 0;
    int rc = domain_run(domain, registers, DOMAIN_PORT_DONE, error);
    if (rc == 0 && job->finished != WORKLOAD_MAGIC)
        rc = error_set(error, EPROTO, "the guest left before its workload had finished");
    return rc;
}

/* ---- looking and changing ---- */

struct domain_fault domain_fault(const struct domain *domain)
{
    return domain->fault;
}

uint64_t domain_page_bytes(const struct domain *domain, const void *address)
{
    uint64_t bytes = 0;
    return page_tables_leaf(&domain->tables, gva_same_as(address), &bytes) ? bytes : 0;
}

/* Clearing the guest's entry from outside does not make a shadow table forget it. Taking the host's mapping
 * away and giving it back does, under every technique (the kernel's MMU notifier). */
int domain_unmap_page(struct domain *domain, void *address, struct error *error)
{
    uint64_t bytes = 0;
    uint64_t *leaf = page_tables_leaf(&domain->tables, gva_same_as(address), &bytes);
    if (!leaf)
        return error_set(error, EINVAL, "the guest has no page at %p", address);
    *leaf = 0;
    void *page = (void *)((uintptr_t)address & ~(uintptr_t)(bytes - 1));
    if (mprotect(page, bytes, PROT_NONE) < 0 || mprotect(page, bytes, PROT_READ | PROT_WRITE) < 0)
        return error_errno(error, errno, "cannot take a page away from the guest");
    return 0;
}

int domain_counters(struct domain *domain, struct monitor_counters *counters, struct error *error)
{
    return domain->ops->counters(domain->vm, counters, error);
}
