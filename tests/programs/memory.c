/* Random changes of memory, and after each of them accesses that may fault. What each gives is said as one
 * number, which is the same wherever the kernel's rules hold:
 *
 *     memory SEED STEPS */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE = 4096, PAGES = 1600, FILE_PAGES = 8 };

static uint64_t state, digest = 14695981039346656037u;
static unsigned faults;
static sigjmp_buf resume;
static char *base;
static int file;

static uint64_t random_below(uint64_t most)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (state >> 33) % most;
}

static void add(uint64_t value)
{
    digest = (digest ^ value) * 1099511628211u;
}

/* Where, but for the place that the kernel has chosen; which kind of fault. */
static void fault(int number, siginfo_t *info, void *context)
{
    (void)context;
    faults++;
    add((uint64_t)number << 32 | (uint32_t)info->si_code);
    add((uint64_t)((char *)info->si_addr - base));
    siglongjmp(resume, 1);
}

static void try_access(char *at)
{
    if (sigsetjmp(resume, 1))
        return;
    if (random_below(2))
        *(volatile char *)at += 1;
    add((uint64_t)(unsigned char)*(volatile char *)at);
}

/* Most ranges are small; some hold a whole large page. */
static void step(void)
{
    static const int protections[] = {PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE,
        PROT_READ | PROT_WRITE | PROT_EXEC, PROT_READ | PROT_EXEC};
    uint64_t pages = random_below(8) ? 1 + random_below(6) : 512 + random_below(600),
             first = random_below(PAGES - pages);
    char *at = base + first * PAGE;
    int protection = protections[random_below(5)],
        flags = MAP_FIXED | (random_below(3) ? MAP_PRIVATE : MAP_SHARED);
    long result = 0;
    errno = 0;
    switch (random_below(8)) {
    case 0:
    case 1:
        result = mmap(at, pages * PAGE, protection, flags | MAP_ANONYMOUS, -1, 0) == at;
        break;
    case 2:
        pages = pages > FILE_PAGES ? FILE_PAGES : pages;
        result = mmap(at, pages * PAGE, protection, flags, file, 0) == at;
        break;
    case 3:
        result = munmap(at, pages * PAGE);
        break;
    case 4:
    case 5:
        result = mprotect(at, pages * PAGE, protection);
        break;
    case 6:
        result = madvise(at, pages * PAGE, MADV_DONTNEED);
        break;
    default: {
        uint64_t more = 1 + random_below(pages + 4), to = random_below(PAGES - more);
        if (to + more <= first || first + pages <= to)
            result = mremap(at, pages * PAGE, more * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, base + to * PAGE) ==
                     base + to * PAGE;
    }
    }
    add((uint64_t)result << 32 | (unsigned)errno);
    for (int i = 0; i < 6; i++)
        try_access(
            base + (i < 3 ? (first + random_below(pages)) : random_below(PAGES)) * PAGE + random_below(PAGE));
}

int main(int count, char **words)
{
    const struct sigaction action = {.sa_sigaction = fault, .sa_flags = SA_SIGINFO};
    static char page[PAGE];
    unsigned long steps = count > 2 ? strtoul(words[2], NULL, 10) : 1000;
    state = count > 1 ? strtoul(words[1], NULL, 10) : 1;
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
    file = memfd_create("file", 0);
    for (int i = 0; i < FILE_PAGES; i++)
        if (memset(page, i + 1, sizeof page) && write(file, page, sizeof page) < 0)
            return 1;
    base = mmap(NULL, (PAGES + 1024) * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    base = (char *)(((uintptr_t)base + (1 << 21)) & -(uintptr_t)(1 << 21));
    for (unsigned long i = 0; i < steps; i++)
        step();
    printf("%u faults, %016llx\n", faults, (unsigned long long)digest);
    return 0;
}
