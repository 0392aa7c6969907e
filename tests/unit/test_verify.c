/* What `vcost verify` concludes from outcomes, and how that is counted, written and read. */
#include "cmocka_all.h"

#include "experiment/verify_internal.h"
#include "report/views.h"
#include "read_result.h"
#include "result/json.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static struct ending value(uint64_t number)
{
    return (struct ending){.kind = ENDING_VALUE, .value = number};
}

static struct ending trap(unsigned vector, uint64_t code, uint64_t address, uint64_t rip)
{
    return (struct ending){
        .kind = ENDING_TRAP, .vector = vector, .code = code, .address = address, .rip = rip};
}

static struct trial judged(enum trial_class class, struct evidence_of evidence)
{
    struct trial trial = {.class = class};
    trial_judge(&trial, &evidence);
    return trial;
}

static void what_is_due_is_held_whether_native_is_alike_or_not(void **state)
{
    struct trial same = judged(
        TRIAL_PRIVILEGED, (struct evidence_of){.native = value(1), .guest = value(1), .due = value(1)});
    struct trial own =
        judged(TRIAL_SENSITIVE, (struct evidence_of){.native = value(1), .guest = value(2), .due = value(2)});
    (void)state;
    assert_int_equal(same.verdict, TRIAL_HELD);
    assert_int_equal(same.seen, SEEN_SAME);
    assert_int_equal(own.verdict, TRIAL_HELD);
    assert_int_equal(own.seen, SEEN_OWN);
    assert_string_equal(own.native, "0x1");
    assert_string_equal(own.guest, "0x2");
    assert_string_equal(own.reason, "");
}

/* The host's answer is excused only of an instruction that cannot trap, and only where the guest runs at the
 * host's CPL 3. */
static void the_hosts_answer_is_excused_in_one_case_alone(void **state)
{
    const struct evidence_of shows = {
        .native = value(1), .guest = value(1), .due = value(2), .deprivileged = true};
    struct evidence_of hardware = shows;
    hardware.deprivileged = false;
    (void)state;
    struct trial excused = judged(TRIAL_SENSITIVE, shows);
    assert_int_equal(excused.verdict, TRIAL_DIFFERS);
    assert_int_equal(excused.seen, SEEN_HOST);
    assert_non_null(strstr(excused.reason, "CPL 3 of the host"));
    assert_int_equal(judged(TRIAL_SENSITIVE, hardware).verdict, TRIAL_FAILED);
    for (enum trial_class class = 0; class < TRIAL_CLASSES; class ++)
        if (class != TRIAL_SENSITIVE)
            assert_int_equal(judged(class, shows).verdict, TRIAL_FAILED);
}

static void an_exception_that_is_not_due_is_seen_as_a_trap(void **state)
{
    struct trial trial = judged(TRIAL_COMPUTATION,
        (struct evidence_of){.native = value(1), .guest = trap(13, 0, 0, 0), .due = value(1)});
    (void)state;
    assert_int_equal(trial.seen, SEEN_TRAP);
    assert_int_equal(trial.verdict, TRIAL_FAILED);
    assert_string_equal(trial.reason, "it gives #GP(0x0), and 0x1 is due");
}

static void what_the_monitor_cannot_emulate_is_excused_only_where_it_has_to(void **state)
{
    struct evidence_of evidence = {.native = value(1), .due = value(1), .emulated = true};
    (void)state;
    evidence.guest.kind = ENDING_FAILED;
    error_set(&evidence.guest.error, EPROTO, "an internal error");
    struct trial trial = judged(TRIAL_SENSITIVE, evidence);
    assert_int_equal(trial.verdict, TRIAL_FAILED);
    assert_string_equal(trial.reason, "an internal error");
    assert_string_equal(trial.guest, "");
    evidence.deprivileged = true;
    assert_int_equal(judged(TRIAL_SENSITIVE, evidence).verdict, TRIAL_DIFFERS);
    evidence.emulated = false;
    assert_int_equal(judged(TRIAL_SENSITIVE, evidence).verdict, TRIAL_FAILED);
}

static void endings_are_the_same_in_all_that_is_told(void **state)
{
    const struct ending fault = trap(14, 5, 0x1000, 0x77), one = value(1);
    const struct ending others[] = {trap(13, 5, 0x1000, 0x77), trap(14, 4, 0x1000, 0x77),
        trap(14, 5, 0x1001, 0x77), trap(14, 5, 0x1000, 0x78), value(1), {.kind = ENDING_FAILED}};
    const struct ending anywhere = trap(14, 5, 0x1000, 0), failed = {.kind = ENDING_FAILED};
    (void)state;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_false(ending_same(&fault, &others[i]));
    assert_true(ending_same(&fault, &anywhere));
    assert_true(ending_same(&one, &others[4]));
    assert_false(ending_same(&failed, &failed));
}

static void endings_are_told_as_people_write_them(void **state)
{
    static const struct {
        struct ending ending;
        const char *text;
    } cases[] = {
        {{.kind = ENDING_VALUE, .value = 0x63}, "0x63"},
        {{.kind = ENDING_TRAP, .vector = 6}, "#UD"},
        {{.kind = ENDING_TRAP, .vector = 13, .code = 0x1a}, "#GP(0x1a)"},
        {{.kind = ENDING_TRAP, .vector = 14, .code = 4, .address = 0x3fff0000}, "#PF(0x4) at 0x3fff0000"},
        {{.kind = ENDING_TRAP, .vector = 128}, "#128"},
        {{.kind = ENDING_FAILED, .error = {.code = EPROTO, .text = "it shut down"}}, "it shut down"},
    };
    char text[64];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ending_phrase(&cases[i].ending, text, sizeof text);
        assert_string_equal(text, cases[i].text);
    }
}

static void trials_are_named_for_their_titles(void **state)
{
    struct trials trials = {.monitor = "shadow"};
    (void)state;
    assert_string_equal(trials_add(&trials, TRIAL_SENSITIVE, 3, "PUSHF: IF, IOPL")->name, "pushf-if-iopl");
    for (int i = 0; i < 300; i++) /* grows */
        assert_non_null(trials_add(&trials, TRIAL_SAFETY, -1, "(odd) title!"));
    assert_string_equal(trials.list[300].name, "odd-title");
    assert_string_equal(trials.list[300].monitor, "shadow");
    assert_int_equal(trials.count, 301);
    free(trials.list);
}

/* Two monitors, one of which is not here. */
static void make_result(struct result *result, struct trial *trials, struct verified *verified)
{
    trials[0] = (struct trial){.name = "sgdt",
        .monitor = "shadow",
        .title = "SGDT",
        .class = TRIAL_SENSITIVE,
        .privilege = 3,
        .native = "0x1",
        .guest = "0x1",
        .due = "0x2",
        .seen = SEEN_HOST,
        .verdict = TRIAL_DIFFERS,
        .reason = "the host answers"};
    trials[1] = (struct trial){.name = "hlt",
        .monitor = "shadow",
        .title = "HLT",
        .class = TRIAL_PRIVILEGED,
        .native = "#GP(0x0)",
        .guest = "#GP(0x0)",
        .due = "#GP(0x0)",
        .seen = SEEN_SAME};
    trials[2] = (struct trial){.name = "endless-loop",
        .monitor = "shadow",
        .title = "endless loop",
        .class = TRIAL_SAFETY,
        .privilege = -1,
        .verdict = TRIAL_FAILED,
        .reason = "it did not stop"};
    verified[0] = (struct verified){
        .monitor = "shadow", .label = "shadow", .here = true, .slowdown = 1.01, .low = 1.005, .high = 1.02};
    verified[1] = (struct verified){.monitor = "kvm",
        .label = "kvm",
        .reason = "there is no /dev/kvm",
        .slowdown = NAN,
        .low = NAN,
        .high = NAN};
    *result = (struct result){.experiment = "verify",
        .started = "2026-01-01T00:00:00Z",
        .complete = true,
        .trials = trials,
        .trial_count = 3,
        .verified = verified,
        .verified_count = 2};
    for (int i = 0; i < 2; i++)
        verified_count(&verified[i], trials, 3);
}

static void trials_are_counted_by_goal_and_verdict(void **state)
{
    struct result result;
    struct trial trials[3];
    struct verified verified[2];
    (void)state;
    make_result(&result, trials, verified);
    assert_int_equal(verified[0].goals[GOAL_FIDELITY].held, 1);
    assert_int_equal(verified[0].goals[GOAL_FIDELITY].differs, 1);
    assert_int_equal(verified[0].goals[GOAL_FIDELITY].failed, 0);
    assert_int_equal(verified[0].goals[GOAL_SAFETY].failed, 1);
    assert_true(verified_failed(&verified[0]));
    trials[2].verdict = TRIAL_UNTRIED;
    verified_count(&verified[0], trials, 3);
    assert_int_equal(verified[0].goals[GOAL_SAFETY].untried, 1);
    assert_false(verified_failed(&verified[0]));
    assert_int_equal(verified[1].goals[GOAL_FIDELITY].held, 0);
}

static void a_verification_is_read_as_it_was_written(void **state)
{
    struct result result, again;
    struct trial trials[3];
    struct verified verified[2];
    struct error error;
    char *text = NULL;
    size_t size = 0;
    (void)state;
    make_result(&result, trials, verified);
    FILE *stream = open_memstream(&text, &size);
    assert_int_equal(json_write(&result, stream, &error), 0);
    fclose(stream);
    assert_non_null(strstr(text, "\"fidelity\": null"));
    assert_non_null(strstr(text, "there is no /dev/kvm"));
    if (result_parse("verify.json", text, size, &again, &error) < 0)
        fail_msg("%s", error.text);
    assert_int_equal(again.trial_count, 3);
    assert_memory_equal(again.trials, trials, sizeof trials);
    assert_int_equal(again.verified_count, 2);
    assert_true(again.verified[0].here && !again.verified[1].here);
    assert_memory_equal(again.verified[0].goals, verified[0].goals, sizeof verified[0].goals);
    assert_true(again.verified[0].slowdown == 1.01 && isnan(again.verified[1].low));
    free(text);
    result_free(&again);
}

static bool says(const struct document *doc, const char *text)
{
    for (size_t i = 0; i < doc->count; i++)
        if (doc->blocks[i].text && strstr(doc->blocks[i].text, text))
            return true;
    return false;
}

static void the_report_says_what_holds_and_what_does_not(void **state)
{
    struct result result;
    struct trial trials[3];
    struct verified verified[2];
    struct document doc = {.title = NULL};
    (void)state;
    make_result(&result, trials, verified);
    view_verify(&result, &doc);
    assert_true(says(&doc, "Not all that was tried holds on shadow."));
    assert_true(says(&doc, "shadow, failed: endless loop: it did not stop"));
    assert_true(says(&doc, "shadow, known to differ: SGDT: the host answers"));
    document_free(&doc);
    trials[2].verdict = TRIAL_HELD;
    verified_count(&verified[0], trials, 3);
    doc = (struct document){.title = NULL};
    view_verify(&result, &doc);
    assert_true(says(&doc, "All that was tried holds on shadow."));
    document_free(&doc);
    verified[0].here = false;
    doc = (struct document){.title = NULL};
    view_verify(&result, &doc);
    assert_true(says(&doc, "No monitor can be used here."));
    document_free(&doc);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_due_is_held_whether_native_is_alike_or_not),
        cmocka_unit_test(the_hosts_answer_is_excused_in_one_case_alone),
        cmocka_unit_test(an_exception_that_is_not_due_is_seen_as_a_trap),
        cmocka_unit_test(what_the_monitor_cannot_emulate_is_excused_only_where_it_has_to),
        cmocka_unit_test(endings_are_the_same_in_all_that_is_told),
        cmocka_unit_test(endings_are_told_as_people_write_them),
        cmocka_unit_test(trials_are_named_for_their_titles),
        cmocka_unit_test(trials_are_counted_by_goal_and_verdict),
        cmocka_unit_test(a_verification_is_read_as_it_was_written),
        cmocka_unit_test(the_report_says_what_holds_and_what_does_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
