/* report/view_list.h: what can be measured is listed for people and programs alike, with what a monitor is
 * here or why it cannot be used. */
#include "read_document.h"
#include "report/view_list.h"

static const struct monitor_facts usable = {
    .usable = true,
    .technique = TECHNIQUE_SHADOW,
    .technique_proof = "127 aliases took 15 faults",
    .provider = {true, "kvm_pvm"},
    .syscall_privilege = 3,
    .quirks = {"SYSCALL stays at CPL 3"},
    .quirk_count = 1,
};
static const struct monitor_facts unusable = {
    .reason = "there is no /dev/kvm", .provider = {false, "no module"}, .syscall_privilege = -1};

static const struct list_item runners[] = {{"native", "as any program runs", NULL},
    {"kvm", "in a guest", &usable}, {"other", "elsewhere", &unusable}};
static const struct list_item orders[] = {{"random", "one random cycle", NULL}};
static const struct list_part parts[] = {{"runners", runners, 3}, {"orders", orders, 1}};

static char *listed(void)
{
    struct document document = {0};
    view_list(parts, 2, &document);
    return written(&document, "terminal", &wide_style);
}

static void everything_is_listed_with_what_it_is_here(void **state)
{
    (void)state;
    char *text = listed();
    assert_string_equal(text,
        "runners\n\n"
        "native  as any program runs\n"
        "kvm     in a guest\n"
        "    shadow paging (127 aliases took 15 faults); provider: kvm_pvm; SYSCALL in a guest "
        "leads to privilege level 3; SYSCALL stays at CPL 3\n"
        "other   elsewhere\n"
        "    cannot be used: there is no /dev/kvm\n\n"
        "orders\n\n"
        "random  one random cycle\n");
    free(text);
}

static void programs_get_the_same_and_null_for_what_is_not_known(void **state)
{
    (void)state;
    struct error error;
    json_t *list;
    assert_int_equal(list_json(parts, 2, &list, &error), 0);
    char *text = json_dumps(list, JSON_COMPACT);
    assert_string_equal(text,
        "{\"schema\":\"vcost.list/1\",\"runners\":[{\"name\":\"native\",\"summary\":\"as any program runs\"},"
        "{\"name\":\"kvm\",\"summary\":\"in a "
        "guest\",\"usable\":true,\"reason\":null,\"technique\":\"shadow\","
        "\"technique_proof\":\"127 aliases took 15 faults\",\"provider\":\"kvm_pvm\",\"syscall_privilege\":3,"
        "\"quirks\":[\"SYSCALL stays at CPL 3\"]},"
        "{\"name\":\"other\",\"summary\":\"elsewhere\",\"usable\":false,\"reason\":\"there is no /dev/kvm\","
        "\"technique\":null,\"technique_proof\":null,\"provider\":null,\"syscall_privilege\":null,\"quirks\":"
        "[]}],"
        "\"orders\":[{\"name\":\"random\",\"summary\":\"one random cycle\"}]}");
    free(text);
    json_decref(list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_is_listed_with_what_it_is_here),
        cmocka_unit_test(programs_get_the_same_and_null_for_what_is_not_known),
    };
    return cmocka_run_group_tests_name("view_list", tests, NULL, NULL);
}
