/* A signal comes to a program that has left itself no memory, and one that has left itself no descriptor has
 * a child that is not given a mapping. */
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile int caught;

static void count(int number)
{
    (void)number;
    caught++;
}

/* The signal that ends it when it looks. */
static int end_of_child(void)
{
    const size_t bytes = 1 << 16;
    struct rlimit before;
    volatile char *kept = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int status = 0;
    getrlimit(RLIMIT_NOFILE, &before);
    if (kept == MAP_FAILED || madvise((void *)kept, bytes, MADV_DONTFORK) < 0)
        return -1;
    *kept = 1;
    setrlimit(RLIMIT_NOFILE, &(struct rlimit){0, before.rlim_max});
    pid_t child = fork();
    if (child == 0)
        _exit(*kept);
    setrlimit(RLIMIT_NOFILE, &before);
    return waitpid(child, &status, 0) == child && WIFSIGNALED(status) ? WTERMSIG(status) : -1;
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
    printf("failed %d, caught %d, child ended by %d\n", failed, caught, end_of_child());
    return 0;
}
