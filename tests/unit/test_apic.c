/* The timer of a guest's local APIC, as data: when its interrupt is due, and what its registers take. */
#include "cmocka_all.h"

#include "monitor/deprivileged/apic.h"

enum {
    BASE = 0x1b,
    END = 0x80b,
    SPURIOUS = 0x80f,
    TIMER = 0x832,
    INITIAL = 0x838,
    CURRENT = 0x839,
    DIVIDE = 0x83e
};
enum { VECTOR = 0x40, PERIODIC = 1 << 17, MASKED = 1 << 16, BY_1 = 0xb, NOW = 1000000 };

static struct apic apic;

static void must_write(uint32_t number, uint64_t value, uint64_t now)
{
    assert_true(apic_write(&apic, number, value, now));
}

static uint64_t must_read(uint32_t number, uint64_t now)
{
    uint64_t value = 0;
    assert_true(apic_read(&apic, number, now, &value));
    return value;
}

static int switch_on(void **state)
{
    (void)state;
    apic_reset(&apic, true);
    must_write(BASE, must_read(BASE, 0) | 0x400, 0);
    must_write(SPURIOUS, 0x1ff, 0);
    must_write(DIVIDE, BY_1, 0);
    return 0;
}

static void one_shot_is_due_once(void **state)
{
    (void)state;
    must_write(TIMER, VECTOR, NOW);
    must_write(INITIAL, 500, NOW);
    assert_int_equal(apic_next(&apic), NOW + 500);
    assert_int_equal(must_read(CURRENT, NOW + 200), 300);
    assert_false(apic_is_due(&apic, NOW + 499));
    assert_true(apic_is_due(&apic, NOW + 500));
    assert_true(apic_is_due(&apic, NOW + 5000)); /* until it is taken */
    assert_int_equal(apic_take(&apic, NOW + 5000), VECTOR);
    assert_false(apic_is_due(&apic, NOW + 1000000));
    assert_int_equal(apic_next(&apic), 0);
    assert_int_equal(must_read(CURRENT, NOW + 6000), 0);
}

static void nothing_comes_before_the_end_of_the_last(void **state)
{
    (void)state;
    must_write(TIMER, VECTOR, NOW);
    must_write(INITIAL, 500, NOW);
    assert_int_equal(apic_take(&apic, NOW + 500), VECTOR);
    must_write(INITIAL, 100, NOW + 600);
    assert_false(apic_is_due(&apic, NOW + 800));
    must_write(END, 0, NOW + 900);
    assert_true(apic_is_due(&apic, NOW + 900));
}

static void what_expired_before_the_timer_is_set_anew_still_comes(void **state)
{
    (void)state;
    must_write(TIMER, VECTOR, NOW);
    must_write(INITIAL, 500, NOW);
    must_write(INITIAL, 500, NOW + 600);
    assert_true(apic_is_due(&apic, NOW + 600));
    assert_int_equal(apic_take(&apic, NOW + 600), VECTOR);
    must_write(END, 0, NOW + 600);
    assert_false(apic_is_due(&apic, NOW + 600));
    assert_true(apic_is_due(&apic, NOW + 1100));
}

static void a_periodic_one_keeps_its_beat_and_misses_become_one(void **state)
{
    (void)state;
    must_write(TIMER, PERIODIC | VECTOR, NOW);
    must_write(INITIAL, 1000, NOW);
    assert_int_equal(apic_take(&apic, NOW + 1000), VECTOR);
    must_write(END, 0, NOW + 1010);
    assert_int_equal(apic_next(&apic), NOW + 2000);
    assert_true(apic_is_due(&apic, NOW + 4500));
    assert_int_equal(apic_take(&apic, NOW + 4500), VECTOR);
    must_write(END, 0, NOW + 4500);
    assert_false(apic_is_due(&apic, NOW + 4999));
    assert_int_equal(apic_next(&apic), NOW + 5000);
    assert_int_equal(must_read(CURRENT, NOW + 4600), 400);
}

static void the_divisor_slows_it(void **state)
{
    static const struct {
        uint32_t code;
        unsigned divisor;
    } codes[] = {{0, 2}, {1, 4}, {2, 8}, {3, 16}, {8, 32}, {9, 64}, {0xa, 128}, {0xb, 1}};
    (void)state;
    must_write(TIMER, VECTOR, NOW);
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        must_write(DIVIDE, codes[i].code, NOW);
        must_write(INITIAL, 100, NOW);
        assert_int_equal(apic_next(&apic), NOW + 100 * codes[i].divisor);
    }
}

static void masked_disabled_or_zero_it_is_never_due(void **state)
{
    (void)state;
    must_write(TIMER, MASKED | VECTOR, NOW);
    must_write(INITIAL, 500, NOW);
    assert_false(apic_is_due(&apic, NOW + 1000));
    must_write(TIMER, 3, NOW); /* no vector for interrupts */
    assert_false(apic_is_due(&apic, NOW + 1000));
    must_write(TIMER, VECTOR, NOW);
    must_write(SPURIOUS, 0xff, NOW);
    assert_false(apic_is_due(&apic, NOW + 1000));
    must_write(SPURIOUS, 0x1ff, NOW);
    must_write(INITIAL, 0, NOW);
    assert_int_equal(apic_next(&apic), 0);
}

static void what_no_register_takes_is_refused(void **state)
{
    uint64_t value;
    (void)state;
    assert_false(apic_write(&apic, TIMER, 1u << 18, NOW)); /* TSC deadline */
    assert_false(apic_write(&apic, INITIAL, UINT64_C(1) << 32, NOW));
    assert_false(apic_write(&apic, END, 1, NOW));
    assert_false(apic_write(&apic, BASE, 0xfee00900, NOW)); /* x2APIC mode is not left */
    assert_false(apic_write(&apic, BASE, 0x12345c00, NOW));
    assert_false(apic_write(&apic, CURRENT, 1, NOW));
    assert_false(apic_write(&apic, 0x830, 1, NOW)); /* interrupts to others */
    assert_false(apic_read(&apic, 0x8ff, NOW, &value));
    apic_reset(&apic, true); /* not in x2APIC mode yet */
    assert_false(apic_read(&apic, TIMER, NOW, &value));
    assert_false(apic_write(&apic, INITIAL, 1, NOW));
    apic_reset(&apic, false);
    assert_int_equal(must_read(BASE, NOW) & 0x800, 0); /* there, and disabled */
    assert_false(apic_write(&apic, BASE, 0xfee00d00, NOW));
    assert_false(apic_read(&apic, SPURIOUS, NOW, &value));
}

static void a_requested_tick_comes_again_and_again_without_an_end(void **state)
{
    (void)state;
    apic_reset(&apic, true);
    apic_tick(&apic, 1000, NOW);
    assert_false(apic_is_due(&apic, NOW + 999));
    assert_int_equal(apic_take(&apic, NOW + 1000), 0);
    assert_false(apic_is_due(&apic, NOW + 1999));
    assert_true(apic_is_due(&apic, NOW + 2000));
    assert_int_equal(apic_take(&apic, NOW + 3500), 0);
    assert_int_equal(apic_next(&apic), NOW + 4000);
    apic_tick(&apic, UINT64_C(10000000000), NOW);
    assert_int_equal(apic_next(&apic), NOW + UINT64_C(10000000000));
    apic_tick(&apic, 0, NOW);
    assert_int_equal(apic_next(&apic), 0);
}

static void saved_and_restored_it_goes_on_with_what_was_left(void **state)
{
    char page[APIC_PAGE_BYTES];
    const uint64_t later = NOW + UINT64_C(1000000000000);
    (void)state;
    must_write(DIVIDE, 0, NOW); /* by 2 */
    must_write(TIMER, VECTOR | PERIODIC, NOW);
    must_write(INITIAL, 1000, NOW);
    assert_int_equal(apic_take(&apic, NOW + 2000), VECTOR); /* is being served */
    must_write(INITIAL, 1000, NOW + 4500);                  /* and one waits */
    apic_save(&apic, NOW + 5000, page);
    apic_reset(&apic, true);
    apic_restore(&apic, 0xfee00d00, page, later);
    assert_int_equal(must_read(CURRENT, later), 750);
    assert_false(apic_is_due(&apic, later));
    must_write(END, 0, later);
    assert_true(apic_is_due(&apic, later));
    assert_int_equal(apic_take(&apic, later), VECTOR);
    assert_int_equal(apic_next(&apic), later + 1500);
    apic_save(&apic, later + 1500, page);
    apic_restore(&apic, 0xfee00d00, page, later);
    must_write(END, 0, later);
    assert_true(apic_is_due(&apic, later)); /* it had expired, and was not taken */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(one_shot_is_due_once, switch_on),
        cmocka_unit_test_setup(nothing_comes_before_the_end_of_the_last, switch_on),
        cmocka_unit_test_setup(what_expired_before_the_timer_is_set_anew_still_comes, switch_on),
        cmocka_unit_test_setup(a_periodic_one_keeps_its_beat_and_misses_become_one, switch_on),
        cmocka_unit_test_setup(the_divisor_slows_it, switch_on),
        cmocka_unit_test_setup(masked_disabled_or_zero_it_is_never_due, switch_on),
        cmocka_unit_test_setup(what_no_register_takes_is_refused, switch_on),
        cmocka_unit_test(a_requested_tick_comes_again_and_again_without_an_end),
        cmocka_unit_test_setup(saved_and_restored_it_goes_on_with_what_was_left, switch_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
