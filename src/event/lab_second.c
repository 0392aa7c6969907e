/* A second virtual CPU, in a thread of its own. Its task state is its own, because that names the stack on
 * which interrupts arrive from CPL 3. */
#include "domain/x86_64/system.h"
#include "event/lab_internal.h"
#include "measure/pin.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

struct second {
    struct domain_cpu *cpu;
    struct workload_job *job;
    pthread_t thread;
    int host_cpu;
    atomic_bool ended;
    int rc;
    struct error error; /* of rc, once it has ended */
};

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
    if (second->host_cpu >= 0 && pin_bind((unsigned)second->host_cpu) == 0)
        second->rc = pin_check((unsigned)second->host_cpu, &second->error);
    if (second->rc == 0)
        second->rc = domain_run(second->cpu, take_exit, NULL, &second->error);
    domain_cpu_give(second->cpu);
    second->ended = true;
    return NULL;
}

static int prepare(
    struct domain *domain, struct second *second, workload_function *entry, struct error *error)
{
    const struct domain_mode mode = {.tss_page = DOMAIN_PAGE_SECOND_TSS};
    struct vcpu_registers registers = {
        .rip = LAB_PAGE(DOMAIN_PAGE_KERNEL).value + DOMAIN_USER_CALL,
        .rax = (uintptr_t)entry,
        .rdi = LAB_SECOND_JOB.value,
        .rsp = LAB_PAGE(DOMAIN_PAGE_SECOND_STACK + 1).value,
    };
    second->job = system_page(domain, DOMAIN_PAGE_SECOND);
    second->job->steps = 1;
    int rc = domain_cpu(domain, &second->cpu, error);
    if (rc < 0)
        return rc;
    if ((rc = domain_cpu_mode(second->cpu, &mode, error)) < 0 ||
        (rc = domain_cpu_set(second->cpu, 0, &registers, error)) < 0) {
        domain_cpu_give(second->cpu);
        return rc;
    }
    domain_cpu_release(second->cpu); /* to its thread */
    return 0;
}

static int start_thread(struct second *second, struct error *error)
{
    int rc = pthread_create(&second->thread, NULL, second_main, second);
    return rc ? error_start(error, rc, "a thread for the second virtual CPU") : 0;
}

int lab_start_second(
    struct lab *lab, workload_function *entry, int cpu, struct workload_job **job, struct error *error)
{
    if (lab->second)
        return error_set(error, EINVAL, "this domain has a second virtual CPU already");
    struct second *second = calloc(1, sizeof *second);
    if (!second)
        return error_set(error, ENOMEM, "no memory for a second virtual CPU");
    second->host_cpu = cpu;
    int rc = prepare(lab->domain, second, entry, error);
    if (rc == 0 && (rc = start_thread(second, error)) < 0)
        domain_cpu_give(second->cpu);
    if (rc < 0) {
        free(second);
        return rc;
    }
    lab->second = second;
    *job = second->job;
    return 0;
}

int lab_second_failed(const struct lab *lab, struct error *error)
{
    const struct second *second = lab->second;
    if (!second || !second->ended || second->rc == 0)
        return 0;
    *error = second->error;
    return second->rc;
}

void lab_stop_second(struct lab *lab)
{
    if (!lab->second)
        return;
    lab->second->job->steps = 0;
    domain_cpu_stop(lab->second->cpu);
    pthread_join(lab->second->thread, NULL);
    free(lab->second);
}
