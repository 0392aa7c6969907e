/* Phases of known memory: heat MILLISECONDS. In each phase, so long, it touches again and again one word of
 * each of 16 pages of data, then of 1000, then calls into each of 40 pages of instructions. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

enum { PAGE = 4096, FEW = 16, MANY = 1000, CODE = 40 };
#define DATA_AT ((char *)0x300000000000)
#define CODE_AT ((char *)0x310000000000)

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

static char *map(char *at, size_t pages)
{
    void *got = mmap(
        at, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (got != (void *)at) {
        perror("heat: cannot map where it should");
        exit(1);
    }
    return got;
}

static void touch(char *data, int pages)
{
    for (int i = 0; i < pages; i++)
        (*(volatile char *)(data + (size_t)i * PAGE))++;
}

static void call(char *code)
{
    for (int i = 0; i < CODE; i++)
        ((void (*)(void))(uintptr_t)(code + (size_t)i * PAGE))();
}

int main(int argc, char **argv)
{
    const int return_at_once = 0xc3; /* RET (SDM volume 2) */
    double each = argc > 1 ? atof(argv[1]) : 500;
    char *data = map(DATA_AT, MANY), *code = map(CODE_AT, CODE);
    for (int i = 0; i < CODE; i++)
        code[(size_t)i * PAGE] = (char)return_at_once;
    if (mprotect(code, CODE * PAGE, PROT_READ | PROT_EXEC) < 0)
        return 1;
    for (double end = now() + each; now() < end;)
        touch(data, FEW);
    for (double end = now() + each; now() < end;)
        touch(data, MANY);
    for (double end = now() + each; now() < end;)
        call(code);
    return 0;
}
