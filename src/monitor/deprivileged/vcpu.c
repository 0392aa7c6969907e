/* A virtual CPU's state, whose it is, and how others get at it while it runs. */
#include "monitor/deprivileged/internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

/* What CPL 0 must not be able to do with pages of CPL 3 (SMEP, SMAP) cannot be had where both are Linux's
 * CPL 3; five levels have addresses that no process has. */
#define CR4_IMPOSSIBLE (CR4_FIVE_LEVELS | UINT64_C(3) << 20)

static _Thread_local pid_t self; /* 0 before it is known */

static pid_t this_thread(void)
{
    if (!self)
        self = gettid();
    return self;
}

int deprivileged_own(struct vcpu *vcpu, struct error *error)
{
    pid_t owner = 0;
    if (atomic_load_explicit(&vcpu->owner, memory_order_relaxed) == this_thread())
        return 0;
    if (atomic_compare_exchange_strong(&vcpu->owner, &owner, this_thread()))
        return 0;
    return error_set(error, EPERM, "virtual CPU %u belongs to thread %d, and %d may not use it", vcpu->id,
        (int)owner, (int)this_thread());
}

void deprivileged_release(struct vcpu *vcpu)
{
    pid_t owner = this_thread();
    atomic_compare_exchange_strong(&vcpu->owner, &owner, 0);
}

/* ---- making ---- */

static void start_anew(struct vcpu *vcpu)
{
    vcpu->machine.registers = (struct vcpu_registers){.rflags = FLAG_FIXED};
    vcpu->pending = false;
    vcpu->halted = vcpu->halted_closed = false;
    vcpu->kicked = false;
}

int deprivileged_vcpu(struct vm *vm, unsigned id, struct vcpu **out, struct error *error)
{
    if (id >= vm->ops->vcpus_max(vm))
        return error_set(error, EINVAL, "%s gives a virtual machine at most %u virtual CPUs", vm->ops->name,
            vm->ops->vcpus_max(vm));
    for (const struct vcpu *other = vm->vcpus; other; other = other->next)
        if (other->id == id)
            return error_set(error, EEXIST, "there is a virtual CPU %u already", id);
    if (vm->vcpus && vm->sync_write)
        return error_set(error, ENOTSUP,
            "%s emulates stores to page tables of guests with one virtual CPU only: for more of them ask for "
            "--sync lazy",
            vm->ops->name);
    if (vm->paravirt)
        return error_set(error, EBUSY, PARAVIRT_ONE_CPU, vm->ops->name);
    struct vcpu *vcpu = calloc(1, sizeof *vcpu);
    if (!vcpu)
        return error_set(error, ENOMEM, "no memory for a virtual CPU");
    vcpu->vm = vm;
    vcpu->id = id;
    vcpu->machine.memory = &vm->memory;
    vcpu->machine.log = &vm->log;
    vcpu->pages_known = true;
    for (int i = 0; i < CHILDREN_MEMORY_MAX; i++)
        vcpu->known[i] = -1;
    pthread_mutex_init(&vcpu->lock, NULL);
    start_anew(vcpu);
    apic_reset(&vcpu->apic, vm->tick);
    vcpu->machine.has_apic = vm->tick;
    int rc = children_open(vm->stop, &vcpu->family, error);
    if (rc == 0 && vm->spare && id == 0)
        rc = children_transport(vcpu->family, CHILD_EITHER, vm->spare, error);
    if (rc < 0) {
        deprivileged_vcpu_free(vcpu);
        return rc;
    }
    pthread_mutex_lock(&vm->lock);
    if (vm->vcpus && vm->shadow) {
        vcpu_seize(vm->vcpus);
        shadowing_end(vm->vcpus);
        vcpu_let_go(vm->vcpus);
    }
    vcpu->next = vm->vcpus;
    vm->vcpus = vcpu;
    pthread_mutex_unlock(&vm->lock);
    *out = vcpu;
    return 0;
}

void deprivileged_vcpu_free(struct vcpu *vcpu)
{
    waker_close(vcpu->waker);
    children_close(vcpu->family);
    pthread_mutex_destroy(&vcpu->lock);
    free(vcpu->fpu);
    free(vcpu->arriving);
    free(vcpu);
}

/* The FPU state goes with the child that it is in. */
int deprivileged_reset(struct vcpu *vcpu, struct error *error)
{
    int rc = deprivileged_own(vcpu, error);
    if (rc < 0)
        return rc;
    start_anew(vcpu);
    if (vcpu->last)
        space_drop(vcpu, vcpu->last);
    return 0;
}

/* ---- state ---- */

int deprivileged_set_system(struct vcpu *vcpu, const struct vcpu_system *system, struct error *error)
{
    int rc = deprivileged_own(vcpu, error);
    if (rc < 0)
        return rc;
    unsigned privilege = system->cs_selector & 3;
    if (!(system->cr0 & CR0_PAGING) || system->cr4 & CR4_IMPOSSIBLE || (privilege != 0 && privilege != 3))
        return error_set(error, ENOTSUP,
            "%s runs guests at CPL 0 and 3 with 4 levels of page tables, and without SMEP and SMAP",
            vcpu->vm->ops->name);
    if (vcpu->vm->paravirt && (rc = paravirt_set_system(vcpu->vm->paravirt, system, error)) < 0)
        return rc;
    uint64_t fault_address = vcpu->machine.system.fault_address;
    bool same = vcpu->machine.system.page_tables.value == system->page_tables.value;
    vcpu->machine.system = *system;
    vcpu->machine.system.fault_address = fault_address;
    if (!same) {
        vcpu_seize(vcpu);
        rc = vcpu->vm->shadow ? shadow_switch(vcpu->vm->shadow, system->page_tables, error)
                              : space_forget(vcpu, error);
        vcpu_let_go(vcpu);
    }
    return rc;
}

int deprivileged_get_system(struct vcpu *vcpu, struct vcpu_system *system, struct error *error)
{
    int rc = deprivileged_own(vcpu, error);
    if (rc == 0)
        *system = vcpu->machine.system;
    return rc;
}

int deprivileged_set_registers(struct vcpu *vcpu, const struct vcpu_registers *registers, struct error *error)
{
    enum { PARTS = 8 };
    struct vm_exit exit;
    int rc = deprivileged_own(vcpu, error);
    for (int part = 0; rc == 0 && vcpu->pending && part < PARTS; part++)
        rc = deprivileged_complete(vcpu, &exit, error);
    if (rc < 0)
        return rc;
    vcpu->pending = false;
    vcpu->machine.registers = *registers;
    vcpu->machine.registers.rflags |= FLAG_FIXED;
    return 0;
}

int deprivileged_get_registers(struct vcpu *vcpu, struct vcpu_registers *registers, struct error *error)
{
    int rc = deprivileged_own(vcpu, error);
    if (rc == 0)
        *registers = vcpu->machine.registers;
    return rc;
}

/* ---- from other threads ---- */

void vcpu_come_out(void *context)
{
    struct vcpu *vcpu = context;
    vcpu->kickers++;
    struct child *running = vcpu->running;
    if (running)
        child_kick(running);
    vcpu->kickers--;
}

/* Whoever is in child_run(), or about to be and has told so, is kicked; whoever tells later sees the flag. */
void deprivileged_kick(struct vcpu *vcpu)
{
    if (!atomic_exchange(&vcpu->kicked, true))
        vcpu_come_out(vcpu);
}

void vcpu_seize(struct vcpu *vcpu)
{
    vcpu->wanted++;
    vcpu_come_out(vcpu);
    pthread_mutex_lock(&vcpu->lock);
    pthread_rwlock_rdlock(&vcpu->vm->memory_lock);
}

void vcpu_let_go(struct vcpu *vcpu)
{
    pthread_rwlock_unlock(&vcpu->vm->memory_lock);
    vcpu->wanted--;
    pthread_mutex_unlock(&vcpu->lock);
}
