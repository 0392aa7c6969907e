/* The VM, its memory, and what is told of it; the two tables of functions. */
#include "monitor/deprivileged/deprivileged.h"

#include "monitor/deprivileged/internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VCPUS_MAX = 64 };

/* ---- creating ---- */

static void vm_destroy(struct vm *vm)
{
    if (!vm)
        return;
    for (struct vcpu *vcpu = vm->vcpus, *next; vcpu; vcpu = next) {
        next = vcpu->next;
        deprivileged_vcpu_free(vcpu);
    }
    paravirt_close(vm->paravirt);
    if (vm->shadow)
        shadow_free(vm->shadow);
    free(vm->shadow);
    write_log_stop_all(&vm->log);
    guest_memory_free(&vm->memory);
    pthread_rwlock_destroy(&vm->memory_lock);
    pthread_mutex_destroy(&vm->lock);
    free(vm);
}

enum { FILL = 64 }; /* what vm_config.fill leaves open */

static int create(const struct monitor_ops *ops, bool eager, const struct vm_config *config, struct vm **out,
    struct error *error)
{
    if (config->irqchip)
        return error_set(
            error, ENOTSUP, "%s has no interrupt controllers: what interrupts a guest needs kvm", ops->name);
    struct vm *vm = calloc(1, sizeof *vm);
    if (!vm)
        return error_set(error, ENOMEM, "no memory for a virtual machine");
    *vm = (struct vm){.ops = ops,
        .tick = config->tick,
        .sync_write = config->sync_write,
        .fill = config->fill ? config->fill : FILL,
        .eager = eager,
        .spare = config->spare,
        .stop = config->stop};
    vm->memory.slots = CHILDREN_MEMORY_MAX;
    pthread_mutex_init(&vm->lock, NULL);
    pthread_rwlock_init(&vm->memory_lock, NULL);
    *out = vm;
    return 0;
}

static int create_paravirt(const struct vm_config *config, struct vm **vm, struct error *error)
{
    return create(&monitor_paravirt, true, config, vm, error);
}

static int create_shadow(const struct vm_config *config, struct vm **vm, struct error *error)
{
    return create(&monitor_shadow, false, config, vm, error);
}

static unsigned vcpus_max(const struct vm *vm)
{
    (void)vm;
    return VCPUS_MAX;
}

/* ---- memory ---- */

static int check_region(const struct vm *vm, const struct guest_region *region, struct error *error)
{
    if (region->backing.bytes && (!region->backing.shared || region->backing.descriptor < 0))
        return error_set(error, ENOTSUP,
            "%s runs its guest in another process, and memory that was asked for (%" PRIu64
            " KiB) is not shared with that",
            vm->ops->name, region->backing.bytes >> 10);
    if (region->flags & REGION_LOG_DIRTY && !(region->flags & REGION_LOG_PARTS))
        return error_set(error, ENOTSUP,
            "%s records which pages its guest writes part by part only: all at once needs kvm",
            vm->ops->name);
    return 0;
}

static void end_shadowing(struct vm *vm)
{
    for (struct vcpu *vcpu = vm->vcpus; vm->shadow && vcpu; vcpu = vcpu->next) {
        vcpu_seize(vcpu);
        shadowing_end(vcpu);
        vcpu_let_go(vcpu);
    }
}

/* What a region is, its flags apart, as long as it stays. */
static bool is_same(const struct guest_memory *memory, const struct guest_region *region)
{
    for (size_t i = 0; i < memory->count; i++) {
        const struct guest_region *there = &memory->list[i];
        if (there->slot == region->slot)
            return there->start.value == region->start.value && there->backing.host == region->backing.host &&
                   there->backing.bytes == region->backing.bytes;
    }
    return false;
}

/* Whatever children have mapped they ask for again. */
static void forget_in_all(struct vm *vm)
{
    for (struct vcpu *vcpu = vm->vcpus; vcpu; vcpu = vcpu->next) {
        vcpu_seize(vcpu);
        space_forget_all(vcpu);
        vcpu_let_go(vcpu);
    }
}

/* Nothing of it is mapped anywhere when it returns. */
static void take_from_all(struct vm *vm, unsigned slot)
{
    for (struct vcpu *vcpu = vm->vcpus; vcpu; vcpu = vcpu->next) {
        vcpu_seize(vcpu);
        space_forget_all(vcpu);
        if (vcpu->known[slot] >= 0)
            children_memory_forget(vcpu->family, (unsigned)vcpu->known[slot]);
        vcpu->known[slot] = -1;
        vcpu_let_go(vcpu);
    }
}

static int set_region(struct vm *vm, unsigned slot, gpa_t start, const struct backing *backing,
    unsigned flags, struct error *error)
{
    struct guest_region region = {.slot = slot, .flags = flags, .start = start};
    if (backing)
        region.backing = *backing;
    pthread_mutex_lock(&vm->lock);
    pthread_rwlock_wrlock(&vm->memory_lock);
    int rc = check_region(vm, &region, error);
    if (rc == 0 && vm->paravirt && !is_same(&vm->memory, &region))
        rc =
            error_set(error, EBUSY, "the guest's page tables are being validated: its memory stays as it is");
    const bool recorded = write_log_records(&vm->log, slot), records = region.flags & REGION_LOG_DIRTY;
    if (rc == 0 && (rc = guest_memory_check(&vm->memory, &region, error)) == 0 && records)
        rc = write_log_start(&vm->log, slot, start, region.backing.bytes, error);
    if (rc == 0)
        guest_memory_set(&vm->memory, &region);
    if (rc == 0 && recorded && !records)
        write_log_stop(&vm->log, slot);
    pthread_rwlock_unlock(&vm->memory_lock);
    if (rc == 0)
        end_shadowing(vm);
    if (rc == 0 && !region.backing.bytes)
        take_from_all(vm, slot);
    else if (rc == 0 && recorded != records)
        forget_in_all(vm);
    pthread_mutex_unlock(&vm->lock);
    return rc;
}

static int changed(struct vm *vm, gva_t from, uint64_t bytes, struct error *error)
{
    int rc = 0;
    if (vm->paravirt)
        return error_set(error, EBUSY, "the guest's page tables are being validated: it alone changes them");
    pthread_mutex_lock(&vm->lock);
    for (struct vcpu *vcpu = vm->vcpus; rc == 0 && vcpu; vcpu = vcpu->next) {
        vcpu_seize(vcpu);
        rc = vm->shadow ? shadow_forget(vm->shadow, error) : space_forget_range(vcpu, from, bytes, error);
        vcpu_let_go(vcpu);
    }
    pthread_mutex_unlock(&vm->lock);
    return rc;
}

static int not_recorded(const struct vm *vm, unsigned slot, struct error *error)
{
    return error_set(
        error, EINVAL, "%s does not record now which pages of slot %u are written", vm->ops->name, slot);
}

static int dirty(struct vm *vm, unsigned slot, uint64_t *bitmap, struct error *error)
{
    if (!write_log_records(&vm->log, slot))
        return not_recorded(vm, slot, error);
    write_log_read(&vm->log, slot, bitmap);
    return 0;
}

/* No child may write unseen when this returns: whoever then copies a page has
 * what was written to it before, or finds it recorded later. */
static int dirty_clear(
    struct vm *vm, unsigned slot, uint64_t first, uint64_t pages, const uint64_t *bitmap, struct error *error)
{
    if (!write_log_records(&vm->log, slot))
        return not_recorded(vm, slot, error);
    pthread_mutex_lock(&vm->lock);
    int rc = write_log_clear(&vm->log, slot, first, pages, bitmap, error);
    for (struct vcpu *vcpu = vm->vcpus; rc == 0 && vcpu; vcpu = vcpu->next) {
        vcpu_seize(vcpu);
        space_take_writes(vcpu, slot, first, pages, bitmap);
        vcpu_let_go(vcpu);
    }
    pthread_mutex_unlock(&vm->lock);
    return rc;
}

static int no_port(struct vm *vm, uint16_t port, int eventfd, struct error *error)
{
    (void)port, (void)eventfd;
    return error_set(
        error, ENOTSUP, "%s has no part in the kernel that could answer I/O: that needs kvm", vm->ops->name);
}

static int no_address(struct vm *vm, gpa_t address, int eventfd, struct error *error)
{
    (void)address;
    return no_port(vm, 0, eventfd, error);
}

/* ---- what is counted ---- */

static const char *const tally_names[TALLIES] = {
    [TALLY_EXITS] = "exits",
    [TALLY_EXITS_SPUN] = "exits_spun",
    [TALLY_FAULTS] = "page_faults",
    [TALLY_HIDDEN] = "page_faults_fixed",
    [TALLY_TRUE] = "page_faults_true",
    [TALLY_TRAPS] = "traps",
    [TALLY_STORES_LEFT] = "stores_left",
    [TALLY_INJECTED] = "injected",
    [TALLY_FLUSHES] = "tlb_flushes",
    [TALLY_HYPERCALLS] = "hypercalls",
    [TALLY_PAGES_FILLED] = "pages_filled",
    [TALLY_PAGES_TORN] = "pages_torn_down",
    [TALLY_DROPS] = "mapping_drops",
    [TALLY_MAPPING_NS] = "mapping_ns",
};

/* The user's children: what calls at CPL 0 have mapped beside them is the same once more. Looked up anew only
 * after a change: Linux walks all tables for it. */
static void count_pages(struct vcpu *vcpu, struct child_pages *pages)
{
    vcpu_seize(vcpu);
    if (vcpu->changes != vcpu->counted) {
        vcpu->pages_known = true;
        vcpu->pages = (struct child_pages){0, 0};
        for (int i = 0; i < SPACES; i++) {
            struct child_pages of = {0, 0};
            if (vcpu->spaces[i].user)
                vcpu->pages_known &= child_pages(vcpu->spaces[i].user, &of) == 0;
            vcpu->pages.small += of.small;
            vcpu->pages.large += of.large;
        }
        vcpu->counted = vcpu->changes;
    }
    pages->small += vcpu->pages.small;
    pages->large += vcpu->pages.large;
    vcpu_let_go(vcpu);
}

static void count_tables(const struct vm *vm, struct counters *counters)
{
    if (!vm->vcpus)
        return;
    vcpu_seize(vm->vcpus);
    if (vm->shadow) {
        counters_set(counters, "table_stores", vm->shadow->counts.stores);
        counters_set(counters, "tables_compared", vm->shadow->counts.compared);
    }
    if (vm->paravirt) {
        const struct hypercall_counts *counts = &vm->paravirt->hypercalls.counts;
        const uint64_t *of = counts->requests;
        counters_set(counters, "table_updates", counts->updates);
        counters_set(counters, "update_requests",
            of[HYPERCALL_UPDATE - HYPERCALL_FIRST] + of[HYPERCALL_MAP - HYPERCALL_FIRST] +
                of[HYPERCALL_UNMAP - HYPERCALL_FIRST] + of[HYPERCALL_PROTECT - HYPERCALL_FIRST]);
    }
    vcpu_let_go(vm->vcpus);
}

static void count_vm(const struct vm *vm, struct counters *counters)
{
    count_tables(vm, counters);
    struct child_pages pages = {0, 0};
    bool known = true;
    for (struct vcpu *vcpu = vm->vcpus; vcpu; vcpu = vcpu->next) {
        count_pages(vcpu, &pages);
        known &= vcpu->pages_known;
    }
    if (!known)
        return;
    counters_set(counters, "pages_4k", pages.small);
    counters_set(counters, "pages_2m", pages.large);
    counters_set(counters, "pages_1g", 0);
}

static uint64_t guest_ns(const struct vcpu *vcpu)
{
    uint64_t ns = vcpu->ended_ns + (vcpu->family ? children_work_ns(vcpu->family) : 0);
    for (int i = 0; i < SPACES; i++)
        for (int user = 0; user < 2; user++) {
            const struct child *child = user ? vcpu->spaces[i].user : vcpu->spaces[i].kernel;
            ns += child ? child_work_ns(child) : 0;
        }
    return ns;
}

static void read_counters(const struct vm *vm, const struct vcpu *vcpu, struct counters *counters)
{
    if (!vcpu) {
        count_vm(vm, counters);
        return;
    }
    for (int i = 0; i < TALLIES; i++)
        counters_set(counters, tally_names[i], vcpu->tallies[i]);
    counters_set(counters, "guest_ns", guest_ns(vcpu));
}

/* ---- describing ---- */

static void describe(
    const struct monitor_ops *ops, enum technique technique, const char *proof, struct monitor_facts *facts)
{
    struct error error;
    *facts = (struct monitor_facts){.technique = technique, .syscall_privilege = -1};
    snprintf(facts->name, sizeof facts->name, "%s", ops->name);
    facts->provider = fact_known("vcost");
    if (child_possible(&error) < 0) {
        facts->technique = TECHNIQUE_UNKNOWN;
        snprintf(facts->reason, sizeof facts->reason, "%.255s", error.text);
        return;
    }
    facts->usable = true;
    snprintf(facts->technique_proof, sizeof facts->technique_proof, "%s", proof);
}

static void describe_paravirt(struct monitor_facts *facts)
{
    describe(&monitor_paravirt, TECHNIQUE_DIRECT,
        "vcost itself maps what the guest's tables say, at once and at each request", facts);
}

static void describe_shadow(struct monitor_facts *facts)
{
    describe(&monitor_shadow, TECHNIQUE_SHADOW,
        "vcost itself maps what the guest's tables say, when the guest touches it", facts);
}

/* ---- the tables ---- */

#define COMMON                                                                                               \
    .elsewhere = true, .region = set_region, .changed = changed, .dirty = dirty, .dirty_clear = dirty_clear, \
    .answer_port = no_port, .answer_address = no_address, .vcpu = deprivileged_vcpu, .vcpus_max = vcpus_max, \
    .reset = deprivileged_reset, .release = deprivileged_release, .set_system = deprivileged_set_system,     \
    .get_system = deprivileged_get_system, .set_registers = deprivileged_set_registers,                      \
    .get_registers = deprivileged_get_registers, .enter = deprivileged_enter,                                \
    .complete = deprivileged_complete, .kick = deprivileged_kick, .save_cpu = deprivileged_save_cpu,         \
    .restore_cpu = deprivileged_restore_cpu, .save_machine = deprivileged_save_machine,                      \
    .restore_machine = deprivileged_restore_machine, .counters = read_counters, .destroy = vm_destroy

const struct monitor_ops monitor_paravirt = {
    .name = "paravirt",
    .title = "paravirt",
    .summary = "a guest whose kernel asks the monitor to change its page tables; needs no hardware",
    .describe = describe_paravirt,
    .create = create_paravirt,
    COMMON,
};

const struct monitor_ops monitor_shadow = {
    .name = "shadow",
    .title = "shadow",
    .summary = "a guest whose page tables are shadowed by a process's mappings; needs no hardware",
    .describe = describe_shadow,
    .create = create_shadow,
    COMMON,
};
