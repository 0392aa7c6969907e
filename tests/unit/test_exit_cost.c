/* inspect/exit_cost: prices of instructions say what is below this machine, and no more than they can. */
#include "cmocka_all.h"

#include "inspect/exit_cost.h"

#include <math.h>
#include <string.h>

static struct exit_price price(double ns)
{
    return (struct exit_price){ns, ns * 0.98, ns * 1.02};
}

static struct exit_cost_input machine(double cpuid, double rdtsc, bool is_guest)
{
    return (struct exit_cost_input){
        .cpuid = price(cpuid),
        .rdtsc = price(rdtsc),
        .clock_vdso = price(25),
        .clock_syscall = price(200),
        .is_guest = is_guest,
        .guest_of = is_guest ? "kvm" : NULL,
        .tsc_ghz = 2.6,
        .clock_source = "tsc",
    };
}

static struct exit_cost judge(struct exit_cost_input input)
{
    struct exit_cost cost;
    exit_cost_judge(&input, &cost);
    assert_true(cost.cpuid_reason[0] && cost.rdtsc_reason[0] && cost.clock_reason[0]);
    assert_null(strstr(cost.rdtsc_reason, "nan"));
    return cost;
}

static void the_price_of_cpuid_tells_the_levels(void **state)
{
    static const struct {
        double ns;
        bool is_guest;
        enum exit_verdict verdict;
    } cases[] = {
        {22, false, EXIT_NONE},
        {95, false, EXIT_NONE},
        {200, false, EXIT_UNKNOWN},  /* nothing there is known to cost that */
        {540, true, EXIT_ONE_LEVEL}, /* KVM on bare metal (PVM, SOSP 2023) */
        {600, true, EXIT_ONE_LEVEL}, /* PVM */
        {1900, true, EXIT_ONE_LEVEL},
        {3570, true, EXIT_BETWEEN}, /* the machine this was written on */
        {7100, true, EXIT_SEVERAL}, /* KVM nested */
        {70000, true, EXIT_SEVERAL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct exit_cost cost = judge(machine(cases[i].ns, 10, cases[i].is_guest));
        assert_int_equal(cost.cpuid, cases[i].verdict);
        assert_false(cost.hidden);
    }
}

static void an_interval_over_two_bands_claims_neither(void **state)
{
    struct exit_cost_input input = machine(1000, 10, true);
    (void)state;
    input.cpuid = (struct exit_price){1000, 90, 1200};
    assert_int_equal(judge(input).cpuid, EXIT_UNKNOWN);
    input.cpuid = (struct exit_price){2600, 2000, 6000};
    assert_int_equal(judge(input).cpuid, EXIT_BETWEEN);
    input.cpuid = (struct exit_price){2000, NAN, NAN};
    assert_int_equal(judge(input).cpuid, EXIT_ONE_LEVEL);
}

/* A processor at 1 GHz takes 300 of its cycles in as many ns; never is what exits taken for it. */
static void a_slow_processor_is_no_guest(void **state)
{
    struct exit_cost_input input = machine(250, 30, false);
    (void)state;
    input.tsc_ghz = 1;
    assert_int_equal(judge(input).cpuid, EXIT_NONE);
    input.tsc_ghz = 0.1;
    input.cpuid = price(600);
    assert_int_equal(judge(input).cpuid, EXIT_ONE_LEVEL);
    input.tsc_ghz = NAN;
    input.cpuid = price(250);
    assert_int_equal(judge(input).cpuid, EXIT_UNKNOWN);
}

static void a_hypervisor_that_hides_is_seen(void **state)
{
    (void)state;
    struct exit_cost cost = judge(machine(900, 10, false));
    assert_true(cost.hidden && cost.cpuid == EXIT_ONE_LEVEL);
    assert_non_null(strstr(cost.cpuid_reason, "no hypervisor announces itself"));
    assert_non_null(strstr(judge(machine(60, 10, true)).cpuid_reason, "though a hypervisor"));
}

static void of_an_emulated_processor_nothing_is_said(void **state)
{
    struct exit_cost_input input = machine(9000, 2000, true);
    (void)state;
    input.guest_of = "tcg";
    struct exit_cost cost = judge(input);
    assert_int_equal(cost.cpuid, EXIT_UNKNOWN);
    assert_int_equal(cost.rdtsc, EXIT_ANSWER_UNKNOWN);
    assert_non_null(strstr(cost.cpuid_reason, "tcg"));
    assert_int_equal(cost.clock_slow, EXIT_ANSWER_NO); /* that can still be told */
}

static void rdtsc_that_exits_is_seen(void **state)
{
    static const struct {
        double cpuid, rdtsc;
        enum exit_answer answer;
    } cases[] = {
        {60, 8, EXIT_ANSWER_NO},
        {540, 23, EXIT_ANSWER_NO},
        {540, 80, EXIT_ANSWER_NO}, /* more than a tenth, but no exit is so cheap */
        {540, 500, EXIT_ANSWER_YES},
        {7100, 25, EXIT_ANSWER_NO},
        {7100, 7000, EXIT_ANSWER_YES},
        {1200, 200, EXIT_ANSWER_YES}, /* a sixth of CPUID's */
        {60, 200, EXIT_ANSWER_UNKNOWN},
        {NAN, 200, EXIT_ANSWER_UNKNOWN},
        {NAN, 2000, EXIT_ANSWER_YES},
        {540, NAN, EXIT_ANSWER_UNKNOWN},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(judge(machine(cases[i].cpuid, cases[i].rdtsc, true)).rdtsc, cases[i].answer);
}

static void a_clock_by_system_call_is_seen(void **state)
{
    struct exit_cost_input input = machine(540, 10, true);
    (void)state;
    input.clock_vdso = price(195);
    input.clock_source = "hpet";
    struct exit_cost cost = judge(input);
    assert_int_equal(cost.clock_slow, EXIT_ANSWER_YES);
    assert_non_null(strstr(cost.clock_reason, "hpet"));
    input.clock_vdso = price(140);
    assert_int_equal(judge(input).clock_slow, EXIT_ANSWER_UNKNOWN);
    input.clock_vdso = price(1200); /* an exit in both: no system call is seen beside it */
    input.clock_syscall = price(1350);
    assert_int_equal(judge(input).clock_slow, EXIT_ANSWER_YES);
    input.clock_syscall = price(NAN);
    assert_int_equal(judge(input).clock_slow, EXIT_ANSWER_UNKNOWN);
}

static void what_was_not_measured_is_unknown_with_a_reason(void **state)
{
    struct exit_cost_input nothing = machine(NAN, NAN, true);
    (void)state;
    nothing.clock_vdso = nothing.clock_syscall = (struct exit_price){NAN, NAN, NAN};
    struct exit_cost cost = judge(nothing);
    struct finding findings[] = {
        exit_cost_cpuid_finding(&cost), exit_cost_rdtsc_finding(&cost), exit_cost_clock_finding(&cost)};
    for (size_t i = 0; i < 3; i++) {
        assert_false(findings[i].value.known);
        assert_true(isnan(findings[i].number) && findings[i].value.text[0] && findings[i].how[0]);
        assert_false(finding_has_number(&findings[i]));
    }
}

static void findings_say_yes_or_no(void **state)
{
    (void)state;
    struct exit_cost cost = judge(machine(7100, 7000, true));
    struct finding cpuid = exit_cost_cpuid_finding(&cost), rdtsc = exit_cost_rdtsc_finding(&cost),
                   clock = exit_cost_clock_finding(&cost);
    assert_true(cpuid.number == 1 && rdtsc.number == 1 && clock.number == 0);
    assert_string_equal(cpuid.value.text, "yes, several levels or emulation");
    assert_string_equal(clock.value.text, "no");
    cost = judge(machine(60, 10, false));
    cpuid = exit_cost_cpuid_finding(&cost);
    assert_true(cpuid.number == 0);
    assert_string_equal(cpuid.value.text, "no");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_price_of_cpuid_tells_the_levels),
        cmocka_unit_test(an_interval_over_two_bands_claims_neither),
        cmocka_unit_test(a_slow_processor_is_no_guest),
        cmocka_unit_test(a_hypervisor_that_hides_is_seen),
        cmocka_unit_test(of_an_emulated_processor_nothing_is_said),
        cmocka_unit_test(rdtsc_that_exits_is_seen),
        cmocka_unit_test(a_clock_by_system_call_is_seen),
        cmocka_unit_test(what_was_not_measured_is_unknown_with_a_reason),
        cmocka_unit_test(findings_say_yes_or_no),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
