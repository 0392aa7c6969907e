/* host/urgent: a thread that others wait for comes before programs that are not real-time ones, as the kernel
 * has it, for so long and where this user may have that. Each case is a process of its own. */
#include "cmocka_all.h"

#include "host/urgent.h"

#include <linux/capability.h>
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CANNOT = 255 };

/* What is wrong is told by its line. */
#define EXPECT(what)                                                                                         \
    do {                                                                                                     \
        if (!(what))                                                                                         \
            return __LINE__;                                                                                 \
    } while (0)

static int in_child(int (*what)(void))
{
    int status;
    const pid_t child = fork();
    if (child == 0)
        _exit(what());
    assert_true(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void holds(int (*what)(void), const char *why_not)
{
    const int line = in_child(what);
    if (line == CANNOT) {
        print_message("# %s\n", why_not);
        skip();
    }
    if (line)
        fail_msg("line %d", line);
}

static int policy(void)
{
    return sched_getscheduler(0) & ~SCHED_RESET_ON_FORK;
}

static bool set_policy(int which, int priority)
{
    const struct sched_param param = {.sched_priority = priority};
    return sched_setscheduler(0, which, &param) == 0;
}

/* CAP_SYS_NICE; and what there would be without it, RLIMIT_RTPRIO. */
static bool give_up_right(rlim_t limit)
{
    const struct rlimit priority = {limit, limit};
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];
    if (setrlimit(RLIMIT_RTPRIO, &priority) < 0 || syscall(SYS_capget, &header, sets) < 0)
        return false;
    sets[CAP_TO_INDEX(CAP_SYS_NICE)].effective &= ~CAP_TO_MASK(CAP_SYS_NICE);
    return syscall(SYS_capset, &header, sets) == 0;
}

static void *tell_policy(void *context)
{
    *(int *)context = policy();
    return NULL;
}

static int policy_of_a_new_thread(void)
{
    pthread_t thread;
    int found = -1;
    if (pthread_create(&thread, NULL, tell_policy, &found) == 0)
        pthread_join(thread, NULL);
    return found;
}

/* Before, meanwhile, afterwards. */
static int it_is_urgent(void)
{
    struct urgent urgent = {.is = false};
    struct sched_param param;
    EXPECT(policy() == SCHED_OTHER);
    urgent_begin(&urgent);
    EXPECT(urgent.is && policy() == SCHED_FIFO);
    EXPECT(sched_getparam(0, &param) == 0 && param.sched_priority == sched_get_priority_min(SCHED_FIFO));
    EXPECT(policy_of_a_new_thread() == SCHED_OTHER);
    urgent_begin(&urgent);
    EXPECT(urgent.is && policy() == SCHED_FIFO);
    urgent_end(&urgent);
    EXPECT(!urgent.is && policy() == SCHED_OTHER);
    EXPECT(policy_of_a_new_thread() == SCHED_OTHER);
    urgent_end(&urgent);
    EXPECT(policy() == SCHED_OTHER);
    return 0;
}

static int it_is_urgent_by_a_right(void)
{
    if (!set_policy(SCHED_FIFO, 1) || !set_policy(SCHED_OTHER, 0))
        return CANNOT;
    return it_is_urgent();
}

static int it_is_urgent_by_its_limit(void)
{
    return give_up_right(1) ? it_is_urgent() : CANNOT;
}

static int it_is_as_usual(void)
{
    struct urgent urgent = {.is = false};
    EXPECT(give_up_right(0));
    EXPECT(!set_policy(SCHED_FIFO, 1)); /* it really may not */
    urgent_begin(&urgent);
    EXPECT(!urgent.is && policy() == SCHED_OTHER);
    urgent_end(&urgent);
    EXPECT(policy() == SCHED_OTHER);
    return 0;
}

static int it_keeps_its_own(void)
{
    struct urgent urgent = {.is = false};
    EXPECT(set_policy(SCHED_BATCH, 0));
    urgent_begin(&urgent);
    EXPECT(!urgent.is && policy() == SCHED_BATCH);
    urgent_end(&urgent);
    EXPECT(policy() == SCHED_BATCH);
    return 0;
}

static void who_may_comes_first_for_so_long(void **unused)
{
    (void)unused;
    holds(it_is_urgent_by_a_right, "this user may not have SCHED_FIFO");
}

static void a_limit_on_priorities_is_a_right_too(void **unused)
{
    (void)unused;
    holds(it_is_urgent_by_its_limit, "this user may not raise its RLIMIT_RTPRIO");
}

static void who_may_not_stays_as_it_is(void **unused)
{
    (void)unused;
    holds(it_is_as_usual, "");
}

static void a_policy_of_its_own_is_left_alone(void **unused)
{
    (void)unused;
    holds(it_keeps_its_own, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_may_comes_first_for_so_long),
        cmocka_unit_test(a_limit_on_priorities_is_a_right_too),
        cmocka_unit_test(who_may_not_stays_as_it_is),
        cmocka_unit_test(a_policy_of_its_own_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
