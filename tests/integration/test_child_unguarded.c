/* Built once for each guard that a child has, without that guard (tests/unguard): the attack succeeds that
 * test_child_safety.c shows to fail. */
#include "child_attacks.h"

#define NAME_(attack) attack_by_##attack
#define NAME(attack) NAME_(attack)

static void without_its_guard_the_attack_succeeds(void **state)
{
    (void)state;
    need_children();
    if (!strcmp(STRING(ATTACK), "int80") && !has_int80()) {
        print_message("# skip: INT 0x80 is no system call on this host\n");
        skip();
        return;
    }
    assert_true(NAME(ATTACK)());
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(
        without_its_guard_the_attack_succeeds, child_guest_open, child_guest_close)};
    return cmocka_run_group_tests_name(STRING(ATTACK), tests, child_guest_find_out_unguarded, NULL);
}
