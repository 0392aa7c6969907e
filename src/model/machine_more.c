/* Records of what a machine's file need not have: prefetchers, neighbours, what lies below. */
#include "model/machine_checks.h"

const char *const machine_prefetch_names[MACHINE_PREFETCHES] = {"stream", "region"};

enum { PAGE_LINES = 4096 / MACHINE_LINE_BYTES, TRACKERS_MAX = 1024 };

static const struct field prefetcher_fields[] = {
    {"kind", FIELD_ENUM, FIELD_NEEDED, FIELD_AT(struct machine_prefetcher, kind),
        FIELD_NAMES(machine_prefetch_names)},
    {"misses", FIELD_COUNT, FIELD_NEEDED, FIELD_AT(struct machine_prefetcher, misses),
        .about = "It sees the accesses that caches up to this level do not have; 0: all."},
    {"fills", FIELD_COUNT, FIELD_NEEDED, FIELD_AT(struct machine_prefetcher, fills),
        .about = "The cache level that it fetches into."},
    {"trackers", FIELD_COUNT, FIELD_NEEDED, FIELD_AT(struct machine_prefetcher, trackers),
        .about = "Pages that a stream prefetcher watches at once."},
    {"after", FIELD_COUNT, FIELD_NEEDED, FIELD_AT(struct machine_prefetcher, after),
        .about =
            "Stream: steps of the same distance before it fetches. Region: lines used of the page before; "
            "0: it always does."},
    {"distance", FIELD_COUNT, FIELD_NEEDED, FIELD_AT(struct machine_prefetcher, distance),
        .about = "Stream: lines from one access to the next, at most."},
    {"ahead", FIELD_COUNT, FIELD_NEEDED, FIELD_AT(struct machine_prefetcher, ahead),
        .about = "Stream: accesses that it is ahead. Region: lines above the one that missed."},
    {"behind", FIELD_COUNT, FIELD_NEEDED, FIELD_AT(struct machine_prefetcher, behind),
        .about = "Region: lines below the one that missed."},
    {"in_flight", FIELD_COUNT, FIELD_NEEDED, FIELD_AT(struct machine_prefetcher, in_flight),
        .about = "Lines that may be on their way for it at once."},
    {"crosses", FIELD_FLAG, FIELD_NEEDED, FIELD_AT(struct machine_prefetcher, crosses),
        .about = "Whether a stream goes on in the next page of virtual memory."},
    SOURCES(struct machine_prefetcher),
};
static void check_prefetcher(struct reader *reader, void *base)
{
    const struct machine_prefetcher *it = base;
    machine_check_sources(reader, &machine_prefetcher_record, &it->sources);
    machine_check_most(reader, "misses", it->misses, 0, MACHINE_CACHE_LEVELS_MAX);
    machine_check_most(reader, "fills", it->fills, 1, MACHINE_CACHE_LEVELS_MAX);
    machine_check_most(reader, "trackers", it->trackers, 1, it->kind == PREFETCH_REGION ? 1 : TRACKERS_MAX);
    if (it->trackers & (it->trackers - 1))
        reader_refuse_key(reader, "trackers", "is no power of two");
    machine_check_most(reader, "after", it->after, 0, PAGE_LINES);
    machine_check_most(reader, "distance", it->distance, 1, it->kind == PREFETCH_REGION ? 1 : PAGE_LINES - 1);
    machine_check_most(reader, "ahead", it->ahead, 0, PAGE_LINES);
    machine_check_most(reader, "behind", it->behind, 0, it->kind == PREFETCH_REGION ? PAGE_LINES : 0);
    machine_check_most(reader, "in_flight", it->in_flight, 1, MACHINE_FLIGHTS_MAX);
}
const struct record machine_prefetcher_record = {"prefetcher", sizeof(struct machine_prefetcher),
    RECORD_FIELDS(prefetcher_fields), .check = check_prefetcher, .closed = true};

static const struct field neighbours_fields[] = {
    {"lines_per_us", FIELD_COUNT, FIELD_NEEDED, FIELD_AT(struct machine_neighbours, lines_per_us),
        .about = "Lines that others bring into the last cache."},
    SOURCES(struct machine_neighbours),
};
static void check_neighbours(struct reader *reader, void *base)
{
    const struct machine_neighbours *it = base;
    machine_check_sources(reader, &machine_neighbours_record, &it->sources);
    machine_check_most(reader, "lines_per_us", it->lines_per_us, 1, 100000);
}
const struct record machine_neighbours_record = {"neighbours", sizeof(struct machine_neighbours),
    RECORD_FIELDS(neighbours_fields), .check = check_neighbours, .closed = true};

static const struct field below_fields[] = {
    {"page", FIELD_COUNT, FIELD_NEEDED, FIELD_AT(struct machine_below, page),
        .about = "Bytes of the pages that the host gives it."},
    {"fragmented", FIELD_COUNT, FIELD_NEEDED, FIELD_AT(struct machine_below, fragmented),
        .about = "Per cent of its own frames that do not follow the one before."},
    SOURCES(struct machine_below),
};
static void check_below(struct reader *reader, void *base)
{
    const struct machine_below *it = base;
    machine_check_sources(reader, &machine_below_record, &it->sources);
    machine_check_most(reader, "fragmented", it->fragmented, 0, 100);
    if (it->page != 4096 && it->page != 2 << 20 && it->page != 1 << 30)
        reader_refuse_key(reader, "page", "is no size of pages: 4096, 2097152, 1073741824");
}
const struct record machine_below_record = {
    "below", sizeof(struct machine_below), RECORD_FIELDS(below_fields), .check = check_below, .closed = true};
