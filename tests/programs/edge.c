/* A system call that is given more bytes than there are ends with the mapping, here the first one that is
 * made without an address, and leaves alone what is behind. Static, so that nothing was mapped before. And
 * not position-independent, so that its heap begins low: it grows far. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE = 4096, MORE = 1 << 24, STEP = 1 << 28, STEPS = 6 };

static bool heap_grows(void)
{
    int steps = 0;
    for (char *end; steps < STEPS && (end = sbrk(STEP)) != (char *)-1; steps++)
        end[STEP - 1] = 1;
    return steps == STEPS && sbrk(-STEPS * (intptr_t)STEP) != (void *)-1;
}

/* Around where a domain has its own pages. */
static int drop_around(void)
{
    char *const from = (char *)0x7e9003000000, *const at = from + 0x8000000;
    char *page = mmap(at, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    if (page == MAP_FAILED)
        return -1;
    *page = 1;
    int wrong = madvise(from, 0x9000000, 999) < 0 && errno == EINVAL && *page == 1;
    int told = madvise(from, 0x9000000, MADV_DONTNEED) < 0 && errno == ENOMEM;
    return wrong + 2 * told + 4 * *page;
}

int main(void)
{
    char line[60];
    char *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int zeros = open("/dev/zero", O_RDONLY);
    ssize_t got = read(zeros, page, MORE);
    int bytes =
        snprintf(line, sizeof line, "read %zd, heap %d, dropped %d\n", got, heap_grows(), drop_around());
    return page == MAP_FAILED || write(STDOUT_FILENO, line, (size_t)bytes) != bytes;
}
