/* Several experiments' results made one. */
#include "experiment/inspect_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int no_memory(struct error *error)
{
    return error_set(error, ENOMEM, "no memory to join what was measured");
}

static int move_cells(struct result *to, struct result *from, struct error *error)
{
    if (!from->cell_count)
        return 0;
    struct result_cell *cells = reallocarray(to->cells, to->cell_count + from->cell_count, sizeof *to->cells);
    if (!cells)
        return no_memory(error);
    memcpy(cells + to->cell_count, from->cells, from->cell_count * sizeof *cells);
    to->cells = cells;
    to->cell_count += from->cell_count;
    from->cell_count = 0; /* their samples have a new owner */
    return 0;
}

/* `first` is what the cells' numbers have grown by. */
static int move_comparisons(struct result *to, const struct result *from, size_t first, struct error *error)
{
    if (!from->comparison_count)
        return 0;
    struct result_comparison *grown =
        reallocarray(to->comparisons, to->comparison_count + from->comparison_count, sizeof *to->comparisons);
    if (!grown)
        return no_memory(error);
    to->comparisons = grown;
    for (size_t i = 0; i < from->comparison_count; i++) {
        struct result_comparison *moved = &grown[to->comparison_count++];
        *moved = from->comparisons[i];
        moved->cell += first;
        moved->baseline += first;
    }
    return 0;
}

int merge_results(struct result *to, struct result *from, struct error *error)
{
    size_t first = to->cell_count;
    int rc = move_cells(to, from, error);
    if (rc == 0)
        rc = move_comparisons(to, from, first, error);
    pool_join(&to->pool, &from->pool);
    result_free(from);
    return rc;
}
