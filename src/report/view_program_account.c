/* What a program takes longer for in a guest: its account, and its system calls. */
#include "report/format.h"
#include "report/view_parts.h"
#include "report/view_program.h"

#include <math.h>
#include <string.h>

static const struct ran_cause_facts *cause_of(const struct ran_line *line)
{
    for (int i = 0; i < CAUSES; i++)
        if (!strcmp(ran_causes[i].name, line->name))
            return &ran_causes[i];
    return NULL; /* of a newer version's file */
}

static const char *title_of(const struct ran_line *line)
{
    const struct ran_cause_facts *cause = cause_of(line);
    return cause ? cause->title : line->name;
}

static const char *signed_time(double ns, struct document *doc)
{
    return document_text(doc, "%s%s", ns < 0 ? "-" : "", format_figure(UNIT_NS, fabs(ns), 0).text);
}

/* "40 ms exits by system calls, 12 ms first touches of fresh pages": those that are more than next to
 * nothing. */
static void name_largest(const struct ran_account *account, struct listing *list)
{
    enum { NAMED = 3 };
    const double least = 0.02 * fabs(account->cpu.difference_ns);
    const struct ran_line *before = NULL;
    for (int named = 0; named < NAMED; named++) {
        const struct ran_line *most = NULL;
        for (size_t i = 0; i < account->line_count; i++) {
            const struct ran_line *line = &account->lines[i];
            bool next = line->cpu_ns > least && (!before || line->cpu_ns < before->cpu_ns);
            if (next && (!most || line->cpu_ns > most->cpu_ns))
                most = line;
        }
        if (!most)
            return;
        listing_add(list, "%s %s", format_figure(UNIT_NS, most->cpu_ns, 0).text, title_of(most));
        before = most;
    }
}

/* " (31 ms … 60 ms)", with the words where that does not tell it from none */
static const char *sure(double low, double high, struct document *doc)
{
    if (!isfinite(low) || !isfinite(high))
        return "";
    return document_text(doc, " (%s … %s%s)", signed_time(low, doc), signed_time(high, doc),
        low <= 0 && high >= 0 ? ": not significant" : "");
}

void view_program_say_account(const struct ran_account *account, struct document *doc)
{
    const struct ran_sum *cpu = &account->cpu;
    struct listing list = {.doc = doc, .between = ", "};
    if (!account->known || !isfinite(cpu->difference_ns))
        return;
    name_largest(account, &list);
    document_say(doc, BLOCK_FACT, "CPU time of a run: %s more than natively%s. Counted and priced: %s%s%s%s.",
        signed_time(cpu->difference_ns, doc), sure(cpu->low_ns, cpu->high_ns, doc),
        signed_time(cpu->explained_ns, doc), sure(cpu->explained_low_ns, cpu->explained_high_ns, doc),
        list.count ? ", above all " : "", list.count ? listing_text(&list) : "");
    document_say(doc, BLOCK_FACT, "Unexplained: %s%s.", signed_time(cpu->unexplained_ns, doc),
        sure(cpu->unexplained_low_ns, cpu->unexplained_high_ns, doc));
    if (isfinite(account->nested_low))
        document_say(doc, BLOCK_FACT,
            "An estimate: on a host with nested paging, and with a kernel in the guest, most of these exits "
            "would not be; "
            "its CPU time would be %.3g to %.3g times the native, longer page walks left out.",
            account->nested_low, account->nested_high);
}

enum account_column { WHAT, COUNT, PRICE, CPU, WALL };

static void add_line(const struct ran_line *line, bool wall, struct table *table, size_t row)
{
    table_text(table, row, WHAT, title_of(line));
    table_number(table, row, COUNT, round(line->count));
    table_interval(table, row, PRICE, line->price_cpu_ns, line->price_cpu_low_ns, line->price_cpu_high_ns);
    table_interval(table, row, CPU, line->cpu_ns, line->cpu_low_ns, line->cpu_high_ns);
    if (wall)
        table_interval(table, row, WALL, line->wall_ns, line->wall_low_ns, line->wall_high_ns);
    table_at(table, row, CPU)->why = line->reason;
    table_at(table, row, WHAT)->detail = line->count == 0 || (!wall && line->cpu_ns == 0);
}

static const char *const sums[] = {"together", "measured", "unexplained"};
enum { SUMS = sizeof sums / sizeof *sums };

static void add_sums(const struct ran_sum *sum, enum account_column column, struct table *table, size_t row)
{
    for (size_t i = 0; i < SUMS; i++)
        table_text(table, row + i, WHAT, sums[i]);
    table_interval(table, row, column, sum->explained_ns, sum->explained_low_ns, sum->explained_high_ns);
    table_interval(table, row + 1, column, sum->difference_ns, sum->low_ns, sum->high_ns);
    table_interval(
        table, row + 2, column, sum->unexplained_ns, sum->unexplained_low_ns, sum->unexplained_high_ns);
}

void view_program_account(const struct result_cell *guest, const char *pages, struct document *doc)
{
    static const struct column columns[] = {{.key = "what", .head = "", .unit = UNIT_TEXT},
        {.key = "count", .unit = UNIT_COUNT}, {.key = "price", .unit = UNIT_NS, .rounded = true},
        {.key = "cpu", .head = "CPU time", .unit = UNIT_NS, .interval = true, .sign = true},
        {.key = "wall", .head = "wall clock", .unit = UNIT_NS, .rounded = true, .sign = true, .drop = 1}};
    const struct ran_account *account = &guest->ran.account;
    bool wall = isfinite(account->wall.difference_ns);
    struct table *table = document_table(doc, "account",
        document_text(doc, "What it takes longer for, a run (means over runs)%s%s",
            pages ? ", with pages of " : "", pages ? pages : ""),
        columns, sizeof columns / sizeof *columns, account->line_count + SUMS);
    for (size_t i = 0; i < account->line_count; i++)
        add_line(&account->lines[i], wall, table, i);
    add_sums(&account->cpu, CPU, table, account->line_count);
    add_sums(&account->wall, WALL, table, account->line_count);
    view_drop_empty(table);
    for (size_t i = 0; i < account->line_count; i++)
        if (account->lines[i].reason && account->lines[i].count != 0)
            document_say(doc, BLOCK_NOTE, "No time for %s: %s.", title_of(&account->lines[i]),
                account->lines[i].reason);
    if (!wall && account->wall.reason)
        document_say(doc, BLOCK_NOTE, "No wall clock time: %s.", account->wall.reason);
}

void view_program_calls(const struct result_cell *guest, struct document *doc)
{
    enum { SHOWN = 8 };
    static const struct column columns[] = {{.key = "system call", .unit = UNIT_TEXT},
        {.key = "count", .unit = UNIT_COUNT}, {.key = "time", .head = "on the host", .unit = UNIT_NS}};
    const struct result_ran *ran = &guest->ran;
    struct table *table = document_table(doc, "calls", "System calls of the last run, the most time first",
        columns, sizeof columns / sizeof *columns, ran->call_count);
    for (size_t i = 0; i < ran->call_count; i++) {
        table_text(table, i, 0, ran->calls[i].name);
        table_number(table, i, 1, (double)ran->calls[i].count);
        table_number(table, i, 2, ran->calls[i].ns);
        if (i >= SHOWN)
            table_at(table, i, 0)->detail = true;
    }
}
