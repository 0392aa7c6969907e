/* Where the cycles of simulated accesses went: for each modelled curve a table and a stacked chart. */
#include "report/views.h"

#include "report/format.h"
#include "report/view_parts.h"
#include "result/curves.h"

#include <string.h>

static const struct account *account_at(const struct curve *curve, size_t index)
{
    const struct result_cell *cell = curve->points[index].cell;
    return cell && cell_measured(cell) && cell->modelled.account.accesses ? &cell->modelled.account : NULL;
}

/* Does a walk go through two sets of tables? */
static bool walks_two(const struct curve *curve)
{
    bool two = false;
    for (size_t i = 0; i < curve->group->working_set_count; i++) {
        const struct account *account = account_at(curve, i);
        for (unsigned k = 0; account && k < ACCOUNT_LEVELS; k++)
            two |= account->bucket[BUCKET_HOST + k] != 0;
    }
    return two;
}

/* What buckets have in common that belong together; NULL: this one is alone. */
static const char *block_of(const struct curve *curve, unsigned bucket)
{
    if (bucket <= BUCKET_DATA_MEMORY)
        return "data";
    if (bucket >= BUCKET_HOST && bucket < BUCKET_HOST + ACCOUNT_LEVELS)
        return "host walk";
    if (bucket >= BUCKET_GUEST && bucket < BUCKET_HOST)
        return walks_two(curve) ? "guest walk" : "page walk";
    return NULL;
}

/* Its name below that of its block: "L1" of "data L1", "level 2" of "guest tables level 2". */
static const char *head_of(unsigned bucket)
{
    const char *name = bucket_name(bucket), *level = strstr(name, "level ");
    return bucket <= BUCKET_DATA_MEMORY ? strchr(name, ' ') + 1 : level ? level : name;
}

static double each(const struct account *account, uint64_t cycles)
{
    return (double)cycles / (double)account->accesses;
}

/* Cycles per access, and in all, to which the others add up. */
static void add_table(const struct curve *curve, const char *name, struct document *doc)
{
    struct column columns[BUCKETS + 2] = {{.key = "working_set", .head = "working set", .unit = UNIT_BYTES}};
    size_t rows = curve->group->working_set_count;
    for (unsigned i = 0; i < BUCKETS; i++)
        columns[1 + i] = (struct column){.key = bucket_name(i),
            .head = head_of(i),
            .block = block_of(curve, i),
            .unit = UNIT_RATIO,
            .bare = true};
    columns[1 + BUCKETS] =
        (struct column){.key = "cycles", .head = "in all", .unit = UNIT_RATIO, .bare = true};
    struct table *table = document_table(doc, "account",
        document_text(doc, "%s: cycles per access, by what they were for", name), columns, BUCKETS + 2, rows);
    for (size_t row = 0; row < rows; row++) {
        const struct account *account = account_at(curve, row);
        table_number(table, row, 0, (double)curve->group->working_sets[row]);
        for (unsigned i = 0; account && i < BUCKETS; i++)
            if (account->bucket[i])
                table_number(table, row, 1 + i, each(account, account->bucket[i]));
        if (account)
            table_number(table, row, 1 + BUCKETS, each(account, account->cycles));
    }
    view_drop_empty(table);
}

/* Buckets of one block are one band. */
static bool same_band(const struct curve *curve, unsigned a, unsigned b)
{
    const char *x = block_of(curve, a), *y = block_of(curve, b);
    return a == b || (x && y && !strcmp(x, y));
}

/* Adds the cycles of a band at each point on top of `sums`, if there are any. */
static void add_band(
    const struct curve *curve, unsigned bucket, double *sums, struct chart *chart, struct document *doc)
{
    const char *block = block_of(curve, bucket);
    size_t count = curve->group->working_set_count;
    bool any = false;
    for (size_t i = 0; i < count; i++)
        for (unsigned other = bucket; other < BUCKETS && account_at(curve, i); other++)
            any |= same_band(curve, bucket, other) && account_at(curve, i)->bucket[other];
    struct chart_series *series =
        any ? chart_series(doc, chart, block ? block : bucket_name(bucket), count) : NULL;
    for (size_t i = 0; series && i < count; i++) {
        const struct account *account = account_at(curve, i);
        double before = sums[i];
        for (unsigned other = bucket; account && other < BUCKETS; other++)
            if (same_band(curve, bucket, other))
                sums[i] += each(account, account->bucket[other]);
        if (account)
            series->points[i] =
                (struct chart_point){(double)curve->group->working_sets[i], sums[i], before, sums[i], NULL};
    }
}

static void add_chart(const struct curve *curve, const char *name, struct document *doc)
{
    double *sums = pool_room(&doc->pool, curve->group->working_set_count, sizeof *sums);
    struct chart *chart =
        document_chart(doc, CHART_LINES, "account", document_text(doc, "%s: cycles per access", name));
    if (!chart || !sums)
        return;
    for (unsigned i = 0; i < BUCKETS; i++) {
        bool before = false;
        for (unsigned other = 0; other < i; other++)
            before |= same_band(curve, i, other);
        if (!before)
            add_band(curve, i, sums, chart, doc);
    }
    chart->stacked = true;
    chart->x = (struct chart_axis){"working set", UNIT_BYTES, SCALE_LOG2, 0};
    chart->y = (struct chart_axis){"cycles per access", UNIT_RATIO, SCALE_LINEAR, 0};
    chart->caption = "Stacked: what each band is high is what its part costs. Modelled, not measured.";
}

void view_account(const struct result *result, bool charts, struct document *doc)
{
    struct curves curves;
    curves_arrange(result, &doc->pool, &curves);
    for (size_t i = 0; i < curves.count; i++) {
        const struct curve *curve = curves.all[i];
        const struct chase_shape *shape = &curve->group->shape;
        const char *name = document_text(doc, "%s, pages of %s%s%s, %s, %s", curve->label,
            curve->guest_page_bytes
                ? document_text(doc, "%s", format_size_short(curve->guest_page_bytes).text)
                : "",
            curve->guest_page_bytes ? "/" : "",
            document_text(doc, "%s", format_size_short(curve->host_page_bytes).text),
            chase_orders[shape->order].name,
            document_text(doc, "%s elements", format_size(shape->element_bytes).text));
        if (!curve->modelled)
            continue;
        add_table(curve, name, doc);
        if (charts)
            add_chart(curve, name, doc);
    }
}
