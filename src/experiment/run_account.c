#include "experiment/run_account.h"

#include "measure/statistics.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

/* ---- counting ---- */

static double sum(const _Atomic uint64_t *counters, size_t count)
{
    double all = 0;
    for (size_t i = 0; i < count; i++)
        all += (double)counters[i];
    return all;
}

/* A thread that waits for something, or for a while, yields as often as it can meanwhile: natively more
 * often. Where it does not in the domain nobody needs to know. */
static double native_yields(const struct run_seen *seen, const struct tally *tally)
{
    double guest = (double)tally->calls[SYS_sched_yield];
    return guest > 0 ? seen->native_yields - guest : 0;
}

static void count(struct run_seen *seen, const struct tally *tally)
{
    bool told = tally->domains == tally->counted;
    const double counts[CAUSES] = {
        [CAUSE_DOMAINS] = (double)tally->programs,
        [CAUSE_CALLS] = sum(tally->calls, TALLY_CALLS),
        [CAUSE_LOOKS] = (double)tally->looks,
        [CAUSE_YIELDS] = native_yields(seen, tally),
        [CAUSE_ANSWERED] = (double)tally->answered,
        [CAUSE_MEMORY] = (double)tally->memory_calls,
        [CAUSE_GUEST_FAULTS] = sum(tally->exceptions, TALLY_EXCEPTIONS) + (double)tally->host_faults,
        [CAUSE_HANDLED_FAULTS] = (double)tally->guest_faults,
        [CAUSE_SIGNALS] = (double)tally->signals,
        [CAUSE_INTERRUPTIONS] = (double)tally->interruptions,
        [CAUSE_FORKS] = (double)(tally->forks - tally->lent),
        [CAUSE_FORK_PAGES] = (double)tally->fork_pages,
        [CAUSE_VFORKS] = (double)tally->lent,
        [CAUSE_THREADS] = (double)tally->threads,
    };
    for (int i = 0; i < CAUSES; i++)
        seen->counts[i] += counts[i];
    seen->monitor_faults += told ? (double)tally->monitor_faults : NAN;
    seen->monitor_pages += told ? (double)tally->monitor_pages : NAN;
    seen->monitor_exits += told ? (double)tally->monitor_exits : NAN;
    seen->exits += (double)tally->exits;
}

int run_seen_open(struct run_seen *seen, size_t pairs, struct error *error)
{
    enum { ARRAYS = 9 };
    double *all = calloc(ARRAYS * pairs, sizeof *all);
    if (!all)
        return error_set(error, ENOMEM, "no memory for what is measured");
    *seen = (struct run_seen){.room = pairs,
        .every = run_prices_every(pairs),
        .more_cpu_ns = all,
        .more_wall_ns = all + pairs,
        .native_cpu_ns = all + 2 * pairs,
        .memory_ns = all + 3 * pairs,
        .more_kept_ns = all + 4 * pairs,
        .steady_ns = {all + 5 * pairs, all + 6 * pairs},
        .steady_cpu_ns = {all + 7 * pairs, all + 8 * pairs}};
    return 0;
}

void run_seen_close(struct run_seen *seen)
{
    free(seen->more_cpu_ns);
}

void run_seen_add(
    struct run_seen *seen, const struct run_end ends[static RUN_SIDES], const struct tally *tally)
{
    const struct run_end *native = &ends[RUN_NATIVE], *guest = &ends[RUN_GUEST];
    size_t pair = seen->pairs;
    if (pair == seen->room)
        return;
    seen->pairs++;
    seen->more_cpu_ns[pair] = (guest->cpu_seconds - native->cpu_seconds) * 1e9;
    seen->more_wall_ns[pair] = (guest->seconds - native->seconds) * 1e9;
    seen->native_cpu_ns[pair] = native->cpu_seconds * 1e9;
    seen->memory_ns[pair] = (double)tally->memory_ns;
    seen->more_kept_ns[pair] = (guest->kept_seconds - native->kept_seconds) * 1e9;
    for (int side = 0; side < RUN_SIDES; side++) {
        seen->faults[side] += (double)(ends[side].faults + ends[side].read_faults);
        seen->steady_ns[side][pair] = ends[side].steady_seconds * 1e9;
        seen->steady_cpu_ns[side][pair] = ends[side].steady_cpu * 1e9;
    }
    count(seen, tally);
}

/* A page that is new to the host's process, too, is a fault there. Those that it has for its domain alone are
 * in the domain's price. */
static void count_faults(struct run_seen *seen, const struct run_rates *rates)
{
    double *counts = seen->counts;
    double priced = rates->domain_faults * counts[CAUSE_DOMAINS] + rates->fork_faults * counts[CAUSE_FORKS] +
                    rates->vfork_faults * counts[CAUSE_VFORKS] + rates->thread_faults * counts[CAUSE_THREADS],
           of_program = fmax(seen->faults[RUN_GUEST] - priced, 0),
           of_calls = (rates->exits_per_call - 1) * counts[CAUSE_CALLS] +
                      rates->exits_per_answer * counts[CAUSE_ANSWERED];
    counts[CAUSE_FRESH_PAGES] = seen->monitor_faults > of_program ? of_program : seen->monitor_faults;
    counts[CAUSE_KNOWN_FAULTS] = seen->monitor_faults - counts[CAUSE_FRESH_PAGES];
    counts[CAUSE_KNOWN_PAGES] = seen->monitor_pages - counts[CAUSE_FRESH_PAGES];
    if (counts[CAUSE_KNOWN_PAGES] < counts[CAUSE_KNOWN_FAULTS]) /* it has given pages back since */
        counts[CAUSE_KNOWN_PAGES] = counts[CAUSE_KNOWN_FAULTS];
    counts[CAUSE_PROCESS_FAULTS] = seen->faults[RUN_GUEST] - priced - seen->faults[RUN_NATIVE];
    counts[CAUSE_HOST_EXITS] = seen->monitor_exits - seen->exits - seen->monitor_faults - of_calls;
    if (counts[CAUSE_HOST_EXITS] < 0) /* not told apart */
        counts[CAUSE_HOST_EXITS] = NAN;
    counts[CAUSE_TRANSLATION] = NAN;
}

/* ---- lines ---- */

static const char not_counted[] =
    "some of its processes were killed before the monitor's counters could be read";

static const char yields_not_counted[] =
    "the kernel counts native calls of sched_yield for those alone who have CAP_PERFMON and tracefs";

/* Priced by what was measured apart; those of the others are said below. */
static const struct {
    bool priced;
    enum run_price price;
    const char *reason;
} bases[CAUSES] = {
    [CAUSE_DOMAINS] = {true, PRICE_DOMAIN, NULL},
    [CAUSE_CALLS] = {true, PRICE_CALL, NULL},
    [CAUSE_LOOKS] = {true, PRICE_LOOK, NULL},
    [CAUSE_YIELDS] = {true, PRICE_YIELD, NULL},
    [CAUSE_ANSWERED] = {true, PRICE_ANSWER, NULL},
    [CAUSE_MEMORY] = {false, PRICES, NULL},
    [CAUSE_GUEST_FAULTS] = {true, PRICE_FAULT, NULL},
    [CAUSE_HANDLED_FAULTS] = {true, PRICE_HANDLED_FAULT, NULL},
    [CAUSE_FRESH_PAGES] = {true, PRICE_FRESH_PAGE, NULL},
    [CAUSE_KNOWN_FAULTS] = {true, PRICE_KNOWN_FAULT, NULL},
    [CAUSE_KNOWN_PAGES] = {true, PRICE_KNOWN_PAGE, NULL},
    [CAUSE_PROCESS_FAULTS] = {true, PRICE_PROCESS_FAULT, NULL},
    [CAUSE_SIGNALS] = {true, PRICE_SIGNAL, NULL},
    [CAUSE_INTERRUPTIONS] = {true, PRICE_CALL, NULL}, /* out and in again, like a call */
    [CAUSE_FORKS] = {true, PRICE_FORK, NULL},
    [CAUSE_FORK_PAGES] = {true, PRICE_FORK_PAGE, NULL},
    [CAUSE_VFORKS] = {true, PRICE_VFORK, NULL},
    [CAUSE_THREADS] = {true, PRICE_THREAD, NULL},
    [CAUSE_HOST_EXITS] = {false, PRICES, "an exit that the host's kernel deals with has no price here"},
    [CAUSE_WAITING] = {false, PRICES, NULL},
    [CAUSE_TRANSLATION] = {false, PRICES,
        "it takes a program that marks a steady state, and runs with --guest-page 4K,2M --host-page 4K,2M"},
};

/* The pairs of runs that a price is for: all, or those that followed on one round. */
struct span {
    size_t from, count;
};

static struct span span_of_round(const struct run_seen *seen, size_t round)
{
    size_t from = round * seen->every, left = seen->pairs - from;
    return (struct span){from, left < seen->every ? left : seen->every};
}

/* Sorted within the span: which values are in it stays. */
static double median_in(double *values, struct span span)
{
    return statistics_median(values + span.from, span.count);
}

static struct price price_of(enum ran_cause cause, struct run_seen *seen, struct span span,
    const struct price prices[static PRICES], enum technique technique)
{
    if (cause == CAUSE_YIELDS && !isfinite(seen->counts[cause]))
        return (struct price){NAN, NAN, yields_not_counted};
    if (bases[cause].priced)
        return prices[bases[cause].price];
    if (cause == CAUSE_MEMORY) { /* measured where it happened: its time is the thread's own */
        double own = median_in(seen->memory_ns, span) / (seen->counts[CAUSE_MEMORY] / (double)seen->pairs);
        return (struct price){own, own, NULL};
    }
    if (cause == CAUSE_TRANSLATION && seen->translation.reason)
        return (struct price){NAN, NAN, seen->translation.reason};
    if (cause == CAUSE_TRANSLATION && technique == TECHNIQUE_SHADOW)
        return (struct price){NAN, NAN, "shadow paging makes no page walk longer than natively"};
    return (struct price){NAN, NAN, bases[cause].reason};
}

static const struct ran_line no_line = {.count = NAN,
    .price_cpu_ns = NAN,
    .price_wall_ns = NAN,
    .cpu_ns = NAN,
    .wall_ns = NAN,
    .price_cpu_low_ns = NAN,
    .price_cpu_high_ns = NAN,
    .cpu_low_ns = NAN,
    .cpu_high_ns = NAN,
    .wall_low_ns = NAN,
    .wall_high_ns = NAN};

/* Nothing is counted of it: its time is the scheduler's own figure. */
static struct ran_line line_of_waiting(struct run_seen *seen)
{
    struct ran_line line = no_line;
    line.name = ran_causes[CAUSE_WAITING].name;
    line.cpu_ns = 0;
    line.wall_ns = median_in(seen->more_kept_ns, (struct span){0, seen->pairs});
    if (!isfinite(line.wall_ns))
        line.reason = "this kernel does not tell it (CONFIG_SCHED_INFO)";
    return line;
}

/* Nor of this: it is what was gone in other runs (run_translation.c). */
static struct ran_line line_of_translation(const struct run_translation *found)
{
    struct ran_line line = no_line;
    line.name = ran_causes[CAUSE_TRANSLATION].name;
    line.cpu_ns = found->cpu.median;
    line.cpu_low_ns = found->cpu.low;
    line.cpu_high_ns = found->cpu.high;
    line.wall_ns = found->wall.median;
    line.wall_low_ns = found->wall.low;
    line.wall_high_ns = found->wall.high;
    return line;
}

static struct ran_line line_of(enum ran_cause cause, double count, const struct price *price)
{
    struct ran_line line = no_line;
    line.name = ran_causes[cause].name;
    line.count = count;
    line.price_cpu_ns = price->cpu_ns;
    line.price_wall_ns = price->wall_ns;
    line.cpu_ns = count == 0 ? 0 : count * price->cpu_ns;
    line.wall_ns = count == 0 ? 0 : count * price->wall_ns;
    if (!isfinite(line.cpu_ns) || !isfinite(line.wall_ns))
        line.reason = price->reason ? price->reason : not_counted;
    return line;
}

/* ---- how sure it is ----
 *
 * Each round of prices, with the runs that follow on it, makes the account once more; what lies between
 * rounds is the interval. Prices that are parts of others (a signal's system calls) move with them. */

struct by_rounds {
    size_t count;
    struct price prices[CAUSES][RUN_PRICES_ROUNDS];
    double waiting_ns[RUN_PRICES_ROUNDS], more_cpu_ns[RUN_PRICES_ROUNDS], more_wall_ns[RUN_PRICES_ROUNDS];
};

/* Before anything sorts what was seen. */
static void look_by_rounds(
    struct run_seen *seen, const struct run_priced *priced, enum technique technique, struct by_rounds *by)
{
    by->count = (seen->pairs + seen->every - 1) / seen->every;
    if (by->count > priced->rounds)
        by->count = priced->rounds;
    for (size_t round = 0; round < by->count; round++) {
        struct span span = span_of_round(seen, round);
        by->waiting_ns[round] = median_in(seen->more_kept_ns, span);
        by->more_cpu_ns[round] = median_in(seen->more_cpu_ns, span);
        by->more_wall_ns[round] = median_in(seen->more_wall_ns, span);
        for (int i = 0; i < CAUSES; i++)
            by->prices[i][round] =
                price_of((enum ran_cause)i, seen, span, priced->by_round[round], technique);
    }
}

/* Of values one a round, widened to hold what is told of all together. */
static void set_interval(const double *values, size_t count, double told, double *low, double *high)
{
    double sorted[RUN_PRICES_ROUNDS];
    memcpy(sorted, values, count * sizeof *values);
    struct estimate estimate = statistics_difference(sorted, count);
    bool known = isfinite(estimate.low) && isfinite(estimate.high);
    *low = known ? fmin(estimate.low, told) : NAN;
    *high = known ? fmax(estimate.high, told) : NAN;
}

static void set_line_intervals(const struct by_rounds *by, enum ran_cause cause, struct ran_line *line)
{
    double cpu[RUN_PRICES_ROUNDS], wall[RUN_PRICES_ROUNDS];
    if (cause == CAUSE_WAITING)
        set_interval(by->waiting_ns, by->count, line->wall_ns, &line->wall_low_ns, &line->wall_high_ns);
    if (line->count == 0 || !isfinite(line->cpu_ns) || cause == CAUSE_WAITING || cause == CAUSE_TRANSLATION)
        return;
    for (size_t i = 0; i < by->count; i++) {
        cpu[i] = by->prices[cause][i].cpu_ns;
        wall[i] = by->prices[cause][i].wall_ns;
    }
    set_interval(cpu, by->count, line->price_cpu_ns, &line->price_cpu_low_ns, &line->price_cpu_high_ns);
    for (size_t i = 0; i < by->count; i++) {
        cpu[i] *= line->count;
        wall[i] *= line->count;
    }
    set_interval(cpu, by->count, line->cpu_ns, &line->cpu_low_ns, &line->cpu_high_ns);
    set_interval(wall, by->count, line->wall_ns, &line->wall_low_ns, &line->wall_high_ns);
}

/* What the lines that are known come to in a round, in which a price that was not obtained is that of all. */
static void explain_round(
    const struct by_rounds *by, size_t round, const struct ran_line *lines, double *cpu, double *wall)
{
    *cpu = *wall = 0;
    for (int i = 0; i < CAUSES; i++) {
        const struct price *price = &by->prices[i][round];
        double of_cpu = lines[i].count * price->cpu_ns, of_wall = lines[i].count * price->wall_ns;
        if (i == CAUSE_WAITING)
            of_wall = by->waiting_ns[round];
        of_cpu = isfinite(of_cpu) ? of_cpu : lines[i].cpu_ns;
        of_wall = isfinite(of_wall) ? of_wall : lines[i].wall_ns;
        *cpu += isfinite(of_cpu) ? of_cpu : 0;
        *wall += isfinite(of_wall) ? of_wall : 0;
    }
}

static void set_sum_intervals(
    const struct by_rounds *by, const struct ran_line *lines, struct ran_sum *cpu, struct ran_sum *wall)
{
    struct {
        double cpu[RUN_PRICES_ROUNDS], wall[RUN_PRICES_ROUNDS];
    } explained, left;
    for (size_t i = 0; i < by->count; i++) {
        explain_round(by, i, lines, &explained.cpu[i], &explained.wall[i]);
        left.cpu[i] = by->more_cpu_ns[i] - explained.cpu[i];
        left.wall[i] = by->more_wall_ns[i] - explained.wall[i];
    }
    set_interval(
        explained.cpu, by->count, cpu->explained_ns, &cpu->explained_low_ns, &cpu->explained_high_ns);
    set_interval(
        explained.wall, by->count, wall->explained_ns, &wall->explained_low_ns, &wall->explained_high_ns);
    set_interval(
        left.cpu, by->count, cpu->unexplained_ns, &cpu->unexplained_low_ns, &cpu->unexplained_high_ns);
    set_interval(
        left.wall, by->count, wall->unexplained_ns, &wall->unexplained_low_ns, &wall->unexplained_high_ns);
}

/* ---- sums ---- */

static struct ran_sum no_sum(const char *reason)
{
    return (struct ran_sum){NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, reason};
}

static struct ran_sum sum_of(double *more, size_t pairs, double explained)
{
    struct estimate found = statistics_difference(more, pairs);
    struct ran_sum made = no_sum(isfinite(found.median) ? NULL : "it was not run");
    if (!made.reason) {
        made.difference_ns = found.median;
        made.low_ns = found.low;
        made.high_ns = found.high;
        made.explained_ns = explained;
        made.unexplained_ns = found.median - explained;
    }
    return made;
}

int run_account_make(struct run_seen *seen, const struct run_priced *priced, enum technique technique,
    struct pool *pool, struct ran_account *account, struct error *error)
{
    double cpu = 0, wall = 0, kept = 0;
    struct by_rounds by;
    struct ran_line *lines = pool_room(pool, CAUSES, sizeof *lines);
    if (!lines)
        return error_set(error, ENOMEM, "no memory for what is measured");
    count_faults(seen, &priced->rates);
    look_by_rounds(seen, priced, technique, &by);
    for (int i = 0; i < CAUSES; i++) {
        const struct price price =
            price_of((enum ran_cause)i, seen, (struct span){0, seen->pairs}, priced->prices, technique);
        bool translated = i == CAUSE_TRANSLATION && seen->translation.known;
        lines[i] = i == CAUSE_WAITING ? line_of_waiting(seen)
                   : translated       ? line_of_translation(&seen->translation)
                                : line_of((enum ran_cause)i, seen->counts[i] / (double)seen->pairs, &price);
        set_line_intervals(&by, (enum ran_cause)i, &lines[i]);
        if (lines[i].reason)
            lines[i].reason = pool_text(pool, lines[i].reason);
        cpu += isfinite(lines[i].cpu_ns) ? lines[i].cpu_ns : 0;
        wall += isfinite(lines[i].wall_ns) ? lines[i].wall_ns : 0;
        kept += isfinite(lines[i].cpu_ns) && !ran_causes[i].in_kernel ? lines[i].cpu_ns : 0;
    }
    *account = (struct ran_account){.known = true,
        .lines = lines,
        .line_count = CAUSES,
        .cpu = sum_of(seen->more_cpu_ns, seen->pairs, cpu),
        .wall = sum_of(seen->more_wall_ns, seen->pairs, wall)};
    set_sum_intervals(&by, lines, &account->cpu, &account->wall);
    if (seen->counts[CAUSE_THREADS] > 0 || seen->counts[CAUSE_FORKS] > 0 || seen->counts[CAUSE_VFORKS] > 0)
        account->wall = no_sum(
            "its threads or processes may have run side by side: CPU time tells what all of them took");
    double native = statistics_median(seen->native_cpu_ns, seen->pairs), without = (native + kept) / native,
           with = without + account->cpu.unexplained_ns / native;
    bool sensible = with > 0; /* prices that explain more than there is say nothing of what would be */
    account->nested_low = sensible ? fmin(without, with) : NAN;
    account->nested_high = sensible ? fmax(without, with) : NAN;
    return 0;
}

/* ---- the steady state ---- */

void run_seen_steady(struct run_seen *seen, struct ran_steady *steady)
{
    double *native = seen->steady_ns[RUN_NATIVE], *guest = seen->steady_ns[RUN_GUEST];
    double *ratios = seen->more_kept_ns; /* which nobody needs any more */
    for (size_t i = 0; i < seen->pairs; i++)
        ratios[i] = guest[i] / native[i];
    for (size_t i = 0; i < seen->pairs; i++)
        if (!isfinite(ratios[i]))
            return;
    struct estimate ratio = statistics_estimate(ratios, seen->pairs);
    *steady = (struct ran_steady){seen->pairs > 0, statistics_median(native, seen->pairs),
        statistics_median(guest, seen->pairs), ratio.median, ratio.low, ratio.high};
}
