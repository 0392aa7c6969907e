#include "experiment/model_fit.h"

#include "measure/statistics.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    LEVELS = MACHINE_CACHE_LEVELS_MAX,
    MEMORY = LEVELS, /* after the caches' levels, of which 0 is the first */
    SECOND_TLB,
    WALK,
    UNKNOWNS,
    POINTS_MAX = 24,
    SHARES = 5, /* of the last cache: all, a half … */
    PASSES = 3, /* walks' own reads cost what was fitted before */
    SWEEPS = 400
};

/* How much a figure of the other machine counts, in points of the curve: just enough to decide what this one
 * does not. */
static const double prior_weight = 0.02;

struct point {
    struct chase_shape shape;
    double cycles; /* measured */
    struct account account;
};

struct fitting {
    struct machine machine; /* as far as it is fitted */
    const struct machine *like;
    struct point points[POINTS_MAX];
    size_t count;
    const struct stop *stop;
    const struct progress *progress;
    unsigned done, all;
};

/* ---- which machine it is like ---- */

const char *model_like(const struct host *host)
{
    static const struct {
        const char *vendor;
        unsigned family, first, last; /* models */
        const char *preset;
    } known[] = {
        {"AuthenticAMD", 16, 0, 255, "barcelona"},
        {"AuthenticAMD", 23, 0x30, 255, "zen2-rome"},
        {"AuthenticAMD", 25, 0, 0x0f, "zen3-milan"},
        {"AuthenticAMD", 25, 0x20, 0x5f, "zen3-milan"},
        {"AuthenticAMD", 25, 0x10, 0x1f, "zen4-genoa"},
        {"AuthenticAMD", 25, 0x60, 255, "zen4-genoa"},
        {"AuthenticAMD", 26, 0, 255, "zen5-turin"},
        {"GenuineIntel", 6, 15, 15, "core2-merom"},
        {"GenuineIntel", 6, 26, 26, "nehalem"},
        {"GenuineIntel", 6, 85, 85, "skylake-sp"},
        {"GenuineIntel", 6, 106, 108, "icelake-sp"},
        {"GenuineIntel", 6, 143, 143, "sapphire-rapids"},
        {"GenuineIntel", 6, 207, 207, "sapphire-rapids"},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (!strcmp(known[i].vendor, host->cpu.vendor) && known[i].family == host->cpu.family &&
            host->cpu.model >= known[i].first && host->cpu.model <= known[i].last)
            return known[i].preset;
    return NULL;
}

/* ---- sources ---- */

static void set_source(struct machine_sources *sources, const char *field, const char *text)
{
    for (size_t i = 0; i < sources->count; i++)
        if (!strcmp(sources->items[i].field, field))
            sources->items[i].source = text;
}

static void say_as(struct machine_sources *sources, const char *name, struct pool *pool)
{
    for (size_t i = 0; i < sources->count; i++) {
        bool assumed = !strncmp(sources->items[i].source, "assumed", strlen("assumed"));
        sources->items[i].source = pool_format(
            pool, "assumed: as %s%s%s", name, assumed ? "" : ", ", assumed ? "" : sources->items[i].source);
    }
}

static void say_all_as(struct machine *machine, const char *name, struct pool *pool)
{
    struct machine_nested *nested = &machine->nested;
    for (size_t i = 0; i < machine->cache_count; i++)
        say_as(&machine->caches[i].sources, name, pool);
    for (size_t i = 0; i < machine->tlb_count; i++)
        say_as(&machine->tlbs[i].sources, name, pool);
    for (size_t i = 0; i < machine->walk_cache_count; i++)
        say_as(&machine->walk_caches[i].sources, name, pool);
    for (size_t i = 0; machine->has_nested && i < nested->walk_cache_count; i++)
        say_as(&nested->walk_caches[i].sources, name, pool);
    struct machine_sources *others[] = {&machine->sources, &machine->memory.sources, &machine->walker.sources,
        &machine->tags.sources, &machine->costs.sources, machine->has_nested ? &nested->sources : NULL,
        machine->has_nested && nested->has_tlb ? &nested->tlb.sources : NULL};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (others[i])
            say_as(others[i], name, pool);
}

/* ---- what is told ---- */

static struct machine_cache *data_cache(struct machine *machine, unsigned level)
{
    for (size_t i = 0; i < machine->cache_count; i++)
        if (machine->caches[i].level == level && machine->caches[i].use != USE_INSTRUCTIONS)
            return &machine->caches[i];
    return NULL;
}

static struct machine_cache *last_cache(struct machine *machine)
{
    unsigned level = 1;
    while (data_cache(machine, level + 1))
        level++;
    return data_cache(machine, level);
}

static bool power_of_two(uint64_t number)
{
    return (number & (number - 1)) == 0;
}

static void take_told_caches(struct machine *machine, const struct host *host)
{
    for (size_t i = 0; i < host->cache_count; i++) {
        const struct host_cache *told = &host->caches[i];
        struct machine_cache *cache = data_cache(machine, told->level);
        uint64_t lines = told->bytes / MACHINE_LINE_BYTES;
        if (!cache || !strcmp(told->type, "instruction") || !told->ways || !lines || lines % told->ways)
            continue;
        cache->bytes = told->bytes;
        cache->ways = told->ways;
        if (!power_of_two(lines / told->ways))
            cache->index = INDEX_HASH;
        set_source(&cache->sources, "bytes", "the host's own: CPUID");
        set_source(&cache->sources, "ways", "the host's own: CPUID");
    }
}

/* ---- the unknowns ---- */

/* Cycles of an unknown in a machine; NULL: it has no such level. All second TLBs have one figure. */
static unsigned *figure_of(struct machine *machine, unsigned unknown)
{
    struct machine_cache *cache = unknown < LEVELS ? data_cache(machine, unknown + 1) : NULL;
    struct machine_tlb *second = NULL;
    for (size_t i = 0; i < machine->tlb_count && !second; i++)
        if (machine->tlbs[i].level == 2 && machine->tlbs[i].use != USE_INSTRUCTIONS &&
            machine->tlbs[i].pages[0] == 4096)
            second = &machine->tlbs[i];
    return unknown < LEVELS    ? cache ? &cache->cycles : NULL
           : unknown == MEMORY ? &machine->memory.cycles
           : unknown == WALK   ? &machine->walker.cycles
           : second            ? &second->cycles
                               : NULL;
}

/* How often it was paid in one access, apart from what walks read. */
static double times(const struct account *account, unsigned unknown, unsigned cycles)
{
    uint64_t count = 0;
    if (unknown <= MEMORY && cycles)
        count = account->bucket[BUCKET_DATA + unknown] / cycles;
    else if (unknown == SECOND_TLB)
        count = account->tlb_hits[1];
    else if (unknown == WALK)
        count = account->walks;
    return (double)count / (double)account->accesses;
}

/* Each unknown in turn the best there is while the others stay, again and again: these are few, and none may
 * be less than what is nearer to the core. */
static void solve(struct fitting *fitting, double value[static UNKNOWNS])
{
    double part[POINTS_MAX][UNKNOWNS] = {{0}}, rest[POINTS_MAX], prior[UNKNOWNS];
    for (unsigned u = 0; u < UNKNOWNS; u++) {
        unsigned *figure = figure_of(&fitting->machine, u),
                 *like = figure_of((struct machine *)fitting->like, u);
        value[u] = figure ? *figure : NAN;
        prior[u] = like && *like ? *like : NAN;
    }
    for (size_t i = 0; i < fitting->count; i++) {
        const struct point *point = &fitting->points[i];
        rest[i] = point->cycles - (double)point->account.cycles / (double)point->account.accesses;
        for (unsigned u = 1; u < UNKNOWNS; u++)
            part[i][u] = isnan(value[u]) ? 0 : times(&point->account, u, *figure_of(&fitting->machine, u));
    }
    for (unsigned sweep = 0; sweep < SWEEPS; sweep++)
        for (unsigned u = 1; u < UNKNOWNS; u++) {
            double weight = isnan(prior[u]) ? 0 : prior_weight / (prior[u] * prior[u]);
            double up = weight > 0 ? weight * (prior[u] - value[u]) : 0, down = weight;
            if (isnan(value[u]))
                continue;
            for (size_t i = 0; i < fitting->count; i++) {
                double scale = 1 / (fitting->points[i].cycles * fitting->points[i].cycles);
                up += part[i][u] * rest[i] * scale;
                down += part[i][u] * part[i][u] * scale;
            }
            double least = u <= MEMORY ? fmax(value[u - 1], 0) + 1 : 0;
            for (unsigned k = u; u <= MEMORY && isnan(value[k - 1]) && k > 1; k--)
                least = fmax(value[k - 2], 0) + 1;
            double next = fmin(fmax(down > 0 ? value[u] + up / down : value[u], least), MACHINE_CYCLES_MAX);
            for (size_t i = 0; i < fitting->count; i++)
                rest[i] -= part[i][u] * (next - value[u]);
            value[u] = next;
        }
}

static void take(struct fitting *fitting, const double value[static UNKNOWNS])
{
    for (unsigned u = 1; u < UNKNOWNS; u++) {
        unsigned *figure = figure_of(&fitting->machine, u);
        if (figure && !isnan(value[u]))
            *figure = (unsigned)lround(value[u]);
    }
    for (size_t i = 0; i < fitting->machine.tlb_count; i++)
        if (fitting->machine.tlbs[i].level == 2 && figure_of(&fitting->machine, SECOND_TLB))
            fitting->machine.tlbs[i].cycles = *figure_of(&fitting->machine, SECOND_TLB);
}

/* ---- passes ---- */

static int simulate(struct fitting *fitting, struct error *error)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < fitting->count; i++) {
        struct point *point = &fitting->points[i];
        if (fitting->progress->tell)
            fitting->progress->tell(fitting->progress->context, (double)fitting->done / fitting->all, NAN,
                "simulating the curve");
        rc = model_predict(&fitting->machine, &point->shape, 4096, fitting->stop, &point->account, error);
        fitting->done++;
    }
    return rc;
}

static double error_at(const struct fitting *fitting, size_t i)
{
    const struct account *account = &fitting->points[i].account;
    return fabs((double)account->cycles / (double)account->accesses / fitting->points[i].cycles - 1);
}

static double squares(const struct fitting *fitting)
{
    double sum = 0;
    for (size_t i = 0; i < fitting->count; i++)
        sum += error_at(fitting, i) * error_at(fitting, i);
    return sum;
}

static int fit_cycles(struct fitting *fitting, struct error *error)
{
    double value[UNKNOWNS];
    int rc = simulate(fitting, error);
    for (unsigned pass = 0; rc == 0 && pass < PASSES; pass++) {
        solve(fitting, value);
        take(fitting, value);
        rc = simulate(fitting, error);
    }
    return rc;
}

/* The whole of the last cache, a half …: what fits best. */
static int fit_share(struct fitting *fitting, double *share, struct error *error)
{
    struct fitting best = *fitting;
    double least = INFINITY;
    int rc = 0;
    fitting->all = SHARES * (PASSES + 1) * (unsigned)fitting->count;
    for (unsigned i = 0; rc == 0 && i < SHARES; i++) {
        struct fitting tried = *fitting;
        struct machine_cache *last = last_cache(&tried.machine);
        tried.done = i * (PASSES + 1) * (unsigned)fitting->count;
        last->bytes = last->bytes >> i;
        if (i && last->bytes / MACHINE_LINE_BYTES % last->ways)
            break;
        rc = fit_cycles(&tried, error);
        if (rc == 0 && squares(&tried) < least) {
            least = squares(&tried);
            best = tried;
            *share = ldexp(1, -(int)i);
        }
    }
    *fitting = best;
    return rc;
}

/* ---- the curve ---- */

/* One point an octave, from 4 KiB on. */
static int take_points(const struct result *result, struct fitting *fitting, struct error *error)
{
    struct pool pool = {.newest = NULL};
    struct curves curves;
    curves_arrange(result, &pool, &curves);
    const struct curve *curve = model_measured_curve(&curves, CHASE_RANDOM);
    uint64_t last = 0;
    for (size_t i = 0; curve && i < curve->group->working_set_count && fitting->count < POINTS_MAX; i++) {
        const struct curve_point *point = &curve->points[i];
        uint64_t bytes = point->working_set_bytes;
        if (!point_measured(point) || cell_unfit(point->cell) || (double)bytes < 1.9 * (double)last)
            continue;
        struct point *into = &fitting->points[fitting->count++];
        into->shape = *cell_chase(point->cell);
        into->cycles = point->cell->median * fitting->machine.ghz;
        last = bytes;
    }
    pool_free(&pool);
    if (fitting->count < 8)
        return error_set(error, ENODATA,
            "the result has %zu points an octave apart of a native chase in random order with pages of 4 "
            "KiB, and 8 "
            "are needed: vcost chase --on native --json FILE",
            fitting->count);
    return 0;
}

static void say_fitted(struct model_fit *fit, const struct result *result, struct pool *pool)
{
    struct machine *machine = &fit->machine;
    const char *fitted = pool_format(pool,
        "fitted: native chase in random order, pages of 4 KiB, %zu working sets, started %s", fit->points,
        result->started);
    set_source(&machine->memory.sources, "cycles", fitted);
    set_source(&machine->walker.sources, "cycles", fitted);
    for (size_t i = 0; i < machine->cache_count; i++)
        if (machine->caches[i].use != USE_INSTRUCTIONS)
            set_source(&machine->caches[i].sources, "cycles", fitted);
    for (size_t i = 0; i < machine->tlb_count; i++)
        if (machine->tlbs[i].level == 2)
            set_source(&machine->tlbs[i].sources, "cycles", fitted);
    if (fit->last_share < 1)
        set_source(&last_cache(machine)->sources, "bytes",
            pool_format(
                pool, "%s: %g of what CPUID tells, as if shared with others", fitted, fit->last_share));
    set_source(&machine->sources, "ghz", "measured: the rate of the time stamp counter");
}

int model_fit(const struct result *result, const char *name, const struct machine *like,
    const struct stop *stop, const struct progress *progress, struct pool *pool, struct model_fit *fit,
    struct error *error)
{
    struct fitting fitting = {.machine = *like, .like = like, .stop = stop, .progress = progress};
    double errors[POINTS_MAX], share = 1;
    if (!(result->tsc_ghz > 0))
        return error_set(error, ENODATA, "the result does not tell the rate of its time stamp counter");
    fitting.machine.ghz = result->tsc_ghz;
    say_all_as(&fitting.machine, like->name, pool);
    take_told_caches(&fitting.machine, &result->host);
    int rc = take_points(result, &fitting, error);
    if (rc < 0)
        return rc;
    data_cache(&fitting.machine, 1)->cycles = (unsigned)fmax(1, round(fitting.points[0].cycles));
    rc = fit_share(&fitting, &share, error);
    if (rc < 0)
        return rc;
    *fit = (struct model_fit){
        .machine = fitting.machine, .like = like->name, .points = fitting.count, .last_share = share};
    for (size_t i = 0; i < fitting.count; i++) {
        errors[i] = error_at(&fitting, i);
        fit->most = fmax(fit->most, errors[i]);
    }
    fit->median = statistics_median(errors, fitting.count);
    fit->machine.memory.remote_cycles = fit->machine.memory.cycles;
    set_source(
        &fit->machine.memory.sources, "remote_cycles", "assumed: as this node's; no other was measured");
    fit->machine.name = pool_text(pool, name);
    fit->machine.summary = pool_format(pool, "%s, fitted to a measured chase",
        result->host.cpu.brand.known ? result->host.cpu.brand.text : result->host.cpu.vendor);
    say_fitted(fit, result, pool);
    return pool->failed ? error_set(error, ENOMEM, "no memory for the sources of a machine") : 0;
}
