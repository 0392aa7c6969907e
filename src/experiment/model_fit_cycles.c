#include "experiment/model_fit_internal.h"

#include <math.h>

enum {
    LEVELS = MACHINE_CACHE_LEVELS_MAX,
    MEMORY = LEVELS, /* after the caches' levels, of which 0 is the first */
    SECOND_TLB,
    WALK,
    UNKNOWNS,
    SWEEPS = 400
};

/* How much a figure of the other machine counts, in points of the curve: just enough to decide what this one
 * does not. */
static const double prior_weight = 0.02;

/* Cycles of an unknown in a machine; NULL: it has no such level. All second TLBs have one figure. */
static unsigned *figure_of(struct machine *machine, unsigned unknown)
{
    struct machine_cache *cache = unknown < LEVELS ? fit_data_cache(machine, unknown + 1) : NULL;
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
static double solve(const struct fitting *fitting, size_t from, double value[static UNKNOWNS])
{
    double part[FIT_POINTS_MAX][UNKNOWNS] = {{0}}, rest[FIT_POINTS_MAX], prior[UNKNOWNS];
    for (unsigned u = 0; u < UNKNOWNS; u++) {
        const unsigned *figure = figure_of((struct machine *)&fitting->machine, u),
                       *like = figure_of((struct machine *)fitting->like, u);
        value[u] = figure ? *figure : NAN;
        prior[u] = like && *like ? *like : NAN;
    }
    for (size_t i = from; i < fitting->count; i++) {
        const struct fit_point *point = &fitting->points[i];
        rest[i] = point->cycles - (double)point->account.cycles / (double)point->account.accesses;
        for (unsigned u = 1; u < UNKNOWNS; u++)
            part[i][u] = isnan(value[u])
                             ? 0
                             : times(&point->account, u, *figure_of((struct machine *)&fitting->machine, u));
    }
    for (unsigned sweep = 0; sweep < SWEEPS; sweep++)
        for (unsigned u = 1; u < UNKNOWNS; u++) {
            double weight = isnan(prior[u]) ? 0 : prior_weight / (prior[u] * prior[u]);
            double up = weight > 0 ? weight * (prior[u] - value[u]) : 0, down = weight;
            if (isnan(value[u]))
                continue;
            for (size_t i = from; i < fitting->count; i++) {
                double scale = 1 / (fitting->points[i].cycles * fitting->points[i].cycles);
                up += part[i][u] * rest[i] * scale;
                down += part[i][u] * part[i][u] * scale;
            }
            double least = u <= MEMORY ? fmax(value[u - 1], 0) + 1 : 0;
            for (unsigned k = u; u <= MEMORY && isnan(value[k - 1]) && k > 1; k--)
                least = fmax(value[k - 2], 0) + 1;
            double next = fmin(fmax(down > 0 ? value[u] + up / down : value[u], least), MACHINE_CYCLES_MAX);
            for (size_t i = from; i < fitting->count; i++)
                rest[i] -= part[i][u] * (next - value[u]);
            value[u] = next;
        }
    double left = 0;
    for (size_t i = from; i < fitting->count; i++)
        left += fit_counts(rest[i] / fitting->points[i].cycles);
    return left;
}

static bool take(struct fitting *fitting, const double value[static UNKNOWNS])
{
    bool changed = false;
    for (unsigned u = 1; u < UNKNOWNS; u++) {
        unsigned *figure = figure_of(&fitting->machine, u);
        if (!figure || isnan(value[u]))
            continue;
        changed |= *figure != (unsigned)lround(value[u]);
        *figure = (unsigned)lround(value[u]);
    }
    for (size_t i = 0; i < fitting->machine.tlb_count; i++)
        if (fitting->machine.tlbs[i].level == 2 && figure_of(&fitting->machine, SECOND_TLB))
            fitting->machine.tlbs[i].cycles = *figure_of(&fitting->machine, SECOND_TLB);
    return changed;
}

double fit_cycles(struct fitting *fitting, size_t from, bool *changed)
{
    double value[UNKNOWNS], left = solve(fitting, from, value);
    bool any = take(fitting, value);
    if (changed)
        *changed = any;
    return left;
}
