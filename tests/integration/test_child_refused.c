/* Hosts that refuse what a child needs (containers, other kernels): child_possible() says what. And such that
 * are odd only. The refusals are a filter's, in a process of their own. */
#include "child_guest.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct refusal {
    const char *name;
    long number; /* system call */
    int code;
    const char *said;
};

static const struct refusal refusals[] = {
    {"memfd_create", SYS_memfd_create, EPERM, "memfd_create"},
    {"execve", SYS_execve, EACCES, "execute memory"},
    {"pidfd_open", SYS_pidfd_open, ENOSYS, "pidfd_open"},
    {"seccomp", SYS_seccomp, ENOSYS, "seccomp"},
    {"close_range", SYS_close_range, ENOSYS, "close_range"},
    {"sigaltstack", SYS_sigaltstack, EPERM, "sigaltstack"},
    {"rt_sigaction", SYS_rt_sigaction, EPERM, "rt_sigaction"},
    {"set_tid_address", SYS_set_tid_address, ENOSYS, "set_tid_address"},
    {"clone", SYS_clone, EAGAIN, "ulimit -u"},
    {"eventfd2", SYS_eventfd2, ENOSYS, "eventfd"},
    {"socketpair", SYS_socketpair, EPERM, "sockets"},
};

static void refuse(const struct refusal *refusal)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)refusal->number, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (uint32_t)refusal->code),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog program = {sizeof code / sizeof *code, code};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
        _exit(3);
}

struct verdict {
    int rc;
    char text[512];
};

/* In a process of its own. */
static void try_with(
    void (*limit)(const struct refusal *), const struct refusal *refusal, struct verdict *verdict)
{
    struct verdict *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int status = 0;
    assert_ptr_not_equal(shared, MAP_FAILED);
    pid_t process = fork();
    if (process == 0) {
        struct error said = {0};
        limit(refusal);
        shared->rc = child_possible(&said);
        memcpy(shared->text, said.text, sizeof shared->text);
        syscall(SYS_exit_group, 0); /* not by _exit(), in which a sanitizer wants to do what is refused */
    }
    assert_int_equal(waitpid(process, &status, 0), process);
    assert_int_equal(status, 0);
    *verdict = *shared;
    munmap(shared, sizeof *shared);
}

static void what_is_refused_is_said(void **state)
{
    (void)state;
    need_children();
    for (unsigned i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        struct verdict verdict;
        try_with(refuse, &refusals[i], &verdict);
        print_message("# %s: %s\n", refusals[i].name, verdict.text);
        assert_true(verdict.rc < 0);
        assert_non_null(strstr(verdict.text, refusals[i].said));
    }
}

static void allow_few_descriptors(const struct refusal *unused)
{
    (void)unused;
    setrlimit(RLIMIT_NOFILE, &(struct rlimit){24, 24});
}

static void too_few_descriptors_are_said(void **state)
{
    (void)state;
    need_children();
    struct verdict verdict;
    try_with(allow_few_descriptors, NULL, &verdict);
    print_message("# %s\n", verdict.text);
    assert_true(verdict.rc < 0);
    assert_non_null(strstr(verdict.text, "ulimit -n"));
}

enum { DENY_WRITE_EXECUTE = 65, REFUSE_EXEC_GAIN = 1 }; /* PR_SET_MDWE, Linux 6.3 */

static void deny_write_execute(const struct refusal *unused)
{
    (void)unused;
    if (prctl(DENY_WRITE_EXECUTE, REFUSE_EXEC_GAIN, 0, 0, 0) < 0)
        syscall(SYS_exit_group, 77);
}

static void memory_that_may_not_be_executed_is_said(void **state)
{
    (void)state;
    need_children();
    pid_t process = fork();
    int status;
    if (process == 0) {
        deny_write_execute(NULL);
        syscall(SYS_exit_group, 0);
    }
    assert_int_equal(waitpid(process, &status, 0), process);
    if (WEXITSTATUS(status) == 77) {
        print_message("# skip: PR_SET_MDWE is new in Linux 6.3\n");
        skip();
    }
    struct verdict verdict;
    try_with(deny_write_execute, NULL, &verdict);
    print_message("# %s\n", verdict.text);
    assert_int_equal(verdict.rc, -ENOTSUP);
    assert_non_null(strstr(verdict.text, "PR_SET_MDWE"));
}

/* ---- odd surroundings ---- */

static void ignore_children(const struct refusal *unused)
{
    (void)unused;
    signal(SIGCHLD, SIG_IGN);
}

static void close_standard(const struct refusal *unused)
{
    (void)unused;
    for (int fd = 0; fd < 3; fd++)
        close(fd);
}

static void block_signals(const struct refusal *unused)
{
    sigset_t all;
    (void)unused;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
}

/* The new program's stack is where a child's own pages belong. */
static void fix_addresses(const struct refusal *unused)
{
    (void)unused;
    if (personality(ADDR_NO_RANDOMIZE) < 0)
        _exit(4);
}

static void have_endless_stack(const struct refusal *unused)
{
    (void)unused;
    setrlimit(RLIMIT_STACK, &(struct rlimit){RLIM_INFINITY, RLIM_INFINITY});
}

static void odd_surroundings_do_not_matter(void **state)
{
    static void (*const surroundings[])(const struct refusal *) = {
        ignore_children, close_standard, block_signals, fix_addresses, have_endless_stack};
    (void)state;
    need_children();
    for (unsigned i = 0; i < sizeof surroundings / sizeof *surroundings; i++) {
        struct verdict verdict;
        try_with(surroundings[i], NULL, &verdict);
        if (verdict.rc < 0)
            fail_msg("surroundings %u: %s", i, verdict.text);
    }
}

/* The child is lost, the family is not. */
static void memory_that_runs_out_costs_a_child(void **state)
{
    (void)state;
    need_children();
    const struct rlimit little = {2 << 20, 2 << 20};
    assert_return_code(prlimit(child->guest_number, RLIMIT_AS, &little, NULL), 0);
    struct error said;
    pid_t helper = (pid_t)child->helper_number;
    assert_return_code(prlimit(helper, RLIMIT_AS, &little, NULL), 0);
    assert_int_equal(
        child_map(child, NOWHERE, memory_number, 0, PAGES * PAGE, CHILD_READ | CHILD_WRITE, &said), -ENOMEM);
    assert_int_equal(run(), CHILD_DIED);
    child_close(child);
    OK(child_open(family, &child, &error));
    OK(child_map(child, NOWHERE, memory_number, 0, PAGES * PAGE, CHILD_READ | CHILD_WRITE, &error));
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, child_guest_open, child_guest_close)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_refused_is_said),
        cmocka_unit_test(too_few_descriptors_are_said),
        cmocka_unit_test(memory_that_may_not_be_executed_is_said),
        cmocka_unit_test(odd_surroundings_do_not_matter),
        CASE(memory_that_runs_out_costs_a_child),
    };
    return cmocka_run_group_tests_name("child_refused", tests, child_guest_find_out, NULL);
}
