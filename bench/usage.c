/* Runs a command, its output thrown away, and tells what it took: "SECONDS KIB", wall-clock time and peak
 * resident memory. The exit status is the command's. */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
    posix_spawn_file_actions_t actions;
    struct rusage usage;
    pid_t child;
    int status = 0;
    if (argc < 2)
        return 2;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    double start = seconds();
    int failed = posix_spawnp(&child, argv[1], &actions, NULL, argv + 1, environ);
    if (failed || wait4(child, &status, 0, &usage) < 0) {
        fprintf(stderr, "bench/usage: cannot run %s: %s\n", argv[1], strerror(failed));
        return 1;
    }
    printf("%.1f %ld\n", seconds() - start, usage.ru_maxrss);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
