#include "host/memory_internal.h"

#include "host/effect.h"
#include "host/hugetlb.h"
#include "host/memory_facts.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/mman.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

/* ---- checks ---- */

static int round_up(size_t *bytes, uint64_t page_bytes, struct error *error)
{
    size_t rounded;
    if (!*bytes)
        return error_set(error, EINVAL, "no memory is asked for: a size of at least one byte is needed");
    if (__builtin_add_overflow(*bytes, page_bytes - 1, &rounded) || rounded > SIZE_MAX / 4)
        return error_set(error, ENOMEM, "%zu bytes of memory are more than any address space has", *bytes);
    *bytes = rounded & ~(size_t)(page_bytes - 1);
    return 0;
}

/* Is there enough? hugetlb pages are set aside already and no part of what is available to others. */
static int check_room(const struct memory *memory, struct error *error)
{
    struct memory_room room;
    if (memory->source == MEMORY_HUGETLB)
        return hugetlb_check(memory->page_bytes, memory->bytes, &memory->nodes, error);
    memory_room_look(&room);
    int rc = memory_room_check(&room, memory->bytes, error);
    return rc ? rc : memory_room_check_nodes(&memory->nodes, memory->bytes, error);
}

/* Reserves addresses with at least 2 MiB that are inaccessible on each side of the aligned middle. */
static int reserve(struct memory *memory, uint64_t alignment, size_t room, struct error *error)
{
    size_t least = memory->page_bytes == GIANT_PAGE ? GIANT_PAGE : LARGE_PAGE;
    size_t align = alignment > least ? alignment : least;
    memory->reserved_bytes = memory->bytes + room + align + 2 * LARGE_PAGE;
    memory->reserved = mmap(NULL, memory->reserved_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory->reserved == MAP_FAILED)
        return error_errno(error, errno, "cannot reserve %" PRIu64 " MiB of addresses (is `ulimit -v` set?)",
            mib_up(memory->reserved_bytes));
    uintptr_t first = (uintptr_t)memory->reserved + LARGE_PAGE;
    size_t skip = (size_t)(-first & (align - 1));
    memory->base = (char *)memory->reserved + LARGE_PAGE + skip;
    return 0;
}

/* A kernel without transparent large pages answers EINVAL, which is what 4 KiB pages want. COLLAPSE starts as
 * small pages, whatever the machine's mode: then the joining is what made them large. */
static int advise(const struct memory *memory, struct error *error)
{
    int advice = memory->source == MEMORY_THP ? MADV_HUGEPAGE : MADV_NOHUGEPAGE;
    if (!madvise(memory->base, memory->bytes, advice) || (memory->source == MEMORY_SMALL && errno == EINVAL))
        return 0;
    if (errno == EINVAL)
        return error_set(error, ENOTSUP,
            "2 MiB pages are asked for (%s), but this kernel has no transparent large pages: use 4K pages or "
            "hugetlb",
            memory_source_name(memory->source));
    return error_errno(
        error, errno, "cannot choose the page size of %" PRIu64 " MiB of memory", mib_up(memory->bytes));
}

/* Without MAP_NORESERVE, so that what is mapped can also be had (but for nodes and control groups, for which
 * memory_populate() is the test). */
static int open_hugetlb(const struct memory *memory, struct error *error)
{
    int size = memory->page_bytes == GIANT_PAGE ? MAP_HUGE_1GB : MAP_HUGE_2MB;
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_HUGETLB | size;
    if (mmap(memory->base, memory->bytes, PROT_READ | PROT_WRITE, flags, -1, 0) != MAP_FAILED)
        return 0;
    if (errno == ENOMEM)
        return hugetlb_shortage(memory->page_bytes, memory->bytes, &memory->nodes, error);
    if (errno == EINVAL)
        return error_set(
            error, ENOTSUP, "this machine has no hugetlb pages of %s", memory_page_name(memory->page_bytes));
    return error_errno(error, errno, "cannot map %" PRIu64 " MiB of hugetlb pages", mib_up(memory->bytes));
}

/* Mapped anew: mprotect() that says yes and does nothing would kill who touches it. */
static int open_anonymous(const struct memory *memory, struct error *error)
{
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
    if (mmap(memory->base, memory->bytes, PROT_READ | PROT_WRITE, flags, -1, 0) == MAP_FAILED)
        return error_errno(error, errno, "cannot map %" PRIu64 " MiB of memory", mib_up(memory->bytes));
    return advise(memory, error);
}

static int open_middle(struct memory *memory, bool shared, size_t room, struct error *error)
{
    int rc = shared                             ? memory_open_shared(memory, room, error)
             : memory->source == MEMORY_HUGETLB ? open_hugetlb(memory, error)
                                                : open_anonymous(memory, error);
    if (rc == 0 && shared && memory->source != MEMORY_HUGETLB)
        rc = advise(memory, error);
    if (rc || numa_nodes_none(&memory->nodes))
        return rc;
    return numa_bind(memory->base, memory->bytes, &memory->nodes, error);
}

int memory_map_request(struct memory *memory, const struct memory_request *request, struct error *error)
{
    struct memory mapped = {.bytes = request->bytes,
        .page_bytes = request->page_bytes,
        .source = request->source,
        .nodes = request->nodes};
    if (request->shared && mapped.source == MEMORY_AUTO && mapped.page_bytes == LARGE_PAGE)
        mapped.source = MEMORY_COLLAPSE;
    int rc = memory_source_settle(&mapped.source, mapped.page_bytes, error);
    if (rc || (rc = round_up(&mapped.bytes, mapped.page_bytes, error)) || (rc = check_room(&mapped, error)) ||
        (rc = reserve(&mapped, request->alignment, request->room, error)))
        return rc;
    rc = open_middle(&mapped, request->shared, request->room, error);
    if (rc) {
        memory_unmap(&mapped);
        return rc;
    }
    *memory = mapped;
    return 0;
}

int memory_map(struct memory *memory, size_t bytes, uint64_t page_bytes, struct error *error)
{
    struct memory_request request = {.bytes = bytes, .page_bytes = page_bytes};
    return memory_map_request(memory, &request, error);
}

void memory_unmap(struct memory *memory)
{
    if (memory->reserved)
        munmap(memory->reserved, memory->reserved_bytes);
    memory_close_shared(memory);
    memset(memory, 0, sizeof *memory);
}

/* ---- lock ---- */

static int check_locked(const struct memory *memory, uint64_t before, struct error *error)
{
    uint64_t after = 0;
    int rc = effect_held_memory(&after, error);
    if (rc < 0 || after >= before + memory->bytes / KIB)
        return rc;
    return error_set(error, ENOTSUP,
        "the kernel says that it locked %" PRIu64 " MiB of memory, and locked %" PRId64
        " KiB (VmLck in /proc/self/status): an emulator or a sandbox cannot lock memory, leave that out",
        mib_up(memory->bytes), (int64_t)(after - before));
}

int memory_lock(struct memory *memory, struct error *error)
{
    struct rlimit limit = {0};
    uint64_t before = 0;
    int rc = effect_held_memory(&before, error);
    if (rc < 0)
        return rc;
    if (!mlock(memory->base, memory->bytes))
        return check_locked(memory, before, error);
    int code = errno;
    (void)getrlimit(RLIMIT_MEMLOCK, &limit);
    if (limit.rlim_cur >= memory->bytes) /* also without one, RLIM_INFINITY */
        return error_errno(error, code, "cannot lock %" PRIu64 " MiB of memory", mib_up(memory->bytes));
    return error_set(error, code,
        "cannot lock %" PRIu64 " MiB of memory, this process may lock only %" PRIu64
        " KiB (RLIMIT_MEMLOCK): raise it with `ulimit -l unlimited`, in /etc/security/limits.conf or by "
        "LimitMEMLOCK= of the systemd unit",
        mib_up(memory->bytes), (uint64_t)limit.rlim_cur / KIB);
}
