#include "monitor/deprivileged/write_log.h"

#include <errno.h>
#include <stdlib.h>

enum { PAGE_BYTES = 4096, WORD_PAGES = 64 };

static uint64_t words(const struct write_log *log)
{
    return (log->pages + WORD_PAGES - 1) / WORD_PAGES;
}

int write_log_start(struct write_log *log, unsigned slot, gpa_t start, uint64_t bytes, struct error *error)
{
    if (log->bits)
        return log->slot == slot ? 0
                                 : error_set(error, EBUSY,
                                       "which pages the guest writes is recorded of one region at a time");
    *log = (struct write_log){.slot = slot, .start = start, .pages = bytes / PAGE_BYTES};
    log->bits = malloc(words(log) * sizeof *log->bits);
    if (!log->bits)
        return error_set(error, ENOMEM, "no memory to record which pages the guest writes");
    for (uint64_t i = 0; i < words(log); i++)
        atomic_init(&log->bits[i], UINT64_MAX);
    if (log->pages % WORD_PAGES)
        atomic_init(&log->bits[words(log) - 1], (UINT64_C(1) << log->pages % WORD_PAGES) - 1);
    return 0;
}

void write_log_stop(struct write_log *log)
{
    free((void *)log->bits);
    *log = (struct write_log){.bits = NULL};
}

static uint64_t page_of(const struct write_log *log, gpa_t address)
{
    return (address.value - log->start.value) / PAGE_BYTES;
}

static bool is_written(const struct write_log *log, uint64_t page)
{
    return page >= log->pages || log->bits[page / WORD_PAGES] >> page % WORD_PAGES & 1;
}

void write_log_note(const struct write_log *log, gpa_t address)
{
    if (!log || !log->bits || page_of(log, address) >= log->pages)
        return;
    const uint64_t page = page_of(log, address);
    atomic_fetch_or(&log->bits[page / WORD_PAGES], UINT64_C(1) << page % WORD_PAGES);
}

uint64_t write_log_alike(const struct write_log *log, gpa_t address, uint64_t bytes, bool *written)
{
    uint64_t page = log->bits ? page_of(log, address) : 0, done = PAGE_BYTES;
    *written = !log->bits || is_written(log, page);
    if (!log->bits)
        return bytes;
    while (done < bytes && is_written(log, ++page) == *written)
        done += PAGE_BYTES;
    return done < bytes ? done : bytes;
}

void write_log_read(const struct write_log *log, uint64_t *bitmap)
{
    for (uint64_t i = 0; i < words(log); i++)
        bitmap[i] = log->bits[i];
}

int write_log_clear(
    const struct write_log *log, uint64_t first, uint64_t pages, const uint64_t *bitmap, struct error *error)
{
    if (first % WORD_PAGES || first >= log->pages || pages > words(log) * WORD_PAGES - first)
        return error_set(
            error, EINVAL, "the region has no pages from %llu on to be forgotten", (unsigned long long)first);
    for (uint64_t i = 0; i < (pages + WORD_PAGES - 1) / WORD_PAGES; i++)
        atomic_fetch_and(&log->bits[first / WORD_PAGES + i], ~bitmap[i]);
    return 0;
}
