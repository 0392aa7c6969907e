#include "experiment/model_published.h"

#include "experiment/model_predict.h"
#include "measure/statistics.h"
#include "model/latencies.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double median_most = 0.15, ninth_most = 0.35;

enum { ERRORS_MAX = LATENCY_CURVES_MAX * LATENCY_POINTS_MAX };

struct errors {
    double of[ERRORS_MAX];
    size_t count;
};

static bool is_read_from(const struct latency_curve *curve, uint64_t bytes)
{
    for (size_t i = 0; i < curve->read_count; i++)
        if (curve->read_from[i] == bytes)
            return true;
    return false;
}

static int add_curve(const struct machine *machine, const struct latency_curve *curve,
    const struct stop *stop, struct errors *errors, struct error *error)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < curve->count; i++) {
        const struct chase_shape shape = {.working_set_bytes = curve->working_set_bytes[i],
            .element_bytes = curve->element_bytes,
            .order = CHASE_RANDOM,
            .chains = 1};
        struct account account;
        if (curve->cycles[i] <= curve->cycles[0] || is_read_from(curve, shape.working_set_bytes))
            continue;
        rc = model_predict(machine, &shape, 4096, FRAMES_IN_ORDER, stop, &account, error);
        if (rc == 0)
            errors->of[errors->count++] =
                fabs((double)account.cycles / (double)account.accesses / curve->cycles[i] - 1);
    }
    return rc;
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static struct published row_of(const struct latencies *latencies, struct errors *errors)
{
    struct published row = {.machine = latencies->machine,
        .source = latencies->source,
        .left_out = latencies->left_out,
        .points = errors->count,
        .median = statistics_median(errors->of, errors->count),
        .ninth = NAN,
        .worst = NAN};
    qsort(errors->of, errors->count, sizeof *errors->of, compare_doubles);
    if (errors->count) {
        row.ninth = errors->of[(size_t)ceil(0.9 * (double)errors->count) - 1];
        row.worst = errors->of[errors->count - 1];
    }
    row.agrees = row.median <= median_most && row.ninth <= ninth_most;
    return row;
}

static int add_machine(const struct latencies *latencies, const struct stop *stop, struct pool *pool,
    struct validation *validation, struct error *error)
{
    struct machine machine;
    struct errors errors = {.count = 0};
    int rc = machine_find(latencies->machine, pool, &machine, error);
    for (size_t i = 0; rc == 0 && i < latencies->curve_count; i++)
        rc = add_curve(&machine, &latencies->curves[i], stop, &errors, error);
    if (rc == 0)
        validation->published[validation->published_count++] = row_of(latencies, &errors);
    return rc;
}

int model_published(const char *name, const struct stop *stop, const struct progress *progress,
    struct pool *pool, struct validation *validation, struct error *error)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < LATENCIES_MAX && latencies_preset(i).name; i++) {
        struct latencies latencies;
        if (name && strcmp(name, latencies_preset(i).name) != 0)
            continue;
        if (progress->tell)
            progress->tell(progress->context, (double)i / LATENCIES_MAX, NAN, "simulating published curves");
        rc = latencies_read(i, pool, &latencies, error);
        if (rc == 0)
            rc = add_machine(&latencies, stop, pool, validation, error);
    }
    return rc;
}
