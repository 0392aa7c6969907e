/* Children in their parent's memory (vfork, posix_spawn): what each sees of the other, and that a program
 * which cannot be executed is told to who asked for it. */
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile int shared;

static void handle(int number)
{
    (void)number;
    shared += 100;
}

static int status_of(pid_t child)
{
    int status;
    if (waitpid(child, &status, 0) != child)
        return -1;
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static void spawn(const char *path)
{
    char *const words[] = {(char *)path, NULL};
    pid_t child;
    int code = posix_spawn(&child, path, NULL, NULL, words, environ);
    printf("spawn %s: %d, %d\n", path, code, code ? 0 : status_of(child));
}

/* NOLINTBEGIN(clang-analyzer-security.insecureAPI.vfork,clang-analyzer-unix.Vfork): this is what is tried */
int main(void)
{
    pid_t child;
    signal(SIGUSR1, handle);
    spawn("/nowhere/at/all");
    spawn("/bin/true");
    if ((child = vfork()) == 0) {
        shared = 42;
        signal(SIGUSR1, SIG_IGN);
        memset(malloc(100000), 1, 100000);
        kill(getpid(), SIGUSR1);
        _exit(shared == 42 ? 5 : 6);
    }
    printf("memory is shared: %d, status %d\n", shared, status_of(child));
    raise(SIGUSR1);
    printf("the handler is not: %d\n", shared);
    if ((child = vfork()) == 0) {
        execl("/nowhere/at/all", "at all", (char *)NULL);
        shared = errno;
        _exit(3);
    }
    printf("errno %d, status %d\n", shared, status_of(child));
    if ((child = vfork()) == 0) {
        shared = 7;
        kill(getpid(), SIGKILL);
    }
    printf("%d, killed %d\n", shared, status_of(child));
    if ((child = vfork()) == 0) {
        pid_t grandchild = fork();
        if (grandchild == 0) {
            shared = 999;
            _exit(9);
        }
        shared = status_of(grandchild);
        _exit(1);
    }
    printf("its own child has a copy: %d, status %d\n", shared, status_of(child));
    return 0;
}
/* NOLINTEND(clang-analyzer-security.insecureAPI.vfork,clang-analyzer-unix.Vfork) */
