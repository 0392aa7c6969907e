/* Random changes of memory, and after each of them accesses that may fault, in this process and in children.
 * What each gives is said as one number, which is the same wherever the kernel's rules hold:
 *
 *     memory SEED STEPS [trace]     trace: a line for each step, to see where two runs part
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

enum { PAGE = 4096, PAGES = 1600, FILE_PAGES = 8, RETURN = 0xc3 /* the instruction */ };

static uint64_t state, digest = 14695981039346656037u;
static unsigned faults;
static bool traced, is_child;
static sigjmp_buf resume;
static char *base, *heap, *origin; /* what addresses are told from */
static char *elsewhere;            /* room for as much as a change moves */
static int file, ends[2];

static uint64_t random_below(uint64_t most)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (state >> 33) % most;
}

static void add(uint64_t value)
{
    if (traced)
        printf(" %llx", (unsigned long long)value);
    digest = (digest ^ value) * 1099511628211u;
}

/* ---- accesses ---- */

/* Where, but for the place that the kernel has chosen; which kind of fault; by a write, by a fetch. */
static void fault(int number, siginfo_t *info, void *context)
{
    enum { WRITE_USER_FETCH = 2 | 4 | 16, PAGE_FAULT = 14 };
    const greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    faults++;
    add((uint64_t)number << 32 | (uint32_t)info->si_code);
    add((uint64_t)((char *)info->si_addr - origin));
    add(registers[REG_TRAPNO] == PAGE_FAULT ? registers[REG_ERR] & WRITE_USER_FETCH : 0);
    siglongjmp(resume, 1);
}

static long result_of(long result)
{
    return result < 0 ? -errno : result;
}

static void access_at(char *from, char *at)
{
    enum { BYTES = 9 };
    char byte, bytes[BYTES] = {0};
    origin = from;
    if (sigsetjmp(resume, 0))
        return;
    switch (random_below(8)) {
    case 0:
    case 1:
    case 2:
        *(volatile char *)at += 1;
        break;
    case 3: /* if it cannot be written, the fault is another */
        *(volatile char *)at = (char)RETURN;
        ((void (*)(void))(uintptr_t)at)();
        break;
    case 4: /* the kernel reads, perhaps across the page's end */
        add((uint64_t)result_of(write(ends[1], at, BYTES)));
        add((uint64_t)result_of(read(ends[0], bytes, BYTES)));
        break;
    case 5:
        add((uint64_t)result_of(pread(file, at, BYTES, (off_t)random_below(FILE_PAGES * PAGE))));
        break;
    default:
        break;
    }
    byte = *(volatile char *)at;
    add((unsigned char)byte);
}

/* ---- changes: each gives what is to be told of it ---- */

/* A random range, and what a change may want besides. */
struct wanted {
    uint64_t first, pages;
    char *at;
    size_t bytes;
    int protection, flags;
};

static long map_anonymous(const struct wanted *wanted)
{
    return mmap(wanted->at, wanted->bytes, wanted->protection, wanted->flags | MAP_ANONYMOUS, -1, 0) ==
           wanted->at;
}

static long map_file(const struct wanted *wanted)
{
    uint64_t pages = wanted->pages > FILE_PAGES ? FILE_PAGES : wanted->pages;
    return mmap(wanted->at, pages * PAGE, wanted->protection, wanted->flags, file,
               (off_t)(random_below(FILE_PAGES) * PAGE)) == wanted->at;
}

/* Wherever it comes to lie instead it is gone again. */
static long map_where_free(const struct wanted *wanted)
{
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | (random_below(2) ? MAP_FIXED_NOREPLACE : 0);
    char *got = mmap(wanted->at + random_below(2) * 100, wanted->bytes, wanted->protection, flags, -1, 0);
    if (got == MAP_FAILED)
        return -1;
    if (got != wanted->at)
        munmap(got, wanted->bytes);
    errno = 0;
    return got == wanted->at;
}

static long map_wrongly(const struct wanted *wanted)
{
    static const struct {
        int fd, flags;
        size_t bytes;
        off_t offset;
    } wrong[] = {
        {-1, MAP_PRIVATE, PAGE, 0},
        {-1, MAP_ANONYMOUS, PAGE, 0},
        {-1, MAP_PRIVATE | MAP_SHARED | MAP_ANONYMOUS, PAGE, 0},
        {-1, MAP_PRIVATE | MAP_ANONYMOUS, 0, 0},
        {-1, MAP_PRIVATE | MAP_ANONYMOUS, (size_t)-PAGE, 0},
        {-1, MAP_PRIVATE | MAP_ANONYMOUS, SIZE_MAX, 0},
        {0, MAP_PRIVATE, PAGE, 1},
        {1000, MAP_SHARED, PAGE, 0},
    };
    size_t which = random_below(sizeof wrong / sizeof wrong[0]);
    bool fixed = random_below(2);
    return mmap(wanted->at + random_below(2), wrong[which].bytes, wanted->protection,
               wrong[which].flags | (fixed ? MAP_FIXED : 0), wrong[which].fd,
               wrong[which].offset) != MAP_FAILED;
}

static long unmap(const struct wanted *wanted)
{
    return munmap(wanted->at, wanted->bytes - random_below(2));
}

static long protect(const struct wanted *wanted)
{
    return mprotect(wanted->at, wanted->bytes - random_below(2), wanted->protection);
}

static long give_wrong_ranges(const struct wanted *wanted)
{
    char *at = wanted->at + random_below(2) * 8;
    size_t bytes = random_below(2) ? 0 : random_below(2) ? SIZE_MAX - 100 : wanted->bytes;
    switch (random_below(4)) {
    case 0:
        return munmap(at, at == wanted->at && bytes ? bytes | 1ul << 63 : bytes);
    case 1:
        return mprotect(at, bytes, random_below(2) ? 64 : PROT_READ);
    case 2:
        return madvise(at, bytes, random_below(2) ? 999 : MADV_DONTNEED);
    default:
        return mremap(at, bytes, random_below(2) ? 0 : PAGE, (int)random_below(8), wanted->at + 8) !=
               MAP_FAILED;
    }
}

static long advise(const struct wanted *wanted)
{
    static const int advice[] = {MADV_DONTNEED, MADV_DONTNEED, MADV_DONTNEED, MADV_WILLNEED, MADV_REMOVE,
        MADV_HUGEPAGE, MADV_NOHUGEPAGE, MADV_DONTFORK, MADV_DOFORK, MADV_WIPEONFORK, MADV_KEEPONFORK,
        MADV_POPULATE_WRITE, MADV_COLD, MADV_PAGEOUT, MADV_SEQUENTIAL, MADV_NORMAL};
    return madvise(wanted->at, wanted->bytes, advice[random_below(sizeof advice / sizeof advice[0])]);
}

static long move_over(const struct wanted *wanted)
{
    uint64_t more = 1 + random_below(wanted->pages + 4), to = random_below(PAGES - more);
    return mremap(wanted->at, wanted->bytes, more * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, base + to * PAGE) ==
           base + to * PAGE;
}

static char *reserve(void *at, size_t bytes)
{
    return mmap(
        at, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | (at ? MAP_FIXED : 0), -1, 0);
}

/* What the kernel has put anywhere, perhaps into a hole of the range that is changed here, goes on to a
 * place. */
static bool bring(char *got, size_t bytes, char *to)
{
    bool moved = mremap(got, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, elsewhere) == elsewhere &&
                 mremap(elsewhere, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to;
    int code = errno;
    reserve(elsewhere, PAGES * PAGE);
    errno = code;
    return moved;
}

/* What had to go elsewhere comes back over what was in its way. */
static long resize(const struct wanted *wanted)
{
    size_t bytes = (1 + random_below(wanted->pages + 4)) * PAGE;
    char *got = mremap(wanted->at, wanted->bytes, bytes, random_below(3) ? MREMAP_MAYMOVE : 0);
    if (got == MAP_FAILED || got == wanted->at)
        return got != MAP_FAILED;
    return 2 + bring(got, bytes, wanted->at);
}

static long duplicate(const struct wanted *wanted)
{
    bool leaves = random_below(2);
    char *got = mremap(wanted->at, leaves ? wanted->bytes : 0, wanted->bytes,
        leaves ? MREMAP_MAYMOVE | MREMAP_DONTUNMAP : MREMAP_MAYMOVE, random_below(4) ? NULL : (char *)8);
    if (got == MAP_FAILED)
        return -1;
    uint64_t to = random_below(PAGES - wanted->pages);
    return bring(got, wanted->bytes, base + to * PAGE);
}

static long change_file(const struct wanted *wanted)
{
    char page[PAGE];
    memset(page, (int)wanted->first, sizeof page);
    if (random_below(2))
        return ftruncate(file, (off_t)random_below(FILE_PAGES * PAGE + 1));
    return pwrite(file, page, sizeof page, (off_t)random_below((FILE_PAGES - 1) * PAGE)) < 0;
}

static long attach(const struct wanted *wanted)
{
    if (wanted->pages > FILE_PAGES)
        return 0;
    int segment = shmget(IPC_PRIVATE, wanted->bytes - 5, IPC_CREAT | 0600);
    char *at = shmat(segment, wanted->at + random_below(2) * 16,
        (random_below(2) ? SHM_RND : 0) | (random_below(4) ? SHM_REMAP : 0) |
            (random_below(4) ? 0 : SHM_RDONLY));
    int code = errno;
    shmctl(segment, IPC_RMID, NULL);
    errno = code;
    return at == wanted->at;
}

static long detach(const struct wanted *wanted)
{
    return shmdt(wanted->at + random_below(2));
}

static long move_heap(const struct wanted *wanted)
{
    char *end = heap + random_below(2) * wanted->bytes + random_below(PAGE);
    long result = (char *)syscall(SYS_brk, end) - heap;
    if (end > heap + PAGE)
        access_at(heap, end - PAGE);
    return result;
}

static void take_steps(unsigned long steps);

/* A child sees what the parent has, changes it for itself, and tells by its status and what it shares. */
static long fork_one(const struct wanted *wanted)
{
    int status = 0, code[2];
    (void)wanted;
    if (is_child || random_below(8) || pipe(code) < 0)
        return 0;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        is_child = true;
        take_steps(12);
        if (write(code[1], &digest, sizeof digest) < 0)
            _exit(1);
        fflush(stdout);
        _exit((int)(faults & 63));
    }
    uint64_t told = 0;
    close(code[1]);
    long got = read(code[0], &told, sizeof told);
    close(code[0]);
    waitpid(child, &status, 0);
    add(told);
    errno = 0;
    return got << 16 | status;
}

static long (*const changes[])(const struct wanted *) = {map_anonymous, map_anonymous, map_anonymous,
    map_file, map_file, map_where_free, map_wrongly, unmap, unmap, protect, protect, protect,
    give_wrong_ranges, advise, advise, move_over, move_over, resize, duplicate, change_file, attach, detach,
    move_heap, fork_one};

/* Most ranges are small; some hold a whole large page. */
static void take_step(void)
{
    static const int protections[] = {PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE,
        PROT_READ | PROT_WRITE | PROT_EXEC, PROT_READ | PROT_EXEC};
    struct wanted wanted = {.pages = random_below(8) ? 1 + random_below(6) : 512 + random_below(600)};
    wanted.first = random_below(PAGES - wanted.pages);
    wanted.at = base + wanted.first * PAGE;
    wanted.bytes = wanted.pages * PAGE;
    wanted.protection = protections[random_below(sizeof protections / sizeof protections[0])];
    wanted.flags = MAP_FIXED | (random_below(3) ? MAP_PRIVATE : MAP_SHARED);
    size_t which = random_below(sizeof changes / sizeof changes[0]);
    if (traced)
        printf("%s%zu: %llu+%llu %d:", is_child ? "  " : "", which, (unsigned long long)wanted.first,
            (unsigned long long)wanted.pages, wanted.protection);
    errno = 0;
    long result = changes[which](&wanted);
    add((uint64_t)result);
    add((unsigned)errno);
    for (int i = 0; i < 6; i++)
        access_at(
            base, base + (i < 3 ? (wanted.first + random_below(wanted.pages)) : random_below(PAGES)) * PAGE +
                      random_below(PAGE));
    if (traced)
        printf("\n");
}

static void take_steps(unsigned long steps)
{
    for (unsigned long i = 0; i < steps; i++)
        take_step();
}

int main(int count, char **words)
{
    const struct sigaction action = {.sa_sigaction = fault, .sa_flags = SA_SIGINFO | SA_NODEFER};
    static char page[PAGE], text[1 << 16];
    unsigned long steps = count > 2 ? strtoul(words[2], NULL, 10) : 1000;
    state = count > 1 ? strtoul(words[1], NULL, 10) : 1;
    traced = count > 3;
    setvbuf(stdout, text, traced ? _IOLBF : _IOFBF, sizeof text); /* the heap is not the C library's */
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
    file = memfd_create("file", 0);
    for (int i = 0; i < FILE_PAGES; i++)
        if (memset(page, i + 1, sizeof page) && write(file, page, sizeof page) < 0)
            return 1;
    if (pipe2(ends, O_NONBLOCK) < 0)
        return 1;
    heap = (char *)syscall(SYS_brk, 0);
    elsewhere = reserve(NULL, PAGES * PAGE);
    base = reserve(NULL, (PAGES + 1024) * PAGE);
    base = (char *)(((uintptr_t)base + (1 << 21)) & -(uintptr_t)(1 << 21));
    take_steps(steps);
    printf("%u faults, %016llx\n", faults, (unsigned long long)digest);
    return 0;
}
