#include "domain/portable/internal.h"

#include "abi/domain.h"
#include "base/size.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

enum { PARK_SECONDS = 5 };

const char *const portable_phases[] = {[PORTABLE_PAUSED] = "paused",
    [PORTABLE_RUNNING] = "running",
    [PORTABLE_DONE] = "done",
    [PORTABLE_FAILED] = "failed"};

/* ---- plans ---- */

static bool is_name(const char *name)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    size_t length = strnlen(name, PORTABLE_NAME_BYTES);
    return length > 0 && length < PORTABLE_NAME_BYTES && strspn(name, letters) == length && name[0] != '.' &&
           name[0] != '-';
}

static int check_results(const struct portable_plan *plan, struct error *error)
{
    bool good = plan->result_count > 0 && plan->result_count <= PORTABLE_RESULTS_MAX;
    for (size_t i = 0; good && i < plan->result_count; i++)
        good = plan->results[i] % PAGE_BYTES == 0 && plan->results[i] < plan->memory_bytes;
    return good ? 0
                : error_set(error, EINVAL, "the results of the workload lie outside of the domain's memory");
}

int portable_plan_check(const struct portable_plan *plan, bool with_results, struct error *error)
{
    if (!is_name(plan->name))
        return error_set(error, EINVAL,
            "\"%.60s\" is no name of a domain: letters, digits, '.', '_' and '-', at most %d, the first a "
            "letter or digit",
            plan->name, PORTABLE_NAME_BYTES - 1);
    if (plan->memory_bytes % (2 * MIB) || plan->memory_bytes < PORTABLE_BYTES_MIN ||
        plan->memory_bytes > PORTABLE_BYTES_MAX)
        return error_set(error, EINVAL, "a domain's memory is from 8 MiB to 1 TiB, in steps of 2 MiB");
    if ((unsigned)plan->workload >= PORTABLE_WORKLOADS)
        return error_set(error, EINVAL, "there is no such workload for a domain");
    const struct portable_workload_info *info = &portable_workloads[plan->workload];
    if (plan->cpus < 1 || plan->cpus > info->cpus_max)
        return error_set(error, EINVAL, "%s runs on 1%s virtual CPU%s, not %u", info->name,
            info->cpus_max > 1 ? " or 2" : "", info->cpus_max > 1 ? "s" : "", plan->cpus);
    if (plan->rate && plan->workload != PORTABLE_WRITER)
        return error_set(error, EINVAL, "only writer has a rate");
    return with_results ? check_results(plan, error) : 0;
}

/* ---- memory ---- */

void *portable_at(const struct portable *portable, uint64_t physical, uint64_t bytes)
{
    uint64_t end = portable->plan.memory_bytes;
    return physical <= end && bytes <= end - physical ? portable->base + physical : NULL;
}

struct portable_identity *portable_identity(const struct portable *portable)
{
    return portable_at(portable, portable->plan.memory_bytes - PAGE_BYTES, PAGE_BYTES);
}

/* Whether there are large pages to be had decides the machine; what was obtained is told by who asks. */
int portable_map_memory(
    uint64_t bytes, const struct monitor_ops *monitor, struct memory *memory, struct error *error)
{
    struct memory_request request = {.bytes = bytes, .page_bytes = 2 * MIB, .source = MEMORY_THP};
    int rc = monitor->elsewhere ? -ENOTSUP : memory_map_request(memory, &request, error);
    if (rc != -ENOTSUP)
        return rc;
    request.page_bytes = PAGE_BYTES;
    request.source = MEMORY_AUTO;
    request.shared = monitor->elsewhere;
    return memory_map_request(memory, &request, error);
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

/* ---- threads ---- */

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
    pthread_mutex_lock(&portable->lock);
    while (!portable->quit && cpu->phase == CPU_PARKED) {
        if (portable->run)
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

int portable_pause(struct portable *portable, struct error *error)
{
    struct timespec until;
    int rc = 0;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += PARK_SECONDS;
    pthread_mutex_lock(&portable->lock);
    bool ran = portable->run;
    portable->run = false;
    for (unsigned running = stop_running(portable); running && rc == 0;) {
        rc = pthread_cond_timedwait(&portable->changed, &portable->lock, &until);
        running = 0;
        for (unsigned i = 0; i < portable->plan.cpus; i++)
            running += portable->cpus[i].phase == CPU_RUNNING;
        if (!running)
            rc = 0;
    }
    if (rc) {
        portable->run = ran;
        pthread_cond_broadcast(&portable->changed);
    }
    pthread_mutex_unlock(&portable->lock);
    return rc ? error_set(error, ETIMEDOUT, "a virtual CPU did not leave the guest within %d s", PARK_SECONDS)
              : 0;
}

/* ---- making and ending one ---- */

static struct portable *make(const struct portable_plan *plan)
{
    struct portable *portable = calloc(1, sizeof *portable);
    pthread_condattr_t attributes;
    if (!portable)
        return NULL;
    portable->plan = *plan;
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

static int add_memory(struct portable *portable, const struct monitor_ops *monitor, struct backing backing,
    bool tick, struct error *error)
{
    const struct domain_config config = {.monitor = monitor, .tick = tick};
    struct guest_region region = {.backing = backing};
    portable->base = backing.host;
    int rc = domain_create(&config, &portable->domain, error);
    return rc < 0 ? rc : domain_add_region_from(portable->domain, GPA(0), &region, error);
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
    const struct monitor_facts *facts, struct portable **out, struct error *error)
{
    struct portable *portable = NULL;
    int rc = portable_plan_check(plan, false, error);
    if (rc == 0 && (rc = begin(plan, monitor, &portable, error)) == 0 &&
        (rc = portable_map_memory(plan->memory_bytes, monitor, &portable->memory, error)) == 0) {
        portable->base = portable->memory.base;
        if (plan->workload == PORTABLE_SELFTEST)
            rc = portable_lay_out_selftest(portable, monitor, facts, error);
        else
            rc = add_memory(portable, monitor, portable_backing(&portable->memory), false, error);
        if (rc == 0 && (rc = make_cpus(portable, error)) == 0 && plan->workload != PORTABLE_SELFTEST)
            rc = portable_lay_out(portable, error);
        if (rc == 0)
            rc = portable_new_generation(portable, error);
    }
    if (rc < 0)
        portable_destroy(portable);
    else
        *out = portable;
    return rc;
}

int portable_open(const struct portable_plan *plan, const struct monitor_ops *monitor, struct backing memory,
    struct portable **out, struct error *error)
{
    struct portable *portable = NULL;
    int rc = portable_plan_check(plan, true, error);
    if (rc == 0 && (rc = begin(plan, monitor, &portable, error)) == 0) {
        rc = add_memory(portable, monitor, memory, plan->workload == PORTABLE_SELFTEST, error);
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
    pthread_mutex_lock(&portable->lock);
    portable->quit = true;
    portable->run = false;
    stop_running(portable);
    pthread_cond_broadcast(&portable->changed);
    pthread_mutex_unlock(&portable->lock);
    for (unsigned i = 0; i < portable->plan.cpus; i++)
        if (portable->cpus[i].started)
            pthread_join(portable->cpus[i].thread, NULL);
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

static enum portable_phase phase_of(const struct portable *portable)
{
    unsigned count[4] = {0};
    for (unsigned i = 0; i < portable->plan.cpus; i++)
        count[portable->cpus[i].phase]++;
    return count[CPU_FAILED]                        ? PORTABLE_FAILED
           : count[CPU_DONE] == portable->plan.cpus ? PORTABLE_DONE
           : portable->run                          ? PORTABLE_RUNNING
                                                    : PORTABLE_PAUSED;
}

static void read_job(const struct portable *portable, size_t number, struct portable_status *status)
{
    struct portable_job job = *(const struct portable_job *)(portable->base + portable->plan.results[number]);
    status->done += job.done;
    status->checksum = portable_chain(status->checksum, job.checksum);
    status->wrong += job.wrong;
    status->backwards += job.backwards;
    if (number == 0) {
        memcpy(status->seen, job.generation, sizeof status->seen);
        status->longest_seconds = (double)job.longest / portable->plan.ticks_per_second;
    }
    if (status->phase == PORTABLE_DONE && job.finished != WORKLOAD_MAGIC) {
        status->phase = PORTABLE_FAILED;
        error_set(&status->error, EPROTO, "the guest left before its workload had finished");
    }
}

static void read_log(const struct portable *portable, size_t number, struct portable_status *status)
{
    struct guest_log log = *(const struct guest_log *)(portable->base + portable->plan.results[number]);
    status->done += log.count;
    status->checksum = portable_chain(status->checksum, log.digest);
    status->longest_seconds = NAN;
}

void portable_status(const struct portable *portable, struct portable_status *status)
{
    *status = (struct portable_status){.phase = PORTABLE_PAUSED};
    pthread_mutex_lock((pthread_mutex_t *)&portable->lock);
    status->phase = phase_of(portable);
    for (unsigned i = 0; i < portable->plan.cpus; i++)
        if (portable->cpus[i].phase == CPU_FAILED)
            status->error = portable->cpus[i].error;
    pthread_mutex_unlock((pthread_mutex_t *)&portable->lock);
    for (size_t i = 0; i < portable->plan.result_count; i++)
        (portable->plan.workload == PORTABLE_SELFTEST ? read_log : read_job)(portable, i, status);
    memcpy(status->generation, portable_identity(portable)->generation, sizeof status->generation);
}

/* ---- its state ---- */

/* Those that have ended are kept as they are: what they were to do is done, which is part of the state, too.
 */
int portable_save(struct portable *portable, struct machine_state *state, struct error *error)
{
    const struct monitor_ops *ops = portable->domain->ops;
    int rc = ops->save_machine(portable->domain->vm, state, error);
    for (unsigned i = 0; rc == 0 && i < portable->plan.cpus; i++) {
        struct portable_cpu *cpu = &portable->cpus[i];
        rc = ops->save_cpu(cpu->cpu->vcpu, state, error);
        domain_cpu_release(cpu->cpu);
        if (rc < 0)
            break;
        uint8_t *done = machine_state_add(state, STATE_ENDED, i, 1, error);
        if (done)
            *done = cpu->phase == CPU_DONE;
        else
            rc = -error->code;
    }
    return rc;
}

int portable_restore(struct portable *portable, const struct machine_state *state,
    const struct state_pause *pause, struct error *error)
{
    const struct monitor_ops *ops = portable->domain->ops;
    int rc = ops->restore_machine(portable->domain->vm, state, pause, error);
    for (unsigned i = 0; rc == 0 && i < portable->plan.cpus; i++) {
        const struct state_part *ended = machine_state_find(state, STATE_ENDED, i);
        rc = ops->restore_cpu(portable->cpus[i].cpu->vcpu, state, pause, error);
        domain_cpu_release(portable->cpus[i].cpu);
        if (ended && *(const uint8_t *)ended->data)
            portable->cpus[i].phase = CPU_DONE;
    }
    return rc;
}
