/* What `vcost run` found as tables for files (CSV): a row for each program on each side, for each line of its
 * account, and for each system call of its last run. They are told apart by their heads, and belong together
 * by "id". */
#include "report/view_parts.h"
#include "report/view_program.h"

#include <math.h>

/* The next row of one of these tables, which the first one makes. */
static void add_row(struct document *doc, const char *name, size_t rows, const struct file_value *values,
    size_t columns, struct table **table, size_t *row)
{
    if (!*table)
        *table = view_file_table(doc, name, values, columns, rows);
    view_file_row(*table, (*row)++, values, columns);
}

/* ---- a program on one side ---- */

static double metric(const struct result_cell *cell, const char *name)
{
    const struct result_metric *found = view_metric_of(cell, name);
    return found ? found->value : NAN;
}

static double pages(uint64_t bytes)
{
    return bytes ? (double)bytes : NAN; /* as without the option */
}

static void add_runs(const struct result *result, struct document *doc)
{
    struct table *table = NULL;
    size_t row = 0;
    for (size_t i = 0; i < result->cell_count; i++) {
        const struct result_cell *cell = &result->cells[i];
        const struct result_comparison *against = view_comparison_of(result, cell);
        const struct result_ran *ran = &cell->ran;
        const struct ran_sum *cpu = &ran->account.cpu;
        const bool guest = view_is_guest(cell), ended = ran->exit_status != RAN_NO_STATUS || ran->signal;
        const double accounted = ran->account.known ? 0 : NAN, steady = ran->steady.known ? 0 : NAN;
        const struct file_value values[] = {
            FILE_WORDS("id", cell->id),
            FILE_WORDS("program", cell_workload(cell)),
            FILE_WORDS("monitor", cell->cell.monitor),
            FILE_WORDS("label", cell->label),
            FILE_FIGURE("guest_page_bytes", UNIT_BYTES, pages(cell->cell.guest_page_bytes)),
            FILE_FIGURE("host_page_bytes", UNIT_BYTES, pages(cell->cell.host_page_bytes)),
            FILE_FIGURE("guest_share_2m", UNIT_SHARE, guest ? cell->pages.guest_share_2m : NAN),
            FILE_FIGURE("host_share_2m", UNIT_SHARE, cell->pages.host_share_2m),
            FILE_WORDS("guest_faults", ran_faults_names[ran->faults]),
            FILE_FIGURE("runs", UNIT_COUNT, (double)cell->sample_count),
            FILE_FIGURE("wall_ns", UNIT_NS, cell->median),
            FILE_FIGURE("wall_low_ns", UNIT_NS, cell->low),
            FILE_FIGURE("wall_high_ns", UNIT_NS, cell->high),
            FILE_FIGURE("user_ns", UNIT_NS, metric(cell, "user")),
            FILE_FIGURE("system_ns", UNIT_NS, metric(cell, "system")),
            FILE_FIGURE("kept_ns", UNIT_NS, metric(cell, "kept")),
            FILE_FIGURE("peak_memory_bytes", UNIT_BYTES, metric(cell, "peak_memory")),
            FILE_FIGURE("faults", UNIT_COUNT, metric(cell, "faults")),
            FILE_FIGURE(
                "exits", UNIT_COUNT, guest && cell->counters.known ? (double)cell->counters.exits : NAN),
            FILE_FIGURE("exit_status", UNIT_COUNT, ended && !ran->signal ? (double)ran->exit_status : NAN),
            FILE_FIGURE("signal", UNIT_COUNT, ran->signal ? (double)ran->signal : NAN),
            FILE_WORDS("fidelity", ran->fidelity == FIDELITY_UNKNOWN ? NULL : fidelity_names[ran->fidelity]),
            FILE_WORDS("compared", ran->compared),
            FILE_WORDS("differs", ran->differs),
            FILE_FIGURE("ratio", UNIT_RATIO, against ? against->ratio : NAN),
            FILE_FIGURE("ratio_low", UNIT_RATIO, against ? against->low : NAN),
            FILE_FIGURE("ratio_high", UNIT_RATIO, against ? against->high : NAN),
            FILE_FIGURE("more_cpu_ns", UNIT_NS, cpu->difference_ns + accounted),
            FILE_FIGURE("more_cpu_low_ns", UNIT_NS, cpu->low_ns + accounted),
            FILE_FIGURE("more_cpu_high_ns", UNIT_NS, cpu->high_ns + accounted),
            FILE_FIGURE("explained_cpu_ns", UNIT_NS, cpu->explained_ns + accounted),
            FILE_FIGURE("unexplained_cpu_ns", UNIT_NS, cpu->unexplained_ns + accounted),
            FILE_FIGURE("unexplained_cpu_low_ns", UNIT_NS, cpu->unexplained_low_ns + accounted),
            FILE_FIGURE("unexplained_cpu_high_ns", UNIT_NS, cpu->unexplained_high_ns + accounted),
            FILE_FIGURE("steady_native_ns", UNIT_NS, ran->steady.native_ns + steady),
            FILE_FIGURE("steady_guest_ns", UNIT_NS, ran->steady.guest_ns + steady),
            FILE_FIGURE("steady_ratio", UNIT_RATIO, ran->steady.ratio + steady),
            FILE_FIGURE("steady_ratio_low", UNIT_RATIO, ran->steady.low + steady),
            FILE_FIGURE("steady_ratio_high", UNIT_RATIO, ran->steady.high + steady),
            FILE_FIGURE("left_running", UNIT_COUNT, guest ? NAN : (double)ran->left_count),
            FILE_WORDS("quality", quality_names[cell->quality]),
            FILE_WORDS("reason", cell_reason(cell)),
        };
        add_row(doc, "runs", result->cell_count, values, sizeof values / sizeof *values, &table, &row);
    }
}

/* ---- accounts ---- */

struct lines {
    struct document *doc;
    struct table *table;
    size_t rows, row;
};

static void add_line(struct lines *lines, const struct result_cell *cell, const struct ran_line *line)
{
    const struct file_value values[] = {
        FILE_WORDS("id", cell->id),
        FILE_WORDS("cause", line->name),
        FILE_FIGURE("count", UNIT_COUNT, line->count),
        FILE_FIGURE("price_cpu_ns", UNIT_NS, line->price_cpu_ns),
        FILE_FIGURE("price_cpu_low_ns", UNIT_NS, line->price_cpu_low_ns),
        FILE_FIGURE("price_cpu_high_ns", UNIT_NS, line->price_cpu_high_ns),
        FILE_FIGURE("price_wall_ns", UNIT_NS, line->price_wall_ns),
        FILE_FIGURE("cpu_ns", UNIT_NS, line->cpu_ns),
        FILE_FIGURE("cpu_low_ns", UNIT_NS, line->cpu_low_ns),
        FILE_FIGURE("cpu_high_ns", UNIT_NS, line->cpu_high_ns),
        FILE_FIGURE("wall_ns", UNIT_NS, line->wall_ns),
        FILE_FIGURE("wall_low_ns", UNIT_NS, line->wall_low_ns),
        FILE_FIGURE("wall_high_ns", UNIT_NS, line->wall_high_ns),
        FILE_WORDS("reason", line->reason),
    };
    add_row(lines->doc, "account-lines", lines->rows, values, sizeof values / sizeof *values, &lines->table,
        &lines->row);
}

/* As lines without a count or a price. */
enum { SUMS = 3 };
static void add_sums(struct lines *lines, const struct result_cell *cell)
{
    const struct ran_sum *cpu = &cell->ran.account.cpu, *wall = &cell->ran.account.wall;
    struct ran_line line = {.count = NAN,
        .price_cpu_ns = NAN,
        .price_cpu_low_ns = NAN,
        .price_cpu_high_ns = NAN,
        .price_wall_ns = NAN,
        .reason = wall->reason};
    const struct {
        const char *name;
        double cpu[3], wall[3];
    } sums[SUMS] = {
        {"explained", {cpu->explained_ns, cpu->explained_low_ns, cpu->explained_high_ns},
            {wall->explained_ns, wall->explained_low_ns, wall->explained_high_ns}},
        {"measured", {cpu->difference_ns, cpu->low_ns, cpu->high_ns},
            {wall->difference_ns, wall->low_ns, wall->high_ns}},
        {"unexplained", {cpu->unexplained_ns, cpu->unexplained_low_ns, cpu->unexplained_high_ns},
            {wall->unexplained_ns, wall->unexplained_low_ns, wall->unexplained_high_ns}},
    };
    for (size_t i = 0; i < SUMS; i++) {
        line.name = sums[i].name;
        line.cpu_ns = sums[i].cpu[0];
        line.cpu_low_ns = sums[i].cpu[1];
        line.cpu_high_ns = sums[i].cpu[2];
        line.wall_ns = sums[i].wall[0];
        line.wall_low_ns = sums[i].wall[1];
        line.wall_high_ns = sums[i].wall[2];
        add_line(lines, cell, &line);
    }
}

static void add_accounts(const struct result *result, struct document *doc)
{
    struct lines lines = {.doc = doc};
    for (size_t i = 0; i < result->cell_count; i++)
        if (result->cells[i].ran.account.known)
            lines.rows += result->cells[i].ran.account.line_count + SUMS;
    for (size_t i = 0; i < result->cell_count; i++) {
        const struct ran_account *account = &result->cells[i].ran.account;
        for (size_t k = 0; account->known && k < account->line_count; k++)
            add_line(&lines, &result->cells[i], &account->lines[k]);
        if (account->known)
            add_sums(&lines, &result->cells[i]);
    }
}

/* ---- system calls ---- */

static void add_calls(const struct result *result, struct document *doc)
{
    struct table *table = NULL;
    size_t rows = 0, row = 0;
    for (size_t i = 0; i < result->cell_count; i++)
        rows += result->cells[i].ran.call_count;
    for (size_t i = 0; i < result->cell_count; i++)
        for (size_t k = 0; k < result->cells[i].ran.call_count; k++) {
            const struct ran_call *call = &result->cells[i].ran.calls[k];
            const struct file_value values[] = {
                FILE_WORDS("id", result->cells[i].id),
                FILE_WORDS("call", call->name),
                FILE_FIGURE("count", UNIT_COUNT, (double)call->count),
                FILE_FIGURE("ns", UNIT_NS, call->ns),
                FILE_WORDS("refused", call->refused),
            };
            add_row(doc, "call-lines", rows, values, sizeof values / sizeof *values, &table, &row);
        }
}

void view_program_files(const struct result *result, struct document *doc)
{
    add_runs(result, doc);
    add_accounts(result, doc);
    add_calls(result, doc);
}
