#include "domain/guest_kernel.h"

#include "abi/domain.h"
#include "base/size.h"
#include "domain/internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

extern const char linked_kernel_start[], linked_kernel_end[], guest_program_start[], guest_program_end[];

enum { LEVELS = 4, SPIN_LIMIT = 1 << 30 };

struct guest_kernel {
    struct guest_kernel_config config;
    struct domain *domain;
    struct memory memory; /* the guest's, from physical address 0 on; owned, unless config.memory is it */
    struct memory large;  /* config.large; owned */
    struct guest_kernel_header header;
    struct guest_kernel_boot boot;
    struct guest_kernel_mark marks[GUEST_KERNEL_MARKS];
    unsigned marked;
};

static uint64_t pages_of(uint64_t bytes)
{
    return (bytes + PAGE_BYTES - 1) / PAGE_BYTES;
}

static void *page_of(const struct guest_kernel *kernel, uint64_t number)
{
    return (char *)kernel->memory.base + number * PAGE_BYTES;
}

/* Of an address in the kernel's image or its variables, which come from the header. */
static void *here(const struct guest_kernel *kernel, uint64_t address)
{
    return (char *)kernel->memory.base + (address - GUEST_KERNEL_BASE);
}

/* ---- what lies where ---- */

static uint64_t script_bytes(const struct guest_kernel_job *job)
{
    return sizeof(struct guest_script) + job->count * sizeof(struct guest_step);
}

static uint64_t log_bytes(const struct guest_kernel *kernel)
{
    return sizeof(struct guest_log) + kernel->config.events * sizeof(struct guest_event);
}

/* The tables that it starts with, and five for each process, and as many again. */
static uint64_t count_tables(uint64_t bytes)
{
    return 2 + page_tables_need(LEVELS, bytes, PAGE_BYTES) / PAGE_BYTES + GUEST_KERNEL_PROCESSES * 10;
}

/* Image, program, scripts and logs, tables, free pages. */
static int lay_out(struct guest_kernel *kernel, struct error *error)
{
    struct guest_kernel_boot *boot = &kernel->boot;
    uint64_t next = pages_of(kernel->header.memory_end - GUEST_KERNEL_BASE);
    boot->program = next;
    boot->program_pages = pages_of((uint64_t)(guest_program_end - guest_program_start));
    next += boot->program_pages;
    for (unsigned i = 0; i < GUEST_KERNEL_PROCESSES; i++) {
        if (!kernel->config.job[i].steps)
            continue;
        boot->process[i].script = next;
        next += boot->process[i].script_pages = pages_of(script_bytes(&kernel->config.job[i]));
        boot->process[i].log = next;
        next += boot->process[i].log_pages = pages_of(log_bytes(kernel));
    }
    boot->tables = next;
    boot->frames = boot->tables_end = next + count_tables(kernel->config.bytes);
    boot->frames_end = boot->pages;
    if (boot->frames >= boot->frames_end)
        return error_set(error, ENOMEM,
            "%" PRIu64 " KiB of memory are too little for a guest kernel and what it is to do",
            kernel->config.bytes / KIB);
    return 0;
}

static void copy_in(const struct guest_kernel *kernel)
{
    const struct guest_kernel_boot *boot = &kernel->boot;
    memcpy(page_of(kernel, 0), linked_kernel_start, (size_t)(linked_kernel_end - linked_kernel_start));
    memcpy(page_of(kernel, boot->program), guest_program_start,
        (size_t)(guest_program_end - guest_program_start));
    for (unsigned i = 0; i < GUEST_KERNEL_PROCESSES; i++) {
        const struct guest_kernel_job *job = &kernel->config.job[i];
        if (!job->steps)
            continue;
        struct guest_script *script = page_of(kernel, boot->process[i].script);
        script->trapped_calls = boot->trapped_calls;
        script->steps = (uint32_t)job->count;
        script->spin_limit = SPIN_LIMIT;
        memcpy(script->step, job->steps, job->count * sizeof *job->steps);
        struct guest_log *log = page_of(kernel, boot->process[i].log);
        log->room = kernel->config.events;
    }
    memcpy(here(kernel, kernel->header.boot), boot, sizeof *boot);
}

/* ---- the tables that it starts with ---- */

static int map_pages(
    struct page_tables *tables, uint64_t first, uint64_t end, unsigned rights, struct error *error)
{
    if (first == end)
        return 0;
    return page_tables_map(tables, GVA(GUEST_KERNEL_BASE + first * PAGE_BYTES), GPA(first * PAGE_BYTES),
        (end - first) * PAGE_BYTES, PAGE_BYTES, rights, error);
}

static int map_memory(const struct guest_kernel *kernel, struct page_tables *tables, struct error *error)
{
    const struct guest_kernel_boot *boot = &kernel->boot;
    const unsigned data = PAGE_READ | PAGE_WRITE;
    const unsigned table = boot->monitor == GUEST_ON_PARAVIRT ? PAGE_READ : data;
    uint64_t text = GUEST_KERNEL_TEXT / PAGE_BYTES,
             text_end = (kernel->header.text_end - GUEST_KERNEL_BASE) / PAGE_BYTES;
    int rc = map_pages(tables, 0, text, data, error);
    if (rc < 0 || (rc = map_pages(tables, text, text_end, PAGE_READ | PAGE_EXECUTE, error)) < 0 ||
        (rc = map_pages(tables, text_end, boot->tables, data, error)) < 0 ||
        (rc = map_pages(tables, boot->tables, boot->tables_end, table, error)) < 0)
        return rc;
    return map_pages(tables, boot->frames, boot->frames_end, data, error);
}

static int make_tables(struct guest_kernel *kernel, struct error *error)
{
    struct guest_kernel_boot *boot = &kernel->boot;
    struct table_pool pool = {
        .base = page_of(kernel, boot->tables),
        .first = GPA(boot->tables * PAGE_BYTES),
        .pages = boot->tables_end - boot->tables,
    };
    int rc = table_pool_init(&pool, error);
    if (rc < 0)
        return rc;
    struct page_tables tables = {
        .memory = table_pool_memory(&pool), .levels = LEVELS, .preset = PAGE_BIT_ACCESSED | PAGE_BIT_DIRTY};
    if ((rc = page_tables_init(&tables, error)) == 0)
        rc = map_memory(kernel, &tables, error);
    boot->root = tables.root.value;
    boot->tables_used = pool.next + 1;
    table_pool_free(&pool);
    return rc;
}

/* ---- starting it ---- */

static int set_cpu(const struct guest_kernel *kernel, struct error *error)
{
    const struct monitor_ops *ops = kernel->domain->ops;
    struct vcpu *vcpu = kernel->domain->first->vcpu;
    const struct vcpu_system system = {
        .page_tables = GPA(kernel->boot.root),
        .cr0 = 0x80050033, /* PG AM WP NE ET MP PE */
        .cr4 = 0x6a0,      /* OSXMMEXCPT OSFXSR PGE PAE */
        .efer = 0xd01,     /* NXE LMA LME SCE */
        .cs_selector = DOMAIN_KERNEL_CS,
        .ss_selector = DOMAIN_KERNEL_SS,
        .gdt = GVA(GUEST_KERNEL_BASE + GUEST_KERNEL_GDT),
        .gdt_limit = DOMAIN_TSS + 15,
        .idt = GVA(GUEST_KERNEL_BASE + GUEST_KERNEL_IDT),
        .idt_limit = GUEST_KERNEL_VECTORS * 16 - 1,
        .tss = GVA(GUEST_KERNEL_BASE + GUEST_KERNEL_TSS),
        .tss_limit = 103,
        .tss_selector = DOMAIN_TSS,
        .star = (uint64_t)(DOMAIN_USER_SS - 8) << 48 | (uint64_t)DOMAIN_KERNEL_CS << 32,
        .syscall_entry = GVA(kernel->header.syscall_entry),
        .syscall_mask = 0x44700, /* AC NT DF IF TF */
    };
    const struct vcpu_registers registers = {
        .rip = kernel->header.start, .rsp = kernel->header.stack, .rflags = 2};
    int rc = ops->set_system(vcpu, &system, error);
    return rc < 0 ? rc : ops->set_registers(vcpu, &registers, error);
}

static enum guest_kernel_monitor monitor_kind(const struct monitor_ops *monitor)
{
    static const struct {
        const char *name;
        enum guest_kernel_monitor kind;
    } kinds[] = {{"shadow", GUEST_ON_SHADOW}, {"paravirt", GUEST_ON_PARAVIRT}};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (!strcmp(monitor->name, kinds[i].name))
            return kinds[i].kind;
    return GUEST_ON_HARDWARE;
}

static int map_memory_of(struct guest_kernel *kernel, struct error *error)
{
    const struct guest_kernel_config *config = &kernel->config;
    const struct memory_request request = {
        .bytes = config->bytes, .page_bytes = PAGE_BYTES, .shared = config->monitor->elsewhere};
    if (config->memory) {
        kernel->memory = *config->memory;
        return 0;
    }
    int rc = memory_map_request(&kernel->memory, &request, error);
    return rc < 0 ? rc : memory_populate(&kernel->memory, true, NULL, NULL, error);
}

static int load(struct guest_kernel *kernel, struct error *error)
{
    const struct guest_kernel_config *config = &kernel->config;
    memcpy(&kernel->header, linked_kernel_start, sizeof kernel->header);
    kernel->boot = (struct guest_kernel_boot){
        .pages = config->bytes / PAGE_BYTES,
        .tick_ns = config->tick_ns,
        .monitor = monitor_kind(config->monitor),
        .trapped_calls = config->facts->syscall_privilege != 0,
        .fault_around = config->fault_around,
        .processes = config->processes,
        .log_room = (uint32_t)config->events,
        .preset = config->preset,
    };
    int rc = lay_out(kernel, error);
    if (rc < 0 || (rc = map_memory_of(kernel, error)) < 0 || (rc = make_tables(kernel, error)) < 0)
        return rc;
    copy_in(kernel);
    return 0;
}

/* Where it is the kernel is told before it starts. */
static int add_large(struct guest_kernel *kernel, struct error *error)
{
    const struct memory_request request = {.bytes = 2 * MIB,
        .page_bytes = 2 * MIB,
        .source = MEMORY_COLLAPSE,
        .shared = kernel->config.monitor->elsewhere};
    struct memory *large = &kernel->large;
    int rc = memory_map_request(large, &request, error);
    if (rc < 0 || (rc = memory_populate(large, true, NULL, NULL, error)) < 0 ||
        (rc = memory_check_obtained(large, 0, large->bytes, error)) < 0)
        return rc;
    struct guest_region region = domain_region_of(large);
    rc = domain_add_region_from(kernel->domain, GPA(kernel->memory.bytes), &region, error);
    if (rc < 0)
        return rc;
    kernel->boot.large = region.start.value;
    memcpy(here(kernel, kernel->header.boot), &kernel->boot, sizeof kernel->boot);
    return 0;
}

static int start(struct guest_kernel *kernel, struct error *error)
{
    const struct domain_config domain = {.monitor = kernel->config.monitor,
        .stop = kernel->config.stop,
        .tick = true,
        .sync_write = kernel->config.sync_write,
        .fill = kernel->config.fill,
        .spare = kernel->config.spare};
    struct guest_region region = domain_region_of(&kernel->memory);
    int rc = domain_create(&domain, &kernel->domain, error);
    if (rc < 0 || (rc = domain_add_region_from(kernel->domain, GPA(0), &region, error)) < 0 ||
        (kernel->config.large && (rc = add_large(kernel, error)) < 0))
        return rc;
    return set_cpu(kernel, error);
}

static int check(const struct guest_kernel_config *config, struct error *error)
{
    const unsigned around = config->fault_around;
    bool jobs = config->processes >= 1 && config->processes <= GUEST_KERNEL_PROCESSES;
    for (unsigned i = 0; jobs && i < config->processes; i++)
        jobs = config->job[i].steps;
    if (jobs && config->events && around && !(around & (around - 1)) && config->bytes % PAGE_BYTES == 0)
        return 0;
    return error_set(error, EINVAL,
        "a guest kernel needs 1 to %d processes with something to do, a log, whole pages and a fault-around "
        "that is a power of two",
        GUEST_KERNEL_PROCESSES);
}

int guest_kernel_create(
    const struct guest_kernel_config *config, struct guest_kernel **out, struct error *error)
{
    int rc = check(config, error);
    if (rc < 0)
        return rc;
    struct guest_kernel *kernel = calloc(1, sizeof *kernel);
    if (!kernel)
        return error_set(error, ENOMEM, "no memory for a guest kernel");
    kernel->config = *config;
    rc = load(kernel, error);
    if (rc < 0 || (rc = start(kernel, error)) < 0) {
        guest_kernel_destroy(kernel);
        return rc;
    }
    *out = kernel;
    return 0;
}

void guest_kernel_destroy(struct guest_kernel *kernel)
{
    if (!kernel)
        return;
    domain_destroy(kernel->domain);
    if (!kernel->config.memory)
        memory_unmap(&kernel->memory);
    memory_unmap(&kernel->large);
    free(kernel);
}

struct domain *guest_kernel_domain(const struct guest_kernel *kernel)
{
    return kernel->domain;
}

uint64_t guest_kernel_log_at(const struct guest_kernel *kernel, unsigned process)
{
    return kernel->boot.process[process].log * PAGE_BYTES;
}

/* ---- running it ---- */

static int gave_up(const struct guest_kernel *kernel, struct error *error)
{
    static const char *const reasons[] = {
        [GUEST_NO_PANIC] = "for no reason",
        [GUEST_PANIC_EXCEPTION] = "at an exception of its own",
        [GUEST_PANIC_FRAMES] = "for want of memory",
        [GUEST_PANIC_TABLES] = "for want of page tables",
        [GUEST_PANIC_HYPERCALL] = "at a hypercall that was refused",
    };
    struct guest_kernel_status status = guest_kernel_status(kernel);
    bool known = status.panic < sizeof reasons / sizeof reasons[0];
    return error_set(error, EPROTO,
        "the guest's kernel gave up %s (0x%" PRIx64 ", 0x%" PRIx64 ", 0x%" PRIx64 ")",
        known ? reasons[status.panic] : "for an unknown reason", status.detail[0], status.detail[1],
        status.detail[2]);
}

static void take_mark(struct guest_kernel *kernel)
{
    if (kernel->marked == GUEST_KERNEL_MARKS)
        return;
    struct guest_kernel_mark *mark = &kernel->marks[kernel->marked++];
    mark->ticks = guest_kernel_timed(kernel, 0);
    mark->status = guest_kernel_status(kernel);
    guest_kernel_counters(kernel, &mark->counters);
}

static int take_exit(struct domain_cpu *cpu, const struct vm_exit *exit, void *context, struct error *error)
{
    enum { GOES_ON = 1 };
    (void)cpu;
    if (exit->kind == EXIT_IO && exit->write && exit->port == GUEST_KERNEL_PORT_MARK) {
        take_mark(context);
        return GOES_ON;
    }
    if (exit->kind == EXIT_IO && exit->write && exit->port == GUEST_KERNEL_PORT_DONE)
        return 0;
    if (exit->kind == EXIT_IO && exit->write && exit->port == GUEST_KERNEL_PORT_PANIC)
        return gave_up(context, error);
    return domain_unexpected_exit(exit, error);
}

int guest_kernel_run(struct guest_kernel *kernel, struct error *error)
{
    return domain_run(kernel->domain->first, take_exit, kernel, error);
}

/* ---- what it leaves ---- */

struct guest_kernel_status guest_kernel_status(const struct guest_kernel *kernel)
{
    struct guest_kernel_status status;
    memcpy(&status, here(kernel, kernel->header.status), sizeof status);
    return status;
}

uint64_t guest_kernel_events(
    const struct guest_kernel *kernel, unsigned process, struct guest_event *events, size_t max)
{
    const struct guest_log *log = page_of(kernel, kernel->boot.process[process].log);
    const uint64_t count = log->count, room = kernel->config.events;
    uint64_t copied = count < room ? count : room;
    if (copied > max)
        copied = max;
    for (uint64_t i = 0; i < copied; i++)
        events[i] = log->event[(count - copied + i) % room];
    return count;
}

uint64_t guest_kernel_timed(const struct guest_kernel *kernel, unsigned process)
{
    const volatile struct guest_log *log = page_of(kernel, kernel->boot.process[process].log);
    const uint64_t ticks = log->timed;
    return ticks < UINT64_MAX / 2 ? ticks : 0;
}

bool guest_kernel_mark(const struct guest_kernel *kernel, unsigned number, struct guest_kernel_mark *mark)
{
    if (number >= kernel->marked)
        return false;
    *mark = kernel->marks[number];
    return true;
}

void guest_kernel_counters(const struct guest_kernel *kernel, struct counters *counters)
{
    domain_counters(kernel->domain, counters);
}
