/* Processes that share their parent's memory while it goes on (clone(2), CLONE_VM without CLONE_VFORK): what
 * each sees of the other, and how they end. */
#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { STACK_BYTES = 256 << 10, PAGE = 4096, SHARING = CLONE_VM | CLONE_FS | CLONE_FILES };

static atomic_int turn;
static char *volatile mapped;
static volatile int shared;
static pid_t parent;

static void await(int value)
{
    for (int now; (now = turn) != value;)
        syscall(SYS_futex, &turn, FUTEX_WAIT, now, NULL, NULL, 0);
}

static void pass(int value)
{
    turn = value;
    syscall(SYS_futex, &turn, FUTEX_WAKE, 100, NULL, NULL, 0);
}

static void *anonymous(void)
{
    return mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static pid_t start(int (*function)(void *), int flags, void *context)
{
    char *stack = malloc(STACK_BYTES);
    return clone(function, stack + STACK_BYTES, flags, context);
}

static int status_of(pid_t child)
{
    int status;
    if (waitpid(child, &status, __WALL) != child)
        return -1;
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

/* ---- memory that either side maps, and takes away ---- */

static int take_turns(void *context)
{
    (void)context;
    await(1);
    mapped[0]++;
    munmap(mapped, PAGE);
    mapped = anonymous();
    mapped[1] = 5;
    pass(2);
    await(3);
    mapped[1]++; /* ends by SIGSEGV */
    _exit(99);
}

static void share_changes(void)
{
    turn = 0;
    pid_t child = start(take_turns, SHARING | SIGCHLD, NULL);
    char *own = mapped = anonymous();
    own[0] = 1;
    pass(1);
    await(2);
    printf("mapped by the child: %d\n", mapped[1]);
    mprotect(mapped, PAGE, PROT_READ);
    pass(3);
    printf("it writes where its parent forbade it: %d\n", status_of(child));
}

/* ---- what is its own, and what is not ---- */

static void handle(int number)
{
    shared += number;
}

static int ends(void *context)
{
    struct sigaction action = {.sa_handler = handle};
    sigaction(SIGUSR1, &action, NULL);
    raise(SIGUSR1);
    shared += getpid() != parent && getppid() == parent ? 1000 : 0;
    chdir("/");
    close(*(int *)context);
    _exit(7);
}

static void share_files(void)
{
    static const int ways[] = {SHARING, CLONE_VM};
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        char directory[PAGE];
        int file = dup(1);
        chdir("/tmp");
        shared = 0;
        int status = status_of(start(ends, ways[i] | SIGCHLD, &file));
        printf("status %d, %d, in %s, closed %d, handler %d\n", status, shared,
            getcwd(directory, sizeof directory), write(file, "", 0) < 0, signal(SIGUSR1, SIG_DFL) != SIG_DFL);
    }
}

/* ---- its own end, and other programs ---- */

static int executes(void *context)
{
    execl("/bin/sh", "sh", "-c", context, (char *)NULL);
    _exit(99);
}

static int waits(void *context)
{
    (void)context;
    pass(1);
    pause();
    _exit(98);
}

/* NOLINTBEGIN(clang-analyzer-security.insecureAPI.vfork,clang-analyzer-unix.Vfork): this is what is tried */
static int forks(void *context)
{
    (void)context;
    pid_t child = fork();
    if (child == 0) {
        shared = 77;
        _exit(3);
    }
    int status = status_of(child);
    child = vfork();
    if (child == 0)
        _exit(4);
    shared += 10 * status + status_of(child) + 100 * system("exit 2") / 256;
    _exit(0);
}

/* NOLINTEND(clang-analyzer-security.insecureAPI.vfork,clang-analyzer-unix.Vfork) */

static void end_each_way(void)
{
    char script[] = "exit 5";
    int status = status_of(start(executes, SHARING | SIGCHLD, script));
    printf("executes: %d\n", status);
    static const int numbers[] = {SIGKILL, SIGTERM};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        turn = 0;
        pid_t child = start(waits, CLONE_VM | SIGCHLD, NULL);
        await(1);
        kill(child, numbers[i]);
        status = status_of(child);
        printf("killed: %d\n", status);
    }
    shared = 0;
    status = status_of(start(forks, CLONE_VM | SIGCHLD, NULL));
    printf("its children: %d, %d\n", status, shared);
}

/* It has no time to finish what it does. */
static int changes(void *context)
{
    (void)context;
    for (;; shared++) {
        char *page = anonymous();
        page[0] = 1;
        munmap(page, PAGE);
    }
    return 0;
}

static void kill_in_the_midst(void)
{
    enum { TIMES = 60, CHANGES = 20 };
    static const int numbers[] = {SIGKILL, SIGTERM};
    int right = 0;
    for (int i = 0; i < TIMES; i++) {
        shared = 0;
        pid_t child = start(changes, CLONE_VM | (i / 2 % 2 ? CLONE_FILES : 0) | SIGCHLD, NULL);
        while (shared < CHANGES)
            sched_yield();
        kill(child, numbers[i % 2]);
        right += status_of(child) == -numbers[i % 2];
        munmap(anonymous(), PAGE);
    }
    printf("killed while they changed memory: %d\n", right);
}

/* ---- many at once, and after each other ---- */

static atomic_int sum;

static int counts(void *context)
{
    (void)context;
    for (int i = 0; i < 20; i++) {
        char *page = anonymous();
        page[0] = 1;
        sum += page[0];
        munmap(page, PAGE);
    }
    _exit(0);
}

static void share_with_many(void)
{
    enum { ROUNDS = 5, MANY = 6 };
    int failed = 0;
    for (int round = 0; round < ROUNDS; round++) {
        pid_t children[MANY];
        for (int i = 0; i < MANY; i++)
            children[i] = start(counts, (i % 2 ? SHARING : CLONE_VM) | SIGCHLD, NULL);
        pid_t copy = fork();
        if (copy == 0) {
            free(malloc(100000));
            _exit(0);
        }
        for (int i = 0; i < 20; i++) {
            char *page = anonymous();
            page[0] = 1;
            munmap(page, PAGE);
        }
        failed += status_of(copy) != 0;
        for (int i = 0; i < MANY; i++)
            failed += status_of(children[i]) != 0;
    }
    printf("%d counted, %d failed\n", sum, failed);
}

/* ---- errors ---- */

static void fail(void)
{
    static const struct {
        const char *name;
        unsigned long flags;
    } tries[] = {{"handlers without memory", CLONE_SIGHAND | SIGCHLD},
        {"a thread without memory", CLONE_THREAD | CLONE_SIGHAND}};
    for (size_t i = 0; i < sizeof tries / sizeof tries[0]; i++) {
        errno = 0;
        long result = syscall(SYS_clone, tries[i].flags, 0L, NULL, NULL, 0L);
        printf("%s: %ld, %d\n", tries[i].name, result, errno);
    }
}

/* ---- outliving its parent ---- */

static int outlives(void *context)
{
    const int *ends = context;
    char byte;
    close(ends[3]);
    if (read(ends[2], &byte, 1) != 0) /* until its parent has ended */
        _exit(1);
    mapped = anonymous();
    strcpy(mapped, "after its parent\n");
    _exit(write(ends[1], mapped, strlen(mapped)) < 0);
}

static void outlive(bool execute)
{
    int said[2], over[2];
    char text[64] = "";
    if (pipe(said) < 0 || pipe2(over, 02000000) < 0)
        return;
    pid_t middle = fork();
    if (middle == 0) {
        int all[4] = {said[0], said[1], over[0], over[1]};
        start(outlives, CLONE_VM | SIGCHLD, all);
        if (execute)
            execl("/bin/true", "true", (char *)NULL);
        _exit(6);
    }
    close(over[1]);
    close(said[1]);
    int status = status_of(middle);
    for (ssize_t got, at = 0; (got = read(said[0], text + at, sizeof text - 1 - (size_t)at)) > 0;)
        at += got;
    printf("parent ended %d: %s", status, text);
    close(said[0]);
    close(over[0]);
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    parent = getpid();
    share_changes();
    share_files();
    end_each_way();
    kill_in_the_midst();
    share_with_many();
    fail();
    outlive(false);
    outlive(true);
    return 0;
}
