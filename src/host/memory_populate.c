#include "host/memory_internal.h"

#include "host/hugetlb.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/mman.h>

#ifndef MADV_POPULATE_READ /* Linux 5.14, glibc 2.35 */
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MADV_COLLAPSE /* Linux 6.1, glibc 2.37 */
#define MADV_COLLAPSE 25
#endif

/* How often MADV_COLLAPSE is asked anew when it says EAGAIN: a page was in somebody's hands just then. */
enum { COLLAPSE_TRIES = 10 };

/* How often faulting in is asked anew when it was interrupted. */
enum { POPULATE_TRIES = 1000 };

/* ---- faulting in ---- */

/* Faults pages in by hand, for kernels before 5.14. Adding 0 keeps what is there, also under another thread's
 * writes. */
static void touch(char *at, size_t bytes, bool write)
{
    for (size_t offset = 0; offset < bytes; offset += SMALL_PAGE) {
        if (write)
            __atomic_fetch_add(at + offset, 0, __ATOMIC_RELAXED);
        else
            (void)*(volatile char *)(at + offset);
    }
}

/* Whether all of it is there. Emulators of Linux and sandboxes say yes to MADV_POPULATE and do nothing. A
 * kernel that does not tell is left at its word. */
static bool is_there(char *at, size_t bytes)
{
    enum { PAGES = 4096 };
    unsigned char present[PAGES];
    for (size_t done = 0; done < bytes; done += PAGES * SMALL_PAGE) {
        size_t left = bytes - done, piece = left < PAGES * SMALL_PAGE ? left : PAGES * SMALL_PAGE;
        if (mincore(at + done, piece, present))
            return true;
        for (size_t i = 0; i < piece / SMALL_PAGE; i++)
            if (!(present[i] & 1))
                return false;
    }
    return true;
}

/* 0 or a negative errno. A hugetlb page that is not to be had would kill who touches it: -ENOTSUP. What was
 * interrupted has got further each time, unless that is all the kernel ever says. */
static int fault_in(const struct memory *memory, char *at, size_t bytes, bool write)
{
    for (int tries = 0; madvise(at, bytes, write ? MADV_POPULATE_WRITE : MADV_POPULATE_READ); tries++) {
        if (errno == EINVAL && memory->source == MEMORY_HUGETLB)
            return -ENOTSUP;
        if (errno == EINVAL) {
            touch(at, bytes, write);
            return 0;
        }
        if ((errno != EINTR && errno != EAGAIN) || tries == POPULATE_TRIES)
            return errno == EINTR ? -EAGAIN : -errno;
    }
    if (memory->source != MEMORY_HUGETLB && !is_there(at, bytes))
        touch(at, bytes, write);
    return 0;
}

/* Promised pages can fail all the same: promises are not made per node, nor by the control group. */
static int hugetlb_failed(const struct memory *memory, struct error *error)
{
    struct memory_pages pages;
    int rc = memory_obtained(memory, 0, memory->bytes, &pages, error);
    if (rc)
        return rc;
    return hugetlb_shortage(memory->page_bytes, memory->bytes - pages.resident_bytes, &memory->nodes, error);
}

static int fault_failed(const struct memory *memory, int code, size_t done, struct error *error)
{
    static const struct {
        int code;
        const char *advice;
    } known[] = {
        {ENOMEM, "the host ran out of it: free memory or take a smaller working set"},
        {EFAULT, "the kernel could not fault a page in"},
        {EAGAIN, "signals interrupt the kernel again and again: find out who sends them"},
        {EPERM, "a sandbox (seccomp) forbids madvise()"},
        {EHWPOISON, "a page of it is broken hardware: see the kernel's log"},
        {ENOTSUP, "for hugetlb needs Linux 5.14 (MADV_POPULATE_WRITE): use thp"},
    };
    if (code == EFAULT && memory->source == MEMORY_HUGETLB)
        return hugetlb_failed(memory, error);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (code == known[i].code)
            return error_set(error, code, "only %" PRIu64 " of %" PRIu64 " MiB of memory could be had, %s",
                (uint64_t)(done / MIB), mib_up(memory->bytes), known[i].advice);
    return error_errno(error, code, "cannot fault in %" PRIu64 " MiB of memory", mib_up(memory->bytes));
}

/* ---- collapsing ---- */

/* What is small may become large only now. */
static int allow_large(const struct memory *memory, struct error *error)
{
    if (!madvise(memory->base, memory->bytes, MADV_HUGEPAGE))
        return 0;
    return error_errno(
        error, errno, "cannot ask for 2 MiB pages for %" PRIu64 " MiB of memory", mib_up(memory->bytes));
}

int memory_collapse(void *at, size_t bytes, struct error *error)
{
    for (int tries = 0; tries < COLLAPSE_TRIES && madvise(at, bytes, MADV_COLLAPSE); tries++) {
        if (errno == EINVAL)
            return error_set(error, ENOTSUP,
                "this kernel does not collapse pages (MADV_COLLAPSE: Linux 6.1, not switched off for this "
                "process by prctl): take 2 MiB pages from thp or hugetlb");
        if (errno != EAGAIN)
            break;
    }
    return 0;
}

/* ---- both, piece by piece ---- */

typedef int piece_function(const struct memory *memory, size_t offset, size_t bytes, struct error *error);

static int read_piece(const struct memory *memory, size_t offset, size_t bytes, struct error *error)
{
    int rc = fault_in(memory, (char *)memory->base + offset, bytes, false);
    return rc ? fault_failed(memory, -rc, offset, error) : 0;
}

static int write_piece(const struct memory *memory, size_t offset, size_t bytes, struct error *error)
{
    int rc = fault_in(memory, (char *)memory->base + offset, bytes, true);
    return rc ? fault_failed(memory, -rc, offset, error) : 0;
}

/* Of shared memory the kernel joins the pages and forgets how they were mapped. */
static int collapse_piece(const struct memory *memory, size_t offset, size_t bytes, struct error *error)
{
    int rc = memory_collapse((char *)memory->base + offset, bytes, error);
    return rc || !memory->shared ? rc : write_piece(memory, offset, bytes, error);
}

/* Whoever wants to stop need not wait longer than for one of these. */
static size_t piece_bytes(const struct memory *memory)
{
    return memory->page_bytes > 64 * MIB ? memory->page_bytes : 64 * MIB;
}

static int for_each_piece(const struct memory *memory, piece_function *do_piece, bool (*stop)(void *context),
    void *context, struct error *error)
{
    size_t bytes = piece_bytes(memory);
    for (size_t done = 0; done < memory->bytes; done += bytes) {
        if (stop && stop(context))
            return error_set(error, EINTR,
                "stopped after %" PRIu64 " of %" PRIu64 " MiB of memory were laid out",
                (uint64_t)(done / MIB), mib_up(memory->bytes));
        size_t left = memory->bytes - done;
        int rc = do_piece(memory, done, left < bytes ? left : bytes, error);
        if (rc)
            return rc;
    }
    return 0;
}

int memory_populate(
    struct memory *memory, bool write, bool (*stop)(void *context), void *context, struct error *error)
{
    int rc = for_each_piece(memory, write ? write_piece : read_piece, stop, context, error);
    if (rc || !write || memory->source != MEMORY_COLLAPSE)
        return rc;
    rc = allow_large(memory, error);
    return rc ? rc : for_each_piece(memory, collapse_piece, stop, context, error);
}
