#include "monitor/deprivileged/write_log.h"

#include <errno.h>
#include <stdlib.h>

enum { PAGE_BYTES = 4096, WORD_PAGES = 64 };

static uint64_t words(const struct write_log_region *region)
{
    return (region->pages + WORD_PAGES - 1) / WORD_PAGES;
}

static const struct write_log_region *region_of(const struct write_log *log, unsigned slot)
{
    for (unsigned i = 0; i < log->count; i++)
        if (log->regions[i].slot == slot)
            return &log->regions[i];
    return NULL;
}

/* *page: of the region. */
static const struct write_log_region *region_at(const struct write_log *log, gpa_t address, uint64_t *page)
{
    for (unsigned i = 0; i < log->count; i++) {
        *page = (address.value - log->regions[i].start.value) / PAGE_BYTES;
        if (*page < log->regions[i].pages)
            return &log->regions[i];
    }
    return NULL;
}

bool write_log_records(const struct write_log *log, unsigned slot)
{
    return region_of(log, slot);
}

int write_log_start(struct write_log *log, unsigned slot, gpa_t start, uint64_t bytes, struct error *error)
{
    struct write_log_region region = {.slot = slot, .start = start, .pages = bytes / PAGE_BYTES};
    if (region_of(log, slot))
        return 0;
    if (log->count == WRITE_LOG_REGIONS)
        return error_set(error, EBUSY, "which pages the guest writes is recorded of at most %d regions",
            (int)WRITE_LOG_REGIONS);
    region.bits = malloc(words(&region) * sizeof *region.bits);
    if (!region.bits)
        return error_set(error, ENOMEM, "no memory to record which pages the guest writes");
    for (uint64_t i = 0; i < words(&region); i++)
        atomic_init(&region.bits[i], UINT64_MAX);
    if (region.pages % WORD_PAGES)
        atomic_init(&region.bits[words(&region) - 1], (UINT64_C(1) << region.pages % WORD_PAGES) - 1);
    log->regions[log->count++] = region;
    return 0;
}

void write_log_stop(struct write_log *log, unsigned slot)
{
    for (unsigned i = 0; i < log->count; i++)
        if (log->regions[i].slot == slot) {
            free((void *)log->regions[i].bits);
            log->regions[i] = log->regions[--log->count];
            return;
        }
}

void write_log_stop_all(struct write_log *log)
{
    while (log->count)
        write_log_stop(log, log->regions[0].slot);
}

static bool is_written(const struct write_log_region *region, uint64_t page)
{
    return page >= region->pages || region->bits[page / WORD_PAGES] >> page % WORD_PAGES & 1;
}

void write_log_note(const struct write_log *log, gpa_t address)
{
    uint64_t page;
    const struct write_log_region *region = log ? region_at(log, address, &page) : NULL;
    if (region)
        atomic_fetch_or(&region->bits[page / WORD_PAGES], UINT64_C(1) << page % WORD_PAGES);
}

uint64_t write_log_alike(const struct write_log *log, gpa_t address, uint64_t bytes, bool *written)
{
    uint64_t page, done = PAGE_BYTES;
    const struct write_log_region *region = region_at(log, address, &page);
    *written = !region || is_written(region, page);
    if (!region)
        return bytes;
    while (done < bytes && is_written(region, ++page) == *written)
        done += PAGE_BYTES;
    return done < bytes ? done : bytes;
}

void write_log_read(const struct write_log *log, unsigned slot, uint64_t *bitmap)
{
    const struct write_log_region *region = region_of(log, slot);
    for (uint64_t i = 0; i < words(region); i++)
        bitmap[i] = region->bits[i];
}

int write_log_clear(const struct write_log *log, unsigned slot, uint64_t first, uint64_t pages,
    const uint64_t *bitmap, struct error *error)
{
    const struct write_log_region *region = region_of(log, slot);
    if (first % WORD_PAGES || first >= region->pages || pages > words(region) * WORD_PAGES - first)
        return error_set(
            error, EINVAL, "the region has no pages from %llu on to be forgotten", (unsigned long long)first);
    for (uint64_t i = 0; i < (pages + WORD_PAGES - 1) / WORD_PAGES; i++)
        atomic_fetch_and(&region->bits[first / WORD_PAGES + i], ~bitmap[i]);
    return 0;
}
