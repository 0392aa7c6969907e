/* A second virtual CPU, in a thread of its own. Its task state is its own, because that names the stack on
 * which interrupts arrive from CPL 3. */
#include "abi/domain.h"
#include "domain/internal.h"
#include "domain/lab.h"
#include "domain/x86_64/system.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

struct second {
    struct domain *domain;
    struct domain_cpu *cpu;
    struct workload_job *job;
    pthread_t thread;
    int host_cpu;
    atomic_bool ended;
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

static int take_exit(struct domain_cpu *cpu, const struct vm_exit *exit, void *unused, struct error *error)
{
    (void)cpu, (void)unused;
    if (exit->kind != EXIT_IO)
        return error_set(error, EPROTO, "the second virtual CPU ended: %.160s",
            exit->kind == EXIT_SHUTDOWN ? "it shut down after a triple fault" : exit->detail);
    if (exit->port == DOMAIN_PORT_FAULT)
        return error_set(error, EPROTO, "the second virtual CPU raised an exception");
    return !(exit->port == DOMAIN_PORT_DONE && exit->write);
}

static void *second_main(void *argument)
{
    struct second *second = argument;
    bind_to(second->host_cpu);
    second->rc = domain_run(second->cpu, take_exit, NULL, &second->error);
    domain_cpu_give(second->cpu);
    second->ended = true;
    return NULL;
}

static int prepare(struct second *second, workload_function *entry, struct error *error)
{
    struct domain *domain = second->domain;
    const struct domain_mode mode = {.tss_page = DOMAIN_PAGE_SECOND_TSS};
    struct vcpu_registers registers = {
        .rip = system_address((uint64_t)DOMAIN_PAGE_KERNEL * PAGE_BYTES + DOMAIN_USER_CALL).value,
        .rax = (uintptr_t)entry,
        .rdi = system_address((uint64_t)DOMAIN_PAGE_SECOND * PAGE_BYTES).value,
        .rsp = system_address((uint64_t)(DOMAIN_PAGE_SECOND_STACK + 1) * PAGE_BYTES).value,
    };
    second->job = system_page(domain, DOMAIN_PAGE_SECOND);
    second->job->steps = 1;
    int rc = domain_cpu(domain, &second->cpu, error);
    if (rc < 0)
        return rc;
    if ((rc = domain_cpu_mode(second->cpu, &mode, error)) < 0 ||
        (rc = domain_cpu_set(second->cpu, PRIVILEGE_KERNEL, &registers, error)) < 0) {
        domain_cpu_give(second->cpu);
        return rc;
    }
    domain_cpu_release(second->cpu); /* to its thread */
    return 0;
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
    *second = (struct second){.domain = domain, .host_cpu = cpu};
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
    domain_cpu_stop(second->cpu);
    pthread_join(second->thread, NULL);
    free(second);
    domain->second = NULL;
}
