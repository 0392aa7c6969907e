#include "result/words.h"

#include <math.h>
#include <string.h>

const char *quality_name(enum quality quality)
{
    static const char *const names[] = {
        [QUALITY_GOOD] = "good",
        [QUALITY_NOISY] = "noisy",
        [QUALITY_INTERRUPTED] = "interrupted",
        [QUALITY_MISSING] = "missing",
    };
    return names[quality];
}

const char *reach_kind_name(enum reach_kind kind)
{
    static const char *const names[] = {
        [REACH_UNKNOWN] = "unknown", [REACH_CACHE] = "cache", [REACH_TLB] = "tlb"};
    return names[kind];
}

const char *cell_reason(const struct result_cell *cell)
{
    if (cell->reason[0])
        return cell->reason;
    if (!isfinite(cell->median) || !isfinite(cell->min))
        return "there is no sample";
    if (!isfinite(cell->low) || !isfinite(cell->high))
        return "an interval needs at least two placements";
    return cell->quality == QUALITY_GOOD ? NULL : "the experiment did not tell why";
}

const char *cell_without_guest(const struct result_cell *cell)
{
    if (cell->cell.guest_page_bytes || (cell->cell.event.name && cell->technique != TECHNIQUE_NONE))
        return NULL;
    return strcmp(cell->cell.monitor, "native") != 0 ? "what is below another machine is not seen from inside"
                                                     : "native code runs in no guest of vcost's";
}

const char *comparison_reason(const struct result_comparison *comparison)
{
    if (!isfinite(comparison->ratio))
        return "one of the two cells has no figure";
    if (isfinite(comparison->low) && isfinite(comparison->high))
        return NULL;
    return comparison->placements < 2 ? "an interval needs at least two placements"
                                      : "no interval could be made";
}
