#include "host/pagemap.h"

#include "host/read_text.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* PAGEMAP_SCAN of <linux/fs.h>, Linux 6.7; Documentation/admin-guide/mm/pagemap.rst. PAGE_IS_HUGE is a page
 * table entry above the lowest level: a large page that is mapped in small pieces does not have it. */
struct scan_region {
    uint64_t start, end, categories;
};
struct scan {
    uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages;
    uint64_t category_inverted, category_mask, category_anyof_mask, return_mask;
};
#define SCAN_IOCTL _IOWR('f', 16, struct scan)
enum { IS_PRESENT = 1 << 3, IS_ZERO_PAGE = 1 << 5, IS_HUGE = 1 << 6 };

static void take_region(const struct scan_region *region, struct pagemap *sums)
{
    uint64_t bytes = region->end - region->start;
    if (region->categories & IS_ZERO_PAGE)
        return;
    sums->resident_bytes += bytes;
    if (region->categories & IS_HUGE)
        sums->large_bytes += bytes;
}

/* The regions that are full end a call; the next one goes on where it ended. */
static int scan_range(int fd, uint64_t start, uint64_t end, struct pagemap *sums)
{
    struct scan_region regions[64];
    struct scan scan = {.size = sizeof scan,
        .start = start,
        .end = end,
        .vec = (uintptr_t)regions,
        .vec_len = sizeof regions / sizeof *regions,
        .category_mask = IS_PRESENT,
        .return_mask = IS_PRESENT | IS_ZERO_PAGE | IS_HUGE};
    for (; scan.start < end; scan.start = scan.walk_end) {
        int count = ioctl(fd, SCAN_IOCTL, &scan);
        if (count < 0)
            return -errno;
        if (scan.walk_end <= scan.start)
            return -EIO; /* no kernel does; one that would must not keep us here */
        for (int i = 0; i < count; i++)
            take_region(&regions[i], sums);
    }
    return 0;
}

int pagemap_look(uint64_t start, uint64_t bytes, struct pagemap *pagemap)
{
    struct pagemap sums = {0};
    if (!read_text_is_real())
        return -ENOENT; /* a test's tree has none, for it is no text */
    int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int rc = scan_range(fd, start, start + bytes, &sums);
    close(fd);
    if (rc == 0)
        *pagemap = sums;
    return rc;
}
