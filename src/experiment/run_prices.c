#include "experiment/run_prices.h"

#include "measure/statistics.h"
#include "program/call_count.h"
#include "program/unnamed.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum operation {
    NOTHING,
    CALL,
    LOOK,
    ANSWER,
    RETOUCH,
    TOUCH,
    SIGNAL,
    FAULT,
    FORK,
    FORK_LARGE,
    VFORK,
    THREAD,
    YIELD,
    SMALL,
    LATER,
    OPERATIONS
};

/* Names are those of guest/prices/prices.c. So many that each takes some 10 ms where an exit takes 30 us. */
static const struct {
    const char *name;
    unsigned count, batches;
} operations[OPERATIONS] = {
    [NOTHING] = {NULL, 1, 1},
    [CALL] = {"call", 50, 4},
    [LOOK] = {"look", 50, 4},
    [ANSWER] = {"answer", 1000, 4},
    [RETOUCH] = {"retouch", 512, 4}, /* as many as share a table of the monitor's */
    [TOUCH] = {"touch", 512, 4},
    /* The first ones of a process take a quarter more: they are one batch of four. */
    [SIGNAL] = {"signal", 50, 4},
    [FAULT] = {"fault", 50, 4},
    [FORK] = {"fork", 4, 4},
    [FORK_LARGE] = {"fork-large", 2, 4}, /* what that takes more than FORK, in the same process */
    [VFORK] = {"vfork", 8, 4},
    [THREAD] = {"thread", 4, 3},
    [YIELD] = {"yield", 2000, 4}, /* natively alone, where it takes less */
    /* Where the guest's kernel fills its tables: first touches without that, and with it. */
    [SMALL] = {"touch", 128, 3},
    [LATER] = {"touch", 128, 3},
};

enum { BATCHES_MOST = 4, VALUES_MOST = RUN_PRICES_ROUNDS * BATCHES_MOST };

/* Of one operation on one side: a value a batch, of one of them. */
struct timed {
    double wall[VALUES_MOST], cpu_ns[VALUES_MOST]; /* wall: ticks; of NOTHING nanoseconds */
    size_t count, ends[RUN_PRICES_ROUNDS];         /* ends: the count at the end of each round */
};

struct run_prices {
    struct guest_start *start;
    struct tally_memory memory;
    int executable;
    char path[32];
    struct timed timed[OPERATIONS][RUN_SIDES];
    /* In domains, all rounds; what the monitor counts is NAN where it is not told. */
    double calls[OPERATIONS], faults[OPERATIONS], exits[OPERATIONS], pages[OPERATIONS];
    double looks[OPERATIONS], fork_pages[OPERATIONS]; /* likewise */
    double process_faults[OPERATIONS][RUN_SIDES];     /* natively, too */
    unsigned rounds;
    char failed[OPERATIONS][160]; /* why there is none; "" */
};

int run_prices_open(struct guest_start *start, const struct tally_memory *memory, struct run_prices **out,
    struct error *error)
{
    struct run_prices *prices = calloc(1, sizeof *prices);
    if (!prices)
        return error_set(error, ENOMEM, "no memory for what operations cost");
    prices->start = start;
    prices->memory = *memory;
    int rc = unnamed_open(UNNAMED_PRICES, &prices->executable, error);
    if (rc < 0) {
        free(prices);
        return rc;
    }
    snprintf(prices->path, sizeof prices->path, "/proc/self/fd/%d", prices->executable);
    *out = prices;
    return 0;
}

void run_prices_close(struct run_prices *prices)
{
    if (prices)
        close(prices->executable);
    free(prices);
}

/* ---- running them ---- */

static void fail(struct run_prices *prices, enum operation operation, const char *what)
{
    if (!prices->failed[operation][0])
        snprintf(prices->failed[operation], sizeof prices->failed[operation], "%.159s", what);
}

static void keep_batches(struct run_prices *prices, enum operation operation, struct timed *timed, char *text)
{
    unsigned batches = 0;
    char *rest = NULL;
    for (char *line = strtok_r(text, "\n", &rest); line && batches < BATCHES_MOST;
         line = strtok_r(NULL, "\n", &rest)) {
        double wall, cpu, count = operations[operation].count;
        if (sscanf(line, "%lf %lf", &wall, &cpu) != 2 || timed->count == VALUES_MOST)
            break;
        timed->wall[timed->count] = wall / count;
        timed->cpu_ns[timed->count++] = cpu / count;
        batches++;
    }
    if (batches != operations[operation].batches)
        fail(prices, operation, "a program of known operations did not tell how long they took");
}

static void count(struct run_prices *prices, enum operation operation)
{
    const struct tally *tally = prices->start->tally;
    for (unsigned i = 0; i < TALLY_CALLS; i++)
        prices->calls[operation] += (double)tally->calls[i];
    prices->looks[operation] += (double)tally->looks;
    prices->fork_pages[operation] += (double)tally->fork_pages;
    bool told = tally->domains == tally->counted;
    prices->faults[operation] += told ? (double)tally->monitor_faults : NAN;
    prices->pages[operation] += told ? (double)tally->monitor_pages : NAN;
    prices->exits[operation] += told ? (double)tally->monitor_exits : NAN;
}

/* All but one are priced with tables that are filled ahead, as what fills them has a price of its own. */
static struct tally_memory memory_for(const struct run_prices *prices, enum operation operation)
{
    enum { SMALL_PAGE = 4096 };
    bool small = operation == SMALL || operation == LATER;
    return (struct tally_memory){
        .page_bytes = small ? SMALL_PAGE : prices->memory.page_bytes, .later = operation == LATER};
}

static int run_one(struct run_prices *prices, enum operation operation, enum run_side side,
    const struct conditions *conditions, const struct stop *stop, struct error *error)
{
    enum { DIGITS = 12, TEXT_BYTES = 1024, SECONDS = 20 };
    char numbers[2][DIGITS], text[TEXT_BYTES];
    snprintf(numbers[0], DIGITS, "%u", operations[operation].count);
    snprintf(numbers[1], DIGITS, "%u", operations[operation].batches);
    const char *own[] = {prices->path, operations[operation].name, numbers[0], numbers[1], NULL};
    const char **words = side == RUN_GUEST ? guest_start_words(prices->start, own) : own;
    const struct program program = {.words = words};
    const struct run_limits limits = {
        .seconds = SECONDS, .stop = stop, .kept = text, .kept_bytes = sizeof text - 1};
    struct timed *timed = &prices->timed[operation][side];
    struct run_end end;
    if (!words)
        return error_set(error, ENOMEM, "no memory for what operations cost");
    prices->start->tally->memory = memory_for(prices, operation);
    if (side == RUN_GUEST)
        guest_start_begin(prices->start);
    fcntl(prices->executable, F_SETFD, 0);
    int rc = program_run(&program, conditions, &limits, &end, error);
    fcntl(prices->executable, F_SETFD, FD_CLOEXEC);
    if (side == RUN_GUEST) {
        guest_start_end(prices->start);
        free(words);
    }
    if (rc < 0)
        return rc;
    text[end.kept_length] = '\0';
    prices->process_faults[operation][side] += (double)(end.faults + end.read_faults);
    if (end.status || end.timed_out) {
        fail(prices, operation,
            end.said[0] ? end.said : "a program of known operations did not end as it should");
    } else if (operation != NOTHING) {
        keep_batches(prices, operation, timed, text);
    } else if (timed->count < VALUES_MOST) {
        timed->wall[timed->count] = end.seconds * 1e9;
        timed->cpu_ns[timed->count++] = end.cpu_seconds * 1e9;
    }
    if (side == RUN_GUEST)
        count(prices, operation);
    return 0;
}

/* The kernel counts it as in the runs whose count it is for. */
static int run_yield(struct run_prices *prices, const struct conditions *conditions, const struct stop *stop,
    struct error *error)
{
    int counter = call_count_open("sched_yield");
    int rc = run_one(prices, YIELD, RUN_NATIVE, conditions, stop, error);
    call_count_close(counter);
    return rc;
}

int run_prices_sample(struct run_prices *prices, const struct conditions *conditions, const struct stop *stop,
    struct error *error)
{
    int rc = 0;
    if (prices->rounds == RUN_PRICES_ROUNDS)
        return 0;
    const int wanted = prices->memory.later ? OPERATIONS : SMALL;
    for (int i = 0; rc == 0 && i < RUN_SIDES * wanted; i++) {
        enum run_side side = (unsigned)i % RUN_SIDES ^ prices->rounds % 2;
        if (i / RUN_SIDES != YIELD)
            rc = run_one(prices, (enum operation)(i / RUN_SIDES), side, conditions, stop, error);
    }
    if (rc == 0)
        rc = run_yield(prices, conditions, stop, error);
    if (rc == 0) {
        for (int i = 0; i < RUN_SIDES * OPERATIONS; i++) {
            struct timed *timed = &prices->timed[i / RUN_SIDES][i % RUN_SIDES];
            timed->ends[prices->rounds] = timed->count;
        }
        prices->rounds++;
    }
    return rc;
}

/* ---- what they tell ---- */

static double median(const double *values, size_t count)
{
    double sorted[VALUES_MOST];
    memcpy(sorted, values, count * sizeof *values);
    return statistics_median(sorted, count);
}

/* Of which batches prices are made: those of one round, or of all. */
enum { ALL_ROUNDS = -1 };

static struct price of_side(
    const struct run_prices *prices, enum operation operation, enum run_side side, int round, double per_ns)
{
    const struct timed *timed = &prices->timed[operation][side];
    size_t from = round > 0 ? timed->ends[round - 1] : 0,
           count = (round == ALL_ROUNDS ? timed->count : timed->ends[round]) - from;
    return (struct price){.cpu_ns = median(timed->cpu_ns + from, count),
        .wall_ns = median(timed->wall + from, count) / (operation == NOTHING ? 1 : per_ns)};
}

static struct price less(struct price a, struct price b, double times)
{
    return (struct price){.cpu_ns = a.cpu_ns - times * b.cpu_ns, .wall_ns = a.wall_ns - times * b.wall_ns};
}

static double each(const struct run_prices *prices, const double *counted, enum operation operation)
{
    double made = (double)prices->rounds * operations[operation].count * operations[operation].batches;
    return (counted[operation] - counted[NOTHING]) / made;
}

static struct price less_pages(
    struct price price, const struct price told[static PRICES], double faults, double pages)
{
    return less(less(price, told[PRICE_KNOWN_FAULT], faults), told[PRICE_KNOWN_PAGE], pages);
}

/* A fault that brings one page, and one that brings several: two equations. Where the monitor brings none
 * but what was asked for they are one, and a page costs nothing besides its fault. */
static void solve_known(const struct run_prices *prices, const struct price more[static OPERATIONS],
    struct price told[static PRICES])
{
    const double least = 1.5;
    double faults = each(prices, prices->faults, RETOUCH),
           pages = each(prices, prices->pages, RETOUCH) / faults;
    struct price fault = {more[RETOUCH].cpu_ns / faults, more[RETOUCH].wall_ns / faults, NULL},
                 page = {0, 0, NULL};
    if (pages > least)
        page = (struct price){(fault.cpu_ns - more[TOUCH].cpu_ns) / (pages - 1),
            (fault.wall_ns - more[TOUCH].wall_ns) / (pages - 1), NULL};
    told[PRICE_KNOWN_FAULT] = less(fault, page, pages > least ? pages : 0);
    told[PRICE_KNOWN_PAGE] = page;
}

/* A look is what a call with one takes more, and in all others (but a difference of two) a part. */
static struct price solve_looks(const struct run_prices *prices, struct price more[static OPERATIONS])
{
    const struct price look = less(more[LOOK], more[CALL], 1);
    for (int i = 0; i < OPERATIONS; i++)
        if (i != LOOK && i != FORK_LARGE)
            more[i] = less(more[i], look,
                i == NOTHING ? prices->looks[i] / prices->rounds
                             : each(prices, prices->looks, (enum operation)i));
    return look;
}

/* The pages of one that is small are a part of its price. */
static void solve_fork_pages(const struct run_prices *prices, const struct price more[static OPERATIONS],
    struct price told[static PRICES])
{
    const double small = each(prices, prices->fork_pages, FORK),
                 pages = each(prices, prices->fork_pages, FORK_LARGE) - 2 * small; /* one of each */
    told[PRICE_FORK_PAGE] =
        (struct price){more[FORK_LARGE].cpu_ns / pages, more[FORK_LARGE].wall_ns / pages, NULL};
    told[PRICE_FORK] = less(told[PRICE_FORK], told[PRICE_FORK_PAGE], small);
}

/* What is a part of an operation and has a price of its own is taken off: an equation each, in this order. */
static void solve(
    const struct run_prices *prices, int round, double ticks_per_ns, struct price told[static PRICES])
{
    struct price native[OPERATIONS], more[OPERATIONS];
    for (int i = 0; i < OPERATIONS; i++) {
        native[i] = of_side(prices, (enum operation)i, RUN_NATIVE, round, ticks_per_ns);
        more[i] = less(of_side(prices, (enum operation)i, RUN_GUEST, round, ticks_per_ns), native[i], 1);
    }
    struct price call = more[CALL];
    told[PRICE_CALL] = call;
    told[PRICE_LOOK] = solve_looks(prices, more);
    told[PRICE_YIELD] = less((struct price){0, 0, NULL}, native[YIELD], 1);
    told[PRICE_ANSWER] = more[ANSWER];
    told[PRICE_FRESH_PAGE] = more[TOUCH];
    solve_known(prices, more, told);
    told[PRICE_PROCESS_FAULT] = less(native[TOUCH], native[RETOUCH], 1);
    told[PRICE_HANDLED_FAULT] = less(more[LATER], more[SMALL], 1);
    told[PRICE_SIGNAL] = less(more[SIGNAL], call, 2); /* kill, rt_sigreturn */
    told[PRICE_FAULT] = less(less(more[FAULT], told[PRICE_SIGNAL], 1), call, 1);
    told[PRICE_FORK] = less_pages(less(more[FORK], call, 3), told, each(prices, prices->faults, FORK),
        each(prices, prices->pages, FORK));
    solve_fork_pages(prices, more, told);
    told[PRICE_VFORK] = less(more[VFORK], call, 3);
    told[PRICE_THREAD] = less(more[THREAD], call, each(prices, prices->calls, THREAD));
    told[PRICE_DOMAIN] = less_pages(less(more[NOTHING], call, prices->calls[NOTHING] / prices->rounds), told,
        prices->faults[NOTHING] / prices->rounds, prices->pages[NOTHING] / prices->rounds);
}

static void give_reasons(const struct run_prices *prices, struct price told[static PRICES])
{
    static const enum operation from[PRICES] = {[PRICE_DOMAIN] = NOTHING,
        [PRICE_CALL] = CALL,
        [PRICE_LOOK] = LOOK,
        [PRICE_YIELD] = YIELD,
        [PRICE_ANSWER] = ANSWER,
        [PRICE_FRESH_PAGE] = TOUCH,
        [PRICE_KNOWN_FAULT] = RETOUCH,
        [PRICE_KNOWN_PAGE] = RETOUCH,
        [PRICE_PROCESS_FAULT] = TOUCH,
        [PRICE_HANDLED_FAULT] = LATER,
        [PRICE_SIGNAL] = SIGNAL,
        [PRICE_FAULT] = FAULT,
        [PRICE_FORK] = FORK,
        [PRICE_FORK_PAGE] = FORK_LARGE,
        [PRICE_VFORK] = VFORK,
        [PRICE_THREAD] = THREAD};
    for (int i = 0; i < PRICES; i++) {
        bool known = isfinite(told[i].cpu_ns) && isfinite(told[i].wall_ns);
        const char *failed = prices->failed[from[i]];
        told[i].reason = known ? NULL : failed[0] ? failed : "the monitor does not count its page faults";
        if (!known)
            told[i].cpu_ns = told[i].wall_ns = NAN;
    }
}

/* Page faults on the host, all rounds. */
static double more_faults(const struct run_prices *prices, enum operation operation)
{
    const double *faults = prices->process_faults[operation];
    return faults[RUN_GUEST] - faults[RUN_NATIVE];
}

static double more_faults_each(const struct run_prices *prices, enum operation operation)
{
    double made = (double)prices->rounds * operations[operation].count * operations[operation].batches;
    return (more_faults(prices, operation) - more_faults(prices, NOTHING)) / made;
}

void run_prices_tell(const struct run_prices *prices, double ticks_per_ns, struct run_priced *priced)
{
    *priced = (struct run_priced){.rounds = prices->rounds};
    solve(prices, ALL_ROUNDS, ticks_per_ns, priced->prices);
    give_reasons(prices, priced->prices);
    for (unsigned i = 0; i < prices->rounds; i++) {
        solve(prices, (int)i, ticks_per_ns, priced->by_round[i]);
        give_reasons(prices, priced->by_round[i]);
    }
    priced->rates = (struct run_rates){.domain_faults = more_faults(prices, NOTHING) / prices->rounds,
        .fork_faults = more_faults_each(prices, FORK),
        .vfork_faults = more_faults_each(prices, VFORK),
        .thread_faults = more_faults_each(prices, THREAD),
        .exits_per_call = round(each(prices, prices->exits, CALL)), /* what is beyond were interrupts */
        .exits_per_answer = round(each(prices, prices->exits, ANSWER))};
}
