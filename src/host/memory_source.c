#include "host/memory_internal.h"

#include <errno.h>
#include <inttypes.h>

/* Sizes of pages are powers of two: a set of them is their sum. */
static const struct {
    const char *name;
    uint64_t sizes;     /* that it has */
    uint64_t usual_for; /* of these, what MEMORY_AUTO takes it for */
} sources[] = {
    [MEMORY_AUTO] = {"auto", 0, 0},
    [MEMORY_SMALL] = {"small", SMALL_PAGE, SMALL_PAGE},
    [MEMORY_THP] = {"thp", LARGE_PAGE, LARGE_PAGE},
    [MEMORY_COLLAPSE] = {"collapse", LARGE_PAGE, 0},
    [MEMORY_HUGETLB] = {"hugetlb", LARGE_PAGE | GIANT_PAGE, GIANT_PAGE},
};
enum { SOURCES = sizeof sources / sizeof *sources };

const char *memory_source_name(enum memory_source source)
{
    return (unsigned)source < SOURCES ? sources[source].name : "unknown";
}

const char *memory_page_name(uint64_t page_bytes)
{
    return page_bytes == GIANT_PAGE ? "1 GiB" : page_bytes == LARGE_PAGE ? "2 MiB" : "4 KiB";
}

static enum memory_source usual_source(uint64_t page_bytes)
{
    for (unsigned i = 0; i < SOURCES; i++)
        if (sources[i].usual_for == page_bytes)
            return (enum memory_source)i;
    return MEMORY_AUTO;
}

static bool has_size(enum memory_source source, uint64_t page_bytes)
{
    return (unsigned)source < SOURCES && (sources[source].sizes & page_bytes) &&
           !(page_bytes & (page_bytes - 1));
}

int memory_source_settle(enum memory_source *source, uint64_t page_bytes, struct error *error)
{
    enum memory_source settled = *source == MEMORY_AUTO && page_bytes ? usual_source(page_bytes) : *source;
    if (!has_size(settled, page_bytes))
        return error_set(error, EINVAL,
            "memory in pages of %" PRIu64 " bytes is not to be had from \"%s\": there are pages of 4 KiB "
            "(small), 2 MiB (thp, collapse, hugetlb) and 1 GiB (hugetlb)",
            page_bytes, memory_source_name(*source));
    *source = settled;
    return 0;
}
