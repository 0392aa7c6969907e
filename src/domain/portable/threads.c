/* The threads of the virtual CPUs: each runs its guest while the domain is let run, and is parked else. */
#include "domain/portable/internal.h"

#include "abi/domain.h"
#include "host/schedule_wait.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum { PARK_SECONDS = 5 };

static int take_exit(struct domain_cpu *cpu, const struct vm_exit *exit, void *context, struct error *error)
{
    const struct portable *portable = context;
    (void)cpu;
    if (exit->kind == EXIT_IO && exit->write && exit->port == DOMAIN_PORT_DONE)
        return 0;
    if (exit->kind == EXIT_IO && exit->write && exit->port == DOMAIN_PORT_FAULT)
        return error_set(error, EFAULT,
            portable->plan.workload == PORTABLE_SELFTEST ? "the guest's kernel gave up"
                                                         : "the guest raised an exception");
    if (exit->kind == EXIT_FAULT && !portable->memory.base)
        return error_set(error, EIO,
            "memory of the domain cannot be read any more (instruction 0x%" PRIx64
            "): was the file that it is mapped from cut off, or is its disk broken?",
            exit->rip);
    return domain_unexpected_exit(exit, error);
}

static void set_phase(struct portable_cpu *cpu, enum cpu_phase phase)
{
    cpu->phase = phase;
    pthread_cond_broadcast(&cpu->portable->changed);
    if (phase == CPU_DONE || phase == CPU_FAILED)
        eventfd_write(cpu->portable->eventfd, 1);
}

/* The lock is held but while the guest runs. It gives the virtual CPU up each time, so that others can look
 * at its state. */
static void run_once(struct portable_cpu *cpu)
{
    struct portable *portable = cpu->portable;
    struct error error;
    set_phase(cpu, CPU_RUNNING);
    pthread_mutex_unlock(&portable->lock);
    int rc = domain_run(cpu->cpu, take_exit, portable, &error);
    domain_cpu_release(cpu->cpu);
    pthread_mutex_lock(&portable->lock);
    if (rc < 0 && rc != -ECANCELED)
        cpu->error = error;
    set_phase(cpu, rc == 0 ? CPU_DONE : rc == -ECANCELED ? CPU_PARKED : CPU_FAILED);
}

static void *run(void *context)
{
    struct portable_cpu *cpu = context;
    struct portable *portable = cpu->portable;
    cpu->number = gettid();
    pthread_mutex_lock(&portable->lock);
    while (!portable->quit && cpu->phase == CPU_PARKED) {
        if (portable->run && !portable->held)
            run_once(cpu);
        else
            pthread_cond_wait(&portable->changed, &portable->lock);
    }
    pthread_mutex_unlock(&portable->lock);
    return NULL;
}

static int start_threads(struct portable *portable, struct error *error)
{
    for (unsigned i = 0; i < portable->plan.cpus; i++) {
        struct portable_cpu *cpu = &portable->cpus[i];
        int code =
            cpu->started || cpu->phase != CPU_PARKED ? 0 : pthread_create(&cpu->thread, NULL, run, cpu);
        if (code)
            return error_errno(error, code, "no thread for virtual CPU %u", i);
        cpu->started |= cpu->phase == CPU_PARKED;
    }
    return 0;
}

int portable_ready(struct portable *portable, struct error *error)
{
    pthread_mutex_lock(&portable->lock);
    int rc = start_threads(portable, error);
    pthread_mutex_unlock(&portable->lock);
    return rc;
}

int portable_resume(struct portable *portable, struct error *error)
{
    pthread_mutex_lock(&portable->lock);
    for (unsigned i = 0; i < portable->plan.cpus; i++)
        domain_cpu_release(portable->cpus[i].cpu);
    int rc = start_threads(portable, error);
    portable->run = rc == 0;
    pthread_cond_broadcast(&portable->changed);
    pthread_mutex_unlock(&portable->lock);
    return rc;
}

static unsigned stop_running(const struct portable *portable)
{
    unsigned running = 0;
    for (unsigned i = 0; i < portable->plan.cpus; i++) {
        if (portable->cpus[i].phase == CPU_RUNNING) {
            domain_cpu_stop(portable->cpus[i].cpu);
            running++;
        }
    }
    return running;
}

/* The lock is held. */
static int wait_until_parked(struct portable *portable, struct error *error)
{
    struct timespec until;
    int code = 0;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += PARK_SECONDS;
    for (unsigned running = stop_running(portable); running && code == 0;) {
        code = pthread_cond_timedwait(&portable->changed, &portable->lock, &until);
        running = 0;
        for (unsigned i = 0; i < portable->plan.cpus; i++)
            running += portable->cpus[i].phase == CPU_RUNNING;
        if (!running)
            code = 0;
    }
    return code ? error_set(
                      error, ETIMEDOUT, "a virtual CPU did not leave the guest within %d s", PARK_SECONDS)
                : 0;
}

int portable_pause(struct portable *portable, struct error *error)
{
    pthread_mutex_lock(&portable->lock);
    bool ran = portable->run;
    portable->run = false;
    int rc = wait_until_parked(portable, error);
    if (rc < 0) {
        portable->run = ran;
        pthread_cond_broadcast(&portable->changed);
    }
    pthread_mutex_unlock(&portable->lock);
    return rc;
}

int portable_hold(struct portable *portable, bool held, struct error *error)
{
    pthread_mutex_lock(&portable->lock);
    portable->held += held ? 1 : -1;
    int rc = held ? wait_until_parked(portable, error) : 0;
    if (rc < 0)
        portable->held--;
    if (!portable->held)
        pthread_cond_broadcast(&portable->changed);
    pthread_mutex_unlock(&portable->lock);
    return rc;
}

double portable_waited(const struct portable *portable)
{
    double seconds = 0;
    for (unsigned i = 0; i < portable->plan.cpus; i++)
        if (portable->cpus[i].number)
            seconds += schedule_waited(portable->cpus[i].number);
    return seconds;
}

void portable_end(struct portable *portable)
{
    pthread_mutex_lock(&portable->lock);
    portable->quit = true;
    portable->run = false;
    stop_running(portable);
    pthread_cond_broadcast(&portable->changed);
    pthread_mutex_unlock(&portable->lock);
    for (unsigned i = 0; i < portable->plan.cpus; i++)
        if (portable->cpus[i].started)
            pthread_join(portable->cpus[i].thread, NULL);
}
