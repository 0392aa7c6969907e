/* Virtual CPUs: a pool of them, and the loop in which one is run. */
#include "abi/domain.h"
#include "domain/internal.h"
#include "domain/x86_64/system.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

/* CPL 3 leaves through OUT. Two things allow it, because no host honours both: PVM knows the I/O permission
 * bitmap and no IOPL; QEMU's TCG refuses a bitmap in the busy TSS that a virtual CPU must have, but knows
 * IOPL (SDM volume 1, 19.5). IF: Bochs interrupts a guest only with it. */
enum { RFLAGS_FIXED = 0x2, RFLAGS_IF = 0x200, RFLAGS_IOPL_3 = 0x3000 };

enum { PAUSE_SECONDS = 5, LOOK_NS = 5000000 };

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* ---- the pool ---- */

/* Its lock is held: KVM, too, makes one virtual CPU of a VM after the other. */
static int make_cpu(struct domain *domain, struct domain_cpu **out, struct error *error)
{
    struct domain_cpu *cpu = calloc(1, sizeof *cpu);
    if (!cpu)
        return error_set(error, ENOMEM, "no memory for a virtual CPU");
    *cpu = (struct domain_cpu){.domain = domain, .next = domain->cpus, .privilege = -1};
    cpu->id = cpu->next ? cpu->next->id + 1 : 0;
    int rc = domain->ops->vcpu(domain->vm, cpu->id, &cpu->vcpu, error);
    if (rc < 0) {
        free(cpu);
        return rc;
    }
    *out = domain->cpus = cpu;
    return 0;
}

void domain_cpu_release(struct domain_cpu *cpu)
{
    cpu->domain->ops->release(cpu->vcpu);
}

void domain_cpu_disown(struct domain_cpu *cpu)
{
    cpu->domain->ops->disown(cpu->vcpu);
}

static int reuse(struct domain_cpu *cpu, struct error *error)
{
    cpu->mode = (struct domain_mode){.cr4 = 0};
    cpu->privilege = -1;
    cpu->stopped = false;
    int rc = cpu->domain->ops->reset(cpu->vcpu, error);
    if (rc < 0)
        domain_cpu_release(cpu);
    return rc;
}

int domain_cpu_of(struct domain *domain, unsigned files, struct domain_cpu **out, struct error *error)
{
    pthread_mutex_lock(&domain->lock);
    struct domain_cpu *cpu = domain->cpus;
    while (cpu && (cpu->taken || cpu->files != files))
        cpu = cpu->next;
    int rc = cpu ? reuse(cpu, error) : make_cpu(domain, &cpu, error);
    if (rc == 0) {
        cpu->taken = true;
        cpu->files = files;
        *out = cpu;
    }
    pthread_mutex_unlock(&domain->lock);
    return rc;
}

int domain_cpu(struct domain *domain, struct domain_cpu **out, struct error *error)
{
    return domain_cpu_of(domain, 0, out, error);
}

struct domain_cpu *domain_first_cpu(const struct domain *domain)
{
    return domain->first;
}

void domain_cpu_give(struct domain_cpu *cpu)
{
    domain_cpu_release(cpu);
    pthread_mutex_lock(&cpu->domain->lock);
    cpu->taken = false;
    pthread_mutex_unlock(&cpu->domain->lock);
}

/* ---- its state ---- */

static int set_privilege(struct domain_cpu *cpu, unsigned privilege, struct error *error)
{
    if (cpu->privilege == (int)privilege)
        return 0;
    struct vcpu_system system =
        system_state(&cpu->domain->tables, system_begin(cpu->domain), privilege, &cpu->mode);
    int rc = cpu->domain->ops->set_system(cpu->vcpu, &system, error);
    cpu->privilege = rc < 0 ? -1 : (int)privilege;
    return rc;
}

int domain_cpu_mode(struct domain_cpu *cpu, const struct domain_mode *mode, struct error *error)
{
    struct domain_mode before = cpu->mode;
    cpu->mode = *mode;
    cpu->privilege = -1;
    int rc = set_privilege(cpu, PRIVILEGE_KERNEL, error);
    if (rc < 0)
        cpu->mode = before;
    return rc;
}

int domain_cpu_set(
    struct domain_cpu *cpu, unsigned privilege, const struct vcpu_registers *registers, struct error *error)
{
    struct vcpu_registers set = *registers;
    set.rflags = RFLAGS_FIXED | RFLAGS_IF | RFLAGS_IOPL_3;
    int rc = set_privilege(cpu, privilege, error);
    return rc < 0 ? rc : cpu->domain->ops->set_registers(cpu->vcpu, &set, error);
}

/* ---- pauses ---- */

/* Until `changed` or a moment later; the lock is held. */
static void wait_a_moment(struct domain *domain)
{
    uint64_t end = now_ns() + LOOK_NS;
    const struct timespec until = {(time_t)(end / 1000000000), (long)(end % 1000000000)};
    pthread_cond_timedwait(&domain->changed, &domain->lock, &until);
}

static bool is_asked_to_end(struct domain_cpu *cpu)
{
    return cpu->stopped || stop_asked(cpu->domain->config.stop);
}

/* Stays outside while the domain is paused; true: with `inside` set, which whoever pauses sees from then on.
 */
static bool come_inside(struct domain_cpu *cpu)
{
    struct domain *domain = cpu->domain;
    cpu->inside = true;
    while (domain->pauses && !is_asked_to_end(cpu)) {
        pthread_mutex_lock(&domain->lock);
        cpu->inside = false;
        pthread_cond_broadcast(&domain->changed);
        if (domain->pauses)
            wait_a_moment(domain);
        pthread_mutex_unlock(&domain->lock);
        cpu->inside = true;
    }
    return !domain->pauses;
}

static void go_outside(struct domain_cpu *cpu)
{
    struct domain *domain = cpu->domain;
    cpu->inside = false;
    if (domain->pauses) {
        pthread_mutex_lock(&domain->lock);
        pthread_cond_broadcast(&domain->changed);
        pthread_mutex_unlock(&domain->lock);
    }
}

/* Kicks those that are inside; their number. */
static unsigned kick_all(struct domain *domain)
{
    unsigned inside = 0;
    for (struct domain_cpu *cpu = domain->cpus; cpu; cpu = cpu->next) {
        if (cpu->inside) {
            domain->ops->kick(cpu->vcpu);
            inside++;
        }
    }
    return inside;
}

int domain_pause(struct domain *domain, struct error *error)
{
    uint64_t end = now_ns() + PAUSE_SECONDS * UINT64_C(1000000000);
    unsigned inside;
    domain->pauses++;
    pthread_mutex_lock(&domain->lock);
    while ((inside = kick_all(domain)) && now_ns() < end)
        wait_a_moment(domain);
    pthread_mutex_unlock(&domain->lock);
    if (!inside)
        return 0;
    domain_resume(domain);
    return error_set(
        error, ETIMEDOUT, "%u virtual CPU(s) did not leave the guest within %d s", inside, PAUSE_SECONDS);
}

void domain_resume(struct domain *domain)
{
    pthread_mutex_lock(&domain->lock);
    domain->pauses--;
    pthread_cond_broadcast(&domain->changed);
    pthread_mutex_unlock(&domain->lock);
}

void domain_cpu_stop(struct domain_cpu *cpu)
{
    cpu->stopped = true;
    cpu->domain->ops->kick(cpu->vcpu);
}

void domain_cpu_go_on(struct domain_cpu *cpu)
{
    cpu->stopped = false;
}

/* ---- running ---- */

/* Interruptions in a row, each of which says that nothing happened inside. A signal every 100 us is odd, but
 * lets the guest run; a monitor that comes back faster for so long does not run it. */
struct patience {
    unsigned count;
    uint64_t since_ns;
};

static int bear_interruption(struct patience *patience, struct error *error)
{
    enum { MOST = 1 << 14, SHORT_NS = 100000 };
    if (patience->count++ == 0)
        patience->since_ns = now_ns();
    if (patience->count < MOST)
        return 1;
    uint64_t took = now_ns() - patience->since_ns;
    patience->count = 0;
    if (took >= (uint64_t)MOST * SHORT_NS)
        return 1;
    return error_set(error, EIO,
        "the monitor came back from the guest %d times in %.1f s, interrupted, and did not run it", MOST,
        (double)took / 1e9);
}

static int look_around(struct domain_cpu *cpu, struct error *error)
{
    if (atomic_exchange(&cpu->stopped, false))
        return error_set(error, ECANCELED, "virtual CPU %u was told to stop", cpu->id);
    if (stop_asked(cpu->domain->config.stop))
        return error_set(error, EINTR, "stopped while a guest was running");
    return 1;
}

static int run_once(struct domain_cpu *cpu, struct vm_exit *exit, struct error *error)
{
    *exit = (struct vm_exit){.kind = EXIT_KICKED};
    int rc = come_inside(cpu) ? cpu->domain->ops->enter(cpu->vcpu, exit, error) : 0;
    go_outside(cpu);
    return rc;
}

int domain_run(struct domain_cpu *cpu, domain_exit_handler *handler, void *context, struct error *error)
{
    struct patience patience = {.count = 0};
    struct vm_exit exit;
    int rc = cpu->stopped ? look_around(cpu, error) : 1;
    while (rc > 0) {
        if ((rc = run_once(cpu, &exit, error)) < 0)
            break;
        if (exit.kind == EXIT_INTERRUPTED) {
            rc = bear_interruption(&patience, error);
        } else {
            patience.count = 0;
            rc = exit.kind == EXIT_KICKED ? 1 : handler(cpu, &exit, context, error);
        }
        if (rc > 0)
            rc = look_around(cpu, error);
    }
    if (rc < 0)
        cpu->privilege = -1;
    return rc;
}
