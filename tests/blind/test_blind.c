/* The detector of splintered large pages against curves that somebody else made: of simulated CPUs, with the
 * truth known, without a look at how it works (generate.c). It may say that it cannot tell; it may not be
 * wrong. Of clean curves it has to decide most. TAP on stdout.
 *
 *   test_blind GENERATE [--seed N|date] [--count N] [--verdicts FILE]
 *
 * --count: curves of each kind. --verdicts: a line for each curve, with what was said of it. */
#include "read_curve.h"

#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- detectors: the one that is tested, and some that a check worth its name finds out ---- */

typedef int judge(const struct splinter_input *input, struct splinter *splinter, struct error *error);

static int say(enum splinter_verdict verdict, struct splinter *splinter)
{
    *splinter = (struct splinter){.verdict = verdict, .reason = "sabotage"};
    return 0;
}

static int always_yes(const struct splinter_input *input, struct splinter *splinter, struct error *error)
{
    (void)input, (void)error;
    return say(SPLINTER_YES, splinter);
}

static int always_no(const struct splinter_input *input, struct splinter *splinter, struct error *error)
{
    (void)input, (void)error;
    return say(SPLINTER_NO, splinter);
}

static int never_sure(const struct splinter_input *input, struct splinter *splinter, struct error *error)
{
    (void)input, (void)error;
    return say(SPLINTER_UNKNOWN, splinter);
}

static int blind_to_share(const struct splinter_input *input, struct splinter *splinter, struct error *error)
{
    struct splinter_input other = *input;
    other.large_share = 1;
    return splinter_judge(&other, splinter, error);
}

static const struct {
    const char *what;
    judge *judge;
    const char
        *kind; /* by which a sabotaged one has to be found out; "": the rest of this test is about it */
} detectors[] = {
    {"the detector", splinter_judge, ""},
    {"a detector that always says yes", always_yes, "clean-intact"},
    {"a detector that always says no", always_no, "clean-splintered"},
    {"a detector that never decides", never_sure, "clean-intact"},
    {"a detector that ignores the share of large pages", blind_to_share, "no-thp"},
};
enum { TESTED, DETECTORS = sizeof detectors / sizeof detectors[0] };

/* ---- counts ---- */

static const struct {
    const char *name;
    double decided_min; /* share of them that has to be decided; 0: it need not be */
} kinds[] = {
    {"clean-intact", 0.8},
    {"clean-splintered", 0.8},
    {"half-and-half", 0},
    {"one-level", 0.8},
    {"no-thp", 0},
    {"no-large-tlb", 0},
    {"noisy", 0},
    {"bimodal", 0},
    {"shared-l3", 0},
    {"emulated", 0},
    {"hidden-intact", 0.7}, /* the first level may keep large pages in pieces, and only the second tell */
    {"hidden-splintered", 0.7},
    {"hidden-half", 0},
    {"hidden-noisy", 0},
    {"hidden-one-level", 0},
};
enum { KINDS = sizeof kinds / sizeof kinds[0], GEOMETRIES_MAX = 32, TOLD_MAX = 30 };

struct count {
    unsigned curves, decided, wrong;
};

struct test {
    const char *generate;
    uint64_t seed, count;
    FILE *verdicts;
    struct count counts[DETECTORS][KINDS];
    char geometries[GEOMETRIES_MAX][READ_WORD];
    struct count by_geometry[GEOMETRIES_MAX][KINDS]; /* of the tested one */
    unsigned told, points, failed;
};

static size_t find_kind(const char *name)
{
    size_t i = 0;
    while (i < KINDS && strcmp(kinds[i].name, name) != 0)
        i++;
    return i;
}

/* Entered when first met; GEOMETRIES_MAX: no room. */
static size_t find_geometry(struct test *test, const char *name)
{
    for (size_t i = 0; i < GEOMETRIES_MAX; i++) {
        if (test->geometries[i][0] == '\0')
            memcpy(test->geometries[i], name, READ_WORD);
        if (strncmp(test->geometries[i], name, READ_WORD) == 0)
            return i;
    }
    return GEOMETRIES_MAX;
}

static void add(struct count *count, enum splinter_verdict verdict, bool wrong)
{
    count->curves++;
    count->decided += verdict != SPLINTER_UNKNOWN;
    count->wrong += wrong;
}

static double share(unsigned part, unsigned whole)
{
    return whole ? (double)part / whole : NAN;
}

/* ---- judging ---- */

static void tell_verdict(
    struct test *test, const struct labelled *curve, const char *verdict, const char *reason, bool wrong)
{
    if (test->verdicts)
        fprintf(test->verdicts, "%s %" PRIu64 " %" PRIu64 " %s %s truth %s verdict %s: %s\n",
            wrong ? "WRONG" : "right", curve->seed, curve->number, curve->kind, curve->geometry,
            splinter_verdict_name(curve->truth), verdict, reason);
    if (wrong && test->told++ < TOLD_MAX)
        printf("# wrong: generate --seed %" PRIu64 " --first %" PRIu64
               " --count 1 --kind %s (%s): it is %s, said was "
               "%s: %s\n",
            curve->seed, curve->number, curve->kind, curve->geometry, splinter_verdict_name(curve->truth),
            verdict, reason);
}

static void judge_one(struct test *test, size_t detector, const struct labelled *curve, size_t kind)
{
    struct splinter splinter = {0};
    struct error error = {0};
    int rc = detectors[detector].judge(&curve->input, &splinter, &error);
    enum splinter_verdict verdict = rc < 0 ? SPLINTER_UNKNOWN : splinter.verdict;
    bool wrong = rc < 0 || (verdict != SPLINTER_UNKNOWN && verdict != curve->truth);
    add(&test->counts[detector][kind], verdict, wrong);
    if (detector != TESTED)
        return;
    size_t geometry = find_geometry(test, curve->geometry);
    if (geometry < GEOMETRIES_MAX)
        add(&test->by_geometry[geometry][kind], verdict, wrong);
    tell_verdict(test, curve, rc < 0 ? "an error" : splinter_verdict_name(verdict),
        rc < 0 ? error.text : splinter.reason, wrong);
}

static bool judge_all(struct test *test, FILE *stream)
{
    static struct labelled curve;
    int rc;
    while ((rc = read_curve(stream, &curve)) > 0) {
        size_t kind = find_kind(curve.kind);
        for (size_t i = 0; kind < KINDS && i < DETECTORS; i++)
            judge_one(test, i, &curve, kind);
    }
    return rc == 0;
}

static bool run(struct test *test)
{
    char command[1024];
    snprintf(command, sizeof command, "exec '%s' --seed %" PRIu64 " --count %" PRIu64, test->generate,
        test->seed, test->count);
    FILE *stream = popen(command, "r");
    bool ok = stream && judge_all(test, stream);
    return stream && pclose(stream) == 0 && ok;
}

/* ---- what is held against a detector ---- */

static bool is_never_wrong(const struct count *count)
{
    return count->curves > 0 && count->wrong == 0;
}

static bool decides(const struct count *count, size_t kind)
{
    double least = kinds[kind].decided_min;
    return least == 0 || share(count->decided, count->curves) >= least;
}

static bool passes(const struct count *count, size_t kind)
{
    return is_never_wrong(count) && decides(count, kind);
}

static bool is_found_out(const struct test *test, size_t detector)
{
    size_t kind = find_kind(detectors[detector].kind);
    return kind < KINDS && !passes(&test->counts[detector][kind], kind);
}

/* ---- telling ---- */

static void point(struct test *test, bool ok, const char *what, const char *subject)
{
    printf("%sok %u - %s: %s\n", ok ? "" : "not ", ++test->points, subject, what);
    test->failed += !ok;
}

static void tell_table(const struct test *test)
{
    for (size_t i = 0; i < KINDS; i++) {
        const struct count *count = &test->counts[TESTED][i];
        printf("# %-16s decided %5.1f %%, wrong %u, of %u\n", kinds[i].name,
            100 * share(count->decided, count->curves), count->wrong, count->curves);
    }
    for (size_t g = 0; g < GEOMETRIES_MAX && test->geometries[g][0]; g++) {
        printf("# %-16s decided", test->geometries[g]);
        for (size_t i = 0; i < KINDS; i++)
            if (test->by_geometry[g][i].curves)
                printf(" %s %.0f %%", kinds[i].name,
                    100 * share(test->by_geometry[g][i].decided, test->by_geometry[g][i].curves));
        printf("\n");
    }
}

static void tell_points(struct test *test, bool ran)
{
    const struct count *counts = test->counts[TESTED];
    point(test, ran && counts[0].curves == test->count, "all of them came, and could be read", "curves");
    for (size_t i = 0; i < KINDS; i++)
        point(test, is_never_wrong(&counts[i]), "no verdict is wrong", kinds[i].name);
    for (size_t i = 0; i < KINDS; i++)
        if (kinds[i].decided_min > 0)
            point(test, decides(&counts[i], i), "most are decided", kinds[i].name);
    for (size_t i = TESTED + 1; i < DETECTORS; i++)
        point(test, is_found_out(test, i), "is found out", detectors[i].what);
    printf("1..%u\n", test->points);
}

/* 0 or an exit status. */
static int read_words(int argc, char **argv, struct test *test)
{
    static const struct option options[] = {
        {"seed", 1, NULL, 's'}, {"count", 1, NULL, 'c'}, {"verdicts", 1, NULL, 'v'}, {0}};
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (option == 's')
            test->seed = strcmp(optarg, "date") == 0 ? (uint64_t)time(NULL) : strtoull(optarg, NULL, 10);
        else if (option == 'c')
            test->count = strtoull(optarg, NULL, 10);
        else if (option != 'v' || !(test->verdicts = fopen(optarg, "w")))
            return 2;
    }
    test->generate = argv[optind];
    return test->generate ? 0 : 2;
}

int main(int argc, char **argv)
{
    static struct test test = {.seed = 1, .count = 500};
    int status = read_words(argc, argv, &test);
    if (status) {
        fputs("test_blind GENERATE [--seed N|date] [--count N] [--verdicts FILE]\n", stderr);
        return status;
    }
    bool ran = run(&test);
    printf("# seed %" PRIu64 "\n", test.seed);
    tell_table(&test);
    tell_points(&test, ran);
    if (test.verdicts)
        fclose(test.verdicts);
    return test.failed != 0;
}
