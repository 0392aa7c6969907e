/* What KVM answers, played by this test: exits that a real one gives rarely or never, sizes that cannot be,
 * and interruptions without end. */
#include "cmocka_all.h"

#include "monitor/kvm/internal.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

/* The linker sends vcost's ioctls here. */
int __wrap_ioctl(int fd, unsigned long request, void *argument);

static struct {
    int calls, fail_first, code; /* calls that fail with `code`, then success */
    unsigned long last;
} played;

int __wrap_ioctl(int fd, unsigned long request, void *argument)
{
    (void)fd, (void)argument;
    played.last = request;
    if (played.calls++ >= played.fail_first)
        return 0;
    errno = played.code;
    return -1;
}

static union {
    struct kvm_run run;
    char bytes[3 * 4096];
} shared;
static struct vm vm = {.run_bytes = sizeof shared};
static struct vcpu vcpu = {.vm = &vm, .run = &shared.run};

static int reset(void **state)
{
    (void)state;
    memset(&shared, 0, sizeof shared);
    memset(&played, 0, sizeof played);
    vcpu.kicked = vcpu.unfinished = false;
    return 0;
}

static struct vm_exit enter(void)
{
    struct vm_exit exit;
    struct error error;
    if (kvm_enter(&vcpu, &exit, &error) < 0)
        fail_msg("%s", error.text);
    return exit;
}

static struct vm_exit enter_failing(int code)
{
    played.fail_first = 1;
    played.calls = 0;
    played.code = code;
    return enter();
}

static void play_io(uint8_t size, uint32_t count, uint64_t offset)
{
    shared.run.exit_reason = KVM_EXIT_IO;
    shared.run.io.direction = KVM_EXIT_IO_IN;
    shared.run.io.size = size;
    shared.run.io.count = count;
    shared.run.io.data_offset = offset;
}

static void input_that_does_not_fit_the_shared_pages_is_refused(void **state)
{
    static const struct {
        uint8_t size;
        uint32_t count;
        uint64_t offset;
    } wrong[] = {{4, 1025, 2 * 4096}, {4, UINT32_MAX, 4096}, {4, 1, 3 * 4096 - 3}, {4, 1, UINT64_MAX},
        {4, 0, 4096}, {0, 1, 4096}, {3, 1, 4096}, {8, 1, 4096}, {255, 1, 4096}};
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        memset(&shared, 0x5a, sizeof shared);
        play_io(wrong[i].size, wrong[i].count, wrong[i].offset);
        assert_int_equal(enter().kind, EXIT_FAILED);
        for (size_t at = sizeof shared.run; at < sizeof shared; at++)
            assert_int_equal(shared.bytes[at], 0x5a);
    }
}

static void input_that_just_fits_is_zeroed_and_nothing_beside_it(void **state)
{
    (void)state;
    memset(&shared, 0x5a, sizeof shared);
    play_io(4, 1024, 2 * 4096);
    struct vm_exit exit = enter();
    assert_int_equal(exit.kind, EXIT_IO);
    assert_ptr_equal(exit.data, shared.bytes + 2 * 4096);
    assert_int_equal(exit.size * exit.count, 4096);
    for (size_t at = sizeof shared.run; at < sizeof shared; at++)
        assert_int_equal(shared.bytes[at], at < 2 * 4096 ? 0x5a : 0);
}

static void assert_tells(unsigned long request, int code, const char *words)
{
    struct error error;
    assert_int_equal(kvm_refused(&error, request, code, "KVM does not do it"), -code);
    if (!strstr(error.text, words) || !strstr(error.text, strerror(code)) ||
        strncmp(error.text, "KVM does not do it", strlen("KVM does not do it")) != 0)
        fail_msg("'%s' has not '%s'", error.text, words);
}

static void each_refusal_is_told_with_its_cause_and_remedy(void **state)
{
    (void)state;
    assert_tells(KVM_CREATE_VM, EBUSY, "another hypervisor");
    assert_tells(KVM_RUN, EBUSY, "something else holds it");
    assert_tells(KVM_CREATE_VM, EPERM, "seccomp");
    assert_tells(KVM_CREATE_VM, EACCES, "SELinux");
    assert_tells(KVM_GET_API_VERSION, ENOTTY, "not Linux's KVM");
    assert_tells(KVM_GET_STATS_FD, ENOTTY, "use a newer one");
    assert_tells(KVM_CREATE_VCPU, EMFILE, "ulimit -n");
    assert_tells(KVM_CREATE_VM, ENFILE, "fs.file-max");
    assert_tells(KVM_SET_USER_MEMORY_REGION, ENOMEM, "control group");
    assert_tells(KVM_RUN, EIO, "the kernel's log");
    assert_tells(KVM_RUN, EXDEV, "");
}

static void an_access_to_memory_of_an_impossible_size_is_refused(void **state)
{
    (void)state;
    shared.run.exit_reason = KVM_EXIT_MMIO;
    for (uint32_t length = 0; length < 300; length++) {
        shared.run.mmio.len = length;
        assert_int_equal(enter().kind, length > 0 && length <= 8 ? EXIT_MMIO : EXIT_FAILED);
    }
}

static void a_hypercall_is_told_with_its_arguments_and_answered(void **state)
{
    (void)state;
    shared.run.exit_reason = KVM_EXIT_HYPERCALL;
    shared.run.hypercall.nr = 12;
    for (unsigned i = 0; i < 6; i++)
        shared.run.hypercall.args[i] = 100 + i;
    struct vm_exit exit = enter();
    assert_int_equal(exit.kind, EXIT_HYPERCALL);
    assert_int_equal(exit.number, 12);
    for (unsigned i = 0; i < 6; i++)
        assert_int_equal(exit.arguments[i], 100 + i);
    *exit.result = 77;
    assert_int_equal(shared.run.hypercall.ret, 77);
}

static void a_fault_of_the_host_is_told_with_what_is_known(void **state)
{
    const uint64_t fault[] = {0, 0x1234000, 4096};
    (void)state;
    shared.run.s.regs.regs.rip = 0x4711;
    shared.run.exit_reason = KVM_EXIT_UNKNOWN;
    struct vm_exit exit = enter_failing(EFAULT);
    assert_int_equal(exit.kind, EXIT_FAULT);
    assert_int_equal(exit.rip, 0x4711);
    assert_false(exit.address_known);
    shared.run.exit_reason = 39;
    memcpy(shared.run.padding, fault, sizeof fault);
    exit = enter_failing(EHWPOISON);
    assert_int_equal(exit.kind, EXIT_FAULT);
    assert_true(exit.address_known);
    assert_int_equal(exit.address.value, 0x1234000);
}

static void what_kvm_cannot_go_on_with_is_told(void **state)
{
    (void)state;
    shared.run.exit_reason = KVM_EXIT_INTERNAL_ERROR;
    shared.run.internal.suberror = KVM_INTERNAL_ERROR_EMULATION;
    struct vm_exit exit = enter();
    assert_int_equal(exit.kind, EXIT_INTERNAL);
    assert_int_equal(exit.code, KVM_INTERNAL_ERROR_EMULATION);
    assert_non_null(strstr(exit.detail, "suberror 1: it cannot emulate"));
    shared.run.exit_reason = KVM_EXIT_FAIL_ENTRY;
    shared.run.fail_entry.hardware_entry_failure_reason = 0x80000021;
    exit = enter();
    assert_int_equal(exit.kind, EXIT_FAILED);
    assert_non_null(strstr(exit.detail, "0x80000021"));
    shared.run.exit_reason = 4711;
    exit = enter();
    assert_int_equal(exit.kind, EXIT_FAILED);
    assert_non_null(strstr(exit.detail, "4711"));
}

static void another_failure_is_an_error(void **state)
{
    struct vm_exit exit;
    struct error error;
    (void)state;
    played.fail_first = 1;
    played.code = EINVAL;
    assert_int_equal(kvm_enter(&vcpu, &exit, &error), -EINVAL);
}

/* An interruption takes the flag back, and tells of a kick once. */
static void a_kick_is_told_once(void **state)
{
    (void)state;
    kvm_kick(&vcpu);
    kvm_kick(&vcpu);
    assert_int_equal(shared.run.immediate_exit, 1);
    assert_int_equal(enter_failing(EINTR).kind, EXIT_KICKED);
    assert_int_equal(shared.run.immediate_exit, 0);
    assert_int_equal(enter_failing(EINTR).kind, EXIT_INTERRUPTED);
    assert_int_equal(enter_failing(EAGAIN).kind, EXIT_INTERRUPTED);
}

/* Completing is an entry that comes back at once; a kick meanwhile holds for the next entry. */
static void completing_does_not_swallow_a_kick(void **state)
{
    struct vm_exit exit;
    struct error error;
    (void)state;
    for (int kicked = 0; kicked <= 1; kicked++) {
        played.calls = 0;
        played.fail_first = 1;
        played.code = EINTR;
        if (kicked)
            kvm_kick(&vcpu);
        assert_int_equal(kvm_complete(&vcpu, &exit, &error), 0);
        assert_int_equal(exit.kind, EXIT_INTERRUPTED);
        assert_int_equal(shared.run.immediate_exit, kicked);
    }
    assert_int_equal(enter_failing(EINTR).kind, EXIT_KICKED);
}

/* ---- creating ---- */

static bool ask(void *context)
{
    int *calls = context;
    return --*calls < 0;
}

static void creating_is_tried_again_while_signals_interrupt_it(void **state)
{
    (void)state;
    played.fail_first = 3;
    played.code = EINTR;
    assert_int_equal(kvm_create_fd(1, KVM_CREATE_VM, 0, NULL), 0);
    assert_int_equal(played.calls, 4);
}

static void creating_ends_when_stop_is_asked_and_without_it_too(void **state)
{
    int calls = 5;
    struct stop stop = {.asked = ask, .context = &calls};
    (void)state;
    played.fail_first = 1 << 30;
    played.code = EINTR;
    assert_int_equal(kvm_create_fd(1, KVM_CREATE_VM, 0, &stop), -1);
    assert_int_equal(played.calls, 6);
    assert_int_equal(errno, EINTR);
    played.calls = 0;
    assert_int_equal(kvm_create_fd(1, KVM_CREATE_VCPU, 0, NULL), -1);
    assert_int_equal(errno, EAGAIN); /* EINTR is for who asked to stop */
    assert_in_range(played.calls, 100, 100000);
}

static void another_failure_to_create_is_one_at_once(void **state)
{
    (void)state;
    played.fail_first = 1 << 30;
    played.code = ENOMEM;
    assert_int_equal(kvm_create_fd(1, KVM_CREATE_VM, 0, NULL), -1);
    assert_int_equal(played.calls, 1);
}

#define TEST(test) cmocka_unit_test_setup(test, reset)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(input_that_does_not_fit_the_shared_pages_is_refused),
        TEST(input_that_just_fits_is_zeroed_and_nothing_beside_it),
        TEST(each_refusal_is_told_with_its_cause_and_remedy),
        TEST(an_access_to_memory_of_an_impossible_size_is_refused),
        TEST(a_hypercall_is_told_with_its_arguments_and_answered),
        TEST(a_fault_of_the_host_is_told_with_what_is_known),
        TEST(what_kvm_cannot_go_on_with_is_told),
        TEST(another_failure_is_an_error),
        TEST(a_kick_is_told_once),
        TEST(completing_does_not_swallow_a_kick),
        TEST(creating_is_tried_again_while_signals_interrupt_it),
        TEST(creating_ends_when_stop_is_asked_and_without_it_too),
        TEST(another_failure_to_create_is_one_at_once),
    };
    return cmocka_run_group_tests_name("kvm_exits", tests, NULL, NULL);
}
