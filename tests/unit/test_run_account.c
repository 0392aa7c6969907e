/* The account of `vcost run`: counts times prices, and what is left, each with its sign; what is not known is
 * none. Numbers are chosen so that every line differs. */
#include "experiment/run_account.h"

#include "cmocka_all.h"

#include <math.h>
#include <string.h>
#include <sys/syscall.h>

enum {
    PAIRS = 3,
    PROGRAMS = 2,
    CALLS = 10,
    YIELDS = 4, /* of these */
    NATIVE_YIELDS = 40,
    MEMORY = 4,
    FAULTS = 30,
    MONITOR_FAULTS = 50,
    EXITS = 25,
    DOMAIN_FAULTS = 5
};

static void assert_near(double one, double other, double within)
{
    assert_true(fabs(one - other) <= within);
}

/* Round by round, prices are by ten percent less, as told, and by ten percent more. */
static void fill_prices(struct run_priced *priced)
{
    *priced = (struct run_priced){
        .rates = {.domain_faults = DOMAIN_FAULTS, .exits_per_call = 2, .exits_per_answer = 1},
        .rounds = PAIRS};
    for (int i = 0; i < PRICES; i++) {
        priced->prices[i] = (struct price){1000 * (i + 1), 2000 * (i + 1), NULL};
        for (int round = 0; round < PAIRS; round++)
            priced->by_round[round][i] =
                (struct price){(900 + 100 * round) * (i + 1), (1800 + 200 * round) * (i + 1), NULL};
    }
}

static struct tally tally_of(void)
{
    struct tally tally = {.exits = EXITS, .interruptions = 3, .signals = 6, .forks = 0, .programs = PROGRAMS};
    tally.calls[0] = CALLS - YIELDS;
    tally.calls[SYS_sched_yield] = YIELDS;
    tally.exceptions[14] = 7;
    tally.host_faults = 1;
    tally.guest_faults = 9;
    tally.answered = 11;
    tally.looks = 17;
    tally.memory_calls = MEMORY;
    tally.memory_ns = 4000;
    tally.domains = tally.counted = PROGRAMS;
    tally.monitor_exits = 100;
    tally.monitor_faults = MONITOR_FAULTS;
    tally.monitor_pages = FAULTS + 2 + 48;
    return tally;
}

static double native_yields = NATIVE_YIELDS;

static void see(struct run_seen *seen, const struct tally *tally)
{
    struct error error;
    assert_int_equal(run_seen_open(seen, PAIRS, &error), 0);
    seen->native_yields = native_yields;
    for (int i = 0; i < PAIRS; i++) {
        const struct run_end ends[RUN_SIDES] = {
            [RUN_NATIVE] = {.seconds = 1, .cpu_seconds = 0.5, .kept_seconds = 0.1, .faults = FAULTS},
            [RUN_GUEST] = {.seconds = 1.5,
                .cpu_seconds = 0.7,
                .kept_seconds = 0.3,
                .faults = FAULTS + PROGRAMS * DOMAIN_FAULTS + 2}};
        run_seen_add(seen, ends, tally);
    }
}

static struct ran_account make(const struct tally *tally, struct pool *pool)
{
    struct run_priced priced;
    struct run_seen seen;
    struct ran_account account;
    struct error error;
    fill_prices(&priced);
    see(&seen, tally);
    assert_int_equal(run_account_make(&seen, &priced, TECHNIQUE_SHADOW, pool, &account, &error), 0);
    run_seen_close(&seen);
    return account;
}

static void check_line(const struct ran_account *account, enum ran_cause cause, double count, double cpu_ns)
{
    const struct ran_line *line = &account->lines[cause];
    assert_string_equal(line->name, ran_causes[cause].name);
    assert_near(line->count, count, 1e-9);
    assert_near(line->cpu_ns, cpu_ns, 1e-6);
    assert_null(line->reason);
}

static double price(enum run_price price)
{
    return 1000 * (price + 1);
}

static void lines_are_counts_times_prices(void **state)
{
    struct pool pool = {0};
    struct tally tally = tally_of();
    tally.forks = 3;
    tally.lent = 1;
    tally.fork_pages = 13;
    struct ran_account account = make(&tally, &pool);
    (void)state;
    check_line(&account, CAUSE_DOMAINS, PROGRAMS, PROGRAMS * price(PRICE_DOMAIN));
    check_line(&account, CAUSE_CALLS, CALLS, CALLS * price(PRICE_CALL));
    check_line(&account, CAUSE_LOOKS, 17, 17 * price(PRICE_LOOK));
    check_line(&account, CAUSE_YIELDS, NATIVE_YIELDS - YIELDS, (NATIVE_YIELDS - YIELDS) * price(PRICE_YIELD));
    check_line(&account, CAUSE_ANSWERED, 11, 11 * price(PRICE_ANSWER));
    check_line(&account, CAUSE_MEMORY, MEMORY, 4000);
    check_line(&account, CAUSE_GUEST_FAULTS, 8, 8 * price(PRICE_FAULT));
    check_line(&account, CAUSE_HANDLED_FAULTS, 9, 9 * price(PRICE_HANDLED_FAULT));
    check_line(&account, CAUSE_SIGNALS, 6, 6 * price(PRICE_SIGNAL));
    check_line(&account, CAUSE_FORKS, 2, 2 * price(PRICE_FORK));
    check_line(&account, CAUSE_FORK_PAGES, 13, 13 * price(PRICE_FORK_PAGE));
    check_line(&account, CAUSE_VFORKS, 1, price(PRICE_VFORK));
    check_line(&account, CAUSE_INTERRUPTIONS, 3, 3 * price(PRICE_CALL));
    check_line(&account, CAUSE_FRESH_PAGES, FAULTS + 2, (FAULTS + 2) * price(PRICE_FRESH_PAGE));
    check_line(&account, CAUSE_KNOWN_FAULTS, 18, 18 * price(PRICE_KNOWN_FAULT));
    check_line(&account, CAUSE_KNOWN_PAGES, 48, 48 * price(PRICE_KNOWN_PAGE));
    check_line(&account, CAUSE_PROCESS_FAULTS, 2, 2 * price(PRICE_PROCESS_FAULT));
    assert_near(account.lines[CAUSE_HOST_EXITS].count, 100 - EXITS - MONITOR_FAULTS - CALLS - 11, 1e-9);
    assert_non_null(account.lines[CAUSE_HOST_EXITS].reason);
    assert_true(isnan(account.lines[CAUSE_TRANSLATION].cpu_ns));
    pool_free(&pool);
}

static void yields_that_nobody_counts_natively_are_none_where_the_domain_has_none(void **state)
{
    struct pool pool = {0};
    struct tally tally = tally_of();
    (void)state;
    native_yields = NAN;
    struct ran_account unknown = make(&tally, &pool);
    tally.calls[SYS_sched_yield] = 0;
    struct ran_account none = make(&tally, &pool);
    native_yields = NATIVE_YIELDS;
    assert_true(isnan(unknown.lines[CAUSE_YIELDS].cpu_ns));
    assert_non_null(strstr(unknown.lines[CAUSE_YIELDS].reason, "CAP_PERFMON"));
    check_line(&none, CAUSE_YIELDS, 0, 0);
    pool_free(&pool);
}

static void what_is_left_has_its_sign(void **state)
{
    struct pool pool = {0};
    const struct tally tally = tally_of();
    struct ran_account account = make(&tally, &pool);
    double cpu = 0, wall = 0;
    (void)state;
    for (size_t i = 0; i < account.line_count; i++) {
        cpu += isnan(account.lines[i].cpu_ns) ? 0 : account.lines[i].cpu_ns;
        wall += isnan(account.lines[i].wall_ns) ? 0 : account.lines[i].wall_ns;
    }
    assert_near(account.cpu.difference_ns, 0.2e9, 1);
    assert_near(account.cpu.explained_ns, cpu, 1e-6);
    assert_near(account.cpu.unexplained_ns, 0.2e9 - cpu, 1);
    assert_near(account.wall.difference_ns, 0.5e9, 1);
    assert_near(account.wall.unexplained_ns, 0.5e9 - wall, 1);
    assert_near(account.lines[CAUSE_WAITING].wall_ns, 0.2e9, 1);
    assert_true(account.nested_low < account.nested_high && account.nested_low > 1);
    pool_free(&pool);
}

static void an_estimate_is_never_of_less_than_nothing(void **state)
{
    struct pool pool = {0};
    struct tally tally = tally_of();
    tally.calls[0] += 1000000;
    struct ran_account account = make(&tally, &pool);
    (void)state;
    assert_true(account.cpu.unexplained_ns < -0.5e9);
    assert_true(isnan(account.nested_low) && isnan(account.nested_high));
    pool_free(&pool);
}

static void what_was_not_counted_is_no_zero(void **state)
{
    struct pool pool = {0};
    struct tally tally = tally_of();
    tally.counted--;
    struct ran_account account = make(&tally, &pool);
    (void)state;
    assert_true(
        isnan(account.lines[CAUSE_FRESH_PAGES].cpu_ns) || isnan(account.lines[CAUSE_KNOWN_PAGES].cpu_ns));
    assert_true(isnan(account.lines[CAUSE_KNOWN_FAULTS].count));
    assert_true(isnan(account.lines[CAUSE_KNOWN_PAGES].count));
    assert_non_null(account.lines[CAUSE_KNOWN_PAGES].reason);
    assert_true(isfinite(account.cpu.unexplained_ns));
    pool_free(&pool);
}

static void wall_clock_of_threads_is_not_accounted_for(void **state)
{
    struct pool pool = {0};
    struct tally tally = tally_of();
    tally.threads = 1;
    struct ran_account account = make(&tally, &pool);
    (void)state;
    assert_true(isnan(account.wall.unexplained_ns));
    assert_non_null(account.wall.reason);
    pool_free(&pool);
}

/* What rounds say of a price goes through its line into what is explained, and into what is not. Of three
 * rounds the interval is Student's: 4.303 standard errors (2 degrees of freedom, 97.5 %). */
static void intervals_go_from_prices_to_what_is_left(void **state)
{
    struct pool pool = {0};
    const struct tally tally = tally_of();
    struct ran_account account = make(&tally, &pool);
    const struct ran_line *line = &account.lines[CAUSE_CALLS], *waiting = &account.lines[CAUSE_WAITING];
    const double half = 4.3027 * 0.1 / sqrt(3);
    double priced = account.cpu.explained_ns - account.lines[CAUSE_MEMORY].cpu_ns;
    (void)state;
    assert_near(line->price_cpu_low_ns, price(PRICE_CALL) * (1 - half), 1);
    assert_near(line->price_cpu_high_ns, price(PRICE_CALL) * (1 + half), 1);
    assert_near(line->cpu_low_ns, CALLS * price(PRICE_CALL) * (1 - half), 10);
    assert_near(line->wall_high_ns, 2 * CALLS * price(PRICE_CALL) * (1 + half), 20);
    assert_near(account.cpu.explained_low_ns, account.cpu.explained_ns - half * priced, 100);
    assert_near(account.cpu.explained_high_ns, account.cpu.explained_ns + half * priced, 100);
    assert_near(account.cpu.unexplained_low_ns, account.cpu.unexplained_ns - half * priced, 100);
    assert_near(account.cpu.unexplained_high_ns, account.cpu.unexplained_ns + half * priced, 100);
    assert_near(waiting->wall_low_ns, waiting->wall_ns, 1); /* all rounds waited alike */
    assert_true(isnan(account.lines[CAUSE_TRANSLATION].cpu_low_ns));
    pool_free(&pool);
}

/* A guest that takes so many milliseconds more in its steady state than the native run, in each pair. */
static void see_steady(struct run_seen *seen, const struct tally *tally, const double more_ms[static PAIRS])
{
    struct error error;
    assert_int_equal(run_seen_open(seen, PAIRS, &error), 0);
    for (int i = 0; i < PAIRS; i++) {
        struct run_end ends[RUN_SIDES] = {[RUN_NATIVE] = {.steady_seconds = 0.2 + i, .steady_cpu = 0.1 + i}};
        ends[RUN_GUEST].steady_seconds = ends[RUN_NATIVE].steady_seconds + more_ms[i] / 1e3;
        ends[RUN_GUEST].steady_cpu = ends[RUN_NATIVE].steady_cpu + more_ms[i] / 2e3;
        run_seen_add(seen, ends, tally);
    }
}

static void longer_walks_are_what_is_gone_with_large_pages(void **state)
{
    const double with_small[PAIRS] = {30, 31, 50}, with_large[PAIRS] = {10, 12, 29}; /* 20, 19, 21 are gone */
    const struct tally tally = tally_of();
    struct run_seen small, large;
    struct run_priced priced;
    struct ran_account account, without;
    struct pool pool = {0};
    struct error error;
    (void)state;
    fill_prices(&priced);
    see_steady(&small, &tally, with_small);
    see_steady(&large, &tally, with_large);
    run_seen_translate(&small, &large);
    assert_int_equal(run_account_make(&small, &priced, TECHNIQUE_NESTED, &pool, &account, &error), 0);
    const struct ran_line *line = &account.lines[CAUSE_TRANSLATION];
    assert_near(line->wall_ns, 20e6, 1);
    assert_near(line->cpu_ns, 10e6, 1);
    assert_true(line->wall_low_ns < line->wall_ns && line->wall_high_ns > line->wall_ns);
    assert_null(line->reason);
    assert_int_equal(run_account_make(&large, &priced, TECHNIQUE_NESTED, &pool, &without, &error), 0);
    assert_true(isnan(without.lines[CAUSE_TRANSLATION].cpu_ns));
    assert_near(account.cpu.explained_ns - without.cpu.explained_ns, 10e6, 1);
    run_seen_close(&small);
    run_seen_close(&large);
    pool_free(&pool);
}

static void without_a_steady_state_or_with_threads_longer_walks_are_not_told(void **state)
{
    const double more[PAIRS] = {1, 2, 3}, none[PAIRS] = {NAN, NAN, NAN};
    struct tally tally = tally_of();
    struct run_seen one, other;
    (void)state;
    see_steady(&one, &tally, none);
    see_steady(&other, &tally, more);
    run_seen_translate(&one, &other);
    assert_false(one.translation.known);
    assert_non_null(strstr(one.translation.reason, "VCOST_STEADY"));
    run_seen_close(&one);
    tally.threads = 1;
    see_steady(&one, &tally, more);
    run_seen_translate(&one, &other);
    assert_false(one.translation.known);
    assert_non_null(strstr(one.translation.reason, "threads"));
    run_seen_close(&one);
    run_seen_close(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_counts_times_prices),
        cmocka_unit_test(yields_that_nobody_counts_natively_are_none_where_the_domain_has_none),
        cmocka_unit_test(what_is_left_has_its_sign),
        cmocka_unit_test(an_estimate_is_never_of_less_than_nothing),
        cmocka_unit_test(what_was_not_counted_is_no_zero),
        cmocka_unit_test(intervals_go_from_prices_to_what_is_left),
        cmocka_unit_test(wall_clock_of_threads_is_not_accounted_for),
        cmocka_unit_test(longer_walks_are_what_is_gone_with_large_pages),
        cmocka_unit_test(without_a_steady_state_or_with_threads_longer_walks_are_not_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
