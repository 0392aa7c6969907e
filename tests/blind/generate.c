/* Curves of simulated CPUs, with the truth about them, for a test of src/inspect/splinter.h by somebody who
 * has not seen how it works. Nothing of vcost is linked here.
 *
 *   generate --seed N --count N [--first N] [--kind NAME] [--geometry NAME]
 *   generate --list
 *
 * Prints, for each number from --first (0) on, a curve of each kind (or of --kind) on a geometry that the
 * number chooses (or on --geometry, where it has the levels that the kind asks for). The same seed and number
 * make the same curve, whatever --count and --first are. A curve is:
 *
 *   curve SEED NUMBER KIND GEOMETRY TRUTH
 *   given LARGE_SHARE EMULATED TOLD SMALL1 SMALL2 LARGE1 LARGE2 HAS_LARGE
 *   point LINES  PACKED LOW HIGH  SCATTERED LOW HIGH  SMALL LOW HIGH  LARGE LOW HIGH
 *   … more points, lines ascending …
 *   end
 *
 * TRUTH is "no" or "yes", and "unknown" where no other verdict is right, as where only some pages are
 * splintered; "unknown" is never wrong. EMULATED and TOLD are 0 or 1, SMALL1 … LARGE2 entries of the TLB that
 * CPUID tells, by level; HAS_LARGE is 1 where it is known that there are some for large pages. A figure that
 * is not there, and a share that is not known, is "nan". */
#include "kinds.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct request {
    uint64_t seed, count, first;
    const char *kind, *geometry;
    bool list;
};

static void list(void)
{
    for (size_t i = 0; i < kinds_count; i++)
        printf("kind %s\n", kinds[i].name);
    for (size_t i = 0; i < geometries_count; i++)
        printf("geometry %s %s\n", geometries[i].name,
            geometry_has_one_level(&geometries[i]) ? "one-level" : "two-levels");
}

static int fail(const char *what, const char *word)
{
    fprintf(stderr, "generate: %s: %s\n", what, word);
    return 2;
}

static uint64_t number(const char *text, bool *ok)
{
    char *end;
    errno = 0;
    uint64_t value = strtoull(text, &end, 10);
    *ok = *ok && errno == 0 && *text >= '0' && *text <= '9' && *end == '\0';
    return value;
}

/* 0, or an exit status. */
static int read_words(int argc, char **argv, struct request *request)
{
    static const struct option options[] = {{"seed", 1, NULL, 's'}, {"count", 1, NULL, 'c'},
        {"first", 1, NULL, 'f'}, {"kind", 1, NULL, 'k'}, {"geometry", 1, NULL, 'g'}, {"list", 0, NULL, 'l'},
        {0}};
    bool ok = true;
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        uint64_t *numbers[128] = {['s'] = &request->seed, ['c'] = &request->count, ['f'] = &request->first};
        const char **words[128] = {['k'] = &request->kind, ['g'] = &request->geometry};
        if (option == '?')
            return 2;
        if (numbers[option])
            *numbers[option] = number(optarg, &ok);
        else if (words[option])
            *words[option] = optarg;
        else
            request->list = true;
        if (!ok)
            return fail("not a number", optarg);
    }
    return optind < argc ? fail("not expected", argv[optind]) : 0;
}

static size_t find_geometry(const char *name)
{
    for (size_t i = 0; i < geometries_count; i++)
        if (strcmp(geometries[i].name, name) == 0)
            return i;
    return geometries_count;
}

static bool knows_kind(const char *name)
{
    for (size_t i = 0; i < kinds_count; i++)
        if (strcmp(kinds[i].name, name) == 0)
            return true;
    return false;
}

static bool is_wanted(const struct kind *kind, const struct request *request, size_t geometry)
{
    if (request->kind && strcmp(request->kind, kind->name) != 0)
        return false;
    return geometry == geometries_count || geometry_has_one_level(&geometries[geometry]) == kind->one_level;
}

static void print_curves(const struct request *request, size_t geometry)
{
    static struct curve curve;
    for (uint64_t i = request->first; i < request->first + request->count; i++)
        for (size_t k = 0; k < kinds_count; k++)
            if (is_wanted(&kinds[k], request, geometry)) {
                kind_make(&kinds[k], request->seed, i, geometry, &curve);
                curve_print(&curve, stdout);
            }
    pool_forget();
}

int main(int argc, char **argv)
{
    struct request request = {.seed = 1, .count = 1};
    int status = read_words(argc, argv, &request);
    size_t geometry = request.geometry ? find_geometry(request.geometry) : geometries_count;
    if (status)
        return status;
    if (request.list) {
        list();
        return 0;
    }
    if (request.geometry && geometry == geometries_count)
        return fail("no such geometry (--list)", request.geometry);
    if (request.kind && !knows_kind(request.kind))
        return fail("no such kind (--list)", request.kind);
    print_curves(&request, geometry);
    return fflush(stdout) || ferror(stdout) ? 1 : 0;
}
