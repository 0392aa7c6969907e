#include "domain/served/stats.h"

#include "domain/timeline/timeline.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PAGE_BYTES = 4096, WORD_PAGES = 64, LOG_MS = 100 };

#define NO_SAMPLES .missing = "its workload keeps no samples, or has not run yet"
#define AT(member) FIELD_AT(struct domain_stats, member)
static const struct field fields[] = {
    {"samples", FIELD_COUNT, FIELD_NEEDED, AT(recent.samples)},
    {"ns_mean", FIELD_REAL, AT(recent.ns_mean), NO_SAMPLES},
    {"ns_median", FIELD_REAL, AT(recent.ns_median), NO_SAMPLES},
    {"ns_p99", FIELD_REAL, AT(recent.ns_p99), NO_SAMPLES},
    {"longest_pause_ms", FIELD_REAL, AT(recent.longest_ms), NO_SAMPLES},
    {"counters", FIELD_FIELDS, FIELD_NEEDED, AT(counters), .of = &counters_record},
    {"resident_bytes", FIELD_REAL, AT(resident_bytes), .missing = "/proc/self/smaps does not tell"},
    {"large_bytes", FIELD_REAL, AT(large_bytes), .missing = "/proc/self/smaps does not tell"},
    {"written", FIELD_REAL, AT(written),
        .missing = "it was not asked for (--written), which would cost the domain"},
    {"logged_seconds", FIELD_REAL, AT(logged_seconds), .missing = "nothing was recorded for it"},
};
#undef AT
const struct record domain_stats_record = {"now", sizeof(struct domain_stats), RECORD_FIELDS(fields)};

static double count_pages(const uint64_t *bitmap, uint64_t words)
{
    uint64_t count = 0;
    for (uint64_t i = 0; i < words; i++)
        count += (unsigned)__builtin_popcountll(bitmap[i]);
    return (double)count;
}

/* All pages count as written at first. */
static int look_at_writes(struct portable *portable, struct domain_stats *stats, struct error *error)
{
    uint64_t pages = portable_plan(portable)->memory_bytes / PAGE_BYTES, words = pages / WORD_PAGES;
    uint64_t *bitmap = calloc(words, sizeof *bitmap);
    struct error unheard;
    if (!bitmap)
        return error_set(error, ENOMEM, "no memory to record what the domain writes");
    memset(bitmap, 0xff, words * sizeof *bitmap);
    int rc = portable_log(portable, true, error);
    if (rc == 0) {
        double begun = timeline_now();
        rc = portable_dirty_clear(portable, 0, pages, bitmap, error);
        nanosleep(&(struct timespec){.tv_nsec = LOG_MS * 1000000}, NULL);
        if (rc == 0)
            rc = portable_dirty(portable, bitmap, error);
        stats->logged_seconds = timeline_now() - begun;
        if (rc == 0)
            stats->written = count_pages(bitmap, words) * PAGE_BYTES / stats->logged_seconds;
        (void)portable_log(portable, false, &unheard);
    }
    free(bitmap);
    return rc;
}

int stats_look(struct portable *portable, bool written, struct domain_stats *stats, struct error *error)
{
    struct timeline_look look;
    *stats = (struct domain_stats){.written = NAN, .logged_seconds = NAN};
    timeline_look_now(portable, &look);
    stats->resident_bytes = look.resident_bytes;
    stats->large_bytes = look.large_bytes;
    portable_counters(portable, &stats->counters);
    recent_look(portable, &stats->recent);
    return written ? look_at_writes(portable, stats, error) : 0;
}
