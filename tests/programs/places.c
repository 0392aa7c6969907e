/* Where what the kernel places for a program lies, and whether it may map what is not taken there, both as
 * the runtimes of ThreadSanitizer and MemorySanitizer ask (LLVM, compiler-rt/lib/tsan/rtl/tsan_platform.h and
 * msan/msan.h: the layouts of x86-64), which end themselves otherwise. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

struct range {
    uint64_t from, to;
};

static const struct range own[] = {
    {0x1000, 0x8000000000}, {0x550000000000, 0x568000000000}, {0x7e8000000000, 0x800000000000}};
static const struct range wanted[] = {{0x8000000000, 0x510000000000}, {0x340000000000, 0x550000000000},
    {0x568000000000, 0x700000000000}, {0x700000000000, 0x7e8000000000}};

static void tell_place(const char *what, const volatile void *pointer)
{
    uint64_t at = (uintptr_t)pointer;
    int found = 0;
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        found |= at >= own[i].from && at < own[i].to;
    printf("%s: %s\n", what, found ? "where sanitizers let a program be" : "elsewhere");
}

static void tell_mapping(struct range range)
{
    void *at = (void *)(uintptr_t)range.from;
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE;
    void *got = mmap(at, range.to - range.from, PROT_NONE, flags, -1, 0);
    printf("%#llx to %#llx: %s\n", (unsigned long long)range.from, (unsigned long long)range.to,
        got == MAP_FAILED ? strerror(errno) : "mapped");
    if (got == at)
        munmap(at, range.to - range.from);
}

/* A mapping so large that a monitor may have only what is touched of it; then less is left of it. */
static void touch_what_is_left(void)
{
    const size_t bytes = (size_t)96 << 30;
    char *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED || munmap(at + bytes / 2, bytes / 4) < 0) {
        perror("96 GiB");
        return;
    }
    at[bytes / 4] = 1;
    at[bytes - 1] = 2;
    printf("left: %d %d\n", at[bytes / 4], at[bytes - 1]);
}

/* Between them a monitor may have something of its own. */
static void move_far(unsigned long from, unsigned long to)
{
    const size_t bytes = 4096;
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;
    char *at = mmap((void *)from, bytes, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (at == MAP_FAILED) {
        perror("from");
        return;
    }
    *at = 7;
    at = mremap(at, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, (void *)to);
    printf("moved from %#lx to %#lx: %d\n", from, to, at == MAP_FAILED ? -errno : *at);
    if (at != MAP_FAILED)
        munmap(at, bytes);
}

int main(void)
{
    static int data;
    int stack = 0;
    void *small = malloc(16), *large = malloc(1 << 20);
    tell_place("data", &data);
    tell_place("heap", small);
    tell_place("mapping", large);
    tell_place("library", (void *)(uintptr_t)&getenv);
    tell_place("stack", &stack);
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        tell_mapping(wanted[i]);
    touch_what_is_left();
    move_far(0x11580000, 0x96b81000);
    move_far(0x96b81000, 0x11580000);
    move_far(0x11580000, 0x7d0000000000);
    move_far(0x7d0000000000, 0x11580000);
    free(small);
    free(large);
    return 0;
}
