/* libvcost-pages.so, to be preloaded (LD_PRELOAD) into a program that is not to be changed: memory that the
 * program maps comes aligned and on large pages, or faulted in ahead; malloc's heap is made in one piece; its
 * text goes to large pages. What to do stands in VCOST_PAGES, words with commas between:
 *
 * - large: anonymous memory that the program maps is aligned to 2 MiB where it is that large, taken from
 *   pieces of 32 MiB where it is smaller, and advised (MADV_HUGEPAGE); malloc's own by GLIBC_TUNABLES
 * - populate: writable memory that the program maps is faulted in at once (MADV_POPULATE_WRITE)
 * - heap=BYTES: malloc's heap is grown by so much at the start, and treated as `large` and `populate` say
 * - text: the program's own text is put on large pages
 * - files: what is mapped of the program and its libraries is faulted in at once (MADV_POPULATE_READ)
 * - lock: mlockall(), also of what is mapped later
 *
 * Without a word it does nothing, as in set-user-id programs, for which the dynamic linker ignores it anyway.
 * What was done is counted in the file that VCOST_PAGES_REPORT names (abi/pages_report.h).
 *
 * Nothing here allocates, prints or keeps a lock: it runs inside somebody else's program, also between
 * vfork() and exec(), in threads and in signal handlers. Failures leave the program as it would have been. */
#include "abi/pages_report.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22 /* Linux 5.14 */
#endif
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* Linux 5.14 */
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25 /* Linux 6.1 */
#endif

enum { LARGE = 2 << 20, PIECE = 32 << 20, PIECED_LEAST = 64 << 10, POPULATED_MOST = 256 << 20 };

static struct {
    bool large, populate, text, files, lock;
    size_t heap;
} wanted;

/* Where counts go while there is no file. */
static struct pages_report nowhere, *report = &nowhere;

static void count(uint64_t *counter, uint64_t by)
{
    __atomic_fetch_add(counter, by, __ATOMIC_RELAXED);
}

/* ---- system calls, without the C library's errno: the program's must stay as it is ---- */

static long call(long number, long a, long b, long c, long d, long e, long f)
{
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

static bool failed(long result)
{
    return result < 0 && result >= -4095;
}

static bool advise(uintptr_t start, size_t bytes, int advice, uint64_t *counter)
{
    long result = call(SYS_madvise, (long)start, (long)bytes, advice, 0, 0, 0);
    if (failed(result)) {
        count(&report->refused, 1);
        __atomic_store_n(&report->refused_errno, (uint64_t)-result, __ATOMIC_RELAXED);
        return false;
    }
    count(counter, bytes);
    return true;
}

static uintptr_t up(uintptr_t address, size_t to)
{
    return (address + to - 1) / to * to;
}

/* ---- memory that the program maps ---- */

static long map(uintptr_t at, size_t bytes, int protection, int flags)
{
    return call(SYS_mmap, (long)at, (long)bytes, protection, flags, -1, 0);
}

/* A free range of whole large pages, advised; 0: none. */
static uintptr_t map_aligned(size_t bytes, int protection, int flags)
{
    size_t whole = up(bytes, LARGE);
    long got = whole < bytes ? -ENOMEM : map(0, whole + LARGE, protection, flags);
    if (failed(got))
        return 0;
    uintptr_t start = (uintptr_t)got, aligned = up(start, LARGE), end = start + whole + LARGE;
    if (aligned > start)
        call(SYS_munmap, (long)start, (long)(aligned - start), 0, 0, 0, 0);
    if (end > aligned + whole)
        call(SYS_munmap, (long)(aligned + whole), (long)(end - aligned - whole), 0, 0, 0, 0);
    advise(aligned, whole, MADV_HUGEPAGE, &report->advised_bytes);
    return aligned;
}

/* Memory for what is smaller than a large page comes from the front of a piece, so that neighbours share
 * large pages. What is unmapped of it is a hole like any other. One word holds how far the piece is used; it
 * ends at the next multiple of PIECE. */
static _Atomic uintptr_t piece_used;

static uintptr_t take_from_piece(size_t bytes)
{
    for (int tries = 0; tries < 100; tries++) {
        uintptr_t used = atomic_load(&piece_used), end = up(used, PIECE);
        if (used && used + bytes <= end) {
            if (atomic_compare_exchange_strong(&piece_used, &used, used + bytes))
                return used;
            continue;
        }
        long got =
            map(0, 2 * (size_t)PIECE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE);
        if (failed(got))
            return 0;
        uintptr_t start = (uintptr_t)got, aligned = up(start, PIECE);
        if (aligned > start)
            call(SYS_munmap, (long)start, (long)(aligned - start), 0, 0, 0, 0);
        call(SYS_munmap, (long)(aligned + PIECE), (long)(start + PIECE - aligned), 0, 0, 0, 0);
        advise(aligned, PIECE, MADV_HUGEPAGE, &report->advised_bytes);
        /* The first page stays unused, so that no used-up piece looks like one that is empty. */
        if (atomic_compare_exchange_strong(&piece_used, &used, aligned + (uintptr_t)getpagesize() + bytes))
            return aligned + (uintptr_t)getpagesize();
        call(SYS_munmap, (long)aligned, PIECE, 0, 0, 0, 0); /* another thread was faster */
    }
    return 0;
}

static bool is_plain(const void *hint, int protection, int flags)
{
    return !hint && protection == (PROT_READ | PROT_WRITE) &&
           (flags & ~(MAP_NORESERVE | MAP_STACK)) == (MAP_PRIVATE | MAP_ANONYMOUS);
}

static uintptr_t map_large(size_t bytes, int flags)
{
    size_t whole = up(bytes, (size_t)getpagesize());
    if (bytes >= LARGE)
        return map_aligned(bytes, PROT_READ | PROT_WRITE, flags);
    return bytes >= PIECED_LEAST ? take_from_piece(whole) : 0;
}

static void populate(uintptr_t start, size_t bytes)
{
    if (bytes && bytes <= POPULATED_MOST)
        advise(start, bytes, MADV_POPULATE_WRITE, &report->populated_bytes);
}

static void *map_for_program(void *hint, size_t bytes, int protection, int flags, int fd, off_t offset)
{
    uintptr_t found = 0;
    bool plain = is_plain(hint, protection, flags) && bytes && !(flags & MAP_STACK);
    if (plain && wanted.large)
        found = map_large(bytes, flags);
    if (!found) {
        long got = call(SYS_mmap, (long)(uintptr_t)hint, (long)bytes, protection, flags, fd, offset);
        if (failed(got)) {
            errno = (int)-got;
            return MAP_FAILED;
        }
        found = (uintptr_t)got;
    }
    if (plain && wanted.populate && !(flags & MAP_NORESERVE))
        populate(found, up(bytes, (size_t)getpagesize()));
    return (void *)found; /* NOLINT(performance-no-int-to-ptr): addresses are what this is about */
}

#define EXPORTED __attribute__((visibility("default")))

EXPORTED void *mmap(void *hint, size_t bytes, int protection, int flags, int fd, off_t offset)
{
    return map_for_program(hint, bytes, protection, flags, fd, offset);
}

EXPORTED void *mmap64(void *hint, size_t bytes, int protection, int flags, int fd, off64_t offset)
{
    return map_for_program(hint, bytes, protection, flags, fd, offset);
}

/* ---- malloc's heap ---- */

/* glibc keeps what is freed at the top of its heap as long as it is less than the trim threshold: so the heap
 * is grown by one large piece, which is freed again, and everything that the program asks for comes from it.
 */
static void grow_heap(size_t bytes)
{
    mallopt(M_TRIM_THRESHOLD, 2147483647);
    mallopt(M_MMAP_THRESHOLD, 2147483647);
    mallopt(M_TOP_PAD, 16 << 20);
    void *piece = malloc(bytes);
    if (!piece)
        return;
    uintptr_t start = up((uintptr_t)piece, LARGE), end = ((uintptr_t)piece + bytes) / LARGE * LARGE;
    if (start < end && wanted.large)
        advise(start, end - start, MADV_HUGEPAGE, &report->advised_bytes);
    if (start < end && wanted.populate)
        advise(start, end - start, MADV_POPULATE_WRITE, &report->populated_bytes);
    free(piece);
}

/* ---- text ---- */

/* Copies whole large pages of text to anonymous memory and moves that over them. The kernel's own way, which
 * keeps the file's name, comes first. What moves is the program's, not this library's nor the C library's,
 * and it happens before any of it runs but for the constructors of libraries. */
static void move_text(uintptr_t start, size_t bytes)
{
    if (!failed(call(SYS_madvise, (long)start, (long)bytes, MADV_COLLAPSE, 0, 0, 0))) {
        count(&report->text_bytes, bytes);
        return;
    }
    uintptr_t copy = map_aligned(bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
    if (!copy)
        return;
    memcpy((void *)copy, (const void *)start, bytes); /* NOLINT(performance-no-int-to-ptr) */
    if (failed(call(SYS_mprotect, (long)copy, (long)bytes, PROT_READ | PROT_EXEC, 0, 0, 0)) ||
        failed(call(
            SYS_mremap, (long)copy, (long)bytes, (long)bytes, MREMAP_MAYMOVE | MREMAP_FIXED, (long)start, 0)))
        call(SYS_munmap, (long)copy, (long)bytes, 0, 0, 0, 0);
    else
        count(&report->text_bytes, bytes);
}

/* The first object is the program itself. */
static int move_program(struct dl_phdr_info *info, size_t size, void *unused)
{
    (void)size;
    (void)unused;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        uintptr_t start = up(info->dlpi_addr + segment->p_vaddr, LARGE);
        uintptr_t end = (info->dlpi_addr + segment->p_vaddr + segment->p_filesz) / LARGE * LARGE;
        if (segment->p_type == PT_LOAD && (segment->p_flags & PF_X) && start < end)
            move_text(start, end - start);
    }
    return 1;
}

/* ---- files ---- */

static int populate_object(struct dl_phdr_info *info, size_t size, void *unused)
{
    uintptr_t page = (uintptr_t)getpagesize();
    (void)size;
    (void)unused;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        uintptr_t start = (info->dlpi_addr + segment->p_vaddr) / page * page;
        uintptr_t end = up(info->dlpi_addr + segment->p_vaddr + segment->p_filesz, page);
        if (segment->p_type == PT_LOAD && start < end)
            advise(start, end - start, MADV_POPULATE_READ, &report->populated_bytes);
    }
    return 0;
}

/* ---- start ---- */

static void open_report(const char *path)
{
    long fd = call(SYS_open, (long)(uintptr_t)path, O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0, 0, 0, 0);
    if (failed(fd))
        return;
    long got = call(SYS_mmap, 0, PAGES_REPORT_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (!failed(got))
        report = (struct pages_report *)got; /* NOLINT(performance-no-int-to-ptr) */
    call(SYS_close, fd, 0, 0, 0, 0, 0);
}

static bool is_word(const char *at, size_t length, const char *word)
{
    return strlen(word) == length && !memcmp(at, word, length);
}

static bool read_words(const char *text)
{
    static const char heap[] = "heap=";
    for (const char *at = text; *at;) {
        size_t length = strcspn(at, ",");
        wanted.large |= is_word(at, length, "large");
        wanted.populate |= is_word(at, length, "populate");
        wanted.text |= is_word(at, length, "text");
        wanted.files |= is_word(at, length, "files");
        wanted.lock |= is_word(at, length, "lock");
        if (length >= sizeof heap - 1 && !memcmp(at, heap, sizeof heap - 1))
            wanted.heap = strtoull(at + sizeof heap - 1, NULL, 10);
        at += length + (at[length] == ',');
    }
    return wanted.large || wanted.populate || wanted.text || wanted.files || wanted.lock || wanted.heap;
}

__attribute__((constructor)) static void start(void)
{
    const char *words = getenv(PAGES_VARIABLE), *path = getenv(PAGES_REPORT_VARIABLE);
    int kept = errno;
    if (getauxval(AT_SECURE) || !words || !read_words(words))
        return;
    if (path)
        open_report(path);
    count(&report->processes, 1);
    if (wanted.heap)
        grow_heap(wanted.heap);
    if (wanted.text)
        dl_iterate_phdr(move_program, NULL);
    if (wanted.files)
        dl_iterate_phdr(populate_object, NULL);
    if (wanted.lock && !failed(call(SYS_mlockall, MCL_CURRENT | MCL_FUTURE, 0, 0, 0, 0, 0)))
        count(&report->locked, 1);
    else if (wanted.lock)
        count(&report->refused, 1);
    errno = kept;
}
