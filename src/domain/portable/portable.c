#include "domain/portable/internal.h"
#include "domain/portable/regions.h"

#include "base/size.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

/* ---- memory ---- */

void *portable_at(const struct portable *portable, uint64_t physical, uint64_t bytes)
{
    const uint64_t offset = portable_offset(&portable->plan, physical, bytes);
    return offset == UINT64_MAX ? NULL : portable->base + offset;
}

struct portable_identity *portable_identity(const struct portable *portable)
{
    return (void *)(portable->base + portable->plan.laid_out_bytes - PAGE_BYTES);
}

static int map_pages(struct memory_request *request, bool shared, struct memory *memory, struct error *error)
{
    int rc = shared ? -ENOTSUP : memory_map_request(memory, request, error);
    if (rc != -ENOTSUP)
        return rc;
    request->page_bytes = PAGE_BYTES;
    request->source = MEMORY_AUTO;
    request->shared = shared;
    return memory_map_request(memory, request, error);
}

static int map_image(struct memory_request *request, bool locked, struct memory *memory, struct error *error)
{
    struct error unheard;
    if (locked)
        return error_set(error, ENOTSUP,
            "memory that is locked cannot be shared with clones: --lock and --forkable rule each other out");
    request->shared = true;
    request->source = MEMORY_COLLAPSE;
    int rc = memory_map_request(memory, request, error);
    if (rc < 0)
        return rc;
    rc = memory_populate(memory, true, NULL, NULL, &unheard);
    if (rc == 0 || rc == -ENOTSUP) /* it is all there, in small pages */
        return 0;
    memory_unmap(memory);
    *error = unheard;
    return rc;
}

/* Whether there are large pages to be had decides the machine; what was obtained is told by who asks. */
int portable_map_memory(uint64_t bytes, const struct monitor_ops *monitor, const struct portable_wish *wish,
    struct memory *memory, struct error *error)
{
    struct memory_request request = {.bytes = bytes, .page_bytes = 2 * MIB, .source = MEMORY_THP};
    request.room = portable_room(bytes) - bytes;
    if (wish)
        request.nodes = wish->nodes;
    if (wish && wish->forkable && monitor->elsewhere)
        return error_set(error, ENOTSUP,
            "%s runs its guest in another process, with memory that clones would write to, too: start the "
            "domain without --forkable",
            monitor->title);
    int rc = wish && wish->forkable ? map_image(&request, wish->locked, memory, error)
                                    : map_pages(&request, monitor->elsewhere, memory, error);
    if (rc == 0 && wish && wish->locked && (rc = memory_lock(memory, error)) < 0)
        memory_unmap(memory);
    return rc;
}

/* Who else has its memory. */
static void note_sharing(
    struct portable *portable, const struct backing *backing, const struct monitor_ops *monitor)
{
    if (backing->shared)
        *(monitor->elsewhere ? &portable->shared : &portable->image) = backing->descriptor;
}

struct backing portable_backing(const struct memory *memory)
{
    return domain_region_of(memory).backing;
}

int portable_choose_monitor(struct portable_plan *plan, const struct monitor_ops *asked,
    const struct monitor_ops **monitor, struct error *error)
{
    *monitor = asked;
    for (size_t i = 0; !*monitor && monitor_at(i); i++)
        if (!strcmp(monitor_at(i)->name, plan->monitor))
            *monitor = monitor_at(i);
    if (!*monitor)
        return error_set(
            error, ENOTSUP, "the domain ran on the monitor %.15s, which this vcost has not", plan->monitor);
    if (plan->workload == PORTABLE_SELFTEST && strcmp((*monitor)->name, plan->monitor) != 0)
        return error_set(error, ENOTSUP,
            "the guest's kernel was told that it runs on %.15s: it goes on there only", plan->monitor);
    plan->tsc_settable &= !strcmp((*monitor)->name, plan->monitor); /* another has not been tried */
    snprintf(plan->monitor, sizeof plan->monitor, "%s", (*monitor)->name);
    return 0;
}

int portable_new_generation(struct portable *portable, struct error *error)
{
    struct portable_identity *identity = portable_identity(portable);
    uint64_t id[2];
    if (getrandom(id, sizeof id, 0) != (ssize_t)sizeof id)
        return error_errno(error, errno, "no random bits for a generation ID");
    identity->restored += identity->magic == PORTABLE_MAGIC;
    identity->magic = PORTABLE_MAGIC;
    memcpy(identity->generation, id, sizeof id);
    return 0;
}

/* ---- making and ending one ---- */

static struct portable *make(const struct portable_plan *plan)
{
    struct portable *portable = calloc(1, sizeof *portable);
    pthread_condattr_t attributes;
    if (!portable)
        return NULL;
    portable->plan = *plan;
    portable_regions_settle(&portable->plan);
    portable->image = portable->shared = -1;
    portable->eventfd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&portable->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&portable->lock, NULL);
    for (unsigned i = 0; i < PORTABLE_CPUS_MAX; i++)
        portable->cpus[i].portable = portable;
    return portable;
}

static int begin(const struct portable_plan *plan, const struct monitor_ops *monitor, struct portable **out,
    struct error *error)
{
    if (!monitor->save_cpu)
        return error_set(error, ENOTSUP,
            "%s cannot take the state of its guests out: domains that are saved and moved need another "
            "monitor",
            monitor->title);
    *out = make(plan);
    if (!*out || (*out)->eventfd < 0)
        return error_set(error, ENOMEM, "no memory, or no file descriptor, for a domain");
    return 0;
}

static int add_memory(struct portable *portable, const struct domain_config *config, struct backing backing,
    struct error *error)
{
    uint64_t offset = 0;
    portable->base = backing.host;
    int rc = domain_create(config, &portable->domain, error);
    for (size_t i = 0; rc == 0 && i < portable->plan.region_count; i++) {
        const struct portable_region *region = &portable->plan.regions[i];
        struct guest_region added = {.backing = backing};
        added.backing.host = portable->base + offset;
        added.backing.offset += offset;
        added.backing.bytes = region->bytes;
        rc = domain_add_region_from(portable->domain, GPA(region->start), &added, error);
        offset += region->bytes;
    }
    return rc;
}

static int make_cpus(struct portable *portable, struct error *error)
{
    int rc = 0;
    portable->cpus[0].cpu = domain_first_cpu(portable->domain);
    for (unsigned i = 1; rc == 0 && i < portable->plan.cpus; i++)
        rc = domain_cpu(portable->domain, &portable->cpus[i].cpu, error);
    return rc;
}

int portable_create(const struct portable_plan *plan, const struct monitor_ops *monitor,
    const struct monitor_facts *facts, const struct portable_wish *wish, struct portable **out,
    struct error *error)
{
    struct portable *portable = NULL;
    int rc = portable_plan_check(plan, false, error);
    if (rc == 0 && (rc = begin(plan, monitor, &portable, error)) == 0 &&
        (rc = portable_map_memory(plan->memory_bytes, monitor, wish, &portable->memory, error)) == 0) {
        const struct backing backing = portable_backing(&portable->memory);
        portable->base = backing.host;
        note_sharing(portable, &backing, monitor);
        portable->room_bytes = portable_room(plan->memory_bytes);
        if (plan->workload == PORTABLE_SELFTEST)
            rc = portable_lay_out_selftest(portable, monitor, facts, error);
        else
            rc = add_memory(portable, &(struct domain_config){.monitor = monitor}, backing, error);
        if (rc == 0 && (rc = make_cpus(portable, error)) == 0 && plan->workload != PORTABLE_SELFTEST)
            rc = portable_lay_out(portable, error);
        if (rc == 0 && (rc = portable_new_generation(portable, error)) == 0)
            rc = memory_check_nodes(&portable->memory, error);
    }
    if (rc < 0)
        portable_destroy(portable);
    else
        *out = portable;
    return rc;
}

/* What the first virtual CPU was shown: the monitor gives each its own number. */
static void keep_cpuid(const struct machine_state *like, struct monitor_kept *kept)
{
    const struct state_part *cpuid = machine_state_find(like, STATE_CPUID, 0);
    if (!cpuid || cpuid->bytes > sizeof kept->data)
        return;
    memcpy(kept->data, cpuid->data, cpuid->bytes);
    kept->bytes = (uint32_t)cpuid->bytes;
}

int portable_open(const struct portable_plan *plan, const struct monitor_ops *monitor, struct backing memory,
    const struct machine_state *like, struct portable **out, struct error *error)
{
    struct monitor_kept kept = {.bytes = 0};
    const struct domain_config config = {
        .monitor = monitor, .tick = plan->workload == PORTABLE_SELFTEST, .kept = &kept};
    struct portable *portable = NULL;
    int rc = portable_plan_check(plan, true, error);
    if (like)
        keep_cpuid(like, &kept);
    if (rc == 0 && (rc = begin(plan, monitor, &portable, error)) == 0) {
        note_sharing(portable, &memory, monitor);
        rc = add_memory(portable, &config, memory, error);
        if (rc == 0)
            rc = make_cpus(portable, error);
    }
    if (rc < 0)
        portable_destroy(portable);
    else
        *out = portable;
    return rc;
}

void portable_destroy(struct portable *portable)
{
    if (!portable)
        return;
    portable_end(portable);
    if (portable->kernel)
        guest_kernel_destroy(portable->kernel);
    else
        domain_destroy(portable->domain);
    memory_unmap(&portable->memory);
    if (portable->eventfd >= 0)
        close(portable->eventfd);
    pthread_cond_destroy(&portable->changed);
    pthread_mutex_destroy(&portable->lock);
    free(portable);
}

/* ---- looking ---- */

const struct portable_plan *portable_plan(const struct portable *portable)
{
    return &portable->plan;
}

void *portable_memory(const struct portable *portable)
{
    return portable->base;
}

struct domain *portable_domain(const struct portable *portable)
{
    return portable->domain;
}

int portable_eventfd(const struct portable *portable)
{
    return portable->eventfd;
}

void portable_counters(const struct portable *portable, struct counters *counters)
{
    domain_counters(portable->domain, counters);
}
