#include "report/naming.h"

#include "report/format.h"
#include "report/view_compare.h"
#include "report/view_parts.h"

#include <string.h>

/* The parts of a cell's name; "" where it has no such part. */
static void name_parts(struct document *doc, const struct cell *cell, const char *parts[static NAME_PARTS])
{
    const struct chase_shape *chase = chase_of(&cell->workload);
    uint64_t bytes = workload_size(&cell->workload);
    uint64_t guest = cell->guest_page_bytes, host = cell->host_page_bytes;
    for (enum name_part part = 0; part < NAME_PARTS; part++)
        parts[part] = "";
    parts[PART_RUNNER] = cell->monitor;
    if (bytes)
        parts[PART_SIZE] = document_text(doc, "%s", format_size(bytes).text);
    if (guest)
        parts[PART_GUEST_PAGE] = document_text(doc, "guest pages %s", format_size_short(guest).text);
    if (host)
        parts[PART_HOST_PAGE] = document_text(doc, "host pages %s", format_size_short(host).text);
    if (!chase) {
        parts[PART_EVENT] = workload_label(&cell->workload);
        return;
    }
    parts[PART_ORDER] = chase_orders[chase->order].name;
    parts[PART_ELEMENT] = document_text(doc, "%s elements", format_size(chase->element_bytes).text);
    if (chase->write)
        parts[PART_WRITE] = "writing";
    if (chase->chains > 1)
        parts[PART_CHAINS] = document_text(doc, "%u chains", chase->chains);
}

void naming_add(struct naming *naming, const struct cell *cell)
{
    const char *parts[NAME_PARTS];
    name_parts(naming->doc, cell, parts);
    naming->needed[PART_SIZE] = naming->needed[PART_EVENT] = true;
    for (enum name_part part = 0; part < NAME_PARTS; part++) {
        const char **common = &naming->common[part];
        bool native = part == PART_GUEST_PAGE && !parts[part][0]; /* has none, which says nothing */
        if (!*common || (part == PART_GUEST_PAGE && !(*common)[0]))
            *common = parts[part];
        else
            naming->needed[part] |= !native && strcmp(parts[part], *common) != 0;
    }
}

struct naming naming_of_rows(struct document *doc, const struct compared_rows *rows)
{
    struct naming naming = {.doc = doc};
    for (size_t i = 0; i < rows->count; i++)
        naming_add(&naming, &rows->rows[i].cell);
    return naming;
}

const char *naming_text(const struct naming *naming, const struct cell *cell)
{
    const char *own[NAME_PARTS], *const *parts = cell ? own : naming->common;
    struct listing name = {.doc = naming->doc, .between = ", "};
    if (cell)
        name_parts(naming->doc, cell, own);
    for (enum name_part part = 0; part < NAME_PARTS; part++)
        if (naming->needed[part] == (cell != NULL) && parts[part] && parts[part][0])
            listing_add(&name, "%s", parts[part]);
    return listing_text(&name);
}

const char *view_compared_name(
    const struct compared_rows *rows, const struct compared_row *row, struct document *doc)
{
    struct naming naming = naming_of_rows(doc, rows);
    return naming_text(&naming, &row->cell);
}
