/* vcost domain stats: what a domain does, line by line. */
#include "base/clean.h"
#include "base/output.h"
#include "cli/domain_options.h"
#include "cli/interrupt.h"
#include "cli/outputs.h"
#include "cli/status.h"
#include "domain/served/control.h"
#include "report/format.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { HEAD_EACH = 20 };

/* Two looks at a domain, and what there is to say of the time between them. */
struct between {
    const struct domain_report *before, *now;
    double seconds;
};

/* ---- columns ---- */

static struct formatted dash(void)
{
    return (struct formatted){"-"};
}

static struct formatted rate(const struct between *between, uint64_t before, uint64_t now)
{
    double a_second = now >= before ? (double)(now - before) / between->seconds : NAN;
    return isfinite(a_second) ? format_count((uint64_t)llround(a_second)) : dash();
}

static struct formatted counted(const struct between *between, const char *name)
{
    uint64_t before, now;
    return counters_get(&between->before->stats.counters, name, &before) &&
                   counters_get(&between->now->stats.counters, name, &now)
               ? rate(between, before, now)
               : dash();
}

static struct formatted bytes(double number)
{
    return isfinite(number) ? format_size((uint64_t)number) : dash();
}

static struct formatted show_phase(const struct between *between)
{
    struct formatted out;
    snprintf(out.text, sizeof out.text, "%.20s",
        between->now->moves && between->now->moved.stage < MOVED_DONE
            ? moved_stages[between->now->moved.stage]
            : portable_phases[between->now->phase]);
    return out;
}

static struct formatted show_pace(const struct between *between)
{
    return rate(between, between->before->done, between->now->done);
}

static struct formatted show_median(const struct between *between)
{
    return format_figure(UNIT_NS, between->now->stats.recent.ns_median, 0);
}

static struct formatted show_p99(const struct between *between)
{
    return format_figure(UNIT_NS, between->now->stats.recent.ns_p99, 0);
}

static struct formatted show_longest(const struct between *between)
{
    return format_figure(UNIT_NS, between->now->stats.recent.longest_ms * 1e6, 0);
}

static struct formatted show_exits(const struct between *between)
{
    return counted(between, "exits");
}

static struct formatted show_interrupts(const struct between *between)
{
    return counted(between, "exits_interrupt");
}

static struct formatted show_faults(const struct between *between)
{
    return counted(between, "page_faults");
}

static struct formatted show_resident(const struct between *between)
{
    return bytes(between->now->stats.resident_bytes);
}

static struct formatted show_large(const struct between *between)
{
    const struct domain_stats *stats = &between->now->stats;
    return format_figure(UNIT_SHARE, stats->large_bytes / stats->resident_bytes, 0);
}

static struct formatted show_guest_large(const struct between *between)
{
    uint64_t small, large;
    if (!counters_get(&between->now->stats.counters, "pages_4k", &small) ||
        !counters_get(&between->now->stats.counters, "pages_2m", &large) || !(small + large))
        return dash();
    return format_figure(UNIT_SHARE, 512 * (double)large / (512 * (double)large + (double)small), 0);
}

static struct formatted show_written(const struct between *between)
{
    const struct domain_report *now = between->now;
    return bytes(now->moves && now->moved.stage == MOVED_COPYING ? now->moved.written : now->stats.written);
}

/* Where the terminal is too narrow for all of them, those with the largest `drop` are left out first. */
static const struct {
    const char *head, *unit;
    int width, drop;
    struct formatted (*show)(const struct between *between);
} columns[] = {
    {"state", "", 9, 0, show_phase},
    {"work", "a second", 12, 0, show_pace},
    {"median", "each", 8, 0, show_median},
    {"99 %", "each", 8, 0, show_p99},
    {"longest", "pause", 8, 1, show_longest},
    {"exits", "a second", 9, 0, show_exits},
    {"interrupts", "a second", 10, 6, show_interrupts},
    {"faults", "a second", 9, 0, show_faults},
    {"resident", "", 9, 5, show_resident},
    {"2 MiB", "host", 7, 4, show_large},
    {"2 MiB", "guest", 7, 3, show_guest_large},
    {"written", "a second", 9, 2, show_written},
};
enum { COLUMNS = sizeof columns / sizeof columns[0], GAP = 2 };

static int width_of(int drop)
{
    int width = -GAP;
    for (size_t i = 0; i < COLUMNS; i++)
        width += columns[i].drop < drop ? columns[i].width + GAP : 0;
    return width;
}

/* Those with a smaller `drop` fit. */
static int fitting(void)
{
    struct winsize size;
    int drop = COLUMNS;
    if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || !size.ws_col)
        return drop;
    while (drop > 1 && width_of(drop) > size.ws_col)
        drop--;
    return drop;
}

static void end_cell(size_t i, int drop)
{
    while (++i < COLUMNS && columns[i].drop >= drop)
        ;
    printf("%*s%s", i < COLUMNS ? GAP : 0, "", i < COLUMNS ? "" : "\n");
}

static void print_head(int drop)
{
    for (int unit = 0; unit < 2; unit++)
        for (size_t i = 0; i < COLUMNS; i++)
            if (columns[i].drop < drop) {
                printf("%*s", columns[i].width, unit ? columns[i].unit : columns[i].head);
                end_cell(i, drop);
            }
}

static void print_line(const struct between *between, int drop)
{
    for (size_t i = 0; i < COLUMNS; i++) {
        char text[sizeof(struct formatted)];
        if (columns[i].drop >= drop)
            continue;
        text_clean(
            columns[i].show(between).text, locale_is_utf8() ? TEXT_UTF8 : TEXT_ASCII, text, sizeof text);
        int more = (int)strlen(text) - (int)text_columns(text); /* bytes than columns */
        printf("%*s", columns[i].width + more, text);
        end_cell(i, drop);
    }
    fflush(stdout);
}

/* ---- the command ---- */

static void wait_for(double seconds)
{
    struct timespec rest = {.tv_sec = (time_t)seconds, .tv_nsec = (long)(fmod(seconds, 1) * 1e9)};
    while (!interrupt_asked(NULL) && nanosleep(&rest, &rest) < 0 && errno == EINTR)
        ;
}

static int print_json(const struct domain_report *report, FILE *stream, struct error *error)
{
    json_t *json;
    int rc = record_write(&domain_report_record, report, &json, error);
    if (rc < 0)
        return rc;
    json_dumpf(json, stream, JSON_COMPACT);
    json_decref(json);
    putc('\n', stream);
    return fflush(stream) == 0 ? 0 : error_errno(error, errno, "cannot write the statistics");
}

/* Until it ends, or once. 0 also if it has ended then. */
static int look_again(const struct domain_options *options, const struct place *place, const char *name,
    struct output *output, struct error *error)
{
    const struct control_request request = {.verb = "stats", .count = options->written, .fd = -1};
    bool quiet = output && output_stream(output) == stdout;
    int drop = COLUMNS;
    struct domain_report before, now;
    int rc = control_ask(place, name, &request, &before, error);
    for (unsigned line = 0; rc == 0; line++) {
        wait_for(options->interval);
        if (interrupt_asked(NULL) || (rc = control_ask(place, name, &request, &now, error)) < 0)
            break;
        const struct between between = {&before, &now, now.seconds - before.seconds};
        if (!quiet && line % HEAD_EACH == 0)
            print_head(drop = fitting());
        if (!quiet)
            print_line(&between, drop);
        if (output)
            rc = print_json(&now, output_stream(output), error);
        before = now;
        if (!options->watch)
            break;
    }
    return rc;
}

/* One that has ended while it was looked at: its status, as far as it is known. */
static int status_of_ended(const struct place *place, const char *name)
{
    struct domain_report report = {.exit_status = -1};
    struct error error;
    if (control_read_kept(place, name, &report, &error) < 0) {
        fprintf(stderr, "%s has ended\n", name);
        return STATUS_DONE;
    }
    fprintf(stderr, "%s has ended: %s\n", name, report.ending);
    return report.exit_status < 0 ? STATUS_FAILED : report.exit_status;
}

int cmd_domain_stats_run(const struct invocation *invocation)
{
    const struct domain_options *options = invocation->options;
    const char *name = invocation->operands[0];
    struct output *output = NULL;
    struct place place;
    struct error error;
    int rc = place_open(options->folder, &place, &error);
    if (rc == 0 && options->output.json)
        rc = output_open(options->output.json, &output, &error);
    if (rc < 0)
        return status_failed(&error);
    interrupt_catch();
    bool lived = place_lives(&place, name);
    rc = look_again(options, &place, name, output, &error);
    bool ended = lived && (rc == -ENOENT || rc == -EPIPE);
    if (output && (rc == 0 || ended)) {
        struct error unwritten;
        int written = output_commit(output, &unwritten);
        if (written < 0)
            return status_failed(&unwritten);
    } else if (output) {
        output_discard(output);
    }
    interrupt_finish();
    return ended ? status_of_ended(&place, name) : rc < 0 ? status_failed(&error) : STATUS_DONE;
}
