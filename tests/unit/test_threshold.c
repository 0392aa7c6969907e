/* inspect/threshold.h: what a user does not want to find is read strictly, and judged by what is sure. */
#include "cmocka_all.h"

#include "inspect/threshold.h"
#include "report/text.h"
#include "report/views.h"

#include <errno.h>
#include <math.h>
#include <string.h>

static const struct finding machine[] = {
    {.name = "splintered", .unit = UNIT_YES_NO, .value = {true, "partly"}, .number = 1},
    {.name = "guest", .unit = UNIT_YES_NO, .value = {true, ""}, .number = 1},
    {.name = "swap", .unit = UNIT_YES_NO, .value = {true, "no: none is set up"}, .number = 0},
    {.name = "clock-source", .unit = UNIT_TEXT, .value = {true, "kvm-clock"}, .number = NAN},
    {.name = "steal", .unit = UNIT_SHARE, .value = {true, ""}, .number = 0.07, .low = 0.04, .high = 0.1},
    {.name = "memory",
        .unit = UNIT_BYTES,
        .value = {true, ""},
        .number = 8589934592,
        .low = NAN,
        .high = NAN},
    {.name = "first-touch",
        .key = "4K fresh",
        .unit = UNIT_NS,
        .value = {true, ""},
        .number = 900,
        .low = 800,
        .high = 1000},
    {.name = "first-touch",
        .key = "2M fresh",
        .unit = UNIT_NS,
        .value = {true, ""},
        .number = 3e5,
        .low = 2.5e5,
        .high = 4e5},
    {.name = "cpus", .unit = UNIT_COUNT, .value = {true, ""}, .number = 2, .low = NAN, .high = NAN},
    {.name = "slower", .unit = UNIT_RATIO, .value = {true, ""}, .number = 2, .low = 1.5, .high = 2.5},
    {.name = "nested", .unit = UNIT_YES_NO, .value = {false, "only Hyper-V tells"}, .number = NAN},
    {.name = "exit-price", .value = {false, "too noisy"}, .number = NAN, .low = NAN, .high = NAN},
};

static struct findings findings_of_machine(void)
{
    struct findings findings = {0};
    for (size_t i = 0; i < sizeof machine / sizeof *machine; i++)
        assert_int_equal(findings_add(&findings, &machine[i], NULL), 0);
    return findings;
}

/* ---- reading ---- */

static void a_list_is_read_part_by_part(void **state)
{
    struct thresholds thresholds;
    (void)state;
    assert_int_equal(
        thresholds_parse(
            " splintered , steal>5% ,first-touch:2M fresh >1.5ms,clock-source = HPET,memory<4G,cpus<2",
            &thresholds, NULL),
        0);
    assert_int_equal(thresholds.count, 6);
    assert_int_equal(thresholds.items[0].kind, THRESHOLD_YES);
    assert_string_equal(thresholds.items[0].text, "splintered");
    assert_int_equal(thresholds.items[1].kind, THRESHOLD_ABOVE);
    assert_int_equal(thresholds.items[1].scale, THRESHOLD_PERCENT);
    assert_float_equal(thresholds.items[1].number, 0.05, 1e-12);
    assert_string_equal(thresholds.items[2].name, "first-touch");
    assert_string_equal(thresholds.items[2].key, "2M fresh");
    assert_float_equal(thresholds.items[2].number, 1.5e6, 1e-6);
    assert_int_equal(thresholds.items[3].kind, THRESHOLD_WORDS);
    assert_string_equal(thresholds.items[3].words, "HPET");
    assert_int_equal(thresholds.items[4].kind, THRESHOLD_BELOW);
    assert_true(thresholds.items[4].number == 4294967296.0);
    assert_int_equal(thresholds.items[5].scale, THRESHOLD_BARE);
}

static void what_cannot_be_read_is_refused_with_its_part(void **state)
{
    static const struct {
        const char *text, *sentence;
    } cases[] = {
        {"", "a threshold is missing"},
        {"steal>5%,", "a threshold is missing"},
        {",steal>5%", "a threshold is missing"},
        {"Steal>5%", "\"Steal\" is no name"},
        {">5%", "\"\" is no name"},
        {"steal>", "\"steal>\": \"\" is no number"},
        {"steal>=5%", "\"=5%\" is no number"},
        {"steal>inf", "\"inf\" is no number"},
        {"steal>nan", "\"nan\" is no number"},
        {"steal>0x10", "\"0x10\" is no number"},
        {"steal>1e999", "is no number"},
        {"steal>5 percent", "\"percent\" is no unit: it is one of %, ns, us, ms, s, K, M, G"},
        {"steal>5%%", "\"%%\" is no unit"},
        {"clock-source=", "there are no words"},
        {"first-touch:>5us", "the key after the : is missing"},
        {"a-name-that-is-longer-than-any-finding-can-have", "is no name of a finding"},
        {"first-touch:a key that is longer than any finding can have>1", "the key after the : is too long"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct thresholds thresholds = {.count = 77};
        struct error error = {0};
        assert_int_equal(thresholds_parse(cases[i].text, &thresholds, &error), -EINVAL);
        print_message("# %s\n", error.text);
        assert_non_null(strstr(error.text, cases[i].sentence));
        assert_int_equal(thresholds.count, 77);
    }
}

static void a_list_without_end_is_refused(void **state)
{
    char many[4096] = "a", longest[1024];
    struct thresholds thresholds;
    struct error error = {0};
    (void)state;
    for (int i = 1; i < THRESHOLDS_MAX; i++)
        strcat(many, ",a");
    assert_int_equal(thresholds_parse(many, &thresholds, &error), 0);
    assert_int_equal(thresholds.count, THRESHOLDS_MAX);
    strcat(many, ",a");
    assert_int_equal(thresholds_parse(many, &thresholds, &error), -EINVAL);
    memset(longest, 'a', sizeof longest);
    longest[sizeof longest - 1] = 0;
    assert_int_equal(thresholds_parse(longest, &thresholds, &error), -EINVAL);
    memcpy(longest, "a=", 2);
    assert_int_equal(thresholds_parse(longest, &thresholds, &error), -EINVAL);
    longest[2 + THRESHOLD_WORDS_BYTES] = 0;
    assert_int_equal(thresholds_parse(longest, &thresholds, &error), -EINVAL);
    longest[1 + THRESHOLD_WORDS_BYTES] = 0;
    assert_int_equal(thresholds_parse(longest, &thresholds, &error), 0);
}

/* ---- judging ---- */

static void judged(const char *text, size_t tripped, size_t unknown)
{
    struct findings findings = findings_of_machine();
    struct thresholds thresholds;
    struct tripped found;
    struct error error = {0};
    print_message("# %s\n", text);
    assert_int_equal(thresholds_parse(text, &thresholds, &error), 0);
    assert_int_equal(thresholds_judge(&thresholds, &findings, &found, &error), 0);
    assert_int_equal(found.tripped, tripped);
    assert_int_equal(found.unknown, unknown);
    assert_int_equal(found.count, tripped + unknown);
    for (size_t i = 0; i < found.count; i++)
        assert_true(found.items[i].unknown == !found.items[i].finding->value.known);
    tripped_free(&found);
    findings_free(&findings);
}

static void yes_and_partly_trip_and_no_does_not(void **state)
{
    (void)state;
    judged("splintered", 1, 0);
    judged("guest", 1, 0);
    judged("swap", 0, 0);
    judged("splintered,guest,swap", 2, 0);
}

static void words_are_compared_without_case(void **state)
{
    (void)state;
    judged("clock-source=KVM-Clock", 1, 0);
    judged("clock-source=tsc", 0, 0);
    judged("splintered=partly", 1, 0);
    judged("splintered=yes", 0, 0);
    judged("guest=yes", 1, 0);
    judged("swap=no", 1, 0);
}

/* 7 % with an interval of 4 to 10 %: above 5 % is not sure. */
static void an_interval_must_be_wholly_beyond(void **state)
{
    (void)state;
    judged("steal>5%", 0, 0);
    judged("steal>3%", 1, 0);
    judged("steal>0.03", 1, 0);
    judged("steal<9%", 0, 0);
    judged("steal<11%", 1, 0);
    judged("slower>1.4", 1, 0);
    judged("slower>160%", 0, 0);
}

static void a_number_without_interval_stands_for_itself(void **state)
{
    (void)state;
    judged("memory<8G", 0, 0);
    judged("memory<9G", 1, 0);
    judged("memory>8388607K", 1, 0);
    judged("cpus<3", 1, 0);
    judged("cpus<2", 0, 0);
}

static void a_name_alone_stands_for_all_its_keys(void **state)
{
    (void)state;
    judged("first-touch>700ns", 2, 0);
    judged("first-touch>10us", 1, 0);
    judged("first-touch:4K fresh>10us", 0, 0);
    judged("first-touch:2m FRESH>0.2ms", 1, 0);
    judged("first-touch>0", 2, 0);
}

static void what_is_not_known_neither_passes_nor_trips(void **state)
{
    (void)state;
    judged("nested", 0, 1);
    judged("exit-price>1us", 0, 1); /* its maker did not even tell its unit */
    judged("nested,guest", 1, 1);
}

static void a_threshold_that_does_not_fit_is_an_error(void **state)
{
    static const struct {
        const char *text, *sentence;
    } cases[] = {
        {"first-touch:8M>1us", "there is no finding \"first-touch:8M\"; its keys are 4K fresh, 2M fresh"},
        {"steal:x>5%", "it has no keys"},
        {"steal", "is not a matter of yes or no: write steal>NUMBER"},
        {"clock-source", "write clock-source=WORDS"},
        {"steal=high", "is a number"},
        {"steal>5", "is a share of a whole: write per cent"},
        {"steal>5ms", "is a share of a whole"},
        {"first-touch>5%", "is a time"},
        {"memory<5s", "is a size"},
        {"cpus>1K", "is counted"},
        {"guest>0", "no number"},
        {"clock-source>0", "no number"},
        {"guest,steal", "is not a matter of yes or no"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct findings findings = findings_of_machine();
        struct thresholds thresholds;
        struct tripped tripped = {.count = 77};
        struct error error = {0};
        assert_int_equal(thresholds_parse(cases[i].text, &thresholds, &error), 0);
        assert_int_equal(thresholds_judge(&thresholds, &findings, &tripped, &error), -EINVAL);
        print_message("# %s\n", error.text);
        assert_non_null(strstr(error.text, cases[i].sentence));
        assert_int_equal(tripped.count, 77);
        findings_free(&findings);
    }
}

static void a_name_that_no_finding_has_is_refused_before_any_is_found(void **state)
{
    static const struct {
        const char *text, *sentence;
    } cases[] = {
        {"splintred", "there is no finding \"splintred\"; did you mean splintered"},
        {"clock>5", "did you mean clock-"},
        {"guest,zzz", "there is no finding \"zzz\": vcost inspect --json - tells"},
    };
    struct thresholds thresholds;
    struct error error = {0};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(thresholds_parse(cases[i].text, &thresholds, &error), 0);
        assert_int_equal(thresholds_check(&thresholds, &error), -EINVAL);
        print_message("# %s\n", error.text);
        assert_non_null(strstr(error.text, cases[i].sentence));
    }
    assert_int_equal(thresholds_parse("splintered,steal>5%,exit:x>1us", &thresholds, &error), 0);
    assert_int_equal(thresholds_check(&thresholds, &error), -EINVAL);
    assert_int_equal(
        thresholds_parse("splintered,steal>5%,first-touch:2M fresh>1us", &thresholds, &error), 0);
    assert_int_equal(thresholds_check(&thresholds, &error), 0);
}

static void what_this_machine_has_not_is_unknown(void **state)
{
    const struct findings none = {0};
    struct thresholds thresholds;
    struct tripped tripped;
    struct pool pool = {0};
    (void)state;
    assert_int_equal(thresholds_parse("steal>5%", &thresholds, NULL), 0);
    assert_int_equal(thresholds_judge(&thresholds, &none, &tripped, NULL), 0);
    assert_int_equal(tripped.tripped, 0);
    assert_int_equal(tripped.unknown, 1);
    assert_null(tripped.items[0].finding);
    assert_string_equal(tripped_phrase(&tripped.items[0], &pool), "steal>5%: there is no steal here");
    pool_free(&pool);
    tripped_free(&tripped);
}

static void sentences_tell_what_tripped(void **state)
{
    static const struct {
        const char *text, *sentence;
    } cases[] = {
        {"steal>3%", "steal>3%: steal is 7 % (interval 4 % ... 10 %)"},
        {"splintered", "splintered: splintered is partly"},
        {"first-touch:2M fresh>1us",
            "first-touch:2M fresh>1us: first-touch 2M fresh is 300 us (interval 250 us ... 400 us)"},
        {"nested", "--fail-on nested cannot be judged here: only Hyper-V tells"},
    };
    const struct report_style style = {.utf8 = false};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct findings findings = findings_of_machine();
        struct thresholds thresholds;
        struct tripped tripped;
        struct pool pool = {0};
        assert_int_equal(thresholds_parse(cases[i].text, &thresholds, NULL), 0);
        assert_int_equal(thresholds_judge(&thresholds, &findings, &tripped, NULL), 0);
        assert_int_equal(tripped.count, 1);
        const char *text = text_cleaned(&pool, tripped_phrase(&tripped.items[0], &pool), &style);
        print_message("# %s\n", text);
        assert_string_equal(text, cases[i].sentence);
        pool_free(&pool);
        tripped_free(&tripped);
        findings_free(&findings);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_is_read_part_by_part),
        cmocka_unit_test(what_cannot_be_read_is_refused_with_its_part),
        cmocka_unit_test(a_list_without_end_is_refused),
        cmocka_unit_test(yes_and_partly_trip_and_no_does_not),
        cmocka_unit_test(words_are_compared_without_case),
        cmocka_unit_test(an_interval_must_be_wholly_beyond),
        cmocka_unit_test(a_number_without_interval_stands_for_itself),
        cmocka_unit_test(a_name_alone_stands_for_all_its_keys),
        cmocka_unit_test(what_is_not_known_neither_passes_nor_trips),
        cmocka_unit_test(a_threshold_that_does_not_fit_is_an_error),
        cmocka_unit_test(a_name_that_no_finding_has_is_refused_before_any_is_found),
        cmocka_unit_test(what_this_machine_has_not_is_unknown),
        cmocka_unit_test(sentences_tell_what_tripped),
    };
    return cmocka_run_group_tests_name("threshold", tests, NULL, NULL);
}
