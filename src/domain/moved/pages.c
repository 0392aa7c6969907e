#include "domain/moved/pages.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

enum {
    OUT_PAGES = WIRE_PLACES, /* that are summed, then sent: the kernel finds them in the CPU's second cache */
    AHEAD_LINES = 4,         /* of the page after the next: no CPU fetches over the end of one by itself */
    LINE_BYTES = 64,
    LOOK_AHEAD_PAGES = 8,
    PIECE_PAGES = 64,     /* that are read and summed at once: they stay in the CPU's cache */
    ZEROS_PAGES = 1 << 16 /* are looked at before they are told: else the link would seem to be broken */
};

/* ---- gathering ---- */

int page_batch_open(struct page_batch *batch, struct moved_wire *wire, struct error *error)
{
    *batch = (struct page_batch){.wire = wire};
    batch->copies = aligned_alloc(WIRE_PAGE_BYTES, (size_t)OUT_PAGES * WIRE_PAGE_BYTES);
    return batch->copies ? 0 : error_set(error, ENOMEM, "no memory to gather pages in");
}

void page_batch_close(struct page_batch *batch)
{
    free(batch->copies);
    batch->copies = NULL;
}

static void fetch_ahead(const char *page)
{
    for (int line = 0; line < AHEAD_LINES; line++)
        __builtin_prefetch(page + (ptrdiff_t)line * LINE_BYTES);
}

static unsigned add_place(struct iovec *places, unsigned count, const char *page)
{
    struct iovec *last = count ? &places[count - 1] : NULL;
    if (last && (const char *)last->iov_base + last->iov_len == page)
        last->iov_len += WIRE_PAGE_BYTES;
    else
        places[count++] = (struct iovec){(void *)(uintptr_t)page, WIRE_PAGE_BYTES};
    return count;
}

/* What is summed must be what is sent: of a page that may change meanwhile that is a copy. */
static unsigned next_places(void *context, struct iovec *places)
{
    struct page_batch *batch = context;
    char *copy = batch->copies;
    unsigned count = 0;
    for (unsigned left = OUT_PAGES; left && batch->told < batch->page_count; left--) {
        const char *page = batch->pages[batch->told++];
        if (batch->told + 1 < batch->page_count)
            fetch_ahead(batch->pages[batch->told + 1]);
        if (!batch->still) {
            page = memcpy(copy, page, WIRE_PAGE_BYTES);
            copy += WIRE_PAGE_BYTES;
        }
        count = add_place(places, count, page);
    }
    for (unsigned i = 0; i < count; i++)
        checksum_add(&batch->sum, places[i].iov_base, places[i].iov_len);
    return count;
}

static int flush_pages(struct page_batch *batch, struct error *error)
{
    if (!batch->page_count)
        return 0;
    checksum_begin(&batch->sum, false);
    int rc = moved_send_pages(batch->wire,
        &(struct moved_pages){
            batch->runs, batch->run_count, batch->page_count, &batch->sum, next_places, batch},
        error);
    batch->pages_sent += batch->page_count;
    batch->page_count = batch->run_count = batch->told = 0;
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

int page_batch_add(struct page_batch *batch, uint64_t at, const char *page, struct error *error)
{
    __builtin_prefetch(
        page + (ptrdiff_t)LOOK_AHEAD_PAGES * WIRE_PAGE_BYTES); /* mostly it is looked at, too */
    if (is_zero(page)) {
        int rc = goes_on(&batch->zeros, at) ? 0 : flush_zeros(batch, error);
        if (!batch->zeros.pages)
            batch->zeros.at = at;
        return ++batch->zeros.pages < ZEROS_PAGES || rc < 0 ? rc : flush_zeros(batch, error);
    }
    if (!batch->run_count || !goes_on(&batch->runs[batch->run_count - 1], at))
        batch->runs[batch->run_count++] = (struct moved_run){.at = at};
    batch->runs[batch->run_count - 1].pages++;
    batch->pages[batch->page_count++] = page;
    return batch->page_count == WIRE_RUN_PAGES ? flush_pages(batch, error) : 0;
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

static int take_table(struct moved_wire *wire, const struct moved_header *header, struct moved_run *runs,
    const struct page_target *target, struct error *error)
{
    struct iovec table = {runs, header->at * sizeof *runs};
    int rc = moved_read(wire, &table, 1, error);
    if (rc == 0 && (rc = pages_check(header, runs, target, error)) == 0 &&
        checksum_of(runs, header->at * sizeof *runs) != header->checksum)
        rc = moved_received(wire, false, error);
    return rc;
}

static int take_runs(struct moved_wire *wire, const struct moved_header *header,
    const struct page_target *target, struct error *error)
{
    struct moved_run runs[WIRE_RUN_PAGES];
    struct checksum sum;
    uint64_t told = 0;
    int rc = take_table(wire, header, runs, target, error);
    checksum_begin(&sum, false);
    for (uint64_t run = 0; rc == 0 && run < header->at;) {
        struct iovec places[PIECE_PAGES], room[PIECE_PAGES + 1];
        int count = next_piece(runs, &run, header->at, target, places), more = run == header->at;
        memcpy(room, places, (size_t)count * sizeof room[0]);
        room[count] = (struct iovec){&told, sizeof told}; /* behind the last */
        rc = moved_read(wire, room, count + more, error);
        for (int i = 0; rc == 0 && i < count; i++)
            checksum_add(&sum, places[i].iov_base, places[i].iov_len);
    }
    return rc < 0 ? rc : moved_received(wire, checksum_end(&sum) == told, error);
}

int pages_take(struct moved_wire *wire, const struct moved_header *header, const struct page_target *target,
    struct error *error)
{
    if (header->kind == WIRE_PAGES)
        return take_runs(wire, header, target, error);
    int rc = clear(header, target, error);
    return rc < 0 ? rc : moved_receive_payload(wire, header, error);
}
