/* paging/ on tables that a guest has written: whatever stands in them, nothing outside their memory is
 * touched, and every operation ends: after as many steps as a range has pages at most. */
#include "paging/table_pool.h"

#include <stdlib.h>
#include <string.h>

enum { PAGES = 16 };

struct operation {
    uint8_t kind, rights, page, poke;
    uint16_t where; /* of an entry */
    uint16_t bytes; /* in pages */
    uint64_t from, to;
};

static void require(int condition)
{
    if (!condition)
        abort();
}

static void check_leaf(void *context, const struct page_leaf *leaf)
{
    (void)context;
    require(leaf->bytes && leaf->from.value % leaf->bytes == 0 && leaf->to.value % leaf->bytes == 0);
}

static void operate(struct page_tables *tables, char *memory, const struct operation *operation)
{
    static const uint64_t pages[] = {4096, 1 << 21, 1 << 30, 8192};
    struct error error = {0};
    struct page_walk walk;
    gva_t from = GVA(operation->from & -(UINT64_C(1) << operation->poke % 40));
    uint64_t page = pages[operation->page % 4], bytes = operation->bytes % 64 * page;
    uint64_t *entry = (uint64_t *)memory + operation->where % (PAGES * 512);
    int rc = 0;
    switch (operation->kind % 9) {
    case 0:
        rc = page_tables_map(tables, from, GPA(operation->to), bytes, page, operation->rights, &error);
        break;
    case 1:
        rc = page_tables_unmap(tables, from, bytes, &error);
        break;
    case 2:
        rc = page_tables_protect(tables, from, bytes, operation->rights, &error);
        break;
    case 3:
        rc = page_tables_hide(tables, from, bytes, &error);
        break;
    case 4:
        rc = page_tables_show(tables, from, bytes, &error);
        break;
    case 5:
        rc = page_tables_split(tables, from, page, &error);
        break;
    case 6:
        rc = page_tables_scan(tables, from, bytes, operation->to, check_leaf, NULL, &error);
        break;
    case 7:
        *entry = operation->to;
        break; /* by the guest: anything */
    default:
        *entry = (operation->to % (2 * PAGES) * 4096) | operation->rights | PAGE_BIT_PRESENT; /* or a table */
    }
    require(rc == 0 || (rc == -error.code && error.text[0]));
    page_tables_walk(tables, from, &walk);
    require(walk.reads <= tables->levels);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct operation operation;
    struct error error;
    struct table_pool pool = {.base = calloc(PAGES, 4096), .first = GPA(8 * 4096), .pages = PAGES};
    struct page_tables tables = {.memory = table_pool_memory(&pool), .levels = size % 2 ? 4 : 5};
    require(pool.base && table_pool_init(&pool, &error) == 0 && page_tables_init(&tables, &error) == 0);
    for (; size >= sizeof operation; size -= sizeof operation, data += sizeof operation) {
        memcpy(&operation, data, sizeof operation);
        operate(&tables, pool.base, &operation);
    }
    table_pool_free(&pool);
    free(pool.base);
    return 0;
}
