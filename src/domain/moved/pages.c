#include "domain/moved/pages.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

enum {
    MESSAGE_PAGES = 64, /* that are summed, then sent: the kernel finds them in the CPU's second cache */
    AHEAD_LINES = 4,    /* of the page after the next: no CPU fetches over the end of one by itself */
    LINE_BYTES = 64,
    PIECE_PAGES = 32,     /* that are read and summed at once: they stay in the CPU's cache */
    ZEROS_PAGES = 1 << 16 /* are looked at before they are told: else the link would seem to be broken */
};

/* ---- gathering ---- */

int page_batch_open(struct page_batch *batch, struct moved_wire *wire, struct error *error)
{
    *batch = (struct page_batch){.wire = wire};
    checksum_begin(&batch->sum, false);
    batch->pages = aligned_alloc(WIRE_PAGE_BYTES, (size_t)MESSAGE_PAGES * WIRE_PAGE_BYTES);
    return batch->pages ? 0 : error_set(error, ENOMEM, "no memory to gather pages in");
}

void page_batch_close(struct page_batch *batch)
{
    free(batch->pages);
    batch->pages = NULL;
}

static int flush_pages(struct page_batch *batch, struct error *error)
{
    if (!batch->page_count)
        return 0;
    int rc = moved_send_pages(batch->wire,
        &(struct moved_pages){
            batch->runs, batch->run_count, batch->pieces, batch->piece_count, batch->page_count},
        &batch->sum, error);
    batch->pages_sent += batch->page_count;
    batch->page_count = batch->run_count = batch->piece_count = 0;
    checksum_begin(&batch->sum, false);
    return rc;
}

static int flush_zeros(struct page_batch *batch, struct error *error)
{
    const struct moved_run zeros = batch->zeros;
    if (!zeros.pages)
        return 0;
    batch->zeros_sent += zeros.pages;
    batch->zeros.pages = 0;
    return moved_send(batch->wire, WIRE_ZEROS, zeros.at, zeros.pages, NULL, 0, error);
}

int page_batch_flush(struct page_batch *batch, struct error *error)
{
    int rc = flush_pages(batch, error);
    return rc < 0 ? rc : flush_zeros(batch, error);
}

static bool goes_on(const struct moved_run *run, uint64_t at)
{
    return run->pages && run->at + run->pages * WIRE_PAGE_BYTES == at;
}

static bool is_zero(const char *page)
{
    return page[0] == 0 && memcmp(page, page + 1, WIRE_PAGE_BYTES - 1) == 0;
}

static void add_piece(struct page_batch *batch, const char *page)
{
    struct iovec *last = batch->piece_count ? &batch->pieces[batch->piece_count - 1] : NULL;
    if (last && (const char *)last->iov_base + last->iov_len == page)
        last->iov_len += WIRE_PAGE_BYTES;
    else
        batch->pieces[batch->piece_count++] = (struct iovec){(void *)(uintptr_t)page, WIRE_PAGE_BYTES};
}

/* Mostly it is sent, too; where nothing is mapped this does nothing. */
static void fetch_ahead(const char *page)
{
    for (int line = 0; line < AHEAD_LINES; line++)
        __builtin_prefetch(page + (ptrdiff_t)2 * WIRE_PAGE_BYTES + (ptrdiff_t)line * LINE_BYTES);
}

int page_batch_add(struct page_batch *batch, uint64_t at, const char *page, struct error *error)
{
    char *copy = batch->pages + (size_t)batch->page_count * WIRE_PAGE_BYTES;
    fetch_ahead(page);
    if (!batch->still)
        page = memcpy(copy, page, WIRE_PAGE_BYTES);
    if (is_zero(page)) {
        int rc = goes_on(&batch->zeros, at) ? 0 : flush_zeros(batch, error);
        if (!batch->zeros.pages)
            batch->zeros.at = at;
        return ++batch->zeros.pages < ZEROS_PAGES || rc < 0 ? rc : flush_zeros(batch, error);
    }
    checksum_add(&batch->sum, page, WIRE_PAGE_BYTES);
    add_piece(batch, page);
    if (!batch->run_count || !goes_on(&batch->runs[batch->run_count - 1], at))
        batch->runs[batch->run_count++] = (struct moved_run){.at = at};
    batch->runs[batch->run_count - 1].pages++;
    batch->page_count++;
    return batch->page_count == MESSAGE_PAGES || batch->piece_count == WIRE_PIECES ? flush_pages(batch, error)
                                                                                   : 0;
}

/* ---- taking ---- */

static int check_run(const struct moved_run *run, const struct page_target *target, struct error *error)
{
    const uint64_t first = run->at / WIRE_PAGE_BYTES;
    if (run->at % WIRE_PAGE_BYTES || run->pages < 1 || first >= target->pages ||
        run->pages > target->pages - first)
        return error_set(
            error, EPROTO, "memory arrived that the domain does not have, at 0x%" PRIx64, run->at);
    const uint64_t chunks = (first + run->pages - 1) / PAGES_CHUNK - first / PAGES_CHUNK + 1;
    if (target->streams > 1 && (chunks > 1 || pages_stream(first, target->streams) != target->stream))
        return error_set(
            error, EPROTO, "memory arrived by a stream that it does not belong to, at 0x%" PRIx64, run->at);
    return 0;
}

int pages_check(const struct moved_header *header, const struct moved_run *runs,
    const struct page_target *target, struct error *error)
{
    uint64_t pages = 0;
    int rc = 0;
    for (uint64_t i = 0; rc == 0 && i < header->at; i++) {
        rc = check_run(&runs[i], target, error);
        pages += runs[i].pages;
    }
    return rc == 0 && pages != header->pages ? error_set(error, EPROTO, "a message says what cannot be") : rc;
}

/* Fresh memory is zero: pages of zeros that nothing was written to are not touched. */
static int clear(const struct moved_header *header, const struct page_target *target, struct error *error)
{
    const struct moved_run run = {header->at, header->pages};
    int rc = check_run(&run, target, error);
    for (uint64_t page = run.at / WIRE_PAGE_BYTES, end = page + run.pages; rc == 0 && page < end; page++)
        if (target->had[page / 64] >> page % 64 & 1)
            memset(target->base + page * WIRE_PAGE_BYTES, 0, WIRE_PAGE_BYTES);
    return rc;
}

/* Up to PIECE_PAGES of what is left of the runs, as places to read to. */
static int next_piece(struct moved_run *runs, uint64_t *run, uint64_t runs_end,
    const struct page_target *target, struct iovec *places)
{
    uint64_t room = PIECE_PAGES;
    int count = 0;
    for (; room && *run < runs_end; room -= places[count - 1].iov_len / WIRE_PAGE_BYTES) {
        struct moved_run *from = &runs[*run];
        uint64_t pages = from->pages < room ? from->pages : room;
        places[count++] = (struct iovec){target->base + from->at, pages * WIRE_PAGE_BYTES};
        for (uint64_t page = from->at / WIRE_PAGE_BYTES, end = page + pages; page < end; page++)
            target->had[page / 64] |= UINT64_C(1) << page % 64;
        from->at += pages * WIRE_PAGE_BYTES;
        from->pages -= pages;
        *run += !from->pages;
    }
    return count;
}

static int take_runs(struct moved_wire *wire, const struct moved_header *header,
    const struct page_target *target, struct error *error)
{
    struct moved_run runs[WIRE_RUN_PAGES], left[WIRE_RUN_PAGES];
    struct iovec table = {runs, header->at * sizeof *runs};
    struct checksum sum;
    int rc = moved_read(wire, &table, 1, error);
    if (rc < 0 || (rc = pages_check(header, runs, target, error)) < 0)
        return rc;
    memcpy(left, runs, header->at * sizeof *runs);
    checksum_begin(&sum, false);
    for (uint64_t run = 0; run < header->at;) {
        struct iovec places[PIECE_PAGES], room[PIECE_PAGES];
        int count = next_piece(left, &run, header->at, target, places);
        memcpy(room, places, (size_t)count * sizeof room[0]);
        if ((rc = moved_read(wire, room, count, error)) < 0)
            return rc;
        for (int i = 0; i < count; i++)
            checksum_add(&sum, places[i].iov_base, places[i].iov_len);
    }
    checksum_add(&sum, runs, header->at * sizeof *runs);
    return moved_received(wire, header, checksum_end(&sum), error);
}

int pages_take(struct moved_wire *wire, const struct moved_header *header, const struct page_target *target,
    struct error *error)
{
    if (header->kind == WIRE_PAGES)
        return take_runs(wire, header, target, error);
    int rc = clear(header, target, error);
    return rc < 0 ? rc : moved_receive_payload(wire, header, error);
}
