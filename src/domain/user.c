#include "domain/user.h"

#include "abi/domain.h"
#include "domain/answers.h"
#include "domain/internal.h"
#include "domain/x86_64/system.h"

#include <errno.h>
#include <string.h>

enum { FIRST_STATE_PAGE = 512, STATE_PAGES = ANSWERS_CPUS }; /* system pages, behind those of abi/domain.h */

/* Flags that are the program's business (SDM volume 1, 3.4.3): CF PF AF ZF SF TF DF OF RF AC ID. The others
 * are as in domain_cpu_set(). */
#define FLAGS_OF_USER UINT64_C(0x250dd5)
#define FLAGS_FIXED UINT64_C(0x3202)

/* ---- a task state of its own ---- */

static unsigned state_page(const struct domain_cpu *cpu)
{
    return FIRST_STATE_PAGE + cpu->id;
}

/* One page: the task state at its beginning, the stack towards its end. */
static int map_state(struct domain_cpu *cpu, struct error *error)
{
    struct domain *domain = cpu->domain;
    struct table_memory memory = domain->tables.memory;
    struct page_walk walk;
    gva_t at = system_program_address((uint64_t)state_page(cpu) * PAGE_BYTES);
    gpa_t page;
    page_tables_walk(&domain->tables, at, &walk);
    if (walk.leaf.bytes)
        return 0;
    int rc = memory.take(memory.context, &page, error);
    if (rc < 0)
        return rc;
    char *host = (char *)memory.at(memory.context, page);
    memset(host, 0, PAGE_BYTES);
    system_build_tss(host, at.value + PAGE_BYTES);
    const uint64_t window = DOMAIN_TABLES_WINDOW, root = window + domain->tables.root.value;
    memcpy(host + DOMAIN_STATE_ROOT, &root, sizeof root);
    memcpy(host + DOMAIN_STATE_WINDOW, &window, sizeof window);
    return page_tables_map(&domain->tables, at, page, PAGE_BYTES, PAGE_BYTES, PAGE_READ | PAGE_WRITE, error);
}

int domain_user_open(struct domain_cpu *cpu, const struct domain_mode *mode, struct error *error)
{
    enum { BREAKPOINT = 3, OVERFLOW = 4, PAGE_FAULT = 14 };
    struct domain *domain = cpu->domain;
    struct domain_mode own = *mode;
    if (!domain->ops->set_user)
        return error_set(error, ENOTSUP, "%s cannot run programs: use kvm", domain->ops->title);
    if (cpu->id >= STATE_PAGES)
        return error_set(error, EAGAIN, "there is no room for the task state of virtual CPU %u", cpu->id);
    own.tss_page = state_page(cpu);
    own.syscall_entry = answers_entry(cpu);
    pthread_mutex_lock(&domain->tables_lock);
    system_open_gate(domain->system.base, BREAKPOINT);
    system_open_gate(domain->system.base, OVERFLOW);
    if (domain->config.later)
        system_set_gate(domain->system.base, system_program_address(0), PAGE_FAULT, DOMAIN_HANDLE_LATER);
    int rc = map_state(cpu, error);
    if (rc == 0)
        rc = answers_open(cpu, error);
    pthread_mutex_unlock(&domain->tables_lock);
    return rc < 0 ? rc : domain_cpu_mode(cpu, &own, error);
}

uint64_t domain_guest_faults(const struct domain *domain)
{
    uint64_t sum = 0;
    for (unsigned id = 0; id < STATE_PAGES; id++) { /* the first ones are used first */
        struct page_walk walk;
        uint64_t own;
        page_tables_walk(
            &domain->tables, system_program_address((uint64_t)(FIRST_STATE_PAGE + id) * PAGE_BYTES), &walk);
        if (!walk.leaf.bytes)
            break;
        memcpy(&own,
            (char *)domain->tables.memory.at(domain->tables.memory.context, walk.leaf.to) +
                DOMAIN_STATE_FAULTS,
            sizeof own);
        sum += own;
    }
    return sum;
}

/* ---- leaving ---- */

static bool is_in_kernel(uint64_t rip)
{
    return rip - DOMAIN_PROGRAM_BASE < (uint64_t)(ANSWERS_FIRST_PAGE + ANSWERS_PAGES) * PAGE_BYTES;
}

static bool is_syscall_stub(uint64_t rip)
{
    enum { STUB_BYTES = 4 };
    uint64_t stub = system_program_address(DOMAIN_PAGE_KERNEL * PAGE_BYTES + DOMAIN_SYSCALL_ENTRY).value;
    return rip - stub < STUB_BYTES || answers_leaves_at(rip);
}

static int take_syscall(struct domain_left *left)
{
    struct vcpu_registers *registers = &left->user.registers;
    left->kind = LEFT_SYSCALL;
    registers->r11 &= FLAGS_OF_USER | 0x202;
    registers->rip = registers->rcx;
    registers->rflags = registers->r11;
    return 0;
}

/* The frame lies where the guest says: it is read only from the stack of this virtual CPU. */
static int take_exception(
    struct domain_cpu *cpu, struct domain_left *left, const struct vcpu_system *system, struct error *error)
{
    struct domain *domain = cpu->domain;
    struct vcpu_registers *registers = &left->user.registers;
    struct domain_frame frame;
    struct page_walk walk;
    gva_t at = system_program_address((uint64_t)state_page(cpu) * PAGE_BYTES);
    uint64_t offset = registers->rsp - at.value;
    page_tables_walk(&domain->tables, at, &walk);
    if (!walk.leaf.bytes || offset > PAGE_BYTES - sizeof frame)
        return error_set(error, EPROTO, "the guest's kernel reports an exception that cannot be read");
    memcpy(&frame, (char *)domain->tables.memory.at(domain->tables.memory.context, walk.leaf.to) + offset,
        sizeof frame);
    left->kind = LEFT_EXCEPTION;
    left->fault = (struct domain_fault){.vector = (unsigned)(frame.vector & 0xff),
        .error_code = frame.error_code,
        .rip = frame.rip,
        .address = system->fault_address,
        .cs = (uint16_t)frame.cs};
    registers->rip = frame.rip;
    registers->rsp = frame.rsp;
    registers->rflags = frame.rflags & (FLAGS_OF_USER | 0x202);
    return 0;
}

static int take(struct domain_cpu *cpu, const struct vm_exit *exit, void *context, struct error *error)
{
    struct domain_left *left = context;
    struct vcpu_system system;
    int rc = cpu->domain->ops->get_registers(cpu->vcpu, &left->user.registers, error);
    if (rc < 0 || (rc = cpu->domain->ops->get_system(cpu->vcpu, &system, error)) < 0)
        return rc;
    left->user.fs_base = system.fs_base;
    left->user.gs_base = system.gs_base;
    bool reports = exit->kind == EXIT_IO && exit->write && exit->size == 4 && exit->count == 1;
    if (reports && exit->port == DOMAIN_PORT_SYSCALL && is_syscall_stub(left->user.registers.rip))
        return take_syscall(left);
    if (reports && exit->port == DOMAIN_PORT_FAULT && is_in_kernel(left->user.registers.rip))
        return take_exception(cpu, left, &system, error);
    left->kind = exit->kind == EXIT_FAULT ? LEFT_HOST_FAULT : LEFT_STRANGE;
    domain_unexpected_exit(exit, &left->strange);
    return 0;
}

static int take_interruption(struct domain_cpu *cpu, struct domain_left *left, struct error *error)
{
    struct vm_exit none = {.kind = EXIT_KICKED};
    int rc = take(cpu, &none, left, error);
    answers_resolve(cpu, &left->user.registers);
    left->kind = is_in_kernel(left->user.registers.rip) ? LEFT_UNFINISHED : LEFT_INTERRUPTED;
    return rc;
}

int domain_user_run(
    struct domain_cpu *cpu, const struct domain_user *user, struct domain_left *left, struct error *error)
{
    const struct monitor_ops *ops = cpu->domain->ops;
    int rc = 0;
    if (user) {
        struct vcpu_registers registers = user->registers;
        registers.rflags = (registers.rflags & FLAGS_OF_USER) | FLAGS_FIXED;
        const struct vcpu_user segments = {DOMAIN_USER_CS, DOMAIN_USER_SS, user->fs_base, user->gs_base};
        if ((rc = ops->set_registers(cpu->vcpu, &registers, error)) == 0)
            rc = ops->set_user(cpu->vcpu, &segments, error);
        cpu->entered = true;
    }
    if (rc == 0)
        rc = domain_run(cpu, take, left, error);
    return rc == -ECANCELED ? take_interruption(cpu, left, error) : rc;
}

void domain_user_left(struct domain_cpu *cpu)
{
    cpu->entered = false;
}

/* ---- looking at one that is stopped ---- */

/* The guest's kernel has been interrupted: what an exception has put at the end of its stack. */
static int look_at_frame(struct domain_cpu *cpu, struct domain_user *user, struct error *error)
{
    const struct domain *domain = cpu->domain;
    struct domain_frame frame;
    struct page_walk walk;
    page_tables_walk(&domain->tables, system_program_address((uint64_t)state_page(cpu) * PAGE_BYTES), &walk);
    if (!walk.leaf.bytes)
        return error_set(error, EPROTO, "virtual CPU %u has no stack", cpu->id);
    memcpy(&frame,
        (char *)domain->tables.memory.at(domain->tables.memory.context, walk.leaf.to) + PAGE_BYTES -
            sizeof frame,
        sizeof frame);
    user->registers.rip = frame.rip;
    user->registers.rsp = frame.rsp;
    user->registers.rflags = frame.rflags;
    return 0;
}

bool domain_user_is_entered(const struct domain_cpu *cpu)
{
    return cpu->entered;
}

int domain_user_look(struct domain_cpu *cpu, struct domain_user *user, struct error *error)
{
    struct domain_left left;
    struct vm_exit none = {.kind = EXIT_KICKED};
    int rc = take(cpu, &none, &left, error);
    if (rc < 0)
        return rc;
    if (is_syscall_stub(left.user.registers.rip))
        rc = take_syscall(&left);
    else if (answers_resolve(cpu, &left.user.registers))
        rc = 0;
    else if (is_in_kernel(left.user.registers.rip))
        rc = look_at_frame(cpu, &left.user, error);
    left.user.registers.rflags &= FLAGS_OF_USER | 0x202;
    *user = left.user;
    return rc;
}

/* ---- the rest of its state ---- */

size_t domain_extended_bytes(const struct domain *domain)
{
    return domain->ops->extended_bytes(domain->vm);
}

int domain_get_extended(struct domain_cpu *cpu, void *area, struct error *error)
{
    return cpu->domain->ops->get_extended(cpu->vcpu, area, error);
}

int domain_set_extended(struct domain_cpu *cpu, const void *area, struct error *error)
{
    return cpu->domain->ops->set_extended(cpu->vcpu, area, error);
}

void domain_cpu_counters(const struct domain_cpu *cpu, struct counters *counters)
{
    *counters = (struct counters){.count = 0};
    cpu->domain->ops->counters(cpu->domain->vm, cpu->vcpu, counters);
}

void domain_cpus_counters(struct domain *domain, struct counters *sum)
{
    *sum = (struct counters){.count = 0};
    domain->ops->counters(domain->vm, NULL, sum);
    pthread_mutex_lock(&domain->lock);
    for (const struct domain_cpu *cpu = domain->cpus; cpu; cpu = cpu->next) {
        struct counters counters;
        domain_cpu_counters(cpu, &counters);
        for (size_t i = 0; i < counters.count; i++) {
            uint64_t before = 0;
            counters_get(sum, counters.list[i].name, &before);
            counters_set(sum, counters.list[i].name, before + counters.list[i].value);
        }
    }
    pthread_mutex_unlock(&domain->lock);
}
