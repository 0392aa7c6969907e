#include "runner/cell.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* ---- and back ---- */

/* Cuts the last part behind a slash off; NULL: there is none. What a runner is called may hold slashes. */
static char *cut_part(char *text)
{
    char *slash = strrchr(text, '/');
    if (slash)
        *slash++ = 0;
    return slash;
}

static bool take_number(const char *text, uint64_t *number)
{
    char *end;
    *number = text ? strtoull(text, &end, 10) : 0;
    return text && text[0] >= '0' && text[0] <= '9' && !*end;
}

static bool take_event(char *text, struct cell *cell)
{
    char *name = cut_part(text);
    if (take_number(name, &cell->event.bytes))
        name = cut_part(text);
    cell->event.name = name;
    return name && name[0];
}

static bool take_order(char *text, struct chase_shape *chase)
{
    uint64_t chains = 1;
    char *end = strrchr(text, '-');
    if (end && end[1] == 'x' && take_number(end + 2, &chains)) {
        *end = 0;
        end = strrchr(text, '-');
    }
    chase->write = end && !strcmp(end, "-write");
    if (chase->write)
        *end = 0;
    chase->chains = (unsigned)chains;
    int order = chase_order_find(text);
    chase->order = order < 0 ? 0 : (enum chase_order)order;
    return order >= 0;
}

static bool take_chase(char *text, struct cell *cell)
{
    uint64_t element;
    bool good = take_number(cut_part(text), &cell->host_page_bytes);
    const char *guest = cut_part(text);
    good &= guest && (!strcmp(guest, "-") || take_number(guest, &cell->guest_page_bytes));
    good &= take_number(cut_part(text), &element);
    good &= take_number(cut_part(text), &cell->chase.working_set_bytes);
    cell->chase.element_bytes = (uint32_t)element;
    char *order = cut_part(text);
    return good && order && take_order(order, &cell->chase);
}

/* Whatever is written otherwise than cell_id() does (a number too large, a zero in front) is no such id. */
bool cell_from_id(const char *id, struct pool *pool, struct cell *cell)
{
    char text[CELL_ID_BYTES], again[CELL_ID_BYTES];
    struct cell made = {0};
    snprintf(text, sizeof text, "%s", id);
    char *rest = strchr(text, '/');
    if (!rest)
        return false;
    *rest++ = 0;
    made.monitor = rest;
    if (!strcmp(text, "chase") ? !take_chase(rest, &made)
                               : strcmp(text, "events") != 0 || !take_event(rest, &made))
        return false;
    cell_id(&made, again);
    if (strcmp(id, again) != 0)
        return false;
    made.monitor = pool_text(pool, made.monitor);
    made.event.name = pool_text(pool, made.event.name);
    *cell = made;
    return true;
}
