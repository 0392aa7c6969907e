#include "experiment/model_fit_internal.h"

#include "measure/statistics.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>

enum { PASSES = 3 /* walks' own reads, and what neighbours do meanwhile, cost what was fitted before */ };

double fit_error(const struct fitting *fitting, size_t i)
{
    const struct account *account = &fitting->points[i].account;
    return fabs((double)account->cycles / (double)account->accesses / fitting->points[i].cycles - 1);
}

double fit_counts(double error)
{
    return fmin(error * error, 0.25);
}

/* ---- what cannot be solved for is tried ---- */

/* The first point of a working set of more than so many bytes. */
static size_t first_past(const struct fitting *fitting, uint64_t bytes)
{
    size_t i = 0;
    while (i < fitting->count && fitting->points[i].shape.working_set_bytes <= bytes)
        i++;
    return i;
}

/* Things that a machine may be, each of a kind. False: it cannot be this one. */
struct attempts {
    size_t count;
    bool (*as)(struct fitting *tried, size_t which);
    unsigned (*kind)(size_t which);
};

/* What is of another kind than what was best so far has to leave less than this share of what that leaves. */
static const double clearly = 0.7;

/* Leaves what fits the points [from, end) best. */
static int try_all(struct fitting *fitting, size_t from, size_t end, const struct attempts *attempts,
    size_t *chosen, struct error *error)
{
    struct fitting best = *fitting;
    double least = INFINITY;
    int rc = 0;
    *chosen = 0;
    for (size_t i = 0; rc == 0 && i < attempts->count && from < end; i++) {
        struct fitting tried = *fitting;
        tried.count = end;
        if (!attempts->as(&tried, i))
            continue;
        rc = fit_simulate(&tried, from, error);
        fitting->done = tried.done;
        double left = rc == 0 ? fit_cycles(&tried, from, NULL) : INFINITY;
        if (left < (attempts->kind(i) == attempts->kind(*chosen) ? 1 : clearly) * least) {
            least = left;
            best = tried;
            *chosen = i;
        }
    }
    best.done = fitting->done;
    best.count = fitting->count;
    *fitting = best;
    return rc;
}

/* Is the host itself a guest of nested paging, in pages of which size, and how scattered is what it gives? */
static const struct machine_below hosts[] = {{.page = 0}, {.page = 4096}, {.page = 4096, .fragmented = 10},
    {.page = 4096, .fragmented = 30}, {.page = 2 << 20}};

static unsigned host_kind(size_t which)
{
    (void)which;
    return 0;
}

static bool host_below(struct fitting *tried, size_t which)
{
    tried->machine.has_below = which > 0;
    tried->machine.below = hosts[which];
    return which == 0 || tried->machine.has_nested;
}

/* The last cache: all of it alone, all of it with neighbours, of whom it keeps what is newest, or a part. */
static const struct last_cache {
    unsigned shift, lines_per_us;
} last_caches[] = {{0, 0}, {0, 25}, {0, 50}, {0, 100}, {0, 150}, {0, 200}, {0, 300}, {0, 450}, {1, 0}, {2, 0},
    {3, 0}, {4, 0}};

static unsigned last_cache_kind(size_t which)
{
    return last_caches[which].lines_per_us ? 1 : last_caches[which].shift ? 2 : 0;
}

static bool last_cache_as(struct fitting *tried, size_t which)
{
    const struct last_cache *as = &last_caches[which];
    struct machine_cache *last = fit_last_cache(&tried->machine);
    tried->machine.has_neighbours = as->lines_per_us > 0;
    tried->machine.neighbours.lines_per_us = as->lines_per_us;
    if (as->lines_per_us)
        last->replacement = REPLACE_LRU;
    last->bytes >>= as->shift;
    return last->bytes / MACHINE_LINE_BYTES % last->ways == 0;
}

enum { HOSTS = sizeof hosts / sizeof *hosts, LAST_CACHES = sizeof last_caches / sizeof *last_caches };

/* What is chosen of both. */
struct chosen {
    size_t host, last;
};

static int fit_all(struct fitting *fitting, bool is_guest, struct chosen *chosen, struct error *error)
{
    uint64_t last = fit_last_cache(&fitting->machine)->bytes,
             second = fit_data_cache(&fitting->machine, 2)->bytes;
    size_t far = first_past(fitting, 2 * last - 1), about = first_past(fitting, last / 2 - 1),
           past = first_past(fitting, second);
    fitting->all = (unsigned)(HOSTS * (fitting->count - about) + LAST_CACHES * (far - past) +
                              (PASSES + 1) * fitting->count);
    /* memory: as if nothing else were paid beyond the last cache */
    size_t at = far < fitting->count ? far : fitting->count - 1;
    fitting->machine.memory.cycles = (unsigned)lround(0.9 * fitting->points[at].cycles);
    size_t near_end = far < fitting->count ? far + 1 : fitting->count;
    const struct attempts last_trial = {LAST_CACHES, last_cache_as, last_cache_kind},
                          host_trial = {is_guest ? HOSTS : 1, host_below, host_kind};
    int rc = try_all(fitting, past, near_end, &last_trial, &chosen->last, error);
    if (rc == 0)
        rc = try_all(fitting, about, fitting->count, &host_trial, &chosen->host, error);
    bool changed = true; /* by the last pass: else it would be simulated as it was */
    for (unsigned pass = 0; rc == 0 && changed && pass < PASSES; pass++) {
        rc = fit_simulate(fitting, 0, error);
        if (rc == 0)
            fit_cycles(fitting, 0, &changed);
    }
    return rc < 0 || !changed ? rc : fit_simulate(fitting, 0, error);
}

/* ---- the curve ---- */

/* A point whose interval is wider than this is torn between two states of the machine, as where its
 * neighbours just leave it the last cache, or not: its fastest sample says what the machine has room for. */
static const double torn_from = 2;

/* One point an octave, from 4 KiB on. */
static int take_points(const struct result *result, struct fitting *fitting, struct error *error)
{
    struct pool pool = {.newest = NULL};
    struct curves curves;
    curves_arrange(result, &pool, &curves);
    const struct curve *curve = model_measured_curve(&curves, CHASE_RANDOM);
    uint64_t last = 0;
    size_t torn_count = 0;
    for (size_t i = 0; curve && i < curve->group->working_set_count && fitting->count < FIT_POINTS_MAX; i++) {
        const struct curve_point *point = &curve->points[i];
        uint64_t bytes = point->working_set_bytes;
        if (!point_measured(point) || cell_unfit(point->cell) || (double)bytes < 1.9 * (double)last)
            continue;
        struct fit_point *into = &fitting->points[fitting->count++];
        into->shape = *cell_chase(point->cell);
        bool torn = point->cell->high > torn_from * point->cell->low;
        torn_count += torn;
        into->cycles = (torn ? point->cell->min : point->cell->median) * fitting->machine.ghz;
        last = bytes;
    }
    pool_free(&pool);
    if (fitting->count < 8)
        return error_set(error, ENODATA,
            "the result has %zu points an octave apart of a native chase in random order with pages of 4 "
            "KiB, and 8 "
            "are needed: measure again, with more --time if that ended it",
            fitting->count);
    if (2 * torn_count > fitting->count)
        return error_set(error, ENODATA,
            "the curve cannot be fitted: at %zu of its %zu working sets the interval is wider than a factor "
            "of %g, so that no "
            "machine is right or wrong there; measure again when the machine has nothing else to do, with "
            "more --time",
            torn_count, fitting->count, torn_from);
    return 0;
}

/* The rate of the core: that at which the first cache takes as long as it does in the other machine. */
static void fit_clock(struct fitting *fitting)
{
    struct machine_cache *first = fit_data_cache(&fitting->machine, 1);
    double ns = fitting->points[0].cycles / fitting->machine.ghz, ghz = first->cycles / ns;
    for (size_t i = 0; i < fitting->count; i++)
        fitting->points[i].cycles *= ghz / fitting->machine.ghz;
    fitting->machine.ghz = ghz;
}

static void say_one(struct machine_sources *sources, const char *field, const char *text)
{
    sources->items[sources->count++] = (struct machine_source){field, text};
}

static void say_fitted(
    struct model_fit *fit, const struct result *result, const struct chosen *chosen, struct pool *pool)
{
    struct machine *machine = &fit->machine;
    struct machine_cache *last = fit_last_cache(machine);
    const char *fitted = pool_format(pool,
        "fitted: native chase in random order, pages of 4 KiB, %zu working sets, started %s", fit->points,
        result->started);
    fit_set_source(&machine->memory.sources, "cycles", fitted);
    fit_set_source(
        &machine->memory.sources, "remote_cycles", "assumed: as this node's; no other was measured");
    fit_set_source(&machine->walker.sources, "cycles", fitted);
    for (size_t i = 0; i < machine->cache_count; i++)
        if (machine->caches[i].use != USE_INSTRUCTIONS && machine->caches[i].level > 1)
            fit_set_source(&machine->caches[i].sources, "cycles", fitted);
    for (size_t i = 0; i < machine->tlb_count; i++)
        if (machine->tlbs[i].level == 2)
            fit_set_source(&machine->tlbs[i].sources, "cycles", fitted);
    if (last_caches[chosen->last].shift)
        fit_set_source(&last->sources, "bytes",
            pool_format(
                pool, "%s: %g of what CPUID tells, as if shared with others", fitted, fit->last_share));
    if (machine->has_neighbours) {
        fit_set_source(&last->sources, "replacement", fitted);
        say_one(&machine->neighbours.sources, "lines_per_us", fitted);
    }
    if (machine->has_below) {
        say_one(&machine->below.sources, "page", fitted);
        say_one(&machine->below.sources, "fragmented", fitted);
    }
    fit_set_source(&machine->sources, "ghz",
        pool_format(
            pool, "fitted: what the first cache takes is %u cycles", fit_data_cache(machine, 1)->cycles));
}

int model_fit(const struct result *result, const char *name, const struct machine *like,
    const struct stop *stop, const struct progress *progress, struct pool *pool, struct model_fit *fit,
    struct error *error)
{
    struct fitting fitting = {.machine = *like, .like = like, .stop = stop, .progress = progress};
    struct chosen chosen;
    double errors[FIT_POINTS_MAX];
    fit_say_all_as(&fitting.machine, like->name, pool);
    fit_take_told(&fitting.machine, &result->host);
    int rc = take_points(result, &fitting, error);
    if (rc < 0)
        return rc;
    fit_clock(&fitting);
    rc = fit_all(&fitting, result->host.is_guest, &chosen, error);
    if (rc < 0)
        return rc;
    *fit = (struct model_fit){.machine = fitting.machine,
        .like = like->name,
        .points = fitting.count,
        .last_share = ldexp(1, -(int)last_caches[chosen.last].shift)};
    for (size_t i = 0; i < fitting.count; i++) {
        errors[i] = fit_error(&fitting, i);
        fit->most = fmax(fit->most, errors[i]);
    }
    fit->median = statistics_median(errors, fitting.count);
    fit->machine.memory.remote_cycles = fit->machine.memory.cycles;
    fit->machine.name = pool_text(pool, name);
    fit->machine.file = NULL;
    fit->machine.sha256[0] = '\0';
    fit->machine.summary = pool_format(pool, "%s, fitted to a measured chase",
        result->host.cpu.brand.known ? result->host.cpu.brand.text : result->host.cpu.vendor);
    say_fitted(fit, result, &chosen, pool);
    return pool->failed ? error_set(error, ENOMEM, "no memory for the sources of a machine") : 0;
}
