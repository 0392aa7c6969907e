/* What pages a program's memory really has: the guest's by its own tables, the host's by smaps while it runs.
 */
#include "experiment/run_internal.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#define SMALL_PAGE UINT64_C(0x1000)
#define LARGE_PAGE UINT64_C(0x200000)

/* A program has always some memory that is no candidate for large pages: text, stacks, files. */
static const double mostly = 0.75;

static bool is_as_asked(uint64_t asked, double share_2m)
{
    return !asked || (asked == LARGE_PAGE ? share_2m >= mostly : share_2m == 0);
}

static double prove_host(const struct looks *looks, char *text, size_t bytes)
{
    if (!looks->count || !looks->bytes) {
        snprintf(text, bytes, "host: it ended before its memory could be looked at");
        return NAN;
    }
    snprintf(text, bytes,
        "host: smaps: %" PRIu64 " KiB resident at most, %" PRIu64
        " KiB of it in 2 MiB mappings (%u looks while it ran)",
        looks->bytes >> 10, looks->large_bytes >> 10, looks->count);
    return fmin((double)looks->large_bytes / (double)looks->bytes, 1);
}

static double prove_guest(const struct tally *tally, char *text, size_t bytes)
{
    uint64_t large = tally->used_large, all = large + tally->used_small;
    if (!all) {
        snprintf(text, bytes, "guest: it ended before its tables could be looked at; ");
        return NAN;
    }
    snprintf(text, bytes,
        "guest: its own tables: of %" PRIu64 " pages that it used %" PRIu64 " behind leaves of 2 MiB; ", all,
        large);
    return (double)large / (double)all;
}

void run_pages_prove(struct running *running, size_t index)
{
    const struct run_arm *arm = &running->arms[index];
    struct page_proof *pages = &running->result->cells[index].pages;
    char guest[120] = "", host[160];
    *pages = (struct page_proof){.guest_share_2m = NAN};
    pages->host_share_2m = prove_host(&arm->looks, host, sizeof host);
    if (run_is_guest(arm)) {
        pages->guest_share_2m = prove_guest(&arm->counted, guest, sizeof guest);
        pages->guest_bytes = isnan(pages->guest_share_2m)      ? 0
                             : pages->guest_share_2m >= mostly ? LARGE_PAGE
                                                               : SMALL_PAGE;
    }
    pages->as_asked = is_as_asked(arm->host_page, pages->host_share_2m) &&
                      (!run_is_guest(arm) || is_as_asked(arm->guest_page, pages->guest_share_2m));
    snprintf(pages->proof, sizeof pages->proof, "%s%s", guest, host);
}
