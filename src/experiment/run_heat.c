#include "experiment/run_heat.h"

#include "measure/statistics.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS_MOST = 96, PROCESSES_MOST = 64 };

/* The entries, in order; of one process while it is looked at: [next, end). */
struct reading {
    const struct heat_entry **entries;
    size_t count;
    struct pool *pool;
    struct ran_heat *heat;
    uint64_t began_ns;
};

static enum heat_side side_of(const struct heat_entry *entry)
{
    return entry->kind == HEAT_CODE ? HEAT_OF_INSTRUCTIONS : HEAT_OF_DATA;
}

/* Process by process: its name, its harvests, then region by region what was touched, in the order of time.
 */
static int in_order(const void *a, const void *b)
{
    const struct heat_entry *x = *(const struct heat_entry *const *)a,
                            *y = *(const struct heat_entry *const *)b;
    const uint64_t keys[][2] = {{x->process, y->process},
        {x->kind > HEAT_HARVEST ? HEAT_DATA : x->kind, y->kind > HEAT_HARVEST ? HEAT_DATA : y->kind},
        {x->region, y->region}, {x->kind, y->kind}, {x->harvest, y->harvest}};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (keys[i][0] != keys[i][1])
            return keys[i][0] < keys[i][1] ? -1 : 1;
    return 0;
}

static unsigned count_pages(const uint64_t pages[static HEAT_WORDS])
{
    unsigned count = 0;
    for (unsigned i = 0; i < HEAT_WORDS; i++)
        count += (unsigned)__builtin_popcountll(pages[i]);
    return count;
}

/* ---- what is there ---- */

static int sort_entries(const struct heat_log *log, struct reading *reading, struct error *error)
{
    uint64_t used = log->used < log->room ? log->used : log->room, last = 0;
    reading->entries = calloc(used ? used : 1, sizeof(void *));
    if (!reading->entries)
        return error_set(error, ENOMEM, "no memory for what was touched");
    reading->began_ns = UINT64_MAX;
    for (uint64_t i = 0; i < used; i++) {
        const struct heat_entry *entry = &log->entries[i];
        if (entry->kind == HEAT_NOTHING)
            continue; /* its process was killed while it wrote */
        reading->entries[reading->count++] = entry;
        if (entry->kind == HEAT_PROCESS && entry->from_ns < reading->began_ns)
            reading->began_ns = entry->from_ns;
        if (entry->to_ns > last)
            last = entry->to_ns;
    }
    qsort(reading->entries, reading->count, sizeof(void *), in_order);
    double spent = last > reading->began_ns ? (double)(last - reading->began_ns) : 0;
    double each = ceil(spent / reading->heat->interval_ns / COLUMNS_MOST);
    reading->heat->column_ns = reading->heat->interval_ns * fmax(each, 1);
    reading->heat->columns = (size_t)fmax(round(spent / reading->heat->column_ns), 1);
    return 0;
}

/* ---- of one process ---- */

/* The columns that a harvest is of, so that none between two is left out: where its middle lies, and all
 * whose middle lies in it. */
struct columns {
    size_t first, last;
};

static struct columns columns_of(const struct reading *reading, const struct heat_step *step)
{
    double wide = reading->heat->column_ns, most = (double)reading->heat->columns - 1;
    double own = floor((step->from_ns + step->to_ns) / 2 / wide);
    double first = fmin(own, ceil(step->from_ns / wide - 0.5)),
           last = fmax(own, ceil(step->to_ns / wide - 0.5) - 1);
    return (struct columns){(size_t)fmin(fmax(first, 0), most), (size_t)fmin(fmax(last, 0), most)};
}

/* One region, on one side: [from, to). */
static void add_region(struct reading *reading, struct heat_process *process, size_t from, size_t to)
{
    const struct heat_entry *first = reading->entries[from];
    enum heat_side side = side_of(first);
    struct heat_region *region = &process->touched[process->touched_count];
    uint64_t ever[HEAT_WORDS] = {0}, pages[HEAT_WORDS] = {0};
    size_t before = SIZE_MAX;
    *region = (struct heat_region){.side = side, .columns = reading->heat->columns};
    snprintf(region->address, sizeof region->address, "0x%" PRIx64, first->region * HEAT_REGION_BYTES);
    region->touched = pool_room(reading->pool, region->columns, sizeof *region->touched);
    if (!region->touched)
        return;
    process->touched_count++;
    for (size_t i = from; i < to; i++) {
        const struct heat_entry *entry = reading->entries[i];
        if (entry->harvest >= process->step_count)
            continue; /* its harvest was not finished */
        const struct columns columns = columns_of(reading, &process->steps[entry->harvest]);
        for (size_t column = columns.first; column <= columns.last; before = column++) {
            for (unsigned word = 0; word < HEAT_WORDS; word++)
                pages[word] = entry->pages[word] | (column == before ? pages[word] : 0);
            region->touched[column] = count_pages(pages);
        }
        for (unsigned word = 0; word < HEAT_WORDS; word++)
            ever[word] |= entry->pages[word];
        process->steps[entry->harvest].pages[side] += count_pages(entry->pages);
        process->steps[entry->harvest].regions[side]++;
    }
    region->pages = count_pages(ever);
    process->pages[side].ever += region->pages;
    process->regions[side].ever += region->pages > 0;
}

static void add_steps(struct reading *reading, struct heat_process *process, size_t from, size_t to)
{
    process->steps = pool_room(reading->pool, to - from, sizeof *process->steps);
    for (size_t i = from; process->steps && i < to; i++) {
        const struct heat_entry *entry = reading->entries[i];
        if (entry->harvest != process->step_count)
            break; /* one lacks: the log was full */
        process->steps[process->step_count++] =
            (struct heat_step){.from_ns = (double)(entry->from_ns - reading->began_ns),
                .to_ns = (double)(entry->to_ns - reading->began_ns)};
    }
}

/* Over intervals that are no fragments, unless there are no others: the last one of a process is. */
static void sum_up(struct reading *reading, struct heat_process *process)
{
    size_t count = process->step_count;
    double *values = pool_room(reading->pool, count, sizeof *values), usual = reading->heat->interval_ns / 2;
    bool any = false;
    for (size_t i = 0; i < count; i++)
        any |= process->steps[i].to_ns - process->steps[i].from_ns >= usual;
    for (int what = 0; values && what < 2 * HEAT_SIDES; what++) {
        int side = what / 2;
        struct heat_counts *counts = what % 2 ? &process->regions[side] : &process->pages[side];
        size_t used = 0;
        for (size_t i = 0; i < count; i++) {
            const struct heat_step *step = &process->steps[i];
            uint64_t touched = what % 2 ? step->regions[side] : step->pages[side];
            if (!any || step->to_ns - step->from_ns >= usual)
                values[used++] = (double)touched;
            counts->most = touched > counts->most ? touched : counts->most;
        }
        counts->median = statistics_median(values, used);
    }
}

static void add_process(struct reading *reading, size_t from, size_t to)
{
    struct ran_heat *heat = reading->heat;
    struct heat_process *process = &heat->processes[heat->process_count++];
    size_t at = from, end;
    *process = (struct heat_process){.name = "unnamed"};
    if (at < to && reading->entries[at]->kind == HEAT_PROCESS)
        process->name = pool_format(reading->pool, "%.*s", HEAT_NAME_BYTES, reading->entries[at++]->name);
    for (end = at; end < to && reading->entries[end]->kind == HEAT_HARVEST; end++)
        continue;
    add_steps(reading, process, at, end);
    process->touched = pool_room(reading->pool, to - end, sizeof *process->touched);
    for (at = end; process->touched && at < to; at = end) {
        const struct heat_entry *first = reading->entries[at];
        for (end = at; end < to && reading->entries[end]->region == first->region &&
                       reading->entries[end]->kind == first->kind;
             end++)
            continue;
        add_region(reading, process, at, end);
    }
    sum_up(reading, process);
}

/* ---- of all, those that touched most ---- */

/* Where the entries of a process are, and how many pages they tell of. */
struct span {
    size_t from, to;
    uint64_t pages;
};

static bool is_of_one_region(const struct heat_entry *a, const struct heat_entry *b)
{
    return a->kind == b->kind && a->region == b->region;
}

static uint64_t pages_of(const struct reading *reading, const struct span *span)
{
    uint64_t sum = 0, ever[HEAT_WORDS] = {0};
    for (size_t i = span->from; i < span->to; i++) {
        const struct heat_entry *entry = reading->entries[i];
        if (entry->kind <= HEAT_HARVEST)
            continue;
        for (unsigned word = 0; word < HEAT_WORDS; word++)
            ever[word] |= entry->pages[word];
        if (i + 1 < span->to && is_of_one_region(entry, reading->entries[i + 1]))
            continue;
        sum += count_pages(ever);
        memset(ever, 0, sizeof ever);
    }
    return sum;
}

static int by_pages(const void *a, const void *b)
{
    const struct span *x = a, *y = b;
    if (x->pages != y->pages)
        return x->pages < y->pages ? 1 : -1;
    return x->from < y->from ? -1 : x->from > y->from;
}

/* Sorted, the first one touched most. */
static size_t find_spans(const struct reading *reading, struct span *spans)
{
    size_t count = 0;
    for (size_t at = 0, end; at < reading->count; at = end) {
        for (end = at;
             end < reading->count && reading->entries[end]->process == reading->entries[at]->process;)
            end++;
        spans[count] = (struct span){.from = at, .to = end};
        spans[count].pages = pages_of(reading, &spans[count]);
        count++;
    }
    qsort(spans, count, sizeof *spans, by_pages);
    return count;
}

static int add_processes(struct reading *reading, struct error *error)
{
    struct ran_heat *heat = reading->heat;
    struct span *spans = calloc(reading->count + 1, sizeof *spans);
    size_t count = spans ? find_spans(reading, spans) : 0,
           kept = count < PROCESSES_MOST ? count : PROCESSES_MOST;
    heat->processes = pool_room(reading->pool, PROCESSES_MOST, sizeof *heat->processes);
    for (size_t i = 0; heat->processes && i < kept; i++)
        add_process(reading, spans[i].from, spans[i].to);
    if (kept < count)
        heat->reason =
            "there were more processes than are kept, and of those that touched least nothing is told";
    free(spans);
    if (!spans || reading->pool->failed || !heat->processes)
        return error_set(error, ENOMEM, "no memory for what was touched");
    return 0;
}

int run_heat_read(const struct heat_log *log, struct pool *pool, struct ran_heat *heat, struct error *error)
{
    struct reading reading = {.pool = pool, .heat = heat};
    heat->interval_ns = (double)log->interval_ns;
    int rc = sort_entries(log, &reading, error);
    if (rc == 0)
        rc = add_processes(&reading, error);
    free(reading.entries);
    if (rc < 0)
        return rc;
    if (log->used > log->room)
        heat->reason = "there was no room to write down more: a longer --heat-interval takes less";
    heat->known = true;
    return 0;
}
