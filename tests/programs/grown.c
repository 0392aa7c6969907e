/* Mappings that grow downwards (MAP_GROWSDOWN): as the program, a child or a system call comes to what is
 * below them, as far as stacks may; with rights changed from where they begin. What the stack may grow into
 * is not there before. And the lowest pages, which not everybody may have (vm.mmap_min_addr). */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 4096, ROOM = 64 << 20, PAGES = 500 };

static sigjmp_buf back;

static void take_fault(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)context;
    siglongjmp(back, 10 + info->si_code);
}

/* How many of so many pages below an address could be written, and with which code (and 10) the next could
 * not. */
static void write_below(const char *what, char *from, int count)
{
    volatile int done = 0;
    int fault = sigsetjmp(back, 1);
    for (; !fault && done < count; done++)
        from[-(done + 1) * PAGE] = 1;
    printf("%s: %d, %d\n", what, done, fault);
}

static char *map_growing(void)
{
    const int private = MAP_PRIVATE | MAP_ANONYMOUS;
    char *room = mmap(NULL, ROOM, PROT_NONE, private | MAP_NORESERVE, -1, 0), *top = room + ROOM - PAGE;
    munmap(room, ROOM);
    return mmap(top, PAGE, PROT_READ | PROT_WRITE, private | MAP_FIXED | MAP_GROWSDOWN, -1, 0);
}

static void map_lowest(uintptr_t at)
{
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;
    volatile char *got = mmap((void *)at, PAGE, PROT_READ | PROT_WRITE, flags, -1, 0);
    int code = got == MAP_FAILED ? errno : 0, fault = sigsetjmp(back, 1);
    if (!fault)
        *(volatile char *)at = 1;
    printf("%#lx: %d, %d\n", (unsigned long)at, code, fault);
}

int main(void)
{
    struct sigaction action = {.sa_sigaction = take_fault, .sa_flags = SA_SIGINFO};
    struct rlimit limit;
    sigaction(SIGSEGV, &action, NULL);
    getrlimit(RLIMIT_STACK, &limit);
    limit.rlim_cur = 4 << 20;
    setrlimit(RLIMIT_STACK, &limit);
    char *at = map_growing();
    write_below("program", at, PAGES);
    printf("system call: %ld\n", (long)pread(open("/dev/zero", O_RDONLY), at - (PAGES + 20) * PAGE, PAGE, 0));
    write_below("behind it", at - (PAGES + 18) * PAGE, 20);
    fflush(stdout);
    if (fork() == 0) {
        write_below("child", at - (PAGES + 40) * PAGE, 10);
        fflush(stdout);
        _exit(0);
    }
    wait(NULL);
    write_below("too far", at - (PAGES + 40) * PAGE, 4 * PAGES);
    printf("read only: %d\n", mprotect(at, PAGE, PROT_READ | PROT_GROWSDOWN));
    write_below("not any more", at, 1);
    uintptr_t below_stack = (uintptr_t)&limit / PAGE * PAGE - ROOM;
    printf(
        "below the stack: %d\n", mprotect((void *)below_stack, PAGE, PROT_READ | PROT_WRITE) < 0 ? errno : 0);
    for (uintptr_t lowest = PAGE; lowest <= 16 * PAGE; lowest += 5 * PAGE)
        map_lowest(lowest);
    return 0;
}
