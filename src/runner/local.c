#include "runner/local.h"

#include "base/size.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>

enum { TOUCH_STRIDE = 4096 };

/* Touched in pieces, so that Ctrl-C is heard. */
#define TOUCH_PIECE (256 * MIB)

static struct local_runner *of(struct runner *runner)
{
    return (struct local_runner *)runner;
}

int local_call(const struct prepared *prepared, bool kernel, workload_function *entry, struct error *error)
{
    struct workload_job *job = prepared->runner->config.placement->config.image->job;
    if (prepared->domain)
        return (kernel ? domain_call_kernel : domain_call)(prepared->domain, entry, error);
    job->finished = 0;
    entry(job);
    return job->finished == WORKLOAD_MAGIC ? 0 : error_set(error, EPROTO, "a native workload did not finish");
}

struct counters local_counters(const struct domain *domain)
{
    struct counters counters = {.count = 0};
    struct rusage usage;
    if (domain)
        domain_counters(domain, &counters);
    else if (getrusage(RUSAGE_THREAD, &usage) == 0)
        counters_set(&counters, "page_faults", (uint64_t)usage.ru_minflt + (uint64_t)usage.ru_majflt);
    return counters;
}

/* ---- opening ---- */

static int touch_all(struct local_runner *here, struct error *error)
{
    const struct placement *placement = here->runner.config.placement;
    const struct prepared touched = {.runner = &here->runner, .domain = here->domain};
    const struct memory *data = &placement->data;
    struct workload_job *job = placement->config.image->job;
    workload_function *touch;
    int rc = image_find(placement->config.image, "touch", &touch, error);
    for (uint64_t done = 0; rc == 0 && done < data->bytes; done += TOUCH_PIECE) {
        if (stop_asked(placement->config.stop))
            return error_set(error, EINTR, "stopped while memory was touched");
        job->first = (uintptr_t)data->base + done;
        job->bytes = data->bytes - done < TOUCH_PIECE ? data->bytes - done : TOUCH_PIECE;
        job->stride = TOUCH_STRIDE;
        rc = local_call(&touched, false, touch, error);
    }
    return rc;
}

int local_open(const struct runner_config *config, struct runner **runner, struct error *error)
{
    const struct placement *placement = config->placement;
    const struct domain_config domain = {
        .monitor = config->ops->monitor,
        .image = placement->config.image,
        .data = &placement->data,
        .data_page_bytes = config->guest_page_bytes,
        .sync_write = config->sync_write,
        .fill = config->fill,
        .stop = placement->config.stop,
    };
    struct local_runner *here = calloc(1, sizeof *here);
    if (!here)
        return error_set(error, ENOMEM, "no memory for a runner");
    here->runner.config = *config;
    int rc = 0;
    if (domain.monitor && placement->data.bytes)
        rc = domain_create(&domain, &here->domain, error);
    if (rc == 0)
        rc = touch_all(here, error);
    if (rc < 0)
        local_close(&here->runner);
    else
        *runner = &here->runner;
    return rc;
}

static void end_prepared(struct local_runner *here)
{
    if (here->prepared)
        here->runner.workload.kind->close(here->prepared);
    here->prepared = NULL;
    here->runner.workload.kind = NULL;
    here->runner.note[0] = '\0';
}

void local_close(struct runner *runner)
{
    end_prepared(of(runner));
    domain_destroy(of(runner)->domain);
    free(runner);
}

/* ---- a workload ---- */

int local_prepare(struct runner *runner, const struct workload *workload, uint64_t seed, struct error *error)
{
    struct local_runner *here = of(runner);
    end_prepared(here);
    int rc = workload->kind->open(runner, workload, seed, &here->prepared, error);
    if (rc == 0)
        runner->workload = *workload;
    return rc;
}

int local_sample(
    struct runner *runner, const struct effort *effort, struct sample *sample, struct error *error)
{
    struct prepared *prepared = of(runner)->prepared;
    struct watch *watch = &runner->config.placement->watch;
    struct sample made = {.metric_count = 0};
    if (!prepared)
        return error_set(error, EINVAL, "a sample was to be taken of no workload");
    const struct counters *passing = prepared->passing;
    struct counters before = passing ? *passing : local_counters(prepared->domain);
    prepared->measured = (struct evidence){.steal_known = true};
    watch_start(watch);
    int rc = runner->workload.kind->sample(prepared, effort, &made, error);
    made.evidence = prepared->partly ? prepared->measured : watch_end(watch);
    struct counters after = passing ? *passing : local_counters(prepared->domain);
    if (rc < 0)
        return rc;
    made.counters = counters_between(&before, &after);
    uint64_t guest_ns;
    if (counters_get(&made.counters, "guest_ns", &guest_ns))
        made.evidence.cpu_ns += guest_ns; /* in another process, for which this thread waits */
    made.disturbed = evidence_judge(&made.evidence);
    if (prepared->waits && made.disturbed == DISTURBED_OFF_CPU)
        made.disturbed = DISTURBED_NOT;
    *sample = made;
    return 0;
}
