/* Why results that have no cell in common cannot be compared, and what to do: the names of what they measured
 * tell most. */
#include "result/compare.h"
#include "runner/program_kind.h"

#include <errno.h>
#include <string.h>

/* "ls, sort -u": the programs of a result of vcost run, each once; "": there are none. */
static const char *programs_of(const struct result *result, struct pool *pool)
{
    const char *text = "";
    for (size_t i = 0; i < result->cell_count; i++) {
        const struct result_cell *cell = &result->cells[i];
        bool named = cell->cell.workload.kind != &workload_run;
        for (size_t k = 0; k < i && !named; k++)
            named = !strcmp(cell_workload(&result->cells[k]), cell_workload(cell));
        if (!named)
            text = pool_format(pool, "%s%s%s", text, *text ? ", " : "", cell_workload(cell));
    }
    return text;
}

static int no_common_program(
    const struct compare_input files[2], const char *first, const char *second, struct error *error)
{
    if (!strcmp(first, second))
        return error_set(error, EINVAL,
            "there is nothing to compare: %.80s and %.80s both ran %.100s, but with other pages: run it with "
            "the same --guest-page and --host-page for both",
            files[0].name, files[1].name, first);
    return error_set(error, EINVAL,
        "there is nothing to compare: %.80s ran %.100s, and %.80s ran %.100s: run the same program for both "
        "(several of one name in one run go by their arguments, too)",
        files[0].name, first, files[1].name, second);
}

int compare_nothing(
    const struct compare_input *files, size_t file_count, const char *only, struct error *error)
{
    const struct result *first = files[0].result, *second = files[1].result;
    struct pool pool = {0};
    const char *const programs[] = {programs_of(first, &pool), programs_of(second, &pool)};
    int rc;
    if (only)
        rc = error_set(error, EINVAL, "no cell that \"%.100s\" matches is in %.100s and in another file",
            only, files[0].name);
    else if (file_count == 2 && *programs[0] && *programs[1])
        rc = no_common_program(files, programs[0], programs[1], error);
    else
        rc = error_set(error, EINVAL,
            "there is nothing to compare: no cell of %.100s (%.40s) is in %.100s (%.40s)%s", files[0].name,
            first->experiment, files[1].name, second->experiment,
            file_count > 2 ? " or in another file" : "");
    pool_free(&pool);
    return rc;
}
