/* Which counters can be timed by, by what CPUID and Linux say of them. */
#include "cmocka_all.h"

#include "measure/clock.h"

#include <errno.h>
#include <string.h>

static struct fact told(const char *text)
{
    return text ? fact_known("%s", text) : fact_unknown("/sys is hidden");
}

static int judge(bool invariant, const char *source, const char *available, char *doubt, struct error *error)
{
    const struct fact facts[] = {told(source), told(available)};
    return clock_judge(invariant, &facts[0], &facts[1], doubt, error);
}

static void sources_made_of_the_counter_are_accepted_and_not_doubted(void **state)
{
    static const char *const sources[] = {
        "tsc", "tsc-early", "kvm-clock", "hyperv_clocksource_tsc_page", "xen"};
    char doubt[CLOCK_DOUBT_BYTES];
    struct error error;
    (void)state;
    for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++)
        for (int invariant = 0; invariant <= 1; invariant++) {
            assert_int_equal(judge(invariant, sources[i], sources[i], doubt, &error), 0);
            assert_string_equal(doubt, "");
        }
}

static void a_counter_of_unknown_rate_is_refused_with_the_source_and_a_remedy(void **state)
{
    static const char *const others[] = {"hpet", "acpi_pm", "hyperv_clocksource_msr", "xenial", NULL};
    char doubt[CLOCK_DOUBT_BYTES];
    struct error error;
    (void)state;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        assert_int_equal(judge(false, others[i], "hpet acpi_pm", doubt, &error), -ENOTSUP);
        assert_non_null(strstr(error.text, others[i] ? others[i] : "/sys"));
        assert_non_null(strstr(error.text, "ask the hypervisor"));
    }
}

static void an_invariant_counter_that_linux_has_given_up_is_doubted(void **state)
{
    static const char *const available[] = {"hpet acpi_pm", "hpet atsc tscx", "hpet"};
    char doubt[CLOCK_DOUBT_BYTES];
    struct error error;
    (void)state;
    for (size_t i = 0; i < sizeof available / sizeof available[0]; i++) {
        assert_int_equal(judge(true, "hpet", available[i], doubt, &error), 0);
        assert_non_null(strstr(doubt, "does not trust"));
        assert_non_null(strstr(doubt, "hpet"));
    }
}

/* Somebody has chosen another one, or nothing is told: no reason to doubt. */
static void a_counter_that_is_still_offered_is_not_doubted(void **state)
{
    static const char *const available[] = {"tsc hpet", "hpet tsc", "hpet tsc acpi_pm", "tsc", NULL};
    char doubt[CLOCK_DOUBT_BYTES];
    struct error error;
    (void)state;
    for (size_t i = 0; i < sizeof available / sizeof available[0]; i++) {
        assert_int_equal(judge(true, "hpet", available[i], doubt, &error), 0);
        assert_string_equal(doubt, "");
    }
    assert_int_equal(judge(true, NULL, "hpet", doubt, &error), 0);
    assert_string_equal(doubt, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sources_made_of_the_counter_are_accepted_and_not_doubted),
        cmocka_unit_test(a_counter_of_unknown_rate_is_refused_with_the_source_and_a_remedy),
        cmocka_unit_test(an_invariant_counter_that_linux_has_given_up_is_doubted),
        cmocka_unit_test(a_counter_that_is_still_offered_is_not_doubted),
    };
    return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
