#include "host/kept_memory.h"

#include "base/size.h"
#include "host/effect.h"
#include "host/memory_facts.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#define AREA_BYTES (8 * GIB) /* of addresses */
#define ALIGNMENT (2 * MIB)

static bool choose_pages(const struct kept_area *area)
{
    if (area->page_bytes > 4 * KIB)
        return madvise(area->reserved, area->reserved_bytes, MADV_HUGEPAGE) == 0;
    /* A kernel without transparent large pages answers EINVAL. */
    return madvise(area->reserved, area->reserved_bytes, MADV_NOHUGEPAGE) == 0 || errno == EINVAL;
}

/* Whether mprotect() gives a right, or who touches what is kept would be killed. Tried on a page elsewhere:
 * it would stay a mapping of its own here. */
static bool mprotect_works(void)
{
    void *page = mmap(NULL, 4 * KIB, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        return true; /* memory is short: that is told elsewhere */
    bool works = mprotect(page, 4 * KIB, PROT_READ | PROT_WRITE) == 0 && effect_can_write(page);
    munmap(page, 4 * KIB);
    return works;
}

static int reserve(struct kept_area *area, uint64_t page_bytes, struct error *error)
{
    struct kept_area made = {.page_bytes = page_bytes, .reserved_bytes = AREA_BYTES + ALIGNMENT};
    if (!mprotect_works())
        return error_set(error, ENOTSUP,
            "this kernel says that mprotect() made memory accessible, and it is not (an emulator or a "
            "sandbox?)");
    made.reserved = mmap(NULL, made.reserved_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (made.reserved == MAP_FAILED)
        return error_errno(
            error, errno, "cannot reserve addresses for memory that is kept (is `ulimit -v` set?)");
    if (madvise(made.reserved, made.reserved_bytes, MADV_DONTFORK) < 0 || !choose_pages(&made)) {
        int code = errno;
        munmap(made.reserved, made.reserved_bytes);
        return error_errno(error, code, "cannot choose the pages of memory that is kept");
    }
    uintptr_t start = (uintptr_t)made.reserved;
    made.next = (char *)made.reserved + (-start & (ALIGNMENT - 1));
    made.end = made.next + AREA_BYTES;
    *area = made;
    return 0;
}

static int find_area(
    struct kept_memory *kept, uint64_t page_bytes, struct kept_area **area, struct error *error)
{
    for (size_t i = 0; i < kept->count; i++)
        if (kept->areas[i].page_bytes == page_bytes) {
            *area = &kept->areas[i];
            return 0;
        }
    if (kept->count == KEPT_AREAS)
        return error_set(error, EINVAL, "memory is kept in pages of %d sizes only", KEPT_AREAS);
    int rc = reserve(&kept->areas[kept->count], page_bytes, error);
    if (rc == 0)
        *area = &kept->areas[kept->count++];
    return rc;
}

/* What was given out already, and what becomes accessible now behind it, are one mapping to the kernel. */
int kept_memory_take(
    struct kept_memory *kept, uint64_t bytes, uint64_t page_bytes, struct memory *memory, struct error *error)
{
    struct kept_area *area;
    struct memory_room room;
    int rc = kept ? find_area(kept, page_bytes, &area, error)
                  : error_set(error, EINVAL, "nothing keeps memory from being touched again");
    if (rc < 0)
        return rc;
    if (bytes > (uint64_t)(area->end - area->next))
        return error_set(error, ENOMEM, "no room to keep more memory from being touched again");
    memory_room_look(&room);
    if ((rc = memory_room_check(&room, bytes, error)) < 0)
        return rc;
    if (mprotect(area->next, bytes, PROT_READ | PROT_WRITE) < 0)
        return error_errno(error, errno, "cannot map memory that is kept");
    *memory = (struct memory){
        .base = area->next,
        .bytes = bytes,
        .page_bytes = page_bytes,
        .source = page_bytes > 4 * KIB ? MEMORY_THP : MEMORY_SMALL,
    };
    area->next += bytes;
    return 0;
}

void kept_memory_release(struct kept_memory *kept)
{
    while (kept->count) {
        kept->count--;
        munmap(kept->areas[kept->count].reserved, kept->areas[kept->count].reserved_bytes);
    }
}
