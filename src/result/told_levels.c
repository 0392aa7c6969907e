#include "result/told_levels.h"

#include <stdio.h>
#include <string.h>

/* How many bytes of working set a byte of cache holds: some orders touch one line in so many. */
static double bytes_a_cached_byte(enum chase_order order)
{
    return chase_single_lines(order) ? (double)chase_orders[order].line_bytes / CHASE_LINE_BYTES : 1;
}

uint64_t told_bytes_an_entry(enum chase_order order, uint64_t page_bytes)
{
    if (order != CHASE_LINE_PER_PAGE && order != CHASE_LINE_PER_LARGE_PAGE)
        return page_bytes;
    return page_bytes && page_bytes < chase_orders[order].line_bytes ? chase_orders[order].line_bytes
                                                                     : page_bytes;
}

static void add_cache(struct told_levels *told, const struct host_cache *cache, double scale)
{
    struct told_level level = {
        .kind = REACH_CACHE, .working_set_bytes = (double)cache->bytes * scale, .bytes = cache->bytes};
    snprintf(level.name, sizeof level.name, "L%u%s", cache->level % 100,
        strcmp(cache->type, "data") != 0 ? "" : "d");
    size_t at = told->count++;
    for (; at && told->levels[at - 1].bytes > level.bytes; at--)
        told->levels[at] = told->levels[at - 1];
    told->levels[at] = level;
}

static void add_tlb(struct told_levels *told, const struct host_tlb *tlb, uint64_t bytes_an_entry)
{
    struct told_level *level = &told->levels[told->count++];
    *level = (struct told_level){.kind = REACH_TLB,
        .working_set_bytes = (double)tlb->entries * (double)bytes_an_entry,
        .bytes = tlb->entries * bytes_an_entry,
        .entries = tlb->entries};
    snprintf(level->name, sizeof level->name, "L%u TLB", tlb->level % 100);
}

void told_levels(
    const struct host *host, enum chase_order order, uint64_t page_bytes, struct told_levels *told)
{
    told->count = 0;
    for (size_t i = 0; i < host->cache_count; i++)
        if (strcmp(host->caches[i].type, "instruction") != 0 && host->caches[i].bytes)
            add_cache(told, &host->caches[i], bytes_a_cached_byte(order));
    if (told->count)
        told->levels[told->count - 1].last_cache = true;
    bool lines = order == CHASE_LINE_PER_PAGE || order == CHASE_LINE_PER_LARGE_PAGE;
    for (size_t i = 0; i < host->tlb_count; i++) {
        const struct host_tlb *tlb = &host->tlbs[i];
        bool data = strcmp(tlb->type, "instruction") != 0 && strcmp(tlb->type, "data store") != 0;
        if (lines && data && tlb->page_bytes == page_bytes && tlb->entries)
            add_tlb(told, tlb, told_bytes_an_entry(order, page_bytes));
    }
}
