/* A second virtual CPU, in a thread of its own. Its task state is its own, because that names the stack on
 * which interrupts arrive from CPL 3. */
#include "abi/domain.h"
#include "domain/internal.h"
#include "domain/x86_64/system.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { RFLAGS = 0x202 }; /* fixed bit, IF */

struct second {
    struct domain *domain;
    struct vcpu *vcpu;
    struct workload_job *job;
    pthread_t thread;
    int cpu;
    atomic_bool stop, ended;
    int rc;
    struct error error; /* of rc, once it has ended */
};

static void bind_to(int cpu)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    if (cpu >= 0) {
        CPU_SET((unsigned)cpu, &set);
        sched_setaffinity(0, sizeof set, &set);
    }
}

static bool is_done(const struct vm_exit *exit)
{
    return exit->kind == EXIT_IO && exit->port == DOMAIN_PORT_DONE && exit->write;
}

/* Until the entry returns or somebody has had enough. */
static int run_second(struct second *second)
{
    const struct monitor_ops *ops = second->domain->ops;
    struct vm_exit exit = {.kind = EXIT_INTERRUPTED};
    int rc = 0;
    while (rc == 0 && !second->stop && !is_done(&exit)) {
        rc = ops->enter(second->vcpu, &exit, &second->error);
        if (rc == 0 && exit.kind != EXIT_INTERRUPTED && exit.kind != EXIT_KICKED && exit.kind != EXIT_IO)
            rc = error_set(&second->error, EPROTO, "the second virtual CPU ended: %.160s",
                exit.kind == EXIT_SHUTDOWN ? "it shut down after a triple fault" : exit.detail);
        if (rc == 0 && exit.kind == EXIT_IO && exit.port == DOMAIN_PORT_FAULT)
            rc = error_set(&second->error, EPROTO, "the second virtual CPU raised an exception");
    }
    return rc;
}

static void *second_main(void *argument)
{
    struct second *second = argument;
    bind_to(second->cpu);
    second->rc = run_second(second);
    second->ended = true;
    return NULL;
}

static void *page(const struct domain *domain, unsigned number)
{
    return (char *)domain->system.base + (size_t)number * PAGE_BYTES;
}

static int prepare(struct second *second, workload_function *entry, struct error *error)
{
    struct domain *domain = second->domain;
    struct vcpu_system system = system_state(&domain->tables, PRIVILEGE_KERNEL, false);
    struct vcpu_registers registers = {
        .rip = system_address((uint64_t)DOMAIN_PAGE_KERNEL * PAGE_BYTES + DOMAIN_USER_CALL).value,
        .rax = (uintptr_t)entry,
        .rdi = system_address((uint64_t)DOMAIN_PAGE_SECOND * PAGE_BYTES).value,
        .rsp = system_address((uint64_t)(DOMAIN_PAGE_SECOND_STACK + 1) * PAGE_BYTES).value,
        .rflags = RFLAGS,
    };
    system.tss = system_address((uint64_t)DOMAIN_PAGE_SECOND_TSS * PAGE_BYTES);
    second->job = page(domain, DOMAIN_PAGE_SECOND);
    second->job->steps = 1;
    int rc = domain->ops->vcpu(domain->vm, 1, &second->vcpu, error);
    if (rc < 0 || (rc = domain->ops->set_system(second->vcpu, &system, error)) < 0)
        return rc;
    rc = domain->ops->set_registers(second->vcpu, &registers, error);
    domain->ops->release(second->vcpu); /* to its thread */
    return rc;
}

static int start_thread(struct second *second, struct error *error)
{
    int rc = pthread_create(&second->thread, NULL, second_main, second);
    return rc ? error_errno(error, rc, "cannot start a thread for the second virtual CPU") : 0;
}

int domain_start_second(
    struct domain *domain, workload_function *entry, int cpu, struct workload_job **job, struct error *error)
{
    if (!domain->config.handling || !domain->config.irqchip || domain->second)
        return error_set(error, EINVAL, "this domain has no room for a second virtual CPU");
    struct second *second = calloc(1, sizeof *second);
    if (!second)
        return error_set(error, ENOMEM, "no memory for a second virtual CPU");
    *second = (struct second){.domain = domain, .cpu = cpu};
    int rc = prepare(second, entry, error);
    if (rc == 0)
        rc = start_thread(second, error);
    if (rc < 0) {
        free(second);
        return rc;
    }
    domain->second = second;
    *job = second->job;
    return 0;
}

gva_t domain_second_job(void)
{
    return system_address((uint64_t)DOMAIN_PAGE_SECOND * PAGE_BYTES);
}

int domain_second_failed(const struct domain *domain, struct error *error)
{
    const struct second *second = domain->second;
    if (!second || !second->ended || second->rc == 0)
        return 0;
    *error = second->error;
    return second->rc;
}

void domain_stop_second(struct domain *domain)
{
    struct second *second = domain->second;
    if (!second)
        return;
    second->job->steps = 0;
    second->stop = true;
    domain->ops->kick(second->vcpu);
    pthread_join(second->thread, NULL);
    free(second);
    domain->second = NULL;
}
