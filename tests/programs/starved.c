/* A signal comes to a program that has left itself no memory. */
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>

static volatile int caught;

static void count(int number)
{
    (void)number;
    caught++;
}

int main(void)
{
    const struct rlimit none = {0, RLIM_INFINITY};
    signal(SIGUSR1, count);
    int failed = setrlimit(RLIMIT_AS, &none) | setrlimit(RLIMIT_DATA, &none);
    for (int i = 0; i < 3; i++)
        raise(SIGUSR1);
    const struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};
    failed |= setrlimit(RLIMIT_AS, &all) | setrlimit(RLIMIT_DATA, &all);
    printf("failed %d, caught %d\n", failed, caught);
    return 0;
}
