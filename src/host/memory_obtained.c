#include "host/memory_internal.h"

#include "host/numa_maps.h"
#include "host/pagemap.h"
#include "host/read_text.h"
#include "host/smaps.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

/* ---- pages ---- */

/* What is counted, and by which file. */
struct counts {
    const char *told_by;
    bool exact;
    uint64_t resident_bytes, large_bytes;
};

/* smaps tells of whole mappings. If every part of them is like every other, it holds for a part of them too.
 */
static struct counts count_by_smaps(const struct smaps *smaps, uint64_t bytes)
{
    uint64_t resident = smaps->resident_bytes + smaps->hugetlb_bytes;
    uint64_t large = smaps->huge_bytes + smaps->hugetlb_bytes;
    bool whole = smaps->mapped_bytes == smaps->overlap_bytes;
    bool uniform = !resident || (resident == smaps->mapped_bytes && (!large || large == resident));
    if (!whole && uniform) {
        resident = resident ? bytes : 0;
        large = large ? bytes : 0;
    }
    return (struct counts){"smaps", whole || uniform, resident, large};
}

static struct counts count(const struct smaps *smaps, uint64_t start, uint64_t bytes)
{
    struct pagemap pagemap;
    struct counts counts = count_by_smaps(smaps, bytes);
    if (!counts.exact && !pagemap_look(start, bytes, &pagemap))
        counts = (struct counts){"pagemap", true, pagemap.resident_bytes, pagemap.large_bytes};
    return counts;
}

static double share(uint64_t part, uint64_t whole)
{
    return whole ? (double)part / (double)whole : 0;
}

static void fill_pages(const struct smaps *smaps, uint64_t start, uint64_t bytes, struct memory_pages *pages)
{
    struct counts counts = count(smaps, start, bytes);
    bool giant = smaps->kernel_page_bytes == GIANT_PAGE;
    *pages = (struct memory_pages){
        .exact = counts.exact,
        .range_bytes = bytes,
        .resident_bytes = counts.resident_bytes,
        .huge_bytes = giant ? 0 : counts.large_bytes,
        .giant_bytes = giant ? counts.large_bytes : 0,
        .kernel_page_bytes = smaps->kernel_page_bytes,
        .mmu_page_bytes = smaps->mmu_page_bytes,
    };
    pages->share_2m = share(pages->huge_bytes, pages->resident_bytes);
    pages->share_1g = share(pages->giant_bytes, pages->resident_bytes);
    pages->proof = fact_known("%s: %" PRIu64 " KiB resident, %" PRIu64 " KiB of it in %s mappings%s",
        counts.told_by, counts.resident_bytes / KIB, counts.large_bytes / KIB, giant ? "1 GiB" : "2 MiB",
        counts.exact ? "" : " (of the mapping around the range)");
}

int memory_obtained(
    const struct memory *memory, size_t offset, size_t bytes, struct memory_pages *out, struct error *error)
{
    struct smaps smaps;
    if (!bytes || offset > memory->bytes || bytes > memory->bytes - offset)
        return error_set(error, EINVAL, "%zu bytes at %zu are not a part of this memory of %zu bytes", bytes,
            offset, memory->bytes);
    size_t first = offset & ~(SMALL_PAGE - 1), end = (offset + bytes + SMALL_PAGE - 1) & ~(SMALL_PAGE - 1);
    uintptr_t start = (uintptr_t)memory->base + first;
    int rc = smaps_look(start, end - first, &smaps);
    if (rc || smaps.overlap_bytes != end - first)
        *out = (struct memory_pages){
            .proof = rc && rc != -ENODATA ? fact_unknown("/proc/self/smaps cannot be read: %s", strerror(-rc))
                                          : fact_unknown("/proc/self/smaps does not show this memory")};
    else
        fill_pages(&smaps, start, end - first, out);
    return 0;
}

/* ---- are they as asked for? ---- */

/* Why transparent pages may have stayed small, and what helps. */
static const char *advice_on_thp(void)
{
    struct fact mode = read_fact("/sys/kernel/mm/transparent_hugepage/enabled");
    if (mode.known && strstr(mode.text, "[never]"))
        return "transparent large pages are switched off: take collapse or hugetlb, or let root write "
               "madvise "
               "to /sys/kernel/mm/transparent_hugepage/enabled";
    if (prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0) == 1)
        return "transparent large pages are switched off for this process (PR_SET_THP_DISABLE): take hugetlb";
    return "the host's memory is too fragmented or too full: take collapse or hugetlb, or free memory";
}

static const char *advice_on(const struct memory *memory)
{
    static const char *const advice[] = {
        [MEMORY_SMALL] = "other mappings or an unusual kernel must be behind it",
        [MEMORY_COLLAPSE] =
            "the host's memory is too fragmented or too full: take hugetlb, or free memory and try again",
        [MEMORY_HUGETLB] = "other mappings or an unusual kernel must be behind it",
    };
    return memory->source == MEMORY_THP ? advice_on_thp() : advice[memory->source];
}

/* How much of what was found is behind pages of the size that was asked for. */
static uint64_t bytes_as_asked(const struct memory *memory, const struct memory_pages *pages)
{
    return memory->page_bytes == GIANT_PAGE ? pages->giant_bytes
           : memory->page_bytes == LARGE_PAGE
               ? pages->huge_bytes
               : pages->resident_bytes - pages->huge_bytes - pages->giant_bytes;
}

static int judge_pages(const struct memory *memory, const struct memory_pages *pages, struct error *error)
{
    uint64_t good = bytes_as_asked(memory, pages);
    if (!pages->proof.known)
        return error_set(error, ENODATA, "which pages the host uses cannot be proved: %s", pages->proof.text);
    if (!pages->exact)
        return error_set(error, ENODATA,
            "which pages the host uses cannot be proved for a part of memory of mixed pages: that needs "
            "Linux "
            "6.7 (PAGEMAP_SCAN)");
    if (pages->resident_bytes != pages->range_bytes)
        return error_set(error, EPROTO, "only %" PRIu64 " of %" PRIu64 " MiB of memory are in place: %s",
            pages->resident_bytes / MIB, mib_up(pages->range_bytes),
            "it was not populated, or the host swaps it out: free memory or lock it");
    if (good != pages->range_bytes)
        return error_set(error, EPROTO,
            "only %" PRIu64 " of %" PRIu64 " MiB of memory are in pages of %s as was asked for (%s): %s",
            good / MIB, mib_up(pages->range_bytes), memory_page_name(memory->page_bytes),
            memory_source_name(memory->source), advice_on(memory));
    return 0;
}

int memory_check_obtained(const struct memory *memory, size_t offset, size_t bytes, struct error *error)
{
    struct memory_pages pages;
    int rc = memory_obtained(memory, offset, bytes, &pages, error);
    return rc ? rc : judge_pages(memory, &pages, error);
}

/* ---- nodes ---- */

/* "512 KiB on node 0, 4 KiB on node 1", as far as there is room. */
static void describe_nodes(const struct numa_maps *maps, char *text, size_t size)
{
    *text = '\0';
    for (unsigned node = 0; node < NUMA_NODES_MAX; node++) {
        size_t used = strlen(text);
        if (maps->node_bytes[node])
            (void)snprintf(text + used, size - used, "%s%" PRIu64 " KiB on node %u", used ? ", " : "",
                maps->node_bytes[node] / KIB, node);
    }
}

void memory_nodes_obtained(const struct memory *memory, struct memory_nodes *out)
{
    struct numa_maps maps = {0};
    char text[sizeof out->proof.text];
    int rc = numa_maps_look((uintptr_t)memory->base, memory->bytes, &maps);
    describe_nodes(&maps, text, sizeof text);
    out->proof = rc == -ENOENT    ? fact_unknown("no /proc/self/numa_maps: a kernel without NUMA")
                 : rc == -ENODATA ? fact_unknown("/proc/self/numa_maps does not show this memory")
                 : rc             ? fact_unknown("cannot read /proc/self/numa_maps: %s", strerror(-rc))
                                  : fact_known("numa_maps: %.140s", *text ? text : "nothing resident");
    out->resident_bytes = maps.resident_bytes;
    memcpy(out->node_bytes, maps.node_bytes, sizeof out->node_bytes);
}

static uint64_t bytes_on(const struct memory_nodes *found, const struct numa_nodes *nodes)
{
    uint64_t bytes = 0;
    for (unsigned node = 0; node < NUMA_NODES_MAX; node++)
        bytes += numa_nodes_has(nodes, node) ? found->node_bytes[node] : 0;
    return bytes;
}

int memory_check_nodes(const struct memory *memory, struct error *error)
{
    struct memory_nodes found;
    char list[96];
    if (numa_nodes_none(&memory->nodes))
        return 0;
    memory_nodes_obtained(memory, &found);
    numa_nodes_text(&memory->nodes, "", list, sizeof list);
    if (!found.proof.known)
        return error_set(
            error, ENODATA, "that memory is on NUMA node %s cannot be proved: %s", list, found.proof.text);
    uint64_t good = bytes_on(&found, &memory->nodes);
    if (good != found.resident_bytes)
        return error_set(error, EPROTO,
            "only %" PRIu64 " of %" PRIu64
            " MiB of memory are on NUMA node %s as was asked for (%s): something moved them (migratepages?)",
            good / MIB, mib_up(found.resident_bytes), list, found.proof.text);
    return 0;
}
