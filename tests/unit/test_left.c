/* What a program leaves running, where the kernel has no list of children: nobody is waited for, and nobody
 * waits in a circle. */
#include "cmocka_all.h"

#include "host/read_text.h"
#include "program/left.h"

#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int __wrap_nanosleep(const struct timespec *time, struct timespec *left);

static int tell = -1; /* the program ends at a byte from here */

int __wrap_nanosleep(const struct timespec *time, struct timespec *left)
{
    (void)time;
    (void)left;
    if (tell >= 0)
        close(tell);
    tell = -1;
    return 0;
}

static pid_t start_program(int ends[2])
{
    char byte;
    pid_t child = fork();
    if (child == 0) {
        close(ends[1]);
        _exit((int)read(ends[0], &byte, 1));
    }
    return child;
}

static pid_t start_orphan(void)
{
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    return child;
}

static void who_is_not_in_the_list_is_looked_at_from_time_to_time(void **state)
{
    struct left left;
    int ends[2];
    (void)state;
    read_text_root("/nowhere");
    left_begin(&left);
    assert_int_equal(pipe(ends), 0);
    tell = ends[1];
    pid_t program = start_program(ends), orphan = start_orphan();
    assert_true(program > 0 && orphan > 0);
    left_wait(&left, program);
    left_wait_end(&left); /* once somebody has slept, and so the program has ended */
    assert_int_equal(waitpid(program, NULL, 0), program);
    left_end(&left);
    assert_int_equal(left.count, 0);
    assert_int_equal(waitpid(orphan, NULL, 0), orphan);
    close(ends[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_not_in_the_list_is_looked_at_from_time_to_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
