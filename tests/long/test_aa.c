/* A/A on this machine: the same thing measured twice, many times. Held to account (TAP) is what must be true
 * on any machine: where both sides share frames and minutes, 1 is outside of a 95 % interval in one run of
 * twenty and not more often, with and without other load. What two measurements with memory of their own
 * reach, one after the other, depends on how much the machine changes in between, which no interval can know:
 * that is told, not judged.
 *
 *   test_aa [--runs N] [--markdown FILE]
 *
 * Ctrl-C ends it and tells what was found so far. */
#include "load.h"
#include "series.h"

#include "cli/interrupt.h"
#include "measure/clock.h"
#include "report/format.h"
#include "base/output.h"
#include "report/progress.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum {
    RUNS = 100,
    SERIES = 6,
    TELL_EVERY = 10,
    HOG_EVERY = 5, /* runs: beside a hog little is left to be measured, and what is must be right */
};

struct test {
    struct aa aa;
    size_t runs;
    const char *markdown; /* file; NULL */
    double started;
    struct progress_line line;
    struct series series[SERIES];
};

/* ---- progress ---- */

/* On a terminal a line that changes; elsewhere one line every now and then. */
static void tell(struct test *test, size_t run, enum load_kind load)
{
    double done = (double)run / (double)test->runs, spent = clock_seconds() - test->started;
    double left = run ? spent / done - spent : -1;
    progress_update(&test->line, done, left, load_names[load]);
    if (!test->line.active && load == LOAD_NONE && run && run % TELL_EVERY == 0)
        fprintf(stderr, "# %zu of %zu runs of each, %s left\n", run, test->runs, format_seconds(left).text);
}

/* ---- measuring ---- */

static int measure(struct test *test, struct series *series, struct error *error)
{
    uint64_t seed = series->count + 1;
    int rc = series->measure(&test->aa, seed, &series->runs[series->count], error);
    series->count += rc == 0;
    return rc;
}

/* A run of each series with that load. */
static int measure_some(struct test *test, enum load_kind kind, struct error *error)
{
    struct load load = {0};
    int rc = load_start(&load, kind, test->aa.setting.pin.cpu, error);
    for (size_t i = 0; rc == 0 && i < SERIES; i++)
        if (test->series[i].load == kind)
            rc = measure(test, &test->series[i], error);
    load_stop(&load);
    return rc;
}

/* In turns, so that all series see the same hours. */
static int measure_all(struct test *test, struct error *error)
{
    int rc = 0;
    for (size_t run = 0; rc == 0 && run < test->runs; run++)
        for (enum load_kind load = LOAD_NONE; rc == 0 && load < LOAD_KINDS; load++) {
            tell(test, run, load);
            if (load != LOAD_HOG || run % HOG_EVERY == 0)
                rc = measure_some(test, load, error);
        }
    progress_clear(&test->line);
    return rc == -EINTR ? 0 : rc;
}

/* ---- telling ---- */

static void write_head(const struct test *test, char *head, size_t size)
{
    const struct host *host = &test->aa.host;
    char date[16];
    time_t now = time(NULL);
    struct tm utc;
    gmtime_r(&now, &utc);
    strftime(date, sizeof date, "%Y-%m-%d", &utc);
    snprintf(head, size, "%s, %s, Linux %s%s%s; %zu runs of each asked for, %s.", date,
        host->cpu.brand.known ? host->cpu.brand.text : "CPU not known",
        host->kernel.known ? host->kernel.text : "not known", host->is_guest ? ", itself a guest of " : "",
        !host->is_guest        ? ""
        : host->guest_of.known ? host->guest_of.text
                               : "something",
        test->runs, format_seconds(clock_seconds() - test->started).text);
}

static int write_markdown(const struct test *test, const char *head, struct error *error)
{
    struct output *output;
    int rc = output_open(test->markdown, &output, error);
    if (rc < 0)
        return rc;
    rc = series_markdown(test->series, SERIES, head, output_stream(output), error);
    if (rc < 0) {
        output_discard(output);
        return rc;
    }
    return output_commit(output, error);
}

static int report(const struct test *test, struct error *error)
{
    char head[1024];
    write_head(test, head, sizeof head);
    series_points(test->series, SERIES, stdout);
    if (test->markdown)
        return write_markdown(test, head, error);
    return series_markdown(test->series, SERIES, head, stderr, error);
}

/* ---- all of it ---- */

static int read_options(struct test *test, int argc, char **argv)
{
    static const struct option options[] = {
        {"runs", required_argument, NULL, 'r'}, {"markdown", required_argument, NULL, 'm'}, {0}};
    int letter;
    test->runs = RUNS;
    while ((letter = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (letter == 'm')
            test->markdown = optarg;
        else if (letter != 'r' || (test->runs = strtoul(optarg, NULL, 10)) == 0)
            return -EINVAL;
    }
    return optind == argc ? 0 : -EINVAL;
}

static int open_series(struct test *test, struct error *error)
{
    const struct series kinds[SERIES] = {
        {.what = "in the same frames", .asserted = true, .measure = aa_same_frames},
        {.what = "in new placements", .measure = aa_new_placements},
        {.what = "in the same frames", .asserted = true, .measure = aa_same_frames, .load = LOAD_NEIGHBOURS},
        {.what = "in new placements", .measure = aa_new_placements, .load = LOAD_NEIGHBOURS},
        {.what = "in the same frames", .asserted = true, .measure = aa_same_frames, .load = LOAD_HOG},
        {.what = "in new placements", .measure = aa_new_placements, .load = LOAD_HOG}};
    for (size_t i = 0; i < SERIES; i++) {
        test->series[i] = kinds[i];
        test->series[i].wanted =
            kinds[i].load == LOAD_HOG ? (test->runs + HOG_EVERY - 1) / HOG_EVERY : test->runs;
        test->series[i].runs = calloc(test->runs, sizeof *test->series[i].runs);
        if (!test->series[i].runs)
            return error_set(error, ENOMEM, "no memory for %zu runs", test->runs);
    }
    return 0;
}

int main(int argc, char **argv)
{
    static struct test test;
    const struct stop stop = {.asked = interrupt_asked};
    struct error error;
    if (read_options(&test, argc, argv) < 0) {
        fprintf(stderr, "usage: test_aa [--runs N] [--markdown FILE]\n");
        return 2;
    }
    interrupt_catch();
    int rc = open_series(&test, &error);
    if (rc == 0)
        rc = aa_open(&test.aa, &stop, &error);
    test.started = clock_seconds();
    progress_start(&test.line, stderr, false, false);
    if (rc == 0 && (rc = measure_all(&test, &error)) == 0)
        rc = report(&test, &error);
    aa_close(&test.aa);
    for (size_t i = 0; i < SERIES; i++)
        free(test.series[i].runs);
    if (rc < 0)
        printf("Bail out! %s\n", error.text);
    interrupt_finish();
    return rc < 0;
}
