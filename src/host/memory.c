#include "host/memory.h"

#include "base/size.h"
#include "host/memory_facts.h"
#include "host/smaps.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#ifndef MADV_POPULATE_READ /* Linux 5.14, glibc 2.35 */
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif

enum { SMALL_PAGE = 4096 };
static const size_t large_page = 2 * MIB, chunk_bytes = 64 * MIB;

static uint64_t mib(size_t bytes)
{
    return bytes / MIB + (bytes % MIB != 0);
}

/* ---- map and unmap ---- */

static int round_up(size_t *bytes, uint64_t page_bytes, struct error *error)
{
    size_t rounded;
    if (page_bytes != SMALL_PAGE && page_bytes != large_page)
        return error_set(error, EINVAL,
            "memory in pages of %" PRIu64 " bytes is not offered on this host: 4 KiB and 2 MiB are",
            page_bytes);
    if (!*bytes)
        return error_set(error, EINVAL, "no memory is asked for: a size of at least one byte is needed");
    if (__builtin_add_overflow(*bytes, page_bytes - 1, &rounded) || rounded > SIZE_MAX / 4)
        return error_set(error, ENOMEM, "%zu bytes of memory are more than any address space has", *bytes);
    *bytes = rounded & ~(size_t)(page_bytes - 1);
    return 0;
}

/* Reserves addresses with at least one inaccessible large page on each side of the aligned middle. */
static int reserve(struct memory *memory, struct error *error)
{
    memory->reserved_bytes = memory->bytes + 3 * large_page;
    memory->reserved = mmap(NULL, memory->reserved_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory->reserved == MAP_FAILED)
        return error_errno(error, errno, "cannot reserve %" PRIu64 " MiB of addresses (is `ulimit -v` set?)",
            mib(memory->reserved_bytes));
    uintptr_t first = (uintptr_t)memory->reserved + large_page;
    size_t skip = (size_t)(-first & (large_page - 1));
    memory->base = (char *)memory->reserved + large_page + skip;
    return 0;
}

/* A kernel without transparent large pages answers EINVAL, which is what 4 KiB pages want. */
static int advise(const struct memory *memory, struct error *error)
{
    bool large = memory->page_bytes == large_page;
    if (!madvise(memory->base, memory->bytes, large ? MADV_HUGEPAGE : MADV_NOHUGEPAGE) ||
        (!large && errno == EINVAL))
        return 0;
    if (errno == EINVAL)
        return error_set(error, ENOTSUP,
            "2 MiB pages are asked for, but this kernel has no transparent large pages: use 4K pages");
    return error_errno(
        error, errno, "cannot choose the page size of %" PRIu64 " MiB of memory", mib(memory->bytes));
}

static int open_middle(struct memory *memory, struct error *error)
{
    if (mprotect(memory->base, memory->bytes, PROT_READ | PROT_WRITE))
        return error_errno(error, errno, "cannot map %" PRIu64 " MiB of memory", mib(memory->bytes));
    return advise(memory, error);
}

int memory_map(struct memory *memory, size_t bytes, uint64_t page_bytes, struct error *error)
{
    struct memory_room room;
    int rc = round_up(&bytes, page_bytes, error);
    if (rc)
        return rc;
    memory_room_look(&room);
    rc = memory_room_check(&room, bytes, error);
    if (rc)
        return rc;
    struct memory mapped = {.bytes = bytes, .page_bytes = page_bytes};
    rc = reserve(&mapped, error);
    if (rc)
        return rc;
    rc = open_middle(&mapped, error);
    if (rc) {
        memory_unmap(&mapped);
        return rc;
    }
    *memory = mapped;
    return 0;
}

void memory_unmap(struct memory *memory)
{
    if (memory->reserved)
        munmap(memory->reserved, memory->reserved_bytes);
    memset(memory, 0, sizeof *memory);
}

/* ---- populate ---- */

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

/* 0 or a negative errno. */
static int populate_chunk(char *at, size_t bytes, bool write)
{
    while (madvise(at, bytes, write ? MADV_POPULATE_WRITE : MADV_POPULATE_READ)) {
        if (errno == EINVAL) {
            touch(at, bytes, write);
            return 0;
        }
        if (errno != EINTR && errno != EAGAIN)
            return -errno;
    }
    return 0;
}

static int populate_failed(int code, size_t done, size_t bytes, struct error *error)
{
    static const struct {
        int code;
        const char *advice;
    } known[] = {
        {ENOMEM, "the host ran out of it: free memory or take a smaller working set"},
        {EFAULT, "the kernel could not fault a page in"},
        {EHWPOISON, "a page of it is broken hardware: see the kernel's log"},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (code == known[i].code)
            return error_set(error, code, "only %" PRIu64 " of %" PRIu64 " MiB of memory could be had, %s",
                (uint64_t)(done / MIB), mib(bytes), known[i].advice);
    return error_errno(error, code, "cannot fault in %" PRIu64 " MiB of memory", mib(bytes));
}

int memory_populate(
    struct memory *memory, bool write, bool (*stop)(void *context), void *context, struct error *error)
{
    for (size_t done = 0; done < memory->bytes; done += chunk_bytes) {
        size_t left = memory->bytes - done, bytes = left < chunk_bytes ? left : chunk_bytes;
        if (stop && stop(context))
            return error_set(error, EINTR,
                "stopped after %" PRIu64 " of %" PRIu64 " MiB of memory were laid out",
                (uint64_t)(done / MIB), mib(memory->bytes));
        int rc = populate_chunk((char *)memory->base + done, bytes, write);
        if (rc)
            return populate_failed(-rc, done, memory->bytes, error);
    }
    return 0;
}

/* ---- lock ---- */

int memory_lock(struct memory *memory, struct error *error)
{
    struct rlimit limit = {0};
    if (!mlock(memory->base, memory->bytes))
        return 0;
    int code = errno;
    (void)getrlimit(RLIMIT_MEMLOCK, &limit);
    if (limit.rlim_cur == RLIM_INFINITY)
        return error_errno(error, code, "cannot lock %" PRIu64 " MiB of memory", mib(memory->bytes));
    return error_set(error, code,
        "cannot lock %" PRIu64 " MiB of memory, this process may lock only %" PRIu64
        " KiB (RLIMIT_MEMLOCK): raise it with `ulimit -l unlimited`, in /etc/security/limits.conf or by "
        "LimitMEMLOCK= of the systemd unit",
        mib(memory->bytes), (uint64_t)limit.rlim_cur / KIB);
}

/* ---- what was obtained ---- */

/* Is every part of these mappings like every other, so that their figures hold for a part of them? */
static bool uniform(const struct smaps *smaps)
{
    bool all = smaps->resident_bytes == smaps->mapped_bytes;
    bool large = smaps->huge_bytes == smaps->resident_bytes;
    return !smaps->resident_bytes || (all && (large || !smaps->huge_bytes));
}

static void fill_pages(const struct smaps *smaps, size_t bytes, struct memory_pages *pages)
{
    bool whole = smaps->mapped_bytes == smaps->overlap_bytes, part = !whole && uniform(smaps);
    uint64_t resident = part && smaps->resident_bytes ? bytes : smaps->resident_bytes;
    uint64_t huge = part && smaps->huge_bytes ? bytes : smaps->huge_bytes;
    *pages = (struct memory_pages){
        .exact = whole || part,
        .resident_bytes = resident,
        .huge_bytes = huge,
        .share_2m = resident ? (double)huge / (double)resident : 0,
        .kernel_page_bytes = smaps->kernel_page_bytes,
        .mmu_page_bytes = smaps->mmu_page_bytes,
    };
    pages->proof = fact_known("smaps: %" PRIu64 " KiB resident, %" PRIu64 " KiB of it in 2 MiB mappings%s",
        resident / KIB, huge / KIB, pages->exact ? "" : " (of the mapping around the range)");
}

int memory_obtained(
    const struct memory *memory, size_t offset, size_t bytes, struct memory_pages *out, struct error *error)
{
    struct smaps smaps;
    if (!bytes || offset > memory->bytes || bytes > memory->bytes - offset)
        return error_set(error, EINVAL, "%zu bytes at %zu are not a part of this memory of %zu bytes", bytes,
            offset, memory->bytes);
    int rc = smaps_look((uintptr_t)memory->base + offset, bytes, &smaps);
    if (rc || smaps.overlap_bytes != bytes)
        *out = (struct memory_pages){
            .proof = rc && rc != -ENODATA ? fact_unknown("/proc/self/smaps cannot be read: %s", strerror(-rc))
                                          : fact_unknown("/proc/self/smaps does not show this memory")};
    else
        fill_pages(&smaps, bytes, out);
    return 0;
}
