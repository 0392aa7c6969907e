#include "abi/domain.h"
#include "base/size.h"
#include "domain/internal.h"
#include "domain/x86_64/system.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

enum { LEVELS = 4 };

/* ---- creating ---- */

static uint64_t system_bytes(const struct domain_config *config)
{
    uint64_t need = (DOMAIN_PAGE_TABLES + 1 + config->spare_tables) * PAGE_BYTES; /* and the root */
    need += page_tables_need(LEVELS, (DOMAIN_PAGE_VOID + 1) * PAGE_BYTES, PAGE_BYTES);
    if (config->image)
        need += page_tables_need(LEVELS, config->image->memory.bytes, PAGE_BYTES);
    return need + (config->data ? page_tables_need(LEVELS, config->data->bytes, config->data_page_bytes) : 0);
}

static int map_image(struct domain *domain, gpa_t start, struct error *error)
{
    const struct image *image = domain->config.image;
    uint64_t bytes = image->memory.bytes, code = image->code_bytes;
    int rc = page_tables_map(&domain->tables, gva_same_as(image->code), start, code, PAGE_BYTES,
        PAGE_READ | PAGE_EXECUTE | PAGE_USER, error);
    if (rc < 0)
        return rc;
    return page_tables_map(&domain->tables, gva_same_as(image->job), GPA(start.value + code), bytes - code,
        PAGE_BYTES, PAGE_READ | PAGE_WRITE | PAGE_USER, error);
}

static int map_data(struct domain *domain, struct error *error)
{
    const struct memory *data = domain->config.data;
    unsigned rights = PAGE_READ | PAGE_USER | (domain->config.data_is_code ? PAGE_EXECUTE : PAGE_WRITE);
    return page_tables_map(&domain->tables, gva_same_as(data->base), domain->data.start, data->bytes,
        domain->config.data_page_bytes, rights, error);
}

/* They stand behind the system pages. Accessed and dirty are preset: the CPU, or KVM for it, then never has
 * to write them. */
static int make_tables(struct domain *domain, struct error *error)
{
    const uint64_t first = DOMAIN_PAGE_TABLES * PAGE_BYTES;
    domain->pool = (struct table_pool){
        .base = (char *)domain->system.base + first,
        .first = GPA(domain->system_start.value + first),
        .pages = (domain->system.bytes - first) / PAGE_BYTES,
        .forget = memory_forget,
        .context = domain,
    };
    domain->tables = (struct page_tables){.memory = table_pool_memory(&domain->pool),
        .levels = LEVELS,
        .preset = PAGE_BIT_ACCESSED | PAGE_BIT_DIRTY};
    int rc = table_pool_init(&domain->pool, error);
    return rc < 0 ? rc : page_tables_init(&domain->tables, error);
}

/* The guest's kernel can change its page tables. */
static int map_window(struct domain *domain, struct error *error)
{
    const uint64_t large = domain->system.bytes & -(2 * MIB), rest = domain->system.bytes - large;
    const uint64_t start = domain->system_start.value, behind = start + large;
    const unsigned rights = PAGE_READ | PAGE_WRITE;
    int rc = large ? page_tables_map(&domain->tables, GVA(DOMAIN_TABLES_WINDOW + start), GPA(start), large,
                         2 * MIB, rights, error)
                   : 0;
    if (rc == 0 && rest)
        rc = page_tables_map(&domain->tables, GVA(DOMAIN_TABLES_WINDOW + behind), GPA(behind), rest,
            PAGE_BYTES, rights, error);
    return rc;
}

static int build_tables(struct domain *domain, gpa_t image, struct error *error)
{
    int rc = make_tables(domain, error);
    if (rc < 0 || (rc = system_build(domain->system.base, domain->system_start, system_begin(domain),
                       &domain->tables, error)) < 0)
        return rc;
    if (domain->config.image)
        rc = map_image(domain, image, error);
    if (rc == 0 && domain->config.later)
        rc = map_window(domain, error);
    return rc == 0 && domain->config.data ? map_data(domain, error) : rc;
}

struct guest_region domain_region_of(const struct memory *memory)
{
    struct guest_region region = {.backing = backing_private(memory->base, memory->bytes)};
    region.backing.shared = memory->shared;
    region.backing.page_bytes = memory->page_bytes;
    if (memory->shared)
        region.backing.descriptor = memory->descriptor;
    return region;
}

/* What is not used of it is not there, and where it lies matters to nobody: the kernel is asked nothing else,
 * as a program may have hidden what tells (chroot). */
static int map_for_program(
    struct memory *memory, const struct domain_room *room, size_t bytes, struct error *error)
{
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | (room->from ? MAP_FIXED_NOREPLACE : 0);
    bytes = (bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
    if (room->from && bytes > (size_t)(room->behind - room->system))
        return error_set(error, EINVAL, "a domain's room is too small for its page tables");
    void *base = mmap(room->system, bytes, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (base == MAP_FAILED)
        return error_errno(error, errno, "cannot map %zu bytes for the page tables of a domain", bytes);
    *memory = (struct memory){
        .base = base, .bytes = bytes, .page_bytes = PAGE_BYTES, .reserved = base, .reserved_bytes = bytes};
    return 0;
}

static int map_system(struct domain *domain, struct error *error)
{
    if (domain->config.program)
        return map_for_program(&domain->system, &domain->config.room, system_bytes(&domain->config), error);
    const struct memory_request request = {
        .bytes = system_bytes(&domain->config), .page_bytes = PAGE_BYTES, .shared = domain->ops->elsewhere};
    return memory_map_request(&domain->system, &request, error);
}

/* Never at 0 with others' memory around them: that is how whoever has that memory knows of no region yet. */
static int add_system_region(struct domain *domain, struct error *error)
{
    const struct domain_room *room = &domain->config.room;
    domain->system_region = domain_region_of(&domain->system);
    if (!room->from)
        return domain_add_region_from(domain, GPA(0), &domain->system_region, error);
    domain->system_start = GPA(2 * MIB + (uint64_t)(room->system - room->from));
    domain->system_region.backing = backing_private(room->from, (size_t)(room->to - room->from));
    return domain_add_region_from(domain, GPA(2 * MIB), &domain->system_region, error);
}

static int build(struct domain *domain, struct error *error)
{
    const struct domain_config *config = &domain->config;
    struct guest_region image = {.slot = 0};
    int rc = map_system(domain, error);
    if (rc < 0)
        return rc;
    rc = add_system_region(domain, error);
    if (rc == 0 && config->image) {
        image = domain_region_of(&config->image->memory);
        rc = domain_add_region(domain, &image, error);
    }
    if (rc == 0 && config->data) {
        domain->data = domain_region_of(config->data);
        rc = domain_add_region(domain, &domain->data, error);
    }
    if (rc < 0 || (rc = build_tables(domain, image.start, error)) < 0)
        return rc;
    return domain_cpu(domain, &domain->first, error);
}

static void init_lock(struct domain *domain)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&domain->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&domain->lock, NULL);
    pthread_mutex_init(&domain->tables_lock, NULL);
}

static int create_vm(struct domain *domain, struct error *error)
{
    const struct domain_config *config = &domain->config;
    const struct vm_config vm = {.irqchip = config->irqchip,
        .tick = config->tick,
        .sync_write = config->sync_write,
        .fill = config->fill,
        .spare = config->spare,
        .host_clock = config->host_clock,
        .device = config->device,
        .first_descriptor = config->first_descriptor,
        .kept = config->kept,
        .stop = config->stop};
    return domain->ops->create(&vm, &domain->vm, error);
}

static void free_cpus(struct domain *domain)
{
    for (struct domain_cpu *cpu = domain->cpus, *next; cpu; cpu = next) {
        next = cpu->next;
        free(cpu);
    }
    domain->first = domain->cpus = NULL;
}

int domain_renew(struct domain *domain, struct error *error)
{
    if (domain->vm)
        domain->ops->destroy(domain->vm);
    domain->vm = NULL;
    free_cpus(domain);
    init_lock(domain);
    int rc = create_vm(domain, error);
    for (size_t i = 0; rc == 0 && i < domain->regions.count; i++) {
        const struct guest_region *region = &domain->regions.list[i];
        rc = domain->ops->region(
            domain->vm, region->slot, region->start, &region->backing, region->flags, error);
    }
    return rc < 0 ? rc : domain_cpu(domain, &domain->first, error);
}

int domain_create(const struct domain_config *config, struct domain **out, struct error *error)
{
    struct domain *domain = calloc(1, sizeof *domain);
    if (!domain)
        return error_set(error, ENOMEM, "no memory for a domain");
    domain->config = *config;
    domain->ops = config->monitor;
    domain->regions.slots = UINT_MAX;
    init_lock(domain);
    int rc = create_vm(domain, error);
    if (rc < 0 || (rc = config->image || config->program ? build(domain, error)
                                                         : domain_cpu(domain, &domain->first, error)) < 0) {
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
    free_cpus(domain);
    guest_memory_free(&domain->regions);
    if (domain->system.base)
        memory_unmap(&domain->system);
    table_pool_free(&domain->pool);
    pthread_cond_destroy(&domain->changed);
    pthread_mutex_destroy(&domain->lock);
    pthread_mutex_destroy(&domain->tables_lock);
    free(domain);
}

/* ---- looking ---- */

struct domain_fault domain_fault(const struct domain *domain)
{
    return domain->fault;
}

const struct guest_region *domain_data_region(const struct domain *domain)
{
    return &domain->data;
}

const struct guest_region *domain_system_region(const struct domain *domain)
{
    return &domain->system_region;
}

struct domain_machine domain_machine(const struct domain *domain)
{
    return (struct domain_machine){domain->ops, domain->vm};
}

gva_t system_begin(const struct domain *domain)
{
    return domain->config.program ? system_program_address(0) : system_address(0);
}

void *system_page(const struct domain *domain, unsigned number)
{
    return (char *)domain->system.base + (size_t)number * PAGE_BYTES;
}

uint64_t domain_page_bytes(const struct domain *domain, const void *address)
{
    struct page_walk walk;
    page_tables_walk(&domain->tables, gva_same_as(address), &walk);
    return walk.leaf.bytes;
}

void domain_counters(const struct domain *domain, struct counters *counters)
{
    *counters = (struct counters){.count = 0};
    domain->ops->counters(domain->vm, NULL, counters);
    domain->ops->counters(domain->vm, domain->first->vcpu, counters);
}
