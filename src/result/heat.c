#include "result/heat.h"

#include "base/size.h"

#include <math.h>
#include <string.h>

const char *const heat_side_names[HEAT_SIDES] = {"data", "instructions"};

uint64_t heat_tlb_entries(const struct host *host, enum heat_side side, unsigned level, uint64_t page_bytes)
{
    /* Those for loads and for stores hold the same pages: one of them counts. */
    static const char *const types[HEAT_SIDES][2] = {{"data", "data load"}, {"instruction", "instruction"}};
    uint64_t entries = 0;
    for (size_t i = 0; i < host->tlb_count; i++) {
        const struct host_tlb *tlb = &host->tlbs[i];
        bool own = !strcmp(tlb->type, types[side][0]) || !strcmp(tlb->type, types[side][1]);
        if (tlb->level == level && tlb->page_bytes == page_bytes && (own || !strcmp(tlb->type, "unified")))
            entries += tlb->entries;
    }
    return entries;
}

static struct heat_reach reach_of(
    const struct host *host, const struct heat_process *process, enum heat_side side, bool large)
{
    const struct heat_counts *counts = large ? &process->regions[side] : &process->pages[side];
    struct heat_reach reach = {.side = side,
        .page_bytes = large ? 2 * MIB : 4 * KIB,
        .median = counts->median,
        .most = counts->most};
    reach.level1 = heat_tlb_entries(host, side, 1, reach.page_bytes);
    reach.level2 = heat_tlb_entries(host, side, 2, reach.page_bytes);
    if (!host->tlb_source.known)
        reach.reason = host->tlb_source.text;
    else if (!reach.level1 || !reach.level2)
        reach.reason = "this CPU's CPUID names no such TLB";
    return reach;
}

void heat_set_reach(const struct host *host, struct ran_heat *heat)
{
    for (size_t i = 0; i < heat->process_count; i++) {
        struct heat_process *process = &heat->processes[i];
        for (int large = 0; large < 2; large++)
            for (int side = 0; side < HEAT_SIDES; side++)
                process->reach[2 * side + large] = reach_of(host, process, (enum heat_side)side, large);
        process->reach_count = HEAT_REACHES;
    }
}
