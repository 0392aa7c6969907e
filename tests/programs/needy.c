/* A program that needs one remedy, to be told by vcost advise:
 *
 *   needy tlb MIB ACCESSES   random accesses to so much memory of malloc's
 *   needy fault MIB TIMES    touches so much memory of malloc's and frees it, so often
 *   needy map MIB TIMES      the same of memory that it maps itself
 *   needy text CALLS         calls functions that lie far apart
 *   needy none ROUNDS        computes in registers
 *   needy crash | hang | fork | terminal | big MIB | moment | pid | status N | orphan | lines N
 *
 * It writes one line, the same each time (but for pid). */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static uint64_t next(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return *state >> 20;
}

static uint64_t tlb(size_t mib, size_t accesses)
{
    size_t bytes = mib << 20;
    size_t count = bytes / sizeof(uint64_t) + 1;
    uint64_t *words = malloc(count * sizeof *words), state = 1, sum = 0;
    for (size_t i = 0; i < count; i++)
        words[i] = i;
    for (size_t i = 0; i < accesses; i++)
        sum += words[(next(&state) + (sum & 1)) % count]; /* each waits for the one before */
    free(words);
    return sum;
}

static uint64_t touch(volatile unsigned char *memory, size_t bytes)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < bytes; i += 4096) {
        memory[i] = (unsigned char)i + 1;
        sum += memory[i];
    }
    return sum;
}

static uint64_t fault(size_t mib, size_t times)
{
    size_t bytes = mib << 20;
    uint64_t sum = 0;
    for (size_t i = 0; i < times; i++) {
        unsigned char *memory = malloc(bytes);
        sum += touch(memory, bytes);
        free(memory);
    }
    return sum;
}

static uint64_t map(size_t mib, size_t times)
{
    size_t bytes = mib << 20;
    uint64_t sum = 0;
    for (size_t i = 0; i < times; i++) {
        unsigned char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        sum += touch(memory, bytes);
        munmap(memory, bytes);
    }
    return sum;
}

/* 2048 functions, each in two pages and at another place in them: 8 MiB of text. */
#define FUNCTION(n)                                                                                          \
    __attribute__((noinline)) static uint64_t f##n(uint64_t x)                                               \
    {                                                                                                        \
        __asm__ volatile("jmp 1f\n.skip 4160, 0x90\n1:");                                                    \
        return x + 0x##n;                                                                                    \
    }
#define F4(m, p)                                                                                             \
    m(p##0) m(p##1) m(p##2) m(p##3) m(p##4) m(p##5) m(p##6) m(p##7) m(p##8) m(p##9) m(p##a) m(p##b) m(p##c)  \
        m(p##d) m(p##e) m(p##f)
#define F8(m, p)                                                                                             \
    F4(m, p##0)                                                                                              \
    F4(m, p##1)                                                                                              \
    F4(m, p##2)                                                                                              \
    F4(m, p##3)                                                                                              \
    F4(m, p##4)                                                                                              \
    F4(m, p##5)                                                                                              \
    F4(m, p##6)                                                                                              \
    F4(m, p##7)                                                                                              \
    F4(m, p##8) F4(m, p##9) F4(m, p##a) F4(m, p##b) F4(m, p##c) F4(m, p##d) F4(m, p##e) F4(m, p##f)
#define ALL(m) F8(m, 1) F8(m, 2) F8(m, 3) F8(m, 4) F8(m, 5) F8(m, 6) F8(m, 7) F8(m, 8)
ALL(FUNCTION)
#define ENTRY(n) f##n,
static uint64_t (*const functions[])(uint64_t) = {ALL(ENTRY)};

static uint64_t text(size_t calls, size_t unused)
{
    (void)unused;
    uint64_t state = 1, sum = 0;
    for (size_t i = 0; i < calls; i++)
        sum = functions[(next(&state) + (sum & 1)) % (sizeof functions / sizeof *functions)](sum);
    return sum;
}

static uint64_t none(size_t rounds, size_t unused)
{
    (void)unused;
    uint64_t state = 1, sum = 0;
    for (size_t i = 0; i < rounds; i++)
        sum ^= next(&state);
    return sum;
}

static uint64_t forks(size_t unused, size_t unused_too)
{
    (void)unused;
    (void)unused_too;
    int first = 0, second = 0;
    pid_t child = fork();
    if (child == 0)
        _exit(1);
    waitpid(child, &first, 0);
    if ((child = vfork()) == 0) /* NOLINT: it is what is tried */
        _exit(2);
    waitpid(child, &second, 0);
    return (uint64_t)(WEXITSTATUS(first) + WEXITSTATUS(second));
}

static uint64_t crash(size_t unused, size_t unused_too)
{
    (void)unused;
    (void)unused_too;
    return (uint64_t)raise(SIGSEGV);
}

static uint64_t hang(size_t unused, size_t unused_too)
{
    (void)unused;
    (void)unused_too;
    return (uint64_t)pause();
}

static uint64_t pid(size_t unused, size_t unused_too)
{
    (void)unused;
    (void)unused_too;
    return (uint64_t)getpid();
}

/* Does something else where something is preloaded. */
static uint64_t preloaded(size_t unused, size_t unused_too)
{
    (void)unused;
    (void)unused_too;
    return getenv("LD_PRELOAD") ? 1 : 0;
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    size_t first = argc > 2 ? strtoul(argv[2], NULL, 10) : 0,
           second = argc > 3 ? strtoul(argv[3], NULL, 10) : 0;
    uint64_t sum = 0;
    static const struct {
        const char *name;
        uint64_t (*run)(size_t first, size_t second);
    } kinds[] = {{"tlb", tlb}, {"fault", fault}, {"map", map}, {"text", text}, {"none", none},
        {"fork", forks}, {"crash", crash}, {"hang", hang}, {"pid", pid}, {"preloaded", preloaded}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (!strcmp(what, kinds[i].name))
            sum = kinds[i].run(first, second);
    if (!strcmp(what, "orphan") && fork() == 0)
        pause();
    else if (!strcmp(what, "terminal") && !isatty(0)) {
        fprintf(stderr, "needy: stdin is no terminal\n");
        return 1;
    } else if (!strcmp(what, "big")) {
        static char piece[1 << 20];
        for (size_t i = 0; i < first; i++)
            fwrite(piece, 1, sizeof piece, stdout);
    }
    printf("%llu\n", (unsigned long long)sum);
    return !strcmp(what, "status") ? (int)first : 0;
}
