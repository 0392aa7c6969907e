/* monitor/kvm: the parameters of KVM's modules are told, and what is not told is told as well. */
#include "test_host_tree.h"

#include "monitor/kvm/internal.h"

static void parameter(const char *module, const char *name, const char *value)
{
    char path[256];
    (void)snprintf(path, sizeof path, "/sys/module/%s/parameters/%s", module, name);
    tree_file(path, value);
}

static struct monitor_facts read_of(const char *provider)
{
    struct monitor_facts facts = {.provider = fact_known("%s", provider)};
    kvm_read_parameters(&facts);
    return facts;
}

static const char *value_of(const struct monitor_facts *facts, const char *name)
{
    for (size_t i = 0; i < facts->parameter_count; i++)
        if (!strcmp(facts->parameters[i].name, name))
            return facts->parameters[i].value;
    return NULL;
}

/* The provider's, named so that those with a higher number come later. */
static void many(size_t count)
{
    char name[16];
    for (size_t i = 0; i < count; i++) {
        (void)snprintf(name, sizeof name, "p%03zu", i);
        parameter("kvm_intel", name, "Y\n");
    }
}

static void all_of_the_provider_and_some_of_kvm_are_told_in_order(void **state)
{
    (void)state;
    parameter("kvm_amd", "npt", "1\n");
    parameter("kvm_amd", "avic", "N\n");
    parameter("kvm_amd", "empty", "\n");
    parameter("kvm", "tdp_mmu", "Y\n");
    parameter("kvm", "of_no_interest", "Y\n");
    parameter("kvm_intel", "ept", "Y\n");
    struct monitor_facts facts = read_of("kvm_amd");
    static const char *const expected[][2] = {
        {"kvm.tdp_mmu", "Y"}, {"kvm_amd.avic", "N"}, {"kvm_amd.empty", ""}, {"kvm_amd.npt", "1"}};
    assert_int_equal(facts.parameter_count, 4);
    for (size_t i = 0; i < facts.parameter_count; i++) {
        assert_string_equal(facts.parameters[i].name, expected[i][0]);
        assert_string_equal(facts.parameters[i].value, expected[i][1]);
    }
    assert_int_equal(facts.quirk_count, 0);
}

static void as_many_as_there_is_room_for_are_told_without_a_word(void **state)
{
    (void)state;
    many(MONITOR_PARAMETERS_MAX);
    struct monitor_facts facts = read_of("kvm_intel");
    assert_int_equal(facts.parameter_count, MONITOR_PARAMETERS_MAX);
    assert_int_equal(facts.quirk_count, 0);
}

static void parameters_beyond_the_room_are_told_to_be_missing(void **state)
{
    (void)state;
    char last[24];
    many(MONITOR_PARAMETERS_MAX + 1);
    parameter("kvm", "tdp_mmu", "Y\n");
    struct monitor_facts facts = read_of("kvm_intel");
    assert_int_equal(facts.parameter_count, MONITOR_PARAMETERS_MAX);
    assert_int_equal(facts.quirk_count, 1);
    assert_non_null(strstr(facts.quirks[0], "2 parameters of kvm_intel are not told"));
    assert_string_equal(value_of(&facts, "kvm.tdp_mmu"), "Y");
    (void)snprintf(last, sizeof last, "kvm_intel.p%03d", MONITOR_PARAMETERS_MAX - 2);
    assert_string_equal(facts.parameters[MONITOR_PARAMETERS_MAX - 1].name, last);
}

static void a_value_that_is_cut_ends_in_dots(void **state)
{
    (void)state;
    parameter("kvm_amd", "long", "0123456789012345678901234567890123456789012345678901234567890\n");
    struct monitor_facts facts = read_of("kvm_amd");
    const char *value = value_of(&facts, "kvm_amd.long");
    assert_int_equal(strlen(value), sizeof facts.parameters[0].value - 1);
    assert_string_equal(value + strlen(value) - 5, "23...");
}

static void without_modules_there_are_none(void **state)
{
    (void)state;
    struct monitor_facts facts = read_of("kvm_amd");
    assert_int_equal(facts.parameter_count, 0);
    facts = (struct monitor_facts){.provider = fact_unknown("none")};
    kvm_read_parameters(&facts);
    assert_int_equal(facts.parameter_count, 0);
}

#define WITH_TREE(test) cmocka_unit_test_setup_teardown(test, tree_setup, tree_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_TREE(all_of_the_provider_and_some_of_kvm_are_told_in_order),
        WITH_TREE(as_many_as_there_is_room_for_are_told_without_a_word),
        WITH_TREE(parameters_beyond_the_room_are_told_to_be_missing),
        WITH_TREE(a_value_that_is_cut_ends_in_dots),
        WITH_TREE(without_modules_there_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
