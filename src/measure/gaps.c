#include "measure/gaps.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const double gap_window_seconds = 0.1;
const double gap_interrupt_ns = 50e3;

/* This kernel accounts for a gap if it knows of so much of it. */
static const double known_share = 0.5;

/* ---- figures ---- */

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The smallest value that so much of all does not exceed. */
static double quantile(const double *sorted, size_t count, double share)
{
    size_t rank = (size_t)ceil(share * (double)count);
    return count ? sorted[rank ? rank - 1 : 0] : NAN;
}

/* Sorts the lengths. */
static struct gap_figures figures_of(double *lengths, size_t count, double watched_ns)
{
    struct gap_figures figures = {.count = count};
    qsort(lengths, count, sizeof *lengths, by_value);
    for (size_t i = 0; i < count; i++)
        figures.total_ns += lengths[i];
    figures.longest_ns = count ? lengths[count - 1] : 0;
    figures.median_ns = quantile(lengths, count, 0.5);
    figures.p90_ns = quantile(lengths, count, 0.9);
    figures.p99_ns = quantile(lengths, count, 0.99);
    figures.share = watched_ns > 0 ? figures.total_ns / watched_ns : NAN;
    return figures;
}

static bool is_known(const struct gap *gap)
{
    return gap->switched || gap->known_ns >= known_share * gap->ns;
}

static size_t lengths_of(const struct gap_log *log, bool known, bool unknown, double *lengths)
{
    size_t count = 0;
    for (size_t i = 0; i < log->count; i++)
        if (is_known(&log->gaps[i]) ? known : unknown)
            lengths[count++] = log->gaps[i].ns;
    return count;
}

/* How many of the unknown gaps, the longest ones, this kernel's interrupts cannot explain. */
static size_t beyond_interrupts(const struct gap_log *log, const double *sorted, size_t count)
{
    size_t longer = 0, more = 0;
    while (longer < count && sorted[count - 1 - longer] > gap_interrupt_ns)
        longer++;
    if (log->interrupts_known && count > log->interrupts)
        more = count - log->interrupts;
    return longer > more ? longer : more;
}

/* ---- windows ---- */

static double window_share(const struct gap_window *window, bool steal)
{
    return window->ns > 0 ? fmin((steal ? window->steal_ns : window->gap_ns) / window->ns, 1) : 0;
}

static struct gap_spread spread_of(const struct gap_log *log, bool steal, double *shares)
{
    if (!log->window_count || (steal && !log->steal_known))
        return (struct gap_spread){NAN, NAN, NAN};
    for (size_t i = 0; i < log->window_count; i++)
        shares[i] = window_share(&log->windows[i], steal);
    qsort(shares, log->window_count, sizeof *shares, by_value);
    return (struct gap_spread){
        shares[0], quantile(shares, log->window_count, 0.5), shares[log->window_count - 1]};
}

static void sum_windows(const struct gap_log *log, struct gaps *out)
{
    for (size_t i = 0; i < log->window_count; i++) {
        out->watched_ns += log->windows[i].ns;
        out->steal_ns += log->steal_known ? log->windows[i].steal_ns : 0;
    }
    out->steal_share = log->steal_known && out->watched_ns > 0 ? out->steal_ns / out->watched_ns : NAN;
}

int gaps_judge(const struct gap_log *log, struct gaps *out, struct error *error)
{
    struct gaps found = {
        .threshold_ns = log->threshold_ns,
        .look_ns = log->look_ns,
        .interrupts_known = log->interrupts_known,
        .interrupts = log->interrupts,
        .steal_known = log->steal_known,
        .windows = log->window_count,
        .backwards = log->backwards,
        .lost = log->lost,
    };
    double *room = calloc(log->count + log->window_count + 1, sizeof *room);
    if (!room)
        return error_set(error, ENOMEM, "not enough memory to judge what took the CPU away");
    sum_windows(log, &found);
    found.all = figures_of(room, lengths_of(log, true, true, room), found.watched_ns);
    found.known = figures_of(room, lengths_of(log, true, false, room), found.watched_ns);
    found.unknown = figures_of(room, lengths_of(log, false, true, room), found.watched_ns);
    size_t below = beyond_interrupts(log, room, found.unknown.count);
    found.below = figures_of(room + found.unknown.count - below, below, found.watched_ns);
    for (size_t i = 0; i < log->count; i++)
        found.switches += log->gaps[i].switched;
    found.steal = spread_of(log, true, room);
    found.taken = spread_of(log, false, room);
    free(room);
    *out = found;
    return 0;
}

/* ---- /proc/interrupts ---- */

/* Which of the header's "CPU0 CPU1 CPU3 …" it is. */
static void find_column(struct interrupt_count *count, const char *line, unsigned cpu)
{
    size_t column = 0;
    for (const char *at = strstr(line, "CPU"); at && !count->found; at = strstr(at + 3, "CPU"), column++)
        if (strtoul(at + 3, NULL, 10) == cpu) {
            count->found = true;
            count->column = column;
        }
}

/* "  24:     1     0  IO-APIC  5-edge  ACPI:Ged", "ERR:   0" */
void interrupt_count_line(struct interrupt_count *count, const char *line, unsigned cpu)
{
    const char *at = strchr(line, ':');
    if (!count->found) {
        find_column(count, line, cpu);
        return;
    }
    for (size_t column = 0; at; column++) {
        at += at[0] == ':';
        at += strspn(at, " \t");
        char *end;
        uint64_t value = strtoull(at, &end, 10);
        if (!isdigit((unsigned char)*at) || !isspace((unsigned char)*end))
            return;
        if (column == count->column) {
            count->count += value;
            return;
        }
        at = end;
    }
}
