#include "runner/cell.h"

#include <inttypes.h>
#include <stdio.h>

static void event_id(const struct cell *cell, char id[static CELL_ID_BYTES])
{
    char bytes[24] = "";
    if (cell->event.bytes)
        snprintf(bytes, sizeof bytes, "/%" PRIu64, cell->event.bytes);
    snprintf(id, CELL_ID_BYTES, "events/%s/%s%s", cell->monitor, cell->event.name, bytes);
}

static void chase_id(const struct cell *cell, char id[static CELL_ID_BYTES])
{
    const struct chase_shape *chase = &cell->chase;
    char chains[16] = "", guest[24] = "-";
    if (chase->chains > 1)
        snprintf(chains, sizeof chains, "-x%u", chase->chains);
    if (cell->guest_page_bytes)
        snprintf(guest, sizeof guest, "%" PRIu64, cell->guest_page_bytes);
    snprintf(id, CELL_ID_BYTES, "chase/%s/%s%s%s/%" PRIu64 "/%" PRIu32 "/%s/%" PRIu64, cell->monitor,
        chase_orders[chase->order].name, chase->write ? "-write" : "", chains, chase->working_set_bytes,
        chase->element_bytes, guest, cell->host_page_bytes);
}

void cell_id(const struct cell *cell, char id[static CELL_ID_BYTES])
{
    (cell->event.name ? event_id : chase_id)(cell, id);
}
