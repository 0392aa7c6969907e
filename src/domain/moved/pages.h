/* Memory on the wire (WIRE_PAGES, WIRE_ZEROS): pages gathered into messages of up to 2 MiB, and taken from
 * them. With several streams each 2 MiB of memory belongs to one, in turn: a page never comes by two ways, so
 * that what was sent later also arrives later. */
#ifndef VCOST_DOMAIN_MOVED_PAGES_H
#define VCOST_DOMAIN_MOVED_PAGES_H

#include "domain/moved/wire.h"
#include "base/checksum.h"

#include <sys/uio.h>

enum { PAGES_CHUNK = WIRE_RUN_PAGES }; /* pages that belong to one stream */

static inline unsigned pages_stream(uint64_t page, unsigned streams)
{
    return (unsigned)(page / PAGES_CHUNK % streams);
}

/* What one stream has gathered and not sent yet. */
struct page_batch {
    struct moved_wire *wire; /* the caller's */
    bool still;   /* the domain does not run: its pages are sent from where they are, else copies */
    char *copies; /* owned: of those that go out at once */
    const char *pages[WIRE_RUN_PAGES]; /* of the caller */
    struct moved_run runs[WIRE_RUN_PAGES], zeros;
    unsigned run_count, page_count, told; /* told: how many of them, while they are sent */
    struct checksum sum;                  /* of the pages */
    uint64_t pages_sent, zeros_sent;      /* added up over its life; of zeros that only were told */
};

int page_batch_open(struct page_batch *batch, struct moved_wire *wire, struct error *error);
void page_batch_close(struct page_batch *batch); /* harmless if it never was open */

/* Takes a page (guest physical `at`), which is looked at now, and read when the batch is full or flushed: it
 * may change before and meanwhile, unless the domain is `still`, and stays where it is until then. Of one
 * that changes its old contents, its new ones or some of each arrive: who sends has a log by which it comes
 * again. */
int page_batch_add(struct page_batch *batch, uint64_t at, const char *page, struct error *error);
int page_batch_flush(struct page_batch *batch, struct error *error);

/* Where pages go to. */
struct page_target {
    char *base;
    uint64_t pages;           /* of 4 KiB: what lies behind is not the domain's */
    uint64_t *had;            /* a bit for each page that was written here; fresh memory is zero */
    unsigned stream, streams; /* the one that they come by, of so many */
};

/* Takes what follows on a WIRE_PAGES, or a WIRE_ZEROS, out of the wire and writes it into the target. The
 * header is checked (moved_receive_header()); all else is hostile. -EPROTO: it is damaged (some may be
 * written then), memory that the domain does not have, or not this stream's. */
int pages_take(struct moved_wire *wire, const struct moved_header *header, const struct page_target *target,
    struct error *error);

/* Are these the runs that the header told, inside of the target? -EPROTO. */
int pages_check(const struct moved_header *header, const struct moved_run *runs,
    const struct page_target *target, struct error *error);

#endif
