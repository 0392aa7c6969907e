/* The accounts of programs (`vcost run`), line by line, of several files. */
#include "result/compare.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Behind the causes: what all of it is of. */
enum { SUM_MEASURED, SUM_EXPLAINED, SUM_UNEXPLAINED, SUMS };
static const char *const sum_names[SUMS] = {"measured", "explained", "unexplained"};

static const struct compared_amount no_amount = {NAN, NAN, NAN, NAN, NAN};

static const struct ran_account *account_of(const struct result *result, const char *id)
{
    for (size_t i = 0; i < result->cell_count; i++)
        if (!strcmp(result->cells[i].id, id))
            return result->cells[i].ran.account.known ? &result->cells[i].ran.account : NULL;
    return NULL;
}

static struct compared_amount amount_of_line(const struct ran_account *account, const char *name)
{
    for (size_t i = 0; i < account->line_count; i++) {
        const struct ran_line *line = &account->lines[i];
        if (!strcmp(line->name, name))
            return (struct compared_amount){
                line->count, line->price_cpu_ns, line->cpu_ns, line->cpu_low_ns, line->cpu_high_ns};
    }
    return no_amount;
}

static struct compared_amount amount_of_sum(const struct ran_account *account, int sum)
{
    const struct ran_sum *cpu = &account->cpu;
    if (sum == SUM_MEASURED)
        return (struct compared_amount){NAN, NAN, cpu->difference_ns, cpu->low_ns, cpu->high_ns};
    if (sum == SUM_EXPLAINED)
        return (struct compared_amount){
            NAN, NAN, cpu->explained_ns, cpu->explained_low_ns, cpu->explained_high_ns};
    return (struct compared_amount){
        NAN, NAN, cpu->unexplained_ns, cpu->unexplained_low_ns, cpu->unexplained_high_ns};
}

/* What is nothing in all files is left out. */
static void add_amounts(struct compare *compare, const struct compare_input *files,
    const struct result_cell *cell, const char *name, int sum)
{
    struct compared_line *line = &compare->lines[compare->line_count];
    bool any = false;
    *line = (struct compared_line){.id = cell->id, .name = name, .value_count = compare->file_count};
    for (size_t file = 0; file < compare->file_count; file++) {
        const struct ran_account *account = account_of(files[file].result, cell->id);
        line->values[file] = !account     ? no_amount
                             : sum < SUMS ? amount_of_sum(account, sum)
                                          : amount_of_line(account, name);
        any |= isfinite(line->values[file].cpu_ns) && line->values[file].cpu_ns != 0;
    }
    compare->line_count += any;
}

void compare_accounts(const struct compare_input *files, struct compare *compare)
{
    const struct result *first = files[0].result;
    size_t room = 0;
    for (size_t i = 0; i < first->cell_count; i++)
        room += first->cells[i].ran.account.known ? first->cells[i].ran.account.line_count + SUMS : 0;
    compare->lines = pool_room(&compare->pool, room, sizeof *compare->lines);
    for (size_t i = 0; compare->lines && i < first->cell_count; i++) {
        const struct result_cell *cell = &first->cells[i];
        bool elsewhere = false;
        for (size_t file = 1; file < compare->file_count; file++)
            elsewhere |= account_of(files[file].result, cell->id) != NULL;
        if (!cell->ran.account.known || !elsewhere)
            continue;
        for (size_t k = 0; k < cell->ran.account.line_count; k++)
            add_amounts(compare, files, cell, cell->ran.account.lines[k].name, SUMS);
        for (int sum = 0; sum < SUMS; sum++)
            add_amounts(compare, files, cell, sum_names[sum], sum);
    }
}

struct compared_amount compare_amount_change(const struct compared_line *line, size_t file)
{
    const struct compared_amount *a = &line->values[0], *b = &line->values[file];
    double low = hypot(a->cpu_ns - a->low_ns, b->cpu_ns - b->low_ns),
           high = hypot(a->cpu_ns - a->high_ns, b->cpu_ns - b->high_ns), more = b->cpu_ns - a->cpu_ns;
    return (struct compared_amount){
        b->count - a->count, b->price_ns - a->price_ns, more, more - fmax(low, high), more + fmax(low, high)};
}
