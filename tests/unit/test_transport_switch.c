/* The choice between sleeping and spinning (monitor/deprivileged/transport_switch.h) on hand-overs that were
 * recorded (tests/fixtures/transport) and on made-up ones. Both fixed modes and the switch are given the same
 * time; what counts is how many hand-overs are done in it. */
#include "cmocka_all.h"

#include "monitor/deprivileged/transport_switch.h"

#include <stdio.h>
#include <stdlib.h>

enum { SLEEP, SPIN, MODES };
enum { QUIET, HALF, LOADED, STATES };
enum { RUNS_MAX = 1024, SECONDS = 8 };
#define NS_PER_SECOND 1e9

/* Latencies one behind the other, over and over again. */
struct sequence {
    unsigned count;
    struct {
        uint64_t ns;
        unsigned times;
    } runs[RUNS_MAX];
};

static struct sequence recorded[STATES][MODES];

static void read_sequence(struct sequence *sequence, const char *mode, const char *state)
{
    char path[512];
    const char *root = getenv("VCOST_SOURCE_ROOT");
    snprintf(path, sizeof path, "%s/tests/fixtures/transport/%s-%s", root ? root : ".", mode, state);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    unsigned long long ns;
    while (fscanf(file, "%llu", &ns) == 1) {
        unsigned times = 1;
        assert_true(sequence->count < RUNS_MAX);
        if (fscanf(file, "*%u", &times) != 1)
            times = 1;
        sequence->runs[sequence->count].ns = ns;
        sequence->runs[sequence->count++].times = times;
    }
    fclose(file);
    assert_true(sequence->count > 10);
}

static int read_all(void **state)
{
    static const char *const modes[] = {"sleep", "spin"}, *const states[] = {"quiet", "half", "loaded"};
    (void)state;
    for (unsigned i = 0; i < STATES; i++)
        for (unsigned mode = 0; mode < MODES; mode++)
            read_sequence(&recorded[i][mode], modes[mode], states[i]);
    return 0;
}

struct place {
    unsigned run, done;
};

/* A host that goes from one state to the other and back every so often. */
struct world {
    const struct sequence *sequences[2][MODES];
    double period_ns; /* 0: it stays in the first */
    double now_ns;
    struct place places[2][MODES];
};

static uint64_t hand_over(struct world *world, unsigned mode)
{
    const unsigned state = world->period_ns > 0 && (uint64_t)(world->now_ns / world->period_ns) % 2;
    const struct sequence *sequence = world->sequences[state][mode];
    struct place *place = &world->places[state][mode];
    const uint64_t ns = sequence->runs[place->run].ns;
    if (++place->done >= sequence->runs[place->run].times)
        *place = (struct place){.run = (place->run + 1) % sequence->count};
    world->now_ns += (double)ns;
    return ns;
}

static double done_by_fixed(struct world world, unsigned mode)
{
    double count = 0;
    for (; world.now_ns < SECONDS * NS_PER_SECOND; count++)
        hand_over(&world, mode);
    return count;
}

struct outcome {
    double count;
    unsigned changes; /* of the mode in use */
};

static struct outcome done_by_switch(struct world world, unsigned first)
{
    struct outcome outcome = {0};
    struct transport_switch state;
    transport_switch_init(&state, first);
    for (unsigned mode = first, in_use = first; world.now_ns < SECONDS * NS_PER_SECOND; outcome.count++) {
        mode = transport_switch_next(&state, hand_over(&world, mode), 1);
        outcome.changes += state.mode != in_use;
        in_use = state.mode;
    }
    return outcome;
}

/* At most a tenth is lost against the better fixed mode, whichever the first one is. */
static void check(const char *what, const struct world *world, unsigned changes_most)
{
    const double sleeping = done_by_fixed(*world, SLEEP), spinning = done_by_fixed(*world, SPIN);
    for (unsigned first = 0; first < MODES; first++) {
        const struct outcome outcome = done_by_switch(*world, first);
        const double best = sleeping > spinning ? sleeping : spinning;
        print_message("# %s: sleep %.0f, spin %.0f, switch %.0f (%.3f), changes %u\n", what, sleeping,
            spinning, outcome.count, outcome.count / best, outcome.changes);
        assert_true(outcome.count * 1.1 >= best);
        assert_true(outcome.changes <= changes_most);
    }
}

static struct world steady(const struct sequence (*sequences)[MODES])
{
    return (struct world){.sequences = {{&(*sequences)[SLEEP], &(*sequences)[SPIN]}}};
}

static struct world changing(
    const struct sequence (*a)[MODES], const struct sequence (*b)[MODES], double period_ns)
{
    return (struct world){
        .sequences = {{&(*a)[SLEEP], &(*a)[SPIN]}, {&(*b)[SLEEP], &(*b)[SPIN]}}, .period_ns = period_ns};
}

static void finds_the_better_one_of_what_was_recorded(void **state)
{
    (void)state;
    static const char *const names[] = {"quiet", "half", "loaded"};
    for (unsigned i = 0; i < STATES; i++) {
        const struct world world = steady((const struct sequence(*)[MODES]) & recorded[i]);
        check(names[i], &world, SECONDS * 5);
    }
}

static void follows_load_that_comes_and_goes(void **state)
{
    (void)state;
    const struct world fast = changing((const struct sequence(*)[MODES]) & recorded[QUIET],
                           (const struct sequence(*)[MODES]) & recorded[LOADED], 10e6),
                       slow = changing((const struct sequence(*)[MODES]) & recorded[QUIET],
                           (const struct sequence(*)[MODES]) & recorded[LOADED], 1e9);
    check("load every 10 ms", &fast, SECONDS * 1000 / 20);
    check("load every second", &slow, SECONDS * 1000 / 20);
}

static struct sequence constant(uint64_t ns)
{
    return (struct sequence){.count = 1, .runs = {{ns, 1}}};
}

static void stays_where_it_is_better(void **state)
{
    (void)state;
    const struct sequence few_stalls = {.count = 2, .runs = {{700, 2000}, {20000000, 1}}};
    const struct sequence pairs[][MODES] = {
        {constant(4500), constant(600)}, {constant(600), constant(4500)},
        {constant(4500), few_stalls}, /* the median of the second is better, its mean is not */
    };
    for (unsigned i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        const struct world world = steady(&pairs[i]);
        check("made up", &world, 2);
    }
}

/* As if 16 hand-overs were known by one of them, or a change of what is mapped went with each. */
static unsigned in_use_after(unsigned first, const uint64_t ns[MODES], unsigned count)
{
    struct transport_switch choice;
    transport_switch_init(&choice, first);
    for (unsigned i = 0, mode = first; i < 100000; i++) {
        const unsigned times = choice.trying ? 1 : count;
        mode = transport_switch_next(&choice, ns[mode] * times, times);
    }
    return choice.mode;
}

static void learns_from_a_part_of_the_hand_overs(void **state)
{
    (void)state;
    for (unsigned first = 0; first < MODES; first++) {
        assert_int_equal(in_use_after(first, (const uint64_t[MODES]){4500, 600}, 16), SPIN);
        assert_int_equal(in_use_after(first, (const uint64_t[MODES]){4500, 6000}, 16), SLEEP);
    }
}

static void counts_the_time_beside_hand_overs(void **state)
{
    (void)state;
    struct transport_switch choice;
    transport_switch_init(&choice, SPIN);
    for (unsigned i = 0, mode = SPIN; i < 100000; i++) {
        const uint64_t over[MODES] = {4500, 600}, beside[MODES] = {5000, 20000};
        if (!choice.trying) {
            transport_switch_next(&choice, over[mode], 1);
            mode = transport_switch_next(&choice, beside[mode], 0);
        } else {
            mode = transport_switch_next(&choice, over[mode] + beside[mode], 1);
        }
    }
    assert_int_equal(choice.mode, SLEEP);
}

static void does_not_flap_where_both_are_alike(void **state)
{
    (void)state;
    const struct sequence pair[MODES] = {constant(5000), constant(5200)};
    const struct world world = steady(&pair);
    check("alike", &world, 0);
}

static void changes_have_dead_time_between_them(void **state)
{
    (void)state;
    struct transport_switch choice;
    double since = 0, least = 1e12;
    transport_switch_init(&choice, SLEEP);
    for (unsigned i = 0, in_use = SLEEP, mode = SLEEP; i < 2000000; i++) {
        const uint64_t ns = mode == in_use ? 5000 : 500; /* the other one always seems better */
        since += (double)ns;
        mode = transport_switch_next(&choice, ns, 1);
        if (choice.mode != in_use) {
            least = since < least ? since : least;
            since = 0;
            in_use = choice.mode;
        }
    }
    assert_true(least >= SWITCH_DEAD_NS);
    assert_true(least < 1e12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_better_one_of_what_was_recorded),
        cmocka_unit_test(follows_load_that_comes_and_goes),
        cmocka_unit_test(stays_where_it_is_better),
        cmocka_unit_test(learns_from_a_part_of_the_hand_overs),
        cmocka_unit_test(counts_the_time_beside_hand_overs),
        cmocka_unit_test(does_not_flap_where_both_are_alike),
        cmocka_unit_test(changes_have_dead_time_between_them),
    };
    return cmocka_run_group_tests_name("transport_switch", tests, read_all, NULL);
}
