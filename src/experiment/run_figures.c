/* From the runs of a program to what a result says of them. */
#include "experiment/run_internal.h"

#include "experiment/internal.h"
#include "measure/statistics.h"
#include "program/inside/calls.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <sys/syscall.h>

static const struct {
    const char *name, *unit;
} metrics[METRICS] = {
    {"user", "ns"}, {"system", "ns"}, {"peak_memory", "bytes"}, {"faults", "count"}, {"kept", "ns"}};

static int by_time(const void *a, const void *b)
{
    const struct ran_call *x = a, *y = b;
    return x->ns < y->ns ? 1 : x->ns > y->ns ? -1 : 0;
}

/* Why a domain did not do what a kernel may do; NULL: it did. Only ptrace is refused in part. */
static const char *why_refused(struct pool *pool, const struct tally *tally, unsigned number)
{
    const struct call *call = call_at(number);
    bool executes = number == SYS_execve || number == SYS_execveat;
    if (executes && tally->unexecuted[0])
        return pool_text(pool, tally->unexecuted);
    bool refused =
        call && (call->way == CALL_REFUSED || (call->way == CALL_EMULATED && tally->refused_traces));
    return refused ? call->why : NULL;
}

static int tell_calls(struct running *running, size_t arm, struct error *error)
{
    struct result *result = running->result;
    struct result_ran *ran = &result->cells[arm].ran;
    const struct tally *tally = &running->arms[arm].counted;
    ran->calls = pool_room(&result->pool, TALLY_CALLS, sizeof *ran->calls);
    if (!ran->calls)
        return error_set(error, ENOMEM, "no memory for what is measured");
    for (unsigned i = 0; i < TALLY_CALLS; i++) {
        const struct call *call = call_at(i);
        uint64_t count = tally->calls[i];
        if (count)
            ran->calls[ran->call_count++] = (struct ran_call){call ? call->name : "unknown", count,
                (double)tally->call_ticks[i] / running->setting->clock.ticks_per_ns,
                why_refused(&result->pool, tally, i)};
    }
    qsort(ran->calls, ran->call_count, sizeof *ran->calls, by_time);
    result->cells[arm].counters.exits = tally->exits;
    return 0;
}

static int tell_metrics(struct running *running, size_t index, struct error *error)
{
    struct result_cell *cell = &running->result->cells[index];
    const struct run_arm *arm = &running->arms[index];
    cell->metrics = calloc(METRICS, sizeof *cell->metrics);
    if (!cell->metrics)
        return error_set(error, ENOMEM, "no memory for what is measured");
    cell->metric_count = METRICS;
    for (int i = 0; i < METRICS; i++) {
        struct estimate estimate = statistics_difference(arm->values[i], arm->count);
        cell->metrics[i] = (struct result_metric){
            metrics[i].name, metrics[i].unit, estimate.median, estimate.low, estimate.high, NULL};
        if (!isfinite(estimate.median))
            cell->metrics[i].reason = arm->count ? "this kernel does not tell it" : "it was not run";
    }
    return 0;
}

static int tell_account(struct running *running, size_t index, struct error *error)
{
    struct run_arm *arm = &running->arms[index];
    struct result_cell *guest = &running->result->cells[index];
    struct run_priced priced;
    run_prices_tell(arm->prices, running->setting->clock.ticks_per_ns, &priced);
    return run_account_make(
        &arm->seen, &priced, guest->technique, &running->result->pool, &guest->ran.account, error);
}

static int tell_guest(struct running *running, size_t index, struct error *error)
{
    struct run_arm *arm = &running->arms[index];
    int rc = tell_calls(running, index, error);
    if (rc == 0 && arm->seen.pairs)
        rc = tell_account(running, index, error);
    if (rc == 0)
        run_seen_steady(&arm->seen, &running->result->cells[index].ran.steady);
    return rc;
}

/* ---- page walks ---- */

enum { SMALL_PAGE = 4096, LARGE_PAGE = 2 << 20 };

static bool has_pages(const struct running *running, size_t arm, uint64_t bytes)
{
    const struct run_arm *of = &running->arms[arm];
    return run_is_guest(of) && of->guest_page == bytes && of->host_page == bytes;
}

/* What of its pages, or its native arm's, are not those that were asked for. */
static bool is_as_asked(const struct running *running, size_t arm)
{
    const struct result_cell *cells = running->result->cells;
    return cells[arm].pages.as_asked && cells[running->arms[arm].native].pages.as_asked;
}

static void translate(struct running *running, size_t small, size_t large)
{
    struct run_seen *seen = &running->arms[small].seen;
    if (is_as_asked(running, small) && is_as_asked(running, large))
        run_seen_translate(seen, &running->arms[large].seen);
    else
        seen->translation.reason =
            "pages are not those that were asked for, with 4K/4K or 2M/2M, natively or in the guest";
}

/* Before any account is made. */
static void tell_translation(struct running *running)
{
    for (size_t small = 0; small < running->arm_count; small++)
        for (size_t large = 0; large < running->arm_count; large++)
            if (has_pages(running, small, SMALL_PAGE) && has_pages(running, large, LARGE_PAGE) &&
                running->arms[small].words == running->arms[large].words)
                translate(running, small, large);
}

int run_figures(struct running *running, struct error *error)
{
    struct result *result = running->result;
    int rc = 0;
    tell_translation(running);
    for (size_t i = 0; rc == 0 && i < running->arm_count; i++) {
        if (run_is_guest(&running->arms[i]))
            rc = tell_guest(running, i, error);
        if (rc == 0)
            rc = tell_metrics(running, i, error);
        if (rc == 0)
            rc = analyse_cell(&result->cells[i], running->plan->runs, result->incomplete_reason, error);
    }
    for (size_t i = 0; rc == 0 && i < running->arm_count; i++)
        if (run_is_guest(&running->arms[i]))
            rc = analyse_comparison(result, i, running->arms[i].native, true, error);
    return rc;
}
