#include "monitor/deprivileged/slots.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int grow(struct slot_tables *tables, struct error *error)
{
    size_t room = tables->room ? tables->room * 2 : 16;
    struct slot_table **list =
        room < UINT32_MAX / TABLE_ENTRIES ? realloc(tables->list, room * sizeof(void *)) : NULL;
    if (!list)
        return error_errno(error, ENOMEM, "keeping track of a guest's page tables");
    memset(list + tables->room, 0, (room - tables->room) * sizeof(void *));
    tables->list = list;
    tables->room = room;
    return 0;
}

int slot_tables_take(struct slot_tables *tables, uint32_t *number, struct error *error)
{
    uint32_t taken = tables->free ? tables->free : (uint32_t)tables->count + 1;
    int rc = taken >= tables->room ? grow(tables, error) : 0;
    if (rc < 0)
        return rc;
    struct slot_table *table = tables->list[taken];
    if (!table && !(table = malloc(tables->table_bytes)))
        return error_errno(error, ENOMEM, "keeping track of a guest's page tables");
    if (tables->free)
        tables->free = table->free;
    else
        tables->count++;
    memset(table, 0, tables->table_bytes);
    tables->list[taken] = table;
    *number = taken;
    return 0;
}

void slot_tables_give(struct slot_tables *tables, uint32_t number)
{
    tables->list[number]->free = tables->free;
    tables->free = number;
}

void slot_tables_free(struct slot_tables *tables)
{
    for (size_t i = 0; i < tables->room; i++)
        free(tables->list[i]);
    free(tables->list);
    *tables = (struct slot_tables){.table_bytes = tables->table_bytes};
}

static struct slot_links *links(const struct slot_tables *tables, slot_t slot)
{
    return &tables->list[slot / TABLE_ENTRIES]->slots[slot % TABLE_ENTRIES];
}

slot_t slot_next(const struct slot_tables *tables, slot_t slot)
{
    return links(tables, slot)->next;
}

void slot_join(struct slot_tables *tables, slot_t slot, slot_t *first)
{
    *links(tables, slot) = (struct slot_links){.next = *first};
    if (*first)
        links(tables, *first)->previous = slot;
    *first = slot;
}

void slot_leave(struct slot_tables *tables, slot_t slot, slot_t *first)
{
    const struct slot_links *left = links(tables, slot);
    if (left->next)
        links(tables, left->next)->previous = left->previous;
    if (left->previous)
        links(tables, left->previous)->next = left->next;
    else
        *first = left->next;
}
