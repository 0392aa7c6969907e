/* `vcost verify` on monitors that are broken on purpose, each in one way: what it tries notices that. */
#include "cmocka_all.h"

#include "abi/domain.h"
#include "base/size.h"
#include "domain/probe.h"
#include "experiment/verify_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* The first monitor that can be used here, whole; and with one function in place of another. */
static const struct monitor_ops *whole;
static struct monitor_ops broken;
static struct monitor_facts facts;
static struct trials trials;

/* ---- what is broken ---- */

static int region_without_flags(struct vm *vm, unsigned slot, gpa_t start, const struct backing *backing,
    unsigned flags, struct error *error)
{
    (void)flags;
    return whole->region(vm, slot, start, backing, 0, error);
}

static int system_without_address(struct vcpu *vcpu, struct vcpu_system *system, struct error *error)
{
    int rc = whole->get_system(vcpu, system, error);
    system->fault_address = 0;
    return rc;
}

/* A register changes at each exit that means nothing. */
static int enter_and_spoil(struct vcpu *vcpu, struct vm_exit *exit, struct error *error)
{
    struct vcpu_registers registers;
    struct vm_exit finished;
    int rc = whole->enter(vcpu, exit, error);
    if (rc < 0 || exit->kind != EXIT_IO || exit->port != DOMAIN_PORT_NULL || !exit->write)
        return rc;
    if (whole->complete(vcpu, &finished, error) < 0 || whole->get_registers(vcpu, &registers, error) < 0)
        return rc;
    registers.rbx++;
    whole->set_registers(vcpu, &registers, error);
    return rc;
}

/* What the guest wrote to memory that is not there is never told. */
static int enter_and_hide(struct vcpu *vcpu, struct vm_exit *exit, struct error *error)
{
    int rc = whole->enter(vcpu, exit, error);
    if (rc == 0 && exit->kind == EXIT_MMIO)
        exit->kind = EXIT_INTERRUPTED;
    return rc;
}

/* An end that is told as another: nobody knows why. */
static int enter_and_forget(struct vcpu *vcpu, struct vm_exit *exit, struct error *error)
{
    int rc = whole->enter(vcpu, exit, error);
    if (rc == 0 && exit->kind == EXIT_SHUTDOWN)
        return error_set(error, EIO, "forgotten");
    return rc;
}

/* The monitor itself crashes, is killed, or never comes back. */
static int enter_and_fall(struct vcpu *vcpu, struct vm_exit *exit, struct error *error)
{
    int rc = whole->enter(vcpu, exit, error);
    signal(SIGSEGV, SIG_DFL); /* which cmocka would catch */
    if (rc == 0 && exit->kind == EXIT_SHUTDOWN)
        raise(SIGSEGV);
    if (rc == 0 && exit->kind == EXIT_HALT)
        raise(SIGKILL);
    while (rc == 0 && exit->kind == EXIT_FAULT)
        pause();
    return rc;
}

/* The list that the first domain of a process walks: two of its elements change places. */
static uint64_t *first_list;

static int region_and_remember(struct vm *vm, unsigned slot, gpa_t start, const struct backing *backing,
    unsigned flags, struct error *error)
{
    if (!first_list && backing->bytes == 256 * KIB)
        first_list = backing->host;
    return whole->region(vm, slot, start, backing, flags, error);
}

static int enter_and_reach_beyond(struct vcpu *vcpu, struct vm_exit *exit, struct error *error)
{
    int rc = whole->enter(vcpu, exit, error);
    if (rc == 0 && exit->kind == EXIT_SHUTDOWN) {
        uint64_t first = first_list[0];
        first_list[0] = first_list[CHASE_LINE_BYTES];
        first_list[CHASE_LINE_BYTES] = first;
    }
    return rc;
}

/* Each end of a domain leaves a descriptor. */
static void destroy_and_leave(struct vm *vm)
{
    whole->destroy(vm);
    if (open("/dev/null", O_RDONLY | O_CLOEXEC) < 0)
        fail_msg("cannot leave anything");
}

static void kick_nothing(struct vcpu *vcpu)
{
    (void)vcpu;
}

/* ---- trying ---- */

/* Seconds: with what hangs; and with what does not, which may take longer on a busy machine. */
enum { PATIENCE = 2, PATIENCE_HELD = 60 };

static void need_monitor(void)
{
    const struct monitor_ops *each;
    for (size_t i = 0; !whole && (each = monitor_at(i)); i++) {
        domain_probe(each, &facts);
        whole = facts.usable ? each : NULL;
    }
    if (!whole) {
        print_message("# skip: no monitor can be used here: %s\n", facts.reason);
        skip();
        return;
    }
    broken = *whole;
    free(trials.list);
    trials = (struct trials){.monitor = whole->name};
}

static void try_fidelity(void)
{
    struct ground ground;
    struct error error;
    if (ground_open(&ground, &broken, NULL, &error) < 0 || verify_fidelity(&ground, &trials, &error) < 0)
        fail_msg("%s", error.text);
    ground_close(&ground);
}

static unsigned failed(void)
{
    unsigned count = 0;
    for (size_t i = 0; i < trials.count; i++)
        count += trials.list[i].verdict == TRIAL_FAILED;
    return count;
}

/* The case of this title; NULL: all. */
static void try_safety(const char *only, double patience)
{
    const struct safety safety = {.monitor = &broken, .patience = patience, .only = only};
    struct error error;
    if (verify_safety(&safety, &trials, &error) < 0)
        fail_msg("%s", error.text);
}

/* Each of its privileges. */
static void must_fail(const char *title)
{
    trials.count = 0;
    try_safety(title, PATIENCE);
    assert_true(trials.count > 0);
    for (size_t i = 0; i < trials.count; i++)
        if (trials.list[i].verdict != TRIAL_FAILED)
            fail_msg("%s is not noticed", title);
}

static void must_hold(const char *title)
{
    trials.count = 0;
    try_safety(title, PATIENCE_HELD);
    assert_true(trials.count > 0);
    assert_int_equal(failed(), 0);
}

static enum trial_verdict verdict(const char *name, int privilege)
{
    for (size_t i = 0; i < trials.count; i++)
        if (!strcmp(trials.list[i].name, name) && trials.list[i].privilege == privilege)
            return trials.list[i].verdict;
    fail_msg("there is no trial %s", name);
    return TRIAL_UNTRIED;
}

/* But for a few instructions that a processor, or a KVM, that nobody has tried yet may answer in its own way.
 */
static void a_whole_monitor_passes(void **state)
{
    enum { OWN_WAY_MOST = 4 };
    struct verified verified = {.here = true};
    (void)state;
    need_monitor();
    try_fidelity();
    try_safety(NULL, PATIENCE_HELD);
    for (size_t i = 0; i < trials.count; i++)
        if (trials.list[i].verdict == TRIAL_FAILED)
            print_message("# %s: %s\n", trials.list[i].title, trials.list[i].reason);
    snprintf(verified.monitor, sizeof verified.monitor, "%s", whole->name);
    verified_count(&verified, trials.list, trials.count);
    assert_int_equal(verified.goals[GOAL_SAFETY].failed, 0);
    assert_in_range(verified.goals[GOAL_FIDELITY].failed, 0, OWN_WAY_MOST);
}

static void memory_that_is_not_read_only_is_noticed(void **state)
{
    (void)state;
    need_monitor();
    broken.region = region_without_flags;
    must_fail("write to read-only memory");
    must_hold("memory that the host has not");
}

static void an_address_of_a_fault_that_is_lost_is_noticed(void **state)
{
    (void)state;
    need_monitor();
    broken.get_system = system_without_address;
    try_fidelity();
    assert_int_equal(verdict("read-of-what-is-absent", 3), TRIAL_FAILED);
    assert_int_equal(verdict("write-of-code", 3), TRIAL_FAILED);
    assert_int_equal(verdict("divide-by-zero", 3), TRIAL_HELD);
}

static void a_register_that_changes_is_noticed(void **state)
{
    (void)state;
    need_monitor();
    broken.enter = enter_and_spoil;
    try_fidelity();
    assert_int_equal(verdict("general-registers-across-exits", 3), TRIAL_FAILED);
    assert_int_equal(verdict("arithmetic", 3), TRIAL_HELD);
}

static void accesses_to_devices_that_are_not_told_are_noticed(void **state)
{
    (void)state;
    need_monitor();
    broken.enter = enter_and_hide;
    must_fail("devices, all widths at every alignment");
    must_fail("write to read-only memory");
}

static void an_end_that_is_not_told_is_noticed(void **state)
{
    (void)state;
    need_monitor();
    broken.enter = enter_and_forget;
    must_fail("triple fault");
    must_hold("halt without interrupts");
}

static void a_guest_that_cannot_be_stopped_is_noticed(void **state)
{
    (void)state;
    need_monitor();
    broken.kick = kick_nothing;
    must_fail("endless loop");
}

static void a_monitor_that_falls_ends_its_case_alone(void **state)
{
    (void)state;
    need_monitor();
    broken.enter = enter_and_fall;
    must_fail("triple fault");
    must_fail("halt without interrupts");
    must_fail("memory that the host has not");
    must_hold("endless loop");
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

static void a_second_guest_that_is_harmed_is_noticed(void **state)
{
    (void)state;
    need_monitor();
    broken.region = region_and_remember;
    broken.enter = enter_and_reach_beyond;
    must_fail("triple fault");
    must_hold("halt without interrupts");
}

static void what_is_left_behind_is_noticed(void **state)
{
    (void)state;
    need_monitor();
    broken.destroy = destroy_and_leave;
    must_fail("halt without interrupts");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_monitor_passes),
        cmocka_unit_test(memory_that_is_not_read_only_is_noticed),
        cmocka_unit_test(an_address_of_a_fault_that_is_lost_is_noticed),
        cmocka_unit_test(a_register_that_changes_is_noticed),
        cmocka_unit_test(accesses_to_devices_that_are_not_told_are_noticed),
        cmocka_unit_test(an_end_that_is_not_told_is_noticed),
        cmocka_unit_test(a_guest_that_cannot_be_stopped_is_noticed),
        cmocka_unit_test(a_monitor_that_falls_ends_its_case_alone),
        cmocka_unit_test(a_second_guest_that_is_harmed_is_noticed),
        cmocka_unit_test(what_is_left_behind_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
