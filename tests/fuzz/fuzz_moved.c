/* What a destination gets from the wire: arbitrary bytes as headers, as offers, and as memory; and a source,
 * as samples. Nothing outside of the domain's memory is written, and what is refused gets a sentence. */
#include "domain/moved/receive.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { MEMORY = 8 << 20, PAGE = 4096 };

static void require(int condition)
{
    if (!condition)
        abort();
}

static void take_handover(const char *bytes, size_t count)
{
    struct handover handover;
    struct error error = {.code = 0};
    if (handover_read(bytes, count, &handover, &error) < 0) {
        require(error.text[0]);
        return;
    }
    char *again = NULL;
    size_t again_count = 0;
    require(handover_write(&handover, &again, &again_count, &error) == 0);
    free(again);
    handover_free(&handover);
}

/* Memory just as large as it says, so that the sanitizer sees what passes its end. */
static void take_memory(const struct moved_header *header, const char *payload)
{
    static uint64_t had[MEMORY / PAGE / 64];
    static char *memory;
    struct receiving receiving = {.had = had};
    struct error error;
    if (!memory)
        memory = calloc(1, MEMORY);
    receiving.restored.saved.plan.memory_bytes = MEMORY;
    receiving.restored.memory = (struct memory){.base = memory, .bytes = MEMORY};
    bool inside = header->at < MEMORY && header->pages <= (MEMORY - header->at) / PAGE;
    require((receiving_take(&receiving, header, payload, &error) == 0) == inside);
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct moved_header header;
    struct error error;
    if (size < sizeof header) {
        take_handover((const char *)data, size);
        return 0;
    }
    memcpy(&header, data, sizeof header);
    const char *payload = (const char *)data + sizeof header;
    size -= sizeof header;
    if (header.kind % 2) { /* its sums are right, or nothing would ever pass */
        memcpy(header.magic, "VCOSTMOV", 8);
        header.version = WIRE_VERSION;
        header.number = 0;
        moved_sum(&header);
    }
    if (moved_check(&header, 0, &error) < 0)
        take_handover(payload, size);
    else if ((header.kind == WIRE_PAGES && header.bytes <= size) || header.kind == WIRE_ZEROS)
        take_memory(&header, payload);
    else if (header.kind == WIRE_SAMPLES && header.bytes <= size)
        take_samples(payload, header.bytes);
    return 0;
}
