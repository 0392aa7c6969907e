#include "runner/cell.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void cell_id(const struct cell *cell, char id[static CELL_ID_BYTES])
{
    const struct workload_kind *kind = cell->workload.kind;
    size_t used = (size_t)snprintf(id, CELL_ID_BYTES, "%s/%s/", kind->name, cell->monitor);
    if (used < CELL_ID_BYTES)
        kind->write_id(cell, id + used, CELL_ID_BYTES - used);
}

char *cell_cut_part(char *text)
{
    char *slash = strrchr(text, '/');
    if (slash)
        *slash++ = 0;
    return slash;
}

bool cell_take_number(const char *part, uint64_t *number)
{
    char *end;
    *number = part ? strtoull(part, &end, 10) : 0;
    return part && part[0] >= '0' && part[0] <= '9' && !*end;
}

/* What a runner is called may hold slashes, so that a kind cuts its parts off the end. Whatever is written
 * otherwise than cell_id() does (a number too large, a zero in front) is no such id. */
bool cell_from_id(const char *id, struct pool *pool, struct cell *cell)
{
    char text[CELL_ID_BYTES], again[CELL_ID_BYTES];
    struct cell made = {0};
    snprintf(text, sizeof text, "%s", id);
    char *rest = strchr(text, '/');
    size_t kind = 0;
    if (!rest)
        return false;
    *rest++ = 0;
    while (workload_kinds[kind] && strcmp(workload_kinds[kind]->name, text) != 0)
        kind++;
    made.workload.kind = workload_kinds[kind];
    made.monitor = rest;
    if (!workload_kinds[kind] || !workload_kinds[kind]->read_id(rest, pool, &made))
        return false;
    cell_id(&made, again);
    if (strcmp(id, again) != 0)
        return false;
    made.monitor = pool_text(pool, made.monitor);
    *cell = made;
    return true;
}
