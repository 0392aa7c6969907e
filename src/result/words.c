#include "result/words.h"

#include <math.h>
#include <string.h>

const char *const quality_names[QUALITIES] = {"good", "noisy", "interrupted", "missing"};
const char *const reach_kind_names[REACH_KINDS] = {"unknown", "cache", "tlb"};

const char *quality_name(enum quality quality)
{
    return quality_names[quality];
}

const char *reach_kind_name(enum reach_kind kind)
{
    return reach_kind_names[kind];
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
