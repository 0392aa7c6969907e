#include "monitor/deprivileged/shadowing.h"

#include "monitor/deprivileged/internal.h"

#include <stdlib.h>

enum {
    PHYSICAL_BITS = 46,
    TABLES_MAX = 1 << 12,
};

static bool can_be(const struct vcpu *vcpu)
{
    const struct vcpu_system *system = &vcpu->machine.system;
    return !vcpu->vm->eager && !vcpu->vm->log.count && !vcpu->vm->vcpus->next &&
           system->cr0 & CR0_WRITE_PROTECT && !(system->cr4 & CR4_FIVE_LEVELS);
}

static int carry_out(void *context, const struct run *runs, size_t count, struct error *error)
{
    (void)error;
    space_carry_out(context, runs, count);
    return 0;
}

/* The monitor's own stores to guest memory. */
static bool store(void *context, gpa_t where, const void *value, size_t bytes)
{
    struct error ignored;
    return shadow_store(context, where, value, bytes, &ignored) == 0;
}

static int begin(struct vcpu *vcpu, struct shadow *shadow)
{
    const struct guest_memory *memory = vcpu->machine.memory;
    struct error ignored;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < memory->count; i++) {
        const struct guest_region *region = &memory->list[i];
        rc = shadow_add(shadow, region->start, region->backing.host, region->backing.bytes, &ignored);
    }
    return rc < 0 ? rc : shadow_switch(shadow, vcpu->machine.system.page_tables, &ignored);
}

struct shadow *shadowing(struct vcpu *vcpu)
{
    struct vm *vm = vcpu->vm;
    if (vm->shadow && !can_be(vcpu))
        shadowing_end(vcpu);
    if (vm->shadow || !can_be(vcpu))
        return vm->shadow;
    struct shadow *shadow = calloc(1, sizeof *shadow);
    if (!shadow)
        return NULL;
    *shadow = (struct shadow){.sync = vm->sync_write ? SYNC_WRITE : SYNC_LAZY,
        .physical_bits = PHYSICAL_BITS,
        .fill = vm->fill,
        .tables_max = TABLES_MAX,
        .runs = {.carry_out = carry_out, .context = vcpu}};
    if (begin(vcpu, shadow) < 0) {
        shadow_free(shadow);
        free(shadow);
        return NULL;
    }
    vcpu->machine.store = store;
    vcpu->machine.store_context = shadow;
    return vm->shadow = shadow;
}

void shadowing_end(struct vcpu *vcpu)
{
    struct vm *vm = vcpu->vm;
    if (!vm->shadow)
        return;
    for (struct vcpu *each = vm->vcpus; each; each = each->next)
        each->machine.store = NULL;
    space_forget_all(vcpu);
    shadow_free(vm->shadow);
    free(vm->shadow);
    vm->shadow = NULL;
}
