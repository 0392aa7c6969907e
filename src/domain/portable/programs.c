/* Workloads of the image in a domain of their own: what lies where. From guest physical 0 on: the system
 * pages (abi/domain.h), page tables; then what is at PORTABLE_BASE; the data from the next 2 MiB on, through
 * all regions; and the identity, the last page of what there was at the beginning. */
#include "domain/portable/added.h"
#include "domain/portable/internal.h"
#include "domain/portable/regions.h"

#include "abi/domain.h"
#include "base/size.h"
#include "domain/x86_64/system.h"
#include "host/cpuid.h"
#include "workload/chase.h"
#include "workload/image.h"

#include <errno.h>
#include <string.h>

enum { LEVELS = 4, SEED = 1 };

/* A ring has room for 16 s of one virtual CPU, and makes 31 pages a second dirty. */
static const double sample_seconds = 250e-6;

const struct portable_workload_info portable_workloads[PORTABLE_WORKLOADS] = {
    [PORTABLE_CHASE] = {"chase",
        "follows one random list over its working set; the checksum is the way that it took", "hops",
        PORTABLE_CPUS_MAX},
    [PORTABLE_WRITER] = {"writer",
        "writes pages at random, chains a hash in each, and checks all of them at its end", "writes",
        PORTABLE_CPUS_MAX},
    [PORTABLE_VECTORS] = {"vectors", "computes in every vector register that this CPU has", "rounds",
        PORTABLE_CPUS_MAX},
    [PORTABLE_SELFTEST] = {"kernel-selftest",
        "a guest kernel with three processes and a timer tries exceptions, page "
        "tables, memory on demand and switches",
        "events", 1},
};

/* Pages by their number in the memory here: those before the data are in the first region, where the guest
 * has them at the same numbers. */
struct layout {
    uint64_t tables, tables_end, base, jobs, stacks, image, image_end, data, data_end;
    size_t image_bytes;
};

static uint64_t pages(uint64_t bytes)
{
    return (bytes + PAGE_BYTES - 1) / PAGE_BYTES;
}

static struct layout layout_of(const struct portable_plan *plan)
{
    struct layout at = {.tables = DOMAIN_PAGE_TABLES};
    image_embedded(&at.image_bytes);
    uint64_t tables =
        page_tables_need(LEVELS, 2 * MIB, PAGE_BYTES) + page_tables_need(LEVELS, 2 * MIB, PAGE_BYTES) +
        page_tables_need(LEVELS, MIB, PAGE_BYTES) + page_tables_need(LEVELS, plan->laid_out_bytes, 2 * MIB) +
        page_tables_need(LEVELS, added_reach(plan), 2 * MIB);
    at.tables_end = at.tables + 1 + tables / PAGE_BYTES;
    at.base = at.tables_end;
    at.jobs = at.base;
    at.stacks = at.jobs + plan->cpus;
    at.image = at.stacks + plan->cpus * PORTABLE_STACK_PAGES;
    at.image_end = at.image + pages(at.image_bytes);
    at.data = pages((at.image_end * PAGE_BYTES + 2 * MIB - 1) / (2 * MIB) * (2 * MIB));
    at.data_end =
        plan->laid_out_bytes / PAGE_BYTES - 2 * MIB / PAGE_BYTES; /* the last 2 MiB have the identity */
    return at;
}

void portable_data_range(const struct portable_plan *plan, uint64_t *first, uint64_t *end)
{
    const struct layout at = layout_of(plan);
    *first = at.data * PAGE_BYTES;
    *end = plan->workload == PORTABLE_SELFTEST || at.data_end < at.data ? *first : at.data_end * PAGE_BYTES;
}

/* Where a page of the ones from `base` on is in the guest: the identity comes before them. */
static uint64_t address(const struct layout *at, uint64_t page)
{
    return PORTABLE_BASE + (1 + page - at->base) * PAGE_BYTES;
}

/* Region by region: one after the other for the guest's program, wherever they are. */
static int map(const struct portable_plan *plan, struct page_tables *tables, uint64_t to, uint64_t first,
    uint64_t end, uint64_t page_bytes, unsigned rights, struct error *error)
{
    uint64_t offset = first * PAGE_BYTES, left = (end - first) * PAGE_BYTES, here;
    int rc = 0;
    for (; rc == 0 && left; offset += here, to += here, left -= here) {
        const uint64_t physical = portable_physical(plan, offset, &here);
        here = here < left ? here : left;
        rc = page_tables_map(tables, GVA(to), GPA(physical), here, page_bytes, rights, error);
    }
    return rc;
}

static int map_all(
    const struct portable *portable, const struct layout *at, struct page_tables *tables, struct error *error)
{
    enum { READ = PAGE_READ | PAGE_USER, WRITE = READ | PAGE_WRITE, EXECUTE = READ | PAGE_EXECUTE };
    const struct portable_plan *plan = &portable->plan;
    const uint64_t identity = plan->laid_out_bytes / PAGE_BYTES - 1;
    const uint64_t rings = plan->cpus * portable_ring_pages(plan->cpus);
    const struct {
        uint64_t to, first, end, page_bytes;
        unsigned rights;
    } pieces[] = {
        {PORTABLE_BASE, identity, identity + 1, PAGE_BYTES, READ},
        {PORTABLE_SAMPLES, at->data_end, at->data_end + rings, PAGE_BYTES, WRITE},
        {address(at, at->base), at->base, at->image, PAGE_BYTES, WRITE},
        {address(at, at->image), at->image, at->image_end, PAGE_BYTES, EXECUTE},
        {PORTABLE_DATA, at->data, at->data_end, 2 * MIB, WRITE},
    };
    struct portable_plan later = *plan;
    int rc = system_build(portable->base, GPA(0), system_address(0), tables, error);
    for (size_t i = 0; rc == 0 && i < sizeof pieces / sizeof pieces[0]; i++)
        rc = map(plan, tables, pieces[i].to, pieces[i].first, pieces[i].end, pieces[i].page_bytes,
            pieces[i].rights, error);
    if (rc == 0)
        rc = portable_regions_resize(&later, plan->laid_out_bytes + added_reach(plan), error);
    return rc < 0 ? rc
                  : map(&later, tables, PORTABLE_ADDED, plan->laid_out_bytes / PAGE_BYTES,
                        later.memory_bytes / PAGE_BYTES, 2 * MIB, WRITE, error);
}

/* ---- jobs ---- */

static struct portable_job *job_of(const struct portable *portable, const struct layout *at, unsigned cpu)
{
    return portable_at(portable, (at->jobs + cpu) * PAGE_BYTES, PAGE_BYTES);
}

/* A random list over its part, one element a cache line, so that every page of it is used. */
static void lay_out_chase(const struct portable *portable, const struct layout *at, struct portable_job *job)
{
    const struct chase_shape shape = {.working_set_bytes = job->bytes,
        .element_bytes = CHASE_LINE_BYTES,
        .order = CHASE_RANDOM,
        .chains = 1};
    const struct chase_layout layout = chase_layout_make(&shape, SEED);
    char *data = portable->base + at->data * PAGE_BYTES + (job->first - PORTABLE_DATA);
    chase_layout_write_for(&layout, data, job->first, 0, layout.elements);
    job->start = job->first + chase_layout_offset(&layout, 0);
}

static void set_job(const struct portable *portable, const struct layout *at, unsigned cpu)
{
    const struct portable_plan *plan = &portable->plan;
    uint64_t room = (at->data_end - at->data) * PAGE_BYTES;
    uint64_t each =
        (plan->working_set_bytes ? plan->working_set_bytes : room) / plan->cpus / PAGE_BYTES * PAGE_BYTES;
    uint64_t ring = portable_ring_pages(plan->cpus) * PAGE_BYTES;
    struct portable_job *job = job_of(portable, at, cpu);
    *job = (struct portable_job){.work = plan->work,
        .first = PORTABLE_DATA + cpu * each,
        .bytes = each,
        .identity = PORTABLE_BASE,
        .samples = PORTABLE_SAMPLES + cpu * ring,
        .sample_count = ring / sizeof(struct portable_sample),
        .sample_ticks = (uint64_t)(plan->ticks_per_second * sample_seconds)};
    if (plan->rate)
        job->interval = (uint64_t)(plan->ticks_per_second * PAGE_BYTES * plan->cpus / (double)plan->rate);
    if (added_reach(plan)) {
        job->added = PORTABLE_ADDED + cpu * PAGE_BYTES;
        job->added_stride = plan->cpus * PAGE_BYTES;
    }
    if (plan->workload == PORTABLE_CHASE)
        lay_out_chase(portable, at, job);
}

/* ---- where they begin ---- */

static uint64_t native_xcr0(void)
{
    uint32_t low, high;
    struct host_cpuid leaf;
    if (!host_cpuid(1, 0, &leaf) || !(leaf.ecx >> 27 & 1)) /* OSXSAVE */
        return 0;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low & 0xe7; /* x87, SSE, AVX, AVX-512: neither AMX nor protection keys (doc/saved-domain.md) */
}

static const char *entry_name(const struct portable_plan *plan)
{
    struct host_cpuid leaf = {0};
    uint64_t xcr0 = native_xcr0();
    if (plan->workload == PORTABLE_CHASE)
        return "portable-chase";
    if (plan->workload == PORTABLE_WRITER)
        return "portable-writer";
    (void)host_cpuid(7, 0, &leaf);
    if ((xcr0 & 0xe6) == 0xe6 && leaf.ebx >> 16 & 1)
        return "portable-vectors-512";
    return (xcr0 & 6) == 6 && leaf.ebx >> 5 & 1 ? "portable-vectors-256" : "portable-vectors-128";
}

static int find_entry(const struct portable_plan *plan, uint64_t *offset, struct error *error)
{
    size_t bytes;
    const struct workload_image_header *header = image_embedded(&bytes);
    for (uint32_t i = 0; i < header->entry_count; i++)
        if (!strcmp(header->entries[i].name, entry_name(plan))) {
            *offset = header->entries[i].offset;
            return 0;
        }
    return error_set(error, EINVAL, "there is no built-in workload '%s'", entry_name(plan));
}

/* Nothing interrupts these workloads: the task state matters only to one that fails, so all but the first
 * share one. */
static int set_cpu(struct portable *portable, const struct layout *at, const struct page_tables *tables,
    unsigned cpu, uint64_t entry, struct error *error)
{
    const struct monitor_ops *ops = portable->domain->ops;
    struct vcpu *vcpu = portable->cpus[cpu].cpu->vcpu;
    const struct domain_mode mode = {.tss_page = cpu ? DOMAIN_PAGE_SECOND_TSS : 0};
    struct vcpu_system system = system_state(tables, system_address(0), PRIVILEGE_USER, &mode);
    const struct vcpu_registers registers = {
        .rip = system_address((uint64_t)DOMAIN_PAGE_KERNEL * PAGE_BYTES + DOMAIN_USER_CALL).value,
        .rax = address(at, at->image) + entry,
        .rdi = address(at, at->jobs + cpu),
        .rsp = address(at, at->stacks + (cpu + 1) * PORTABLE_STACK_PAGES),
        .rflags = 0x3202, /* as domain_cpu_set() has them */
    };
    system.xcr0 = native_xcr0();
    if (system.xcr0)
        system.cr4 |= 1 << 18; /* OSXSAVE */
    int rc = ops->set_system(vcpu, &system, error);
    if (rc == 0)
        rc = ops->set_registers(vcpu, &registers, error);
    domain_cpu_release(portable->cpus[cpu].cpu);
    return rc;
}

int portable_check_room(const struct portable_plan *plan, struct error *error)
{
    const struct layout at = layout_of(plan);
    const uint64_t room = at.data_end > at.data ? (at.data_end - at.data) * PAGE_BYTES : 0;
    char text[SIZE_TEXT_BYTES];
    if (plan->regions[0].bytes < at.data * PAGE_BYTES) {
        size_text(at.data * PAGE_BYTES, text);
        return error_set(error, EINVAL,
            "the memory from address 0 on must have room for page tables and programs: %s", text);
    }
    if (room && plan->working_set_bytes <= room &&
        (!plan->working_set_bytes || plan->working_set_bytes >= plan->cpus * 2 * PAGE_BYTES))
        return 0;
    size_text(room, text);
    return error_set(error, EINVAL,
        "the working set must be from 8 KiB for each virtual CPU to %s, which this domain has room for",
        text);
}

int portable_lay_out(struct portable *portable, struct error *error)
{
    struct portable_plan *plan = &portable->plan;
    const struct layout at = layout_of(plan);
    struct table_pool pool = {.base = portable->base + at.tables * PAGE_BYTES,
        .first = GPA(at.tables * PAGE_BYTES),
        .pages = at.tables_end - at.tables};
    struct page_tables tables = {
        .memory = table_pool_memory(&pool), .levels = LEVELS, .preset = PAGE_BIT_ACCESSED | PAGE_BIT_DIRTY};
    uint64_t entry;
    int rc = find_entry(plan, &entry, error);
    if (rc < 0 || (rc = table_pool_init(&pool, error)) < 0)
        return rc;
    if ((rc = page_tables_init(&tables, error)) == 0)
        rc = map_all(portable, &at, &tables, error);
    table_pool_free(&pool);
    memcpy(portable->base + at.image * PAGE_BYTES, image_embedded(&(size_t){0}), at.image_bytes);
    for (unsigned i = 0; rc == 0 && i < plan->cpus; i++) {
        set_job(portable, &at, i);
        plan->results[plan->result_count++] = (at.jobs + i) * PAGE_BYTES;
        rc = set_cpu(portable, &at, &tables, i, entry, error);
    }
    return rc;
}
