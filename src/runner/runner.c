#include "runner/runner.h"

#include "base/size.h"

#include <errno.h>
#include <string.h>

enum { TOUCH_STRIDE = 4096 };

/* Touched in pieces, so that Ctrl-C is heard. */
#define TOUCH_PIECE (256 * MIB)

static const struct runner_type *const types[] = {&runner_native, &runner_kvm};

const struct runner_type *runner_at(size_t index)
{
    return index < sizeof types / sizeof types[0] ? types[index] : NULL;
}

const struct runner_type *runner_find(const char *name)
{
    for (size_t i = 0; runner_at(i); i++)
        if (!strcmp(runner_at(i)->name, name))
            return runner_at(i);
    return NULL;
}

int runner_open(const struct runner_type *type, const struct runner_config *config, struct runner **runner,
    struct error *error)
{
    return type->open(type, config, runner, error);
}

void runner_close(struct runner *runner)
{
    if (runner)
        runner->type->close(runner);
}

int runner_touch(struct runner *runner, struct error *error)
{
    const struct memory *data = runner->config.data;
    struct workload_job *job = runner->config.image->job;
    workload_function *touch;
    int rc = image_find(runner->config.image, "touch", &touch, error);
    for (uint64_t done = 0; rc == 0 && done < data->bytes; done += TOUCH_PIECE) {
        if (stop_asked(runner->config.stop))
            return error_set(error, EINTR, "stopped while memory was touched");
        job->first = (uintptr_t)data->base + done;
        job->bytes = data->bytes - done < TOUCH_PIECE ? data->bytes - done : TOUCH_PIECE;
        job->stride = TOUCH_STRIDE;
        rc = runner->type->call(runner, touch, error);
    }
    return rc;
}

static void load_job(
    struct workload_job *job, const struct sample_plan *plan, const uint64_t *cursor, unsigned chains)
{
    job->steps = plan->steps;
    job->batches = plan->batches;
    job->warm_steps = plan->warm_steps;
    job->warm_limit = plan->warm_limit;
    memcpy(job->cursor, cursor, chains * sizeof *cursor);
}

/* The job comes from a guest: a cursor outside of the data would send the native walk anywhere. */
static int check_job(
    const struct workload_job *job, const struct runner *runner, unsigned chains, struct error *error)
{
    const struct memory *data = runner->config.data;
    for (unsigned i = 0; i < chains; i++)
        if (job->cursor[i] - (uintptr_t)data->base >= data->bytes || job->cursor[i] % sizeof(uint64_t))
            return error_set(error, EPROTO, "a chase (%s) left its list", runner->type->name);
    if (job->ticks == 0)
        return error_set(
            error, EPROTO, "a chase (%s) took no time by the time-stamp counter", runner->type->name);
    return 0;
}

static struct runner_counters runner_counters_between(
    const struct runner_counters *before, const struct runner_counters *after)
{
    return (struct runner_counters){
        .known = before->known && after->known,
        .exits = after->exits - before->exits,
        .page_faults = after->page_faults - before->page_faults,
    };
}

int runner_walk(struct runner *runner, workload_function *entry, const struct sample_plan *plan,
    uint64_t *cursor, unsigned chains, struct watch *watch, struct walk *walk, struct error *error)
{
    struct workload_job *job = runner->config.image->job;
    struct runner_counters before, after;
    load_job(job, plan, cursor, chains);
    runner->type->counters(runner, &before);
    watch_start(watch);
    int rc = runner->type->call(runner, entry, error);
    struct evidence evidence = watch_end(watch);
    runner->type->counters(runner, &after);
    if (rc < 0 || (rc = check_job(job, runner, chains, error)) < 0)
        return rc;
    memcpy(cursor, job->cursor, chains * sizeof *cursor);
    *walk = (struct walk){
        .hops = plan->steps * plan->batches * chains,
        .ticks = job->ticks,
        .evidence = evidence,
        .counters = runner_counters_between(&before, &after),
    };
    return 0;
}
