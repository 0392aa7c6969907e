/* What a destination gets from the wire: arbitrary bytes as headers, as offers, and as memory; and a source,
 * as samples. Nothing outside of the domain's memory is written, and what is refused gets a sentence. */
#include "domain/moved/after.h"
#include "domain/moved/handover.h"
#include "domain/moved/left.h"
#include "domain/moved/pages.h"
#include "domain/timeline/costs.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MEMORY = 8 << 20 };

static void require(int condition)
{
    if (!condition)
        abort();
}

static void take_handover(const char *bytes, size_t count, bool whole)
{
    struct handover handover;
    struct error error = {.code = 0};
    if (handover_read(bytes, count, whole, &handover, &error) < 0) {
        require(error.text[0]);
        return;
    }
    char *again = NULL;
    size_t again_count = 0;
    require(handover_write(&handover, whole, &again, &again_count, &error) == 0);
    free(again);
    handover_free(&handover);
}

/* Memory just as large as it says, so that the sanitizer sees what passes its end. */
static void take_memory(struct moved_wire *wire, const struct moved_header *header, unsigned streams)
{
    static uint64_t had[MEMORY / WIRE_PAGE_BYTES / 64];
    static char *memory;
    struct error error = {.code = 0};
    if (!memory)
        memory = calloc(1, MEMORY);
    const struct page_target target = {.base = memory,
        .pages = MEMORY / WIRE_PAGE_BYTES,
        .had = had,
        .streams = streams,
        .stream = streams - 1};
    require(pages_take(wire, header, &target, &error) == 0 || error.text[0]);
}

/* As many runs and pages as may be, whose sum is right if all of them are there. */
static void make_pages(struct moved_header *header, const char *payload, size_t size)
{
    header->at = 1 + header->at % WIRE_RUN_PAGES;
    header->pages = header->at + header->pages % WIRE_RUN_PAGES;
    const size_t table = header->at * sizeof(struct moved_run);
    header->bytes = table + header->pages * WIRE_PAGE_BYTES + WIRE_SUM_BYTES;
    if (table <= size)
        header->checksum = checksum_of(payload, table);
}

/* The header's own sums are made right, or nothing would ever pass; of pages the one behind them never is. */
static void take_message(int fd, const struct moved_header *like, const char *payload, size_t size)
{
    struct moved_wire wire = {.in = fd, .out = fd};
    struct moved_header header = *like;
    struct error error;
    if (header.kind % 2)
        header.kind = WIRE_PAGES;
    memcpy(header.magic, "VCOSTMOV", 8);
    header.version = WIRE_VERSION;
    header.number = 0;
    if (header.kind == WIRE_PAGES)
        make_pages(&header, payload, size);
    moved_sum(&header);
    require(ftruncate(fd, 0) == 0 && pwrite(fd, &header, sizeof header, 0) == sizeof header &&
            pwrite(fd, payload, size, sizeof header) == (ssize_t)size && lseek(fd, 0, SEEK_SET) == 0);
    if (moved_receive_header(&wire, &header, &error) < 0)
        return;
    if (header.kind == WIRE_PAGES || header.kind == WIRE_ZEROS)
        take_memory(&wire, &header, 1 + (unsigned)like->version % 3);
    else
        (void)moved_receive_payload(&wire, &header, &error);
    moved_close(&wire);
}

static void take_samples(const char *payload, size_t bytes)
{
    struct timeline timeline = {.cpus = 2};
    struct timeline_costs costs;
    struct error error = {.code = 0};
    if (after_take(&timeline, payload, bytes, 1, &error) < 0)
        require(error.text[0]);
    timeline_costs_of(&timeline, &costs);
    timeline_free(&timeline);
}

/* Which pages come later, of a domain of MEMORY; checked as moved_receive_header() does. */
static void take_left(const struct moved_header *like, const char *payload, size_t size)
{
    static uint64_t bits[MEMORY / WIRE_PAGE_BYTES / 64];
    struct moved_header header = *like;
    struct error error = {.code = 0};
    header.at -= header.at % WIRE_PAGE_BYTES;
    header.bytes = size / 8 * 8;
    header.pages = header.bytes * 8;
    if (!header.pages)
        return;
    if (left_take(&header, payload, bits, MEMORY / WIRE_PAGE_BYTES, &error) < 0)
        require(error.text[0]);
    require(left_count(bits, MEMORY / WIRE_PAGE_BYTES) <= MEMORY / WIRE_PAGE_BYTES);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int fd = -1;
    struct moved_header header;
    struct error error;
    if (fd < 0)
        require((fd = memfd_create("wire", MFD_CLOEXEC)) >= 0);
    if (size < sizeof header) {
        take_handover((const char *)data, size, true);
        return 0;
    }
    memcpy(&header, data, sizeof header);
    const char *payload = (const char *)data + sizeof header;
    size -= sizeof header;
    if (header.kind == WIRE_SAMPLES)
        take_samples(payload, size);
    else if (header.kind == WIRE_LEFT)
        take_left(&header, payload, size);
    else if (moved_check(&header, 0, &error) < 0 && header.kind % 4 == 0)
        take_handover(payload, size, header.at % 2);
    else
        take_message(fd, &header, payload, size);
    return 0;
}
