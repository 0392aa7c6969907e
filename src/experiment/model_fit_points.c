#include "experiment/model_fit_internal.h"

#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

enum { WORKERS_MAX = 8 };

/* What workers share: each takes the next point until there is none, or until one of them failed. */
struct work {
    struct fitting *fitting;
    atomic_size_t next;
    atomic_int status; /* of the first that failed */
};

struct worker {
    struct work *work;
    struct error error;
    int rc;
    pthread_t thread;
};

static int simulate(struct fitting *fitting, size_t i, struct error *error)
{
    struct fit_point *point = &fitting->points[i];
    return model_predict(
        &fitting->machine, &point->shape, 4096, FRAMES_SCATTERED, fitting->stop, &point->account, error);
}

static void *simulate_points(void *context)
{
    struct worker *worker = context;
    struct work *work = worker->work;
    for (size_t i; atomic_load(&work->status) == 0;) {
        if ((i = atomic_fetch_add(&work->next, 1)) >= work->fitting->count)
            break;
        worker->rc = simulate(work->fitting, i, &worker->error);
        if (worker->rc < 0)
            atomic_store(&work->status, worker->rc);
    }
    return NULL;
}

static size_t workers_for(size_t points)
{
    cpu_set_t set;
    size_t cpus = sched_getaffinity(0, sizeof set, &set) == 0 ? (size_t)CPU_COUNT(&set) : 1;
    size_t most = cpus < WORKERS_MAX ? cpus : WORKERS_MAX;
    return points < most ? points : most;
}

int fit_simulate(struct fitting *fitting, size_t from, struct error *error)
{
    struct work work = {.fitting = fitting, .next = from};
    struct worker workers[WORKERS_MAX];
    size_t count = workers_for(fitting->count - from), started = 1;
    if (fitting->progress->tell)
        fitting->progress->tell(fitting->progress->context, fmin(1, (double)fitting->done / fitting->all),
            NAN, "simulating the curve");
    for (size_t i = 0; i < count; i++)
        workers[i] = (struct worker){.work = &work};
    while (started < count &&
           pthread_create(&workers[started].thread, NULL, simulate_points, &workers[started]) == 0)
        started++;
    if (count)
        simulate_points(&workers[0]);
    for (size_t i = 1; i < started; i++)
        pthread_join(workers[i].thread, NULL);
    for (size_t i = 0; i < count && i < started; i++)
        if (workers[i].rc < 0) {
            *error = workers[i].error;
            return workers[i].rc;
        }
    fitting->done += (unsigned)(fitting->count - from);
    return 0;
}
